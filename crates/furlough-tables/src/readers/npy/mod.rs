//! Arrays of NumPy: one dimension is a column, two are rows of columns, and of more the last ones
//! are laid out in a row, as an image's pixels are. The columns are called x0, x1, …
//!
//! Numbers of all types are read, truth values, and strings of fixed width. An array in Fortran's
//! order, whose columns lie one behind the other, is kept whole while it is read.

mod elements;

mod header;

use super::column::Column;
use super::{Blocks, Ignored, Opened, Threads, names};
use crate::block::{ReadAs, TextValues, Values};
use crate::error::{Error, Place, Result};
use elements::Element;
use header::Header;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Opens one array as a table.
pub(super) fn open(
    path: &Path,
    input: impl Read + Send + 'static,
    wanted: &dyn Fn(&str) -> ReadAs,
    threads: Threads,
) -> Result<Opened> {
    let array = Array::open(path, None, Box::new(input))?;
    let names = names::numbered(array.header.columns);
    Ok(Opened {
        names: names.clone(),
        blocks: Box::new(Table::new(vec![array], names, wanted, threads)?),
        ignored: Ignored::default(),
    })
}

/// An array that is being read.
pub(super) struct Array {
    path: PathBuf,
    /// Its name, in a file of several.
    name: Option<String>,
    header: Header,
    input: Input,
    row: usize,
}

enum Input {
    /// Row after row.
    Rows(Box<dyn Read + Send>),
    /// All of it, column after column.
    Columns(Vec<u8>),
}

impl Array {
    /// Reads an array's header, and all of one whose columns lie one behind the other.
    pub(super) fn open(path: &Path, name: Option<&str>, mut input: Box<dyn Read + Send>) -> Result<Array> {
        let header = header::read(&mut input).map_err(|error| refusal(path, name, error))?;
        let mut array = Array {
            path: path.into(),
            name: name.map(String::from),
            header,
            input: Input::Rows(Box::new(io::empty())),
            row: 0,
        };
        if array.header.rows == 0 {
            return Err(array.wrong("has no rows".into()));
        }
        array.input = if array.header.fortran && array.header.columns > 1 {
            let mut bytes = Vec::new();
            let size = array.header.bytes();
            input.take(size as u64 + 1).read_to_end(&mut bytes).map_err(|error| refusal(path, name, error))?;
            if bytes.len() != size {
                return Err(array.length(bytes.len() > size));
            }
            Input::Columns(bytes)
        } else {
            Input::Rows(input)
        };
        Ok(array)
    }

    pub(super) fn rows(&self) -> usize {
        self.header.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.header.columns
    }

    pub(super) fn is_one_column(&self) -> bool {
        self.header.one_dimension
    }

    fn wrong(&self, reason: String) -> Error {
        refusal(&self.path, self.name.as_deref(), io::Error::new(io::ErrorKind::InvalidData, reason))
    }

    fn length(&self, more: bool) -> Error {
        let (rows, columns) = (self.header.rows, self.header.columns);
        self.wrong(match more {
            true => format!("goes on behind the {rows} rows of {columns} values that its header tells"),
            false => format!("ends before the {rows} rows of {columns} values that its header tells"),
        })
    }

    /// Reads the next rows, as they lie.
    fn bytes(&mut self, rows: usize) -> Result<Vec<u8>> {
        let Input::Rows(input) = &mut self.input else { return Ok(Vec::new()) };
        let size = rows * self.header.columns * self.header.element.size();
        let mut bytes = Vec::new();
        let failed = |error| refusal(&self.path, self.name.as_deref(), error);
        input.take(size as u64).read_to_end(&mut bytes).map_err(failed)?;
        let more =
            self.row + rows == self.header.rows && input.take(1).read_to_end(&mut Vec::new()).map_err(failed)? > 0;
        if more || bytes.len() < size {
            return Err(self.length(more));
        }
        Ok(bytes)
    }

    /// Adds the next rows to the columns of a block, from `columns` on.
    fn read(&mut self, rows: usize, plan: &[Plan], block: &mut Vec<Values>) -> Result<()> {
        let bytes = self.bytes(rows)?;
        let Header { element, columns, .. } = self.header;
        for (column, plan) in plan.iter().enumerate() {
            let (data, first, step) = match &self.input {
                Input::Rows(_) => (&bytes, column, columns),
                Input::Columns(all) => (all, column * self.header.rows + self.row, 1),
            };
            let size = element.size();
            let cells = (0..rows).map(|row| &data[(first + row * step) * size..][..size]);
            let values = plan.values(element, cells).map_err(|(row, value, reason)| {
                let place = Place { row: Some((self.row + row + 1) as u64), ..Place::default() }.in_column(&plan.name);
                Error::Value { path: self.path.clone(), place, value, reason }
            })?;
            block.push(values);
        }
        self.row += rows;
        Ok(())
    }
}

fn refusal(path: &Path, name: Option<&str>, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            if error.get_ref().is_none_or(|inner| !inner.is::<Error>()) =>
        {
            let array = name.map_or(String::new(), |name| format!("array {name}: "));
            let reason = match error.kind() {
                io::ErrorKind::UnexpectedEof => "ends within its header".into(),
                _ => error.to_string(),
            };
            Error::format(path, Place::default(), format!("{array}{reason}"))
        }
        _ => error.downcast::<Error>().unwrap_or_else(Error::io("read", path)),
    }
}

/// What becomes of a column.
struct Plan {
    name: String,
    wanted: Column,
}

impl Plan {
    fn new(name: &str, wanted: ReadAs) -> Plan {
        Plan { name: name.into(), wanted: Column::new(wanted) }
    }

    /// The values of cells as they lie, or the row, the value and what is wrong with it.
    fn values<'a>(
        &self,
        element: Element,
        cells: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Values, (usize, String, String)> {
        match &self.wanted {
            Column::Skip => Ok(Values::Skipped),
            Column::Text => {
                let mut texts = TextValues::default();
                for (row, cell) in cells.enumerate() {
                    let text = element.text(cell).map_err(|(value, reason)| (row, value, reason))?;
                    texts.push(text.as_deref());
                }
                Ok(Values::Text(texts))
            }
            Column::Numbers(format) => {
                let number = |(row, cell)| match element.number(cell) {
                    Some(number) => Ok(format.checked(number)),
                    None => match element.text(cell) {
                        Ok(text) => {
                            let text = text.unwrap_or_default();
                            format.parse(text.as_bytes()).ok_or((row, text, "is not a number".into()))
                        }
                        Err((value, reason)) => Err((row, value, reason)),
                    },
                };
                Ok(Values::Numbers(cells.enumerate().map(number).collect::<Result<_, _>>()?))
            }
        }
    }
}

/// The columns of arrays with the same number of rows, side by side.
pub(super) struct Table {
    arrays: Vec<(Array, Vec<Plan>)>,
    left: usize,
    step: usize,
}

impl Table {
    /// A table of these arrays; `names` are those of all columns.
    pub(super) fn new(
        arrays: Vec<Array>,
        names: Vec<String>,
        wanted: &dyn Fn(&str) -> ReadAs,
        threads: Threads,
    ) -> Result<Table> {
        let row: usize = arrays.iter().map(|array| array.header.columns * array.header.element.size().max(8)).sum();
        let left = arrays.first().map_or(0, Array::rows);
        let mut names = names.iter();
        let plans = |array: Array| {
            let plans = names.by_ref().take(array.columns()).map(|name| Plan::new(name, wanted(name))).collect();
            (array, plans)
        };
        Ok(Table { arrays: arrays.into_iter().map(plans).collect(), left, step: (threads.chunk / row).max(1) })
    }
}

impl Blocks for Table {
    fn next(&mut self) -> Result<Option<(usize, Vec<Values>)>> {
        let rows = self.left.min(self.step);
        if rows == 0 {
            return Ok(None);
        }
        let mut block = Vec::new();
        for (array, plans) in &mut self.arrays {
            array.read(rows, plans, &mut block)?;
        }
        self.left -= rows;
        Ok(Some((rows, block)))
    }
}
