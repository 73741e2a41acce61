//! Cuts a stream of bytes into chunks of whole rows.

use crate::error::{Error, Place, Result};
use crate::source::ByteSource;
use memchr::{memchr, memrchr};

/// About how many bytes a chunk has.
pub(super) const CHUNK: usize = 1 << 19;

/// The most bytes that a row may have: what is longer has lost a quote, or is no table.
pub(super) const LONGEST_ROW: usize = 1 << 26;

/// What surrounds cells that may hold newlines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoting {
    pub(super) quote: u8,
    pub(super) delimiter: u8,
}

/// Yields the chunks of a file. Where it cuts depends on the content alone.
pub(super) struct Cutter {
    source: ByteSource,
    quoting: Option<Quoting>,
    chunk: usize,
    /// Bytes that belong to the next chunk.
    rest: Vec<u8>,
    ended: bool,
    longest: usize,
}

impl Cutter {
    pub(super) fn new(source: ByteSource, quoting: Option<Quoting>, chunk: usize) -> Cutter {
        Cutter { source, quoting, chunk, rest: Vec::new(), ended: false, longest: LONGEST_ROW }
    }

    pub(super) fn source(&self) -> &ByteSource {
        &self.source
    }

    /// Puts bytes back: the next chunk begins with them.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.rest.splice(0..0, bytes.iter().copied());
    }

    /// Fills a buffer with the next chunk: one row or more, each whole. Returns whether there is
    /// one.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<bool> {
        buffer.clear();
        buffer.append(&mut self.rest);
        let mut length = self.chunk;
        let mut scan = Scan::default();
        loop {
            if !self.ended {
                self.ended = self.source.fill(buffer, length)?;
            }
            if self.ended {
                return Ok(!buffer.is_empty());
            }
            if let Some(end) = scan.last_row_end(buffer, self.quoting) {
                self.rest.extend_from_slice(&buffer[end..]);
                buffer.truncate(end);
                return Ok(true);
            }
            if buffer.len() > self.longest {
                return Err(self.too_long(&scan));
            }
            length = (buffer.len() * 2).min(self.longest + 1);
        }
    }

    fn too_long(&self, scan: &Scan) -> Error {
        let mut reason = format!("a row has more than {} MiB, the most there may be", self.longest >> 20);
        if scan.open {
            reason += "; a quote is opened in it and not closed";
        }
        Error::format(self.source.path(), Place::default(), reason)
    }
}

/// How far the search for the end of the last row has come.
#[derive(Default)]
struct Scan {
    at: usize,
    /// Whether a quoted cell is open at `at`.
    open: bool,
    /// Where quoted cells begin and end.
    quoted: Vec<(usize, usize)>,
    begin: usize,
}

impl Scan {
    /// Returns where the last row ends that ends in these bytes. A quote opens a cell only where a
    /// cell begins; anywhere else it is a character like any other.
    fn last_row_end(&mut self, bytes: &[u8], quoting: Option<Quoting>) -> Option<usize> {
        let Some(quoting) = quoting else {
            return memrchr(b'\n', bytes).map(|at| at + 1);
        };
        while let Some(offset) = memchr(quoting.quote, &bytes[self.at..]) {
            let at = self.at + offset;
            if self.open {
                match bytes.get(at + 1) {
                    // Whether the next byte makes two quotes of this one is not known yet.
                    None => {
                        self.at = at;
                        return self.search(bytes);
                    }
                    Some(&next) if next == quoting.quote => self.at = at + 2,
                    Some(_) => {
                        self.open = false;
                        self.quoted.push((self.begin, at));
                        self.at = at + 1;
                    }
                }
            } else {
                self.open = at == 0 || bytes[at - 1] == b'\n' || bytes[at - 1] == quoting.delimiter;
                self.begin = at;
                self.at = at + 1;
            }
        }
        self.at = bytes.len();
        self.search(bytes)
    }

    /// Looks for the last newline outside of quoted cells.
    fn search(&self, bytes: &[u8]) -> Option<usize> {
        let mut to = if self.open { self.begin } else { bytes.len() };
        for &(begin, end) in self.quoted.iter().rev() {
            if let Some(at) = memrchr(b'\n', &bytes[end..to]) {
                return Some(end + at + 1);
            }
            to = begin;
        }
        memrchr(b'\n', &bytes[..to]).map(|at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn cutter(text: &[u8], chunk: usize) -> Cutter {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let source = ByteSource::open(file.path()).unwrap();
        Cutter::new(source, Some(Quoting { quote: b'"', delimiter: b',' }), chunk)
    }

    fn chunks(text: &str, chunk: usize) -> Vec<String> {
        let mut cutter = cutter(text.as_bytes(), chunk);
        let (mut chunks, mut buffer) = (Vec::new(), Vec::new());
        while cutter.next(&mut buffer).unwrap() {
            chunks.push(String::from_utf8(buffer.clone()).unwrap());
        }
        chunks
    }

    #[test]
    fn cuts_are_at_the_ends_of_rows_and_nothing_is_lost() {
        let text = "a,b\n1,\"x\ny\"\n2,\"\"\"\n\"\n5\" disk,z\n\"\",\"\n\n\"\nend";
        let ends = [4, 12, 20, 30, 38, text.len()];
        for chunk in 1..=text.len() + 1 {
            let chunks = chunks(text, chunk);
            assert_eq!(chunks.concat(), text);
            let mut end = 0;
            for chunk in &chunks {
                end += chunk.len();
                assert!(ends.contains(&end), "{end} {chunks:?}");
            }
        }
        assert_eq!(chunks(text, 1).len(), 5);
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_at_the_limit() {
        let mut cutter = cutter(&[b"a,\"b\n".to_vec(), vec![b'x'; 5000]].concat(), 16);
        cutter.longest = 1000;
        let error = cutter.next(&mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("a quote is opened in it and not closed"), "{error}");
    }

    #[test]
    fn what_is_put_back_comes_again() {
        let mut cutter = cutter(b"a\nb\nc\n", 2);
        let mut buffer = Vec::new();
        assert!(cutter.next(&mut buffer).unwrap());
        cutter.put_back(&buffer[..]);
        let mut all = Vec::new();
        while cutter.next(&mut buffer).unwrap() {
            all.extend_from_slice(&buffer);
        }
        assert_eq!(all, b"a\nb\nc\n");
    }
}
