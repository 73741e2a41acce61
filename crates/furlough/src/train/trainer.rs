use super::evaluate::{Evaluator, Scores};
use super::feed::Feed;
use super::shapes::check_fit_any;
use super::{
    BestEpoch, Control, EarlyStopping, EpochSummary, EvalScores, Event, LearnedDropout, Observer, Progress, StopReason,
};
use super::{TrainOptions, TrainState};
use crate::compute::{Cpu, StepPlan};
use crate::data::{DatasetRef, EvalData, EvalSplit, Task};
use crate::nn::{Loss, MaskKey, Mlp};
use crate::random::{Key, Stream};
use crate::{Error, Result};
use std::ops::Range;

/// The training loop. What it computes is a function of the network, the options and the data:
/// neither the number of threads nor being stopped and resumed changes a bit of it.
///
/// ```
/// use furlough::data::{Dataset, Features, Targets};
/// use furlough::nn::{Layer::*, Sequential};
/// use furlough::train::{TrainOptions, Trainer};
///
/// // Which of two numbers is larger?
/// let rows = ndarray::Array2::from_shape_fn((64, 2), |(i, j)| ((i * 7 + j * 31) % 19) as f32 / 19.0);
/// let labels = rows.rows().into_iter().map(|r| u32::from(r[1] > r[0])).collect();
/// let names = vec!["first".into(), "second".into()];
/// let data = Dataset::new(Features::Floats(rows), Targets::Classes { labels, names }, &[2])?;
///
/// let network = Sequential::new([Linear(2, 16), Tanh, Dropout(0.1), Linear(16, 2)]);
/// let options = TrainOptions { init: "kaiming".parse()?, batch_size: 16, epochs: 50, ..TrainOptions::default() };
/// let mut trainer = Trainer::new(&network, &options, &data, 1)?;
/// trainer.fit(None)?;
/// assert!(trainer.evaluate(&data)?.accuracy > Some(0.9));
/// # Ok::<(), furlough::Error>(())
/// ```
pub struct Trainer<'a> {
    pub(super) feed: Feed<'a>,
    pub(super) options: TrainOptions,
    pub(super) state: TrainState,
    pub(super) cpu: Cpu,
    pub(super) evaluator: Evaluator,
    /// What the loss of an epoch of all examples is divided by, and its accuracy.
    pub(super) totals: (f64, f64),
    pub(super) loss: Loss,
    pub(super) checkpoint_every: Option<u64>,
    pub(super) after_epoch: Vec<AfterEpoch<'a>>,
}

/// What a caller does after each epoch.
pub(super) type AfterEpoch<'a> = Box<dyn FnMut(&EpochSummary) -> Control + 'a>;

impl<'a> Trainer<'a> {
    /// Sends [`Event::Checkpoint`] every so many steps too, and not only after each epoch. 0 is
    /// taken as never.
    pub fn checkpoint_every(&mut self, steps: Option<u64>) {
        self.checkpoint_every = steps.filter(|&steps| steps > 0);
    }

    /// Calls `told` with the figures of each epoch that is over. It answers nothing, or a
    /// [`Control`] that may stop the training.
    ///
    /// ```
    /// # use furlough::{data::digits, nn::{Layer::*, Sequential}, train::{Control, TrainOptions, Trainer}};
    /// # let digits = digits::load()?;
    /// # let network = Sequential::new([Flatten, Linear(64, 10)]);
    /// # let options = TrainOptions { epochs: 9, ..TrainOptions::default() };
    /// let mut trainer = Trainer::new(&network, &options, &digits.train, 1)?;
    /// trainer.on_epoch(|epoch| println!("epoch {}: loss {:.3}", epoch.epoch, epoch.train_loss));
    /// trainer.on_epoch(|epoch| if epoch.epoch == 2 { Control::Stop } else { Control::Continue });
    /// trainer.fit(None)?;
    /// assert_eq!(trainer.state().progress.epoch, 2);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn on_epoch<R: Into<Control>>(&mut self, mut told: impl FnMut(&EpochSummary) -> R + 'a) {
        self.after_epoch.push(Box::new(move |summary| told(summary).into()));
    }

    /// The data that is learned from.
    pub fn data(&self) -> DatasetRef<'a> {
        self.feed.data()
    }

    /// What has been learned so far.
    pub fn state(&self) -> &TrainState {
        &self.state
    }

    /// The trained network.
    pub fn into_mlp(self) -> Mlp {
        self.state.mlp
    }

    /// Name of the instructions that multiply matrices.
    pub fn instruction_set(&self) -> &'static str {
        self.cpu.instruction_set()
    }

    /// Number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.cpu.threads()
    }

    /// Steps of an epoch; the last one takes the examples that are left, unless these are left out
    /// ([`TrainOptions::drop_last`]).
    pub fn steps_per_epoch(&self) -> u64 {
        self.options.steps_per_epoch(self.data().len() as u64)
    }

    /// Returns how the next step is computed, without taking it.
    ///
    /// # Errors
    /// Those of reading data from a file.
    pub fn plan(&mut self) -> Result<&StepPlan> {
        let progress = self.state.progress;
        // After the last step, that one's once more.
        let factor = self.options.dropout_schedule.factor(progress.step.min(self.steps() - 1), self.steps());
        self.feed.begin(self.key(), progress.epoch);
        let batch = self.feed.batch(progress.epoch, self.next_batch())?;
        Ok(self.cpu.plan_step(batch, factor))
    }

    /// How well the full network, as it is now, does on `data`.
    ///
    /// # Errors
    /// [`Error::Data`] when `data` does not fit the network, or has classes where this run learns
    /// numbers or the reverse; those of reading a file.
    pub fn evaluate<'d>(&mut self, data: impl Into<DatasetRef<'d>>) -> Result<Scores> {
        let data = data.into();
        self.check_eval(data)?;
        self.scores(data)
    }

    /// Returns the scores on data that have been checked.
    fn scores(&mut self, data: DatasetRef<'_>) -> Result<Scores> {
        self.evaluator.evaluate_any(&mut self.cpu, &self.state.mlp, data)
    }

    /// Trains until all epochs are done, the run stops early ([`EarlyStopping`]), or a call that
    /// [`Self::on_epoch`] has set asks to stop. After each epoch the full network is evaluated on
    /// `eval`.
    ///
    /// # Errors
    /// As [`Self::fit_with`].
    pub fn fit(&mut self, eval: Option<EvalData<'_>>) -> Result<StopReason> {
        self.fit_with(eval, &mut ())
    }

    /// [`Self::fit`] with an observer of all events, who may ask to stop too.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when the loss stops being finite, in a step or when the network is
    /// evaluated after an epoch; a checkpoint event for what had been learned before the step comes
    /// first, unless the weights themselves have overflowed. Any error of the observer, and of
    /// reading data from a file;
    /// [`Error::Data`] when `eval` does not fit the network; [`Error::Setting`] when the run may
    /// stop early and `eval` is not of examples held out.
    pub fn fit_with(&mut self, eval: Option<EvalData<'_>>, observer: &mut dyn Observer) -> Result<StopReason> {
        if let Some(eval) = eval {
            self.check_eval(eval.data)?;
        }
        self.check_early_stopping(eval)?;
        let steps_per_epoch = self.steps_per_epoch();
        let mut control = observer.observe(&Event::Start {
            state: &self.state,
            epochs: self.options.epochs,
            steps_per_epoch,
            examples: self.data().len() as u64,
        })?;
        while !self.is_over() && control != Control::Stop {
            self.feed.begin(self.key(), self.state.progress.epoch);
            while self.state.progress.step_in_epoch < steps_per_epoch && control != Control::Stop {
                control = self.step(observer)?;
            }
            if self.state.progress.step_in_epoch == steps_per_epoch {
                control = control.max(self.end_epoch(eval, observer)?);
            }
        }
        let reason = StopReason::of(&self.state, &self.options);
        // Where a call before this one has put the best epoch's network in its place, it does not
        // go with the rest of the state.
        let restored = |best: &BestEpoch| best.epoch < self.state.progress.epoch && best.mlp == self.state.mlp;
        if !self.state.best.as_ref().is_some_and(restored) {
            observer.observe(&Event::Checkpoint { state: &self.state })?;
        }
        // After the checkpoint, which says how training went, and from which this comes again.
        if let (true, Some(best)) = (reason.is_finished(), &self.state.best) {
            self.state.mlp.take_weights(&best.mlp);
        }
        observer.observe(&Event::Stop { reason, state: &self.state })?;
        Ok(reason)
    }

    /// Whether no epoch is left to train.
    fn is_over(&self) -> bool {
        StopReason::of(&self.state, &self.options).is_finished()
    }

    fn check_early_stopping(&self, eval: Option<EvalData<'_>>) -> Result<()> {
        let Some(EarlyStopping { patience, .. }) = self.options.early_stopping else { return Ok(()) };
        let refused = |reason: &str| Err(Error::setting("early_stopping", patience, reason));
        match eval.map(|eval| eval.split) {
            Some(EvalSplit::Validation) => Ok(()),
            Some(EvalSplit::Test) => {
                refused("needs validation data: what is chosen by the test set cannot be judged by it; set folds")
            }
            None => refused("needs validation data"),
        }
    }

    /// Whether the network can be evaluated on `data`.
    fn check_eval(&self, data: DatasetRef<'_>) -> Result<()> {
        check_fit_any(self.state.mlp.architecture(), data)?;
        data.like().check_weights()?;
        match (self.data().task(), data.task()) {
            (Task::Classification, Task::Classification) | (Task::Regression, Task::Regression) => Ok(()),
            (Task::Classification, _) => Err(Error::data("set", "has numbers to predict, but the run learns classes")),
            (Task::Regression, _) => Err(Error::data("set", "has classes, but the run learns to predict numbers")),
        }
    }

    pub(super) fn key(&self) -> Key {
        Key::new(self.options.seed)
    }

    /// Steps of the whole training.
    fn steps(&self) -> u64 {
        self.steps_per_epoch() * u64::from(self.options.epochs)
    }

    /// The places in the epoch's order that the next step takes.
    fn next_batch(&self) -> Range<usize> {
        let start = self.state.progress.step_in_epoch as usize * self.options.batch_size;
        start..self.data().len().min(start + self.options.batch_size)
    }

    fn step(&mut self, observer: &mut dyn Observer) -> Result<Control> {
        let (steps, key, places) = (self.steps(), self.key(), self.next_batch());
        let classes = self.data().task() == Task::Classification;
        let examples = places.len();
        let is_last = self.state.progress.step_in_epoch + 1 == self.steps_per_epoch();
        let TrainState { mlp, optimizer, progress, .. } = &mut self.state;
        let factor = self.options.dropout_schedule.factor(progress.step, steps);
        let batch = self.feed.batch(progress.epoch, places)?;
        let site = MaskKey {
            key,
            stream: Stream::Dropout,
            step: progress.step as u32, // below 2^32: checked in `resume`
            layer: 0,
        };
        let rule = self.options.update_rule(progress.step, steps);
        let sums = self.cpu.scheduled_step(mlp, optimizer, &rule, batch, &site, factor);
        let epoch = progress.epoch + 1;
        let loss = sums.mean_loss();
        if !sums.is_finite() {
            // The loss of weights whose gradient is not finite will not be either.
            let loss = if loss.is_finite() { f64::NAN } else { loss };
            let step = progress.step_in_epoch + 1;
            // Where the weights themselves have overflowed, the last checkpoint is the last good
            // state.
            let mut values = self.state.mlp.parameters().iter().copied().chain(self.state.optimizer.values());
            if values.all(f32::is_finite) {
                observer.observe(&Event::Checkpoint { state: &self.state })?;
            }
            return diverged(observer, epoch, step, loss);
        }
        progress.step += 1;
        progress.step_in_epoch += 1;
        progress.loss_sum += sums.loss;
        progress.correct += sums.correct;
        let mut control = observer.observe(&Event::Step {
            epoch,
            step: progress.step_in_epoch,
            examples,
            loss,
            accuracy: classes.then(|| sums.accuracy()),
        })?;
        let due = self.checkpoint_every.is_some_and(|every| progress.step.is_multiple_of(every));
        // The end of an epoch has a checkpoint of its own, and so has stopping.
        if (due || control == Control::Save) && !is_last && control != Control::Stop {
            control = observer.observe(&Event::Checkpoint { state: &self.state })?;
        }
        Ok(control)
    }

    /// Returns the loss of the full network as it is after an epoch, not finite where the epoch's
    /// last step overflowed: no later step's loss would show that. Without an evaluation, the loss
    /// on one batch of the training set.
    fn loss_after_epoch(&mut self, evaluated: &[Option<f64>]) -> Result<f64> {
        let TrainState { mlp, .. } = &self.state;
        let logits = mlp.dropout_logits().iter().all(|logit| logit.is_finite());
        if !logits || mlp.parameters().iter().any(|value| !value.is_finite()) {
            return Ok(f64::NAN);
        }
        match evaluated.iter().flatten().copied().reduce(|a, b| a + b) {
            Some(sum) => Ok(sum),
            None => {
                let (data, count) = (self.feed.data(), self.options.batch_size);
                self.evaluator.loss_of_first(&mut self.cpu, &self.state.mlp, data, count)
            }
        }
    }

    /// Returns what the loss of the epoch is divided by, and its accuracy.
    fn totals_of_epoch(&self) -> (f64, f64) {
        let seen = self.steps_per_epoch() as usize * self.options.batch_size;
        match &self.feed {
            Feed::Memory { data, order } if seen < order.len() => {
                let seen = order[..seen].iter().map(|&example| example as usize);
                let of_loss = seen.clone().map(|example| self.loss.example_weight(data, example)).sum();
                (of_loss, seen.map(|example| f64::from(data.weight(example))).sum())
            }
            _ => self.totals,
        }
    }

    fn end_epoch(&mut self, eval: Option<EvalData<'_>>, observer: &mut dyn Observer) -> Result<Control> {
        let Progress { epoch, loss_sum, correct, step, .. } = self.state.progress;
        let epoch = epoch + 1;
        let mut control = Control::Continue;
        let train = self.options.full_train_figures.then(|| self.data());
        let examples = eval.map_or(0, |eval| eval.data.len()) + train.map_or(0, |data| data.len());
        if examples > 0 {
            control = observer.observe(&Event::EvaluationStart { epoch, examples })?;
        }
        let full_train = train.map(|data| self.scores(data)).transpose()?;
        let scores = match eval {
            None => None,
            Some(EvalData { split, data }) => {
                let Scores { loss, accuracy } = self.scores(data)?;
                Some(EvalScores { split, loss, accuracy })
            }
        };
        self.cpu.refresh_hand_over();
        let evaluated = [full_train.map(|scores| scores.loss), scores.map(|scores| scores.loss)];
        let loss = self.loss_after_epoch(&evaluated)?;
        if !loss.is_finite() {
            diverged(observer, epoch, self.steps_per_epoch(), loss)?;
        }
        let classes = self.data().task() == Task::Classification;
        let (total_loss, total) = self.totals_of_epoch();
        let summary = EpochSummary {
            epoch,
            train_loss: loss_sum / total_loss,
            train_accuracy: classes.then_some(correct / total),
            eval: scores,
            full_train,
            learned_dropout: LearnedDropout::of(&self.state.mlp),
        };
        self.state.progress = Progress { epoch, step, ..Progress::default() };
        if let Some((stopping, scores)) = self.options.early_stopping.zip(scores) {
            stopping.note(&mut self.state.best, epoch, &scores, &self.state.mlp);
        }
        control = control.max(observer.observe(&Event::Epoch(&summary))?);
        control = self.after_epoch.iter_mut().fold(control, |control, told| control.max(told(&summary)));
        if !self.is_over() && control != Control::Stop {
            control = observer.observe(&Event::Checkpoint { state: &self.state })?;
        }
        Ok(control)
    }
}

/// Tells the observer that training diverged, and returns the error.
fn diverged<T>(observer: &mut dyn Observer, epoch: u32, step: u64, loss: f64) -> Result<T> {
    observer.observe(&Event::Diverged { epoch, step, loss })?;
    Err(Error::NotFinite { epoch, step, loss })
}
