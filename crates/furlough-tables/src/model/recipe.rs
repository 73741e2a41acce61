use super::{InputRecipe, NumericEmbedding};
use furlough::data::Dataset;
use furlough::nn::{Activation, Init, Sequential};
use furlough::optim::{FactorSet, GroupFactors, Optimizer, Schedule};
use furlough::train::{EarlyStopping, EvalMetric, LossOptions, TrainOptions};
use furlough::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the network of a table is built and trained: that of a [`Preset`](super::Preset) unless said
/// otherwise. In a file, what is left out is as in the default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableRecipe {
    /// The widths of the hidden layers, first to last.
    pub hidden: Vec<usize>,
    /// Learned numbers that a level of an embedded category becomes.
    pub embedding_width: usize,
    /// What a number becomes.
    #[serde(skip_serializing_if = "is_usual")]
    pub numeric_embedding: NumericEmbedding,
    /// Whether each input has a learned factor.
    #[serde(skip_serializing_if = "is_usual")]
    pub input_scaling: bool,
    /// What hidden units do with their input.
    #[serde(skip_serializing_if = "is_relu")]
    pub activation: Activation,
    /// Whether each hidden unit learns how much of the activation it takes.
    #[serde(skip_serializing_if = "is_usual")]
    pub parametric_activation: bool,
    /// How weights start.
    #[serde(skip_serializing_if = "is_kaiming")]
    pub init: Init,
    /// The drop probability after each hidden layer.
    pub dropout: f64,
    /// How it changes in the course of the training.
    #[serde(skip_serializing_if = "is_usual")]
    pub dropout_schedule: Schedule,
    /// AdamW's learning rate at its highest.
    pub learning_rate: f64,
    /// Part of the training in which the learning rate rises.
    pub warmup: f64,
    /// How the learning rate changes, after that.
    #[serde(skip_serializing_if = "is_cosine")]
    pub lr_schedule: Schedule,
    /// How much of AdamW's mean square goes on.
    #[serde(skip_serializing_if = "is_usual_beta2")]
    pub beta2: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// How it changes in the course of the training.
    #[serde(skip_serializing_if = "is_usual")]
    pub weight_decay_schedule: Schedule,
    /// What learning rate and decay are multiplied by, group by group.
    #[serde(skip_serializing_if = "is_usual")]
    pub group_factors: FactorSet,
    /// Which part of a target is spread over all classes.
    #[serde(skip_serializing_if = "is_usual")]
    pub label_smoothing: f64,
    /// Whether predicted numbers stay within the range of the training targets.
    #[serde(skip_serializing_if = "is_usual")]
    pub clamp_outputs: bool,
    /// Rows a step.
    pub batch_size: usize,
    /// Whether a last batch that is smaller is left out.
    #[serde(skip_serializing_if = "is_usual")]
    pub drop_last: bool,
    /// Passes over the training rows.
    pub epochs: u32,
    /// How many epochs in a row may be worse than the best before training stops.
    pub patience: u32,
    /// The figure by which an epoch is the best.
    #[serde(skip_serializing_if = "is_usual")]
    pub metric: EvalMetric,
}

impl TableRecipe {
    /// AdamW with a warm-up and a cosine, and nothing else: what other recipes begin with, and what
    /// recipes were before they could say more. A constant holds no list, so there is no hidden
    /// layer here; the default has two of 256 units.
    pub const PLAIN: TableRecipe = TableRecipe {
        hidden: Vec::new(),
        embedding_width: 8,
        numeric_embedding: NumericEmbedding::None,
        input_scaling: false,
        activation: Activation::Relu,
        parametric_activation: false,
        init: Init::Kaiming,
        dropout: 0.1,
        dropout_schedule: Schedule::Constant,
        learning_rate: 2e-3,
        warmup: 0.05,
        lr_schedule: Schedule::Cosine,
        beta2: 0.999,
        weight_decay: 0.01,
        weight_decay_schedule: Schedule::Constant,
        group_factors: FactorSet::Uniform,
        label_smoothing: 0.0,
        clamp_outputs: false,
        batch_size: 128,
        drop_last: false,
        epochs: 100,
        patience: 20,
        metric: EvalMetric::Loss,
    };

    /// Returns the layers of the network for such data.
    pub fn network(&self, data: &Dataset) -> Sequential {
        let stage = self.inputs().stage(data.features(), data.levels());
        let inputs = stage.as_ref().map_or(data.features(), |stage| stage.width());
        let dropout = vec![self.dropout; self.hidden.len()];
        let list = Sequential::mlp(inputs, data.outputs(), &self.hidden, self.activation, 0.0, &dropout);
        let list = if self.parametric_activation { list.with_parametric_activations() } else { list };
        match stage {
            Some(stage) => list.with_input_stage(stage),
            None => list,
        }
    }

    fn inputs(&self) -> InputRecipe {
        InputRecipe {
            embedding_width: self.embedding_width,
            numeric_embedding: self.numeric_embedding,
            input_scaling: self.input_scaling,
            ..InputRecipe::default()
        }
    }

    /// Returns the schedule of the learning rate, the warm-up included.
    pub fn rate_schedule(&self) -> Schedule {
        match self.warmup > 0.0 {
            true => Schedule::Warmup(self.warmup, Box::new(self.lr_schedule.clone())),
            false => self.lr_schedule.clone(),
        }
    }

    /// Returns the factors of the groups of parameters.
    pub fn factors(&self) -> GroupFactors {
        self.group_factors.factors()
    }

    /// Returns the options of training; without validation rows there is no early stopping.
    pub fn train_options(&self, seed: u64, validates: bool) -> TrainOptions {
        let Optimizer::AdamW { beta1, epsilon, .. } = Optimizer::ADAMW else { unreachable!("it is AdamW") };
        let stopping = EarlyStopping { patience: self.patience, metric: self.metric };
        TrainOptions {
            init: self.init,
            optimizer: Optimizer::AdamW { beta1, beta2: self.beta2, epsilon, weight_decay: self.weight_decay },
            learning_rate: self.learning_rate,
            lr_schedule: self.rate_schedule(),
            weight_decay_schedule: self.weight_decay_schedule.clone(),
            factors: self.factors(),
            batch_size: self.batch_size,
            drop_last: self.drop_last,
            epochs: self.epochs,
            seed,
            dropout_schedule: self.dropout_schedule.clone(),
            loss: LossOptions { label_smoothing: self.label_smoothing, class_weights: None },
            early_stopping: validates.then_some(stopping),
            clamp_outputs: self.clamp_outputs,
            ..TrainOptions::default()
        }
    }

    /// Returns the recipe without what takes all rows in memory: first weights by the data, which
    /// are then normal, and batches that are left out.
    pub fn without_all_rows(self) -> TableRecipe {
        let init = if self.init == Init::DataDriven { Init::Lecun } else { self.init };
        TableRecipe { init, drop_last: false, ..self }
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

impl Default for TableRecipe {
    /// [`TableRecipe::PLAIN`] with two hidden layers of 256 units.
    fn default() -> Self {
        TableRecipe { hidden: vec![256, 256], ..TableRecipe::PLAIN }
    }
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_relu(activation: &Activation) -> bool {
    *activation == Activation::Relu
}

fn is_kaiming(init: &Init) -> bool {
    *init == Init::Kaiming
}

fn is_cosine(schedule: &Schedule) -> bool {
    *schedule == Schedule::Cosine
}

fn is_usual_beta2(beta2: &f64) -> bool {
    *beta2 == TableRecipe::PLAIN.beta2
}
