use super::RegressionScores;
use super::answers::{answers, largest};
use super::calibration::labels_of;
use super::regression::RegressionSums;
use crate::data::{Dataset, Targets};
use crate::{Error, Result};
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
    /// Returns how good probabilities are that came from elsewhere, such as the mean of several
    /// networks': examples × classes, in the order of `data`.
    ///
    /// # Errors
    /// [`Error::Data`] when there is not one row an example, when they are no probabilities, when
    /// the data has numbers to predict, and when all its weights are 0.
    pub fn of_class_probabilities(probabilities: ArrayView2<'_, f64>, data: &Dataset) -> Result<Self> {
        let labels = labels_of(data, "evaluation")?;
        answers(probabilities, labels)?;
        data.check_weights()?;
        Ok(Evaluation::of_probabilities(probabilities, labels, data))
    }

    /// Returns how good predicted numbers are that came from elsewhere: examples × outputs, in the
    /// order and the units of `data`.
    ///
    /// # Errors
    /// [`Error::Data`] when there is not one row an example and one column an output, when the data
    /// has classes, and when all its weights are 0.
    pub fn of_numbers(predictions: ArrayView2<'_, f64>, data: &Dataset) -> Result<Self> {
        let Targets::Values(targets) = data.targets() else {
            return Err(Error::data("set", "has classes, and not numbers to predict"));
        };
        if predictions.dim() != targets.dim() {
            let reason = format!("{:?} predictions for {:?} targets", predictions.dim(), targets.dim());
            return Err(Error::data("predictions", reason));
        }
        data.check_weights()?;
        let mut sums = RegressionSums::new(data, targets.view());
        predictions.rows().into_iter().enumerate().for_each(|(row, values)| sums.add(row, values.iter().copied()));
        let (loss, regression) = (sums.mean_squared_error(), Some(sums.scores()));
        Ok(Evaluation { examples: data.len(), loss, accuracy: None, confusion: None, regression })
    }

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
    use super::super::{Predictor, answers::softmax};
    use super::*;
    use crate::nn::Mlp;
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

    #[test]
    fn answers_from_elsewhere_are_judged_as_a_network_s_own() {
        let x = Array2::from_shape_fn((6, 2), |(row, column)| (row * 3 + column) as f32 / 7.0);
        let mut predictor = Predictor::new(Mlp::builder(2, 3).hidden([4]).seed(1).build().unwrap(), 1);
        let weights = vec![1.0, 0.5, 0.0, 2.0, 1.0, 1.0];
        let classes = Dataset::classification(x.clone(), ["a", "b", "c", "a", "b", "a"]).unwrap();
        let classes = classes.with_weights(weights.clone()).unwrap();
        let own = predictor.evaluate(&classes).unwrap();
        let probabilities = softmax(predictor.predict(&classes).unwrap().view());
        let judged = Evaluation::of_class_probabilities(probabilities.view(), &classes).unwrap();
        assert!((own.loss - judged.loss).abs() < 1e-6, "{own:?} {judged:?}");
        assert_eq!((own.accuracy, own.confusion), (judged.accuracy, judged.confusion));
        let numbers = Dataset::regression(x, Array2::from_shape_fn((6, 3), |(row, column)| (row + column) as f32));
        let numbers = numbers.unwrap().with_weights(weights).unwrap();
        let outputs = predictor.predict(&numbers).unwrap().mapv(f64::from);
        let (own, judged) =
            (predictor.evaluate(&numbers).unwrap(), Evaluation::of_numbers(outputs.view(), &numbers).unwrap());
        assert!((own.loss - judged.loss).abs() < 1e-6 && own.regression == judged.regression);

        assert!(Evaluation::of_class_probabilities(outputs.view(), &classes).is_err(), "they are no probabilities");
        assert!(Evaluation::of_class_probabilities(probabilities.view(), &numbers).is_err());
        assert!(Evaluation::of_numbers(outputs.view(), &classes).is_err());
        assert!(Evaluation::of_numbers(outputs.slice(ndarray::s![1.., ..]), &numbers).is_err());
    }
}
