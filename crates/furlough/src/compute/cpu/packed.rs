//! The weights as products want them: packed at the beginning of a call, or by the update that
//! changed them. A revision of the parameters says of which contents a copy is, so that none is
//! used out of date.

use super::blocking::K_MULTIPLE;
use super::connections::Connections;
use super::matmul::Matmul;
use super::matrix::MatView;
use super::plan::{StepPlan, first_backward, multiplies_back_in_place};
use super::workers::Workers;
use super::workspace::{Borrowed, Shared};
use crate::nn::{Architecture, Mlp, Revision};
use std::ops::Range;

/// Room for every block's weights, in both directions.
pub(super) struct Packed {
    /// Columns are units, depth is inputs.
    pub(super) forward: Vec<Shared<u32>>,
    /// Columns are inputs, depth is units. None for the first block unless the input stage
    /// learns, and where whole batches multiply weights in place.
    pub(super) backward: Vec<Option<Shared<u32>>>,
    /// Inputs and units of each block.
    shapes: Vec<(usize, usize)>,
    forward_tasks: Vec<Task>,
    backward_tasks: Vec<Task>,
    /// Whether the update packs a block's weights for the next forward pass while it has them in
    /// cache.
    in_update: Vec<bool>,
    /// The contents that the last update has packed.
    filled: Option<Revision>,
}

/// Rows of a block's weights.
struct Task {
    block: usize,
    rows: Range<usize>,
}

/// Rows of the weights that are packed for the forward pass together: what all panels get of them
/// lies in a few pages.
const ROWS: usize = 64;

/// Rows of a tile that are packed together.
const TILE_ROWS: usize = 32;

const _: () = assert!(ROWS.is_multiple_of(K_MULTIPLE) && TILE_ROWS.is_multiple_of(K_MULTIPLE));

impl Packed {
    /// Allocates for training with batches of up to `batch_size`.
    pub(super) fn new(architecture: &Architecture, matmul: &Matmul, batch_size: usize) -> Self {
        let blocks = architecture.blocks();
        let tasks = |block: usize, most: usize| {
            let inputs = blocks[block].inputs;
            (0..inputs).step_by(most).map(move |first| Task { block, rows: first..inputs.min(first + most) })
        };
        let first = first_backward(architecture);
        let packs_back = |&i: &usize| i >= first && !multiplies_back_in_place(matmul, batch_size, &blocks[i]);
        let room = |columns: usize, depth: usize| Shared::new(1, matmul.panels(columns, depth));
        Packed {
            forward: blocks.iter().map(|b| room(b.outputs, b.inputs)).collect(),
            backward: (0..blocks.len())
                .map(|i| packs_back(&i).then(|| room(blocks[i].inputs, blocks[i].outputs)))
                .collect(),
            shapes: blocks.iter().map(|b| (b.inputs, b.outputs)).collect(),
            forward_tasks: (0..blocks.len()).flat_map(|block| tasks(block, ROWS)).collect(),
            backward_tasks: (0..blocks.len()).filter(packs_back).flat_map(|block| tasks(block, matmul.mr)).collect(),
            // The next forward pass must want the weights as they are.
            in_update: (0..blocks.len()).map(|i| architecture.drop_connect(i).is_none()).collect(),
            filled: None,
        }
    }

    /// Packs a tile of a block's weights that the update has changed: these rows and columns, which
    /// begin at `start` of the parameters and, the columns, at a whole panel. `scratch` is as long
    /// as the tile.
    ///
    /// # Safety
    /// Nobody else uses the tile, packs it or multiplies with the packed weights now.
    pub(super) unsafe fn refill(
        &self,
        matmul: &Matmul,
        index: usize,
        (rows, columns): (Range<usize>, Range<usize>),
        (parameters, start): (&Borrowed<'_>, usize),
        scratch: &mut [f32],
        non_temporal: bool,
    ) {
        if !self.in_update[index] {
            return;
        }
        let units = self.shapes[index].1;
        if columns.len() == units {
            // SAFETY: as promised: the tile is whole rows.
            unsafe {
                let weights = MatView::contiguous(parameters.part(start, rows.len() * units), units);
                self.pack_forward(matmul, index, (rows.start, 0), weights, non_temporal)
            };
            return;
        }
        // Between its rows lies what belongs to others, so some rows at a time are copied together
        // first.
        for first in rows.clone().step_by(TILE_ROWS) {
            let some = first..rows.end.min(first + TILE_ROWS);
            let copies = &mut scratch[..some.len() * columns.len()];
            for (row, copy) in some.zip(copies.chunks_exact_mut(columns.len())) {
                // SAFETY: as promised.
                copy.copy_from_slice(unsafe { parameters.part(start + (row - rows.start) * units, columns.len()) });
            }
            let weights = MatView::contiguous(copies, columns.len());
            // SAFETY: as promised.
            unsafe { self.pack_forward(matmul, index, (first, columns.start), weights, non_temporal) };
        }
    }

    /// Packs `weights`, which are those of a block from a row and a column on, for the forward
    /// pass.
    ///
    /// # Safety
    /// Nobody else packs them or multiplies with the packed weights now.
    unsafe fn pack_forward(
        &self,
        matmul: &Matmul,
        index: usize,
        (row, column): (usize, usize),
        weights: MatView<'_>,
        non_temporal: bool,
    ) {
        let mr = matmul.mr;
        for first in (0..weights.columns).step_by(mr) {
            let panel = (column + first) / mr;
            let start = panel * matmul.panel(self.shapes[index].0) + matmul.packed_k(row) * mr;
            // SAFETY: these depths of each panel belong to these rows.
            let words = unsafe { self.forward[index].part(start, matmul.panel(weights.rows)) };
            let some = weights.part(0, weights.rows, first..weights.columns.min(first + mr));
            matmul.pack_panel(some, words, non_temporal);
        }
    }

    /// Says that all of a network's weights have been given to [`Self::refill`], or none of them.
    pub(super) fn set_filled(&mut self, with: Option<Revision>) {
        self.filled = with;
    }

    /// Packs what the plan wants packed of the weights of `mlp`, or of what `connections` leaves of
    /// them.
    pub(super) fn fill(
        &self,
        workers: &mut Workers,
        matmul: &Matmul,
        (mlp, connections): (&Mlp, &Connections),
        plan: &StepPlan,
    ) {
        let forward = self.forward_tasks.len();
        let training = plan.blocks[0].gradient.is_some();
        let tasks = forward + if training { self.backward_tasks.len() } else { 0 };
        let fresh = self.filled.is_some_and(|revision| revision.is(mlp.revision()));
        workers.run(tasks, &|task, _| {
            let backward = task >= forward;
            let Task { block, ref rows } =
                *(if backward { &self.backward_tasks[task - forward] } else { &self.forward_tasks[task] });
            let (units, how) = (self.shapes[block].1, &plan.blocks[block]);
            let rows_of = |weights| MatView::contiguous(weights, units).part(rows.start, rows.len(), 0..units);
            let weights = connections.weights(mlp, block);
            if backward {
                let packs = how.backward.is_some_and(|product| !product.in_place);
                let Some(room) = self.backward[block].as_ref().filter(|_| packs) else { return };
                let size = matmul.panel(units);
                // SAFETY: each task has its own panel.
                let words = unsafe { room.part(rows.start / matmul.mr * size, size) };
                matmul.pack_panel_of_rows(rows_of(weights), words, plan.non_temporal_stores);
            } else if !(how.forward.in_place || fresh && self.in_update[block]) {
                // SAFETY: each task has its own rows.
                unsafe { self.pack_forward(matmul, block, (rows.start, 0), rows_of(weights), false) };
            }
        });
    }
}
