//! What becomes of a column whose cells are parsed one by one.

use super::number::NumberFormat;
use crate::block::{ReadAs, TextValues, Values};

/// What becomes of a column.
pub(super) enum Column {
    Skip,
    Text,
    Numbers(NumberFormat),
}

impl Column {
    pub(super) fn new(wanted: ReadAs) -> Column {
        match wanted {
            ReadAs::Skip => Column::Skip,
            ReadAs::Text => Column::Text,
            ReadAs::Numbers { missing } => Column::Numbers(NumberFormat::new(&missing, false)),
        }
    }

    /// Returns values of it that have no cell yet.
    pub(super) fn empty(&self) -> Values {
        match self {
            Column::Skip => Values::Skipped,
            Column::Text => Values::Text(TextValues::default()),
            Column::Numbers(_) => Values::Numbers(Vec::new()),
        }
    }
}
