//! The `furlough` command, as the wheel brings it.

use crate::exceptions::guarded;
use pyo3::prelude::*;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what a command line asks and returns the exit code; the first word is the program's name.
/// Help and mistakes end the process.
#[pyfunction]
pub fn command(py: Python<'_>, words: Vec<OsString>) -> PyResult<u8> {
    let code = guarded(py, || Ok(furlough_cli::run(words)))?;
    Ok((0..=u8::MAX).find(|&number| ExitCode::from(number) == code).unwrap_or(1))
}
