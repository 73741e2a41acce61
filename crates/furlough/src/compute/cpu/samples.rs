//! Many masked passes over the same examples (docs/internals/masked-passes.md). Shapes alone decide
//! how large the blocks of examples and samples are. Weights under DropConnect are the same for all
//! examples of a sample, and soft masks go by whole rows: there a sample goes through the network
//! at once ([`whole_passes`]).

use super::epilogue::masked_copy;
use super::pass::{Pass, Tile, TileMasks};
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
    let blocks = mlp.architecture().blocks();
    layer.checked_sub(1).map_or(blocks[0].inputs, |block| blocks[block].outputs)
}

impl Passes<'_> {
    /// Takes examples `first_example + rows` to the first masked layer.
    ///
    /// # Safety
    /// Nobody else uses these rows of the prefix, or this worker's rows of the workspace and
    /// scratch, now.
    unsafe fn unmasked(&self, rows: Range<usize>, first_example: u32, worker: usize) {
        let Pass { plan, mlp, .. } = self.pass;
        let tile = Tile { first: worker * plan.tile_rows, masks: TileMasks::None, ..Tile::of(&rows) };
        let width = width_before(mlp, self.site);
        // SAFETY: our rows.
        unsafe {
            self.pass.forward(worker, tile, self.site, |row| first_example + (rows.start + row) as u32);
            let reached = self.reached().read(tile.first * width, tile.count * width);
            self.prefix.part(rows.start * width, reached.len()).copy_from_slice(reached);
        }
    }

    /// Returns the buffer of what reaches the first masked layer.
    fn reached(&self) -> &Shared<f32> {
        let workspace = self.pass.workspace;
        self.site.checked_sub(1).map_or(&workspace.input, |block| &workspace.outputs[block])
    }

    /// Takes rows `rows` of a block from the first masked layer to the outputs: row `i` is sample
    /// `i % span.count` of example `i / span.count`, both counted within the block.
    ///
    /// # Safety
    /// The prefix is complete. Nobody else uses these rows of the outputs, or this worker's rows of
    /// the workspace and scratch, now.
    unsafe fn masked(&self, rows: Range<usize>, span: Span, worker: usize) {
        let Span { first_example, first_sample, count } = span;
        let (Pass { isa, plan, mlp, masks, workspace, .. }, site) = (self.pass, self.site);
        let (width, outputs) = (width_before(mlp, site), mlp.architecture().outputs());
        let sampled = TileMasks::Sampled { first: first_sample, count };
        let tile = Tile { first: worker * plan.tile_rows, masks: sampled, ..Tile::of(&rows) };
        let place_of = |row: usize| (rows.start + row) / count;
        let example_of = |row: usize| first_example + place_of(row) as u32;
        let mut mask = masks[site];
        // SAFETY: nobody writes the prefix now, and the others are our rows.
        unsafe {
            let reached = self.reached().part(tile.first * width, tile.count * width);
            for (row, values) in reached.chunks_exact_mut(width).enumerate() {
                let prefix = self.prefix.read(place_of(row) * width, width);
                match &mut mask {
                    Some(mask) => {
                        mask.step = first_sample + ((rows.start + row) % count) as u32;
                        masked_copy(isa, values, prefix, mask, self.pass.number(example_of(row)));
                    }
                    None => values.copy_from_slice(prefix),
                }
            }
            for (index, block) in mlp.architecture().blocks().iter().enumerate().skip(site) {
                self.pass.forward_block(index, worker, tile, 0..block.outputs, &example_of);
            }
            let last = &workspace.outputs[workspace.outputs.len() - 1];
            let values = last.read(tile.first * outputs, tile.count * outputs).chunks_exact(outputs);
            let padded = self.outputs.part(rows.start * self.stride, tile.count * self.stride);
            for (padded, values) in padded.chunks_exact_mut(self.stride).zip(values) {
                padded[..outputs].copy_from_slice(values);
                mlp.bound_outputs(&mut padded[..outputs]);
            }
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
