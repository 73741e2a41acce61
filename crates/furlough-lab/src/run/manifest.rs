use super::{EpochRecord, Machine, RunDir, WarmStart};
use crate::json::json_bytes;
use crate::recipe::Recipe;
use crate::{Error, Result};
use furlough::counted;
use furlough::files::{FORMAT_VERSION, check_version, read_file, sha256_hex};
use furlough::train::StopReason;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a finished run consists of: the last file that is written, so that where it is, all is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the run directory's format.
    pub version: u32,
    /// `finished`.
    pub status: String,
    /// Why it ended; [`StopReason::Asked`] for a run that was made a finished one as it stood.
    #[serde(default = "all_epochs", skip_serializing_if = "is_all_epochs")]
    pub stop_reason: StopReason,
    /// What another run had learned, where this one began from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<WarmStart>,
    /// Version of the library that finished the run.
    pub library: String,
    /// Where the data came from.
    pub data_origin: String,
    /// [`fingerprint`](furlough::files::fingerprint) of the training set.
    pub data_fingerprint: String,
    /// What the last process computed with; none where that is unknown.
    #[serde(flatten)]
    pub machine: Option<Machine>,
    /// Steps taken.
    pub steps: u64,
    /// Seconds of all epochs together.
    pub seconds: f64,
    /// The last epoch.
    pub last: Option<EpochRecord>,
    /// The epoch whose network the run has; none without early stopping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<u32>,
    /// Every other file of the run.
    pub files: Vec<FileEntry>,
}

fn all_epochs() -> StopReason {
    StopReason::Finished
}

fn is_all_epochs(reason: &StopReason) -> bool {
    *reason == StopReason::Finished
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes in hexadecimal digits.
    pub sha256: String,
}

impl FileEntry {
    /// The entry of a file that is there.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be read.
    pub fn of(dir: &RunDir, name: &str) -> Result<Self> {
        let path = dir.file(name);
        let bytes = read_file(&path)?;
        Ok(FileEntry { name: name.into(), bytes: bytes.len() as u64, sha256: sha256_hex(&bytes) })
    }
}

impl Manifest {
    /// The files that every finished run has besides the manifest.
    pub const FILES: [&'static str; 6] =
        [RunDir::RECIPE, RunDir::METRICS, RunDir::CHECKPOINT, RunDir::MODEL, RunDir::CURVES_SVG, RunDir::CURVES_PNG];

    /// Returns the names of the files that the run in `dir` has besides the manifest.
    pub fn files_in(dir: &RunDir) -> impl Iterator<Item = &'static str> {
        let more = [RunDir::ORIGIN, RunDir::START].into_iter().filter(|name| dir.file(name).exists());
        Self::FILES.into_iter().chain(more)
    }

    /// Reads the manifest of a run; none when the run is not finished.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be read, [`Error::Run`] when it is damaged,
    /// [`furlough::Error::File`] when it is of a later version.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        if !dir.is_finished() {
            return Ok(None);
        }
        let path = dir.file(RunDir::MANIFEST);
        let text = read_file(&path)?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| Error::run(&path, format!("is damaged: {error}")))?;
        check_version(&path, manifest.version, FORMAT_VERSION)?;
        Ok(Some(manifest))
    }

    /// Checks that a log has the epochs of this run: all of its recipe's, or as many as it took
    /// until it stopped early.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check_epochs(&self, recipe: &Recipe, records: &[EpochRecord]) -> std::result::Result<(), String> {
        let all = recipe.options().epochs as usize;
        let may_be_fewer = recipe.early_stopping().is_some() || self.is_cut_short();
        let early = self.last.as_ref().filter(|_| may_be_fewer).map(|last| last.summary.epoch as usize);
        let of = early.unwrap_or(all);
        if records.len() == of {
            return Ok(());
        }
        Err(format!("it has {}, and the finished run has {of}", counted(records.len(), "epoch")))
    }

    /// Whether the run was made a finished one as it stood, before its last epoch.
    pub fn is_cut_short(&self) -> bool {
        self.stop_reason == StopReason::Asked
    }

    /// Checks that the run in `folder` was trained to its end.
    ///
    /// # Errors
    /// [`Error::Run`] when it was cut short.
    pub(crate) fn check_whole(&self, folder: &Path) -> Result<()> {
        if !self.is_cut_short() {
            return Ok(());
        }
        let after = self.last.as_ref().map_or(0, |last| last.summary.epoch as usize);
        let after = counted(after, "epoch");
        Err(Error::run(folder, format!("was cut short after {after}; move its folder away to train it whole")))
    }

    /// Reads every file and compares it with its entry.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] for the first file that cannot be read, [`Error::Run`] for the first
    /// that was changed.
    pub fn verify(&self, dir: &RunDir) -> Result<()> {
        self.files.iter().try_for_each(|entry| self.check(dir, &entry.name))
    }

    /// The same for the file `name` alone.
    ///
    /// # Errors
    /// As [`Self::verify`], and [`Error::Run`] when the manifest does not know the file.
    pub fn check(&self, dir: &RunDir, name: &str) -> Result<()> {
        let Some(entry) = self.files.iter().find(|entry| entry.name == name) else {
            return Err(Error::run(&dir.file(RunDir::MANIFEST), format!("is damaged: it says nothing of {name}")));
        };
        if FileEntry::of(dir, name)? != *entry {
            let reason =
                format!("is not what the run wrote: {} beside it has another size or SHA-256", RunDir::MANIFEST);
            return Err(Error::run(&dir.file(name), reason));
        }
        Ok(())
    }

    pub(super) fn write(&self, dir: &RunDir) -> Result<()> {
        dir.write(RunDir::MANIFEST, &json_bytes(&dir.file(RunDir::MANIFEST), self)?)
    }
}
