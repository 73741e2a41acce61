//! Rounding to bfloat16, and laying out in the order of the products.

use super::{Isa, LANES, slots};
use crate::compute::cpu::simd::for_each_isa;
use crate::compute::cpu::transpose::{Square, transpose};
use crate::compute::precision::bf16_bits;
use std::ops::Range;

/// Two neighbours in depth.
#[inline(always)]
fn pair(first: f32, second: f32) -> u32 {
    bf16_bits(first) | bf16_bits(second) << 16
}

for_each_isa! {
    /// Rows `width` wide, one after the other in `values`, into rows of `slots(width)` words.
    pub(in crate::compute::cpu) fn pack_rows(isa, values: &[f32], width: usize, words: &mut [u32]) {
        for (values, words) in values.chunks_exact(width).zip(words.chunks_exact_mut(slots(width))) {
            let (pairs, last) = values.as_chunks::<2>();
            let (whole, rest) = words.split_at_mut(pairs.len());
            for (word, [first, second]) in whole.iter_mut().zip(pairs) {
                *word = pair(*first, *second);
            }
            rest.fill(0);
            if let [value] = last {
                rest[0] = pair(*value, 0.0);
            }
        }
    }
}

/// Slot `slot` of columns of rows `width` apart, of which `source` holds `depth`: as many as `words`, from its start.
#[inline(always)]
fn pair_rows(source: &[f32], width: usize, depth: usize, slot: usize, words: &mut [u32]) {
    let row = |k: usize| (k < depth).then(|| &source[k * width..][..words.len()]);
    match (row(2 * slot), row(2 * slot + 1)) {
        (Some(first), Some(second)) => {
            words.iter_mut().zip(first.iter().zip(second)).for_each(|(word, (x, y))| *word = pair(*x, *y));
        }
        (Some(first), None) => words.iter_mut().zip(first).for_each(|(word, x)| *word = pair(*x, 0.0)),
        _ => words.fill(0),
    }
}

for_each_isa! {
    /// Packs a panel whose output `i` is column `i` of rows `width` apart, of which `source` holds `depth`: `count` columns from its start.
    /// Slots beyond the depth become zero; lanes beyond `count` are left as they are.
    pub(in crate::compute::cpu) fn pack_row_pairs(isa, source: &[f32], width: usize, depth: usize, count: usize, panel: &mut [u32]) {
        for (slot, lanes) in panel.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // Spelt out, because a loop of constant length is a few vectors.
            match count {
                LANES => pair_rows(source, width, depth, slot, &mut lanes[..LANES]),
                _ => pair_rows(source, width, depth, slot, &mut lanes[..count]),
            }
        }
    }
}

/// Packs a panel whose output `i` is row `range.start + i` of rows of `depth` values, one after the other in `source`.
pub(in crate::compute::cpu) fn pack_panel(
    isa: Isa,
    source: &[f32],
    depth: usize,
    range: Range<usize>,
    panel: &mut [u32],
) {
    for lane in (0..range.len()).step_by(16) {
        let count = 16.min(range.len() - lane);
        for slot in (0..slots(depth)).step_by(16) {
            let mut square: Square = [[0; 16]; 16];
            for (row, words) in square.iter_mut().enumerate().take(count) {
                let values = &source[(range.start + lane + row) * depth..][..depth];
                pack_square_row(isa, &values[(2 * slot).min(depth)..depth.min(2 * slot + 32)], words);
            }
            for (k, words) in transpose(isa, &square).iter().enumerate() {
                panel[(slot + k) * LANES + lane..][..count].copy_from_slice(&words[..count]);
            }
        }
    }
}

for_each_isa! {
    /// Up to 32 values into 16 words.
    fn pack_square_row(isa, values: &[f32], words: &mut [u32; 16]) {
        if let Ok(values) = <&[f32; 32]>::try_from(values) {
            *words = std::array::from_fn(|slot| pair(values[2 * slot], values[2 * slot + 1]));
        } else {
            for (word, values) in words.iter_mut().zip(values.chunks(2)) {
                *word = pair(values[0], values.get(1).copied().unwrap_or(0.0));
            }
        }
    }
}

/// Packs columns `columns` of rows `width` wide, one after the other in `source`, as rows of `slots(number of rows)` words.
pub(in crate::compute::cpu) fn pack_columns(
    isa: Isa,
    source: &[f32],
    width: usize,
    columns: Range<usize>,
    words: &mut [u32],
) {
    let depth = source.len() / width;
    let row_words = slots(depth);
    for column in columns.clone().step_by(16) {
        let count = 16.min(columns.end - column);
        for slot in (0..row_words).step_by(16) {
            let square = transpose(isa, &square_of_columns(isa, &source[column..], width, depth, slot, count));
            let first = (column - columns.start) * row_words + slot;
            for (row, turned) in square.iter().enumerate().take(count) {
                words[first + row * row_words..][..16].copy_from_slice(turned);
            }
        }
    }
}

for_each_isa! {
    /// Slots `slot ..` of `count` columns, as [`pair_rows`] has them.
    fn square_of_columns(isa, source: &[f32], width: usize, depth: usize, slot: usize, count: usize) -> Square {
        let mut square = [[0; 16]; 16];
        for (k, lanes) in square.iter_mut().enumerate() {
            match count {
                16 => pair_rows(source, width, depth, slot + k, &mut lanes[..16]),
                _ => pair_rows(source, width, depth, slot + k, &mut lanes[..count]),
            }
        }
        square
    }
}
