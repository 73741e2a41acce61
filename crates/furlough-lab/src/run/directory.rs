use super::lock::{LOCK, something_in, take_lock};
use crate::recipe::{Recipe, Settings};
use crate::{Error, Result};
use furlough::files::{folder_of, read_text, remove_leftovers, sync_folder, write_atomic};
use furlough_tables::DiskTable;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder of one run. All names of its files are here.
///
/// To write a run, [`RunDir::create`] or [`RunDir::resume`] it: both take the folder's lock, which
/// lasts as long as the value and goes with the process, however that ends. To read one,
/// [`RunDir::open`] it.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    lock: Option<File>,
    fresh: Fresh,
    /// Folders above that were made for this one, innermost first.
    made_above: Vec<PathBuf>,
}

/// What to take away again when a run that was created never comes to anything.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fresh {
    No,
    Files,
    FilesAndFolder,
}

impl RunDir {
    /// The recipe: every value that determines the run.
    pub const RECIPE: &'static str = "recipe.toml";
    /// One line of JSON an epoch.
    pub const METRICS: &'static str = "metrics.jsonl";
    /// What the run began from beside its recipe: data, and what another run had learned.
    pub const ORIGIN: &'static str = "origin.json";
    /// The network that the run began with; only a run that began from another one has it.
    pub const START: &'static str = "start.safetensors";
    /// What somebody wrote about the run. No part of what the manifest lists.
    pub const NOTES: &'static str = "notes.txt";
    /// Where the run goes on from.
    pub const CHECKPOINT: &'static str = "checkpoint.safetensors";
    /// The trained network.
    pub const MODEL: &'static str = "model.safetensors";
    /// The folder of the runs whose networks are one model, by their numbers from 0; only a run of
    /// several networks has it.
    pub const MEMBERS: &'static str = "members";
    /// What these answer for the rows that they did not learn from.
    pub const OUT_OF_FOLD: &'static str = "out-of-fold.csv";
    /// The learning curves as vectors.
    pub const CURVES_SVG: &'static str = "curves.svg";
    /// The learning curves as an image.
    pub const CURVES_PNG: &'static str = "curves.png";
    /// What the finished run consists of. Written last.
    pub const MANIFEST: &'static str = "manifest.json";
    /// Why a run ended before it was finished and would end so again; only such a run has it.
    pub const FAILED: &'static str = "failed.json";
    /// Locked while a process writes the run; gone when it is finished.
    pub const LOCK: &'static str = LOCK;
    /// Folder of the rows of a table that is larger than memory; gone when the run is finished.
    pub const ROWS: &'static str = "rows";
    /// Folder of TensorBoard's event files, where they were asked for. No part of what the manifest
    /// lists.
    pub const TENSORBOARD: &'static str = "tensorboard";

    /// Makes the folder of a new run, with the folders above it, and takes its lock. A folder that
    /// exists must be empty. Until [`Recorder::create`](super::Recorder::create) succeeds, dropping
    /// the value takes the folder away again.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the folder is not empty, [`Error::Locked`] when another process
    /// uses it, [`furlough::Error::Io`] when it cannot be made.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let existed = path.is_dir();
        if path.exists() && !existed {
            return Err(Error::occupied(&path, "is a file", false));
        }
        if existed {
            check_empty(&path)?;
        }
        let made_above: Vec<_> =
            path.ancestors().skip(1).take_while(|above| !above.exists()).map(Path::to_path_buf).collect();
        let fresh = if existed { Fresh::Files } else { Fresh::FilesAndFolder };
        if let Err(source) = fs::create_dir_all(&path) {
            remove_empty(made_above.iter());
            return Err(Error::io("create", &path)(source));
        }
        let mut dir = RunDir { path, lock: None, fresh: Fresh::No, made_above };
        match take_lock(&dir.path) {
            Ok(lock) => dir.lock = Some(lock),
            Err(error) => {
                if fresh == Fresh::FilesAndFolder {
                    remove_empty([&dir.path].into_iter().chain(&dir.made_above));
                }
                return Err(error);
            }
        }
        // Whoever held the lock until now may have begun a run.
        check_empty(&dir.path)?;
        dir.fresh = fresh;
        remove_leftovers(&dir.path)?;
        let above = folder_of(&dir.path).to_path_buf();
        sync_folder(&above).map_err(Error::io("write", &above))?;
        Ok(dir)
    }

    /// Opens a run to read it, finished or not.
    ///
    /// # Errors
    /// [`Error::Run`] when this is no run directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if !path.is_dir() {
            let what = if path.exists() { "is a file, not a run directory" } else { "does not exist" };
            return Err(Error::run(&path, format!("{what}; give the folder of a run")));
        }
        if !path.join(Self::RECIPE).exists() {
            let mut reason = format!("is no run directory: {} is missing", Self::RECIPE);
            if path.join(LOCK).exists() && check_empty(&path).is_ok() {
                reason += ". It has nothing but what a run leaves that ended at its very start; begin one in it";
            }
            return Err(Error::run(&path, reason));
        }
        Ok(RunDir { path, lock: None, fresh: Fresh::No, made_above: Vec::new() })
    }

    /// Opens an unfinished run to go on with it: takes its lock and clears away what a killed
    /// process left.
    ///
    /// # Errors
    /// [`Error::Run`] when this is no run directory, [`Error::Finished`] when the run is,
    /// [`Error::Locked`] when another process is writing it.
    pub fn resume(path: impl Into<PathBuf>) -> Result<Self> {
        let mut dir = Self::open(path)?;
        dir.check_unfinished()?;
        dir.lock = Some(take_lock(&dir.path)?);
        // Whoever held the lock until now may have finished.
        dir.check_unfinished()?;
        remove_leftovers(&dir.path)?;
        Ok(dir)
    }

    fn check_unfinished(&self) -> Result<()> {
        if self.is_finished() {
            return Err(Error::Finished { path: self.path.clone() });
        }
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the file `name`, one of the constants.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the folder of one of several networks, counted from 0.
    pub fn member(&self, member: u32) -> PathBuf {
        self.file(Self::MEMBERS).join(member.to_string())
    }

    /// Returns the folders of several networks that have been begun, by their numbers.
    ///
    /// # Errors
    /// Those of [`Self::recipe`].
    pub fn members(&self) -> Result<Vec<PathBuf>> {
        let members = self.recipe()?.members().unwrap_or(0);
        Ok((0..members).map(|member| self.member(member)).filter(|path| path.join(Self::RECIPE).exists()).collect())
    }

    /// Returns the run of several networks whose member is in this folder; none where it stands by
    /// itself.
    pub fn outer_run(folder: &Path) -> Option<PathBuf> {
        let real = fs::canonicalize(folder).ok()?;
        let named_so = real.parent()?.file_name()? == Self::MEMBERS;
        let outer = real.parent()?.parent()?;
        let is_run = named_so && outer.join(Self::RECIPE).exists();
        // As it was named, where the name says so much.
        let named = folder.parent().and_then(Path::parent).filter(|named| !named.as_os_str().is_empty());
        let named = named.filter(|named| fs::canonicalize(named).is_ok_and(|found| found == outer));
        is_run.then(|| named.unwrap_or(outer).to_path_buf())
    }

    /// Refuses a run of several networks where one is wanted.
    ///
    /// # Errors
    /// [`Error::Run`] that names the first of them; [`Error::Recipe`] and
    /// [`furlough::Error::Setting`].
    pub fn check_single(&self, recipe: &Recipe) -> Result<()> {
        let Some(members) = recipe.members() else { return Ok(()) };
        let first = self.member(0);
        let reason =
            format!("is a run of {members} networks as one model; name one of them, such as {}", first.display());
        Err(Error::run(&self.path, reason))
    }

    /// Path of the checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.file(Self::CHECKPOINT)
    }

    /// Path of the model.
    ///
    /// # Errors
    /// [`Error::Unfinished`] when there is none yet, [`Error::Run`] when somebody took it away.
    pub fn model(&self) -> Result<PathBuf> {
        let path = self.file(Self::MODEL);
        if !path.exists() && self.is_finished() {
            let reason = format!(
                "is missing, though the run is finished. Restore it from a copy, or train it again: {} gives the same",
                self.file(Self::RECIPE).display()
            );
            return Err(Error::run(&path, reason));
        }
        if !path.exists() {
            return Err(Error::Unfinished { path: self.path.clone() });
        }
        Ok(path)
    }

    /// Whether the manifest, the last file of a run, is there.
    pub fn is_finished(&self) -> bool {
        self.file(Self::MANIFEST).exists()
    }

    /// The run's recipe, read from its file.
    ///
    /// # Errors
    /// [`furlough::Error::Io`], [`Error::Recipe`] or [`furlough::Error::Setting`] when the file
    /// cannot be read, is no recipe or has values out of range.
    pub fn recipe(&self) -> Result<Recipe> {
        let path = self.file(Self::RECIPE);
        let text = read_text(&path)?;
        Settings::parse(&text, Some(&path))?.resolve()
    }

    /// Writes the file `name` atomically.
    ///
    /// # Errors
    /// [`furlough::Error::Io`], with the old file intact.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        debug_assert!(self.lock.is_some(), "only a locked run is written");
        Ok(write_atomic(&self.file(name), bytes)?)
    }

    /// Removes the file `name`, if it is there.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Returns what dropping the value takes away, files before their folders: all that was made
    /// here, unless a run has been begun. Folders that have something else in them stay.
    pub fn to_take_away(&self) -> Vec<PathBuf> {
        if self.fresh == Fresh::No {
            return Vec::new();
        }
        let rows = DiskTable::files_in(&self.file(Self::ROWS)).into_iter();
        let names = [
            Self::RECIPE,
            Self::ORIGIN,
            Self::START,
            Self::METRICS,
            Self::CHECKPOINT,
            Self::LOCK,
            Self::MEMBERS,
            Self::ROWS,
        ];
        let own = rows.chain(names.into_iter().map(|name| self.file(name)));
        let folders = std::iter::once(&self.path).chain(&self.made_above).filter(|path| !path.as_os_str().is_empty());
        match self.fresh {
            Fresh::FilesAndFolder => own.chain(folders.cloned()).collect(),
            _ => own.collect(),
        }
    }

    /// From here on the folder stays, whatever happens.
    pub(super) fn keep(&mut self) {
        self.fresh = Fresh::No;
    }

    /// Nobody will write this run any more. A process that is waiting with the lock file open finds
    /// the manifest.
    pub(super) fn retire_lock(&mut self) {
        if self.lock.take().is_some() {
            let _ = fs::remove_file(self.file(Self::LOCK)); // a lock file left lying does no harm
        }
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // The error that made the run come to nothing is the one that is told, so these are not.
        for path in self.to_take_away() {
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        }
    }
}

/// Removes folders, innermost first, up to one that somebody has put something into. Whatever is
/// the reason for it, that reason is to be told, and not that a folder stayed.
fn remove_empty<'a>(folders: impl Iterator<Item = &'a PathBuf>) {
    for folder in folders {
        if folder.as_os_str().is_empty() {
            continue;
        }
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// A lock file, leftovers and what is written before the recipe do not count: they are all that a
/// process killed at its very start leaves.
fn check_empty(path: &Path) -> Result<()> {
    let has_recipe = path.join(RunDir::RECIPE).exists();
    let early: &[&str] = if has_recipe { &[] } else { &[RunDir::ORIGIN, RunDir::START, RunDir::ROWS, RunDir::MEMBERS] };
    let Some(name) = something_in(path, early)? else { return Ok(()) };
    let resumable = has_recipe && !path.join(RunDir::MANIFEST).exists();
    Err(Error::occupied(path, format!("is not empty (it has {})", name.display()), resumable))
}
