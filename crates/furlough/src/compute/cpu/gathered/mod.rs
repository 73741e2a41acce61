//! The step where groups of rows share their masks, without what a group drops
//! (docs/internals/shared-masks.md). Activations and deltas of a group are kept together,
//! `[row][kept unit]`, in the buffers of the dense step.

mod gather_scatter;
mod kept;
mod layers;
#[cfg(target_arch = "x86_64")]
mod moves;
mod update;

use super::blocking::{GATHERED_COLUMNS, GATHERED_WIDE_COLUMNS};
use super::matmul::Matmul;
use super::partition::Partition;
use super::plan::StepPlan;
use super::workspace::{Scratch, Workspace};
use super::{Cpu, StepSums};
use crate::data::Batch;
use crate::nn::{Architecture, Dropout, Mlp};
use kept::Kept;

/// What a network with shared masks needs besides the dense step's memory.
pub(super) struct Gathered {
    kept: Kept,
    pub(super) partition: Partition,
    /// Rows of a whole group.
    pub(super) group_rows: usize,
    /// Words of scratch that a worker needs.
    pub(super) scratch: usize,
}

/// What all tasks of a phase have in common.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    plan: &'a StepPlan,
    matmul: &'a Matmul,
    architecture: &'a Architecture,
    workspace: &'a Workspace,
    kept: &'a Kept,
    scratch: &'a Scratch,
}

impl Gathered {
    /// Returns none where some layer has masks for each example or noise that drops nothing, where
    /// no layer has masks, behind an input stage, with parametric activations, or in bfloat16.
    pub(super) fn new(
        architecture: &Architecture,
        batch_size: usize,
        matmul: &Matmul,
        workers: usize,
    ) -> Option<Gathered> {
        let input = std::iter::once(architecture.input_dropout());
        let mut dropouts = input.chain(architecture.blocks().iter().map(|block| block.dropout));
        let size = architecture.sharing().group_size()?.get() as usize;
        let group_rows = size.min(batch_size).max(1);
        let parametric = architecture.blocks().iter().any(|block| block.parametric);
        let is_apart = parametric || architecture.input_stage().is_some();
        let stays = |d: Dropout| d.sharing().is_per_example() || !d.kind().is_bernoulli();
        if !matmul.is_exact() || is_apart || dropouts.any(|dropout| !dropout.is_identity() && stays(dropout)) {
            return None;
        }
        let widest = architecture.blocks().iter().flat_map(|b| [b.inputs, b.outputs]).max().unwrap_or(0);
        let depth = widest.next_multiple_of(GATHERED_COLUMNS) + GATHERED_COLUMNS;
        let products = (depth + 1) * GATHERED_WIDE_COLUMNS.next_multiple_of(matmul.mr);
        let partition = Partition::gathered(architecture, workers);
        let of_tile = |tile| update::scratch(matmul, tile, group_rows);
        let updates = partition.tiles.iter().map(of_tile).max().unwrap_or(0);
        let kept = Kept::new(architecture, batch_size, group_rows);
        Some(Gathered { kept, partition, group_rows, scratch: products.max(updates) })
    }

    /// Returns what all tasks of a phase have in common.
    pub(super) fn step<'a>(
        &'a self,
        plan: &'a StepPlan,
        matmul: &'a Matmul,
        architecture: &'a Architecture,
        workspace: &'a Workspace,
        scratch: &'a Scratch,
    ) -> Step<'a> {
        Step { plan, matmul, architecture, workspace, kept: &self.kept, scratch }
    }
}

/// Forward, loss and backward of a whole batch under the present masks. There is a [`Gathered`].
pub(super) fn first_phase(cpu: &mut Cpu, mlp: &Mlp, batch: Batch<'_>) -> StepSums {
    let Cpu { matmul, workers, training, masks, loss, architecture, gathered, scratch, plan, .. } = cpu;
    let Some(gathered) = gathered else { return StepSums::default() };
    gathered.kept.draw(matmul.isa, masks, batch.examples.len());
    let step = gathered.step(plan, matmul, architecture, training, scratch);
    layers::read_features(step, workers, batch);
    for block in 0..architecture.blocks().len() {
        layers::forward(step, workers, mlp, block);
    }
    // All outputs are kept.
    loss.of_batch(matmul.isa, workers, batch, training);
    let sums = loss.total(batch);
    if sums.is_taken() {
        for block in (1..architecture.blocks().len()).rev() {
            layers::backward(step, workers, mlp, block);
        }
        update::pack_deltas(step, workers);
    }
    sums
}
