//! A model as Python holds it: the bytes of its file, and the networks made of them.

use crate::exceptions::{Failed, guarded};
use crate::frame::Features;
use furlough::compute::Precision;
use furlough::files::{ModelFile, models_from_bytes, read_file, write_atomic};
use furlough::optim::OptimizerState;
use furlough_lab::recipe::Settings;
use furlough_tables::model::{AnswerOptions, MaskedPasses, RowSpread};
use furlough_tables::preprocessing::TargetEncoder;
use furlough_tables::{Role, Schema, Table, TableAnswers, TableModel, Told};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A model of a table.
#[pyclass(module = "furlough._furlough", frozen)]
pub struct Model {
    /// The bytes of its file.
    bytes: Vec<u8>,
    /// What it was trained by.
    recipe: String,
    /// Where its optimizer stands, as long as it is known.
    optimizer: Option<OptimizerState>,
    /// What is said of it, without threads.
    about: About,
    networks: Mutex<Option<Networks>>,
}

/// What is asked of a model most often.
struct About {
    classes: Option<Vec<String>>,
    targets: Vec<String>,
    columns: Vec<String>,
    members: usize,
    schema: Schema,
}

/// Networks that answer, of which the threads are those of one process.
struct Networks {
    model: TableModel,
    threads: usize,
    process: u32,
}

/// What messages call a model that is in no file.
const NAME: &str = "model";

impl Model {
    /// Takes a model.
    pub(crate) fn of(model: TableModel, recipe: &str, optimizer: Option<OptimizerState>) -> Result<Self, Failed> {
        let bytes = model.to_bytes(Path::new(NAME), recipe)?;
        Model::new(model, bytes, recipe.into(), optimizer)
    }

    /// Reads a model from the bytes of its file; `path` is for messages.
    fn read(path: &Path, bytes: Vec<u8>) -> Result<Self, Failed> {
        let file = models_from_bytes(path, &bytes)?;
        let recipe = match &file {
            ModelFile::Single(single) => single.1.recipe.clone(),
            ModelFile::Ensemble(_, info) => info.recipe.clone(),
        };
        Model::new(TableModel::of_file(path, file, 1)?, bytes, recipe, None)
    }

    fn new(
        model: TableModel,
        bytes: Vec<u8>,
        recipe: String,
        optimizer: Option<OptimizerState>,
    ) -> Result<Self, Failed> {
        let target = model.preprocessing().target()?;
        let classes = match target {
            TargetEncoder::Classification { classes, .. } => Some(classes.clone()),
            TargetEncoder::Regression { .. } => None,
        };
        let others = |place: &usize| !matches!(model.schema().columns[*place].role, Role::Target | Role::Weight);
        let columns = (0..model.schema().columns.len()).filter(others);
        let about = About {
            classes,
            targets: target.names().iter().map(ToString::to_string).collect(),
            columns: columns.map(|place| model.schema().columns[place].name.clone()).collect(),
            members: model.members(),
            schema: model.schema().clone(),
        };
        Ok(Model { bytes, recipe, optimizer, about, networks: Mutex::new(None) })
    }

    /// Returns the model and its optimizer, to go on from.
    pub(crate) fn to_go_on(&self) -> Result<(TableModel, Option<OptimizerState>), Failed> {
        Ok((self.fresh(1)?, self.optimizer.clone()))
    }

    /// Returns the recipe that it was trained by, as TOML.
    pub(crate) fn trained_by(&self) -> &str {
        &self.recipe
    }

    fn fresh(&self, threads: usize) -> Result<TableModel, Failed> {
        let path = Path::new(NAME);
        let model = TableModel::of_file(path, models_from_bytes(path, &self.bytes)?, threads)?;
        // Where no recipe is known, products are of single precision.
        let recipe = Settings::parse(&self.recipe, None).and_then(Settings::resolve);
        let precision = recipe.map_or(Precision::F32, |recipe| recipe.precision());
        Ok(if precision == Precision::F32 { model } else { model.with_precision(precision, threads) })
    }

    /// Answers for the rows of a frame, on so many threads.
    fn answered<T: Send>(
        &self,
        py: Python<'_>,
        features: Features<'_>,
        threads: usize,
        ask: impl FnOnce(&mut TableModel, &Table) -> furlough_tables::Result<T> + Send,
    ) -> PyResult<T> {
        let frame = features.copied();
        guarded(py, || {
            let table = frame.into_table_as(&self.about.schema)?;
            let mut held = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
            let process = std::process::id();
            // Threads do not survive a fork: what was made before is left alone, and not ended.
            if let Some(networks) = held.take_if(|networks| networks.process != process) {
                std::mem::forget(networks);
            }
            if held.as_ref().is_none_or(|networks| networks.threads != threads) {
                *held = None;
                *held = Some(Networks { model: self.fresh(threads)?, threads, process });
            }
            let networks = held.as_mut().ok_or_else(|| Failed::Bug("a model that was just made is gone".into()))?;
            Ok(ask(&mut networks.model, &table)?)
        })
    }
}

/// What a classifier answers: the places of classes, or numbers, and sentences about the rows.
#[derive(IntoPyObject)]
pub enum FoundAnswers<'py> {
    Classes(Bound<'py, PyArray1<u32>>),
    Numbers(Bound<'py, PyArray2<f64>>),
}

#[pymethods]
impl Model {
    /// Reads a model from the bytes of its file.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: Vec<u8>) -> PyResult<Self> {
        guarded(py, || Model::read(Path::new(NAME), bytes))
    }

    /// Reads a model file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        guarded(py, || Model::read(&path, read_file(&path)?))
    }

    /// Returns the bytes of the model's file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    /// Writes the model's file, whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        guarded(py, || Ok(write_atomic(&path, &self.bytes)?))
    }

    /// Makes a pickle of the bytes of the file.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let from_bytes = py.get_type::<Model>().getattr("from_bytes")?;
        Ok((from_bytes, (self.to_bytes(py),)))
    }

    /// The classes as the model spells them; None where it predicts numbers.
    #[getter]
    fn classes(&self) -> Option<Vec<String>> {
        self.about.classes.clone()
    }

    /// The columns that are predicted.
    #[getter]
    fn targets(&self) -> Vec<String> {
        self.about.targets.clone()
    }

    /// The columns that were learned from, those that were left out among them.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.about.columns.clone()
    }

    /// How many networks there are.
    #[getter]
    fn members(&self) -> usize {
        self.about.members
    }

    /// The recipe that it was trained by, as TOML.
    #[getter]
    fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Returns the places of classes, or the numbers, and sentences on what training did not see.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        features: Features<'py>,
        threads: usize,
    ) -> PyResult<(FoundAnswers<'py>, Vec<String>)> {
        let found = self.answered(py, features, threads, |model, table| model.predict(table))?;
        let answers = match found.answers {
            TableAnswers::Classes { classes, .. } => FoundAnswers::Classes(classes.into_pyarray(py)),
            TableAnswers::Numbers { values, .. } => FoundAnswers::Numbers(values.into_pyarray(py)),
        };
        Ok((answers, found.told.sentences()))
    }

    /// Returns the probability of each class, rows × classes, and sentences likewise.
    fn predict_proba<'py>(
        &self,
        py: Python<'py>,
        features: Features<'py>,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyArray2<f32>>, Vec<String>)> {
        let found = self.answered(py, features, threads, |model, table| model.predict_proba(table))?;
        Ok((found.probabilities.into_pyarray(py), found.told.sentences()))
    }

    /// Returns lower and upper bounds of numbers, rows × targets each.
    #[allow(clippy::type_complexity)]
    fn predict_interval<'py>(
        &self,
        py: Python<'py>,
        features: Features<'py>,
        confidence: f64,
        threads: usize,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>)> {
        let found = self.answered(py, features, threads, |model, table| model.predict_interval(table, confidence))?;
        Ok((found.low.into_pyarray(py), found.high.into_pyarray(py)))
    }

    /// Returns the places of the classes of each row's set.
    fn predict_set(
        &self,
        py: Python<'_>,
        features: Features<'_>,
        confidence: f64,
        threads: usize,
    ) -> PyResult<Vec<Vec<u32>>> {
        Ok(self.answered(py, features, threads, |model, table| model.predict_set(table, confidence))?.sets)
    }

    /// Returns the figures of so many masked passes, by their names.
    fn predict_uncertainty<'py>(
        &self,
        py: Python<'py>,
        features: Features<'py>,
        samples: u32,
        seed: u64,
        threads: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let passes = MaskedPasses::Drawn { samples, seed };
        let options = AnswerOptions { probabilities: true, passes, ..AnswerOptions::default() };
        let ask = |model: &mut TableModel, table: &Table| model.answer(table, 0, &options);
        let (rows, told): (_, Told) = self.answered(py, features, threads, ask)?;
        let dict = PyDict::new(py);
        dict.set_item("told", told.sentences())?;
        match rows.answers {
            TableAnswers::Classes { classes, .. } => dict.set_item("answers", classes.into_pyarray(py))?,
            TableAnswers::Numbers { values, .. } => dict.set_item("answers", values.into_pyarray(py))?,
        }
        if let Some(probabilities) = rows.probabilities {
            dict.set_item("probabilities", probabilities.into_pyarray(py))?;
        }
        match rows.spread {
            Some(RowSpread::Numbers(deviations)) => dict.set_item("deviations", deviations.into_pyarray(py))?,
            Some(RowSpread::Classes(doubts)) => {
                let put = |name: &str, of: fn(&furlough::predict::Uncertainty) -> f64| {
                    dict.set_item(name, doubts.iter().map(of).collect::<Vec<f64>>().into_pyarray(py))
                };
                put("predictive_entropy", |doubt| doubt.predictive_entropy)?;
                put("expected_entropy", |doubt| doubt.expected_entropy)?;
                put("mutual_information", |doubt| doubt.mutual_information)?;
                put("agreement", |doubt| doubt.agreement)?;
            }
            Some(RowSpread::Entropies(entropies)) => dict.set_item("predictive_entropy", entropies.into_pyarray(py))?,
            None => {}
        }
        Ok(dict)
    }
}
