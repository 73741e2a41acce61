//! `furlough train`.

use crate::acquire::{self, Acquired, Wanted};
use crate::args::{RecipeArgs, TrainArgs, contradictions};
use crate::progress::{Ending, EpochClock, EpochRow, TrainPlan, TrainingDisplay};
use crate::terminal::{Style, note};
use crate::{failure, interrupt, limits};
use furlough::files::DataInfo;
use furlough::train::{Trainer, TrainingMemory};
use furlough_lab::recipe::{Recipe, Settings};
use furlough_lab::run::{Manifest, Recorder, RunDir, RunInfo, TensorBoard};
use std::io::{self, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Trains, or goes on training.
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    if args.explain {
        return explain(args);
    }
    // What can be refused without the data is refused before it is fetched.
    let (dir, recipe) = folder_and_recipe(args)?;
    let out = dir.path().to_path_buf();
    let threads = threads(args.threads);
    let Acquired { split, origin } = data(Wanted::of(&recipe), args.data_dir.as_deref(), args.quiet)?;
    let data = recipe.partition().apply(split)?;
    let network = recipe.network(data.train.features(), data.train.outputs());
    let architecture = network.validate()?;
    let memory = TrainingMemory::of(&architecture, &recipe.options(), data.train.len(), threads);
    limits::check_training(&network, &memory, threads)?;

    let mut trainer = Trainer::new(&network, &recipe.options(), &data.train, threads)?;
    let info = RunInfo {
        recipe: recipe.clone(),
        data: DataInfo::of(&data.train),
        data_origin: origin.clone(),
        instruction_set: trainer.instruction_set().into(),
        threads: trainer.threads(),
    };
    // From here on there is something to save.
    interrupt::catch()?;
    let clock = EpochClock::default();
    let recorder = if args.resume.is_some() {
        let (recorder, state) = Recorder::resume(dir, info, &architecture, || clock.lap())?;
        // No state: the run was killed before it had saved any, and begins anew.
        if let Some(state) = state {
            trainer = Trainer::resume(&network, &recipe.options(), &data.train, threads, state)?;
        }
        recorder
    } else {
        Recorder::create(dir, info, trainer.state(), || clock.lap())?
    };
    let board = tensorboard(args.tensorboard, &recorder, &clock)?;
    trainer.checkpoint_every(args.checkpoint_every.map(NonZero::get));

    let (train, shape, classes) = TrainPlan::describe(&data.train);
    let earlier = recorder.records().iter().map(|r| EpochRow { summary: r.summary.clone(), seconds: Some(r.seconds) });
    let plan = TrainPlan {
        architecture,
        origin,
        train,
        eval: data.eval.len(),
        shape,
        classes,
        threads: trainer.threads(),
        instruction_set: trainer.instruction_set(),
        resumed: args.resume.as_ref().map(|_| trainer.state().progress),
        earlier: earlier.collect(),
        out: out.clone(),
        recipe,
    };
    let display = TrainingDisplay::new(args, &plan, &clock);
    // The recorder comes first: what is shown as saved is saved.
    let mut observers = ((recorder, board), display);
    let fitted = trainer.fit_with(Some(data.eval_data()), &mut observers);
    let (saved, mut display) = observers;
    // Whatever becomes of the display, the run is free for others from here on.
    drop(saved);
    let reason = fitted.inspect_err(|_| display.abandon())?;
    let files = match reason {
        reason if reason.is_finished() => Manifest::FILES.iter().map(ToString::to_string).collect(),
        _ => vec![RunDir::CHECKPOINT.into(), RunDir::METRICS.into()],
    };
    display.end(&Ending { reason, out, files, data_dir: args.data_dir.clone() })?;
    Ok(if reason.is_finished() { ExitCode::SUCCESS } else { ExitCode::from(failure::INTERRUPTED) })
}

/// Prints how the first step is computed.
fn explain(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let recipe = recipe(&args.recipe, args.quiet)?;
    let Acquired { split, .. } = data(Wanted::of(&recipe), args.data_dir.as_deref(), args.quiet)?;
    let data = recipe.partition().apply(split)?;
    let network = recipe.network(data.train.features(), data.train.outputs());
    let mut trainer = Trainer::new(&network, &recipe.options(), &data.train, threads(args.threads))?;
    write!(io::stdout(), "{}", trainer.plan())?;
    Ok(ExitCode::SUCCESS)
}

/// The folder to write to, locked, and the recipe: that of the run to go on with, or a new one.
fn folder_and_recipe(args: &TrainArgs) -> anyhow::Result<(RunDir, Recipe)> {
    if let Some(path) = &args.resume {
        let dir = RunDir::resume(path)?;
        let recipe = dir.recipe()?;
        return Ok((dir, recipe));
    }
    let recipe = recipe(&args.recipe, args.quiet)?;
    let dir = match &args.out {
        Some(out) => RunDir::create(out)?,
        None => free_folder(recipe.data())?,
    };
    Ok((dir, recipe))
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

/// The recipe that the flags and their file say.
fn recipe(args: &RecipeArgs, quiet: bool) -> anyhow::Result<Recipe> {
    let settings = args.settings()?;
    let recipe = settings.clone().resolve()?;
    notes(quiet, &settings, &recipe);
    Ok(recipe)
}

/// Says which settings do nothing or may not mean what they seem to.
pub fn notes(quiet: bool, settings: &Settings, recipe: &Recipe) {
    for contradiction in contradictions(settings, recipe).iter().filter(|_| !quiet) {
        note(&format!("note: {contradiction}"));
    }
}

/// Fetches or reads the data; each step of it is told on standard error.
pub fn data(wanted: Wanted, dir: Option<&Path>, quiet: bool) -> anyhow::Result<Acquired> {
    let style = Style::of(&io::stderr());
    acquire::split(wanted, dir, &mut |line| {
        if !quiet {
            note(&style.dim(line));
        }
    })
}

/// As many threads as asked for, or as there are cores.
pub fn threads(asked: Option<NonZero<usize>>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get)
}

/// `runs/DATA-N` with the first N from 1 that does not exist. Another process may take it in the
/// same moment: then the next.
fn free_folder(data: &str) -> anyhow::Result<RunDir> {
    let mut n = 0_u64;
    loop {
        n += 1;
        let path = Path::new("runs").join(format!("{data}-{n}"));
        if path.exists() {
            continue;
        }
        match RunDir::create(path) {
            Err(furlough_lab::Error::Occupied { .. } | furlough_lab::Error::Locked { .. }) => {}
            other => return Ok(other?),
        }
    }
}
