use super::TrainState;
use crate::Result;
use crate::nn::Mlp;
use serde::{Deserialize, Serialize};

/// What happens in a run, in the order it happens.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training begins, or goes on from `state`.
    Start {
        /// Where it begins.
        state: &'a TrainState,
        /// Epochs in all.
        epochs: u32,
        /// Steps of each epoch.
        steps_per_epoch: u64,
        /// Examples of each epoch.
        examples: u64,
    },
    /// A step was taken.
    Step {
        /// Epoch, from 1.
        epoch: u32,
        /// Step of the epoch, from 1.
        step: u64,
        /// Examples in this step.
        examples: usize,
        /// Mean loss of the batch, before the step, dropout on.
        loss: f64,
        /// Share of the batch classified rightly, dropout on; none for numbers.
        accuracy: Option<f64>,
    },
    /// All steps of an epoch are taken and the full network is about to be evaluated.
    EvaluationStart {
        /// Epoch, from 1.
        epoch: u32,
        /// Examples that will be evaluated.
        examples: usize,
    },
    /// An epoch is over and evaluated.
    Epoch(&'a EpochSummary),
    /// A moment from which the run can be resumed: at the end of each epoch, every so many steps,
    /// and when training stops. Whoever keeps checkpoints saves `state` now.
    Checkpoint {
        /// What to save.
        state: &'a TrainState,
    },
    /// Training cannot go on: the loss is not finite. The last event; the training ends with an
    /// error.
    Diverged {
        /// Epoch, from 1.
        epoch: u32,
        /// Step of the epoch, from 1; the epoch's last one where the evaluation after it shows the
        /// overflow.
        step: u64,
        /// The loss: infinite or NaN.
        loss: f64,
    },
    /// Training is over. The last event.
    Stop {
        /// Why.
        reason: StopReason,
        /// What was learned.
        state: &'a TrainState,
    },
}

/// The figures of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochSummary {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Mean over the epoch of the training loss, dropout on, as the weights changed.
    pub train_loss: f64,
    /// Share of the training examples classified rightly, likewise; none for numbers.
    pub train_accuracy: Option<f64>,
    /// Loss of the full network on the test set after the epoch; none without a test set.
    pub test_loss: Option<f64>,
    /// Accuracy of the full network on the test set after the epoch.
    pub test_accuracy: Option<f64>,
    /// What the drop probabilities have come to after the epoch, first layer to last; nothing
    /// without concrete dropout.
    #[serde(rename = "learnt_dropout", default, skip_serializing_if = "Vec::is_empty")]
    pub learned_dropout: Vec<LearnedDropout>,
}

/// A drop probability that concrete dropout has learned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearnedDropout {
    /// The hidden layer that it stands after, from 1.
    pub layer: usize,
    /// The drop probability.
    pub p: f64,
}

impl LearnedDropout {
    /// Those of a network.
    pub fn of(mlp: &Mlp) -> Vec<Self> {
        mlp.learned_dropout().map(|(block, p)| LearnedDropout { layer: block + 1, p }).collect()
    }
}

/// Why training is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// An observer asked for it.
    Asked,
}

/// What an observer wants to happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Finish this step, send a checkpoint and stop.
    Stop,
}

/// Someone who watches a run: a progress bar, a log, a keeper of checkpoints.
pub trait Observer {
    /// Takes note of `event`.
    ///
    /// # Errors
    /// An error ends the run and is returned from it: a log that cannot be written must not be lost
    /// silently.
    fn observe(&mut self, event: &Event<'_>) -> Result<Control>;
}

/// Nobody watches.
impl Observer for () {
    fn observe(&mut self, _: &Event<'_>) -> Result<Control> {
        Ok(Control::Continue)
    }
}

impl<F: FnMut(&Event<'_>) -> Result<Control>> Observer for F {
    fn observe(&mut self, event: &Event<'_>) -> Result<Control> {
        self(event)
    }
}

/// Somebody watches, or nobody.
impl<O: Observer> Observer for Option<O> {
    fn observe(&mut self, event: &Event<'_>) -> Result<Control> {
        self.as_mut().map_or(Ok(Control::Continue), |observer| observer.observe(event))
    }
}

/// Both watch, the first one first; the run stops if either asks for it.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&mut self, event: &Event<'_>) -> Result<Control> {
        let first = self.0.observe(event)?;
        let second = self.1.observe(event)?;
        Ok(if first == Control::Stop { first } else { second })
    }
}
