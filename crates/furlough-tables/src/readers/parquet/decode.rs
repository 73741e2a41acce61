//! Decodes some columns of a file, block by block.

use super::cells::of_int96;
use super::{Opening, Plan, Position};
use crate::block::Values;
use crate::error::{Error, Place};
use crate::readers::cell::Cell;
use crate::readers::guarded::guarded;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::DataType;
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::reader::FileReader;
use std::sync::Arc;

/// The most values that a page may say it has: what has more is a lie, or made to take memory.
const LARGEST_PAGE: usize = 1 << 26;

/// The values of some columns of a block, with the places of the columns.
pub(super) type Part = Vec<(usize, Values)>;

/// What is wrong with a block, and in which column.
pub(super) struct WrongColumn {
    pub(super) place: usize,
    pub(super) error: Error,
}

/// Some columns of a file.
pub(super) struct Decoder {
    opening: Arc<Opening>,
    plans: Vec<Plan>,
    readers: Vec<ColumnReader>,
    position: Position,
}

impl Decoder {
    pub(super) fn new(opening: Arc<Opening>, plans: Vec<Plan>) -> Decoder {
        Decoder { opening, plans, readers: Vec::new(), position: Position::default() }
    }

    /// Decodes the next rows of a column.
    fn column(&mut self, index: usize, rows: usize) -> Result<Values, Error> {
        let plan = &self.plans[index];
        let Position { group, done, row: first } = self.position;
        let place = Place::default().in_column(&plan.name);
        let damaged = |reason: String| {
            let reason = format!("is damaged: {reason}");
            Error::format(&self.opening.path, place.clone(), reason)
        };
        if done == 0 {
            let reader = guarded(|| open_column(&self.opening, group, plan.place)).map_err(damaged)?;
            self.readers.truncate(index);
            self.readers.push(reader);
        }
        let mut values = plan.column.empty();
        let last = done + rows == self.opening.groups[group];
        let decoded = guarded(|| decode(&mut self.readers[index], plan, (rows, last), &mut values));
        match decoded.map_err(damaged)? {
            Ok(()) => Ok(values),
            Err(Wrong::Count(count)) => {
                let than = if count > rows { "more" } else { "fewer" };
                Err(damaged(format!("row group {} has {than} rows than the footer tells", group + 1)))
            }
            Err(Wrong::Value { row, value, reason }) => {
                let place = Place { row: Some(first + row as u64 + 1), ..place };
                Err(Error::Value { path: self.opening.path.clone(), place, value, reason })
            }
        }
    }
}

impl Iterator for Decoder {
    type Item = Result<Part, WrongColumn>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.position.next_block(&self.opening)?;
        let mut part = Vec::new();
        for index in 0..self.plans.len() {
            let place = self.plans[index].place;
            match self.column(index, rows) {
                Ok(values) => part.push((place, values)),
                Err(error) => return Some(Err(WrongColumn { place, error })),
            }
        }
        self.position.advance(rows);
        Some(Ok(part))
    }
}

/// Why a column's rows cannot be read.
enum Wrong {
    /// There are not as many.
    Count(usize),
    /// A value is not what its column can hold.
    Value { row: usize, value: String, reason: String },
}

fn open_column(opening: &Opening, group: usize, place: usize) -> ParquetResult<ColumnReader> {
    let group = opening.reader.get_row_group(group)?;
    let column = group.metadata().column(place);
    let (descriptor, length) = (column.column_descr_ptr(), column.column_descr().type_length());
    let smallest = match descriptor.physical_type() {
        ::parquet::basic::Type::BOOLEAN => 0,
        ::parquet::basic::Type::INT32 | ::parquet::basic::Type::FLOAT | ::parquet::basic::Type::BYTE_ARRAY => 4,
        ::parquet::basic::Type::INT64 | ::parquet::basic::Type::DOUBLE => 8,
        ::parquet::basic::Type::INT96 => 12,
        ::parquet::basic::Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(length).unwrap_or(0).max(1),
    };
    let pages = CheckedPages { pages: group.get_column_page_reader(place)?, smallest };
    Ok(get_column_reader(descriptor, Box::new(pages)))
}

/// Pages whose headers are not believed: the library sets memory aside for what they say.
struct CheckedPages {
    pages: Box<dyn PageReader>,
    /// How many bytes a value of a dictionary has at least.
    smallest: usize,
}

impl CheckedPages {
    fn checked(&self, page: Page) -> ParquetResult<Page> {
        let count = page.num_values() as usize;
        let of_dictionary = matches!(page, Page::DictionaryPage { .. });
        let fits = !of_dictionary || count.saturating_mul(self.smallest) <= page.buffer().len();
        if fits && count <= LARGEST_PAGE {
            return Ok(page);
        }
        Err(ParquetError::General(format!("a page of {} bytes says it has {count} values", page.buffer().len())))
    }
}

impl Iterator for CheckedPages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        self.pages.get_next_page()?.map(|page| self.checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.pages.skip_next_page()
    }
}

/// Decodes the next rows of a column into values. `last` says that no more may follow.
fn decode(
    reader: &mut ColumnReader,
    plan: &Plan,
    (rows, last): (usize, bool),
    values: &mut Values,
) -> ParquetResult<Result<(), Wrong>> {
    let (kind, column) = (plan.kind, &plan.column);
    let mut scratch = String::new();
    let mut put = |cell: Cell| cell.put(column, values);
    let rows = Rows { count: rows, last };
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            rows.read(reader, |value| put(value.map_or(Cell::Missing, |&value| Cell::Boolean(value))))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            rows.read(reader, |value| put(value.map_or(Cell::Missing, |&value| kind.of_int32(value))))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            rows.read(reader, |value| put(value.map_or(Cell::Missing, |&value| kind.of_int64(value))))
        }
        ColumnReader::Int96ColumnReader(reader) => {
            rows.read(reader, |value| put(value.map_or(Cell::Missing, of_int96)))
        }
        ColumnReader::FloatColumnReader(reader) => {
            rows.read(reader, |value| put(value.map_or(Cell::Missing, |&value| Cell::Single(value))))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            rows.read(reader, |value| put(value.map_or(Cell::Missing, |&value| Cell::Double(value))))
        }
        ColumnReader::ByteArrayColumnReader(reader) => rows.read(reader, |value| match value {
            Some(value) => put(kind.of_bytes(value.data(), &mut scratch)?),
            None => put(Cell::Missing),
        }),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => rows.read(reader, |value| match value {
            Some(value) => put(kind.of_bytes(value.data(), &mut scratch)?),
            None => put(Cell::Missing),
        }),
    }
}

/// How many rows are read, and whether no more may follow.
struct Rows {
    count: usize,
    last: bool,
}

impl Rows {
    /// Reads the rows and hands each over; nulls are none.
    fn read<T: DataType>(
        self,
        reader: &mut ColumnReaderImpl<T>,
        mut put: impl FnMut(Option<&T::T>) -> Result<(), (String, String)>,
    ) -> ParquetResult<Result<(), Wrong>> {
        let (mut levels, mut data, mut count) = (Vec::new(), Vec::new(), 0);
        let wanted = self.count + usize::from(self.last);
        while count < wanted {
            match reader.read_records(wanted - count, Some(&mut levels), None, &mut data)?.0 {
                0 => break,
                some => count += some,
            }
        }
        if count != self.count {
            return Ok(Err(Wrong::Count(count)));
        }
        let mut data = data.iter();
        for row in 0..count {
            // Without levels there are no nulls; a column that is not nested has no level above 1.
            let value = if levels.get(row).is_none_or(|&level| level > 0) { data.next() } else { None };
            if let Err((value, reason)) = put(value) {
                return Ok(Err(Wrong::Value { row, value, reason }));
            }
        }
        Ok(Ok(()))
    }
}
