//! `furlough train`.

mod begin;
mod finish;
mod from;
mod members;

use crate::acquire::{self, Acquired, AcquiredSource, Wanted};
use crate::args::{TrainArgs, contradictions, let_go};
use crate::commands::info::too_much_decay;
use crate::commands::note as notes_file;
use crate::failure::Hinted;
use crate::progress::{Ending, EpochClock, EpochRow, TrainPlan, TrainingDisplay};
use crate::terminal::{Style, note, program, shell_word};
use crate::{failure, interrupt, limits, terminal};
use anyhow::bail;
use begin::{Begun, Prepared, begin, prepare, recipe_and_data};
use from::StartingPoint;
use furlough::data::DatasetRef;
use furlough::files::DataInfo;
use furlough::nn::Mlp;
use furlough::predict::Predictor;
use furlough::train::{StopReason, TrainState, Trainer, TrainingMemory};
use furlough_lab::recipe::{LetGo, Recipe, Settings};
use furlough_lab::run::{EvalInfo, Machine, Manifest, Recorder, RunDir, RunInfo, TensorBoard};
use furlough_lab::source::RunSets;
use furlough_tables::DiskTable;
use furlough_tables::figures::TableFigures;
use furlough_tables::model::TableHeader;
use std::cell::OnceCell;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Trains, or goes on training.
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.going_on.finish {
        return finish::run(args, path);
    }
    let start = args.going_on.from.as_deref().map(StartingPoint::read).transpose()?;
    if args.explain {
        return explain(args, start.as_ref());
    }
    interrupt::catch_save()?;
    let threads = threads(args.threads);
    let begun = begin(args, start.as_ref(), threads)?;
    match begun.recipe.members() {
        Some(_) => members::run(args, begun, threads),
        None => train(args, start.as_ref(), begun, threads),
    }
}

/// Trains a new run, perhaps from where another one stands, or goes on with one.
fn train(args: &TrainArgs, start: Option<&StartingPoint>, begun: Begun, threads: usize) -> anyhow::Result<ExitCode> {
    let preset = begun.preset.clone();
    let Prepared { dir, recipe, sets, origin, seen, rows } = prepare(args, start, begun, threads)?;
    let out = dir.path().to_path_buf();
    let (data, like) = (sets.train(), sets.train().like());
    let network = recipe.network(like.features(), like.levels(), like.outputs());
    let architecture = network.validate()?;
    let memory = TrainingMemory::of_data(&architecture, &recipe.options(), data, threads);
    limits::check_training(&network, &memory, threads)?;
    check_asked(args, memory.total())?;

    let mut trainer = Trainer::new(&network, &recipe.options(), data, threads)?;
    let mut from = None;
    if let Some(start) = start {
        start.compare_classes(data.like().class_names(), args.quiet);
        let (state, begun) = start.begin(&architecture, trainer.state().clone(), seen)?;
        trainer = Trainer::resume(&network, &recipe.options(), data, threads, state)?;
        from = Some(begun);
    }
    let info = RunInfo { from, machine: Some(Machine::of(&trainer)), ..info_of(&recipe, &sets, &origin) };
    // From here on there is something to save.
    interrupt::catch()?;
    let clock = EpochClock::default();
    let (judged, recipe_of_test) = (OnceCell::new(), recipe.clone());
    let mut recorder = if args.resume.is_some() {
        let (recorder, state) = Recorder::resume(dir, info, &architecture, || clock.lap())?;
        if let Some(state) = state.map_or_else(|| first_state(&recorder, &trainer), |state| Ok(Some(state)))? {
            trainer = Trainer::resume(&network, &recipe.options(), data, threads, state)?;
        }
        recorder
    } else {
        Recorder::create(dir, info, trainer.state(), || clock.lap())?
    };
    rows.keep();
    args.going_on.note.iter().try_for_each(|text| notes_file::write(&out, text))?;
    if let (Some(test), Some(header)) = (sets.test(), sets.header()) {
        recorder.check_test(test)?;
        let (judged, recipe) = (&judged, &recipe_of_test);
        recorder.judged_by(move |mlp| {
            figures(mlp, recipe, test, header, threads).inspect(|found| drop(judged.set(found.clone())))
        });
    }
    let recorder = recorder.measured_by(sets.eval_data());
    let board = tensorboard(args.tensorboard, &recorder, &clock)?;
    trainer.checkpoint_every(args.checkpoint_every.map(NonZero::get));

    let resumed = args.resume.as_ref().map(|_| trainer.state().progress);
    let plan = TrainPlan { resumed, origin, preset, ..plan_of(recipe, &sets, &trainer, &recorder) };
    let display = TrainingDisplay::new(args, &plan, &clock);
    // The recorder comes first: what is shown as saved is saved.
    let mut observers = ((recorder, board), display);
    let fitted = trainer.fit_with(Some(sets.eval_data()), &mut observers);
    let (saved, mut display) = observers;
    // Whatever becomes of the display, the run is free for others from here on.
    drop(saved);
    if matches!(fitted, Err(furlough::Error::NotFinite { .. })) {
        // Going on would come to the same. That it diverged is the error to tell.
        let _ = remove_rows(&sets, &out);
    }
    let reason = fitted.inspect_err(|_| display.abandon()).map_err(|error| with_advice(error, &plan.recipe))?;
    drop(trainer);
    if reason.is_finished() {
        remove_rows(&sets, &out)?;
    }
    let files = files(&out, reason)?;
    let next = next_command(&plan.recipe, &out);
    let (scores, data_dir) = (judged.get().cloned(), args.data_dir.clone());
    display.end(&Ending { reason, out, files, scores, next, data_dir })?;
    Ok(if reason.is_finished() { ExitCode::SUCCESS } else { ExitCode::from(failure::INTERRUPTED) })
}

/// Returns what is shown of a run that begins.
fn plan_of(recipe: Recipe, sets: &RunSets, trainer: &Trainer<'_>, recorder: &Recorder<'_>) -> TrainPlan {
    let (train, shape, classes) = TrainPlan::describe(sets.train());
    let earlier = recorder.records().iter().map(|r| EpochRow { summary: r.summary.clone(), seconds: Some(r.seconds) });
    TrainPlan {
        architecture: trainer.state().mlp.architecture().clone(),
        origin: String::new(),
        train,
        eval: sets.eval_data().data.len(),
        shape,
        classes,
        deviation: sets.header().and_then(TrainPlan::deviation_of),
        preset: None,
        threads: trainer.threads(),
        instruction_set: trainer.instruction_set(),
        from: recorder.warm_start().cloned(),
        resumed: None,
        earlier: earlier.collect(),
        out: recorder.dir().path().to_path_buf(),
        recipe,
    }
}

/// Removes the files of a table's rows, and those that the run had in its folder before it was gone
/// on with by --scratch.
fn remove_rows(sets: &RunSets, out: &Path) -> anyhow::Result<()> {
    if let RunSets::Disk(..) = sets {
        sets.remove_files()?;
        DiskTable::remove_from(&out.join(RunDir::ROWS))?;
    }
    Ok(())
}

/// Returns what a run's folder says of a run from random weights.
fn info_of(recipe: &Recipe, sets: &RunSets, origin: &str) -> RunInfo {
    RunInfo {
        recipe: recipe.clone(),
        data: DataInfo::of(sets.train()),
        eval: Some(EvalInfo::of(sets.eval_data())),
        from: None,
        data_origin: origin.into(),
        table: sets.header().cloned(),
        machine: None,
    }
}

/// Rows that are judged at a time where they are in a file.
const ROWS: usize = 8192;

/// Returns how good a finished network is on rows that neither taught nor chose it.
fn figures(
    mlp: &Mlp,
    recipe: &Recipe,
    test: DatasetRef<'_>,
    table: &TableHeader,
    threads: usize,
) -> furlough_lab::Result<TableFigures> {
    let mut predictor = Predictor::with_precision(mlp.clone(), threads, recipe.precision());
    let target = table.preprocessing.target()?;
    match test {
        DatasetRef::Memory(test) => {
            let outputs = predictor.predict(test)?;
            Ok(TableFigures::of(outputs.view(), test, target))
        }
        DatasetRef::Disk(test) => {
            let mut starts = (0..test.len()).step_by(ROWS);
            TableFigures::in_parts(target, || {
                let Some(first) = starts.next() else { return Ok(None) };
                let rows = test.read(first..test.len().min(first + ROWS))?;
                let outputs = predictor.predict(&rows)?;
                Ok(Some((rows, outputs)))
            })
        }
    }
}

/// Refuses a network that takes more memory to train than was asked for, with what is read.
fn check_asked(args: &TrainArgs, bytes: u64) -> anyhow::Result<()> {
    match args.memory.filter(|&memory| memory < bytes) {
        None => Ok(()),
        Some(memory) => bail!(
            "--memory {}: training this network takes about {}; use more memory, fewer units or smaller batches",
            terminal::bytes(memory),
            terminal::bytes(bytes)
        ),
    }
}

/// Returns what is in a run's folder.
fn files(out: &Path, reason: StopReason) -> anyhow::Result<Vec<String>> {
    if !reason.is_finished() {
        return Ok(vec![RunDir::CHECKPOINT.into(), RunDir::METRICS.into()]);
    }
    Ok(Manifest::files_in(&RunDir::open(out)?).map(String::from).collect())
}

/// Says what is likely to help where a run diverged for another reason than its rate.
fn with_advice(error: impl Into<anyhow::Error>, recipe: &Recipe) -> anyhow::Error {
    let error = error.into();
    let diverged = matches!(error.chain().find_map(failure::engine), Some(furlough::Error::NotFinite { .. }));
    match too_much_decay(recipe).filter(|_| diverged) {
        Some(advice) => Hinted { message: error.to_string(), hint: format!("try {advice}") }.into(),
        None => error,
    }
}

/// Returns what to type after a run, but for where its data are: a run of a table that is not read
/// whole, and networks without test rows, are not judged without another table.
pub fn next_command(recipe: &Recipe, run: &Path) -> String {
    let what = if recipe.has_rows_to_judge_by() { "evaluate" } else { "info" };
    format!("{} {what} {}", program(), shell_word(run))
}

/// Where a run begins anew that was killed before it had saved any state: none for random weights.
fn first_state(recorder: &Recorder<'_>, trainer: &Trainer<'_>) -> anyhow::Result<Option<TrainState>> {
    Ok(recorder.dir().start()?.map(|mlp| TrainState { mlp, ..trainer.state().clone() }))
}

/// Prints how the first step is computed.
fn explain(args: &TrainArgs, start: Option<&StartingPoint>) -> anyhow::Result<ExitCode> {
    let threads = threads(args.threads);
    let (recipe, found) = recipe_and_data(args, start, threads)?;
    let data = found.source.run_data(&recipe.partition())?.training;
    let network = recipe.network(data.train.features(), data.train.levels(), data.train.outputs());
    let mut trainer = Trainer::new(&network, &recipe.options(), &data.train, threads)?;
    write!(io::stdout(), "{}", trainer.plan()?)?;
    Ok(ExitCode::SUCCESS)
}

/// TensorBoard's event files, if they were asked for, now or when the run began.
fn tensorboard<'a>(
    asked: bool,
    recorder: &Recorder<'_>,
    clock: &'a EpochClock,
) -> anyhow::Result<Option<TensorBoard<'a>>> {
    if !asked && !recorder.dir().file(RunDir::TENSORBOARD).is_dir() {
        return Ok(None);
    }
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    Ok(Some(TensorBoard::open(recorder.dir(), recorder.records(), &host_name(), now, || clock.last())?))
}

/// What this machine is called; empty where nothing says.
fn host_name() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let said = || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    kernel.or_else(said).unwrap_or_default().trim().to_string()
}

/// Says which settings do nothing, may not mean what they seem to, or are not taken over.
pub fn notes(quiet: bool, settings: &Settings, recipe: &Recipe, gone: &[LetGo]) {
    let said = contradictions(settings, recipe).into_iter().chain(let_go(gone));
    said.filter(|_| !quiet).for_each(|text| note(&format!("note: {text}")));
}

/// Says what one may want to know of a table.
pub fn tell_notes(notes: &[String], quiet: bool) {
    notes.iter().filter(|_| !quiet).for_each(|text| note(&format!("note: {text}")));
}

/// Fetches or reads the data; each step of it is told on standard error.
pub fn data(recipe: &Recipe, dir: Option<&Path>, threads: usize, quiet: bool) -> anyhow::Result<AcquiredSource> {
    acquire::of_recipe(recipe, dir, threads, &mut teller(quiet))
}

/// Fetches or reads a data set by its name, told likewise.
pub fn sets(wanted: Wanted, dir: Option<&Path>, quiet: bool) -> anyhow::Result<Acquired> {
    acquire::split(wanted, dir, &mut teller(quiet))
}

fn teller(quiet: bool) -> impl FnMut(&str) {
    let style = Style::of(&io::stderr());
    move |line| {
        if !quiet {
            note(&style.dim(line));
        }
    }
}

/// As many threads as asked for, or as there are cores.
pub fn threads(asked: Option<NonZero<usize>>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get)
}
