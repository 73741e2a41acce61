//! Laying out in the order of the products, rounded to bfloat16.

use super::Engine;
use crate::compute::cpu::blocking::AMX_K;
use crate::compute::cpu::matrix::MatView;
#[cfg(target_arch = "x86_64")]
use crate::compute::cpu::{blocking::BF16_MR, non_temporal::finish, transpose::Square};
use crate::compute::precision::bf16_bits;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Returns the words that a depth takes.
fn words_of(depth: usize) -> usize {
    depth.div_ceil(2).next_multiple_of(AMX_K)
}

/// Two neighbors in depth.
#[inline(always)]
fn pair(first: f32, second: f32) -> u32 {
    bf16_bits(first) | bf16_bits(second) << 16
}

/// Defines functions whose first parameter is an [`Engine`], with which come the instructions that
/// round.
macro_rules! packing {
    ($(
        $(#[$meta:meta])* [$($unsafe:ident)?] fn $name:ident($engine:ident, $($arg:ident: $type:ty),*) $body:block
    )*) => {$(
        $(#[$meta])*
        pub(in crate::compute::cpu) $($unsafe)? fn $name($engine: Engine, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
                $($unsafe)? fn rounding($engine: Engine, $($arg: $type),*) $body
                // SAFETY: that there is an engine says that the machine has these features, and
                // what else there is to promise has been.
                unsafe { rounding($engine, $($arg),*) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                let _ = ($($arg),*);
                match $engine {}
            }
        }
    )*};
}

packing! {
    /// Packs rows `width` wide, one after the other in `values`, each into as many words as that
    /// takes.
    [] fn pack_rows(engine, values: &[f32], width: usize, words: &mut [u32]) {
        for (values, words) in values.chunks_exact(width).zip(words.chunks_exact_mut(words_of(width))) {
            for (words, first) in words.as_chunks_mut().0.iter_mut().zip((0..).step_by(32)) {
                *words = neighbors(engine, &values[first.min(width)..width.min(first + 32)]);
            }
        }
    }

    /// Packs the columns of `source`, whose rows are the depth, into a panel. Words beyond the
    /// depth become zero; columns beyond those of `source` are left as they are.
    [] fn pack_panel(engine, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
        for (k, to) in panel.as_chunks_mut::<BF16_MR>().0.iter_mut().enumerate() {
            // Spelled out, because a loop of constant length is a few vectors.
            match source.columns {
                BF16_MR if non_temporal => {
                    let mut words = [0; BF16_MR];
                    columns(engine, source, k, &mut words);
                    engine.store_line(&words, to);
                }
                BF16_MR => columns(engine, source, k, &mut to[..BF16_MR]),
                count => columns(engine, source, k, &mut to[..count]),
            }
        }
        if non_temporal {
            finish();
        }
    }

    /// Packs the rows of `source` as the columns of a panel.
    [] fn pack_panel_of_rows(engine, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
        let depth = source.columns;
        for first in (0..source.rows).step_by(16) {
            let count = 16.min(source.rows - first);
            for k in (0..words_of(depth)).step_by(16) {
                let mut square: Square = [[0; 16]; 16];
                for (row, words) in square.iter_mut().enumerate().take(count) {
                    let values = source.row(first + row);
                    *words = neighbors(engine, &values[(2 * k).min(depth)..depth.min(2 * k + 32)]);
                }
                for (below, words) in engine.transpose(&square).iter().enumerate() {
                    let to = &mut panel[(k + below) * BF16_MR + first..];
                    match (to.first_chunk_mut(), count) {
                        (Some(to), 16) if non_temporal => engine.store_line(words, to),
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

    /// Packs the columns of `source` as rows, `stride` words apart. These are cache lines if
    /// `non_temporal`.
    ///
    /// # Safety
    /// The words may be written, and nobody else uses them now.
    [unsafe] fn pack_columns(engine, source: MatView<'_>, to: *mut u32, stride: usize, non_temporal: bool) {
        for first in (0..source.columns).step_by(16) {
            let count = 16.min(source.columns - first);
            let some = source.part(0, source.rows, first..first + count);
            for k in (0..words_of(source.rows)).step_by(16) {
                let mut square: Square = [[0; 16]; 16];
                for (below, words) in square.iter_mut().enumerate() {
                    match count {
                        16 => columns(engine, some, k + below, &mut words[..16]),
                        _ => columns(engine, some, k + below, &mut words[..count]),
                    }
                }
                for (row, words) in engine.transpose(&square).iter().enumerate().take(count) {
                    // SAFETY: sixteen of the words of a row, as promised.
                    let to = unsafe { &mut *to.add((first + row) * stride + k).cast::<[u32; 16]>() };
                    if non_temporal { engine.store_line(words, to) } else { *to = *words }
                }
            }
        }
        if non_temporal {
            finish();
        }
    }
}

/// Returns up to 32 neighbors as 16 words, zero beyond.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn neighbors(engine: Engine, values: &[f32]) -> [u32; 16] {
    if let Ok(values) = <&[f32; 32]>::try_from(values) {
        return engine.neighbors(values);
    }
    let mut words = [0; 16];
    for (word, values) in words.iter_mut().zip(values.chunks(2)) {
        *word = pair(values[0], values.get(1).copied().unwrap_or(0.0));
    }
    words
}

/// Writes the words at depth `k` of as many columns of `source` as there are `words`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn columns(engine: Engine, source: MatView<'_>, k: usize, words: &mut [u32]) {
    let count = words.len();
    let row = |row: usize| (row < source.rows).then(|| &source.data[row * source.stride..][..count]);
    match (row(2 * k), row(2 * k + 1)) {
        (Some(first), Some(second)) => {
            let ((firsts, rest), (seconds, below)) = (first.as_chunks(), second.as_chunks());
            let (vectors, words) = words.as_chunks_mut();
            for (words, (first, second)) in vectors.iter_mut().zip(firsts.iter().zip(seconds)) {
                *words = engine.columns(first, second);
            }
            words.iter_mut().zip(rest.iter().zip(below)).for_each(|(word, (x, y))| *word = pair(*x, *y));
        }
        (Some(first), None) => words.iter_mut().zip(first).for_each(|(word, x)| *word = pair(*x, 0.0)),
        _ => words.fill(0),
    }
}

/// The lower half of a vector of bfloat16 interleaved with the upper one.
#[cfg(target_arch = "x86_64")]
static INTERLEAVE: [u16; 32] = {
    let mut places = [0; 32];
    let mut lane = 0;
    while lane < 16 {
        places[2 * lane] = lane as u16;
        places[2 * lane + 1] = 16 + lane as u16;
        lane += 1;
    }
    places
};

#[cfg(target_arch = "x86_64")]
impl Engine {
    /// Rounds each number of one row, and the one below it. The conversion takes numbers below
    /// 1e-38 as 0, as the products do anyway.
    #[inline(always)]
    fn columns(self, first: &[f32; 16], second: &[f32; 16]) -> [u32; 16] {
        // SAFETY: the instructions are there, or there were no engine; vectors of 64 bytes.
        unsafe {
            let halves = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(second.as_ptr()), _mm512_loadu_ps(first.as_ptr()));
            let halves: __m512i = std::mem::transmute(halves);
            let places = _mm512_loadu_si512(INTERLEAVE.as_ptr().cast());
            std::mem::transmute(_mm512_permutexvar_epi16(places, halves))
        }
    }

    /// Rounds each number of even place, and the next.
    #[inline(always)]
    fn neighbors(self, values: &[f32; 32]) -> [u32; 16] {
        // SAFETY: as above.
        unsafe {
            let (low, high) = (_mm512_loadu_ps(values.as_ptr()), _mm512_loadu_ps(values.as_ptr().add(16)));
            std::mem::transmute(_mm512_cvtne2ps_pbh(high, low))
        }
    }

    /// Rows for columns.
    #[inline(always)]
    fn transpose(self, square: &Square) -> Square {
        // SAFETY: AVX512-BF16 comes with AVX512F.
        unsafe { crate::compute::cpu::transpose::avx512(square) }
    }

    /// Stores whole cache lines past the caches.
    #[inline(always)]
    fn store_line<const WORDS: usize>(self, words: &[u32; WORDS], to: &mut [u32; WORDS]) {
        assert!(to.as_ptr().addr().is_multiple_of(64));
        for (words, to) in words.as_chunks::<16>().0.iter().zip(to.as_chunks_mut::<16>().0) {
            // SAFETY: as above; `to` is whole cache lines.
            unsafe { _mm512_stream_si512(to.as_mut_ptr().cast(), _mm512_loadu_si512(words.as_ptr().cast())) };
        }
    }
}
