use super::recipe::flag;
use furlough_lab::recipe::{GoesWith, KEYS, OneOrMany, Recipe, Settings};

/// What was set and does nothing, or may not mean what it seems to: a sentence each.
pub fn contradictions(settings: &Settings, recipe: &Recipe) -> Vec<String> {
    let mut found = Vec::new();
    // In many countries this is how a tenth is written.
    if matches!(&settings.dropout, Some(OneOrMany::Many(rates)) if *rates == [0.0, 1.0]) {
        let means = "drops nothing after the first hidden layer and every unit after the second";
        found.push(format!("--dropout 0,1 {means}; the number is written 0.1"));
    }
    let rates = match &settings.dropout {
        Some(OneOrMany::One(p)) => *p > 0.0,
        Some(OneOrMany::Many(rates)) => !rates.is_empty(),
        None => false,
    };
    for key in KEYS.iter().filter(|key| key.is_said(settings) && (key.name() != "dropout" || rates)) {
        let reason = key.goes_with().iter().filter(|need| !need.holds(recipe)).find_map(|need| match need {
            GoesWith::HiddenLayers => Some("there is no hidden layer"),
            GoesWith::Dropping => Some("nothing is dropped"),
            // Refused where it says anything.
            GoesWith::Value(..) => None,
        });
        if let Some(reason) = reason {
            let hint = if key.name() == "dropout" { "; --input-dropout drops features" } else { "" };
            found.push(format!("{} does nothing, as {reason}{hint}", flag(key.name())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let settings = Settings::parse(text, None).unwrap();
        contradictions(&settings, &settings.clone().resolve().unwrap())
    }

    #[test]
    fn settings_that_do_nothing_are_told() {
        let none = "hidden = []\ndropout = 0.5\nactivation = 'relu'\nmax_norm = 3.0";
        let found = said(none);
        assert!(
            found[0].starts_with("--dropout does nothing, as there is no hidden layer; --input-dropout"),
            "{found:?}"
        );
        assert!(found[1].starts_with("--activation does") && found[2].starts_with("--max-norm does"), "{found:?}");
        let found = said("dropout = 0\ndropout_kind = 'gaussian'\ndropout_sharing = 4\ndropout_schedule = 'decay'");
        let flags: Vec<_> = found.iter().map(|one| one.split(' ').next().unwrap()).collect();
        assert_eq!(flags, ["--dropout-kind", "--dropout-sharing", "--dropout-schedule"]);
        assert!(said("dropout = [0.0, 1.0]")[0].ends_with("the number is written 0.1"));
    }

    #[test]
    fn settings_that_do_something_are_not() {
        for text in [
            "",
            "hidden = []\ndropout = 0",
            "hidden = []\ndropout = []",
            "hidden = []\ninput_dropout = 0.2\ndropout_kind = 'gaussian'",
            "dropout = [0.0, 0.5]\ndropout_sharing = 4",
            "dropout = 1",
        ] {
            assert_eq!(said(text), Vec::<String>::new(), "{text}");
        }
    }
}
