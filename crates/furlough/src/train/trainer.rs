use super::evaluate::{Evaluator, Scores};
use super::loss_options::total_normalizer;
use super::{
    Control, EarlyStopping, EpochSummary, EvalMetric, EvalScores, Event, LearnedDropout, Observer, Progress, StopReason,
};
use super::{TrainOptions, TrainState, TrainingMemory, check_memory};
use crate::compute::{Cpu, Isa, MAX_THREADS, StepPlan};
use crate::data::{Batch, Dataset, EvalData, EvalSplit, Examples, Targets, epoch_order};
use crate::nn::{Architecture, MaskKey, Mlp, Sequential};
use crate::optim::OptimizerState;
use crate::random::{Key, Stream};
use crate::{Error, Result, counted};

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
    data: &'a Dataset,
    options: TrainOptions,
    state: TrainState,
    cpu: Cpu,
    evaluator: Evaluator,
    order: Vec<u32>,
    /// What the loss of an epoch is divided by, and its accuracy.
    totals: (f64, f64),
    checkpoint_every: Option<u64>,
    after_epoch: Vec<AfterEpoch<'a>>,
}

/// What a caller does after each epoch.
type AfterEpoch<'a> = Box<dyn FnMut(&EpochSummary) -> Control + 'a>;

fn check_threads(threads: usize) -> Result<()> {
    if threads > MAX_THREADS {
        return Err(Error::setting("threads", threads, format!("at most {MAX_THREADS} threads are started")));
    }
    Ok(())
}

impl<'a> Trainer<'a> {
    /// A run from the beginning, on `threads` threads, from 1 to [`MAX_THREADS`].
    ///
    /// # Errors
    /// [`Error::Layer`] or [`Error::Setting`] for a network that makes no sense, does not fit the
    /// data or takes more memory than there is, and for options out of range.
    pub fn new(network: &Sequential, options: &TrainOptions, data: &'a Dataset, threads: usize) -> Result<Self> {
        let architecture = fitting(network, data)?;
        options.validate()?;
        // Before the memory, which counts what each thread takes.
        check_threads(threads)?;
        let memory = TrainingMemory::of(&architecture, options, data.len(), threads);
        check_memory(network, memory.training())?;
        let mlp = Mlp::new(architecture, options.init, Key::new(options.seed));
        let optimizer = OptimizerState::new(&options.optimizer, mlp.parameters().len());
        let state = TrainState { mlp, optimizer, progress: Progress::default(), best: None };
        Trainer::resume(network, options, data, threads, state)
    }

    /// A run that begins with this network as it stands, in place of first weights that the options
    /// would give.
    ///
    /// ```
    /// use furlough::{data::{EvalData, digits}, nn::Mlp, train::{TrainOptions, Trainer}};
    /// let digits = digits::load()?;
    /// let mlp = Mlp::builder(64, 10).hidden([32]).dropout([0.2]).build()?;
    /// let options = TrainOptions { learning_rate: 0.1, batch_size: 32, epochs: 5, ..TrainOptions::default() };
    /// let mut trainer = Trainer::from_mlp(mlp, &options, &digits.train, 1)?;
    /// trainer.fit(Some(EvalData::test(&digits.test)))?;
    /// assert!(trainer.evaluate(&digits.test)?.accuracy > Some(0.8));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn from_mlp(mlp: Mlp, options: &TrainOptions, data: &'a Dataset, threads: usize) -> Result<Self> {
        let network = Sequential::from(mlp.architecture());
        let mut trainer = Trainer::new(&network, options, data, threads)?;
        trainer.state.mlp = mlp;
        Ok(trainer)
    }

    /// A run from `state`, which an earlier run with the same network, options and data had come
    /// to.
    ///
    /// # Errors
    /// As [`Self::new`], and [`Error::Setting`] when the state is not one of such a run.
    pub fn resume(
        network: &Sequential,
        options: &TrainOptions,
        data: &'a Dataset,
        threads: usize,
        state: TrainState,
    ) -> Result<Self> {
        options.validate()?;
        check_threads(threads)?;
        let architecture = fitting(network, data)?;
        if !options.dropout_schedule.is_constant() && architecture.concrete_blocks().next().is_some() {
            let reason = "concrete dropout learns its probability, which then follows no schedule";
            return Err(Error::setting("dropout_schedule", &options.dropout_schedule, reason));
        }
        let loss = options.loss.of(data)?;
        let batch_size = options.batch_size.min(data.len());
        let steps = data.len().div_ceil(batch_size) as u64;
        if steps * u64::from(options.epochs) > u64::from(u32::MAX) {
            let reason =
                format!("{steps} steps an epoch make more than 2^32 steps, which is as far as masks are numbered");
            return Err(Error::setting("epochs", options.epochs, reason));
        }
        let foreign = |reason: &str| Err(Error::setting("resume", "state", format!("is not of this run: {reason}")));
        if *state.mlp.architecture() != architecture {
            return foreign("it has another network");
        }
        if !state.optimizer.fits(&options.optimizer, architecture.parameters()) {
            return foreign("it has the state of another optimizer");
        }
        if let Some(EarlyStopping { metric, .. }) = options.early_stopping
            && metric == EvalMetric::Accuracy
            && matches!(data.targets(), Targets::Values(_))
        {
            let reason = "is a share of classes, but the data have numbers to predict; loss will do";
            return Err(Error::setting("early_stopping_metric", metric, reason));
        }
        let Progress { epoch, step_in_epoch, step, .. } = state.progress;
        let (evaluated, best) = (options.early_stopping.is_some() && epoch > 0, state.best.as_ref());
        if best.is_some() != evaluated
            || best.is_some_and(|best| *best.mlp.architecture() != architecture || !(1..=epoch).contains(&best.epoch))
        {
            return foreign("its best epoch is not one of such a run");
        }
        if epoch > options.epochs || step_in_epoch >= steps || step != u64::from(epoch) * steps + step_in_epoch {
            return foreign("it stands at a step that this run does not have");
        }
        let mut trainer = Trainer {
            data,
            options: TrainOptions { batch_size, ..options.clone() },
            state,
            cpu: Cpu::with(&architecture, batch_size, threads, options.precision, Isa::best()),
            evaluator: Evaluator::default(),
            order: vec![0; data.len()],
            totals: (total_normalizer(&loss, data), data.total_weight()),
            checkpoint_every: None,
            after_epoch: Vec::new(),
        };
        trainer.cpu.minimize(loss);
        epoch_order(trainer.key(), epoch, &mut trainer.order);
        Ok(trainer)
    }

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
    pub fn data(&self) -> &'a Dataset {
        self.data
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

    /// Steps of an epoch; the last one takes the examples that are left.
    pub fn steps_per_epoch(&self) -> u64 {
        self.data.len().div_ceil(self.options.batch_size) as u64
    }

    /// Returns how the next step is computed, without taking it.
    pub fn plan(&mut self) -> &StepPlan {
        let steps = self.steps_per_epoch() * u64::from(self.options.epochs);
        let progress = &self.state.progress;
        let factor = self.options.dropout_schedule.factor(progress.step, steps);
        epoch_order(self.key(), progress.epoch, &mut self.order);
        let start = progress.step_in_epoch as usize * self.options.batch_size;
        let end = self.order.len().min(start + self.options.batch_size);
        self.cpu.plan_step(Batch { data: self.data, examples: &self.order[start..end] }, factor)
    }

    /// How well the full network, as it is now, does on `data`.
    ///
    /// # Errors
    /// [`Error::Data`] when `data` does not fit the network, or has classes where this run learns
    /// numbers or the reverse.
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Scores> {
        self.check_eval(data)?;
        Ok(self.evaluator.evaluate(&mut self.cpu, &self.state.mlp, data, |_, _| ()))
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
    /// first, unless the weights themselves have overflowed. Any error of the observer;
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
            examples: self.data.len() as u64,
        })?;
        while !self.is_over() && control != Control::Stop {
            epoch_order(self.key(), self.state.progress.epoch, &mut self.order);
            while self.state.progress.step_in_epoch < steps_per_epoch && control != Control::Stop {
                control = self.step(observer)?;
            }
            if self.state.progress.step_in_epoch == steps_per_epoch {
                control = control.max(self.end_epoch(eval, observer)?);
            }
        }
        let reason = match self.state.progress.epoch {
            epoch if epoch == self.options.epochs => StopReason::Finished,
            _ if self.is_over() => StopReason::EarlyStopped,
            _ => StopReason::Asked,
        };
        observer.observe(&Event::Checkpoint { state: &self.state })?;
        // After the checkpoint, which says how training went, and from which this comes again.
        if let (true, Some(best)) = (reason.is_finished(), &self.state.best) {
            self.state.mlp = best.mlp.clone();
        }
        observer.observe(&Event::Stop { reason, state: &self.state })?;
        Ok(reason)
    }

    /// Whether no epoch is left to train.
    fn is_over(&self) -> bool {
        let epoch = self.state.progress.epoch;
        let best = self.state.best.as_ref();
        let early = self.options.early_stopping.is_some_and(|stopping| stopping.is_over(best, epoch));
        early || epoch == self.options.epochs
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
    fn check_eval(&self, data: &Dataset) -> Result<()> {
        check_fit(self.state.mlp.architecture(), data)?;
        data.check_weights()?;
        match (self.data.targets(), data.targets()) {
            (Targets::Classes { .. }, Targets::Classes { .. }) | (Targets::Values(_), Targets::Values(_)) => Ok(()),
            (Targets::Classes { .. }, _) => {
                Err(Error::data("set", "has numbers to predict, but the run learns classes"))
            }
            (Targets::Values(_), _) => Err(Error::data("set", "has classes, but the run learns to predict numbers")),
        }
    }

    fn key(&self) -> Key {
        Key::new(self.options.seed)
    }

    fn step(&mut self, observer: &mut dyn Observer) -> Result<Control> {
        let steps = self.steps_per_epoch() * u64::from(self.options.epochs);
        let TrainState { mlp, optimizer, progress, .. } = &mut self.state;
        let factor = self.options.dropout_schedule.factor(progress.step, steps);
        let start = progress.step_in_epoch as usize * self.options.batch_size;
        let end = self.order.len().min(start + self.options.batch_size);
        let batch = Batch { data: self.data, examples: &self.order[start..end] };
        let site = MaskKey {
            key: Key::new(self.options.seed),
            stream: Stream::Dropout,
            step: progress.step as u32, // below 2^32: checked in `resume`
            layer: 0,
        };
        let rule = self.options.update_rule(progress.step, steps);
        let sums = self.cpu.scheduled_step(mlp, optimizer, &rule, batch, &site, factor);
        let examples = end - start;
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
        let classes = matches!(self.data.targets(), Targets::Classes { .. });
        let mut control = observer.observe(&Event::Step {
            epoch,
            step: progress.step_in_epoch,
            examples,
            loss,
            accuracy: classes.then(|| sums.accuracy()),
        })?;
        let due = self.checkpoint_every.is_some_and(|every| progress.step.is_multiple_of(every));
        // The end of an epoch has a checkpoint of its own, and so has stopping.
        if (due || control == Control::Save) && end < self.order.len() && control != Control::Stop {
            control = observer.observe(&Event::Checkpoint { state: &self.state })?;
        }
        Ok(control)
    }

    /// Returns the loss of the full network as it is after an epoch, not finite where the epoch's
    /// last step overflowed: no later step's loss would show that. Without an evaluation, the loss
    /// on one batch of the training set.
    fn loss_after_epoch(&mut self, evaluated: &[Option<f64>]) -> f64 {
        let TrainState { mlp, .. } = &self.state;
        let logits = mlp.dropout_logits().iter().all(|logit| logit.is_finite());
        if !logits || mlp.parameters().iter().any(|value| !value.is_finite()) {
            return f64::NAN;
        }
        evaluated.iter().flatten().copied().reduce(|a, b| a + b).unwrap_or_else(|| {
            self.evaluator.loss_of_first(&mut self.cpu, &self.state.mlp, self.data, self.options.batch_size)
        })
    }

    fn end_epoch(&mut self, eval: Option<EvalData<'_>>, observer: &mut dyn Observer) -> Result<Control> {
        let Progress { epoch, loss_sum, correct, step, .. } = self.state.progress;
        let epoch = epoch + 1;
        let mut control = Control::Continue;
        let train = self.options.full_train_figures.then_some(self.data);
        let examples = eval.map_or(0, |eval| eval.data.len()) + train.map_or(0, |data| data.len());
        if examples > 0 {
            control = observer.observe(&Event::EvaluationStart { epoch, examples })?;
        }
        let full_train = train.map(|data| self.evaluate(data)).transpose()?;
        let scores = match eval {
            None => None,
            Some(EvalData { split, data }) => {
                let Scores { loss, accuracy } = self.evaluate(data)?;
                Some(EvalScores { split, loss, accuracy })
            }
        };
        self.cpu.refresh_hand_over();
        let evaluated = [full_train.map(|scores| scores.loss), scores.map(|scores| scores.loss)];
        let loss = self.loss_after_epoch(&evaluated);
        if !loss.is_finite() {
            diverged(observer, epoch, self.steps_per_epoch(), loss)?;
        }
        let classes = matches!(self.data.targets(), Targets::Classes { .. });
        let summary = EpochSummary {
            epoch,
            train_loss: loss_sum / self.totals.0,
            train_accuracy: classes.then_some(correct / self.totals.1),
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

/// The network's architecture, if it makes sense and fits the data.
fn fitting(network: &Sequential, data: &Dataset) -> Result<Architecture> {
    let architecture = network.validate()?;
    check_fit(&architecture, data)?;
    Ok(architecture)
}

/// Whether examples of `data` can go through such a network.
///
/// # Errors
/// [`Error::Data`] that says how the shapes differ.
pub(crate) fn check_fit(architecture: &Architecture, data: &Dataset) -> Result<()> {
    check_inputs(architecture, data)?;
    let outputs = architecture.outputs();
    if data.outputs() == outputs {
        return Ok(());
    }
    Err(Error::data("set", format!("has {} classes or targets, but the network gives {outputs}", data.outputs())))
}

/// Whether such examples can go through such a network.
///
/// # Errors
/// [`Error::Data`] that says how the shapes differ.
pub(crate) fn check_inputs(architecture: &Architecture, data: &Examples) -> Result<()> {
    let inputs = architecture.inputs();
    if data.features() != inputs {
        return Err(Error::data(
            "set",
            format!("has {} an example, but the network takes {inputs}", counted(data.features(), "feature")),
        ));
    }
    if data.shape().len() > 1 && !architecture.flattens() {
        let shape = data.shape();
        return Err(Error::data(
            "set",
            format!("has examples of shape {shape:?}; put Flatten before the first Linear"),
        ));
    }
    Ok(())
}
