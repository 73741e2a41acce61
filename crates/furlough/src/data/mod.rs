//! Data sets in memory, the formats they are read from, and the order of an epoch.

mod batches;
mod dataset;

pub use batches::{Batch, epoch_order};
pub use dataset::{Dataset, Features, Split, Targets};
