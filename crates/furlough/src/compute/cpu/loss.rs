//! The loss of a row and its derivative by the outputs.

use super::StepSums;
use super::math::exp;
use super::simd::for_each_isa;
use crate::data::Targets;
use crate::nn::argmax;

for_each_isa! {
/// The loss of one example, whether it was classified rightly, and ∂L/∂outputs times `weight` into `delta`.
pub(super) fn loss_row(isa, outputs: &[f32], targets: &Targets, example: usize, weight: f32, delta: &mut [f32]) -> StepSums {
    match targets {
        Targets::Classes { labels, .. } => {
            let label = labels[example] as usize;
            let largest = outputs.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            for (d, &z) in delta.iter_mut().zip(outputs) {
                *d = exp(z - largest);
            }
            let sum: f32 = delta.iter().sum();
            let factor = weight / sum;
            delta.iter_mut().for_each(|d| *d *= factor);
            delta[label] -= weight;
            let loss = libm::log(f64::from(sum)) - f64::from(outputs[label] - largest);
            StepSums { loss, correct: u64::from(argmax(outputs) == label) }
        }
        Targets::Values(values) => {
            let count = outputs.len() as f32;
            let mut sum = 0.0;
            for ((d, &y), &target) in delta.iter_mut().zip(outputs).zip(values.row(example)) {
                let difference = y - target;
                sum += f64::from(difference) * f64::from(difference);
                *d = 2.0 * difference * (weight / count);
            }
            StepSums { loss: sum / f64::from(count), correct: 0 }
        }
    }
}
}
