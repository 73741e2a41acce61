//! A network with all that it needs to answer for a table: schema, preprocessing, and the user's
//! labels and units.

mod answers;
mod conformal;
mod defaults;
mod doubts;
mod ensemble;
mod file;
mod fit;
mod header;
mod in_order;
mod interval;
mod masked;
mod members;
mod network;
mod numeric_embedding;
mod out_of_fold;
mod predict;
mod preset;
mod recipe;
mod row_answers;
mod rows;
mod scores;

pub use answers::{ClassProbabilities, Intervals, PredictionSets, Predictions, TableAnswers};
pub use conformal::{ClassRows, ConformalScores, FoldScores, IntervalMethod};
pub use defaults::defaults;
pub use doubts::{DoubtKind, Doubts};
pub use ensemble::{EnsembleHeader, OutOfFold};
pub use fit::{TableModel, TableOptions};
pub use header::{RowCounts, TABLE_VERSION, TableHeader};
pub(crate) use in_order::{Work, in_order};
pub use interval::RowInterval;
pub use members::{member_folds, member_partition, member_seed};
pub use numeric_embedding::{InputRecipe, NumericEmbedding};
pub use predict::Judged;
pub use preset::Preset;
pub use recipe::TableRecipe;
pub use row_answers::{AnswerOptions, FileAnswered, MaskedPasses, RowAnswers, RowConfidence, RowSpread};
pub use scores::{TableScores, TargetScores};
