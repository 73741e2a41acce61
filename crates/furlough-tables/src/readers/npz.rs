//! Several arrays of NumPy in one file, which is a ZIP archive. The file must be one that can be
//! sought in.
//!
//! An array of one dimension is a column of its name. The columns of one with more are called by
//! its name and their place, `pixels0`; only those of `X` are called x0, x1, …

use super::npy::{Array, Table};
use super::{FileFormat, Ignored, Opened, Threads, names};
use crate::block::ReadAs;
use crate::error::{Error, Place, Result};
use crate::source::Watch;
use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// A file of the archive.
#[derive(Debug)]
struct Entry {
    name: String,
    deflated: bool,
    compressed: u64,
    checksum: u32,
    /// Where its own header begins.
    offset: u64,
}

fn refused(path: &Path, reason: impl Into<String>) -> Error {
    Error::format(path, Place::default(), reason)
}

/// Finds out which arrays make a table: all that have as many rows as `X`, or as the first one.
pub(super) fn sniff(path: &Path) -> Result<FileFormat> {
    let entries = entries(path)?;
    if entries.iter().any(|entry| entry.name == "[Content_Types].xml") {
        return Err(refused(path, "is an Excel workbook; save the sheet as CSV"));
    }
    let mut arrays = Vec::new();
    for entry in &entries {
        if let Some(name) = entry.name.strip_suffix(".npy") {
            arrays.push((name.to_string(), open_entry(path, name, entry)?.rows()));
        }
    }
    let features = arrays.iter().find(|(name, _)| is_features(name)).or(arrays.first());
    let Some(rows) = features.map(|(_, rows)| *rows) else {
        return Err(refused(path, "is a ZIP archive without arrays of NumPy; unpack it first"));
    };
    Ok(FileFormat::Npz { arrays: arrays.into_iter().filter(|array| array.1 == rows).map(|array| array.0).collect() })
}

fn is_features(name: &str) -> bool {
    name.eq_ignore_ascii_case("x")
}

/// Opens the named arrays as one table.
pub(super) fn open(
    path: &Path,
    arrays: &[String],
    wanted: &dyn Fn(&str) -> ReadAs,
    threads: Threads,
) -> Result<Opened> {
    let entries = entries(path)?;
    let (mut opened, mut all_names) = (Vec::<Array>::new(), Vec::new());
    for name in arrays {
        let entry = entries.iter().find(|entry| entry.name.strip_suffix(".npy") == Some(name));
        let there =
            || entries.iter().filter_map(|entry| entry.name.strip_suffix(".npy")).collect::<Vec<_>>().join(", ");
        let entry = entry.ok_or_else(|| refused(path, format!("has no array {name}; it has {}", there())))?;
        let array = open_entry(path, name, entry)?;
        if let Some(first) = opened.first().filter(|first| first.rows() != array.rows()) {
            let rows = (first.rows(), array.rows());
            let reason = format!(
                "array {} has {} rows and {name} has {}; choose arrays of one length",
                arrays[0], rows.0, rows.1
            );
            return Err(refused(path, reason));
        }
        match array.is_one_column() {
            true => all_names.push(name.clone()),
            false => {
                let prefix = if is_features(name) { "x" } else { &name[..] };
                all_names.extend((0..array.columns()).map(|column| format!("{prefix}{column}")));
            }
        }
        opened.push(array);
    }
    if opened.is_empty() {
        return Err(refused(path, "no array was chosen"));
    }
    names::all_different(&all_names).map_err(|reason| refused(path, reason))?;
    let blocks = Table::new(opened, all_names.clone(), wanted, threads)?;
    Ok(Opened { names: all_names, blocks: Box::new(blocks), ignored: Ignored::default() })
}

fn open_entry(path: &Path, name: &str, entry: &Entry) -> Result<Array> {
    let content = content(path, entry).map_err(|error| cannot_read(path, error))?;
    Array::open(path, Some(name), content)
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            refused(path, format!("the ZIP archive is damaged or cut off: {error}"))
        }
        _ => Error::io("read", path)(error),
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A number of `size` bytes at `at`, the lowest byte first.
fn number(bytes: &[u8], at: usize, size: usize) -> io::Result<u64> {
    let field = bytes.get(at..at.saturating_add(size)).ok_or_else(|| damaged("a field is missing"))?;
    Ok(field.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// Reads `size` bytes at `offset`, of which the archive must have so many.
fn piece(file: &mut File, offset: u64, size: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < size { Err(damaged("it ends too early")) } else { Ok(bytes) }
}

/// Reads the archive's list of files.
fn entries(path: &Path) -> Result<Vec<Entry>> {
    let read = || {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        // The end, which a comment of at most 64 KiB may follow.
        let start = size.saturating_sub(22 + 0xffff);
        let tail = piece(&mut file, start, size - start)?;
        let end = memchr::memmem::rfind(&tail, b"PK\x05\x06").filter(|end| tail.len() - end >= 22);
        let end = end.ok_or_else(|| damaged("its list of files is missing"))?;
        let (mut length, mut offset) = (number(&tail, end + 12, 4)?, number(&tail, end + 16, 4)?);
        if offset == 0xffff_ffff || length == 0xffff_ffff {
            let locator = end.checked_sub(20).ok_or_else(|| damaged("its list of files is missing"))?;
            let wide = piece(&mut file, number(&tail, locator + 8, 8)?, 56)?;
            (length, offset) = (number(&wide, 40, 8)?, number(&wide, 48, 8)?);
        }
        if length > size {
            return Err(damaged("its list of files is longer than it"));
        }
        list(&piece(&mut file, offset, length)?)
    };
    read().map_err(|error| cannot_read(path, error))
}

fn list(bytes: &[u8]) -> io::Result<Vec<Entry>> {
    let (mut at, mut entries) = (0, Vec::new());
    while bytes.get(at..at + 4) == Some(b"PK\x01\x02") {
        let field = |offset, size| number(bytes, at + offset, size);
        let (name, extra, comment) = (field(28, 2)? as usize, field(30, 2)? as usize, field(32, 2)? as usize);
        let method = field(10, 2)?;
        if field(8, 2)? & 1 == 1 || !matches!(method, 0 | 8) {
            return Err(damaged("a file in it is encrypted, or compressed in a way that NumPy does not use"));
        }
        let text = bytes.get(at + 46..at + 46 + name).ok_or_else(|| damaged("a name is missing"))?;
        let mut entry = Entry {
            name: String::from_utf8_lossy(text).into_owned(),
            deflated: method == 8,
            compressed: field(20, 4)?,
            checksum: field(16, 4)? as u32,
            offset: field(42, 4)?,
        };
        let more = bytes.get(at + 46 + name..at + 46 + name + extra).ok_or_else(|| damaged("a field is missing"))?;
        widen(&mut entry, field(24, 4)?, more)?;
        entries.push(entry);
        at += 46 + name + extra + comment;
    }
    Ok(entries)
}

/// Takes sizes that have no room in their fields from the additional ones.
fn widen(entry: &mut Entry, size: u64, mut more: &[u8]) -> io::Result<()> {
    const WIDE: u64 = 0xffff_ffff;
    while more.len() >= 4 {
        let (kind, length) = (number(more, 0, 2)?, number(more, 2, 2)? as usize);
        let field = more.get(4..4 + length).ok_or_else(|| damaged("a field is missing"))?;
        if kind == 1 {
            let mut at = if size == WIDE { 8 } else { 0 };
            for value in [&mut entry.compressed, &mut entry.offset] {
                if *value == WIDE {
                    *value = number(field, at, 8)?;
                    at += 8;
                }
            }
        }
        more = &more[4 + length..];
    }
    Ok(())
}

/// The content of a file of the archive.
fn content(path: &Path, entry: &Entry) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    let watch = Watch::of(path, file.try_clone()?)?;
    let header = piece(&mut file, entry.offset, 30)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(damaged("a file is not where its list says"));
    }
    let skipped = 30 + number(&header, 26, 2)? + number(&header, 28, 2)?;
    file.seek(SeekFrom::Start(entry.offset.saturating_add(skipped)))?;
    let stored = BufReader::with_capacity(1 << 17, file.take(entry.compressed));
    let bytes: Box<dyn Read + Send> =
        if entry.deflated { Box::new(DeflateDecoder::new(stored)) } else { Box::new(stored) };
    Ok(Box::new(Checked { bytes: CrcReader::new(bytes), checksum: entry.checksum, watch }))
}

/// A content whose checksum is looked at when it ends.
struct Checked {
    bytes: CrcReader<Box<dyn Read + Send>>,
    checksum: u32,
    watch: Watch,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.watch.check().map_err(io::Error::other)?;
            if self.bytes.crc().sum() != self.checksum {
                return Err(damaged("its checksum is not that of its content"));
            }
        }
        Ok(count)
    }
}
