use super::LossOptions;
use crate::compute::Precision;
use crate::nn::{DropoutSchedule, Init};
use crate::optim::{LrSchedule, Sgd};
use crate::{Error, Result};

/// Everything about training that determines the numbers, the network and the data left out.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// How weights start.
    pub init: Init,
    /// The optimizer.
    pub optimizer: Sgd,
    /// How the learning rate falls.
    pub lr_schedule: LrSchedule,
    /// Examples a step, at least 1; more than there are makes one batch of all. The last batch of
    /// an epoch may be smaller.
    pub batch_size: usize,
    /// Passes over the training set, at least 1.
    pub epochs: u32,
    /// Seed of all randomness.
    pub seed: u64,
    /// What matrix products multiply.
    pub precision: Precision,
    /// How drop probabilities change from step to step.
    pub dropout_schedule: DropoutSchedule,
    /// What is minimized.
    pub loss: LossOptions,
}

impl Default for TrainOptions {
    /// The tutorial's recipe: weights from N(0, 0.01²), SGD with learning rate 0.5, batches of 256,
    /// 10 epochs.
    fn default() -> Self {
        TrainOptions {
            init: Init::DEFAULT,
            optimizer: Sgd::default(),
            lr_schedule: LrSchedule::Constant,
            batch_size: 256,
            epochs: 10,
            seed: 0,
            precision: Precision::F32,
            dropout_schedule: DropoutSchedule::Constant,
            loss: LossOptions::default(),
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
        self.optimizer.validate()?;
        self.dropout_schedule.validate()?;
        self.loss.validate()?;
        if self.batch_size == 0 {
            return Err(Error::setting("batch_size", 0, "must be at least 1"));
        }
        if self.epochs == 0 {
            return Err(Error::setting("epochs", 0, "must be at least 1"));
        }
        Ok(())
    }
}
