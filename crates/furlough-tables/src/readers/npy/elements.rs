//! The types of an array's values.

use super::super::number::half;

/// A type of values, as NumPy's `dtype.str` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    kind: Kind,
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Signed,
    Unsigned,
    Float,
    /// Text in some encoding that has ASCII, filled up with zeros.
    Bytes,
    /// UTF-32, filled up with zeros.
    Characters,
}

/// The most bytes of a string.
const LONGEST: usize = 1 << 24;

impl Element {
    pub(super) fn parse(described: &str) -> Result<Element, String> {
        let refused = |advice: &str| Err(format!("has values of type {described:?}, which are not read; {advice}"));
        let big_endian = described.starts_with('>');
        let name = described.trim_start_matches(['<', '>', '|', '=']);
        let mut letters = name.chars();
        let (kind, size) = (letters.next(), letters.as_str().parse::<usize>());
        let (kind, size) = match (kind, size) {
            (Some('b'), Ok(1)) => (Kind::Boolean, 1),
            (Some('i'), Ok(size @ (1 | 2 | 4 | 8))) => (Kind::Signed, size),
            (Some('u'), Ok(size @ (1 | 2 | 4 | 8))) => (Kind::Unsigned, size),
            (Some('f'), Ok(size @ (2 | 4 | 8))) => (Kind::Float, size),
            (Some('S'), Ok(size @ 1..=LONGEST)) => (Kind::Bytes, size),
            (Some('U'), Ok(size @ 1..=LONGEST)) => (Kind::Characters, 4 * size),
            (Some('O'), _) => return refused("save numbers or strings, not Python's objects"),
            (Some('M' | 'm'), _) => return refused("save dates as strings"),
            (Some('c'), _) => return refused("save real and imaginary parts as columns"),
            _ => return refused("save float64, an integer type, or strings"),
        };
        Ok(Element { kind, size, big_endian })
    }

    pub(super) fn size(self) -> usize {
        self.size
    }

    /// Returns the value as a number; none is in a string.
    #[inline]
    pub(super) fn number(self, bytes: &[u8]) -> Option<f64> {
        Some(match self.kind {
            Kind::Bytes | Kind::Characters => return None,
            Kind::Float => match self.size {
                2 => half(self.unsigned(bytes) as u16),
                4 => f32::from_bits(self.unsigned(bytes) as u32).into(),
                _ => f64::from_bits(self.unsigned(bytes)),
            },
            Kind::Signed => self.signed(bytes) as f64,
            Kind::Unsigned => self.unsigned(bytes) as f64,
            Kind::Boolean => f64::from(u8::from(bytes[0] != 0)),
        })
    }

    /// Returns the value as text, `None` for NaN; or what is wrong with it.
    pub(super) fn text(self, bytes: &[u8]) -> Result<Option<String>, (String, String)> {
        Ok(Some(match self.kind {
            Kind::Boolean => if bytes[0] == 0 { "false" } else { "true" }.into(),
            Kind::Signed => self.signed(bytes).to_string(),
            Kind::Unsigned => self.unsigned(bytes).to_string(),
            Kind::Float => match self.number(bytes).unwrap_or(f64::NAN) {
                number if number.is_nan() => return Ok(None),
                number if self.size < 8 => (number as f32).to_string(),
                number => number.to_string(),
            },
            Kind::Bytes => {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                let text = String::from_utf8(bytes[..end].to_vec());
                text.map_err(|error| (String::from_utf8_lossy(error.as_bytes()).into(), "is not UTF-8".into()))?
            }
            Kind::Characters => {
                let word = |four: &[u8]| Element { kind: Kind::Unsigned, size: 4, ..self }.unsigned(four) as u32;
                let words: Vec<u32> = bytes.chunks_exact(4).map(word).collect();
                let end = words.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1);
                let bad = |word: u32| (format!("U+{word:04X}"), "is no character".to_string());
                words[..end]
                    .iter()
                    .map(|&word| char::from_u32(word).ok_or_else(|| bad(word)))
                    .collect::<Result<_, _>>()?
            }
        }))
    }

    #[inline]
    fn unsigned(self, bytes: &[u8]) -> u64 {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        if self.big_endian {
            eight[..bytes.len()].reverse();
        }
        u64::from_le_bytes(eight)
    }

    #[inline]
    fn signed(self, bytes: &[u8]) -> i64 {
        let shift = 64 - 8 * self.size;
        (self.unsigned(bytes) << shift) as i64 >> shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_type_are_read_in_both_orders() {
        let number = |name: &str, bytes: &[u8]| Element::parse(name).unwrap().number(bytes).unwrap();
        assert_eq!(number("<i2", &[0xfe, 0xff]), -2.0);
        assert_eq!(number(">i4", &[0xff, 0xff, 0xff, 0xfd]), -3.0);
        assert_eq!(number("|u1", &[200]), 200.0);
        assert_eq!(number("|i1", &[200]), -56.0);
        assert_eq!(number("<u8", &[0xff; 8]), u64::MAX as f64);
        assert_eq!(number(">f4", &1.5f32.to_be_bytes()), 1.5);
        assert_eq!(number("<f8", &(-0.1f64).to_le_bytes()), -0.1);
        assert_eq!(number("|b1", &[1]), 1.0);
        let text = |name: &str, bytes: &[u8]| Element::parse(name).unwrap().text(bytes);
        assert_eq!(text("|S4", b"ab\0\0").unwrap().unwrap(), "ab");
        assert_eq!(text("<U2", &[0xe9, 0, 0, 0, 0, 0, 0, 0]).unwrap().unwrap(), "é");
        assert_eq!(text(">U1", &[0, 0, 0, 0x61]).unwrap().unwrap(), "a");
        assert_eq!(text("<f4", &0.1f32.to_le_bytes()).unwrap().unwrap(), "0.1");
        assert_eq!(text("<f8", &f64::NAN.to_le_bytes()).unwrap(), None);
        assert_eq!(text("<i8", &i64::MIN.to_le_bytes()).unwrap().unwrap(), i64::MIN.to_string());
        assert!(text("|S1", b"\xff").is_err() && text("<U1", &[0, 0xd8, 0, 0]).is_err());
    }

    #[test]
    fn types_that_are_no_numbers_are_refused_with_what_to_do() {
        for (name, advice) in
            [("|O", "not Python's objects"), ("<M8[ns]", "dates"), ("<c16", "real"), ("<f16", "float64")]
        {
            let error = Element::parse(name).unwrap_err();
            assert!(error.contains(advice) && error.contains(name), "{error}");
        }
    }
}
