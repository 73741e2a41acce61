//! DropConnect: a masked copy of the weights stands in for them from the beginning of a call to its
//! end. The second phase draws the mask again for the gradient, whose optimizer changes the weights
//! themselves.

use super::Isa;
use super::dropout::LayerMask;
use super::epilogue::masked_copy;
use super::workers::Workers;
use super::workspace::Shared;
use crate::nn::{Architecture, MaskKey, Mlp};
use std::ops::Range;

/// Weights of one task, some.
const TASK: usize = 1 << 14;

/// The weights that DropConnect stands before.
pub(super) struct Connections {
    /// What is left of each block's weights; empty where they are never masked.
    copies: Vec<Shared<f32>>,
    tasks: Vec<(usize, Range<usize>)>,
    /// The mask of each block's weights in the present call.
    masks: Vec<Option<LayerMask>>,
}

impl Connections {
    pub(super) fn new(architecture: &Architecture) -> Self {
        let blocks = architecture.blocks();
        let masked = |index: usize| architecture.drop_connect(index).is_some();
        let room = |index: usize| if masked(index) { blocks[index].inputs } else { 0 };
        let mut tasks = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            let step = (TASK / block.outputs).max(1);
            let rows = room(index);
            tasks.extend((0..rows).step_by(step).map(|first| (index, first..rows.min(first + step))));
        }
        Connections {
            copies: (0..blocks.len()).map(|index| Shared::new(room(index), blocks[index].outputs)).collect(),
            tasks,
            masks: vec![None; blocks.len()],
        }
    }

    /// Whether any weights are ever masked.
    pub(super) fn any(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Masks the weights of `mlp` for a call, with drop probabilities multiplied by `factor`; none
    /// of them without a site.
    pub(super) fn draw(&mut self, isa: Isa, workers: &mut Workers, mlp: &Mlp, site: Option<&MaskKey>, factor: f64) {
        if !self.any() {
            return;
        }
        let architecture = mlp.architecture();
        for (index, mask) in self.masks.iter_mut().enumerate() {
            let dropout = architecture.drop_connect(index);
            *mask = site.zip(dropout).and_then(|(site, dropout)| {
                LayerMask::new(isa, dropout.times(factor), &site.of_weights(), index as u32)
            });
        }
        if site.is_none() {
            return;
        }
        let Connections { copies, tasks, masks } = &*self;
        workers.run(tasks.len(), &|task, _| {
            let (index, rows) = &tasks[task];
            let Some(mask) = &masks[*index] else { return };
            let units = architecture.blocks()[*index].outputs;
            let weights = &mlp.parameters()[architecture.ranges(*index).0];
            let weights = &weights[rows.start * units..rows.end * units];
            // SAFETY: each task has its own rows.
            let copies = unsafe { copies[*index].part(rows.start * units, rows.len() * units) };
            let all = copies.chunks_exact_mut(units).zip(weights.chunks_exact(units));
            for (input, (copy, weights)) in rows.clone().zip(all) {
                masked_copy(isa, copy, weights, mask, input as u32);
            }
        });
    }

    /// The weights of a block in the present call.
    pub(super) fn weights<'a>(&'a self, mlp: &'a Mlp, index: usize) -> &'a [f32] {
        match self.masks[index] {
            // SAFETY: they are written in `draw` only, which has them for itself.
            Some(_) => unsafe { self.copies[index].read(0, self.copies[index].len()) },
            None => &mlp.parameters()[mlp.architecture().ranges(index).0],
        }
    }

    /// The mask of a block's weights in the present call.
    pub(super) fn mask(&self, index: usize) -> Option<&LayerMask> {
        self.masks[index].as_ref()
    }
}
