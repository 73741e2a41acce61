//! The second phase: a tile of parameters gets its gradient over the whole batch, and the optimiser follows it while the tile is in
//! cache. No gradient leaves the phase, and plain SGD has none at all: the product is subtracted from the weights.

use super::connections::drop_part;
use super::features::Inputs;
use super::partition::{ParameterTile, Partition, SLICE};
use super::product::{Product, floats, floats_mut};
use super::simd::for_each_isa;
use super::units::{self, add_rows};
use super::workers::Workers;
use super::workspace::{Borrowed, Workspace};
use super::{Cpu, Isa};
use crate::data::Batch;
use crate::nn::{Architecture, Mlp};
use crate::optim::Sgd;
use std::ops::Range;

/// Units whose norms are bounded together.
const NORM_COLUMNS: usize = 64;

/// Updates all parameters from the training workspace, whose first rows the first phase has filled from `batch`: its input too, unless [`Way::own_rows`](super::way::Way::own_rows) is set.
pub(super) fn update_phase(cpu: &mut Cpu, mlp: &mut Mlp, velocity: &mut [f32], optimizer: &Sgd, batch: Batch<'_>) {
    let Cpu {
        isa,
        product,
        packed,
        workers,
        training: workspace,
        partitions,
        scratch,
        scratch_size,
        architecture,
        connections,
        concretes,
        way,
        ..
    } = cpu;
    let (examples, way) = (batch.examples.len(), *way);
    let anew = Inputs::of_bytes(batch.data, batch.examples).filter(|_| way.reads_anew);
    // A bound of norms changes the weights once more, and few rows meet them where they lie.
    let refill = optimizer.max_norm.is_none() && examples > super::product::FEW;
    packed.filled(None);
    let parameters = Borrowed::new(mlp.parameters_mut());
    let velocity = Borrowed::new(velocity);
    let Partition { by_units, tiles } = &partitions[way.partition];
    let (scratch, size) = (&*scratch, *scratch_size);
    workers.run(tiles.len(), &|task, worker| {
        let tile = &tiles[task];
        let units = architecture.blocks()[tile.block].outputs;
        let (weights, biases) = architecture.ranges(tile.block);
        let columns = tile.columns.len();
        // SAFETY: each worker has its own scratch.
        let scratch = unsafe { scratch.part(worker * size, size) };
        let (gradient, inputs_packed) = scratch.split_at_mut(tile.gradient_words());
        let gradient = floats_mut(&mut gradient[..tile.len()]);
        let Some(rows) = tile.rows.clone() else {
            // SAFETY: the phase before is over, and in this one the workspace is only read.
            unsafe { sum_deltas(product, workspace, (tile, by_units[tile.block]), examples, gradient) };
            let place = (biases.start + tile.columns.start, columns);
            // SAFETY: the tile's own parameters.
            unsafe { follow(*isa, &parameters, &velocity, place, gradient, optimizer, false) };
            return;
        };
        let width = architecture.blocks()[tile.block].inputs;
        let inputs = anew.filter(|_| tile.block == 0).unwrap_or_else(|| {
            let inputs = if tile.block == 0 { &workspace.input } else { &workspace.outputs[tile.block - 1] };
            // SAFETY: only read, as above.
            Inputs::Floats(unsafe { inputs.read(0, examples * width) }, width)
        });
        let start = weights.start + rows.start * units + tile.columns.start;
        // SAFETY: only read, as above.
        let deltas = unsafe { deltas_of(product, workspace, tile, by_units[tile.block]) };
        // SAFETY: to be called with a rectangle of rows × columns, rows so far apart, that nobody else uses now.
        let mut multiply = |out: (*mut f32, usize), scale: (f32, f32)| unsafe {
            multiply_batch(product, (inputs, rows.clone()), (deltas, columns), out, scale, inputs_packed);
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
            unsafe { packed.refill(product, tile.block, place, (&parameters, start), gradient, way.streaming) };
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

/// Packed deltas from a unit on.
#[derive(Clone, Copy)]
enum Deltas<'a> {
    /// In panels so many words apart.
    Panels(&'a [u32], usize),
    /// Unit by unit, so many words apart.
    Units(&'a [u32], usize),
}

/// The packed deltas of a tile's units, and of those after them.
///
/// # Safety
/// Nobody writes them now.
unsafe fn deltas_of<'a>(
    product: &Product,
    workspace: &'a Workspace,
    tile: &ParameterTile,
    by_units: bool,
) -> Deltas<'a> {
    let deltas = &workspace.packed_deltas[tile.block];
    let lanes = product.lanes();
    // SAFETY: only read, as promised.
    let from = |start: usize| unsafe { deltas.read(start, deltas.len() - start) };
    if by_units {
        let apart = units::apart(product, workspace.rows());
        Deltas::Units(from(tile.columns.start * apart), apart)
    } else {
        // Columns start at a panel.
        let panel = product.slots(workspace.rows()) * lanes;
        Deltas::Panels(from(tile.columns.start / lanes * panel), panel)
    }
}

/// `out = keep · out + factor · inputsᵀ · deltas` for columns `rows` of the inputs, and the first `columns` of the deltas: some rows of the batch after the
/// other.
///
/// # Safety
/// `out` has as many rows and columns, rows so far apart as its second part says, and nobody else uses them now.
unsafe fn multiply_batch(
    product: &Product,
    (inputs, rows): (Inputs<'_>, Range<usize>),
    (deltas, columns): (Deltas<'_>, usize),
    out: (*mut f32, usize),
    (keep, factor): (f32, f32),
    packed: &mut [u32],
) {
    for first in (0..inputs.len()).step_by(SLICE) {
        let inputs = (inputs.rows(first..inputs.len().min(first + SLICE)), rows.clone());
        let scale = (if first == 0 { keep } else { 1.0 }, factor);
        let slots = product.slots(first);
        // SAFETY: as promised.
        unsafe {
            match deltas {
                Deltas::Panels(deltas, panel) => {
                    let deltas = (&deltas[slots * product.lanes()..], panel, columns);
                    product.multiply_columns(inputs, deltas, out, scale, packed);
                }
                Deltas::Units(deltas, apart) => {
                    product.multiply_units(inputs, (&deltas[slots..], apart, columns), out, scale, packed);
                }
            }
        }
    }
}

/// The sums of the deltas of a tile's units over `examples` rows. From the packed ones where these are the same numbers: they were left for
/// everyone to read, where the others are in the cache of the worker that will write them again.
///
/// # Safety
/// Nobody writes deltas now.
unsafe fn sum_deltas(
    product: &Product,
    workspace: &Workspace,
    (tile, by_units): (&ParameterTile, bool),
    examples: usize,
    sums: &mut [f32],
) {
    let isa = product.isa();
    let Some(kernels) = product.kernels() else {
        let deltas = &workspace.deltas[tile.block];
        let units = deltas.len() / workspace.rows();
        // SAFETY: only read.
        let deltas = unsafe { deltas.read(0, examples * units) };
        sums.fill(0.0);
        for row in deltas.chunks_exact(units) {
            add_rows(isa, &row[tile.columns.clone()], tile.columns.len(), sums);
        }
        return;
    };
    // SAFETY: only read.
    match unsafe { deltas_of(product, workspace, tile, by_units) } {
        Deltas::Panels(deltas, panel) => {
            for (deltas, sums) in deltas.chunks(panel).zip(sums.chunks_mut(kernels.lanes)) {
                sums.fill(0.0);
                add_rows(isa, &floats(deltas)[..examples * kernels.lanes], kernels.lanes, sums);
            }
        }
        Deltas::Units(deltas, apart) => product.sum_units((deltas, apart), examples, sums),
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
