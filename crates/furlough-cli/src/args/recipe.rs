//! The flags that make up a recipe: one for each key of the laboratory's table.

use crate::terminal::name;
use anyhow::Context;
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches, Id, value_parser};
use furlough_lab::recipe::{Form, KEYS, LetGo, RecipeKey, Settings};
use std::path::PathBuf;

/// What all flags of a recipe are called together.
const GROUP: &str = "RecipeArgs";

/// The flag with a recipe's file.
const FILE: &str = "recipe";

/// The flags that make up a recipe, as they were typed. Values that make no sense are found by
/// `Settings::resolve`, so that flags and files get the same messages.
#[derive(Debug, Clone, Default)]
pub struct RecipeArgs {
    /// The recipe's file, which flags override key by key.
    pub recipe: Option<PathBuf>,
    said: Vec<(&'static RecipeKey, String)>,
}

impl RecipeArgs {
    /// What the flags say, and the recipe's file where they say nothing, and what of that file they
    /// leave out. Folds that a flag asks for are stratified; those of a file are as the file says,
    /// so that it means what it always meant.
    pub fn settings(&self) -> anyhow::Result<(Settings, Vec<LetGo>)> {
        let file = match &self.recipe {
            None => Settings::default(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("cannot read recipe {}", path.display()))?;
                Settings::parse(&text, Some(path))?
            }
        };
        let flags = self.flags()?;
        let stratified = flags.folds.and(Some(true));
        let gone = flags.lets_go_of(&file);
        let said = flags.over(file);
        Ok((Settings { stratified: said.stratified.or(stratified), ..said }, gone))
    }

    /// What the flags say, the recipe file left out.
    pub(super) fn flags(&self) -> furlough_lab::Result<Settings> {
        let mut settings = Settings::default();
        for (key, text) in &self.said {
            key.say(&mut settings, text)?;
        }
        Ok(settings)
    }

    /// The flags of a recipe that were given.
    pub(super) fn given(matches: &ArgMatches) -> Vec<String> {
        let given = matches.get_many::<Id>(GROUP).into_iter().flatten();
        given.map(|id| flag(id.as_str())).collect()
    }
}

/// `--input-dropout` for `input_dropout`.
pub(super) fn flag(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

impl Args for RecipeArgs {
    fn group_id() -> Option<Id> {
        Some(GROUP.into())
    }

    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .help("Read the recipe from a TOML file; flags override it key by key")
            .help_heading("Recipe")
            .value_parser(value_parser!(PathBuf));
        let names = std::iter::once(FILE).chain(KEYS.iter().map(RecipeKey::name));
        command.group(ArgGroup::new(GROUP).multiple(true).args(names)).arg(file).args(KEYS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RecipeArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = RecipeArgs::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let text = |key: &'static RecipeKey| Some((key, matches.get_one::<String>(key.name())?.clone()));
        self.recipe = matches.get_one(FILE).cloned();
        self.said = KEYS.iter().filter_map(text).collect();
        Ok(())
    }
}

/// The flag of a key.
fn argument(key: &'static RecipeKey) -> Arg {
    let default = key.default().map_or(String::new(), |default| format!(" [default: {default}]"));
    let argument = Arg::new(key.name())
        .long(key.name().replace('_', "-"))
        .value_name(key.value_name())
        .help(format!("{}{default}", key.help()))
        .help_heading(key.heading().name())
        .action(ArgAction::Set);
    match key.form() {
        Form::Text => argument.value_parser(checked(key)),
        Form::Number => argument.value_parser(checked(key)).allow_negative_numbers(true),
        Form::Choice(names) => argument.value_parser(PossibleValuesParser::new(names)),
        Form::Switch => argument
            .value_parser(PossibleValuesParser::new(["true", "false"]))
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
    }
}

/// A text with the form of the key's value.
fn checked(key: &'static RecipeKey) -> ValueParser {
    ValueParser::new(move |text: &str| match key.check_form(text) {
        Ok(()) => Ok(text.to_string()),
        Err(reason) => Err(name(&reason)),
    })
}

#[cfg(test)]
mod tests {
    use crate::args::{Cli, Command};
    use clap::CommandFactory;
    use furlough_lab::recipe::{Form, KEYS, RecipeKey, Settings};
    use std::collections::HashSet;

    /// A value of each key that is a text of its own.
    const TEXTS: [(&str, &str); 6] = [
        ("data", "digits"),
        ("dropout_schedule", "ramp:0.25"),
        ("init", "uniform:0.5"),
        ("lr_schedule", "warmup:0.5+cosine"),
        ("weight_decay_schedule", "flat_cos"),
        ("class_weights", "balanced"),
    ];

    fn sample(key: &RecipeKey) -> String {
        match key.form() {
            Form::Choice(names) => names[names.len() - 1].to_string(),
            Form::Switch => "true".into(),
            Form::Number => "1".into(),
            Form::Text => {
                let sample = TEXTS.iter().find(|(name, _)| *name == key.name());
                sample.unwrap_or_else(|| panic!("give {} a sample", key.name())).1.into()
            }
        }
    }

    fn flags(words: &[String]) -> Settings {
        match Cli::from(["furlough", "train"].map(String::from).iter().chain(words)).unwrap().command {
            Command::Train(args) => args.recipe.flags().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Each key means the same as a flag and in a file, is kept by `or`, and can be taken back.
    #[test]
    fn every_key_is_read_from_flags_and_files() {
        let mut all = Settings::default();
        for key in KEYS {
            let text = sample(key);
            let line = match key.form() {
                Form::Number | Form::Switch => format!("{} = {text}", key.name()),
                Form::Text | Form::Choice(_) => format!("{} = {text:?}", key.name()),
            };
            let file = Settings::parse(&line, None).unwrap();
            assert_eq!(flags(&[format!("--{}={text}", key.name().replace('_', "-"))]), file, "{line}");
            assert!(key.is_said(&file) && !key.is_said(&Settings::default()), "{line}");
            assert_eq!(file.clone().or(Settings::default()), file, "{line}");
            assert_eq!(Settings::default().or(file.clone()), file, "{line}");
            let mut none = file.clone();
            key.clear(&mut none);
            assert_eq!(none, Settings::default(), "{line}");
            all = all.or(file);
        }
        assert!(KEYS.iter().all(|key| key.is_said(&all)));
    }

    #[test]
    fn folds_of_a_flag_are_stratified_and_those_of_a_file_as_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        let of = |file: &str, flags: &[&str]| {
            std::fs::write(&path, file).unwrap();
            let words = ["furlough", "train", "--recipe", path.to_str().unwrap()];
            match Cli::from(words.iter().chain(flags)).unwrap().command {
                Command::Train(args) => args.recipe.settings().unwrap().0.stratified,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(of("", &["--folds", "5"]), Some(true));
        assert_eq!(of("", &["--folds", "5", "--stratified=false"]), Some(false));
        assert_eq!(of("folds = 5", &["--fold", "2"]), None);
        assert_eq!(of("folds = 5", &["--stratified"]), Some(true));
        assert_eq!(of("folds = 5\nstratified = false", &["--folds", "4"]), Some(false));
        assert_eq!(of("", &[]), None);
    }

    #[test]
    fn no_two_keys_share_a_name_or_a_flag() {
        let mut command = Cli::command();
        command.build();
        for name in ["train", "tune"] {
            let command = command.find_subcommand(name).unwrap();
            let mut seen = HashSet::new();
            for long in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(seen.insert(long.to_string()), "{name}: --{long} is there twice");
            }
            for key in KEYS {
                assert!(seen.remove(&key.name().replace('_', "-")), "{name}: --{} is missing or twice", key.name());
            }
        }
    }

    #[test]
    fn every_key_is_on_the_page_of_flags() {
        let page = crate::commands::flags::page();
        for key in KEYS {
            let what = format!("| `{}` | {}", key.name(), key.help().replace('|', "\\|"));
            assert_eq!(page.matches(&what).count(), 2, "{what}");
            assert_eq!(page.matches(&format!("\n| `{}` | ", key.name())).count(), 1, "{}", key.name());
        }
    }
}
