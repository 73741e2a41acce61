use ndarray::{Array2, ArrayView2};

/// The mean softmax cross-entropy of `logits` (examples × classes) and its derivative by the
/// logits, `(softmax - onehot) / examples`. Stable: the largest logit of each row is subtracted
/// first.
///
/// # Panics
/// When there are not as many labels as rows, or a label is not a class.
pub fn softmax_cross_entropy(logits: ArrayView2<f32>, labels: &[u32]) -> (f64, Array2<f32>) {
    assert_eq!(logits.nrows(), labels.len(), "one label a row");
    let count = labels.len();
    let mut derivative = Array2::zeros(logits.dim());
    let mut total = 0.0;
    for ((row, mut out), &label) in logits.rows().into_iter().zip(derivative.rows_mut()).zip(labels) {
        let largest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let sum: f32 = row.iter().map(|&z| libm::expf(z - largest)).sum();
        for (class, (&z, d)) in row.iter().zip(&mut out).enumerate() {
            let softmax = libm::expf(z - largest) / sum;
            let onehot = f32::from(class == label as usize);
            *d = (softmax - onehot) / count as f32;
        }
        total += f64::from(libm::logf(sum) - (row[label as usize] - largest));
    }
    (total / count as f64, derivative)
}

/// The mean squared error of `predictions` against `targets` (both examples × outputs) and its
/// derivative by the predictions, `2 (prediction - target) / (examples · outputs)`.
///
/// # Panics
/// When the shapes differ.
pub fn mean_squared_error(predictions: ArrayView2<f32>, targets: ArrayView2<f32>) -> (f64, Array2<f32>) {
    assert_eq!(predictions.dim(), targets.dim(), "one target a prediction");
    let difference = &predictions - &targets;
    let count = difference.len();
    let total: f64 = difference.iter().map(|&d| f64::from(d) * f64::from(d)).sum();
    (total / count as f64, difference * (2.0 / count as f32))
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
