//! Products with a factor that has many zeros: the pixels of a background, one-hot columns, and behind ReLU and dropout most of the units and of their
//! deltas. What a zero would be multiplied with is not read.
//!
//! The dense kernels share what they load among a group of rows, each of which has its zeros elsewhere. So here one row at a time meets a block of the
//! panels that stays in the first-level cache, and a word of 64 bits says which of its numbers count ([`kernel`]). Sums are taken in the order of the dense
//! kernels, and a product with zero changes no sum: both give the same bits, so that which of them it is may be decided anywhere. (Two things are told apart: a
//! weight that is not finite is left out beside a zero, where the dense kernels would make NaN of it; and a sum that underflows from below stays a negative zero.)
//!
//! Pairs in bfloat16 for AVX512-BF16 are skipped where both are zero.

// Elsewhere nothing is ever multiplied here.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_macros, unused_unsafe, unused_variables))]
mod kernel;

use super::Isa;
use super::features::{Inputs, STRIP};
use super::gemm::{self, DEPTH, Kernels, Panels};
use super::out::Out;
use super::simd::for_each_isa;
use super::transpose::turn;
use kernel::{Block, Marks, Numbers, VECTORS, WORD, counts, mark};
use std::mem::MaybeUninit;
use std::ops::Range;

/// The most rows that meet one block after the other.
pub(super) const ROWS: usize = 128;

/// Room for the sums of so many rows, with vectors of sixteen.
#[repr(align(64))]
struct Sums(MaybeUninit<[f32; ROWS * VECTORS * 16]>);

/// Room for a block of panels, with vectors of sixteen.
#[repr(align(64))]
struct Together(MaybeUninit<[f32; WORD * VECTORS * 16]>);

/// How many parts [`pays`] looks at.
const LOOKED_AT: usize = 8;

/// The least outputs, in vectors, and the least depth with which a row by itself was seen to pay, and the most numbers other than zero, of a hundred.
const LEAST_VECTORS: usize = 4;
const LEAST_DEPTH: usize = WORD;
pub(super) const MOST: usize = 70;

/// Numbers in panels from which on they may lie beyond the second-level cache, and the fewest rows that need most of them between them: the next
/// block's are asked for ahead then, as what rows with zeros read is nothing that the processor would foresee.
const FAR: usize = 1 << 16;
const FEWEST_ROWS: usize = 8;

/// What is multiplied, and how many outputs a panel and a vector of it have.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    numbers: Numbers,
    lanes: usize,
    vector: usize,
}

impl Kind {
    /// Beside these kernels, where there are any.
    pub(super) fn single(isa: Isa, kernels: &Kernels) -> Option<Kind> {
        let Kernels { lanes, vector, .. } = *kernels;
        possible(kernels).then_some(Kind { numbers: Numbers::Single(isa), lanes, vector })
    }

    /// Whether products of so many outputs, so deep, are of the size from which on zeros are worth looking for.
    pub(super) fn is_worth(self, outputs: usize, depth: usize) -> bool {
        outputs >= LEAST_VECTORS * self.vector && depth >= LEAST_DEPTH
    }

    /// Pairs in bfloat16, in panels of so many outputs, on a machine that has AVX512-BF16.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn pairs(isa: Isa, lanes: usize) -> Kind {
        Kind { numbers: Numbers::Pairs(isa), lanes, vector: 16 }
    }
}

/// Whether these kernels have a sparse one beside them: those of AVX2 and AVX-512.
pub(super) fn possible(kernels: &Kernels) -> bool {
    kernels.vector >= 8
}

/// Whether products with a factor of which so large a part is not zero are faster without the zeros, if they are of some size.
pub(super) fn skips(kernels: &Kernels, left: f64) -> bool {
    possible(kernels) && 100.0 * left <= MOST as f64
}

/// Whether products of so many outputs, so deep, are faster without the zeros of the other factor: from a look at some of its `parts` parts.
pub(super) fn pays<'a>(
    kind: Kind,
    (outputs, depth): (usize, usize),
    parts: usize,
    part: impl Fn(usize) -> &'a [f32],
) -> bool {
    if !kind.is_worth(outputs, depth) {
        return false;
    }
    let looked_at = LOOKED_AT.min(parts);
    let (all, others) = (0..looked_at)
        .map(|place| part(place * parts / looked_at))
        .fold((0, 0), |(all, others), part| (all + part.len(), others + count(kind.numbers.isa(), kind.numbers, part)));
    others * 100 <= all * MOST
}

for_each_isa! {
    /// How many of them are not zero.
    fn count(isa, numbers: Numbers, values: &[f32]) -> usize {
        values.iter().map(|value| u32::from(counts(numbers, value))).sum::<u32>() as usize
    }
}

/// `out[j][i] = Σ_k a[i][k] · rows[j][k]`, the rows so far apart, without their zeros where that pays.
///
/// # Safety
/// As [`gemm::multiply`] asks.
pub(super) unsafe fn multiply_rows(
    (isa, kernels): (Isa, &Kernels),
    shape: (usize, usize, usize),
    out: (*mut f32, usize),
    a: Panels,
    (rows, apart): (&[f32], usize),
) {
    let (count, outputs, depth) = shape;
    // SAFETY: as promised.
    unsafe {
        let row = |row: usize| &rows[row * apart..][..depth];
        match Kind::single(isa, kernels).filter(|&kind| pays(kind, (outputs, depth), count, row)) {
            Some(kind) => multiply(kind, shape, Out::of(out, (0.0, 1.0)), a, (rows.as_ptr(), apart)),
            None => gemm::multiply(kernels, shape, out, (0.0, 1.0), a, kernels.row_major(rows.as_ptr(), apart)),
        }
    }
}

/// How [`pack_columns`] has packed.
#[derive(Clone, Copy)]
pub(super) enum Columns {
    /// In groups, zeros and all: [`gemm::pack_groups`].
    Grouped,
    /// Each column by itself, for the kernel that skips.
    Turned(Kind),
}

/// Packs columns `range` of `inputs`, to be multiplied with so many outputs; its rows are the depth.
pub(super) fn pack_columns(
    (isa, kernels): (Isa, &Kernels),
    outputs: usize,
    (inputs, range): (Inputs<'_>, Range<usize>),
    packed: &mut [f32],
) -> Columns {
    let (depth, count) = (inputs.len(), range.len());
    let mut layout = None;
    inputs.strips(isa, range, |first, (values, width)| {
        let rows = STRIP.min(depth - first);
        // The first strip decides.
        let layout = layout.get_or_insert_with(|| {
            let part = |row: usize| &values[row * width..][..count];
            let kind = Kind::single(isa, kernels).filter(|&kind| pays(kind, (outputs, depth), rows, part));
            kind.map_or(Columns::Grouped, Columns::Turned)
        });
        match layout {
            Columns::Turned(_) => turn(isa, (values, width), (rows, count), (&mut packed[first..], depth)),
            Columns::Grouped => {
                let depths = (first..first + rows, depth);
                gemm::pack_groups(isa, kernels.group, values, width, count, depths, packed);
            }
        }
    });
    layout.unwrap_or(Columns::Grouped)
}

/// [`gemm::multiply`] with what [`pack_columns`] has packed, as deep and for as many outputs.
///
/// # Safety
/// As there.
pub(super) unsafe fn multiply_columns(
    kernels: &Kernels,
    shape: (usize, usize, usize),
    out: (*mut f32, usize),
    scale: (f32, f32),
    a: Panels,
    (values, packed): (&[f32], Columns),
) {
    let first = values.as_ptr();
    // SAFETY: as promised.
    unsafe {
        match packed {
            Columns::Grouped => gemm::multiply(kernels, shape, out, scale, a, kernels.grouped(first, shape.2)),
            Columns::Turned(kind) => multiply(kind, shape, Out::of(out, scale), a, (first, shape.2)),
        }
    }
}

/// [`gemm::multiply`] without the zeros of `b`, whose rows begin `width` apart; of pairs, which are the depth then, `bf16::multiply`.
///
/// # Safety
/// As there. The machine has kernels here for such numbers.
pub(super) unsafe fn multiply(
    kind: Kind,
    (rows, outputs, depth): (usize, usize, usize),
    out: Out,
    a: Panels,
    (b, width): (*const f32, usize),
) {
    let Kind { numbers, lanes, vector } = kind;
    let most = VECTORS * vector;
    // From an output and a depth on.
    let panels = |output: usize, depth: usize| Panels {
        first: a.first.wrapping_add(output / lanes * a.panels + depth * a.depths),
        ..a
    };
    let far = rows >= FEWEST_ROWS && outputs * depth >= FAR;
    let mut marks: [Marks; ROWS] = [[0; DEPTH / WORD]; ROWS];
    let mut sums = Sums(MaybeUninit::uninit());
    let sums = sums.0.as_mut_ptr().cast::<f32>();
    // Where depths lie apart a block is brought together: rows of 1 KB fall into half of the first-level cache's places, of 4 KB into an eighth.
    let apart = rows >= FEWEST_ROWS && a.depths > lanes;
    let mut together = Together(MaybeUninit::uninit());
    let together = together.0.as_mut_ptr().cast::<f32>();
    for top in (0..rows).step_by(ROWS) {
        let count = ROWS.min(rows - top);
        for start in (0..depth).step_by(DEPTH) {
            let depth = DEPTH.min(depth - start);
            // After the first block the product so far is kept whole.
            let keep = if start == 0 { out.keep } else { 1.0 };
            // SAFETY: these depths of these rows.
            let b = unsafe { b.add(top * width + start) };
            for (row, marks) in marks[..count].iter_mut().enumerate() {
                // SAFETY: one of the rows.
                mark(numbers, unsafe { std::slice::from_raw_parts(b.add(row * width), depth) }, marks);
            }
            for first in (0..outputs).step_by(most) {
                let columns = most.min(outputs - first);
                let vectors = columns.div_ceil(vector);
                // SAFETY: all of these depths, rows and outputs are within the matrices, and there is room for the sums of so many.
                unsafe {
                    let out = Out { keep, ..out.from(top, first) };
                    let whole = columns == vectors * vector;
                    for (word, at) in (0..depth).step_by(WORD).enumerate() {
                        let (output, then) = if at + WORD < depth { (first, at + WORD) } else { (first + most, 0) };
                        let marks = &marks[..count];
                        let mut a = panels(first, start + at);
                        if apart {
                            a = bring_together(a, (marks, word), vectors * vector, together);
                        }
                        let block = Block {
                            marks,
                            word,
                            b: (b.add(at), width),
                            a,
                            next: (far && output < outputs)
                                .then(|| (panels(output, start + then), WORD.min(depth - then))),
                            sums,
                            out: (whole && at + WORD >= depth).then_some(out),
                        };
                        block.multiply(numbers, vectors);
                    }
                    if !whole {
                        out.put(numbers.isa(), (count, columns), (sums, vectors * vector));
                    }
                }
            }
        }
    }
}

/// A block of `columns` columns where they lie, side by side, but for the depths at which no row has a number.
///
/// # Safety
/// The columns of these depths may be read, and so many numbers of `to` written.
unsafe fn bring_together(a: Panels, (marks, word): (&[Marks], usize), columns: usize, to: *mut f32) -> Panels {
    let mut depths = marks.iter().fold(0, |depths, marks| depths | marks[word]);
    while depths != 0 {
        let depth = depths.trailing_zeros() as usize;
        depths &= depths - 1;
        // SAFETY: as promised.
        unsafe { std::ptr::copy_nonoverlapping(a.first.add(depth * a.depths), to.add(depth * columns), columns) };
    }
    Panels { first: to, depths: columns, ..a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream};

    /// Numbers of which `some` of 64 are not zero; those are of either sign.
    fn numbers(count: usize, some: u32, key: Key) -> Vec<f32> {
        let number = |place: u32| {
            let [word, other, ..] = key.draw(Stream::Dropout, 0, place, 0, 0);
            if word % 64 < some { other as f32 / 2f32.powi(31) - 1.0 } else { 0.0 }
        };
        (0..count as u32).map(number).collect()
    }

    #[test]
    fn products_have_the_bits_of_the_dense_kernels() {
        // More rows than meet a block, more depths than are multiplied at a time, widths and depths with every kind of rest, panels too large for a
        // near cache.
        let shapes = [
            (1, 1, 1),
            (7, 33, 64),
            (5, 200, 65),
            (72, 256, 784),
            (131, 64, 100),
            (6, 80, 2100),
            (96, 512, 250),
            (9, 290, 1100),
        ];
        for isa in Isa::available() {
            let kernels = Kernels::of(isa);
            let Some(kind) = Kind::single(isa, &kernels) else { continue };
            for ((rows, outputs, depth), some) in
                shapes.into_iter().flat_map(|shape| [(shape, 0), (shape, 13), (shape, 64)])
            {
                let panel = depth * kernels.lanes;
                let a = numbers(kernels.panels(outputs) * (panel + 16), 64, Key::new(1));
                // Panels one after the other, with gaps as gathering leaves them, and weights where they lie.
                let layouts = [
                    kernels.packed(a.as_ptr(), panel),
                    kernels.packed(a.as_ptr(), panel + 16),
                    kernels.columns(a.as_ptr(), kernels.panels(outputs) * kernels.lanes),
                ];
                let (width, stride) = (depth + 3, outputs + 5);
                let b = numbers(rows * width, some, Key::new(2));
                let before = numbers(rows * stride, 64, Key::new(3));
                let scales = [(0.0, 1.0), (1.0, -0.3), (0.9, -0.3)];
                for (panels, scale) in layouts.into_iter().flat_map(|panels| scales.map(|scale| (panels, scale))) {
                    let (mut dense, mut sparse) = (before.clone(), before.clone());
                    let shape = (rows, outputs, depth);
                    // SAFETY: matrices of these very shapes.
                    unsafe {
                        let rows = kernels.row_major(b.as_ptr(), width);
                        gemm::multiply(&kernels, shape, (dense.as_mut_ptr(), stride), scale, panels, rows);
                        let out = Out::of((sparse.as_mut_ptr(), stride), scale);
                        multiply(kind, shape, out, panels, (b.as_ptr(), width));
                    }
                    let differs = dense.iter().zip(&sparse).position(|(a, b)| a.to_bits() != b.to_bits());
                    assert_eq!(differs, None, "{}: {rows} × {outputs} × {depth}, {some}, {scale:?}", isa.name());
                }
            }
        }
    }

    #[test]
    fn a_number_that_is_not_finite_counts_and_a_negative_zero_does_not() {
        let mut values = [0.0; 70];
        (values[3], values[63], values[64], values[69]) = (f32::NAN, -0.0, f32::INFINITY, 1.0);
        for isa in Isa::available() {
            let mut marks = [0; DEPTH / WORD];
            let numbers = Numbers::Single(isa);
            mark(numbers, &values, &mut marks);
            assert_eq!((marks[0], marks[1], count(isa, numbers, &values)), (1 << 3, 1 | 1 << 5, 3), "{}", isa.name());
        }
    }

    #[test]
    fn a_few_rows_decide() {
        for isa in Isa::available() {
            let kernels = Kernels::of(isa);
            let kind = Kind::single(isa, &kernels);
            // The last is what the build was compiled for.
            assert_eq!(kind.is_some(), Some(&isa) != Isa::available().last(), "{}", isa.name());
            let Some(kind) = kind else { continue };
            let pays = |outputs: usize, depth: usize, some: u32| {
                let values = numbers(depth * 50, some, Key::new(4));
                pays(kind, (outputs, depth), 50, |row| &values[depth * row..][..depth])
            };
            assert!(
                pays(256, 100, 32) && !pays(256, 100, 60) && !pays(10, 100, 32) && !pays(256, 20, 32),
                "{}",
                isa.name()
            );
        }
    }
}
