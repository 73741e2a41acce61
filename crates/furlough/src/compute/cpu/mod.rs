//! The step on a CPU.

mod bf16;
mod comoments;
mod concrete;
mod connections;
mod dropout;
mod epilogue;
mod features;
mod gathered;
mod gemm;
mod in_place;
mod layers;
mod loss;
mod math;
mod out;
mod packed;
mod partition;
mod product;
mod rows;
mod samples;
mod shared_samples;
mod simd;
mod sparse;
mod stream;
mod tally;
mod tiles;
mod transpose;
mod units;
mod way;
mod workers;
mod workspace;
mod zeros;

pub(crate) use comoments::Comoments;
pub use gathered::SharedMaskMode;
pub use in_place::drop_in_place;
pub use samples::{Fold, Samples};
pub use simd::Isa;
pub(crate) use tally::{softmax_samples, tally_classes, tally_width};

use super::Precision;
use crate::data::{Batch, Dataset};
use crate::nn::{Architecture, MaskKey, Mlp};
use crate::optim::Sgd;
use crate::random::Key;
use concrete::Concretes;
use connections::Connections;
use dropout::LayerMask;
use gathered::Gathered;
use packed::Packed;
use partition::Partition;
use product::Product;
use way::Way;
use workers::Workers;
use workspace::{Shared, Workspace};

/// Threads, workspace and instruction set for one architecture and batch size. It has no randomness and no state to be seen
/// that outlives a call: the same arguments give the same bits, at any number of threads.
pub struct Cpu {
    architecture: Architecture,
    isa: Isa,
    product: Product,
    packed: Packed,
    workers: Workers,
    /// Whether storing past the caches what workers read of each other pays here.
    streams: bool,
    /// How the present step goes about it.
    way: Way,
    /// About which part of the features was not zero in the steps so far.
    left_of_features: Option<f64>,
    training: Workspace,
    inference: Workspace,
    /// Tiles of parameters: where the first layer's gradient leaves out zeros of what it reads, and where those of the deltas.
    partitions: [Partition; 2],
    /// Room for each worker: the rows that it multiplies, packed; then the gradient of one tile, and what its product takes.
    scratch: Shared<u32>,
    scratch_size: usize,
    /// The masks of the present call: of the input, then of each block.
    masks: Vec<Option<LayerMask>>,
    /// Weights of the present call where DropConnect drops some.
    connections: Connections,
    /// Soft masks of the present call, and what is learnt of them.
    concretes: Concretes,
    sums: Shared<StepSums>,
    /// The other way to compute a step, where enough rows share their masks.
    gathered: Option<Gathered>,
    gathering: SharedMaskMode,
}

/// What a step or an evaluation counted, summed over its examples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepSums {
    /// Sum of the examples' losses.
    pub loss: f64,
    /// Examples whose largest logit is that of their class; 0 for numbers.
    pub correct: u64,
}

impl StepSums {
    /// Adds the examples' sums in the order of the rows, so that neither threads nor tiles show in the result.
    fn total(rows: &[StepSums]) -> StepSums {
        let add =
            |all: StepSums, row: &StepSums| StepSums { loss: all.loss + row.loss, correct: all.correct + row.correct };
        rows.iter().fold(StepSums::default(), add)
    }
}

impl Cpu {
    /// Threads and memory for training with batches of up to `batch_size` examples. `threads` counts the calling one;
    /// 0 is taken as 1.
    pub fn new(architecture: &Architecture, batch_size: usize, threads: usize) -> Self {
        Cpu::with(architecture, batch_size, threads, Precision::F32, Isa::best())
    }

    /// [`Self::new`] with products in the given precision and kernels for an instruction set that may be other than the machine's best.
    pub fn with(
        architecture: &Architecture,
        batch_size: usize,
        threads: usize,
        precision: Precision,
        isa: Isa,
    ) -> Self {
        let product = Product::new(isa, precision);
        let workers = Workers::new(threads.max(1), product.worth_sharing());
        let partitions = [0.0, 1.0].map(|features| {
            Partition::new(architecture, units::choose(&product, architecture, batch_size, features), workers.count())
        });
        let (tile, _) = product.tile(architecture, usize::MAX);
        let of_tiles = partitions.iter().map(|partition| partition.scratch(&product, batch_size));
        let of_rows = architecture.blocks().iter().map(|b| product.row_words(tile, b.inputs, b.outputs));
        let scratch_size = of_tiles.chain(of_rows).max().unwrap_or(0).next_multiple_of(stream::LINE);
        Cpu {
            isa,
            streams: workers.count() > 1 && stream::pays(isa),
            way: Way::default(),
            left_of_features: None,
            training: Workspace::for_training(architecture, batch_size, &product),
            inference: Workspace::for_inference(architecture, workers.count() * tile),
            scratch: Shared::new(workers.count(), scratch_size),
            scratch_size,
            masks: vec![None; architecture.blocks().len() + 1],
            connections: Connections::new(architecture),
            concretes: Concretes::new(architecture, batch_size),
            sums: Shared::new(batch_size, 1),
            gathering: SharedMaskMode::default(),
            gathered: product
                .kernels()
                .and_then(|kernels| Gathered::new(architecture, batch_size, kernels, workers.count())),
            architecture: architecture.clone(),
            packed: Packed::new(architecture, &product, batch_size),
            product,
            workers,
            partitions,
        }
    }

    /// Says when steps leave out what shared masks drop; [`SharedMaskMode::Auto`] unless told otherwise.
    pub fn gather(&mut self, when: SharedMaskMode) {
        self.gathering = when;
    }

    /// The instruction set of the kernels.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Name of the instructions that multiply.
    pub fn instruction_set(&self) -> &'static str {
        self.product.name()
    }

    /// Number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.workers.count()
    }

    /// One optimiser step on `mlp`. `site` gives the masks' key, stream and step (its layer is not looked at); `velocity` is as long as
    /// the parameters if the optimiser has one and empty otherwise. Allocates nothing after the first step.
    ///
    /// When the loss is not finite the parameters are left as they were; the caller sees it in the result.
    ///
    /// # Panics
    /// When the batch is empty or larger than this was made for, or `mlp`, `velocity` or the data do not fit the architecture.
    pub fn train_step(
        &mut self,
        mlp: &mut Mlp,
        velocity: &mut [f32],
        optimizer: &Sgd,
        batch: Batch<'_>,
        site: &MaskKey,
    ) -> StepSums {
        self.scheduled_step(mlp, velocity, optimizer, batch, site, 1.0)
    }

    /// [`Self::train_step`] with each drop probability multiplied by `factor` in this step, as a
    /// [`DropoutSchedule`](crate::nn::DropoutSchedule) says.
    ///
    /// # Panics
    /// As [`Self::train_step`], and unless `0 <= factor <= 1`.
    pub fn scheduled_step(
        &mut self,
        mlp: &mut Mlp,
        velocity: &mut [f32],
        optimizer: &Sgd,
        batch: Batch<'_>,
        site: &MaskKey,
        factor: f64,
    ) -> StepSums {
        self.check(mlp, batch.data);
        assert_eq!(batch.data.outputs(), self.architecture.outputs(), "one output a class or target");
        let most = self.training.rows();
        assert!((1..=most).contains(&batch.examples.len()), "batches of 1 to {most} examples");
        let length = if optimizer.has_velocity() { mlp.parameters().len() } else { 0 };
        assert_eq!(velocity.len(), length, "as long as the parameters with momentum, empty without");
        // Forward, back and the gradient.
        self.workers.choose(batch.examples.len(), 3 * self.architecture.parameters());
        rows::fill_masks(self.isa, &mut self.masks, &self.architecture, Some(site), factor);
        let (rows, when) = (batch.examples.len(), self.gathering);
        let gathered = self.gathered.as_ref();
        if gathered.is_some_and(|gathered| gathered.takes(&self.architecture, rows, when, factor)) {
            return gathered::train_step(self, mlp, velocity, optimizer, batch);
        }
        self.connections.draw(self.isa, &mut self.workers, mlp, Some(site), factor);
        self.concretes.draw(self.isa, mlp, Some(site));
        let sums = rows::train_phase(self, mlp, batch);
        if sums.loss.is_finite() {
            let Cpu { isa, workers, concretes, .. } = self;
            let examples = (batch.examples.len(), batch.data.len());
            concretes.differentiate(*isa, workers, mlp, optimizer.concrete, examples);
            tiles::update_phase(self, mlp, velocity, optimizer, batch);
            self.concretes.descend(mlp, optimizer.learning_rate);
        }
        sums
    }

    /// The outputs (logits or predictions) of `examples`, one row each, into `out`: the full network without
    /// masks, or a sub-network where `masks` gives key, stream and step. With [`Stream::MonteCarlo`](crate::random::Stream) each example has masks of
    /// its own even where training shares them; with other streams the examples count as one batch, the first at place 0.
    ///
    /// # Panics
    /// When `out` is not examples × outputs long, there are no such examples, or `mlp` or the data do not fit the architecture.
    pub fn forward(
        &mut self,
        mlp: &Mlp,
        data: &Dataset,
        examples: std::ops::Range<u32>,
        masks: Option<&MaskKey>,
        out: &mut [f32],
    ) {
        self.check(mlp, data);
        rows::forward_phase(self, mlp, data, examples, masks, out);
    }

    /// Passes of `examples` through sub-networks: `samples` of each, the masks of sample `s` being those of
    /// [`Stream::MonteCarlo`](crate::random::Stream) at step `s` under `key`. The outputs of a pass are, to the bit, those that [`Self::forward`]
    /// gives with these masks. They are not collected: `fold` takes the outputs of an example, its samples in their order, some at a time,
    /// together with the example's row of `kept`, which is examples × anything.
    ///
    /// What the first mask does not touch is computed once an example, unless there is DropConnect or concrete dropout. Memory does not grow with the samples.
    ///
    /// # Panics
    /// When `kept` does not divide into rows, there are no such examples, or `mlp` or the data do not fit the architecture.
    #[allow(clippy::too_many_arguments)]
    pub fn sample(
        &mut self,
        mlp: &Mlp,
        data: &Dataset,
        examples: std::ops::Range<u32>,
        key: Key,
        samples: std::ops::Range<u32>,
        kept: &mut [f64],
        fold: &Fold<'_>,
    ) {
        self.check(mlp, data);
        assert!(examples.end as usize <= data.len(), "examples of the data set");
        assert!(examples.is_empty() || kept.len().is_multiple_of(examples.len()), "one row of numbers an example");
        if self.connections.any() || self.concretes.any() {
            shared_samples::sample_phase(self, mlp, data, examples, key, samples, kept, fold);
        } else {
            samples::sample_phase(self, mlp, data, examples, key, samples, kept, fold);
        }
    }

    /// The kernels index by the architecture's shapes.
    fn check(&self, mlp: &Mlp, data: &Dataset) {
        assert_eq!(mlp.architecture(), &self.architecture, "the architecture this was made for");
        assert_eq!(data.features(), self.architecture.inputs(), "one input a feature");
    }
}
