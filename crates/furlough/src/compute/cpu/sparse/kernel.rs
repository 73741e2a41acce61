//! The kernels: one row at a time, sixty-four of its numbers at a time.

use super::super::blocking::{KC, SPARSE_KC, SPARSE_VECTORS};
use super::super::matrix::{MatMut, Panels, Rows, Scale};
use super::super::simd::Isa;
#[cfg(target_arch = "x86_64")]
use super::super::simd::Level;

/// What is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementType {
    /// Numbers of single precision.
    F32(Isa),
    /// Words of two neighbors in depth in bfloat16, by AVX512-BF16, which the machine has. Pointers
    /// to single precision point to them: only the instruction's own operands are made of their
    /// bits.
    Bf16Pairs(Isa),
}

impl ElementType {
    pub(super) fn isa(self) -> Isa {
        match self {
            ElementType::F32(isa) | ElementType::Bf16Pairs(isa) => isa,
        }
    }
}

/// The bits of a row's depth: one for each number that is not zero.
pub(super) type Marks = [u64; KC / SPARSE_KC];

/// Sums over a depth of [`SPARSE_KC`], for some rows.
pub(super) struct Block<'a> {
    /// Of each row.
    pub(super) marks: &'a [Marks],
    /// Which word of the marks.
    pub(super) word: usize,
    /// Both factors from this depth on.
    pub(super) b: Rows,
    pub(super) a: Panels,
    /// What the next block multiplies and how deep it is, if it is to be asked for meanwhile.
    pub(super) next: Option<(Panels, usize)>,
    /// The sums of the words before, which this one goes on with: row after row.
    pub(super) sums: *mut f32,
    /// Where the last word's sums of whole vectors go instead.
    pub(super) out: Option<(MatMut, Scale)>,
}

impl Block<'_> {
    /// For so many vectors of outputs.
    ///
    /// # Safety
    /// All of these numbers may be read and the sums, or `out`, written, and the instruction set
    /// has kernels here.
    pub(super) unsafe fn multiply(&self, elements: ElementType, vectors: usize) {
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
                    _ => $kernels::multiply::<SPARSE_VECTORS>(self),
                }
            };
        }
        // SAFETY: as promised; an Isa exists only where its features were detected.
        unsafe {
            match (elements, elements.isa().0) {
                #[cfg(target_arch = "x86_64")]
                (ElementType::Bf16Pairs(_), Level::Avx512) => dispatch!(pairs),
                #[cfg(target_arch = "x86_64")]
                (ElementType::F32(_), Level::Avx512) => dispatch!(avx512),
                #[cfg(target_arch = "x86_64")]
                (ElementType::F32(_), Level::Avx2) => dispatch!(avx2),
                _ => unreachable!("there are no kernels here for these"),
            }
        }
    }
}

/// Which of the numbers are not zero, 64 to a word.
pub(super) fn mark(elements: ElementType, values: &[f32], marks: &mut Marks) {
    let (words, rest) = values.as_chunks::<SPARSE_KC>();
    for (values, word) in words.iter().zip(&mut *marks) {
        *word = match (elements, elements.isa().0) {
            // SAFETY: an Isa exists only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            (ElementType::Bf16Pairs(_), Level::Avx512) => unsafe { pairs::mark(values) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (ElementType::F32(_), Level::Avx512) => unsafe { avx512::mark(values) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            (ElementType::F32(_), Level::Avx2) => unsafe { avx2::mark(values) },
            _ => bits(elements, values),
        };
    }
    if !rest.is_empty() {
        marks[words.len()] = bits(elements, rest);
    }
}

fn bits(elements: ElementType, values: &[f32]) -> u64 {
    (0..).zip(values).fold(0, |word, (bit, value)| word | u64::from(counts(elements, value)) << bit)
}

/// What is not a sign and nothing else, of either of two.
const OTHER_THAN_ZERO: u32 = 0x7FFF_7FFF;

/// Returns whether it is not zero.
#[inline(always)]
fn counts(elements: ElementType, value: &f32) -> bool {
    match elements {
        ElementType::F32(_) => *value != 0.0,
        ElementType::Bf16Pairs(_) => value.to_bits() & OTHER_THAN_ZERO != 0,
    }
}

/// The kernel of an instruction set, with vectors of `$lanes`, `$together` of them a panel.
/// `$marks` makes bits of a vector, and `$product` adds to sums the products of a panel's vector
/// with a factor.
#[cfg(target_arch = "x86_64")]
macro_rules! kernel {
    ($name:ident, $features:literal, $lanes:literal, $together:literal, $marks:expr, $product:expr,
     $splat:ident, $load:ident, $store:ident,
     $add:ident, $times:ident, $times_add:ident) => {
        mod $name {
            use super::super::super::simd::{prefetch, prefetch_to_second};
            use super::{Block, SPARSE_KC};
            use std::arch::x86_64::*;

            #[target_feature(enable = $features)]
            pub(super) fn mark(values: &[f32; SPARSE_KC]) -> u64 {
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
                let Block { marks, word, b, a, next, sums, out } = *block;
                let each = SPARSE_KC.div_ceil(marks.len());
                for (row, marks) in marks.iter().enumerate() {
                    let mut marks = marks[word];
                    if let Some((next, depths)) = next {
                        for depth in row * each..depths.min((row + 1) * each) {
                            for panel in 0..VECTORS.div_ceil($together) {
                                let first = next.first.wrapping_add(depth * next.k_stride + panel * next.stride);
                                prefetch_to_second(first.cast(), size_of::<f32>() * $together * $lanes);
                            }
                        }
                    }
                    // SAFETY: a mark is of a number of this row, and of a depth that the panels
                    // have.
                    unsafe {
                        let (b, sums) = (b.first.add(row * b.stride), sums.add(row * VECTORS * $lanes));
                        if let Some((out, _)) = &out {
                            prefetch(out.first.add(row * out.stride).cast(), size_of::<f32>() * VECTORS * $lanes);
                        }
                        let mut vectors = [$splat(0.0); VECTORS];
                        if word > 0 {
                            for (index, vector) in vectors.iter_mut().enumerate() {
                                *vector = $load(sums.add(index * $lanes));
                            }
                        }
                        while marks != 0 {
                            let depth = marks.trailing_zeros() as usize % SPARSE_KC;
                            marks &= marks - 1;
                            let factor = $splat(*b.add(depth));
                            let first = a.first.add(depth * a.k_stride);
                            for (index, vector) in vectors.iter_mut().enumerate() {
                                let place = index / $together * a.stride + index % $together * $lanes;
                                *vector = $product($load(first.add(place)), factor, *vector);
                            }
                        }
                        let Some((out, scale)) = &out else {
                            for (index, vector) in vectors.iter().enumerate() {
                                $store(sums.add(index * $lanes), *vector);
                            }
                            continue;
                        };
                        // What the dense kernels do with their sums, operation for operation.
                        let alpha = $splat(scale.alpha);
                        for (index, &vector) in vectors.iter().enumerate() {
                            let to = out.first.add(row * out.stride + index * $lanes);
                            let value = if scale.beta == 0.0 {
                                $times(alpha, vector)
                            } else if scale.beta == 1.0 {
                                $times_add(alpha, vector, $load(to))
                            } else {
                                $add($times($splat(scale.beta), $load(to)), $times(alpha, vector))
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
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps
);
