//! The loss of a row and its derivative by the outputs.

use super::math::exp;
use super::simd::for_each_isa;
use super::workspace::{Shared, Workspace};
use super::{Isa, StepSums};
use crate::data::{Batch, Targets};
use crate::nn::argmax;
use std::ops::Range;

/// Computes the loss of each of some rows of a batch, and its derivative by the outputs as the last
/// block's deltas.
///
/// # Safety
/// Nobody else uses these rows of the workspace, or of the sums, now.
pub(super) unsafe fn losses_of_rows(
    isa: Isa,
    batch: Batch<'_>,
    rows: Range<usize>,
    workspace: &Workspace,
    sums: &Shared<StepSums>,
) {
    let (outputs, last) = (batch.data.outputs(), workspace.outputs.len() - 1);
    let weight = 1.0 / batch.examples.len() as f32;
    for row in rows {
        let example = batch.examples[row] as usize;
        // SAFETY: our row, of three different buffers.
        unsafe {
            let values = workspace.outputs[last].part(row * outputs, outputs);
            let delta = workspace.deltas[last].part(row * outputs, outputs);
            sums.part(row, 1)[0] = loss_row(isa, values, batch.data.targets(), example, weight, delta);
        }
    }
}

for_each_isa! {
/// Returns the loss of one example and whether its class was the largest output. Writes ∂L/∂outputs
/// times `weight` into `delta`.
fn loss_row(
    isa,
    outputs: &[f32],
    targets: &Targets,
    example: usize,
    weight: f32,
    delta: &mut [f32],
) -> StepSums {
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
