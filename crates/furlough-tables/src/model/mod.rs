//! A network with all that it needs to answer for a table: schema, preprocessing, and the user's
//! labels and units.

mod answers;
mod defaults;
mod file;
mod fit;
mod header;
mod in_order;
mod predict;
mod rows;
mod scores;

pub use answers::{ClassProbabilities, Predictions, TableAnswers};
pub use defaults::{TableRecipe, defaults};
pub use fit::{TableModel, TableOptions};
pub use header::{RowCounts, TABLE_VERSION, TableHeader};
pub(crate) use in_order::{Work, in_order};
pub use rows::{AnswerOptions, FileAnswered, RowAnswers, RowSpread};
pub use scores::{TableScores, TargetScores};
