//! `furlough tune`.

mod json;
mod lines;
mod page;

use super::train::{data, notes, tell_notes, threads};
use crate::acquire::AcquiredSource;
use crate::args::TuneArgs;
use crate::progress::{Display, Output, Quiet, Renderer, StandardStream, Subject};
use crate::terminal::{Style, note};
use crate::{failure, interrupt, limits};
use furlough::counted;
use furlough::data::{Partition, TrainingData};
use furlough_lab::study::TrialData;
use furlough_lab::tune::{Metric, TuneDir, TuneEvent, TuneOptions, TuneReport, Tuning, check, tune};
use std::io::{self, IsTerminal};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What will happen.
pub struct TuneSummary<'a> {
    pub options: TuneOptions,
    pub metric: Metric,
    /// Where the data came from.
    pub origin: String,
    pub data: &'a TrainingData,
    /// Trials at a time.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
    pub out: PathBuf,
    pub resuming: bool,
    pub data_dir: Option<PathBuf>,
}

/// A tune is what is shown; when it was stopped, it ends without a report.
enum Tune {}

impl Subject for Tune {
    type Summary<'a> = TuneSummary<'a>;
    type Event<'a> = TuneEvent<'a>;
    type Ending<'a> = (&'a TuneSummary<'a>, Option<&'a TuneReport>);
}

/// The way to show a tune that the flags ask for.
fn display(args: &TuneArgs) -> Display<Tune> {
    let style = Style::of(&io::stdout());
    if args.quiet || args.json {
        let renderer: Box<dyn Renderer<Tune>> = if args.quiet { Box::new(Quiet) } else { Box::new(json::TuneJson) };
        return Display::new(renderer, Output::new(None));
    }
    let lines = lines::TuneLines::new(style);
    let picture = io::stderr().is_terminal().then(|| (StandardStream::Stderr, lines.picture()));
    Display::new(Box::new(lines), Output::new(picture))
}

/// Tunes, or goes on tuning.
pub fn run(args: &TuneArgs) -> anyhow::Result<ExitCode> {
    // What can be refused without the data is refused before it is fetched.
    if args.resume.is_some() {
        args.table.refuse_strays("a tune goes on with the table that it began with")?;
    }
    let resumed = args.resume.as_ref().map(TuneDir::resume).transpose()?;
    let all = threads(args.threads);
    let (options, found) = match &resumed {
        Some((_, options, _)) => (options.clone(), None),
        None => {
            let asked = options(args, all)?;
            args.out.as_deref().map_or(Ok(()), TuneDir::check_free)?;
            asked
        }
    };
    let found = found.map_or_else(|| data(&options.recipe, args.data_dir.as_deref(), all, args.quiet), Ok)?;
    let AcquiredSource { source, origin, .. } = found;
    if options.recipe.table().is_some_and(|table| table.test_file.is_none() && table.test_fraction == 0.0) {
        anyhow::bail!(
            "tune looks at a test set at its end: name one with --test, or keep a share with --test-fraction"
        );
    }
    let whole = source.run_data(&Partition::default())?;
    tell_notes(&whole.notes, args.quiet);
    let data = TrialData::of(&source, &whole, &*origin);
    let metric = check(&options, &data)?;
    let resuming = resumed.is_some();
    let dir = match resumed {
        Some((dir, _, fingerprint)) => {
            if fingerprint != data.info.fingerprint {
                anyhow::bail!(
                    "{}: was begun with other data; resume it with the same, or start another with another --out",
                    dir.path().display()
                );
            }
            dir
        }
        None => match &args.out {
            Some(out) => TuneDir::create(out, &options, &data.info.fingerprint)?,
            None => free_folder(&options, &data.info.fingerprint)?,
        },
    };
    let jobs = jobs(args.jobs, all);
    // Trials save after each epoch; nobody who asks for more is to end them all.
    interrupt::catch_save()?;
    interrupt::catch()?;

    let summary = TuneSummary {
        options: options.clone(),
        metric,
        origin: origin.clone(),
        data: &whole.training,
        jobs,
        threads: all / jobs,
        out: dir.path().to_path_buf(),
        resuming,
        data_dir: args.data_dir.clone(),
    };
    let mut display = display(args);
    display.begin(&summary);
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();
    let closed = display.closed();
    let stop = || interrupt::asked() || closed.is_set();
    let no_room = |bytes| limits::no_room(bytes, all);
    let tuning = Tuning {
        jobs,
        threads: all / jobs,
        clock: &clock,
        retry_failed: args.retry_failed,
        no_room: &no_room,
        stop: &stop,
    };
    let tuned = tune(&dir, &options, &data, &tuning, &mut |event| display.event(event));
    let report = tuned.inspect_err(|_| display.abandon())?;
    display.end(&(&summary, report.as_ref()))?;
    Ok(if report.is_some() { ExitCode::SUCCESS } else { ExitCode::from(failure::INTERRUPTED) })
}

/// What the flags and the recipe file ask for. A table is read for that.
fn options(args: &TuneArgs, threads: usize) -> anyhow::Result<(TuneOptions, Option<AcquiredSource>)> {
    let (base, gone) = args.recipe.settings()?;
    let given = base.clone();
    let (found, base) = match args.table.input(&base, None, threads)? {
        None => (None, base),
        Some(input) => {
            let (found, base) = AcquiredSource::of_table(input, base, args.table.preset.unwrap_or_default(), threads)?;
            (Some(found), base)
        }
    };
    let usual = TuneOptions::new(base, args.search.as_deref().unwrap_or_default())?;
    let options = TuneOptions {
        // With a budget it is the time that ends the search.
        trials: args.trials.or(usual.trials.filter(|_| args.budget.is_none())),
        budget: args.budget,
        seeds: args.seeds.unwrap_or(usual.seeds),
        cross_validation: args.cross_validation,
        metric: args.metric.as_deref().map(str::parse::<Metric>).transpose()?,
        ..usual
    };
    options.validate()?;
    notes(args.quiet, &given, &options.recipe, &gone);
    Ok((options, found))
}

/// Trials at a time: no more than there are threads.
fn jobs(asked: Option<NonZero<usize>>, threads: usize) -> usize {
    let asked = asked.map_or(threads, NonZero::get);
    if asked > threads {
        let trials = counted(threads, "trial");
        note(&format!("note: {trials} at a time and not {asked}, as there is a thread for each"));
    }
    asked.min(threads)
}

/// `runs/tune-DATA-N` with the first N from 1 that does not exist. Another process may take it in
/// the same moment: then the next.
fn free_folder(options: &TuneOptions, fingerprint: &str) -> anyhow::Result<TuneDir> {
    let mut n = 0_u64;
    loop {
        n += 1;
        let path: PathBuf = Path::new("runs").join(format!("tune-{}-{n}", options.recipe.short_name()));
        if path.exists() {
            continue;
        }
        match TuneDir::create(path, options, fingerprint) {
            Err(furlough_lab::Error::Occupied { .. } | furlough_lab::Error::Locked { .. }) => {}
            other => return Ok(other?),
        }
    }
}
