//! What the trials of an experiment learn from.

use crate::Result;
use crate::recipe::Recipe;
use crate::run::EvalInfo;
use crate::source::{DataSource, RunData, TableSource};
use furlough::data::{Dataset, EvalData, EvalSplit, TrainingData};
use furlough::files::DataInfo;
use furlough_tables::model::TableHeader;

/// The data that trials learn from, shared by all of them.
#[derive(Debug, Clone)]
pub struct TrialData<'a> {
    /// The table, of which each trial makes its own features; none of other data.
    table: Option<&'a TableSource>,
    /// What a model file says of the table.
    pub(crate) header: Option<TableHeader>,
    /// What is learned from.
    pub train: &'a Dataset,
    /// What each epoch is evaluated on: the test set, or what the recipe holds out.
    pub eval: EvalData<'a>,
    /// The examples of that.
    pub(crate) judge: &'a Dataset,
    /// What a run directory says of the training set.
    pub info: DataInfo,
    /// What it says of the examples that judge.
    pub eval_info: EvalInfo,
    /// Where the data came from, for the manifests.
    pub origin: String,
}

impl<'a> TrialData<'a> {
    /// Takes a training set and a test set. Computes their fingerprints, once for all trials.
    pub fn new(train: &'a Dataset, test: &'a Dataset, origin: impl Into<String>) -> Self {
        TrialData::with_eval(train, (EvalSplit::Test, test), origin)
    }

    /// Takes a source, and what of it a run sees that holds nothing out. Computes the fingerprints,
    /// once for all trials.
    pub fn of(source: &'a DataSource, whole: &'a RunData, origin: impl Into<String>) -> Self {
        let table = match source {
            DataSource::Table(table) => Some(table),
            DataSource::Sets(_) | DataSource::Disk(_) => None,
        };
        let data =
            TrialData::with_eval(&whole.training.train, (whole.training.eval_split, &whole.training.eval), origin);
        TrialData { table, header: whole.table.clone(), ..data }
    }

    /// The same for what may be judged by held-out examples.
    fn with_eval(train: &'a Dataset, (split, judge): (EvalSplit, &'a Dataset), origin: impl Into<String>) -> Self {
        let eval = EvalData { split, data: judge.into() };
        let (info, eval_info) = (DataInfo::of(train), EvalInfo::of(eval));
        TrialData { table: None, header: None, train, eval, judge, info, eval_info, origin: origin.into() }
    }

    /// What a trial of `recipe` sees, if that is not all. Its name is that of the whole data and
    /// the recipe.
    pub(crate) fn part(&self, recipe: &Recipe) -> Result<Option<Subset>> {
        let part = recipe.partition();
        if part.is_whole() {
            return Ok(None);
        }
        if let Some(table) = self.table {
            let RunData { training: TrainingData { train, eval, eval_split }, table: header, .. } =
                table.run_data(&part)?;
            return Ok(Some(Subset { train, eval: Some((eval_split, eval)), header }));
        }
        let (train, held_out) = part.select(self.train)?;
        let eval = held_out.map(|held_out| (EvalSplit::Validation, held_out));
        Ok(Some(Subset { train, eval, header: None }))
    }
}

/// A part of an experiment's data.
pub(crate) struct Subset {
    train: Dataset,
    /// What judges in place of what judges the whole.
    eval: Option<(EvalSplit, Dataset)>,
    header: Option<TableHeader>,
}

impl Subset {
    /// The part in place of the whole.
    pub(crate) fn data<'a>(&'a self, whole: &TrialData<'a>) -> TrialData<'a> {
        let eval = self.eval.as_ref().map_or((whole.eval.split, whole.judge), |(split, data)| (*split, data));
        TrialData { header: self.header.clone(), ..TrialData::with_eval(&self.train, eval, &*whole.origin) }
    }
}
