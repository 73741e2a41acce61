use super::{DataSource, RunData};
use crate::{Error, Result};
use furlough::data::{DatasetRef, EvalData, EvalSplit, Partition};
use furlough_tables::DiskTable;
use furlough_tables::model::TableHeader;
use std::path::Path;

/// What one run sees, in memory or in files.
#[derive(Debug)]
pub enum RunSets {
    /// In memory.
    Memory(Box<RunData>),
    /// In files, and what judges while it trains.
    Disk(Box<DiskTable>, EvalSplit),
}

impl DataSource {
    /// Returns what a run sees that holds out what `partition` says. The rows of a table that does
    /// not fit in memory are kept in files of `folder`.
    ///
    /// # Errors
    /// As [`Self::run_data`]; [`Error::Engine`] when files cannot be written.
    pub fn run_sets(&self, partition: &Partition, folder: &Path, threads: usize) -> Result<RunSets> {
        let DataSource::Disk(source) = self else { return Ok(RunSets::Memory(Box::new(self.run_data(partition)?))) };
        let table = source.rows(partition, folder, threads)?;
        let split = partition.eval_split();
        let judge = if split == EvalSplit::Validation { &table.validation } else { &table.test };
        if judge.is_none() {
            let reason = "without a test set there are no rows to judge by, unless folds hold some out";
            return Err(Error::setting("test_fraction", 0, reason));
        }
        Ok(RunSets::Disk(Box::new(table), split))
    }
}

impl RunSets {
    /// Returns what is learned from.
    pub fn train(&self) -> DatasetRef<'_> {
        match self {
            RunSets::Memory(data) => (&data.training.train).into(),
            RunSets::Disk(table, _) => (&table.train).into(),
        }
    }

    /// Returns what judges the run while it trains.
    pub fn eval_data(&self) -> EvalData<'_> {
        match self {
            RunSets::Memory(data) => data.training.eval_data(),
            RunSets::Disk(table, split) => {
                let validation = table.validation.as_ref().filter(|_| *split == EvalSplit::Validation);
                let data = validation.or(table.test.as_ref()).unwrap_or(&table.train);
                EvalData { split: *split, data: data.into() }
            }
        }
    }

    /// Returns what neither taught nor judged it; none where there is no such part.
    pub fn test(&self) -> Option<DatasetRef<'_>> {
        match self {
            RunSets::Memory(data) => data.test.as_ref().map(DatasetRef::from),
            RunSets::Disk(table, EvalSplit::Validation) => table.test.as_ref().map(DatasetRef::from),
            RunSets::Disk(..) => None,
        }
    }

    /// Returns the table's schema and preprocessing; none of other data.
    pub fn header(&self) -> Option<&TableHeader> {
        match self {
            RunSets::Memory(data) => data.table.as_ref(),
            RunSets::Disk(table, _) => Some(&table.header),
        }
    }

    /// Returns what one may want to know, a sentence each.
    pub fn notes(&self) -> &[String] {
        match self {
            RunSets::Memory(data) => &data.notes,
            RunSets::Disk(table, _) => &table.notes,
        }
    }

    /// Removes the files of the rows, if there are some.
    ///
    /// # Errors
    /// [`Error::Table`] when one cannot be removed.
    pub fn remove_files(&self) -> Result<()> {
        match self {
            RunSets::Memory(_) => Ok(()),
            RunSets::Disk(table, _) => Ok(table.remove()?),
        }
    }
}
