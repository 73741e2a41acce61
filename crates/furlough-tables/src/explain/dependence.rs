//! Partial dependence: what a model answers on average where a column has a given value.

use super::ExplainOptions;
use super::rows::{columns_of, rows_of};
use crate::error::Result;
use crate::model::{TableAnswers, TableModel};
use crate::preprocessing::{CategoryEncoder, Encoding, Preprocessing};
use crate::schema::Kind;
use crate::table::{Column, MISSING, Table};
use furlough::predict::Histogram;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// What a model answers on average over the rows where a column has a given value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartialDependence {
    /// The column.
    pub column: String,
    /// What its values are.
    pub kind: Kind,
    /// How many rows were looked at.
    pub rows: u64,
    /// What is answered: the classes, or the targets.
    pub outputs: Vec<String>,
    /// Whether the outputs are classes, of which the answers are probabilities.
    pub classes: bool,
    /// Values of the column, with the answers.
    pub points: Vec<DependencePoint>,
    /// Where the rows' own values are, of numbers and dates; its outer bins hold what is beyond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// A value of a column, and what is answered on average where all rows have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependencePoint {
    /// The value.
    pub value: DependenceValue,
    /// How many rows have it; none of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The mean answer, one an output.
    pub answers: Vec<f64>,
}

/// A value that a column is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependenceValue {
    /// A number, or a date in seconds since the beginning of 1970.
    Number(f64),
    /// A level.
    Level(String),
    /// Any of the levels that are rare and count as one.
    Rare,
    /// None.
    Missing,
}

/// The shares below the numbers that a column is given, each a row's own: from the hundredth part
/// to all but the last, so that outliers do not stretch the picture.
const SHARES: [f64; 21] = [
    0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99,
];

/// Bins of a histogram.
const BINS: usize = 30;

impl TableModel {
    /// Answers for a table's rows with a column set to one value in all of them, value after value,
    /// and averages the answers: J. Friedman, "Greedy function approximation: a gradient boosting
    /// machine", Annals of Statistics 29 (2001), section 8.2. A number is set to its quantiles, a
    /// category to its levels, each column by itself; weights count. `told` is called after each
    /// value with how many are done, and of how many.
    ///
    /// ```
    /// use furlough_tables::{Table, TableModel, TableOptions, explain::ExplainOptions};
    /// let (areas, prices) = ((0..80).map(|row| f64::from(row % 40)), (0..80).map(|row| f64::from(3 * (row % 40))));
    /// let table = Table::builder().numbers("area", areas).numbers("price", prices).build()?;
    /// let mut model = TableModel::fit(&table, &TableOptions::target("price"))?;
    /// let found = model.partial_dependence(&table, &ExplainOptions::default(), |_, _| ())?;
    /// let (first, last) = (&found[0].points[0], &found[0].points[found[0].points.len() - 1]);
    /// assert!(first.answers[0] < 30.0 && last.answers[0] > 90.0);
    /// # Ok::<(), furlough_tables::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Self::predict`]; [`Error::Column`](crate::Error::Column) for a column that the
    /// model does not see; [`Error::Engine`](crate::Error::Engine) for options out of range.
    pub fn partial_dependence(
        &mut self,
        table: &Table,
        options: &ExplainOptions,
        mut told: impl FnMut(u64, u64),
    ) -> Result<Vec<PartialDependence>> {
        options.validate()?;
        let mut table = table.select(&rows_of(table, options));
        let rows = table.rows();
        let weights = weights(&table)?;
        let outputs: Vec<String> = output_names(self.preprocessing())?;
        let classes = self.preprocessing().target()?.task() == furlough::data::Task::Classification;
        let asked = columns_of(self.preprocessing(), &table, options)?;
        let grids: Vec<Grid> =
            asked.iter().map(|(name, place)| Grid::of(self.preprocessing(), &table, name, *place)).collect();
        let of = grids.iter().map(|grid| grid.values.len() as u64).sum();
        let (mut done, mut found) = (0, Vec::new());
        for ((name, place), grid) in asked.into_iter().zip(grids) {
            let mut points = Vec::new();
            for (value, column, rows_with) in grid.values {
                let mut column = column.repeated(rows);
                table.swap_column(place, &mut column);
                let answers = self.mean_answers(&table, &weights);
                table.swap_column(place, &mut column);
                points.push(DependencePoint { value, rows: rows_with, answers: answers? });
                done += 1;
                told(done, of);
            }
            // A column without a value has none to be given.
            let any = !points.is_empty();
            found.extend(any.then(|| PartialDependence {
                column: name,
                kind: table.schema().columns[place].kind,
                rows: rows as u64,
                outputs: outputs.clone(),
                classes,
                points,
                histogram: grid.histogram,
            }));
        }
        Ok(found)
    }

    /// Returns the weighted mean over the rows of what is answered, one an output.
    fn mean_answers(&mut self, table: &Table, weights: &[f64]) -> Result<Vec<f64>> {
        let mean = |column: &mut dyn Iterator<Item = f64>| {
            let sum: f64 = column.zip(weights).map(|(answer, weight)| answer * weight).sum();
            sum / weights.iter().sum::<f64>()
        };
        if self.preprocessing().target()?.task() == furlough::data::Task::Classification {
            let answered = self.predict_proba(table)?.probabilities;
            return Ok(answered.columns().into_iter().map(|p| mean(&mut p.iter().map(|&p| p.into()))).collect());
        }
        match self.predict(table)?.answers {
            TableAnswers::Numbers { values, .. } => {
                Ok(values.columns().into_iter().map(|column| mean(&mut column.iter().copied())).collect())
            }
            TableAnswers::Classes { .. } => Ok(Vec::new()), // no model of numbers answers so
        }
    }
}

fn output_names(preprocessing: &Preprocessing) -> Result<Vec<String>> {
    use crate::preprocessing::TargetEncoder::{Classification, Regression};
    Ok(match preprocessing.target()? {
        Classification { classes, .. } => classes.clone(),
        Regression { columns } => columns.iter().map(|column| column.name.clone()).collect(),
    })
}

fn weights(table: &Table) -> Result<Vec<f64>> {
    let weights = Preprocessing::weights(table, &table.all_rows())?;
    let weights = weights.filter(|weights| weights.iter().any(|&weight| weight > 0.0));
    Ok(weights.map_or_else(|| vec![1.0; table.rows()], |weights| weights.into_iter().map(f64::from).collect()))
}

/// A value of a column in the table's own terms.
enum Cell {
    Number(f64),
    Code(u32, Vec<String>),
}

impl Cell {
    fn repeated(&self, rows: usize) -> Column {
        match self {
            Cell::Number(value) => Column::Numbers(vec![*value; rows]),
            Cell::Code(code, levels) => Column::Codes { codes: vec![*code; rows], levels: levels.clone() },
        }
    }
}

/// The values that a column is given.
#[derive(Default)]
struct Grid {
    values: Vec<(DependenceValue, Cell, Option<u64>)>,
    histogram: Option<Histogram>,
}

impl Grid {
    fn of(preprocessing: &Preprocessing, table: &Table, name: &str, place: usize) -> Grid {
        let Some(encoder) = preprocessing.columns.iter().find(|column| column.column == name) else {
            return Grid::default();
        };
        match (&encoder.encoding, &table.columns()[place]) {
            (Encoding::Number { indicator, .. } | Encoding::Date { indicator, .. }, Column::Numbers(numbers)) => {
                Grid::of_numbers(numbers, *indicator)
            }
            (Encoding::Category { category, boolean }, Column::Codes { codes, levels }) => {
                let values =
                    if *boolean { booleans(category, codes, levels) } else { categories(category, codes, levels) };
                Grid { values, histogram: None }
            }
            _ => Grid::default(),
        }
    }

    fn of_numbers(numbers: &[f64], indicator: bool) -> Grid {
        let mut sorted: Vec<f64> = numbers.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut different = sorted.clone();
        different.dedup();
        let mut grid = if different.len() <= SHARES.len() {
            different
        } else {
            SHARES.iter().map(|&share| sorted[(share * (sorted.len() - 1) as f64).round() as usize]).collect()
        };
        grid.dedup();
        let histogram = (grid.len() > 1).then(|| histogram(&sorted, grid[0], grid[grid.len() - 1]));
        let number = |value: f64| (DependenceValue::Number(value), Cell::Number(value), None);
        let missing = (numbers.len() - sorted.len()) as u64;
        let missing = indicator.then_some((DependenceValue::Missing, Cell::Number(f64::NAN), Some(missing)));
        Grid { values: grid.into_iter().map(number).chain(missing).collect(), histogram }
    }
}

fn histogram(values: &[f64], from: f64, to: f64) -> Histogram {
    let mut counts = vec![0; BINS];
    for value in values {
        let share = (value / 2.0 - from / 2.0) / (to / 2.0 - from / 2.0);
        counts[((share * BINS as f64).max(0.0) as usize).min(BINS - 1)] += 1;
    }
    Histogram { from, to, counts }
}

fn missing_cell(
    category: &CategoryEncoder,
    codes: &[u32],
    levels: &[String],
) -> Option<(DependenceValue, Cell, Option<u64>)> {
    let rows = codes.iter().filter(|&&code| code == MISSING).count() as u64;
    category.missing.then(|| (DependenceValue::Missing, Cell::Code(MISSING, levels.to_vec()), Some(rows)))
}

fn booleans(category: &CategoryEncoder, codes: &[u32], levels: &[String]) -> Vec<(DependenceValue, Cell, Option<u64>)> {
    let value = |code: u32| {
        // No before yes, as the file spells them.
        let name = levels.get(code as usize)?.clone();
        let rows = codes.iter().filter(|&&one| one == code).count() as u64;
        Some((DependenceValue::Level(name), Cell::Code(code, levels.to_vec()), Some(rows)))
    };
    (0..2).filter_map(value).chain(missing_cell(category, codes, levels)).collect()
}

/// How many levels a column is given at most, the most frequent ones.
const MOST_LEVELS: usize = 100;

fn categories(
    category: &CategoryEncoder,
    codes: &[u32],
    levels: &[String],
) -> Vec<(DependenceValue, Cell, Option<u64>)> {
    let mut counts = vec![0_u64; levels.len()];
    codes.iter().filter(|&&code| code != MISSING).for_each(|&code| counts[code as usize] += 1);
    let rows: HashMap<&str, u64> = levels.iter().map(String::as_str).zip(counts).collect();
    let rows_of = |level: &String| rows.get(level.as_str()).copied().unwrap_or_default();
    let mut frequent: Vec<&String> = category.levels.iter().collect();
    frequent.sort_by_key(|&level| Reverse(rows_of(level)));
    let frequent: HashSet<&String> = frequent.into_iter().take(MOST_LEVELS).collect();
    let cell = |level: &String| Cell::Code(0, vec![level.clone()]);
    let own = category.levels.iter().filter(|level| frequent.contains(level));
    let own = own.map(|level| (DependenceValue::Level(level.clone()), cell(level), Some(rows_of(level))));
    let rare_rows = || category.rare.iter().map(rows_of).sum();
    let rare = category.rare.first().map(|level| (DependenceValue::Rare, cell(level), Some(rare_rows())));
    own.chain(rare).chain(missing_cell(category, codes, levels)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_its_quantiles_and_few_values_as_they_are() {
        let numbers: Vec<f64> = (0..=1000).map(f64::from).chain([f64::NAN, f64::INFINITY]).collect();
        let grid = Grid::of_numbers(&numbers, true);
        assert_eq!(grid.values.len(), 22);
        assert_eq!(grid.values[0].0, DependenceValue::Number(10.0));
        assert_eq!(grid.values[20].0, DependenceValue::Number(990.0));
        assert_eq!((&grid.values[21].0, grid.values[21].2), (&DependenceValue::Missing, Some(2)));
        let histogram = grid.histogram.unwrap();
        assert_eq!((histogram.from, histogram.to, histogram.counts.iter().sum::<u64>()), (10.0, 990.0, 1001));
        let few = Grid::of_numbers(&[3.0, 1.0, 1.0, 2.0], false);
        let values: Vec<_> = few.values.into_iter().map(|(value, ..)| value).collect();
        assert_eq!(values, [1.0, 2.0, 3.0].map(DependenceValue::Number));
        assert_eq!(Grid::of_numbers(&[f64::NAN], false).values.len(), 0);
    }
}
