//! A table in memory: typed columns, as a schema says.

mod assemble;
mod build;
mod column_builder;
mod folds;
mod read;
mod retype;
mod splits;
mod stream;

pub use build::TableBuilder;
pub(crate) use read::{format_for, read_as_format};
pub use read::{read_csv, read_table, read_table_like};
pub use splits::{RowSplit, SplitOptions};
pub use stream::{TableBlock, TableReader};

use crate::error::{Error, Place, Result};
use crate::schema::{Role, Schema};
use std::path::{Path, PathBuf};

/// The code of a missing category.
pub const MISSING: u32 = u32::MAX;

/// Typed columns, as a [`Schema`] says.
///
/// ```
/// use furlough_tables::Table;
/// let table = Table::builder().numbers("area", [60.0, 90.0, 45.0]).texts("town", ["Bern", "Thun", "Bern"]).build()?;
/// assert_eq!((table.rows(), table.schema().columns.len()), (3, 2));
/// # Ok::<(), furlough_tables::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Where it came from, for messages.
    path: PathBuf,
    schema: Schema,
    rows: usize,
    columns: Vec<Column>,
    extra: Vec<String>,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; NaN is a missing one. Dates are seconds since the beginning of 1970, in UTC.
    Numbers(Vec<f64>),
    /// Categories and booleans; a boolean's levels are no and yes.
    Codes {
        /// The place of each row's level, or [`MISSING`].
        codes: Vec<u32>,
        /// The levels as they are written.
        levels: Vec<String>,
    },
    /// Nothing: the column was not read, or the file has none.
    Dropped,
}

impl Table {
    /// Returns the schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns where the table came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the columns, in the schema's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns a column by its name.
    ///
    /// # Errors
    /// [`Error::Column`] when there is none, with the nearest name.
    pub fn column(&self, name: &str) -> Result<&Column> {
        Ok(&self.columns[self.schema.find(name)?])
    }

    /// Returns the names of columns that the file had and the schema lacks.
    pub fn extra(&self) -> &[String] {
        &self.extra
    }

    /// Returns the numbers of all rows, in order.
    pub fn all_rows(&self) -> Vec<u32> {
        (0..self.rows as u32).collect() // a table has less than 2^32 rows
    }

    /// Returns the table of some rows, in this order.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn select(&self, rows: &[u32]) -> Table {
        let columns = self.columns.iter().map(|column| column.select(rows)).collect();
        Table { columns, rows: rows.len(), ..self.empty_copy() }
    }

    /// Returns the table with the columns of another one behind its own.
    ///
    /// # Errors
    /// [`Error::Format`] when that one has more rows or fewer, [`Error::Column`] when both have a
    /// column of one name.
    pub fn beside(mut self, other: Table) -> Result<Table> {
        if other.rows != self.rows {
            let reason = format!("has {} rows, but what stands beside it has {}", self.rows, other.rows);
            return Err(Error::format(&self.path, Place::default(), reason));
        }
        self.schema.columns.extend(other.schema.columns);
        self.columns.extend(other.columns);
        self.schema.check()?;
        Ok(self)
    }

    /// Puts another column in a place, and gives the one that was there. It has as many rows.
    pub(crate) fn swap_column(&mut self, place: usize, column: &mut Column) {
        std::mem::swap(&mut self.columns[place], column);
    }

    /// Returns the columns without the table.
    pub(crate) fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// Returns a table like this one with other columns, of so many rows.
    pub(crate) fn with_columns(&self, columns: Vec<Column>, rows: usize) -> Table {
        Table { columns, rows, ..self.empty_copy() }
    }

    fn empty_copy(&self) -> Table {
        let Table { path, schema, extra, .. } = self;
        Table { path: path.clone(), schema: schema.clone(), rows: 0, columns: Vec::new(), extra: extra.clone() }
    }

    /// Returns the table with another role for a column.
    ///
    /// # Errors
    /// [`Error::Column`] when there is no such column, or when it was not read and now would have
    /// to be; [`Error::Schema`] when it cannot have the role.
    pub fn with_role(mut self, name: &str, role: Role) -> Result<Table> {
        self.schema = self.schema.with_role(name, role)?;
        self.schema.check()?;
        self.must_be_read(name)?;
        Ok(self)
    }

    /// Checks that a column's values are here, if its role needs them.
    fn must_be_read(&self, name: &str) -> Result<()> {
        let place = self.schema.find(name)?;
        if self.columns[place] == Column::Dropped && self.schema.columns[place].role.is_read() {
            let reason = "was not read; set its role in the schema before the table is read".into();
            return Err(Error::Column { name: name.into(), reason, nearest: None });
        }
        Ok(())
    }

    /// Returns the place of the one column with a role, when it is there.
    pub(crate) fn the_column(&self, role: Role) -> Option<usize> {
        self.schema.with_the_role(role).find(|&place| self.columns[place] != Column::Dropped)
    }

    /// An error about a cell; `row` counts from 0.
    pub(crate) fn cell_error(&self, row: usize, place: usize, value: impl Into<String>, reason: &str) -> Error {
        let place =
            Place { row: Some(row as u64 + 1), line: None, column: None }.in_column(&self.schema.columns[place].name);
        Error::Value { path: self.path.clone(), place, value: value.into(), reason: reason.into() }
    }
}

impl Column {
    /// Returns some of the rows, in this order.
    pub(crate) fn select(&self, rows: &[u32]) -> Column {
        match self {
            Column::Numbers(numbers) => Column::Numbers(rows.iter().map(|&row| numbers[row as usize]).collect()),
            Column::Codes { codes, levels } => {
                Column::Codes { codes: rows.iter().map(|&row| codes[row as usize]).collect(), levels: levels.clone() }
            }
            Column::Dropped => Column::Dropped,
        }
    }

    /// Returns how many rows there are; none where nothing is held.
    pub(crate) fn rows(&self) -> Option<usize> {
        match self {
            Column::Numbers(numbers) => Some(numbers.len()),
            Column::Codes { codes, .. } => Some(codes.len()),
            Column::Dropped => None,
        }
    }

    /// Returns the levels of codes.
    pub(crate) fn levels(&self) -> &[String] {
        match self {
            Column::Codes { levels, .. } => levels,
            Column::Numbers(_) | Column::Dropped => &[],
        }
    }

    /// Whether a row's value is missing. Infinity is.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Column::Numbers(numbers) => !numbers[row].is_finite(),
            Column::Codes { codes, .. } => codes[row] == MISSING,
            Column::Dropped => true,
        }
    }
}
