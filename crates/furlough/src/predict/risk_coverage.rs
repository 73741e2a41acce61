//! How many answers are wrong, if only the surest ones are given.

use super::answers::answers;
use crate::Result;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// What is gained by not answering: the share of wrong answers (*risk*) beside the share of
/// examples that are answered (*coverage*), for each confidence from which answers are given. The
/// confidence of an answer is its probability.
///
/// R. El-Yaniv and Y. Wiener, "On the foundations of noise-free selective classification", JMLR 11
/// (2010); for neural networks Y. Geifman and R. El-Yaniv, "Selective classification for deep
/// neural networks", NeurIPS 2017.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// Number of examples.
    pub examples: u64,
    /// The curve, from the surest answers to all of them; at most [`RiskCoverage::POINTS`].
    pub points: Vec<RiskPoint>,
}

/// What comes of giving the answers that are so sure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// The least confidence of an answer that is given.
    pub confidence: f64,
    /// How many are given, at least 1.
    pub answered: u64,
    /// How many of these are wrong.
    pub wrong: u64,
}

impl RiskPoint {
    /// Returns the share of the given answers that are wrong.
    pub fn risk(&self) -> f64 {
        self.wrong as f64 / self.answered as f64
    }
}

impl RiskCoverage {
    /// So many points there are at most: of more confidences, evenly many are left out between two.
    pub const POINTS: usize = 200;

    /// Measures probabilities, examples × classes, by the classes that are right.
    ///
    /// ```
    /// use furlough::predict::RiskCoverage;
    /// let probabilities = ndarray::array![[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]];
    /// let curve = RiskCoverage::of(probabilities.view(), &[0, 0, 1, 1])?;
    /// let risks: Vec<f64> = curve.points.iter().map(|point| point.risk()).collect();
    /// assert_eq!(risks, [0.0, 0.0, 1.0 / 3.0, 0.5]);
    /// assert_eq!(curve.at_most(0.1).unwrap().confidence, 0.8);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when there is no example, not one label an example, a
    /// label is not a class, or a probability is not one.
    pub fn of<P: Copy + Into<f64>>(probabilities: ArrayView2<'_, P>, labels: &[u32]) -> Result<Self> {
        let mut given: Vec<(f64, bool)> = answers(probabilities, labels)?
            .iter()
            .zip(labels)
            .map(|(answer, &label)| (answer.confidence, answer.class != label as usize))
            .collect();
        given.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut points, mut wrong): (Vec<RiskPoint>, u64) = (Vec::new(), 0);
        for (place, &(confidence, is_wrong)) in given.iter().enumerate() {
            wrong += u64::from(is_wrong);
            // Equals are answered together.
            if given.get(place + 1).is_none_or(|next| next.0 != confidence) {
                points.push(RiskPoint { confidence, answered: place as u64 + 1, wrong });
            }
        }
        let step = points.len().div_ceil(Self::POINTS).max(1);
        let last = points.len() - 1;
        let kept = |(place, point)| ((last - place) % step == 0).then_some(point);
        let points = points.into_iter().enumerate().filter_map(kept).collect();
        Ok(RiskCoverage { examples: given.len() as u64, points })
    }

    /// Returns where most is answered with a share of wrong answers of at most `risk`; none where
    /// even the surest answers are worse.
    pub fn at_most(&self, risk: f64) -> Option<&RiskPoint> {
        self.points.iter().rev().find(|point| point.risk() <= risk)
    }

    /// Returns the share of examples that are answered at a point.
    pub fn coverage(&self, point: &RiskPoint) -> f64 {
        point.answered as f64 / self.examples as f64
    }

    /// Returns the area under the curve, the mean risk over all coverages: 0 is best.
    pub fn area(&self) -> f64 {
        let mut before = 0;
        let mut strip = |point: &RiskPoint| {
            let width = point.answered - before;
            before = point.answered;
            width as f64 * point.risk()
        };
        self.points.iter().map(&mut strip).sum::<f64>() / self.examples as f64
    }

    /// Returns why this cannot have been measured; none where it can.
    pub fn contradiction(&self) -> Option<&'static str> {
        let mut before = RiskPoint { confidence: f64::INFINITY, answered: 0, wrong: 0 };
        for &point in &self.points {
            let rises = point.answered > before.answered && point.wrong >= before.wrong;
            let wrong =
                point.wrong - before.wrong.min(point.wrong) <= point.answered - before.answered.min(point.answered);
            if !(rises && wrong && point.confidence < before.confidence && point.confidence >= 0.0) {
                return Some("its curve of risk and coverage is none");
            }
            before = point;
        }
        (before.answered != self.examples || self.examples == 0).then_some("its curve of risk and coverage has no end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn equals_are_answered_together_and_the_area_is_the_mean_of_the_risks() {
        let probabilities = array![[0.75, 0.25], [0.75, 0.25], [0.5, 0.5], [0.0, 1.0]];
        let curve = RiskCoverage::of(probabilities.view(), &[0, 1, 1, 1]).unwrap();
        let seen: Vec<(f64, u64, u64)> = curve.points.iter().map(|p| (p.confidence, p.answered, p.wrong)).collect();
        assert_eq!(seen, [(1.0, 1, 0), (0.75, 3, 1), (0.5, 4, 2)]);
        assert!((curve.area() - (0.0 + 2.0 / 3.0 + 0.5) / 4.0).abs() < 1e-15);
        assert_eq!(curve.contradiction(), None);
        assert_eq!(curve.at_most(0.5).unwrap().answered, 4);
        assert_eq!(curve.coverage(curve.at_most(0.4).unwrap()), 0.75);
    }

    #[test]
    fn even_the_surest_may_be_too_often_wrong() {
        let curve = RiskCoverage::of(array![[1.0, 0.0], [0.6, 0.4]].view(), &[1, 1]).unwrap();
        assert!(curve.at_most(0.9).is_none());
        assert!(RiskCoverage::of(Array2::<f64>::zeros((0, 2)).view(), &[]).is_err());
    }

    #[test]
    fn many_confidences_keep_their_ends() {
        let probabilities = Array2::from_shape_fn((1001, 2), |(row, class)| match class {
            0 => 0.5 + row as f64 / 2100.0,
            _ => 0.5 - row as f64 / 2100.0,
        });
        let labels: Vec<u32> = (0..1001).map(|row| u32::from(row % 10 == 0)).collect();
        let curve = RiskCoverage::of(probabilities.view(), &labels).unwrap();
        assert!(curve.points.len() <= RiskCoverage::POINTS && curve.points.len() > 150);
        let last = curve.points.last().unwrap();
        assert_eq!((last.confidence, last.answered, last.wrong), (0.5, 1001, 101));
        assert_eq!(curve.contradiction(), None);
    }

    #[test]
    fn what_is_no_curve_is_seen() {
        let point = |confidence, answered, wrong| RiskPoint { confidence, answered, wrong };
        for points in [
            vec![],
            vec![point(0.9, 1, 0)],
            vec![point(0.9, 2, 3)],
            vec![point(0.9, 1, 1), point(0.8, 2, 0)],
            vec![point(0.8, 1, 0), point(0.9, 2, 0)],
            vec![point(f64::NAN, 2, 0)],
            vec![point(0.9, 2, 0), point(0.8, 2, 0)],
        ] {
            let curve = RiskCoverage { examples: 2, points };
            assert!(curve.contradiction().is_some(), "{curve:?}");
        }
    }
}
