use serde::{Deserialize, Serialize};

/// How good averaged answers are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AverageScore {
    /// The share of the examples whose most probable class, of the averaged probabilities, is not
    /// theirs; from 0 to 1.
    pub error: f64,
    /// The mean of −ln of the averaged probability of the example's class, in nats.
    pub loss: f64,
}

/// So many networks averaged, some times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AveragingPoint {
    /// Number of networks or masked passes, at least 1.
    pub members: u32,
    /// The scores, at least one, each of other members.
    pub repetitions: Vec<AverageScore>,
}

impl AveragingPoint {
    /// The mean over the repetitions.
    pub fn mean(&self) -> AverageScore {
        let count = self.repetitions.len() as f64;
        let mean = |of: fn(&AverageScore) -> f64| self.repetitions.iter().map(of).sum::<f64>() / count;
        AverageScore { error: mean(|one| one.error), loss: mean(|one| one.loss) }
    }

    /// The standard deviation over the repetitions, divided by one less than their number; none of
    /// one.
    pub fn standard_deviation(&self) -> Option<AverageScore> {
        let AverageScore { error, loss } = self.mean();
        let less = self.repetitions.len().checked_sub(1).filter(|&less| less > 0)? as f64;
        let deviation = |mean: f64, of: fn(&AverageScore) -> f64| {
            (self.repetitions.iter().map(|one| (of(one) - mean).powi(2)).sum::<f64>() / less).sqrt()
        };
        Some(AverageScore { error: deviation(error, |one| one.error), loss: deviation(loss, |one| one.loss) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_by_hand() {
        let scores = [(0.25, 1.0), (0.75, 2.0), (0.5, 6.0)].map(|(error, loss)| AverageScore { error, loss });
        let point = AveragingPoint { members: 5, repetitions: scores.to_vec() };
        assert_eq!(point.mean(), AverageScore { error: 0.5, loss: 3.0 });
        assert_eq!(point.standard_deviation(), Some(AverageScore { error: 0.25, loss: 7.0f64.sqrt() }));
        let one = AveragingPoint { members: 5, repetitions: scores[..1].to_vec() };
        assert_eq!((one.mean(), one.standard_deviation()), (scores[0], None));
    }
}
