//! The `furlough` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_cli::run(std::env::args_os())
}
