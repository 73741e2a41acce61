use super::TrialData;
use crate::recipe::Recipe;
use crate::run::{EpochRecord, Failure, Machine, Manifest, Provenance, Recorder, RunDir, RunInfo, read_metrics};
use crate::{Error, Result};
use furlough::files::{sha256_hex, write_atomic};
use furlough::train::{Control, Event, Observer, Trainer, TrainingMemory, check_memory, too_large};
use std::path::{Path, PathBuf};

/// One run of an experiment: a recipe, and a name that nothing else has.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    recipe: Recipe,
    id: String,
}

impl Trial {
    /// The trial of `recipe` on the data with this [`fingerprint`](furlough::files::fingerprint).
    pub fn new(recipe: Recipe, fingerprint: &str) -> Self {
        let mut id = sha256_hex(format!("furlough trial 1\n{fingerprint}\n{}", recipe.to_toml()).as_bytes());
        id.truncate(16);
        Trial { recipe, id }
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The name: 16 hexadecimal digits, the first of the SHA-256 of recipe and data. Equal trials
    /// have equal names.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its run directory, `<root>/<id>`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        root.join(&self.id)
    }

    /// Reads what is on record of the trial in `root`. Takes no lock, so the trial may be going on.
    ///
    /// # Errors
    /// [`Error::Run`] when there is something in the trial's folder that is not this trial, whole
    /// or in part, and when the trial was cut short, as [`Recorder::cut_short`] does.
    pub fn found(&self, root: &Path) -> Result<TrialRecord> {
        let folder = self.folder(root);
        if !folder.join(RunDir::RECIPE).exists() && !folder.join(RunDir::MANIFEST).exists() {
            let state = if folder.exists() { TrialState::Begun } else { TrialState::New };
            return Ok(TrialRecord { state, records: Vec::new() });
        }
        let (record, manifest) = self.read(&folder).map_err(|error| unusable(&folder, error))?;
        manifest.map_or(Ok(()), |manifest| manifest.check_whole(&folder))?;
        Ok(record)
    }

    fn read(&self, folder: &Path) -> Result<(TrialRecord, Option<Manifest>)> {
        let dir = RunDir::open(folder)?;
        if dir.recipe()? != self.recipe {
            return Err(Error::run(&dir.file(RunDir::RECIPE), "is the recipe of another trial"));
        }
        let (log, split) = (dir.file(RunDir::METRICS), self.recipe.partition().eval_split());
        let Some(manifest) = Manifest::read(&dir)? else {
            let records = if log.exists() { read_metrics(&log, split)? } else { Vec::new() };
            let failure = Failure::read(folder)?;
            let state = failure.map_or(TrialState::Begun, TrialState::Failed);
            return Ok((TrialRecord { state, records }, None));
        };
        // The model and the checkpoint, which are large, say themselves whether they are whole when
        // they are read.
        for entry in &manifest.files {
            if [RunDir::RECIPE, RunDir::METRICS].contains(&entry.name.as_str()) {
                manifest.check(&dir, &entry.name)?;
            }
            match std::fs::metadata(dir.file(&entry.name)) {
                Ok(file) if file.is_file() && file.len() == entry.bytes => {}
                Ok(_) => return Err(Error::run(&dir.file(&entry.name), "is not what the run wrote")),
                Err(_) => return Err(Error::run(&dir.file(&entry.name), "is missing, though the run is finished")),
            }
        }
        let records = read_metrics(&log, split)?;
        manifest.check_epochs(&self.recipe, &records).map_err(|how| Error::run(&log, format!("is damaged: {how}")))?;
        let state = Failure::in_log(&records).map_or(TrialState::Finished, TrialState::Failed);
        Ok((TrialRecord { state, records }, Some(manifest)))
    }

    /// Writes down why the trial failed, and its recipe where that is not there yet.
    fn record_failure(&self, folder: &Path, failure: &Failure) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let recipe = folder.join(RunDir::RECIPE);
        if !recipe.exists() {
            write_atomic(&recipe, self.recipe.to_toml().as_bytes())?;
        }
        failure.write(folder)
    }
}

/// How a trial stands on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialState {
    /// It has no folder yet.
    New,
    /// Some of it is there, and it can go on.
    Begun,
    /// All epochs are done.
    Finished,
    /// It ended in a way in which it would end again. Run again only on request:
    /// [`TrialConfig::retry_failed`].
    Failed(Failure),
}

/// What is on disk of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialRecord {
    /// How it stands.
    pub state: TrialState,
    /// The epochs.
    pub records: Vec<EpochRecord>,
}

/// Where and how trials are run.
#[derive(Clone, Copy)]
pub struct TrialConfig<'a> {
    /// The folder of all trials; made when the first one begins.
    pub root: &'a Path,
    /// Threads of each trial, at least 1. Changes no number.
    pub threads: usize,
    /// Seconds since any moment, for the records; the library has no clock.
    pub clock: &'a (dyn Fn() -> f64 + Sync),
    /// Whether trials that failed are run again.
    pub retry_failed: bool,
    /// Says why there are not so many bytes of memory for a trial, as the end of a sentence; none
    /// where nothing is known against it. The library asks the allocator alone.
    pub no_room: &'a (dyn Fn(u64) -> Option<String> + Sync),
}

/// How a trial ended, for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All epochs are done.
    Finished,
    /// All epochs that were asked for are done.
    Paused,
    /// The observer asked to stop. What was learned is saved, and the trial goes on from there.
    Stopped,
    /// Nothing was done, because another process, or another worker, is running this trial.
    Elsewhere,
    /// It failed, now or before: see [`TrialOutcome::failure`].
    Failed,
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialOutcome {
    /// The run directory.
    pub path: PathBuf,
    /// How it ended.
    pub ended: Ended,
    /// Epochs that were on record before.
    pub found: usize,
    /// The epochs, from the first; where a pause was asked for, those until then.
    pub records: Vec<EpochRecord>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// Runs a trial in its folder under the root: from the beginning, from where an earlier process was
/// stopped or killed, or not at all when it is finished. With `until` it pauses after that epoch,
/// and a later call goes on, bit for bit as if it had never paused. The observer sees the events of
/// the training that is still to be done, and can stop it.
///
/// A trial that fails by itself, because its training diverges or its network does not fit in
/// memory, leaves the reason in its folder and is not run again unless `setting` asks for it. It
/// has a checkpoint from before, where it could have one.
///
/// ```
/// use furlough::data::digits;
/// use furlough_lab::{recipe::Settings, study::{Ended, TrialConfig, Trial, TrialData, run_trial}};
/// let digits = digits::load()?;
/// let data = TrialData::new(&digits.train, &digits.test, "built in");
/// let recipe = Settings::parse("data = 'digits'\nhidden = 8\nepochs = 2", None)?.resolve()?;
/// let trial = Trial::new(recipe, &data.info.fingerprint);
/// # let folder = tempfile::tempdir().unwrap();
/// # let root = folder.path();
/// let setting = TrialConfig { root, threads: 1, clock: &|| 0.0, retry_failed: false, no_room: &|_| None };
/// let first = run_trial(&trial, &data, &setting, Some(1), &mut ())?;
/// assert_eq!((first.ended, first.records.len()), (Ended::Paused, 1));
/// let whole = run_trial(&trial, &data, &setting, None, &mut ())?;
/// assert_eq!((whole.ended, whole.records.len()), (Ended::Finished, 2));
/// # Ok::<(), furlough_lab::Error>(())
/// ```
///
/// # Errors
/// [`Error::Run`] when what is in the trial's folder is damaged or of something else; it is left as
/// it is. Those of [`Trainer::new`] and [`Trainer::fit`], so [`furlough::Error::NotFinite`] when
/// the training diverges; [`furlough::Error::Io`], and with it [`Error::is_out_of_space`] where
/// there is no room for the next file.
pub fn run_trial(
    trial: &Trial,
    data: &TrialData<'_>,
    setting: &TrialConfig<'_>,
    until: Option<u32>,
    observer: &mut dyn Observer,
) -> Result<TrialOutcome> {
    let path = trial.folder(setting.root);
    let TrialRecord { state, mut records } = trial.found(setting.root)?;
    let found = records.len();
    let epochs = trial.recipe.options().epochs;
    let until = until.filter(|&until| until < epochs);
    match state {
        TrialState::Failed(failure) if !setting.retry_failed => {
            return Ok(TrialOutcome { path, ended: Ended::Failed, found, records, failure: Some(failure) });
        }
        TrialState::Failed(_) => forget_failure(&path)?,
        TrialState::Finished | TrialState::Begun | TrialState::New => {
            let whole = state == TrialState::Finished;
            if whole || until.is_some_and(|until| found >= until as usize) {
                records.truncate(until.unwrap_or(epochs) as usize);
                let ended = if until.is_some() { Ended::Paused } else { Ended::Finished };
                return Ok(TrialOutcome { path, ended, found, records, failure: None });
            }
        }
    }
    let failed = |error: Error| {
        let Some(failure) = Failure::of(&error) else { return Err(error) };
        trial.record_failure(&path, &failure)?;
        let records = trial.found(setting.root)?.records;
        Ok(TrialOutcome { path: path.clone(), ended: Ended::Failed, found, records, failure: Some(failure) })
    };
    let part = match data.part(&trial.recipe) {
        Ok(part) => part,
        Err(error) => return failed(error),
    };
    let own = part.as_ref().map(|part| part.data(data));
    let seen = own.as_ref().unwrap_or(data);
    let (mut trainer, recorder) = match begin(trial, seen, setting, &path) {
        Ok(begun) => begun,
        Err(Error::Locked { .. }) => {
            return Ok(TrialOutcome { path, ended: Ended::Elsewhere, found, records, failure: None });
        }
        // Another process finished it since it was looked at.
        Err(_) if path.join(RunDir::MANIFEST).exists() => return run_trial(trial, data, setting, until, observer),
        Err(error) => return failed(error),
    };
    let mut watchers = (recorder.measured_by(seen.eval), |event: &Event<'_>| -> furlough::Result<Control> {
        let control = observer.observe(event)?;
        let due = matches!(event, Event::Epoch(summary) if Some(summary.epoch) == until);
        Ok(if due { Control::Stop } else { control })
    });
    let reason = match trainer.fit_with(Some(seen.eval), &mut watchers) {
        Ok(reason) => reason,
        Err(error @ furlough::Error::NotFinite { .. }) => {
            // Lines of the log that wait are written as it goes.
            drop(watchers);
            return failed(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let records = watchers.0.records().to_vec();
    let ended = match reason {
        reason if reason.is_finished() => Ended::Finished,
        _ if until.is_some_and(|until| records.len() >= until as usize) => Ended::Paused,
        _ => Ended::Stopped,
    };
    Ok(TrialOutcome { path, ended, found, records, failure: None })
}

/// Makes a failed trial one that can be run again. One that was taken for finished, as by older
/// versions, begins anew.
fn forget_failure(folder: &Path) -> Result<()> {
    for name in [RunDir::FAILED, RunDir::MANIFEST] {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}

/// The trainer, where the trial goes on, and the recorder, which has the folder's lock.
pub(crate) fn begin<'a>(
    trial: &Trial,
    data: &TrialData<'a>,
    setting: &TrialConfig<'a>,
    path: &Path,
) -> Result<(Trainer<'a>, Recorder<'a>)> {
    let network = trial.recipe.network(data.train.features(), data.train.levels(), data.train.outputs());
    let options = trial.recipe.options();
    if let Ok(architecture) = network.validate() {
        let memory = TrainingMemory::of(&architecture, &options, data.train.len(), setting.threads);
        if let Some(reason) = (setting.no_room)(memory.total()) {
            return Err(too_large(&network, memory.total(), &reason).into());
        }
        check_memory(&network, memory.total())?;
    }
    let trainer = Trainer::new(&network, &options, data.train, setting.threads)?;
    let info = RunInfo {
        recipe: trial.recipe.clone(),
        data: data.info.clone(),
        eval: Some(data.eval_info.clone()),
        from: None,
        data_origin: data.origin.clone(),
        table: data.header.clone(),
        machine: Some(Machine::of(&trainer)),
    };
    let seconds = laps(setting.clock);
    if !path.join(RunDir::RECIPE).exists() {
        match RunDir::create(path) {
            Ok(dir) => {
                let recorder = Recorder::create(dir, info, trainer.state(), seconds)?;
                return Ok((trainer, recorder));
            }
            Err(Error::Occupied { .. }) if path.join(RunDir::RECIPE).exists() => {} // begun by another process since
            Err(error @ Error::Locked { .. }) => return Err(error),
            Err(error) => return Err(unusable(path, error)),
        }
    }
    let before = RunDir::open(path).and_then(|dir| Provenance::read(&dir)).ok().flatten().and_then(|began| began.eval);
    if let Some(how) = before.and_then(|before| before.difference(&data.eval_info)) {
        let advice = "give the data that the trial began with, or move this folder away to run it again";
        return Err(Error::run(path, format!("{how}: {advice}")));
    }
    let resumed = RunDir::resume(path).and_then(|dir| Recorder::resume(dir, info, &network.validate()?, seconds));
    let (recorder, state) = match resumed {
        Err(error @ Error::Locked { .. }) => return Err(error),
        other => other.map_err(|error| unusable(path, error))?,
    };
    let trainer = match state {
        None => trainer,
        Some(state) => Trainer::resume(&network, &options, data.train, setting.threads, state)?,
    };
    Ok((trainer, recorder))
}

/// A closure that says how long it is since it was last asked, or made.
fn laps(clock: &(dyn Fn() -> f64 + Sync)) -> impl FnMut() -> f64 {
    let mut last = clock();
    move || {
        let now = clock();
        now - std::mem::replace(&mut last, now)
    }
}

/// What is in the folder of a trial is not that trial, unless it could only not be written.
pub(super) fn unusable(folder: &Path, error: Error) -> Error {
    if error.is_out_of_space() {
        return error;
    }
    let what = error.to_string();
    let inside = what.strip_prefix(&*folder.display().to_string()).unwrap_or(&what).trim_start_matches(['/', ':', ' ']);
    let advice = "move this folder away and the trial is run again; the other trials are untouched";
    Error::run(folder, format!("this trial is damaged ({inside}): {advice}"))
}
