//! How a row stands in the file: its features, its class or its targets, and its weight, all of
//! four bytes, the lowest first.

use crate::data::{Dataset, Targets};

/// What the rows of a file consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowLayout {
    pub(super) features: usize,
    /// How many numbers are to be predicted; 0 where there is a class.
    pub(super) targets: usize,
    pub(super) weighted: bool,
}

/// Bytes of a number.
const WORD: usize = 4;

impl RowLayout {
    /// Returns that of the rows of a data set, with weights or without.
    pub(super) fn of(data: &Dataset, weighted: bool) -> Self {
        let targets = match data.targets() {
            Targets::Classes { .. } => 0,
            Targets::Values(values) => values.ncols(),
        };
        RowLayout { features: data.features(), targets, weighted }
    }

    /// Returns the bytes of a row.
    pub(super) fn bytes(&self) -> usize {
        WORD * (self.features + self.targets.max(1) + usize::from(self.weighted))
    }

    /// Returns [`Self::bytes`] of a layout that was read; none where no number holds them.
    pub(super) fn checked_bytes(&self) -> Option<u64> {
        let numbers = self.features.checked_add(self.targets.max(1))?.checked_add(usize::from(self.weighted))?;
        (WORD as u64).checked_mul(numbers as u64)
    }

    /// Adds a row of a data set to what is written.
    pub(super) fn encode(
        &self,
        data: &Dataset,
        row: usize,
        weight: Option<f32>,
        features: &mut [f32],
        out: &mut Vec<u8>,
    ) {
        data.read_row(row, features);
        features.iter().for_each(|value| out.extend(value.to_le_bytes()));
        match data.targets() {
            Targets::Classes { labels, .. } => out.extend(labels[row].to_le_bytes()),
            Targets::Values(values) => values.row(row).iter().for_each(|value| out.extend(value.to_le_bytes())),
        }
        out.extend(weight.iter().flat_map(|weight| weight.to_le_bytes()));
    }

    /// Reads a row into row `at` of a data set of this layout.
    pub(super) fn decode(&self, record: &[u8], data: &mut Dataset, at: usize) {
        let (features, rest) = record.split_at(WORD * self.features);
        let (targets, weight) = rest.split_at(WORD * self.targets.max(1));
        let (rows, all, weights) = data.rows_mut();
        read(features, &mut rows[at * self.features..][..self.features]);
        match all {
            Targets::Classes { labels, .. } => labels[at] = u32::from_le_bytes(word(targets)),
            Targets::Values(values) => {
                let values = values.as_slice_mut().expect("standard layout, set by Dataset::of");
                read(targets, &mut values[at * self.targets..][..self.targets]);
            }
        }
        if let Some(weights) = weights {
            weights[at] = f32::from_le_bytes(word(weight));
        }
    }
}

fn read(bytes: &[u8], out: &mut [f32]) {
    let (words, _) = bytes.as_chunks::<WORD>();
    for (value, &word) in out.iter_mut().zip(words) {
        *value = f32::from_le_bytes(word);
    }
}

fn word(bytes: &[u8]) -> [u8; WORD] {
    bytes.first_chunk().copied().unwrap_or_default()
}
