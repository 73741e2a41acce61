//! The loss of a row and its derivative by the outputs.

use super::blocking::ROW_TILE;
use super::math::exp;
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::{Shared, Workspace};
use super::{Isa, StepSums};
use crate::data::{Batch, Targets};
use crate::nn::{Loss, argmax};
use std::ops::Range;

/// The [`Loss`] of a step, and what its rows come to.
pub(super) struct StepLoss {
    definition: Loss,
    /// ε/K · c of each class; nothing without label smoothing.
    smoothed: Vec<f32>,
    /// Their sum.
    smoothed_sum: f64,
    /// The sum of the weights of the present batch.
    normalizer: f64,
    rows: Shared<StepSums>,
}

impl StepLoss {
    /// Without weights and smoothing, for batches of up to so many examples.
    pub(super) fn new(batch_size: usize) -> Self {
        let rows = Shared::new(batch_size, 1);
        StepLoss { definition: Loss::default(), smoothed: Vec::new(), smoothed_sum: 0.0, normalizer: 0.0, rows }
    }

    /// Takes another definition, for a network of so many outputs.
    pub(super) fn define(&mut self, definition: Loss, outputs: usize) {
        let share = definition.label_smoothing / outputs as f64;
        self.smoothed.clear();
        if share > 0.0 {
            self.smoothed.extend((0..outputs).map(|class| (share * definition.class_weight(class)) as f32));
        }
        self.smoothed_sum = self.smoothed.iter().map(|&value| f64::from(value)).sum();
        self.definition = definition;
    }

    /// Begins a step of `batch`.
    pub(super) fn begin(&mut self, batch: Batch<'_>) {
        self.normalizer = self.definition.normalizer(batch);
    }

    /// Adds up the rows of the step of `batch`, in their order, so that neither threads nor tiles
    /// show in the result.
    pub(super) fn total(&mut self, batch: Batch<'_>) -> StepSums {
        let rows = &self.rows.all()[..batch.examples.len()];
        let add = |all: StepSums, row: &StepSums| StepSums {
            loss: all.loss + row.loss,
            correct: all.correct + row.correct,
            weight: all.weight + row.weight,
            ..all
        };
        rows.iter().fold(StepSums { normalizer: self.normalizer, ..StepSums::default() }, add)
    }

    /// Computes the loss of each row of a batch whose outputs are complete, as [`Self::of_rows`].
    pub(super) fn of_batch(&self, isa: Isa, workers: &mut Workers, batch: Batch<'_>, workspace: &Workspace) {
        let count = batch.examples.len();
        workers.run(count.div_ceil(ROW_TILE), &|tile, _| {
            // SAFETY: these rows are this task's.
            unsafe { self.of_rows(isa, batch, tile * ROW_TILE..count.min((tile + 1) * ROW_TILE), workspace) };
        });
    }

    /// Computes the loss of each of some rows of a batch, and its derivative by the outputs as the
    /// last block's deltas.
    ///
    /// # Safety
    /// Nobody else uses these rows of the workspace, or of this, now.
    pub(super) unsafe fn of_rows(&self, isa: Isa, batch: Batch<'_>, rows: Range<usize>, workspace: &Workspace) {
        let (outputs, last) = (batch.data.outputs(), workspace.outputs.len() - 1);
        for row in rows {
            let example = batch.examples[row] as usize;
            let weight = f64::from(batch.data.weight(example));
            // SAFETY: our row, of three different buffers.
            unsafe {
                let values = workspace.outputs[last].part(row * outputs, outputs);
                let delta = workspace.deltas[last].part(row * outputs, outputs);
                self.rows.part(row, 1)[0] = match batch.data.targets() {
                    Targets::Classes { labels, .. } => {
                        self.of_class(isa, values, labels[example] as usize, weight, delta)
                    }
                    Targets::Values(targets) => {
                        let share = self.share(weight) / outputs as f32;
                        let targets = targets.row(example);
                        let targets = targets.as_slice().expect("standard layout, checked in Dataset::new");
                        let loss = weight * squared_error(isa, values, targets, share, delta);
                        StepSums { loss, weight, ..StepSums::default() }
                    }
                };
            }
        }
    }

    fn of_class(&self, isa: Isa, outputs: &[f32], label: usize, weight: f64, delta: &mut [f32]) -> StepSums {
        let class = self.definition.class_weight(label);
        // Without smoothing the class's weight is as the example's.
        let (own, weight_of_loss) = match self.smoothed.is_empty() {
            true => (1.0, weight * class),
            false => ((1.0 - self.definition.label_smoothing) * class, weight),
        };
        let targets = Targeted { smoothed: &self.smoothed, smoothed_sum: self.smoothed_sum, own };
        let share = self.share(weight_of_loss);
        let loss = weight_of_loss * cross_entropy(isa, outputs, label, targets, share, delta);
        let correct = if argmax(outputs) == label { weight } else { 0.0 };
        StepSums { loss, correct, weight, ..StepSums::default() }
    }

    /// Returns the part of a weight in the mean over the batch; 0 where all of them are.
    fn share(&self, weight: f64) -> f32 {
        if self.normalizer > 0.0 { (weight / self.normalizer) as f32 } else { 0.0 }
    }
}

/// t of the classes of an example, as [`Loss`] defines it.
struct Targeted<'a> {
    smoothed: &'a [f32],
    smoothed_sum: f64,
    /// What the example's class has besides.
    own: f64,
}

for_each_isa! {
    /// Returns −Σ t ln p. Writes its derivative by the outputs times `share` into `delta`.
    fn cross_entropy(
        isa,
        outputs: &[f32],
        label: usize,
        targets: Targeted<'_>,
        share: f32,
        delta: &mut [f32],
    ) -> f64 {
        let largest = outputs.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        for (d, &z) in delta.iter_mut().zip(outputs) {
            *d = exp(z - largest);
        }
        let sum: f32 = delta.iter().sum();
        let Targeted { smoothed, smoothed_sum, own } = targets;
        let all = own + smoothed_sum;
        let factor = all as f32 * share / sum;
        delta.iter_mut().for_each(|d| *d *= factor);
        let mut below = own * f64::from(outputs[label] - largest);
        for ((d, &t), &z) in delta.iter_mut().zip(smoothed).zip(outputs) {
            *d -= t * share;
            below += f64::from(t) * f64::from(z - largest);
        }
        delta[label] -= own as f32 * share;
        all * libm::log(f64::from(sum)) - below
    }

    /// Returns the mean squared error of `outputs`. Writes its derivative by them into `delta`,
    /// times what `share` is to 1 / outputs.
    fn squared_error(isa, outputs: &[f32], targets: &[f32], share: f32, delta: &mut [f32]) -> f64 {
        let mut sum = 0.0;
        for ((d, &y), &target) in delta.iter_mut().zip(outputs).zip(targets) {
            let difference = y - target;
            sum += f64::from(difference) * f64::from(difference);
            *d = 2.0 * difference * share;
        }
        sum / outputs.len() as f64
    }
}
