//! One number that makes a classifier as sure as it is right.

use super::answers::check_labels;
use crate::{Error, Result};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// What dividing the logits by one number does. No answer changes, only how sure it is. The number
/// is to be fitted on examples that were not trained on, and judged on others again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// What to divide the logits by: above 1 for a network that is too sure, from 0.01 to 100.
    pub temperature: f64,
    /// Mean −ln p(class) of the logits as they are, in nats.
    pub loss_before: f64,
    /// The same of the logits divided.
    pub loss_after: f64,
}

/// The temperatures looked at are from 1 / `MOST` to `MOST`.
const MOST: f64 = 100.0;

/// The temperature at which `logits` (examples × classes) give their labels the highest likelihood.
/// C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks", ICML
/// 2017, section 4.2.
///
/// With b = 1 / temperature the mean loss is convex, and its derivative is the mean of E(z) −
/// z(class), E being the expectation under softmax(b z). Its zero is found by halving ln b, the
/// same way on every machine. Where there is none, as when all answers are right, the end of the
/// range is given.
///
/// ```
/// use furlough::predict::temperature;
/// use ndarray::array;
/// // As sure as 4 logits say, but right only three times of four.
/// let logits = array![[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]];
/// let fitted = temperature(logits.view(), &[0, 0, 0, 1])?;
/// assert!((fitted.temperature - 4.0 / 3.0_f64.ln()).abs() < 1e-9);
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] when there is no example, not one label an example, a label is not a class, or a
/// logit is not finite.
pub fn temperature(logits: ArrayView2<'_, f32>, labels: &[u32]) -> Result<Temperature> {
    check_labels(logits.dim(), labels)?;
    if let Some(((example, class), z)) = logits.indexed_iter().find(|(_, z)| !z.is_finite()) {
        return Err(Error::data("logits", format!("example {example} has {z} for class {class}; they must be finite")));
    }
    let (mut low, mut high) = (-libm::log(MOST), libm::log(MOST));
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        let (_, slope) = loss(logits, labels, libm::exp(middle));
        if slope < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let factor = libm::exp(low);
    let (loss_before, loss_after) = (loss(logits, labels, 1.0).0, loss(logits, labels, factor).0);
    Ok(Temperature { temperature: 1.0 / factor, loss_before, loss_after })
}

/// The mean loss of the logits times `factor`, and its derivative by the factor.
fn loss(logits: ArrayView2<'_, f32>, labels: &[u32], factor: f64) -> (f64, f64) {
    let (mut total, mut slope) = (0.0, 0.0);
    for (row, &label) in logits.rows().into_iter().zip(labels) {
        let largest = f64::from(row.fold(f32::NEG_INFINITY, |a, &b| a.max(b)));
        let (mut sum, mut weighted) = (0.0, 0.0);
        for &z in row {
            let below = f64::from(z) - largest;
            let e = libm::exp(factor * below);
            sum += e;
            weighted += e * below;
        }
        let own = f64::from(row[label as usize]) - largest;
        total += libm::log(sum) - factor * own;
        slope += weighted / sum - own;
    }
    (total / labels.len() as f64, slope / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::calibration;
    use ndarray::{Array2, array};

    #[test]
    fn logits_made_too_large_are_set_right() {
        // 100 examples whose classes come as often as softmax of (0, ln 2, ln 7) says: 10, 20 and
        // 70 times.
        let one = [0.0, 2.0f32.ln(), 7.0f32.ln()];
        let labels: Vec<u32> = (0..100).map(|i| if i < 10 { 0 } else { 1 + u32::from(i >= 30) }).collect();
        for factor in [0.25f32, 1.0, 2.5] {
            let logits = Array2::from_shape_fn((100, 3), |(_, class)| factor * one[class]);
            let fitted = temperature(logits.view(), &labels).unwrap();
            assert!((fitted.temperature - f64::from(factor)).abs() < 1e-6, "{factor}: {fitted:?}");
            assert!(fitted.loss_after <= fitted.loss_before + 1e-12, "{fitted:?}");
            let divided = logits.mapv(|z| z / fitted.temperature as f32);
            let measured = calibration(super::super::answers::softmax(divided.view()).view(), &labels, 15).unwrap();
            assert!(measured.expected_calibration_error < 1e-6, "{measured:?}");
            assert!((measured.negative_log_likelihood - fitted.loss_after).abs() < 1e-6, "{measured:?}");
        }
    }

    #[test]
    fn without_an_optimum_the_end_of_the_range_is_given() {
        let all_right = temperature(array![[1.0, 0.0], [0.0, 2.0]].view(), &[0, 1]).unwrap();
        assert!((all_right.temperature - 0.01).abs() < 1e-9);
        let all_wrong = temperature(array![[1.0, 0.0], [0.0, 2.0]].view(), &[1, 0]).unwrap();
        assert!((all_wrong.temperature - 100.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        let said = temperature(array![[1.0, f32::NAN]].view(), &[0]).unwrap_err().to_string();
        assert!(said.contains("example 0 has NaN for class 1"), "{said}");
        assert!(temperature(array![[1.0, 0.0]].view(), &[2]).is_err());
    }
}
