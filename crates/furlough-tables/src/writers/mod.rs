//! Tables as bytes of other formats, some rows after the others.

#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
mod without_parquet;

#[cfg(feature = "parquet")]
pub use parquet::ParquetRows;
#[cfg(not(feature = "parquet"))]
pub use without_parquet::ParquetRows;

/// What the cells of a written column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// Text.
    Text,
    /// Numbers of double precision.
    Double,
    /// Numbers of single precision.
    Single,
    /// Whole numbers of 64 bits.
    Whole,
    /// True (1) or false (0).
    Boolean,
}

/// Whether Parquet can be written: whether the feature `parquet` is built in.
pub const WRITES_PARQUET: bool = cfg!(feature = "parquet");
