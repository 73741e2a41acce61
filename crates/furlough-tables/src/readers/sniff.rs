//! Finds out what a file is.

use super::csv::guess;
use super::{FileFormat, npz};
use crate::error::{Error, Place, Result};
use crate::source::ByteSource;
use std::path::Path;

/// How many bytes of a file are looked at.
const SAMPLE: usize = 1 << 18;

/// Finds out what format a file has, by its content, and by its name where that tells nothing.
/// Standard input cannot be read again: copy it first ([`Rereadable`](crate::source::Rereadable)).
pub fn sniff(path: &Path) -> Result<FileFormat> {
    let wrong = |reason: &str| Err(Error::format(path, Place::default(), reason));
    let mut source = ByteSource::open(path)?;
    let mut sample = Vec::new();
    let complete = source.fill(&mut sample, SAMPLE)?;
    match &sample[..] {
        [b'\x93', b'N', b'U', b'M', b'P', b'Y', ..] => return Ok(FileFormat::Npy),
        [b'P', b'K', 3, 4, ..] => return npz::sniff(path),
        [b'P', b'A', b'R', b'1' | b'E', ..] => return Ok(FileFormat::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => return Ok(FileFormat::Arrow),
        [b'F', b'E', b'A', b'1', ..] => {
            return wrong("is Feather of version 1, which is not read; write it as version 2, CSV or NPY");
        }
        [0x89, b'H', b'D', b'F', ..] => return wrong("is HDF5, which is not read; write it as CSV or NPY"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return wrong("is an old Excel workbook; save the sheet as CSV"),
        sample if sample.starts_with(b"SQLite format 3") => return wrong("is a database; export the table as CSV"),
        sample if sample.contains(&0) => return wrong("is no text: it holds zero bytes, and no format that is known"),
        sample if sample.trim_ascii().is_empty() && complete => return wrong("is empty"),
        _ => {}
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    let first = sample.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    let first = first.unwrap_or_default();
    let is_object = first.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(first).is_ok();
    if is_object || ["jsonl", "ndjson"].contains(&&extension[..]) {
        return Ok(FileFormat::JsonLines);
    }
    if extension == "json" {
        return wrong("is JSON, but not an object a line; write it so, for example with `jq -c '.[]'`");
    }
    Ok(guess(&sample, complete, &extension))
}
