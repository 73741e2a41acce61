//! How far predicted numbers are off.

use crate::data::Dataset;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// How far a network's predictions of numbers are off, output by output. Each figure is
/// scikit-learn's, with the data's weights as `sample_weight`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegressionScores {
    /// Those of each output.
    pub outputs: Vec<OutputScores>,
    /// Their means over the outputs.
    pub mean: OutputScores,
}

/// How far the predictions y of one output are off its targets t, over examples with weights w.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OutputScores {
    /// Root mean squared error, √(Σ w (y − t)² / Σ w).
    pub rmse: f64,
    /// Mean absolute error, Σ w |y − t| / Σ w.
    pub mae: f64,
    /// Coefficient of determination, 1 − Σ w (y − t)² / Σ w (t − m)², where m is the weighted mean
    /// of the targets. 1 is perfect; predicting m gives 0, and worse is below 0. Where all targets
    /// are equal it is 1 if the predictions are, too, and 0 otherwise.
    pub r2: f64,
}

/// The sums of errors that the scores are made of.
pub(super) struct RegressionSums<'a> {
    data: &'a Dataset,
    targets: ArrayView2<'a, f32>,
    /// Of each output: the weighted squares, and the weighted absolute errors.
    sums: Vec<[f64; 2]>,
    /// The weighted squares of all outputs.
    squares: f64,
}

impl<'a> RegressionSums<'a> {
    /// Begins with nothing; `targets` are those of the data.
    pub(super) fn new(data: &'a Dataset, targets: ArrayView2<'a, f32>) -> Self {
        RegressionSums { data, targets, sums: vec![[0.0; 2]; targets.ncols()], squares: 0.0 }
    }

    /// Adds an example's predictions.
    pub(super) fn add(&mut self, example: usize, predictions: impl Iterator<Item = f64>) {
        let weight = f64::from(self.data.weight(example));
        let targets = self.targets.row(example);
        for ((prediction, &target), [squares, absolutes]) in predictions.zip(targets).zip(&mut self.sums) {
            let error = prediction - f64::from(target);
            let square = weight * error.powi(2);
            *squares += square;
            *absolutes += weight * error.abs();
            self.squares += square;
        }
    }

    /// Returns the loss that these errors are: the mean over the outputs of the squares' means.
    pub(super) fn mean_squared_error(&self) -> f64 {
        self.squares / (self.data.total_weight() * self.sums.len() as f64)
    }

    /// Returns the scores, once all examples have been added.
    pub(super) fn scores(&self) -> RegressionScores {
        let total = self.data.total_weight();
        let weighted = |output: usize, of: &dyn Fn(f64) -> f64| -> f64 {
            let targets = self.targets.column(output);
            let terms =
                targets.iter().enumerate().map(|(example, &t)| f64::from(self.data.weight(example)) * of(t.into()));
            terms.sum()
        };
        let score = |(output, &[squares, absolutes]): (usize, &[f64; 2])| {
            let mean = weighted(output, &|target| target) / total;
            let spread = weighted(output, &|target| (target - mean).powi(2));
            // By the targets, because a weighted mean of equal ones may be off by rounding.
            let column = self.targets.column(output);
            let mut seen = (0..column.len()).filter(|&example| self.data.weight(example) > 0.0).map(|at| column[at]);
            let first = seen.next();
            let r2 = match seen.all(|target| Some(target) == first) {
                true if squares == 0.0 => 1.0,
                true => 0.0,
                false => 1.0 - squares / spread,
            };
            OutputScores { rmse: (squares / total).sqrt(), mae: absolutes / total, r2 }
        };
        let outputs: Vec<OutputScores> = self.sums.iter().enumerate().map(score).collect();
        let mean = |of: fn(&OutputScores) -> f64| outputs.iter().map(of).sum::<f64>() / outputs.len() as f64;
        RegressionScores {
            mean: OutputScores { rmse: mean(|s| s.rmse), mae: mean(|s| s.mae), r2: mean(|s| s.r2) },
            outputs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// The scores of predictions against targets, as [`RegressionSums`] adds them up.
    fn scores(
        targets: ndarray::Array2<f32>,
        predictions: ndarray::Array2<f64>,
        weights: Option<&[f32]>,
    ) -> RegressionScores {
        let mut data = Dataset::regression(ndarray::Array2::zeros((targets.nrows(), 1)), targets.clone()).unwrap();
        if let Some(weights) = weights {
            data = data.with_weights(weights.to_vec()).unwrap();
        }
        let mut sums = RegressionSums::new(&data, targets.view());
        predictions.rows().into_iter().enumerate().for_each(|(row, values)| sums.add(row, values.iter().copied()));
        let scores = sums.scores();
        let squares = scores.outputs.iter().map(|output| output.rmse.powi(2)).sum::<f64>();
        assert!((sums.mean_squared_error() - squares / scores.outputs.len() as f64).abs() < 1e-12);
        scores
    }

    /// scikit-learn 1.9: `root_mean_squared_error`, `mean_absolute_error` and `r2_score`, with
    /// `multioutput` of raw values and of their uniform average.
    #[test]
    fn the_figures_are_those_of_scikit_learn() {
        let targets = || array![[0.5f32, 1.0], [-1.0, 1.0], [7.0, -6.0], [2.0, 2.0]];
        let predictions = || array![[0.0, 2.0], [-1.0, 2.0], [8.0, -5.0], [2.5, 2.0]];
        let figures = |s: OutputScores| [s.rmse, s.mae, s.r2];
        let close = |found: OutputScores, expected: [f64; 3]| {
            assert!(
                figures(found).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14),
                "{found:?}, not {expected:?}"
            );
        };
        let found = scores(targets(), predictions(), None);
        close(found.outputs[0], [0.6123724356957945, 0.5, 0.9585492227979274]);
        close(found.outputs[1], [0.8660254037844386, 0.75, 0.926829268292683]);
        close(found.mean, [0.7391989197401165, 0.625, 0.9426892455453052]);
        let found = scores(targets(), predictions(), Some(&[1.0, 0.5, 2.0, 0.0]));
        close(found.outputs[0], [0.8017837257372732, 0.7142857142857143, 0.9473684210526316]);
        close(found.outputs[1], [1.0, 1.0, 0.9166666666666666]);
        close(found.mean, [0.9008918628686367, 0.8571428571428572, 0.9320175438596492]);
    }

    #[test]
    fn targets_that_do_not_vary_are_explained_wholly_or_not_at_all() {
        let r2 = |targets, predictions| scores(targets, predictions, None).mean.r2;
        assert_eq!(r2(array![[3.0], [3.0]], array![[3.0], [3.0]]), 1.0);
        assert_eq!(r2(array![[3.0], [3.0]], array![[3.0], [4.0]]), 0.0);
        assert_eq!((r2(array![[3.0]], array![[3.0]]), r2(array![[3.0]], array![[2.0]])), (1.0, 0.0));
        // Such weights give a mean that is not quite 3.1.
        let weights = Some(&[0.1, 0.3, 0.7, 0.0][..]);
        let weighted = |prediction| {
            scores(
                array![[3.1], [3.1], [3.1], [9.0]],
                array![[prediction], [f64::from(3.1f32)], [f64::from(3.1f32)], [0.0]],
                weights,
            )
        };
        assert_eq!((weighted(f64::from(3.1f32)).mean.r2, weighted(4.0).mean.r2), (1.0, 0.0));
    }
}
