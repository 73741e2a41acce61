//! What can be wrong with a table, and where.

use std::fmt;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// Everything that can go wrong with a table. Each message says what was wrong, where, and what to
/// do about it where that can be known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine failed, or refuses what a table became.
    #[error(transparent)]
    Engine(#[from] furlough::Error),
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb: "read", "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file is not what its format asks for.
    #[error("{}{place}: {reason}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where in the file, as far as that is known.
        place: Place,
        /// What is wrong there, and what to do.
        reason: String,
    },
    /// A cell holds something that its column cannot hold.
    #[error("{}{place}: {} {reason}", .path.display(), quoted(.value))]
    Value {
        /// The file.
        path: PathBuf,
        /// Row, line and column of the cell.
        place: Place,
        /// The cell, as it is written.
        value: String,
        /// What it is not: "is not a number".
        reason: String,
    },
    /// A column is missing, or cannot be what it should be.
    #[error("column {name}: {reason}{}", meant(.nearest))]
    Column {
        /// The column.
        name: String,
        /// What is wrong with it, and what to do.
        reason: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// A schema makes no sense, or is one of another file.
    #[error("schema{}: {reason}", of(.path))]
    Schema {
        /// Where the schema stands, when it came from a file.
        path: Option<PathBuf>,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A table takes more memory than was allowed.
    #[error("{}{place}: the table takes more than the {limit} bytes that were allowed; {advice}", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The first row that has no room.
        place: Place,
        /// Bytes that were allowed.
        limit: u64,
        /// What to do.
        advice: String,
    },
    /// A file was written to while it was read.
    #[error("{}: changed while it was read; read it again when nothing writes to it", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// Shorthand for results that fail with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in a table's file. Written, it begins with a comma: `, row 1204 (line 1207), column
/// price`; an unknown place is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The row, from 1. A header is no row.
    pub row: Option<u64>,
    /// The line of the file, from 1, where the row begins.
    pub line: Option<NonZeroU64>,
    /// The column's name.
    pub column: Option<Box<str>>,
}

impl Place {
    /// Returns a line of a file, given how many stand before it.
    pub(crate) fn of_line(before: u64) -> Place {
        Place { line: NonZeroU64::MIN.checked_add(before), ..Place::default() }
    }

    /// Returns the place with its column.
    pub fn in_column(self, name: &str) -> Place {
        Place { column: Some(name.into()), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.row, self.line) {
            (Some(row), Some(line)) => write!(f, ", row {row} (line {line})")?,
            (Some(row), None) => write!(f, ", row {row}")?,
            (None, Some(line)) => write!(f, ", line {line}")?,
            (None, None) => {}
        }
        match &self.column {
            Some(name) => write!(f, ", column {name}"),
            None => Ok(()),
        }
    }
}

/// A cell for a message: in quotes, one line, and no longer than a message can bear.
fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = value.chars().take(LONGEST).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!("{short:?}")
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |name| format!("; did you mean {name}?"))
}

fn of(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or(String::new(), |p| format!(" {}", p.display()))
}

impl Error {
    /// An [`Error::Io`] for `path`, for use with `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { action, path, source }
    }

    /// Returns the same about a table of which so many rows stand before it in its file.
    pub(crate) fn after_rows(mut self, before: u64) -> Error {
        if let Error::Value { place: Place { row: Some(row), .. }, .. } = &mut self {
            *row += before;
        }
        self
    }

    pub(crate) fn format(path: &Path, place: Place, reason: impl Into<String>) -> Error {
        Error::Format { path: path.into(), place, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_row_line_column_and_value() {
        let place = Place { row: Some(1204), ..Place::of_line(1206) }.in_column("price");
        let error =
            Error::Value { path: "houses.csv".into(), place, value: "n/a".into(), reason: "is not a number".into() };
        assert_eq!(error.to_string(), r#"houses.csv, row 1204 (line 1207), column price: "n/a" is not a number"#);
        let error = Error::Column { name: "pice".into(), reason: "is not there".into(), nearest: Some("price".into()) };
        assert_eq!(error.to_string(), "column pice: is not there; did you mean price?");
        assert_eq!(Error::format(Path::new("a"), Place::default(), "is empty").to_string(), "a: is empty");
    }

    #[test]
    fn a_message_is_one_short_line_whatever_the_cell_holds() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted(&"é".repeat(1000)).chars().count(), 63);
    }
}
