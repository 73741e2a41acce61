use super::RunDir;
use crate::json::json_bytes;
use crate::{Error, Result};
use furlough::counted;
use furlough::data::{EvalData, EvalSplit};
use furlough::files::{
    DataInfo, FORMAT_VERSION, check_version, fingerprint, load_model, read_file, weights_fingerprint,
};
use furlough::nn::Mlp;
use furlough::train::Trainer;
use furlough_tables::model::TableHeader;
use serde::{Deserialize, Serialize};

/// What a run began from beside its recipe: what `origin.json` holds. Runs of furlough 0.2.0 and
/// before have none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    pub(super) version: u32,
    /// Where the data came from, in words.
    pub data_origin: String,
    /// What is learned from.
    pub train: DataInfo,
    /// The schema and the preprocessing of the table that is learned from; none of other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableHeader>,
    /// What each epoch is evaluated on; none where there is no evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval: Option<EvalInfo>,
    /// The test rows of a table that validation rows judge while it trains; none where there are no
    /// such rows, and of a run that was killed before they were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<EvalInfo>,
    /// What another run had learned, where this one began from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<WarmStart>,
    /// What the last process computed with; none of a run that an older version began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// What a process computes with. Changes no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Instruction set of the kernels.
    pub instruction_set: String,
    /// Threads.
    pub threads: usize,
}

impl Machine {
    /// Returns what a training computes with.
    pub fn of(trainer: &Trainer<'_>) -> Self {
        Machine { instruction_set: trainer.instruction_set().into(), threads: trainer.threads() }
    }
}

/// Which examples a run is judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalInfo {
    /// Test or validation.
    pub split: EvalSplit,
    /// How many they are.
    pub examples: usize,
    /// Their [`fingerprint`].
    pub fingerprint: String,
}

impl EvalInfo {
    /// Returns what is recorded of such examples. Computes their fingerprint.
    pub fn of(eval: EvalData<'_>) -> Self {
        EvalInfo { split: eval.split, examples: eval.data.len(), fingerprint: fingerprint(eval.data) }
    }

    /// Returns how the examples that there are now differ from those that the run was judged by, in
    /// a sentence; none where they are the same.
    pub fn difference(&self, now: &EvalInfo) -> Option<String> {
        if self.fingerprint == now.fingerprint {
            return None;
        }
        let split = self.split;
        let counts = match self.examples == now.examples {
            true => format!("its {} {split} examples are not those of now", self.examples),
            false => format!("it had {} {split} examples, and now there are {}", self.examples, now.examples),
        };
        Some(format!("the {split} set has changed since the run began ({counts})"))
    }
}

/// What another run had learned, from which a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmStart {
    /// The other run, as it was named then; only for the record.
    pub run: String,
    /// The epoch whose weights they are: with early stopping the best one, otherwise the last that
    /// was finished. None of a plain model file, which does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// [`weights_fingerprint`] of the network that training began with.
    pub weights: String,
    /// How many of the examples that this run holds out the other one had learned from.
    #[serde(default, skip_serializing_if = "is_none_seen")]
    pub seen: usize,
}

fn is_none_seen(seen: &usize) -> bool {
    *seen == 0
}

impl WarmStart {
    /// Returns that examples which judge the run had been learned from, in a sentence; none where
    /// they had not.
    pub fn warning(&self) -> Option<String> {
        let (which, their) = if self.seen == 1 { ("is", "its") } else { ("are", "their") };
        let seen = counted(self.seen, "held-out example");
        (self.seen > 0).then(|| format!("{seen} {which} no fair judge: {their} answers had been learned before"))
    }

    /// Returns ` after 3 epochs`, to follow the run's name; nothing where the epoch is unknown.
    pub fn after(&self) -> String {
        self.epoch.map_or(String::new(), |epoch| format!(" after {}", counted(epoch as usize, "epoch")))
    }
}

impl Provenance {
    /// Reads the provenance of a run; none where an older version began it.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be read, [`Error::Run`] when it is damaged,
    /// [`furlough::Error::File`] when it is of a later version.
    pub fn read(dir: &RunDir) -> Result<Option<Self>> {
        let path = dir.file(RunDir::ORIGIN);
        if !path.exists() {
            return Ok(None);
        }
        let read: Provenance = serde_json::from_slice(&read_file(&path)?)
            .map_err(|error| Error::run(&path, format!("is damaged: {error}. Restore it from a copy")))?;
        check_version(&path, read.version, FORMAT_VERSION)?;
        Ok(Some(read))
    }

    pub(super) fn write(&self, dir: &RunDir) -> Result<()> {
        let path = dir.file(RunDir::ORIGIN);
        dir.write(RunDir::ORIGIN, &json_bytes(&path, self)?)
    }

    /// Checks that a run which goes on sees its table as it began to: the same numbers may be
    /// features of another one.
    ///
    /// # Errors
    /// [`Error::Run`] when it does not.
    pub(super) fn check_table(&self, dir: &RunDir, now: Option<&TableHeader>) -> Result<()> {
        let seen = |header: Option<&TableHeader>| header.map(|header| header.preprocessing.clone());
        if seen(self.table.as_ref()) == seen(now) {
            return Ok(());
        }
        let reason = "cannot go on: its table has changed since it began, so that other scales and levels would be \
                      fitted. Put back the file that it began with, or begin another run";
        Err(Error::run(dir.path(), reason))
    }

    /// Checks that a run which goes on is judged by the examples that it began with.
    ///
    /// # Errors
    /// [`Error::Run`] that says what differs.
    pub(super) fn check_eval(&self, dir: &RunDir, now: Option<&EvalInfo>) -> Result<()> {
        check_same(dir, self.eval.as_ref(), now)
    }

    /// Checks the same of the test rows of a table, which judge it once it is finished, or records
    /// them where they are not known yet.
    ///
    /// # Errors
    /// [`Error::Run`] that says what differs; [`furlough::Error::Io`].
    pub(super) fn check_test(mut self, dir: &RunDir, now: EvalInfo) -> Result<()> {
        if self.test.is_some() {
            return check_same(dir, self.test.as_ref(), Some(&now));
        }
        self.test = Some(now);
        self.write(dir)
    }
}

/// Checks that examples are those of before.
pub(super) fn check_same(dir: &RunDir, before: Option<&EvalInfo>, now: Option<&EvalInfo>) -> Result<()> {
    let (Some(before), Some(now)) = (before, now) else { return Ok(()) };
    let Some(difference) = before.difference(now) else { return Ok(()) };
    let reason = format!(
        "cannot go on: {difference}. Put back the data that it began with, or begin another run from what it has \
         learned"
    );
    Err(Error::run(dir.path(), reason))
}

impl RunDir {
    /// Reads the network that the run began with; none for a run that began with random weights.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] and [`furlough::Error::File`] when a file is missing or damaged,
    /// [`Error::Run`] when it has other weights than the run began with.
    pub fn start(&self) -> Result<Option<Mlp>> {
        let Some(from) = Provenance::read(self)?.and_then(|provenance| provenance.from) else { return Ok(None) };
        let path = self.file(Self::START);
        let (mlp, _) = load_model(&path)?;
        if weights_fingerprint(&mlp) != from.weights {
            let reason = format!("has not the weights that {} says; restore both from a copy", Self::ORIGIN);
            return Err(Error::run(&path, reason));
        }
        Ok(Some(mlp))
    }
}
