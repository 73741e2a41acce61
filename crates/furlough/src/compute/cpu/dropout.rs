//! Mask words, sixty-four units at a time.

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::simd::Level;
use crate::nn::{Dropout, DropoutKind, MaskKey};
use crate::random::{Key, MULTIPLIERS, ROUNDS, Stream, WEYL};
use std::num::NonZeroU32;

/// What is done to a unit, given its word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Noise {
    /// Zero below the threshold, times the scale above.
    Drop,
    /// Times 1 + `deviation` · normal(word).
    Gaussian { deviation: f32 },
    /// `dropped` below the threshold, times the scale plus `shift` above.
    Alpha { shift: f32, dropped: f32 },
}

/// The masks of one layer in one step, decided but for its id: all a kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerMask {
    /// The Philox key of each round.
    keys: [[u32; 2]; ROUNDS],
    pub(super) step: u32,
    site: u32,
    /// Rows that share a mask, u32::MAX standing for a whole batch; 0 where none do.
    group: u32,
    pub(super) threshold: u32,
    pub(super) scale: f32,
    /// T = 2^32, which no 32-bit threshold can say: every unit is dropped.
    pub(super) drops_all: bool,
    pub(super) noise: Noise,
    /// Block of 64 units that counts as the first.
    first: u32,
    /// Whose kernels ask; AVX-512 and AVX2 have ways of their own.
    #[cfg(target_arch = "x86_64")]
    isa: Isa,
}

impl LayerMask {
    /// None when dropout does nothing, or nothing to units that is decided beforehand.
    pub(super) fn new(isa: Isa, dropout: Dropout, site: &MaskKey, layer: u32) -> Option<Self> {
        let _ = isa; // only where it decides something
        if dropout.is_identity() || !dropout.kind().is_of_units() {
            return None;
        }
        let mut key = site.key.words();
        let keys = std::array::from_fn(|_| {
            let round = key;
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
            round
        });
        Some(LayerMask {
            keys,
            step: site.step,
            site: Key::site(site.stream, layer),
            group: match site.stream {
                Stream::MonteCarlo => 0,
                _ => dropout.sharing().group_size().map_or(0, NonZeroU32::get),
            },
            threshold: u32::try_from(dropout.threshold()).unwrap_or(u32::MAX),
            scale: dropout.scale(),
            drops_all: dropout.threshold() > u64::from(u32::MAX),
            noise: match dropout.kind() {
                DropoutKind::Bernoulli | DropoutKind::DropConnect | DropoutKind::Concrete => Noise::Drop,
                DropoutKind::Gaussian => Noise::Gaussian { deviation: dropout.deviation() },
                DropoutKind::Alpha => {
                    let (shift, dropped) = dropout.alpha_shifts();
                    Noise::Alpha { shift, dropped }
                }
            },
            first: 0,
            #[cfg(target_arch = "x86_64")]
            isa,
        })
    }

    /// The masks of the layer's units from `unit`, a multiple of 64, on, which then count as the
    /// first.
    pub(super) fn starting_at(self, unit: usize) -> Self {
        debug_assert!(unit.is_multiple_of(64), "whole blocks");
        LayerMask { first: self.first + (unit / 64) as u32, ..self }
    }

    /// [`Dropout::mask_id`]: which mask row `row` of the batch takes.
    #[inline(always)]
    pub(super) fn id(&self, row: usize, example: u32) -> u32 {
        (row as u32).checked_div(self.group).unwrap_or(example)
    }

    /// The words of units `64 * block ..` in mask `id`, in the order of the units.
    ///
    /// Sixteen counters at a time. The high half of a product comes from two 64-bit
    /// multiplications, of the lanes' even and odd words, so no word is ever widened or narrowed;
    /// the low half from a 32-bit one. (Shifting it together from the 64-bit products costs more:
    /// compilers fold that shift into a 64-bit low multiplication, three times as slow.)
    #[inline(always)]
    pub(super) fn words(&self, id: u32, block: u32) -> [u32; 64] {
        let block = self.first + block;
        #[cfg(target_arch = "x86_64")]
        match self.isa.0 {
            // SAFETY: this Isa exists only where the features were detected.
            Level::Avx512 => return unsafe { self.words_avx512(id, block) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { self.words_avx2(id, block) },
            Level::Baseline => {}
        }
        let first = 16 * block;
        let mut c0: [u32; 16] = std::array::from_fn(|lane| first + lane as u32);
        let mut c1 = [id; 16];
        let mut c2 = [self.step; 16];
        let mut c3 = [self.site; 16];
        for [k0, k1] in self.keys {
            let (high0, low0) = multiply(c0, MULTIPLIERS[0]);
            let (high1, low1) = multiply(c2, MULTIPLIERS[1]);
            c0 = std::array::from_fn(|lane| high1[lane] ^ c1[lane] ^ k0);
            c2 = std::array::from_fn(|lane| high0[lane] ^ c3[lane] ^ k1);
            (c1, c3) = (low1, low0);
        }
        let mut words = [0; 64];
        for (out, lanes) in words.as_chunks_mut().0.iter_mut().zip([c0, c1, c2, c3]) {
            *out = lanes;
        }
        words
    }

    /// [`Self::words`] with each word in a lane of 64 bits whose upper half does not matter: so
    /// both halves of a product are where they are wanted, the three-way XOR is one instruction,
    /// and nothing is moved between lanes before the end. 0.34 instead of 0.42 ns a unit; compilers
    /// find none of it by themselves.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn words_avx512(&self, id: u32, block: u32) -> [u32; 64] {
        use std::arch::x86_64::*;
        const XOR: i32 = 0x96;
        let lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
        let first = _mm512_add_epi64(lanes, _mm512_set1_epi64(i64::from(16 * block)));
        let second = _mm512_add_epi64(first, _mm512_set1_epi64(8));
        let [m0, m1] = MULTIPLIERS.map(|multiplier| _mm512_set1_epi64(i64::from(multiplier)));
        let mut c0 = [first, second];
        let mut c1 = [_mm512_set1_epi32(id as i32); 2];
        let mut c2 = [_mm512_set1_epi32(self.step as i32); 2];
        let mut c3 = [_mm512_set1_epi32(self.site as i32); 2];
        for [k0, k1] in self.keys {
            let (k0, k1) = (_mm512_set1_epi32(k0 as i32), _mm512_set1_epi32(k1 as i32));
            for half in 0..2 {
                let product0 = _mm512_mul_epu32(c0[half], m0);
                let product1 = _mm512_mul_epu32(c2[half], m1);
                c0[half] = _mm512_ternarylogic_epi32::<XOR>(_mm512_srli_epi64::<32>(product1), c1[half], k0);
                c2[half] = _mm512_ternarylogic_epi32::<XOR>(_mm512_srli_epi64::<32>(product0), c3[half], k1);
                (c1[half], c3[half]) = (product1, product0);
            }
        }
        let evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let words = [c0, c1, c2, c3].map(|[low, high]| _mm512_permutex2var_epi32(low, evens, high));
        // SAFETY: four vectors of sixteen words.
        unsafe { std::mem::transmute(words) }
    }

    /// [`Self::words_avx512`] with vectors of half the length: eight counters at a time, whose
    /// state is eight of the sixteen registers.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    fn words_avx2(&self, id: u32, block: u32) -> [u32; 64] {
        use std::arch::x86_64::*;
        let lanes = _mm256_setr_epi64x(0, 1, 2, 3);
        let [m0, m1] = MULTIPLIERS.map(|multiplier| _mm256_set1_epi64x(i64::from(multiplier)));
        let mut words = [0u32; 64];
        for eight in 0..2 {
            let first = _mm256_add_epi64(lanes, _mm256_set1_epi64x(i64::from(16 * block + 8 * eight)));
            let mut c0 = [first, _mm256_add_epi64(first, _mm256_set1_epi64x(4))];
            let mut c1 = [_mm256_set1_epi32(id as i32); 2];
            let mut c2 = [_mm256_set1_epi32(self.step as i32); 2];
            let mut c3 = [_mm256_set1_epi32(self.site as i32); 2];
            for [k0, k1] in self.keys {
                let (k0, k1) = (_mm256_set1_epi32(k0 as i32), _mm256_set1_epi32(k1 as i32));
                let high = |product: __m256i, word: __m256i, key: __m256i| {
                    _mm256_xor_si256(_mm256_srli_epi64::<32>(product), _mm256_xor_si256(word, key))
                };
                for half in 0..2 {
                    let product0 = _mm256_mul_epu32(c0[half], m0);
                    let product1 = _mm256_mul_epu32(c2[half], m1);
                    c0[half] = high(product1, c1[half], k0);
                    c2[half] = high(product0, c3[half], k1);
                    (c1[half], c3[half]) = (product1, product0);
                }
            }
            for (place, [low, high]) in [c0, c1, c2, c3].into_iter().enumerate() {
                // The lower words of both, two by two, then in order.
                let pairs = _mm256_shuffle_ps::<0b10_00_10_00>(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high));
                let eight_words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_castps_si256(pairs));
                let out = &mut words[16 * place + 8 * eight as usize..][..8];
                // SAFETY: eight words.
                unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), eight_words) };
            }
        }
        words
    }
}

/// High and low halves of `words * multiplier`.
#[inline(always)]
fn multiply(words: [u32; 16], multiplier: u32) -> ([u32; 16], [u32; 16]) {
    let mut high = [0; 16];
    for (high, pair) in high.as_chunks_mut::<2>().0.iter_mut().zip(words.as_chunks::<2>().0) {
        let lanes = u64::from(pair[0]) | u64::from(pair[1]) << 32;
        let even = (lanes & 0xFFFF_FFFF) * u64::from(multiplier);
        let odd = (lanes >> 32) * u64::from(multiplier);
        let joined = (even >> 32) | (odd & !0xFFFF_FFFF);
        *high = [joined as u32, (joined >> 32) as u32];
    }
    (high, words.map(|word| word.wrapping_mul(multiplier)))
}
