//! The header of an array: a literal of Python with type, order and shape.

use super::super::cut::LONGEST_ROW;
use super::elements::Element;
use std::io::{self, Read};

/// The most bytes that a header may have.
const LONGEST: usize = 1 << 20;

/// How an array lies in its file.
pub(super) struct Header {
    pub(super) element: Element,
    /// Whether columns lie one behind the other, and not rows.
    pub(super) fortran: bool,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) one_dimension: bool,
}

impl Header {
    pub(super) fn bytes(&self) -> usize {
        self.rows * self.columns * self.element.size()
    }
}

/// Reads a header and leaves the input at the first value.
pub(super) fn read(input: &mut impl Read) -> io::Result<Header> {
    let mut start = [0; 8];
    input.read_exact(&mut start)?;
    let length = match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => {
            let mut length = [0; 2];
            input.read_exact(&mut length)?;
            u16::from_le_bytes(length) as usize
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => {
            let mut length = [0; 4];
            input.read_exact(&mut length)?;
            u32::from_le_bytes(length) as usize
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', version, _] => {
            return Err(wrong(format!("is of version {version} of the format; versions 1 to 3 are read")));
        }
        _ => return Err(wrong("is no array of NumPy".into())),
    };
    if length > LONGEST {
        return Err(wrong(format!("has a header of {length} bytes; {LONGEST} are the most")));
    }
    let mut text = vec![0; length];
    input.read_exact(&mut text)?;
    parse(&String::from_utf8_lossy(&text)).map_err(wrong)
}

fn wrong(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn parse(text: &str) -> Result<Header, String> {
    let after = |key: &str| {
        let found = text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
        found.ok_or_else(|| format!("has a header without {key}"))
    };
    let described = after("descr")?;
    if described.starts_with('[') {
        return Err("has fields of several types; save each field as an array of its own".into());
    }
    let described = described.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map(|(name, _)| name);
    let element = Element::parse(described.ok_or("has a header without a type")?)?;
    let fortran = match after("fortran_order")? {
        rest if rest.starts_with("True") => true,
        rest if rest.starts_with("False") => false,
        _ => return Err("has a header without an order".into()),
    };
    let shape = after("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(shape, _)| shape);
    let size = |text: &str| text.trim().parse::<usize>().map_err(|_| format!("has a side of length {text:?}"));
    let shape = shape.ok_or("has a header without a shape")?;
    let sides = shape.split(',').filter(|side| !side.trim().is_empty()).map(size).collect::<Result<Vec<_>, _>>()?;
    let [rows, rest @ ..] = &sides[..] else {
        return Err("is one value and no table".into());
    };
    if fortran && rest.len() > 1 {
        return Err("has three dimensions or more in Fortran's order; save it in C's order".into());
    }
    let columns = rest.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
    let row = columns.and_then(|columns| columns.checked_mul(element.size().max(8)));
    match (columns, row) {
        (Some(0), _) => Err("has no columns".into()),
        (Some(columns), Some(row)) if row <= LONGEST_ROW && rows.checked_mul(row).is_some() => {
            Ok(Header { element, fortran, rows: *rows, columns, one_dimension: rest.is_empty() })
        }
        _ => Err(format!("has the shape ({shape}); a row may have at most {} MiB", LONGEST_ROW >> 20)),
    }
}
