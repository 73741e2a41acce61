//! Cells of formats that have types, as values of a column.

use super::column::Column;
use crate::block::Values;
use crate::calendar::civil_from_days;
use std::fmt::Write as _;

/// A cell of a format that has types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    Single(f32),
    Double(f64),
    /// A number without its point, and how many of its digits stand behind it: at most
    /// [`LONGEST_DECIMAL`], and less than 0 where zeros stand before it.
    Decimal(i128, i32),
    Text(&'a str),
    /// Text, if it is UTF-8.
    Bytes(&'a [u8]),
    /// A moment in UTC: seconds since 1970 began, and nanoseconds.
    Moment(i64, u32),
}

/// The most digits before or behind the point of a decimal.
pub(super) const LONGEST_DECIMAL: u32 = 76;

/// What is wrong with a column whose values have parts.
pub(super) const NESTED: &str =
    "holds lists, maps or structures, which no cell can; write their parts as columns of their own, or leave it out";

/// The most bytes of text that a block may have in one column.
const LONGEST_TEXT: usize = 1 << 30;

const DAY: i64 = 86_400;

impl<'a> Cell<'a> {
    /// Returns the cell of a count of units since 1970 began, of which a second has so many.
    pub(super) fn moment(units: i64, a_second: i64) -> Cell<'static> {
        let nanoseconds = units.rem_euclid(a_second) * (1_000_000_000 / a_second);
        Cell::Moment(units.div_euclid(a_second), nanoseconds as u32)
    }

    /// Returns the cell of a count of days since 1970 began.
    pub(super) fn day(days: i64) -> Cell<'static> {
        Cell::Moment(days.saturating_mul(DAY), 0)
    }

    /// Adds the cell to the values of its column, or says what it is and what is wrong with it.
    #[inline]
    pub(super) fn put(self, column: &Column, values: &mut Values) -> Result<(), (String, String)> {
        let cell = self.checked()?;
        match (column, values) {
            (Column::Numbers(format), Values::Numbers(numbers)) => {
                let number = match cell {
                    Cell::Missing => f64::NAN,
                    Cell::Text(text) => match format.parse(text.as_bytes()) {
                        Some(number) => number,
                        None => return Err((text.into(), "is not a number".into())),
                    },
                    cell => format.checked(cell.number()),
                };
                numbers.push(number);
            }
            (Column::Text, Values::Text(texts)) => {
                let mut scratch = String::new();
                let text = match cell {
                    Cell::Text(text) => Some(text),
                    cell => cell.write(&mut scratch).then_some(&scratch[..]),
                };
                if texts.text_bytes() + text.map_or(0, str::len) > LONGEST_TEXT {
                    let reason = format!("and the {} rows before it are more than 1 GiB of text", texts.len());
                    return Err((text.unwrap_or_default().into(), reason));
                }
                texts.push(text);
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes text of bytes.
    #[inline]
    fn checked(self) -> Result<Cell<'a>, (String, String)> {
        let Cell::Bytes(bytes) = self else { return Ok(self) };
        let wrong = |_| (String::from_utf8_lossy(bytes).into_owned(), "is not UTF-8".into());
        std::str::from_utf8(bytes).map(Cell::Text).map_err(wrong)
    }

    /// Returns the number that a cell is which is no text.
    #[inline]
    fn number(self) -> f64 {
        match self {
            Cell::Missing | Cell::Text(_) | Cell::Bytes(_) => f64::NAN,
            Cell::Boolean(value) => f64::from(u8::from(value)),
            Cell::Integer(value) => value as f64,
            Cell::Unsigned(value) => value as f64,
            Cell::Single(value) => value.into(),
            Cell::Double(value) => value,
            Cell::Decimal(digits, scale) => decimal(digits, scale),
            Cell::Moment(seconds, 0) => seconds as f64,
            Cell::Moment(seconds, nanoseconds) => seconds as f64 + f64::from(nanoseconds) * 1e-9,
        }
    }

    /// Writes the cell, unless it is missing or no number. Returns whether it was written.
    fn write(self, out: &mut String) -> bool {
        let written = match self {
            Cell::Missing | Cell::Bytes(_) => return false,
            Cell::Single(value) if value.is_nan() => return false,
            Cell::Double(value) if value.is_nan() => return false,
            Cell::Text(text) => out.write_str(text),
            Cell::Boolean(value) => write!(out, "{value}"),
            Cell::Integer(value) => write!(out, "{value}"),
            Cell::Unsigned(value) => write!(out, "{value}"),
            Cell::Single(value) => write!(out, "{value}"),
            Cell::Double(value) => write!(out, "{value}"),
            Cell::Decimal(digits, scale) => out.write_str(&decimal_text(digits, scale)),
            Cell::Moment(seconds, nanoseconds) => write_moment(out, seconds, nanoseconds),
        };
        written.is_ok()
    }
}

/// Returns the double nearest to a decimal.
fn decimal(digits: i128, scale: i32) -> f64 {
    // Powers up to 10^22 are doubles, and the quotient of two doubles is rounded once.
    if digits.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS && (0..=22).contains(&scale) {
        return digits as f64 / 10f64.powi(scale);
    }
    fast_float2::parse(format!("{digits}e{}", -i64::from(scale))).unwrap_or(f64::NAN)
}

fn decimal_text(digits: i128, scale: i32) -> String {
    let (behind, zeros) = (scale.max(0) as usize, if digits == 0 { 0 } else { (-scale).max(0) as usize });
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0>width$}{}", digits.unsigned_abs(), "0".repeat(zeros), width = behind + 1);
    match text.split_at(text.len() - behind) {
        (whole, "") => format!("{sign}{whole}"),
        (whole, part) => format!("{sign}{whole}.{part}"),
    }
}

/// Writes a moment as ISO 8601 spells it, without a time at midnight.
fn write_moment(out: &mut String, seconds: i64, nanoseconds: u32) -> std::fmt::Result {
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
    write!(out, "{year:04}-{month:02}-{day:02}")?;
    let time = seconds.rem_euclid(DAY);
    if time > 0 || nanoseconds > 0 {
        write!(out, " {:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60)?;
    }
    if nanoseconds > 0 {
        let digits = format!("{nanoseconds:09}");
        write!(out, ".{}", digits.trim_end_matches('0'))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::ReadAs;

    fn text(cell: Cell) -> Option<String> {
        let mut out = String::new();
        cell.write(&mut out).then_some(out)
    }

    #[test]
    fn a_decimal_is_the_double_nearest_to_its_digits() {
        for (digits, scale, written) in [
            (12_345, 2, "123.45"),
            (-5, 3, "-0.005"),
            (0, 2, "0.00"),
            (7, 0, "7"),
            (7, -2, "700"),
            (-123_456_789_012_345_678_901_234_567_890, 10, "-12345678901234567890.1234567890"),
        ] {
            assert_eq!(text(Cell::Decimal(digits, scale)).unwrap(), written);
            assert_eq!(decimal(digits, scale), written.parse::<f64>().unwrap(), "{written}");
        }
    }

    #[test]
    fn a_moment_is_written_as_the_schema_reads_it() {
        for (units, a_second, written) in [
            (0, 1, "1970-01-01"),
            (-1, 1000, "1969-12-31 23:59:59.999"),
            (1_795_960_240_500_000, 1_000_000, "2026-11-29 13:50:40.5"),
            (86_400_000_000_001, 1_000_000_000, "1970-01-02 00:00:00.000000001"),
        ] {
            assert_eq!(text(Cell::moment(units, a_second)).unwrap(), written);
        }
        assert_eq!(text(Cell::day(-1)).unwrap(), "1969-12-31");
        assert_eq!(Cell::moment(-1500, 1000).number(), -1.5);
        assert!(text(Cell::day(i64::MIN)).is_some() && text(Cell::Moment(i64::MAX, 0)).is_some());
    }

    #[test]
    fn text_in_a_column_of_numbers_is_a_number_or_an_error() {
        let column = Column::new(ReadAs::numbers());
        let mut values = column.empty();
        Cell::Text(" 1.5 ").put(&column, &mut values).unwrap();
        Cell::Boolean(true).put(&column, &mut values).unwrap();
        assert_eq!(Cell::Text("x").put(&column, &mut values), Err(("x".into(), "is not a number".into())));
        assert_eq!(values, Values::Numbers(vec![1.5, 1.0]));
    }
}
