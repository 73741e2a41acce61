//! A block backward: rows of the weights are gathered, and transposed, for the kept units and kept inputs of a group.

use super::super::epilogue::backward_row;
use super::super::sparse::multiply_rows;
use super::super::workers::Workers;
use super::moves::{COLUMNS, SLACK, gather_transposed};
use super::{Cut, PANEL, Step};
use crate::nn::Mlp;

/// From the deltas of block `index`, at least 1, to those of the block before it.
pub(super) fn block(step: Step<'_>, workers: &mut Workers, mlp: &Mlp, index: usize) {
    let Step { isa, kernels, kept, workspace, .. } = step;
    let block = step.architecture.blocks()[index];
    let activation = step.architecture.blocks()[index - 1].activation;
    let weights = &mlp.parameters()[step.architecture.ranges(index).0];
    let (next, deltas) = (&workspace.deltas[index], &workspace.deltas[index - 1]);
    let (output, pre) = (&workspace.outputs[index - 1], &workspace.pre[index - 1]);
    let scale = kept.scale(index);
    let lanes = kernels.lanes;
    let groups = kept.groups();
    let cut = Cut::new(workers.chosen(), (kept.list(index, 0).len(), PANEL), lanes, (groups, kept.rows(0).len()));
    workers.run(cut.tasks(block.inputs, groups), &|task, worker| {
        let (group, first, rows) = cut.task(task, kept);
        let (inputs, units) = (kept.list(index, group), kept.list(index + 1, group));
        let (depth, stride) = (units.len(), inputs.len());
        let Some(columns) = inputs.get(first..).filter(|rest| !rest.is_empty() && !rows.is_empty()) else { return };
        let columns = &columns[..columns.len().min(cut.units)];
        // SAFETY: each worker has its own scratch.
        let scratch = unsafe { step.scratch.part(worker * step.scratch_size, step.scratch_size) };
        let (square, scratch) = scratch.split_at_mut(COLUMNS * COLUMNS + SLACK);
        let size = depth.next_multiple_of(COLUMNS) * lanes;
        for (columns, packed) in columns.chunks(lanes).zip(0..) {
            let packed = &mut scratch[packed * size..][..size];
            // SAFETY: the lists ascend and name inputs and units of this block.
            unsafe { gather_transposed(isa, lanes, (weights, block.outputs), columns, units, square, packed) };
        }
        // Where this group's rows begin, and these of them.
        let (start, above) = (kept.rows(group).start, rows.start - kept.rows(group).start);
        let place = |row: usize| start * block.inputs + (above + row) * stride + first;
        if depth > 0 {
            // SAFETY: this group's rows of the next deltas are only read by now, the scratch holds the packed panels, and this panel's
            // columns of this group's deltas are ours.
            unsafe {
                let next = next.read(start * block.outputs + above * depth, rows.len() * depth);
                multiply_rows(
                    (isa, kernels),
                    (rows.len(), columns.len(), depth),
                    (deltas.at(place(0)), stride),
                    kernels.packed(scratch.as_ptr(), size),
                    (next, depth),
                );
            }
        }
        for row in 0..rows.len() {
            // SAFETY: this panel's columns of this row, of different buffers; the outputs are only read by now.
            let (values, output, pre) = unsafe {
                let pre = if pre.is_empty() { &[][..] } else { pre.read(place(row), columns.len()) };
                (deltas.part(place(row), columns.len()), output.read(place(row), columns.len()), pre)
            };
            if depth == 0 {
                values.fill(0.0);
            }
            backward_row(isa, values, output, pre, activation, None, 0);
            if scale != 1.0 {
                values.iter_mut().for_each(|value| *value *= scale);
            }
        }
    });
}
