//! Tables from what is in memory already.

use super::assemble::Assembly;
use super::{Column, MISSING, Table};
use crate::block::{RowBlock, TextValues, Values};
use crate::error::{Error, Place, Result};
use crate::schema::{InferOptions, Schema};
use ndarray::ArrayView2;
use std::path::Path;

/// What messages call a table that came from no file.
const NAME: &str = "table";

/// Rows of a block.
const BLOCK: usize = 8192;

/// A table in the making, column by column; [`Table::builder`] begins one.
#[derive(Debug, Clone, Default)]
pub struct TableBuilder {
    names: Vec<String>,
    columns: Vec<MemoryColumn>,
    missing: Vec<String>,
}

#[derive(Debug, Clone)]
enum MemoryColumn {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Table {
    /// Begins a table, to which columns are added.
    pub fn builder() -> TableBuilder {
        TableBuilder::default()
    }

    /// Returns the table of an array of numbers, a column each; NaN is missing.
    ///
    /// ```
    /// use furlough_tables::Table;
    /// use ndarray::array;
    /// let table = Table::from_array(array![[60.0, 2.0], [90.0, f64::NAN]].view(), &["area", "rooms"])?;
    /// assert_eq!(table.schema().columns[1].found.missing, 1);
    /// # Ok::<(), furlough_tables::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] unless there is one name a column, and those of [`TableBuilder::build`].
    pub fn from_array<F: Copy + Into<f64>>(values: ArrayView2<'_, F>, names: &[&str]) -> Result<Table> {
        if names.len() != values.ncols() {
            let reason = format!("{} columns have {} names", values.ncols(), names.len());
            return Err(Error::format(Path::new(NAME), Place::default(), reason));
        }
        let columns = names.iter().zip(values.columns());
        let add = |builder: TableBuilder, (name, column): (&&str, ndarray::ArrayView1<'_, F>)| {
            builder.numbers(name, column.iter().map(|&value| value.into()))
        };
        columns.fold(Table::builder(), add).build()
    }

    /// Returns the table of columns that are in memory already, one for each column of a schema,
    /// without a copy of them.
    ///
    /// ```
    /// use furlough_tables::{Column, Schema, Table};
    /// let schema = Schema::of_numbers(&["area", "rooms"], 2);
    /// let columns = vec![Column::Numbers(vec![60.0, 90.0]), Column::Numbers(vec![2.0, f64::NAN])];
    /// assert_eq!(Table::from_columns(schema, columns)?.rows(), 2);
    /// # Ok::<(), furlough_tables::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] unless there is one a column of the schema, all have so many rows, and
    /// codes are places of levels or [`MISSING`].
    pub fn from_columns(schema: Schema, columns: Vec<Column>) -> Result<Table> {
        let bad = |reason: String| Err(Error::format(Path::new(NAME), Place::default(), reason));
        if columns.len() != schema.columns.len() {
            return bad(format!("has {} columns, but its schema {}", columns.len(), schema.columns.len()));
        }
        let rows = columns.iter().find_map(Column::rows).unwrap_or(0);
        if u32::try_from(rows).is_err() {
            return bad(format!("has more than {} rows, which are the most", u32::MAX));
        }
        for (column, named) in columns.iter().zip(&schema.columns) {
            if let Some(other) = column.rows().filter(|&other| other != rows) {
                return bad(format!("column {} has {other} rows, but others have {rows}", named.name));
            }
            let is_code = |&code: &u32| code == MISSING || (code as usize) < column.levels().len();
            if let Column::Codes { codes, .. } = column
                && !codes.iter().all(is_code)
            {
                return bad(format!("column {} has a code that none of its levels has", named.name));
            }
        }
        Ok(Table { path: NAME.into(), schema, rows, columns, extra: Vec::new() })
    }

    /// Returns the table of blocks of rows whose columns have these names, as a schema says: what
    /// record batches of another program become.
    ///
    /// # Errors
    /// As [`read_table`](super::read_table).
    pub fn from_blocks(
        schema: &Schema,
        names: &[String],
        blocks: impl IntoIterator<Item = Result<RowBlock>>,
    ) -> Result<Table> {
        let mut assembly = Assembly::new(Path::new(NAME), schema, names)?;
        for block in blocks {
            assembly.push(&block?)?;
        }
        Ok(assembly.finish())
    }
}

impl TableBuilder {
    /// Adds a column of numbers; NaN is missing.
    pub fn numbers(mut self, name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        self.names.push(name.into());
        self.columns.push(MemoryColumn::Numbers(values.into_iter().collect()));
        self
    }

    /// Adds a column of texts; the empty one is missing. They may spell numbers or dates.
    pub fn texts(mut self, name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names.push(name.into());
        self.columns.push(MemoryColumn::Texts(values.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds a spelling of missing values, for all columns.
    pub fn missing(mut self, spelling: &str) -> Self {
        self.missing.push(spelling.into());
        self
    }

    /// Infers the schema from all rows and returns the table.
    ///
    /// # Errors
    /// [`Error::Format`] when there is no column or no row, or columns differ in length;
    /// [`Error::Column`] when two have one name.
    pub fn build(self) -> Result<Table> {
        let schema = self.infer(1)?;
        self.build_as(&schema)
    }

    /// Decides what the columns are by all rows, on so many threads.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn infer(&self, threads: usize) -> Result<Schema> {
        self.check()?;
        let options = InferOptions { missing: self.missing.clone(), threads, ..InferOptions::default() };
        Schema::of_blocks(self.names.clone(), &mut self.blocks(), false, &options)
    }

    /// Returns the table as a schema says, such as that of the table that a model learned from.
    ///
    /// # Errors
    /// As [`Self::build`], and those of [`Table::from_blocks`].
    pub fn build_as(&self, schema: &Schema) -> Result<Table> {
        self.check()?;
        Table::from_blocks(schema, &self.names, self.blocks())
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, MemoryColumn::len)
    }

    fn check(&self) -> Result<()> {
        let bad = |reason: String| Err(Error::format(Path::new(NAME), Place::default(), reason));
        let rows = self.rows();
        if rows == 0 {
            return bad("has no rows; there is nothing to learn from".into());
        }
        let column = self.columns.iter().zip(&self.names).find(|(column, _)| column.len() != rows);
        match column {
            None => Ok(()),
            Some((column, name)) => {
                bad(format!("column {name} has {} rows, but column {} has {rows}", column.len(), self.names[0]))
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = Result<RowBlock>> + '_ {
        (0..self.rows()).step_by(BLOCK).map(|begin| {
            let end = self.rows().min(begin + BLOCK);
            let columns = self.columns.iter().map(|column| column.part(begin, end)).collect();
            Ok(RowBlock { first_row: begin as u64, rows: end - begin, columns })
        })
    }
}

impl MemoryColumn {
    fn len(&self) -> usize {
        match self {
            MemoryColumn::Numbers(numbers) => numbers.len(),
            MemoryColumn::Texts(texts) => texts.len(),
        }
    }

    fn part(&self, begin: usize, end: usize) -> Values {
        match self {
            MemoryColumn::Numbers(numbers) => Values::Numbers(numbers[begin..end].to_vec()),
            MemoryColumn::Texts(texts) => {
                let mut values = TextValues::default();
                texts[begin..end].iter().for_each(|text| values.push(Some(text)));
                Values::Text(values)
            }
        }
    }
}
