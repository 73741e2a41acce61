use crate::Result;
use crate::compute::Cpu;
use crate::data::{Dataset, DatasetRef, DiskBatch, DiskDataset, Targets, Task};
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
        let mut sums = Sums::default();
        self.for_each_row(cpu, mlp, data, data.len(), |example, outputs| {
            sums.add(data, example, outputs);
            seen(example, outputs);
        });
        sums.scores(data.into())
    }

    /// The scores on `data`, which fits the network and may be in a file: then they have the bits
    /// that they have in memory.
    ///
    /// # Errors
    /// Those of reading a file.
    pub(super) fn evaluate_any(&mut self, cpu: &mut Cpu, mlp: &Mlp, data: DatasetRef<'_>) -> Result<Scores> {
        match data {
            DatasetRef::Memory(data) => Ok(self.evaluate(cpu, mlp, data, |_, _| ())),
            DatasetRef::Disk(disk) => {
                let mut sums = Sums::default();
                self.for_each_row_of(cpu, mlp, disk, disk.len(), |rows, example, outputs| {
                    sums.add(rows, example, outputs);
                })?;
                Ok(sums.scores(data))
            }
        }
    }

    /// Returns the mean loss, without weights, on the first examples of `data`, `count` of them or
    /// as many as there are.
    ///
    /// # Errors
    /// Those of reading a file.
    pub(crate) fn loss_of_first(
        &mut self,
        cpu: &mut Cpu,
        mlp: &Mlp,
        data: DatasetRef<'_>,
        count: usize,
    ) -> Result<f64> {
        let (mut loss, count) = (0.0, count.min(data.len()));
        let mut add = |rows: &Dataset, example, outputs: &[f32]| {
            loss += example_loss(outputs, rows.targets(), example);
        };
        match data {
            DatasetRef::Memory(data) => {
                self.for_each_row(cpu, mlp, data, count, |example, outputs| add(data, example, outputs));
            }
            DatasetRef::Disk(disk) => self.for_each_row_of(cpu, mlp, disk, count, add)?,
        }
        Ok(loss / count as f64)
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

    /// Calls `see` with each of the first `count` examples of a file, as an example of some, and
    /// its outputs, in their order.
    fn for_each_row_of(
        &mut self,
        cpu: &mut Cpu,
        mlp: &Mlp,
        data: &DiskDataset,
        count: usize,
        mut see: impl FnMut(&Dataset, usize, &[f32]),
    ) -> Result<()> {
        let mut rows = DiskBatch::new(data, CHUNK.min(count));
        for start in (0..count).step_by(CHUNK) {
            let end = count.min(start + CHUNK);
            rows.read(data, start..end)?;
            let (rows, _) = rows.rows();
            self.for_each_row(cpu, mlp, rows, end - start, |example, outputs| see(rows, example, outputs));
        }
        Ok(())
    }
}

/// Sums over examples.
#[derive(Debug, Default)]
struct Sums {
    loss: f64,
    correct: f64,
}

impl Sums {
    /// Adds an example of some, by its outputs.
    fn add(&mut self, data: &Dataset, example: usize, outputs: &[f32]) {
        let weight = f64::from(data.weight(example));
        self.loss += weight * example_loss(outputs, data.targets(), example);
        if let Targets::Classes { labels, .. } = data.targets() {
            self.correct += if argmax(outputs) == labels[example] as usize { weight } else { 0.0 };
        }
    }

    /// Returns the scores on all examples of a data set.
    fn scores(&self, data: DatasetRef<'_>) -> Scores {
        let total = data.total_weight();
        let classes = data.task() == Task::Classification;
        Scores { loss: self.loss / total, accuracy: classes.then_some(self.correct / total) }
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
