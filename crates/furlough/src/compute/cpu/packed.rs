//! The weights as the products want them. Packed at the beginning of a call, or by
//! the step that changed them; a revision of the parameters says of which contents a copy is, so that none is used out of date.

use super::connections::Connections;
use super::product::Product;
use super::tiles;
use super::workers::Workers;
use super::workspace::Shared;
use crate::nn::{Architecture, Block, Mlp, Revision};
use std::ops::Range;

/// Room for every block's weights, in both directions.
pub(super) struct Packed {
    /// Outputs are units, depth is inputs: for xW.
    pub(super) forward: Vec<Shared<u32>>,
    /// Outputs are inputs, depth is units: for δWᵀ. Empty for the first block, whose inputs learn nothing.
    pub(super) backward: Vec<Shared<u32>>,
    forward_tasks: Vec<Task>,
    backward_tasks: Vec<Task>,
    /// Whether the second phase packs a block's weights for the next forward pass while it has them in cache, and not [`Packed::fill`].
    in_update: Vec<bool>,
    /// The contents of which the second phase of the last step packed tiles that it had changed.
    filled: Option<Revision>,
}

#[derive(Clone, Copy)]
struct Task {
    block: usize,
    panel: usize,
}

impl Packed {
    pub(super) fn new(architecture: &Architecture, product: &Product) -> Self {
        let blocks = architecture.blocks();
        let room =
            |outputs: usize, depth: usize| Shared::new(product.panels(outputs) * product.lanes(), product.slots(depth));
        let tasks = |block: usize, outputs: usize| (0..product.panels(outputs)).map(move |panel| Task { block, panel });
        let later = || blocks.iter().enumerate().skip(1);
        Packed {
            forward: blocks.iter().map(|b| room(b.outputs, b.inputs)).collect(),
            backward: blocks
                .iter()
                .enumerate()
                .map(|(i, b)| if i == 0 { Shared::new(0, 0) } else { room(b.inputs, b.outputs) })
                .collect(),
            forward_tasks: blocks.iter().enumerate().flat_map(|(i, b)| tasks(i, b.outputs)).collect(),
            backward_tasks: later().flat_map(|(i, b)| tasks(i, b.inputs)).collect(),
            // A tile must have whole rows for that, and the next forward pass must want the weights as they are.
            in_update: (0..blocks.len())
                .map(|i| blocks[i].outputs <= tiles::COLUMNS && architecture.drop_connect(i).is_none())
                .collect(),
            filled: None,
        }
    }

    /// Rows `rows` of a block's weights, changed in the second phase of a step, for the next one. `weights` holds just these.
    ///
    /// # Safety
    /// Nobody else packs these rows or multiplies with the packed weights now.
    pub(super) unsafe fn refill(
        &self,
        product: &Product,
        index: usize,
        block: &Block,
        rows: Range<usize>,
        weights: &[f32],
    ) {
        if !self.in_update[index] {
            return;
        }
        let lanes = product.lanes();
        for (panel, first) in (0..block.outputs).step_by(lanes).enumerate() {
            let start = (panel * product.slots(block.inputs) + product.slots(rows.start)) * lanes;
            // SAFETY: these slots of each panel belong to these rows.
            let words = unsafe { self.forward[index].part(start, product.slots(rows.len()) * lanes) };
            let count = lanes.min(block.outputs - first);
            product.pack_depths(&weights[first..], block.outputs, rows.len(), count, words);
        }
    }

    /// Says that all of a network's weights have been given to [`Self::refill`], or none of them.
    pub(super) fn filled(&mut self, with: Option<Revision>) {
        self.filled = with;
    }

    /// Packs the weights of `mlp`, or what `connections` leaves of them, for `rows` rows, for the backward pass too if `training`.
    pub(super) fn fill(
        &self,
        workers: &mut Workers,
        product: &Product,
        (mlp, connections): (&Mlp, &Connections),
        rows: usize,
        training: bool,
    ) {
        let forward = self.forward_tasks.len();
        let tasks = forward + if training { self.backward_tasks.len() } else { 0 };
        let lanes = product.lanes();
        let fresh = self.filled.is_some_and(|revision| revision.is(mlp.revision()));
        workers.run(tasks, &|task, _| {
            let backward = task >= forward;
            let Task { block, panel } =
                if backward { self.backward_tasks[task - forward] } else { self.forward_tasks[task] };
            let shape = &mlp.architecture().blocks()[block];
            if product.in_place(rows, shape.outputs) || fresh && !backward && self.in_update[block] {
                return;
            }
            let weights = connections.weights(mlp, block);
            let (room, outputs, depth) = if backward {
                (&self.backward[block], shape.inputs, shape.outputs)
            } else {
                (&self.forward[block], shape.outputs, shape.inputs)
            };
            let size = lanes * product.slots(depth);
            // SAFETY: each task has its own panel.
            let words = unsafe { room.part(panel * size, size) };
            let range = panel * lanes..outputs.min((panel + 1) * lanes);
            if backward {
                product.pack_panel_of_rows(weights, shape.outputs, range, words);
            } else {
                product.pack_panel_of_columns(weights, shape.outputs, range, words);
            }
        });
    }
}
