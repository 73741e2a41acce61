//! The weights as the products want them. Packed at the beginning of a call, or by
//! the step that changed them; a revision of the parameters says of which contents a copy is, so that none is used out of date.

use super::bf16::PART;
use super::connections::Connections;
use super::product::Product;
use super::workers::Workers;
use super::workspace::{Borrowed, Shared};
use crate::nn::{Architecture, Mlp, Revision};
use std::ops::Range;

/// Room for every block's weights, in both directions.
pub(super) struct Packed {
    /// Outputs are units, depth is inputs: for xW.
    pub(super) forward: Vec<Shared<u32>>,
    /// Outputs are inputs, depth is units: for δWᵀ. None for the first block, whose inputs learn nothing, and where the weights are
    /// multiplied where they lie.
    backward: Vec<Option<Shared<u32>>>,
    /// Inputs and units of each block.
    shapes: Vec<(usize, usize)>,
    forward_tasks: Vec<Task>,
    backward_tasks: Vec<Task>,
    /// Whether the second phase packs a block's weights for the next forward pass while it has them in cache, and not [`Packed::fill`].
    in_update: Vec<bool>,
    /// The contents of which the second phase of the last step packed tiles that it had changed.
    filled: Option<Revision>,
}

/// Rows of a block's weights.
struct Task {
    block: usize,
    rows: Range<usize>,
}

/// Rows of the weights that are packed for the forward pass together: what all panels get of them lies in a few pages.
const ROWS: usize = 64;

/// Rows of a tile that are packed together.
const TOGETHER: usize = 32;

const _: () = assert!(ROWS.is_multiple_of(PART) && TOGETHER.is_multiple_of(PART));

impl Packed {
    /// For training with batches of up to `batch_size`.
    pub(super) fn new(architecture: &Architecture, product: &Product, batch_size: usize) -> Self {
        let blocks = architecture.blocks();
        let room =
            |outputs: usize, depth: usize| Shared::new(product.panels(outputs) * product.lanes(), product.slots(depth));
        let tasks = |block: usize, most: usize| {
            let inputs = blocks[block].inputs;
            (0..inputs).step_by(most).map(move |first| Task { block, rows: first..inputs.min(first + most) })
        };
        let packs_back = |i: usize| i > 0 && !product.back_in_place(batch_size, &blocks[i]);
        Packed {
            forward: blocks.iter().map(|b| room(b.outputs, b.inputs)).collect(),
            backward: (0..blocks.len())
                .map(|i| packs_back(i).then(|| room(blocks[i].inputs, blocks[i].outputs)))
                .collect(),
            shapes: blocks.iter().map(|b| (b.inputs, b.outputs)).collect(),
            forward_tasks: (0..blocks.len()).flat_map(|block| tasks(block, ROWS)).collect(),
            backward_tasks: (0..blocks.len())
                .filter(|&i| packs_back(i))
                .flat_map(|block| tasks(block, product.lanes()))
                .collect(),
            // The next forward pass must want the weights as they are.
            in_update: (0..blocks.len()).map(|i| architecture.drop_connect(i).is_none()).collect(),
            filled: None,
        }
    }

    /// A tile of a block's weights, changed in the second phase of a step, for the next one: rows and columns `place` of them, which begin at
    /// `start` of the parameters. Columns begin at a whole panel. `scratch` is as long as the tile.
    ///
    /// # Safety
    /// Nobody else uses the tile, packs it or multiplies with the packed weights now.
    pub(super) unsafe fn refill(
        &self,
        product: &Product,
        index: usize,
        (rows, columns): (Range<usize>, Range<usize>),
        (parameters, start): (&Borrowed<'_>, usize),
        scratch: &mut [f32],
        streaming: bool,
    ) {
        if !self.in_update[index] {
            return;
        }
        let units = self.shapes[index].1;
        if columns.len() == units {
            // SAFETY: as promised: the tile is whole rows.
            unsafe {
                let weights = parameters.part(start, rows.len() * units);
                self.pack_forward(product, index, (rows.clone(), columns), weights, streaming)
            };
            return;
        }
        // Between its rows lies what is others'. The rows are brought together, a few at a time.
        for first in rows.clone().step_by(TOGETHER) {
            let some = first..rows.end.min(first + TOGETHER);
            let copies = &mut scratch[..some.len() * columns.len()];
            for (row, copy) in some.clone().zip(copies.chunks_exact_mut(columns.len())) {
                // SAFETY: as promised.
                copy.copy_from_slice(unsafe { parameters.part(start + (row - rows.start) * units, columns.len()) });
            }
            // SAFETY: as promised.
            unsafe { self.pack_forward(product, index, (some, columns.clone()), copies, streaming) };
        }
    }

    /// Rows and columns `place` of a block's weights for the forward pass; `weights` holds just these, row by row.
    ///
    /// # Safety
    /// Nobody else packs them or multiplies with the packed weights now.
    unsafe fn pack_forward(
        &self,
        product: &Product,
        index: usize,
        (rows, columns): (Range<usize>, Range<usize>),
        weights: &[f32],
        streaming: bool,
    ) {
        let (lanes, width) = (product.lanes(), columns.len());
        for first in (0..width).step_by(lanes) {
            let panel = (columns.start + first) / lanes;
            let start = (panel * product.slots(self.shapes[index].0) + product.slots(rows.start)) * lanes;
            // SAFETY: these slots of each panel belong to these rows.
            let words = unsafe { self.forward[index].part(start, product.slots(rows.len()) * lanes) };
            let count = lanes.min(width - first);
            product.pack_depths((&weights[first..], width), (rows.len(), count), words, streaming);
        }
    }

    /// The weights of block `index` for the backward pass of `rows` rows, unless they are multiplied where they lie.
    pub(super) fn backward(&self, product: &Product, rows: usize, index: usize) -> Option<&Shared<u32>> {
        self.backward[index].as_ref().filter(|_| !product.in_place(rows, self.shapes[index].1))
    }

    /// Says that all of a network's weights have been given to [`Self::refill`], or none of them.
    pub(super) fn filled(&mut self, with: Option<Revision>) {
        self.filled = with;
    }

    /// Packs the weights of `mlp`, or what `connections` leaves of them, for `count` rows; for the backward pass too if `training`, that past the caches if
    /// `streaming`.
    pub(super) fn fill(
        &self,
        workers: &mut Workers,
        product: &Product,
        (mlp, connections): (&Mlp, &Connections),
        count: usize,
        (training, streaming): (bool, bool),
    ) {
        let forward = self.forward_tasks.len();
        let tasks = forward + if training { self.backward_tasks.len() } else { 0 };
        let fresh = self.filled.is_some_and(|revision| revision.is(mlp.revision()));
        workers.run(tasks, &|task, _| {
            let backward = task >= forward;
            let Task { block, ref rows } =
                *(if backward { &self.backward_tasks[task - forward] } else { &self.forward_tasks[task] });
            let (_, units) = self.shapes[block];
            let weights = connections.weights(mlp, block);
            if backward {
                let Some(room) = self.backward(product, count, block) else { return };
                let size = product.lanes() * product.slots(units);
                // SAFETY: each task has its own panel.
                let words = unsafe { room.part(rows.start / product.lanes() * size, size) };
                product.pack_panel_of_rows((weights, units, rows.clone()), words, streaming);
            } else if !(product.in_place(count, units) || fresh && self.in_update[block]) {
                let weights = &weights[rows.start * units..rows.end * units];
                // SAFETY: each task has its own rows.
                unsafe { self.pack_forward(product, block, (rows.clone(), 0..units), weights, false) };
            }
        });
    }
}
