//! `furlough flags`, which is hidden: the page docs/reference/flags.md, made of the command line's
//! definition.

use crate::args::Cli;
use crate::failure;
use clap::{Arg, Command, CommandFactory};
use furlough_lab::recipe::{Absent, Form, GoesWith, KEYS, RecipeKey, Scale, Search, Usual, Varies};
use furlough_lab::tune::SearchKey;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

const HEAD: &str = "# Flags and keys

This page is generated: `cargo run --release -- flags > docs/reference/flags.md` writes it again, and a test compares \
it.

A recipe file is a flat TOML table whose keys are those of the column *key*; `--recipe FILE` reads one, and flags \
override it.
A key decides the numbers of a run; a flag without a key decides none.
";

/// Prints the page.
pub fn run() -> anyhow::Result<ExitCode> {
    io::stdout().write_all(page().as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the page.
pub fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut text = HEAD.to_string();
    for command in cli.get_subcommands().filter(|command| shown(command)) {
        section(&mut text, command, &format!("furlough {}", command.get_name()));
    }
    keys(&mut text);
    text
}

/// Adds the table of what studies and `furlough tune` do with keys.
fn keys(text: &mut String) {
    text.push_str(KEYS_HEAD);
    let searched: Vec<SearchKey> = SearchKey::all();
    let shape = searched.iter().filter(|key| matches!(key, SearchKey::Width | SearchKey::Depth));
    let rows = KEYS.iter().map(|key| (key.name(), Some(key))).chain(shape.map(|key| (key.name(), None)));
    for (name, key) in rows {
        let search = searched.iter().find(|key| key.name() == name);
        let (usual, how) = search.map_or((String::new(), String::new()), |key| (usual(*key), how(key.search())));
        let study = match key.map(RecipeKey::varies) {
            None => "",
            Some(Varies::ByArm) => "any arm",
            Some(Varies::ByStudy) => "`[base]`",
            Some(Varies::BySeed) => "`[seeds]`",
        };
        let needs: Vec<String> = key.map_or(&[][..], |key| key.goes_with()).iter().map(need).collect();
        let _ = writeln!(text, "| `{name}` | {} | {study} | {usual} | {how} |", needs.join(", "));
    }
}

const KEYS_HEAD: &str = "
## What goes with a key

A key does nothing without what it *goes with*.
A study sets it for *any arm* (`[base]`, `[axes]`, `[[grid]]`), in the study's `[base]` alone, or by `[seeds]`.
`furlough tune --search KEY` searches it in the range given here; `KEY=LOW..HIGH` or `KEY=NAME,NAME` says another one.

| key | goes with | in a study | `tune` searches | how |
|---|---|---|---|---|
";

/// Returns what is searched where nothing is said.
fn usual(key: SearchKey) -> String {
    let none = match key.search().absent {
        None => "",
        Some(Absent::Below | Absent::Above) => ", or none",
    };
    match (key, key.search().usual) {
        (SearchKey::Width, Usual::Around(factor)) => {
            format!("the base's widest layer divided by {factor} to that times {factor}")
        }
        (SearchKey::Depth, Usual::Between(low, high)) => {
            format!("{low} to {high} hidden layers, or to one more than the base has")
        }
        (_, Usual::Between(low, high)) => format!("{} to {}{none}", small(low), small(high)),
        (_, Usual::Around(factor)) => format!("the base's divided by {factor} to that times {factor}{none}"),
        (_, Usual::Choices(names)) => code(names),
        (SearchKey::Key(key), Usual::AllNames) => match key.form() {
            Form::Choice(names) => code(&names),
            Form::Text | Form::Number | Form::Switch => String::new(),
        },
        (SearchKey::Width | SearchKey::Depth, Usual::AllNames) => String::new(),
    }
}

fn code(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns `1e-6` for 0.000001.
fn small(value: f64) -> String {
    if value > 0.0 && value < 1e-3 { format!("{value:e}") } else { value.to_string() }
}

fn how(search: Search) -> String {
    match search.scale {
        Scale::Even => "evenly, in steps of 0.01",
        Scale::Ratio => "by ratio, in two digits",
        Scale::WholeByRatio => "by ratio; whole numbers, multiples of 8 from 64 on",
        Scale::Each | Scale::Choice => "each as likely",
    }
    .into()
}

fn need(need: &GoesWith) -> String {
    match need {
        GoesWith::HiddenLayers => "a hidden layer".into(),
        GoesWith::Dropping => "a drop probability above 0".into(),
        GoesWith::Decaying => "a weight decay above 0".into(),
        GoesWith::Table => "a table".into(),
        GoesWith::Value(key, values) => format!("`{key}` {}", code(values)),
    }
}

fn shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

/// Adds a command and the commands below it.
fn section(text: &mut String, command: &Command, name: &str) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "\n## `{name}`\n\n{about}.\n");
    let arguments: Vec<&Arg> =
        command.get_arguments().filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version")).collect();
    let keys: Vec<&str> = command
        .get_groups()
        .filter(|group| group.get_id() == "RecipeArgs")
        .flat_map(|group| group.get_args().map(clap::Id::as_str))
        .filter(|&id| id != "recipe")
        .collect();
    if !arguments.is_empty() {
        let (head, line) = if keys.is_empty() { ("", "") } else { (" key |", "---|") };
        let _ = write!(text, "\n| flag |{head} what it is | default |\n|---|{line}---|---|\n");
    }
    for argument in arguments {
        let (what, default) = described(argument);
        let key = match keys.contains(&argument.get_id().as_str()) {
            _ if keys.is_empty() => String::new(),
            true => format!(" `{}` |", argument.get_id()),
            false => " |".into(),
        };
        let _ = writeln!(text, "| {} |{key} {what} | {default} |", flag(argument));
    }
    for below in command.get_subcommands().filter(|below| shown(below)) {
        section(text, below, &format!("{name} {}", below.get_name()));
    }
}

/// Returns `--lr RATE` or `RUN`, as code.
fn flag(argument: &Arg) -> String {
    let value = argument.get_num_args().is_some_and(|range| range.takes_values());
    let names = argument.get_value_names().filter(|_| value).unwrap_or_default();
    let value = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let name = argument.get_long().map(|long| format!("--{long}")).unwrap_or_default();
    let short = argument.get_short().map(|short| format!(", `-{short}`")).unwrap_or_default();
    format!("`{}`{short}", format!("{name} {value}").trim()).replace('|', "\\|")
}

/// Returns what the help says, and the default that stands at its end in brackets.
fn described(argument: &Arg) -> (String, String) {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    let (what, default) =
        match help.rsplit_once(" [default: ").and_then(|(what, rest)| Some((what, rest.strip_suffix(']')?))) {
            Some((what, default)) => (what.to_string(), default.to_string()),
            None => (help.clone(), String::new()),
        };
    let values: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let takes = argument.get_num_args().is_some_and(|range| range.takes_values());
    match values.is_empty() || !takes {
        true => (what, default),
        false => (format!("{what}: {}", values.join(", ")), default),
    }
}
