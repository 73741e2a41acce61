//! The products of AVX512-BF16: sixteen lanes take a pair of products each.

use super::LANES;
use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Rows whose sums stay in registers.
const ROWS: usize = 8;

/// The product of `count` rows with a panel.
///
/// # Safety
/// Memory may be read and written as [`super::multiply`] says, and the machine has AVX512-BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn product(
    count: usize,
    slots: usize,
    a: *const u32,
    (b, row_words): (*const u32, usize),
    (out, stride): (*mut f32, usize),
) {
    for row in (0..count).step_by(ROWS) {
        // SAFETY: within the matrices, as promised.
        unsafe {
            let (b, out) = (b.add(row * row_words), out.add(row * stride));
            match ROWS.min(count - row) {
                1 => rows::<1>(slots, a, (b, row_words), (out, stride)),
                2 => rows::<2>(slots, a, (b, row_words), (out, stride)),
                3 => rows::<3>(slots, a, (b, row_words), (out, stride)),
                4 => rows::<4>(slots, a, (b, row_words), (out, stride)),
                5 => rows::<5>(slots, a, (b, row_words), (out, stride)),
                6 => rows::<6>(slots, a, (b, row_words), (out, stride)),
                7 => rows::<7>(slots, a, (b, row_words), (out, stride)),
                _ => rows::<ROWS>(slots, a, (b, row_words), (out, stride)),
            }
        }
    }
}

/// # Safety
/// As [`product`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rows<const COUNT: usize>(
    slots: usize,
    a: *const u32,
    (b, row_words): (*const u32, usize),
    (out, stride): (*mut f32, usize),
) {
    let mut sums = [[_mm512_setzero_ps(); 2]; COUNT];
    for slot in 0..slots {
        // SAFETY: a slot of the panel is 32 words, and each row has this slot.
        unsafe {
            let pairs = |half: usize| bf16(_mm512_loadu_si512(a.add(slot * LANES + 16 * half).cast()));
            let (left, right) = (pairs(0), pairs(1));
            for (row, sum) in sums.iter_mut().enumerate() {
                let pair = bf16(_mm512_set1_epi32(*b.add(row * row_words + slot) as i32));
                sum[0] = _mm512_dpbf16_ps(sum[0], pair, left);
                sum[1] = _mm512_dpbf16_ps(sum[1], pair, right);
            }
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        // SAFETY: a row of `out` takes 32 values.
        unsafe {
            _mm512_storeu_ps(out.add(row * stride), sum[0]);
            _mm512_storeu_ps(out.add(row * stride + 16), sum[1]);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
fn bf16(words: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes of which any are a value.
    unsafe { std::mem::transmute(words) }
}
