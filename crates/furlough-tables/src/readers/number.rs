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

    /// Parses the number that these bytes begin with and says where it ends, if it is written plainly
    /// and stands for itself.
    #[inline]
    pub(super) fn at_start(&self, bytes: &[u8]) -> Option<(f64, usize)> {
        if self.decimal_comma {
            return None;
        }
        let (number, end) = fast_float2::parse_partial::<f64, _>(bytes).ok()?;
        (!number.is_nan() && !self.sentinels.contains(&number)).then_some((number, end))
    }
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
    fn a_decimal_comma_is_one_only_where_it_was_said() {
        assert_eq!(usual(true).parse(b"-1,5"), Some(-1.5));
        assert_eq!(usual(true).parse(b"1.234,5"), None);
        assert_eq!(usual(true).at_start(b"1,5"), None);
        assert_eq!(usual(false).at_start(b"1,5"), Some((1.0, 1)));
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
}
