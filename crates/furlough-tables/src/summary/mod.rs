//! What a file holds, for people: figures a column, and what to look at before training.
//!
//! One pass over the file in flat memory. Counts, least and greatest values are those of all rows.
//! Quartiles and histograms are those of some rows that stand for all where there are many.

mod column;
mod concern;
mod numbers;
mod sample;

pub use column::{ColumnSummary, LevelCount};
pub use concern::Concern;
pub use numbers::{NumberHistogram, NumberSummary};

use crate::block::{ReadAs, RowBlock};
use crate::error::Result;
use crate::hashing::HashSample;
use crate::readers::{Reader, sniff};
use crate::schema::{Kind, Schema};
use crate::table::Table;
use column::Tally;
use sample::RowSample;
use serde::Serialize;
use std::path::Path;

/// Up to so many different rows are counted exactly.
const DIFFERENT_ROWS: usize = 1 << 17;

/// So many cells are kept as a sample, but so many rows at most and at least.
const SAMPLED_CELLS: usize = 1 << 22;
const SAMPLED_ROWS: std::ops::RangeInclusive<usize> = 1000..=1 << 15;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TableSummary {
    /// How many rows it has.
    pub rows: u64,
    /// How many of them quartiles and histograms come from.
    pub sampled_rows: u64,
    /// How many rows stand in the file before, in all columns but ids.
    pub repeated_rows: u64,
    /// Whether these were counted; otherwise they are estimated.
    pub repeated_exact: bool,
    /// The columns, in the schema's order.
    pub columns: Vec<ColumnSummary>,
    /// What to look at before training.
    pub concerns: Vec<Concern>,
}

impl TableSummary {
    /// Reads a file once, as a schema says.
    ///
    /// # Errors
    /// Those of reading, and those of [`Schema::matching`];
    /// [`Error::Value`](crate::Error::Value) for a value that contradicts the schema.
    pub fn of(path: &Path, schema: &Schema, threads: usize) -> Result<TableSummary> {
        let format = schema.format.clone().map_or_else(|| sniff(path), Ok)?;
        let wanted = |name: &str| schema.position(name).map_or(ReadAs::Skip, |place| read_as(schema, place));
        let mut reader = Reader::open(path, &format, wanted, threads)?;
        let names = reader.names().to_vec();
        let places = schema.matching(&names)?.places;
        let mut pass = Pass::new(path, schema, places, names.len());
        while let Some(block) = reader.next_block()? {
            pass.add(&block)?;
        }
        pass.finish(&names)
    }

    /// Returns the summary of a column.
    pub fn column(&self, name: &str) -> Option<&ColumnSummary> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Ids and what is ignored are looked at too, so the role does not matter.
fn read_as(schema: &Schema, place: usize) -> ReadAs {
    let column = &schema.columns[place];
    match (column.kind, ReadAs::numbers()) {
        (Kind::Number, ReadAs::Numbers { mut missing }) if column.spelling.is_none() => {
            missing.extend(column.missing.iter().cloned());
            ReadAs::Numbers { missing }
        }
        _ => ReadAs::Text,
    }
}

/// A pass over a file.
struct Pass<'a> {
    path: &'a Path,
    schema: &'a Schema,
    places: Vec<Option<usize>>,
    tallies: Vec<Tally<'a>>,
    rows: u64,
    sample: RowSample,
    different: HashSample,
    /// The hashes of a block's rows.
    hashes: Vec<u64>,
}

impl<'a> Pass<'a> {
    fn new(path: &'a Path, schema: &'a Schema, places: Vec<Option<usize>>, columns: usize) -> Self {
        let room = (SAMPLED_CELLS / columns.max(1)).clamp(*SAMPLED_ROWS.start(), *SAMPLED_ROWS.end());
        Pass {
            path,
            schema,
            places,
            tallies: schema.columns.iter().map(|column| Tally::new(column, schema)).collect(),
            rows: 0,
            sample: RowSample::new(room, columns),
            different: HashSample::new(DIFFERENT_ROWS),
            hashes: Vec::new(),
        }
    }

    fn add(&mut self, block: &RowBlock) -> Result<()> {
        self.hashes.clear();
        self.hashes.resize(block.rows, 0);
        for (tally, place) in self.tallies.iter_mut().zip(&self.places) {
            if let Some(place) = *place {
                tally.add(&block.columns[place], &mut self.hashes).map_err(|wrong| wrong.error(self.path, block))?;
            }
        }
        self.hashes.iter().for_each(|&hash| self.different.add(hash));
        self.sample.add(block);
        self.rows += block.rows as u64;
        Ok(())
    }

    fn finish(self, names: &[String]) -> Result<TableSummary> {
        let sample = self.sample.into_block();
        let sampled_rows = sample.rows as u64;
        let mut columns = Vec::new();
        for (tally, place) in self.tallies.into_iter().zip(&self.places) {
            columns.push(tally.finish(self.rows, place.map(|place| &sample.columns[place])));
        }
        let table = Table::from_blocks(self.schema, names, [Ok(sample)])?;
        let mut summary = TableSummary {
            rows: self.rows,
            sampled_rows,
            repeated_rows: self.different.repeated(),
            repeated_exact: self.different.is_exact(),
            columns,
            concerns: Vec::new(),
        };
        summary.concerns = concern::find(&summary, &table)?;
        Ok(summary)
    }
}
