//! The types of an IDX file's values.

use std::fmt;

/// The type of an array's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// 08: a byte from 0 to 255.
    UnsignedByte,
    /// 09: a byte from -128 to 127.
    SignedByte,
    /// 0b: an integer of 16 bits.
    Short,
    /// 0c: an integer of 32 bits.
    Int,
    /// 0d: a float of 32 bits.
    Float,
    /// 0e: a float of 64 bits.
    Double,
}

impl Element {
    /// Returns the type that a file names by this byte.
    pub(super) fn of(code: u8) -> Option<Element> {
        Some(match code {
            0x08 => Element::UnsignedByte,
            0x09 => Element::SignedByte,
            0x0b => Element::Short,
            0x0c => Element::Int,
            0x0d => Element::Float,
            0x0e => Element::Double,
            _ => return None,
        })
    }

    /// Returns how many bytes a value takes.
    pub fn size(self) -> usize {
        match self {
            Element::UnsignedByte | Element::SignedByte => 1,
            Element::Short => 2,
            Element::Int | Element::Float => 4,
            Element::Double => 8,
        }
    }

    /// Returns a value; it has as many bytes as [`Element::size`] says, the highest first.
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        let bits = bytes.iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
        match self {
            Element::UnsignedByte => bits as u8 as f64,
            Element::SignedByte => f64::from(bits as i8),
            Element::Short => f64::from(bits as i16),
            Element::Int => f64::from(bits as i32),
            Element::Float => f64::from(f32::from_bits(bits as u32)),
            Element::Double => f64::from_bits(bits),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Element::UnsignedByte => "unsigned byte",
            Element::SignedByte => "signed byte",
            Element::Short => "16-bit integer",
            Element::Int => "32-bit integer",
            Element::Float => "32-bit float",
            Element::Double => "64-bit float",
        })
    }
}
