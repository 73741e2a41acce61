//! IDX, the format of MNIST and its relatives, plain or gzip'd.
//!
//! Two zero bytes; the element type (8 is an unsigned byte); the number of dimensions; each size as
//! 32 bits, high byte first; then the values, the last dimension fastest, each high byte first.
//! Which files are gzip'd is seen from their first bytes, not from their names.
//!
//! Everything is checked, and a header is not believed: memory is reserved by the bytes that are
//! there, not by those that the header promises, and decompression stops one byte after the
//! promised end.

mod element;

pub use element::Element;

use crate::{Error, Result, counted};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The element type "unsigned byte".
const UNSIGNED_BYTE: u8 = 0x08;
/// The highest label that a class may have: what is above counts no classes.
const HIGHEST_LABEL: u32 = 65_535;
/// How much is read and hashed at once: small enough to be still in cache when it is hashed.
const CHUNK: usize = 128 << 10;

/// Values and their shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxArray {
    /// The sizes, slowest first: `[60000, 28, 28]` for the training images of Fashion-MNIST. None
    /// is 0.
    pub shape: Vec<usize>,
    /// The type of the values.
    pub element: Element,
    /// The values as bytes, the last dimension fastest, high bytes first: as many as the product of
    /// the sizes and of the element's.
    pub values: Vec<u8>,
}

impl IdxArray {
    /// Returns the values as numbers, nearest to what the file has.
    pub fn floats(&self) -> Vec<f32> {
        self.values.chunks_exact(self.element.size()).map(|bytes| self.element.value(bytes) as f32).collect()
    }

    /// Returns a label an example: the values of one dimension, or the first of each row of two, as
    /// QMNIST's files have it.
    ///
    /// # Errors
    /// What is wrong: another shape, floats, or a label that is negative or above 65,535.
    pub fn labels(&self) -> Result<Vec<u32>, String> {
        let row = match self.shape[..] {
            [_] => 1,
            [_, row] => row,
            _ => return Err(format!("labels need one dimension, or two with the label first, not {:?}", self.shape)),
        };
        if matches!(self.element, Element::Float | Element::Double) {
            return Err(format!("labels need integers; these are {}s", self.element));
        }
        let label = |(example, bytes): (usize, &[u8])| {
            let label = self.element.value(&bytes[..self.element.size()]);
            let fits = (0.0..=f64::from(HIGHEST_LABEL)).contains(&label);
            let reason = || format!("example {example} has label {label}; labels go from 0 to {HIGHEST_LABEL} at most");
            fits.then_some(label as u32).ok_or_else(reason)
        };
        self.values.chunks_exact(row * self.element.size()).enumerate().map(label).collect()
    }
}

/// Reads IDX, plain or gzip'd, from memory.
///
/// ```
/// use furlough::data::idx;
/// let bytes = idx::encode(&[2, 3], &[1, 2, 3, 4, 5, 6])?;
/// assert_eq!(bytes[..4], [0, 0, 8, 2]);
/// assert_eq!(idx::decode(&bytes)?.shape, [2, 3]);
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] for anything but one complete, non-empty array.
pub fn decode(bytes: &[u8]) -> Result<IdxArray> {
    let (array, _) = Reading { origin: Path::new("IDX"), hash: None }.start(bytes, Some(bytes.len() as u64))?;
    Ok(array)
}

/// Reads an IDX file, plain or gzip'd. Beyond the values themselves it needs a fraction of a
/// megabyte.
///
/// # Errors
/// As [`decode`], naming the file; [`Error::Io`] when the file cannot be read.
pub fn read(path: &Path) -> Result<IdxArray> {
    let (file, length) = open(path)?;
    let (array, _) = Reading { origin: path, hash: None }.start(file, length)?;
    Ok(array)
}

/// Reads an IDX file, plain or gzip'd, and checks the SHA-256 of its decompressed content, 64
/// hexadecimal digits in lower case.
///
/// # Errors
/// As [`read`]; and [`Error::Data`] when the content is not the expected one.
pub fn read_verified(path: &Path, sha256: &str) -> Result<IdxArray> {
    let (file, length) = open(path)?;
    let (array, found) = Reading { origin: path, hash: Some(Sha256::new()) }.start(file, length)?;
    if found != sha256 {
        return Err(Error::data(
            path.display(),
            format!("is not the expected file: its decompressed content has SHA-256 {found}, not {sha256}"),
        ));
    }
    Ok(array)
}

/// Writes IDX of unsigned bytes, not compressed.
///
/// # Errors
/// [`Error::Data`] when the sizes do not fit the format or the number of values, or when one of
/// them is 0.
pub fn encode(shape: &[usize], values: &[u8]) -> Result<Vec<u8>> {
    let bad = |reason: String| Error::data("IDX", reason);
    let dimensions = u8::try_from(shape.len())
        .map_err(|_| bad(format!("{}; 255 is the most", counted(shape.len(), "dimension"))))?;
    let mut bytes = vec![0, 0, UNSIGNED_BYTE, dimensions];
    for &size in shape {
        let size = u32::try_from(size).map_err(|_| bad(format!("a size of {size} does not fit 32 bits")))?;
        bytes.extend(size.to_be_bytes());
    }
    let expected = count(shape).map_err(bad)?;
    if expected != values.len() {
        return Err(bad(format!(
            "shape {shape:?} has {}, but {} were given",
            counted(expected, "value"),
            values.len()
        )));
    }
    bytes.extend_from_slice(values);
    Ok(bytes)
}

/// The number of values of a shape, if it is one that can be read.
fn count(shape: &[usize]) -> Result<usize, String> {
    if shape.is_empty() {
        return Err("has no dimensions".into());
    }
    if shape.contains(&0) {
        return Err(format!("is empty: its shape is {shape:?}"));
    }
    shape
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        .filter(|&product| isize::try_from(product).is_ok())
        .ok_or_else(|| format!("claims a shape of {shape:?}, more values than this machine can address"))
}

/// The file, and its length where that means something (not for a pipe).
fn open(path: &Path) -> Result<(File, Option<u64>)> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let about = file.metadata().map_err(Error::io("read", path))?;
    Ok((file, about.is_file().then_some(about.len())))
}

/// One pass over one file.
struct Reading<'a> {
    origin: &'a Path,
    hash: Option<Sha256>,
}

impl Reading<'_> {
    fn bad(&self, reason: impl Into<String>) -> Error {
        Error::data(self.origin.display(), reason)
    }

    /// Tells gzip from plain. `length` is that of `input`, as stored.
    fn start(mut self, input: impl Read, length: Option<u64>) -> Result<(IdxArray, String)> {
        let mut input = BufReader::with_capacity(CHUNK, input);
        let first = input.fill_buf().map_err(|error| self.failed(error))?;
        let array = if first.starts_with(&[0x1f, 0x8b]) {
            // Images compress to between a tenth and all of their size: 16 times the stored bytes
            // is a first guess that a lying header cannot abuse, and no limit.
            let likely = length.map_or(CHUNK as u64, |length| length.saturating_mul(16));
            self.array(MultiGzDecoder::new(input), None, likely)?
        } else {
            self.array(input, length, length.unwrap_or(CHUNK as u64))?
        };
        let digest = self.hash.map_or_else(String::new, |hash| hex(&hash.finalize()));
        Ok((array, digest))
    }

    /// Reads header and values. `length` is the exact number of bytes to come, where it is known;
    /// `likely` bounds what is reserved before anything has been read.
    fn array(&mut self, mut input: impl Read, length: Option<u64>, likely: u64) -> Result<IdxArray> {
        let mut magic = [0; 4];
        self.fill(&mut input, &mut magic, "the magic number")?;
        let [0, 0, kind, dimensions] = magic else {
            return Err(self.bad(format!(
                "is not an IDX file: it begins with {}, not 00 00 08 and the number of dimensions",
                magic.map(|byte| format!("{byte:02x}")).join(" ")
            )));
        };
        let Some(element) = Element::of(kind) else {
            return Err(self.bad(format!("holds elements of type {kind:02x}, which does not exist")));
        };
        let mut sizes = vec![0; 4 * usize::from(dimensions)];
        self.fill(&mut input, &mut sizes, "the sizes of its dimensions")?;
        let shape: Vec<usize> =
            sizes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
        let expected = count(&shape).and_then(|count| {
            let bytes = count.checked_mul(element.size()).filter(|&bytes| isize::try_from(bytes).is_ok());
            bytes.ok_or_else(|| format!("claims a shape of {shape:?}, more values than this machine can address"))
        });
        let expected = expected.map_err(|reason| self.bad(reason))?;
        let about = About { shape: &shape, element };

        let header = (magic.len() + sizes.len()) as u64;
        if let Some(present) = length.map(|length| length.saturating_sub(header))
            && present != expected as u64
        {
            return Err(self.disagree(about, expected, present));
        }
        let values = self.values(&mut input, about, expected, likely)?;
        Ok(IdxArray { shape, element, values })
    }

    fn values(&mut self, input: &mut impl Read, about: About, expected: usize, likely: u64) -> Result<Vec<u8>> {
        let mut values = Vec::new();
        let mut goal = expected.min(usize::try_from(likely).unwrap_or(usize::MAX));
        loop {
            values
                .try_reserve_exact(goal - values.len())
                .map_err(|_| self.bad(format!("needs {} of memory, which could not be had", counted(goal, "byte"))))?;
            while values.len() < goal {
                let from = values.len();
                let chunk = CHUNK.min(goal - from);
                let read = input.by_ref().take(chunk as u64).read_to_end(&mut values);
                read.map_err(|error| self.failed(error))?;
                if values.len() == from {
                    return Err(self.disagree(about, expected, from as u64));
                }
                if let Some(hash) = &mut self.hash {
                    hash.update(&values[from..]);
                }
            }
            if goal == expected {
                break;
            }
            goal = expected.min(goal.saturating_mul(2));
        }
        // This read also makes a gzip decoder check its checksum.
        match input.read(&mut [0]).map_err(|error| self.failed(error))? {
            0 => Ok(values),
            _ => Err(self.bad(format!(
                "goes on after the {} that its shape {:?} promises; it is damaged or mislabeled",
                about.counted(expected),
                about.shape
            ))),
        }
    }

    fn fill(&mut self, input: &mut impl Read, into: &mut [u8], what: &str) -> Result<()> {
        input.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.bad(format!("ends within {what}; it is empty or cut short")),
            _ => self.failed(error),
        })?;
        if let Some(hash) = &mut self.hash {
            hash.update(into);
        }
        Ok(())
    }

    fn disagree(&self, about: About, expected: usize, present: u64) -> Error {
        let fault = if present < expected as u64 { "it is cut short" } else { "it is damaged or mislabeled" };
        let (shape, promised) = (about.shape, about.counted(expected));
        self.bad(format!("its shape {shape:?} promises {promised}, but {present} follow; {fault}"))
    }

    /// A failed read: the operating system's fault is about reading, the decoder's is about the
    /// data.
    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            _ if error.raw_os_error().is_some() => Error::io("read", self.origin)(error),
            io::ErrorKind::UnexpectedEof => self.bad("its gzip data is cut short"),
            _ => self.bad(format!("its gzip data is damaged ({error})")),
        }
    }
}

/// What a header says, for messages about what follows.
#[derive(Clone, Copy)]
struct About<'a> {
    shape: &'a [usize],
    element: Element,
}

impl About<'_> {
    /// Values that are bytes are counted as values.
    fn counted(self, bytes: usize) -> String {
        match self.element.size() {
            1 => counted(bytes, "value"),
            _ => format!("{} of {}s", counted(bytes, "byte"), self.element),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
