//! The step where groups of rows share their masks: what a group drops is not computed, for any of its rows.
//!
//! Activations and deltas of a group are kept together, `[row][kept unit]`, in the buffers of the dense step. Of the weights, each product
//! gathers what it needs while it packs its panels: they are another selection at each step and for each group, so they cannot be packed
//! once. So the work goes layer by layer, a barrier after each, and a task is a panel of outputs for all rows of a group: what it gathers,
//! it uses for as many rows as there are. (Rows first, as in the dense step, would gather everything anew for each tile of rows.)
//! The tasks are cut by shapes and masks, never by the number of workers.

mod backward;
mod forward;
mod input;
mod kept;
mod moves;
mod update;

use super::dropout::LayerMask;
use super::gemm::Kernels;
use super::workspace::{Shared, Workspace};
use super::{Cpu, Isa, StepSums};
use crate::data::Batch;
use crate::nn::{Architecture, Mlp};
use crate::optim::Sgd;
use kept::Kept;

/// The fewest rows that make gathering worth it: below, what it costs is more than what it saves.
const FEWEST_ROWS: usize = 32;

/// Kept outputs of one task.
const PANEL: usize = moves::COLUMNS;

/// What a network with shared masks needs besides the dense step's memory.
pub(super) struct Gathered {
    kept: Kept,
    tiles: Vec<update::Tile>,
    /// Room for each worker.
    scratch: Shared<f32>,
    scratch_size: usize,
    group_size: usize,
}

/// What all tasks of a phase have in common.
#[derive(Clone, Copy)]
struct Step<'a> {
    isa: Isa,
    kernels: &'a Kernels,
    architecture: &'a Architecture,
    workspace: &'a Workspace,
    kept: &'a Kept,
    scratch: &'a Shared<f32>,
    scratch_size: usize,
}

impl Gathered {
    /// None where no masks are shared by enough rows, or where some layer has masks for each example.
    pub(super) fn new(
        architecture: &Architecture,
        batch_size: usize,
        kernels: &Kernels,
        workers: usize,
    ) -> Option<Gathered> {
        let input = std::iter::once(architecture.input_dropout());
        let mut dropouts = input.chain(architecture.blocks().iter().map(|block| block.dropout));
        let size = architecture.sharing().group_size()?.get() as usize;
        let group_size = size.min(batch_size);
        if group_size < FEWEST_ROWS || dropouts.any(|d| !d.is_identity() && d.sharing().is_per_example()) {
            return None;
        }
        let blocks = architecture.blocks();
        let widest = blocks.iter().flat_map(|b| [b.inputs, b.outputs]).max().unwrap_or(0);
        let products = (widest.next_multiple_of(PANEL) + PANEL) * PANEL.next_multiple_of(kernels.lanes) + 2 * PANEL;
        let tiles = update::partition(architecture);
        let updates = tiles.iter().map(|tile| tile.scratch(kernels, group_size)).max().unwrap_or(0);
        let scratch_size = products.max(updates).next_multiple_of(16);
        Some(Gathered {
            kept: Kept::new(architecture, batch_size, group_size),
            tiles,
            scratch: Shared::new(workers, scratch_size),
            scratch_size,
            group_size,
        })
    }

    /// Whether a batch of so many rows is computed here.
    pub(super) fn takes(&self, rows: usize) -> bool {
        self.group_size.min(rows) >= FEWEST_ROWS
    }
}

/// One step, given the masks. The batch is one that [`Gathered::takes`].
pub(super) fn train_step(
    cpu: &mut Cpu,
    mlp: &mut Mlp,
    velocity: &mut [f32],
    optimizer: &Sgd,
    batch: Batch<'_>,
) -> StepSums {
    let Cpu { isa, kernels, workers, training: workspace, masks, sums, architecture, gathered, .. } = cpu;
    let Some(Gathered { kept, tiles, scratch, scratch_size, .. }) = gathered else {
        return StepSums::default();
    };
    let masks: &[Option<LayerMask>] = masks;
    kept.draw(*isa, masks, batch.examples.len());
    let step = Step { isa: *isa, kernels, architecture, workspace, kept, scratch, scratch_size: *scratch_size };
    input::read(step, workers, batch);
    for block in 0..architecture.blocks().len() {
        forward::block(step, workers, mlp, block);
    }
    let all = input::losses(step, workers, batch, sums);
    if all.loss.is_finite() {
        for block in (1..architecture.blocks().len()).rev() {
            backward::block(step, workers, mlp, block);
        }
        update::pack_deltas(step, workers);
        update::parameters(step, workers, tiles, mlp, velocity, optimizer);
    }
    all
}
