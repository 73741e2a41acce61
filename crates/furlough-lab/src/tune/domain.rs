use serde::{Deserialize, Serialize};
use std::fmt;

/// From where to where a key is searched, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Range {
    /// The least value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

impl From<(f64, f64)> for Range {
    fn from((low, high): (f64, f64)) -> Self {
        Range { low, high }
    }
}

impl From<Range> for (f64, f64) {
    fn from(range: Range) -> Self {
        (range.low, range.high)
    }
}

/// Where a key's values are searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Domain {
    /// Numbers between two ends.
    Range(Range),
    /// Names, two or more.
    Choices(Vec<String>),
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::Range(Range { low, high }) => write!(f, "{low} to {high}"),
            Domain::Choices(names) => f.write_str(&names.join(" or ")),
        }
    }
}
