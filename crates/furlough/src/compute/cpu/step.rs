//! A step: decide, pack, run. And the forward pass of evaluations.

use super::dropout::LayerMask;
use super::matmul::Matmul;
use super::operand::{Operand, nonzero_features};
use super::pass::{Pass, Tile};
use super::plan::{Call, StepPlan, StepSchedule, worthwhile_threads};
use super::schedule::{layerwise, row_tiles, tile_rows};
use super::workers::Workers;
use super::workspace::Borrowed;
use super::{Cpu, SharedMaskMode, StepSums, gathered, update};
use crate::data::{Batch, Examples};
use crate::nn::{MaskKey, Mlp};
use crate::optim::{OptimizerState, UpdateRule};
use std::ops::Range;

/// About over how many steps the part of the features that is not zero is averaged: tiles that
/// change from step to step make weights change places.
const STEPS_OF_MEAN: f64 = 16.0;

impl Cpu {
    /// Decides how the next step goes about `batch`, with drop probabilities multiplied by
    /// `factor`. Returns the plan, which [`Self::train_step`] makes for itself; nothing is trained.
    ///
    /// # Panics
    /// When the batch is empty.
    pub fn plan_step(&mut self, batch: Batch<'_>, factor: f64) -> &StepPlan {
        let rows = batch.examples.len();
        // Forward, back and the gradient.
        let threads = self.choose_threads(rows, 3 * self.multiplied_parameters());
        let group_rows = self.gathered.as_ref().map(|gathered| gathered.group_rows);
        let input = self.architecture.input_dropout().times(factor);
        let call = Call {
            rows,
            capacity: self.training.rows,
            training: true,
            threads,
            hand_over: self.workers.hand_over(),
            nonzero_features: self.mean_nonzero(batch),
            bytes: self.architecture.input_stage().is_none()
                && (input.is_identity() || !input.kind().is_of_units())
                && Operand::of_bytes(batch.data, batch.examples).is_some(),
            factor,
            group_rows: group_rows.filter(|_| self.shared_masks != SharedMaskMode::Never),
            must_gather: self.shared_masks == SharedMaskMode::Always,
        };
        self.plan.decide(&self.matmul, &self.architecture, &call);
        &self.plan
    }

    /// Decides for a call that only goes forward, over as many examples as there are rows, or
    /// samples of them.
    pub(super) fn plan_forward(&mut self, data: &Examples, examples: &Range<u32>, samples: Option<usize>) {
        let rows = examples.len().saturating_mul(samples.unwrap_or(1));
        let threads = self.choose_threads(rows, self.multiplied_parameters());
        let call = Call {
            // Masked passes are many.
            rows: if samples.is_some() { usize::MAX } else { rows },
            threads,
            hand_over: self.workers.hand_over(),
            nonzero_features: self.look_at(data, examples.len(), |place| examples.start + place as u32),
            factor: 1.0,
            ..Call::default()
        };
        self.plan.decide(&self.matmul, &self.architecture, &call);
    }

    /// Chooses how many threads multiply so many rows with so many weights.
    pub(super) fn choose_threads(&mut self, rows: usize, weights: usize) -> usize {
        let all = (self.workers.count(), self.workers.hand_over());
        let threads = worthwhile_threads(&self.matmul, all, rows, weights);
        self.workers.activate(threads);
        threads
    }

    /// Decides the masks of a call, whose drop probabilities are multiplied by `factor`; without a
    /// site nothing is dropped.
    pub(super) fn draw_masks(&mut self, mlp: &Mlp, site: Option<&MaskKey>, factor: f64) {
        let Cpu { matmul: Matmul { isa, .. }, masks, architecture, connections, concretes, workers, .. } = self;
        let input = std::iter::once(architecture.input_dropout());
        let dropouts = input.chain(architecture.blocks().iter().map(|block| block.dropout));
        for (layer, (mask, dropout)) in masks.iter_mut().zip(dropouts).enumerate() {
            *mask = site.and_then(|site| LayerMask::new(*isa, dropout.times(factor), site, layer as u32));
        }
        connections.draw(*isa, workers, mlp, site, factor);
        concretes.draw(*isa, mlp, site);
    }

    /// Packs what the plan wants packed of the weights, and returns what the tiles of the call have
    /// in common, with those who compute them.
    pub(super) fn begin<'a>(&'a mut self, mlp: &'a Mlp, data: &'a Examples) -> (Pass<'a>, &'a mut Workers) {
        let Cpu { plan, matmul, packed, masks, connections, concretes, scratch, loss, .. } = self;
        let first_number = self.first_number;
        packed.fill(&mut self.workers, matmul, (mlp, connections), plan);
        let workspace = if plan.blocks[0].gradient.is_some() { &self.training } else { &self.inference };
        let isa = matmul.isa;
        let pass = Pass {
            isa,
            plan,
            matmul,
            packed,
            mlp,
            connections,
            concretes,
            data,
            first_number,
            masks,
            workspace,
            scratch,
            loss,
        };
        (pass, &mut self.workers)
    }

    /// The parameters but those of the input stage, which looks them up.
    pub(super) fn multiplied_parameters(&self) -> usize {
        self.architecture.parameters() - self.architecture.stage_parameters()
    }

    fn look_at(&self, data: &Examples, count: usize, example_of: impl Fn(usize) -> u32) -> f64 {
        if self.architecture.input_stage().is_some() {
            return 1.0;
        }
        nonzero_features(self.matmul.isa, data, count, example_of, self.matmul.takes_pairs())
    }

    /// Returns the mean of the part of the features that is not zero, over the steps so far and
    /// `batch`.
    fn mean_nonzero(&self, batch: Batch<'_>) -> f64 {
        let seen = self.look_at(batch.data, batch.examples.len(), |place| batch.examples[place]);
        self.nonzero_features.map_or(seen, |mean| mean + (seen - mean) / STEPS_OF_MEAN)
    }
}

/// Computes a step of a checked batch.
pub(super) fn train(
    cpu: &mut Cpu,
    (mlp, state): (&mut Mlp, &mut OptimizerState),
    rule: &UpdateRule,
    batch: Batch<'_>,
    (site, factor): (&MaskKey, f64),
) -> StepSums {
    cpu.nonzero_features = Some(cpu.plan_step(batch, factor).nonzero_features);
    cpu.draw_masks(mlp, Some(site), factor);
    cpu.loss.begin(batch);
    let mut sums = first_phase(cpu, mlp, batch);
    if sums.is_taken() {
        let Cpu { matmul, workers, concretes, .. } = cpu;
        let examples = (batch.examples.len(), batch.data.whole_len());
        concretes.differentiate(matmul.isa, workers, mlp, rule.regularizers.concrete, examples);
        sums.gradient_norm = update::update(cpu, (mlp, state), rule, batch, site.step);
        if sums.is_finite() {
            cpu.concretes.descend(mlp, rule.learning_rate);
        }
    }
    sums
}

/// Forward, loss and backward of a whole batch under the present masks, into the training
/// workspace.
fn first_phase(cpu: &mut Cpu, mlp: &Mlp, batch: Batch<'_>) -> StepSums {
    if cpu.plan.schedule == StepSchedule::Gathered {
        return gathered::first_phase(cpu, mlp, batch);
    }
    let (pass, workers) = cpu.begin(mlp, batch.data);
    match pass.plan.schedule {
        StepSchedule::LayerWise => layerwise(&pass, workers, batch),
        _ => row_tiles(&pass, workers, batch),
    }
    cpu.loss.total(batch)
}

/// Computes the outputs of `examples`, within their bounds, into `out`.
pub(super) fn forward(
    cpu: &mut Cpu,
    mlp: &Mlp,
    data: &Examples,
    examples: Range<u32>,
    site: Option<&MaskKey>,
    out: &mut [f32],
) {
    let count = examples.len();
    let outputs = cpu.architecture.outputs();
    assert_eq!(out.len(), count * outputs, "one row of outputs an example");
    assert!(examples.end as usize <= data.len(), "examples of the data set");
    cpu.plan_forward(data, &examples, None);
    cpu.draw_masks(mlp, site, 1.0);
    let (pass, workers) = cpu.begin(mlp, data);
    let out = Borrowed::new(out);
    let tile = pass.plan.tile();
    workers.run(count.div_ceil(tile.0), &|index, worker| {
        let rows = tile_rows(index, count, tile);
        let tile = Tile { first: worker * tile.0, ..Tile::of(&rows) };
        // SAFETY: each worker has its own rows of every buffer, and each tile its own rows of
        // `out`.
        unsafe {
            pass.forward(worker, tile, pass.plan.blocks.len(), |row| examples.start + (rows.start + row) as u32);
            let last = &pass.workspace.outputs[pass.workspace.outputs.len() - 1];
            let values = last.read(tile.first * outputs, tile.count * outputs);
            let out = out.part(rows.start * outputs, values.len());
            out.copy_from_slice(values);
            out.chunks_exact_mut(outputs).for_each(|row| mlp.bound_outputs(row));
        }
    });
}
