use super::{ColumnProbe, Schema};
use crate::block::{ReadAs, RowBlock, Values};
use crate::error::{Error, Result};
use crate::readers::{FileFormat, Reader, sniff};
use std::collections::HashSet;
use std::path::Path;
use std::thread;

/// How a schema is inferred.
#[derive(Debug, Clone, PartialEq)]
pub struct InferOptions {
    /// The file's format; found out if none is said.
    pub format: Option<FileFormat>,
    /// Spellings of missing values, in columns of every kind.
    pub missing: Vec<String>,
    /// How many rows are looked at, from the first; all unless said otherwise.
    pub rows: u64,
    /// Columns that the file is said to have. A first row with all of their names is a header,
    /// whatever it looks like.
    pub names: Vec<String>,
    /// How many bytes different cells may take: of a wide table fewer are told apart then. Flat
    /// unless said: some 8 MB a column.
    pub memory: Option<u64>,
    /// How many threads read.
    pub threads: usize,
}

/// Bytes that a cell takes which is told apart.
const BYTES_OF_CELL: u64 = 64;

impl Default for InferOptions {
    fn default() -> Self {
        InferOptions { format: None, missing: Vec::new(), rows: u64::MAX, names: Vec::new(), memory: None, threads: 1 }
    }
}

impl Schema {
    /// Looks at the rows of a file and decides what its columns are.
    ///
    /// # Errors
    /// Those of reading; [`Error::Format`] when the file has no rows, [`Error::Column`] when two
    /// columns have one name.
    pub fn infer(path: &Path, options: &InferOptions) -> Result<Schema> {
        let format = match &options.format {
            Some(format) => format.clone(),
            None => with_header(path, sniff(path)?, &options.names)?,
        };
        let mut reader = Reader::open(path, &format, |_| ReadAs::Text, options.threads)?;
        let names = reader.names().to_vec();
        let decimal_comma = matches!(format, FileFormat::Csv { decimal_comma: true, .. });
        let schema = Schema::of_blocks(names, &mut reader, decimal_comma, options)?;
        if schema.rows == 0 {
            return Err(Error::format(path, Default::default(), "has no rows; there is nothing to learn from"));
        }
        Ok(Schema { format: Some(format), ..schema })
    }

    /// Decides what columns are by their rows.
    pub(crate) fn of_blocks(
        names: Vec<String>,
        blocks: &mut dyn Iterator<Item = Result<RowBlock>>,
        decimal_comma: bool,
        options: &InferOptions,
    ) -> Result<Schema> {
        check_names(&names)?;
        let cells = options.memory.map(|memory| memory / BYTES_OF_CELL / names.len().max(1) as u64);
        let probe = |_| ColumnProbe::new(decimal_comma, &options.missing, cells);
        let mut probes: Vec<_> = names.iter().map(probe).collect();
        let (mut rows, mut complete) = (0, true);
        for block in blocks {
            let block = block?;
            let left = options.rows - rows;
            let some = (block.rows as u64).min(left);
            look_at(&mut probes, &block, some as usize, options.threads);
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

/// Takes the first row for a header where it holds the names.
fn with_header(path: &Path, mut format: FileFormat, names: &[String]) -> Result<FileFormat> {
    if let FileFormat::Csv { header: header @ false, .. } = &mut format
        && !names.is_empty()
    {
        *header = true;
        let found = Reader::open(path, &format, |_| ReadAs::Skip, 1).map(|reader| reader.names().to_vec());
        if let FileFormat::Csv { header, .. } = &mut format {
            *header = found.is_ok_and(|found| names.iter().all(|name| found.contains(name)));
        }
    }
    Ok(format)
}

/// Looks at the first rows of a block, with a share of its columns on each thread.
fn look_at(probes: &mut [ColumnProbe], block: &RowBlock, rows: usize, threads: usize) {
    let share = probes.len().div_ceil(threads.max(1)).max(1);
    thread::scope(|scope| {
        let mut shares = probes.chunks_mut(share).zip(block.columns.chunks(share)).rev();
        let own = shares.next_back();
        let work = |(probes, columns): (&mut [ColumnProbe], &[Values])| {
            probes.iter_mut().zip(columns).for_each(|(probe, values)| probe.look_at(values, rows));
        };
        for share in shares {
            scope.spawn(move || work(share));
        }
        own.into_iter().for_each(work);
    });
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
