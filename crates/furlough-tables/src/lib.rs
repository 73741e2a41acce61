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
//!
//! The library is silent: it prints nothing, reads no environment variable, and every failure is
//! an [`Error`]. No input makes it panic.
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::exit, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![forbid(unsafe_code)]

pub mod block;

pub mod source;

pub mod readers;

mod error;
pub use error::{Error, Place, Result};

pub use block::{ReadAs, RowBlock, TextValues, Values};

pub use readers::{FileFormat, Reader, sniff};
