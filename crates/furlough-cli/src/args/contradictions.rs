use super::recipe::flag;
use furlough_lab::recipe::{GoesWith, KEYS, LetGo, OneOrMany, Recipe, Settings};

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
            GoesWith::Decaying => Some("there is no weight decay"),
            // Refused where it says anything.
            GoesWith::Table | GoesWith::Value(..) => None,
        });
        if let Some(reason) = reason {
            let hint = if key.name() == "dropout" { "; --input-dropout drops features" } else { "" };
            found.push(format!("{} does nothing, as {reason}{hint}", flag(key.name())));
        }
    }
    let schedules = [
        ("dropout_schedule", &settings.dropout_schedule, "nothing is ever dropped"),
        ("lr_schedule", &settings.lr_schedule, "nothing is learned"),
        ("weight_decay_schedule", &settings.weight_decay_schedule, "no weight ever decays"),
    ];
    for (key, schedule, so) in schedules {
        if let Some(schedule) = schedule.as_ref().filter(|schedule| schedule.is_zero()) {
            found.push(format!("{} {schedule} is 0 throughout, so {so}", flag(key)));
        }
    }
    found
}

/// What of a recipe's file, or of the run that another one begins from, is not taken over: a
/// sentence for each value that is replaced.
pub fn let_go(gone: &[LetGo]) -> Vec<String> {
    let mut others: Vec<(&str, &str)> = Vec::new();
    for gone in gone {
        let other = (gone.other.name(), gone.was.as_str());
        if !others.contains(&other) {
            others.push(other);
        }
    }
    let of = |(other, was): (&str, &str)| {
        let own = gone.iter().filter(|gone| (gone.other.name(), gone.was.as_str()) == (other, was));
        let values: Vec<_> = own.map(|gone| format!("{} = {}", gone.key.name(), gone.value)).collect();
        let (is, was_said) = if values.len() == 1 { ("is", "it was") } else { ("are", "they were") };
        let values = values.join(", ");
        format!("{values} {is} not taken over, as {was_said} said for {other} = {was}; say what is to hold now")
    };
    others.into_iter().map(of).collect()
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
        let found = said("weight_decay_schedule = 'flat_cos'");
        assert_eq!(found, ["--weight-decay-schedule does nothing, as there is no weight decay"]);
        let found = said("dropout_schedule = 'early:0'\nlr_schedule = 'late:1'");
        let expected = [
            "--dropout-schedule early:0 is 0 throughout, so nothing is ever dropped",
            "--lr-schedule late:1 is 0 throughout, so nothing is learned",
        ];
        assert_eq!(found, expected);
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
            "weight_decay = 0.1\nweight_decay_schedule = 'flat_cos'",
            "optimizer = 'adamw'\nweight_decay_schedule = 'flat_cos'",
            "dropout_schedule = 'early:1'\nlr_schedule = 'warmup:0.1+early:0'",
        ] {
            assert_eq!(said(text), Vec::<String>::new(), "{text}");
        }
    }
}
