//! Gradients and optimizer: a tile of parameters gets what each group, one after the other, has for
//! the inputs and units that it keeps within the tile. Plain SGD touches nothing else. With
//! momentum or a penalty the others move too: then the gradient is spread over the whole tile
//! first.

use super::super::blocking::{TILE_UNITS, parts};
use super::super::gradient::{Deltas, gradient_scratch, input_major};
use super::super::matmul::{Matmul, floats_mut};
use super::super::matrix::{MatMut, MatView, Scale};
use super::super::operand::Operand;
use super::super::partition::ParameterTile;
use super::super::update::{bound_all_norms, follow};
use super::super::workers::Workers;
use super::super::workspace::Borrowed;
use super::Step;
use super::gather_scatter::scatter_add;
use crate::nn::Mlp;
use crate::optim::Sgd;
use std::ops::Range;

/// Returns the words of scratch for a tile: the gradient, the product of a group, and its inputs
/// packed.
pub(super) fn scratch(matmul: &Matmul, tile: &ParameterTile, group_rows: usize) -> usize {
    2 * tile.gradient_words() + gradient_scratch(matmul, tile.height(), group_rows, false)
}

/// Returns where in the packed deltas of a block those of `group` for the units of a tile begin, as
/// many rows as they are. Tiles begin at multiples of a panel, and each has room for all rows in as
/// many panels as it would take without dropout.
fn packed_place(step: Step<'_>, units: &Range<usize>, group: usize) -> usize {
    let Step { matmul, workspace, kept, .. } = step;
    (units.start * workspace.rows()) + kept.rows(group).start * units.len().next_multiple_of(matmul.mr())
}

/// Copies the deltas of all blocks into panels, those of each tile's units by themselves.
pub(super) fn pack_deltas(step: Step<'_>, workers: &mut Workers) {
    let Step { matmul, kept, workspace, architecture, .. } = step;
    let (groups, mr) = (kept.groups(), matmul.mr());
    let ranges = |block: usize| parts(architecture.blocks()[block].outputs, TILE_UNITS, 64);
    let blocks = 0..architecture.blocks().len();
    let total: usize = blocks.clone().map(|block| ranges(block).count()).sum();
    workers.run(groups * total, &|task, _| {
        let (group, part) = (task % groups, task / groups);
        let mut all = blocks.clone().flat_map(|block| ranges(block).map(move |units| (block, units)));
        let Some((index, units)) = all.nth(part) else { return };
        let places = kept.places(index + 1, group, &units);
        let (rows, stride) = (kept.rows(group), kept.list(index + 1, group).len());
        let start = packed_place(step, &units, group);
        for (panel, first) in places.clone().step_by(mr).enumerate() {
            let size = rows.len() * mr;
            // SAFETY: the deltas are only read by now, and these rows of this panel are ours.
            let (deltas, packed) = unsafe {
                let width = architecture.blocks()[index].outputs;
                let deltas = workspace.deltas[index].read(rows.start * width, rows.len() * stride);
                (deltas, workspace.packed_deltas[index].part(start + panel * size, size))
            };
            let some = MatView::contiguous(deltas, stride).part(0, rows.len(), first..places.end.min(first + mr));
            matmul.pack_panel(some, packed, false);
        }
    });
}

/// Updates all parameters.
pub(super) fn parameters(
    step: Step<'_>,
    workers: &mut Workers,
    tiles: &[ParameterTile],
    (mlp, velocity): (&mut Mlp, &mut [f32]),
    optimizer: &Sgd,
) {
    let architecture = step.architecture;
    let isa = step.matmul.isa();
    let parameters = Borrowed::new(mlp.parameters_mut());
    let velocity = Borrowed::new(velocity);
    workers.run(tiles.len(), &|task, worker| {
        let tile = &tiles[task];
        let width = architecture.blocks()[tile.block].outputs;
        let (weights, biases) = architecture.ranges(tile.block);
        let columns = tile.units.len();
        // SAFETY: each worker has its own scratch.
        let (gradient, scratch) = unsafe { step.scratch.of(worker) }.split_at_mut(tile.gradient_words());
        let gradient = &mut floats_mut(gradient)[..tile.len()];
        let Some(inputs) = &tile.inputs else {
            bias_gradient(step, tile, gradient);
            let place = (biases.start + tile.units.start, columns);
            // SAFETY: the tile's own parameters.
            return unsafe { follow(isa, &parameters, &velocity, place, gradient, optimizer, false) };
        };
        let start = weights.start + inputs.start * width + tile.units.start;
        if !optimizer.moves_all() {
            let target = MatMut { first: parameters.at(start), stride: width };
            // SAFETY: the tile's own parameters are a rectangle shared with nobody.
            return unsafe { add_products(step, tile, inputs, target, -optimizer.learning_rate as f32, scratch) };
        }
        gradient.fill(0.0);
        let target = MatMut { first: gradient.as_mut_ptr(), stride: columns };
        // SAFETY: a rectangle of our own.
        unsafe { add_products(step, tile, inputs, target, 1.0, scratch) };
        for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
            let place = (start + row * width, columns);
            // SAFETY: the tile's own parameters.
            unsafe { follow(isa, &parameters, &velocity, place, gradient, optimizer, true) };
        }
    });
    bound_all_norms(workers, architecture, &parameters, optimizer);
}

/// Adds `alpha` times the gradient of a tile to the rectangle `target`.
///
/// # Safety
/// The rectangle may be read and written now, by nobody else; the workspace is only read.
unsafe fn add_products(
    step: Step<'_>,
    tile: &ParameterTile,
    inputs: &Range<usize>,
    target: MatMut,
    alpha: f32,
    scratch: &mut [u32],
) {
    let Step { matmul, kept, workspace, plan, .. } = step;
    let Some(how) = plan.blocks[tile.block].gradient else { return };
    let block = tile.block;
    let all = step.architecture.blocks()[block].inputs;
    let (product, scratch) = scratch.split_at_mut(tile.gradient_words());
    for group in 0..kept.groups() {
        let (ins, outs) = (kept.places(block, group, inputs), kept.places(block + 1, group, &tile.units));
        if ins.is_empty() || outs.is_empty() {
            continue;
        }
        let rows = kept.rows(group);
        let (list, units) = (kept.list(block, group), kept.list(block + 1, group));
        let product = &mut floats_mut(product)[..ins.len() * outs.len()];
        let out = MatMut { first: product.as_mut_ptr(), stride: outs.len() };
        let panel = rows.len() * matmul.mr();
        let start = packed_place(step, &tile.units, group);
        let size = outs.len().div_ceil(matmul.mr()) * panel;
        // SAFETY: only read by now, as promised; the packed deltas hold this group's rows of this
        // tile's units, and the product has a place for each kept input and unit.
        unsafe {
            let source = if block == 0 { &workspace.input } else { &workspace.outputs[block - 1] };
            let values = source.read(rows.start * all, rows.len() * list.len());
            let operand = Operand::Floats { values, width: list.len() };
            let words = workspace.packed_deltas[block].read(start, size);
            let deltas = Deltas { words, stride: panel, units: outs.len() };
            input_major(matmul, how, (operand, ins.clone()), deltas, (out, Scale { alpha, beta: 0.0 }), scratch);
        }
        let (first, origin) = (inputs.start as u32, tile.units.start as u32);
        // SAFETY: these places are within the rectangle.
        unsafe { scatter_add(matmul.isa(), target, (first, &list[ins]), (origin, &units[outs]), product) };
    }
}

/// Sums the deltas of a tile's units, 0 for what is dropped.
fn bias_gradient(step: Step<'_>, tile: &ParameterTile, gradient: &mut [f32]) {
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
