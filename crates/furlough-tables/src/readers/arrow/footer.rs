//! What the end of a file says, checked against the file.

use crate::readers::guarded::guarded;
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{Block, MetadataVersion, RecordBatch, root_as_footer, root_as_message};
use arrow_schema::SchemaRef;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// The most bytes that a batch may say it has, decompressed.
const LARGEST_BATCH: u64 = 1 << 32;

/// What stands at the end of a file.
pub(super) struct Footer {
    pub(super) schema: SchemaRef,
    pub(super) version: MetadataVersion,
    pub(super) dictionaries: VecDeque<Block>,
    pub(super) batches: VecDeque<Block>,
    pub(super) file: File,
}

/// Reads the end of a file.
pub(super) fn read(file: File) -> Result<Footer, String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let cut = || "is an Arrow file that was cut off: its end is missing; write or copy it again".to_string();
    let first = piece(&file, 0, 6).map_err(|_| "is too short to be an Arrow file".to_string())?;
    if &first[..] != b"ARROW1" {
        return Err("is no Arrow file: it does not begin with ARROW1".into());
    }
    let end = length.checked_sub(10).filter(|&end| end >= 8).ok_or_else(cut)?;
    let last: [u8; 10] = piece(&file, end, 10)?[..].try_into().map_err(|_| cut())?;
    let footer = guarded(|| read_footer_length(last)).map_err(|_| cut())? as u64;
    let begin = end.checked_sub(footer).filter(|&begin| begin >= 8);
    let begin = begin.ok_or("has a footer that lies: it is said to be longer than the file")?;
    let bytes = piece(&file, begin, footer)?;
    let damaged = |reason: String| format!("has a footer that is damaged or lies: {reason}");
    let (schema, version, dictionaries, batches) = guarded(|| {
        let footer = root_as_footer(&bytes).map_err(|error| error.to_string())?;
        let schema = footer.schema().ok_or("it has no schema")?;
        let schema = try_fb_to_schema(schema).map_err(|error| error.to_string())?;
        let dictionaries = footer.dictionaries().iter().flatten().copied().collect();
        let batches = footer.recordBatches().iter().flatten().copied().collect();
        Ok::<_, String>((schema, footer.version(), dictionaries, batches))
    })
    .map_err(damaged)?;
    Ok(Footer { schema: schema.into(), version, dictionaries, batches, file })
}

/// Reads some bytes, of which the file must have so many.
fn piece(mut file: &File, offset: u64, length: u64) -> Result<Buffer, String> {
    let there = file.metadata().map_err(|error| error.to_string())?.len();
    if offset.checked_add(length).is_none_or(|end| end > there) {
        return Err(format!("has a footer that lies: {length} bytes at {offset} are said to be there, of {there}"));
    }
    let mut bytes = MutableBuffer::from_len_zeroed(length as usize);
    let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    Ok(bytes.into())
}

/// Reads a block, and checks how much memory it asks for.
pub(super) fn body(file: &File, block: &Block) -> Result<Buffer, String> {
    let (offset, head) = (u64::try_from(block.offset()), u64::try_from(block.metaDataLength()));
    let lies = || "has a footer that lies about where a batch is".to_string();
    let (Ok(offset), Ok(head), Ok(body)) = (offset, head, u64::try_from(block.bodyLength())) else {
        return Err(lies());
    };
    let bytes = piece(file, offset, head.checked_add(body).ok_or_else(lies)?)?;
    let claimed = guarded(|| claimed(&bytes[..head as usize], &bytes[head as usize..]));
    match claimed.map_err(|reason| format!("has a damaged batch: {reason}"))? {
        claimed if claimed <= LARGEST_BATCH => Ok(bytes),
        claimed => Err(format!(
            "has a batch that says it has {claimed} bytes, decompressed; {} GiB are the most; write smaller batches",
            LARGEST_BATCH >> 30
        )),
    }
}

/// Returns how many bytes the buffers of a batch are said to have, decompressed.
fn claimed(head: &[u8], body: &[u8]) -> Result<u64, String> {
    let short = || "its header is too short".to_string();
    // A mark stands before the length since version 0.15.
    let skipped = if head.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message = root_as_message(head.get(skipped..).ok_or_else(short)?).map_err(|error| error.to_string())?;
    let of_dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let batch: Option<RecordBatch> = message.header_as_record_batch().or(of_dictionary);
    let batch = batch.ok_or("it is no batch")?;
    let mut claimed = 0u64;
    for buffer in batch.buffers().iter().flatten() {
        let range = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let bytes = range.and_then(|(offset, length)| body.get(offset..)?.get(..length));
        let bytes = bytes.ok_or("it has values outside of its bytes")?;
        if let (Some(_), Some(length)) = (batch.compression(), bytes.first_chunk::<8>()) {
            // -1 stands for what is not compressed.
            let length = i64::from_le_bytes(*length);
            claimed = claimed.saturating_add(u64::try_from(length).unwrap_or(0));
        }
    }
    Ok(claimed)
}
