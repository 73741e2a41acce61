//! What runs learn from: sets that are as they are, or a table, from whose training rows each run
//! fits its own preprocessing.

mod disk;
mod run_sets;
mod table;

pub use disk::{DiskSource, LEAST_MEMORY, Surveyed};
pub use run_sets::RunSets;
pub use table::TableSource;
pub(crate) use table::completed;

use crate::Result;
use furlough::data::{Dataset, Partition, Split, TrainingData};
use furlough_tables::model::TableHeader;

/// What runs learn from, before it is known which examples a run holds out.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // a run has one of them
pub enum DataSource {
    /// A training and a test set.
    Sets(Split),
    /// The rows of a table.
    Table(TableSource),
    /// The rows of a table that is larger than memory.
    Disk(Box<DiskSource>),
}

/// What one run sees.
#[derive(Debug, Clone)]
pub struct RunData {
    /// What it learns from, and what it is judged by while it trains.
    pub training: TrainingData,
    /// What neither taught nor judged it: of a table whose validation rows judge, the test rows.
    pub test: Option<Dataset>,
    /// The table's schema and preprocessing, which the model file keeps; none of other data.
    pub table: Option<TableHeader>,
    /// What one may want to know of the table, a sentence each.
    pub notes: Vec<String>,
}

impl DataSource {
    /// Returns what a run sees that holds out what `partition` says.
    ///
    /// # Errors
    /// Those of [`Partition::select`]; [`crate::Error::Table`] when nothing can be learned from a
    /// table; [`crate::Error::Engine`] when it is larger than memory ([`Self::run_sets`]).
    pub fn run_data(&self, partition: &Partition) -> Result<RunData> {
        match self {
            DataSource::Table(table) => table.run_data(partition),
            DataSource::Disk(table) => Err(table.not_in_memory()),
            DataSource::Sets(split) => {
                let training = partition.apply(split.clone())?;
                Ok(RunData { training, test: None, table: None, notes: Vec::new() })
            }
        }
    }
}
