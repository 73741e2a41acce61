use super::EpochRow;
use furlough::data::{DatasetRef, Targets};
use furlough::nn::Architecture;
use furlough::train::Progress;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::WarmStart;
use furlough_tables::model::TableHeader;
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
    /// Examples that each epoch is evaluated on.
    pub eval: usize,
    /// Shape of an example.
    pub shape: Vec<usize>,
    /// Number of classes; none when numbers are predicted.
    pub classes: Option<usize>,
    /// What turns the root of the loss into an error in the target's units, where one column of
    /// numbers is predicted: the standard deviation of its training rows.
    pub deviation: Option<f64>,
    /// By which recipe a table is learned from, and why; none where a recipe says it all.
    pub preset: Option<String>,
    /// Threads.
    pub threads: usize,
    /// The instruction set of the kernels.
    pub instruction_set: &'static str,
    /// The run's folder.
    pub out: PathBuf,
    /// What another run had learned, where this one began from that.
    pub from: Option<WarmStart>,
    /// Where a resumed run goes on.
    pub resumed: Option<Progress>,
    /// The epochs that were finished before.
    pub earlier: Vec<EpochRow>,
}

impl TrainPlan {
    /// Returns what a training set says to the plan: examples, their shape, classes.
    pub fn describe<'a>(train: impl Into<DatasetRef<'a>>) -> (usize, Vec<usize>, Option<usize>) {
        let train = train.into();
        let classes = match train.like().targets() {
            Targets::Classes { names, .. } => Some(names.len()),
            Targets::Values(_) => None,
        };
        (train.len(), train.like().shape().to_vec(), classes)
    }

    /// Returns the deviation of the target of a table, where it has one of numbers.
    pub fn deviation_of(table: &TableHeader) -> Option<f64> {
        Some(table.preprocessing.target.as_ref()?.single_number()?.deviation)
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.recipe.options().steps_per_epoch(self.train as u64)
    }
}
