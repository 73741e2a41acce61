use super::DatasetRef;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which examples a run is judged by while it trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvalSplit {
    /// The test set.
    Test,
    /// Examples held out of the training set.
    Validation,
}

impl EvalSplit {
    /// Returns `test` or `validation`.
    pub fn as_str(self) -> &'static str {
        match self {
            EvalSplit::Test => "test",
            EvalSplit::Validation => "validation",
        }
    }
}

impl fmt::Display for EvalSplit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the full network is evaluated on after each epoch, and which examples these are.
#[derive(Debug, Clone, Copy)]
pub struct EvalData<'a> {
    /// Which examples they are.
    pub split: EvalSplit,
    /// The examples.
    pub data: DatasetRef<'a>,
}

impl<'a> EvalData<'a> {
    /// Takes `data` as the test set.
    pub fn test(data: impl Into<DatasetRef<'a>>) -> Self {
        EvalData { split: EvalSplit::Test, data: data.into() }
    }

    /// Takes `data` as examples held out of the training set.
    pub fn validation(data: impl Into<DatasetRef<'a>>) -> Self {
        EvalData { split: EvalSplit::Validation, data: data.into() }
    }
}
