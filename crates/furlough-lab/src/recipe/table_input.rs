use furlough::data::BlockShuffle;
use furlough_tables::{PreprocessingOptions, Schema};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The table that a run learns from, and all that was decided of it: nothing is guessed again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableInput {
    /// The file: its whole path where the command wrote it.
    pub file: String,
    /// The file with the test set; without it the test set is a share of `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_file: Option<String>,
    /// The share of the rows that are the test set, from 0 to below 1; 0 for none, and where there
    /// is a file of its own.
    #[serde(default)]
    pub test_fraction: f64,
    /// The seed of which rows these are.
    #[serde(default)]
    pub test_seed: u64,
    /// In which order the rows are taken where they are learned from piece by piece; none where all
    /// are in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<BlockShuffle>,
    /// How columns become features.
    #[serde(default)]
    pub preprocessing: PreprocessingOptions,
    /// What the columns are.
    pub schema: Schema,
}

impl TableInput {
    /// Returns the file's name without its folder: what data are called that have no other name.
    pub fn name(&self) -> String {
        let name = Path::new(&self.file).file_name();
        name.map_or_else(|| self.file.clone(), |name| name.to_string_lossy().into_owned())
    }
}
