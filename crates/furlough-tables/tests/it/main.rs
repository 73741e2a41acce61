//! The tests of the tables, in one program, so that they are linked once.

mod common;
mod csv;
mod json_lines;
mod npy;
mod properties;
mod sniff;

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_harness::run(furlough_harness::all![csv, json_lines, npy, properties, sniff])
}
