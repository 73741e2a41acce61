//! The bytes of a file or of standard input, decompressed.
//!
//! gzip (any number of members) and zstd (any number of frames) are recognized by their first
//! bytes, whatever the file's name says. A byte order mark of UTF-8 is left out. Compressed files
//! that hold very much more than their size are refused: [`MOST_EXPANDED`] has the rule.

mod expansion;

mod zstd;

pub use expansion::{FREELY_EXPANDED, MOST_EXPANDED};

pub(crate) use expansion::Expansion;

use crate::error::{Error, Place, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tempfile::TempDir;

/// The bytes of a file.
pub struct ByteSource {
    path: PathBuf,
    bytes: Box<dyn Read + Send>,
    watch: Watch,
    compressed: bool,
}

const BUFFER: usize = 1 << 17;

impl ByteSource {
    /// Opens a file, or standard input when the path is `-`.
    pub fn open(path: &Path) -> Result<ByteSource> {
        let failed = |error| error_of(path, error);
        let (raw, watch): (Box<dyn Read + Send>, Watch) = if path == Path::new("-") {
            (Box::new(io::stdin()), Watch::default())
        } else {
            let file = File::open(path).map_err(failed)?;
            (Box::new(file.try_clone().map_err(failed)?), Watch::of(path, file).map_err(failed)?)
        };
        let (head, raw) = peek(raw).map_err(failed)?;
        let expansion = Expansion::of(path);
        let named = |name| move |error: io::Error| io::Error::new(error.kind(), format!("its {name} data: {error}"));
        let (bytes, compressed): (Box<dyn Read + Send>, bool) = match head[..] {
            [0x1f, 0x8b, ..] => {
                let members = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, expansion.compressed(raw)));
                (Box::new(expansion.content(Named { inner: members, error: named("gzip") })), true)
            }
            // A frame, or one of those that hold no data.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                let frames = zstd::Frames::new(BufReader::with_capacity(BUFFER, expansion.compressed(raw)));
                (Box::new(expansion.content(Named { inner: frames, error: named("zstd") })), true)
            }
            _ => (raw, false),
        };
        let (head, bytes) = peek(bytes).map_err(failed)?;
        let bytes: Box<dyn Read + Send> = match head[..] {
            [0xef, 0xbb, 0xbf, ..] => skipping(bytes, 3).map_err(failed)?,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                let reason = "is UTF-16; write it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`";
                return Err(Error::format(path, Place::default(), reason));
            }
            _ => bytes,
        };
        Ok(ByteSource { path: path.into(), bytes, watch, compressed })
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is compressed, so that its size says little about its content's.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Returns what tells whether the file changed since it was opened.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Adds bytes to a buffer until it has `length` of them, or the file ends. Returns whether it
    /// ended.
    pub(crate) fn fill(&mut self, buffer: &mut Vec<u8>, length: usize) -> Result<bool> {
        let mut at = buffer.len();
        buffer.resize(length.max(at), 0);
        while at < buffer.len() {
            match self.read(&mut buffer[at..]) {
                Ok(0) => {
                    buffer.truncate(at);
                    return Ok(true);
                }
                Ok(count) => at += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(error)),
            }
        }
        Ok(false)
    }

    /// Returns the error that an error of reading stands for.
    pub(crate) fn error(&self, error: io::Error) -> Error {
        error_of(&self.path, error)
    }
}

impl Read for ByteSource {
    /// Reads as any file does. At its end, a file that has changed since it was opened is an error,
    /// which holds an [`Error::Changed`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.watch.check().map_err(io::Error::other)?;
        }
        Ok(count)
    }
}

/// An error of reading, which may hold one of ours.
fn error_of(path: &Path, error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(Error::io("read", path))
}

/// The first four bytes, and everything, from the first byte.
fn peek(mut bytes: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(4);
    bytes.by_ref().take(4).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(bytes))))
}

fn skipping(mut bytes: Box<dyn Read + Send>, count: u64) -> io::Result<Box<dyn Read + Send>> {
    io::copy(&mut bytes.by_ref().take(count), &mut io::sink())?;
    Ok(bytes)
}

/// A reader whose errors say what they are about.
struct Named<R, F> {
    inner: R,
    error: F,
}

impl<R: Read, F: Fn(io::Error) -> io::Error> Read for Named<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => (self.error)(error),
        })
    }
}

/// Tells whether a file changed since it was opened, by its size and the time of its last change.
#[derive(Clone, Default)]
pub(crate) struct Watch(Option<Arc<Watched>>);

struct Watched {
    path: PathBuf,
    file: File,
    before: (u64, Option<SystemTime>),
}

fn state(metadata: &Metadata) -> (u64, Option<SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

impl Watch {
    pub(crate) fn of(path: &Path, file: File) -> io::Result<Watch> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(Watch(None)); // a pipe, say
        }
        Ok(Watch(Some(Arc::new(Watched { path: path.into(), file, before: state(&metadata) }))))
    }

    /// Fails if the file changed.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(watched) = &self.0 else { return Ok(()) };
        let now = watched.file.metadata().map_err(Error::io("read", &watched.path))?;
        if state(&now) == watched.before { Ok(()) } else { Err(Error::Changed { path: watched.path.clone() }) }
    }
}

/// A file that can be read more than once, whatever was named.
pub struct Rereadable {
    path: PathBuf,
    _folder: Option<TempDir>,
}

impl Rereadable {
    /// Copies standard input to a temporary file, when the path is `-`; any other file stays where
    /// it is.
    pub fn new(path: &Path) -> Result<Rereadable> {
        if path != Path::new("-") {
            return Ok(Rereadable { path: path.into(), _folder: None });
        }
        Self::copied(&mut io::stdin().lock())
    }

    fn copied(input: &mut impl Read) -> Result<Rereadable> {
        let failed = |error| Error::io("copy", Path::new("standard input"))(error);
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = folder.path().join("standard input");
        io::copy(input, &mut File::create(&path).map_err(failed)?).map_err(failed)?;
        Ok(Rereadable { path, _folder: Some(folder) })
    }

    /// Returns the file's path: the temporary file's while this is alive, for standard input.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests;
