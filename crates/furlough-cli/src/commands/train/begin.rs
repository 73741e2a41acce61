//! What there is before a run begins or goes on: its folder, its recipe and its data.

use super::from::StartingPoint;
use super::{data, notes, tell_notes, teller};
use crate::acquire::AcquiredSource;
use crate::args::TrainArgs;
use crate::interrupt;
use crate::terminal::{self, note};
use anyhow::bail;
use furlough::files::sha256_hex;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::RunDir;
use furlough_lab::source::{DataSource, RunSets};
use furlough_tables::DiskTable;
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
    pub(super) rows: NewRows,
}

/// The files of a table's rows until the run has begun: a refusal takes them away, and so does a
/// signal. Those of a run that goes on stay.
pub(super) struct NewRows {
    /// Where they are; none where there are none, or they are to stay.
    folder: Option<PathBuf>,
    ending: Option<interrupt::UntilThen>,
}

impl NewRows {
    /// Begins with no file; none is written where the rows are in memory.
    fn watch(args: &TrainArgs, dir: &RunDir, rows: &Path, source: &DataSource) -> anyhow::Result<Self> {
        let DataSource::Disk(_) = source else { return Ok(NewRows { folder: None, ending: None }) };
        if args.resume.is_some() {
            return Ok(NewRows { folder: None, ending: Some(interrupt::end_removing("the run is as it was", &[])?) });
        }
        let own = DiskTable::files_in(rows).into_iter().chain([rows.to_path_buf()]);
        let gone: Vec<PathBuf> = own.chain(dir.to_take_away()).collect();
        let gone: Vec<&Path> = gone.iter().map(PathBuf::as_path).collect();
        let ending = Some(interrupt::end_removing("nothing was begun, and no rows are kept", &gone)?);
        Ok(NewRows { folder: Some(rows.to_path_buf()), ending })
    }

    /// Keeps them: the run has begun, and signals are caught.
    pub(super) fn keep(mut self) {
        self.folder = None;
    }
}

impl Drop for NewRows {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = DiskTable::remove_from(folder); // why nothing was begun is told
        }
        if let Some(ending) = self.ending.take() {
            ending.no_longer();
        }
    }
}

/// What a run begins or goes on with, before anything is made of the data.
pub(super) struct Begun {
    /// Its folder, locked.
    pub(super) dir: RunDir,
    pub(super) recipe: Recipe,
    pub(super) found: AcquiredSource,
    /// By which recipe a table is learned from, and why; none where a file of a recipe says it all.
    pub(super) preset: Option<String>,
}

/// Takes the folder, and reads the recipe and the data: those of the run to go on with, or new
/// ones. What can be refused without the data is refused before it is fetched.
pub(super) fn begin(args: &TrainArgs, start: Option<&StartingPoint>, threads: usize) -> anyhow::Result<Begun> {
    match &args.resume {
        Some(path) => {
            args.table.refuse_strays("a run goes on with the table that it began with")?;
            check_whole(path, "--resume")?;
            let dir = RunDir::resume(path)?;
            let recipe = dir.recipe()?;
            check_scratch(args, &recipe)?;
            check_members(args, recipe.members())?;
            let found = data(&recipe, args.data_dir.as_deref(), threads, args.quiet)?;
            Ok(Begun { dir, recipe, found, preset: None })
        }
        None => {
            let (recipe, found, preset) = recipe(args, start, threads)?;
            check_scratch(args, &recipe)?;
            let dir = new_folder(args, &recipe)?;
            let found = found.map_or_else(|| data(&recipe, args.data_dir.as_deref(), threads, args.quiet), Ok)?;
            Ok(Begun { dir, recipe, found, preset })
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
    let Begun { dir, recipe, found, .. } = begun;
    let AcquiredSource { source, origin, .. } = found;
    let rows = rows_folder(args, &dir)?;
    let new_rows = NewRows::watch(args, &dir, &rows, &source)?;
    if let DataSource::Disk(_) = source {
        if args.resume.is_some() && !rows.is_dir() && !args.quiet {
            let elsewhere = format!("{}: say --scratch DIR again, or remove that folder", scratch_place(&dir)?);
            note(&format!(
                "note: the run's rows are not in {}, so they are written again{elsewhere}",
                terminal::path(&rows)
            ));
        }
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
    Ok(Prepared { dir, recipe, sets, origin, seen, rows: new_rows })
}

/// Refuses one of several networks that are one model: the run that it is part of goes on as a
/// whole, and what it has written of the network would change.
pub(super) fn check_whole(path: &Path, flag: &str) -> anyhow::Result<()> {
    match RunDir::outer_run(path) {
        None => Ok(()),
        Some(outer) => bail!(
            "{flag}: {} is one of several networks that are one model; `furlough train --resume {}` goes on with all",
            path.display(),
            terminal::shell_word(outer)
        ),
    }
}

/// Refuses what several networks have no use for.
fn check_members(args: &TrainArgs, members: Option<u32>) -> anyhow::Result<()> {
    if members.is_some() && args.going_on.from.is_some() {
        bail!("--from: with --members each network begins with weights of its own; leave one of the two out");
    }
    if members.is_some() && args.tensorboard {
        bail!("--tensorboard: with --members the curves are those of each network alone; furlough report shows them");
    }
    Ok(())
}

/// Refuses a place for rows that are not kept in files. With `--memory` that is seen only once the
/// table has been.
pub(super) fn check_scratch(args: &TrainArgs, recipe: &Recipe) -> anyhow::Result<()> {
    let on_disk = recipe.table().is_some_and(|table| table.on_disk.is_some());
    if args.scratch.is_some() && args.memory.is_none() && !on_disk {
        bail!("--scratch would do nothing here: only the rows of a table larger than --memory SIZE are kept in files");
    }
    Ok(())
}

/// Returns the folder for the rows of a table that is larger than memory: one of the run, or one of
/// its own in a folder that somebody named.
pub(super) fn rows_folder(args: &TrainArgs, dir: &RunDir) -> anyhow::Result<PathBuf> {
    match &args.scratch {
        Some(scratch) => Ok(scratch.join(scratch_name(dir)?)),
        None => Ok(dir.file(RunDir::ROWS)),
    }
}

fn scratch_name(dir: &RunDir) -> anyhow::Result<String> {
    let run = std::path::absolute(dir.path())?;
    let name = run.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    let place = sha256_hex(run.as_os_str().as_encoded_bytes());
    Ok(format!("{name}-{}-{}", &place[..8], RunDir::ROWS))
}

/// Returns where rows may be that are not in the run's folder, as the end of a sentence: no file of
/// a run names a folder that was good for rows.
pub(super) fn scratch_place(dir: &RunDir) -> anyhow::Result<String> {
    Ok(format!("; if it was trained with --scratch DIR, they are in DIR/{}", scratch_name(dir)?))
}

/// Returns the recipe and what is learned from.
pub(super) fn recipe_and_data(
    args: &TrainArgs,
    start: Option<&StartingPoint>,
    threads: usize,
) -> anyhow::Result<(Recipe, AcquiredSource)> {
    let (recipe, found, _) = recipe(args, start, threads)?;
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
/// say nothing. That of a table follows from its rows and a preset besides; then it is read, and
/// what was chosen is the last part of the answer.
fn recipe(
    args: &TrainArgs,
    start: Option<&StartingPoint>,
    threads: usize,
) -> anyhow::Result<(Recipe, Option<AcquiredSource>, Option<String>)> {
    let (settings, mut gone) = args.recipe.settings()?;
    gone.extend(start.map_or_else(Vec::new, |start| start.lets_go_of(&settings)));
    let said = start.map_or_else(|| settings.clone(), |start| start.below(settings.clone()));
    check_members(args, said.members.filter(|&members| members > 1))?;
    let preset = args.table.preset.unwrap_or_default();
    let (found, said) = match args.table.input(&said, args.memory, threads)? {
        None => (None, said),
        Some(input) => {
            let (found, said) = match args.memory {
                None => AcquiredSource::of_table(input, said, preset, threads)?,
                Some(memory) => {
                    AcquiredSource::within(memory, input, (said, preset), threads, &mut teller(args.quiet))?
                }
            };
            (Some(found), said)
        }
    };
    let recipe = said.resolve()?;
    notes(args.quiet, &settings, &recipe, &gone);
    if start.is_some() && settings.init.is_some() && !args.quiet {
        note("note: --init does nothing, as weights come from --from");
    }
    let chosen = found.as_ref().and_then(|found| found.chosen.clone());
    Ok((recipe, found, chosen))
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
