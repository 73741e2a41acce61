//! How the second phase is cut: into tiles of parameters.

use super::bf16::PART;
use super::features::STRIP;
use super::product::Product;
use super::stream;
use crate::nn::{Architecture, Block};
use std::ops::Range;

/// The most rows (inputs) and columns (units) of a tile. Both are multiples of what the kernels of every instruction set take at
/// once (32, 6, 4 and 2 rows; 64, 32, 16 and 2 columns), so that only the last tile has an odd edge.
const ROWS: usize = 96;
const COLUMNS: usize = 512;

/// The most and, where more workers want some, the fewest rows of a tile whose deltas lie unit by unit: its inputs are the outputs of the kernel that skips, which sums so
/// many at once and is slower with few. It has whole rows of the weights if it can be: of what is next to them in memory a processor fetches some
/// unasked, and takes it from the worker that will write it.
pub(super) const UNIT_ROWS: usize = 128;
const FEWEST_ROWS: usize = 64;
const UNIT_COLUMNS: usize = 1024;
const FEWEST_COLUMNS: usize = 64;

/// The most rows of the batch whose inputs are packed at a time, so that they stay in the second-level cache (half a megabyte) while they meet the tile's
/// deltas.
pub(super) const SLICE: usize = 1024;

const _: () = assert!(
    ROWS <= UNIT_ROWS
        && ROWS.is_multiple_of(PART)
        && UNIT_ROWS.is_multiple_of(PART)
        && SLICE.is_multiple_of(PART)
        && STRIP.is_multiple_of(PART)
);

/// A rectangle of one block's weights, or a range of its biases.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ParameterTile {
    pub(super) block: usize,
    /// Rows of the weights; none for biases.
    pub(super) rows: Option<Range<usize>>,
    pub(super) columns: Range<usize>,
}

impl ParameterTile {
    /// How many parameters it has.
    pub(super) fn len(&self) -> usize {
        self.rows.as_ref().map_or(1, ExactSizeIterator::len) * self.columns.len()
    }

    /// Words of scratch for its gradient, whole lines of cache, so that what follows begins with one.
    pub(super) fn gradient_words(&self) -> usize {
        self.len().next_multiple_of(stream::LINE)
    }
}

/// All tiles of a network, the large ones first so that workers finish at about the same time.
pub(super) struct Partition {
    /// Of which blocks the deltas lie unit by unit.
    pub(super) by_units: Vec<bool>,
    pub(super) tiles: Vec<ParameterTile>,
}

impl Partition {
    pub(super) fn new(architecture: &Architecture, by_units: Vec<bool>, workers: usize) -> Partition {
        let blocks = architecture.blocks();
        // As many parts of the rows as each worker gets one of, or several, if they are not too small then.
        let parts_of_rows = |inputs: usize| {
            let fewest = inputs.div_ceil(UNIT_ROWS);
            let even = fewest.next_multiple_of(workers);
            if inputs >= even * FEWEST_ROWS { even } else { fewest }
        };
        let tiles_of_units = |most: usize| -> usize {
            let of_block = |block: &Block| parts_of_rows(block.inputs) * block.outputs.div_ceil(most);
            blocks.iter().zip(&by_units).filter(|&(_, &by_units)| by_units).map(|(block, _)| of_block(block)).sum()
        };
        let mut most = UNIT_COLUMNS;
        while most > FEWEST_COLUMNS && tiles_of_units(most) < workers {
            most /= 2;
        }
        let mut tiles = Vec::new();
        for ((block, shape), &by_units) in blocks.iter().enumerate().zip(&by_units) {
            for columns in parts(shape.outputs, if by_units { most } else { COLUMNS }, 64) {
                let rows: Vec<_> = match by_units {
                    true => even_parts(shape.inputs, parts_of_rows(shape.inputs), PART).collect(),
                    false => parts(shape.inputs, ROWS, ROWS).collect(),
                };
                let with = |rows| ParameterTile { block, rows, columns: columns.clone() };
                tiles.extend(rows.into_iter().map(Some).chain([None]).map(with));
            }
        }
        tiles.sort_by_key(|tile| std::cmp::Reverse(tile.len()));
        Partition { by_units, tiles }
    }

    /// Words of scratch that the update of any tile takes, in batches of so many.
    pub(super) fn scratch(&self, product: &Product, batch_size: usize) -> usize {
        let depth = batch_size.min(SLICE);
        let of_tile = |tile: &ParameterTile| {
            let rows = tile.rows.as_ref().map_or(0, ExactSizeIterator::len);
            let inputs = match self.by_units[tile.block] {
                true => product.unit_scratch(rows, depth),
                false => product.column_words(rows, depth),
            };
            tile.gradient_words() + inputs
        };
        self.tiles.iter().map(of_tile).max().unwrap_or(0)
    }
}

/// Cuts `0 .. len` into as few parts of at most `most` as there can be, all but the last a multiple of `unit` long.
pub(super) fn parts(len: usize, most: usize, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let step = len.div_ceil(len.div_ceil(most)).next_multiple_of(unit);
    (0..len).step_by(step).map(move |start| start..len.min(start + step))
}

/// Cuts `0 .. len` into `count` parts, as equal as whole units allow.
fn even_parts(len: usize, count: usize, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let units = len.div_ceil(unit);
    let edge = move |part: usize| len.min(part * units / count * unit);
    (0..count).map(move |part| edge(part)..edge(part + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Layer::*, Sequential};

    #[test]
    fn tiles_cover_every_parameter_once_and_are_no_larger_than_they_may_be() {
        for (inputs, hidden, outputs) in [(784, 256, 10), (1, 1, 1), (113, 1025, 3), (17, 600, 600)] {
            let architecture =
                Sequential::new([Linear(inputs, hidden), Relu, Linear(hidden, outputs)]).validate().unwrap();
            for (by_units, workers) in [([false, false], 1), ([true, true], 1), ([true, false], 3), ([true, true], 16)]
            {
                let mut seen = vec![0u8; architecture.parameters()];
                let partition = Partition::new(&architecture, by_units.to_vec(), workers);
                for tile in &partition.tiles {
                    let units = architecture.blocks()[tile.block].outputs;
                    let (weights, biases) = architecture.ranges(tile.block);
                    assert!(
                        tile.rows.as_ref().is_none_or(|rows| rows.len() <= UNIT_ROWS)
                            && tile.columns.len() <= UNIT_COLUMNS
                    );
                    for column in tile.columns.clone() {
                        match tile.rows.clone() {
                            None => seen[biases.start + column] += 1,
                            Some(rows) => rows.for_each(|row| seen[weights.start + row * units + column] += 1),
                        }
                    }
                }
                assert!(seen.iter().all(|&times| times == 1), "{inputs}-{hidden}-{outputs}");
            }
        }
    }
}
