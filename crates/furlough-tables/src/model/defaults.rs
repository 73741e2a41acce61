use furlough::data::{Dataset, Task};
use furlough::nn::{InputStage, Mlp};
use furlough::optim::{Optimizer, Schedule};
use furlough::train::{EarlyStopping, EvalMetric, TrainOptions};
use furlough::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the network of a table is built and trained: [`defaults`] unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRecipe {
    /// The widths of the hidden layers, first to last.
    pub hidden: Vec<usize>,
    /// Learned numbers that a level of an embedded category becomes.
    #[serde(default = "embedding_width")]
    pub embedding_width: usize,
    /// The drop probability after each hidden layer.
    pub dropout: f64,
    /// AdamW's learning rate at its highest, after the warm-up.
    pub learning_rate: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// Part of the training in which the learning rate rises; it falls by a cosine then.
    pub warmup: f64,
    /// Rows a step.
    pub batch_size: usize,
    /// Passes over the training rows.
    pub epochs: u32,
    /// How many epochs in a row may be worse than the best before training stops.
    pub patience: u32,
}

/// Returns the recipe for so many training rows and features. Small tables take small batches and
/// many epochs, so that each has some thousand steps.
///
/// ```
/// use furlough::data::Task;
/// let recipe = furlough_tables::model::defaults(500, 12, Task::Classification);
/// assert_eq!((recipe.hidden, recipe.batch_size), (vec![64, 64], 32));
/// ```
pub fn defaults(rows: usize, features: usize, task: Task) -> TableRecipe {
    let (width, batch_size) = match rows {
        0..1_000 => (64, 32),
        1_000..5_000 => (128, 64),
        5_000..50_000 => (256, 128),
        _ => (256, 512),
    };
    // Many features want wider layers, as far as rows can teach them.
    let width = if features > width && rows >= 1_000 { 256 } else { width };
    const STEPS: usize = 6_000;
    let steps_per_epoch = rows.div_ceil(batch_size).max(1);
    let epochs = (STEPS / steps_per_epoch).clamp(20, 200) as u32;
    TableRecipe {
        hidden: vec![width, width],
        embedding_width: embedding_width(),
        dropout: if task == Task::Classification { 0.2 } else { 0.1 },
        learning_rate: 2e-3,
        weight_decay: 0.01,
        warmup: 0.05,
        batch_size,
        epochs,
        patience: (epochs / 5).max(10),
    }
}

/// How many numbers a level becomes, unless said otherwise.
fn embedding_width() -> usize {
    8
}

impl TableRecipe {
    /// Returns the network for such data, with its first weights.
    ///
    /// # Errors
    /// Those of [`MlpBuilder::build`](furlough::nn::MlpBuilder::build).
    pub fn network(&self, data: &Dataset, seed: u64) -> Result<Mlp> {
        let builder = Mlp::builder(data.features(), data.outputs()).hidden(self.hidden.clone()).seed(seed);
        let builder = builder.dropout([self.dropout]);
        match InputStage::of_levels(data.levels(), self.embedding_width) {
            Some(stage) => builder.input_stage(stage).build(),
            None => builder.build(),
        }
    }

    /// Returns the options of training; without validation rows there is no early stopping.
    pub fn train_options(&self, seed: u64, validates: bool) -> TrainOptions {
        let Optimizer::AdamW { beta1, beta2, epsilon, .. } = Optimizer::ADAMW else { unreachable!("it is AdamW") };
        TrainOptions {
            optimizer: Optimizer::AdamW { beta1, beta2, epsilon, weight_decay: self.weight_decay },
            learning_rate: self.learning_rate,
            lr_schedule: Schedule::Warmup(self.warmup, Box::new(Schedule::Cosine)),
            batch_size: self.batch_size,
            epochs: self.epochs,
            seed,
            early_stopping: validates.then_some(EarlyStopping { patience: self.patience, metric: EvalMetric::Loss }),
            ..TrainOptions::default()
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.hidden.contains(&0) {
            let reason = "a hidden layer has at least one unit".into();
            return Err(Error::Setting { name: "hidden".into(), value: format!("{:?}", self.hidden), reason });
        }
        if self.embedding_width == 0 {
            let reason = "a level becomes at least one number".into();
            return Err(Error::Setting { name: "embedding_width".into(), value: "0".into(), reason });
        }
        self.train_options(0, true).validate()
    }
}
