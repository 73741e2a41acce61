//! Sixteen pairs at a time: rounding to bfloat16 and transposing squares.

use crate::compute::cpu::transpose::Square;
use crate::compute::precision::bf16_bits;

/// Two neighbors in depth.
#[inline(always)]
pub(super) fn pair(first: f32, second: f32) -> u32 {
    bf16_bits(first) | bf16_bits(second) << 16
}

/// How packing rounds: a trait, so that the layouts compile on every architecture.
pub(super) trait Round {
    /// Each number of one row with the one below it.
    fn columns(&self, first: &[f32; 16], second: &[f32; 16]) -> [u32; 16];

    /// Each number of even place with the next.
    fn neighbors(&self, values: &[f32; 32]) -> [u32; 16];

    /// Rows for columns.
    fn transpose(&self, square: &Square) -> Square;

    /// Stores whole cache lines past the caches.
    fn store_line<const WORDS: usize>(&self, words: &[u32; WORDS], to: &mut [u32; WORDS]);
}

#[cfg(target_arch = "x86_64")]
pub(super) use hardware::Hardware;

#[cfg(target_arch = "x86_64")]
mod hardware {
    use super::{Round, Square};
    use crate::compute::cpu::transpose::avx512 as transpose;
    use std::arch::x86_64::{
        __m512i, _mm512_cvtne2ps_pbh, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_permutexvar_epi16,
        _mm512_stream_si512,
    };

    /// By the conversion of AVX512-BF16, which takes numbers below 1e-38 as 0, as the products do
    /// anyway.
    pub(in super::super) struct Hardware(());

    impl Hardware {
        /// # Safety
        /// The machine has AVX512-BF16 and AVX512BW.
        pub(in super::super) unsafe fn new() -> Self {
            Hardware(())
        }
    }

    /// The lower half of a vector of bfloat16 interleaved with the upper one.
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

    impl Round for Hardware {
        #[inline(always)]
        fn columns(&self, first: &[f32; 16], second: &[f32; 16]) -> [u32; 16] {
            // SAFETY: the instructions are there, as who made `self` has promised; vectors of 64
            // bytes.
            unsafe {
                let halves = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(second.as_ptr()), _mm512_loadu_ps(first.as_ptr()));
                let halves: __m512i = std::mem::transmute(halves);
                let places = _mm512_loadu_si512(INTERLEAVE.as_ptr().cast());
                std::mem::transmute(_mm512_permutexvar_epi16(places, halves))
            }
        }

        #[inline(always)]
        fn neighbors(&self, values: &[f32; 32]) -> [u32; 16] {
            // SAFETY: as above.
            unsafe {
                let (low, high) = (_mm512_loadu_ps(values.as_ptr()), _mm512_loadu_ps(values.as_ptr().add(16)));
                std::mem::transmute(_mm512_cvtne2ps_pbh(high, low))
            }
        }

        #[inline(always)]
        fn transpose(&self, square: &Square) -> Square {
            // SAFETY: AVX512-BF16 comes with AVX512F.
            unsafe { transpose(square) }
        }

        #[inline(always)]
        fn store_line<const WORDS: usize>(&self, words: &[u32; WORDS], to: &mut [u32; WORDS]) {
            assert!(to.as_ptr().addr().is_multiple_of(64));
            for (words, to) in words.as_chunks::<16>().0.iter().zip(to.as_chunks_mut::<16>().0) {
                // SAFETY: as above; `to` is whole cache lines.
                unsafe { _mm512_stream_si512(to.as_mut_ptr().cast(), _mm512_loadu_si512(words.as_ptr().cast())) };
            }
        }
    }
}
