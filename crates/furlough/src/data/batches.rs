use super::Dataset;
use crate::random::{Key, Stream, shuffle};

/// Some examples of a data set, by their ids. An example's id is its row in the data set, wherever
/// it stands in the batch; its dropout mask depends on the id and not on the place.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Where the rows are.
    pub data: &'a Dataset,
    /// Which rows, in the order they are computed.
    pub examples: &'a [u32],
}

impl Batch<'_> {
    /// Returns the numbers that the examples' masks go by: their ids, but for rows of a file.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.examples.iter().map(|&example| self.data.number(example)).collect()
    }
}

/// Fills `order` with the examples `0 .. order.len()` in the order of an epoch (from 0): a pure
/// function of the seed and the epoch, so that a run resumed in the middle of an epoch goes on with
/// the same rows. [`shuffle`] has the rule.
pub fn epoch_order(key: Key, epoch: u32, order: &mut [u32]) {
    for (place, example) in order.iter_mut().enumerate() {
        *example = place as u32;
    }
    shuffle(order, |counter| key.draw(Stream::Shuffle, 0, counter, 0, epoch));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64, epoch: u32, n: usize) -> Vec<u32> {
        let mut order = vec![0; n];
        epoch_order(Key::new(seed), epoch, &mut order);
        order
    }

    #[test]
    fn is_a_permutation_that_changes_with_seed_and_epoch() {
        for n in [1, 2, 3, 64, 1001] {
            let mut sorted = order(7, 3, n);
            sorted.sort_unstable();
            assert!(sorted.iter().enumerate().all(|(i, &e)| e == i as u32));
        }
        assert_eq!(order(7, 3, 1001), order(7, 3, 1001));
        assert_ne!(order(7, 3, 1001), order(7, 4, 1001));
        assert_ne!(order(7, 3, 1001), order(8, 3, 1001));
    }

    #[test]
    fn every_permutation_of_four_is_as_likely() {
        let mut counts = std::collections::HashMap::new();
        let draws = 24_000;
        for epoch in 0..draws {
            *counts.entry(order(1, epoch, 4)).or_insert(0u32) += 1;
        }
        // Chi-squared with 23 degrees of freedom: 58.6 is exceeded with probability 6e-5.
        let expected = f64::from(draws) / 24.0;
        let chi2: f64 = counts.values().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert_eq!(counts.len(), 24);
        assert!(chi2 < 58.6, "chi-squared {chi2}");
    }

    /// Frozen: a change here changes every recorded run.
    #[test]
    fn known_answers() {
        assert_eq!(order(0, 0, 8), ORDER_0_0_8);
    }
    const ORDER_0_0_8: [u32; 8] = [3, 5, 0, 2, 6, 4, 1, 7];
}
