use super::RegressionScores;
use super::answers::largest;
use crate::data::Dataset;
use ndarray::{Array2, ArrayView2};

/// How good a network's answers on a data set are.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Evaluation {
    /// Number of examples.
    pub examples: usize,
    /// Mean loss: softmax cross-entropy for classes, mean squared error for numbers. Weighted by
    /// the data's weights.
    pub loss: f64,
    /// Share classified rightly, weighted likewise; none for numbers.
    pub accuracy: Option<f64>,
    /// `[true class, predicted class]`: number of examples, whatever their weights; none for
    /// numbers.
    pub confusion: Option<Array2<u64>>,
    /// How far predicted numbers are off, weighted likewise; none for classes.
    pub regression: Option<RegressionScores>,
}

/// The scores of one class. A ratio with nothing to divide by is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClassScores {
    /// Share of the examples taken for this class that are of it.
    pub precision: f64,
    /// Share of the examples of this class that were taken for it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Number of examples of this class; with none, recall says nothing.
    pub support: u64,
    /// Number of examples taken for this class; with none, precision says nothing.
    pub predicted: u64,
}

impl Evaluation {
    /// Of probabilities in double precision, examples × classes, of `data` with these labels.
    pub(super) fn of_probabilities(probabilities: ArrayView2<'_, f64>, labels: &[u32], data: &Dataset) -> Self {
        let (examples, classes) = probabilities.dim();
        let mut confusion = Array2::<u64>::zeros((classes, classes));
        let (mut loss, mut correct) = (0.0, 0.0);
        for (example, (row, &label)) in probabilities.rows().into_iter().zip(labels).enumerate() {
            let (weight, answer) = (f64::from(data.weight(example)), largest(row));
            loss -= weight * libm::log(row[label as usize]);
            correct += if answer == label as usize { weight } else { 0.0 };
            confusion[[label as usize, answer]] += 1;
        }
        let total = data.total_weight();
        let (loss, accuracy) = (loss / total, Some(correct / total));
        Evaluation { examples, loss, accuracy, confusion: Some(confusion), regression: None }
    }

    /// The scores of each class, in the classes' order; none for numbers.
    pub fn classes(&self) -> Vec<ClassScores> {
        let Some(confusion) = &self.confusion else { return Vec::new() };
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        (0..confusion.nrows())
            .map(|class| {
                let right = confusion[[class, class]];
                let support = confusion.row(class).sum();
                let predicted = confusion.column(class).sum();
                let precision = ratio(right, predicted);
                let recall = ratio(right, support);
                let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
                ClassScores { precision, recall, f1, support, predicted }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn class_scores_by_hand() {
        let confusion = Some(array![[8, 2, 0], [1, 9, 0], [5, 5, 0]]);
        let accuracy = Some(17.0 / 30.0);
        let scores = Evaluation { examples: 30, loss: 1.0, accuracy, confusion, regression: None }.classes();
        assert_eq!(scores[0].precision, 8.0 / 14.0);
        assert_eq!(scores[0].recall, 0.8);
        assert!((scores[0].f1 - 2.0 * 8.0 / (14.0 + 10.0)).abs() < 1e-12);
        assert_eq!(scores[2], ClassScores { precision: 0.0, recall: 0.0, f1: 0.0, support: 10, predicted: 0 });
    }
}
