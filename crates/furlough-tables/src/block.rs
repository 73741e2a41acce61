//! Consecutive rows of a file, by columns: what a reader yields.

/// Consecutive rows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowBlock {
    /// How many rows of the file stand before this block.
    pub first_row: u64,
    /// How many rows the block has.
    pub rows: usize,
    /// A column of the file each, in the file's order.
    pub columns: Vec<Values>,
}

impl RowBlock {
    /// Returns about how many bytes of memory the block takes.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Values::bytes).sum()
    }
}

/// What a block holds of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Nothing: the column was not wanted.
    Skipped,
    /// The cells as text.
    Text(TextValues),
    /// The cells as numbers; NaN is a missing one.
    Numbers(Vec<f64>),
}

impl Values {
    /// Returns about how many bytes of memory the values take.
    pub fn bytes(&self) -> usize {
        match self {
            Values::Skipped => 0,
            Values::Text(text) => text.text.len() + size_of_val(&text.ends[..]) + size_of_val(&text.missing[..]),
            Values::Numbers(numbers) => size_of_val(&numbers[..]),
        }
    }
}

/// Cells as text, in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextValues {
    text: String,
    /// Where each cell ends; it begins where the one before ends.
    ends: Vec<u32>,
    /// A bit a cell, from the lowest; empty where no cell is missing.
    missing: Vec<u64>,
}

impl TextValues {
    /// Adds a cell; `None` is a missing one. The text of all cells must have fewer than 4 GiB: the
    /// readers' limits on a block see to that.
    pub fn push(&mut self, cell: Option<&str>) {
        let index = self.ends.len();
        match cell {
            Some(cell) => self.text.push_str(cell),
            None => {
                self.missing.resize(index / 64 + 1, 0);
                self.missing[index / 64] |= 1 << (index % 64);
            }
        }
        self.ends.push(u32::try_from(self.text.len()).expect("a block has less than 4 GiB of text"));
    }

    /// Returns how many bytes of text the cells have.
    #[cfg(any(feature = "parquet", feature = "arrow"))]
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Makes cells of their bytes and their ends, or says which cell is no UTF-8.
    pub(crate) fn from_utf8(bytes: Vec<u8>, ends: Vec<u32>) -> Result<TextValues, usize> {
        let cell_of = |at: usize| ends.partition_point(|&end| end as usize <= at);
        let text = String::from_utf8(bytes).map_err(|error| cell_of(error.utf8_error().valid_up_to()))?;
        // Halves of one character in two cells are no text either.
        match ends.iter().position(|&end| !text.is_char_boundary(end as usize)) {
            Some(cell) => Err(cell),
            None => Ok(TextValues { text, ends, missing: Vec::new() }),
        }
    }

    /// Returns how many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns a cell; `None` is the format's own missing value, such as JSON's null. An empty cell
    /// of a CSV file is `Some("")`.
    ///
    /// # Panics
    /// When there is no such cell.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = self.ends[index] as usize;
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        let missing = self.missing.get(index / 64).is_some_and(|bits| bits >> (index % 64) & 1 == 1);
        (!missing).then(|| &self.text[begin..end])
    }

    /// Goes through the cells in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// What a reader makes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAs {
    /// Nothing: its cells are not even looked at.
    Skip,
    /// Text.
    Text,
    /// Numbers, parsed while reading.
    Numbers {
        /// Spellings of a missing number beside the empty one, such as [`MISSING_NUMBERS`].
        missing: Vec<String>,
    },
}

impl ReadAs {
    /// Returns numbers with the usual spellings of missing ones.
    pub fn numbers() -> ReadAs {
        ReadAs::Numbers { missing: MISSING_NUMBERS.map(String::from).to_vec() }
    }
}

/// The usual spellings of a missing number.
pub const MISSING_NUMBERS: [&str; 12] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", "?", ".", "#N/A"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were_pushed() {
        let cells: Vec<_> =
            (0..200).map(|i| if i % 3 == 1 { None } else { Some(if i % 2 == 0 { "é" } else { "" }) }).collect();
        let mut text = TextValues::default();
        cells.iter().for_each(|&cell| text.push(cell));
        assert!(text.iter().eq(cells.iter().copied()));
    }

    #[test]
    fn half_a_character_is_found_in_its_cell() {
        assert_eq!(TextValues::from_utf8(b"ab\xffc".into(), vec![1, 2, 4]), Err(2));
        assert_eq!(TextValues::from_utf8("aé".into(), vec![1, 2, 3]), Err(1));
        assert_eq!(TextValues::from_utf8("aé".into(), vec![0, 1, 3]).unwrap().get(2), Some("é"));
        assert_eq!(TextValues::from_utf8(b"a\xc3".into(), vec![1, 1, 2, 2]), Err(2));
    }
}
