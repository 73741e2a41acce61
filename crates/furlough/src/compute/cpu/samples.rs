//! Many masked passes over the same examples (docs/internals/masked-passes.md). Shapes alone decide
//! how large the blocks of examples and samples are. Weights under DropConnect are the same for all
//! examples of a sample, and soft masks go by whole rows: there a sample goes through the network
//! at once ([`whole_passes`]).

use super::dropout::LayerMask;
use super::epilogue::{forward_row, masked_copy};
use super::matrix::MatMut;
use super::operand::read_row;
use super::pass::Pass;
use super::schedule::tile_rows;
use super::workspace::{Borrowed, Shared};
use super::{Cpu, step};
use crate::data::Examples;
use crate::nn::{MaskKey, Mlp};
use crate::random::{Key, Stream};
use std::ops::Range;

/// The most examples of a block, in tiles.
const TILES: usize = 8;

/// Outputs of a block, some: a megabyte of them, which stays in the second-level cache until
/// visited.
const OUTPUTS: usize = 1 << 18;

/// Examples whose outputs are visited in one go.
const VISITED: usize = 16;

/// Examples of a whole pass, at most, so that memory does not grow with their number.
const WHOLE_PASS: usize = 8192;

/// Outputs of a row are padded to a multiple of this, a vector of any instruction set.
pub(super) const PADDING: usize = 16;

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
    /// Returns the outputs (logits or predictions), sample by sample.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.stride).map(|row| &row[..self.width])
    }
}

/// Takes an example's outputs: called for its samples in their order, some at a time, with the
/// numbers that are kept for it.
pub type SampleVisitor<'a> = dyn Fn(Samples<'_>, &mut [f64]) + Sync + 'a;

/// What is sampled.
#[derive(Clone)]
pub(super) struct Request<'a> {
    pub(super) mlp: &'a Mlp,
    pub(super) data: &'a Examples,
    pub(super) examples: Range<u32>,
    pub(super) key: Key,
    pub(super) samples: Range<u32>,
}

/// What all tiles have in common.
struct Passes<'a> {
    /// The masks are those of sample 0.
    pass: Pass<'a>,
    /// The first layer with a mask; one beyond the last where there is none.
    site: usize,
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

/// Visits the outputs of all samples with `kept`, whose rows, one an example, are as long as each
/// other.
pub(super) fn passes(cpu: &mut Cpu, request: &Request<'_>, kept: &mut [f64], visit: &SampleVisitor<'_>) {
    let Request { mlp, data, key, ref examples, ref samples } = *request;
    if examples.is_empty() || samples.is_empty() {
        return;
    }
    cpu.plan_forward(data, examples, Some(samples.len()));
    let site = MaskKey { key, stream: Stream::MonteCarlo, step: 0, layer: 0 };
    cpu.draw_masks(mlp, Some(&site), 1.0);
    let (pass, workers) = cpu.begin(mlp, data);
    let (tile, architecture) = (pass.plan.tile(), mlp.architecture());
    let site = pass.masks.iter().position(Option::is_some).unwrap_or(architecture.blocks().len());
    let stride = architecture.outputs().next_multiple_of(PADDING);
    let per_block = (TILES * tile.0).min((OUTPUTS / stride).max(tile.0)).min(examples.len());
    let parts = samples.len().div_ceil((OUTPUTS / stride / per_block).max(1));
    let span = samples.len().div_ceil(parts);
    let pass = Passes {
        pass,
        site,
        prefix: Shared::new(per_block, width_before(mlp, site)),
        outputs: Shared::new(per_block * span, stride),
        stride,
    };
    let keeps = kept.len() / examples.len();
    for (place, first_example) in examples.clone().step_by(per_block).enumerate() {
        let count = per_block.min((examples.end - first_example) as usize);
        let kept = Borrowed::new(&mut kept[place * per_block * keeps..][..count * keeps]);
        workers.run(count.div_ceil(tile.0), &|index, worker| {
            // SAFETY: each worker has its own rows of the workspace, and each tile its own of the
            // prefix.
            unsafe { pass.unmasked(tile_rows(index, count, tile), first_example, worker) };
        });
        for first_sample in samples.clone().step_by(span) {
            let span = Span { first_example, first_sample, count: span.min((samples.end - first_sample) as usize) };
            let rows = count * span.count;
            workers.run(rows.div_ceil(tile.0), &|index, worker| {
                // SAFETY: each worker has its own rows of the workspace, each tile its own of the
                // outputs.
                unsafe { pass.masked(tile_rows(index, rows, tile), span, worker) };
            });
            workers.run(count.div_ceil(VISITED), &|task, _| {
                for example in task * VISITED..count.min((task + 1) * VISITED) {
                    // SAFETY: each task has its own examples, and these are their rows.
                    let (samples, kept) = unsafe { (pass.samples(example, span), kept.part(example * keeps, keeps)) };
                    visit(samples, kept);
                }
            });
        }
    }
}

/// [`passes`] sample by sample through the whole network, with weights that are packed for each.
pub(super) fn whole_passes(cpu: &mut Cpu, request: &Request<'_>, kept: &mut [f64], visit: &SampleVisitor<'_>) {
    let Request { mlp, data, key, ref examples, ref samples } = *request;
    if examples.is_empty() {
        return;
    }
    let width = mlp.architecture().outputs();
    let stride = width.next_multiple_of(PADDING);
    let keeps = kept.len() / examples.len();
    let most = WHOLE_PASS.min(examples.len());
    let mut outputs = vec![0.0; most * width];
    let padded = Shared::new(most, stride);
    for (chunk, first) in examples.clone().step_by(most).enumerate() {
        let count = most.min((examples.end - first) as usize);
        let kept = Borrowed::new(&mut kept[chunk * most * keeps..][..count * keeps]);
        let outputs = &mut outputs[..count * width];
        for sample in samples.clone() {
            let site = MaskKey { key, stream: Stream::MonteCarlo, step: sample, layer: 0 };
            step::forward(cpu, mlp, data, first..first + count as u32, Some(&site), outputs);
            let given = &*outputs;
            cpu.workers.run(count.div_ceil(VISITED), &|task, _| {
                for place in task * VISITED..count.min((task + 1) * VISITED) {
                    // SAFETY: each task has its own examples, and these are their rows.
                    let (values, kept) =
                        unsafe { (padded.part(place * stride, stride), kept.part(place * keeps, keeps)) };
                    values[..width].copy_from_slice(&given[place * width..][..width]);
                    visit(Samples { example: first + place as u32, first: sample, values, width, stride }, kept);
                }
            });
        }
    }
}

/// Returns how many numbers reach a layer.
fn width_before(mlp: &Mlp, layer: usize) -> usize {
    layer.checked_sub(1).map_or(mlp.architecture().inputs(), |block| mlp.architecture().blocks()[block].outputs)
}

impl Passes<'_> {
    /// Takes examples `first_example + rows` to the first masked layer.
    ///
    /// # Safety
    /// Nobody else uses these rows of the prefix, or this worker's rows of the workspace and
    /// scratch, now.
    unsafe fn unmasked(&self, rows: Range<usize>, first_example: u32, worker: usize) {
        let (count, site, first) = (rows.len(), self.site, worker * self.pass.plan.tile_rows);
        let Pass { isa, mlp, data, workspace, .. } = self.pass;
        let (width, reached) = (mlp.architecture().inputs(), width_before(mlp, site));
        // SAFETY: our rows.
        unsafe {
            let prefix = self.prefix.part(rows.start * reached, count * reached);
            let input = workspace.input.part(first * width, count * width);
            for (row, values) in rows.clone().zip(input.chunks_exact_mut(width)) {
                read_row(isa, data, first_example + row as u32, None, values);
            }
            match site {
                0 => prefix.copy_from_slice(input),
                _ => self.run(worker, 0..site, input, (prefix, reached), |_, _| None, |_| 0),
            }
        }
    }

    /// Takes rows `rows` of a block from the first masked layer to the outputs: row `i` is sample
    /// `i % span.count` of example `i / span.count`, both counted within the block.
    ///
    /// # Safety
    /// The prefix is complete. Nobody else uses these rows of the outputs, or this worker's rows of
    /// the workspace and scratch, now.
    unsafe fn masked(&self, rows: Range<usize>, span: Span, worker: usize) {
        let (Pass { isa, plan, mlp, masks, workspace, .. }, site, stride) = (self.pass, self.site, self.stride);
        let (count, width, first) = (rows.len(), width_before(mlp, site), worker * plan.tile_rows);
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
        let blocks = site..mlp.architecture().blocks().len();
        let mask_of = |index: usize, row: usize| masks[index + 1].map(|mask| mask.of_step(sample_of(row)));
        // SAFETY: our rows.
        unsafe { self.run(worker, blocks, dropped, (outputs, stride), mask_of, example_of) };
    }

    /// Takes the rows of `input` through some blocks, the last of which writes to rows `last.1`
    /// apart.
    ///
    /// # Safety
    /// Nobody else uses this worker's rows of the workspace and scratch now, and the input is not
    /// in what these blocks give.
    unsafe fn run<'b>(
        &'b self,
        worker: usize,
        blocks: Range<usize>,
        mut input: &'b [f32],
        last: (&'b mut [f32], usize),
        mask_of: impl Fn(usize, usize) -> Option<LayerMask>,
        example_of: impl Fn(usize) -> u32,
    ) {
        let Pass { isa, mlp, plan, workspace, .. } = self.pass;
        let (first, end) = (worker * plan.tile_rows, blocks.end);
        let mut last = Some(last);
        for index in blocks {
            let block = &mlp.architecture().blocks()[index];
            let (width, units) = (block.inputs, block.outputs);
            let rows = input.len() / width;
            let (output, stride) = match last.take_if(|_| index + 1 == end) {
                Some(last) => last,
                // SAFETY: our rows; the input is in another buffer.
                None => (unsafe { workspace.outputs[index].part(first * units, rows * units) }, units),
            };
            let out = MatMut { first: output.as_mut_ptr(), stride };
            // SAFETY: slices of these very shapes.
            unsafe { self.pass.multiply_forward(index, worker, input, 0..units, out) };
            let bias = mlp.biases(index);
            let bias = bias.as_slice().expect("a slice of the parameters");
            for (row, values) in output.chunks_exact_mut(stride).enumerate() {
                let mask = mask_of(index, row);
                forward_row(isa, &mut values[..units], &mut [], bias, block.activation, mask.as_ref(), example_of(row));
            }
            input = output;
        }
    }

    /// Returns the outputs of example `example` of a block.
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
            width: self.pass.mlp.architecture().outputs(),
            stride: self.stride,
        }
    }
}
