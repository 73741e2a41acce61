//! Networks that are built by hand.

use crate::exceptions::{Failed, guarded};
use crate::fit::Config;
use crate::progress::Listener;
use furlough::data::{Dataset, EvalData, Examples, Features, Targets};
use furlough::files::ModelFile;
use furlough::files::{DataInfo, ModelInfo, model_bytes, models_from_bytes, read_file, write_atomic};
use furlough::nn::{Layer, Mlp, Sequential};
use furlough::predict::{Predictor, Spread};
use furlough::random::Key;
use furlough::train::{Control, Event, TrainOptions, Trainer};
use furlough_lab::recipe::{RecipeKey, Settings};
use furlough_lab::run::FitReport;
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One entry of a layer list.
#[derive(FromPyObject)]
pub enum LayerOf {
    /// Inputs and outputs.
    Linear(usize, usize),
    /// Kind, drop probability and sharing.
    Dropout(String, f64, String),
    /// An activation, or `flatten`, and whether units learn how much of it they take.
    Activation(String, bool),
}

impl LayerOf {
    fn layer(self) -> Result<Layer, Failed> {
        Ok(match self {
            LayerOf::Linear(inputs, outputs) => Layer::Linear(inputs, outputs),
            LayerOf::Dropout(kind, p, sharing) => Layer::dropout(kind.parse()?, p, sharing.parse()?),
            LayerOf::Activation(name, _) if name == "flatten" => Layer::Flatten,
            LayerOf::Activation(name, parametric) => {
                let none = || PyValueError::new_err(format!("{name} is no layer of its own; leave it out"));
                Layer::activated(name.parse()?, parametric).ok_or_else(none)?
            }
        })
    }
}

/// A network.
#[pyclass(module = "furlough._furlough", frozen)]
pub struct Network {
    mlp: Mutex<Mlp>,
    /// What its classes are called; none where it has none, or they are not known yet.
    classes: Mutex<Vec<String>>,
}

/// A parameter's name, its shape and its values, flat.
type NamedParameter<'py> = (String, Vec<usize>, Bound<'py, PyArray1<f32>>);

/// What messages call a network that is in no file.
const NAME: &str = "network";

/// What is learned: classes by their places and names, or numbers.
#[derive(FromPyObject)]
pub enum Learned<'py> {
    Classes(PyReadonlyArray1<'py, u32>, Vec<String>),
    Numbers(PyReadonlyArray2<'py, f32>),
}

/// Examples with their targets and perhaps their weights.
#[derive(FromPyObject)]
pub struct DataOf<'py>(PyReadonlyArray2<'py, f32>, Learned<'py>, Option<PyReadonlyArray1<'py, f32>>);

impl DataOf<'_> {
    fn dataset(self) -> Result<Dataset, Failed> {
        let DataOf(x, targets, weights) = self;
        let x = x.as_array().to_owned();
        let targets = match targets {
            Learned::Classes(labels, names) => Targets::Classes { labels: labels.as_array().to_vec(), names },
            Learned::Numbers(values) => Targets::Values(values.as_array().to_owned()),
        };
        let width = x.ncols();
        let data = Dataset::of(Examples::new(Features::Floats(x), &[width])?, targets)?;
        Ok(match weights {
            Some(weights) => data.with_weights(weights.as_array().to_vec())?,
            None => data,
        })
    }
}

/// Returns the options that keys of a recipe and their values say.
fn options(settings: Vec<(String, String)>, judged: bool) -> Result<TrainOptions, Failed> {
    // Of these keys it makes no difference which data a recipe is for. Where some examples judge,
    // they are no test set.
    let mut said = Settings { folds: judged.then_some(2), ..Settings::default() };
    for (name, text) in settings {
        let key = RecipeKey::named(&name)
            .ok_or_else(|| PyValueError::new_err(format!("{name} is no option of a training")))?;
        key.say(&mut said, &text)?;
    }
    Ok(said.resolve()?.options())
}

impl Network {
    fn locked(&self) -> MutexGuard<'_, Mlp> {
        self.mlp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(mlp: Mlp, classes: Vec<String>) -> Self {
        Network { mlp: Mutex::new(mlp), classes: Mutex::new(classes) }
    }

    fn read(path: &Path, bytes: &[u8]) -> Result<Self, Failed> {
        match models_from_bytes(path, bytes)? {
            ModelFile::Single(single) => Ok(Network::of(single.0, single.1.data.classes)),
            ModelFile::Ensemble(..) => {
                let reason = format!("{}: holds several networks; furlough.load reads it", path.display());
                Err(PyValueError::new_err(reason).into())
            }
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, Failed> {
        let mlp = self.locked().clone();
        let data = DataInfo { classes: self.names().clone(), ..DataInfo::of_shape(&[mlp.architecture().inputs()]) };
        Ok(model_bytes(Path::new(NAME), &mlp, &ModelInfo::new(data, ""))?)
    }
}

#[pymethods]
impl Network {
    /// Builds a network of a layer list, with its first weights.
    #[new]
    fn new(py: Python<'_>, layers: Vec<LayerOf>, init: &str, seed: u64) -> PyResult<Self> {
        guarded(py, || {
            let layers = layers.into_iter().map(LayerOf::layer).collect::<Result<Vec<_>, _>>()?;
            let architecture = Sequential::new(layers).validate()?;
            let init: furlough::nn::Init = init.parse()?;
            init.validate()?;
            Ok(Network::of(Mlp::new(architecture, init, Key::new(seed)), Vec::new()))
        })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: Vec<u8>) -> PyResult<Self> {
        guarded(py, || Network::read(Path::new(NAME), &bytes))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        guarded(py, || Network::read(&path, &read_file(&path)?))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        guarded(py, || Ok(write_atomic(&path, &self.bytes()?)?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let bytes = guarded(py, || self.bytes())?;
        Ok((py.get_type::<Network>().getattr("from_bytes")?, (PyBytes::new(py, &bytes),)))
    }

    #[getter]
    fn inputs(&self) -> usize {
        self.locked().architecture().inputs()
    }

    #[getter]
    fn outputs(&self) -> usize {
        self.locked().architecture().outputs()
    }

    /// What the classes are called; nothing before they are known.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.names().clone()
    }

    fn __repr__(&self) -> String {
        let layers = Sequential::from(self.locked().architecture());
        let written: Vec<String> = layers.layers().iter().map(ToString::to_string).collect();
        format!("Sequential({})", written.join(", "))
    }

    /// Returns copies of the parameters.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Vec<NamedParameter<'py>>> {
        let mlp = self.locked();
        let specs = mlp.architecture().param_specs();
        let of = |spec: &furlough::nn::ParamSpec| {
            let values = mlp.parameters()[spec.range.clone()].to_vec();
            (spec.name.clone(), spec.shape.clone(), values.into_pyarray(py))
        };
        Ok(specs.iter().map(of).collect())
    }

    /// Sets a parameter.
    fn set_parameter(&self, name: &str, values: PyReadonlyArray1<'_, f32>) -> PyResult<()> {
        let mut mlp = self.locked();
        let spec = mlp.architecture().param_specs().iter().find(|spec| spec.name == name).cloned();
        let spec = spec.ok_or_else(|| PyKeyError::new_err(format!("{name} is no parameter of this network")))?;
        let values = values.as_array().to_vec();
        if values.len() != spec.range.len() || !values.iter().all(|value| value.is_finite()) {
            let reason = format!("{name}: takes {} finite numbers, in the shape {:?}", spec.range.len(), spec.shape);
            return Err(PyValueError::new_err(reason));
        }
        mlp.parameters_mut()[spec.range].copy_from_slice(&values);
        Ok(())
    }

    /// Trains, and returns what was heard of it; the network then is what was learned.
    fn train<'py>(
        &self,
        py: Python<'py>,
        data: DataOf<'py>,
        judge: Option<DataOf<'py>>,
        config: Config,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (data, judge) = (data.dataset()?, judge.map(DataOf::dataset).transpose()?);
        let Config { settings, threads, time_limit, on_epoch, .. } = config;
        let mut listener = Listener::new(time_limit, on_epoch);
        let heard = guarded(py, || {
            let options = options(settings, judge.is_some())?;
            let mlp = self.locked().clone();
            let mut trainer = Trainer::from_mlp(mlp, &options, &data, threads)?;
            let mut watch = |event: &Event<'_>| {
                Ok(match event {
                    Event::Step { .. } => listener.hear(FitReport::Step),
                    Event::Epoch(summary) => listener.hear(FitReport::Epoch(0, (*summary).clone())),
                    _ => Control::Continue,
                })
            };
            let stopped = trainer.fit_with(judge.as_ref().map(EvalData::validation), &mut watch)?;
            let best = trainer.state().best.as_ref().map(|best| best.mlp.clone());
            *self.locked() = best.unwrap_or_else(|| trainer.into_mlp());
            *self.names() = data.class_names().to_vec();
            Ok((listener.end()?, stopped))
        })?;
        let dict = heard.0.into_dict(py)?;
        dict.set_item("stopped", format!("{:?}", heard.1).to_lowercase())?;
        Ok(dict)
    }

    /// Returns the outputs of the full network: logits, or numbers.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f32>,
        probabilities: bool,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let x: Array2<f32> = x.as_array().to_owned();
        let outputs = guarded(py, || {
            let mut predictor = Predictor::new(self.locked().clone(), threads);
            Ok(if probabilities { predictor.predict_proba(&x)? } else { predictor.predict(&x)? })
        })?;
        Ok(outputs.into_pyarray(py))
    }

    /// Returns the mean of masked passes, and how far they agree.
    fn sample<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<'py, f32>,
        samples: u32,
        seed: u64,
        threads: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let x: Array2<f32> = x.as_array().to_owned();
        let classes = !self.names().is_empty();
        let sampled = guarded(py, || {
            let task = if classes { furlough::data::Task::Classification } else { furlough::data::Task::Regression };
            let mut predictor = Predictor::new(self.locked().clone(), threads).with_task(task);
            Ok(predictor.monte_carlo(&x, samples, Key::new(seed))?)
        })?;
        let dict = PyDict::new(py);
        dict.set_item("means", sampled.means.into_pyarray(py))?;
        match sampled.spread {
            Spread::Numbers(variances) => dict.set_item("deviations", variances.mapv(f64::sqrt).into_pyarray(py))?,
            Spread::Classes(doubts) => {
                let doubt = doubts.iter().map(|doubt| doubt.mutual_information).collect::<Vec<f64>>();
                dict.set_item("mutual_information", doubt.into_pyarray(py))?;
            }
        }
        Ok(dict)
    }
}
