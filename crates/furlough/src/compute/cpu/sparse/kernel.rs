//! The kernels: one row at a time, sixty-four of its numbers at a time.

use super::super::gemm::{DEPTH, Panels};
use super::super::out::Out;
use super::super::simd::Isa;
#[cfg(target_arch = "x86_64")]
use super::super::simd::Level;

/// What is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::compute::cpu) enum Numbers {
    /// Numbers of single precision.
    Single(Isa),
    /// Words of two neighbours in depth in bfloat16, by AVX512-BF16, which the machine has. Pointers to single precision point to them: nothing but
    /// the instruction's own operands is made of their bits.
    Pairs(Isa),
}

impl Numbers {
    pub(super) fn isa(self) -> Isa {
        match self {
            Numbers::Single(isa) | Numbers::Pairs(isa) => isa,
        }
    }
}

/// Numbers whose marks make a word, and the depth of a block: with [`VECTORS`] vectors 16 KB with AVX2 and 32 KB with AVX-512.
pub(super) const WORD: usize = 64;

/// The words of a row: a bit for each number that is not zero.
pub(super) type Marks = [u64; DEPTH / WORD];

/// The most vectors of outputs that are summed at once: AVX2 has registers for so many and a factor.
pub(super) const VECTORS: usize = 8;

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
    pub(super) unsafe fn multiply(&self, numbers: Numbers, vectors: usize) {
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
            match (numbers, numbers.isa().0) {
                #[cfg(target_arch = "x86_64")]
                (Numbers::Pairs(_), Level::Avx512) => dispatch!(pairs),
                #[cfg(target_arch = "x86_64")]
                (Numbers::Single(_), Level::Avx512) => dispatch!(avx512),
                #[cfg(target_arch = "x86_64")]
                (Numbers::Single(_), Level::Avx2) => dispatch!(avx2),
                _ => unreachable!("there are no kernels here for these"),
            }
        }
    }
}

/// Which of the numbers are not zero, 64 to a word.
pub(super) fn mark(numbers: Numbers, values: &[f32], marks: &mut Marks) {
    let (words, rest) = values.as_chunks::<WORD>();
    for (values, word) in words.iter().zip(&mut *marks) {
        *word = match (numbers, numbers.isa().0) {
            // SAFETY: an Isa exists only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            (Numbers::Pairs(_), Level::Avx512) => unsafe { pairs::mark(values) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Numbers::Single(_), Level::Avx512) => unsafe { avx512::mark(values) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (Numbers::Single(_), Level::Avx2) => unsafe { avx2::mark(values) },
            _ => bits(numbers, values),
        };
    }
    if !rest.is_empty() {
        marks[words.len()] = bits(numbers, rest);
    }
}

fn bits(numbers: Numbers, values: &[f32]) -> u64 {
    (0..).zip(values).fold(0, |word, (bit, value)| word | u64::from(counts(numbers, value)) << bit)
}

/// What is not a sign and nothing else, of either of two.
const OTHER_THAN_ZERO: u32 = 0x7FFF_7FFF;

/// Whether it is not zero.
#[inline(always)]
pub(super) fn counts(numbers: Numbers, value: &f32) -> bool {
    match numbers {
        Numbers::Single(_) => *value != 0.0,
        Numbers::Pairs(_) => value.to_bits() & OTHER_THAN_ZERO != 0,
    }
}

/// The kernel of an instruction set, with vectors of `$lanes`, `$together` of them a panel. `$marks` makes a word of the marks of a vector, and `$product`
/// adds to sums the products of a panel's vector with a factor.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    ($name:ident, $features:literal, $lanes:literal, $together:literal, $marks:expr, $product:expr, $zero:ident, $splat:ident, $load:ident, $store:ident,
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
                                *vector = $product($load(first.add(place)), factor, *vector);
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
    _mm256_fmadd_ps,
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
    _mm512_fmadd_ps,
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
kernel!(
    pairs,
    "avx512f,avx512bf16",
    16,
    2,
    |values| _mm512_test_epi32_mask(_mm512_castps_si512(values), _mm512_set1_epi32(super::OTHER_THAN_ZERO as i32)),
    // SAFETY: both types are 64 bytes of which any are a value.
    |left, right, sums| _mm512_dpbf16_ps(
        sums,
        std::mem::transmute::<__m512, __m512bh>(right),
        std::mem::transmute::<__m512, __m512bh>(left)
    ),
    _mm512_setzero_ps,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps
);
