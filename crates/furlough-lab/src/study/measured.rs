use super::measure::{Inspection, error_of};
use super::{Measure, Trial, TrialData};
use crate::json::json_bytes;
use crate::run::{Manifest, RunDir};
use crate::{Error, Result};
use furlough::data::{EvalSplit, Targets};
use furlough::files::{read_file, write_atomic};
use furlough::predict::Predictor;
use furlough::random::Key;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What was measured of a trial's trained network. Kept beside it, so that it is measured once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    version: u32,
    /// SHA-256 of the model that was measured.
    model: String,
    /// In which ways it was looked at.
    looks: BTreeSet<Inspection>,
    /// The single values.
    pub values: BTreeMap<Measure, f64>,
    /// The others, over the number of passes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub curves: BTreeMap<Measure, Vec<(u32, f64)>>,
}

const VERSION: u32 = 1;

/// The numbers of masked passes that are averaged.
const PASSES: [u32; 8] = [1, 2, 5, 10, 20, 50, 100, 200];

impl Measured {
    /// The file's name in the trial's folder.
    pub const FILE: &'static str = "measured.json";

    /// What is known already of the finished trial in `dir`; nothing when that is of another model,
    /// or cannot be read. Older files have the names of the test set's figures for those of
    /// held-out examples, too.
    fn read(dir: &RunDir, model: &str, split: EvalSplit) -> Option<Self> {
        let measured: Measured = serde_json::from_slice(&read_file(&dir.file(Self::FILE)).ok()?).ok()?;
        let Measured { version, model: own, looks, values, curves } = measured;
        let values = values.into_iter().map(|(measure, value)| (measure.on(split), value)).collect();
        let curves = curves.into_iter().map(|(measure, curve)| (measure.on(split), curve)).collect();
        (version == VERSION && own == model).then_some(Measured { version, model: own, looks, values, curves })
    }

    fn look(&mut self, look: Inspection, predictor: &mut Predictor, seen: &TrialData<'_>, key: Key) -> Result<()> {
        let on = |measure: Measure| measure.on(seen.eval.split);
        match look {
            Inspection::Scores => {
                let (train, eval) = (predictor.evaluate(seen.train)?, predictor.evaluate(seen.judge)?);
                self.values.extend([(Measure::TrainLoss, train.loss), (on(Measure::LossGap), eval.loss - train.loss)]);
                if let (Some(train), Some(eval)) = (train.accuracy.map(error_of), eval.accuracy.map(error_of)) {
                    let gap = (1e6 * (eval - train)).round() / 1e6;
                    self.values.extend([(Measure::TrainError, train), (on(Measure::Gap), gap)]);
                }
            }
            // Numbers to predict are not averaged here.
            Inspection::Averaging if matches!(seen.judge.targets(), Targets::Values(_)) => {}
            Inspection::Averaging => {
                let curve = predictor.averaging(seen.judge, &PASSES, 1, key)?;
                let of = |value: fn(furlough::predict::AverageScore) -> f64| {
                    curve.points.iter().map(|point| (point.members, value(point.mean()))).collect::<Vec<_>>()
                };
                self.curves.insert(on(Measure::AveragingError), of(|score| error_of(1.0 - score.error)));
                self.curves.insert(on(Measure::AveragingLoss), of(|score| score.loss));
            }
            Inspection::Activations => {
                if let Some(layer) = predictor.activations(seen.judge)?.last() {
                    self.values.extend([(Measure::MeanActivation, layer.mean), (Measure::Zeros, 100.0 * layer.zeros)]);
                    let correlation = layer.coadaptation.as_ref().map(|pairs| (Measure::Correlation, pairs.mean));
                    self.values.extend(correlation);
                }
            }
        }
        // JSON has no number for what overflowed.
        self.values.retain(|_, value| value.is_finite());
        self.looks.insert(look);
        Ok(())
    }
}

/// Measures a finished trial, on `threads` threads: those of `wanted` that need the trained network
/// and are not known yet. What was measured is kept in the trial's folder, and all of it is
/// returned. Which examples are learned from and which judge is for the trial's recipe to say;
/// masks are those of its seed.
///
/// # Errors
/// [`Error::Run`] when the trial is not finished or its model is damaged; [`furlough::Error::Data`]
/// when the data do not fit it; [`furlough::Error::Io`].
pub fn measure_trial(
    trial: &Trial,
    data: &TrialData<'_>,
    root: &Path,
    wanted: &[Measure],
    threads: usize,
) -> Result<Measured> {
    let dir = RunDir::open(trial.folder(root))?;
    let manifest =
        Manifest::read(&dir)?.ok_or_else(|| Error::run(dir.path(), "is not finished, so it cannot be measured"))?;
    let entry = manifest.files.iter().find(|entry| entry.name == RunDir::MODEL);
    let model = entry.map_or_else(String::new, |entry| entry.sha256.clone());
    let fresh = Measured { version: VERSION, model, ..Measured::default() };
    let mut measured = Measured::read(&dir, &fresh.model, trial.recipe().partition().eval_split()).unwrap_or(fresh);
    let looks: BTreeSet<Inspection> = wanted.iter().filter_map(|measure| measure.look()).collect();
    let missing: Vec<Inspection> = looks.difference(&measured.looks).copied().collect();
    if missing.is_empty() {
        return Ok(measured);
    }
    let mlp = dir.trained()?.mlp;
    let part = data.part(trial.recipe())?;
    let own = part.as_ref().map(|part| part.data(data));
    let seen = own.as_ref().unwrap_or(data);
    let mut predictor = Predictor::with_precision(mlp, threads, trial.recipe().precision());
    let key = Key::new(trial.recipe().options().seed);
    missing.into_iter().try_for_each(|look| measured.look(look, &mut predictor, seen, key))?;
    let path = dir.file(Measured::FILE);
    write_atomic(&path, &json_bytes(&path, &measured)?)?;
    Ok(measured)
}
