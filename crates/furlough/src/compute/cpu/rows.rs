//! The first phase: a tile of rows goes all the way through the network and back. Rows are independent of each other, so
//! workers meet only when all are done.

use super::dropout::LayerMask;
use super::epilogue::{backward_row, drop_row, forward_row};
use super::features::{AHEAD, read_row};
use super::loss::loss_row;
use super::packed::Packed;
use super::product::Product;
use super::workspace::{Shared, Workspace};
use super::{Cpu, Isa, StepSums};
use crate::data::{Batch, Dataset};
use crate::nn::{Architecture, MaskSite, Mlp};

/// The rows of tile `tile` of `count` rows cut into tiles of `most`, as equal as whole groups of rows allow.
pub(super) fn tile_rows(tile: usize, count: usize, (most, group): (usize, usize)) -> std::ops::Range<usize> {
    let (tiles, groups) = (count.div_ceil(most), count.div_ceil(group));
    let edge = |tile: usize| count.min(tile * groups / tiles * group);
    edge(tile)..edge(tile + 1)
}

/// What all tiles of a phase have in common.
struct Pass<'a> {
    isa: Isa,
    product: &'a Product,
    packed: &'a Packed,
    mlp: &'a Mlp,
    data: &'a Dataset,
    /// The mask of the input, then of each block.
    masks: &'a [Option<LayerMask>],
    workspace: &'a Workspace,
    /// How many rows there are in all.
    count: usize,
    /// So many words for each worker.
    scratch: (&'a Shared<u32>, usize),
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
        scratch,
        scratch_size,
        ..
    } = cpu;
    let count = batch.examples.len();
    // Forward, back and the gradient.
    workers.choose(count, 3 * architecture.parameters());
    packed.fill(workers, product, mlp, count, true);
    let weight = 1.0 / count as f32;
    let tile = (product.tile(architecture, count), product.group());
    let tiles = count.div_ceil(tile.0);
    let scratch = (&*scratch, *scratch_size);
    let pass = Pass { isa: *isa, product, packed, mlp, data: batch.data, masks, workspace, count, scratch };
    {
        let sums = &*sums;
        workers.run(tiles, &|index, worker| {
            let rows = tile_rows(index, count, tile);
            let first = rows.start;
            let examples = &batch.examples[rows];
            // SAFETY: each tile has its own rows of every buffer and its own place in the sums.
            unsafe {
                pass.forward(worker, first, first, examples.len(), |row| examples[row]);
                sums.part(index, 1)[0] = pass.loss(first, examples, weight);
                pass.backward(worker, first, examples);
            }
        });
    }
    // In the order of the tiles, whoever computed them.
    sums.all()[..tiles].iter().fold(StepSums::default(), |all, tile| StepSums {
        loss: all.loss + tile.loss,
        correct: all.correct + tile.correct,
    })
}

/// The outputs of `examples`, into `out`.
pub(super) fn forward_phase(
    cpu: &mut Cpu,
    mlp: &Mlp,
    data: &Dataset,
    examples: std::ops::Range<u32>,
    site: Option<&MaskSite>,
    out: &mut [f32],
) {
    let Cpu { isa, product, packed, workers, inference: workspace, masks, architecture, scratch, scratch_size, .. } =
        cpu;
    let count = examples.len();
    workers.choose(count, architecture.parameters());
    packed.fill(workers, product, mlp, count, false);
    fill_masks(*isa, masks, architecture, site, 1.0);
    let outputs = architecture.outputs();
    assert_eq!(out.len(), count * outputs, "one row of outputs an example");
    assert!(examples.end as usize <= data.len(), "examples of the data set");
    let tile = (product.tile(architecture, count), product.group());
    let scratch = (&*scratch, *scratch_size);
    let pass = Pass { isa: *isa, product, packed, mlp, data, masks, workspace, count, scratch };
    let out = super::workspace::Borrowed::new(out);
    workers.run(count.div_ceil(tile.0), &|index, worker| {
        let std::ops::Range { start, end } = tile_rows(index, count, tile);
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

/// Decides the masks of the input and of each block, whose drop probabilities are multiplied by `factor`.
pub(super) fn fill_masks(
    isa: Isa,
    masks: &mut [Option<LayerMask>],
    architecture: &Architecture,
    site: Option<&MaskSite>,
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
    /// Nobody else uses these rows of the workspace, or this worker's scratch, now.
    unsafe fn forward(
        &self,
        worker: usize,
        first: usize,
        place: usize,
        rows: usize,
        example_of: impl Fn(usize) -> u32,
    ) {
        let Pass { isa, product, packed, mlp, masks, workspace, count, scratch, .. } = *self;
        let mut width = mlp.architecture().inputs();
        // SAFETY: our rows.
        let mut input: &mut [f32] = unsafe { workspace.input.part(first * width, rows * width) };
        for (row, values) in input.chunks_exact_mut(width).enumerate() {
            let example = example_of(row);
            read_row(isa, self.data, example, (row + AHEAD < rows).then(|| example_of(row + AHEAD)), values);
            if let Some(mask) = &masks[0] {
                drop_row(isa, values, mask, mask.owner(place + row, example));
            }
        }
        for (index, block) in mlp.architecture().blocks().iter().enumerate() {
            let units = block.outputs;
            let own_weights = &mlp.parameters()[mlp.architecture().ranges(index).0];
            // SAFETY: our rows, of two different buffers.
            let (output, pre) = unsafe {
                let pre = &workspace.pre[index];
                let pre = if pre.is_empty() { &mut [] } else { pre.part(first * units, rows * units) };
                (workspace.outputs[index].part(first * units, rows * units), pre)
            };
            // SAFETY: slices of these very shapes, none of which overlap; the weights are packed and only read by now.
            unsafe {
                let (weights, scratch) = (&packed.forward[index], scratch.0.part(worker * scratch.1, scratch.1));
                let weights = weights.read(0, weights.len());
                if product.in_place(count, units) {
                    product.multiply_few(input, own_weights, units, output);
                } else {
                    product.multiply_rows((rows, units, width), (output.as_mut_ptr(), units), weights, input, scratch);
                }
            }
            let bias = mlp.biases(index);
            let bias = bias.as_slice().expect("a slice of the parameters");
            let mut pres = pre.chunks_exact_mut(units);
            for (row, values) in output.chunks_exact_mut(units).enumerate() {
                let pre = pres.next().unwrap_or_default();
                let mask = masks[index + 1].as_ref();
                let owner = mask.map_or(0, |mask| mask.owner(place + row, example_of(row)));
                forward_row(isa, values, pre, bias, block.activation, mask, owner);
            }
            (input, width) = (output, units);
        }
    }

    /// The loss of the tile, and its derivative by the outputs into the last block's deltas.
    ///
    /// # Safety
    /// Nobody else uses rows `first .. first + examples.len()` of the workspace now.
    unsafe fn loss(&self, first: usize, examples: &[u32], weight: f32) -> StepSums {
        let outputs = self.mlp.architecture().outputs();
        let (start, len) = (first * outputs, examples.len() * outputs);
        let last = self.workspace.outputs.len() - 1;
        // SAFETY: our rows, of two different buffers.
        let (values, deltas) =
            unsafe { (self.workspace.outputs[last].part(start, len), self.workspace.deltas[last].part(start, len)) };
        let mut sums = StepSums::default();
        for ((row, delta), &example) in values.chunks_exact(outputs).zip(deltas.chunks_exact_mut(outputs)).zip(examples)
        {
            let one = loss_row(self.isa, row, self.data.targets(), example as usize, weight, delta);
            sums.loss += one.loss;
            sums.correct += one.correct;
        }
        sums
    }

    /// From the last block's deltas to the first one's.
    ///
    /// # Safety
    /// Nobody else uses rows `first .. first + examples.len()` of the workspace, or this worker's scratch, now.
    unsafe fn backward(&self, worker: usize, first: usize, examples: &[u32]) {
        let Pass { isa, product, packed, mlp, masks, workspace, count, scratch, .. } = *self;
        let blocks = mlp.architecture().blocks();
        let rows = examples.len();
        for index in (1..blocks.len()).rev() {
            let (width, units) = (blocks[index].inputs, blocks[index].outputs);
            let own_weights = &mlp.parameters()[mlp.architecture().ranges(index).0];
            // SAFETY: our rows, of different buffers.
            let (next, deltas, output, pre) = unsafe {
                let pre = &workspace.pre[index - 1];
                (
                    workspace.deltas[index].part(first * units, rows * units),
                    workspace.deltas[index - 1].part(first * width, rows * width),
                    workspace.outputs[index - 1].part(first * width, rows * width),
                    if pre.is_empty() { &mut [] } else { pre.part(first * width, rows * width) },
                )
            };
            // SAFETY: slices of these very shapes, none of which overlap; the weights are packed and only read by now.
            unsafe {
                let (weights, scratch) = (&packed.backward[index], scratch.0.part(worker * scratch.1, scratch.1));
                let weights = weights.read(0, weights.len());
                if product.in_place(count, units) {
                    product.multiply_few_back(next, own_weights, units, deltas, scratch);
                } else {
                    product.multiply_rows((rows, width, units), (deltas.as_mut_ptr(), width), weights, next, scratch);
                }
            }
            let mut pres = pre.chunks_exact(width);
            let mask = masks[index].as_ref();
            let outputs = output.chunks_exact(width);
            for (place, ((row, values), &example)) in
                (first..).zip(deltas.chunks_exact_mut(width).zip(outputs).zip(examples))
            {
                let pre = pres.next().unwrap_or_default();
                let owner = mask.map_or(0, |mask| mask.owner(place, example));
                backward_row(isa, row, values, pre, blocks[index - 1].activation, mask, owner);
            }
        }
        for (index, block) in blocks.iter().enumerate() {
            // SAFETY: our rows.
            unsafe { self.pack_deltas(index, block.outputs, first, rows) };
        }
    }

    /// Copies rows of a block's deltas to where the second phase wants them.
    ///
    /// # Safety
    /// Nobody else uses these rows of the deltas, packed or not, now.
    unsafe fn pack_deltas(&self, index: usize, units: usize, first: usize, rows: usize) {
        let Pass { product, workspace, .. } = *self;
        let lanes = product.lanes();
        // SAFETY: our rows.
        let deltas = unsafe { workspace.deltas[index].part(first * units, rows * units) };
        for panel in 0..product.panels(units) {
            let start = (panel * product.slots(workspace.rows()) + product.slots(first)) * lanes;
            // SAFETY: our rows of this panel.
            let packed = unsafe { workspace.packed_deltas[index].part(start, product.slots(rows) * lanes) };
            let range = panel * lanes..units.min((panel + 1) * lanes);
            product.pack_depths(&deltas[range.start..], units, rows, range.len(), packed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_row_once_and_fit() {
        for (most, group) in [(72usize, 2usize), (72, 4), (72, 6), (36, 6), (144, 6), (64, 32), (32, 32)] {
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
