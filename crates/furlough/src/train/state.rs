use super::BestEpoch;
use crate::nn::Mlp;
use crate::optim::OptimizerState;
use serde::{Deserialize, Serialize};

/// Where a run is and what it has learned: with the recipe and the data, all that is needed to go
/// on as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainState {
    /// The network as it is now.
    pub mlp: Mlp,
    /// What the optimizer keeps from step to step.
    pub optimizer: OptimizerState,
    /// How far the run is.
    pub progress: Progress,
    /// The best epoch so far; none before the first one, and without early stopping.
    pub best: Option<BestEpoch>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Epochs finished.
    pub epoch: u32,
    /// Steps of the present epoch taken.
    pub step_in_epoch: u64,
    /// Steps taken since the run began; the `step` of the dropout masks.
    pub step: u64,
    /// Sum of the examples' losses in the present epoch, each times what the example counts.
    pub loss_sum: f64,
    /// Sum of the weights of the examples of the present epoch that were classified rightly,
    /// dropout on: their number where there are no weights.
    #[serde(serialize_with = "whole_number")]
    pub correct: f64,
}

/// Writes a number that is whole as an integer, which it is in all runs without weights.
#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn whole_number<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        value if value.fract() == 0.0 && (0.0..9e15).contains(&value) => serializer.serialize_u64(value as u64),
        value => serializer.serialize_f64(value),
    }
}
