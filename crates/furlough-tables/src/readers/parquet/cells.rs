//! What the values of a column mean.

use crate::readers::cell::{Cell, LONGEST_DECIMAL};
use crate::readers::number::half;
use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::data_type::Int96;
use ::parquet::schema::types::ColumnDescriptor;

/// What the values of a column mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// What the type that they are stored in says.
    Plain,
    Unsigned,
    Half,
    /// So many digits stand behind the point.
    Decimal(i32),
    /// Days since 1970 began.
    Days,
    /// Units since 1970 began, so many a second.
    Moment(i64),
    /// Units since midnight, so many a second.
    TimeOfDay(i64),
    Uuid,
}

impl Kind {
    /// Returns the kind of a column, or why it is not read.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Kind, String> {
        let bytes = matches!(column.physical_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
        let refused = |what: &str| Err(format!("holds {what}, which are not read; write numbers or text"));
        let kind = match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Integer(integer)), _) if !integer.is_signed => Kind::Unsigned,
            (Some(LogicalType::Decimal(decimal)), _) => Kind::Decimal(decimal.scale),
            (Some(LogicalType::Date), _) => Kind::Days,
            (Some(LogicalType::Timestamp(stamp)), _) => Kind::Moment(a_second(stamp.unit)),
            (Some(LogicalType::Time(time)), _) => Kind::TimeOfDay(a_second(time.unit)),
            (Some(LogicalType::Float16), _) => Kind::Half,
            (Some(LogicalType::Uuid), _) => Kind::Uuid,
            (Some(LogicalType::Bson), _) => return refused("BSON"),
            (Some(LogicalType::Variant(_)), _) => return refused("variants"),
            (Some(LogicalType::Geometry(_) | LogicalType::Geography(_)), _) => return refused("shapes"),
            (None, ConvertedType::DECIMAL) => Kind::Decimal(column.type_scale()),
            (None, ConvertedType::DATE) => Kind::Days,
            (None, ConvertedType::TIMESTAMP_MILLIS) => Kind::Moment(1_000),
            (None, ConvertedType::TIMESTAMP_MICROS) => Kind::Moment(1_000_000),
            (None, ConvertedType::TIME_MILLIS) => Kind::TimeOfDay(1_000),
            (None, ConvertedType::TIME_MICROS) => Kind::TimeOfDay(1_000_000),
            (
                None,
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
            ) => Kind::Unsigned,
            (None, ConvertedType::BSON) => return refused("BSON"),
            (None, ConvertedType::INTERVAL) => return refused("intervals"),
            _ => Kind::Plain,
        };
        match kind {
            Kind::Decimal(scale) if scale.unsigned_abs() > LONGEST_DECIMAL => {
                Err(format!("has decimals with {scale} digits behind the point; {LONGEST_DECIMAL} are the most"))
            }
            Kind::Half | Kind::Uuid if !bytes => refused("a type that its values do not fit"),
            Kind::Days | Kind::Moment(_) | Kind::TimeOfDay(_) | Kind::Unsigned if bytes => {
                refused("a type that its values do not fit")
            }
            kind => Ok(kind),
        }
    }

    #[inline]
    pub(super) fn of_int32(self, value: i32) -> Cell<'static> {
        match self {
            Kind::Unsigned => Cell::Unsigned((value as u32).into()),
            _ => self.of_int64(value.into()),
        }
    }

    #[inline]
    pub(super) fn of_int64(self, value: i64) -> Cell<'static> {
        match self {
            Kind::Unsigned => Cell::Unsigned(value as u64),
            Kind::Decimal(scale) => Cell::Decimal(value.into(), scale),
            Kind::Days => Cell::day(value),
            Kind::Moment(a_second) => Cell::moment(value, a_second),
            Kind::TimeOfDay(a_second) => Cell::Double(value as f64 / a_second as f64),
            _ => Cell::Integer(value),
        }
    }

    /// Returns the cell of some bytes, or what is wrong with them. `scratch` is for text that has
    /// to be made.
    pub(super) fn of_bytes<'a>(self, bytes: &'a [u8], scratch: &'a mut String) -> Result<Cell<'a>, (String, String)> {
        let wrong = |what: &str| (String::from_utf8_lossy(bytes).into_owned(), what.into());
        match (self, bytes) {
            (Kind::Decimal(scale), _) => {
                let digits = big_endian(bytes).ok_or_else(|| wrong("has more than 38 digits"))?;
                Ok(Cell::Decimal(digits, scale))
            }
            (Kind::Half, &[low, high]) => Ok(Cell::Single(half(u16::from_le_bytes([low, high])) as f32)),
            (Kind::Uuid, bytes) if bytes.len() == 16 => {
                *scratch = uuid(bytes);
                Ok(Cell::Text(scratch))
            }
            (Kind::Half | Kind::Uuid, _) => Err(wrong("is not as long as its type")),
            _ => Ok(Cell::Bytes(bytes)),
        }
    }
}

/// Returns the moment that twelve bytes mean: nanoseconds of a day, and its Julian number.
pub(super) fn of_int96(value: &Int96) -> Cell<'static> {
    const JULIAN_DAY_OF_1970: i64 = 2_440_588;
    let &[low, high, day] = value.data() else { return Cell::Missing };
    let nanoseconds = i64::from(high) << 32 | i64::from(low);
    let seconds = (i64::from(day) - JULIAN_DAY_OF_1970) * 86_400 + nanoseconds.div_euclid(1_000_000_000);
    Cell::Moment(seconds, nanoseconds.rem_euclid(1_000_000_000) as u32)
}

fn a_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

/// Returns the number of some bytes in two's complement, if it has a place.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first()? >> 7 == 1;
    let filling = if negative { 0xff } else { 0 };
    let cut = bytes.len().saturating_sub(16);
    let (more, bytes) = bytes.split_at(cut);
    let mut sixteen = [filling; 16];
    sixteen[16 - bytes.len()..].copy_from_slice(bytes);
    let number = i128::from_be_bytes(sixteen);
    (more.iter().all(|&byte| byte == filling) && (number < 0) == negative).then_some(number)
}

fn uuid(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&digits[..4], &digits[4..6], &digits[6..8], &digits[8..10], &digits[10..]].map(<[String]>::concat).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_are_the_number_that_they_mean() {
        for (bytes, number) in
            [(&[0xff][..], Some(-1)), (&[1, 0], Some(256)), (&[0; 20], Some(0)), (&[0xff; 17], Some(-1)), (&[], None)]
        {
            assert_eq!(big_endian(bytes), number);
        }
        let mut long = [0; 17];
        long[1] = 0x80;
        assert_eq!(big_endian(&long), None, "2^127 is no i128");
    }

    #[test]
    fn an_int96_is_a_moment() {
        let mut value = Int96::new();
        value.set_data(1_500_000_000, 0, 2_440_589);
        assert_eq!(of_int96(&value), Cell::Moment(86_401, 500_000_000));
    }
}
