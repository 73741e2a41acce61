//! CSV and its relatives: a row a line, a delimiter between cells, quotes around those that hold
//! delimiters or newlines.
//!
//! A quote opens a cell only as its first character; elsewhere it is a character like any other, as
//! in `5" disk`. Inside, two quotes are one. Rows end with a newline, or a carriage return and a
//! newline. Lines without anything are left out. There are no comments.

mod dialect;

mod parse;

pub(super) use dialect::guess;

use parse::{first_record, records};

use super::cut::{Cutter, Quoting};
use super::pipeline::{Parse, Pipeline};
use super::{Ignored, Opened, Threads, names};
use crate::block::ReadAs;
use crate::error::{Error, Place, Result};
use crate::source::ByteSource;
use parse::{Column, Syntax};

/// How cells are told from each other, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
}

impl Dialect {
    /// Checks the characters of a format.
    pub(super) fn new(delimiter: char, quote: Option<char>) -> Result<Dialect, String> {
        let byte = |char: char, what: &str| match u8::try_from(char) {
            Ok(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\r\n+-.\0".contains(&byte) => Ok(byte),
            _ => Err(format!("the {what} {char:?} cannot be one: choose an ASCII character that belongs to no number")),
        };
        let dialect =
            Dialect { delimiter: byte(delimiter, "delimiter")?, quote: quote.map(|q| byte(q, "quote")).transpose()? };
        if dialect.quote == Some(dialect.delimiter) {
            return Err(format!("{delimiter:?} is the delimiter and the quote; they must differ"));
        }
        Ok(dialect)
    }

    fn quoting(self) -> Option<Quoting> {
        self.quote.map(|quote| Quoting { quote, delimiter: self.delimiter })
    }
}

/// Opens a file of this dialect.
pub(super) fn open(
    source: ByteSource,
    dialect: Dialect,
    (header, decimal_comma): (bool, bool),
    wanted: &dyn Fn(&str) -> ReadAs,
    threads: Threads,
) -> Result<Opened> {
    let path = source.path().to_path_buf();
    let watch = source.watch();
    let failed = |line: u64, reason: String| match watch.check() {
        Ok(()) => Error::format(&path, Place::of_line(line), reason),
        Err(changed) => changed,
    };
    let mut cutter = Cutter::new(source, dialect.quoting(), threads.chunk);
    let mut buffer = Vec::new();
    let (mut lines, mut first) = (0, None);
    while first.is_none() && cutter.next(&mut buffer)? {
        first = first_record(&buffer, dialect).map_err(|(line, reason)| failed(lines + line, reason))?;
        if first.is_none() {
            lines += memchr::memchr_iter(b'\n', &buffer).count() as u64;
        }
    }
    let Some(first) = first else {
        return Err(Error::format(&path, Place::default(), "is empty"));
    };
    let names = if header {
        names::of_header(&first.cells).map_err(|reason| failed(lines + first.line, reason))?
    } else {
        names::numbered(first.cells.len())
    };
    if header {
        lines += first.lines;
        cutter.put_back(&buffer[first.end..]);
    } else {
        cutter.put_back(&buffer);
    }
    let columns = names.iter().map(|name| Column::new(wanted(name), decimal_comma)).collect();
    let syntax = Syntax { dialect, columns };
    let blocks = Pipeline::new(cutter, lines, names.clone(), syntax, threads.count)?;
    Ok(Opened { names, blocks: Box::new(blocks), ignored: Ignored::default() })
}

impl Parse for Syntax {
    fn parse(&self, chunk: &[u8]) -> Result<super::pipeline::Parsed, super::pipeline::Fault> {
        self.rows(chunk)
    }
}
