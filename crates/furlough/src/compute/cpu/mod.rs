//! The step on a CPU.
//!
//! `plan.rs` decides, once a call; everything else executes. From the leaves up: `blocking`,
//! `matrix`, `simd`; kernels (`gemm`, `sparse`, `bf16`) under `matmul`; `operand`, `gradient` and
//! `packed`; `pass`, which is what is done to a tile of rows, and two `schedule`s of it; `step` and
//! `update`.

mod accumulate;
mod bf16;
mod blocking;
mod clipping;
mod comoments;
mod concrete;
mod connections;
mod cost_model;
mod dropout;
mod epilogue;
mod follow;
mod gathered;
mod gemm;
mod gradient;
mod input_stage;
mod loss;
mod math;
mod matmul;
mod matrix;
mod non_temporal;
mod operand;
mod packed;
mod parametric;
mod partition;
mod pass;
mod plan;
mod samples;
mod schedule;
mod simd;
mod sparse;
mod step;
mod transpose;
mod update;
mod workers;
mod workspace;

pub(crate) use accumulate::{accumulate_classes, accumulator_width, softmax_samples};
pub(crate) use comoments::Comoments;
pub use epilogue::drop_in_place;
pub use plan::{BlockPlan, GradientPlan, ProductPlan, StepPlan, StepSchedule};
pub use samples::{SampleVisitor, Samples};
pub use simd::Isa;

use super::Precision;
use crate::data::{Batch, Examples};
use crate::nn::{Architecture, Loss, MaskKey, Mlp};
use crate::optim::{OptimizerState, UpdateRule};
use crate::random::Key;
use clipping::FullGradient;
use concrete::Concretes;
use connections::Connections;
use dropout::LayerMask;
use gathered::Gathered;
use input_stage::StageMemory;
use loss::StepLoss;
use matmul::Matmul;
use packed::Packed;
use parametric::parametric_tasks;
use partition::Partition;
use std::ops::Range;
use workers::Workers;
use workspace::{Scratch, Workspace};

/// When a step leaves out what shared masks drop. It computes the same either way, but for
/// rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedMaskMode {
    /// Never: what is dropped is computed all the same.
    Never,
    /// Where groups are large enough, and the network wide enough, for that to be faster. Shapes
    /// decide, so every machine decides alike.
    #[default]
    Auto,
    /// Wherever all layers with dropout share their masks: for tests and measurements.
    Always,
}

/// Threads, workspace and instruction set for one architecture and batch size. It has no randomness
/// and no visible state that outlives a call: the same arguments give the same bits, at any number
/// of threads.
pub struct Cpu {
    architecture: Architecture,
    matmul: Matmul,
    packed: Packed,
    workers: Workers,
    /// How the present call is computed.
    plan: StepPlan,
    /// About which part of the features was not zero in the steps so far.
    nonzero_features: Option<f64>,
    training: Workspace,
    inference: Workspace,
    /// Tiles of parameters: with the first block's deltas in panels, and unit by unit.
    partitions: [Partition; 2],
    /// The rows that a worker multiplies, packed; or the gradient of a tile and what its product
    /// takes.
    scratch: Scratch,
    /// The masks of the present call: of the input, then of each block.
    masks: Vec<Option<LayerMask>>,
    /// Weights of the present call where DropConnect drops some.
    connections: Connections,
    /// Soft masks of the present call, and what is learned of them.
    concretes: Concretes,
    /// Where gradients are clipped, from the first such step on.
    gradient: Option<FullGradient>,
    /// Tasks of the update of parametric activations.
    parametric: Vec<(usize, Range<usize>)>,
    /// Where an input stage learns.
    stage: Option<StageMemory>,
    /// What steps minimize.
    loss: StepLoss,
    /// The other way to compute a step, where enough rows share their masks.
    gathered: Option<Gathered>,
    shared_masks: SharedMaskMode,
    /// The number of the first example of the data, by which masks go.
    first_number: u32,
}

/// What a step or an evaluation counted, summed over its examples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepSums {
    /// Sum of the examples' losses, each times its weight and its class's.
    pub loss: f64,
    /// Sum of these weights: what the loss is divided by for the mean. The number of examples where
    /// nothing has weights.
    pub normalizer: f64,
    /// Sum of the weights of the examples whose largest logit is that of their class; 0 for
    /// numbers.
    pub correct: f64,
    /// Sum of the weights of the examples, whatever those of their classes.
    pub weight: f64,
    /// The norm of the gradient of the mean loss, before it was clipped; 0 where it is not to be.
    pub gradient_norm: f64,
}

impl StepSums {
    /// Returns the batch's [`Loss`], which is 0 where its weights sum to 0.
    pub fn mean_loss(&self) -> f64 {
        if self.normalizer == 0.0 && self.loss.is_finite() { 0.0 } else { self.loss / self.normalizer }
    }

    /// Returns the weighted share of the batch that was classified rightly, which is 0 where its
    /// weights sum to 0.
    pub fn accuracy(&self) -> f64 {
        if self.weight == 0.0 { 0.0 } else { self.correct / self.weight }
    }

    /// Whether the loss and the norm of the gradient are finite: if not, the step has changed
    /// nothing.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.gradient_norm.is_finite()
    }

    /// Whether there is anything that the step could follow.
    fn is_taken(&self) -> bool {
        self.loss.is_finite() && self.normalizer > 0.0
    }
}

/// The most threads that are started; more than any machine has cores would only exhaust the
/// system.
pub const MAX_THREADS: usize = 1024;

impl Cpu {
    /// Allocates threads and memory for training with batches of up to `batch_size` examples.
    /// `threads` counts the calling one; 0 is taken as 1, and more than [`MAX_THREADS`] as that.
    pub fn new(architecture: &Architecture, batch_size: usize, threads: usize) -> Self {
        Cpu::with(architecture, batch_size, threads, Precision::F32, Isa::best())
    }

    /// [`Self::new`] with products in the given precision and kernels for an instruction set that
    /// need not be the machine's best ([`Isa::available`] lists all).
    pub fn with(
        architecture: &Architecture,
        batch_size: usize,
        threads: usize,
        precision: Precision,
        isa: Isa,
    ) -> Self {
        let matmul = Matmul::new(isa, precision);
        let workers = Workers::new(threads.clamp(1, MAX_THREADS));
        let count = workers.count();
        let partitions = [0.0, 1.0].map(|features| {
            let delta_major = plan::delta_major_blocks(&matmul, architecture, batch_size, features);
            Partition::new(architecture, delta_major.collect(), count)
        });
        let (tile, _) = plan::row_tile(&matmul, architecture, usize::MAX);
        let of_tiles = partitions.iter().map(|partition| gradient::update_scratch(&matmul, partition, batch_size));
        let of_rows = architecture.blocks().iter().map(|block| pass::pass_scratch(&matmul, tile, block));
        let gathered = Gathered::new(architecture, batch_size, &matmul, count);
        let scratch = of_tiles.chain(of_rows).chain(gathered.as_ref().map(|gathered| gathered.scratch));
        Cpu {
            plan: StepPlan::default(),
            nonzero_features: None,
            training: Workspace::for_training(architecture, batch_size, &matmul),
            inference: Workspace::for_inference(architecture, count * tile),
            scratch: Scratch::new(count, scratch.max().unwrap_or(0)),
            masks: vec![None; architecture.blocks().len() + 1],
            connections: Connections::new(architecture),
            concretes: Concretes::new(architecture, batch_size),
            gradient: None,
            parametric: parametric_tasks(architecture),
            stage: StageMemory::new(architecture, count),
            loss: StepLoss::new(batch_size),
            shared_masks: SharedMaskMode::default(),
            first_number: 0,
            gathered,
            architecture: architecture.clone(),
            packed: Packed::new(architecture, &matmul, batch_size),
            matmul,
            workers,
            partitions,
        }
    }

    /// Sets when steps leave out what shared masks drop; [`SharedMaskMode::Auto`] unless told
    /// otherwise.
    pub fn gather(&mut self, when: SharedMaskMode) {
        self.shared_masks = when;
    }

    /// Sets the number that the masks of a data set's first example go by, 0 unless told otherwise:
    /// for data that are a part of others. The numbers of further examples follow, modulo 2³².
    pub(crate) fn number_examples_from(&mut self, first: u32) {
        self.first_number = first;
    }

    /// Times again what a hand-over of work to the threads takes, if the last time is 200 times as
    /// long ago as that took; [`Self::new`] does so first. It decides whether small calls take one
    /// thread or all, and changes no number. Call it between epochs: it takes up to half a
    /// millisecond.
    pub fn refresh_hand_over(&mut self) {
        self.workers.refresh_hand_over();
    }

    /// Sets what a hand-over is taken to take, for good. At zero every call takes all threads: for
    /// tests and measurements.
    pub fn set_hand_over(&mut self, time: std::time::Duration) {
        self.workers.set_hand_over(time);
    }

    /// Sets what steps minimize; a [`Loss`] without weights and smoothing unless told otherwise.
    ///
    /// # Panics
    /// When there are class weights, but not one for each output.
    pub fn minimize(&mut self, loss: Loss) {
        let outputs = self.architecture.outputs();
        assert!([0, outputs].contains(&loss.class_weights.len()), "one weight a class");
        self.loss.define(loss, outputs);
    }

    /// Returns the instruction set of the kernels.
    pub fn isa(&self) -> Isa {
        self.matmul.isa
    }

    /// Returns the name of the instructions that multiply.
    pub fn instruction_set(&self) -> &'static str {
        self.matmul.name()
    }

    /// Returns the number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.workers.count()
    }

    /// Takes one optimizer step on `mlp`. `site` gives the masks' key, stream and step, which is
    /// the run's step that Adam counts from (its layer is not looked at); `state` is one of the
    /// rule's optimizer. Allocates nothing after the first step.
    ///
    /// When the loss is not finite, or the norm of a gradient that is to be clipped, everything is
    /// left as it was; the caller sees it in the result. It is left so too, the optimizer's state
    /// and all, when the weights of the batch sum to 0.
    ///
    /// # Panics
    /// When the batch is empty or larger than this was made for, or `mlp`, `state` or the data do
    /// not fit the architecture and the rule.
    pub fn train_step(
        &mut self,
        mlp: &mut Mlp,
        state: &mut OptimizerState,
        rule: &UpdateRule,
        batch: Batch<'_>,
        site: &MaskKey,
    ) -> StepSums {
        self.scheduled_step(mlp, state, rule, batch, site, 1.0)
    }

    /// [`Self::train_step`] with each drop probability multiplied by `factor` in this step, as a
    /// [`Schedule`](crate::optim::Schedule) says.
    ///
    /// # Panics
    /// As [`Self::train_step`], and unless `0 <= factor <= 1`.
    pub fn scheduled_step(
        &mut self,
        mlp: &mut Mlp,
        state: &mut OptimizerState,
        rule: &UpdateRule,
        batch: Batch<'_>,
        site: &MaskKey,
        factor: f64,
    ) -> StepSums {
        self.check(mlp, batch.data);
        assert_eq!(batch.data.outputs(), self.architecture.outputs(), "one output a class or target");
        let most = self.training.rows;
        assert!((1..=most).contains(&batch.examples.len()), "batches of 1 to {most} examples");
        assert!(state.fits(&rule.optimizer, mlp.parameters().len()), "state of the rule's optimizer");
        step::train(self, (mlp, state), rule, batch, (site, factor))
    }

    /// Computes the outputs (logits or predictions) of `examples`, one row each, into `out`, within
    /// their [bounds](Mlp::output_bounds): of the
    /// full network without masks, or of a sub-network where `masks` gives key, stream and step.
    /// With [`Stream::MonteCarlo`](crate::random::Stream) each example has masks of its own even
    /// where training shares them; with other streams the examples count as one batch, the first at
    /// row 0.
    ///
    /// # Panics
    /// When `out` is not examples × outputs long, there are no such examples, or `mlp` or the data
    /// do not fit the architecture.
    pub fn forward(
        &mut self,
        mlp: &Mlp,
        data: &Examples,
        examples: Range<u32>,
        masks: Option<&MaskKey>,
        out: &mut [f32],
    ) {
        self.check(mlp, data);
        step::forward(self, mlp, data, examples, masks, out);
    }

    /// Passes `examples` through sub-networks: `samples` of each, the masks of sample `s` being
    /// those of [`Stream::MonteCarlo`](crate::random::Stream) at step `s` under `key`. The outputs
    /// of a pass are, to the bit, those that [`Self::forward`] gives with these masks. They are not
    /// collected: `visit` takes the outputs of an example, its samples in their order, some at a
    /// time, together with the example's row of `kept`, which is examples × anything.
    ///
    /// What the first mask does not touch is computed once an example, unless there is DropConnect
    /// or concrete dropout. Memory does not grow with the samples.
    ///
    /// # Panics
    /// When `kept` does not divide into rows, there are no such examples, or `mlp` or the data do
    /// not fit the architecture.
    #[allow(clippy::too_many_arguments)]
    pub fn sample(
        &mut self,
        mlp: &Mlp,
        data: &Examples,
        examples: Range<u32>,
        key: Key,
        samples: Range<u32>,
        kept: &mut [f64],
        visit: &SampleVisitor<'_>,
    ) {
        self.check(mlp, data);
        assert!(examples.end as usize <= data.len(), "examples of the data set");
        assert!(examples.is_empty() || kept.len().is_multiple_of(examples.len()), "one row of numbers an example");
        let request = samples::Request { mlp, data, examples, key, samples };
        if self.connections.any() || self.concretes.any() {
            samples::whole_passes(self, &request, kept, visit);
        } else {
            samples::passes(self, &request, kept, visit);
        }
    }

    /// The kernels index by the architecture's shapes.
    fn check(&self, mlp: &Mlp, data: &Examples) {
        assert_eq!(mlp.architecture(), &self.architecture, "the architecture this was made for");
        assert_eq!(data.features(), self.architecture.inputs(), "one input a feature");
    }
}
