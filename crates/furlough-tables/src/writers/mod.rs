//! Tables as bytes of other formats, some rows after the others.

#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
mod without_parquet;

#[cfg(feature = "parquet")]
use parquet::Encoder;
#[cfg(not(feature = "parquet"))]
use without_parquet::Encoder;

use crate::block::Values;
use crate::error::Result;
use std::path::Path;

/// Whether Parquet can be written: whether the feature `parquet` is built in.
pub const WRITES_PARQUET: bool = cfg!(feature = "parquet");

/// What the cells of a written column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// Text.
    Text,
    /// Numbers of double precision.
    Double,
    /// Numbers of single precision.
    Single,
    /// Whole numbers of 64 bits.
    Whole,
    /// True (1) or false (0).
    Boolean,
}

/// Rows as the bytes of a Parquet file, compressed by snappy: all columns may have missing cells.
/// The bytes come as they are made, so memory is flat, and the same blocks give the same bytes.
#[derive(Debug)]
pub struct ParquetRows(Encoder);

impl ParquetRows {
    /// Begins a file of columns with these names, which all differ; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) where the feature `parquet` is not built in;
    /// [`Error::Io`](crate::Error::Io) when Parquet has no such columns.
    pub fn new(path: &Path, columns: &[(String, CellType)]) -> Result<Self> {
        Ok(ParquetRows(Encoder::new(path, columns)?))
    }

    /// Adds rows, as a column each of what was said: texts, or numbers, of which NaN is a missing
    /// one. Returns the bytes that follow those before, which may be none.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when they cannot be encoded.
    ///
    /// # Panics
    /// When there is not a column each, all as long, or one is of another kind.
    pub fn append(&mut self, columns: Vec<Values>) -> Result<Vec<u8>> {
        self.0.append(columns)
    }

    /// Ends the file. Returns the rest of its bytes.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn finish(self) -> Result<Vec<u8>> {
        self.0.finish()
    }
}
