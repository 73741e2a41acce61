//! Which columns a model needs, and what it answers along one of them. Both are asked of the model
//! as it is, whatever it is made of: its answers for changed tables are all that is looked at.
//!
//! Columns that say the same share what they are worth: where one is shuffled, the model still has
//! the other. And a shuffled or fixed column makes rows that do not occur. Figures of correlated
//! columns therefore say what the model does, and little about the world: G. Hooker, L. Mentch and
//! S. Zhou, "Unrestricted permutation forces extrapolation", Statistics and Computing 31 (2021).

mod dependence;
mod importance;
mod increase;
mod rows;
mod together;

pub use dependence::{DependencePoint, DependenceValue, PartialDependence};
pub use importance::{ColumnImportance, ImportanceScore, PermutationImportance, ScoreImportance};
pub use together::CorrelatedColumns;

use crate::error::{Error, Result};

/// How a model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainOptions {
    /// The columns that are asked about; all that the model sees, where none is named.
    pub columns: Vec<String>,
    /// How often each column is shuffled; at least 1.
    pub repeats: u32,
    /// How many rows are looked at, at most; they are drawn by the seed where there are more.
    pub rows: usize,
    /// The seed of rows and shuffles.
    pub seed: u64,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        ExplainOptions { columns: Vec::new(), repeats: 10, rows: 10_000, seed: 0 }
    }
}

impl ExplainOptions {
    fn validate(&self) -> Result<()> {
        let refused = |name: &str, reason: &str| {
            let (name, value, reason) = (name.into(), "0".into(), reason.into());
            Err(Error::Engine(furlough::Error::Setting { name, value, reason }))
        };
        if self.repeats == 0 {
            return refused("repeats", "a column is shuffled at least once");
        }
        if self.rows == 0 {
            return refused("rows", "at least one row is looked at");
        }
        Ok(())
    }
}
