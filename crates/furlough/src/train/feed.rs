use crate::Result;
use crate::data::{Batch, Dataset, DatasetRef, DiskFeed, epoch_order};
use crate::random::Key;
use std::ops::Range;

/// The batches of the epochs, from memory or from a file.
pub(super) enum Feed<'a> {
    /// All examples, in the order of the epoch that was begun last.
    Memory { data: &'a Dataset, order: Vec<u32> },
    /// Rows of a file, read while others are learned from.
    Disk(Box<DiskFeed<'a>>),
}

impl<'a> Feed<'a> {
    /// Begins with an epoch, for batches of up to so many examples.
    ///
    /// # Errors
    /// Those of reading a file.
    pub(super) fn new(data: DatasetRef<'a>, key: Key, (epoch, epochs): (u32, u32), batch_size: usize) -> Result<Self> {
        let mut feed = match data {
            DatasetRef::Memory(data) => Feed::Memory { data, order: vec![0; data.len()] },
            DatasetRef::Disk(data) => Feed::Disk(Box::new(DiskFeed::new(data, key, epochs, batch_size)?)),
        };
        feed.begin(key, epoch);
        Ok(feed)
    }

    /// Returns the data.
    pub(super) fn data(&self) -> DatasetRef<'a> {
        match self {
            Feed::Memory { data, .. } => DatasetRef::Memory(data),
            Feed::Disk(feed) => DatasetRef::Disk(feed.data()),
        }
    }

    /// Begins an epoch, from 0.
    pub(super) fn begin(&mut self, key: Key, epoch: u32) {
        if let Feed::Memory { order, .. } = self {
            epoch_order(key, epoch, order);
        }
    }

    /// Returns the examples at these places of the order of the epoch, which is the one begun last.
    ///
    /// # Errors
    /// Those of reading a file.
    pub(super) fn batch(&mut self, epoch: u32, places: Range<usize>) -> Result<Batch<'_>> {
        match self {
            Feed::Memory { data, order } => Ok(Batch { data, examples: &order[places] }),
            Feed::Disk(feed) => feed.batch(epoch, places),
        }
    }
}
