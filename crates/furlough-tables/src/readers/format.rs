//! The formats, as a schema stores them.

use serde::{Deserialize, Serialize};

/// The format of a table's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FileFormat {
    /// Values with a delimiter between them, a row a line.
    Csv {
        /// The character between two cells.
        delimiter: char,
        /// The character around cells that hold delimiters or newlines; doubled inside, it is
        /// itself.
        quote: Option<char>,
        /// Whether the first row names the columns.
        header: bool,
        /// Whether numbers have a comma where others have a point.
        decimal_comma: bool,
    },
    /// A JSON object a line, whose keys are the columns.
    JsonLines,
    /// An array of NumPy: a column, or rows of columns.
    Npy,
    /// Arrays of NumPy in one file.
    Npz {
        /// The arrays whose columns make the table, in this order. All have as many rows.
        arrays: Vec<String>,
    },
    /// Columns of numbers, text and times, compressed in parts; read with the feature `parquet`.
    Parquet,
    /// Record batches of Arrow in a file, which Feather is too; read with the feature `arrow`.
    Arrow,
}
