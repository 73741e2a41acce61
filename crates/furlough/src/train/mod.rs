//! The training loop, and what it tells those who watch.

mod begin;
mod data_driven;
mod early_stopping;
mod evaluate;
mod event;
mod feed;
mod loss_options;
mod memory;
mod options;
mod shapes;
mod state;
mod summary;
mod trainer;

pub use early_stopping::{BestEpoch, EarlyStopping, EvalMetric};
pub(crate) use evaluate::Evaluator;
pub use evaluate::Scores;
pub use event::{Control, Event, Observer, StopReason};
pub use loss_options::{ClassWeights, LossOptions};
pub use memory::{TrainingMemory, check_memory, too_large};
pub use options::TrainOptions;
pub(crate) use shapes::{check_fit, check_inputs};
pub use state::{Progress, TrainState};
pub use summary::{EpochSummary, EvalScores, LearnedDropout};
pub use trainer::Trainer;
