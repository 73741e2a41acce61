//! Training for Python.

use crate::exceptions::{Failed, guarded};
use crate::frame::{Features, Target, with_target, with_weights};
use crate::model::Model;
use crate::progress::{Heard, Listener};
use furlough_lab::recipe::{Recipe, RecipeKey, Settings, TableInput};
use furlough_lab::run::{FittedModel, GoingOn, begin_model, fit_further as further, fit_table};
use furlough_lab::source::TableSource;
use furlough_tables::{InferOptions, Preset, Role, Schema, TaskChoice};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::{Path, PathBuf};

/// What recipes and messages call a table that came from memory.
const IN_MEMORY: &str = "table";

/// How a training goes.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Config {
    /// Keys of a recipe and their values, as text.
    pub(crate) settings: Vec<(String, String)>,
    /// The name of the recipe where nothing is said.
    preset: Option<String>,
    /// Whether some rows are held out, by which training stops.
    held_out: bool,
    pub(crate) threads: usize,
    /// Seconds after which training stops.
    pub(crate) time_limit: Option<f64>,
    /// Called after each epoch with the network's number and a dict of figures.
    pub(crate) on_epoch: Option<Py<PyAny>>,
}

/// What a training came to.
type Trained<'py> = PyResult<(Model, Bound<'py, PyDict>)>;

/// Fits a model to features and a target in memory.
#[pyfunction]
pub fn fit_columns<'py>(
    py: Python<'py>,
    features: Features<'py>,
    target: Target<'py>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    config: Config,
) -> Trained<'py> {
    let (features, target) = (features.copied(), target.copied());
    let weights = weights.map(|weights| weights.as_array().to_vec());
    trained(py, config, move |config, listener| {
        let table = with_target(features.into_table(config.threads)?, target, weights)?;
        let input = in_memory(table.schema(), config.preset()?);
        fit_source(&TableSource::of_tables(&input, table, None)?, input, config, listener)
    })
}

/// Fits a model to a file, as `furlough train` does: the model is the same, byte for byte.
#[pyfunction]
pub fn fit_file<'py>(
    py: Python<'py>,
    path: PathBuf,
    target: Vec<String>,
    task: &str,
    test_fraction: f64,
    config: Config,
) -> Trained<'py> {
    let named = TaskChoice::ALL.into_iter().find(|choice| choice.name() == task);
    let task = named.ok_or_else(|| PyValueError::new_err(format!("task = {task}: not a task")))?;
    trained(py, config, move |config, listener| {
        let input = file_input(&path, target, task, test_fraction, config)?;
        fit_source(&TableSource::read(&input, config.threads)?, input, config, listener)
    })
}

/// What a recipe says of a table that is in no file.
fn in_memory(schema: &Schema, preset: Preset) -> TableInput {
    TableInput {
        file: IN_MEMORY.into(),
        test_file: None,
        test_fraction: 0.0,
        test_seed: 0,
        on_disk: None,
        preprocessing: preset.preprocessing(),
        schema: schema.clone(),
    }
}

/// What the command makes of a file without other flags.
fn file_input(
    path: &Path,
    target: Vec<String>,
    task: TaskChoice,
    test_fraction: f64,
    config: &Config,
) -> Result<TableInput, Failed> {
    let options = InferOptions { names: target.clone(), threads: config.threads, ..InferOptions::default() };
    let schema = Schema::infer(path, &options)?.with_target(&target, task)?;
    schema.check()?;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let Some(file) = whole.to_str().map(String::from) else {
        let reason = format!("{}: the name is not UTF-8, so no recipe can hold it; rename the file", path.display());
        return Err(PyValueError::new_err(reason).into());
    };
    let test_seed = config.said()?.split_seed.unwrap_or_default();
    let preprocessing = config.preset()?.preprocessing();
    Ok(TableInput { file, test_file: None, test_fraction, test_seed, on_disk: None, preprocessing, schema })
}

/// Returns a model that has not learned anything yet: these features decide what columns become.
#[pyfunction]
pub fn begin(
    py: Python<'_>,
    features: Features<'_>,
    target: Target<'_>,
    classes: Option<Vec<String>>,
    config: Config,
) -> PyResult<Model> {
    let (features, target) = (features.copied(), target.copied());
    guarded(py, || {
        let targets = match &classes {
            Some(_) => target.into_table_as_it_is()?,
            None => target.into_table()?,
        };
        let features = features.into_table(config.threads)?;
        let input = in_memory(features.schema(), config.preset()?);
        let (data, table) = (Some(input.name()), Some(input));
        let said = Settings { data, table, early_stopping: Some(0), ..config.said()? };
        let (model, recipe) = begin_model(features, targets, classes, (said, config.preset()?))?;
        Model::of(model, &recipe.to_toml(), None)
    })
}

/// Fits a model further: to a whole training's worth of epochs, or to a part of the rows.
#[pyfunction]
pub fn fit_further<'py>(
    py: Python<'py>,
    model: Py<Model>,
    features: Features<'py>,
    target: Target<'py>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
    config: Config,
) -> Trained<'py> {
    let (features, target) = (features.copied(), target.copied());
    let weights = weights.map(|weights| weights.as_array().to_vec());
    trained(py, config, move |config, listener| {
        let (before, optimizer) = model.get().to_go_on()?;
        let mut schema = before.schema().clone();
        schema.columns.retain(|column| !matches!(column.role, Role::Target | Role::Weight));
        let features = features.into_table_as(&schema)?;
        let table = with_weights(features.beside(target.into_table_as_it_is()?)?, weights)?;
        let recipe = config.said()?.over(config.before(model.get().trained_by())?).resolve()?;
        let going_on = GoingOn { model: before, optimizer };
        let fitted = further(going_on, &table, &recipe, config.threads, &mut |report| listener.hear(report))?;
        Ok((fitted, recipe))
    })
}

/// Trains without the interpreter's lock, and returns the model and what was heard of it.
fn trained<'py>(
    py: Python<'py>,
    config: Config,
    work: impl FnOnce(&Config, &mut Listener) -> Result<(FittedModel, Recipe), Failed> + Send,
) -> Trained<'py> {
    let told = config.on_epoch.as_ref().map(|told| told.clone_ref(py));
    let mut listener = Listener::new(config.time_limit, told);
    let (model, heard, stopped) = guarded(py, || {
        let (fitted, recipe) = work(&config, &mut listener)?;
        let heard: Heard = listener.end()?;
        let model = Model::of(fitted.model, &recipe.to_toml(), fitted.optimizer)?;
        Ok((model, heard, fitted.stopped))
    })?;
    let dict = heard.into_dict(py)?;
    dict.set_item("stopped", format!("{stopped:?}").to_lowercase())?;
    Ok((model, dict))
}

/// Fits to a table by what was said, and by what suits it where nothing was.
fn fit_source(
    source: &TableSource,
    input: TableInput,
    config: &Config,
    listener: &mut Listener,
) -> Result<(FittedModel, Recipe), Failed> {
    let (data, table) = (Some(input.name()), Some(input));
    let said = Settings { data, table, ..config.said()? };
    let preset = config.preset()?;
    let settings =
        if config.held_out { source.settings(said, preset)?.0 } else { source.settings_of_all(said, preset)? };
    let recipe = settings.resolve()?;
    let fitted = fit_table(source, &recipe, config.threads, &mut |report| listener.hear(report))?;
    Ok((fitted, recipe))
}

impl Config {
    /// Returns what a model was fitted by, as far as it is to hold for what is learned on.
    fn before(&self, recipe: &str) -> Result<Settings, Failed> {
        let said = Settings::parse(recipe, None)?;
        let (members, train_examples) = (None, None);
        Ok(match self.held_out {
            true => Settings { members, train_examples, folds: said.folds.or(Some(5)), ..said },
            false => Settings {
                members,
                train_examples,
                folds: None,
                fold: None,
                stratified: None,
                split_seed: None,
                early_stopping: Some(0),
                ..said
            },
        })
    }

    /// Returns the preset that was named, or the usual one.
    fn preset(&self) -> Result<Preset, Failed> {
        Ok(self.preset.as_deref().map(str::parse::<Preset>).transpose()?.unwrap_or_default())
    }

    /// Returns the settings that were said.
    fn said(&self) -> Result<Settings, Failed> {
        let mut settings = Settings::default();
        for (name, text) in &self.settings {
            let key = RecipeKey::named(name)
                .ok_or_else(|| PyValueError::new_err(format!("{name} is not a key of a recipe")))?;
            key.say(&mut settings, text)?;
        }
        Ok(settings)
    }
}
