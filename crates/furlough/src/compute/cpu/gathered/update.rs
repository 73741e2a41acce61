//! Gradients and optimizer: a tile of parameters gets what each group, one after the other, has for
//! the inputs and units that it keeps within the tile. Plain SGD touches nothing else. With
//! momentum or a penalty the others move too: then the gradient is spread over the whole tile
//! first.

use super::super::blocking::{TILE_UNITS, parts};
use super::super::clipping::{Clipped, FullGradient, TileJobs, update_tiles};
use super::super::follow::Follower;
use super::super::gradient::{Deltas, gradient_scratch, input_major};
use super::super::matmul::{Matmul, floats_mut};
use super::super::matrix::{MatMut, MatView, Scale};
use super::super::operand::Operand;
use super::super::partition::ParameterTile;
use super::super::update::bound_all_norms;
use super::super::workers::Workers;
use super::super::workspace::Borrowed;
use super::Step;
use super::gather_scatter::scatter_add;
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
    (units.start * workspace.rows()) + kept.rows(group).start * units.len().next_multiple_of(matmul.mr)
}

/// Copies the deltas of all blocks into panels, those of each tile's units by themselves.
pub(super) fn pack_deltas(step: Step<'_>, workers: &mut Workers) {
    let Step { matmul, kept, workspace, architecture, .. } = step;
    let (groups, mr) = (kept.groups(), matmul.mr);
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

/// Updates all parameters. Returns the norm of the gradient if it is to be clipped, by `full`, else
/// 0; where it is not finite nothing changes.
pub(super) fn parameters(
    step: Step<'_>,
    workers: &mut Workers,
    tiles: &[ParameterTile],
    follower: &Follower<'_>,
    full: &mut Option<FullGradient>,
) -> f64 {
    let architecture = step.architecture;
    let jobs = TileJobs {
        tiles: tiles.len(),
        differentiate: &|tile, full, worker| {
            // SAFETY: each worker has its own scratch, and each tile its own part of the gradient.
            unsafe { differentiate(step, &tiles[tile], full, step.scratch.of(worker)) };
        },
        update: &|tile, clipped, worker| {
            // SAFETY: each worker has its own scratch, and each tile its own parameters.
            unsafe { update(step, (&tiles[tile], clipped), follower, step.scratch.of(worker)) };
        },
    };
    let norm = update_tiles(workers, follower, full, &jobs);
    if norm.is_finite() {
        bound_all_norms(workers, architecture, &follower.parameters, follower.rule);
    }
    norm
}

/// Updates a tile: with part of a gradient that is there, times a factor, or with its own.
///
/// # Safety
/// Nobody else uses the tile's parameters or their state now; the workspace is only read.
unsafe fn update(
    step: Step<'_>,
    (tile, clipped): (&ParameterTile, Option<Clipped<'_>>),
    follower: &Follower<'_>,
    scratch: &mut [u32],
) {
    let width = step.architecture.blocks()[tile.block].outputs;
    let (weights, biases) = step.architecture.ranges(tile.block);
    let columns = tile.units.len();
    let (gradient, scratch) = scratch.split_at_mut(tile.gradient_words());
    let gradient = &mut floats_mut(gradient)[..tile.len()];
    let rule = follower.of(tile.spec(step.architecture), 0.0);
    if let Some((full, factor)) = clipped {
        // SAFETY: the tile's own parameters.
        return unsafe { full.follow(follower, step.architecture, (tile, rule), factor, gradient) };
    }
    let Some(inputs) = &tile.inputs else {
        bias_gradient(step, tile, gradient);
        // SAFETY: the tile's own parameters.
        return unsafe { follower.row(rule, biases.start + tile.units.start, gradient) };
    };
    let start = weights.start + inputs.start * width + tile.units.start;
    if let (Some(scale), false) = (rule.fused(), follower.rule.moves_all()) {
        let target = MatMut { first: follower.parameters.at(start), stride: width };
        // SAFETY: the tile's own parameters are a rectangle shared with nobody.
        return unsafe { add_products(step, tile, inputs, target, scale.alpha, scratch) };
    }
    gradient.fill(0.0);
    let target = MatMut { first: gradient.as_mut_ptr(), stride: columns };
    // SAFETY: a rectangle of our own.
    unsafe { add_products(step, tile, inputs, target, 1.0, scratch) };
    for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
        // SAFETY: the tile's own parameters.
        unsafe { follower.row(rule, start + row * width, gradient) };
    }
}

/// Writes the gradient of a tile to its place in `full`.
///
/// # Safety
/// Nobody else uses that place now; the workspace is only read.
unsafe fn differentiate(step: Step<'_>, tile: &ParameterTile, full: &Borrowed<'_>, scratch: &mut [u32]) {
    let width = step.architecture.blocks()[tile.block].outputs;
    let (weights, biases) = step.architecture.ranges(tile.block);
    let Some(inputs) = &tile.inputs else {
        // SAFETY: as promised.
        return bias_gradient(step, tile, unsafe { full.part(biases.start + tile.units.start, tile.units.len()) });
    };
    let start = weights.start + inputs.start * width + tile.units.start;
    // SAFETY: the tile's own part of the gradient.
    unsafe {
        (0..inputs.len()).for_each(|row| full.part(start + row * width, tile.units.len()).fill(0.0));
        let target = MatMut { first: full.at(start), stride: width };
        add_products(step, tile, inputs, target, 1.0, &mut scratch[tile.gradient_words()..]);
    }
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
        let panel = rows.len() * matmul.mr;
        let start = packed_place(step, &tile.units, group);
        let size = outs.len().div_ceil(matmul.mr) * panel;
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
        unsafe { scatter_add(matmul.isa, target, (first, &list[ins]), (origin, &units[outs]), product) };
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
