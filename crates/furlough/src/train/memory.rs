use super::TrainOptions;
use super::evaluate::CHUNK;
use crate::data::DatasetRef;
use crate::nn::{Activation, Architecture, Block, DropoutKind, Layer, Sequential};
use crate::{Error, Result};

/// How many bytes a training takes, part by part. Each is an upper bound that is close for networks
/// of some size.
///
/// ```
/// use furlough::nn::{Activation, Sequential};
/// use furlough::train::{TrainOptions, TrainingMemory};
/// let network = Sequential::mlp(784, 10, &[256, 256], Activation::Relu, 0.0, &[0.2, 0.5]).validate()?;
/// let memory = TrainingMemory::of(&network, &TrainOptions::default(), 60_000, 2);
/// assert_eq!(memory.parameters, 4 * 269_322);
/// assert!(memory.training() < 20_000_000);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingMemory {
    /// The network's parameters.
    pub parameters: u64,
    /// The optimizer's state, and the gradient where it is clipped.
    pub optimizer: u64,
    /// The network of the best epoch, where a run may stop early.
    pub best: u64,
    /// Copies of the weights as matrix products read them, and as DropConnect leaves them.
    pub packed: u64,
    /// What each unit gives and takes for each example of a batch, and room for each thread.
    pub workspace: u64,
    /// Outputs of an evaluation, and the order of the examples.
    pub evaluation: u64,
    /// Checkpoints of a run that is saved while it trains.
    pub checkpoints: u64,
}

/// Bytes of a number.
const WORD: u64 = size_of::<f32>() as u64;

/// Packed panels are whole, of at most so many units.
const PANEL: u64 = 64;

/// Rows of a thread's tile, at most.
const TILE: u64 = 128;

/// Words of a thread's room apart from its rows: a tile of a gradient and what its product packs.
const THREAD: u64 = 1 << 19;

/// From so many rows on weights may be packed for the backward pass whatever the shapes.
const WORTH_PACKING: u64 = 128;

impl TrainingMemory {
    /// Reckons what training such a network on these data takes. Data in memory are not counted; of
    /// data in a file the two windows are, in `evaluation`.
    pub fn of_data<'d>(
        architecture: &Architecture,
        options: &TrainOptions,
        data: impl Into<DatasetRef<'d>>,
        threads: usize,
    ) -> Self {
        match data.into() {
            DatasetRef::Memory(data) => TrainingMemory::of(architecture, options, data.len(), threads),
            DatasetRef::Disk(data) => {
                let (rows, row) = (data.shuffle().window_rows(data.len()) as u64, data.row_bytes() as u64);
                let memory = TrainingMemory::of(architecture, options, data.len(), threads);
                // The order of a window takes the place of that of all.
                let windows = 2 * rows.saturating_mul(row + WORD);
                let chunks = row.saturating_mul(CHUNK as u64 + options.batch_size.min(data.len()) as u64);
                let evaluation = memory.evaluation - WORD * data.len() as u64;
                TrainingMemory { evaluation: evaluation.saturating_add(windows).saturating_add(chunks), ..memory }
            }
        }
    }

    /// Reckons what training such a network on `examples` examples takes. The data themselves are
    /// not counted.
    pub fn of(architecture: &Architecture, options: &TrainOptions, examples: usize, threads: usize) -> Self {
        let examples = examples as u64;
        let batch = (options.batch_size as u64).min(examples);
        let parameters = WORD.saturating_mul(architecture.parameters() as u64);
        let state = parameters.saturating_mul(options.optimizer.state_buffers().len() as u64);
        let gradient = if options.clip_norm.is_some() { parameters } else { 0 };
        let sum = |bytes: &dyn Fn(usize, &Block) -> u64| {
            architecture.blocks().iter().enumerate().map(|(at, block)| bytes(at, block)).fold(0, u64::saturating_add)
        };
        let packed = sum(&|at, block| {
            let (inputs, outputs) = (block.inputs as u64, block.outputs as u64);
            let weights = inputs.saturating_mul(outputs);
            let forward = inputs.saturating_mul(outputs.next_multiple_of(PANEL));
            let packs_back = batch >= WORTH_PACKING || batch.saturating_mul(inputs + outputs) >= weights;
            let backward = if (at > 0 || architecture.learns_inputs()) && packs_back {
                outputs.saturating_mul(inputs.next_multiple_of(PANEL))
            } else {
                0
            };
            let masked = if block.dropout.kind() == DropoutKind::DropConnect { weights } else { 0 };
            WORD.saturating_mul(forward.saturating_add(backward).saturating_add(masked))
        });
        // Outputs, their gradients, these packed, and the values before the activation.
        let of_batch = sum(&|_, block| {
            let units = block.outputs as u64;
            let kept = if block.activation == Activation::Identity { 2 } else { 3 };
            WORD.saturating_mul(batch).saturating_mul(kept * units + units.next_multiple_of(PANEL))
        });
        let inputs = architecture.blocks()[0].inputs as u64;
        // And their derivatives, where a stage before them learns.
        let kept = if architecture.learns_inputs() { 2 } else { 1 };
        let of_stage = WORD.saturating_mul(architecture.stage_parameters() as u64);
        let of_inputs = WORD.saturating_mul(batch).saturating_mul(kept * inputs).saturating_add(of_stage);
        let widest =
            architecture.blocks().iter().map(|block| block.inputs.max(block.outputs)).max().unwrap_or(0) as u64;
        let units = inputs + sum(&|_, block| block.outputs as u64);
        let rows = units.saturating_add(widest).saturating_mul(TILE);
        let of_threads = WORD.saturating_mul(threads.max(1) as u64).saturating_mul(rows.saturating_add(THREAD));
        let evaluated = (CHUNK as u64).saturating_mul(architecture.outputs() as u64).saturating_mul(WORD);
        let best = if options.early_stopping.is_some() { parameters } else { 0 };
        let saved = parameters.saturating_add(state).saturating_add(best);
        TrainingMemory {
            parameters,
            optimizer: state.saturating_add(gradient),
            best,
            packed,
            workspace: of_batch.saturating_add(of_inputs).saturating_add(of_threads),
            evaluation: evaluated.saturating_add(WORD.saturating_mul(examples)),
            // One is written, as numbers and as bytes, while one waits and one is copied.
            checkpoints: saved.saturating_mul(4).saturating_add(largest_parameter(architecture)),
        }
    }

    /// Returns what the training itself takes: all but checkpoints.
    pub fn training(&self) -> u64 {
        let TrainingMemory { parameters, optimizer, best, packed, workspace, evaluation, .. } = *self;
        [parameters, optimizer, best, packed, workspace, evaluation].into_iter().fold(0, u64::saturating_add)
    }

    /// Returns what a run takes that is saved while it trains.
    pub fn total(&self) -> u64 {
        self.training().saturating_add(self.checkpoints)
    }
}

/// Bytes of the largest tensor of the parameters.
fn largest_parameter(architecture: &Architecture) -> u64 {
    let largest = architecture.param_specs().iter().map(|spec| spec.len() as u64).max();
    WORD.saturating_mul(largest.unwrap_or(0))
}

/// Asks the system whether it would give so many bytes, of which nothing is kept. Without this the
/// process would be aborted in the middle of a training.
///
/// # Errors
/// [`Error::Layer`] naming the largest layer of the network.
pub fn check_memory(network: &Sequential, bytes: u64) -> Result<()> {
    let possible = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if possible {
        return Ok(());
    }
    Err(too_large(network, bytes, "which the system does not give"))
}

/// Returns the error of a network that takes more memory than there is, for `reason`.
pub fn too_large(network: &Sequential, bytes: u64, reason: &str) -> Error {
    let weights = |layer: &Layer| match layer {
        Layer::Linear(inputs, outputs) => inputs.saturating_mul(*outputs),
        _ => 0,
    };
    let largest = network.layers().iter().enumerate().max_by_key(|(_, layer)| weights(layer));
    let (index, layer) = largest.expect("a network that was validated has layers");
    let size = match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    };
    let reason = format!(
        "is the largest layer of a network that takes about {size} of memory to train, {reason}; \
         use fewer units or smaller batches"
    );
    Error::Layer { position: index + 1, layer: layer.to_string(), reason }
}
