//! How far the units of a layer do the same.

use super::Histogram;
use crate::compute::Comoments;
use serde::{Deserialize, Serialize};

/// The absolute correlations |r| of all pairs of a layer's units over the examples, r being
/// Pearson's coefficient; units that give the same for every example have none and are left out.
/// Units that rely on each other answer alike, so much of it is a sign of the *co-adaptation* that
/// dropout is meant to prevent: G. Hinton, N. Srivastava, A. Krizhevsky, I. Sutskever and R.
/// Salakhutdinov, "Improving neural networks by preventing co-adaptation of feature detectors"
/// (arXiv:1207.0580, 2012). That paper does not measure it. M. Cogswell, F. Ahmed, R. Girshick, L.
/// Zitnick and D. Batra, "Reducing overfitting in deep networks by decorrelating representations",
/// ICLR 2016, take the covariances of pairs; correlations are those without the units' scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coadaptation {
    /// Units that vary, at least 2.
    pub units: usize,
    /// Their pairs.
    pub pairs: u64,
    /// The mean of |r|, from 0 to 1.
    pub mean: f64,
    /// Quantiles of |r|, rising: of 5, 25, 50, 75, 95 and 100 %.
    pub quantiles: Vec<Quantile>,
    /// |r| from 0 to 1, in 20 bins.
    pub histogram: Histogram,
}

/// A value that a share of all values does not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// The share, from 0 to 1.
    pub share: f64,
    /// The value; between two places, interpolated linearly (definition 7 of R. Hyndman and Y. Fan,
    /// "Sample quantiles in statistical packages", The American Statistician 50, 1996, as NumPy's).
    pub value: f64,
}

const SHARES: [f64; 6] = [0.05, 0.25, 0.5, 0.75, 0.95, 1.0];
const BINS: usize = 20;

impl Coadaptation {
    /// Of the columns `varying`; none of fewer than 2.
    pub(super) fn of(sums: &Comoments, varying: &[usize]) -> Option<Self> {
        let deviations: Vec<f64> = varying.iter().map(|&i| sums.sum(i, i).sqrt()).collect();
        let mut values = Vec::with_capacity(varying.len() * varying.len().saturating_sub(1) / 2);
        for (place, &i) in varying.iter().enumerate() {
            for (&j, deviation) in varying[place + 1..].iter().zip(&deviations[place + 1..]) {
                values.push((sums.sum(i, j) / deviations[place] / deviation).abs().min(1.0));
            }
        }
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let mut histogram = Histogram::new(0.0, 1.0, BINS);
        values.iter().for_each(|&value| histogram.add(value));
        values.sort_unstable_by(f64::total_cmp);
        let quantiles = SHARES.map(|share| Quantile { share, value: quantile(&values, share) }).to_vec();
        Some(Coadaptation { units: varying.len(), pairs: values.len() as u64, mean, quantiles, histogram })
    }
}

/// Of sorted values, at least one.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        // numpy.quantile([1, 2, 4, 8], [0, 0.25, 0.5, 0.95, 1])
        let seen = [0.0, 0.25, 0.5, 0.95, 1.0].map(|share| quantile(&sorted, share));
        for (seen, expected) in seen.iter().zip([1.0, 1.75, 3.0, 7.4, 8.0]) {
            assert!((seen - expected).abs() < 1e-12, "{seen} should be {expected}");
        }
        assert_eq!(quantile(&[0.3], 0.7), 0.3);
    }
}
