//! The step where groups of rows share their masks: what a group drops is not computed, for any of its rows.
//!
//! Activations and deltas of a group are kept together, `[row][kept unit]`, in the buffers of the dense step. Of the weights, each product
//! gathers what it needs while it packs its panels: they are another selection at each step and for each group, so they cannot be packed
//! once. So the work goes layer by layer, a barrier after each, and a task is a panel of outputs for all rows of a group: what it gathers,
//! it uses for as many rows as there are. (Rows first, as in the dense step, would gather everything anew for each tile of rows.)
//! Where that makes fewer tasks than there are workers they are cut smaller ([`Cut`]), which changes no number.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod backward;
mod forward;
mod input;
mod kept;
mod moves;
mod reckon;
mod update;

use super::dropout::LayerMask;
use super::gemm::Kernels;
use super::workspace::{Shared, Workspace};
use super::{Cpu, Isa, StepSums};
use crate::data::Batch;
use crate::nn::{Architecture, Dropout, Mlp};
use crate::optim::Sgd;
use kept::Kept;
use std::ops::Range;

/// Kept outputs of one task.
const PANEL: usize = moves::COLUMNS;

/// Kept units of one task where there are many: a row of the weights is a page of memory at least, and this takes more from each.
const WIDE: usize = 2 * PANEL;

/// The fewest rows of a group for which part of them gathers by itself, in its own task.
const FEWEST_ROWS_APART: usize = 64;

/// When a step leaves out what the shared masks drop. It computes the same either way, but for rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedMaskMode {
    /// Never: what is dropped is computed all the same.
    Never,
    /// Where groups are large enough, and the network wide enough, for that to be faster.
    #[default]
    Auto,
    /// Wherever all layers with dropout share their masks: for tests and measurements.
    Always,
}

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
    /// None where some layer has masks for each example or noise that drops nothing, or no layer has masks.
    pub(super) fn new(
        architecture: &Architecture,
        batch_size: usize,
        kernels: &Kernels,
        workers: usize,
    ) -> Option<Gathered> {
        let input = std::iter::once(architecture.input_dropout());
        let mut dropouts = input.chain(architecture.blocks().iter().map(|block| block.dropout));
        let size = architecture.sharing().group_size()?.get() as usize;
        let group_size = size.min(batch_size).max(1);
        let stays = |d: Dropout| d.sharing().is_per_example() || !d.kind().is_bernoulli();
        if dropouts.any(|dropout| !dropout.is_identity() && stays(dropout)) {
            return None;
        }
        let blocks = architecture.blocks();
        let widest = blocks.iter().flat_map(|b| [b.inputs, b.outputs]).max().unwrap_or(0);
        let products = (widest.next_multiple_of(PANEL) + PANEL) * WIDE.next_multiple_of(kernels.lanes) + WIDE;
        let tiles = update::partition(architecture, workers);
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

    /// Whether a batch of so many rows is computed here, drop probabilities being multiplied by `factor`.
    pub(super) fn takes(&self, architecture: &Architecture, rows: usize, when: SharedMaskMode, factor: f64) -> bool {
        match when {
            SharedMaskMode::Never => false,
            SharedMaskMode::Always => true,
            // The last group may have fewer.
            SharedMaskMode::Auto => reckon::pays(architecture, rows / rows.div_ceil(self.group_size), factor),
        }
    }
}

/// How the product of a layer is cut into tasks: so many kept units, for so many rows of a group, which are one part of it of `parts`.
#[derive(Clone, Copy)]
struct Cut {
    units: usize,
    rows: usize,
    parts: usize,
}

impl Cut {
    /// For `workers`, where each of `groups` of `rows` rows keeps some `kept` units. At most `most` units, a multiple of `panel`, are one task. They
    /// become fewer, down to a panel, until there is a task for each worker: each gathers its own. If that is not enough, rows are
    /// divided, and each part gathers the same.
    fn new(workers: usize, (kept, most): (usize, usize), panel: usize, (groups, rows): (usize, usize)) -> Cut {
        let mut units = most;
        // A last task of less than half the units is not counted.
        let tasks = |units: usize| groups * ((kept + units / 2) / units).max(1);
        while tasks(units) < workers && units > panel {
            units = (units / 2).next_multiple_of(panel);
        }
        let parts = (workers / tasks(units).max(1)).min(rows / FEWEST_ROWS_APART).max(1);
        Cut { units, rows: rows.div_ceil(parts), parts }
    }

    /// How many tasks there are for `units` units, some of them for nothing where few are kept.
    fn tasks(self, units: usize, groups: usize) -> usize {
        groups * self.parts * units.div_ceil(self.units)
    }

    /// The group of a task, the first of its places in the list of kept units, and its rows, of all rows of the group.
    fn task(self, task: usize, kept: &Kept) -> (usize, usize, Range<usize>) {
        let (group, rest) = (task % kept.groups(), task / kept.groups());
        let (part, panel) = (rest % self.parts, rest / self.parts);
        let all = kept.rows(group);
        let rows = (all.start + part * self.rows).min(all.end)..(all.start + (part + 1) * self.rows).min(all.end);
        (group, panel * self.units, rows)
    }
}

/// One step, given the masks. There is a [`Gathered`].
pub(super) fn train_step(
    cpu: &mut Cpu,
    mlp: &mut Mlp,
    velocity: &mut [f32],
    optimizer: &Sgd,
    batch: Batch<'_>,
) -> StepSums {
    let Cpu { isa, product, workers, training: workspace, masks, sums, architecture, gathered, .. } = cpu;
    let (Some(Gathered { kept, tiles, scratch, scratch_size, .. }), Some(kernels)) = (gathered, product.kernels())
    else {
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
