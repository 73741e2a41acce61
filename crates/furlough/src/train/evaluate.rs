use crate::compute::Cpu;
use crate::data::{Dataset, Targets};
use crate::nn::{Mlp, argmax};

/// How well a network does on a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Scores {
    /// Mean loss: softmax cross-entropy for classes, mean squared error for numbers. Weighted by
    /// the data's weights, without label smoothing and class weights.
    pub loss: f64,
    /// Share classified rightly, weighted likewise; none for numbers.
    pub accuracy: Option<f64>,
}

/// Evaluates the full network, some thousand examples at a time so that memory does not grow with
/// the data.
#[derive(Debug, Default)]
pub(crate) struct Evaluator {
    outputs: Vec<f32>,
}

/// Examples whose outputs are held at once.
pub(super) const CHUNK: usize = 8192;

impl Evaluator {
    /// The scores on `data`, which fits the network. `seen` hears each example and its
    /// outputs.
    pub(crate) fn evaluate(
        &mut self,
        cpu: &mut Cpu,
        mlp: &Mlp,
        data: &Dataset,
        mut seen: impl FnMut(usize, &[f32]),
    ) -> Scores {
        let mut loss = 0.0;
        let mut correct = 0.0;
        self.for_each_row(cpu, mlp, data, data.len(), |example, outputs| {
            let weight = f64::from(data.weight(example));
            loss += weight * example_loss(outputs, data.targets(), example);
            if let Targets::Classes { labels, .. } = data.targets() {
                correct += if argmax(outputs) == labels[example] as usize { weight } else { 0.0 };
            }
            seen(example, outputs);
        });
        let total = data.total_weight();
        let classes = matches!(data.targets(), Targets::Classes { .. });
        Scores { loss: loss / total, accuracy: classes.then_some(correct / total) }
    }

    /// Returns the mean loss, without weights, on the first examples of `data`, `count` of them or
    /// as many as there are.
    pub(crate) fn loss_of_first(&mut self, cpu: &mut Cpu, mlp: &Mlp, data: &Dataset, count: usize) -> f64 {
        let (mut loss, count) = (0.0, count.min(data.len()));
        self.for_each_row(cpu, mlp, data, count, |example, outputs| {
            loss += example_loss(outputs, data.targets(), example);
        });
        loss / count as f64
    }

    /// Calls `see` with each of the first `count` examples and its outputs, in the order of the
    /// data.
    fn for_each_row(
        &mut self,
        cpu: &mut Cpu,
        mlp: &Mlp,
        data: &Dataset,
        count: usize,
        mut see: impl FnMut(usize, &[f32]),
    ) {
        let width = data.outputs();
        self.outputs.resize(CHUNK.min(count) * width, 0.0);
        for start in (0..count).step_by(CHUNK) {
            let end = count.min(start + CHUNK);
            let outputs = &mut self.outputs[..(end - start) * width];
            cpu.forward(mlp, data, start as u32..end as u32, None, outputs);
            for (row, values) in outputs.chunks_exact(width).enumerate() {
                see(start + row, values);
            }
        }
    }
}

/// Returns the loss of one example, in double precision; NaN where an output has overflowed, even
/// if the formula would not look at it.
fn example_loss(outputs: &[f32], targets: &Targets, example: usize) -> f64 {
    if !outputs.iter().all(|output| output.is_finite()) {
        return f64::NAN;
    }
    match targets {
        Targets::Classes { labels, .. } => {
            let largest = outputs.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let sum: f64 = outputs.iter().map(|&z| libm::exp(f64::from(z - largest))).sum();
            libm::log(sum) - f64::from(outputs[labels[example] as usize] - largest)
        }
        Targets::Values(values) => {
            let errors = outputs.iter().zip(values.row(example)).map(|(&y, &t)| (f64::from(y) - f64::from(t)).powi(2));
            errors.sum::<f64>() / outputs.len() as f64
        }
    }
}
