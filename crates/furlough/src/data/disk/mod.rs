//! Data sets that are larger than memory: rows in a file, read in blocks that are shuffled.

mod dataset;
mod feed;
mod layout;
mod order;
mod writer;

pub(crate) use dataset::DiskBatch;
pub use dataset::DiskDataset;
pub(crate) use feed::DiskFeed;
pub use order::BlockShuffle;
pub use writer::DiskWriter;

#[cfg(test)]
mod tests;
