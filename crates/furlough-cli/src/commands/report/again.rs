//! How to have again what a page shows, in this command's words.

use crate::terminal::shell_word;
use furlough::data::catalog;
use furlough_lab::run::{Failure, RunContents, RunDir};

/// How a study is repeated whose file is on the page.
pub const STUDY: &str = "With this saved as study.toml, `furlough study run study.toml` trains what is not trained \
                         yet, and `furlough report` on its folder writes this page.";

/// Returns what to type to have a run again, or to go on with it; `from` says whether it began from
/// what another one had learned.
pub fn commands(folder: &str, contents: &RunContents, from: bool) -> String {
    let own = if contents.recipe.data() == catalog::OWN_FILES { " --data-dir DIR" } else { "" };
    let name = shell_word(folder);
    match (&contents.failure, &contents.manifest) {
        (Some(Failure::Diverged { .. }), _) => {
            let lr = contents.recipe.options().learning_rate / 10.0;
            format!(
                "# the recipe below, saved as recipe.toml, diverges at the same step each time; try a lower rate\n\
                 furlough train --recipe recipe.toml --lr {lr} --max-norm 3{own} --out again"
            )
        }
        (Some(Failure::Error { .. }), _) => format!(
            "# try again with the recipe below saved as recipe.toml\nfurlough train --recipe recipe.toml{own} \
             --out again"
        ),
        (None, None) => format!("# go on with it\nfurlough train --resume {name}{own}"),
        (None, Some(_)) => {
            let start = shell_word(format!("{folder}/{}", RunDir::START));
            let from = if from { format!(" --from {start}") } else { String::new() };
            format!(
                "# with the recipe below saved as recipe.toml\n\
                 furlough train --recipe recipe.toml{from}{own} --out again\n\
                 # the same figures class by class\nfurlough evaluate {name}{own}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use furlough_lab::recipe::Settings;

    #[test]
    fn what_to_type_can_be_typed() {
        let recipe = Settings::parse("data = 'idx'\nlr = 0.2", None).unwrap().resolve().unwrap();
        let begun = RunContents { recipe, records: Vec::new(), manifest: None, failure: None };
        let folder = "my runs/a";
        let said = commands(folder, &begun, false);
        assert_eq!(said, "# go on with it\nfurlough train --resume 'my runs/a' --data-dir DIR");
        let failure = Some(Failure::Diverged { epoch: 1, step: None, loss: "NaN".into() });
        let said = commands(folder, &RunContents { failure, ..begun }, false);
        assert!(
            said.ends_with("furlough train --recipe recipe.toml --lr 0.02 --max-norm 3 --data-dir DIR --out again")
        );
    }
}
