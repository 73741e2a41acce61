//! Optimizers: how parameters follow their gradients.

mod schedule;
mod sgd;

pub use schedule::LrSchedule;
pub use sgd::Sgd;
