//! The products of bfloat16 numbers by single-precision instructions: a bfloat16 is the upper half of an `f32`.

use super::{Isa, LANES};
use crate::compute::cpu::simd::for_each_isa;

/// Rows whose sums stay in registers.
const ROWS: usize = 2;

/// The product of `count` rows with a panel.
///
/// # Safety
/// Memory may be read and written as [`super::multiply`] says.
pub(super) unsafe fn product(
    isa: Isa,
    count: usize,
    slots: usize,
    a: *const u32,
    (b, row_words): (*const u32, usize),
    (out, stride): (*mut f32, usize),
) {
    // SAFETY: whole panels may be read, as promised.
    let panel = unsafe { std::slice::from_raw_parts(a, slots * LANES) };
    for first in (0..count).step_by(ROWS) {
        // A last row without a partner goes with itself.
        let rows = [first, (first + 1).min(count - 1)];
        // SAFETY: rows of `b` and of `out`, as promised.
        unsafe {
            let pairs = rows.map(|row| std::slice::from_raw_parts(b.add(row * row_words), slots));
            let sums = dot(isa, panel, pairs);
            for (row, sums) in rows.into_iter().zip(&sums) {
                std::slice::from_raw_parts_mut(out.add(row * stride), LANES).copy_from_slice(sums);
            }
        }
    }
}

for_each_isa! {
    fn dot(isa, panel: &[u32], rows: [&[u32]; ROWS]) -> [[f32; LANES]; ROWS] {
        let mut sums = [[0.0f32; LANES]; ROWS];
        for (slot, lanes) in panel.as_chunks::<LANES>().0.iter().enumerate() {
            for (sums, row) in sums.iter_mut().zip(rows) {
                let (x, y) = halves(row[slot]);
                for (sum, &word) in sums.iter_mut().zip(lanes) {
                    let (a, b) = halves(word);
                    *sum += a * x + b * y;
                }
            }
        }
        sums
    }
}

#[inline(always)]
fn halves(word: u32) -> (f32, f32) {
    (f32::from_bits(word << 16), f32::from_bits(word & 0xFFFF_0000))
}
