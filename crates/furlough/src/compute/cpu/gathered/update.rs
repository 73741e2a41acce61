//! Gradients and optimizer: a tile of parameters gets what each group, one after the other, has for
//! the inputs and units that it keeps within the tile. Plain SGD touches nothing else. With
//! momentum or a penalty the others move too: then the gradient is spread over the whole tile
//! first.

use super::super::blocking::{TILE_UNITS, parts};
use super::super::gradient::{Deltas, Gradient, gradient_scratch};
use super::super::matmul::{Matmul, floats_mut};
use super::super::matrix::{MatMut, MatView, Scale};
use super::super::operand::Operand;
use super::super::partition::ParameterTile;
use super::super::update::Gradients;
use super::super::workers::Workers;
use super::Step;
use super::gather_scatter::{SLACK, scatter_add};
use std::ops::Range;

/// Returns the words of scratch for a tile: the gradient, the product of a group, and its inputs
/// packed.
pub(super) fn scratch(matmul: &Matmul, tile: &ParameterTile, group_rows: usize) -> usize {
    2 * tile.gradient_words() + SLACK + gradient_scratch(matmul, tile.height(), group_rows, false)
}

/// Returns where in the packed deltas of a block those of `group` for the units of a tile begin, as
/// many rows as they are. Tiles begin at multiples of a panel, and each has room for all rows in as
/// many panels as it would take without dropout.
fn packed_place(step: Step<'_>, units: &Range<usize>, group: usize) -> usize {
    let Step { matmul, workspace, kept, .. } = step;
    (units.start * workspace.rows) + kept.rows(group).start * units.len().next_multiple_of(matmul.mr)
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

impl Gradients for Step<'_> {
    /// Adds to the rectangle what each group has in it, after zeros if `beta` is 0; else it is 1.
    unsafe fn of_weights(&self, tile: &ParameterTile, (out, scale): (MatMut, Scale), scratch: &mut [u32]) {
        let Step { matmul, kept, workspace, plan, architecture, .. } = *self;
        let (Some(how), Some(inputs)) = (plan.blocks[tile.block].gradient, &tile.inputs) else { return };
        let (block, all) = (tile.block, architecture.blocks()[tile.block].inputs);
        if scale.beta == 0.0 {
            for row in 0..inputs.len() {
                // SAFETY: a row of the rectangle.
                unsafe { std::slice::from_raw_parts_mut(out.first.add(row * out.stride), tile.units.len()).fill(0.0) };
            }
        }
        let (product, scratch) = scratch.split_at_mut(tile.gradient_words() + SLACK);
        for group in 0..kept.groups() {
            let (ins, outs) = (kept.places(block, group, inputs), kept.places(block + 1, group, &tile.units));
            if ins.is_empty() || outs.is_empty() {
                continue;
            }
            let rows = kept.rows(group);
            let (list, units) = (kept.list(block, group), kept.list(block + 1, group));
            let product = &mut floats_mut(product)[..ins.len() * outs.len() + SLACK];
            let to = MatMut { first: product.as_mut_ptr(), stride: outs.len() };
            let panel = rows.len() * matmul.mr;
            let start = packed_place(*self, &tile.units, group);
            let size = outs.len().div_ceil(matmul.mr) * panel;
            // SAFETY: only read by now, as promised; the packed deltas hold this group's rows of
            // this tile's units, and the product has a place for each kept input and unit.
            unsafe {
                let source = if block == 0 { &workspace.input } else { &workspace.outputs[block - 1] };
                let values = source.read(rows.start * all, rows.len() * list.len());
                let operand = Operand::Floats { values, width: list.len() };
                let words = workspace.packed_deltas[block].read(start, size);
                let deltas = Deltas { words, stride: panel, units: outs.len() };
                let scale = Scale { beta: 0.0, ..scale };
                let gradient = Gradient { matmul, plan: how, inputs: operand, columns: ins.clone(), deltas };
                gradient.input_major((to, scale), scratch);
            }
            let (first, origin) = (inputs.start as u32, tile.units.start as u32);
            // SAFETY: these places are within the rectangle.
            unsafe { scatter_add(matmul.isa, out, (first, &list[ins]), (origin, &units[outs]), product) };
        }
    }

    unsafe fn of_biases(&self, tile: &ParameterTile, sums: &mut [f32]) {
        let Step { kept, workspace, .. } = *self;
        sums.fill(0.0);
        for group in 0..kept.groups() {
            let (rows, units) = (kept.rows(group), kept.list(tile.block + 1, group));
            let places = kept.places(tile.block + 1, group, &tile.units);
            if places.is_empty() {
                continue;
            }
            let all = kept.width(tile.block + 1);
            // SAFETY: only read, as promised.
            let deltas = unsafe { workspace.deltas[tile.block].read(rows.start * all, rows.len() * units.len()) };
            for row in deltas.chunks_exact(units.len()) {
                for (&unit, delta) in units[places.clone()].iter().zip(&row[places.clone()]) {
                    sums[unit as usize - tile.units.start] += delta;
                }
            }
        }
    }
}
