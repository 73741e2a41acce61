//! Laying out in the order of the products, rounded to bfloat16.

#[cfg(target_arch = "x86_64")]
use super::round::Hardware;
use super::round::{Round, pair};
use super::{Engine, LANES, slots};
use crate::compute::cpu::stream;
use crate::compute::cpu::transpose::Square;
use std::ops::Range;

/// Defines a function that rounds by the instructions that come with every engine.
macro_rules! packing {
    ($(#[$meta:meta])* [$($unsafe:ident)?] $name:ident($($arg:ident: $type:ty),*) by $body:ident) => {
        $(#[$meta])*
        pub(in crate::compute::cpu) $($unsafe)? fn $name(engine: Engine, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
                $($unsafe)? fn hardware($($arg: $type),*) {
                    // SAFETY: these are the features, and what else there is to promise has been.
                    unsafe { $body(&Hardware::new(), $($arg),*) }
                }
                let _ = engine;
                // SAFETY: that there is an engine says that the machine has them.
                unsafe { hardware($($arg),*) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                let _ = ($($arg),*);
                match engine {}
            }
        }
    };
}

packing! {
    /// Rows `width` wide, one after the other in `values`, into rows of `slots(width)` words.
    [] pack_rows(values: &[f32], width: usize, words: &mut [u32]) by rows
}

packing! {
    /// Packs a panel whose output `i` is column `i` of rows `width` apart, of which `source` holds `depth`: `count` columns from its start.
    /// Slots beyond the depth become zero; lanes beyond `count` are left as they are. Whole slots go past the caches if `streaming`.
    [] pack_row_pairs(source: (&[f32], usize), shape: (usize, usize), panel: &mut [u32], streaming: bool) by row_pairs
}

packing! {
    /// Packs a panel whose output `i` is row `range.start + i` of rows of `depth` values, one after the other in `source`. What are whole lines of cache goes past the
    /// caches if `streaming`.
    [] pack_panel(source: (&[f32], usize, Range<usize>), panel: &mut [u32], streaming: bool) by panel_of_rows
}

packing! {
    /// Packs columns of rows `width` apart, of which `source` holds `depth`: `count` columns from its start, as rows of `slots(depth)` words, so far apart. Past the
    /// caches if `streaming`; then rows begin at lines of cache.
    ///
    /// # Safety
    /// These words may be written, and nobody else uses them now.
    [unsafe] pack_columns(source: (&[f32], usize), shape: (usize, usize), to: (*mut u32, usize), streaming: bool) by columns_as_rows
}

#[inline(always)]
fn rows(round: &impl Round, values: &[f32], width: usize, words: &mut [u32]) {
    for (values, words) in values.chunks_exact(width).zip(words.chunks_exact_mut(slots(width))) {
        for (words, values) in
            words.as_chunks_mut().0.iter_mut().zip((0..).step_by(32).map(|k| &values[k.min(width)..]))
        {
            *words = neighbours(round, &values[..values.len().min(32)]);
        }
    }
}

/// Up to 32 neighbours as 16 words, zero beyond.
#[inline(always)]
fn neighbours(round: &impl Round, values: &[f32]) -> [u32; 16] {
    if let Ok(values) = <&[f32; 32]>::try_from(values) {
        return round.neighbours(values);
    }
    let mut words = [0; 16];
    for (word, values) in words.iter_mut().zip(values.chunks(2)) {
        *word = pair(values[0], values.get(1).copied().unwrap_or(0.0));
    }
    words
}

/// Slot `slot` of columns of rows `width` apart, of which `source` holds `depth`: as many as `words`, from its start.
#[inline(always)]
fn columns(round: &impl Round, source: &[f32], width: usize, depth: usize, slot: usize, words: &mut [u32]) {
    let count = words.len();
    let row = |k: usize| (k < depth).then(|| &source[k * width..][..count]);
    match (row(2 * slot), row(2 * slot + 1)) {
        (Some(first), Some(second)) => {
            let ((firsts, rest), (seconds, below)) = (first.as_chunks(), second.as_chunks());
            let (vectors, words) = words.as_chunks_mut();
            for (words, (first, second)) in vectors.iter_mut().zip(firsts.iter().zip(seconds)) {
                *words = round.columns(first, second);
            }
            words.iter_mut().zip(rest.iter().zip(below)).for_each(|(word, (x, y))| *word = pair(*x, *y));
        }
        (Some(first), None) => words.iter_mut().zip(first).for_each(|(word, x)| *word = pair(*x, 0.0)),
        _ => words.fill(0),
    }
}

#[inline(always)]
fn row_pairs(
    round: &impl Round,
    (source, width): (&[f32], usize),
    (depth, count): (usize, usize),
    panel: &mut [u32],
    streaming: bool,
) {
    for (slot, lanes) in panel.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        // Spelt out, because a loop of constant length is a few vectors.
        match count {
            LANES if streaming => {
                let mut words = [0; LANES];
                columns(round, source, width, depth, slot, &mut words);
                round.stream(&words, lanes);
            }
            LANES => columns(round, source, width, depth, slot, &mut lanes[..LANES]),
            _ => columns(round, source, width, depth, slot, &mut lanes[..count]),
        }
    }
    if streaming {
        stream::finish();
    }
}

#[inline(always)]
fn panel_of_rows(
    round: &impl Round,
    (source, depth, range): (&[f32], usize, Range<usize>),
    panel: &mut [u32],
    streaming: bool,
) {
    for lane in (0..range.len()).step_by(16) {
        let count = 16.min(range.len() - lane);
        for slot in (0..slots(depth)).step_by(16) {
            let mut square: Square = [[0; 16]; 16];
            for (row, words) in square.iter_mut().enumerate().take(count) {
                let values = &source[(range.start + lane + row) * depth..][..depth];
                *words = neighbours(round, &values[(2 * slot).min(depth)..depth.min(2 * slot + 32)]);
            }
            for (k, words) in round.transpose(&square).iter().enumerate() {
                let to = &mut panel[(slot + k) * LANES + lane..];
                match (to.first_chunk_mut(), count) {
                    (Some(to), 16) if streaming => round.stream(words, to),
                    (Some(to), 16) => *to = *words,
                    _ => to[..count].copy_from_slice(&words[..count]),
                }
            }
        }
    }
    if streaming {
        stream::finish();
    }
}

/// # Safety
/// See [`pack_columns`].
#[inline(always)]
unsafe fn columns_as_rows(
    round: &impl Round,
    (source, width): (&[f32], usize),
    (depth, count): (usize, usize),
    (to, apart): (*mut u32, usize),
    streaming: bool,
) {
    for column in (0..count).step_by(16) {
        let some = 16.min(count - column);
        for slot in (0..slots(depth)).step_by(16) {
            let mut square: Square = [[0; 16]; 16];
            for (k, lanes) in square.iter_mut().enumerate() {
                match some {
                    16 => columns(round, &source[column..], width, depth, slot + k, &mut lanes[..16]),
                    _ => columns(round, &source[column..], width, depth, slot + k, &mut lanes[..some]),
                }
            }
            for (row, turned) in round.transpose(&square).iter().enumerate().take(some) {
                // SAFETY: sixteen of the words of a row, as promised.
                let to = unsafe { &mut *to.add((column + row) * apart + slot).cast::<[u32; 16]>() };
                match streaming {
                    true => round.stream(turned, to),
                    false => *to = *turned,
                }
            }
        }
    }
    if streaming {
        stream::finish();
    }
}
