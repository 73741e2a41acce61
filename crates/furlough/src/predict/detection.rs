//! How well doubts tell examples of another kind from known ones.

use super::Ranking;
use serde::{Deserialize, Serialize};

/// How well a doubt, which should be greater for examples unlike those that were learned from,
/// tells them from others.
///
/// D. Hendrycks and K. Gimpel, "A baseline for detecting misclassified and out-of-distribution
/// examples in neural networks", ICLR 2017; the last figure is that of S. Liang, Y. Li and R.
/// Srikant, "Enhancing the reliability of out-of-distribution image detection in neural networks",
/// ICLR 2018.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Area under the ROC curve: the probability that an unlike example has the greater doubt of
    /// two, where equal ones count half. 0.5 is chance, 1 is best.
    pub auroc: f64,
    /// Area under the curve of precision and recall with unlike examples as positive ones, by the
    /// sum over steps (*average precision*). Chance is their share.
    pub auprc: f64,
    /// Share of the unlike examples whose doubt is not above the one that 95 % of the known ones do
    /// not exceed. 0.95 is chance, 0 is best.
    pub fpr95: f64,
}

impl Detection {
    /// Compares the doubts of known examples with those of unlike ones; none where either is empty.
    ///
    /// ```
    /// use furlough::predict::Detection;
    /// let found = Detection::of(&[0.1, 0.2, 0.3, 0.6], &[0.5, 0.7]).unwrap();
    /// assert_eq!((found.auroc, found.fpr95), (0.875, 0.5));
    /// assert!((found.auprc - (1.0 / 2.0 + 2.0 / 3.0 / 2.0)).abs() < 1e-15);
    /// ```
    pub fn of(known: &[f64], unlike: &[f64]) -> Option<Self> {
        let doubts = || known.iter().chain(unlike).copied();
        let is_unlike: Vec<bool> = (0..known.len() + unlike.len()).map(|place| place >= known.len()).collect();
        let auroc = Ranking::new(doubts(), is_unlike.clone()).auroc(|_| 1.0)?;
        let mut sorted: Vec<(f64, bool)> = doubts().zip(is_unlike).collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut found, mut before, mut auprc) = (0, 0, 0.0);
        for (place, &(doubt, is_unlike)) in sorted.iter().enumerate() {
            found += usize::from(is_unlike);
            // Equals are told together.
            if sorted.get(place + 1).is_none_or(|next| next.0 != doubt) {
                auprc += (found - before) as f64 * found as f64 / (place + 1) as f64;
                before = found;
            }
        }
        let mut least = known.to_vec();
        least.sort_by(f64::total_cmp);
        let limit = least[(0.95 * known.len() as f64).ceil() as usize - 1];
        let taken = unlike.iter().filter(|&&doubt| doubt <= limit).count();
        let count = unlike.len() as f64;
        Some(Detection { auroc, auprc: auprc / count, fpr95: taken as f64 / count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9: `roc_auc_score` and `average_precision_score`.
    #[test]
    fn the_areas_are_those_of_scikit_learn() {
        let known = [0.1, 0.4, 0.35, 0.8, 0.4, 0.2, 0.0];
        let found = Detection::of(&known, &[0.4, 0.9, 0.1, 0.85]).unwrap();
        assert!((found.auroc - AUROC).abs() < 1e-15, "{}", found.auroc);
        assert!((found.auprc - AUPRC).abs() < 1e-15, "{}", found.auprc);
        assert_eq!(found.fpr95, 0.5);
    }

    const AUROC: f64 = 0.7321428571428571;
    const AUPRC: f64 = 0.725;

    #[test]
    fn what_never_differs_is_chance() {
        let found = Detection::of(&[0.5; 30], &[0.5; 10]).unwrap();
        assert_eq!(found, Detection { auroc: 0.5, auprc: 0.25, fpr95: 1.0 });
        assert_eq!(Detection::of(&[], &[0.5]), None);
        assert_eq!(Detection::of(&[0.5], &[]), None);
        assert_eq!(Detection::of(&[0.1], &[0.5]), Some(Detection { auroc: 1.0, auprc: 1.0, fpr95: 0.0 }));
    }
}
