//! The recipe, the training loop, and what it tells those who watch.

mod event;
mod recipe;
mod settings;
mod state;

pub use event::{Control, EpochSummary, Event, Observer, StopReason};
pub use recipe::{Recipe, TrainOptions};
pub use settings::{OneOrMany, Settings};
pub use state::{Progress, TrainState};
