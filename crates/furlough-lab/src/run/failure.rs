use super::{EpochRecord, RunDir};
use crate::json::json_bytes;
use crate::{Error, Result};
use furlough::files::{FORMAT_VERSION, check_version, read_file, write_atomic};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// Why a run ended before it was finished and would end so again: what `failed.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Failure {
    /// The loss stopped being finite.
    Diverged {
        /// Epoch, from 1.
        epoch: u32,
        /// Step of the epoch, from 1; none of a run whose log shows it and nothing else does.
        step: Option<u64>,
        /// The loss, `inf` or `NaN`: JSON has no such numbers.
        loss: String,
    },
    /// Anything else that is wrong with this run and with no other, such as a network that does not
    /// fit in memory.
    Error {
        /// What is wrong.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u32,
    #[serde(flatten)]
    failure: Failure,
}

impl Failure {
    /// Returns the failure that an error of training is; none for errors of the machine or the
    /// moment, such as a full disk, a damaged file or a lock that another process holds.
    pub fn of(error: &Error) -> Option<Self> {
        use furlough::Error::{Data, File, Io, Layer, NotFinite, Observer, Setting};
        match error.engine()? {
            NotFinite { epoch, step, loss } => Some(Self::diverged(*epoch, *step, *loss)),
            Layer { .. } | Setting { .. } | Data { .. } => Some(Failure::Error { reason: error.to_string() }),
            Io { .. } | File { .. } | Observer(_) => None,
            other => Some(Failure::Error { reason: other.to_string() }),
        }
    }

    pub(super) fn diverged(epoch: u32, step: u64, loss: f64) -> Self {
        Failure::Diverged { epoch, step: Some(step), loss: loss.to_string() }
    }

    /// Returns the divergence that the log of an older run shows, which counted as an epoch like
    /// any other: an accuracy without a loss is of outputs that are not numbers.
    pub fn in_log(records: &[EpochRecord]) -> Option<Self> {
        let overflowed = records.iter().find(|record| !record.is_good())?;
        Some(Failure::Diverged { epoch: overflowed.summary.epoch, step: None, loss: "NaN".into() })
    }

    /// Reads the failure of the run in `folder`; none where there is no `failed.json`.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be read, [`Error::Run`] when it is damaged,
    /// [`furlough::Error::File`] when it is of a later version.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RunDir::FAILED);
        if !path.exists() {
            return Ok(None);
        }
        let Versioned { version, failure } = serde_json::from_slice(&read_file(&path)?)
            .map_err(|error| Error::run(&path, format!("is damaged: {error}")))?;
        check_version(&path, version, FORMAT_VERSION)?;
        Ok(Some(failure))
    }

    /// Writes `failed.json` into the run's folder.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(RunDir::FAILED);
        let file = Versioned { version: FORMAT_VERSION, failure: self.clone() };
        Ok(write_atomic(&path, &json_bytes(&path, &file)?)?)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Diverged { epoch, step, loss } => {
                write!(f, "diverged: the loss became {loss} in epoch {epoch}")?;
                step.map_or(Ok(()), |step| write!(f, ", step {step}"))
            }
            Failure::Error { reason } => f.write_str(reason),
        }
    }
}
