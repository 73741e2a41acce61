use super::statistics::{Estimate, Tail, sign_flip};
use super::{Arm, Label, Measure, Measured, PlotSpec, Study, Trial, TrialData, TrialRecord, TrialState, measure_trial};
use crate::run::{EpochRecord, final_record};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use toml::Table;

/// All numbers of a study: what `results.json` holds. The same trials give the same results, apart
/// from seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of the format.
    pub version: u32,
    /// What the study is called.
    pub title: String,
    /// What it is to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// What was published on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
    /// The data.
    pub data: DataSummary,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The names by which arms are told apart.
    pub axes: Vec<String>,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// The arms, in the order of the study.
    pub arms: Vec<ArmResult>,
    /// Each arm beside the baseline, if the study has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<ArmComparison>,
    /// Trials that are not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// What the trials learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// Name of the data set.
    pub name: String,
    /// [`fingerprint`](furlough::files::fingerprint) of its training set.
    pub fingerprint: String,
    /// Training examples.
    pub train: usize,
    /// Test examples.
    pub test: usize,
}

/// What an arm came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmResult {
    /// Its value on each axis.
    pub labels: BTreeMap<String, Label>,
    /// All labels in one line.
    pub title: String,
    /// Its recipe, the seed left out.
    pub recipe: Table,
    /// The finished trials, in the order of the seeds.
    pub trials: Vec<TrialResult>,
    /// Of each measurement the mean over the trials, with its interval.
    pub estimates: BTreeMap<Measure, Estimate>,
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The seed.
    pub seed: u64,
    /// The trial's name, which is its folder's.
    pub id: String,
    /// What was measured, as far as it is a single number.
    pub values: BTreeMap<Measure, f64>,
    /// What was measured for several numbers of passes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub curves: BTreeMap<Measure, Vec<(u32, f64)>>,
    /// The epochs where a plot goes over them, otherwise that of the trained network alone: the
    /// trial's own log has the rest.
    pub epochs: Vec<EpochRecord>,
}

/// An arm beside its baseline, seed by seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmComparison {
    /// The arm's place, from 0.
    pub arm: usize,
    /// The baseline's.
    pub baseline: usize,
    /// What is compared.
    pub measure: Measure,
    /// The mean of arm less baseline over the seeds that both have, with its interval.
    pub difference: Estimate,
    /// The two-sided p-value of the sign-flip test; none for many seeds.
    pub p_value: Option<f64>,
}

/// Why a trial has no results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingState {
    /// It failed by itself, and is run again only on request.
    Failed,
    /// It was not begun, or it can go on.
    #[default]
    Unfinished,
    /// What is in its folder is not what the trial wrote.
    Damaged,
}

/// A trial that has no results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// The arm's place, from 0.
    pub arm: usize,
    /// The seed.
    pub seed: u64,
    /// The trial's name.
    pub id: String,
    /// How it stands.
    #[serde(default)]
    pub state: MissingState,
    /// Why.
    pub reason: String,
}

impl Results {
    /// Puts together what the trials under `roots` came to, the first one that has a trial being
    /// asked. What is to be measured of trained networks and has not been is measured now, on
    /// `threads` threads; `tell` hears how many of how many trials are done.
    ///
    /// # Errors
    /// [`furlough::Error::Data`] when the data do not fit the networks; [`furlough::Error::Io`]
    /// when there is no room for what is measured. What is wrong with a single trial is in
    /// [`Results::missing`].
    pub fn collect(
        study: &Study,
        data: &TrialData<'_>,
        roots: &[PathBuf],
        threads: usize,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let mut arms: Vec<ArmResult> = study.arms().iter().map(ArmResult::new).collect();
        let mut missing = Vec::new();
        let total = study.arms().len() * study.seeds().len();
        let over_epochs = study.plots().iter().any(|plot| plot.x == PlotSpec::EPOCH);
        for (done, (place, seed, recipe)) in study.trials().enumerate() {
            let trial = Trial::new(recipe, &data.info.fingerprint);
            match find(&trial, data, roots, study.measures(), threads) {
                Ok(Found::Finished(mut records, measured)) => {
                    let (mut values, mut curves) = (measured.values, measured.curves);
                    let direct =
                        |measure: &Measure| Some((*measure, measure.of_run(trial.recipe(), data.train, &records)?));
                    values.retain(|measure, _| study.measures().contains(measure));
                    curves.retain(|measure, _| study.measures().contains(measure));
                    values.extend(study.measures().iter().filter_map(direct));
                    if !over_epochs {
                        records = final_record(trial.recipe(), &records).cloned().into_iter().collect();
                    }
                    let id = trial.id().to_string();
                    arms[place].trials.push(TrialResult { seed, id, values, curves, epochs: records });
                }
                Err(error)
                    if matches!(error.engine(), Some(furlough::Error::Data { .. })) || error.is_out_of_space() =>
                {
                    return Err(error);
                }
                Ok(Found::Missing(state, reason)) => {
                    missing.push(Missing { arm: place, seed, id: trial.id().into(), state, reason });
                }
                Err(error) => {
                    let (state, reason) = (MissingState::Damaged, error.to_string());
                    missing.push(Missing { arm: place, seed, id: trial.id().into(), state, reason });
                }
            }
            tell(done + 1, total);
        }
        for arm in &mut arms {
            arm.estimates = study
                .measures()
                .iter()
                .filter_map(|&measure| {
                    let values: Vec<f64> = arm.trials.iter().filter_map(|t| t.values.get(&measure).copied()).collect();
                    Some((measure, Estimate::of(&values)?))
                })
                .collect();
        }
        Ok(Results {
            version: 1,
            title: study.title().into(),
            question: study.question().map(Into::into),
            paper: study.paper().map(Into::into),
            data: DataSummary {
                name: study.data().into(),
                fingerprint: data.info.fingerprint.clone(),
                train: data.train.len(),
                test: data.eval.data.len(),
            },
            seeds: study.seeds().to_vec(),
            axes: study.axes().iter().map(ToString::to_string).collect(),
            measures: study.measures().to_vec(),
            comparisons: compare(study, &arms),
            arms,
            missing,
        })
    }

    /// Returns the trials that failed by themselves and are run again only on request.
    pub fn failed(&self) -> impl Iterator<Item = &Missing> {
        self.missing.iter().filter(|missing| missing.state == MissingState::Failed)
    }

    /// Returns whether each trial is finished or has failed, so that nothing is left to run.
    pub fn is_complete(&self) -> bool {
        self.failed().count() == self.missing.len()
    }

    /// Returns the text of `results.json`: JSON in one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are always JSON") + "\n"
    }
}

impl ArmResult {
    fn new(arm: &Arm) -> Self {
        let mut recipe = Table::try_from(arm.recipe()).unwrap_or_default();
        recipe.remove("seed");
        ArmResult {
            labels: arm.labels().iter().cloned().collect(),
            title: arm.title(),
            recipe,
            trials: Vec::new(),
            estimates: BTreeMap::new(),
        }
    }

    /// A measurement of the trial with this seed.
    pub fn value(&self, seed: u64, measure: Measure) -> Option<f64> {
        self.trials.iter().find(|trial| trial.seed == seed)?.values.get(&measure).copied()
    }

    /// The numbers of masked passes for which something was measured.
    pub(super) fn passes(&self) -> BTreeSet<u32> {
        self.trials.iter().flat_map(|trial| trial.curves.values()).flatten().map(|(passes, _)| *passes).collect()
    }

    /// A measurement of so many passes: its mean over the trials.
    pub(super) fn averaged(&self, measure: Measure, passes: u32) -> Option<Estimate> {
        let points = self.trials.iter().filter_map(|trial| trial.curves.get(&measure)).flatten();
        let values: Vec<f64> = points.filter(|(count, _)| *count == passes).map(|(_, value)| *value).collect();
        Estimate::of(&values)
    }

    /// A measurement that the log has, after the last epoch: its mean over the trials.
    pub(super) fn at_the_end(&self, measure: Measure) -> Option<Estimate> {
        let value = |trial: &TrialResult| {
            let measured = trial.values.get(&measure).copied();
            measured.or_else(|| measure.of_epoch(trial.epochs.last()?))
        };
        let values = self.trials.iter().filter_map(value);
        Estimate::of(&values.collect::<Vec<f64>>())
    }
}

/// What there is of a trial.
enum Found {
    Finished(Vec<EpochRecord>, Measured),
    Missing(MissingState, String),
}

/// Returns the trial's epochs and what was measured, from the first root that has all of it, or why
/// there is no such root.
fn find(trial: &Trial, data: &TrialData<'_>, roots: &[PathBuf], wanted: &[Measure], threads: usize) -> Result<Found> {
    let mut damaged: Option<Error> = None;
    let mut failed = None;
    let mut epochs = 0;
    for root in roots {
        match trial.found(root) {
            Ok(TrialRecord { state: TrialState::Finished, records }) => {
                return Ok(Found::Finished(records, measure_trial(trial, data, root, wanted, threads)?));
            }
            Ok(TrialRecord { state: TrialState::Failed(failure), .. }) => failed = failed.or(Some(failure)),
            Ok(TrialRecord { records, .. }) => epochs = epochs.max(records.len()),
            Err(error) => damaged = damaged.or(Some(error)),
        }
    }
    if let Some(error) = damaged {
        return Err(error);
    }
    Ok(match (failed, epochs) {
        (Some(failure), _) => Found::Missing(MissingState::Failed, failure.to_string()),
        (None, 0) => Found::Missing(MissingState::Unfinished, "has not begun".into()),
        (None, epochs) => Found::Missing(MissingState::Unfinished, format!("is unfinished, after epoch {epochs}")),
    })
}

/// Each arm beside the arm that has the baseline's values and is otherwise called the same.
fn compare(study: &Study, arms: &[ArmResult]) -> Vec<ArmComparison> {
    let Some(spec) = study.compare() else { return Vec::new() };
    let wanted: BTreeMap<&str, String> =
        spec.baseline.iter().map(|(axis, value)| (axis.as_str(), super::grid::label(value).text)).collect();
    let mut comparisons = Vec::new();
    for (place, arm) in study.arms().iter().enumerate() {
        let same = |other: &Arm| {
            let axis_fits = |(axis, label): &(String, Label)| match wanted.get(axis.as_str()) {
                Some(text) => *text == label.text,
                None => arm.labels().iter().any(|(name, own)| name == axis && own == label),
            };
            other.labels().iter().all(axis_fits)
        };
        let Some(baseline) = study.arms().iter().position(same).filter(|&baseline| baseline != place) else { continue };
        // Figures on other examples are no pair.
        let fold = |place: usize| study.arms()[place].recipe().partition().validation_fold();
        if fold(place) != fold(baseline) {
            continue;
        }
        for &measure in study.measures() {
            let seeds = study.seeds().iter();
            let pairs = seeds.filter_map(|&s| Some(arms[place].value(s, measure)? - arms[baseline].value(s, measure)?));
            let differences: Vec<f64> = pairs.collect();
            if let Some(difference) = Estimate::of(&differences) {
                let p_value = sign_flip(&differences, Tail::Both);
                comparisons.push(ArmComparison { arm: place, baseline, measure, difference, p_value });
            }
        }
    }
    comparisons
}
