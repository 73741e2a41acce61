//! What is done to a tile of rows, layer by layer: the whole of a layer or some of its columns.
//! Both schedules call the same functions, so a number is computed from the same factors in the
//! same order.

use super::Isa;
use super::blocking::TRANSPOSED_INPUTS;
use super::concrete::{Concretes, soften, soften_back};
use super::connections::Connections;
use super::dropout::LayerMask;
use super::epilogue::{
    backward_parametric_row, backward_row, drop_row, drop_row_back, forward_parametric_row, forward_row,
};
use super::gradient::multiply_transposed;
use super::input_stage::read_inputs;
use super::loss::StepLoss;
use super::matmul::{Matmul, floats_mut};
use super::matrix::{MatMut, MatView, Rows, Scale, Shape};
use super::operand::{AHEAD, read_row};
use super::packed::Packed;
use super::plan::StepPlan;
use super::workspace::{Scratch, Workspace};
use crate::data::Examples;
use crate::nn::{Block, Mlp};
use std::ops::Range;

/// What all tiles of a phase have in common.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) isa: Isa,
    pub(super) plan: &'a StepPlan,
    pub(super) matmul: &'a Matmul,
    pub(super) packed: &'a Packed,
    pub(super) mlp: &'a Mlp,
    pub(super) connections: &'a Connections,
    pub(super) concretes: &'a Concretes,
    pub(super) data: &'a Examples,
    /// What is added to an example's place for the number that its masks go by.
    pub(super) first_number: u32,
    /// The mask of the input, then of each block.
    pub(super) masks: &'a [Option<LayerMask>],
    pub(super) workspace: &'a Workspace,
    pub(super) scratch: &'a Scratch,
    pub(super) loss: &'a StepLoss,
}

/// Rows of a batch and where they are in the workspace.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// The first row of the workspace.
    pub(super) first: usize,
    /// The first row of the batch.
    pub(super) row: usize,
    pub(super) count: usize,
    pub(super) masks: TileMasks,
}

/// What masks a tile is under.
#[derive(Clone, Copy)]
pub(super) enum TileMasks {
    /// Those of the call.
    Drawn,
    None,
    /// Those of sample `first + row % count`, by the row of the batch.
    Sampled {
        first: u32,
        count: usize,
    },
}

impl Tile {
    /// Takes rows of a batch to the same rows of the workspace.
    pub(super) fn of(rows: &Range<usize>) -> Tile {
        Tile { first: rows.start, row: rows.start, count: rows.len(), masks: TileMasks::Drawn }
    }
}

impl Pass<'_> {
    /// Takes a tile through the first blocks of the network.
    ///
    /// # Safety
    /// Nobody else uses these rows of the workspace (of its input those of [`Self::input_row`]), or
    /// this worker's scratch, now.
    pub(super) unsafe fn forward(&self, worker: usize, tile: Tile, blocks: usize, example_of: impl Fn(usize) -> u32) {
        // SAFETY: our rows, and each block reads what the one before has written.
        unsafe {
            let input = Tile { first: self.input_row(worker, tile.first), ..tile };
            self.read(input, &example_of);
            for (index, block) in self.mlp.architecture().blocks()[..blocks].iter().enumerate() {
                self.forward_block(index, worker, tile, 0..block.outputs, &example_of);
            }
        }
    }

    /// Returns the number that the masks of an example go by.
    pub(super) fn number(&self, example: u32) -> u32 {
        self.data.number(example).wrapping_add(self.first_number)
    }

    /// Returns the row of the workspace's input where what goes to row `first` of the other buffers
    /// is.
    fn input_row(&self, worker: usize, first: usize) -> usize {
        self.plan.input_rows_per_worker.map_or(first, |rows| worker * rows)
    }

    /// Reads the features of a tile, dropped and scaled.
    ///
    /// # Safety
    /// Nobody else uses these rows of the workspace's input now.
    pub(super) unsafe fn read(&self, tile: Tile, example_of: &impl Fn(usize) -> u32) {
        let architecture = self.mlp.architecture();
        let width = architecture.blocks()[0].inputs;
        // SAFETY: our rows.
        let input = unsafe { self.workspace.input.part(tile.first * width, tile.count * width) };
        for (row, values) in input.chunks_exact_mut(width).enumerate() {
            let example = example_of(row);
            let ahead = (row + AHEAD < tile.count).then(|| example_of(row + AHEAD));
            match architecture.placed_stage() {
                Some(stage) => read_inputs(self.isa, self.mlp, stage, (self.data, example), values),
                None => read_row(self.isa, self.data, example, ahead, values),
            }
            if let (Some(mask), TileMasks::Drawn) = (&self.masks[0], tile.masks) {
                drop_row(self.isa, values, mask, mask.id(tile.row + row, self.number(example)));
            }
        }
    }

    /// Computes units `columns` of block `index` for a tile. The columns begin at a multiple of
    /// [`COLUMN_MULTIPLE`](super::blocking::COLUMN_MULTIPLE), and are all where concrete dropout
    /// follows.
    ///
    /// # Safety
    /// Nobody else uses these columns of these rows of the block, or this worker's scratch, or
    /// writes these rows of the block before, now.
    pub(super) unsafe fn forward_block(
        &self,
        index: usize,
        worker: usize,
        tile: Tile,
        columns: Range<usize>,
        example_of: &impl Fn(usize) -> u32,
    ) {
        let Pass { isa, mlp, concretes, workspace, .. } = *self;
        let Block { inputs: width, outputs: units, activation, .. } = mlp.architecture().blocks()[index];
        let (outputs, pres) = (&workspace.outputs[index], &workspace.pre[index]);
        let out = MatMut { first: outputs.at(tile.first * units + columns.start), stride: units };
        // SAFETY: as promised; the input is only read.
        unsafe {
            let input = match index {
                0 => workspace.input.read(self.input_row(worker, tile.first) * width, tile.count * width),
                _ => workspace.outputs[index - 1].read(tile.first * width, tile.count * width),
            };
            self.multiply_forward(index, worker, input, columns.clone(), out);
        }
        let bias = mlp.biases(index);
        let bias = &bias.as_slice().expect("a slice of the parameters")[columns.clone()];
        let alphas = mlp.alphas(index);
        let alphas = alphas.as_ref().and_then(|alphas| alphas.as_slice());
        let drawn = self.masks[index + 1].filter(|_| !matches!(tile.masks, TileMasks::None));
        let mut mask = drawn.map(|mask| mask.starting_at(columns.start));
        for row in 0..tile.count {
            if let (Some(mask), TileMasks::Sampled { first, count }) = (&mut mask, tile.masks) {
                mask.step = first + ((tile.row + row) % count) as u32;
            }
            let start = (tile.first + row) * units + columns.start;
            // SAFETY: our columns of our row, of two different buffers.
            let (values, pre) = unsafe {
                let pre = if pres.is_empty() { &mut [] } else { pres.part(start, columns.len()) };
                (outputs.part(start, columns.len()), pre)
            };
            let id = mask.map_or(0, |mask| mask.id(tile.row + row, self.number(example_of(row))));
            match &alphas {
                Some(alphas) => {
                    let learned = (bias, &alphas[columns.clone()]);
                    forward_parametric_row(isa, values, pre, learned, activation, mask.as_ref(), id);
                }
                None => forward_row(isa, values, pre, bias, activation, mask.as_ref(), id),
            }
            if let Some(soft) = concretes.after(index) {
                soften(isa, values, soft, self.number(example_of(row)));
            }
        }
    }

    /// Multiplies rows, one after the other in `input`, with the weights of units `columns` of a
    /// block.
    ///
    /// # Safety
    /// Nobody else uses `out`, which has a row for each of these and those columns, or this
    /// worker's scratch, now.
    unsafe fn multiply_forward(&self, index: usize, worker: usize, input: &[f32], columns: Range<usize>, out: MatMut) {
        let Pass { matmul, packed, mlp, .. } = *self;
        let Block { inputs: width, outputs: units, .. } = mlp.architecture().blocks()[index];
        let plan = self.plan.blocks[index].forward;
        // SAFETY: as promised; the weights are packed since the beginning of the call.
        unsafe {
            let rows = matmul.pack_rows(MatView::contiguous(input, width), self.scratch.of(worker));
            let panels = if plan.in_place {
                assert!([columns.start, columns.end].iter().all(|edge| edge.is_multiple_of(matmul.vector)));
                matmul.in_place(&self.connections.weights(mlp, index)[columns.start..], units)
            } else {
                let weights = packed.forward[index].read_from(columns.start * matmul.packed_k(width));
                matmul.packed(weights, matmul.panel(width))
            };
            let shape = Shape { rows: input.len() / width, columns: columns.len(), depth: width };
            matmul.multiply(shape, (out, Scale::SET), panels, rows, plan.skips_zeros);
        }
    }

    /// Takes a tile from the last block's deltas to the first one's, or to those of the input where
    /// a stage before it learns.
    ///
    /// # Safety
    /// Nobody else uses rows `first .. first + examples.len()` of the workspace, or this worker's
    /// scratch, now.
    pub(super) unsafe fn backward(&self, worker: usize, first: usize, examples: &[u32]) {
        let blocks = self.mlp.architecture().blocks();
        // SAFETY: our rows, and each block reads what the one after it has written.
        unsafe {
            for index in (1..blocks.len()).rev() {
                self.backward_block(index, worker, first, examples, 0..blocks[index].inputs);
            }
            if self.mlp.architecture().learns_inputs() {
                self.backward_input(worker, first, examples, 0..blocks[0].inputs);
            }
            for (index, block) in blocks.iter().enumerate() {
                self.pack_deltas(index, first, examples.len(), 0..block.outputs);
            }
        }
    }

    /// Goes from the deltas of block `index` to units `columns` of those of the block before, which
    /// are as in [`Self::forward_block`].
    ///
    /// # Safety
    /// Nobody else uses these columns of these rows of the block before, or this worker's scratch,
    /// or writes these rows of block `index`, now.
    pub(super) unsafe fn backward_block(
        &self,
        index: usize,
        worker: usize,
        first: usize,
        examples: &[u32],
        columns: Range<usize>,
    ) {
        let Pass { isa, mlp, concretes, workspace, .. } = *self;
        let blocks = mlp.architecture().blocks();
        let width = blocks[index].inputs;
        let deltas = &workspace.deltas[index - 1];
        // SAFETY: as promised.
        unsafe { self.multiply_backward(index, worker, first, examples.len(), columns.clone()) };
        let mask = self.masks[index].map(|mask| mask.starting_at(columns.start));
        let pres = &workspace.pre[index - 1];
        let alphas = mlp.alphas(index - 1);
        let alphas = alphas.as_ref().and_then(|alphas| alphas.as_slice());
        for (row, &example) in (first..).zip(examples) {
            let (start, count) = (row * width + columns.start, columns.len());
            // SAFETY: our columns of our row, and what the forward pass left of them.
            let (values, output, pre) = unsafe {
                let pre = if pres.is_empty() { &mut [] } else { pres.part(start, count) };
                (deltas.part(start, count), workspace.outputs[index - 1].read(start, count), pre)
            };
            let example = self.number(example);
            let id = mask.map_or(0, |mask| mask.id(row, example));
            if let Some(soft) = concretes.after(index - 1) {
                let by_logit = soften_back(isa, values, output, soft, example);
                // SAFETY: our rows.
                unsafe { concretes.note(row, soft, by_logit) };
            }
            let (activation, mask) = (blocks[index - 1].activation, mask.as_ref());
            match alphas {
                Some(alphas) => {
                    backward_parametric_row(isa, values, pre, &alphas[columns.clone()], activation, mask, id);
                }
                None => backward_row(isa, values, output, pre, activation, mask, id),
            }
        }
    }

    /// Goes from the deltas of the first block to columns `columns` of the derivatives by what the
    /// input stage gives, before dropout. The columns are as in [`Self::forward_block`].
    ///
    /// # Safety
    /// Nobody else uses these columns of these rows of the input's deltas, or this worker's
    /// scratch, or writes these rows of the first block's, now.
    pub(super) unsafe fn backward_input(&self, worker: usize, first: usize, examples: &[u32], columns: Range<usize>) {
        let width = self.mlp.architecture().blocks()[0].inputs;
        // SAFETY: as promised.
        unsafe { self.multiply_backward(0, worker, first, examples.len(), columns.clone()) };
        let Some(mask) = self.masks[0].map(|mask| mask.starting_at(columns.start)) else { return };
        for (row, &example) in (first..).zip(examples) {
            // SAFETY: our columns of our row.
            let values = unsafe { self.workspace.input_deltas.part(row * width + columns.start, columns.len()) };
            drop_row_back(self.isa, values, &mask, mask.id(row, self.number(example)));
        }
    }

    /// The product of [`Self::backward_block`] and of [`Self::backward_input`].
    ///
    /// # Safety
    /// As there.
    unsafe fn multiply_backward(&self, index: usize, worker: usize, first: usize, count: usize, columns: Range<usize>) {
        let Pass { matmul, packed, mlp, workspace, .. } = *self;
        let Block { inputs: width, outputs: units, .. } = mlp.architecture().blocks()[index];
        let packed = packed.backward[index].as_ref();
        let plan = self.plan.blocks[index].backward.filter(|plan| !plan.in_place);
        // SAFETY: what is read, the packed weights included, nobody writes now, as promised; what
        // is written are our columns of our rows.
        unsafe {
            let deltas = MatView::contiguous(workspace.deltas[index].read(first * units, count * units), units);
            let to = index.checked_sub(1).map_or(&workspace.input_deltas, |before| &workspace.deltas[before]);
            let place = to.at(first * width + columns.start);
            let out = MatMut { first: place, stride: width };
            let scratch = self.scratch.of(worker);
            let Some((packed, plan)) = packed.zip(plan) else {
                let weights = MatView::contiguous(self.connections.weights(mlp, index), units);
                let weights = weights.part(columns.start, columns.len(), 0..units);
                return multiply_in_place_transposed(matmul, deltas, weights, out, scratch);
            };
            let rows = matmul.pack_rows(deltas, scratch);
            let panels = packed.read_from(columns.start * matmul.packed_k(units));
            let shape = Shape { rows: count, columns: columns.len(), depth: units };
            let panels = matmul.packed(panels, matmul.panel(units));
            matmul.multiply(shape, (out, Scale::SET), panels, rows, plan.skips_zeros);
        }
    }

    /// Copies columns of rows of a block's deltas to where the gradient wants them.
    ///
    /// # Safety
    /// Nobody else writes these rows of the deltas, or uses these columns of the packed ones, now.
    pub(super) unsafe fn pack_deltas(&self, index: usize, first: usize, rows: usize, columns: Range<usize>) {
        let Pass { matmul, workspace, plan, .. } = *self;
        let (packed, all) = (&workspace.packed_deltas[index], workspace.rows);
        let units = self.mlp.architecture().blocks()[index].outputs;
        // SAFETY: only read, as promised.
        let deltas = unsafe { workspace.deltas[index].read(first * units, rows * units) };
        let deltas = MatView::contiguous(deltas, units);
        if plan.blocks[index].gradient.is_some_and(|gradient| gradient.delta_major) {
            let stride = matmul.row_stride(all);
            let start = columns.start * stride + matmul.packed_k(first);
            assert!(start + (columns.len() - 1) * stride + matmul.packed_k(rows) <= packed.len());
            let some = deltas.part(0, rows, columns);
            // SAFETY: our rows of these units, as was just checked.
            unsafe { matmul.pack_columns(some, packed.at(start), stride, plan.non_temporal_stores) };
            return;
        }
        for start in columns.clone().step_by(matmul.mr) {
            let place = start / matmul.mr * matmul.panel(all) + matmul.packed_k(first) * matmul.mr;
            // SAFETY: our rows of this panel.
            let packed = unsafe { packed.part(place, matmul.panel(rows)) };
            let some = deltas.part(0, rows, start..columns.end.min(start + matmul.mr));
            matmul.pack_panel(some, packed, plan.non_temporal_stores);
        }
    }
}

/// Returns the words of scratch that the products of a tile with a block's weights take.
pub(super) fn pass_scratch(matmul: &Matmul, rows: usize, block: &Block) -> usize {
    let deltas = matmul.panels(rows, block.outputs);
    let in_place = if matmul.is_exact() { deltas + TRANSPOSED_INPUTS * rows } else { 0 };
    in_place.max(matmul.row_scratch(rows, block.inputs.max(block.outputs)))
}

/// `deltas * weightsᵀ` with weights where they lie. The deltas are packed instead, and their
/// product is transposed, some inputs at a time.
///
/// # Safety
/// `out` has a row for each of the deltas and a column for each row of the weights. Nobody else
/// uses it now.
unsafe fn multiply_in_place_transposed(
    matmul: &Matmul,
    deltas: MatView<'_>,
    weights: MatView<'_>,
    out: MatMut,
    scratch: &mut [u32],
) {
    let (rows, depth, panel) = (deltas.rows, deltas.columns, matmul.panel(deltas.columns));
    let (packed, product) = scratch.split_at_mut(matmul.panels(rows, depth));
    let product = floats_mut(&mut product[..TRANSPOSED_INPUTS * rows]);
    for (first, words) in (0..rows).step_by(matmul.mr).zip(packed.chunks_exact_mut(panel)) {
        let some = deltas.part(first, matmul.mr.min(rows - first), 0..depth);
        matmul.pack_panel_of_rows(some, words, false);
    }
    let shape = Shape { rows: weights.rows, columns: rows, depth };
    let factors = (matmul.packed(packed, panel), Rows { first: weights.data.as_ptr(), stride: weights.stride }, false);
    // SAFETY: slices of these very shapes, and `out` as promised.
    unsafe { multiply_transposed(matmul, shape, (out, Scale::SET), factors, (product, TRANSPOSED_INPUTS)) };
}
