//! The second phase: a tile of parameters gets its gradient over the whole batch, and the optimizer
//! follows while the tile is in cache. Plain SGD has no gradient at all: the product is added to
//! the weights.

use super::concrete::Concretes;
use super::connections::{Connections, drop_part};
use super::gradient::{Deltas, multiply_batch, sum_deltas};
use super::matmul::{Matmul, floats_mut};
use super::matrix::{MatMut, Scale};
use super::operand::Operand;
use super::packed::Packed;
use super::partition::ParameterTile;
use super::plan::{GradientPlan, StepPlan};
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::{Borrowed, Scratch, Workspace};
use super::{Cpu, Isa};
use crate::data::Batch;
use crate::nn::{Architecture, Mlp};
use crate::optim::Sgd;
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
    parameters: Borrowed<'a>,
    velocity: Borrowed<'a>,
    optimizer: &'a Sgd,
    examples: usize,
    /// The features as bytes, where the first gradient reads them again.
    bytes: Option<Operand<'a>>,
    /// Whether changed tiles are packed for the next forward pass.
    refills: bool,
}

/// Updates all parameters from the training workspace, whose first rows the first phase has filled
/// from `batch`.
pub(super) fn update(cpu: &mut Cpu, mlp: &mut Mlp, velocity: &mut [f32], optimizer: &Sgd, batch: Batch<'_>) {
    let Cpu { isa, plan, matmul, packed, workers, training, partitions, scratch, architecture, .. } = cpu;
    let Cpu { connections, concretes, .. } = cpu;
    // A bound of norms changes the weights once more.
    let refills = optimizer.max_norm.is_none() && plan.packs_next;
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
        parameters: Borrowed::new(mlp.parameters_mut()),
        velocity: Borrowed::new(velocity),
        optimizer,
        examples: batch.examples.len(),
        bytes: Operand::of_bytes(batch.data, batch.examples).filter(|_| plan.features_read_again),
        refills,
    };
    let tiles = &partitions[plan.partition()].tiles;
    workers.run(tiles.len(), &|task, worker| {
        // SAFETY: each worker has its own scratch and each tile its own parameters. The phase
        // before is over, and in this one the workspace is only read.
        unsafe { update.tile(&tiles[task], update.scratch.of(worker)) };
    });
    bound_all_norms(workers, architecture, &update.parameters, optimizer);
    packed.set_filled(refills.then(|| mlp.revision()));
}

impl Update<'_> {
    /// Updates a tile.
    ///
    /// # Safety
    /// Nobody else uses the tile's parameters now, and the workspace is only read.
    unsafe fn tile(&self, tile: &ParameterTile, scratch: &mut [u32]) {
        let Update { isa, optimizer, plan, .. } = *self;
        let (gradient, scratch) = scratch.split_at_mut(tile.gradient_words());
        let gradient = floats_mut(&mut gradient[..tile.len()]);
        let Some(how) = plan.blocks[tile.block].gradient else { return };
        let (weights, biases) = self.architecture.ranges(tile.block);
        let units = self.architecture.blocks()[tile.block].outputs;
        // SAFETY: as promised.
        unsafe {
            let Some(inputs) = tile.inputs.clone() else {
                sum_deltas(self.matmul, self.workspace, (tile, how), self.examples, gradient);
                let place = (biases.start + tile.units.start, tile.units.len());
                return follow(isa, &self.parameters, &self.velocity, place, gradient, optimizer, false);
            };
            let start = weights.start + inputs.start * units + tile.units.start;
            self.weights(tile, how, (start, units), gradient, scratch);
            if self.refills {
                let place = (inputs, tile.units.clone());
                let weights = (&self.parameters, start);
                self.packed.refill(self.matmul, tile.block, place, weights, gradient, plan.non_temporal_stores);
            }
        }
    }

    /// Updates the weights of a tile, which begin at `start` of the parameters.
    ///
    /// # Safety
    /// As [`Self::tile`].
    unsafe fn weights(
        &self,
        tile: &ParameterTile,
        how: GradientPlan,
        (start, units): (usize, usize),
        gradient: &mut [f32],
        scratch: &mut [u32],
    ) {
        let Update { isa, matmul, workspace, .. } = *self;
        let width = self.architecture.blocks()[tile.block].inputs;
        let rows = tile.inputs.clone().unwrap_or_default();
        // SAFETY: only read, as promised.
        let (deltas, inputs) = unsafe {
            let inputs = if tile.block == 0 { &workspace.input } else { &workspace.outputs[tile.block - 1] };
            let floats = || Operand::Floats { values: inputs.read(0, self.examples * width), width };
            let inputs = self.bytes.filter(|_| tile.block == 0).unwrap_or_else(floats);
            (Deltas::of(matmul, workspace, tile, how), inputs)
        };
        let inputs = (inputs, rows.clone());
        let mask = self.connections.mask(tile.block);
        let weight_decay = self.optimizer.weight_decay + self.concretes.decay(tile.block);
        let optimizer = &Sgd { weight_decay, ..*self.optimizer };
        if !(optimizer.has_velocity() || optimizer.l1 != 0.0 || mask.is_some()) {
            let beta = (1.0 - optimizer.learning_rate * optimizer.weight_decay) as f32;
            let scale = Scale { alpha: -optimizer.learning_rate as f32, beta };
            let out = MatMut { first: self.parameters.at(start), stride: units };
            // SAFETY: the tile's own parameters.
            return unsafe { multiply_batch(matmul, how, inputs, deltas, (out, scale), scratch) };
        }
        let columns = tile.units.len();
        let out = MatMut { first: gradient.as_mut_ptr(), stride: columns };
        // SAFETY: a rectangle of our own.
        unsafe { multiply_batch(matmul, how, inputs, deltas, (out, Scale::SET), scratch) };
        for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
            if let Some(mask) = mask {
                drop_part(isa, gradient, mask, (rows.start + row) as u32, tile.units.start as u32);
            }
            let place = (start + row * units, columns);
            // SAFETY: the tile's own parameters.
            unsafe { follow(isa, &self.parameters, &self.velocity, place, gradient, optimizer, true) };
        }
    }
}

/// Scales back the weights of all hidden units whose norm is over the optimizer's bound, if it has
/// one.
pub(super) fn bound_all_norms(
    workers: &mut Workers,
    architecture: &Architecture,
    parameters: &Borrowed<'_>,
    optimizer: &Sgd,
) {
    if let Some(bound) = optimizer.max_norm {
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

/// One optimizer step of `place.1` parameters from `place.0`, given their gradient, which is used
/// up. `penalized` says that they are weights and not biases.
///
/// # Safety
/// Nobody else uses these parameters or their velocities now.
pub(super) unsafe fn follow(
    isa: Isa,
    parameters: &Borrowed<'_>,
    velocity: &Borrowed<'_>,
    place: (usize, usize),
    gradient: &mut [f32],
    optimizer: &Sgd,
    penalized: bool,
) {
    // SAFETY: as promised.
    let weights = unsafe { parameters.part(place.0, place.1) };
    let rate = optimizer.learning_rate as f32;
    let mut decay = if penalized { optimizer.weight_decay as f32 } else { 0.0 };
    if penalized && optimizer.l1 != 0.0 {
        penalize_row(isa, weights, gradient, std::mem::take(&mut decay), optimizer.l1 as f32);
    }
    if optimizer.has_velocity() {
        // SAFETY: as promised.
        let velocity = unsafe { velocity.part(place.0, place.1) };
        momentum_row(isa, weights, velocity, gradient, rate, optimizer.momentum as f32, decay, optimizer.nesterov);
    } else {
        descend_row(isa, weights, gradient, rate, decay);
    }
}

for_each_isa! {
    /// The gradient of both penalties, for the rare run that has the L1 one: the rows below do
    /// without it.
    fn penalize_row(isa, weights: &[f32], gradient: &mut [f32], decay: f32, l1: f32) {
        for (g, &w) in gradient.iter_mut().zip(weights) {
            let slope = if w > 0.0 { l1 } else { 0.0 };
            let slope = if w < 0.0 { -l1 } else { slope };
            *g = *g + decay * w + slope;
        }
    }

    fn descend_row(isa, weights: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        for (w, &g) in weights.iter_mut().zip(gradient) {
            *w -= rate * (g + decay * *w);
        }
    }

    fn momentum_row(
        isa,
        weights: &mut [f32],
        velocity: &mut [f32],
        gradient: &[f32],
        rate: f32,
        momentum: f32,
        decay: f32,
        nesterov: bool,
    ) {
        let (own, present) = if nesterov { (1.0, momentum) } else { (0.0, 1.0) };
        for ((w, v), &g) in weights.iter_mut().zip(velocity).zip(gradient) {
            let g = g + decay * *w;
            *v = momentum * *v + g;
            *w -= rate * (own * g + present * *v);
        }
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
