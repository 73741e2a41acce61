use crate::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// A file that was unusable, and the one that was read in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// The unusable file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// The file that was read.
    pub taken: PathBuf,
}

impl SkippedFile {
    pub(super) fn new(path: &Path, error: &Error, taken: &Path) -> Self {
        let reason = match error {
            Error::Data { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        SkippedFile { path: path.into(), reason, taken: taken.into() }
    }
}

impl fmt::Display for SkippedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SkippedFile { path, reason, taken } = self;
        write!(f, "{}: {reason}; {} was read in its place", path.display(), taken.display())
    }
}
