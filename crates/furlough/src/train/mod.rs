//! The recipe, the training loop, and what it tells those who watch.

mod evaluate;
mod event;
mod recipe;
mod settings;
mod state;
mod toml_text;
mod trainer;

pub(crate) use evaluate::Evaluator;
pub use evaluate::Scores;
pub use event::{Control, EpochSummary, Event, LearntDropout, Observer, StopReason};
pub use recipe::{Recipe, TrainOptions};
pub use settings::{OneOrMany, Settings};
pub use state::{Progress, TrainState};
pub(crate) use toml_text::{read_toml, toml_reason};
pub use trainer::Trainer;
pub(crate) use trainer::check_fit;
