//! Laying out in the order of the products, rounded to bfloat16.

use super::Engine;
#[cfg(target_arch = "x86_64")]
use super::round::Hardware;
use super::round::{Round, pair};
use crate::compute::cpu::blocking::{AMX_K, BF16_MR};
use crate::compute::cpu::matrix::MatView;
use crate::compute::cpu::non_temporal::finish;
use crate::compute::cpu::transpose::Square;

/// Returns the words that a depth takes.
fn words_of(depth: usize) -> usize {
    depth.div_ceil(2).next_multiple_of(AMX_K)
}

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
    /// Packs rows `width` wide, one after the other in `values`, each into as many words as that
    /// takes.
    [] pack_rows(values: &[f32], width: usize, words: &mut [u32]) by rows
}

packing! {
    /// Packs the columns of `source`, whose rows are the depth, into a panel. Words beyond the
    /// depth become zero; columns beyond those of `source` are left as they are.
    [] pack_panel(source: MatView<'_>, panel: &mut [u32], non_temporal: bool) by panel_of_columns
}

packing! {
    /// Packs the rows of `source` as the columns of a panel.
    [] pack_panel_of_rows(source: MatView<'_>, panel: &mut [u32], non_temporal: bool) by panel_of_rows
}

packing! {
    /// Packs the columns of `source` as rows, `stride` words apart. These are cache lines if
    /// `non_temporal`.
    ///
    /// # Safety
    /// The words may be written, and nobody else uses them now.
    [unsafe] pack_columns(source: MatView<'_>, to: *mut u32, stride: usize, non_temporal: bool) by columns_as_rows
}

#[inline(always)]
fn rows(round: &impl Round, values: &[f32], width: usize, words: &mut [u32]) {
    for (values, words) in values.chunks_exact(width).zip(words.chunks_exact_mut(words_of(width))) {
        for (words, first) in words.as_chunks_mut().0.iter_mut().zip((0..).step_by(32)) {
            *words = neighbors(round, &values[first.min(width)..width.min(first + 32)]);
        }
    }
}

/// Returns up to 32 neighbors as 16 words, zero beyond.
#[inline(always)]
fn neighbors(round: &impl Round, values: &[f32]) -> [u32; 16] {
    if let Ok(values) = <&[f32; 32]>::try_from(values) {
        return round.neighbors(values);
    }
    let mut words = [0; 16];
    for (word, values) in words.iter_mut().zip(values.chunks(2)) {
        *word = pair(values[0], values.get(1).copied().unwrap_or(0.0));
    }
    words
}

/// Writes the words at depth `k` of as many columns of `source` as there are `words`.
#[inline(always)]
fn columns(round: &impl Round, source: MatView<'_>, k: usize, words: &mut [u32]) {
    let count = words.len();
    let row = |row: usize| (row < source.rows).then(|| &source.data[row * source.stride..][..count]);
    match (row(2 * k), row(2 * k + 1)) {
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
fn panel_of_columns(round: &impl Round, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
    for (k, to) in panel.as_chunks_mut::<BF16_MR>().0.iter_mut().enumerate() {
        // Spelled out, because a loop of constant length is a few vectors.
        match source.columns {
            BF16_MR if non_temporal => {
                let mut words = [0; BF16_MR];
                columns(round, source, k, &mut words);
                round.store_line(&words, to);
            }
            BF16_MR => columns(round, source, k, &mut to[..BF16_MR]),
            count => columns(round, source, k, &mut to[..count]),
        }
    }
    if non_temporal {
        finish();
    }
}

#[inline(always)]
fn panel_of_rows(round: &impl Round, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
    let depth = source.columns;
    for first in (0..source.rows).step_by(16) {
        let count = 16.min(source.rows - first);
        for k in (0..words_of(depth)).step_by(16) {
            let mut square: Square = [[0; 16]; 16];
            for (row, words) in square.iter_mut().enumerate().take(count) {
                let values = source.row(first + row);
                *words = neighbors(round, &values[(2 * k).min(depth)..depth.min(2 * k + 32)]);
            }
            for (below, words) in round.transpose(&square).iter().enumerate() {
                let to = &mut panel[(k + below) * BF16_MR + first..];
                match (to.first_chunk_mut(), count) {
                    (Some(to), 16) if non_temporal => round.store_line(words, to),
                    (Some(to), 16) => *to = *words,
                    _ => to[..count].copy_from_slice(&words[..count]),
                }
            }
        }
    }
    if non_temporal {
        finish();
    }
}

/// # Safety
/// See [`pack_columns`].
#[inline(always)]
unsafe fn columns_as_rows(round: &impl Round, source: MatView<'_>, to: *mut u32, stride: usize, non_temporal: bool) {
    for first in (0..source.columns).step_by(16) {
        let count = 16.min(source.columns - first);
        let some = source.part(0, source.rows, first..first + count);
        for k in (0..words_of(source.rows)).step_by(16) {
            let mut square: Square = [[0; 16]; 16];
            for (below, words) in square.iter_mut().enumerate() {
                match count {
                    16 => columns(round, some, k + below, &mut words[..16]),
                    _ => columns(round, some, k + below, &mut words[..count]),
                }
            }
            for (row, words) in round.transpose(&square).iter().enumerate().take(count) {
                // SAFETY: sixteen of the words of a row, as promised.
                let to = unsafe { &mut *to.add((first + row) * stride + k).cast::<[u32; 16]>() };
                if non_temporal { round.store_line(words, to) } else { *to = *words }
            }
        }
    }
    if non_temporal {
        finish();
    }
}
