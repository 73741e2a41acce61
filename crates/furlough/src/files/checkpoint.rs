use super::FORMAT_VERSION;
use super::sealed::{self, FileKind};
use crate::nn::{Architecture, Mlp, Sequential};
use crate::optim::{Optimizer, OptimizerState};
use crate::train::{BestEpoch, Progress, TrainState};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

const KIND: FileKind = FileKind { name: "checkpoint", version: FORMAT_VERSION };
const BEST: &str = "best.";

/// What a run is a run of. A checkpoint goes on only with the very same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// SHA-256 of the recipe's text.
    pub recipe: String,
    /// [`fingerprint`](super::fingerprint) of the training set.
    pub data: String,
    /// [`weights_fingerprint`](super::weights_fingerprint) of what another run had learned, where
    /// this one began from that; none where it began from random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

impl Origin {
    /// Returns the origin of a run by `recipe`, a text with all that determines its numbers, on the
    /// data with this fingerprint.
    pub fn new(recipe: &str, data: impl Into<String>) -> Self {
        Origin { recipe: super::sha256_hex(recipe.as_bytes()), data: data.into(), weights: None }
    }
}

#[derive(Serialize, Deserialize)]
struct Body {
    progress: Progress,
    origin: Origin,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropout_logits: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    output_bounds: Vec<[f32; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<BestBody>,
}

/// What is said of the best epoch beside its tensors.
#[derive(Serialize, Deserialize)]
struct BestBody {
    epoch: u32,
    value: f64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropout_logits: Vec<f64>,
}

/// Writes a checkpoint atomically. The same state gives the same bytes.
///
/// # Errors
/// [`Error::File`] when a value is not finite, [`Error::Io`] when it cannot be written; an older
/// checkpoint is then intact.
pub fn save_checkpoint(path: &Path, state: &TrainState, origin: &Origin) -> Result<()> {
    super::write_atomic(path, &checkpoint_bytes(path, state, origin)?)
}

/// Reads a checkpoint of a run of `origin` with a network of `architecture` and this
/// optimizer. What is returned is bit for bit what was saved.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::File`] when a byte of it is damaged or missing,
/// and when it comes from another recipe, other data, other first weights, another network or
/// another optimizer.
pub fn load_checkpoint(
    path: &Path,
    origin: &Origin,
    architecture: &Architecture,
    optimizer: &Optimizer,
) -> Result<TrainState> {
    let file = super::read_file(path)?;
    from_bytes(path, &file, origin, architecture, optimizer)
}

/// What a checkpoint has learned.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointNetwork {
    /// The network: that of the best epoch so far, where the run may stop early.
    pub mlp: Mlp,
    /// That epoch; none where the run may not stop early, and before its first epoch is done.
    pub best_epoch: Option<u32>,
    /// How far the run is.
    pub progress: Progress,
    /// What it is a run of.
    pub origin: Origin,
}

/// Reads the network of a checkpoint, and nothing of its optimizer. `network` makes the layers for
/// the numbers of inputs and outputs that the linear layers of the checkpoint have: behind an input
/// stage the first is the stage's width.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::File`] when a byte of it is damaged or missing,
/// or when it is of another network; those of [`Sequential::validate`].
pub fn load_checkpoint_network(
    path: &Path,
    network: impl FnOnce(usize, usize) -> Sequential,
) -> Result<CheckpointNetwork> {
    let file = super::read_file(path)?;
    let (body, tensors) = sealed::open::<Body>(path, KIND, &file)?;
    let Body { progress, origin, dropout_logits, output_bounds, best } = body;
    let shape = |layer: usize| tensors.shape(&format!("linear{layer}.weight"));
    let layers = (1..).take_while(|&layer| shape(layer).is_some()).count();
    let (Some(&[inputs, _]), Some(&[_, outputs])) = (shape(1), shape(layers)) else {
        return Err(Error::file(path, "belongs to another network: it has no layers"));
    };
    let architecture = network(inputs, outputs).validate()?;
    let best_epoch = best.as_ref().map(|best| best.epoch);
    let (prefix, dropout_logits) = best.map_or(("", dropout_logits), |best| (BEST, best.dropout_logits));
    let parameters = sealed::values(path, &tensors, &architecture, prefix)?;
    let mlp = Mlp::from_parameters(architecture, parameters).with_dropout_logits(dropout_logits);
    let mlp = mlp.and_then(|mlp| mlp.with_output_bounds(output_bounds));
    let mlp = mlp.map_err(|error| Error::file(path, error.to_string()))?;
    Ok(CheckpointNetwork { mlp, best_epoch, progress, origin })
}

/// How far the run of a checkpoint is, whatever its recipe and data.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::File`] when a byte of it is damaged or missing.
pub fn checkpoint_progress(path: &Path) -> Result<Progress> {
    let file = super::read_file(path)?;
    Ok(sealed::open::<Body>(path, KIND, &file)?.0.progress)
}

/// Returns the bytes that [`save_checkpoint`] writes, for those who write them elsewhere or later.
/// `path` names the file in errors.
///
/// # Errors
/// [`Error::File`] when a value is not finite.
pub fn checkpoint_bytes(path: &Path, state: &TrainState, origin: &Origin) -> Result<Vec<u8>> {
    if !state.progress.loss_sum.is_finite() {
        return Err(Error::file(path, format!("cannot be written: the loss is {}", state.progress.loss_sum)));
    }
    let dropout_logits = sealed::logits(path, &state.mlp)?;
    let best = |best: &BestEpoch| -> Result<BestBody> {
        let dropout_logits = sealed::logits(path, &best.mlp)?;
        Ok(BestBody { epoch: best.epoch, value: best.value, dropout_logits })
    };
    let best = state.best.as_ref().map(best).transpose()?;
    let (progress, output_bounds) = (state.progress, state.mlp.output_bounds().to_vec());
    let body = Body { progress, origin: origin.clone(), dropout_logits, output_bounds, best };
    let prefixes: Vec<String> = state.optimizer.buffers().map(|(name, _)| prefix(name)).collect();
    let buffers = prefixes.iter().zip(state.optimizer.buffers()).map(|(prefix, (_, values))| (&prefix[..], values));
    let best = state.best.as_ref().map(|best| (BEST, best.mlp.parameters()));
    let groups: Vec<_> = [("", state.mlp.parameters())].into_iter().chain(buffers).chain(best).collect();
    sealed::seal(path, KIND, &body, state.mlp.architecture(), &groups)
}

pub(super) fn from_bytes(
    path: &Path,
    file: &[u8],
    origin: &Origin,
    architecture: &Architecture,
    optimizer: &Optimizer,
) -> Result<TrainState> {
    let (body, tensors) = sealed::open::<Body>(path, KIND, file)?;
    let other = |what: &str, how: &str| Error::file(path, format!("comes from a run {what}; {how}"));
    if body.origin.recipe != origin.recipe {
        let how = "resume it with the recipe that stands beside it, unchanged, or start a new run in another folder";
        return Err(other("of another recipe", how));
    }
    if body.origin.data != origin.data {
        let how = "resume it with the data that it began with, or start a new run in another folder";
        return Err(other("on other data", how));
    }
    if body.origin.weights != origin.weights {
        let how = "put its own checkpoint back from a copy, or start a new run in another folder";
        return Err(other("that began from other weights", how));
    }
    let parameters = sealed::values(path, &tensors, architecture, "")?;
    let groups = 1 + optimizer.state_buffers().len() + usize::from(body.best.is_some());
    sealed::check_count(path, &tensors, architecture, groups)?;
    let read = |name: &str| sealed::values(path, &tensors, architecture, &prefix(name));
    let optimizer = OptimizerState::from_buffers(optimizer, read)?;
    let bounds = body.output_bounds;
    let network = |parameters: Vec<f32>, dropout_logits: Vec<f64>| {
        let mlp = Mlp::from_parameters(architecture.clone(), parameters);
        let mlp = mlp.with_dropout_logits(dropout_logits).and_then(|mlp| mlp.with_output_bounds(bounds.clone()));
        mlp.map_err(|error| Error::file(path, error.to_string()))
    };
    let best = |BestBody { epoch, value, dropout_logits }: BestBody| -> Result<BestEpoch> {
        let mlp = network(sealed::values(path, &tensors, architecture, BEST)?, dropout_logits)?;
        Ok(BestEpoch { epoch, value, mlp })
    };
    let best = body.best.map(best).transpose()?;
    let mlp = network(parameters, body.dropout_logits)?;
    Ok(TrainState { mlp, optimizer, progress: body.progress, best })
}

/// Returns what the names of the tensors of a buffer of the optimizer begin with.
fn prefix(buffer: &str) -> String {
    format!("{buffer}.")
}
