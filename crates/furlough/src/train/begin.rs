//! How a training begins: anew, from a network, or where another process left it.

use super::data_driven::begin_by_data;
use super::evaluate::Evaluator;
use super::feed::Feed;
use super::loss_options::total_normalizer;
use super::shapes::check_fit_any;
use super::{EarlyStopping, EvalMetric, Progress, TrainOptions, TrainState, Trainer, TrainingMemory, check_memory};
use crate::compute::{Cpu, Isa, MAX_THREADS};
use crate::data::{DatasetRef, Task};
use crate::nn::{Architecture, Init, Mlp, Sequential};
use crate::optim::OptimizerState;
use crate::random::Key;
use crate::{Error, Result};

impl<'a> Trainer<'a> {
    /// A run from the beginning, on `threads` threads, from 1 to [`MAX_THREADS`].
    ///
    /// ```
    /// use furlough::nn::{Layer::*, Sequential};
    /// use furlough::prelude::*;
    /// let digits = digits::load()?;
    /// let network = Sequential::new([Flatten, Linear(64, 32), Relu, Dropout(0.5), Linear(32, 10)]);
    /// let options = TrainOptions { epochs: 1, ..TrainOptions::default() };
    /// let mut trainer = Trainer::new(&network, &options, &digits.train, 1)?;
    /// trainer.fit(Some(EvalData::test(&digits.test)))?;
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Layer`] or [`Error::Setting`] for a network that makes no sense, does not fit the
    /// data or takes more memory than there is, and for options out of range.
    pub fn new(
        network: &Sequential,
        options: &TrainOptions,
        data: impl Into<DatasetRef<'a>>,
        threads: usize,
    ) -> Result<Self> {
        let data = data.into();
        let architecture = checked(network, options, data, threads)?;
        let mut mlp = Mlp::new(architecture, options.init, Key::new(options.seed));
        if options.init == Init::DataDriven {
            let DatasetRef::Memory(data) = data else {
                let reason = "looks at many rows at once, which a file of rows does not give; choose another";
                return Err(Error::setting("init", options.init, reason));
            };
            begin_by_data(&mut mlp, data, Key::new(options.seed), threads);
        }
        Trainer::first(mlp, options, data, threads)
    }

    /// A run that begins with this network as it stands: the options' `init` is not looked at.
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
    pub fn from_mlp(mlp: Mlp, options: &TrainOptions, data: impl Into<DatasetRef<'a>>, threads: usize) -> Result<Self> {
        let data = data.into();
        checked(&Sequential::from(mlp.architecture()), options, data, threads)?;
        Trainer::first(mlp, options, data, threads)
    }

    /// A run from `state`, which an earlier run with the same network, options and data had come
    /// to.
    ///
    /// ```
    /// use furlough::nn::{Layer::*, Sequential};
    /// use furlough::prelude::*;
    /// let digits = digits::load()?;
    /// let network = Sequential::new([Flatten, Linear(64, 10)]);
    /// let options = TrainOptions { epochs: 2, ..TrainOptions::default() };
    /// let mut first = Trainer::new(&network, &options, &digits.train, 1)?;
    /// first.on_epoch(|epoch| if epoch.epoch == 1 { Control::Stop } else { Control::Continue });
    /// first.fit(None)?;
    /// let state = first.state().clone(); // kept in a checkpoint, perhaps
    /// let mut second = Trainer::resume(&network, &options, &digits.train, 2, state)?;
    /// second.fit(None)?;
    /// assert_eq!(second.state().progress.epoch, 2);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::new`], and [`Error::Setting`] when the state is not one of such a run.
    pub fn resume(
        network: &Sequential,
        options: &TrainOptions,
        data: impl Into<DatasetRef<'a>>,
        threads: usize,
        state: TrainState,
    ) -> Result<Self> {
        let data = data.into();
        options.validate()?;
        check_threads(threads)?;
        let architecture = fitting(network, data)?;
        Trainer::begin(&architecture, options, data, threads, state)
    }

    /// A run from the beginning, with this network. All has been [`checked`].
    fn first(mlp: Mlp, options: &TrainOptions, data: DatasetRef<'a>, threads: usize) -> Result<Self> {
        let mlp = bounded(mlp, options, data)?;
        let (architecture, count) = (mlp.architecture().clone(), mlp.parameters().len());
        let optimizer = OptimizerState::new(&options.optimizer, count);
        let state = TrainState { mlp, optimizer, progress: Progress::default(), best: None };
        Trainer::begin(&architecture, options, data, threads, state)
    }

    /// A run from `state`. Network, options and data have been looked at one by one, and whether
    /// they fit.
    fn begin(
        architecture: &Architecture,
        options: &TrainOptions,
        data: DatasetRef<'a>,
        threads: usize,
        state: TrainState,
    ) -> Result<Self> {
        if !options.dropout_schedule.is_constant() && architecture.concrete_blocks().next().is_some() {
            let reason = "concrete dropout learns its probability, which then follows no schedule";
            return Err(Error::setting("dropout_schedule", &options.dropout_schedule, reason));
        }
        if let (true, DatasetRef::Disk(_)) = (options.drop_last, data) {
            let reason = "needs all rows in memory, as figures of an epoch are of the rows that it has seen";
            return Err(Error::setting("drop_last", true, reason));
        }
        let loss = options.loss.of(data)?;
        let batch_size = options.batch_size.min(data.len());
        let steps = options.steps_per_epoch(data.len() as u64);
        if steps * u64::from(options.epochs) > u64::from(u32::MAX) {
            let reason =
                format!("{steps} steps an epoch make more than 2^32 steps, which is as far as masks are numbered");
            return Err(Error::setting("epochs", options.epochs, reason));
        }
        check_state(&state, options, architecture, steps)?;
        if let Some(EarlyStopping { metric, .. }) = options.early_stopping
            && metric == EvalMetric::Accuracy
            && data.task() == Task::Regression
        {
            let reason = "is a share of classes, but the data have numbers to predict; loss will do";
            return Err(Error::setting("early_stopping_metric", metric, reason));
        }
        let epochs = (state.progress.epoch, options.epochs);
        let mut trainer = Trainer {
            feed: Feed::new(data, Key::new(options.seed), epochs, batch_size)?,
            options: TrainOptions { batch_size, ..options.clone() },
            state,
            cpu: Cpu::with(architecture, batch_size, threads, options.precision, Isa::best()),
            evaluator: Evaluator::default(),
            totals: (total_normalizer(&loss, data), data.total_weight()),
            loss: loss.clone(),
            checkpoint_every: None,
            after_epoch: Vec::new(),
        };
        trainer.cpu.minimize(loss);
        Ok(trainer)
    }
}

/// Whether a run with this network, these options and so many steps an epoch comes to such a state.
///
/// # Errors
/// [`Error::Setting`] that says what is another run's.
fn check_state(state: &TrainState, options: &TrainOptions, architecture: &Architecture, steps: u64) -> Result<()> {
    let foreign = |reason: &str| Err(Error::setting("resume", "state", format!("is not of this run: {reason}")));
    if state.mlp.architecture() != architecture {
        return foreign("it has another network");
    }
    if !state.optimizer.fits(&options.optimizer, architecture.parameters()) {
        return foreign("it has the state of another optimizer");
    }
    let Progress { epoch, step_in_epoch, step, .. } = state.progress;
    let (evaluated, best) = (options.early_stopping.is_some() && epoch > 0, state.best.as_ref());
    if best.is_some() != evaluated
        || best.is_some_and(|best| best.mlp.architecture() != architecture || !(1..=epoch).contains(&best.epoch))
    {
        return foreign("its best epoch is not one of such a run");
    }
    if epoch > options.epochs || step_in_epoch >= steps || step != u64::from(epoch) * steps + step_in_epoch {
        return foreign("it stands at a step that this run does not have");
    }
    Ok(())
}

/// The network with the range of the targets as its bounds, if the options say so.
///
/// # Errors
/// [`Error::Setting`] when there are no numbers to predict.
fn bounded(mlp: Mlp, options: &TrainOptions, data: DatasetRef<'_>) -> Result<Mlp> {
    if !options.clamp_outputs {
        return Ok(mlp);
    }
    match data.target_range() {
        Some(range) => mlp.with_output_bounds(range),
        None => Err(Error::setting("clamp_outputs", true, "is for numbers to predict, but the data have classes")),
    }
}

fn check_threads(threads: usize) -> Result<()> {
    if threads > MAX_THREADS {
        return Err(Error::setting("threads", threads, format!("at most {MAX_THREADS} threads are started")));
    }
    Ok(())
}

/// The network's architecture, if a run of it can begin: it makes sense, fits the data, and there
/// is memory for it.
fn checked(network: &Sequential, options: &TrainOptions, data: DatasetRef<'_>, threads: usize) -> Result<Architecture> {
    let architecture = fitting(network, data)?;
    options.validate()?;
    // Before the memory, which counts what each thread takes.
    check_threads(threads)?;
    let memory = TrainingMemory::of_data(&architecture, options, data, threads);
    check_memory(network, memory.training())?;
    Ok(architecture)
}

/// The network's architecture, if it makes sense and fits the data.
fn fitting(network: &Sequential, data: DatasetRef<'_>) -> Result<Architecture> {
    let architecture = network.validate()?;
    check_fit_any(&architecture, data)?;
    Ok(architecture)
}
