//! What the footer of a file says, checked against the file.

use super::bytes::FileBytes;
use super::cells::Kind;
use crate::readers::cell::NESTED;
use crate::readers::names;
use ::parquet::basic::{Compression, Repetition};
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::{ChunkReader, Length};

/// A column that the footer names.
pub(super) struct FoundColumn {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// How many bytes it has, decompressed.
    pub(super) bytes: u64,
}

/// Checks that a file begins and ends as Parquet does.
pub(super) fn check_ends(bytes: &FileBytes) -> Result<(), String> {
    let magic = |offset| bytes.get_bytes(offset, 4).map_err(|_| "is too short to be Parquet".to_string());
    let (first, last) = (magic(0)?, magic(bytes.len().saturating_sub(4))?);
    match (&first[..], &last[..]) {
        (b"PAR1", b"PAR1") if bytes.len() >= 12 => Ok(()),
        (b"PARE", _) => Err("is encrypted Parquet, which is not read; write it without encryption".into()),
        (b"PAR1", _) => Err("is Parquet that was cut off: its end is missing; write or copy it again".into()),
        _ => Err("is no Parquet: it does not begin with PAR1".into()),
    }
}

/// Returns how many rows each row group has, if all that is said of them can be.
pub(super) fn checked_groups(metadata: &ParquetMetaData, bytes: &FileBytes) -> Result<Vec<usize>, String> {
    let lies = |what: String| format!("has a footer that lies: {what}");
    let leaves = metadata.file_metadata().schema_descr().num_columns();
    let (mut groups, mut all) = (Vec::new(), 0i64);
    for (place, group) in metadata.row_groups().iter().enumerate() {
        let rows = usize::try_from(group.num_rows()).ok().filter(|&rows| rows <= 1 << 40);
        let rows = rows.ok_or_else(|| lies(format!("row group {} has {} rows", place + 1, group.num_rows())))?;
        if group.num_columns() != leaves {
            return Err(lies(format!("row group {} has {} columns of {leaves}", place + 1, group.num_columns())));
        }
        for chunk in group.columns() {
            let name = chunk.column_descr().name();
            let begin = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let end = begin.checked_add(chunk.compressed_size());
            let inside = begin >= 4
                && chunk.compressed_size() >= 0
                && end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= bytes.len());
            if !inside {
                return Err(lies(format!("column {name} is said to lie outside of the file")));
            }
            check_compression(name, chunk.compression())?;
        }
        all = all.saturating_add(rows as i64);
        groups.push(rows);
    }
    match metadata.file_metadata().num_rows() {
        said if said == all => Ok(groups),
        said => Err(lies(format!("it tells {said} rows, and its row groups have {all}"))),
    }
}

fn check_compression(name: &str, compression: Compression) -> Result<(), String> {
    match compression {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::ZSTD(_)
        | Compression::LZ4
        | Compression::LZ4_RAW => Ok(()),
        other => {
            Err(format!("column {name} is compressed by {other}, which is not read; write it with snappy or zstd"))
        }
    }
}

/// Returns the columns, of which none may be nested.
pub(super) fn columns(metadata: &ParquetMetaData) -> Result<Vec<FoundColumn>, String> {
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    let mut columns = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let name = field.name().to_string();
        let info = field.get_basic_info();
        if !field.is_primitive() || (info.has_repetition() && info.repetition() == Repetition::REPEATED) {
            return Err(format!("column {name} {NESTED}"));
        }
        // No field before is nested, so its place is that of its leaf too.
        let descriptor = metadata.file_metadata().schema_descr().column(place);
        let kind = Kind::of(&descriptor).map_err(|what| format!("column {name} {what}"))?;
        let bytes = |chunk: i64| u64::try_from(chunk).unwrap_or(0);
        let sizes = metadata.row_groups().iter().map(|group| bytes(group.column(place).uncompressed_size()));
        columns.push(FoundColumn { name, kind, bytes: sizes.fold(0, u64::saturating_add) });
    }
    if columns.is_empty() {
        return Err("has no columns".into());
    }
    names::all_different(&columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>())?;
    Ok(columns)
}
