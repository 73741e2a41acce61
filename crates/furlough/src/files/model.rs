use super::MODEL_VERSION;
use super::sealed::{self, FileKind};
use crate::data::{DatasetRef, Examples, Features};
use crate::nn::{Activation, Architecture, DropoutKind, InputStage, Layer, MaskSharing, Mlp, Sequential};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

const KIND: FileKind = FileKind { name: "model", version: MODEL_VERSION };

/// What a network must know of the data it learned from to answer for other data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataInfo {
    /// Shape of one example, such as `[28, 28]`.
    pub shape: Vec<usize>,
    /// What a byte of the features was multiplied by; none when they were numbers.
    pub scale: Option<f64>,
    /// The features' names, in order; none unless they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feature_names: Vec<String>,
    /// How many levels each feature has, 0 for a number; none where all are numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<u32>,
    /// The classes' names in the order of the outputs; none when the network predicts numbers.
    pub classes: Vec<String>,
    /// [`fingerprint`](super::fingerprint) of the training set; empty where the file has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
}

impl DataInfo {
    /// Returns what is known of a training set. Computes its fingerprint.
    ///
    /// ```
    /// use furlough::{data::Dataset, files::DataInfo};
    /// use ndarray::array;
    /// let data = Dataset::classification(array![[0.0, 1.0], [1.0, 0.0]], ["no", "yes"])?;
    /// let info = DataInfo::of(&data.with_feature_names(["a", "b"])?);
    /// assert_eq!((info.feature_names.join(" "), info.classes.join(" ")), ("a b".into(), "no yes".into()));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn of<'a>(train: impl Into<DatasetRef<'a>>) -> Self {
        let train = train.into();
        let (classes, fingerprint) = (train.like().class_names().to_vec(), super::fingerprint(train));
        DataInfo { classes, fingerprint, ..DataInfo::of_examples(train.like()) }
    }

    /// Returns what is known of examples without targets: no classes, and no fingerprint.
    pub fn of_examples(examples: &Examples) -> Self {
        let scale = match examples.inputs() {
            Features::Bytes { scale, .. } => Some(f64::from(*scale)),
            Features::Floats(_) => None,
        };
        let (feature_names, levels) = (examples.feature_names().to_vec(), examples.levels().to_vec());
        DataInfo { scale, feature_names, levels, ..DataInfo::of_shape(examples.shape()) }
    }

    /// Returns what is known of numbers of which only the shape is.
    pub(super) fn of_shape(shape: &[usize]) -> Self {
        let (classes, feature_names, levels, fingerprint) = Default::default();
        DataInfo { shape: shape.to_vec(), scale: None, feature_names, levels, classes, fingerprint }
    }
}

/// What a model file says beside the parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// What it learned from.
    pub data: DataInfo,
    /// The recipe it was trained by, as TOML; empty where it was not trained by one.
    pub recipe: String,
    /// What a network that learned from a table needs to answer for one: its schema and its
    /// preprocessing, which the tables' library writes and reads. The engine keeps it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<serde_json::Value>,
}

impl ModelInfo {
    /// Returns what is said of a network that did not learn from a table. The recipe is empty where
    /// there was none.
    pub fn new(data: DataInfo, recipe: impl Into<String>) -> Self {
        ModelInfo { data, recipe: recipe.into(), table: None }
    }
}

#[derive(Serialize, Deserialize)]
struct Body {
    network: Network,
    #[serde(flatten)]
    info: ModelInfo,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropout_logits: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    output_bounds: Vec<[f32; 2]>,
}

#[derive(Serialize, Deserialize)]
struct Network {
    flatten: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_stage: Option<InputStage>,
    input_dropout: f64,
    #[serde(default, skip_serializing_if = "MaskSharing::is_per_example")]
    input_sharing: MaskSharing,
    #[serde(default, skip_serializing_if = "DropoutKind::is_bernoulli")]
    input_kind: DropoutKind,
    layers: Vec<LinearLayer>,
}

/// A linear layer, its activation and the drop probability after it.
#[derive(Serialize, Deserialize)]
struct LinearLayer {
    inputs: usize,
    outputs: usize,
    activation: Activation,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    parametric: bool,
    dropout: f64,
    #[serde(default, skip_serializing_if = "MaskSharing::is_per_example")]
    sharing: MaskSharing,
    #[serde(default, skip_serializing_if = "DropoutKind::is_bernoulli")]
    kind: DropoutKind,
}

/// Writes a model file atomically: all that is needed to use the network. The same run gives the
/// same bytes.
///
/// # Errors
/// [`Error::File`] when a parameter is not finite, [`Error::Io`] when it cannot be written.
pub fn save_model(path: &Path, mlp: &Mlp, info: &ModelInfo) -> Result<()> {
    super::write_atomic(path, &to_bytes(path, mlp, info)?)
}

/// Reads a model file: the network with its parameters, bit for bit, and what it knows of its data.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::File`] when a byte of it is damaged or missing.
pub fn load_model(path: &Path) -> Result<(Mlp, ModelInfo)> {
    let file = super::read_file(path)?;
    from_bytes(path, &file)
}

pub(super) fn to_bytes(path: &Path, mlp: &Mlp, info: &ModelInfo) -> Result<Vec<u8>> {
    let architecture = mlp.architecture();
    let dropout_logits = sealed::logits(path, mlp)?;
    let output_bounds = mlp.output_bounds().to_vec();
    let body = Body { network: describe(architecture), info: info.clone(), dropout_logits, output_bounds };
    sealed::seal(path, KIND, &body, architecture, &[("", mlp.parameters())])
}

pub(super) fn from_bytes(path: &Path, file: &[u8]) -> Result<(Mlp, ModelInfo)> {
    let (Body { network, info, dropout_logits, output_bounds }, tensors) = sealed::open::<Body>(path, KIND, file)?;
    let architecture = layers(&network).validate().map_err(|error| Error::file(path, error.to_string()))?;
    let features: usize = info.data.shape.iter().product();
    let classes = info.data.classes.len();
    if features != architecture.inputs() || (classes != 0 && classes != architecture.outputs()) {
        let reason = format!(
            "contradicts itself: {features} features and {classes} classes for a network from {} to {}",
            architecture.inputs(),
            architecture.outputs()
        );
        return Err(Error::file(path, reason));
    }
    let names = info.data.feature_names.len();
    if names != 0 && names != features {
        return Err(Error::file(path, format!("contradicts itself: {names} feature names for {features} features")));
    }
    let parameters = sealed::values(path, &tensors, &architecture, "")?;
    sealed::check_count(path, &tensors, &architecture, 1)?;
    let mlp = Mlp::from_parameters(architecture, parameters).with_dropout_logits(dropout_logits);
    let mlp = mlp.and_then(|mlp| mlp.with_output_bounds(output_bounds));
    Ok((mlp.map_err(|error| Error::file(path, error.to_string()))?, info))
}

fn describe(architecture: &Architecture) -> Network {
    let layer = |block: &crate::nn::Block| LinearLayer {
        inputs: block.inputs,
        outputs: block.outputs,
        activation: block.activation,
        parametric: block.parametric,
        dropout: block.dropout.p(),
        sharing: block.dropout.sharing(),
        kind: block.dropout.kind(),
    };
    Network {
        flatten: architecture.flattens(),
        input_stage: architecture.input_stage().cloned(),
        input_dropout: architecture.input_dropout().p(),
        input_sharing: architecture.input_dropout().sharing(),
        input_kind: architecture.input_dropout().kind(),
        layers: architecture.blocks().iter().map(layer).collect(),
    }
}

fn layers(network: &Network) -> Sequential {
    let dropout = |kind, p: f64, sharing| (p != 0.0).then_some(Layer::dropout(kind, p, sharing));
    let mut layers = Vec::new();
    layers.extend(network.flatten.then_some(Layer::Flatten));
    layers.extend(dropout(network.input_kind, network.input_dropout, network.input_sharing));
    for layer in &network.layers {
        layers.push(Layer::Linear(layer.inputs, layer.outputs));
        layers.extend(match layer.parametric {
            true => Some(Layer::Parametric(layer.activation)),
            false => Layer::of(layer.activation),
        });
        layers.extend(dropout(layer.kind, layer.dropout, layer.sharing));
    }
    let list = Sequential::new(layers);
    match &network.input_stage {
        Some(stage) => list.with_input_stage(stage.clone()),
        None => list,
    }
}
