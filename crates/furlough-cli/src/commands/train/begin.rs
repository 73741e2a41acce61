//! What there is before a run begins or goes on: its folder, its recipe and its data.

use super::from::StartingPoint;
use super::{data, notes, tell_notes, teller};
use crate::acquire::AcquiredSource;
use crate::args::TrainArgs;
use crate::terminal::{self, note};
use furlough::files::sha256_hex;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::RunDir;
use furlough_lab::source::{DataSource, RunSets};
use std::path::{Path, PathBuf};

/// What there is before a run begins or goes on.
pub(super) struct Prepared {
    /// Its folder, locked.
    pub(super) dir: RunDir,
    pub(super) recipe: Recipe,
    pub(super) sets: RunSets,
    /// Where the data came from.
    pub(super) origin: String,
    /// How many held-out examples the weights that it begins with have seen.
    pub(super) seen: usize,
}

/// What a run begins or goes on with, before anything is made of the data.
pub(super) struct Begun {
    /// Its folder, locked.
    pub(super) dir: RunDir,
    pub(super) recipe: Recipe,
    pub(super) found: AcquiredSource,
}

/// Takes the folder, and reads the recipe and the data: those of the run to go on with, or new
/// ones. What can be refused without the data is refused before it is fetched.
pub(super) fn begin(args: &TrainArgs, start: Option<&StartingPoint>, threads: usize) -> anyhow::Result<Begun> {
    match &args.resume {
        Some(path) => {
            args.table.refuse_strays("a run goes on with the table that it began with")?;
            let dir = RunDir::resume(path)?;
            let recipe = dir.recipe()?;
            let found = data(&recipe, args.data_dir.as_deref(), threads, args.quiet)?;
            Ok(Begun { dir, recipe, found })
        }
        None => {
            let (recipe, found) = recipe(args, start, threads)?;
            let dir = new_folder(args, &recipe)?;
            let found = found.map_or_else(|| data(&recipe, args.data_dir.as_deref(), threads, args.quiet), Ok)?;
            Ok(Begun { dir, recipe, found })
        }
    }
}

/// Makes of the data what the run sees.
pub(super) fn prepare(
    args: &TrainArgs,
    start: Option<&StartingPoint>,
    begun: Begun,
    threads: usize,
) -> anyhow::Result<Prepared> {
    let Begun { dir, recipe, found } = begun;
    let AcquiredSource { source, origin } = found;
    let rows = rows_folder(args, &dir)?;
    if let DataSource::Disk(_) = source {
        teller(args.quiet)(&format!("keeping the rows of {} in {}", recipe.data(), terminal::path(&rows)));
    }
    let sets = source.run_sets(&recipe.partition(), &rows, threads)?;
    let seen = match (start, &source) {
        (Some(start), DataSource::Sets(split)) => start.seen(&split.train, &recipe.partition())?,
        (Some(start), _) => {
            start.check_table(&recipe, sets.train(), args.quiet)?;
            0
        }
        (None, _) => 0,
    };
    tell_notes(sets.notes(), args.quiet);
    Ok(Prepared { dir, recipe, sets, origin, seen })
}

/// Returns the folder for the rows of a table that is larger than memory: one of the run, or one of
/// its own in a folder that somebody named.
fn rows_folder(args: &TrainArgs, dir: &RunDir) -> anyhow::Result<PathBuf> {
    let Some(scratch) = &args.scratch else { return Ok(dir.file(RunDir::ROWS)) };
    let run = std::path::absolute(dir.path())?;
    let name = run.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    let place = sha256_hex(run.as_os_str().as_encoded_bytes());
    Ok(scratch.join(format!("{name}-{}-{}", &place[..8], RunDir::ROWS)))
}

/// Returns the recipe and what is learned from.
pub(super) fn recipe_and_data(
    args: &TrainArgs,
    start: Option<&StartingPoint>,
    threads: usize,
) -> anyhow::Result<(Recipe, AcquiredSource)> {
    let (recipe, found) = recipe(args, start, threads)?;
    let found = found.map_or_else(|| data(&recipe, args.data_dir.as_deref(), threads, args.quiet), Ok)?;
    Ok((recipe, found))
}

/// The folder to write to, locked.
fn new_folder(args: &TrainArgs, recipe: &Recipe) -> anyhow::Result<RunDir> {
    match &args.out {
        Some(out) => Ok(RunDir::create(out)?),
        None => free_folder(&recipe.short_name()),
    }
}

/// The recipe that the flags and their file say, and the run that this one begins from where they
/// say nothing. That of a table follows from its rows besides; then it is read.
fn recipe(
    args: &TrainArgs,
    start: Option<&StartingPoint>,
    threads: usize,
) -> anyhow::Result<(Recipe, Option<AcquiredSource>)> {
    let (settings, mut gone) = args.recipe.settings()?;
    gone.extend(start.map_or_else(Vec::new, |start| start.lets_go_of(&settings)));
    let said = start.map_or_else(|| settings.clone(), |start| start.below(settings.clone()));
    let (found, said) = match args.table.input(said.split_seed.unwrap_or_default(), args.memory, threads)? {
        None => (None, said),
        Some(input) => {
            let (found, said) = match args.memory {
                None => AcquiredSource::of_table(input, said, threads)?,
                Some(memory) => AcquiredSource::within(memory, input, said, threads, &mut teller(args.quiet))?,
            };
            (Some(found), said)
        }
    };
    let recipe = said.resolve()?;
    notes(args.quiet, &settings, &recipe, &gone);
    if start.is_some() && settings.init.is_some() && !args.quiet {
        note("note: --init does nothing, as weights come from --from");
    }
    Ok((recipe, found))
}

/// Returns `runs/DATA-N` with the first N from 1 that does not exist. Another process may take it
/// in the same moment: then the next.
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
