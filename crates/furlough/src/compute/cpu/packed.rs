//! The weights as the products want them. Packed at the beginning of a call and not kept beyond it, so nothing can be out of date.

use super::product::Product;
use super::workers::Workers;
use super::workspace::Shared;
use crate::nn::{Architecture, Mlp};

/// Room for every block's weights, in both directions.
pub(super) struct Packed {
    /// Outputs are units, depth is inputs: for xW.
    pub(super) forward: Vec<Shared<u32>>,
    /// Outputs are inputs, depth is units: for δWᵀ. Empty for the first block, whose inputs learn nothing.
    pub(super) backward: Vec<Shared<u32>>,
    forward_tasks: Vec<Task>,
    backward_tasks: Vec<Task>,
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
        }
    }

    /// Packs the weights of `mlp` for `rows` rows, for the backward pass too if `training`.
    pub(super) fn fill(&self, workers: &mut Workers, product: &Product, mlp: &Mlp, rows: usize, training: bool) {
        let forward = self.forward_tasks.len();
        let tasks = forward + if training { self.backward_tasks.len() } else { 0 };
        let lanes = product.lanes();
        workers.run(tasks, &|task, _| {
            let backward = task >= forward;
            let Task { block, panel } =
                if backward { self.backward_tasks[task - forward] } else { self.forward_tasks[task] };
            let shape = &mlp.architecture().blocks()[block];
            if product.in_place(rows, shape.outputs) {
                return;
            }
            let weights = &mlp.parameters()[mlp.architecture().ranges(block).0];
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
