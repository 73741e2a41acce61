use super::Table;
use super::assemble::{Assembly, wanted};
use super::read::format_for;
use crate::block::{ReadAs, RowBlock, TextValues, Values};
use crate::error::{Error, Result};
use crate::readers::{FileFormat, Reader};
use crate::schema::{Role, Schema, nearest};
use std::path::Path;

/// The features of a file, some rows at a time: a file of any length takes the same memory.
///
/// ```
/// use furlough_tables::{Schema, TableReader};
/// # let path = std::env::temp_dir().join("furlough-doc-stream.csv");
/// # std::fs::write(&path, "area,town\n60,Bern\n90,Thun\n")?;
/// let schema = Schema::infer(&path, &Default::default())?;
/// let mut rows = 0;
/// for block in TableReader::open(&path, &schema, 1)? {
///     rows += block?.table.rows();
/// }
/// assert_eq!(rows, 2);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TableReader {
    reader: Reader,
    assembly: Assembly,
    /// The places of the columns whose cells are kept.
    cells: Vec<usize>,
}

/// What is made of a column of a file.
type Wanted<'a> = &'a dyn Fn(&str) -> ReadAs;

/// Consecutive rows of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct TableBlock {
    /// How many rows of the file stand before.
    pub first_row: u64,
    /// The columns that are read: the features, unless more was asked for.
    pub table: Table,
    /// The cells of the columns that were asked for, as they are written.
    pub cells: Vec<TextValues>,
}

/// A block that was read, of which no table is made yet.
pub(crate) struct RawBlock(RowBlock);

/// What makes tables of blocks.
pub(crate) struct BlockMaker<'a> {
    assembly: &'a Assembly,
    cells: &'a [usize],
}

impl TableReader {
    /// Opens a file, or standard input when the path is `-`, whatever its format and the order of
    /// its columns. Only the features are read: what else a schema knows may be missing or wrong.
    /// On any number of threads the blocks are the same.
    ///
    /// # Errors
    /// Those of [`read_table`](crate::read_table).
    pub fn open(path: &Path, schema: &Schema, threads: usize) -> Result<TableReader> {
        Self::open_with_cells(path, schema, &[], threads)
    }

    /// [`Self::open`], with the cells of some of the file's columns, which need not be the
    /// schema's.
    ///
    /// # Errors
    /// As [`Self::open`], and [`Error::Column`] when the file has no such column.
    pub fn open_with_cells(path: &Path, schema: &Schema, cells: &[String], threads: usize) -> Result<TableReader> {
        let read = |format: &FileFormat, wanted: Wanted<'_>| Reader::open(path, format, wanted, threads);
        Self::open_by(path, schema, cells, &read)
    }

    /// Opens a file whose blocks are made of about so many bytes each, for tests of what happens
    /// between them.
    #[doc(hidden)]
    pub fn open_in_chunks(
        path: &Path,
        schema: &Schema,
        cells: &[String],
        threads_and_chunk: (usize, usize),
    ) -> Result<TableReader> {
        let read =
            |format: &FileFormat, wanted: Wanted<'_>| Reader::open_in_chunks(path, format, wanted, threads_and_chunk);
        Self::open_by(path, schema, cells, &read)
    }

    /// Opens a file whose targets, weights, groups and times are read too. `format` is that of the
    /// file.
    pub(crate) fn open_labeled(
        path: &Path,
        schema: &Schema,
        format: &FileFormat,
        threads: usize,
    ) -> Result<TableReader> {
        let schema = Schema { format: Some(format.clone()), ..schema.clone() };
        let reader = Reader::open(path, format, |name| wanted(&schema, name), threads)?;
        let assembly = Assembly::new(path, &schema, reader.names())?;
        Ok(TableReader { reader, assembly, cells: Vec::new() })
    }

    fn open_by(
        path: &Path,
        schema: &Schema,
        cells: &[String],
        read: &dyn Fn(&FileFormat, Wanted<'_>) -> Result<Reader>,
    ) -> Result<TableReader> {
        let format = format_for(path, schema)?;
        let features = features_of(schema, &format);
        let as_wanted = |name: &str| match cells.iter().any(|cell| cell == name) {
            true => ReadAs::Text,
            false => wanted(&features, name),
        };
        let reader = read(&format, &as_wanted)?;
        let assembly = Assembly::new(path, &features, reader.names())?;
        let place = |cell: &String| {
            reader.names().iter().position(|name| name == cell).ok_or_else(|| {
                let nearest = nearest(cell, reader.names().iter().map(String::as_str));
                let reason = format!("{} has no such column", path.display());
                Error::Column { name: cell.clone(), reason, nearest }
            })
        };
        let cells = cells.iter().map(place).collect::<Result<_>>()?;
        Ok(TableReader { reader, assembly, cells })
    }

    /// Returns the names of all columns of the file.
    pub fn names(&self) -> &[String] {
        self.reader.names()
    }

    /// Returns the columns that were ignored so far because they appeared after the first block, as
    /// a key of JSON Lines may.
    pub fn ignored(&self) -> Vec<String> {
        self.reader.ignored()
    }

    /// Returns the next rows, or `None` after the last ones.
    ///
    /// # Errors
    /// Those of reading, and [`Error::Value`] for a value that contradicts the schema.
    pub fn next_block(&mut self) -> Result<Option<TableBlock>> {
        let (mut next, maker) = self.parts();
        next()?.map(|block| maker.make(block)).transpose()
    }

    /// Returns what reads the next rows, and what makes a table of them, which any thread may do.
    pub(crate) fn parts(&mut self) -> (impl FnMut() -> Result<Option<RawBlock>> + Send, BlockMaker<'_>) {
        let TableReader { reader, assembly, cells } = self;
        (|| Ok(reader.next_block()?.map(RawBlock)), BlockMaker { assembly, cells })
    }
}

impl BlockMaker<'_> {
    /// Makes a table of some rows.
    pub(crate) fn make(&self, RawBlock(block): RawBlock) -> Result<TableBlock> {
        let table = self.assembly.of_block(&block)?;
        let RowBlock { first_row, mut columns, .. } = block;
        let cells = self.cells.iter().map(|&place| match &mut columns[place] {
            Values::Text(text) => std::mem::take(text),
            Values::Numbers(_) | Values::Skipped => TextValues::default(),
        });
        Ok(TableBlock { first_row, cells: cells.collect(), table })
    }
}

impl Iterator for TableReader {
    type Item = Result<TableBlock>;

    fn next(&mut self) -> Option<Result<TableBlock>> {
        self.next_block().transpose()
    }
}

/// Returns the schema by which only features are read, from a file of this format.
fn features_of(schema: &Schema, format: &FileFormat) -> Schema {
    let mut features = Schema { format: Some(format.clone()), ..schema.clone() };
    for column in &mut features.columns {
        if column.role != Role::Feature {
            column.role = Role::Ignore;
        }
    }
    features
}
