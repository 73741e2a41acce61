//! The kernels: one row at a time, sixty-four of its numbers at a time.

use super::super::gemm::{DEPTH, Panels};
use super::super::simd::{Isa, Level, for_each_isa};

/// Numbers whose marks make a word, and the depth of a block: with [`VECTORS`] vectors 16 KB with AVX2 and 32 KB with AVX-512.
pub(super) const WORD: usize = 64;

/// The words of a row: a bit for each number that is not zero.
pub(super) type Marks = [u64; DEPTH / WORD];

/// The most vectors of outputs that are summed at once: AVX2 has registers for so many and a factor.
pub(super) const VECTORS: usize = 8;

/// Where sums go in the end, in rows `stride` apart, and how: `first[i] = keep · first[i] + factor · sum`. With `keep` = 0 what was there is not read.
#[derive(Clone, Copy)]
pub(super) struct Out {
    pub(super) first: *mut f32,
    pub(super) stride: usize,
    pub(super) keep: f32,
    pub(super) factor: f32,
}

/// Sums over the depth of a word, for some rows.
pub(super) struct Block<'a> {
    /// Of each row.
    pub(super) marks: &'a [Marks],
    pub(super) word: usize,
    /// The rows from this depth on, so far apart.
    pub(super) b: (*const f32, usize),
    /// From this depth on.
    pub(super) a: Panels,
    /// What the next block multiplies, and how deep that is, if it is not in a near cache already: asked for while this one is multiplied.
    pub(super) next: Option<(Panels, usize)>,
    /// What the words before have left, which for the first word is nothing, and what this one leaves: row after row.
    pub(super) sums: *mut f32,
    /// Where the last word's sums of whole vectors go instead.
    pub(super) out: Option<Out>,
}

impl Block<'_> {
    /// For so many vectors of outputs.
    ///
    /// # Safety
    /// All of these numbers may be read and the sums, or `out`, written, and the instruction set has kernels here.
    pub(super) unsafe fn multiply(&self, isa: Isa, vectors: usize) {
        macro_rules! dispatch {
            ($kernels:ident) => {
                match vectors {
                    1 => $kernels::multiply::<1>(self),
                    2 => $kernels::multiply::<2>(self),
                    3 => $kernels::multiply::<3>(self),
                    4 => $kernels::multiply::<4>(self),
                    5 => $kernels::multiply::<5>(self),
                    6 => $kernels::multiply::<6>(self),
                    7 => $kernels::multiply::<7>(self),
                    _ => $kernels::multiply::<VECTORS>(self),
                }
            };
        }
        // SAFETY: as promised; an Isa exists only where its features were detected.
        unsafe {
            match isa.0 {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => dispatch!(avx512),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => dispatch!(avx2),
                Level::Baseline => unreachable!("the baseline has no kernels here"),
            }
        }
    }
}

/// Which of the numbers are not zero, 64 to a word.
pub(super) fn mark(isa: Isa, values: &[f32], marks: &mut Marks) {
    let (words, rest) = values.as_chunks::<WORD>();
    for (values, word) in words.iter().zip(&mut *marks) {
        *word = match isa.0 {
            // SAFETY: an Isa exists only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::mark(values) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::mark(values) },
            Level::Baseline => bits(values),
        };
    }
    if !rest.is_empty() {
        marks[words.len()] = bits(rest);
    }
}

fn bits(values: &[f32]) -> u64 {
    (0..).zip(values).fold(0, |word, (bit, &value)| word | u64::from(value != 0.0) << bit)
}

/// What becomes of the sums of a last vector that is not whole, and of those beside it.
///
/// # Safety
/// There are sums for so many rows, so far apart, and `out` may be written.
pub(super) unsafe fn finish(isa: Isa, (rows, columns): (usize, usize), out: Out, (sums, apart): (*const f32, usize)) {
    for_each_isa! {
        fn row(isa, out: &mut [f32], sums: &[f32], keep: f32, factor: f32) {
            let pairs = out.iter_mut().zip(sums);
            if keep == 0.0 {
                pairs.for_each(|(out, &sum)| *out = factor * sum);
            } else if keep == 1.0 {
                pairs.for_each(|(out, &sum)| *out = factor.mul_add(sum, *out));
            } else {
                pairs.for_each(|(out, &sum)| *out = keep * *out + factor * sum);
            }
        }
    }
    for index in 0..rows {
        // SAFETY: as promised.
        unsafe {
            let sums = std::slice::from_raw_parts(sums.add(index * apart), columns);
            let values = std::slice::from_raw_parts_mut(out.first.add(index * out.stride), columns);
            row(isa, values, sums, out.keep, out.factor);
        }
    }
}

/// The kernel of an instruction set, with vectors of `$lanes`, `$together` of them a panel. `$marks` makes a word of the marks of a vector.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    ($name:ident, $features:literal, $lanes:literal, $together:literal, $marks:expr, $zero:ident, $splat:ident, $load:ident, $store:ident,
     $add:ident, $times:ident, $times_add:ident) => {
        mod $name {
            use super::super::super::simd::{prefetch, prefetch_to_second};
            use super::{Block, WORD};
            use std::arch::x86_64::*;

            #[target_feature(enable = $features)]
            pub(super) fn mark(values: &[f32; WORD]) -> u64 {
                let mut word = 0;
                for (place, values) in values.as_chunks::<$lanes>().0.iter().enumerate() {
                    // SAFETY: a vector of numbers.
                    let values = unsafe { $load(values.as_ptr()) };
                    word |= u64::from($marks(values)) << ($lanes * place);
                }
                word
            }

            /// See [`Block::multiply`].
            ///
            /// # Safety
            /// As there.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn multiply<const VECTORS: usize>(block: &Block<'_>) {
                let Block { marks, word, b: (b, width), a, next, sums, out } = *block;
                let each = WORD.div_ceil(marks.len());
                for (row, marks) in marks.iter().enumerate() {
                    let mut marks = marks[word];
                    if let Some((next, depths)) = next {
                        for depth in row * each..depths.min((row + 1) * each) {
                            for panel in 0..VECTORS.div_ceil($together) {
                                let first = next.first.wrapping_add(depth * next.depths + panel * next.panels);
                                prefetch_to_second(first.cast(), size_of::<f32>() * $together * $lanes);
                            }
                        }
                    }
                    // SAFETY: a mark is of a number of this row, and of a depth that the panels have; all within the matrices, as promised.
                    unsafe {
                        let (b, sums) = (b.add(row * width), sums.add(row * VECTORS * $lanes));
                        if let Some(out) = &out {
                            prefetch(out.first.add(row * out.stride).cast(), size_of::<f32>() * VECTORS * $lanes);
                        }
                        let mut vectors = [$zero(); VECTORS];
                        if word > 0 {
                            for (index, vector) in vectors.iter_mut().enumerate() {
                                *vector = $load(sums.add(index * $lanes));
                            }
                        }
                        while marks != 0 {
                            let depth = marks.trailing_zeros() as usize % WORD;
                            marks &= marks - 1;
                            let factor = $splat(*b.add(depth));
                            let first = a.first.add(depth * a.depths);
                            for (index, vector) in vectors.iter_mut().enumerate() {
                                let place = index / $together * a.panels + index % $together * $lanes;
                                *vector = $times_add($load(first.add(place)), factor, *vector);
                            }
                        }
                        let Some(out) = &out else {
                            for (index, vector) in vectors.iter().enumerate() {
                                $store(sums.add(index * $lanes), *vector);
                            }
                            continue;
                        };
                        // What the dense kernels do with their sums, operation for operation.
                        let factor = $splat(out.factor);
                        for (index, &vector) in vectors.iter().enumerate() {
                            let to = out.first.add(row * out.stride + index * $lanes);
                            let value = if out.keep == 0.0 {
                                $times(factor, vector)
                            } else if out.keep == 1.0 {
                                $times_add(factor, vector, $load(to))
                            } else {
                                $add($times($splat(out.keep), $load(to)), $times(factor, vector))
                            };
                            $store(to, value);
                        }
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernel!(
    avx2,
    "avx2,fma",
    8,
    2,
    |values| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(values, _mm256_setzero_ps())) as u32,
    _mm256_setzero_ps,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
kernel!(
    avx512,
    "avx512f",
    16,
    4,
    |values| _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(values, _mm512_setzero_ps()),
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps
);
