//! The tests of the tables, in one program, so that they are linked once.

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_harness::run(furlough_harness::all![])
}
