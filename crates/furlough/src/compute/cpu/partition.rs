//! How the update is cut: into tiles of parameters.

use super::blocking::{
    DELTA_MAJOR_FEWEST_INPUTS, DELTA_MAJOR_FEWEST_UNITS, DELTA_MAJOR_INPUTS, DELTA_MAJOR_UNITS, GATHERED_FEWEST_INPUTS,
    GATHERED_INPUTS, K_MULTIPLE, LINE, TILE_INPUTS, TILE_UNITS, even_parts, parts,
};
use crate::nn::{Architecture, Block, ParamSpec};
use std::cmp::Reverse;
use std::ops::Range;

/// A rectangle of one block's weights, or a range of its biases.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ParameterTile {
    pub(super) block: usize,
    /// Rows of the weights; none for biases.
    pub(super) inputs: Option<Range<usize>>,
    pub(super) units: Range<usize>,
}

impl ParameterTile {
    /// Returns how many rows of parameters it has: one for biases.
    pub(super) fn height(&self) -> usize {
        self.inputs.as_ref().map_or(1, ExactSizeIterator::len)
    }

    /// Returns how many parameters it has.
    pub(super) fn len(&self) -> usize {
        self.height() * self.units.len()
    }

    /// Returns where its first parameter is among all, and how far apart its rows are.
    pub(super) fn place(&self, architecture: &Architecture) -> (usize, usize) {
        let (weights, biases) = architecture.ranges(self.block);
        let stride = architecture.blocks()[self.block].outputs;
        let first = self.inputs.as_ref().map_or(biases.start, |inputs| weights.start + inputs.start * stride);
        (first + self.units.start, stride)
    }

    /// Returns the parameter that it is of.
    pub(super) fn spec<'a>(&self, architecture: &'a Architecture) -> &'a ParamSpec {
        // Block after block, weights before biases.
        &architecture.param_specs()[2 * self.block + usize::from(self.inputs.is_none())]
    }

    /// Returns the words of scratch for its gradient, whole cache lines.
    pub(super) fn gradient_words(&self) -> usize {
        self.len().next_multiple_of(LINE)
    }
}

/// All tiles of a network, the large ones first so that workers finish at about the same time.
pub(super) struct Partition {
    pub(super) tiles: Vec<ParameterTile>,
    /// Of which blocks the deltas are packed unit by unit.
    pub(super) delta_major: Vec<bool>,
}

impl Partition {
    pub(super) fn new(architecture: &Architecture, delta_major: Vec<bool>, workers: usize) -> Partition {
        // As many parts of the inputs as each worker gets one of, or several, unless they are too
        // small.
        let parts_of_inputs = |inputs: usize| {
            let fewest = inputs.div_ceil(DELTA_MAJOR_INPUTS);
            let even = fewest.next_multiple_of(workers);
            if inputs >= even * DELTA_MAJOR_FEWEST_INPUTS { even } else { fewest }
        };
        let count = |most: usize| -> usize {
            let of_block = |block: &Block| parts_of_inputs(block.inputs) * block.outputs.div_ceil(most);
            let blocks = architecture.blocks().iter().zip(&delta_major);
            blocks.filter(|&(_, &delta_major)| delta_major).map(|(block, _)| of_block(block)).sum()
        };
        let mut most = DELTA_MAJOR_UNITS;
        while most > DELTA_MAJOR_FEWEST_UNITS && count(most) < workers {
            most /= 2;
        }
        let tiles = tiles(architecture, |block| {
            let inputs = architecture.blocks()[block].inputs;
            match delta_major[block] {
                true => (most, even_parts(inputs, parts_of_inputs(inputs), K_MULTIPLE).collect()),
                false => (TILE_UNITS, parts(inputs, TILE_INPUTS, TILE_INPUTS).collect()),
            }
        });
        Partition { tiles, delta_major }
    }

    /// Cuts the parameters for gathered steps, whose tiles hold dropped weights too.
    pub(super) fn gathered(architecture: &Architecture, workers: usize) -> Partition {
        let count = |most: usize| -> usize {
            architecture.blocks().iter().map(|b| b.inputs.div_ceil(most) * b.outputs.div_ceil(TILE_UNITS)).sum()
        };
        let mut most = GATHERED_INPUTS;
        while most > GATHERED_FEWEST_INPUTS && count(most) < 3 * workers {
            most /= 2;
        }
        let tiles =
            tiles(architecture, |block| (TILE_UNITS, parts(architecture.blocks()[block].inputs, most, 12).collect()));
        Partition { tiles, delta_major: vec![false; architecture.blocks().len()] }
    }
}

/// Cuts each block as `cut` says: the most units of a tile, and the parts of its inputs.
fn tiles(architecture: &Architecture, cut: impl Fn(usize) -> (usize, Vec<Range<usize>>)) -> Vec<ParameterTile> {
    let mut tiles = Vec::new();
    for (block, shape) in architecture.blocks().iter().enumerate() {
        let (most, parts_of_inputs) = cut(block);
        for units in parts(shape.outputs, most, 64) {
            let with = |inputs| ParameterTile { block, inputs, units: units.clone() };
            tiles.extend(parts_of_inputs.iter().cloned().map(Some).chain([None]).map(with));
        }
    }
    tiles.sort_by_key(|tile| Reverse(tile.len()));
    tiles
}
