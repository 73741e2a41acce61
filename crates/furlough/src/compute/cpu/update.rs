//! The second phase: a tile of parameters gets its gradient over the whole batch, and the optimizer
//! follows while the tile is in cache. Plain SGD has no gradient at all: the product is added to
//! the weights. Where gradients are clipped all of them come first.

use super::clipping::{Clipped, TileJobs, update_tiles};
use super::concrete::Concretes;
use super::connections::{Connections, drop_part};
use super::follow::{Follower, TileRule};
use super::gradient::{Deltas, multiply_batch, sum_deltas};
use super::matmul::{Matmul, floats_mut};
use super::matrix::{MatMut, Scale};
use super::operand::Operand;
use super::packed::Packed;
use super::partition::ParameterTile;
use super::plan::{GradientPlan, StepPlan};
use super::workers::Workers;
use super::workspace::{Borrowed, Scratch, Workspace};
use super::{Cpu, Isa};
use crate::data::Batch;
use crate::nn::{Architecture, Mlp};
use crate::optim::{OptimizerState, UpdateRule};
use std::ops::Range;

/// Units whose norms are bounded together.
const NORM_COLUMNS: usize = 64;

/// What all tiles of the update have in common.
struct Update<'a> {
    isa: Isa,
    plan: &'a StepPlan,
    matmul: &'a Matmul,
    architecture: &'a Architecture,
    packed: &'a Packed,
    connections: &'a Connections,
    concretes: &'a Concretes,
    workspace: &'a Workspace,
    scratch: &'a Scratch,
    follower: Follower<'a>,
    examples: usize,
    /// The features as bytes, where the first gradient reads them again.
    bytes: Option<Operand<'a>>,
    /// Whether changed tiles are packed for the next forward pass.
    refills: bool,
}

/// Updates all parameters from the training workspace, whose first rows the first phase has filled
/// from `batch`, in step `step` of the run. Returns the norm of the gradient if it is to be
/// clipped, else 0; where it is not finite nothing changes.
pub(super) fn update(
    cpu: &mut Cpu,
    (mlp, state): (&mut Mlp, &mut OptimizerState),
    rule: &UpdateRule,
    batch: Batch<'_>,
    step: u32,
) -> f64 {
    let Cpu { isa, plan, matmul, packed, workers, training, partitions, scratch, architecture, .. } = cpu;
    let Cpu { connections, concretes, gradient, .. } = cpu;
    // A bound of norms changes the weights once more.
    let refills = rule.regularizers.max_norm.is_none() && plan.packs_next;
    packed.set_filled(None);
    let update = Update {
        isa: *isa,
        plan,
        matmul,
        architecture,
        packed,
        connections,
        concretes,
        workspace: training,
        scratch,
        follower: Follower::new(*isa, (mlp, state), rule, step),
        examples: batch.examples.len(),
        bytes: Operand::of_bytes(batch.data, batch.examples).filter(|_| plan.features_read_again),
        refills,
    };
    let tiles = &partitions[plan.partition()].tiles;
    let jobs = TileJobs {
        tiles: tiles.len(),
        differentiate: &|tile, full, worker| {
            // SAFETY: each worker has its own scratch, and each tile its own part of the gradient.
            // The phase before is over, and in this one the workspace is only read.
            unsafe { update.differentiate(&tiles[tile], full, update.scratch.of(worker)) };
        },
        update: &|tile, clipped, worker| {
            // SAFETY: as above, and each tile has its own parameters.
            unsafe { update.tile(&tiles[tile], clipped, update.scratch.of(worker)) };
        },
    };
    let norm = update_tiles(workers, &update.follower, gradient, &jobs);
    if norm.is_finite() {
        bound_all_norms(workers, architecture, &update.follower.parameters, rule);
        packed.set_filled(refills.then(|| mlp.revision()));
    }
    norm
}

impl Update<'_> {
    /// Updates a tile: with part of a gradient that is there, times a factor, or with its own.
    ///
    /// # Safety
    /// Nobody else uses the tile's parameters now, and the workspace is only read.
    unsafe fn tile(&self, tile: &ParameterTile, clipped: Option<Clipped<'_>>, scratch: &mut [u32]) {
        let (gradient, scratch) = scratch.split_at_mut(tile.gradient_words());
        let gradient = floats_mut(&mut gradient[..tile.len()]);
        let Some(how) = self.plan.blocks[tile.block].gradient else { return };
        let Update { follower, architecture, .. } = self;
        let rule = follower.of(tile.spec(architecture), self.concretes.decay(tile.block));
        // SAFETY: as promised.
        unsafe {
            match (clipped, &tile.inputs) {
                (Some((full, factor)), _) => full.follow(follower, architecture, (tile, rule), factor, gradient),
                (None, Some(_)) => self.weights(tile, how, rule, gradient, scratch),
                (None, None) => {
                    sum_deltas(self.matmul, self.workspace, (tile, how), self.examples, gradient);
                    let biases = architecture.ranges(tile.block).1;
                    follower.row(rule, biases.start + tile.units.start, gradient);
                }
            }
            if let (true, Some(inputs)) = (self.refills, tile.inputs.clone()) {
                let place = (inputs, tile.units.clone());
                let weights = (&follower.parameters, self.start(tile));
                self.packed.refill(self.matmul, tile.block, place, weights, gradient, self.plan.non_temporal_stores);
            }
        }
    }

    /// Returns where the weights of a tile begin in the parameters.
    fn start(&self, tile: &ParameterTile) -> usize {
        let first = tile.inputs.as_ref().map_or(0, |inputs| inputs.start);
        let units = self.architecture.blocks()[tile.block].outputs;
        self.architecture.ranges(tile.block).0.start + first * units + tile.units.start
    }

    /// Updates the weights of a tile with their own gradient.
    ///
    /// # Safety
    /// As [`Self::tile`].
    unsafe fn weights(
        &self,
        tile: &ParameterTile,
        how: GradientPlan,
        rule: TileRule,
        gradient: &mut [f32],
        scratch: &mut [u32],
    ) {
        let (start, units) = (self.start(tile), self.architecture.blocks()[tile.block].outputs);
        let masked = self.connections.mask(tile.block).is_some();
        if let (Some(scale), false) = (rule.fused(), masked) {
            let out = MatMut { first: self.follower.parameters.at(start), stride: units };
            // SAFETY: the tile's own parameters.
            return unsafe { self.multiply(tile, how, (out, scale), scratch) };
        }
        let columns = tile.units.len();
        let out = MatMut { first: gradient.as_mut_ptr(), stride: columns };
        // SAFETY: a rectangle of our own.
        unsafe { self.multiply(tile, how, (out, Scale::SET), scratch) };
        for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
            self.drop_connections(tile, row, gradient);
            // SAFETY: the tile's own parameters.
            unsafe { self.follower.row(rule, start + row * units, gradient) };
        }
    }

    /// Writes the gradient of a tile to its place in `full`.
    ///
    /// # Safety
    /// Nobody else uses that place now, and the workspace is only read.
    unsafe fn differentiate(&self, tile: &ParameterTile, full: &Borrowed<'_>, scratch: &mut [u32]) {
        let Some(how) = self.plan.blocks[tile.block].gradient else { return };
        let columns = tile.units.len();
        if tile.inputs.is_none() {
            let biases = self.architecture.ranges(tile.block).1;
            // SAFETY: as promised.
            return unsafe {
                let sums = full.part(biases.start + tile.units.start, columns);
                sum_deltas(self.matmul, self.workspace, (tile, how), self.examples, sums);
            };
        }
        let (start, units) = (self.start(tile), self.architecture.blocks()[tile.block].outputs);
        let out = MatMut { first: full.at(start), stride: units };
        // SAFETY: the tile's own part of the gradient.
        unsafe {
            self.multiply(tile, how, (out, Scale::SET), &mut scratch[tile.gradient_words()..]);
            for row in 0..tile.height() {
                self.drop_connections(tile, row, full.part(start + row * units, columns));
            }
        }
    }

    /// Leaves of a row of a tile's gradient what DropConnect leaves, if there is any.
    fn drop_connections(&self, tile: &ParameterTile, row: usize, gradient: &mut [f32]) {
        if let (Some(mask), Some(inputs)) = (self.connections.mask(tile.block), &tile.inputs) {
            drop_part(self.isa, gradient, mask, (inputs.start + row) as u32, tile.units.start as u32);
        }
    }

    /// Combines the gradient of a tile's weights with a rectangle.
    ///
    /// # Safety
    /// Nobody else uses the rectangle now, and the workspace is only read.
    unsafe fn multiply(&self, tile: &ParameterTile, how: GradientPlan, out: (MatMut, Scale), scratch: &mut [u32]) {
        let Update { matmul, workspace, .. } = *self;
        let width = self.architecture.blocks()[tile.block].inputs;
        let rows = tile.inputs.clone().unwrap_or_default();
        // SAFETY: only read, as promised; the rectangle too.
        unsafe {
            let inputs = if tile.block == 0 { &workspace.input } else { &workspace.outputs[tile.block - 1] };
            let floats = || Operand::Floats { values: inputs.read(0, self.examples * width), width };
            let inputs = self.bytes.filter(|_| tile.block == 0).unwrap_or_else(floats);
            let deltas = Deltas::of(matmul, workspace, tile, how);
            multiply_batch(matmul, how, (inputs, rows), deltas, out, scratch);
        }
    }
}

/// Scales back the weights of all hidden units whose norm is over the rule's bound, if it has one.
pub(super) fn bound_all_norms(
    workers: &mut Workers,
    architecture: &Architecture,
    parameters: &Borrowed<'_>,
    rule: &UpdateRule,
) {
    if let Some(bound) = rule.regularizers.max_norm {
        let hidden = architecture.blocks().len() - 1;
        let groups = |block: usize| architecture.blocks()[block].outputs.div_ceil(NORM_COLUMNS);
        let total = (0..hidden).map(groups).sum();
        workers.run(total, &|task, _| {
            let (mut block, mut group) = (0, task);
            while group >= groups(block) {
                group -= groups(block);
                block += 1;
            }
            let units = architecture.blocks()[block].outputs;
            let columns = group * NORM_COLUMNS..units.min((group + 1) * NORM_COLUMNS);
            // SAFETY: the columns of this group are written by this call only.
            unsafe { bound_norms(parameters, architecture.ranges(block).0, units, columns, bound as f32) };
        });
    }
}

/// Scales back the columns whose norm is over `bound`.
///
/// # Safety
/// Nobody else uses these columns of the weights now.
unsafe fn bound_norms(
    parameters: &Borrowed<'_>,
    weights: Range<usize>,
    units: usize,
    columns: Range<usize>,
    bound: f32,
) {
    let mut factors = [0.0f32; NORM_COLUMNS];
    let rows = weights.len() / units;
    // SAFETY: one row of these columns at a time, as promised.
    let row = |row: usize| unsafe { parameters.part(weights.start + row * units + columns.start, columns.len()) };
    for index in 0..rows {
        for (sum, w) in factors.iter_mut().zip(row(index)) {
            *sum += *w * *w;
        }
    }
    for factor in &mut factors {
        let norm = factor.sqrt();
        *factor = if norm > bound { bound / norm } else { 1.0 };
    }
    for index in 0..rows {
        for (w, factor) in row(index).iter_mut().zip(&factors) {
            *w *= *factor;
        }
    }
}
