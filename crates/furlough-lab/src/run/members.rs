//! Several networks that learn from a table side by side, each in a run directory of its own, and
//! the model that they are together.

use super::provenance::check_same;
use super::{EvalInfo, FileEntry, Machine, Manifest, Provenance, Recorder, RunDir, RunInfo};
use crate::csv_text::csv_line;
use crate::recipe::Recipe;
use crate::source::{RunData, TableSource};
use crate::{Error, Result};
use furlough::data::EvalData;
use furlough::files::{DataInfo, FORMAT_VERSION, fingerprint};
use furlough::train::{Control, EpochSummary, Event, StopReason, Trainer, TrainingMemory, check_memory};
use furlough_tables::model::{OutOfFold, TableAnswers};
use furlough_tables::{Column, Role, Table, TableModel};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// How members are trained.
#[derive(Clone, Copy)]
pub struct MembersConfig<'a> {
    /// Threads in all, at least 1: so many members at a time, and where there are fewer members,
    /// more threads for each. Changes no number.
    pub threads: usize,
    /// Save a checkpoint every so many steps too.
    pub checkpoint_every: Option<u64>,
    /// Seconds since any moment, for the records; the library has no clock.
    pub clock: &'a (dyn Fn() -> f64 + Sync),
    /// Asked by each member at each step: whether all is to be saved and stopped, or saved.
    pub control: &'a (dyn Fn(u32) -> Control + Sync),
}

impl MembersConfig<'_> {
    /// Returns how many of so many members are trained at a time.
    pub fn workers(threads: usize, members: u32) -> usize {
        threads.clamp(1, members as usize)
    }

    /// Returns how many threads compute each of them.
    pub fn threads_of_each(threads: usize, members: u32) -> usize {
        (threads / members as usize).max(1)
    }
}

/// What is told of members while they are trained.
#[derive(Debug, Clone)]
pub enum MemberReport {
    /// A member is finished already.
    Finished {
        /// Its number, from 0.
        member: u32,
    },
    /// A member begins or goes on.
    Begun {
        /// Its number, from 0.
        member: u32,
        /// The epochs that it has behind it.
        epochs: u32,
        /// How many rows it learns from.
        train: usize,
        /// How many rows it holds out.
        held_out: usize,
        /// How many features it makes of their columns.
        features: usize,
    },
    /// An epoch of a member was trained.
    Epoch {
        /// Its number.
        member: u32,
        /// The epoch's figures.
        summary: EpochSummary,
        /// How long it took.
        seconds: f64,
    },
    /// A member is over for now.
    Ended {
        /// Its number.
        member: u32,
        /// Why.
        reason: StopReason,
        /// The epochs that were trained.
        epochs: u32,
        /// The figures of its network: of the best epoch, or the last.
        network: Option<EpochSummary>,
        /// How long its epochs took.
        seconds: f64,
    },
}

/// What several networks have come to.
pub struct JointModel {
    /// The model that they are.
    pub model: TableModel,
    /// Names of the files in their folder.
    pub files: Vec<String>,
}

impl RunDir {
    /// Begins a run of several networks: makes their folder and writes the recipe.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be written.
    pub fn begin_members(&mut self, recipe: &Recipe) -> Result<()> {
        // Before the recipe, with which the folder is that of a run.
        let path = self.file(Self::MEMBERS);
        std::fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        self.write(Self::RECIPE, recipe.to_toml().as_bytes())?;
        self.keep();
        Ok(())
    }
}

/// Trains the members of a run that are not finished, side by side, and tells `report` of it on
/// this thread. A member's network depends on nothing but recipe and table, so it makes no
/// difference how many are trained at a time, and when which was stopped or killed. Returns whether
/// all are finished.
///
/// # Errors
/// [`Error::Member`] with those of [`Recorder::create`], [`Recorder::resume`] and
/// [`Trainer::fit_with`], and with [`Error::Run`] when the table is not the one that a finished
/// member learned from: of the failed member whose number is the least. The others are stopped and
/// saved. [`furlough::Error::NoThread`].
pub fn train_members(
    dir: &RunDir,
    recipe: &Recipe,
    (source, origin): (&TableSource, &str),
    config: &MembersConfig<'_>,
    mut report: impl FnMut(MemberReport),
) -> Result<bool> {
    let members = recipe.members().unwrap_or(1);
    let (next, halted) = (AtomicU32::new(0), AtomicBool::new(false));
    let workers = MembersConfig::workers(config.threads, members);
    let mut outcomes: Vec<(u32, Result<bool>)> = Vec::new();
    thread::scope(|scope| {
        let (reports, inbox) = channel();
        let mut handles = Vec::new();
        for _ in 0..workers {
            let worker = Worker { dir, recipe, source, origin, config, reports: reports.clone(), halted: &halted };
            let next = &next;
            let work = move || worker.work(next, members);
            match thread::Builder::new().name("furlough-member".into()).spawn_scoped(scope, work) {
                Ok(handle) => handles.push(handle),
                Err(source) if handles.is_empty() => return Err(Error::from(furlough::Error::NoThread { source })),
                Err(_) => break, // those that there are do the work
            }
        }
        drop(reports);
        inbox.iter().for_each(&mut report);
        for handle in handles {
            match handle.join() {
                Ok(own) => outcomes.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })?;
    let finished = outcomes.len() == members as usize;
    outcomes.sort_by_key(|(member, _)| *member);
    let named = |member, error| Error::Member { member, error: Box::new(error) };
    outcomes.into_iter().try_fold(finished, |all, (member, own)| Ok(own.map_err(|error| named(member, error))? && all))
}

struct Worker<'a> {
    dir: &'a RunDir,
    recipe: &'a Recipe,
    source: &'a TableSource,
    origin: &'a str,
    config: &'a MembersConfig<'a>,
    reports: Sender<MemberReport>,
    halted: &'a AtomicBool,
}

impl Worker<'_> {
    /// Trains members until there are no more. Returns of each its number and whether it is
    /// finished.
    fn work(&self, next: &AtomicU32, members: u32) -> Vec<(u32, Result<bool>)> {
        let mut outcomes = Vec::new();
        while !self.halted.load(Ordering::Relaxed) {
            let member = next.fetch_add(1, Ordering::Relaxed);
            if member >= members || (self.config.control)(member) == Control::Stop {
                break;
            }
            let outcome = self.train(member, members);
            if !matches!(outcome, Ok(true)) {
                self.halted.store(true, Ordering::Relaxed);
            }
            outcomes.push((member, outcome));
        }
        outcomes
    }

    fn tell(&self, report: MemberReport) {
        // Whoever listens ends after all members.
        let _ = self.reports.send(report);
    }

    /// Trains a member to its end, unless it is there already. Returns whether it is.
    fn train(&self, member: u32, members: u32) -> Result<bool> {
        let (path, recipe) = (self.dir.member(member), self.recipe.member(member));
        let data = self.source.run_data(&recipe.partition())?;
        if path.join(RunDir::MANIFEST).exists() {
            check_finished(&path, &recipe, &data)?;
            self.tell(MemberReport::Finished { member });
            return Ok(true);
        }
        let threads = MembersConfig::threads_of_each(self.config.threads, members);
        let train = &data.training.train;
        let network = recipe.network(train.features(), train.levels(), train.outputs());
        let (architecture, options) = (network.validate()?, recipe.options());
        let memory = TrainingMemory::of(&architecture, &options, train.len(), threads);
        check_memory(&network, memory.total())?;
        let mut trainer = Trainer::new(&network, &options, train, threads)?;
        let info = RunInfo {
            recipe: recipe.clone(),
            data: DataInfo::of(train),
            eval: Some(EvalInfo::of(data.training.eval_data())),
            from: None,
            data_origin: self.origin.into(),
            table: data.table.clone(),
            machine: Some(Machine::of(&trainer)),
        };
        let mut last = (self.config.clock)();
        let clock = self.config.clock;
        let lap = move || {
            let now = clock();
            now - std::mem::replace(&mut last, now)
        };
        let recorder = if path.join(RunDir::RECIPE).exists() {
            let dir = RunDir::resume(&path)?;
            if dir.recipe()? != recipe {
                return Err(Error::run(
                    &dir.file(RunDir::RECIPE),
                    "is not the recipe of this member; put its own back",
                ));
            }
            let (recorder, state) = Recorder::resume(dir, info, &architecture, lap)?;
            if let Some(state) = state {
                trainer = Trainer::resume(&network, &options, train, threads, state)?;
            }
            recorder
        } else {
            Recorder::create(RunDir::create(&path)?, info, trainer.state(), lap)?
        };
        if let Some(test) = &data.test {
            recorder.check_test(test.into())?;
        }
        let recorder = recorder.measured_by(data.training.eval_data());
        trainer.checkpoint_every(self.config.checkpoint_every);
        self.tell(MemberReport::Begun {
            member,
            epochs: recorder.records().len() as u32,
            train: train.len(),
            held_out: data.training.eval.len(),
            features: train.features(),
        });
        self.fit(member, trainer, &data, recorder)
    }

    fn fit(&self, member: u32, mut trainer: Trainer<'_>, data: &RunData, recorder: Recorder<'_>) -> Result<bool> {
        let (clock, mut last) = (self.config.clock, (self.config.clock)());
        let watch = |event: &Event<'_>| -> furlough::Result<Control> {
            if let Event::Epoch(summary) = event {
                let now = clock();
                let seconds = now - std::mem::replace(&mut last, now);
                self.tell(MemberReport::Epoch { member, summary: (*summary).clone(), seconds });
            }
            let halted = self.halted.load(Ordering::Relaxed);
            Ok(if halted { Control::Stop } else { (self.config.control)(member) })
        };
        let mut observers = (recorder, watch);
        let fitted = trainer.fit_with(Some(data.training.eval_data()), &mut observers);
        let (recorder, _) = observers;
        let records = recorder.records().to_vec();
        drop(recorder);
        let reason = fitted?;
        let best = trainer.state().best.as_ref().map(|best| best.epoch);
        let network = records.iter().rev().find(|record| best.is_none_or(|best| record.summary.epoch == best));
        self.tell(MemberReport::Ended {
            member,
            reason,
            epochs: records.len() as u32,
            network: network.map(|record| record.summary.clone()),
            seconds: records.iter().map(|record| record.seconds).sum(),
        });
        Ok(reason.is_finished())
    }
}

/// Checks that a finished member learned from the table that there is now.
fn check_finished(path: &Path, recipe: &Recipe, data: &RunData) -> Result<()> {
    let dir = RunDir::open(path)?;
    let manifest = Manifest::read(&dir)?;
    let is_same = |manifest: &Manifest| manifest.data_fingerprint == fingerprint(&data.training.train);
    if dir.recipe()? != *recipe || !manifest.as_ref().is_some_and(is_same) {
        let reason = "learned from another table or by another recipe than the networks beside it would. Put back the \
                      file that it began with, or begin another run";
        return Err(Error::run(path, reason));
    }
    let test = data.test.as_ref().map(|test| EvalInfo::of(EvalData::test(test)));
    let before = Provenance::read(&dir)?.and_then(|provenance| provenance.test);
    check_same(&dir, before.as_ref(), test.as_ref())?;
    manifest.map_or(Ok(()), |manifest| manifest.check_whole(path))
}

/// Makes one model of a run's members, once all are finished: writes the model, their answers out
/// of fold and last of all the manifest.
///
/// # Errors
/// Those of [`RunDir::trained`] and [`TableModel::of_networks`]; [`furlough::Error::Io`].
pub fn finish_members(
    mut dir: RunDir,
    recipe: &Recipe,
    (source, origin): (&TableSource, &str),
    threads: usize,
) -> Result<JointModel> {
    let members = recipe.members().unwrap_or(1);
    let (mut models, mut held_out) = (Vec::new(), Vec::new());
    let (mut files, mut steps, mut seconds, mut first) = (Vec::new(), 0, 0.0, None);
    for member in 0..members {
        let own = RunDir::open(dir.member(member))?;
        let trained = own.trained()?;
        let model = TableModel::new(&own.model()?, trained.mlp, &trained.info, threads)?;
        models.push(model.with_precision(recipe.precision(), threads));
        held_out.push(source.held_out(&trained.recipe.partition())?);
        if let Some(manifest) = Manifest::read(&own)? {
            steps += manifest.steps;
            seconds += manifest.seconds;
            first.get_or_insert(manifest);
        }
        files.push(format!("{}/{member}/{}", RunDir::MEMBERS, RunDir::MANIFEST));
    }
    let (model, out_of_fold) = TableModel::of_networks(models, source.table(), &held_out)?;
    model.save_with_recipe(dir.file(RunDir::MODEL), &recipe.to_toml())?;
    dir.write(RunDir::OUT_OF_FOLD, csv(&out_of_fold, source.table())?.as_bytes())?;
    let own = [RunDir::RECIPE, RunDir::OUT_OF_FOLD, RunDir::MODEL].map(String::from);
    let files: Vec<String> = own.into_iter().chain(files).collect();
    let first = first.ok_or_else(|| Error::Unfinished { path: dir.member(0) })?;
    let manifest = Manifest {
        version: FORMAT_VERSION,
        status: "finished".into(),
        stop_reason: StopReason::Finished,
        from: None,
        library: env!("CARGO_PKG_VERSION").into(),
        data_origin: origin.into(),
        data_fingerprint: first.data_fingerprint,
        machine: first.machine.map(|machine| Machine { threads, ..machine }),
        steps,
        seconds,
        last: None,
        best_epoch: None,
        files: files.iter().map(|name| FileEntry::of(&dir, name)).collect::<Result<_>>()?,
    };
    manifest.write(&dir)?;
    dir.retire_lock();
    Ok(JointModel { model, files })
}

/// Returns answers out of fold as a CSV file: the row's number in the table, from 1, the target as
/// it is there, the answer, and the probabilities of classes.
fn csv(OutOfFold { rows, answers, probabilities }: &OutOfFold, table: &Table) -> Result<String> {
    let targets: Vec<&str> =
        table.schema().with_the_role(Role::Target).map(|place| &*table.schema().columns[place].name).collect();
    let columns = targets.iter().map(|name| Ok(table.column(name)?)).collect::<Result<Vec<&Column>>>()?;
    let mut head = vec!["row".to_string()];
    head.extend(targets.iter().flat_map(|name| [name.to_string(), format!("predicted_{name}")]));
    if let TableAnswers::Classes { names, .. } = answers {
        head.extend(names.iter().map(|name| format!("P({name})")));
    }
    let mut text = csv_line(head);
    for (place, &row) in rows.iter().enumerate() {
        let mut cells = vec![(row + 1).to_string()];
        for (target, column) in columns.iter().enumerate() {
            cells.push(match column {
                Column::Numbers(numbers) => numbers[row as usize].to_string(),
                Column::Codes { codes, levels } => levels[codes[row as usize] as usize].clone(),
                Column::Dropped => String::new(),
            });
            cells.push(match answers {
                TableAnswers::Classes { classes, names } => names[classes[place] as usize].clone(),
                TableAnswers::Numbers { values, .. } => values[[place, target]].to_string(),
            });
        }
        cells.extend(probabilities.iter().flat_map(|all| all.row(place).to_vec()).map(|p| (p as f32).to_string()));
        text += &csv_line(cells);
    }
    Ok(text)
}
