use super::{EpochRow, TrainPlan};
use furlough::data::EvalSplit;
use furlough::train::{EarlyStopping, EpochSummary, Event};
use std::time::Instant;

/// What has happened so far.
pub struct TrainingProgress {
    /// The finished epochs, those before a resume too.
    pub epochs: Vec<EpochRow>,
    /// The epoch that runs.
    pub now: Running,
    /// Epochs in all.
    pub of: u32,
    /// When the run stops early, if it may.
    early_stopping: Option<EarlyStopping>,
    /// What is evaluated after each.
    pub split: EvalSplit,
    /// As [`TrainPlan::deviation`].
    pub deviation: Option<f64>,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps taken, those before a resume too.
    pub steps: u64,
    /// Examples trained on since the process began to train.
    examples: u64,
    steps_here: u64,
    began: Instant,
    has_begun: bool,
}

/// The epoch that runs, as seen since the process began to train.
#[derive(Debug, Clone, Copy, Default)]
pub struct Running {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Steps of it taken.
    pub step: u64,
    loss: f64,
    correct: f64,
    examples: f64,
}

impl Running {
    /// Mean loss so far.
    pub fn loss(&self) -> Option<f64> {
        (self.examples > 0.0).then(|| self.loss / self.examples)
    }

    /// Accuracy so far.
    pub fn accuracy(&self) -> Option<f64> {
        self.loss().map(|_| self.correct / self.examples).filter(|share| !share.is_nan())
    }
}

impl TrainingProgress {
    /// Nothing has happened but what the plan says.
    pub fn new(plan: &TrainPlan) -> Self {
        let at = plan.resumed.unwrap_or_default();
        TrainingProgress {
            epochs: plan.earlier.clone(),
            now: Running { epoch: at.epoch + 1, step: at.step_in_epoch, ..Running::default() },
            of: plan.recipe.options().epochs,
            early_stopping: plan.recipe.early_stopping(),
            split: plan.recipe.partition().eval_split(),
            deviation: plan.deviation,
            steps_per_epoch: plan.steps_per_epoch(),
            steps: at.step,
            examples: 0,
            steps_here: 0,
            began: Instant::now(),
            has_begun: false,
        }
    }

    /// Whether training has begun.
    pub fn began(&self) -> bool {
        self.has_begun
    }

    /// Takes in what happened; an epoch that ended took so many seconds.
    pub fn take(&mut self, event: &Event<'_>, seconds: f64) {
        match *event {
            Event::Start { steps_per_epoch, epochs, .. } => {
                (self.of, self.steps_per_epoch) = (epochs, steps_per_epoch);
                (self.began, self.has_begun) = (Instant::now(), true);
            }
            Event::Step { epoch, step, examples, loss, accuracy } => {
                if epoch != self.now.epoch {
                    self.now = Running { epoch, ..Running::default() };
                }
                let weight = examples as f64;
                self.now.step = step;
                self.now.loss += loss * weight;
                self.now.correct += accuracy.unwrap_or(f64::NAN) * weight;
                self.now.examples += weight;
                self.steps += 1;
                self.steps_here += 1;
                self.examples += examples as u64;
            }
            Event::Epoch(summary) => {
                self.epochs.push(EpochRow { summary: summary.clone(), seconds: Some(seconds) });
                self.now = Running { epoch: summary.epoch + 1, ..Running::default() };
            }
            _ => {}
        }
    }

    /// The best epoch so far, where the run may stop early.
    pub fn best_epoch(&self) -> Option<u32> {
        self.early_stopping?.best_epoch(self.epochs.iter().map(|row| &row.summary))
    }

    /// The figures of the network that a finished run has: of the best epoch or the last.
    pub fn final_epoch(&self) -> Option<&EpochSummary> {
        let best = self.best_epoch();
        let mut summaries = self.epochs.iter().map(|row| &row.summary);
        best.map_or_else(|| self.epochs.last().map(|row| &row.summary), |at| summaries.find(|one| one.epoch == at))
    }

    /// Seconds since training began in this process.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Steps of the whole run.
    pub fn total_steps(&self) -> u64 {
        self.steps_per_epoch * u64::from(self.of)
    }

    /// Examples a second, evaluation included.
    pub fn rate(&self) -> f64 {
        self.examples as f64 / self.seconds().max(1e-9)
    }

    /// Seconds that the remaining steps will take at the present speed.
    pub fn time_left(&self) -> f64 {
        let per_step = self.seconds() / self.steps_here.max(1) as f64;
        per_step * self.total_steps().saturating_sub(self.steps) as f64
    }
}
