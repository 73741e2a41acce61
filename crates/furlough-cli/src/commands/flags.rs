//! `furlough flags`, which is hidden: the page docs/reference/flags.md, made of the command line's
//! definition.

use crate::args::Cli;
use crate::failure;
use clap::{Arg, Command, CommandFactory};
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
    text
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
