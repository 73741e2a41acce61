//! The gradient of a tile of weights: the product of inputs and deltas over the batch, without the
//! zeros of the inputs (*input-major*) or of the deltas (*delta-major*), whose product is
//! transposed as it meets the weights (docs/internals/sparsity.md).

use super::blocking::{BATCH_BLOCK, BF16_NR, LINE, SPARSE_ROWS};
use super::matmul::{Matmul, floats, floats_mut};
use super::matrix::{MatMut, MatView, Panels, Rows, Scale, Shape, store};
use super::operand::Operand;
use super::partition::{ParameterTile, Partition};
use super::plan::GradientPlan;
use super::simd::{for_each_isa, prefetch_to_second};
use super::transpose::{transpose, transpose_to};
use super::workspace::Workspace;
use std::ops::Range;

/// Units whose products are transposed back together: as many as meet the inputs one after the
/// other.
const UNITS: usize = SPARSE_ROWS;

/// Inputs whose products are transposed back together.
const SIDE: usize = LINE;

/// Returns the words of scratch for a gradient of so many inputs over so many examples.
pub(super) fn gradient_scratch(matmul: &Matmul, inputs: usize, depth: usize, delta_major: bool) -> usize {
    match delta_major {
        true => matmul.panels(inputs, depth).next_multiple_of(LINE) + UNITS * inputs.next_multiple_of(LINE),
        false => matmul.packed_rows(inputs, depth),
    }
}

/// Returns the words of scratch that the update of any tile takes, in batches of so many rows.
pub(super) fn update_scratch(matmul: &Matmul, partition: &Partition, batch_size: usize) -> usize {
    let depth = batch_size.min(BATCH_BLOCK);
    let of_tile = |tile: &ParameterTile| {
        let delta_major = partition.delta_major[tile.block];
        tile.gradient_words() + gradient_scratch(matmul, tile.height(), depth, delta_major)
    };
    partition.tiles.iter().map(of_tile).max().unwrap_or(0)
}

/// Packed deltas from a unit on: panels, or rows of units if delta-major, so many words apart.
#[derive(Clone, Copy)]
pub(super) struct Deltas<'a> {
    pub(super) words: &'a [u32],
    pub(super) stride: usize,
    pub(super) units: usize,
}

impl<'a> Deltas<'a> {
    /// Returns the packed deltas of a tile's units.
    ///
    /// # Safety
    /// Nobody writes them now.
    pub(super) unsafe fn of(
        matmul: &Matmul,
        workspace: &'a Workspace,
        tile: &ParameterTile,
        plan: GradientPlan,
    ) -> Deltas<'a> {
        let (stride, first) = match plan.delta_major {
            true => (matmul.row_stride(workspace.rows), tile.units.start),
            // Tiles start at a panel.
            false => (matmul.panel(workspace.rows), tile.units.start / matmul.mr),
        };
        // SAFETY: only read, as promised.
        let words = unsafe { workspace.packed_deltas[tile.block].read_from(first * stride) };
        Deltas { words, stride, units: tile.units.len() }
    }
}

/// The gradient of some weights, `inputsᵀ * deltas` over the rows of a batch.
#[derive(Clone)]
pub(super) struct Gradient<'a> {
    pub(super) matmul: &'a Matmul,
    pub(super) plan: GradientPlan,
    pub(super) inputs: Operand<'a>,
    /// Which of the inputs.
    pub(super) columns: Range<usize>,
    pub(super) deltas: Deltas<'a>,
}

impl Gradient<'_> {
    /// `out = alpha * inputsᵀ * deltas + beta * out`, some rows of the batch after the other.
    ///
    /// # Safety
    /// `out` has a row for each of these inputs and a column for each unit, and nobody else uses
    /// them now.
    pub(super) unsafe fn multiply_batch(&self, (out, scale): (MatMut, Scale), scratch: &mut [u32]) {
        for first in (0..self.inputs.len()).step_by(BATCH_BLOCK) {
            let inputs = self.inputs.rows(first..self.inputs.len().min(first + BATCH_BLOCK));
            let start = self.matmul.packed_k(first) * if self.plan.delta_major { 1 } else { self.matmul.mr };
            let deltas = Deltas { words: &self.deltas.words[start..], ..self.deltas };
            let some = Gradient { inputs, deltas, ..self.clone() };
            let out = (out, scale.of_block(first));
            // SAFETY: as promised.
            unsafe {
                if self.plan.delta_major { some.delta_major(out, scratch) } else { some.input_major(out, scratch) }
            };
        }
    }

    /// Packs each input as a row and multiplies it with panels of deltas.
    ///
    /// # Safety
    /// As [`Self::multiply_batch`].
    pub(super) unsafe fn input_major(&self, out: (MatMut, Scale), scratch: &mut [u32]) {
        let Gradient { matmul, plan, inputs, columns, deltas } = self;
        let (count, depth) = (columns.len(), inputs.len());
        let stride = matmul.row_stride(depth);
        let words = &mut scratch[..matmul.packed_rows(count, depth)];
        assert!(columns.end <= inputs.width());
        assert!(deltas.words.len() >= (deltas.units.div_ceil(matmul.mr) - 1) * deltas.stride + matmul.panel(depth));
        inputs.strips(matmul.isa, columns.clone(), |first, strip| {
            let to = words[matmul.packed_k(first)..].as_mut_ptr();
            // SAFETY: rows of `words`, which has one for each input.
            unsafe { matmul.pack_columns(strip, to, stride, false) };
        });
        let shape = Shape { rows: count, columns: deltas.units, depth };
        let rows = Rows { first: words.as_ptr().cast(), stride };
        // SAFETY: packed above, with whole groups of rows; `out` as promised.
        unsafe { matmul.multiply(shape, out, matmul.packed(deltas.words, deltas.stride), rows, plan.skips_zeros) };
    }

    /// Multiplies rows of deltas with panels of inputs, and transposes the product.
    ///
    /// # Safety
    /// As [`Self::multiply_batch`].
    unsafe fn delta_major(&self, out: (MatMut, Scale), scratch: &mut [u32]) {
        let Gradient { matmul, plan, inputs, columns, deltas } = self;
        let (count, depth, mr) = (columns.len(), inputs.len(), matmul.mr);
        let readable = if matmul.is_exact() { deltas.units } else { deltas.units.next_multiple_of(BF16_NR) };
        assert!(columns.end <= inputs.width() && matmul.packed_k(depth) <= deltas.stride);
        assert!(deltas.words.len() >= (readable - 1) * deltas.stride + matmul.packed_k(depth));
        let (packed, sums) = scratch.split_at_mut(matmul.panels(count, depth).next_multiple_of(LINE));
        inputs.strips(matmul.isa, columns.clone(), |first, strip| {
            let place = matmul.packed_k(first) * mr..(matmul.packed_k(first) + matmul.packed_k(strip.rows)) * mr;
            let panels = packed.chunks_exact_mut(matmul.panel(depth));
            for (column, panel) in (0..count).step_by(mr).zip(panels) {
                let some = strip.part(0, strip.rows, column..count.min(column + mr));
                matmul.pack_panel(some, &mut panel[place.clone()], false);
            }
        });
        let panels = matmul.packed(packed, matmul.panel(depth));
        let shape = Shape { rows: deltas.units, columns: count, depth };
        let rows = Rows { first: deltas.words.as_ptr().cast(), stride: deltas.stride };
        let sums = (&mut floats_mut(sums)[..UNITS * count.next_multiple_of(LINE)], UNITS);
        // SAFETY: packed above; the deltas were checked; `out` has these inputs and units.
        unsafe { multiply_transposed(matmul, shape, out, (panels, rows, plan.skips_zeros), sums) };
    }
}

/// `out = alpha * (rows * panels)ᵀ + beta * out`, by way of `sums`, which has room for the products
/// of at most so many rows.
///
/// # Safety
/// As for [`Matmul::multiply`], but that `out` has a column for each of the rows.
pub(super) unsafe fn multiply_transposed(
    matmul: &Matmul,
    shape: Shape,
    (out, scale): (MatMut, Scale),
    (panels, rows, skips_zeros): (Panels, Rows, bool),
    (sums, most): (&mut [f32], usize),
) {
    let (stride, columns) = (sums.len() / most, shape.columns);
    for first in (0..shape.rows).step_by(most) {
        let some = most.min(shape.rows - first);
        // What is added to comes last, and is in cache by then if it is asked for now.
        for column in 0..columns {
            let place = out.first.wrapping_add(column * out.stride + first);
            prefetch_to_second(place.cast(), size_of::<f32>() * some);
        }
        let to = (MatMut { first: sums.as_mut_ptr(), stride }, Scale::SET);
        // SAFETY: as promised; the sums are ours.
        unsafe {
            let rows = Rows { first: rows.first.add(first * rows.stride), ..rows };
            matmul.multiply(Shape { rows: some, ..shape }, to, panels, rows, skips_zeros);
            let product = MatView { data: sums, stride, rows: some, columns };
            add_transposed(matmul, product, (out.from(0, first), scale));
        }
    }
}

/// Combines the transpose of a product with `out`.
///
/// # Safety
/// `out` has as many rows as the product has columns, and nobody else uses them now.
unsafe fn add_transposed(matmul: &Matmul, product: MatView<'_>, (out, scale): (MatMut, Scale)) {
    let isa = matmul.isa;
    if (scale.alpha, scale.beta) == (1.0, 0.0) {
        // SAFETY: as promised.
        return unsafe { transpose_to(isa, product, out, false) };
    }
    let mut transposed = [0.0; SIDE * UNITS];
    for first in (0..product.columns).step_by(SIDE) {
        let side = SIDE.min(product.columns - first);
        transpose(isa, product.part(0, product.rows, first..first + side), &mut transposed, UNITS);
        let sums = MatMut { first: transposed.as_mut_ptr(), stride: UNITS };
        // SAFETY: the rectangle of these inputs and units.
        unsafe { store(isa, out.from(first, 0), scale, (side, product.rows), sums) };
    }
}

/// Sums the deltas of a tile's units over `examples` rows in their order: packed ones where these
/// are the same numbers. Those were left for everyone to read; the others are in the cache of the
/// worker that will write them again.
///
/// # Safety
/// Nobody writes deltas now.
pub(super) unsafe fn sum_deltas(
    matmul: &Matmul,
    workspace: &Workspace,
    (tile, plan): (&ParameterTile, GradientPlan),
    examples: usize,
    sums: &mut [f32],
) {
    let isa = matmul.isa;
    sums.fill(0.0);
    if !matmul.is_exact() {
        let deltas = &workspace.deltas[tile.block];
        let width = deltas.len() / workspace.rows;
        // SAFETY: only read.
        let deltas = unsafe { deltas.read(0, examples * width) };
        let all = MatView::contiguous(deltas, width).part(0, examples, tile.units.clone());
        return add_rows(isa, all, sums);
    }
    // SAFETY: only read.
    let Deltas { words, stride, .. } = unsafe { Deltas::of(matmul, workspace, tile, plan) };
    let values = floats(words);
    if !plan.delta_major {
        for (panel, sums) in values.chunks(stride).zip(sums.chunks_mut(matmul.mr)) {
            add_rows(isa, MatView::contiguous(&panel[..examples * matmul.mr], matmul.mr), sums);
        }
        return;
    }
    let mut transposed = [0.0; SIDE * UNITS];
    for (units, sums) in values.chunks(SIDE * stride).zip(sums.chunks_mut(SIDE)) {
        for first in (0..examples).step_by(UNITS) {
            let some = UNITS.min(examples - first);
            let units = MatView { data: &units[first..], stride, rows: sums.len(), columns: some };
            transpose(isa, units, &mut transposed, SIDE);
            add_rows(isa, MatView::contiguous(&transposed[..some * SIDE], SIDE), sums);
        }
    }
}

for_each_isa! {
    /// Adds to `sums` as many columns of all rows, one row after the other.
    pub(super) fn add_rows(isa, rows: MatView<'_>, sums: &mut [f32]) {
        for row in 0..rows.rows {
            for (sum, value) in sums.iter_mut().zip(rows.row(row)) {
                *sum += *value;
            }
        }
    }
}
