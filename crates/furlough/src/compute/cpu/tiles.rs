//! The second phase: a tile of parameters gets its gradient over the whole batch, and the optimiser follows it while the tile is in
//! cache. No gradient leaves the phase, and plain SGD has none at all: the product is subtracted from the weights.

use super::bf16::PART;
use super::connections::drop_part;
use super::product::{Product, floats_mut};
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::Borrowed;
use super::{Cpu, Isa};
use crate::nn::{Architecture, Mlp};
use crate::optim::Sgd;
use std::ops::Range;

/// The most rows (inputs) and columns (units) of a tile. Both are multiples of what the kernels of every instruction set take at
/// once (32, 6, 4 and 2 rows; 64, 32, 16 and 2 columns), so that only the last tile has an odd edge.
const ROWS: usize = 96;
const COLUMNS: usize = 512;

/// The most rows of the batch whose inputs are packed at a time, so that they stay in the second-level cache (393 KB) while they meet the tile's
/// deltas.
const SLICE: usize = 1024;

const _: () = assert!(ROWS.is_multiple_of(PART) && SLICE.is_multiple_of(PART));

/// Units whose norms are bounded together.
const NORM_COLUMNS: usize = 64;

/// A rectangle of one block's weights, or a range of its biases.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ParameterTile {
    block: usize,
    /// Rows of the weights; none for biases.
    rows: Option<Range<usize>>,
    columns: Range<usize>,
}

impl ParameterTile {
    fn len(&self) -> usize {
        self.rows.as_ref().map_or(1, ExactSizeIterator::len) * self.columns.len()
    }

    /// Words of scratch that its update takes.
    pub(super) fn scratch(&self, product: &Product, batch_size: usize) -> usize {
        self.len() + self.rows.as_ref().map_or(0, |rows| product.column_words(rows.len(), batch_size.min(SLICE)))
    }
}

/// All tiles of a network, the large ones first so that workers finish at about the same time.
pub(super) fn partition(architecture: &Architecture) -> Vec<ParameterTile> {
    let mut tiles = Vec::new();
    for (block, shape) in architecture.blocks().iter().enumerate() {
        for columns in parts(shape.outputs, COLUMNS, 64) {
            for rows in parts(shape.inputs, ROWS, ROWS) {
                tiles.push(ParameterTile { block, rows: Some(rows), columns: columns.clone() });
            }
            tiles.push(ParameterTile { block, rows: None, columns });
        }
    }
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile.len()));
    tiles
}

/// Cuts `0 .. len` into as few parts of at most `most` as there can be, all but the last a multiple of `unit` long.
pub(super) fn parts(len: usize, most: usize, unit: usize) -> impl Iterator<Item = Range<usize>> {
    let step = len.div_ceil(len.div_ceil(most)).next_multiple_of(unit);
    (0..len).step_by(step).map(move |start| start..len.min(start + step))
}

/// Updates all parameters from the training workspace, whose first `examples` rows are filled.
pub(super) fn update_phase(cpu: &mut Cpu, mlp: &mut Mlp, velocity: &mut [f32], optimizer: &Sgd, examples: usize) {
    let Cpu {
        isa,
        product,
        packed,
        workers,
        training: workspace,
        tiles,
        scratch,
        scratch_size,
        architecture,
        connections,
        concretes,
        streaming,
        ..
    } = cpu;
    let streaming = *streaming;
    // A bound of norms changes the weights once more, and few rows meet them where they lie.
    let refill = optimizer.max_norm.is_none() && examples > super::product::FEW;
    packed.filled(None);
    let parameters = Borrowed::new(mlp.parameters_mut());
    let velocity = Borrowed::new(velocity);
    let (tiles, scratch, size) = (&*tiles, &*scratch, *scratch_size);
    workers.run(tiles.len(), &|task, worker| {
        let tile = &tiles[task];
        let units = architecture.blocks()[tile.block].outputs;
        let (weights, biases) = architecture.ranges(tile.block);
        let columns = tile.columns.len();
        // SAFETY: each worker has its own scratch.
        let scratch = unsafe { scratch.part(worker * size, size) };
        let (gradient, inputs_packed) = scratch.split_at_mut(tile.len());
        let gradient = floats_mut(gradient);
        let Some(rows) = tile.rows.clone() else {
            // SAFETY: the phase before is over, and in this one the workspace is only read.
            let deltas = unsafe { workspace.deltas[tile.block].read(0, examples * units) };
            sum_rows(*isa, deltas, units, tile.columns.start, gradient);
            let place = (biases.start + tile.columns.start, columns);
            // SAFETY: the tile's own parameters.
            unsafe { follow(*isa, &parameters, &velocity, place, gradient, optimizer, false) };
            return;
        };
        let width = architecture.blocks()[tile.block].inputs;
        // SAFETY: only read, as above.
        let inputs = unsafe {
            match tile.block {
                0 => workspace.input.read(0, examples * width),
                block => workspace.outputs[block - 1].read(0, examples * width),
            }
        };
        let start = weights.start + rows.start * units + tile.columns.start;
        let panel = product.slots(workspace.rows()) * product.lanes();
        let deltas = &workspace.packed_deltas[tile.block];
        // SAFETY: only read, as above; columns start at a panel.
        let deltas = &unsafe { deltas.read(0, deltas.len()) }[tile.columns.start / product.lanes() * panel..];
        // SAFETY: to be called with a rectangle of rows × columns, rows so far apart, that nobody else uses now.
        let mut multiply = |out: (*mut f32, usize), scale: (f32, f32)| unsafe {
            multiply_batch(product, (inputs, width, rows.clone()), (deltas, panel, columns), out, scale, inputs_packed);
        };
        let mask = connections.mask(tile.block);
        let optimizer = &Sgd { weight_decay: optimizer.weight_decay + concretes.decay(tile.block), ..*optimizer };
        if optimizer.has_velocity() || optimizer.l1 != 0.0 || mask.is_some() {
            multiply((gradient.as_mut_ptr(), columns), (0.0, 1.0));
            for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
                if let Some(mask) = mask {
                    drop_part(*isa, gradient, mask, (rows.start + row) as u32, tile.columns.start as u32);
                }
                let place = (start + row * units, columns);
                // SAFETY: the tile's own parameters.
                unsafe { follow(*isa, &parameters, &velocity, place, gradient, optimizer, true) };
            }
        } else {
            let keep = (1.0 - optimizer.learning_rate * optimizer.weight_decay) as f32;
            let factor = -optimizer.learning_rate as f32;
            multiply((parameters.at(start), units), (keep, factor));
        }
        if refill {
            let place = (rows, tile.columns.clone());
            // SAFETY: the tile's own parameters; nobody multiplies with packed weights in this phase.
            unsafe { packed.refill(product, tile.block, place, (&parameters, start), gradient, streaming) };
        }
    });
    bound_all_norms(workers, architecture, &parameters, optimizer);
    packed.filled(refill.then(|| mlp.revision()));
}

/// Scales back the weights of all hidden units whose norm is over the optimiser's bound, if it has one.
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

/// `out = keep · out + factor · inputsᵀ · deltas` for columns `rows` of the inputs, whose rows are `width` long, and the first `columns` of the
/// deltas, in panels `panel` words apart: some rows of the batch after the other.
///
/// # Safety
/// `out` has as many rows and columns, rows so far apart as its second part says, and nobody else uses them now.
unsafe fn multiply_batch(
    product: &Product,
    (inputs, width, rows): (&[f32], usize, Range<usize>),
    (deltas, panel, columns): (&[u32], usize, usize),
    out: (*mut f32, usize),
    (keep, factor): (f32, f32),
    packed: &mut [u32],
) {
    for (first, inputs) in (0..).step_by(SLICE).zip(inputs.chunks(SLICE * width)) {
        let deltas = &deltas[product.slots(first) * product.lanes()..];
        let keep = if first == 0 { keep } else { 1.0 };
        let (inputs, deltas) = ((inputs, width, rows.clone()), (deltas, panel, columns));
        // SAFETY: as promised.
        unsafe { product.multiply_columns(inputs, deltas, out, (keep, factor), packed) };
    }
}

for_each_isa! {
    /// `sums[j]` = the sum over the rows of column `first + j` of `values`, whose rows are `width` long.
    fn sum_rows(isa, values: &[f32], width: usize, first: usize, sums: &mut [f32]) {
        sums.fill(0.0);
        for row in values.chunks_exact(width) {
            for (sum, value) in sums.iter_mut().zip(&row[first..]) {
                *sum += *value;
            }
        }
    }
}

/// One optimiser step of `place.1` parameters from `place.0`, given their gradient, which is used up. `penalised` says that they are weights
/// and not biases.
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
    penalised: bool,
) {
    // SAFETY: as promised.
    let weights = unsafe { parameters.part(place.0, place.1) };
    let rate = optimizer.learning_rate as f32;
    let mut decay = if penalised { optimizer.weight_decay as f32 } else { 0.0 };
    if penalised && optimizer.l1 != 0.0 {
        penalise_row(isa, weights, gradient, std::mem::take(&mut decay), optimizer.l1 as f32);
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
    /// The gradient of both penalties, for the rare run that has the L1 one: the rows below do without it.
    fn penalise_row(isa, weights: &[f32], gradient: &mut [f32], decay: f32, l1: f32) {
        for (g, &w) in gradient.iter_mut().zip(weights) {
            let slope = if w > 0.0 { l1 } else { 0.0 };
            let slope = if w < 0.0 { -l1 } else { slope };
            *g = *g + decay * w + slope;
        }
    }
}

for_each_isa! {
    fn descend_row(isa, weights: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        for (w, &g) in weights.iter_mut().zip(gradient) {
            *w -= rate * (g + decay * *w);
        }
    }
}

for_each_isa! {
    fn momentum_row(isa, weights: &mut [f32], velocity: &mut [f32], gradient: &[f32], rate: f32, momentum: f32, decay: f32, nesterov: bool) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Layer::*, Sequential};

    #[test]
    fn tiles_cover_every_parameter_once() {
        for (inputs, hidden, outputs) in [(784, 256, 10), (1, 1, 1), (113, 1025, 3), (17, 600, 600)] {
            let architecture =
                Sequential::new([Linear(inputs, hidden), Relu, Linear(hidden, outputs)]).validate().unwrap();
            let mut seen = vec![0u8; architecture.parameters()];
            for tile in partition(&architecture) {
                let units = architecture.blocks()[tile.block].outputs;
                let (weights, biases) = architecture.ranges(tile.block);
                for column in tile.columns.clone() {
                    match tile.rows.clone() {
                        None => seen[biases.start + column] += 1,
                        Some(rows) => rows.for_each(|row| seen[weights.start + row * units + column] += 1),
                    }
                }
            }
            assert!(seen.iter().all(|&times| times == 1), "{inputs}-{hidden}-{outputs}");
        }
    }
}
