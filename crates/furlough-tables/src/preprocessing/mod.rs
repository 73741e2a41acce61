//! From typed columns to what a network sees, fitted on the training rows only.
//!
//! Each column has an encoder that was fitted on the training rows: numbers are scaled, dates are
//! taken apart, categories become codes. What an encoder makes of a row depends on that row alone.

mod categories;
mod dates;
mod encoder;
mod fit;
mod normal_quantile;
mod numbers;
mod options;
mod targets;
mod told;
mod warnings;

pub use categories::CategoryEncoder;
pub use dates::{DateEncoder, DatePart};
pub use encoder::{ColumnEncoder, Encoding};
pub(crate) use encoder::{ColumnFigures, spellings};
pub use fit::Preprocessing;
pub use numbers::{NumberScale, ScaledNumber};
pub(crate) use numbers::{mean_and_deviation, quantile};
pub use options::{PreprocessingOptions, Scaling};
pub(crate) use targets::classes_of;
pub use targets::{TargetColumn, TargetEncoder, TargetRows};
pub use told::{Note, Told};
pub use warnings::{TableWarning, leaking_columns, named_like_target, repeated_rows};
