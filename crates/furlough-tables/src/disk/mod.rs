//! Tables that are larger than memory: two passes over the file make files of rows that a network
//! learns from, in flat memory.
//!
//! The first pass, a [`TableSurvey`], decides which part each row is in and fits the preprocessing
//! to the training rows; the second writes their features ([`DiskTable`]).

mod moments;
mod sample;
mod split;
mod survey;
mod tally;
mod write;

pub use split::PartRows;
pub use survey::{DiskOptions, TableSurvey};
pub use write::DiskTable;
