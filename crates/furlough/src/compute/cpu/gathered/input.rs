//! Both ends of the network, where all units are looked at: the features, and the losses.

use super::super::StepSums;
use super::super::features::{AHEAD, read_row};
use super::super::loss::loss_row;
use super::super::product::TILE;
use super::super::workers::Workers;
use super::super::workspace::Shared;
use super::Step;
use crate::data::Batch;

/// Writes what each row keeps of its features, scaled, to the workspace's input.
pub(super) fn read(step: Step<'_>, workers: &mut Workers, batch: Batch<'_>) {
    let Step { isa, kept, workspace, .. } = step;
    let (width, scale) = (kept.width(0), kept.scale(0));
    let count = batch.examples.len();
    workers.run(count.div_ceil(TILE), &|tile, worker| {
        // SAFETY: each worker has its own scratch.
        let values = unsafe { step.scratch.part(worker * step.scratch_size, width) };
        for row in tile * TILE..count.min((tile + 1) * TILE) {
            let ahead = batch.examples.get(row + AHEAD).copied();
            read_row(isa, batch.data, batch.examples[row], ahead, values);
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

/// The loss of each row, and its derivative by the outputs into the last block's deltas. All outputs are kept.
pub(super) fn losses(step: Step<'_>, workers: &mut Workers, batch: Batch<'_>, sums: &mut Shared<StepSums>) -> StepSums {
    let outputs = step.architecture.outputs();
    let last = step.workspace.outputs.len() - 1;
    let count = batch.examples.len();
    let (tiles, weight) = (count.div_ceil(TILE), 1.0 / count as f32);
    {
        let sums = &*sums;
        workers.run(tiles, &|tile, _| {
            for row in tile * TILE..count.min((tile + 1) * TILE) {
                let place = row * outputs;
                let example = batch.examples[row] as usize;
                // SAFETY: this row of three different buffers.
                unsafe {
                    let values = step.workspace.outputs[last].part(place, outputs);
                    let delta = step.workspace.deltas[last].part(place, outputs);
                    sums.part(row, 1)[0] = loss_row(step.isa, values, batch.data.targets(), example, weight, delta);
                }
            }
        });
    }
    StepSums::total(&sums.all()[..count])
}
