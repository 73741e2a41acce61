use super::background::Background;
use super::metrics_log::flush;
use super::{EpochRecord, EvalInfo, Failure, FileEntry, Machine, Manifest, MetricsLog, Provenance, RunDir, WarmStart};
use super::{curves_png, curves_svg, read_metrics};
use crate::recipe::Recipe;
use crate::{Error, Result};
use furlough::data::{Dataset, DatasetRef, EvalData, EvalSplit};
use furlough::files::checkpoint_bytes;
use furlough::files::{
    DataInfo, FORMAT_VERSION, ModelInfo, Origin, load_checkpoint, save_checkpoint, save_model, weights_fingerprint,
    write_atomic,
};
use furlough::nn::{Architecture, Mlp};
use furlough::train::{Control, Event, Observer, StopReason, TrainState};
use furlough_tables::TableModel;
use furlough_tables::figures::TableFigures;
use furlough_tables::model::TableHeader;

/// What a run directory says about its run beyond what the run computes.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// The recipe.
    pub recipe: Recipe,
    /// What is learned from.
    pub data: DataInfo,
    /// What each epoch is evaluated on; none where there is no evaluation.
    pub eval: Option<EvalInfo>,
    /// What another run had learned, where this one begins from that.
    pub from: Option<WarmStart>,
    /// Where the data came from, for the manifest.
    pub data_origin: String,
    /// The table's schema and preprocessing, which the model file keeps; none of other data.
    pub table: Option<TableHeader>,
    /// What is computed with; none where that is unknown.
    pub machine: Option<Machine>,
}

/// Writes a run into its folder while it happens: a line an epoch, checkpoints when they come, and
/// when all epochs are done the model, the curves and last of all the manifest.
///
/// Lines and checkpoints are written by a thread of its own, in their order, while training goes
/// on. All of it is on the disk when [`Event::Stop`] has been observed or the recorder has been
/// dropped. Until then, a process that is killed may lose the checkpoint that was being written or
/// that waited, and goes on from the one before. Where checkpoints come fast, one waits nine times
/// as long as writing the one before took, five seconds at most.
pub struct Recorder<'a> {
    // First, so that it is dropped, and with it done, before the folder's lock is released.
    background: Background,
    dir: RunDir,
    info: RunInfo,
    origin: Origin,
    log: MetricsLog,
    seconds: Box<dyn FnMut() -> f64 + 'a>,
    /// Says how good the finished network is on the test rows of a table.
    judge: Option<Judge<'a>>,
    /// Rows of a table that judge the run without being its test set.
    held_out: Option<&'a Dataset>,
}

/// Says how good a network is.
type Judge<'a> = Box<dyn FnOnce(&Mlp) -> Result<TableFigures> + 'a>;

impl<'a> Recorder<'a> {
    /// Begins a run that starts with `state`: writes the recipe, an empty log and a first
    /// checkpoint, so that even a run killed in its first epoch can go on. `seconds` is called at
    /// the end of each epoch and says how long it took.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when a file cannot be written; the new files are then removed again.
    pub fn create(
        mut dir: RunDir,
        info: RunInfo,
        state: &TrainState,
        seconds: impl FnMut() -> f64 + 'a,
    ) -> Result<Self> {
        let origin = info.origin();
        // Before the recipe, with which the folder is a run: no run lacks what it began from.
        if info.from.is_some() {
            let model = info.model();
            save_model(&dir.file(RunDir::START), &state.mlp, &model)?;
        } else {
            dir.remove(RunDir::START)?;
        }
        info.provenance().write(&dir)?;
        // The checkpoint is the last: with it the run can be resumed, and then it has all it needs.
        dir.write(RunDir::RECIPE, info.recipe.to_toml().as_bytes())?;
        let log = MetricsLog::create(dir.file(RunDir::METRICS))?;
        save_checkpoint(&dir.checkpoint(), state, &origin)?;
        dir.keep();
        let (background, seconds) = (Background::new(), Box::new(seconds));
        Ok(Recorder { background, dir, info, origin, log, seconds, judge: None, held_out: None })
    }

    /// Has the model of a table say how far it was off for these rows, which judge the run and are
    /// not its test set: its intervals are made of that. Rows in a file are not gone through.
    pub fn measured_by(self, eval: EvalData<'a>) -> Self {
        let held_out = match eval.data {
            DatasetRef::Memory(data) if eval.split == EvalSplit::Validation => self.info.table.as_ref().map(|_| data),
            _ => None,
        };
        Recorder { held_out, ..self }
    }

    /// Goes on with the run of a folder opened by [`RunDir::resume`], and returns where it goes on
    /// from: none when it was killed before its first checkpoint, so that it begins at the
    /// beginning. Epochs in the log that the checkpoint does not know are dropped: they come again,
    /// with the same numbers. A run that began from another one's weights then begins with those of
    /// [`RunDir::start`] again.
    ///
    /// # Errors
    /// Those of [`load_checkpoint`] and [`MetricsLog::resume`]: a damaged or missing file, another
    /// recipe, other data. [`Error::Run`] when the run is to be judged by other examples than it
    /// was.
    pub fn resume(
        dir: RunDir,
        mut info: RunInfo,
        architecture: &Architecture,
        seconds: impl FnMut() -> f64 + 'a,
    ) -> Result<(Self, Option<TrainState>)> {
        let provenance = Provenance::read(&dir)?;
        if let Some(provenance) = &provenance {
            provenance.check_eval(&dir, info.eval.as_ref())?;
            provenance.check_table(&dir, info.table.as_ref())?;
            info.from.clone_from(&provenance.from);
        }
        let origin = info.origin();
        let (checkpoint, metrics) = (dir.checkpoint(), dir.file(RunDir::METRICS));
        let split = info.recipe.partition().eval_split();
        let (log, state) = if checkpoint.exists() {
            let optimizer = info.recipe.options().optimizer;
            let state = load_checkpoint(&checkpoint, &origin, architecture, &optimizer)?;
            (MetricsLog::resume(metrics, state.progress.epoch, split)?, Some(state))
        } else if metrics.exists() && !read_metrics(&metrics, split)?.is_empty() {
            return Err(Error::run(&checkpoint, "is missing; start the run again in another folder"));
        } else {
            (MetricsLog::create(metrics)?, None)
        };
        // Where an older version began the run, it is known from here on what it is judged by.
        match provenance {
            None => info.provenance().write(&dir)?,
            Some(mut before) if before.machine != info.machine => {
                before.machine.clone_from(&info.machine);
                before.write(&dir)?;
            }
            Some(_) => {}
        }
        let background = Background::new();
        let seconds = Box::new(seconds);
        Ok((Recorder { background, dir, info, origin, log, seconds, judge: None, held_out: None }, state))
    }

    /// Records which test rows of a table judge the run once it is finished, and sees to it that
    /// they are those that it began with: neither what it learns from nor what it is judged by
    /// while it trains says so. Computes their fingerprint.
    ///
    /// # Errors
    /// [`Error::Run`] when they have changed since; [`furlough::Error::Io`].
    pub fn check_test(&self, test: DatasetRef<'_>) -> Result<()> {
        let now = EvalInfo::of(EvalData { split: EvalSplit::Test, data: test });
        Provenance::read(&self.dir)?.map_or(Ok(()), |provenance| provenance.check_test(&self.dir, now))
    }

    /// Asks `judge` for the figures of the network of a table, once it is finished: its model file
    /// has them.
    pub fn judged_by(&mut self, judge: impl FnOnce(&Mlp) -> Result<TableFigures> + 'a) {
        self.judge = Some(Box::new(judge));
    }

    /// The folder.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// What another run had learned, where this one began from that.
    pub fn warm_start(&self) -> Option<&WarmStart> {
        self.info.from.as_ref()
    }

    /// The epochs so far, those before a resumption included.
    pub fn records(&self) -> &[EpochRecord] {
        self.log.records()
    }

    /// Makes a stopped run a finished one as it stands, with the model that its checkpoint has. The
    /// manifest says that it was cut short, unless it had come to its end and only that was not
    /// written yet. Returns which.
    ///
    /// # Errors
    /// Those of [`Self::resume`]; [`Error::Run`] when the run has failed, or has not finished an
    /// epoch.
    pub fn cut_short(dir: RunDir, info: RunInfo) -> Result<StopReason> {
        if let Some(failure) = dir.contents()?.failure {
            let reason = format!("has failed, so it cannot be made a finished run: {failure}");
            return Err(Error::run(dir.path(), reason));
        }
        let architecture = dir.learned()?.mlp.architecture().clone();
        let path = dir.path().to_path_buf();
        match Recorder::resume(dir, info, &architecture, || 0.0)? {
            (mut recorder, Some(mut state)) if state.progress.epoch > 0 => {
                if let Some(best) = &state.best {
                    state.mlp = best.mlp.clone();
                }
                let reason = StopReason::of(&state, &recorder.info.recipe.options());
                recorder.finish(&state, reason)?;
                Ok(reason)
            }
            _ => Err(Error::run(&path, "has not finished an epoch yet, so there is nothing to make a finished run of")),
        }
    }

    fn finish(&mut self, state: &TrainState, stop_reason: StopReason) -> Result<()> {
        if let (Some(table), Some(judge)) = (&mut self.info.table, self.judge.take()) {
            table.test = Some(judge(&state.mlp)?);
        }
        let records = self.log.records();
        self.save_model(state)?;
        let (title, split) = (self.info.title(), self.info.recipe.partition().eval_split());
        let best_epoch = state.best.as_ref().map(|best| best.epoch);
        self.dir.write(RunDir::CURVES_SVG, curves_svg(&title, split, records, best_epoch)?.as_bytes())?;
        self.dir.write(RunDir::CURVES_PNG, &curves_png(&title, split, records, best_epoch)?)?;
        let files: Result<Vec<_>> = Manifest::files_in(&self.dir).map(|name| FileEntry::of(&self.dir, name)).collect();
        let manifest = Manifest {
            version: FORMAT_VERSION,
            status: "finished".into(),
            stop_reason,
            from: self.info.from.clone(),
            library: env!("CARGO_PKG_VERSION").into(),
            data_origin: self.info.data_origin.clone(),
            data_fingerprint: self.info.data.fingerprint.clone(),
            machine: self.info.machine.clone(),
            steps: state.progress.step,
            seconds: records.iter().map(|record| record.seconds).sum(),
            last: records.last().cloned(),
            best_epoch,
            files: files?,
        };
        // A run that failed and was run again after all.
        self.dir.remove(RunDir::FAILED)?;
        manifest.write(&self.dir)?;
        self.dir.retire_lock();
        Ok(())
    }
}

impl Recorder<'_> {
    fn save_model(&self, state: &TrainState) -> Result<()> {
        let (path, mut info) = (self.dir.file(RunDir::MODEL), self.info.model());
        if let Some(mut header) = self.info.table.clone() {
            header.best_epoch = state.best.as_ref().map(|best| best.epoch);
            info.table = Some(header.to_json());
            if let Some(held_out) = self.held_out {
                let precision = self.info.recipe.precision();
                let model = TableModel::new(&path, state.mlp.clone(), &info, 1)?.with_precision(precision, 1);
                info.table = Some(model.measured_by(held_out)?.header().to_json());
            }
        }
        Ok(save_model(&path, &state.mlp, &info)?)
    }
}

impl RunInfo {
    fn provenance(&self) -> Provenance {
        let RunInfo { data, data_origin, table, eval, from, machine, .. } = self.clone();
        Provenance { version: FORMAT_VERSION, data_origin, train: data, table, eval, test: None, from, machine }
    }

    /// What a model file of the run says beside the network.
    fn model(&self) -> ModelInfo {
        let table = self.table.as_ref().map(TableHeader::to_json);
        ModelInfo { data: self.data.clone(), recipe: self.recipe.to_toml(), table }
    }

    /// What a checkpoint of the run must come from.
    fn origin(&self) -> Origin {
        let weights = self.from.as_ref().map(|from| from.weights.clone());
        Origin { weights, ..Origin::new(&self.recipe.to_toml(), &*self.data.fingerprint) }
    }

    /// What stands over the curves: `digits, hidden 64-32, dropout 0.2, 0.5`.
    fn title(&self) -> String {
        let join = |items: Vec<String>, with: &str| items.join(with);
        let recipe = &self.recipe;
        if recipe.hidden().is_empty() {
            return format!("{}, no hidden layer", recipe.data());
        }
        let hidden = join(recipe.hidden().iter().map(usize::to_string).collect(), "-");
        let dropout = join(recipe.dropout().iter().map(f64::to_string).collect(), ", ");
        format!("{}, hidden {hidden}, dropout {dropout}", recipe.data())
    }
}

impl Observer for Recorder<'_> {
    fn observe(&mut self, event: &Event<'_>) -> furlough::Result<Control> {
        match *event {
            // A run that was killed before it had a checkpoint begins anew, and must have one
            // before its log has a line.
            Event::Start { state, .. } if !self.dir.checkpoint().exists() => {
                let weights = self.info.from.as_ref().map(|from| &from.weights);
                if weights.is_some_and(|weights| weights_fingerprint(&state.mlp) != *weights) {
                    return Err(Error::run(self.dir.path(), "does not begin with the weights that it says").into());
                }
                save_checkpoint(&self.dir.checkpoint(), state, &self.origin)?;
            }
            // Before the checkpoint, so that no checkpoint knows an epoch that the log lost.
            Event::Epoch(summary) => {
                let seconds = (self.seconds)();
                let line = self.log.begin_append(EpochRecord { summary: summary.clone(), seconds })?;
                self.background.line(line)?;
            }
            // A state that overflowed is not one to go on from: the last good one stays, and the
            // next step's loss ends the run.
            Event::Checkpoint { state } if is_finite(state) => {
                let (path, log) = (self.dir.checkpoint(), self.dir.file(RunDir::METRICS));
                let (state, origin) = (state.clone(), self.origin.clone());
                self.background.snapshot(Box::new(move || {
                    // So that no checkpoint knows an epoch that the log lost, even if the power
                    // fails.
                    flush(&log)?;
                    Ok(write_atomic(&path, &checkpoint_bytes(&path, &state, &origin)?)?)
                }))?;
            }
            Event::Diverged { epoch, step, loss } => {
                self.background.finish()?;
                Failure::diverged(epoch, step, loss).write(self.dir.path())?;
            }
            Event::Stop { reason, state } => {
                self.background.finish()?;
                if reason.is_finished() {
                    self.finish(state, reason)?;
                }
            }
            _ => {}
        }
        Ok(Control::Continue)
    }
}

fn is_finite(state: &TrainState) -> bool {
    let best = state.best.as_ref().map(|best| &best.mlp);
    let networks = || [Some(&state.mlp), best].into_iter().flatten();
    let values = networks().flat_map(Mlp::parameters).copied().chain(state.optimizer.values());
    let logits = networks().flat_map(Mlp::dropout_logits);
    state.progress.loss_sum.is_finite()
        && logits.copied().all(f64::is_finite)
        && values.into_iter().all(|value| value.is_finite())
}
