//! A trained network's answers, and how good they are. By the full network, as dropout is for training; or, where asked for, by
//! many sub-networks together.

mod metrics;
mod monte_carlo;
mod predictor;

pub use metrics::{ClassScores, Evaluation};
pub use monte_carlo::{MonteCarlo, Spread, Uncertainty};
pub use predictor::Predictor;
