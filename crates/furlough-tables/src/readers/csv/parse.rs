//! From a chunk of whole rows to the columns' values.

use super::Dialect;
use crate::block::{ReadAs, TextValues, Values};
use crate::readers::names::CONVERT;
use crate::readers::number::NumberFormat;
use crate::readers::pipeline::{Fault, Parsed};
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

/// What is known of a file before its rows are parsed.
pub(super) struct Syntax {
    pub(super) dialect: Dialect,
    pub(super) columns: Vec<Column>,
}

/// What becomes of a column.
pub(super) enum Column {
    Skip,
    Text,
    Numbers(NumberFormat),
}

impl Column {
    pub(super) fn new(wanted: ReadAs, decimal_comma: bool) -> Column {
        match wanted {
            ReadAs::Skip => Column::Skip,
            ReadAs::Text => Column::Text,
            ReadAs::Numbers { missing } => Column::Numbers(NumberFormat::new(&missing, decimal_comma)),
        }
    }
}

/// The cells of a column so far.
enum Cells {
    Skipped,
    Text { bytes: Vec<u8>, ends: Vec<u32> },
    Numbers(Vec<f64>),
}

/// Where a cell stands.
struct Cell {
    begin: usize,
    /// Whether it is quoted, so that its content is what [`push_unquoted`] makes of it.
    quoted: bool,
    end: usize,
}

impl Dialect {
    /// Whether a cell that comes to `at` is over there.
    #[inline]
    fn ends(self, bytes: &[u8], at: usize) -> bool {
        match bytes.get(at) {
            None | Some(b'\n') => true,
            Some(b'\r') => matches!(bytes.get(at + 1), None | Some(b'\n')),
            Some(&byte) => byte == self.delimiter,
        }
    }

    /// Finds the end of the cell that begins at `begin`, or fails if its quote is not closed.
    #[inline]
    fn cell(self, bytes: &[u8], begin: usize) -> Result<Cell, ()> {
        if self.quote.is_some() && bytes.get(begin).copied() == self.quote {
            return self.quoted_cell(bytes, begin).ok_or(());
        }
        let end = self.plain_end(bytes, begin);
        Ok(Cell { begin, quoted: false, end })
    }

    fn quoted_cell(self, bytes: &[u8], begin: usize) -> Option<Cell> {
        let quote = self.quote?;
        let mut at = begin + 1;
        loop {
            at += memchr(quote, &bytes[at..])? + 1;
            if bytes.get(at) != Some(&quote) {
                let end = self.plain_end(bytes, at);
                return Some(Cell { begin, quoted: true, end });
            }
            at += 1;
        }
    }

    /// Finds the first delimiter or end of a line from `begin` on, eight bytes at a time.
    #[inline]
    fn plain_end(self, bytes: &[u8], begin: usize) -> usize {
        let mut at = begin;
        const ONES: u64 = u64::MAX / 255;
        let (delimiters, newlines) = (ONES * u64::from(self.delimiter), ONES * u64::from(b'\n'));
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
        let end = loop {
            let Some(eight) = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()) else {
                let rest = &bytes[at..];
                break at + rest.iter().position(|&b| b == self.delimiter || b == b'\n').unwrap_or(rest.len());
            };
            let word = u64::from_le_bytes(eight);
            let found = zeros(word ^ delimiters) | zeros(word ^ newlines);
            if found != 0 {
                break at + found.trailing_zeros() as usize / 8;
            }
            at += 8;
        };
        let returned = end > begin && bytes[end - 1] == b'\r' && bytes.get(end) != Some(&self.delimiter);
        if returned { end - 1 } else { end }
    }

    /// Returns a cell's content.
    fn content<'a>(self, bytes: &'a [u8], cell: &Cell) -> Cow<'a, [u8]> {
        if !cell.quoted {
            return Cow::Borrowed(&bytes[cell.begin..cell.end]);
        }
        let mut content = Vec::new();
        self.push(&mut content, bytes, cell);
        Cow::Owned(content)
    }

    /// Adds a cell's content.
    #[inline]
    fn push(self, content: &mut Vec<u8>, bytes: &[u8], cell: &Cell) {
        let written = &bytes[cell.begin..cell.end];
        match self.quote {
            Some(quote) if cell.quoted => push_unquoted(content, written, quote),
            _ => content.extend_from_slice(written),
        }
    }
}

/// Adds what a quoted cell says: two quotes are one, and what stands behind the last one belongs to
/// it.
fn push_unquoted(content: &mut Vec<u8>, cell: &[u8], quote: u8) {
    let mut rest = &cell[1..];
    while let Some(at) = memchr(quote, rest) {
        content.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.first() != Some(&quote) {
            break;
        }
        content.push(quote);
        rest = &rest[1..];
    }
    content.extend_from_slice(rest);
}

/// Goes past the end of a line at `at`, if there is one.
#[inline]
fn past_newline(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..) {
        Some([b'\n', ..]) => at + 1,
        Some([b'\r', b'\n', ..]) => at + 2,
        Some([b'\r']) => at + 1,
        _ => at,
    }
}

const UNCLOSED: &str = "a quote is opened in this row and never closed";

impl Syntax {
    /// Parses all rows of a chunk.
    pub(super) fn rows(&self, bytes: &[u8]) -> Result<Parsed, Fault> {
        // As many rows as the first one's length lets expect, and some more.
        let first = memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        let likely = bytes.len() / first.max(self.columns.len()) * 9 / 8 + 1;
        let mut cells: Vec<_> = self.columns.iter().map(|column| Cells::new(column, likely)).collect();
        let (mut at, mut rows, mut lines) = (0, 0, 0);
        while at < bytes.len() {
            let content = past_newline(bytes, at);
            if content > at {
                (at, lines) = (content, lines + 1);
                continue;
            }
            at = self.row(bytes, at, &mut cells, &mut lines).map_err(|fault| Fault { row: rows, ..fault })?;
            rows += 1;
            lines += 1;
        }
        let columns = cells.into_iter().enumerate().map(|(column, cells)| match cells {
            Cells::Skipped => Ok(Values::Skipped),
            Cells::Numbers(numbers) => Ok(Values::Numbers(numbers)),
            Cells::Text { bytes: text, ends } => {
                TextValues::from_utf8(text, ends).map(Values::Text).map_err(|row| self.not_utf8(bytes, row, column))
            }
        });
        Ok(Parsed { rows, columns: columns.collect::<Result<_, _>>()?, lines })
    }

    /// Parses the row that begins at `at`; returns where the next line begins. `lines` grows by the
    /// newlines inside of cells.
    #[inline]
    fn row(&self, bytes: &[u8], mut at: usize, cells: &mut [Cells], lines: &mut u64) -> Result<usize, Fault> {
        let line = *lines;
        let fault = |column, reason: String| Fault { row: 0, line, column, value: None, reason };
        let last = self.columns.len() - 1;
        for (index, (column, cells)) in self.columns.iter().zip(cells).enumerate() {
            let end = match self.number_at(column, cells, bytes, at) {
                Some(end) => end,
                None => {
                    let cell = self.dialect.cell(bytes, at).map_err(|()| fault(Some(index), UNCLOSED.into()))?;
                    if cell.quoted {
                        *lines += memchr_iter(b'\n', &bytes[at..cell.end]).count() as u64;
                    }
                    cells.push(column, self.dialect, bytes, &cell).map_err(|value| Fault {
                        value: Some(value),
                        ..fault(Some(index), "is not a number".into())
                    })?;
                    cell.end
                }
            };
            let delimited = bytes.get(end) == Some(&self.dialect.delimiter);
            if delimited == (index == last) {
                return Err(fault(None, self.ragged(bytes, at, index)));
            }
            at = if delimited { end + 1 } else { past_newline(bytes, end) };
        }
        Ok(at)
    }

    /// Adds the number at `at` if it is written plainly; returns where it ends.
    #[inline]
    fn number_at(&self, column: &Column, cells: &mut Cells, bytes: &[u8], at: usize) -> Option<usize> {
        let (Column::Numbers(format), Cells::Numbers(numbers)) = (column, cells) else { return None };
        if bytes.get(at) == Some(&self.dialect.delimiter) {
            numbers.push(f64::NAN);
            return Some(at);
        }
        let (number, length) = format.at_start(&bytes[at..])?;
        if !self.dialect.ends(bytes, at + length) {
            return None;
        }
        numbers.push(number);
        Some(at + length)
    }

    /// What is wrong with a row that has too few cells or too many; cell `index` is at `at`.
    #[cold]
    fn ragged(&self, bytes: &[u8], mut at: usize, mut index: usize) -> String {
        while let Ok(cell) = self.dialect.cell(bytes, at) {
            index += 1;
            if bytes.get(cell.end) != Some(&self.dialect.delimiter) {
                break;
            }
            at = cell.end + 1;
        }
        let columns = self.columns.len();
        let cells = furlough::counted(index, "cell");
        format!("the row has {cells}, and the table {}", furlough::counted(columns, "column"))
    }

    /// The fault of a cell that is no UTF-8.
    #[cold]
    fn not_utf8(&self, bytes: &[u8], row: usize, column: usize) -> Fault {
        let found = records(bytes, self.dialect).filter_map(Result::ok).nth(row);
        let (line, cell) = found.map_or((0, Vec::new()), |mut record| {
            (record.line, if column < record.cells.len() { record.cells.swap_remove(column) } else { Vec::new() })
        });
        let text = String::from_utf8_lossy(&cell).into_owned();
        Fault { row, line, column: Some(column), value: Some(text), reason: format!("is not UTF-8; {CONVERT}") }
    }
}

impl Cells {
    /// No cells, with room for so many.
    fn new(column: &Column, likely: usize) -> Cells {
        match column {
            Column::Skip => Cells::Skipped,
            Column::Text => Cells::Text { bytes: Vec::new(), ends: Vec::with_capacity(likely) },
            Column::Numbers(_) => Cells::Numbers(Vec::with_capacity(likely)),
        }
    }

    /// Adds a cell, or returns what it says if that is no number.
    #[inline]
    fn push(&mut self, column: &Column, dialect: Dialect, bytes: &[u8], cell: &Cell) -> Result<(), String> {
        match (self, column) {
            (Cells::Text { bytes: text, ends }, _) => {
                dialect.push(text, bytes, cell);
                ends.push(text.len() as u32); // a chunk is far smaller
            }
            (Cells::Numbers(numbers), Column::Numbers(format)) => {
                let content = dialect.content(bytes, cell);
                match format.parse(&content) {
                    Some(number) => numbers.push(number),
                    None => return Err(String::from_utf8_lossy(&content).into_owned()),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A row as it is written.
#[derive(Debug, Default)]
pub(in crate::readers) struct Record {
    pub(in crate::readers) cells: Vec<Vec<u8>>,
    /// The line it begins at, from 0.
    pub(in crate::readers) line: u64,
    /// How many lines there are to its end.
    pub(in crate::readers) lines: u64,
    /// Where the next line begins.
    pub(in crate::readers) end: usize,
}

/// Reads rows one by one, of any number of cells. An error has the line, from 0.
pub(in crate::readers) fn records(
    bytes: &[u8],
    dialect: Dialect,
) -> impl Iterator<Item = Result<Record, (u64, String)>> {
    let (mut at, mut lines) = (0, 0);
    std::iter::from_fn(move || {
        while past_newline(bytes, at) > at {
            (at, lines) = (past_newline(bytes, at), lines + 1);
        }
        if at >= bytes.len() {
            return None;
        }
        let mut record = Record { line: lines, ..Record::default() };
        loop {
            let Ok(cell) = dialect.cell(bytes, at) else {
                at = bytes.len();
                return Some(Err((record.line, UNCLOSED.into())));
            };
            if cell.quoted {
                lines += memchr_iter(b'\n', &bytes[at..cell.end]).count() as u64;
            }
            record.cells.push(dialect.content(bytes, &cell).into_owned());
            if bytes.get(cell.end) != Some(&dialect.delimiter) {
                lines += 1;
                at = past_newline(bytes, cell.end);
                return Some(Ok(Record { lines, end: at, ..record }));
            }
            at = cell.end + 1;
        }
    })
}

/// Reads the first row, if there is one.
pub(in crate::readers) fn first_record(bytes: &[u8], dialect: Dialect) -> Result<Option<Record>, (u64, String)> {
    records(bytes, dialect).next().transpose()
}
