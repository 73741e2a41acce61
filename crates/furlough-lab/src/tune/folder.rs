use super::{TuneOptions, TuneReport};
use crate::run::{LOCK, something_in, take_lock};
use crate::study::TrialCounts;
use crate::{Error, Result};
use furlough::files::{read_file, read_text, remove_leftovers, write_atomic};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder of one tune. All names of its files are here.
///
/// [`TuneDir::create`] and [`TuneDir::resume`] take the folder's lock, which lasts as long as the
/// value and goes with the process, however that ends.
#[derive(Debug)]
pub struct TuneDir {
    path: PathBuf,
    _lock: File,
}

/// What a tune's folder holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneContents {
    /// What was asked for.
    pub options: TuneOptions,
    /// The same as TOML.
    pub text: String,
    /// Everything that came out; none while it is not finished.
    pub report: Option<TuneReport>,
    /// How its trials stand, those of the finalists' seeds included.
    pub trials: TrialCounts,
}

impl TuneDir {
    /// What was asked for.
    pub const OPTIONS: &'static str = "tune.toml";
    /// The run directories of all trials, each named by its recipe and data.
    pub const TRIALS: &'static str = "trials";
    /// What the search came to, once it is over.
    pub const SEARCH: &'static str = "search.json";
    /// The recommended recipe.
    pub const RECOMMENDED: &'static str = "recommended.toml";
    /// The run directory of the recommended recipe on all training examples.
    pub const FINAL: &'static str = "final";
    /// The run directory of the better finalist, where it failed on all training examples and the
    /// other one took its place.
    pub const PASSED_OVER: &'static str = "passed-over";
    /// Validation error against drop probability, as vectors.
    pub const PLOT_SVG: &'static str = "error-by-p.svg";
    /// Validation error against drop probability, as an image.
    pub const PLOT_PNG: &'static str = "error-by-p.png";
    /// Everything that came out. Written last.
    pub const REPORT: &'static str = "tune.json";
    /// Locked while a process works here.
    pub const LOCK: &'static str = LOCK;

    /// Whether [`Self::create`] would take this folder, without touching it.
    ///
    /// # Errors
    /// [`Error::Occupied`] when there is something in it, another tune for example, or when it is a
    /// file.
    pub fn check_free(path: &Path) -> Result<()> {
        if path.is_file() {
            return Err(Error::occupied(path, "is a file", false));
        }
        if !path.exists() {
            return Ok(());
        }
        if path.join(Self::REPORT).exists() {
            return Err(Error::occupied(path, "holds another tune, which is finished", false));
        }
        if path.join(Self::OPTIONS).exists() {
            return Err(Error::occupied(path, "holds another tune", true));
        }
        match something_in(path, &[])? {
            Some(name) => Err(Error::occupied(path, format!("is not empty (it has {})", name.display()), false)),
            None => Ok(()),
        }
    }

    /// Makes the folder of a new tune, with the folders above it, and writes down what was asked
    /// for. A folder that exists must be empty. `data` is the fingerprint of the training set.
    ///
    /// # Errors
    /// Those of [`Self::check_free`]; [`Error::Run`] when another process works there;
    /// [`furlough::Error::Io`].
    pub fn create(path: impl Into<PathBuf>, options: &TuneOptions, data: &str) -> Result<Self> {
        let path = path.into();
        Self::check_free(&path)?;
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        let lock = take_lock(&path)?;
        // Whoever held the lock until now may have begun a tune.
        Self::check_free(&path)?;
        write_atomic(&path.join(Self::OPTIONS), options.to_toml(data).as_bytes())?;
        Ok(TuneDir { path, _lock: lock })
    }

    /// Opens an unfinished tune to go on with it, and says what was asked for and the fingerprint
    /// of the data.
    ///
    /// # Errors
    /// [`Error::Run`] when this is no tune, when it is finished, or when another process works
    /// there.
    pub fn resume(path: impl Into<PathBuf>) -> Result<(Self, TuneOptions, String)> {
        let path = path.into();
        let file = path.join(Self::OPTIONS);
        if !file.exists() {
            let what = match (path.is_dir(), path.exists()) {
                (true, _) => format!("is no tune: {} is missing", Self::OPTIONS),
                (false, true) => "is a file, not the folder of a tune".into(),
                (false, false) => "does not exist".into(),
            };
            return Err(Error::run(&path, format!("{what}; give the folder of a tune")));
        }
        let text = read_text(&file)?;
        let (options, data) = TuneOptions::parse(&text)
            .map_err(|reason| Error::run(&file, format!("is not what a tune wrote: {reason}")))?;
        let lock = take_lock(&path)?;
        if path.join(Self::REPORT).exists() {
            return Err(Error::Finished { path });
        }
        remove_leftovers(&path)?;
        Ok((TuneDir { path, _lock: lock }, options, data))
    }

    /// Reads what a tune's folder holds, whether it is finished or not. Takes no lock, so the tune
    /// may be going on.
    ///
    /// # Errors
    /// [`Error::Run`] when this is no tune or a file of it is damaged; [`furlough::Error::Io`].
    pub fn contents(path: &Path) -> Result<TuneContents> {
        let file = path.join(Self::OPTIONS);
        if !file.exists() {
            return Err(Error::run(path, format!("is no tune: {} is missing", Self::OPTIONS)));
        }
        let text = read_text(&file)?;
        let (options, _) = TuneOptions::parse(&text)
            .map_err(|reason| Error::run(&file, format!("is not what a tune wrote: {reason}")))?;
        let report = path.join(Self::REPORT);
        let read = |path: &Path| {
            serde_json::from_slice(&read_file(path)?).map_err(|error| Error::run(path, format!("is damaged: {error}")))
        };
        let report = report.exists().then(|| read(&report)).transpose()?;
        let trials = TrialCounts::of(&path.join(Self::TRIALS))?;
        Ok(TuneContents { options, text, report, trials })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the file or folder `name`, one of the constants.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the file `name` atomically.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Ok(write_atomic(&self.file(name), bytes)?)
    }

    /// Nobody will work here any more.
    pub(super) fn retire_lock(&self) {
        let _ = fs::remove_file(self.file(Self::LOCK)); // a lock file left lying does no harm
    }
}
