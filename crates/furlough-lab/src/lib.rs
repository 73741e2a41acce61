//! Experiments with dropout on disk: recipes, runs that survive anything, studies, searches for p,
//! and reports.
//!
//! The engine below it is [`furlough`]. The modules, in reading order; each uses only those above
//! it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`recipe`] | what somebody said of a run, and the recipe that was decided and checked |
//! | [`source`] | what runs learn from: sets, or a table of which each makes its own features |
//! | [`run`] | what a run leaves on disk, and how it goes on from there |
//! | [`study`] | many runs as one experiment, and what may be concluded from it |
//! | [`tune`] | drop probabilities for somebody's own data, and whether dropout helps there |
//! | [`report`] | what runs and studies did, as pages |
//!
//! The library is silent: it prints nothing, reads no environment variable, and every failure is
//! an [`Error`]. Its writer reads a monotonic clock for its rests, and no number depends on it.
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::exit, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod recipe;

pub mod source;

pub mod run;

pub mod study;

pub mod tune;

pub mod report;

mod csv_text;
mod error;
mod json;
pub use error::{Error, Result};
