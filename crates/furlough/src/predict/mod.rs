//! A trained network's answers, and how good they are. Always the full network: dropout is for training.

mod metrics;
mod predictor;

pub use metrics::{ClassScores, Evaluation};
pub use predictor::Predictor;
