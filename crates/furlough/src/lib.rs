//! Train networks with dropout: fast, on the CPU, and with the same bits every time.
//!
//! The modules, in reading order; each uses only those above it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`random`] | Philox4x32-10 and the named streams: randomness as a pure function |
//! | [`data`] | data sets in memory, their file formats, and the order of an epoch |
//! | [`nn`] | the layer list, the layers' mathematics, and *the definition of dropout* |
//! | [`optim`] | optimisers |
//! | [`compute`] | what one training step costs: kernels, threads, workspace |
//! | [`train`] | the recipe, the training loop and its events |
//! | [`predict`] | a trained network's answers, how good they are, and how sure |
//! | [`run`] | what a run leaves on disk, and how it goes on from there |
//! | [`study`] | many runs as one experiment, and what may be concluded from it |
//! | [`tune`] | drop probabilities chosen for somebody's own data, and whether dropout helps there |
//! | [`report`] | what runs and studies did, as pages |
//!
//! The library is silent: it prints nothing, reads no environment variable and no clock, and every
//! failure is an [`Error`].
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::exit, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod random;

pub mod data;

pub mod nn;

pub mod optim;

pub mod compute;

pub mod train;

pub mod predict;

pub mod run;

pub mod study;

pub mod tune;

pub mod report;

mod error;
pub use error::{Error, Result};

/// The README's and the guide's code is compiled and run with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/guide.md")]
#[doc = include_str!("../../../docs/tune.md")]
struct Pages;
