use super::CellType;
use crate::block::Values;
use crate::error::{Error, Place, Result};
use std::path::Path;

/// What would make bytes of rows, which this build cannot: there is no value of this type.
#[derive(Debug)]
pub(super) enum Encoder {}

impl Encoder {
    pub(super) fn new(path: &Path, _: &[(String, CellType)]) -> Result<Self> {
        let reason = "would be Parquet, which is not built in: run `cargo install furlough-cli --features parquet`, or \
                      name a file that ends in .csv or .jsonl";
        Err(Error::format(path, Place::default(), reason))
    }

    pub(super) fn append(&mut self, _: Vec<Values>) -> Result<Vec<u8>> {
        match *self {}
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        match self {}
    }
}
