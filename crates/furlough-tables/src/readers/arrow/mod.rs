//! Arrow's files, which Feather's of version 2 are too: record batches, perhaps compressed.
//!
//! A batch is in memory as a whole while its rows are read; only the columns that are wanted are
//! decompressed. One thread reads: what is in memory is nearly what is in the file. The file must
//! be one that can be sought in.

mod cells;

mod footer;

use super::column::Column;
use super::guarded::guarded;
use super::{Blocks, Ignored, Opened, Threads, names};
use crate::block::{ReadAs, Values};
use crate::error::{Error, Place, Result};
use crate::source::Watch;
use arrow_array::RecordBatch;
use arrow_ipc::Block;
use arrow_ipc::reader::FileDecoder;
use footer::Footer;
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A column that is read.
struct Plan {
    /// Its place in the file.
    place: usize,
    name: String,
    column: Column,
}

/// Opens a file.
pub(super) fn open(path: &Path, wanted: &dyn Fn(&str) -> ReadAs, threads: Threads) -> Result<Opened> {
    let failed = |error| Error::io("read", path)(error);
    let file = File::open(path).map_err(failed)?;
    let watch = Watch::of(path, file.try_clone().map_err(failed)?).map_err(failed)?;
    let refused = |reason: String| watch.check().err().unwrap_or(Error::format(path, Place::default(), reason));
    let Footer { schema, version, dictionaries, batches, file } = footer::read(file).map_err(refused)?;
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    names::all_different(&names).map_err(refused)?;
    for field in schema.fields() {
        cells::check(field.data_type()).map_err(|reason| refused(format!("column {} {reason}", field.name())))?;
    }
    let mut plans = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let column = Column::new(wanted(name));
        if !matches!(column, Column::Skip) {
            plans.push(Plan { place, name: name.clone(), column });
        }
    }
    let step = (threads.chunk / (8 * names.len().max(1))).max(1);
    if names.is_empty() {
        return Err(refused("has no columns".into()));
    }
    let projection = plans.iter().map(|plan| plan.place).collect();
    let mut decoder = FileDecoder::new(schema, version).with_projection(projection);
    for block in &dictionaries {
        let bytes = footer::body(&file, block).map_err(refused)?;
        let read = guarded(|| decoder.read_dictionary(block, &bytes));
        read.map_err(|reason| refused(format!("has a damaged dictionary: {reason}")))?;
    }
    let blocks = Batches {
        path: path.into(),
        file,
        watch,
        decoder,
        plans,
        batches,
        batch: None,
        width: names.len(),
        step,
        row: 0,
    };
    Ok(Opened { names, blocks: Box::new(blocks), ignored: Ignored::default() })
}

/// The batches of a file.
struct Batches {
    path: PathBuf,
    file: File,
    watch: Watch,
    decoder: FileDecoder,
    plans: Vec<Plan>,
    /// Those that are still to come.
    batches: VecDeque<Block>,
    /// The one whose rows are read, and how many of them are.
    batch: Option<(RecordBatch, usize)>,
    width: usize,
    step: usize,
    row: u64,
}

impl Batches {
    fn refused(&self, reason: String) -> Error {
        self.watch.check().err().unwrap_or(Error::format(&self.path, Place::default(), reason))
    }

    /// Returns the batch that has rows left, if there is one, and from which row on.
    fn batch(&mut self) -> Result<Option<(RecordBatch, usize)>> {
        loop {
            match self.batch.take() {
                Some((batch, done)) if done < batch.num_rows() => return Ok(Some((batch, done))),
                _ => {}
            }
            let Some(block) = self.batches.pop_front() else { return Ok(None) };
            let bytes = footer::body(&self.file, &block).map_err(|reason| self.refused(reason))?;
            let batch = guarded(|| self.decoder.read_record_batch(&block, &bytes));
            let batch = batch.map_err(|reason| self.refused(format!("has a damaged batch: {reason}")))?;
            self.batch = batch.map(|batch| (batch, 0));
        }
    }
}

impl Blocks for Batches {
    fn next(&mut self) -> Result<Option<(usize, Vec<Values>)>> {
        let Some((batch, from)) = self.batch()? else {
            self.watch.check()?;
            return Ok(None);
        };
        let rows = (batch.num_rows() - from).min(self.step);
        let mut block = vec![Values::Skipped; self.width];
        for (array, plan) in batch.columns().iter().zip(&self.plans) {
            let place = Place::default().in_column(&plan.name);
            let values = guarded(|| Ok::<_, String>(cells::values(array, from..from + rows, &plan.column)));
            let values =
                values.map_err(|reason| Error::format(&self.path, place.clone(), format!("is damaged: {reason}")))?;
            block[plan.place] = values.map_err(|(row, value, reason)| {
                let place = Place { row: Some(self.row + row as u64 + 1), ..place };
                Error::Value { path: self.path.clone(), place, value, reason }
            })?;
        }
        self.row += rows as u64;
        self.batch = Some((batch, from + rows));
        Ok(Some((rows, block)))
    }
}
