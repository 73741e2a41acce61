use super::EpochRow;
use furlough::data::{Split, Targets};
use furlough::nn::Architecture;
use furlough::train::Progress;
use furlough_lab::recipe::Recipe;
use std::path::PathBuf;

/// What will happen, as the header shows it.
pub struct TrainPlan {
    /// The recipe.
    pub recipe: Recipe,
    /// The network.
    pub architecture: Architecture,
    /// Where the data came from.
    pub origin: String,
    /// Training examples.
    pub train: usize,
    /// Test examples.
    pub test: usize,
    /// Shape of an example.
    pub shape: Vec<usize>,
    /// Number of classes; none when numbers are predicted.
    pub classes: Option<usize>,
    /// Threads.
    pub threads: usize,
    /// The instruction set of the kernels.
    pub instruction_set: &'static str,
    /// The run's folder.
    pub out: PathBuf,
    /// Where a resumed run goes on.
    pub resumed: Option<Progress>,
    /// The epochs that were finished before.
    pub earlier: Vec<EpochRow>,
}

impl TrainPlan {
    /// What `split` says about the data goes into the plan as (train, test, shape, classes).
    pub fn describe(split: &Split) -> (usize, usize, Vec<usize>, Option<usize>) {
        let classes = match split.train.targets() {
            Targets::Classes { names, .. } => Some(names.len()),
            Targets::Values(_) => None,
        };
        (split.train.len(), split.test.len(), split.train.shape().to_vec(), classes)
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.train.div_ceil(self.recipe.options().batch_size) as u64
    }
}
