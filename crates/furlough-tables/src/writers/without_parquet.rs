use super::CellType;
use crate::block::Values;
use crate::error::{Error, Place, Result};
use std::convert::Infallible;
use std::path::Path;

/// Rows as a Parquet file, which this build cannot write: there is no value of this type.
#[derive(Debug)]
pub struct ParquetRows(Infallible);

impl ParquetRows {
    /// Refuses: the feature `parquet` is not built in.
    ///
    /// # Errors
    /// Always, with how to have it.
    pub fn new(path: &Path, _: &[(String, CellType)]) -> Result<Self> {
        let reason = "would be Parquet, which is not built in: run `cargo install furlough-cli --features parquet`, or \
                      name a file that ends in .csv or .jsonl";
        Err(Error::format(path, Place::default(), reason))
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn append(&mut self, _: Vec<Values>) -> Result<Vec<u8>> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn finish(self) -> Result<Vec<u8>> {
        match self.0 {}
    }
}
