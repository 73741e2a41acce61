//! Many masked passes over the same examples. What no mask touches is computed once an example; the rest goes through the
//! network in tiles of rows, each row one sample of one example, so that the kernels are busy whether there are many examples or many
//! samples.
//!
//! Examples and samples are taken in blocks whose size depends on shapes only, so memory does not grow with either. Within a block
//! come three jobs: the unmasked part of its examples, its passes, and the folding of their outputs. A row's
//! outputs do not depend on the rows beside it, and an example's samples are folded one after the other: so neither the blocks nor the threads
//! show in the result.

use super::dropout::LayerMask;
use super::epilogue::{forward_row, masked_copy};
use super::features::read_row;
use super::packed::Packed;
use super::product::Product;
use super::rows::{fill_masks, tile_rows};
use super::workspace::{Plain, Shared, Workspace};
use super::{Cpu, Isa};
use crate::data::Dataset;
use crate::nn::{MaskKey, Mlp};
use crate::random::{Key, Stream};
use std::ops::Range;

/// The most examples of a block, in tiles.
const TILES: usize = 8;

/// Outputs of a block, some: a megabyte of them, which stays in the second-level cache until they are folded.
const OUTPUTS: usize = 1 << 18;

/// Examples whose outputs are folded in one go.
pub(super) const FOLDED: usize = 16;

/// Outputs of a row are padded to a multiple of this, a vector of any instruction set.
pub(super) const PADDING: usize = 16;

// SAFETY: zero is a number.
unsafe impl Plain for f64 {}

/// The outputs of one example in consecutive samples.
pub struct Samples<'a> {
    /// The example.
    pub example: u32,
    /// The number of the first of these samples.
    pub first: u32,
    /// Rows of `width` outputs, padded to `stride`. The padding is nobody's.
    pub(super) values: &'a mut [f32],
    pub(super) width: usize,
    pub(super) stride: usize,
}

impl Samples<'_> {
    /// The outputs (logits or predictions), sample by sample.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.stride).map(|row| &row[..self.width])
    }
}

/// What becomes of an example's outputs: called for its samples in their order, some at a time, with the numbers that are kept for it.
pub type Fold<'a> = dyn Fn(Samples<'_>, &mut [f64]) + Sync + 'a;

/// What all tiles have in common.
struct Passes<'a> {
    isa: Isa,
    product: &'a Product,
    packed: &'a Packed,
    mlp: &'a Mlp,
    data: &'a Dataset,
    /// The mask of the input, then of each block; of sample 0.
    masks: &'a [Option<LayerMask>],
    /// The first layer with a mask; one beyond the last where there is none.
    site: usize,
    workspace: &'a Workspace,
    /// So many words for each worker.
    scratch: (&'a Shared<u32>, usize),
    /// What reaches that layer, a row an example of the block.
    prefix: Shared<f32>,
    /// The outputs, padded to `stride`: example by example of the block, sample by sample.
    outputs: Shared<f32>,
    stride: usize,
}

/// A block: examples `first_example ..`, and `count` samples of each, from `first_sample`.
#[derive(Clone, Copy)]
struct Span {
    first_example: u32,
    first_sample: u32,
    count: usize,
}

/// Folds the outputs of `samples` of `examples` into `kept`, whose rows, one an example, are as long as each other.
#[allow(clippy::too_many_arguments)]
pub(super) fn sample_phase(
    cpu: &mut Cpu,
    mlp: &Mlp,
    data: &Dataset,
    examples: Range<u32>,
    key: Key,
    samples: Range<u32>,
    kept: &mut [f64],
    fold: &Fold<'_>,
) {
    if examples.is_empty() || samples.is_empty() {
        return;
    }
    let Cpu {
        isa,
        product,
        packed,
        workers,
        inference: workspace,
        masks,
        architecture,
        connections,
        scratch,
        scratch_size,
        ..
    } = cpu;
    workers.choose(examples.len() * samples.len(), architecture.parameters());
    let tile = product.tile(architecture, usize::MAX);
    packed.fill(workers, product, (mlp, connections), usize::MAX, (false, false));
    let site = MaskKey { key, stream: Stream::MonteCarlo, step: 0, layer: 0 };
    fill_masks(*isa, masks, architecture, Some(&site), 1.0);
    let blocks = architecture.blocks();
    let site = masks.iter().position(Option::is_some).unwrap_or(blocks.len());
    let width = if site == 0 { architecture.inputs() } else { blocks[site - 1].outputs };
    let stride = architecture.outputs().next_multiple_of(PADDING);
    let per_block = (TILES * tile.0).min((OUTPUTS / stride).max(tile.0)).min(examples.len());
    let parts = samples.len().div_ceil((OUTPUTS / stride / per_block).max(1));
    let span = samples.len().div_ceil(parts);
    let pass = Passes {
        isa: *isa,
        product,
        packed,
        mlp,
        data,
        masks,
        site,
        workspace,
        scratch: (&*scratch, *scratch_size),
        prefix: Shared::new(per_block, width),
        outputs: Shared::new(per_block * span, stride),
        stride,
    };
    let keeps = kept.len() / examples.len();
    let mut folded = Shared::new(per_block, keeps);
    for (place, first_example) in examples.clone().step_by(per_block).enumerate() {
        let count = per_block.min((examples.end - first_example) as usize);
        let kept = &mut kept[place * per_block * keeps..][..count * keeps];
        folded.all()[..count * keeps].copy_from_slice(kept);
        workers.run(count.div_ceil(tile.0), &|index, worker| {
            // SAFETY: each worker has its own rows of the workspace, and each tile its own rows of the prefix.
            unsafe { pass.unmasked(tile_rows(index, count, tile), first_example, worker) };
        });
        for first_sample in samples.clone().step_by(span) {
            let span = Span { first_example, first_sample, count: span.min((samples.end - first_sample) as usize) };
            let rows = count * span.count;
            workers.run(rows.div_ceil(tile.0), &|index, worker| {
                // SAFETY: each worker has its own rows of the workspace, and each tile its own rows of the outputs.
                unsafe { pass.masked(tile_rows(index, rows, tile), span, worker) };
            });
            workers.run(count.div_ceil(FOLDED), &|task, _| {
                for example in task * FOLDED..count.min((task + 1) * FOLDED) {
                    // SAFETY: each task has its own examples, and these are their rows.
                    let (samples, kept) = unsafe { (pass.samples(example, span), folded.part(example * keeps, keeps)) };
                    fold(samples, kept);
                }
            });
        }
        kept.copy_from_slice(&folded.all()[..count * keeps]);
    }
}

impl Passes<'_> {
    /// Takes examples `first_example + rows` to the first masked layer.
    ///
    /// # Safety
    /// Nobody else uses these rows of the prefix, or this worker's rows of the workspace and scratch, now.
    unsafe fn unmasked(&self, rows: Range<usize>, first_example: u32, worker: usize) {
        let Passes { isa, mlp, workspace, site, .. } = *self;
        let first = worker * self.product.tile(mlp.architecture(), usize::MAX).0;
        let blocks = mlp.architecture().blocks();
        let count = rows.len();
        let width = mlp.architecture().inputs();
        // SAFETY: our rows.
        let mut input: &mut [f32] = unsafe {
            if site == 0 {
                self.prefix.part(rows.start * width, count * width)
            } else {
                workspace.input.part(first * width, count * width)
            }
        };
        for (row, values) in rows.clone().zip(input.chunks_exact_mut(width)) {
            let example = first_example + row as u32;
            read_row(isa, self.data, example, None, values);
        }
        for (index, block) in blocks[..site].iter().enumerate() {
            let units = block.outputs;
            // SAFETY: our rows; the input is in another buffer.
            let output = unsafe {
                if index + 1 == site {
                    self.prefix.part(rows.start * units, count * units)
                } else {
                    workspace.outputs[index].part(first * units, count * units)
                }
            };
            // SAFETY: slices of these very shapes.
            unsafe { self.product(worker, index, (count, input), (output.as_mut_ptr(), units)) };
            let bias = mlp.biases(index);
            let bias = bias.as_slice().expect("a slice of the parameters");
            for values in output.chunks_exact_mut(units) {
                forward_row(isa, values, &mut [], bias, block.activation, None, 0);
            }
            input = output;
        }
    }

    /// Takes rows `rows` of a block from the first masked layer to the outputs: row `i` is sample `i % span.count` of example
    /// `i / span.count`, both counted within the block.
    ///
    /// # Safety
    /// The prefix is complete. Nobody else uses these rows of the outputs, or this worker's rows of the workspace and scratch, now.
    unsafe fn masked(&self, rows: Range<usize>, span: Span, worker: usize) {
        let Passes { isa, mlp, masks, workspace, site, stride, .. } = *self;
        let first = worker * self.product.tile(mlp.architecture(), usize::MAX).0;
        let architecture = mlp.architecture();
        let blocks = architecture.blocks();
        let width = if site == 0 { architecture.inputs() } else { blocks[site - 1].outputs };
        let count = rows.len();
        let place_of = |row: usize| (rows.start + row) / span.count;
        let example_of = |row: usize| span.first_example + place_of(row) as u32;
        let sample_of = |row: usize| span.first_sample + ((rows.start + row) % span.count) as u32;
        // SAFETY: nobody writes the prefix now.
        let prefix_of = |row: usize| unsafe { self.prefix.read(place_of(row) * width, width) };
        // SAFETY: our rows.
        let outputs = unsafe { self.outputs.part(rows.start * stride, count * stride) };
        let Some(mask) = masks[site] else {
            for (row, values) in outputs.chunks_exact_mut(stride).enumerate() {
                values[..width].copy_from_slice(prefix_of(row));
            }
            return;
        };
        // SAFETY: our rows.
        let dropped = unsafe {
            let buffer = if site == 0 { &workspace.input } else { &workspace.outputs[site - 1] };
            buffer.part(first * width, count * width)
        };
        for (row, values) in dropped.chunks_exact_mut(width).enumerate() {
            masked_copy(isa, values, prefix_of(row), &mask.of_step(sample_of(row)), example_of(row));
        }
        let mut outputs = Some(outputs);
        let mut input = &*dropped;
        for (index, block) in blocks.iter().enumerate().skip(site) {
            let units = block.outputs;
            let (output, apart) = if index + 1 == blocks.len() {
                (outputs.take().expect("there is one last block"), stride)
            } else {
                // SAFETY: our rows; the input is in another buffer.
                (unsafe { workspace.outputs[index].part(first * units, count * units) }, units)
            };
            // SAFETY: slices of these very shapes.
            unsafe { self.product(worker, index, (count, input), (output.as_mut_ptr(), apart)) };
            let bias = mlp.biases(index);
            let bias = bias.as_slice().expect("a slice of the parameters");
            for (row, values) in output.chunks_exact_mut(apart).enumerate() {
                let mask = masks[index + 1].map(|mask| mask.of_step(sample_of(row)));
                forward_row(isa, &mut values[..units], &mut [], bias, block.activation, mask.as_ref(), example_of(row));
            }
            input = output;
        }
    }

    /// The product of `count` rows with the weights of block `index`, to rows `apart`.
    ///
    /// # Safety
    /// The input has `count` rows as wide as the block's inputs, the output has as many, each of at least as many elements as the block has
    /// outputs; nobody else uses the output now, and the two do not overlap.
    unsafe fn product(
        &self,
        worker: usize,
        index: usize,
        (count, input): (usize, &[f32]),
        (output, apart): (*mut f32, usize),
    ) {
        let Passes { product, packed, mlp, scratch, .. } = *self;
        let block = &mlp.architecture().blocks()[index];
        let weights = &packed.forward[index];
        // SAFETY: as promised; the weights are packed and only read by now.
        unsafe {
            let (weights, scratch) = (weights.read(0, weights.len()), scratch.0.part(worker * scratch.1, scratch.1));
            let shape = (count, block.outputs, block.inputs);
            product.multiply_rows(shape, (output, apart), weights, input, scratch);
        }
    }

    /// The outputs of example `example` of a block.
    ///
    /// # Safety
    /// They are complete, and nobody else uses them while the result lives.
    unsafe fn samples(&self, example: usize, span: Span) -> Samples<'_> {
        let size = span.count * self.stride;
        // SAFETY: as promised.
        let values = unsafe { self.outputs.part(example * size, size) };
        Samples {
            example: span.first_example + example as u32,
            first: span.first_sample,
            values,
            width: self.mlp.architecture().outputs(),
            stride: self.stride,
        }
    }
}
