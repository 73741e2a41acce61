//! Numbers as people write them.

/// How the numbers of a column are written.
#[derive(Clone, Debug)]
pub(super) struct NumberFormat {
    missing: Vec<Vec<u8>>,
    /// Numbers that stand for a missing one, such as -999.
    sentinels: Vec<f64>,
    decimal_comma: bool,
}

impl NumberFormat {
    /// Numbers with these spellings of a missing one, beside the empty one.
    pub(super) fn new(missing: &[String], decimal_comma: bool) -> NumberFormat {
        let mut format = NumberFormat { missing: Vec::new(), sentinels: Vec::new(), decimal_comma };
        let missing: Vec<_> = missing.iter().map(|spelling| spelling.trim().as_bytes().to_vec()).collect();
        format.sentinels = missing.iter().filter_map(|spelling| format.number(spelling)).collect();
        format.missing = missing;
        format
    }

    /// Returns the number of a cell, NaN for a missing one, and `None` for what is no number.
    /// Space around it does not count. Separators of thousands do not belong to a number.
    pub(super) fn parse(&self, cell: &[u8]) -> Option<f64> {
        let cell = cell.trim_ascii();
        if cell.is_empty() || self.missing.iter().any(|spelling| spelling == cell) {
            return Some(f64::NAN);
        }
        Some(self.checked(self.number(cell)?))
    }

    /// Returns a number, or NaN if it stands for a missing one.
    pub(super) fn checked(&self, number: f64) -> f64 {
        if self.sentinels.contains(&number) { f64::NAN } else { number }
    }

    fn number(&self, cell: &[u8]) -> Option<f64> {
        let number: f64 = if self.decimal_comma {
            let comma = |&byte: &u8| match byte {
                b',' => Some(b'.'),
                b'.' => None,
                other => Some(other),
            };
            fast_float2::parse(cell.iter().map(comma).collect::<Option<Vec<u8>>>()?).ok()?
        } else {
            fast_float2::parse(cell).ok()?
        };
        (!number.is_nan()).then_some(number)
    }

    /// Parses the number that these bytes begin with and says where it ends, if it stands for
    /// itself. It may go on there, so whoever asks looks at what follows.
    #[inline]
    pub(super) fn at_start(&self, bytes: &[u8]) -> Option<(f64, usize)> {
        if self.decimal_comma {
            return None;
        }
        let (number, end) = match short(bytes) {
            Some(found) => found,
            None => fast_float2::parse_partial::<f64, _>(bytes).ok()?,
        };
        (!number.is_nan() && !self.sentinels.contains(&number)).then_some((number, end))
    }
}

/// Parses a number that begins with at most eight digits, and has at most eight behind a point;
/// there may be more of it behind its end. It is the quotient of two whole numbers that a double
/// holds exactly, so it is the double nearest to what is written.
#[inline]
fn short(bytes: &[u8]) -> Option<(f64, usize)> {
    const POWERS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let bytes = bytes.first_chunk::<LOOKED_AT>()?;
    let negative = bytes[0] == b'-';
    let (whole, count) = digits(bytes, usize::from(negative));
    if count == 0 {
        return None;
    }
    let mut end = usize::from(negative) + count;
    let mut number = whole as f64;
    if bytes[end] == b'.' {
        let (part, count) = digits(bytes, end + 1);
        let power = POWERS[count];
        let parts = whole * power + part;
        if parts > 1 << f64::MANTISSA_DIGITS {
            return None;
        }
        number = parts as f64 / power as f64;
        end += 1 + count;
    }
    Some((if negative { -number } else { number }, end))
}

/// A sign, eight digits, a point and eight more.
const LOOKED_AT: usize = 18;

/// Returns the number that up to eight digits from `at` on are, and how many they are.
#[inline]
fn digits(bytes: &[u8; LOOKED_AT], at: usize) -> (u64, usize) {
    const EACH: u64 = u64::MAX / 255;
    let Some(eight) = bytes.get(at..at + 8).and_then(|eight| eight.first_chunk()) else { return (0, 0) };
    let word = u64::from_le_bytes(*eight) ^ (EACH * u64::from(b'0'));
    // The highest bit of each byte that is no digit. A carry spoils only what comes behind one.
    let others = (word.wrapping_add(EACH * 0x76) | word) & (EACH << 7);
    let count = others.trailing_zeros() / 8;
    // Zeros in front, and then pairs of digits, of pairs, and of those.
    let word = word.checked_shl(64 - 8 * count).unwrap_or(0);
    let word = word.wrapping_mul(10 * 256 + 1) >> 8 & (EACH / 257 * 255);
    let word = word.wrapping_mul(100 * 65_536 + 1) >> 16 & 0x0000_ffff_0000_ffff;
    (word.wrapping_mul((10_000 << 32) + 1) >> 32, count as usize)
}

/// Returns the number of half precision that has these bits.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::MISSING_NUMBERS;

    fn usual(decimal_comma: bool) -> NumberFormat {
        NumberFormat::new(&MISSING_NUMBERS.map(String::from), decimal_comma)
    }

    #[test]
    fn numbers_and_missing_ones_are_told_from_other_text() {
        let points = usual(false);
        for (text, number) in [("1", 1.0), (" -2.5e3 ", -2500.0), ("+.5", 0.5), ("7.", 7.0), ("inf", f64::INFINITY)] {
            assert_eq!(points.parse(text.as_bytes()), Some(number), "{text}");
        }
        for text in MISSING_NUMBERS {
            assert!(points.parse(text.as_bytes()).unwrap().is_nan(), "{text}");
        }
        for text in ["1,234", "1 234", "1_000", "0x10", "5%", "$3", "1e", "--1", "NAN", "true", "1.2.3", "\u{663}"] {
            assert_eq!(points.parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn short_numbers_are_those_that_the_standard_library_parses() {
        let mut count = 0;
        for sign in ["", "-"] {
            for whole in ["0", "7", "42", "007", "999", "1234567", "12345678", "98765432", "90071992"] {
                for part in ["", ".", ".0", ".5", ".25", ".0625", ".1234567", ".98765432", ".54740993"] {
                    let text = format!("{sign}{whole}{part}");
                    for follows in [",9999999999999999999", "\n-------------------", "e5                 "] {
                        let found = short(format!("{text}{follows}").as_bytes());
                        let parsed: f64 = text.parse().unwrap();
                        if let Some((number, end)) = found {
                            assert_eq!((number.to_bits(), end), (parsed.to_bits(), text.len()), "{text}");
                            count += 1;
                        }
                    }
                }
            }
        }
        assert!(count > 450, "{count}");
        for text in ["", "-", ".5", "x", "+1", "--1", "/1", ":1"] {
            assert_eq!(short(format!("{text},                        ").as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_comma_is_one_only_where_it_was_said() {
        assert_eq!(usual(true).parse(b"-1,5"), Some(-1.5));
        assert_eq!(usual(true).parse(b"1.234,5"), None);
        assert_eq!(usual(true).at_start(b"1,5"), None);
        assert_eq!(usual(false).at_start(b"1,5"), Some((1.0, 1)));
        assert_eq!(usual(false).at_start(b"1,5 and much that follows"), Some((1.0, 1)));
    }

    #[test]
    fn a_number_that_stands_for_a_missing_one_does_so_in_every_spelling() {
        let format = NumberFormat::new(&["-999".into(), "unknown".into()], false);
        for text in ["-999", "-999.0", "-9.99e2", "unknown", ""] {
            assert!(format.parse(text.as_bytes()).unwrap().is_nan(), "{text}");
        }
        assert_eq!(format.at_start(b"-999.0,"), None);
        assert_eq!((format.parse(b"NA"), format.parse(b"nan")), (None, None));
    }

    #[test]
    fn every_half_is_the_number_that_its_bits_mean() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (1, 5.960_464_477_539_063e-8),
            (0x3555, 0.333_251_953_125),
        ] {
            assert_eq!(half(bits), number);
        }
        assert_eq!((half(0x7c00), half(0xfc00)), (f64::INFINITY, f64::NEG_INFINITY));
        assert!(half(0x7e00).is_nan());
    }
}
