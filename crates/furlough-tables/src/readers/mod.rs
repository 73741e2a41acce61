//! One reader a format: bytes in, blocks of rows out.
//!
//! Limits: a row has at most 64 MiB. Whoever keeps a whole table says with [`Reader::at_most`] how
//! much memory it may take; a small compressed file can hold very much.

mod format;

mod names;

mod number;

mod column;

#[cfg(any(feature = "parquet", feature = "arrow"))]
mod cell;

#[cfg(any(feature = "parquet", feature = "arrow"))]
mod guarded;

mod cut;

mod pipeline;

mod csv;

mod json_lines;

mod npy;

mod npz;

#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "arrow")]
mod arrow;

mod sniff;

pub use format::FileFormat;

pub use sniff::sniff;

use crate::block::{ReadAs, RowBlock, Values};
use crate::error::{Error, Place, Result};
use crate::source::ByteSource;
use cut::CHUNK;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Reads a file block by block, in order. Any number of threads gives the same blocks.
pub struct Reader {
    path: PathBuf,
    opened: Opened,
    compressed: bool,
    rows: u64,
    limit: Option<u64>,
    bytes: u64,
    ended: bool,
}

/// A file whose columns are known.
struct Opened {
    names: Vec<String>,
    blocks: Box<dyn Blocks>,
    ignored: Ignored,
}

/// What yields the rows.
trait Blocks: Send {
    /// Returns the next rows, at least one, or `None` after the last ones.
    fn next(&mut self) -> Result<Option<(usize, Vec<Values>)>>;
}

impl Blocks for pipeline::Pipeline {
    fn next(&mut self) -> Result<Option<(usize, Vec<Values>)>> {
        Ok(self.next()?.map(|parsed| (parsed.rows, parsed.columns)))
    }
}

/// Columns that were come upon too late.
#[derive(Clone, Default)]
struct Ignored(Arc<Mutex<BTreeSet<String>>>);

/// How many threads parse, and how many bytes each takes at a time.
#[derive(Clone, Copy)]
struct Threads {
    count: usize,
    chunk: usize,
}

impl Reader {
    /// Opens a file, or standard input when the path is `-`. `wanted` says what to make of a
    /// column, given its name. With one thread, the caller's parses; with more, the caller's waits.
    pub fn open(path: &Path, format: &FileFormat, wanted: impl Fn(&str) -> ReadAs, threads: usize) -> Result<Reader> {
        Self::open_by(path, format, &wanted, Threads { count: threads, chunk: CHUNK })
    }

    /// Opens a file whose blocks are made of about `chunk` bytes each, for tests of what happens
    /// between them.
    #[doc(hidden)]
    pub fn open_in_chunks(
        path: &Path,
        format: &FileFormat,
        wanted: impl Fn(&str) -> ReadAs,
        (threads, chunk): (usize, usize),
    ) -> Result<Reader> {
        Self::open_by(path, format, &wanted, Threads { count: threads, chunk: chunk.max(1) })
    }

    fn open_by(path: &Path, format: &FileFormat, wanted: &dyn Fn(&str) -> ReadAs, threads: Threads) -> Result<Reader> {
        let source = ByteSource::open(path)?;
        let compressed = source.is_compressed();
        let opened = match format {
            FileFormat::Csv { delimiter, quote, header, decimal_comma } => {
                let dialect = csv::Dialect::new(*delimiter, *quote)
                    .map_err(|reason| Error::format(path, Place::default(), reason))?;
                csv::open(source, dialect, (*header, *decimal_comma), wanted, threads)?
            }
            FileFormat::JsonLines => json_lines::open(source, wanted, threads)?,
            FileFormat::Npy => npy::open(path, source, wanted, threads)?,
            FileFormat::Npz { arrays } => npz::open(path, arrays, wanted, threads)?,
            #[cfg(feature = "parquet")]
            FileFormat::Parquet => parquet::open(path, wanted, threads)?,
            #[cfg(not(feature = "parquet"))]
            FileFormat::Parquet => return Err(without(path, "Parquet", "parquet")),
            #[cfg(feature = "arrow")]
            FileFormat::Arrow => arrow::open(path, wanted, threads)?,
            #[cfg(not(feature = "arrow"))]
            FileFormat::Arrow => return Err(without(path, "Arrow", "arrow")),
        };
        Ok(Reader { path: path.into(), opened, compressed, rows: 0, limit: None, bytes: 0, ended: false })
    }

    /// Makes it an error if the blocks take more memory than this, all together.
    pub fn at_most(self, bytes: u64) -> Reader {
        Reader { limit: Some(bytes), ..self }
    }

    /// Returns the names of the columns, in the file's order.
    pub fn names(&self) -> &[String] {
        &self.opened.names
    }

    /// Returns the columns that were ignored so far because they appeared after the first block, as
    /// a key of JSON Lines may.
    pub fn ignored(&self) -> Vec<String> {
        self.opened.ignored.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Returns the next rows, at least one, or `None` after the last ones. A file without any row
    /// is an error. After an error there are no more rows.
    pub fn next_block(&mut self) -> Result<Option<RowBlock>> {
        if self.ended {
            return Ok(None);
        }
        let next = self.checked_block();
        self.ended = !matches!(next, Ok(Some(_)));
        next
    }

    fn checked_block(&mut self) -> Result<Option<RowBlock>> {
        let Some((rows, columns)) = self.opened.blocks.next()? else {
            if self.rows == 0 {
                return Err(Error::format(&self.path, Place::default(), "has columns but no rows"));
            }
            return Ok(None);
        };
        let block = RowBlock { first_row: self.rows, rows, columns };
        self.rows += rows as u64;
        self.bytes += block.bytes() as u64;
        match self.limit {
            Some(limit) if self.bytes > limit => {
                let advice = match self.compressed {
                    true => "the file is compressed, and holds far more than its size; allow more, or read part of it",
                    false => "allow more, or read part of the file",
                };
                let place = Place { row: Some(block.first_row + 1), ..Place::default() };
                Err(Error::TooLarge { path: self.path.clone(), place, limit, advice: advice.into() })
            }
            _ => Ok(Some(block)),
        }
    }
}

#[cfg(not(all(feature = "parquet", feature = "arrow")))]
/// The error of a format that this build does not read.
fn without(path: &Path, format: &str, feature: &str) -> Error {
    let reason = format!(
        "is {format}, which is not built in: it takes minutes to build; run `cargo install furlough-cli --features \
         {feature}`, or write the table as CSV or NPY"
    );
    Error::format(path, Place::default(), reason)
}

impl Iterator for Reader {
    type Item = Result<RowBlock>;

    fn next(&mut self) -> Option<Result<RowBlock>> {
        self.next_block().transpose()
    }
}
