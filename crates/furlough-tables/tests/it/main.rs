//! The tests of the tables, in one program, so that they are linked once.

#[cfg(any(feature = "parquet", feature = "arrow"))]
mod columnar;
mod common;
mod csv;
mod disk;
mod explain;
mod from_files;
mod json_lines;
mod members;
mod messy;
mod model;
mod npy;
mod preprocessing;
mod properties;
mod realmlp;
mod rows;
mod sample_tables;
mod schema;
mod sniff;
mod summary;
mod sure;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    furlough_harness::run(furlough_harness::all![
        #[cfg(any(feature = "parquet", feature = "arrow"))]
        columnar,
        csv,
        explain,
        disk,
        from_files,
        json_lines,
        members,
        messy,
        model,
        npy,
        preprocessing,
        properties,
        realmlp,
        rows,
        schema,
        sniff,
        summary,
        sure,
        table
    ])
}
