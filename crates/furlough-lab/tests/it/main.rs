//! The tests of the lab, in one program, so that they are linked once.

mod presets;
mod resume;
mod run_directory;
mod tune;
mod version1;

use std::process::ExitCode;
use std::sync::RwLock;

/// Between its birth and its start a child process shares its parent's locks on folders. So a test
/// that starts one has this for writing, and one that locks folders has it for reading.
static CHILDREN: RwLock<()> = RwLock::new(());

fn main() -> ExitCode {
    if run_directory::is_child() {
        return ExitCode::SUCCESS;
    }
    furlough_harness::run(furlough_harness::all![presets, resume, run_directory, tune, version1])
}
