use super::{ColumnProbe, Schema};
use crate::block::{ReadAs, RowBlock};
use crate::error::{Error, Result};
use crate::readers::{FileFormat, Reader, sniff};
use std::collections::HashSet;
use std::path::Path;

/// How many rows are looked at unless said otherwise.
pub const INFERENCE_ROWS: u64 = 100_000;

/// How a schema is inferred.
#[derive(Debug, Clone, PartialEq)]
pub struct InferOptions {
    /// The file's format; found out if none is said.
    pub format: Option<FileFormat>,
    /// Spellings of missing values, in columns of every kind.
    pub missing: Vec<String>,
    /// How many rows are looked at, from the first. Of a file with no more than these all are.
    pub rows: u64,
    /// How many threads read.
    pub threads: usize,
}

impl Default for InferOptions {
    fn default() -> Self {
        InferOptions { format: None, missing: Vec::new(), rows: INFERENCE_ROWS, threads: 1 }
    }
}

impl Schema {
    /// Looks at the first rows of a file and decides what its columns are.
    ///
    /// # Errors
    /// Those of reading; [`Error::Format`] when the file has no rows, [`Error::Column`] when two
    /// columns have one name.
    pub fn infer(path: &Path, options: &InferOptions) -> Result<Schema> {
        let format = options.format.clone().map_or_else(|| sniff(path), Ok)?;
        let mut reader = Reader::open(path, &format, |_| ReadAs::Text, options.threads)?;
        let names = reader.names().to_vec();
        let decimal_comma = matches!(format, FileFormat::Csv { decimal_comma: true, .. });
        let schema = Schema::of_blocks(names, &mut reader, decimal_comma, options)?;
        if schema.rows == 0 {
            return Err(Error::format(path, Default::default(), "has no rows; there is nothing to learn from"));
        }
        Ok(Schema { format: Some(format), ..schema })
    }

    /// Decides what columns are by their first rows.
    pub(crate) fn of_blocks(
        names: Vec<String>,
        blocks: &mut dyn Iterator<Item = Result<RowBlock>>,
        decimal_comma: bool,
        options: &InferOptions,
    ) -> Result<Schema> {
        check_names(&names)?;
        let mut probes: Vec<_> = names.iter().map(|_| ColumnProbe::new(decimal_comma, &options.missing)).collect();
        let (mut rows, mut complete) = (0, true);
        for block in blocks {
            let block = block?;
            let left = options.rows - rows;
            let some = (block.rows as u64).min(left);
            for (probe, values) in probes.iter_mut().zip(&block.columns) {
                probe.look_at(values, some as usize);
            }
            rows += some;
            if (block.rows as u64) > left {
                complete = false;
                break;
            }
        }
        let columns = names.iter().zip(&probes).map(|(name, probe)| probe.decide(name, &options.missing)).collect();
        Ok(Schema { version: 1, format: None, rows, complete, columns })
    }
}

pub(super) fn check_names(names: &[String]) -> Result<()> {
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some(twice) => Err(Error::Column {
            name: twice.clone(),
            reason: "is the name of two columns; rename one of them".into(),
            nearest: None,
        }),
    }
}
