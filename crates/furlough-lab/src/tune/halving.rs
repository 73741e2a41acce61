//! Successive halving: many trials begin, and at each rung only the best go on.
//!
//! K. Jamieson and A. Talwalkar, *Non-stochastic best arm identification and hyperparameter
//! optimization*, AISTATS 2016; the rungs are those of L. Li et al., *A system for massively
//! parallel hyperparameter tuning* (ASHA), MLSys 2020. ASHA promotes whenever a worker is free, so
//! that what it tries depends on timing; here a generation is compared when all of it has come to
//! the rung.

/// Of how many trials one goes on at each rung, and how much longer it is trained.
pub const REDUCTION: u32 = 3;

/// The epochs after which trials are compared, ascending; the last is `epochs`, at least 1. At most
/// three rungs.
///
/// ```
/// use furlough_lab::tune::rungs;
/// assert_eq!(rungs(30), [4, 10, 30]);
/// assert_eq!(rungs(10), [2, 4, 10]);
/// assert_eq!(rungs(1), [1]);
/// ```
pub fn rungs(epochs: u32) -> Vec<u32> {
    let mut rungs: Vec<u32> = [REDUCTION * REDUCTION, REDUCTION, 1].iter().map(|by| epochs.div_ceil(*by)).collect();
    rungs.dedup();
    rungs
}

/// How many of so many trials go on at a rung: a third, rounded down, and one at the least.
pub fn places(trials: usize) -> usize {
    if trials == 0 { 0 } else { (trials / REDUCTION as usize).max(1) }
}

/// Which trials go on: the places of the lowest scores, best first; of equal scores the earlier
/// one. A score that is not finite never goes on.
///
/// ```
/// use furlough_lab::tune::promoted;
/// assert_eq!(promoted(&[0.4, 0.1, 0.3, 0.2, f64::INFINITY, 0.5]), [1, 3]);
/// assert!(promoted(&[f64::INFINITY]).is_empty());
/// ```
pub fn promoted(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|&at| scores[at].is_finite()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order.truncate(places(scores.len()));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_goes_on() {
        for (trials, on) in [(0, 0), (1, 1), (2, 1), (3, 1), (5, 1), (6, 2), (9, 3), (27, 9)] {
            let scores: Vec<f64> = (0..trials).map(|i| f64::from((i * 7 + 3) % 31)).collect();
            let best = promoted(&scores);
            assert_eq!(best.len(), on);
            let worst_in = best.iter().map(|&i| scores[i]).fold(f64::NEG_INFINITY, f64::max);
            let others = scores.iter().enumerate().filter(|(i, _)| !best.contains(i));
            assert!(others.into_iter().all(|(_, score)| *score >= worst_in));
        }
        assert_eq!(promoted(&[0.2, 0.2, 0.2]), [0]);
        assert_eq!(promoted(&[f64::NAN, 0.9, f64::INFINITY]), [1]);
    }

    #[test]
    fn rungs_ascend_to_the_last_epoch() {
        for epochs in 1..200 {
            let rungs = rungs(epochs);
            assert!(rungs.is_sorted() && rungs[0] >= 1 && rungs.last() == Some(&epochs) && rungs.len() <= 3);
            assert!(rungs.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
