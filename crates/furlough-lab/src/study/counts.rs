use crate::run::RunDir;
use crate::{Error, Result};
use std::fs;
use std::path::Path;

/// How many trials of a folder stand how, as their files' names tell: nothing is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct TrialCounts {
    /// All epochs are done.
    pub finished: usize,
    /// Some of it is there.
    pub begun: usize,
    /// It failed.
    pub failed: usize,
}

impl TrialCounts {
    /// Counts the trials in a folder of trials; none where there is no such folder.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when the folder cannot be read.
    pub fn of(root: &Path) -> Result<Self> {
        let mut counts = TrialCounts::default();
        if !root.is_dir() {
            return Ok(counts);
        }
        for entry in fs::read_dir(root).map_err(Error::io("read", root))? {
            let folder = entry.map_err(Error::io("read", root))?.path();
            let has = |name: &str| folder.join(name).exists();
            if has(RunDir::MANIFEST) {
                counts.finished += 1;
            } else if has(RunDir::FAILED) {
                counts.failed += 1;
            } else if has(RunDir::RECIPE) {
                counts.begun += 1;
            }
        }
        Ok(counts)
    }
}
