//! What a file's columns are: inferred, printed, edited by people, and stored with a run.
//!
//! [`Schema::infer`] looks at all rows and writes down what it decided and why. From then on
//! nothing is guessed: a later value that contradicts the schema is an error with its place.

mod column;
mod dates;
mod decide;
mod infer;
mod matching;
mod names;
mod number_span;
mod probe;
mod spelling;
mod target;
mod toml_text;
mod values;

pub use column::{ColumnFindings, ColumnSchema, Kind, Role, Schema};
pub use dates::{CivilTime, DateOrder};
pub use infer::InferOptions;
pub use matching::ColumnMatch;
pub(crate) use names::{nearest, words};
pub(crate) use probe::ColumnProbe;
pub use spelling::NumberSpelling;
pub use target::{MOST_NUMBER_CLASSES, TaskChoice};
pub(crate) use values::{boolean_of, is_missing_number, number_of, number_text};
