//! Everything that is to be said of a run.

use super::Answers;
use crate::recipe::Recipe;
use crate::run::{EpochRecord, Failure, LOSS, Manifest, Provenance, RunStatus, WarmStart};
use furlough::files::ModelInfo;
use furlough::nn::Mlp;
use furlough::train::EpochSummary;
use furlough_tables::preprocessing::TargetColumn;
use std::borrow::Cow;

/// Everything that is to be said of a run. What is missing is left out of the page; `notes` say
/// why.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// What it is called: its folder.
    pub name: String,
    /// Its recipe.
    pub recipe: Recipe,
    /// Its epochs so far.
    pub records: Vec<EpochRecord>,
    /// Its manifest; none while it is not finished.
    pub manifest: Option<Manifest>,
    /// What it began from; none of a run that an older version began.
    pub provenance: Option<Provenance>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Its network, as far as it has learned; none of a run that failed.
    pub model: Option<RunModel>,
    /// The ids of the examples of its first batch ([`first_batch`](super::first_batch)); empty
    /// without the data.
    pub first_batch: Vec<u32>,
    /// What the network says of the test data; none without the network or the data.
    pub answers: Option<Answers>,
    /// What to type to have it again, or to go on with it; empty for none.
    pub commands: String,
    /// Sentences on what is missing, and why.
    pub notes: Vec<String>,
}

/// A trained network and what it knows of its data.
#[derive(Debug, Clone)]
pub struct RunModel {
    /// The network.
    pub mlp: Mlp,
    /// Beside it in its file.
    pub info: ModelInfo,
}

impl RunReport {
    /// Returns whether the run is over and its network answers in numbers.
    pub fn is_finished(&self) -> bool {
        self.manifest.is_some() && self.failure.is_none()
    }

    /// Returns what the run has come to.
    pub fn status(&self) -> RunStatus {
        RunStatus::of(self.failure.as_ref(), self.manifest.as_ref())
    }

    /// What another run had learned, where this one began from that.
    pub fn warm_start(&self) -> Option<&WarmStart> {
        self.provenance.as_ref()?.from.as_ref()
    }

    /// Returns its epochs as its curves show them, and what their losses are called: in the units
    /// of a table's target where that is one column of numbers, as `RMSE of price`, and otherwise
    /// as they are, as `loss`.
    pub fn curves(&self) -> (Cow<'_, [EpochRecord]>, String) {
        let table = self.provenance.as_ref().and_then(|provenance| provenance.table.as_ref());
        let target = table.and_then(|table| table.preprocessing.target.as_ref()?.single_number());
        let Some(TargetColumn { name, deviation, .. }) = target else {
            return (Cow::Borrowed(&self.records), LOSS.into());
        };
        let in_units = |loss: f64| deviation * loss.sqrt();
        let record = |record: &EpochRecord| {
            let mut record = record.clone();
            let EpochSummary { train_loss, eval, full_train, .. } = &mut record.summary;
            *train_loss = in_units(*train_loss);
            eval.iter_mut().for_each(|eval| eval.loss = in_units(eval.loss));
            full_train.iter_mut().for_each(|scores| scores.loss = in_units(scores.loss));
            record
        };
        (Cow::Owned(self.records.iter().map(record).collect()), format!("RMSE of {name}"))
    }

    /// Seconds of all epochs together.
    pub fn seconds(&self) -> f64 {
        self.records.iter().map(|record| record.seconds).sum()
    }
}
