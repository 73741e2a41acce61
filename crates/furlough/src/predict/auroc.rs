//! How well scores put positive examples above negative ones.

/// Examples in the order of their scores, from which the area under the ROC curve follows for any
/// weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The places of the examples, the lowest score first, and whether the score is another than
    /// that before.
    order: Vec<(u32, bool)>,
    positive: Vec<bool>,
}

impl Ranking {
    /// Sorts examples, at most 2³² − 1 of them, by their scores; `positive` says which are of the
    /// class that high scores are for.
    ///
    /// # Panics
    /// When there is not one score an example.
    pub fn new(scores: impl IntoIterator<Item = f64>, positive: Vec<bool>) -> Self {
        let scores: Vec<f64> = scores.into_iter().collect();
        assert_eq!(scores.len(), positive.len(), "one score an example");
        let mut places: Vec<u32> = (0..scores.len() as u32).collect();
        places.sort_by(|&a, &b| scores[a as usize].total_cmp(&scores[b as usize]));
        let differs = |at: usize| at == 0 || scores[places[at] as usize] != scores[places[at - 1] as usize];
        let order = (0..places.len()).map(|at| (places[at], differs(at))).collect();
        Ranking { order, positive }
    }

    /// Returns the area under the ROC curve of examples with these weights, of at least 0: the
    /// probability that a positive one has a higher score than a negative one, each drawn by its
    /// weight, where equal scores count half. 1 is perfect and 0.5 is chance; none where there are
    /// no positive or no negative ones.
    ///
    /// It is the statistic of Mann and Whitney over its largest value: J. Hanley and B. McNeil,
    /// "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    /// Radiology 143 (1982).
    ///
    /// ```
    /// use furlough::predict::Ranking;
    /// let ranking = Ranking::new([0.1, 0.4, 0.35, 0.8], vec![false, false, true, true]);
    /// assert_eq!(ranking.auroc(|_| 1.0), Some(0.75));
    /// ```
    pub fn auroc(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut area, mut negatives, mut positives) = (0.0, 0.0, 0.0);
        // Those of the present score.
        let (mut negative, mut positive) = (0.0, 0.0);
        for &(place, differs) in &self.order {
            if differs {
                area += positive * (negatives + negative / 2.0);
                (negatives, positives) = (negatives + negative, positives + positive);
                (negative, positive) = (0.0, 0.0);
            }
            let place = place as usize;
            *(if self.positive[place] { &mut positive } else { &mut negative }) += weight(place);
        }
        area += positive * (negatives + negative / 2.0);
        let pairs = (negatives + negative) * (positives + positive);
        (pairs > 0.0).then(|| area / pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 8] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.1];
    const POSITIVE: [bool; 8] = [false, false, true, true, true, false, false, true];

    #[test]
    fn every_pair_counts_once_and_equals_half() {
        let weights = [1.0, 0.5, 2.0, 0.0, 3.0, 1.0, 0.25, 1.5];
        let ranking = Ranking::new(SCORES, POSITIVE.to_vec());
        for weights in [[1.0; 8], weights] {
            let (mut area, mut pairs) = (0.0, 0.0);
            for above in (0..8).filter(|&place| POSITIVE[place]) {
                for below in (0..8).filter(|&place| !POSITIVE[place]) {
                    let pair = weights[above] * weights[below];
                    let won = f64::from(u8::from(SCORES[above] > SCORES[below]));
                    let tied = f64::from(u8::from(SCORES[above] == SCORES[below]));
                    area += pair * (won + tied / 2.0);
                    pairs += pair;
                }
            }
            let found = ranking.auroc(|place| weights[place]).unwrap();
            assert!((found - area / pairs).abs() < 1e-15, "{found}, by pairs {}", area / pairs);
        }
    }

    /// scikit-learn 1.9: `roc_auc_score`, without and with `sample_weight`.
    #[test]
    fn the_figures_are_those_of_scikit_learn() {
        let ranking = Ranking::new(SCORES, POSITIVE.to_vec());
        let close = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-15, "{found:?}");
        close(ranking.auroc(|_| 1.0), 0.40625);
        let weights = [1.0, 0.5, 2.0, 0.0, 3.0, 1.0, 0.25, 1.5];
        close(ranking.auroc(|place| weights[place]), 0.4475524475524475);
    }

    #[test]
    fn one_kind_alone_has_no_area() {
        assert_eq!(Ranking::new([0.5, 0.5], vec![true, true]).auroc(|_| 1.0), None);
        assert_eq!(Ranking::new([0.5, 0.6], vec![true, false]).auroc(|place| place as f64), None);
        assert_eq!(Ranking::new([0.5, 0.5], vec![true, false]).auroc(|_| 1.0), Some(0.5));
    }
}
