//! Matrix products as a step wants them, in either precision: one factor in packed panels, the other a few rows or columns of a
//! row-major matrix.

use super::bf16::{self, Engine};
use super::features::{Inputs, STRIP};
use super::gemm::{self, Kernels};
use super::out::Out;
use super::simd::for_each_isa;
use super::sparse::{self, Kind};
use super::stream;
use super::transpose::turn_to;
use super::units;
use super::zeros::deltas_left;
use super::{Isa, Precision};
use crate::nn::{Architecture, Block};
use std::ops::Range;

/// What multiplies, and how its factors are laid out. Packed factors are words of 32 bits: a number, or two of bfloat16.
pub(super) enum Product {
    /// The kernels of single precision. For bfloat16 without instructions of its own, factors are rounded as they are packed: the product of two such
    /// numbers is exact in single precision, so that the kernels give what bfloat16 asks for, as fast as they give anything.
    Single(Isa, Kernels, Precision),
    Bf16(Isa, Engine),
}

/// The most rows of a tile in single precision: enough to make streaming the weights from the second-level cache worth it (tiles of 36 were
/// some 3 % slower), and few enough for a batch of 256 to make four.
pub(super) const TILE: usize = 72;

/// Weights of one layer from which on tiles are higher: they stream from the third-level cache or memory, so that each time should serve more rows
/// (decision 003).
const WIDE: usize = 1 << 19;
const WIDE_TILE: usize = 128;

/// The most rows of a tile whose rows are the outputs of panels backward, and what such tiles have a multiple of, so that panels are full.
const PANEL_TILE: usize = 64;
const PANEL_ROWS: usize = 32;

/// How many inputs' products with the deltas are turned at a time, a multiple of what every kernel takes; they stay in the first-level cache.
const TURNED: usize = 48;

/// From so many rows on, leaving out zeros of the deltas saves more than packing wide weights for it costs.
const WORTH_PACKING: usize = 128;

/// Up to so many rows, packing the weights costs more than it saves, and they are read where they lie.
pub(super) const FEW: usize = 32;

impl Product {
    pub(super) fn new(isa: Isa, precision: Precision) -> Self {
        let engine = Engine::available(isa).first().copied();
        match engine.filter(|_| precision == Precision::Bf16) {
            Some(engine) => Product::Bf16(isa, engine),
            None => Product::Single(isa, Kernels::of(isa), precision),
        }
    }

    /// Name of the instructions that multiply, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Product::Single(isa, ..) => isa.name(),
            Product::Bf16(_, engine) => engine.name(),
        }
    }

    /// The instruction set of what is done to single numbers.
    pub(super) fn isa(&self) -> Isa {
        match self {
            Product::Single(isa, ..) | Product::Bf16(isa, _) => *isa,
        }
    }

    /// Whether products of so many outputs, over so many examples, are faster without zeros.
    pub(super) fn skips(&self, outputs: usize, examples: usize) -> bool {
        let kind = match self {
            Product::Single(isa, kernels, _) => Kind::single(*isa, kernels),
            Product::Bf16(isa, engine) => engine.kind(*isa),
        };
        kind.is_some_and(|kind| kind.is_worth(outputs, self.slots(examples)))
    }

    /// The kernels of single precision, if they multiply numbers as these are.
    pub(super) fn kernels(&self) -> Option<&Kernels> {
        match self {
            Product::Single(_, kernels, Precision::F32) => Some(kernels),
            Product::Single(..) | Product::Bf16(..) => None,
        }
    }

    /// Outputs of one panel.
    pub(super) fn lanes(&self) -> usize {
        match self {
            Product::Single(_, kernels, _) => kernels.lanes,
            Product::Bf16(..) => bf16::LANES,
        }
    }

    /// How many panels `outputs` outputs make.
    pub(super) fn panels(&self, outputs: usize) -> usize {
        outputs.div_ceil(self.lanes())
    }

    /// Rows that are multiplied at once.
    pub(super) fn group(&self) -> usize {
        match self {
            Product::Single(_, kernels, _) => kernels.group,
            Product::Bf16(..) => bf16::GROUP,
        }
    }

    /// The most rows of a tile of the first phase, and what all tiles but the last have a multiple of.
    /// Where `rows` rows would make a single tile, it is half as high, so that a second worker has one too.
    pub(super) fn tile(&self, architecture: &Architecture, rows: usize) -> (usize, usize) {
        let wide = architecture.blocks().iter().any(|block| block.inputs * block.outputs >= WIDE);
        let turned = architecture.blocks().iter().skip(1).any(|block| self.back_in_place(rows, block));
        let by_units = architecture.blocks().iter().any(|block| units::pays(self, block, rows, 1.0));
        let (most, group) = match self {
            Product::Single(..) if wide => (WIDE_TILE, PANEL_ROWS),
            // Rows are the outputs of panels backward, which should be full.
            Product::Single(..) if turned => (PANEL_TILE, PANEL_ROWS),
            // Whole lines of what lies unit by unit.
            Product::Single(..) if by_units => (PANEL_TILE, stream::LINE),
            Product::Single(_, kernels, _) => (TILE, kernels.group),
            Product::Bf16(..) => (2 * bf16::GROUP, bf16::GROUP),
        };
        (if rows <= most { most / 2 } else { most }, group)
    }

    /// Whether the backward pass of batches of `rows` multiplies with a block's weights where they lie: to pack and turn what belongs to the rows is less work than
    /// to pack the weights. Where many deltas are zero this is for fewer rows only, since they are skipped with packed weights alone.
    pub(super) fn back_in_place(&self, rows: usize, block: &Block) -> bool {
        let Block { inputs, outputs: units, .. } = *block;
        rows.saturating_mul(inputs + units) < inputs * units
            && self.kernels().is_some_and(|kernels| rows < WORTH_PACKING || !sparse::skips(kernels, deltas_left(block)))
    }

    /// Floating-point operations of a call (a step, an evaluation) that are worth waking another thread for: some seventh of a millisecond in single
    /// precision. In smaller ones, hand-overs and weights that move from core to core cost more than a second core saves.
    pub(super) fn worth_sharing(&self) -> usize {
        match self {
            Product::Single(_, kernels, _) => 1_250_000 * kernels.vector,
            Product::Bf16(..) => 32_000_000,
        }
    }

    /// Words of one output of a panel, or of one row, for a product so deep.
    pub(super) fn slots(&self, depth: usize) -> usize {
        match self {
            Product::Single(..) => depth,
            Product::Bf16(..) => bf16::slots(depth),
        }
    }

    /// Whether as many rows are multiplied with weights of so many units where these lie, instead of packed ones.
    pub(super) fn in_place(&self, rows: usize, units: usize) -> bool {
        self.kernels().is_some_and(|kernels| rows <= FEW && units.is_multiple_of(kernels.vector))
    }

    /// Words of scratch that multiplying rows with the weights of a block takes, in either direction.
    pub(super) fn row_words(&self, rows: usize, inputs: usize, units: usize) -> usize {
        match self {
            Product::Single(_, kernels, Precision::F32) => rows.next_multiple_of(kernels.lanes) * units + rows * TURNED,
            Product::Single(..) => rows * inputs.max(units),
            Product::Bf16(..) => rows.next_multiple_of(bf16::GROUP) * bf16::slots(inputs.max(units)),
        }
    }

    /// Words into which [`Self::multiply_columns`] packs columns so deep.
    pub(super) fn column_words(&self, columns: usize, depth: usize) -> usize {
        columns.next_multiple_of(self.group()) * self.slots(depth)
    }

    /// Packs rows `range` of a row-major matrix as the outputs of a panel; the columns are the depth. Past the caches if `streaming`.
    pub(super) fn pack_panel_of_rows(&self, rows: (&[f32], usize, Range<usize>), panel: &mut [u32], streaming: bool) {
        match self {
            Product::Single(isa, kernels, Precision::F32) => {
                gemm::pack_panel(*isa, kernels.lanes, rows, floats_mut(panel), streaming);
            }
            Product::Single(isa, kernels, precision) => {
                gemm::pack_panel(*isa, kernels.lanes, rows, floats_mut(panel), false);
                round(*isa, *precision, floats_mut(panel));
            }
            Product::Bf16(_, engine) => bf16::pack_panel(*engine, rows, panel, streaming),
        }
    }

    /// Packs `count` columns, from the start of `source`, of `depth` rows `width` apart into `slots(depth)` slots of a panel; past the caches if
    /// `streaming`.
    pub(super) fn pack_depths(
        &self,
        (source, width): (&[f32], usize),
        (depth, count): (usize, usize),
        panel: &mut [u32],
        streaming: bool,
    ) {
        match self {
            Product::Single(isa, kernels, Precision::F32) if streaming && count == kernels.lanes => {
                stream::copy_rows(*isa, source, width, count, floats_mut(panel));
                stream::finish();
            }
            Product::Single(isa, kernels, precision) => {
                gemm::pack_rows(*isa, kernels.lanes, source, width, count, floats_mut(panel));
                round(*isa, *precision, floats_mut(panel));
            }
            Product::Bf16(_, engine) => {
                bf16::pack_row_pairs(*engine, (source, width), (depth, count), panel, streaming)
            }
        }
    }

    /// `out[j][i] = Σ_k a[i][k] · rows[j][k]`: `a` in panels `slots(depth)` deep one after the other, `rows` row-major and `depth` wide.
    ///
    /// # Safety
    /// Memory may be read and for `out` written: rows × outputs elements with rows `stride` apart. Nobody else uses `out` now.
    pub(super) unsafe fn multiply_rows(
        &self,
        (rows, outputs, depth): (usize, usize, usize),
        (out, stride): (*mut f32, usize),
        a: &[u32],
        values: &[f32],
        scratch: &mut [u32],
    ) {
        let slots = self.slots(depth);
        assert!(a.len() >= self.panels(outputs) * slots * self.lanes() && values.len() == rows * depth);
        match self {
            // SAFETY: checked above and promised.
            Product::Single(isa, kernels, precision) => unsafe {
                let values = rounded(*isa, *precision, values, scratch);
                let panels = kernels.packed(a.as_ptr().cast(), depth * kernels.lanes);
                let shape = (rows, outputs, depth);
                sparse::multiply_rows((*isa, kernels), shape, (out, stride), panels, (values, depth));
            },
            Product::Bf16(isa, engine) => {
                let scratch = &mut scratch[..rows.next_multiple_of(bf16::GROUP) * slots];
                bf16::pack_rows(*engine, values, depth, scratch);
                let out = Out::of((out, stride), (0.0, 1.0));
                let panels = (a.as_ptr(), slots * bf16::LANES);
                // SAFETY: checked above and promised; the scratch has whole groups of rows.
                unsafe {
                    let b = (scratch.as_ptr(), slots);
                    bf16::multiply((*isa, *engine), (rows, outputs, slots), out, panels, b);
                }
            }
        }
    }

    /// Units `columns` of `rows · weights` where [`Self::in_place`] says so: rows × inputs by inputs × units. The columns begin and end at multiples of a vector.
    ///
    /// # Safety
    /// `out` may be written: rows × columns, rows `stride` apart. Nobody else uses it now.
    pub(super) unsafe fn multiply_few(
        &self,
        rows: &[f32],
        (weights, units): (&[f32], usize),
        columns: Range<usize>,
        (out, stride): (*mut f32, usize),
    ) {
        let Product::Single(isa, kernels, Precision::F32) = self else {
            unreachable!("only single precision multiplies in place")
        };
        let inputs = weights.len() / units;
        let count = rows.len() / inputs;
        assert!([columns.start, columns.end].iter().all(|edge| edge.is_multiple_of(kernels.vector)));
        assert!(columns.end <= units && columns.len() <= stride && rows.len() == count * inputs);
        // SAFETY: slices of these very shapes, checked above; no vector goes beyond a row of the weights, or of `out`, as promised.
        unsafe {
            let panels = kernels.columns(weights[columns.start..].as_ptr(), units);
            let shape = (count, columns.len(), inputs);
            sparse::multiply_rows((*isa, kernels), shape, (out, stride), panels, (rows, inputs));
        }
    }

    /// `deltas · weightsᵀ` with weights where they lie, rows × units by inputs × units. The deltas are packed instead, and their product comes out
    /// turned, some inputs at a time.
    ///
    /// # Safety
    /// `out` may be written: rows × inputs, rows `stride` apart. Nobody else uses it now.
    pub(super) unsafe fn multiply_back_in_place(
        &self,
        deltas: &[f32],
        weights: &[f32],
        units: usize,
        (out, stride): (*mut f32, usize),
        scratch: &mut [u32],
    ) {
        let Product::Single(isa, kernels, Precision::F32) = self else {
            unreachable!("only single precision multiplies in place")
        };
        let (count, lanes) = (deltas.len() / units, kernels.lanes);
        assert!(deltas.len() == count * units && weights.len().is_multiple_of(units));
        let (packed, turned) = scratch.split_at_mut(count.next_multiple_of(lanes) * units);
        let turned = floats_mut(&mut turned[..TURNED * count]);
        for (panel, words) in packed.chunks_exact_mut(lanes * units).enumerate() {
            let range = panel * lanes..count.min((panel + 1) * lanes);
            gemm::pack_panel(*isa, lanes, (deltas, units, range), floats_mut(words), false);
        }
        let panels = kernels.packed(packed.as_ptr().cast(), lanes * units);
        for (first, weights) in (0..).step_by(TURNED).zip(weights.chunks(TURNED * units)) {
            let inputs = weights.len() / units;
            let weights = kernels.row_major(weights.as_ptr(), units);
            // SAFETY: slices of these very shapes, and `out` as promised.
            unsafe {
                let to = (turned.as_mut_ptr(), count);
                gemm::multiply(kernels, (inputs, count, units), to, (0.0, 1.0), panels, weights);
                turn_to(*isa, (turned, count), (inputs, count), (out.add(first), stride), false);
            }
        }
    }

    /// `out[j][i] = keep · out[j][i] + factor · Σ_k a[i][k] · columns[k][j]`: `a` in panels `panel` words apart, the columns `range` of a row-major
    /// matrix, packed into `words` on the way: [`Self::column_words`].
    ///
    /// # Safety
    /// All may be read, and `out` written: columns × outputs elements. No element of it is used by anyone else now.
    pub(super) unsafe fn multiply_columns(
        &self,
        (inputs, range): (Inputs<'_>, Range<usize>),
        (a, panel, outputs): (&[u32], usize, usize),
        out: (*mut f32, usize),
        scale: (f32, f32),
        words: &mut [u32],
    ) {
        let (rows, depth) = (range.len(), inputs.len());
        let slots = self.slots(depth);
        assert!(range.end <= inputs.width());
        assert!(a.len() >= (self.panels(outputs) - 1) * panel + slots * self.lanes());
        let words = &mut words[..self.column_words(rows, depth)];
        match self {
            Product::Single(isa, kernels, precision) => {
                let values = floats_mut(words);
                let packed = sparse::pack_columns((*isa, kernels), outputs, (inputs, range), values);
                round(*isa, *precision, values);
                let panels = kernels.packed(a.as_ptr().cast(), panel);
                // SAFETY: checked above and promised.
                unsafe {
                    let shape = (rows, outputs, depth);
                    sparse::multiply_columns(kernels, shape, out, scale, panels, (values, packed));
                }
            }
            Product::Bf16(isa, engine) => {
                inputs.strips(*isa, range, |first, (values, width)| {
                    let depths = STRIP.min(depth - first);
                    let words = &mut words[self.slots(first)..];
                    assert!(words.len() >= (rows - 1) * slots + self.slots(depths));
                    // SAFETY: just checked.
                    unsafe {
                        let to = (words.as_mut_ptr(), slots);
                        bf16::pack_columns(*engine, (values, width), (depths, rows), to, false);
                    }
                });
                let (b, out) = ((words.as_ptr(), slots), Out::of(out, scale));
                // SAFETY: as above.
                unsafe { bf16::multiply((*isa, *engine), (rows, outputs, slots), out, (a.as_ptr(), panel), b) };
            }
        }
    }
}

/// Rounds factors that were just packed, while they are in cache.
pub(super) fn round(isa: Isa, precision: Precision, values: &mut [f32]) {
    for_each_isa! {
        fn bf16(isa, values: &mut [f32]) {
            values.iter_mut().for_each(|value| *value = Precision::Bf16.round(*value));
        }
    }
    if precision == Precision::Bf16 {
        bf16(isa, values);
    }
}

/// The factors that are not packed: as they are, or rounded into scratch.
fn rounded<'a>(isa: Isa, precision: Precision, values: &'a [f32], scratch: &'a mut [u32]) -> &'a [f32] {
    if precision == Precision::F32 {
        return values;
    }
    let copy = floats_mut(&mut scratch[..values.len()]);
    copy.copy_from_slice(values);
    round(isa, precision, copy);
    copy
}

/// Words that hold numbers of single precision.
pub(super) fn floats(words: &[u32]) -> &[f32] {
    // SAFETY: of the same size and alignment, and all bits are a value of either.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
}

/// [`floats`] to be written.
pub(super) fn floats_mut(words: &mut [u32]) -> &mut [f32] {
    // SAFETY: of the same size and alignment, and all bits are a value of either.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}
