//! The first phase: a tile of rows goes all the way through the network and back. Rows are independent of each other, so
//! workers meet only when all are done.

use super::concrete::{Concretes, soften, soften_back};
use super::connections::Connections;
use super::dropout::LayerMask;
use super::epilogue::{backward_row, drop_row, forward_row};
use super::features::{AHEAD, Inputs, features_left, read_row};
use super::loss::loss_row;
use super::packed::Packed;
use super::product::Product;
use super::units;
use super::way::Way;
use super::workspace::{Shared, Workspace};
use super::{Cpu, Isa, StepSums, layers};
use crate::data::{Batch, Dataset};
use crate::nn::{Architecture, Block, MaskKey, Mlp};
use std::ops::Range;

/// The rows of tile `tile` of `count` rows cut into tiles of `most`, as equal as whole groups of rows allow.
pub(super) fn tile_rows(tile: usize, count: usize, (most, group): (usize, usize)) -> Range<usize> {
    let (tiles, groups) = (count.div_ceil(most), count.div_ceil(group));
    let edge = |tile: usize| count.min(tile * groups / tiles * group);
    edge(tile)..edge(tile + 1)
}

/// About over how many steps the part of the features that is not zero is averaged.
const STEPS_OF_MEAN: f64 = 16.0;

/// What all tiles of a phase have in common.
pub(super) struct Pass<'a> {
    isa: Isa,
    product: &'a Product,
    packed: &'a Packed,
    pub(super) mlp: &'a Mlp,
    connections: &'a Connections,
    pub(super) concretes: &'a Concretes,
    data: &'a Dataset,
    /// The mask of the input, then of each block.
    masks: &'a [Option<LayerMask>],
    workspace: &'a Workspace,
    /// How many rows there are in all.
    pub(super) count: usize,
    /// So many words for each worker.
    scratch: (&'a Shared<u32>, usize),
    way: Way,
    /// Of which blocks the deltas are packed unit by unit.
    by_units: &'a [bool],
}

/// Forward, loss and backward of a whole batch under the present masks, into the training workspace.
pub(super) fn train_phase(cpu: &mut Cpu, mlp: &Mlp, batch: Batch<'_>) -> StepSums {
    let Cpu {
        isa,
        product,
        packed,
        workers,
        training: workspace,
        masks,
        sums,
        architecture,
        connections,
        concretes,
        scratch,
        scratch_size,
        streams,
        way,
        partitions,
        left_of_features,
        ..
    } = cpu;
    let count = batch.examples.len();
    let weight = 1.0 / count as f32;
    let tile = product.tile(architecture, count);
    let tiles = count.div_ceil(tile.0);
    let scratch = (&*scratch, *scratch_size);
    let bytes = masks[0].is_none() && Inputs::of_bytes(batch.data, batch.examples).is_some();
    let kept = if masks[0].is_some() { 1.0 - architecture.input_dropout().p() } else { 1.0 };
    // Examples differ, and a partition that changes from step to step makes weights change places: so a mean over steps decides. Nobody looks
    // where it would not pay with features that have no zeros.
    let pays = |left: f64| units::pays(product, &architecture.blocks()[0], count, kept * left);
    let by_units = pays(1.0) && {
        let left = features_left(*isa, batch);
        let left = left_of_features.map_or(left, |mean| mean + (left - mean) / STEPS_OF_MEAN);
        *left_of_features = Some(left);
        pays(left)
    };
    *way = Way::choose((concretes, workers), (count, tile.0), *streams, bytes, by_units);
    packed.fill(workers, product, (mlp, connections), count, (true, way.streaming));
    let pass = Pass {
        isa: *isa,
        product,
        packed,
        mlp,
        connections,
        concretes,
        data: batch.data,
        masks,
        workspace,
        count,
        scratch,
        way: *way,
        by_units: &partitions[way.partition].by_units,
    };
    let sums_of = &*sums;
    if way.by_layers {
        layers::train(&pass, workers, tile, batch.examples, weight, sums_of);
    } else {
        workers.run(tiles, &|index, worker| {
            let rows = tile_rows(index, count, tile);
            let first = rows.start;
            let examples = &batch.examples[rows];
            // SAFETY: each tile has its own rows of every buffer, or of the input its worker has, and its own places in the sums.
            unsafe {
                pass.forward(worker, first, first, examples.len(), |row| examples[row]);
                pass.loss(first, examples, weight, sums_of);
                pass.backward(worker, first, examples);
            }
        });
    }
    StepSums::total(&sums.all()[..count])
}

/// The outputs of `examples`, into `out`.
pub(super) fn forward_phase(
    cpu: &mut Cpu,
    mlp: &Mlp,
    data: &Dataset,
    examples: Range<u32>,
    site: Option<&MaskKey>,
    out: &mut [f32],
) {
    let Cpu {
        isa,
        product,
        packed,
        workers,
        inference: workspace,
        masks,
        architecture,
        connections,
        concretes,
        scratch,
        scratch_size,
        ..
    } = cpu;
    let count = examples.len();
    workers.choose(count, architecture.parameters());
    connections.draw(*isa, workers, mlp, site, 1.0);
    concretes.draw(*isa, mlp, site);
    packed.fill(workers, product, (mlp, connections), count, (false, false));
    fill_masks(*isa, masks, architecture, site, 1.0);
    let outputs = architecture.outputs();
    assert_eq!(out.len(), count * outputs, "one row of outputs an example");
    assert!(examples.end as usize <= data.len(), "examples of the data set");
    let tile = product.tile(architecture, count);
    let scratch = (&*scratch, *scratch_size);
    let isa = *isa;
    let way = Way::default();
    let by_units = &[];
    let pass = Pass {
        isa,
        product,
        packed,
        mlp,
        connections,
        concretes,
        data,
        masks,
        workspace,
        count,
        scratch,
        way,
        by_units,
    };
    let out = super::workspace::Borrowed::new(out);
    workers.run(count.div_ceil(tile.0), &|index, worker| {
        let Range { start, end } = tile_rows(index, count, tile);
        let rows = end - start;
        let first = worker * tile.0;
        // SAFETY: each worker has its own rows of every buffer, and each tile its own rows of `out`.
        unsafe {
            pass.forward(worker, first, start, rows, |row| examples.start + (start + row) as u32);
            let last = &pass.workspace.outputs[pass.workspace.outputs.len() - 1];
            out.part(start * outputs, rows * outputs).copy_from_slice(last.part(first * outputs, rows * outputs));
        }
    });
}

/// Decides the masks of the units, of the input and of each block, whose drop probabilities are multiplied by `factor`.
pub(super) fn fill_masks(
    isa: Isa,
    masks: &mut [Option<LayerMask>],
    architecture: &Architecture,
    site: Option<&MaskKey>,
    factor: f64,
) {
    let input = std::iter::once(architecture.input_dropout());
    let dropouts = input.chain(architecture.blocks().iter().map(|block| block.dropout));
    for (layer, (mask, dropout)) in masks.iter_mut().zip(dropouts).enumerate() {
        *mask = site.and_then(|site| LayerMask::new(isa, dropout.times(factor), site, layer as u32));
    }
}

impl Pass<'_> {
    /// Takes `rows` examples through the network, into rows `first ..` of the workspace. They are rows `place ..` of the batch.
    ///
    /// # Safety
    /// Nobody else uses these rows of the workspace (of its input those of [`Self::input_row`]), or this worker's scratch, now.
    unsafe fn forward(
        &self,
        worker: usize,
        first: usize,
        place: usize,
        rows: usize,
        example_of: impl Fn(usize) -> u32,
    ) {
        // SAFETY: our rows, and each block reads what the one before has written.
        unsafe {
            self.read(self.input_row(worker, first), place, rows, &example_of);
            for (index, block) in self.mlp.architecture().blocks().iter().enumerate() {
                self.forward_block(index, worker, (first, place, rows), 0..block.outputs, &example_of);
            }
        }
    }

    /// The row of the workspace's input where what goes to row `first` of the other buffers is. Rows of its own a worker has only where there are more tiles than
    /// workers, and so enough rows.
    fn input_row(&self, worker: usize, first: usize) -> usize {
        self.way.own_rows.map_or(first, |rows| worker * rows)
    }

    /// The features of `rows` examples, dropped and scaled, into rows `first ..` of the workspace.
    ///
    /// # Safety
    /// Nobody else uses these rows of the workspace's input now.
    pub(super) unsafe fn read(&self, first: usize, place: usize, rows: usize, example_of: &impl Fn(usize) -> u32) {
        let width = self.mlp.architecture().inputs();
        // SAFETY: our rows.
        let input = unsafe { self.workspace.input.part(first * width, rows * width) };
        for (row, values) in input.chunks_exact_mut(width).enumerate() {
            let example = example_of(row);
            read_row(self.isa, self.data, example, (row + AHEAD < rows).then(|| example_of(row + AHEAD)), values);
            if let Some(mask) = &self.masks[0] {
                drop_row(self.isa, values, mask, mask.owner(place + row, example));
            }
        }
    }

    /// Units `columns` of block `index` for `rows` examples, in rows `first ..` of the workspace. The columns begin at a multiple of
    /// [`layers::UNIT`](super::layers::UNIT), and are all of the block's where concrete dropout follows.
    ///
    /// # Safety
    /// Nobody else uses these columns of these rows of the block, or this worker's scratch, or writes these rows of the block before, now.
    pub(super) unsafe fn forward_block(
        &self,
        index: usize,
        worker: usize,
        (first, place, rows): (usize, usize, usize),
        columns: Range<usize>,
        example_of: &impl Fn(usize) -> u32,
    ) {
        let Pass { isa, product, packed, mlp, concretes, workspace, .. } = *self;
        let Block { inputs: width, outputs: units, activation, .. } = mlp.architecture().blocks()[index];
        let count = columns.len();
        // SAFETY: only read, as promised: the packed weights since the beginning of the call.
        let (input, weights) = unsafe {
            let input = match index {
                0 => workspace.input.read(self.input_row(worker, first) * width, rows * width),
                _ => workspace.outputs[index - 1].read(first * width, rows * width),
            };
            let start = columns.start * product.slots(width);
            let weights = &packed.forward[index];
            (input, weights.read(start, weights.len() - start))
        };
        let (outputs, pres) = (&workspace.outputs[index], &workspace.pre[index]);
        // SAFETY: our columns of our rows, of these very shapes.
        unsafe {
            let scratch = self.scratch.0.part(worker * self.scratch.1, self.scratch.1);
            let out = (outputs.at(first * units + columns.start), units);
            if product.in_place(self.count, units) {
                let weights = (self.connections.weights(mlp, index), units);
                product.multiply_few(input, weights, columns.clone(), out);
            } else {
                product.multiply_rows((rows, count, width), out, weights, input, scratch);
            }
        }
        let bias = mlp.biases(index);
        let bias = &bias.as_slice().expect("a slice of the parameters")[columns.clone()];
        let mask = self.masks[index + 1].map(|mask| mask.starting_at(columns.start));
        for row in 0..rows {
            let start = (first + row) * units + columns.start;
            // SAFETY: our columns of our row, of two different buffers.
            let (values, pre) = unsafe {
                (outputs.part(start, count), if pres.is_empty() { &mut [] } else { pres.part(start, count) })
            };
            let owner = mask.map_or(0, |mask| mask.owner(place + row, example_of(row)));
            forward_row(isa, values, pre, bias, activation, mask.as_ref(), owner);
            if let Some(soft) = concretes.after(index) {
                soften(isa, values, soft, example_of(row));
            }
        }
    }

    /// The loss of each row of the tile into `sums`, and its derivative by the outputs into the last block's deltas.
    ///
    /// # Safety
    /// Nobody else uses rows `first .. first + examples.len()` of the workspace, or of the sums, now.
    pub(super) unsafe fn loss(&self, first: usize, examples: &[u32], weight: f32, sums: &Shared<StepSums>) {
        let outputs = self.mlp.architecture().outputs();
        let last = self.workspace.outputs.len() - 1;
        for (row, &example) in (first..).zip(examples) {
            // SAFETY: our row, of three different buffers.
            unsafe {
                let values = self.workspace.outputs[last].part(row * outputs, outputs);
                let delta = self.workspace.deltas[last].part(row * outputs, outputs);
                let targets = self.data.targets();
                sums.part(row, 1)[0] = loss_row(self.isa, values, targets, example as usize, weight, delta);
            }
        }
    }

    /// From the last block's deltas to the first one's.
    ///
    /// # Safety
    /// Nobody else uses rows `first .. first + examples.len()` of the workspace, or this worker's scratch, now.
    unsafe fn backward(&self, worker: usize, first: usize, examples: &[u32]) {
        let blocks = self.mlp.architecture().blocks();
        // SAFETY: our rows, and each block reads what the one after it has written.
        unsafe {
            for index in (1..blocks.len()).rev() {
                self.backward_block(index, worker, first, examples, 0..blocks[index].inputs);
            }
            for (index, block) in blocks.iter().enumerate() {
                self.pack_deltas(index, first, examples.len(), 0..block.outputs);
            }
        }
    }

    /// From the deltas of block `index` to units `columns` of those of the block before, which are as in [`Self::forward_block`].
    ///
    /// # Safety
    /// Nobody else uses these columns of these rows of the block before, or this worker's scratch, or writes these rows of block `index`, now.
    pub(super) unsafe fn backward_block(
        &self,
        index: usize,
        worker: usize,
        first: usize,
        examples: &[u32],
        columns: Range<usize>,
    ) {
        let Pass { isa, product, packed, mlp, concretes, workspace, .. } = *self;
        let blocks = mlp.architecture().blocks();
        let (width, units) = (blocks[index].inputs, blocks[index].outputs);
        let (rows, count) = (examples.len(), columns.len());
        let deltas = &workspace.deltas[index - 1];
        // SAFETY: what is read, the packed weights included, nobody writes now, as promised; what is written are our columns of our rows.
        unsafe {
            let next = workspace.deltas[index].read(first * units, rows * units);
            let out = (deltas.at(first * width + columns.start), width);
            let scratch = self.scratch.0.part(worker * self.scratch.1, self.scratch.1);
            match packed.backward(product, self.count, index) {
                Some(weights) => {
                    let start = columns.start * product.slots(units);
                    let weights = weights.read(start, weights.len() - start);
                    product.multiply_rows((rows, count, units), out, weights, next, scratch);
                }
                None => {
                    let weights = &self.connections.weights(mlp, index)[columns.start * units..columns.end * units];
                    product.multiply_back_in_place(next, weights, units, out, scratch);
                }
            }
        }
        let mask = self.masks[index].map(|mask| mask.starting_at(columns.start));
        let pres = &workspace.pre[index - 1];
        for (place, &example) in (first..).zip(examples) {
            let start = place * width + columns.start;
            // SAFETY: our columns of our row, and what the forward pass left of them.
            let (row, values, pre) = unsafe {
                let pre = if pres.is_empty() { &[] } else { pres.read(start, count) };
                (deltas.part(start, count), workspace.outputs[index - 1].read(start, count), pre)
            };
            let owner = mask.map_or(0, |mask| mask.owner(place, example));
            if let Some(soft) = concretes.after(index - 1) {
                let by_logit = soften_back(isa, row, values, soft, example);
                // SAFETY: our rows.
                unsafe { concretes.note(place, soft, by_logit) };
            }
            backward_row(isa, row, values, pre, blocks[index - 1].activation, mask.as_ref(), owner);
        }
    }

    /// Copies columns of rows of a block's deltas to where the second phase wants them.
    ///
    /// # Safety
    /// Nobody else writes these rows of the deltas, or uses these columns of the packed ones, now.
    pub(super) unsafe fn pack_deltas(&self, index: usize, first: usize, rows: usize, columns: Range<usize>) {
        let Pass { product, workspace, mlp, .. } = *self;
        let width = mlp.architecture().blocks()[index].outputs;
        let lanes = product.lanes();
        // SAFETY: only read, as promised.
        let deltas = unsafe { workspace.deltas[index].read(first * width, rows * width) };
        let (packed, streaming) = (&workspace.packed_deltas[index], self.way.streaming);
        if self.by_units[index] {
            let apart = units::apart(product, workspace.rows());
            let start = columns.start * apart + product.slots(first);
            assert!(start + (columns.len() - 1) * apart + product.slots(rows) <= packed.len());
            // SAFETY: our rows of these units, as was just checked.
            unsafe {
                let (from, shape) = ((&deltas[columns.start..], width), (rows, columns.len()));
                product.pack_units(from, shape, (packed.at(start), apart), streaming);
            }
            return;
        }
        for start in columns.clone().step_by(lanes) {
            let panel = start / lanes;
            let place = (panel * product.slots(workspace.rows()) + product.slots(first)) * lanes;
            // SAFETY: our rows of this panel.
            let packed = unsafe { packed.part(place, product.slots(rows) * lanes) };
            let count = lanes.min(columns.end - start);
            product.pack_depths((&deltas[start..], width), (rows, count), packed, streaming);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_row_once_and_fit() {
        for (most, group) in
            [(72usize, 2usize), (72, 4), (72, 6), (64, 16), (32, 16), (36, 6), (128, 32), (64, 32), (32, 32)]
        {
            for count in 1..400usize {
                let tiles: Vec<_> =
                    (0..count.div_ceil(most)).map(|tile| tile_rows(tile, count, (most, group))).collect();
                assert_eq!((tiles[0].start, tiles[tiles.len() - 1].end), (0, count));
                assert!(tiles.windows(2).all(|pair| pair[0].end == pair[1].start));
                assert!(
                    tiles.iter().all(|tile| (1..=most).contains(&tile.len())),
                    "{count} rows by {group}: {tiles:?}"
                );
            }
        }
    }
}
