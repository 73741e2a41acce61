use super::answers::answers_of;
use super::conformal::measured;
use super::interval::{IntervalRank, interval_of};
use super::network::{Answering, NetworkAnswers, outputs};
use super::out_of_fold::{fold_scores, risk_coverage};
use super::scores::evaluation;
use super::{
    ClassProbabilities, ConformalScores, EnsembleHeader, IntervalMethod, Intervals, PredictionSets, Predictions,
    RowInterval, TableAnswers, TableModel, TableScores,
};
use crate::error::{Error, Result};
use crate::figures::TableFigures;
use crate::preprocessing::{TargetEncoder, TargetRows, Told};
use crate::schema::{Role, TaskChoice};
use crate::table::{Table, format_for, read_as_format};
use furlough::data::{Dataset, Task};
use furlough::predict::{Evaluation, softmax_rows};
use ndarray::{Array2, Axis};
use std::borrow::Cow;
use std::path::Path;

/// Rows that are made features of at a time: what they take does not grow with the table.
const ROWS: usize = 16_384;

/// Labeled rows of a table, and what a model answers for them, in the eyes of its first network.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The rows with their targets and weights.
    pub data: Dataset,
    /// Rows × outputs: logits of classes, or numbers standardized as the targets are.
    pub outputs: Array2<f32>,
    /// The probabilities of classes, or numbers in the targets' units.
    pub answers: Array2<f64>,
    /// How good the answers are; numbers are those standardized ones.
    pub evaluation: Evaluation,
    /// What was met in the table that training did not have.
    pub told: Told,
}

impl TableModel {
    /// Reads a table to answer for, whatever its format and the order of its columns.
    ///
    /// # Errors
    /// Those of [`read_table`](crate::read_table).
    pub fn read(&self, path: impl AsRef<Path>, threads: usize) -> Result<Table> {
        let path = path.as_ref();
        read_as_format(path, self.schema(), &format_for(path, self.schema())?, threads)
    }

    /// Answers for each row of a table, read by [`Self::schema`]; it needs no target. A row's
    /// answer has the same bits whatever rows are beside it. Several networks' probabilities or
    /// numbers are averaged.
    ///
    /// # Errors
    /// Those of [`Preprocessing::features`](crate::Preprocessing::features).
    pub fn predict(&mut self, table: &Table) -> Result<Predictions> {
        if self.ensemble.is_none() {
            let (outputs, told) = self.outputs(table)?;
            return Ok(Predictions { answers: answers_of(self.preprocessing().target()?, outputs[0].view()), told });
        }
        let (answers, told) = self.answers(table)?;
        let answers = TableAnswers::of_mean(self.preprocessing().target()?, answers.mean());
        Ok(Predictions { answers, told })
    }

    /// Returns how probable each class is for each row of a table.
    ///
    /// # Errors
    /// As [`Self::predict`], and [`Error::Column`] for a model of numbers.
    pub fn predict_proba(&mut self, table: &Table) -> Result<ClassProbabilities> {
        let names = self.classes("is predicted as numbers, which have no probabilities")?;
        if self.ensemble.is_none() {
            let (mut outputs, told) = self.outputs(table)?;
            let mut probabilities = outputs.swap_remove(0);
            softmax_rows(&mut probabilities);
            return Ok(ClassProbabilities { probabilities, names, told });
        }
        let (answers, told) = self.answers(table)?;
        Ok(ClassProbabilities { probabilities: answers.mean().mapv(|p| p as f32), names, told })
    }

    /// Returns bounds between which a row's number lies with the probability `confidence`, such as
    /// 0.9, if the rows are like those that were learned from: on average over rows, not for each
    /// kind of row. With one network the rows that decided when to stop are what they are measured
    /// by, so they are a little narrow.
    ///
    /// # Errors
    /// As [`Self::predict`], [`Error::Column`] for a model of classes, and those of
    /// [`ConformalScores::rank`]; [`Error::Schema`] when no rows measured the model.
    pub fn predict_interval(&mut self, table: &Table, confidence: f64) -> Result<Intervals> {
        if let TargetEncoder::Classification { column: name, .. } = self.preprocessing().target()? {
            let (name, reason) = (name.clone(), "is predicted as classes; ask for sets of them".into());
            return Err(Error::Column { name, reason, nearest: None });
        }
        let scores = measured(self.conformal())?.clone();
        let rank = IntervalRank::new(&scores, confidence, false)?;
        let (answers, told) = self.answers(table)?;
        let names = self.preprocessing().target()?.names().iter().map(|name| name.to_string()).collect();
        match interval_of(&scores, &answers, (&rank, IntervalMethod::Mean), false) {
            RowInterval::Numbers { low, high } => Ok(Intervals { low, high, names, told }),
            RowInterval::Classes(_) => unreachable!("numbers have bounds"),
        }
    }

    /// Returns sets of classes that hold a row's class with the probability `confidence`, such as
    /// 0.9, as [`Self::predict_interval`] has it. A set may be empty.
    ///
    /// # Errors
    /// As [`Self::predict_interval`], and [`Error::Column`] for a model of numbers.
    pub fn predict_set(&mut self, table: &Table, confidence: f64) -> Result<PredictionSets> {
        let names = self.classes("is predicted as numbers; ask for an interval")?;
        let scores = measured(self.conformal())?.clone();
        let rank = IntervalRank::new(&scores, confidence, false)?;
        let (answers, told) = self.answers(table)?;
        match interval_of(&scores, &answers, (&rank, IntervalMethod::Mean), true) {
            RowInterval::Classes(sets) => Ok(PredictionSets { sets, names, told }),
            RowInterval::Numbers { .. } => unreachable!("classes have sets"),
        }
    }

    /// Judges the answers for the rows of a table that have a target, which the schema need not
    /// name as such. Weights count.
    ///
    /// # Errors
    /// As [`Self::predict`], and those of [`TargetEncoder::targets`].
    pub fn evaluate(&mut self, table: &Table) -> Result<TableScores> {
        let table = self.labeled(table)?;
        let rows = TargetRows::of(&table, &table.all_rows()).rows;
        // Where no row has a target, the first one is named.
        let rows = if rows.is_empty() { table.all_rows() } else { rows };
        let judged = self.judge(&table, &rows)?;
        Ok(TableScores::of_evaluation(self.preprocessing().target()?, &judged.evaluation))
    }

    /// Answers for some rows of a table that have targets, and says how good the answers are.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn judge(&mut self, table: &Table, rows: &[u32]) -> Result<Judged> {
        let target = self.preprocessing().target()?.clone();
        let (data, _) = self.preprocessing().dataset(table, rows)?;
        let table = table.select(rows);
        if self.ensemble.is_none() {
            let (mut outputs, told) = self.outputs(&table)?;
            let answers = NetworkAnswers::of([&target], &outputs, 1.0).mean();
            let evaluation = self.networks[0].predictor.evaluate(&data)?;
            return Ok(Judged { data, outputs: outputs.swap_remove(0), answers, evaluation, told });
        }
        let (answers, told) = self.answers(&table)?;
        let answers = answers.mean();
        let outputs = match &target {
            TargetEncoder::Classification { .. } => answers.mapv(|p| libm::log(p.max(f64::MIN_POSITIVE)) as f32),
            TargetEncoder::Regression { .. } => target.standardized(answers.view()),
        };
        let evaluation = evaluation(&target, &answers, &data)?;
        Ok(Judged { data, outputs, answers, evaluation, told })
    }

    /// Returns a single network with its scores on rows that did not teach it, and with how far it
    /// was off there, which intervals are made of. Of several networks nothing changes.
    ///
    /// # Errors
    /// Those of [`Predictor::evaluate`](furlough::predict::Predictor::evaluate).
    pub fn measured_by(mut self, held_out: &Dataset) -> Result<TableModel> {
        if let (None, [network]) = (&self.ensemble, &mut self.networks[..]) {
            let target = network.header.preprocessing.target()?.clone();
            let judged = network.predictor.evaluate(held_out)?;
            let outputs = [network.predictor.predict(held_out)?];
            let answers = NetworkAnswers::of([&target], &outputs, 1.0).mean();
            network.header.validation = Some(TableScores::of_evaluation(&target, &judged));
            network.header.risk = risk_coverage(&answers, held_out)?;
            let scores = fold_scores(vec![0], &answers, held_out, &target);
            network.header.conformal = Some(ConformalScores { folds: vec![scores] });
        }
        Ok(self)
    }

    /// Returns a single network with its figures on rows that neither taught it nor decided when to
    /// stop. Of several networks nothing changes.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn tested_by(mut self, table: &Table, rows: &[u32]) -> Result<TableModel> {
        if self.ensemble.is_none() {
            let judged = self.judge(table, rows)?;
            let figures = TableFigures::of(judged.outputs.view(), &judged.data, self.preprocessing().target()?);
            self.networks[0].header.test = Some(figures);
        }
        Ok(self)
    }

    /// Returns the classes; `reason` is why there are none for numbers.
    fn classes(&self, reason: &str) -> Result<Vec<String>> {
        match self.preprocessing().target()? {
            TargetEncoder::Classification { classes, .. } => Ok(classes.clone()),
            TargetEncoder::Regression { columns } => {
                Err(Error::Column { name: columns[0].name.clone(), reason: reason.into(), nearest: None })
            }
        }
    }

    /// Returns a table whose schema names the model's targets.
    pub(crate) fn labeled<'a>(&self, table: &'a Table) -> Result<Cow<'a, Table>> {
        let target = self.preprocessing().target()?;
        let names = target.names();
        let places: Vec<usize> = table.schema().with_the_role(Role::Target).collect();
        let named = places.iter().map(|&place| table.schema().columns[place].name.as_str());
        if named.eq(names.iter().copied()) {
            return Ok(Cow::Borrowed(table));
        }
        let task = match target.task() {
            Task::Classification => TaskChoice::Classification,
            Task::Regression => TaskChoice::Regression,
        };
        Ok(Cow::Owned(table.clone().with_target(&names, task)?))
    }

    /// Returns what each network answers for each row.
    pub(super) fn answers(&mut self, table: &Table) -> Result<(NetworkAnswers, Told)> {
        let (outputs, told) = self.outputs(table)?;
        let targets: Vec<&TargetEncoder> =
            self.headers().filter_map(|header| header.preprocessing.target.as_ref()).collect();
        Ok((NetworkAnswers::of(targets, &outputs, self.ensemble.as_ref().map_or(1.0, EnsembleHeader::divisor)), told))
    }

    /// Returns what each network makes of each row, some rows at a time.
    fn outputs(&mut self, table: &Table) -> Result<(Vec<Array2<f32>>, Told)> {
        let empty = Array2::zeros((0, self.network().architecture().outputs()));
        let mut all = vec![empty; self.networks.len()];
        let mut told = Told::default();
        let networks = self.networks.iter_mut().map(|network| (&network.header, &mut network.predictor));
        let mut networks: Vec<Answering<'_>> = networks.collect();
        for rows in table.all_rows().chunks(ROWS) {
            let (some, new) = outputs(&mut networks, table, rows)?;
            told.add(&new);
            for (all, some) in all.iter_mut().zip(some) {
                all.append(Axis(0), some.view()).expect("each answer is as wide as the network's outputs");
            }
        }
        Ok((all, told))
    }
}
