use super::sealed::{self, FileKind, SealedFile};
use super::tensors::TensorFile;
use super::{ENSEMBLE_VERSION, MODEL_VERSION};
use crate::data::{DatasetRef, Examples, Features};
use crate::nn::{Activation, Architecture, DropoutKind, InputStage, Layer, MaskSharing, Mlp, Sequential};
use crate::{Error, Result, counted};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::path::Path;

const KIND: FileKind = FileKind { name: "model", version: MODEL_VERSION };
const OF_SEVERAL: FileKind = FileKind { name: "model", version: ENSEMBLE_VERSION };

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
    /// How many levels each feature has, as [`Examples::with_levels`] takes them; none where all
    /// are numbers.
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
    pub fn of_shape(shape: &[usize]) -> Self {
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

/// What a model file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelFile {
    /// One network.
    Single(Box<(Mlp, ModelInfo)>),
    /// Several networks whose answers are averaged.
    Ensemble(Vec<EnsembleMember>, EnsembleInfo),
}

/// A network of several in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleMember {
    /// The network.
    pub mlp: Mlp,
    /// What is said of it alone: each may see the data in its own way.
    pub info: ModelInfo,
}

/// What a model file of several networks says of them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleInfo {
    /// The recipe they were trained by, as TOML; empty where they were not trained by one.
    pub recipe: String,
    /// As [`ModelInfo::table`], of all networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct EnsembleBody {
    members: Vec<Body>,
    #[serde(flatten)]
    info: EnsembleInfo,
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
    super::write_atomic(path, &model_bytes(path, mlp, info)?)
}

/// Reads a model file: the network with its parameters, bit for bit, and what it knows of its data.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::File`] when a byte of it is damaged or missing,
/// and when it holds several networks.
pub fn load_model(path: &Path) -> Result<(Mlp, ModelInfo)> {
    let file = super::read_file(path)?;
    from_bytes(path, &file)
}

/// Writes a model file of several networks atomically. The same networks give the same bytes.
///
/// # Errors
/// As [`save_model`].
pub fn save_ensemble(path: &Path, members: &[EnsembleMember], info: &EnsembleInfo) -> Result<()> {
    super::write_atomic(path, &ensemble_bytes(path, members, info)?)
}

/// Returns what [`save_ensemble`] writes; `path` is for messages.
///
/// # Errors
/// As [`save_model`], but for writing.
pub fn ensemble_bytes(path: &Path, members: &[EnsembleMember], info: &EnsembleInfo) -> Result<Vec<u8>> {
    let bodies: Result<Vec<Body>> = members.iter().map(|member| Body::of(path, &member.mlp, &member.info)).collect();
    let body = EnsembleBody { members: bodies?, info: info.clone() };
    let prefixes: Vec<String> = (0..members.len()).map(member_prefix).collect();
    let group = |(prefix, member)| -> (&str, _, _) {
        let (prefix, EnsembleMember { mlp, .. }): (&String, &EnsembleMember) = (prefix, member);
        (prefix, mlp.architecture(), mlp.parameters())
    };
    let groups: Vec<_> = prefixes.iter().zip(members).map(group).collect();
    sealed::seal_networks(path, OF_SEVERAL, &body, &groups)
}

/// Reads a model file, be it of one network or of several.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::File`] when a byte of it is damaged or missing.
pub fn load_models(path: &Path) -> Result<ModelFile> {
    let file = super::read_file(path)?;
    models_from_bytes(path, &file)
}

/// Reads what [`load_models`] reads of a file from memory; `path` is for messages.
///
/// # Errors
/// As [`load_models`], but for reading.
pub fn models_from_bytes(path: &Path, file: &[u8]) -> Result<ModelFile> {
    let (sealed, several) = open(path, file)?;
    if several.is_none() {
        return Ok(ModelFile::Single(Box::new(single(path, &sealed)?)));
    }
    let EnsembleBody { members, info } = sealed.body(path)?;
    if members.is_empty() {
        return Err(Error::file(path, "contradicts itself: it holds no network"));
    }
    let read = members.into_iter().enumerate().map(|(place, body)| {
        let (mlp, info) = body.read(path, &sealed.tensors, &member_prefix(place))?;
        Ok(EnsembleMember { mlp, info })
    });
    let read = read.collect::<Result<Vec<EnsembleMember>>>()?;
    let tensors = read.iter().map(|member| member.mlp.architecture().param_specs().len()).sum();
    sealed::check_tensors(path, &sealed.tensors, tensors)?;
    let outputs = |member: &EnsembleMember| member.mlp.architecture().outputs();
    if let Some(pair) = read.windows(2).find(|pair| outputs(&pair[0]) != outputs(&pair[1])) {
        let (one, other) = (outputs(&pair[0]), outputs(&pair[1]));
        let reason = format!("contradicts itself: its networks give {one} and {other} outputs");
        return Err(Error::file(path, reason));
    }
    Ok(ModelFile::Ensemble(read, info))
}

/// Returns what the names of a member's tensors begin with.
fn member_prefix(place: usize) -> String {
    format!("members.{place}.")
}

/// Opens a model file, and returns how many networks it says that it holds; none where it is of a
/// single one.
fn open<'a>(path: &Path, file: &'a [u8]) -> Result<(SealedFile<'a>, Option<usize>)> {
    #[derive(Serialize, Deserialize)]
    struct Several {
        #[serde(skip_serializing)]
        members: Option<Vec<IgnoredAny>>,
    }
    let sealed = SealedFile::open(path, OF_SEVERAL, file)?;
    let several = sealed.body::<Several>(path)?.members.map(|members| members.len());
    Ok((sealed, several))
}

/// Returns what [`save_model`] writes; `path` is for messages.
///
/// # Errors
/// As [`save_model`], but for writing.
pub fn model_bytes(path: &Path, mlp: &Mlp, info: &ModelInfo) -> Result<Vec<u8>> {
    let body = Body::of(path, mlp, info)?;
    sealed::seal(path, KIND, &body, mlp.architecture(), &[("", mlp.parameters())])
}

impl Body {
    fn of(path: &Path, mlp: &Mlp, info: &ModelInfo) -> Result<Self> {
        let dropout_logits = sealed::logits(path, mlp)?;
        let output_bounds = mlp.output_bounds().to_vec();
        Ok(Body { network: describe(mlp.architecture()), info: info.clone(), dropout_logits, output_bounds })
    }

    /// Returns the network, whose tensors' names begin with `prefix`.
    fn read(self, path: &Path, tensors: &TensorFile<'_>, prefix: &str) -> Result<(Mlp, ModelInfo)> {
        let architecture = fitting(path, &self.network, &self.info.data)?;
        let parameters = sealed::values(path, tensors, &architecture, prefix)?;
        let mlp = Mlp::from_parameters(architecture, parameters).with_dropout_logits(self.dropout_logits);
        let mlp = mlp.and_then(|mlp| mlp.with_output_bounds(self.output_bounds));
        Ok((mlp.map_err(|error| Error::file(path, error.to_string()))?, self.info))
    }
}

pub(super) fn from_bytes(path: &Path, file: &[u8]) -> Result<(Mlp, ModelInfo)> {
    let (sealed, several) = open(path, file)?;
    if let Some(count) = several {
        let reason =
            format!("holds {}, whose answers are averaged: read it with load_models", counted(count, "network"));
        return Err(Error::file(path, reason));
    }
    single(path, &sealed)
}

fn single(path: &Path, file: &SealedFile<'_>) -> Result<(Mlp, ModelInfo)> {
    let read = file.body::<Body>(path)?.read(path, &file.tensors, "")?;
    sealed::check_count(path, &file.tensors, read.0.architecture(), 1)?;
    Ok(read)
}

/// Returns the architecture of a file's network, if it goes with what the file says of its data.
fn fitting(path: &Path, network: &Network, data: &DataInfo) -> Result<Architecture> {
    let architecture = layers(network).validate().map_err(|error| Error::file(path, error.to_string()))?;
    let features: usize = data.shape.iter().product();
    let classes = data.classes.len();
    if features != architecture.inputs() || (classes != 0 && classes != architecture.outputs()) {
        let reason = format!(
            "contradicts itself: {features} features and {classes} classes for a network from {} to {}",
            architecture.inputs(),
            architecture.outputs()
        );
        return Err(Error::file(path, reason));
    }
    for (count, what) in [(data.feature_names.len(), "feature names"), (data.levels.len(), "numbers of levels")] {
        if count != 0 && count != features {
            return Err(Error::file(path, format!("contradicts itself: {count} {what} for {features} features")));
        }
    }
    Ok(architecture)
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
        layers.extend(Layer::activated(layer.activation, layer.parametric));
        layers.extend(dropout(layer.kind, layer.dropout, layer.sharing));
    }
    let list = Sequential::new(layers);
    match &network.input_stage {
        Some(stage) => list.with_input_stage(stage.clone()),
        None => list,
    }
}
