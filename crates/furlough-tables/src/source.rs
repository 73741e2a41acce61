//! The bytes of a file or of standard input, decompressed.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The bytes of a file.
pub struct ByteSource {
    path: PathBuf,
    bytes: Box<dyn Read + Send>,
}

impl ByteSource {
    /// Opens a file, or standard input when the path is `-`.
    pub fn open(path: &Path) -> Result<ByteSource> {
        let bytes: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(path).map_err(Error::io("read", path))?)
        };
        Ok(ByteSource { path: path.into(), bytes })
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Read for ByteSource {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.bytes.read(buffer)
    }
}
