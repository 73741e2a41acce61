use super::header::bad;
use super::{TableHeader, TableModel};
use crate::error::Result;
use crate::preprocessing::TargetEncoder;
use furlough::compute::Precision;
use furlough::files::{DataInfo, ModelInfo, load_model, save_model};
use furlough::nn::Mlp;
use furlough::predict::Predictor;
use std::path::Path;

impl TableModel {
    /// Takes a network and what is said of its table; `path` is where they come from, for messages.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when the network does not fit the preprocessing, and
    /// those of [`TableHeader::of`].
    pub fn new(path: &Path, mlp: Mlp, info: &ModelInfo, threads: usize) -> Result<TableModel> {
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
        let fingerprint = info.data.fingerprint.clone();
        let predictor = Predictor::new(mlp, threads).with_task(header.preprocessing.target()?.task());
        Ok(TableModel { header, predictor, fingerprint })
    }

    /// Returns the model with matrix products of such numbers; they are of single precision unless
    /// told otherwise. With those of its training it gives the scores that training reported.
    pub fn with_precision(self, precision: Precision, threads: usize) -> TableModel {
        let Ok(target) = self.header.preprocessing.target() else { return self };
        let (task, mlp) = (target.task(), self.predictor.mlp().clone());
        let predictor = Predictor::with_precision(mlp, threads, precision).with_task(task);
        TableModel { predictor, ..self }
    }

    /// Writes the model to a file, whole or not at all. It has all that is needed elsewhere. The
    /// same model gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
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
        let info = ModelInfo { table: Some(self.header.to_json()), ..ModelInfo::new(data, "") };
        Ok(save_model(path.as_ref(), self.predictor.mlp(), &info)?)
    }

    /// Reads a model from a file, to answer on so many threads.
    ///
    /// # Errors
    /// [`Error::Engine`](crate::Error::Engine) when the file cannot be read or is damaged, and
    /// those of [`Self::new`].
    pub fn load(path: impl AsRef<Path>, threads: usize) -> Result<TableModel> {
        let path = path.as_ref();
        let (mlp, info) = load_model(path)?;
        TableModel::new(path, mlp, &info, threads)
    }
}
