use super::DropoutArm;
use super::{Candidate, Metric, SearchEntry, Space, Verdict};
use crate::recipe::Recipe;
use serde::{Deserialize, Serialize};

/// Everything that came out of a tune: `tune.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuneReport {
    /// Version of the file's format.
    pub version: u32,
    /// Name of the data set.
    pub data: String,
    /// [`fingerprint`](furlough::files::fingerprint) of the training set.
    pub data_fingerprint: String,
    /// What values are: `accuracy`, from 0 to 1 and better when higher, or `loss`, better when
    /// lower.
    pub metric: Metric,
    /// The recipe that the trials changed.
    pub base: Recipe,
    /// What was searched.
    pub space: Space,
    /// Trials at most; none for as many as there was time for.
    pub trials: Option<usize>,
    /// Seconds that it was to take.
    pub budget: Option<f64>,
    /// Whether time ran out before there were as many trials as asked for.
    pub out_of_time: bool,
    /// The folds that were held out.
    pub folds: Vec<u32>,
    /// The trials of the search.
    pub search: Vec<SearchedTrial>,
    /// The best with dropout.
    pub with: Finalist,
    /// The best without.
    pub without: Finalist,
    /// The seeds that both were trained with, in the order of their values.
    pub seeds: Vec<u64>,
    /// Whether dropout helps.
    pub verdict: Verdict,
    /// The recommended recipe, on all training examples.
    pub recommended: Recipe,
    /// Why the better finalist is not the recommended one, if it failed on all training examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<String>,
    /// Its scores on the test set, looked at once, at the end.
    pub test: TestScores,
    /// Seconds that training took, all threads together.
    pub seconds: f64,
}

/// A trial of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchedTrial {
    /// Its number, from 1.
    pub trial: usize,
    /// 0 for those to begin with; then those that were compared with each other have the same.
    pub generation: usize,
    /// With dropout or without.
    pub arm: DropoutArm,
    /// What it changed in the base.
    pub changes: Candidate,
    /// What it came to after the epochs of each rung that it reached.
    pub values: Vec<RungValue>,
    /// Why it was not trained further, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The names of its folders under `trials/`, one for each fold.
    pub folders: Vec<String>,
}

/// What a trial came to after some epochs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RungValue {
    /// The epochs.
    pub epoch: u32,
    /// The accuracy or the loss; none when it diverged.
    pub value: Option<f64>,
}

/// A trial that was replicated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finalist {
    /// Its number in the search, from 1.
    pub trial: usize,
    /// Its recipe.
    pub recipe: Recipe,
    /// Accuracy or loss with each of the seeds; none where it diverged.
    pub values: Vec<Option<f64>>,
}

/// How good the final network is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestScores {
    /// Number of examples.
    pub examples: usize,
    /// Mean loss.
    pub loss: f64,
    /// Share classified rightly; none for numbers.
    pub accuracy: Option<f64>,
}

impl Metric {
    /// What a score stands for: the accuracy, or the loss. None when it is infinite.
    pub fn value(self, score: f64) -> Option<f64> {
        let value = match self {
            Metric::Accuracy => 1.0 - score,
            Metric::Loss => score,
        };
        value.is_finite().then_some(value)
    }
}

impl SearchedTrial {
    pub(super) fn new(place: usize, entry: &SearchEntry, metric: Metric, rungs: &[u32], folders: Vec<String>) -> Self {
        let values = rungs.iter().zip(&entry.scores);
        SearchedTrial {
            trial: place + 1,
            generation: entry.generation,
            arm: DropoutArm::of(&entry.recipe),
            changes: entry.candidate.clone(),
            values: values.map(|(&epoch, &score)| RungValue { epoch, value: metric.value(score) }).collect(),
            failed: entry.failure.as_ref().map(ToString::to_string),
            folders,
        }
    }
}
