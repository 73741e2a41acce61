//! Hashes of cells, and a sample of them that tells how many are different.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xd6e8_feb8_6659_fd93;

/// Multiplies to 128 bits and folds the halves: each bit of the result depends on all of the
/// arguments'.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

/// Returns the hash of a word. The same word has the same hash everywhere.
pub(crate) fn of_word(word: u64) -> u64 {
    fold(fold(word ^ FIRST, SECOND) ^ FIRST, SECOND)
}

/// Returns the hash of a number. 0 and -0 are the same.
pub(crate) fn of_number(number: f64) -> u64 {
    of_word((number + 0.0).to_bits())
}

/// Returns the hash of a text.
pub(crate) fn of_text(text: &str) -> u64 {
    let (eights, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let start = text.len() as u64 ^ FIRST;
    let hash = eights.iter().fold(start, |hash, eight| fold(hash ^ u64::from_le_bytes(*eight), SECOND));
    of_word(hash ^ u64::from_le_bytes(last))
}

/// Returns the hash of a row so far and of one more cell.
pub(crate) fn with(row: u64, cell: u64) -> u64 {
    fold(row ^ cell, SECOND).wrapping_add(FIRST)
}

/// A hasher of what is a hash already.
#[derive(Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = of_word(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// A map whose keys are hashes.
pub(crate) type ByHash<T> = HashMap<u64, T, BuildHasherDefault<Hashed>>;

/// How often each of some hashes came: of all, or of those that begin with so many zero bits.
/// Equal things have equal hashes, so the part that is kept stands for the whole: "adaptive
/// sampling", Flajolet, Computing 43, 1990. What is counted is exact as long as all fit.
#[derive(Debug)]
pub(crate) struct HashSample {
    counts: ByHash<u64>,
    /// How many zero bits a hash begins with that is kept.
    zeros: u32,
    room: usize,
}

impl HashSample {
    /// Begins with nothing, and room for so many different hashes.
    pub(crate) fn new(room: usize) -> Self {
        HashSample { counts: ByHash::default(), zeros: 0, room }
    }

    /// Counts a hash.
    pub(crate) fn add(&mut self, hash: u64) {
        // The map takes the last bits for its own purposes.
        if hash.leading_zeros() < self.zeros {
            return;
        }
        *self.counts.entry(hash).or_insert(0) += 1;
        while self.counts.len() > self.room {
            self.zeros += 1;
            self.counts.retain(|hash, _| hash.leading_zeros() >= self.zeros);
        }
    }

    /// Whether each hash was counted.
    pub(crate) fn is_exact(&self) -> bool {
        self.zeros == 0
    }

    /// Returns about how many different hashes there were.
    pub(crate) fn distinct(&self) -> u64 {
        (self.counts.len() as u64) << self.zeros
    }

    /// Returns about how many times a hash came that had come before.
    pub(crate) fn repeated(&self) -> u64 {
        self.counts.values().map(|count| count - 1).sum::<u64>() << self.zeros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_counted_and_the_rest_is_estimated_in_flat_memory() {
        let mut exact = HashSample::new(1000);
        (0..1500u64).for_each(|i| exact.add(of_word(i % 500)));
        assert_eq!((exact.distinct(), exact.repeated(), exact.is_exact()), (500, 1000, true));
        let mut sample = HashSample::new(4096);
        (0..1_000_000u64).for_each(|i| sample.add(of_word(i % 750_000)));
        assert!(!sample.is_exact() && sample.counts.len() <= 4096);
        for (found, expected) in [(sample.distinct(), 750_000.0), (sample.repeated(), 250_000.0)] {
            let off = (found as f64 - expected).abs() / expected;
            assert!(off < 0.1, "{found} {expected}");
        }
    }

    #[test]
    fn texts_that_differ_have_hashes_that_differ() {
        let texts: Vec<String> = (0..20_000).map(|i| format!("{i:x}").repeat(1 + i % 7)).collect();
        let hashes: std::collections::HashSet<u64> = texts.iter().map(|text| of_text(text)).collect();
        let different: std::collections::HashSet<&String> = texts.iter().collect();
        assert_eq!(hashes.len(), different.len());
        assert_ne!(of_text(""), of_text("\0"));
        assert_eq!(of_number(0.0), of_number(-0.0));
    }
}
