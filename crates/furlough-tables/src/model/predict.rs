use super::answers::answers_of;
use super::{ClassProbabilities, Predictions, TableModel, TableScores, TargetScores};
use crate::error::{Error, Result};
use crate::preprocessing::{TargetEncoder, TargetRows, Told};
use crate::schema::{Role, TaskChoice};
use crate::table::{Table, format_for, read_as_format};
use furlough::data::{Dataset, Task};
use ndarray::{Array2, Axis};
use std::borrow::Cow;
use std::path::Path;

/// Rows that are made features of at a time: what they take does not grow with the table.
const ROWS: usize = 16_384;

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
    /// answer has the same bits whatever rows are beside it.
    ///
    /// # Errors
    /// Those of [`Preprocessing::features`](crate::Preprocessing::features).
    pub fn predict(&mut self, table: &Table) -> Result<Predictions> {
        let (outputs, told) = self.outputs(table, |predictor, features| predictor.predict(features))?;
        Ok(Predictions { answers: answers_of(self.header.preprocessing.target()?, outputs.view()), told })
    }

    /// Returns how probable each class is for each row of a table.
    ///
    /// # Errors
    /// As [`Self::predict`], and [`Error::Column`] for a model of numbers.
    pub fn predict_proba(&mut self, table: &Table) -> Result<ClassProbabilities> {
        let names = match self.header.preprocessing.target()? {
            TargetEncoder::Classification { classes, .. } => classes.clone(),
            TargetEncoder::Regression { columns } => {
                let name = columns[0].name.clone();
                let reason = "is predicted as numbers, which have no probabilities".into();
                return Err(Error::Column { name, reason, nearest: None });
            }
        };
        let (probabilities, told) = self.outputs(table, |predictor, features| predictor.predict_proba(features))?;
        Ok(ClassProbabilities { probabilities, names, told })
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
        let (data, _) = self.header.preprocessing.dataset(&table, &rows)?;
        self.score(&data)
    }

    /// Returns a table with the model's targets, which the schema need not name as such.
    pub(crate) fn labeled<'a>(&self, table: &'a Table) -> Result<Cow<'a, Table>> {
        let target = self.header.preprocessing.target()?;
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

    pub(super) fn score(&mut self, data: &Dataset) -> Result<TableScores> {
        let judged = self.predictor.evaluate(data)?;
        let mut targets = Vec::new();
        if let (Some(scores), TargetEncoder::Regression { columns }) =
            (&judged.regression, self.header.preprocessing.target()?)
        {
            targets.extend(scores.outputs.iter().zip(columns).map(|(score, column)| TargetScores {
                name: column.name.clone(),
                rmse: score.rmse * column.deviation,
                mae: score.mae * column.deviation,
                r2: score.r2,
            }));
        }
        Ok(TableScores { rows: judged.examples as u64, loss: judged.loss, accuracy: judged.accuracy, targets })
    }

    /// Returns what the network makes of each row, some rows at a time.
    fn outputs(
        &mut self,
        table: &Table,
        mut answer: impl FnMut(&mut furlough::predict::Predictor, &Array2<f32>) -> furlough::Result<Array2<f32>>,
    ) -> Result<(Array2<f32>, Told)> {
        let mut outputs = Array2::zeros((0, self.predictor.mlp().architecture().outputs()));
        let mut told = Told::default();
        for rows in table.all_rows().chunks(ROWS) {
            let (features, new) = self.header.preprocessing.features(table, rows)?;
            told.add(&new);
            let answers = answer(&mut self.predictor, &features)?;
            outputs.append(Axis(0), answers.view()).expect("each answer is as wide as the network's outputs");
        }
        Ok((outputs, told))
    }
}
