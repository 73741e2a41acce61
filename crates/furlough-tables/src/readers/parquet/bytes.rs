//! The bytes of a file for several columns at once.

use ::bytes::Bytes;
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// A file that is read from at any place. Its one position is only used under a lock.
#[derive(Clone)]
pub(super) struct FileBytes {
    file: Arc<Mutex<File>>,
    length: u64,
}

impl FileBytes {
    pub(super) fn new(file: File) -> io::Result<FileBytes> {
        let length = file.metadata()?.len();
        Ok(FileBytes { file: Arc::new(Mutex::new(file)), length })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}

impl Length for FileBytes {
    fn len(&self) -> u64 {
        self.length
    }
}

/// The bytes of a file from some place on.
pub(super) struct From {
    bytes: FileBytes,
    offset: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read_at(self.offset, buffer)?;
        if count == 0 && !buffer.is_empty() {
            // A header ends before the footer. At the end the library would skip without end.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u64;
        Ok(count)
    }
}

impl ChunkReader for FileBytes {
    type T = BufReader<From>;

    fn get_read(&self, offset: u64) -> Result<BufReader<From>> {
        // What reads from here first is the header of a page, which is short.
        Ok(BufReader::with_capacity(256, From { bytes: self.clone(), offset }))
    }

    fn get_bytes(&self, offset: u64, length: usize) -> Result<Bytes> {
        let left = self.length.saturating_sub(offset);
        if length as u64 > left {
            return Err(ParquetError::EOF(format!("{length} bytes at {offset} are said to be there, but {left} are")));
        }
        let mut buffer = vec![0; length];
        From { bytes: self.clone(), offset }.read_exact(&mut buffer)?;
        Ok(buffer.into())
    }
}
