//! The products of AVX512-BF16: sixteen lanes take a pair of products each.

use crate::compute::cpu::blocking::BF16_MR;
use crate::compute::cpu::matrix::{MatMut, Rows};
use std::arch::x86_64::*;

/// Rows whose sums stay in registers.
const ROWS: usize = 8;

/// The product of `count` rows with a panel.
///
/// # Safety
/// Memory may be read and written as [`super::multiply`] says, and the machine has AVX512-BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn product(count: usize, depth: usize, a: *const u32, b: Rows, out: MatMut) {
    for row in (0..count).step_by(ROWS) {
        // SAFETY: within the matrices, as promised.
        unsafe {
            let b = Rows { first: b.first.add(row * b.stride), ..b };
            let out = out.from(row, 0);
            match count - row {
                ROWS.. => rows::<ROWS>(depth, a, b, out),
                // Beyond whole groups one after the other.
                some => (0..some).for_each(|row| {
                    let b = Rows { first: b.first.add(row * b.stride), ..b };
                    rows::<1>(depth, a, b, out.from(row, 0));
                }),
            }
        }
    }
}

/// # Safety
/// As [`product`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rows<const COUNT: usize>(depth: usize, a: *const u32, b: Rows, out: MatMut) {
    let mut sums = [[_mm512_setzero_ps(); 2]; COUNT];
    for k in 0..depth {
        // SAFETY: the panel has 32 words at each depth, and each row has one.
        unsafe {
            let pairs = |half: usize| bf16(_mm512_loadu_si512(a.add(k * BF16_MR + 16 * half).cast()));
            let (left, right) = (pairs(0), pairs(1));
            for (row, sum) in sums.iter_mut().enumerate() {
                let pair = bf16(_mm512_set1_epi32((*b.first.add(row * b.stride + k)).to_bits() as i32));
                sum[0] = _mm512_dpbf16_ps(sum[0], pair, left);
                sum[1] = _mm512_dpbf16_ps(sum[1], pair, right);
            }
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        // SAFETY: a row of `out` takes 32 values.
        unsafe {
            _mm512_storeu_ps(out.first.add(row * out.stride), sum[0]);
            _mm512_storeu_ps(out.first.add(row * out.stride + 16), sum[1]);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn bf16(words: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes of which any are a value.
    unsafe { std::mem::transmute(words) }
}
