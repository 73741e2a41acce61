//! Optimisers: how parameters follow their gradients.

mod sgd;

pub use sgd::Sgd;
