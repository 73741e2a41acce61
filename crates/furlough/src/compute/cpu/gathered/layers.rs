//! The features, and a block forward and backward: its weights between the kept inputs and kept
//! units of a group are gathered into panels and multiplied with all rows of the group.

use super::super::blocking::{GATHERED_COLUMNS, GATHERED_WIDE_COLUMNS, ROW_TILE};
use super::super::epilogue::{backward_row, forward_row};
use super::super::matmul::floats_mut;
use super::super::matrix::{MatMut, Panels, Rows, Scale, Shape};
use super::super::operand::{AHEAD, read_row};
use super::super::workers::Workers;
use super::super::workspace::Shared;
use super::Step;
use super::gather_scatter::{SLACK, gather, gather_transposed};
use super::kept::Kept;
use crate::data::Batch;
use crate::nn::Mlp;
use std::ops::Range;

/// Inputs that are gathered for one panel before the next one gets the same: few enough for their
/// pages to be known still.
const HEIGHT: usize = 256;

/// Units from which on a task has [`GATHERED_WIDE_COLUMNS`]: enough to keep some workers busy. A
/// row of the weights is a page of memory at least, and this takes more from each.
const MANY: usize = 2048;

/// The fewest rows of a group for which part of them gathers by itself, in its own task.
const FEWEST_ROWS: usize = 64;

/// How the product of a layer is cut into tasks: so many kept columns, for so many rows of a group,
/// which are one part of it of `parts`.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    columns: usize,
    rows: usize,
    parts: usize,
}

impl Cut {
    /// Cuts for `workers`, where each of `groups` of `rows` rows keeps some `kept` columns. At most
    /// `most` columns, a multiple of `panel`, are one task. They become fewer, down to a panel,
    /// until there is a task for each worker: each gathers its own. If that is not enough, rows are
    /// divided, and each part gathers the same.
    fn new(workers: usize, (kept, most): (usize, usize), panel: usize, (groups, rows): (usize, usize)) -> Cut {
        let mut columns = most;
        // A last task of less than half the columns is not counted.
        let tasks = |columns: usize| groups * ((kept + columns / 2) / columns).max(1);
        while tasks(columns) < workers && columns > panel {
            columns = (columns / 2).next_multiple_of(panel);
        }
        let parts = (workers / tasks(columns).max(1)).min(rows / FEWEST_ROWS).max(1);
        Cut { columns, rows: rows.div_ceil(parts), parts }
    }

    /// Returns how many tasks there are, some of them for nothing where few of `columns` are kept.
    fn tasks(self, columns: usize, groups: usize) -> usize {
        groups * self.parts * columns.div_ceil(self.columns)
    }

    /// Returns a task from what is kept on either side of it, or none where there is nothing to do.
    fn task(self, task: usize, kept: &Kept, (depth, columns): (usize, usize)) -> Option<Task<'_>> {
        let (group, rest) = (task % kept.groups(), task / kept.groups());
        let (part, panel) = (rest % self.parts, rest / self.parts);
        let all = kept.rows(group);
        let row = (all.start + part * self.rows).min(all.end);
        let rows = row..(all.start + (part + 1) * self.rows).min(all.end);
        let (depth, list) = (kept.list(depth, group), kept.list(columns, group));
        let first = panel * self.columns;
        let columns = list.get(first..).filter(|rest| !rest.is_empty() && !rows.is_empty())?;
        let columns = &columns[..columns.len().min(self.columns)];
        Some(Task { depth, columns, first, stride: list.len(), group: all.start, rows })
    }
}

/// Some kept columns of a product, for some rows of a group.
struct Task<'a> {
    depth: &'a [u32],
    columns: &'a [u32],
    /// The place of the first column in the list, whose length is the stride of rows.
    first: usize,
    stride: usize,
    /// The first row of the group, and these rows.
    group: usize,
    rows: Range<usize>,
}

impl Task<'_> {
    /// Returns where a row is in a buffer whose rows were `width` long without dropout.
    fn place(&self, width: usize, row: usize) -> usize {
        self.group * width + (row - self.group) * self.stride + self.first
    }

    /// Multiplies the task's rows of `input` with gathered panels into `out`. A buffer comes with
    /// the width of its rows without dropout.
    ///
    /// # Safety
    /// The panels hold the kept weights; the input is only read by now; the task's columns of its
    /// rows of `out` are ours.
    unsafe fn multiply(
        &self,
        step: Step<'_>,
        (input, width): (&Shared<f32>, usize),
        (out, out_width): (&Shared<f32>, usize),
        panels: Panels,
        skips_zeros: bool,
    ) {
        let depth = self.depth.len();
        if depth == 0 {
            for row in self.rows.clone() {
                // SAFETY: our columns of our row.
                unsafe { out.part(self.place(out_width, row), self.columns.len()).fill(0.0) };
            }
            return;
        }
        let above = self.rows.start - self.group;
        let shape = Shape { rows: self.rows.len(), columns: self.columns.len(), depth };
        let out = MatMut { first: out.at(self.place(out_width, self.rows.start)), stride: self.stride };
        // SAFETY: as promised.
        unsafe {
            let input = input.read(self.group * width + above * depth, self.rows.len() * depth);
            let rows = Rows { first: input.as_ptr(), stride: depth };
            step.matmul.multiply(shape, (out, Scale::SET), panels, rows, skips_zeros);
        }
    }
}

/// Writes what each row keeps of its features, scaled, to the workspace's input.
pub(super) fn read_features(step: Step<'_>, workers: &mut Workers, batch: Batch<'_>) {
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

/// From the outputs of the block before, or the input, to those of block `index`.
pub(super) fn forward(step: Step<'_>, workers: &mut Workers, mlp: &Mlp, index: usize) {
    let Step { matmul, kept, workspace, plan, .. } = step;
    let (isa, mr) = (matmul.isa, matmul.mr);
    let block = step.architecture.blocks()[index];
    let (weights, biases) = step.architecture.ranges(index);
    let (weights, biases) = (&mlp.parameters()[weights], &mlp.parameters()[biases]);
    let input = if index == 0 { &workspace.input } else { &workspace.outputs[index - 1] };
    let (output, pre) = (&workspace.outputs[index], &workspace.pre[index]);
    let scale = kept.scale(index + 1);
    let most = if block.outputs < MANY { GATHERED_COLUMNS } else { GATHERED_WIDE_COLUMNS };
    let (sites, groups) = ((index, index + 1), kept.groups());
    let cut = Cut::new(plan.threads, (kept.list(index + 1, 0).len(), most), mr, (groups, kept.rows(0).len()));
    workers.run(cut.tasks(block.outputs, groups), &|task, worker| {
        let Some(task) = cut.task(task, kept, sites) else { return };
        // SAFETY: each worker has its own scratch.
        let scratch = floats_mut(unsafe { step.scratch.of(worker) });
        let (bias, scratch) = scratch.split_at_mut(GATHERED_WIDE_COLUMNS);
        for (bias, &unit) in bias.iter_mut().zip(task.columns) {
            *bias = biases[unit as usize];
        }
        let size = task.depth.len() * mr + SLACK;
        for (inputs, above) in task.depth.chunks(HEIGHT).zip((0..).step_by(HEIGHT)) {
            for (columns, panel) in task.columns.chunks(mr).zip(0..) {
                let packed = &mut scratch[panel * size + above * mr..][..inputs.len() * mr + SLACK];
                // SAFETY: the lists ascend and name inputs and units of this block.
                unsafe { gather(isa, mr, (weights, block.outputs), inputs, columns, packed) };
            }
        }
        let panels = Panels { first: scratch.as_ptr(), stride: size, k_stride: mr };
        let out = (output, block.outputs);
        // SAFETY: gathered above, and this task's own outputs.
        unsafe { task.multiply(step, (input, block.inputs), out, panels, plan.blocks[index].forward.skips_zeros) };
        for row in task.rows.clone() {
            let (place, count) = (task.place(block.outputs, row), task.columns.len());
            // SAFETY: this task's columns of this row, of two different buffers.
            let (values, pre) = unsafe {
                let pre = if pre.is_empty() { &mut [] } else { pre.part(place, count) };
                (output.part(place, count), pre)
            };
            forward_row(isa, values, pre, bias, block.activation, None, 0);
            rescale(values, scale);
        }
    });
}

/// From the deltas of block `index`, at least 1, to those of the block before it.
pub(super) fn backward(step: Step<'_>, workers: &mut Workers, mlp: &Mlp, index: usize) {
    let Step { matmul, kept, workspace, plan, .. } = step;
    let (isa, mr) = (matmul.isa, matmul.mr);
    let block = step.architecture.blocks()[index];
    let activation = step.architecture.blocks()[index - 1].activation;
    let weights = &mlp.parameters()[step.architecture.ranges(index).0];
    let (next, deltas) = (&workspace.deltas[index], &workspace.deltas[index - 1]);
    let (output, pre) = (&workspace.outputs[index - 1], &workspace.pre[index - 1]);
    let scale = kept.scale(index);
    let skips_zeros = plan.blocks[index].backward.is_some_and(|product| product.skips_zeros);
    let (sites, groups) = ((index + 1, index), kept.groups());
    let shape = (kept.list(index, 0).len(), GATHERED_COLUMNS);
    let cut = Cut::new(plan.threads, shape, mr, (groups, kept.rows(0).len()));
    workers.run(cut.tasks(block.inputs, groups), &|task, worker| {
        let Some(task) = cut.task(task, kept, sites) else { return };
        // SAFETY: each worker has its own scratch.
        let scratch = floats_mut(unsafe { step.scratch.of(worker) });
        let (square, scratch) = scratch.split_at_mut(GATHERED_COLUMNS * GATHERED_COLUMNS + SLACK);
        let size = task.depth.len().next_multiple_of(GATHERED_COLUMNS) * mr;
        for (columns, panel) in task.columns.chunks(mr).zip(0..) {
            let packed = &mut scratch[panel * size..][..size];
            // SAFETY: the lists ascend and name inputs and units of this block.
            unsafe { gather_transposed(isa, mr, (weights, block.outputs), columns, task.depth, square, packed) };
        }
        let panels = Panels { first: scratch.as_ptr(), stride: size, k_stride: mr };
        let out = (deltas, block.inputs);
        // SAFETY: gathered above, and this task's own deltas.
        unsafe { task.multiply(step, (next, block.outputs), out, panels, skips_zeros) };
        for row in task.rows.clone() {
            let (place, count) = (task.place(block.inputs, row), task.columns.len());
            // SAFETY: this task's columns of this row; the outputs are only read by now.
            let (values, output, pre) = unsafe {
                let pre = if pre.is_empty() { &[][..] } else { pre.read(place, count) };
                (deltas.part(place, count), output.read(place, count), pre)
            };
            backward_row(isa, values, output, pre, activation, None, 0);
            rescale(values, scale);
        }
    });
}

/// Multiplies what is kept.
fn rescale(values: &mut [f32], scale: f32) {
    if scale != 1.0 {
        values.iter_mut().for_each(|value| *value *= scale);
    }
}
