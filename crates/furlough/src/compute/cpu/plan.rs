//! The one place that decides how a call is computed. [`StepPlan`] is a plain value made of shapes,
//! precision, instruction set, drop probabilities, threads, the time of a hand-over to them, and
//! how many features are zero; all else executes it.
//!
//! Only [`should_gather`] changes how sums round, and it looks at shapes, p and sharing alone.
//! Everything else changes speed and no bit.

use super::blocking::{BF16_NR, LINE, PANEL_ROW_TILE, PANEL_ROWS, ROW_TILE, SPARSE_KC, WIDE_ROW_TILE};
use super::cost_model::{MOST_NONZERO, has_fewer_deltas, should_gather};
use super::matmul::Matmul;
use super::non_temporal;
use crate::compute::Precision;
use crate::nn::{Activation, Architecture, Block, DropoutKind};
use std::fmt;
use std::time::Duration;

/// Up to so many rows multiply weights where they lie: packing them costs as much as the product.
const FEW_ROWS: usize = 32;

/// From so many rows on, skipping zeros of the deltas saves more than packing wide weights costs.
const WORTH_PACKING: usize = 128;

/// Weights of one layer from which on row tiles are higher: they stream from the third-level cache
/// or memory, so that each time should serve more rows.
const WIDE: usize = 1 << 19;

/// The fewest columns, in vectors, and the least depth with which zeros are worth skipping.
const LEAST_VECTORS: usize = 4;
const LEAST_DEPTH: usize = SPARSE_KC;

/// Operations a second of one thread: of a lane of a vector, and in bfloat16.
const OPERATIONS_OF_LANE: f64 = 8.75e9;
const OPERATIONS_IN_BF16: f64 = 200e9;

/// What several threads cost, counted in hand-overs: those of a small step, and how many weights,
/// each time they are multiplied, cost one more.
const HAND_OVERS: f64 = 20.0;
const WEIGHTS_OF_HAND_OVER: f64 = 3000.0;

/// Seconds of one thread from which on several are faster wherever the cores are.
const LONG: f64 = 0.7e-3;

/// How a step, an evaluation or masked passes are computed. Print it to read it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepPlan {
    /// Rows of the batch, or of all passes.
    pub rows: usize,
    /// What products multiply.
    pub precision: Precision,
    /// The instructions that multiply.
    pub instructions: &'static str,
    /// Threads that take part.
    pub threads: usize,
    /// What a hand-over of work to the threads took when it was timed.
    pub hand_over: Duration,
    /// In which order rows and layers are computed.
    pub schedule: StepSchedule,
    /// The most rows of a tile.
    pub tile_rows: usize,
    /// What all tiles but the last have a multiple of.
    pub tile_multiple: usize,
    /// Whether packed weights and deltas are stored past the caches.
    pub non_temporal_stores: bool,
    /// Whether the first gradient reads the bytes of the features again, and not the floats made of
    /// them.
    pub features_read_again: bool,
    /// Then no worker reads the floats of another, so each may use so many rows again and again.
    pub input_rows_per_worker: Option<usize>,
    /// Whether the update packs the weights that it has changed for the next forward pass.
    pub packs_next: bool,
    /// About which part of the features is not zero, of bfloat16 words: of pairs.
    pub nonzero_features: f64,
    /// The products of each block.
    pub blocks: Vec<BlockPlan>,
}

/// In which order rows and layers are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StepSchedule {
    /// A tile of rows goes through all layers and back. No barrier between layers.
    #[default]
    RowTiles,
    /// All threads compute one layer, cut into rows and columns, then the next.
    LayerWise,
    /// Layer by layer, without what shared masks drop.
    Gathered,
}

/// How the products of one block are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockPlan {
    /// Inputs and units.
    pub inputs: usize,
    /// As above.
    pub units: usize,
    /// The product of the inputs with the weights.
    pub forward: ProductPlan,
    /// The product of the deltas with the weights; none in inference, and for the first block
    /// unless the input stage learns.
    pub backward: Option<ProductPlan>,
    /// The product of inputs and deltas; none in inference.
    pub gradient: Option<GradientPlan>,
}

/// How rows are multiplied with weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductPlan {
    /// Weights are read where they lie and not packed.
    pub in_place: bool,
    /// Zeros of the rows are skipped.
    pub skips_zeros: bool,
}

/// How a gradient is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GradientPlan {
    /// Deltas are packed unit by unit, and it is their zeros that may be skipped.
    pub delta_major: bool,
    /// Zeros of the deltas, or of the inputs, are skipped.
    pub skips_zeros: bool,
}

/// What a plan is made of, beside the network.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Call {
    /// Rows, and how many there are at most.
    pub(super) rows: usize,
    pub(super) capacity: usize,
    pub(super) training: bool,
    pub(super) threads: usize,
    pub(super) hand_over: Duration,
    /// About which part of the features is not zero.
    pub(super) nonzero_features: f64,
    /// Whether features are bytes that enter the first block as they are.
    pub(super) bytes: bool,
    /// What drop probabilities are multiplied by.
    pub(super) factor: f64,
    /// Rows of a group that shares its masks, if the step may be gathered; whether it must be.
    pub(super) group_rows: Option<usize>,
    pub(super) must_gather: bool,
}

impl StepPlan {
    /// Decides for a call. Allocates nothing.
    pub(super) fn decide(&mut self, matmul: &Matmul, architecture: &Architecture, call: &Call) {
        let Call { rows, threads, training, .. } = *call;
        (self.tile_rows, self.tile_multiple) = row_tile(matmul, architecture, rows);
        let tiles = rows.div_ceil(self.tile_rows);
        let gathers = call.group_rows.is_some_and(|group| {
            // The last group may have fewer rows.
            call.must_gather || should_gather(architecture, rows / rows.div_ceil(group), call.factor)
        });
        self.schedule = match training {
            true if gathers => StepSchedule::Gathered,
            true if layerwise_is_faster(architecture, tiles, threads) => StepSchedule::LayerWise,
            _ => StepSchedule::RowTiles,
        };
        let tiled = training && self.schedule == StepSchedule::RowTiles;
        self.rows = rows;
        (self.precision, self.instructions) = (matmul.precision, matmul.name());
        self.threads = threads;
        self.hand_over = call.hand_over;
        self.non_temporal_stores = tiled && threads > 1 && non_temporal::is_supported(matmul.isa);
        self.features_read_again = tiled && call.bytes;
        self.input_rows_per_worker = (self.features_read_again && threads < tiles).then_some(self.tile_rows);
        self.packs_next = rows > FEW_ROWS && !gathers;
        self.nonzero_features = call.nonzero_features;
        let input = architecture.input_dropout();
        let kept = if input.kind().is_bernoulli() { 1.0 - call.factor * input.p() } else { 1.0 };
        let mut inputs = if gathers { self.nonzero_features } else { kept * self.nonzero_features };
        self.blocks.clear();
        for index in 0..architecture.blocks().len() {
            self.blocks.push(block_plan(matmul, architecture, index, (call, gathers), inputs));
            let block = &architecture.blocks()[index];
            inputs = words(matmul, if gathers { active(block) } else { nonzero_outputs(block, call.factor) });
        }
    }

    /// Returns the most rows of a tile, and their multiple.
    pub(super) fn tile(&self) -> (usize, usize) {
        (self.tile_rows, self.tile_multiple)
    }

    /// Returns which of the two partitions of the parameters the update takes.
    pub(super) fn partition(&self) -> usize {
        usize::from(self.blocks[0].gradient.is_some_and(|gradient| gradient.delta_major))
    }
}

/// The products of a block. A part `inputs` of what enters it is not zero; what a gathered step
/// multiplies was all kept.
fn block_plan(
    matmul: &Matmul,
    architecture: &Architecture,
    index: usize,
    (call, gathers): (&Call, bool),
    inputs: f64,
) -> BlockPlan {
    let Call { rows, capacity, factor, training, .. } = *call;
    let block = &architecture.blocks()[index];
    let Block { inputs: width, outputs: units, .. } = *block;
    let in_place = !gathers && multiplies_in_place(matmul, rows, units);
    let deltas = if gathers { active(block) } else { words(matmul, nonzero_deltas(block, factor)) };
    let delta_major = match index {
        _ if gathers => false,
        0 => use_delta_major(matmul, block, rows, inputs),
        // The tiles of the other blocks are cut once, for whole batches.
        _ => delta_major_blocks(matmul, architecture, capacity, 1.0).nth(index) == Some(true),
    };
    let (nonzero, columns) = if delta_major { (deltas, width) } else { (inputs, units) };
    let depth = if gathers { usize::MAX } else { rows };
    BlockPlan {
        inputs: width,
        units,
        forward: ProductPlan { in_place, skips_zeros: skips_zeros(matmul, inputs, units, width) },
        backward: (training && index >= first_backward(architecture)).then(|| {
            let in_place = in_place || !gathers && multiplies_back_in_place(matmul, capacity, block);
            ProductPlan { in_place, skips_zeros: !in_place && skips_zeros(matmul, deltas, width, units) }
        }),
        gradient: training
            .then(|| GradientPlan { delta_major, skips_zeros: skips_zeros(matmul, nonzero, columns, depth) }),
    }
}

/// Returns for each block whether deltas are packed unit by unit in batches of `rows`, when a part
/// `features` of the features is not zero.
pub(super) fn delta_major_blocks<'a>(
    matmul: &'a Matmul,
    architecture: &'a Architecture,
    rows: usize,
    features: f64,
) -> impl Iterator<Item = bool> + 'a {
    let blocks = architecture.blocks();
    let outputs = blocks.iter().map(|block| words(matmul, nonzero_outputs(block, 1.0)));
    let inputs = std::iter::once(features).chain(outputs);
    blocks.iter().zip(inputs).map(move |(block, inputs)| use_delta_major(matmul, block, rows, inputs))
}

/// Whether a gradient skips the zeros of its deltas and not those of its inputs, of which a part
/// `inputs` is not zero.
fn use_delta_major(matmul: &Matmul, block: &Block, rows: usize, inputs: f64) -> bool {
    let deltas = words(matmul, nonzero_deltas(block, 1.0));
    has_fewer_deltas(deltas, inputs) && skips_zeros(matmul, deltas, block.inputs, rows)
}

/// Whether a product is faster without the zeros of a factor of which a part `nonzero` is not zero.
fn skips_zeros(matmul: &Matmul, nonzero: f64, columns: usize, depth: usize) -> bool {
    let large = |vector: usize| columns >= LEAST_VECTORS * vector && matmul.packed_k(depth) >= LEAST_DEPTH;
    nonzero <= MOST_NONZERO && matmul.sparse.is_some_and(|kernel| large(kernel.vector))
}

/// Whether so few rows multiply weights of so many units where these lie.
fn multiplies_in_place(matmul: &Matmul, rows: usize, units: usize) -> bool {
    matmul.is_exact() && rows <= FEW_ROWS && units.is_multiple_of(matmul.vector)
}

/// Whether the backward pass of batches of `rows` multiplies with weights where they lie: packing
/// and transposing what belongs to the rows is less work than packing the weights. Zeros of the
/// deltas are skipped with packed weights only.
pub(super) fn multiplies_back_in_place(matmul: &Matmul, rows: usize, block: &Block) -> bool {
    let Block { inputs, outputs: units, .. } = *block;
    let skips = matmul.sparse.is_some() && nonzero_deltas(block, 1.0) <= MOST_NONZERO;
    matmul.is_exact() && rows.saturating_mul(inputs + units) < inputs * units && (rows < WORTH_PACKING || !skips)
}

/// The first block whose deltas are multiplied with its weights: the inputs of the very first learn
/// only where there is a stage that learns.
pub(super) fn first_backward(architecture: &Architecture) -> usize {
    usize::from(!architecture.learns_inputs())
}

/// Whether tiles of rows would leave threads idle for more than a fifth of the phase. Soft masks go
/// by whole rows.
fn layerwise_is_faster(architecture: &Architecture, tiles: usize, threads: usize) -> bool {
    5 * tiles < 4 * tiles.next_multiple_of(threads) && architecture.concrete_blocks().next().is_none()
}

/// Returns the most rows of a tile, and what all tiles but the last have a multiple of. Rows that
/// would make a single tile make two, so that a second thread has one too.
pub(super) fn row_tile(matmul: &Matmul, architecture: &Architecture, rows: usize) -> (usize, usize) {
    let blocks = architecture.blocks();
    let wide = blocks.iter().any(|block| block.inputs * block.outputs >= WIDE);
    let panels =
        blocks.iter().skip(first_backward(architecture)).any(|block| multiplies_back_in_place(matmul, rows, block));
    let delta_major = blocks.iter().any(|block| use_delta_major(matmul, block, rows, 1.0));
    let (most, multiple) = if matmul.takes_pairs() {
        (2 * BF16_NR, BF16_NR)
    } else if wide {
        (WIDE_ROW_TILE, PANEL_ROWS)
    } else if panels {
        // Rows are the columns of panels in the backward pass, which should be full.
        (PANEL_ROW_TILE, PANEL_ROWS)
    } else if delta_major {
        // Whole cache lines of unit-major deltas.
        (PANEL_ROW_TILE, LINE)
    } else {
        (ROW_TILE, matmul.nr)
    };
    (if rows <= most { most / 2 } else { most }, multiple)
}

/// Returns how many of `threads` threads a call is worth that multiplies so many rows with so many
/// weights. What more threads save is compared with what they cost (decision 022): hand-overs, and
/// weights that one core has written and another one reads.
pub(super) fn worthwhile_threads(
    matmul: &Matmul,
    (threads, hand_over): (usize, Duration),
    rows: usize,
    weights: usize,
) -> usize {
    let in_single = OPERATIONS_OF_LANE * matmul.vector as f64;
    let operations_a_second = if matmul.takes_pairs() { OPERATIONS_IN_BF16 } else { in_single };
    let alone = 2.0 * rows as f64 * weights as f64 / operations_a_second;
    let saved = alone * (1.0 - 1.0 / threads as f64);
    let cost = hand_over.as_secs_f64() * (HAND_OVERS + weights as f64 / WEIGHTS_OF_HAND_OVER);
    if alone < LONG && saved <= cost { 1 } else { threads }
}

/// About which part of a block's outputs is not zero: half behind ReLU, and what dropout keeps.
fn nonzero_outputs(block: &Block, factor: f64) -> f64 {
    active(block) * kept(block, factor, &[DropoutKind::Bernoulli])
}

/// The same of its deltas. Alpha dropout puts other numbers in the place of outputs.
fn nonzero_deltas(block: &Block, factor: f64) -> f64 {
    active(block) * kept(block, factor, &[DropoutKind::Bernoulli, DropoutKind::Alpha])
}

fn active(block: &Block) -> f64 {
    if block.activation == Activation::Relu && !block.parametric { 0.5 } else { 1.0 }
}

fn kept(block: &Block, factor: f64, kinds: &[DropoutKind]) -> f64 {
    if kinds.contains(&block.dropout.kind()) { 1.0 - factor * block.dropout.p() } else { 1.0 }
}

/// About which part of the words is not zero, when a part of the numbers is not: in bfloat16 a word
/// is two.
fn words(matmul: &Matmul, nonzero: f64) -> f64 {
    if matmul.takes_pairs() { 1.0 - (1.0 - nonzero).powi(2) } else { nonzero }
}

impl fmt::Display for StepPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.threads == 1 { "" } else { "s" };
        let (precision, hand_over) = (self.precision.name(), 1e6 * self.hand_over.as_secs_f64());
        write!(f, "{} rows, {} thread{s}, {precision} by {}", self.rows, self.threads, self.instructions)?;
        writeln!(f, "; a hand-over takes {hand_over:.2} µs")?;
        match self.schedule {
            StepSchedule::RowTiles => {
                writeln!(f, "  row tiles: up to {} rows at a time go through all layers and back", self.tile_rows)?;
            }
            StepSchedule::LayerWise => {
                let rows = self.tile_rows;
                writeln!(f, "  layer by layer: all threads compute one layer, cut into {rows} rows and some columns")?;
            }
            StepSchedule::Gathered => writeln!(f, "  gathered: layer by layer, without what shared masks drop")?,
        }
        let again = if self.features_read_again { "; the first gradient reads their bytes again" } else { "" };
        writeln!(f, "  features: {:.0} % are not zero{again}", 100.0 * self.nonzero_features)?;
        if self.non_temporal_stores {
            writeln!(f, "  packed weights and deltas are stored past the caches")?;
        }
        for (index, block) in self.blocks.iter().enumerate() {
            write!(f, "  layer {}, {} to {}: forward {}", index + 1, block.inputs, block.units, block.forward)?;
            if let Some(backward) = block.backward {
                write!(f, "; backward {backward}")?;
            }
            if let Some(GradientPlan { delta_major, skips_zeros }) = block.gradient {
                let (order, whose) = if delta_major { ("delta-major", "deltas") } else { ("input-major", "inputs") };
                let zeros = if skips_zeros { format!(", skips zeros of the {whose}") } else { String::new() };
                write!(f, "; gradient {order}{zeros}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for ProductPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = if self.in_place { "weights in place" } else { "packed weights" };
        write!(f, "{weights}{}", if self.skips_zeros { ", skips zeros" } else { "" })
    }
}
