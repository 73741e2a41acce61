use super::{EpochSummary, TrainOptions, TrainState};
use crate::Result;
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
        /// Mean loss of the batch, before the step, dropout on; 0 where its weights sum to 0.
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
        /// What was learned. With early stopping the network of a finished run is that of its best
        /// epoch.
        state: &'a TrainState,
    },
}

/// Why training is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// The run stopped early, as it was to: [`EarlyStopping`](super::EarlyStopping).
    EarlyStopped,
    /// An observer asked for it.
    Asked,
}

impl StopReason {
    /// Returns why a run with these options that stands at `state` is over: all epochs are done, it
    /// stops early, or neither, so that it was asked to stop.
    pub fn of(state: &TrainState, options: &TrainOptions) -> Self {
        let epoch = state.progress.epoch;
        let early = options.early_stopping.is_some_and(|stopping| stopping.is_over(state.best.as_ref(), epoch));
        match epoch {
            epoch if epoch == options.epochs => StopReason::Finished,
            _ if early => StopReason::EarlyStopped,
            _ => StopReason::Asked,
        }
    }

    /// Whether the run is finished, be it early.
    pub fn is_finished(self) -> bool {
        self != StopReason::Asked
    }
}

/// What an observer wants to happen next, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// Go on.
    Continue,
    /// Send a checkpoint after this step, and go on.
    Save,
    /// Finish this step, send a checkpoint and stop.
    Stop,
}

/// Who answers nothing goes on.
impl From<()> for Control {
    fn from((): ()) -> Self {
        Control::Continue
    }
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

/// Both watch, the first one first; the run saves or stops if either asks for it.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&mut self, event: &Event<'_>) -> Result<Control> {
        let first = self.0.observe(event)?;
        let second = self.1.observe(event)?;
        Ok(first.max(second))
    }
}
