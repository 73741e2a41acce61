//! `furlough completions SHELL`.

use crate::args::Cli;
use crate::failure;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints the script that makes `shell` complete this program's commands and flags.
pub fn run(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new(); // the generator panics when it cannot write
    clap_complete::generate(shell, &mut Cli::command(), "furlough", &mut script);
    io::stdout().write_all(&script).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}
