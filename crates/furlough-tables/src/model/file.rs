use super::header::bad;
use super::network::Network;
use super::{EnsembleHeader, TableHeader, TableModel};
use crate::error::Result;
use crate::preprocessing::TargetEncoder;
use furlough::compute::Precision;
use furlough::files::{
    DataInfo, EnsembleInfo, EnsembleMember, ModelFile, ModelInfo, ensemble_bytes, load_models, model_bytes,
    write_atomic,
};
use furlough::nn::Mlp;
use furlough::predict::Predictor;
use serde_json::Value;
use std::path::Path;

/// What all networks of a file share of what is said of their table, so that it stands there once.
const SHARED: &str = "schema";

impl TableModel {
    /// Takes a network and what is said of its table; `path` is where they come from, for messages.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when the network does not fit the preprocessing, and
    /// those of [`TableHeader::of`].
    pub fn new(path: &Path, mlp: Mlp, info: &ModelInfo, threads: usize) -> Result<TableModel> {
        let network = Network::new(path, mlp, info, threads)?;
        Ok(TableModel { networks: vec![network], ensemble: None })
    }

    /// Takes what a model file holds, to answer on so many threads; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_file(path: &Path, file: ModelFile, threads: usize) -> Result<TableModel> {
        let (members, info) = match file {
            ModelFile::Single(single) => return TableModel::new(path, single.0, &single.1, threads),
            ModelFile::Ensemble(members, info) => (members, info),
        };
        let contradicts = |reason: &str| bad(path, format!("contradicts itself: {reason}"));
        let Some(table) = info.table else {
            return Err(bad(path, "holds networks that did not learn from a table".into()));
        };
        let mut networks = Vec::with_capacity(members.len());
        for EnsembleMember { mlp, info: mut own } in members {
            if let (Some(Value::Object(header)), Some(shared)) = (&mut own.table, table.get(SHARED)) {
                header.insert(SHARED.into(), shared.clone());
            }
            networks.push(Network::new(path, mlp, &own, threads)?);
        }
        let target = networks[0].header.preprocessing.target()?;
        let ensemble = EnsembleHeader::of(path, &table, networks.len(), target)?;
        let alike = |network: &Network| network.header.preprocessing.target().is_ok_and(|own| own.answers_as(target));
        if !networks.iter().all(alike) {
            return Err(contradicts("its networks have different answers"));
        }
        Ok(TableModel { networks, ensemble: Some(ensemble) })
    }

    /// Returns the model with matrix products of such numbers; they are of single precision unless
    /// told otherwise. With those of its training it gives the scores that training reported.
    pub fn with_precision(mut self, precision: Precision, threads: usize) -> TableModel {
        for network in &mut self.networks {
            let mlp = network.predictor.mlp().clone();
            let predictor = Predictor::with_precision(mlp, threads, precision);
            network.predictor = match network.header.preprocessing.target() {
                Ok(target) => predictor.with_task(target.task()),
                Err(_) => predictor,
            };
        }
        self
    }

    /// Writes the model to a file, whole or not at all. It has all that is needed elsewhere. The
    /// same model gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with_recipe(path, "")
    }

    /// [`Self::save`], with the text of the recipe that it was trained by.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn save_with_recipe(&self, path: impl AsRef<Path>, recipe: &str) -> Result<()> {
        let path = path.as_ref();
        Ok(write_atomic(path, &self.to_bytes(path, recipe)?)?)
    }

    /// Returns what [`Self::save_with_recipe`] writes; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when a parameter is not finite.
    pub fn to_bytes(&self, path: &Path, recipe: &str) -> Result<Vec<u8>> {
        let Some(ensemble) = &self.ensemble else {
            let info = ModelInfo { recipe: recipe.into(), ..self.networks[0].info() };
            return Ok(model_bytes(path, self.networks[0].predictor.mlp(), &info)?);
        };
        let member = |network: &Network| {
            let mut info = network.info();
            if let Some(Value::Object(header)) = &mut info.table {
                header.remove(SHARED);
            }
            EnsembleMember { mlp: network.predictor.mlp().clone(), info }
        };
        let members: Vec<EnsembleMember> = self.networks.iter().map(member).collect();
        let mut table = serde_json::to_value(ensemble).expect("plain data with text keys is always JSON");
        if let Value::Object(table) = &mut table {
            let schema = serde_json::to_value(self.schema()).expect("plain data with text keys is always JSON");
            table.insert(SHARED.into(), schema);
        }
        Ok(ensemble_bytes(path, &members, &EnsembleInfo { recipe: recipe.into(), table: Some(table) })?)
    }

    /// Reads a model from a file, to answer on so many threads.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when the file cannot be read or is damaged, and
    /// those of [`Self::new`].
    pub fn load(path: impl AsRef<Path>, threads: usize) -> Result<TableModel> {
        let path = path.as_ref();
        TableModel::of_file(path, load_models(path)?, threads)
    }
}

impl Network {
    fn new(path: &Path, mlp: Mlp, info: &ModelInfo, threads: usize) -> Result<Self> {
        let header = TableHeader::of(path, info)?;
        let (inputs, outputs) = (mlp.architecture().inputs(), mlp.architecture().outputs());
        let answers = header.preprocessing.target.as_ref().map_or(0, |target| target.outputs());
        let width = header.preprocessing.width();
        if (width, answers) != (inputs, outputs) {
            let reason = format!(
                "contradicts itself: its preprocessing has {width} features and {answers} answers, its network \
                 {inputs} and {outputs}"
            );
            return Err(bad(path, reason));
        }
        let predictor = Predictor::new(mlp, threads).with_task(header.preprocessing.target()?.task());
        Ok(Network { header, predictor, fingerprint: info.data.fingerprint.clone() })
    }

    /// Returns what a model file says of the network.
    fn info(&self) -> ModelInfo {
        let preprocessing = &self.header.preprocessing;
        let classes = match &preprocessing.target {
            Some(TargetEncoder::Classification { classes, .. }) => classes.clone(),
            _ => Vec::new(),
        };
        let data = DataInfo {
            shape: vec![preprocessing.width()],
            scale: None,
            feature_names: preprocessing.feature_names(),
            levels: preprocessing.levels(),
            classes,
            fingerprint: self.fingerprint.clone(),
        };
        ModelInfo { table: Some(self.header.to_json()), ..ModelInfo::new(data, "") }
    }
}
