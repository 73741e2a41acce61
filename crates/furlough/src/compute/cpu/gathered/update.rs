//! Gradients and optimiser: a rectangle of parameters gets what each group, one after the other, has for the inputs and units that it
//! keeps within the rectangle. Plain SGD touches nothing else. With momentum or a penalty the others move too: then the gradient is spread
//! out over the whole rectangle first.

use super::super::features::Inputs;
use super::super::gemm::{Kernels, pack_rows};
use super::super::partition::parts;
use super::super::product::floats_mut;
use super::super::sparse::{multiply_columns, pack_columns};
use super::super::tiles::{bound_all_norms, follow};
use super::super::workers::Workers;
use super::super::workspace::Borrowed;
use super::Step;
use super::moves::scatter_add;
use crate::nn::{Architecture, Mlp};
use crate::optim::Sgd;
use std::ops::Range;

/// The most inputs and units of a rectangle, dropped ones included. It has fewer inputs where many workers share the rectangles of few weights.
const INPUTS: usize = 192;
const FEWEST_INPUTS: usize = 48;
const UNITS: usize = 512;

/// A rectangle of one block's weights, or a range of its biases.
pub(super) struct Tile {
    block: usize,
    /// None for biases.
    inputs: Option<Range<usize>>,
    units: Range<usize>,
}

impl Tile {
    fn area(&self) -> usize {
        self.inputs.as_ref().map_or(1, ExactSizeIterator::len) * self.units.len()
    }

    /// Elements of scratch that its update takes: the gradient, the product of a group, and its inputs packed.
    pub(super) fn scratch(&self, kernels: &Kernels, group_size: usize) -> usize {
        let inputs = self.inputs.as_ref().map_or(0, ExactSizeIterator::len);
        2 * self.area() + inputs.next_multiple_of(kernels.group) * group_size
    }
}

/// All rectangles of a network, the large ones first so that workers finish at about the same time.
pub(super) fn partition(architecture: &Architecture, workers: usize) -> Vec<Tile> {
    let rectangles = |most: usize| -> usize {
        architecture.blocks().iter().map(|b| b.inputs.div_ceil(most) * b.outputs.div_ceil(UNITS)).sum()
    };
    let mut most = INPUTS;
    while most > FEWEST_INPUTS && rectangles(most) < 3 * workers {
        most /= 2;
    }
    let mut tiles = Vec::new();
    for (block, shape) in architecture.blocks().iter().enumerate() {
        for units in parts(shape.outputs, UNITS, 64) {
            for inputs in parts(shape.inputs, most, 12) {
                tiles.push(Tile { block, inputs: Some(inputs), units: units.clone() });
            }
            tiles.push(Tile { block, inputs: None, units });
        }
    }
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile.area()));
    tiles
}

/// Where in the packed deltas of a block those of `group` for the units of a tile begin, as many rows as they are. Tiles begin at
/// multiples of a panel, and each has room for all rows in as many panels as it would take without dropout.
fn packed_place(step: Step<'_>, units: &Range<usize>, group: usize) -> usize {
    let Step { kernels, workspace, kept, .. } = step;
    (units.start * workspace.rows()) + kept.rows(group).start * kernels.panels(units.len()) * kernels.lanes
}

/// Copies the deltas of all blocks into panels, those of each tile's units by themselves.
pub(super) fn pack_deltas(step: Step<'_>, workers: &mut Workers) {
    let Step { isa, kernels, kept, workspace, architecture, .. } = step;
    let groups = kept.groups();
    let blocks = architecture.blocks();
    let total: usize = blocks.iter().map(|block| parts(block.outputs, UNITS, 64).count()).sum();
    workers.run(groups * total, &|task, _| {
        let (group, mut part) = (task % groups, task / groups);
        let mut tiles = blocks.iter().enumerate();
        let (index, units) = loop {
            let Some((index, block)) = tiles.next() else { return };
            let mut ranges = parts(block.outputs, UNITS, 64);
            let count = parts(block.outputs, UNITS, 64).count();
            match ranges.nth(part) {
                Some(units) => break (index, units),
                None => part -= count,
            }
        };
        let places = kept.places(index + 1, group, &units);
        let (rows, stride) = (kept.rows(group), kept.list(index + 1, group).len());
        let lanes = kernels.lanes;
        let start = packed_place(step, &units, group);
        for (panel, first) in places.clone().step_by(lanes).enumerate() {
            let size = rows.len() * lanes;
            // SAFETY: the deltas are only read by now, and these rows of this panel are ours.
            unsafe {
                let deltas = workspace.deltas[index].read(rows.start * blocks[index].outputs, rows.len() * stride);
                let packed = workspace.packed_deltas[index].part(start + panel * size, size);
                pack_rows(isa, lanes, &deltas[first..], stride, lanes.min(places.end - first), floats_mut(packed));
            }
        }
    });
}

/// Updates all parameters.
pub(super) fn parameters(
    step: Step<'_>,
    workers: &mut Workers,
    tiles: &[Tile],
    mlp: &mut Mlp,
    velocity: &mut [f32],
    optimizer: &Sgd,
) {
    let architecture = step.architecture;
    let parameters = Borrowed::new(mlp.parameters_mut());
    let velocity = Borrowed::new(velocity);
    let spread = optimizer.moves_all();
    workers.run(tiles.len(), &|task, worker| {
        let tile = &tiles[task];
        let width = architecture.blocks()[tile.block].outputs;
        let (weights, biases) = architecture.ranges(tile.block);
        let columns = tile.units.len();
        // SAFETY: each worker has its own scratch.
        let scratch = unsafe { step.scratch.part(worker * step.scratch_size, step.scratch_size) };
        let (gradient, scratch) = scratch.split_at_mut(tile.area());
        let Some(inputs) = &tile.inputs else {
            bias_gradient(step, tile, gradient);
            let place = (biases.start + tile.units.start, columns);
            // SAFETY: the tile's own parameters.
            unsafe { follow(step.isa, &parameters, &velocity, place, gradient, optimizer, false) };
            return;
        };
        let start = weights.start + inputs.start * width + tile.units.start;
        if !spread {
            let target = (parameters.at(start), width);
            // SAFETY: the tile's own parameters are a rectangle within the parameters, shared with nobody.
            unsafe { add_products(step, tile, inputs, target, -optimizer.learning_rate as f32, scratch) };
            return;
        }
        gradient.fill(0.0);
        // SAFETY: a rectangle of our own.
        unsafe { add_products(step, tile, inputs, (gradient.as_mut_ptr(), columns), 1.0, scratch) };
        for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
            let place = (start + row * width, columns);
            // SAFETY: the tile's own parameters.
            unsafe { follow(step.isa, &parameters, &velocity, place, gradient, optimizer, true) };
        }
    });
    bound_all_norms(workers, architecture, &parameters, optimizer);
}

/// Adds `factor` times the gradient of a tile to the rectangle that begins at `target.0`, with rows `target.1` apart.
///
/// # Safety
/// The rectangle may be read and written now, by nobody else; the workspace is only read.
unsafe fn add_products(
    step: Step<'_>,
    tile: &Tile,
    inputs: &Range<usize>,
    target: (*mut f32, usize),
    factor: f32,
    scratch: &mut [f32],
) {
    let Step { isa, kernels, kept, workspace, .. } = step;
    let block = tile.block;
    let all = step.architecture.blocks()[block].inputs;
    for group in 0..kept.groups() {
        let (ins, outs) = (kept.places(block, group, inputs), kept.places(block + 1, group, &tile.units));
        if ins.is_empty() || outs.is_empty() {
            continue;
        }
        let rows = kept.rows(group);
        let (list, units) = (kept.list(block, group), kept.list(block + 1, group));
        // SAFETY: only read, as promised.
        let values = unsafe {
            let source = if block == 0 { &workspace.input } else { &workspace.outputs[block - 1] };
            source.read(rows.start * all, rows.len() * list.len())
        };
        let source = Inputs::Floats(values, list.len());
        let (product, packed) = scratch.split_at_mut(tile.area());
        let packed = &mut packed[..ins.len().next_multiple_of(kernels.group) * rows.len()];
        let layout = pack_columns((isa, kernels), outs.len(), (source, ins.clone()), packed);
        let product = &mut product[..ins.len() * outs.len()];
        let panel = rows.len() * kernels.lanes;
        let start = packed_place(step, &tile.units, group);
        // SAFETY: the packed deltas are only read by now, and hold this group's rows of this tile's units; the inputs are packed above;
        // the product has a place for each kept input and unit.
        unsafe {
            let deltas = workspace.packed_deltas[block].read(start, kernels.panels(outs.len()) * panel);
            multiply_columns(
                kernels,
                (ins.len(), outs.len(), rows.len()),
                (product.as_mut_ptr(), outs.len()),
                (0.0, factor),
                kernels.packed(deltas.as_ptr().cast(), panel),
                (packed, layout),
            );
        }
        let (first, origin) = (inputs.start as u32, tile.units.start as u32);
        // SAFETY: these places are within the rectangle.
        unsafe { scatter_add(isa, target, (first, &list[ins]), (origin, &units[outs]), product) };
    }
}

/// The sums of the deltas of a tile's units, 0 for what is dropped.
fn bias_gradient(step: Step<'_>, tile: &Tile, gradient: &mut [f32]) {
    let Step { kept, workspace, .. } = step;
    gradient.fill(0.0);
    for group in 0..kept.groups() {
        let (rows, units) = (kept.rows(group), kept.list(tile.block + 1, group));
        let places = kept.places(tile.block + 1, group, &tile.units);
        if places.is_empty() {
            continue;
        }
        let all = kept.width(tile.block + 1);
        // SAFETY: only read in this phase.
        let deltas = unsafe { workspace.deltas[tile.block].read(rows.start * all, rows.len() * units.len()) };
        for row in deltas.chunks_exact(units.len()) {
            for (&unit, delta) in units[places.clone()].iter().zip(&row[places.clone()]) {
                gradient[unit as usize - tile.units.start] += delta;
            }
        }
    }
}
