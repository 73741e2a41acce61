//! The tests of the command, in one program, so that they are linked once.

mod common;
#[cfg(target_os = "linux")]
mod disk;
mod early_stopping;
mod errors;
mod explain;
mod flags_page;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod going_on;
mod guide;
mod help;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(unix)]
mod members;
#[cfg(unix)]
mod names;
#[cfg(unix)]
mod pipes;
mod predict;
mod presets;
mod report;
#[cfg(unix)]
mod resume;
mod study;
mod table_files;
mod tables;
#[cfg(unix)]
mod tensorboard;
#[cfg(unix)]
mod terminal;
mod train;
#[cfg(unix)]
mod tune;
mod warnings;
mod watch;
#[cfg(target_os = "linux")]
mod watch_browser;

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_harness::run(furlough_harness::all![
        #[cfg(target_os = "linux")]
        disk,
        early_stopping,
        errors,
        explain,
        flags_page,
        #[cfg(target_os = "linux")]
        full_disk,
        #[cfg(unix)]
        going_on,
        guide,
        help,
        #[cfg(target_os = "linux")]
        limits,
        #[cfg(unix)]
        members,
        #[cfg(unix)]
        names,
        #[cfg(unix)]
        pipes,
        predict,
        presets,
        report,
        #[cfg(unix)]
        resume,
        study,
        tables,
        #[cfg(unix)]
        tensorboard,
        #[cfg(unix)]
        terminal,
        table_files,
        train,
        #[cfg(unix)]
        tune,
        warnings,
        watch,
        #[cfg(target_os = "linux")]
        watch_browser,
    ])
}
