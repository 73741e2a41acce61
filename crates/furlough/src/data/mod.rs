//! Data sets in memory and in files, the formats they are read from, and the order of an epoch.
//!
//! A known data set has an entry in [`catalog`] and a file of its own here. Nothing in this module
//! reaches the network or looks for files by itself: whoever calls says where they are.

mod arrays;
mod batches;
pub mod catalog;
mod dataset;
mod dataset_ref;
pub mod digits;
mod disk;
mod entry;
mod eval;
mod examples;
pub mod fashion_mnist;
pub mod idx;
pub mod idx_folder;
mod inputs;
mod partition;
mod split;

pub use arrays::TargetValues;
pub use batches::{Batch, epoch_order};
pub use dataset::{Dataset, Split, Targets, Task};
pub use dataset_ref::DatasetRef;
pub use disk::{BlockShuffle, DiskDataset, DiskWriter};
pub(crate) use disk::{DiskBatch, DiskFeed};
pub use entry::Entry;
pub use eval::{EvalData, EvalSplit};
pub use examples::{Examples, Features};
pub use inputs::Inputs;
pub use partition::{Partition, TrainingData};
