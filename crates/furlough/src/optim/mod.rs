//! Optimizers: how parameters follow their gradients.

mod optimizer;
mod range;
mod regularizers;
mod rule;
mod schedule;
mod state;

pub use optimizer::Optimizer;
pub(crate) use optimizer::{MAX_BUFFERS, RowUpdate};
pub(crate) use regularizers::Penalties;
pub use regularizers::Regularizers;
pub use rule::UpdateRule;
pub(crate) use rule::clip_factor;
pub use schedule::Schedule;
pub use state::OptimizerState;
