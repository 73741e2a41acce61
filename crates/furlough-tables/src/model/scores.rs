use serde::{Deserialize, Serialize};

/// How good a model's answers are, in the target's units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableScores {
    /// How many rows were judged.
    pub rows: u64,
    /// The mean loss: cross-entropy, or the mean squared error of the standardized targets.
    pub loss: f64,
    /// The share of rows whose class is right; none for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// The scores of each target of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetScores>,
}

/// How far the predicted numbers of one target are off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetScores {
    /// The column.
    pub name: String,
    /// The root of the mean squared error.
    pub rmse: f64,
    /// The mean absolute error.
    pub mae: f64,
    /// The coefficient of determination.
    pub r2: f64,
}
