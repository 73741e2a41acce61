use super::measure::error_of;
use super::{Measure, Trial, TrialData};
use crate::predict::Predictor;
use crate::run::{Manifest, RunDir, load_model, write_atomic};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What was measured of a trial's trained network. Kept beside it, so that it is measured once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Version of the format.
    version: u32,
    /// SHA-256 of the model that was measured.
    model: String,
    /// The values by their names.
    pub values: BTreeMap<Measure, f64>,
}

const VERSION: u32 = 1;

impl Measured {
    /// The file's name in the trial's folder.
    pub const FILE: &'static str = "measured.json";

    /// What is known already of the finished trial in `dir`; nothing when that is of another model, or cannot be read.
    fn read(dir: &RunDir, model: &str) -> Option<Self> {
        let measured: Measured = serde_json::from_slice(&fs::read(dir.file(Self::FILE)).ok()?).ok()?;
        (measured.version == VERSION && measured.model == model).then_some(measured)
    }
}

/// Measures a finished trial, on `threads` threads: those of `wanted` that need the trained network and are not known yet. They are kept
/// in the trial's folder. Which examples are learnt from and which judge is for the trial's recipe to say.
///
/// # Errors
/// [`Error::Run`] when the trial is not finished or its model is damaged; [`Error::Data`] when the data do not fit it;
/// [`Error::Io`].
pub fn measure_trial(
    trial: &Trial,
    data: &TrialData<'_>,
    root: &Path,
    wanted: &[Measure],
    threads: usize,
) -> Result<BTreeMap<Measure, f64>> {
    let dir = RunDir::open(trial.folder(root))?;
    let manifest =
        Manifest::read(&dir)?.ok_or_else(|| Error::run(dir.path(), "is not finished, so it cannot be measured"))?;
    let entry = manifest.files.iter().find(|entry| entry.name == RunDir::MODEL);
    let model = entry.map_or_else(String::new, |entry| entry.sha256.clone());
    if let Some(known) = Measured::read(&dir, &model) {
        return Ok(known.values);
    }
    if !wanted.iter().any(|measure| measure.needs_model()) {
        return Ok(BTreeMap::new());
    }
    let (mlp, _) = load_model(&dir.model()?)?;
    let part = data.part(trial.recipe())?;
    let own = part.as_ref().map(|part| part.data(data));
    let seen = own.as_ref().unwrap_or(data);
    let mut predictor = Predictor::with_precision(mlp, threads, trial.recipe().precision());
    let (train, test) = (predictor.evaluate(seen.train)?, predictor.evaluate(seen.test)?);
    let mut values = BTreeMap::from([(Measure::TrainLoss, train.loss), (Measure::LossGap, test.loss - train.loss)]);
    if let (Some(train), Some(test)) = (train.accuracy.map(error_of), test.accuracy.map(error_of)) {
        values.extend([(Measure::TrainError, train), (Measure::Gap, (1e6 * (test - train)).round() / 1e6)]);
    }
    let measured = Measured { version: VERSION, model, values };
    let failed = |error: serde_json::Error| Error::run(&dir.file(Measured::FILE), error.to_string());
    let mut text = serde_json::to_vec_pretty(&measured).map_err(failed)?;
    text.push(b'\n');
    write_atomic(&dir.file(Measured::FILE), &text)?;
    Ok(measured.values)
}
