//! A trained network's answers, and how good they are. By the full network, as dropout is for
//! training; or, where asked for, by many sub-networks together. And what else can be measured of a
//! trained network (`docs/reference/metrics.md`).

mod activations;
mod answers;
mod auroc;
mod averaging;
mod averaging_point;
mod bootstrap;
mod calibration;
mod coadaptation;
mod detection;
mod features;
mod histogram;
mod metrics;
mod mistakes;
mod moments;
mod monte_carlo;
mod predictor;
mod regression;
mod risk_coverage;
mod shortcuts;
mod temperature;

pub use activations::LayerActivations;
pub use auroc::Ranking;
pub use averaging::{AveragingCurve, Ensemble, ensemble};
pub use averaging_point::{AverageScore, AveragingPoint};
pub use bootstrap::{FigureInterval, bootstrap};
pub use calibration::{Calibration, ReliabilityBin, calibration};
pub use coadaptation::{Coadaptation, Quantile};
pub use detection::Detection;
pub use features::{Colors, FeatureGrid, Picture, UnitChoice, WeightPicture, WeightScale, weight_picture};
pub use histogram::Histogram;
pub use metrics::{ClassScores, Evaluation};
pub use mistakes::{Mistake, mistakes};
pub use moments::OutputMoments;
pub use monte_carlo::{MonteCarlo, Spread, Uncertainty, entropy};
pub use predictor::{Predictor, softmax_rows};
pub use regression::{OutputScores, RegressionScores};
pub use risk_coverage::{RiskCoverage, RiskPoint};
pub use temperature::{Temperature, temperature};
