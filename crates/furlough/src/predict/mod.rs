//! A trained network's answers, and how good they are. By the full network, as dropout is for training; or, where asked for, by
//! many sub-networks together. And what else can be measured of a trained network (`docs/measures.md`).

mod answers;
mod calibration;
mod metrics;
mod mistakes;
mod monte_carlo;
mod predictor;
mod temperature;

pub use calibration::{Calibration, ReliabilityBin, calibration};
pub use metrics::{ClassScores, Evaluation};
pub use mistakes::{Mistake, mistakes};
pub use monte_carlo::{MonteCarlo, Spread, Uncertainty};
pub use predictor::Predictor;
pub use temperature::{Temperature, temperature};
