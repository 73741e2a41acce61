//! What measures of a classifier begin with: probabilities and labels that go together.

use crate::counted;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView1, ArrayView2};

/// What a classifier takes an example for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    /// The most probable class, the first of equals.
    pub class: usize,
    /// Its probability.
    pub confidence: f64,
}

/// How far a probability may be above 1 from rounding.
const ROUNDING: f64 = 1e-5;

/// The answer of each example.
///
/// # Errors
/// [`Error::Data`] when there is no example, not one label an example, a label is not a class, or a
/// probability is not one.
pub(super) fn answers<P: Copy + Into<f64>>(probabilities: ArrayView2<'_, P>, labels: &[u32]) -> Result<Vec<Answer>> {
    check_labels(probabilities.dim(), labels)?;
    let mut answers = Vec::with_capacity(labels.len());
    for (example, row) in probabilities.rows().into_iter().enumerate() {
        let mut best = Answer { class: 0, confidence: f64::NEG_INFINITY };
        for (class, &p) in row.iter().enumerate() {
            let p = p.into();
            if !(0.0..=1.0 + ROUNDING).contains(&p) {
                let reason = format!("example {example} has class {class} with {p}; probabilities lie between 0 and 1");
                return Err(Error::data("probabilities", reason));
            }
            if p > best.confidence {
                best = Answer { class, confidence: p };
            }
        }
        answers.push(best);
    }
    Ok(answers)
}

/// Whether labels go with examples × classes.
///
/// # Errors
/// [`Error::Data`] when there is no example, not one label an example, or a label is not a class.
pub(super) fn check_labels((examples, classes): (usize, usize), labels: &[u32]) -> Result<()> {
    let bad = |reason: String| Err(Error::data("labels", reason));
    if examples == 0 || examples != labels.len() {
        return bad(format!(
            "{} with {}; at least one is needed, with a label each",
            counted(examples, "example"),
            counted(labels.len(), "label")
        ));
    }
    match labels.iter().position(|&label| label as usize >= classes) {
        None => Ok(()),
        Some(at) => bad(format!("example {at} has label {}, but there are {classes} classes", labels[at])),
    }
}

/// The softmax of each row, in double precision: so small probabilities keep their logarithms.
pub(super) fn softmax(outputs: ArrayView2<'_, f32>) -> Array2<f64> {
    let mut probabilities = outputs.mapv(f64::from);
    for mut row in probabilities.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|z| libm::exp(z - largest));
        let sum: f64 = row.iter().sum();
        row.mapv_inplace(|e| e / sum);
    }
    probabilities
}

/// The place of the largest, the first of equals.
pub(super) fn largest(values: ArrayView1<'_, f64>) -> usize {
    let better = |best: usize, (place, &value): (usize, &f64)| if value > values[best] { place } else { best };
    values.iter().enumerate().fold(0, better)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_first_of_equals_answers() {
        let seen = answers(array![[0.25f32, 0.5, 0.25], [0.5, 0.0, 0.5]].view(), &[0, 1]).unwrap();
        assert_eq!(seen, [Answer { class: 1, confidence: 0.5 }, Answer { class: 0, confidence: 0.5 }]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let of = |p: [f64; 2], labels: &[u32]| answers(array![p].view(), labels).unwrap_err().to_string();
        assert!(of([0.5, 0.5], &[]).contains("1 example with 0 labels"));
        assert!(of([0.5, 0.5], &[2]).contains("example 0 has label 2, but there are 2 classes"));
        assert!(of([f64::NAN, 0.5], &[0]).contains("example 0 has class 0 with NaN"));
        assert!(of([0.5, -0.5], &[0]).contains("class 1 with -0.5"));
        assert!(answers(Array2::<f64>::zeros((0, 2)).view(), &[]).is_err());
    }

    #[test]
    fn softmax_keeps_small_probabilities() {
        let p = softmax(array![[0.0f32, 300.0], [1.0, 1.0]].view());
        assert!((libm::log(p[[0, 0]]) + 300.0).abs() < 1e-9);
        assert_eq!(p.row(1).to_vec(), [0.5, 0.5]);
    }
}
