//! Mask words, sixty-four units at a time.

use crate::nn::{Dropout, MaskSite};
use crate::random::{Key, MULTIPLIERS, ROUNDS, WEYL};

/// The masks of one layer in one step, decided but for the example: all a kernel needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerMask {
    /// The Philox key of each round, in both halves of a 64-bit lane.
    keys: [[u64; 2]; ROUNDS],
    step: u32,
    site: u32,
    pub(super) threshold: u32,
    pub(super) scale: f32,
    /// T = 2^32, which no 32-bit threshold can say: every unit is dropped.
    pub(super) drops_all: bool,
}

impl LayerMask {
    /// None when dropout does nothing.
    pub(super) fn new(dropout: Dropout, site: &MaskSite, layer: u32) -> Option<Self> {
        if dropout.is_identity() {
            return None;
        }
        let mut key = site.key.words();
        let keys = std::array::from_fn(|_| {
            let round = key.map(both_halves);
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
            round
        });
        Some(LayerMask {
            keys,
            step: site.step,
            site: Key::site(site.stream, layer),
            threshold: u32::try_from(dropout.threshold()).unwrap_or(u32::MAX),
            scale: dropout.scale(),
            drops_all: dropout.threshold() > u64::from(u32::MAX),
        })
    }

    /// The words of units `64 * block ..` of an example, in the order of the units.
    ///
    /// Sixteen counters run in eight 64-bit lanes, two in each: a 64-bit multiplication of the low or the high half
    /// gives the full product of one counter, so no lane ever has to be widened or narrowed.
    #[inline(always)]
    pub(super) fn words(&self, example: u32, block: u32) -> [u32; 64] {
        const LOW: u64 = 0xFFFF_FFFF;
        let first = 16 * block;
        let mut c0: [u64; 8] = std::array::from_fn(|lane| {
            let even = u64::from(first + 2 * lane as u32);
            even | (even + 1) << 32
        });
        let mut c1 = [both_halves(example); 8];
        let mut c2 = [both_halves(self.step); 8];
        let mut c3 = [both_halves(self.site); 8];
        for [k0, k1] in self.keys {
            let mut next = [[0u64; 8]; 4];
            for lane in 0..8 {
                let even0 = (c0[lane] & LOW) * u64::from(MULTIPLIERS[0]);
                let odd0 = (c0[lane] >> 32) * u64::from(MULTIPLIERS[0]);
                let even1 = (c2[lane] & LOW) * u64::from(MULTIPLIERS[1]);
                let odd1 = (c2[lane] >> 32) * u64::from(MULTIPLIERS[1]);
                next[0][lane] = ((even1 >> 32) | (odd1 & !LOW)) ^ c1[lane] ^ k0;
                next[1][lane] = (even1 & LOW) | (odd1 << 32);
                next[2][lane] = ((even0 >> 32) | (odd0 & !LOW)) ^ c3[lane] ^ k1;
                next[3][lane] = (even0 & LOW) | (odd0 << 32);
            }
            [c0, c1, c2, c3] = next;
        }
        let mut words = [0; 64];
        for (word, lanes) in [c0, c1, c2, c3].iter().enumerate() {
            for (lane, pair) in lanes.iter().enumerate() {
                words[16 * word + 2 * lane] = *pair as u32;
                words[16 * word + 2 * lane + 1] = (*pair >> 32) as u32;
            }
        }
        words
    }
}

const fn both_halves(word: u32) -> u64 {
    word as u64 | (word as u64) << 32
}
