//! How to have again what a page shows, in this command's words.

use crate::commands::info::too_much_decay;
use crate::terminal::shell_word;
use furlough::counted;
use furlough::data::catalog;
use furlough_lab::run::{Failure, RunContents, RunDir};

/// How a study is repeated whose file is on the page.
pub const STUDY: &str = "With this saved as study.toml, `furlough study run study.toml` trains what is not trained \
                         yet, and `furlough report` on its folder writes this page.";

/// Returns what to type to have a run again, or to go on with it; `from` says whether it began from
/// what another one had learned, and `outer` is the folder to go on with.
pub fn commands(folder: &str, outer: &str, contents: &RunContents, from: bool) -> String {
    let RunContents { recipe, failure, manifest, .. } = contents;
    let own = if recipe.data() == catalog::OWN_FILES { " --data-dir DIR" } else { "" };
    let name = shell_word(folder);
    let start = shell_word(format!("{folder}/{}", RunDir::START));
    let from = if from { format!(" --from {start}") } else { String::new() };
    let train = |more: &str| format!("furlough train --recipe recipe.toml{from}{more}{own} --out again");
    let evaluate = format!("# the same figures class by class\nfurlough evaluate {name}{own}");
    match (failure, manifest) {
        (Some(Failure::Diverged { .. }), _) => {
            let lr = recipe.options().learning_rate;
            let (what, more) = match too_much_decay(recipe) {
                Some(_) => ("weight decay", format!(" --weight-decay {:e}", 1e-4 / lr)),
                None => ("rate", format!(" --lr {} --max-norm 3", lr / 10.0)),
            };
            format!(
                "# the recipe below, saved as recipe.toml, diverges at the same step each time; try a lower {what}\n\
                 {}",
                train(&more)
            )
        }
        (Some(Failure::Error { .. }), _) => {
            format!("# try again with the recipe below saved as recipe.toml\n{}", train(""))
        }
        (None, None) => format!("# go on with it\nfurlough train --resume {}{own}", shell_word(outer)),
        (None, Some(manifest)) if manifest.is_cut_short() => {
            let all = counted(recipe.options().epochs as usize, "epoch");
            format!(
                "# this run was cut short; the recipe below, saved as recipe.toml, trains all {all}\n{}\n{evaluate}",
                train("")
            )
        }
        (None, Some(_)) => {
            format!("# with the recipe below saved as recipe.toml\n{}\n{evaluate}", train(""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use furlough_lab::recipe::Settings;
    use furlough_lab::run::Manifest;

    fn manifest(stop_reason: &str) -> Option<Manifest> {
        let text = format!(
            "{{\"version\":1,\"status\":\"finished\",\"stop_reason\":\"{stop_reason}\",\"library\":\"\",\
             \"data_origin\":\"\",\"data_fingerprint\":\"\",\"steps\":1,\"seconds\":1.0,\"last\":null,\"files\":[]}}"
        );
        Some(serde_json::from_str(&text).unwrap())
    }

    /// How it was trained, with `from` the weights of another run.
    fn typed(failure: Option<Failure>, manifest: Option<Manifest>, from: bool) -> String {
        let recipe = Settings::parse("data = 'idx'\nlr = 0.2\nepochs = 7", None).unwrap().resolve().unwrap();
        commands("my runs/a", "my runs/a", &RunContents { recipe, records: Vec::new(), manifest, failure }, from)
    }

    #[test]
    fn a_decay_that_diverges_is_lowered_and_not_the_rate() {
        let text = "data = 'digits'\nlr = 0.5\nweight_decay = 20";
        let recipe = Settings::parse(text, None).unwrap().resolve().unwrap();
        let failure = Some(Failure::Diverged { epoch: 1, step: None, loss: "NaN".into() });
        let said = commands("a", "a", &RunContents { recipe, records: Vec::new(), manifest: None, failure }, false);
        assert!(said.contains("try a lower weight decay\nfurlough train"), "{said}");
        assert!(said.ends_with("--recipe recipe.toml --weight-decay 2e-4 --out again"), "{said}");
    }

    const START: &str = " --from 'my runs/a/start.safetensors'";
    const EVALUATE: &str = "\n# the same figures class by class\nfurlough evaluate 'my runs/a' --data-dir DIR";

    #[test]
    fn what_goes_on_needs_nothing_else() {
        let said = "# go on with it\nfurlough train --resume 'my runs/a' --data-dir DIR";
        assert_eq!([false, true].map(|from| typed(None, None, from)), [said, said]);
    }

    #[test]
    fn what_began_from_other_weights_begins_from_them_again() {
        let diverged = || Some(Failure::Diverged { epoch: 1, step: None, loss: "NaN".into() });
        let error = || Some(Failure::Error { reason: "it does not fit".into() });
        for (from, start) in [(false, ""), (true, START)] {
            let train =
                |more: &str| format!("\nfurlough train --recipe recipe.toml{start}{more} --data-dir DIR --out again");
            let said = typed(diverged(), None, from);
            assert!(said.ends_with(&train(" --lr 0.02 --max-norm 3")), "{said}");
            // A log of an older version.
            assert_eq!(typed(diverged(), manifest("finished"), from), said);
            let said = typed(error(), None, from);
            assert!(said.ends_with(&train("")), "{said}");
            let said = typed(None, manifest("early-stopped"), from);
            assert_eq!(said, format!("# with the recipe below saved as recipe.toml{}{EVALUATE}", train("")));
            let said = typed(None, manifest("asked"), from);
            let all = "# this run was cut short; the recipe below, saved as recipe.toml, trains all 7 epochs";
            assert_eq!(said, format!("{all}{}{EVALUATE}", train("")));
        }
    }
}
