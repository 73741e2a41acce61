//! Optimizers: how parameters follow their gradients.

mod factor_set;
mod factors;
mod optimizer;
mod range;
mod regularizers;
mod row_update;
mod rule;
mod schedule;
mod state;

pub use factor_set::FactorSet;
pub use factors::{Factors, GroupFactors};
pub use optimizer::Optimizer;
pub(crate) use regularizers::Penalties;
pub use regularizers::Regularizers;
pub(crate) use row_update::{MAX_BUFFERS, RowUpdate};
pub use rule::UpdateRule;
pub(crate) use rule::clip_factor;
pub use schedule::Schedule;
pub use state::OptimizerState;
