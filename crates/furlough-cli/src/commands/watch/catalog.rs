use super::checkpoint::{Glance, glance};
use super::dropped::{Dropped, dropped};
use super::find::run_folders;
use super::state::{Locks, Signs, State};
use super::tail::LogTail;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{EpochRecord, Failure, Manifest, Provenance, RunDir, RunStatus};
use furlough_tables::preprocessing::TargetColumn;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// All runs at or below a folder, as far as they have been read.
#[derive(Debug)]
pub struct Catalog {
    root: PathBuf,
    runs: BTreeMap<PathBuf, Run>,
    next: u32,
}

#[derive(Debug)]
struct Run {
    recipe: Changing<Result<Recipe, String>>,
    manifest: Changing<Option<Result<Manifest, String>>>,
    checkpoint: Changing<Option<Glance>>,
    target: Changing<Option<TargetColumn>>,
    tail: LogTail,
    signs: Signs,
    head: Head,
}

/// What a file was when it was read, and what was read.
#[derive(Debug)]
struct Changing<T> {
    seen: Option<(SystemTime, u64)>,
    value: T,
}

impl<T> Changing<T> {
    /// Reads the file again if it is another.
    fn read(&mut self, path: &Path, read: impl FnOnce(&Path) -> T) {
        let seen = std::fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok();
        if seen != self.seen {
            *self = Changing { seen, value: read(path) };
        }
    }
}

/// What the page knows of a run besides its epochs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Head {
    id: u32,
    name: String,
    state: State,
    problem: Option<String>,
    /// The recipe as a flat object; none when it cannot be read.
    recipe: Option<serde_json::Value>,
    /// When the log was written last, in milliseconds since 1970.
    changed: u64,
    /// Steps taken, as of the last checkpoint.
    step: Option<u64>,
    /// Examples of an epoch, for throughput.
    examples: Option<usize>,
    /// The one column of numbers that is predicted, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<TargetColumn>,
}

/// Epochs of a run; they take the place of all that it has from index `from` on.
#[derive(Debug, Serialize)]
struct Rows {
    run: u32,
    from: usize,
    rows: Vec<EpochRecord>,
}

/// What has changed.
#[derive(Debug, Default, Serialize)]
pub struct Update {
    /// Whether this is everything, and what was known before is to be forgotten.
    reset: bool,
    /// The folder, with a reset.
    root: Option<String>,
    heads: Vec<Head>,
    epochs: Vec<Rows>,
    gone: Vec<u32>,
}

impl Update {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        !self.reset && self.heads.is_empty() && self.epochs.is_empty() && self.gone.is_empty()
    }
}

impl Catalog {
    /// The runs at or below `root`, none of them read yet.
    pub fn new(root: &Path) -> Self {
        Catalog { root: root.to_path_buf(), runs: BTreeMap::new(), next: 0 }
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Looks at the folder again and tells what is new.
    pub fn scan(&mut self) -> Update {
        let mut update = Update::default();
        let locks = Locks::read();
        let mut before = std::mem::take(&mut self.runs);
        for path in run_folders(&self.root) {
            let mut run = before.remove(&path).unwrap_or_else(|| {
                self.next += 1;
                Run::new(self.next, name(&self.root, &path))
            });
            let head = run.head.clone();
            if let Some(from) = run.read(&path, &locks) {
                update.epochs.push(run.rows(from));
            }
            if run.head != head {
                update.heads.push(run.head.clone());
            }
            self.runs.insert(path, run);
        }
        update.gone = before.values().map(|run| run.head.id).collect();
        update
    }

    /// Everything, for somebody who knows nothing.
    pub fn snapshot(&self) -> Update {
        let read = || self.runs.values();
        Update {
            reset: true,
            root: Some(self.root.display().to_string()),
            heads: read().map(|run| run.head.clone()).collect(),
            epochs: read().map(|run| run.rows(0)).collect(),
            gone: Vec::new(),
        }
    }

    /// The units that are off in a run's latest step; none where the run is not there or not that
    /// far.
    pub fn dropped(&self, id: u32) -> Option<Dropped> {
        let run = self.runs.values().find(|run| run.head.id == id)?;
        dropped(run.recipe.value.as_ref().ok()?, run.checkpoint.value.as_ref()?).ok()?
    }
}

impl Run {
    fn new(id: u32, name: String) -> Self {
        // Nothing is read yet, and the first reading will differ from this.
        let (state, problem, recipe, step, examples) = (State::Unreadable, None, None, None, None);
        let head = Head { id, name, state, problem, recipe, changed: 0, step, examples, target: None };
        Run {
            recipe: Changing { seen: None, value: Err(String::new()) },
            manifest: Changing { seen: None, value: None },
            checkpoint: Changing { seen: None, value: None },
            target: Changing { seen: None, value: None },
            tail: LogTail::default(),
            signs: Signs::default(),
            head,
        }
    }

    /// Reads what is new, and says from which epoch on the epochs are others than before.
    fn read(&mut self, path: &Path, locks: &Locks) -> Option<usize> {
        self.recipe.read(&path.join(RunDir::RECIPE), |_| {
            RunDir::open(path).and_then(|dir| dir.recipe()).map_err(|error| error.to_string())
        });
        self.manifest.read(&path.join(RunDir::MANIFEST), |_| {
            let read = RunDir::open(path).and_then(|dir| Manifest::read(&dir));
            read.map_err(|error| error.to_string()).transpose()
        });
        self.checkpoint.read(&path.join(RunDir::CHECKPOINT), glance);
        self.target.read(&path.join(RunDir::ORIGIN), |_| target(path));
        let first = self.head.recipe.is_none();
        let log = path.join(RunDir::METRICS);
        let read = self.tail.read(&log);
        if !first && matches!(read, Ok(Some(_))) {
            self.signs.grew();
        }
        let recipe = self.recipe.value.as_ref();
        let unreadable = read.as_ref().err().map(|error| format!("the log cannot be read: {error}"));
        let manifest = self.manifest.value.as_ref();
        let damaged = || manifest.and_then(|manifest| manifest.as_ref().err().cloned());
        let problem = recipe.err().cloned().or(unreadable).or_else(|| self.tail.problem().map(String::from));
        let problem = problem.or_else(damaged);
        let at = self.checkpoint.value;
        let examples = |recipe: &Recipe| at?.examples(recipe);
        let last = self.tail.records().last().map_or(0.0, |record| record.seconds);
        let manifest = manifest.and_then(|manifest| manifest.as_ref().ok());
        let state = if problem.is_some() {
            State::Unreadable
        } else if manifest.is_none() && self.signs.running(locks.held(path), last) {
            State::Running
        } else {
            let recorded = if manifest.is_none() { Failure::read(path).unwrap_or_default() } else { None };
            let failure = recorded.or_else(|| Failure::in_log(self.tail.records()));
            State::Still(RunStatus::of(failure.as_ref(), manifest))
        };
        self.head = Head {
            id: self.head.id,
            name: std::mem::take(&mut self.head.name),
            state,
            problem,
            recipe: recipe.ok().and_then(|recipe| serde_json::to_value(recipe).ok()),
            changed: changed(&log),
            step: at.map(|at| at.step),
            examples: recipe.ok().and_then(examples).map(|(examples, _)| examples),
            target: self.target.value.clone(),
        };
        read.ok().flatten()
    }

    fn rows(&self, from: usize) -> Rows {
        Rows { run: self.head.id, from, rows: self.tail.records()[from..].to_vec() }
    }
}

/// The target of a run on a table, where it is one column of numbers.
fn target(path: &Path) -> Option<TargetColumn> {
    let table = Provenance::read(&RunDir::open(path).ok()?).ok()??.table?;
    table.preprocessing.target?.single_number().cloned()
}

fn changed(path: &Path) -> u64 {
    let time = std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_millis() as u64)
}

/// What a run is called: its place below the folder that is watched, or its folder's own name.
fn name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    if below.as_os_str().is_empty() {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        return whole.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
    }
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
