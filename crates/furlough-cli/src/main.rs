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
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::read().command {
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
