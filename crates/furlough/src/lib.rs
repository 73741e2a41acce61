//! Train networks with dropout: fast, on the CPU, and with the same bits every time.
//!
//! ```
//! use furlough::prelude::*;
//!
//! let digits = digits::load()?; // 8 × 8 images, built in; your own: Dataset::classification(x, y)
//! let mlp = Mlp::builder(64, 10).hidden([128]).dropout([0.5]).build()?;
//! let adam = TrainOptions { optimizer: Optimizer::ADAM, learning_rate: 0.01, ..TrainOptions::default() };
//! let mut trainer = Trainer::from_mlp(mlp, &adam, &digits.train, 2)?; // 2 threads, the bits of 1
//! trainer.on_epoch(|epoch| println!("epoch {}: loss {:.3}", epoch.epoch, epoch.train_loss));
//! trainer.fit(Some(EvalData::test(&digits.test)))?;
//! assert!(trainer.evaluate(&digits.test)?.accuracy > Some(0.85));
//! # Ok::<(), furlough::Error>(())
//! ```
//!
//! The modules, in reading order; each uses only those above it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`random`] | Philox4x32-10 and the named streams: randomness as a pure function |
//! | [`data`] | data sets in memory, their file formats, and the order of an epoch |
//! | [`nn`] | the layer list, the layers' mathematics, and *the definition of dropout* |
//! | [`optim`] | optimizers |
//! | [`compute`] | what one training step costs: kernels, threads, workspace |
//! | [`train`] | the training loop and its events |
//! | [`predict`] | a trained network's answers, how good they are, and how sure |
//! | [`files`] | model files and checkpoints: whole or absent |
//!
//! [`prelude`] has what most programs name.
//!
//! The library is silent: it prints nothing and reads no environment variable, and every failure is
//! an [`Error`]. It reads a monotonic clock when threads start and between epochs, to see how fast
//! they are handed work ([`compute::Cpu::refresh_hand_over`]); no number depends on it.
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::exit, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod random;

pub mod data;

pub mod nn;

pub mod optim;

pub mod compute;

pub mod train;

pub mod predict;

pub mod files;

/// What most programs name, for `use furlough::prelude::*;`.
pub mod prelude {
    pub use crate::data::{Dataset, EvalData, Examples, Split, digits};
    pub use crate::nn::{Activation, DropoutKind, Init, Layer, MaskSharing, Mlp, Sequential};
    pub use crate::optim::{Optimizer, Regularizers, Schedule};
    pub use crate::predict::Predictor;
    pub use crate::train::{Control, LossOptions, TrainOptions, Trainer};
}

mod error;
mod text;
pub use error::{Error, Result};
pub use text::{counted, noun_of};
