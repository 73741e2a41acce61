//! What one cell means as a number or a boolean.

use crate::block::MISSING_NUMBERS;

/// Returns the number that a text is, blanks around it left out, as the readers parse it.
pub(crate) fn number_of(text: &str, decimal_comma: bool) -> Option<f64> {
    let text = text.trim_ascii();
    let number: f64 = match decimal_comma {
        // A point would be one of two, or separate thousands.
        true if text.contains('.') => return None,
        true => fast_float2::parse(text.replacen(',', ".", 1)).ok()?,
        false => fast_float2::parse(text).ok()?,
    };
    (!number.is_nan()).then_some(number)
}

/// Returns a number as it is written: whole numbers without a point.
pub(crate) fn number_text(number: f64) -> String {
    let shortest = number.to_string();
    // Beyond so many digits the exponent is the shorter way.
    if shortest.len() > 20 { format!("{number:e}") } else { shortest }
}

/// Whether a text is a usual spelling of a missing number.
pub(crate) fn is_missing_number(text: &str) -> bool {
    MISSING_NUMBERS.contains(&text.trim_ascii())
}

/// The pairs of spellings, no first. Upper and lower case are the same.
const PAIRS: [[&str; 2]; 7] =
    [["0", "1"], ["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"], ["off", "on"], ["0.0", "1.0"]];

/// Returns which pair of spellings a text is of, and whether it is a yes.
pub(crate) fn boolean_of(text: &str) -> Option<(usize, bool)> {
    let text = text.trim();
    let of = |(pair, spellings): (usize, &[&str; 2])| {
        let place = spellings.iter().position(|spelling| spelling.eq_ignore_ascii_case(text))?;
        Some((pair, place == 1))
    };
    PAIRS.iter().enumerate().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_a_point_or_a_comma_but_never_both() {
        assert_eq!(number_of(" -1.5e3", false), Some(-1500.0));
        assert_eq!(number_of("1,5", true), Some(1.5));
        for (text, comma) in [
            ("1,5", false),
            ("1.5", true),
            ("nan", false),
            ("1.000,5", true),
            ("1,000,5", true),
            ("", false),
            ("1 2", false),
        ] {
            assert_eq!(number_of(text, comma), None, "{text}");
        }
        assert_eq!(number_of("inf", false), Some(f64::INFINITY));
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (number, text) in [(3.0, "3"), (-0.25, "-0.25"), (1e300, "1e300"), (1e-300, "1e-300"), (0.1, "0.1")] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn booleans_have_pairs() {
        assert_eq!(boolean_of("TRUE"), Some((1, true)));
        assert_eq!(boolean_of("f"), Some((3, false)));
        assert_eq!(boolean_of("2"), None);
    }
}
