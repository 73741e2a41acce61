use crate::nn::Mlp;
use serde::{Deserialize, Serialize};

/// Where a run is and what it has learned: with the recipe and the data, all that is needed to go
/// on as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainState {
    /// The network as it is now.
    pub mlp: Mlp,
    /// The optimizer's velocity, as long as the parameters; empty without momentum.
    pub velocity: Vec<f32>,
    /// How far the run is.
    pub progress: Progress,
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
    /// Sum of the examples' losses in the present epoch.
    pub loss_sum: f64,
    /// Examples of the present epoch that were classified rightly, dropout on.
    pub correct: u64,
}
