//! A block forward: columns of the weights are gathered for the kept inputs and kept units of a group.

use super::super::epilogue::forward_row;
use super::super::sparse::multiply_rows;
use super::super::workers::Workers;
use super::moves::{SLACK, gather};
use super::{Cut, PANEL, Step, WIDE};
use crate::nn::Mlp;

/// Inputs that are gathered for one panel before the next one gets the same: few enough for their pages to be known still.
const HEIGHT: usize = 256;

/// Units from which on a task has [`WIDE`] of them: enough to keep some workers busy with that.
const MANY: usize = 2048;

/// From the outputs of the block before, or the input, to those of block `index`.
pub(super) fn block(step: Step<'_>, workers: &mut Workers, mlp: &Mlp, index: usize) {
    let Step { isa, kernels, kept, workspace, .. } = step;
    let block = step.architecture.blocks()[index];
    let (weights, biases) = step.architecture.ranges(index);
    let (weights, biases) = (&mlp.parameters()[weights], &mlp.parameters()[biases]);
    let input = if index == 0 { &workspace.input } else { &workspace.outputs[index - 1] };
    let (output, pre) = (&workspace.outputs[index], &workspace.pre[index]);
    let scale = kept.scale(index + 1);
    let lanes = kernels.lanes;
    let groups = kept.groups();
    let most = if block.outputs < MANY { PANEL } else { WIDE };
    let cut = Cut::new(workers.chosen(), (kept.list(index + 1, 0).len(), most), lanes, (groups, kept.rows(0).len()));
    workers.run(cut.tasks(block.outputs, groups), &|task, worker| {
        let (group, first, rows) = cut.task(task, kept);
        let (inputs, units) = (kept.list(index, group), kept.list(index + 1, group));
        let (depth, stride) = (inputs.len(), units.len());
        let Some(columns) = units.get(first..).filter(|rest| !rest.is_empty() && !rows.is_empty()) else { return };
        let columns = &columns[..columns.len().min(cut.units)];
        // SAFETY: each worker has its own scratch.
        let scratch = unsafe { step.scratch.part(worker * step.scratch_size, step.scratch_size) };
        let (bias, scratch) = scratch.split_at_mut(WIDE);
        for (bias, &unit) in bias.iter_mut().zip(columns) {
            *bias = biases[unit as usize];
        }
        let size = depth * lanes + SLACK;
        for (inputs, above) in inputs.chunks(HEIGHT).zip((0..).step_by(HEIGHT)) {
            for (columns, packed) in columns.chunks(lanes).zip(0..) {
                let packed = &mut scratch[packed * size + above * lanes..][..inputs.len() * lanes + SLACK];
                // SAFETY: the lists ascend and name inputs and units of this block.
                unsafe { gather(isa, lanes, (weights, block.outputs), inputs, columns, packed) };
            }
        }
        // Where this group's rows begin, and these of them.
        let (start, above) = (kept.rows(group).start, rows.start - kept.rows(group).start);
        let place = |row: usize| start * block.outputs + (above + row) * stride + first;
        if depth > 0 {
            // SAFETY: this group's rows of the input are only read by now, the scratch holds the packed panels, and this panel's columns
            // of this group's outputs are ours.
            unsafe {
                let input = input.read(start * block.inputs + above * depth, rows.len() * depth);
                multiply_rows(
                    (isa, kernels),
                    (rows.len(), columns.len(), depth),
                    (output.at(place(0)), stride),
                    kernels.packed(scratch.as_ptr(), size),
                    (input, depth),
                );
            }
        }
        for row in 0..rows.len() {
            // SAFETY: this panel's columns of this row, of two different buffers.
            let (values, pre) = unsafe {
                let pre = if pre.is_empty() { &mut [] } else { pre.part(place(row), columns.len()) };
                (output.part(place(row), columns.len()), pre)
            };
            if depth == 0 {
                values.fill(0.0);
            }
            forward_row(isa, values, pre, bias, block.activation, None, 0);
            if scale != 1.0 {
                values.iter_mut().for_each(|value| *value *= scale);
            }
        }
    });
}
