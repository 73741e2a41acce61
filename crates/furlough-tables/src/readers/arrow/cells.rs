//! The cells of an array.

use crate::block::Values;
use crate::readers::cell::{Cell, LONGEST_DECIMAL, NESTED};
use crate::readers::column::Column;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use std::ops::Range;

/// Checks that a column has cells that are read, or says why not.
pub(super) fn check(kind: &DataType) -> Result<(), String> {
    use DataType as T;
    match kind {
        T::Dictionary(_, values) => check(values),
        T::Decimal32(_, scale) | T::Decimal64(_, scale) | T::Decimal128(_, scale)
            if u32::from(scale.unsigned_abs()) > LONGEST_DECIMAL =>
        {
            Err(format!("has decimals with {scale} digits behind the point; {LONGEST_DECIMAL} are the most"))
        }
        T::List(_)
        | T::ListView(_)
        | T::LargeList(_)
        | T::LargeListView(_)
        | T::FixedSizeList(..)
        | T::Struct(_)
        | T::Map(..)
        | T::Union(..) => Err(NESTED.into()),
        T::Decimal256(..) | T::Duration(_) | T::Interval(_) | T::RunEndEncoded(..) => {
            Err(format!("has the type {kind}, which is not read; write numbers or text"))
        }
        _ => Ok(()),
    }
}

/// Returns the values of some rows, or the row, the value and what is wrong with it.
pub(super) fn values(
    array: &dyn Array,
    rows: Range<usize>,
    column: &Column,
) -> Result<Values, (usize, String, String)> {
    let (mut values, cell) = (column.empty(), cells(array));
    for (index, row) in rows.enumerate() {
        cell(row).put(column, &mut values).map_err(|(value, reason)| (index, value, reason))?;
    }
    Ok(values)
}

/// What returns the cell of a row.
type Cells<'a> = Box<dyn Fn(usize) -> Cell<'a> + 'a>;

/// Returns what returns the cell of a row.
fn cells<'a>(array: &'a dyn Array) -> Cells<'a> {
    use DataType as T;
    match array.data_type() {
        T::Boolean => {
            let booleans = array.as_boolean();
            unless_null(array, move |row| Cell::Boolean(booleans.value(row)))
        }
        T::Int8 => numbers::<Int8Type>(array, |value| Cell::Integer(value.into())),
        T::Int16 => numbers::<Int16Type>(array, |value| Cell::Integer(value.into())),
        T::Int32 => numbers::<Int32Type>(array, |value| Cell::Integer(value.into())),
        T::Int64 => numbers::<Int64Type>(array, Cell::Integer),
        T::UInt8 => numbers::<UInt8Type>(array, |value| Cell::Unsigned(value.into())),
        T::UInt16 => numbers::<UInt16Type>(array, |value| Cell::Unsigned(value.into())),
        T::UInt32 => numbers::<UInt32Type>(array, |value| Cell::Unsigned(value.into())),
        T::UInt64 => numbers::<UInt64Type>(array, Cell::Unsigned),
        T::Float16 => numbers::<Float16Type>(array, |value| Cell::Single(value.to_f32())),
        T::Float32 => numbers::<Float32Type>(array, Cell::Single),
        T::Float64 => numbers::<Float64Type>(array, Cell::Double),
        &T::Decimal32(_, scale) => {
            numbers::<Decimal32Type>(array, move |value| Cell::Decimal(value.into(), scale.into()))
        }
        &T::Decimal64(_, scale) => {
            numbers::<Decimal64Type>(array, move |value| Cell::Decimal(value.into(), scale.into()))
        }
        &T::Decimal128(_, scale) => numbers::<Decimal128Type>(array, move |value| Cell::Decimal(value, scale.into())),
        T::Date32 => numbers::<Date32Type>(array, |value| Cell::day(value.into())),
        T::Date64 => numbers::<Date64Type>(array, |value| Cell::moment(value, 1_000)),
        T::Timestamp(unit, _) => match unit {
            TimeUnit::Second => numbers::<TimestampSecondType>(array, |value| Cell::moment(value, 1)),
            TimeUnit::Millisecond => numbers::<TimestampMillisecondType>(array, |value| Cell::moment(value, 1_000)),
            TimeUnit::Microsecond => numbers::<TimestampMicrosecondType>(array, |value| Cell::moment(value, 1_000_000)),
            TimeUnit::Nanosecond => {
                numbers::<TimestampNanosecondType>(array, |value| Cell::moment(value, 1_000_000_000))
            }
        },
        T::Time32(TimeUnit::Second) => numbers::<Time32SecondType>(array, |value| Cell::Double(value.into())),
        T::Time32(_) => numbers::<Time32MillisecondType>(array, |value| Cell::Double(f64::from(value) / 1e3)),
        T::Time64(TimeUnit::Microsecond) => {
            numbers::<Time64MicrosecondType>(array, |value| Cell::Double(value as f64 / 1e6))
        }
        T::Time64(_) => numbers::<Time64NanosecondType>(array, |value| Cell::Double(value as f64 / 1e9)),
        T::Dictionary(..) => of_dictionary(array),
        _ => texts(array),
    }
}

/// The cells of numbers.
fn numbers<'a, T: ArrowPrimitiveType>(array: &'a dyn Array, cell: impl Fn(T::Native) -> Cell<'a> + 'a) -> Cells<'a> {
    let numbers = array.as_primitive::<T>();
    unless_null(array, move |row| cell(numbers.value(row)))
}

/// The cells of text, and of bytes that may be text; all others are null.
fn texts<'a>(array: &'a dyn Array) -> Cells<'a> {
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            unless_null(array, move |row| Cell::Text(texts.value(row)))
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            unless_null(array, move |row| Cell::Text(texts.value(row)))
        }
        DataType::Utf8View => {
            let texts = array.as_string_view();
            unless_null(array, move |row| Cell::Text(texts.value(row)))
        }
        DataType::Binary => {
            let bytes = array.as_binary::<i32>();
            unless_null(array, move |row| Cell::Bytes(bytes.value(row)))
        }
        DataType::LargeBinary => {
            let bytes = array.as_binary::<i64>();
            unless_null(array, move |row| Cell::Bytes(bytes.value(row)))
        }
        DataType::BinaryView => {
            let bytes = array.as_binary_view();
            unless_null(array, move |row| Cell::Bytes(bytes.value(row)))
        }
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary();
            unless_null(array, move |row| Cell::Bytes(bytes.value(row)))
        }
        _ => Box::new(|_| Cell::Missing),
    }
}

fn of_dictionary<'a>(array: &'a dyn Array) -> Cells<'a> {
    let dictionary = array.as_any_dictionary();
    let (keys, values) = (cells(dictionary.keys()), cells(dictionary.values()));
    Box::new(move |row| match keys(row) {
        Cell::Integer(key) => values(key as usize),
        Cell::Unsigned(key) => values(key as usize),
        _ => Cell::Missing,
    })
}

fn unless_null<'a>(array: &'a dyn Array, cell: impl Fn(usize) -> Cell<'a> + 'a) -> Cells<'a> {
    match array.nulls() {
        Some(nulls) => Box::new(move |row| if nulls.is_null(row) { Cell::Missing } else { cell(row) }),
        None => Box::new(cell),
    }
}
