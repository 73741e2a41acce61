//! Tables of one's own for dropout networks: from a file to typed columns, features and answers.
//!
//! The engine below it is [`furlough`]. The modules, in reading order; each uses only those above
//! it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`block`] | consecutive rows of a file, by columns: what a reader yields |
//! | [`source`] | the bytes of a file or of standard input, decompressed |
//! | [`readers`] | one reader a format, on any number of threads, in flat memory |
//! | [`writers`] | rows as the bytes of a file, some after the others |
//! | [`schema`] | what the columns are: inferred, printed, edited and stored |
//! | [`table`] | typed columns in memory, and their division into parts |
//! | [`preprocessing`] | features and targets of a network, fitted on the training rows |
//! | [`summary`] | what a file holds, for people |
//! | [`figures`] | how good answers for labeled rows are, in the target's units |
//! | [`model`] | a network that answers for tables, and its file |
//! | [`explain`] | which columns a model needs, and what it answers along one of them |
//! | [`disk`] | tables that are larger than memory, as files of rows |
//!
//! The library is silent: it prints nothing, reads no environment variable, and every failure is
//! an [`Error`]. No input makes it panic: where the libraries that read Parquet and Arrow do, that
//! is caught and becomes an error, behind the message that a panic prints.
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::exit, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![forbid(unsafe_code)]

mod calendar;
mod hashing;

pub mod block;

pub mod source;

pub mod readers;

pub mod writers;

pub mod schema;

pub mod table;

pub mod preprocessing;

pub mod summary;

pub mod figures;

pub mod model;

pub mod explain;

pub mod disk;

mod error;
pub use error::{Error, Place, Result};

pub use block::{ReadAs, RowBlock, TextValues, Values};

pub use readers::{FileFormat, Reader, sniff};

pub use schema::{ColumnFindings, ColumnMatch, ColumnSchema, InferOptions, Kind, Role, Schema, TaskChoice};

pub use table::{
    Column, RowSplit, SplitOptions, Table, TableBlock, TableBuilder, TableReader, read_csv, read_table, read_table_like,
};

pub use preprocessing::{Preprocessing, PreprocessingOptions, Scaling, Told};

pub use summary::{ColumnSummary, Concern, TableSummary};

pub use model::{Intervals, PredictionSets, Predictions, Preset, TableAnswers, TableModel, TableOptions};

pub use disk::{DiskOptions, DiskTable, TableSurvey};
