//! The features, of which each group keeps some.

use super::super::blocking::ROW_TILE;
use super::super::matmul::floats_mut;
use super::super::operand::{AHEAD, read_row};
use super::super::workers::Workers;
use super::Step;
use crate::data::Batch;

/// Writes what each row keeps of its features, scaled, to the workspace's input.
pub(super) fn read(step: Step<'_>, workers: &mut Workers, batch: Batch<'_>) {
    let Step { matmul, kept, workspace, .. } = step;
    let (width, scale) = (kept.width(0), kept.scale(0));
    let count = batch.examples.len();
    workers.run(count.div_ceil(ROW_TILE), &|tile, worker| {
        // SAFETY: each worker has its own scratch.
        let values = &mut floats_mut(unsafe { step.scratch.of(worker) })[..width];
        for row in tile * ROW_TILE..count.min((tile + 1) * ROW_TILE) {
            let ahead = batch.examples.get(row + AHEAD).copied();
            read_row(matmul.isa, batch.data, batch.examples[row], ahead, values);
            let group = kept.group_of(row);
            let (list, first) = (kept.list(0, group), kept.rows(group).start);
            // SAFETY: this row's own place.
            let input = unsafe { workspace.input.part(first * width + (row - first) * list.len(), list.len()) };
            for (input, &unit) in input.iter_mut().zip(list) {
                *input = values[unit as usize] * scale;
            }
        }
    });
}
