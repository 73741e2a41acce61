//! Permutation importance: how much worse a model is where a column is shuffled.

use super::ExplainOptions;
use super::increase::Losses;
use super::rows::{columns_of, rows_of, shuffled};
use crate::error::Result;
use crate::model::{TableAnswers, TableModel};
use crate::preprocessing::{Preprocessing, TargetEncoder};
use crate::table::Table;
use furlough::data::Targets;
use furlough::predict::FigureInterval;
use serde::{Deserialize, Serialize};

/// How much worse a model is where a column's values are shuffled among the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermutationImportance {
    /// How many rows were looked at.
    pub rows: u64,
    /// How often each column was shuffled.
    pub repeats: u32,
    /// The seed of rows and shuffles.
    pub seed: u64,
    /// By each score that fits the task: of classes log loss and error rate, of numbers RMSE and
    /// MAE of each target.
    pub scores: Vec<ScoreImportance>,
}

/// The same by one score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreImportance {
    /// The score; smaller is better.
    pub score: ImportanceScore,
    /// The column, of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The score of the table as it is.
    pub value: f64,
    /// The columns, the most important first.
    pub columns: Vec<ColumnImportance>,
}

/// A column, and how much the score grows without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnImportance {
    /// The column.
    pub column: String,
    /// By how much the score grows, on average over the shuffles, with its 95 % interval: where
    /// other rows of the same kind would have it.
    pub increase: FigureInterval,
    /// The standard deviation over the shuffles; none of one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportanceScore {
    /// The mean of −ln p of the rows' classes, p at least the smallest normal number of single
    /// precision.
    #[serde(rename = "log loss")]
    LogLoss,
    /// The share of wrong answers.
    #[serde(rename = "error rate")]
    ErrorRate,
    /// The root of the mean squared error, in the target's units.
    #[serde(rename = "RMSE")]
    Rmse,
    /// The mean absolute error, in the target's units.
    #[serde(rename = "MAE")]
    Mae,
}

impl ImportanceScore {
    /// Returns its name: `log loss`, `error rate`, `RMSE` or `MAE`.
    pub fn name(self) -> &'static str {
        match self {
            ImportanceScore::LogLoss => "log loss",
            ImportanceScore::ErrorRate => "error rate",
            ImportanceScore::Rmse => "RMSE",
            ImportanceScore::Mae => "MAE",
        }
    }
}

impl TableModel {
    /// Measures how much worse the answers for a table's rows are where the values of a column are
    /// shuffled among them: L. Breiman, "Random forests", Machine Learning 45 (2001); for any
    /// model A. Fisher, C. Rudin and F. Dominici, "All models are wrong, but many are useful",
    /// JMLR 20 (2019). A whole column of the table is shuffled, whatever features it becomes. The
    /// shuffles are a function of seed, column and their number, and any number of threads gives
    /// the same bits. `told` is called after each shuffle with how many are done, and of how many.
    ///
    /// Rows that the model learned from show what it uses, and others what helps it.
    ///
    /// ```
    /// use furlough_tables::{Table, TableModel, TableOptions, explain::ExplainOptions};
    /// let sizes = || (0..60).map(|row| f64::from(row * 7 % 60));
    /// let kinds = sizes().map(|size| if size < 30.0 { "small" } else { "large" });
    /// let noise = (0..60).map(|row| f64::from(row * 11 % 7));
    /// let table = Table::builder().numbers("size", sizes()).numbers("noise", noise).texts("kind", kinds).build()?;
    /// let mut model = TableModel::fit(&table, &TableOptions::target("kind"))?;
    /// let found = model.permutation_importance(&table, &ExplainOptions::default(), |_, _| ())?;
    /// let log_loss = &found.scores[0];
    /// assert_eq!(log_loss.columns[0].column, "size");
    /// assert!(log_loss.columns[0].increase.low > Some(0.0));
    /// # Ok::<(), furlough_tables::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Self::evaluate`]; [`Error::Column`](crate::Error::Column) for a column that the
    /// model does not see; [`Error::Engine`](crate::Error::Engine) for options out of range.
    pub fn permutation_importance(
        &mut self,
        table: &Table,
        options: &ExplainOptions,
        mut told: impl FnMut(u64, u64),
    ) -> Result<PermutationImportance> {
        options.validate()?;
        let table = self.labeled(table)?;
        let rows = rows_of(&table, options);
        let mut table = table.select(&rows);
        let columns = columns_of(self.preprocessing(), &table, options)?;
        let truth = Truth::of(self, &table)?;
        let before = truth.losses(self, &table)?;
        let of = columns.len() as u64 * u64::from(options.repeats);
        let mut done = 0;
        let mut found: Vec<Vec<ColumnImportance>> = vec![Vec::new(); truth.scores.len()];
        let mut values = Vec::new();
        for (column, place) in &columns {
            let mut sums = vec![Shuffled::zeros(rows.len()); truth.scores.len()];
            for repeat in 0..options.repeats {
                let order = shuffled(rows.len(), *place, repeat, options.seed);
                let mut other = table.columns()[*place].select(&order);
                table.swap_column(*place, &mut other);
                let losses = truth.losses(self, &table);
                table.swap_column(*place, &mut other);
                for (sums, losses) in sums.iter_mut().zip(losses?) {
                    sums.add(&order, &losses, &truth.weights);
                }
                done += 1;
                told(done, of);
            }
            values.clear();
            for ((sums, before), ((score, _), found)) in
                sums.iter_mut().zip(&before).zip(truth.scores.iter().zip(&mut found))
            {
                let (value, importance) = sums.importance(column, before, &truth.weights, *score);
                values.push(value);
                found.push(importance);
            }
        }
        let scores = truth.scores.into_iter().zip(found).zip(values).map(|(((score, target), mut columns), value)| {
            columns.sort_by(|a, b| b.increase.value.total_cmp(&a.increase.value));
            ScoreImportance { score, target, value, columns }
        });
        let (repeats, seed) = (options.repeats, options.seed);
        Ok(PermutationImportance { rows: rows.len() as u64, repeats, seed, scores: scores.collect() })
    }
}

/// What is right for each row, and how answers are judged.
struct Truth {
    targets: Targets,
    /// Numbers in the targets' units.
    numbers: ndarray::Array2<f64>,
    weights: Vec<f64>,
    scores: Vec<(ImportanceScore, Option<String>)>,
}

impl Truth {
    fn of(model: &TableModel, table: &Table) -> Result<Self> {
        let rows = table.all_rows();
        let target = model.preprocessing().target()?;
        let targets = target.targets(table, &rows)?;
        let weights = match Preprocessing::weights(table, &rows)? {
            Some(weights) if weights.iter().any(|&weight| weight > 0.0) => weights.into_iter().map(f64::from).collect(),
            _ => vec![1.0; rows.len()],
        };
        let numbers = match &targets {
            Targets::Values(values) => target.in_units(values.view()),
            Targets::Classes { .. } => ndarray::Array2::zeros((0, 0)),
        };
        let scores = match target {
            TargetEncoder::Classification { .. } => {
                vec![(ImportanceScore::LogLoss, None), (ImportanceScore::ErrorRate, None)]
            }
            TargetEncoder::Regression { columns } => {
                let both = [ImportanceScore::Rmse, ImportanceScore::Mae];
                columns.iter().flat_map(|column| both.map(|score| (score, Some(column.name.clone())))).collect()
            }
        };
        Ok(Truth { targets, numbers, weights, scores })
    }

    /// Returns the loss of each row by each score, before a root is taken.
    fn losses(&self, model: &mut TableModel, table: &Table) -> Result<Vec<Vec<f64>>> {
        if let Targets::Classes { labels, .. } = &self.targets {
            let answered = model.predict_proba(table)?.probabilities;
            let both = labels.iter().zip(answered.rows()).map(|(&label, row)| {
                let right = row[label as usize];
                let best = (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best });
                let surprise = -libm::log(f64::from(right.max(f32::MIN_POSITIVE)));
                (surprise, if best == label as usize { 0.0 } else { 1.0 })
            });
            let (surprises, wrong) = both.unzip();
            return Ok(vec![surprises, wrong]);
        }
        let TableAnswers::Numbers { values, .. } = model.predict(table)?.answers else {
            unreachable!("numbers are answered where numbers are learned")
        };
        let of_target = |(truth, said): (ndarray::ArrayView1<'_, f64>, ndarray::ArrayView1<'_, f64>)| {
            let errors: Vec<f64> = truth.iter().zip(said).map(|(truth, said)| (said - truth).abs()).collect();
            [errors.iter().map(|error| error * error).collect(), errors]
        };
        Ok(self.numbers.columns().into_iter().zip(values.columns()).flat_map(of_target).collect())
    }
}

/// The losses of rows with a column shuffled, added up over the shuffles.
#[derive(Clone)]
struct Shuffled {
    own: Vec<f64>,
    lent: Vec<f64>,
    lent_weights: Vec<f64>,
    /// The weighted mean loss of each shuffle.
    means: Vec<f64>,
}

impl Shuffled {
    fn zeros(rows: usize) -> Self {
        Shuffled { own: vec![0.0; rows], lent: vec![0.0; rows], lent_weights: vec![0.0; rows], means: Vec::new() }
    }

    fn add(&mut self, order: &[u32], losses: &[f64], weights: &[f64]) {
        let mut sum = 0.0;
        for (row, (&from, &loss)) in order.iter().zip(losses).enumerate() {
            self.own[row] += loss;
            self.lent[from as usize] += weights[row] * loss;
            self.lent_weights[from as usize] += weights[row];
            sum += weights[row] * loss;
        }
        self.means.push(sum / weights.iter().sum::<f64>());
    }

    /// Returns the score of the table as it is, and what the column is worth.
    fn importance(
        &mut self,
        column: &str,
        before: &[f64],
        weights: &[f64],
        score: ImportanceScore,
    ) -> (f64, ColumnImportance) {
        let repeats = self.means.len() as f64;
        for sums in [&mut self.own, &mut self.lent, &mut self.lent_weights] {
            sums.iter_mut().for_each(|sum| *sum /= repeats);
        }
        let root = score == ImportanceScore::Rmse;
        let Shuffled { own, lent, lent_weights, means } = self;
        let losses = Losses { weights, before, own, lent, lent_weights, root };
        let (value, half) = losses.increase();
        let (low, high) = (Some(value - half), Some(value + half));
        let shown: Vec<f64> = means.iter().map(|mean| if root { mean.sqrt() } else { *mean }).collect();
        let mean = shown.iter().sum::<f64>() / repeats;
        let squares: f64 = shown.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (shown.len() > 1).then(|| (squares / (repeats - 1.0)).sqrt());
        let increase = FigureInterval { value, low, high };
        (losses.value_before(), ColumnImportance { column: column.into(), increase, deviation })
    }
}
