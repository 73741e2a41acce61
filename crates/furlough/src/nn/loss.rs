use crate::data::{Batch, Dataset, Targets};
use ndarray::{Array2, ArrayView2, Axis};

/// What a batch's loss is: a weighted mean of softmax cross-entropies, or of squared errors.
///
/// With w an example's weight (1 where the data have none), y its class, c the weights of the K
/// classes (1 where there are none), ε the label smoothing and p the softmax of its logits,
///
/// ```text
/// t[k] = (1 − ε) · c[y] · (1 if k = y else 0)  +  ε/K · c[k]
/// L    = Σ w · (− Σ t[k] · ln p[k])  /  Σ w · c[y]                  both sums over the batch
/// ```
///
/// which is PyTorch's `CrossEntropyLoss(weight=c, label_smoothing=ε)` with weights of the examples.
/// Label smoothing is that of Szegedy et al., "Rethinking the inception architecture for computer
/// vision", CVPR 2016, section 7. For numbers to predict L is Σ w · mse / Σ w, mse being the mean
/// over an example's outputs. Where the weights of a batch sum to 0, its step changes nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loss {
    /// ε: from 0, which is none, to below 1.
    pub label_smoothing: f64,
    /// c: one for each class, finite and at least 0; nothing where they are all 1.
    pub class_weights: Vec<f64>,
}

impl Loss {
    /// Returns c of a class.
    pub fn class_weight(&self, class: usize) -> f64 {
        self.class_weights.get(class).copied().unwrap_or(1.0)
    }

    /// Returns the part of an example in the mean: `w · c[y]`, or `w` for numbers.
    pub fn example_weight(&self, data: &Dataset, example: usize) -> f64 {
        let weight = f64::from(data.weight(example));
        match data.targets() {
            Targets::Classes { labels, .. } => weight * self.class_weight(labels[example] as usize),
            Targets::Values(_) => weight,
        }
    }

    /// Returns what the sum over a batch is divided by: the sum of [`Self::example_weight`], in the
    /// order of the batch. Without weights it is the number of examples.
    pub fn normalizer(&self, batch: Batch<'_>) -> f64 {
        if batch.data.weights().is_none() && self.class_weights.is_empty() {
            return batch.examples.len() as f64;
        }
        batch.examples.iter().map(|&example| self.example_weight(batch.data, example as usize)).sum()
    }

    /// Returns the loss of `logits` (examples × classes) whose examples have these weights, and its
    /// derivative by the logits. Stable: the largest logit of each row is subtracted first. Both
    /// are 0 where the weights sum to 0.
    ///
    /// # Panics
    /// When there are not as many labels and weights as rows, or a label is not a class.
    pub fn cross_entropy(&self, logits: ArrayView2<f32>, labels: &[u32], weights: &[f32]) -> (f64, Array2<f32>) {
        assert_eq!(logits.nrows(), labels.len(), "one label a row");
        assert_eq!(logits.nrows(), weights.len(), "one weight a row");
        let examples = labels.iter().zip(weights);
        let normalizer: f64 =
            examples.clone().map(|(&label, &weight)| f64::from(weight) * self.class_weight(label as usize)).sum();
        let mut derivative = Array2::zeros(logits.dim());
        if normalizer == 0.0 {
            return (0.0, derivative);
        }
        let smoothed = self.label_smoothing / logits.ncols() as f64;
        let mut total = 0.0;
        for ((row, mut out), (&label, &weight)) in logits.rows().into_iter().zip(derivative.rows_mut()).zip(examples) {
            let own = (1.0 - self.label_smoothing) * self.class_weight(label as usize);
            let target =
                |class: usize| (if class == label as usize { own } else { 0.0 }) + smoothed * self.class_weight(class);
            let all: f64 = (0..row.len()).map(target).sum();
            let largest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let sum: f32 = row.iter().map(|&z| libm::expf(z - largest)).sum();
            for (class, (&z, d)) in row.iter().zip(&mut out).enumerate() {
                let softmax = libm::expf(z - largest) / sum;
                *d = (all as f32 * softmax - target(class) as f32) * weight / normalizer as f32;
                if target(class) != 0.0 {
                    let minus_log = f64::from(libm::logf(sum) - (z - largest));
                    total += f64::from(weight) * target(class) * minus_log;
                }
            }
        }
        (total / normalizer, derivative)
    }
}

/// Returns the mean softmax cross-entropy of `logits` (examples × classes) and its derivative by
/// the logits, `(softmax - onehot) / examples`: a [`Loss`] without weights or smoothing.
///
/// # Panics
/// When there are not as many labels as rows, or a label is not a class.
pub fn softmax_cross_entropy(logits: ArrayView2<f32>, labels: &[u32]) -> (f64, Array2<f32>) {
    Loss::default().cross_entropy(logits, labels, &vec![1.0; labels.len()])
}

/// Returns the mean squared error of `predictions` against `targets` (both examples × outputs) and
/// its derivative by the predictions, `2 (prediction - target) / (examples · outputs)`.
///
/// # Panics
/// When the shapes differ.
pub fn mean_squared_error(predictions: ArrayView2<f32>, targets: ArrayView2<f32>) -> (f64, Array2<f32>) {
    weighted_squared_error(predictions, targets, &vec![1.0; predictions.nrows()])
}

/// [`mean_squared_error`] of examples with these weights: `Σ w · mse / Σ w`, or 0 where the weights
/// sum to 0, as its derivative then is.
///
/// # Panics
/// When the shapes differ, or there is not one weight an example.
pub fn weighted_squared_error(
    predictions: ArrayView2<f32>,
    targets: ArrayView2<f32>,
    weights: &[f32],
) -> (f64, Array2<f32>) {
    assert_eq!(predictions.dim(), targets.dim(), "one target a prediction");
    assert_eq!(predictions.nrows(), weights.len(), "one weight a row");
    let mut difference = &predictions - &targets;
    let normalizer = weights.iter().map(|&weight| f64::from(weight)).sum::<f64>() * predictions.ncols() as f64;
    if normalizer == 0.0 {
        return (0.0, Array2::zeros(predictions.dim()));
    }
    let mut total = 0.0;
    for (mut row, &weight) in difference.axis_iter_mut(Axis(0)).zip(weights) {
        total += f64::from(weight) * row.iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>();
        row *= (2.0 * f64::from(weight) / normalizer) as f32;
    }
    (total / normalizer, difference)
}

/// The place of the largest value, the first of equals. A NaN is never the largest.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (place, &value) in values.iter().enumerate() {
        if value > values[best] || values[best].is_nan() {
            best = place;
        }
    }
    best
}
