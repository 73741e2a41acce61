use super::{TableModel, TableRecipe, TableScores};
use crate::error::{Error, Result};
use crate::preprocessing::{Preprocessing, TableWarning};
use crate::schema::Schema;
use furlough::files::{DataInfo, ModelInfo, load_model, save_model};
use furlough::predict::Predictor;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of what a model file says of a table.
pub const TABLE_VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct TablePart {
    version: u64,
    schema: Schema,
    preprocessing: Preprocessing,
    recipe: TableRecipe,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation: Option<TableScores>,
    #[serde(default)]
    dropped_rows: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<TableWarning>,
}

impl TableModel {
    /// Writes the model to a file, whole or not at all. It has all that is needed elsewhere. The
    /// same model gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Engine`] when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let part = TablePart {
            version: TABLE_VERSION,
            schema: self.schema.clone(),
            preprocessing: self.preprocessing.clone(),
            recipe: self.recipe.clone(),
            validation: self.validation.clone(),
            dropped_rows: self.dropped_rows,
            warnings: self.warnings.clone(),
        };
        let table = serde_json::to_value(&part).map_err(|error| bad(path, format!("cannot be written: {error}")))?;
        let classes = match &self.preprocessing.target {
            Some(crate::preprocessing::TargetEncoder::Classification { classes, .. }) => classes.clone(),
            _ => Vec::new(),
        };
        let data = DataInfo {
            shape: vec![self.preprocessing.width()],
            scale: None,
            feature_names: self.preprocessing.feature_names(),
            classes,
            fingerprint: self.fingerprint.clone(),
        };
        let info = ModelInfo { table: Some(table), ..ModelInfo::new(data, "") };
        Ok(save_model(path, self.predictor.mlp(), &info)?)
    }

    /// Reads a model from a file, to answer on so many threads.
    ///
    /// # Errors
    /// [`Error::Engine`] when the file cannot be read, is damaged, is of a later version, or is not
    /// the model of a table.
    pub fn load(path: impl AsRef<Path>, threads: usize) -> Result<TableModel> {
        let path = path.as_ref();
        let (mlp, info) = load_model(path)?;
        let Some(table) = info.table else {
            let reason = "is not the model of a table: it has no schema; ask the engine for its answers";
            return Err(bad(path, reason.into()));
        };
        let version = table.get("version").and_then(serde_json::Value::as_u64);
        if let Some(version) = version.filter(|&version| version > TABLE_VERSION) {
            let reason = format!(
                "has a table of version {version} and needs a newer furlough; this one reads version {TABLE_VERSION}"
            );
            return Err(bad(path, reason));
        }
        let contradicts = |reason: String| bad(path, format!("contradicts itself: {reason}"));
        let part: TablePart = serde_json::from_value(table).map_err(|error| contradicts(error.to_string()))?;
        part.schema.check().map_err(|error| contradicts(error.to_string()))?;
        let (inputs, outputs) = (mlp.architecture().inputs(), mlp.architecture().outputs());
        let answers = part.preprocessing.target.as_ref().map_or(0, |target| target.outputs());
        let width = part.preprocessing.width();
        if (width, answers) != (inputs, outputs) {
            return Err(contradicts(format!(
                "its preprocessing has {width} features and {answers} answers, its network {inputs} and {outputs}"
            )));
        }
        Ok(TableModel {
            schema: part.schema,
            preprocessing: part.preprocessing,
            recipe: part.recipe,
            predictor: Predictor::new(mlp, threads),
            validation: part.validation,
            dropped_rows: part.dropped_rows,
            warnings: part.warnings,
            fingerprint: info.data.fingerprint,
        })
    }
}

fn bad(path: &Path, reason: String) -> Error {
    Error::Engine(furlough::Error::File { path: path.into(), reason })
}
