//! The `furlough` command: turns flags into a recipe, shows what the library does, and says what
//! went wrong.

mod acquire;
mod args;
mod commands;
mod failure;
mod figures;
mod interrupt;
mod limits;
mod progress;
mod terminal;

use args::{Cli, Command};
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what a command line asks, of which the first word is the program's name, and returns what
/// the process is to end with. A command line that makes no sense ends the process at once, and so
/// do signals: the command has the process to itself.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(program) = words.first() {
        terminal::set_program(program);
    }
    let done = match Cli::read(words).command {
        Command::Train(args) => commands::train::run(&args),
        Command::Tune(args) => commands::tune::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Predict(args) => commands::predict::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Card(args) => commands::card::run(&args),
        Command::Data(args) => commands::data::run(args).map(|()| ExitCode::SUCCESS),
        Command::Info(args) => commands::info::run(&args),
        Command::Note(args) => commands::note::run(&args),
        Command::Runs(args) => commands::runs::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Study(args) => commands::study::run(&args),
        Command::Watch(args) => commands::watch::run(&args),
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Flags => commands::flags::run(),
    };
    done.unwrap_or_else(|error| failure::report(&error))
}
