//! Bounds and sets for the rows that networks answered for.

use super::network::NetworkAnswers;
use super::{ConformalScores, IntervalMethod};
use crate::error::Result;
use ndarray::Array2;

/// Where the true answers lie with the probability that was asked for, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowInterval {
    /// Bounds in the targets' units, rows × targets.
    Numbers {
        /// The lower ones.
        low: Array2<f64>,
        /// The upper ones.
        high: Array2<f64>,
    },
    /// The places of classes, ascending; none where no class is likely enough.
    Classes(Vec<Vec<u32>>),
}

/// Which of the scores is the limit of an interval or a set.
pub(super) struct IntervalRank {
    rank: f64,
    /// That of each class by its own rows, where sets go by these.
    by_class: Option<Vec<f64>>,
}

impl IntervalRank {
    /// # Errors
    /// Those of [`ConformalScores::rank`] and [`ConformalScores::class_ranks`].
    pub(super) fn new(scores: &ConformalScores, confidence: f64, by_class: bool) -> Result<Self> {
        let by_class = by_class.then(|| scores.class_ranks(confidence)).transpose()?;
        Ok(IntervalRank { rank: scores.rank(confidence)?, by_class })
    }
}

/// Returns bounds or sets for the rows that networks answered for.
pub(super) fn interval_of(
    scores: &ConformalScores,
    answers: &NetworkAnswers,
    (rank, method): (&IntervalRank, IntervalMethod),
    is_classes: bool,
) -> RowInterval {
    let IntervalRank { rank, by_class } = rank;
    let rank = *rank;
    let mean = answers.mean();
    let centers: Vec<Array2<f64>> = match method {
        IntervalMethod::Mean => vec![mean.clone(); scores.folds.len()],
        IntervalMethod::CvPlus => {
            scores.folds.iter().map(|fold| answers.mean_of(fold.members.iter().copied())).collect()
        }
    };
    let (rows, outputs) = mean.dim();
    let mut own = vec![0.0; centers.len()];
    if is_classes {
        let mut set = |row: usize| -> Vec<u32> {
            let is_in = |&class: &u32| {
                own.iter_mut().zip(&centers).for_each(|(own, center)| *own = 1.0 - center[[row, class as usize]]);
                match by_class {
                    Some(ranks) => scores.class_holds(class as usize, &own, ranks[class as usize]),
                    None => scores.holds(&own, rank),
                }
            };
            (0..outputs as u32).filter(is_in).collect()
        };
        return RowInterval::Classes((0..rows).map(&mut set).collect());
    }
    let (mut low, mut high) = (mean.clone(), mean);
    for target in 0..outputs {
        // Around the mean all rows have one width.
        let width = scores.limit(target, &own, rank);
        for row in 0..rows {
            let answer = high[[row, target]];
            let (lower, upper) = if method == IntervalMethod::Mean {
                (answer - width, answer + width)
            } else {
                let mut limit = |sign: f64| {
                    own.iter_mut().zip(&centers).for_each(|(own, center)| *own = sign * center[[row, target]]);
                    sign * scores.limit(target, &own, rank)
                };
                (limit(-1.0), limit(1.0))
            };
            // The answer itself is never outside.
            (low[[row, target]], high[[row, target]]) = (lower.min(answer), upper.max(answer));
        }
        own.fill(0.0);
    }
    RowInterval::Numbers { low, high }
}
