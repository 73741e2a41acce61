//! Where the answers go.

use super::failure;
use anyhow::bail;
use furlough::files::AtomicFile;
use furlough_tables::writers::WRITES_PARQUET;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// Cells with commas between them.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// Columns of Parquet.
    Parquet,
}

impl RowFormat {
    /// Returns the format of a file by its name.
    ///
    /// # Errors
    /// When it is none that can be written.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("csv") => Ok(RowFormat::Csv),
            Some("jsonl" | "ndjson") => Ok(RowFormat::JsonLines),
            Some("parquet") if WRITES_PARQUET => Ok(RowFormat::Parquet),
            Some("parquet") => bail!(
                "--out {}: Parquet is not built in, as it takes minutes to build; run `cargo install furlough-cli \
                 --features parquet`, or end the name in .csv or .jsonl",
                path.display()
            ),
            // A device or a pipe has no such name.
            _ if is_stream(path) => Ok(RowFormat::Csv),
            _ => bail!(
                "--out {}: answers are written as CSV, JSON Lines or Parquet; end the name in .csv, .jsonl or .parquet",
                path.display()
            ),
        }
    }
}

/// Whether there is something that bytes are written to but that cannot be replaced.
fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}

/// Where the answers go: a file, once all are there, or at once to a stream.
pub enum Destination {
    /// Standard output.
    Standard(io::Stdout),
    /// A device or a pipe.
    Stream(File, PathBuf),
    /// A file.
    File(AtomicFile, PathBuf),
}

impl Destination {
    /// Begins to write to `path`, or to standard output; `input` is what is read.
    ///
    /// # Errors
    /// When it cannot be written, or is the input.
    pub fn open(path: Option<&Path>, input: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Destination::Standard(io::stdout())) };
        if path.is_dir() {
            bail!("--out {}: it is a folder; name a file", path.display());
        }
        let same = |input: &Path| fs::canonicalize(input).is_ok_and(|input| fs::canonicalize(path).ok() == Some(input));
        if input.is_some_and(same) {
            bail!("--out {}: it is the table that is read; name another file", path.display());
        }
        let failed = |source| furlough::Error::Io { action: "write", path: path.into(), source };
        if is_stream(path) {
            return Ok(Destination::Stream(OpenOptions::new().write(true).open(path).map_err(failed)?, path.into()));
        }
        Ok(Destination::File(AtomicFile::create(path)?, path.into()))
    }

    /// Returns what is there until it is whole.
    pub fn temporary(&self) -> Vec<&Path> {
        match self {
            Destination::File(file, _) => vec![file.temporary()],
            Destination::Standard(_) | Destination::Stream(..) => Vec::new(),
        }
    }

    /// Returns what is said of it when all ends before it is whole.
    pub fn left(&self) -> &'static str {
        match self {
            Destination::File(..) => "nothing was written",
            Destination::Standard(_) | Destination::Stream(..) => "not all answers were written",
        }
    }

    /// Writes some bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let done = match self {
            Destination::Standard(out) => return Ok(out.write_all(bytes).map_err(failure::output)?),
            Destination::Stream(out, path) => out.write_all(bytes).map_err(|source| (source, path)),
            Destination::File(out, path) => out.write_all(bytes).map_err(|source| (source, path)),
        };
        Ok(done.map_err(|(source, path)| furlough::Error::Io { action: "write", path: path.clone(), source })?)
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When it cannot be written whole.
    pub fn finish(self) -> anyhow::Result<()> {
        match self {
            Destination::Standard(mut out) => Ok(out.flush().map_err(failure::output)?),
            Destination::Stream(..) => Ok(()),
            Destination::File(file, _) => Ok(file.persist()?),
        }
    }
}
