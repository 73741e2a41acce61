use super::{EarlyStopping, LossOptions};
use crate::compute::Precision;
use crate::nn::Init;
use crate::optim::{GroupFactors, Optimizer, Regularizers, Schedule, UpdateRule};
use crate::{Error, Result};

/// Everything about training that determines the numbers, the network and the data left out.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrainOptions {
    /// How weights start.
    pub init: Init,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Step size, above 0.
    pub learning_rate: f64,
    /// How the learning rate changes from step to step.
    pub lr_schedule: Schedule,
    /// Penalties and bounds of the weights.
    pub regularizers: Regularizers,
    /// How the decay of the weights, as a penalty (L2) or decoupled, changes from step to step.
    pub weight_decay_schedule: Schedule,
    /// What learning rate and decay are multiplied by, group by group.
    #[cfg_attr(feature = "serde", serde(default))]
    pub factors: GroupFactors,
    /// Upper bound of the norm of the gradient, above 0 ([`UpdateRule::clip_norm`]).
    pub clip_norm: Option<f64>,
    /// Examples a step, at least 1; more than there are makes one batch of all. The last batch of
    /// an epoch may be smaller.
    pub batch_size: usize,
    /// Whether the last batch of an epoch is left out where it is smaller than the others, as
    /// PyTorch's `DataLoader` does with `drop_last`. The order of each epoch is another, so no
    /// example is left out for good. For data in memory.
    #[cfg_attr(feature = "serde", serde(default))]
    pub drop_last: bool,
    /// Passes over the training set, at least 1.
    pub epochs: u32,
    /// Seed of all randomness.
    pub seed: u64,
    /// What matrix products multiply.
    pub precision: Precision,
    /// How drop probabilities change from step to step.
    pub dropout_schedule: Schedule,
    /// What is minimized.
    pub loss: LossOptions,
    /// When the run stops before all epochs are done, if it may.
    pub early_stopping: Option<EarlyStopping>,
    /// Whether predicted numbers stay within the range of the training targets, whatever is asked
    /// ([`Mlp::with_output_bounds`](crate::nn::Mlp::with_output_bounds)).
    #[cfg_attr(feature = "serde", serde(default))]
    pub clamp_outputs: bool,
    /// Whether the full network is evaluated on the training set too after each epoch
    /// ([`EpochSummary::full_train`](super::EpochSummary::full_train)). It changes no other number,
    /// and takes as long as a forward pass over the training set.
    pub full_train_figures: bool,
}

impl Default for TrainOptions {
    /// The tutorial's recipe: weights from N(0, 0.01²), SGD with learning rate 0.5, batches of 256,
    /// 10 epochs.
    fn default() -> Self {
        TrainOptions {
            init: Init::DEFAULT,
            optimizer: Optimizer::SGD,
            learning_rate: 0.5,
            lr_schedule: Schedule::Constant,
            regularizers: Regularizers::default(),
            weight_decay_schedule: Schedule::Constant,
            factors: GroupFactors::default(),
            clip_norm: None,
            batch_size: 256,
            drop_last: false,
            epochs: 10,
            seed: 0,
            precision: Precision::F32,
            dropout_schedule: Schedule::Constant,
            loss: LossOptions::default(),
            early_stopping: None,
            clamp_outputs: false,
            full_train_figures: false,
        }
    }
}

impl TrainOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.init.validate()?;
        self.unscheduled().validate()?;
        self.lr_schedule.validate("lr_schedule")?;
        self.weight_decay_schedule.validate("weight_decay_schedule")?;
        self.dropout_schedule.validate("dropout_schedule")?;
        self.loss.validate()?;
        self.early_stopping.map_or(Ok(()), |stopping| stopping.validate())?;
        if self.batch_size == 0 {
            return Err(Error::setting("batch_size", 0, "must be at least 1"));
        }
        if self.epochs == 0 {
            return Err(Error::setting("epochs", 0, "must be at least 1"));
        }
        Ok(())
    }

    /// Returns how many steps an epoch of so many examples has, at least 1 of at least one example.
    pub fn steps_per_epoch(&self, examples: u64) -> u64 {
        let batch_size = (self.batch_size as u64).min(examples).max(1);
        if self.drop_last { examples / batch_size } else { examples.div_ceil(batch_size) }
    }

    /// Returns what step `step`, from 0, of `steps` in all does with its gradient.
    pub fn update_rule(&self, step: u64, steps: u64) -> UpdateRule {
        let decay = self.weight_decay_schedule.factor(step, steps);
        self.unscheduled().scheduled(self.lr_schedule.factor(step, steps), decay)
    }

    fn unscheduled(&self) -> UpdateRule {
        let TrainOptions { optimizer, learning_rate, regularizers, clip_norm, factors, .. } = *self;
        UpdateRule { optimizer, learning_rate, regularizers, clip_norm, factors }
    }
}
