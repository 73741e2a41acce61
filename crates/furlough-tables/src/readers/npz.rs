//! Several arrays of NumPy in one file, which is a ZIP archive. The file must be one that can be
//! sought in.
//!
//! An array of one dimension is a column of its name. The columns of one with more are called by
//! its name and their place, `pixels0`; only those of `X` are called x0, x1, …

use super::npy::{Array, Table};
use super::{FileFormat, Ignored, Opened, Threads, names};
use crate::block::ReadAs;
use crate::error::{Error, Place, Result};
use crate::source::{Expansion, Watch};
use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// A file of the archive.
#[derive(Debug)]
struct Entry {
    name: String,
    deflated: bool,
    compressed: u64,
    checksum: u32,
    /// Where its content begins.
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

/// Reads the archive's list of files. No two may share bytes: an archive of a few kilobytes could
/// hold any amount by that.
fn entries(path: &Path) -> Result<Vec<Entry>> {
    let read = || {
        let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
        if archive.has_overlapping_entries()? {
            return Err(damaged("two files in it overlap").into());
        }
        (0..archive.len()).map(|index| entry(&archive.by_index_raw(index)?)).collect()
    };
    read().map_err(|error| match error {
        ZipError::Io(error) => cannot_read(path, error),
        other => cannot_read(path, damaged(&other.to_string())),
    })
}

fn entry(file: &ZipFile<'_, impl Read>) -> Result<Entry, ZipError> {
    let deflated = file.compression() == CompressionMethod::Deflated;
    if file.encrypted() || !(deflated || file.compression() == CompressionMethod::Stored) {
        return Err(damaged("a file in it is encrypted, or compressed in a way that NumPy does not use").into());
    }
    let offset = file.data_start().ok_or_else(|| damaged("a file is not where its list says"))?;
    let name = file.name()?.into_owned();
    Ok(Entry { name, deflated, compressed: file.compressed_size(), checksum: file.crc32(), offset })
}

/// The content of a file of the archive.
fn content(path: &Path, entry: &Entry) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    let watch = Watch::of(path, file.try_clone()?)?;
    file.seek(SeekFrom::Start(entry.offset))?;
    let expansion = Expansion::of(path);
    let stored = BufReader::with_capacity(1 << 17, expansion.compressed(file.take(entry.compressed)));
    let bytes: Box<dyn Read + Send> = match entry.deflated {
        true => Box::new(expansion.content(DeflateDecoder::new(stored))),
        false => Box::new(stored),
    };
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
