//! How much more than its size a compressed file may hold.

use crate::error::{Error, Place};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes a compressed file may hold whatever its size is: 1 GiB.
pub const FREELY_EXPANDED: u64 = 1 << 30;

/// How many bytes a compressed file may hold for each of its own, once it has held
/// [`FREELY_EXPANDED`]. Tables of numbers and text come to 3 to 20; only what repeats itself comes
/// to more, and a file that is made to fill a memory or a disk to a thousand. There is no flag to
/// lift it: a file that is right is decompressed first, and then has the size that it says.
pub const MOST_EXPANDED: u64 = 100;

/// Measures what comes out of a compressed file against what went in.
pub(crate) struct Expansion {
    path: PathBuf,
    taken: Arc<AtomicU64>,
    free: u64,
}

impl Expansion {
    pub(crate) fn of(path: &Path) -> Expansion {
        Expansion { path: path.into(), taken: Arc::default(), free: FREELY_EXPANDED }
    }

    /// Returns the compressed bytes, counted.
    pub(crate) fn compressed<R: Read>(&self, inner: R) -> Counted<R> {
        Counted { inner, taken: self.taken.clone() }
    }

    /// Returns what comes out of them, which is an error once it is too much.
    pub(crate) fn content<R: Read>(self, inner: R) -> Measured<R> {
        Measured { inner, expansion: self, given: 0 }
    }

    fn check(&self, given: u64) -> io::Result<()> {
        let taken = self.taken.load(Ordering::Relaxed);
        if given <= self.free || given <= taken.saturating_mul(MOST_EXPANDED) {
            return Ok(());
        }
        let reason = format!(
            "is compressed, and holds more than {MOST_EXPANDED} times its size: {given} bytes so far from {taken}, as \
             files do that are made to fill a memory; if all of it is wanted, decompress it first"
        );
        Err(io::Error::other(Error::format(&self.path, Place::default(), reason)))
    }
}

/// Bytes that are counted.
pub(crate) struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// What comes out of compressed bytes.
pub(crate) struct Measured<R> {
    inner: R,
    expansion: Expansion,
    given: u64,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        self.expansion.check(self.given)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(free: u64, size: u64, content: u64) -> io::Result<u64> {
        let expansion = Expansion { free, ..Expansion::of(Path::new("a.gz")) };
        io::copy(&mut expansion.compressed(io::repeat(0).take(size)), &mut io::sink())?;
        io::copy(&mut expansion.content(io::repeat(0).take(content)), &mut io::sink())
    }

    #[test]
    fn much_is_refused_only_when_it_is_much_more_than_the_size() {
        assert_eq!(read(1 << 20, 10, 1 << 20).unwrap(), 1 << 20);
        assert_eq!(read(0, 1000, 100_000).unwrap(), 100_000);
        let error = read(1 << 20, 1000, 2 << 20).unwrap_err().to_string();
        assert!(error.starts_with("a.gz: is compressed, and holds more than 100 times its size: "), "{error}");
        assert!(error.contains(" from 1000, ") && error.ends_with("decompress it first"), "{error}");
    }
}
