//! Targets: from the user's labels and units to a network's, and back.

use super::numbers::mean_and_deviation;
use crate::error::{Error, Result};
use crate::schema::{ColumnSchema, Kind, Role, number_of};
use crate::table::{Column, MISSING, Table};
use furlough::data::{Targets, Task};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the outputs of a network mean, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "task")]
pub enum TargetEncoder {
    /// Classes.
    Classification {
        /// The column.
        column: String,
        /// The classes as training rows spell them, an output each: no before yes, numbers
        /// ascending, texts in their order.
        classes: Vec<String>,
    },
    /// Numbers.
    Regression {
        /// The columns, an output each.
        columns: Vec<TargetColumn>,
    },
}

/// A target of numbers. A network learns (number − mean) / deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetColumn {
    /// The column.
    pub name: String,
    /// The mean of the training rows.
    pub mean: f64,
    /// Their standard deviation, above 0.
    pub deviation: f64,
}

/// The rows that have a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRows {
    /// These rows, in the order in which they were given.
    pub rows: Vec<u32>,
    /// How many have none.
    pub dropped: u64,
}

/// The most classes.
const MOST_CLASSES: usize = 10_000;

impl TargetRows {
    /// Finds out which of some rows have all their targets. Infinity is none.
    pub fn of(table: &Table, rows: &[u32]) -> Self {
        let targets: Vec<&Column> = target_places(table).map(|place| &table.columns()[place]).collect();
        let has_all = |row: &u32| !targets.iter().any(|column| column.is_missing(*row as usize));
        let kept: Vec<u32> = rows.iter().copied().filter(has_all).collect();
        TargetRows { dropped: (rows.len() - kept.len()) as u64, rows: kept }
    }
}

fn target_places(table: &Table) -> impl Iterator<Item = usize> + '_ {
    table.schema().with_the_role(Role::Target)
}

impl TargetEncoder {
    /// Returns the one column of numbers that is predicted; none of classes and of several numbers,
    /// whose losses are added.
    pub fn single_number(&self) -> Option<&TargetColumn> {
        match self {
            TargetEncoder::Regression { columns } if columns.len() == 1 => columns.first(),
            _ => None,
        }
    }

    /// Fits to the targets of some rows of a table.
    ///
    /// # Errors
    /// [`Error::Schema`] when the table has no target, or several of which one is no number;
    /// [`Error::Column`] when there is nothing to learn: one class, one number, more than 10,000
    /// classes, or fewer than two rows a class; [`Error::Value`] when a target is missing.
    pub fn fit(table: &Table, rows: &[u32]) -> Result<Self> {
        let bad = |reason: String| Error::Schema { path: None, reason };
        let places: Vec<usize> = target_places(table).collect();
        let name = |place: usize| table.schema().columns[place].name.clone();
        let is_numbers = |place: &usize| matches!(table.columns()[*place], Column::Numbers(_));
        let Some(&first) = places.first() else {
            return Err(bad("it has no target; name the column that is to be predicted".into()));
        };
        if let Some(&dropped) = places.iter().find(|&&place| table.columns()[place] == Column::Dropped) {
            let reason = "is the target, but the table lacks it".into();
            return Err(Error::Column { name: name(dropped), reason, nearest: None });
        }
        check_present(table, &places, rows)?;
        if places.iter().all(is_numbers) {
            let fit = |&place: &usize| fit_numbers(table, place, rows);
            return Ok(TargetEncoder::Regression { columns: places.iter().map(fit).collect::<Result<_>>()? });
        }
        if places.len() > 1 {
            let named: Vec<String> = places.iter().map(|&place| name(place)).collect();
            return Err(bad(format!("it has the targets {}; several targets must be numbers", named.join(", "))));
        }
        Ok(TargetEncoder::Classification { column: name(first), classes: fit_classes(table, first, rows)? })
    }

    /// Returns what the outputs are.
    pub fn task(&self) -> Task {
        match self {
            TargetEncoder::Classification { .. } => Task::Classification,
            TargetEncoder::Regression { .. } => Task::Regression,
        }
    }

    /// Returns the number of outputs.
    pub fn outputs(&self) -> usize {
        match self {
            TargetEncoder::Classification { classes, .. } => classes.len(),
            TargetEncoder::Regression { columns } => columns.len(),
        }
    }

    /// Returns the names of the target columns.
    pub fn names(&self) -> Vec<&str> {
        match self {
            TargetEncoder::Classification { column, .. } => vec![column],
            TargetEncoder::Regression { columns } => columns.iter().map(|column| column.name.as_str()).collect(),
        }
    }

    /// Returns the targets of some rows as a network learns them.
    ///
    /// # Errors
    /// [`Error::Column`] when the table lacks a target, [`Error::Value`] for a missing one and for
    /// a class that the training rows lack.
    pub fn targets(&self, table: &Table, rows: &[u32]) -> Result<Targets> {
        let places = self.names().iter().map(|name| table.schema().find(name)).collect::<Result<Vec<_>>>()?;
        check_present(table, &places, rows)?;
        match self {
            TargetEncoder::Classification { column, classes } => {
                let Column::Codes { codes, levels } = &table.columns()[places[0]] else {
                    return Err(other_kind(column));
                };
                let labels = self.labels(table, places[0], levels);
                let label = |&row: &u32| {
                    let code = codes[row as usize] as usize;
                    labels[code].ok_or_else(|| {
                        let known: Vec<_> = classes.iter().take(5).map(String::as_str).collect();
                        let more = if classes.len() > 5 { ", …" } else { "" };
                        let reason = format!("is a class that training never saw; it saw {}{more}", known.join(", "));
                        table.cell_error(row as usize, places[0], &levels[code], &reason)
                    })
                };
                let labels = rows.iter().map(label).collect::<Result<_>>()?;
                Ok(Targets::Classes { labels, names: classes.clone() })
            }
            TargetEncoder::Regression { columns } => {
                let mut values = Array2::zeros((rows.len(), columns.len()));
                for ((column, &place), mut out) in columns.iter().zip(&places).zip(values.columns_mut()) {
                    let Column::Numbers(numbers) = &table.columns()[place] else {
                        return Err(other_kind(&column.name));
                    };
                    for (&row, out) in rows.iter().zip(&mut out) {
                        // By halves, so that no difference overflows.
                        let off = numbers[row as usize] / 2.0 - column.mean / 2.0;
                        *out = (2.0 * (off / column.deviation)) as f32;
                    }
                }
                Ok(Targets::Values(values))
            }
        }
    }

    /// Returns the class of each level of a column.
    fn labels(&self, table: &Table, place: usize, levels: &[String]) -> Vec<Option<u32>> {
        let TargetEncoder::Classification { classes, .. } = self else { return Vec::new() };
        if table.schema().columns[place].kind == Kind::Boolean && classes.len() == 2 {
            return vec![Some(0), Some(1)]; // no and yes, however they are spelled here
        }
        let places: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        levels.iter().map(|level| places.get(level.as_str()).copied()).collect()
    }

    /// Returns predicted numbers in the user's units, rows × outputs.
    pub fn in_units<F: Copy + Into<f64>>(&self, outputs: ArrayView2<'_, F>) -> Array2<f64> {
        let mut values = outputs.mapv(F::into);
        if let TargetEncoder::Regression { columns } = self {
            for (column, mut values) in columns.iter().zip(values.columns_mut()) {
                values.mapv_inplace(|value| column.mean + column.deviation * value);
            }
        }
        values
    }

    /// Whether both have the same targets and the same classes in one order, so that their answers
    /// can be averaged.
    pub(crate) fn answers_as(&self, other: &TargetEncoder) -> bool {
        let classes = |target: &TargetEncoder| match target {
            TargetEncoder::Classification { classes, .. } => Some(classes.clone()),
            TargetEncoder::Regression { .. } => None,
        };
        self.names() == other.names() && classes(self) == classes(other)
    }

    /// Returns numbers in the user's units as a network learns them, rows × outputs: the inverse of
    /// [`Self::in_units`].
    pub fn standardized(&self, values: ArrayView2<'_, f64>) -> Array2<f32> {
        let mut learned = values.to_owned();
        if let TargetEncoder::Regression { columns } = self {
            for (column, mut learned) in columns.iter().zip(learned.columns_mut()) {
                learned.mapv_inplace(|value| (value - column.mean) / column.deviation);
            }
        }
        learned.mapv(|value| value as f32)
    }
}

fn check_present(table: &Table, places: &[usize], rows: &[u32]) -> Result<()> {
    for &place in places {
        let column = &table.columns()[place];
        if *column == Column::Dropped {
            let name = table.schema().columns[place].name.clone();
            return Err(Error::Column { name, reason: "is the target, but the table lacks it".into(), nearest: None });
        }
        if let Some(&row) = rows.iter().find(|&&row| column.is_missing(row as usize)) {
            return Err(table.cell_error(row as usize, place, "", "is no target; fill it in or leave the row out"));
        }
    }
    Ok(())
}

fn other_kind(name: &str) -> Error {
    let reason = "has another kind than in training; read the table by the model's schema".into();
    Error::Column { name: name.into(), reason, nearest: None }
}

fn fit_numbers(table: &Table, place: usize, rows: &[u32]) -> Result<TargetColumn> {
    let name = table.schema().columns[place].name.clone();
    let Column::Numbers(all) = &table.columns()[place] else { return Err(other_kind(&name)) };
    let values: Vec<f64> = rows.iter().map(|&row| all[row as usize]).collect();
    TargetColumn::new(name, mean_and_deviation(&values), values.first().copied())
}

fn fit_classes(table: &Table, place: usize, rows: &[u32]) -> Result<Vec<String>> {
    let schema = &table.schema().columns[place];
    let Column::Codes { codes, levels } = &table.columns()[place] else { return Err(other_kind(&schema.name)) };
    let mut seen = vec![false; levels.len()];
    rows.iter()
        .map(|&row| codes[row as usize])
        .filter(|&code| code != MISSING)
        .for_each(|code| seen[code as usize] = true);
    let classes = levels.iter().zip(seen).filter(|(_, seen)| *seen).map(|(level, _)| level.clone()).collect();
    classes_of(schema, classes, rows.len())
}

impl TargetColumn {
    /// Returns how numbers are learned that have this mean and deviation, if there is anything to
    /// learn; `first` is one of them.
    pub(crate) fn new(name: String, (mean, deviation): (f64, f64), first: Option<f64>) -> Result<Self> {
        if deviation > 0.0 && deviation.is_finite() {
            return Ok(TargetColumn { name, mean, deviation });
        }
        let reason = match first {
            None => "has no value in the rows that are learned from".into(),
            Some(value) => format!("is {value} in each row that is learned from, so there is nothing to learn"),
        };
        Err(Error::Column { name, reason, nearest: None })
    }
}

/// Returns the classes in the order of the outputs, if there is anything to learn: all levels that
/// so many rows have, those of a boolean no before yes.
pub(crate) fn classes_of(schema: &ColumnSchema, mut classes: Vec<String>, rows: usize) -> Result<Vec<String>> {
    let refused = |reason: String| Err(Error::Column { name: schema.name.clone(), reason, nearest: None });
    let count = classes.len();
    match &classes[..] {
        [] => return refused("has no value in the rows that are learned from".into()),
        [one] => return refused(format!("has one class only, {one:?}, so there is nothing to learn")),
        _ if count > MOST_CLASSES => {
            return refused(format!("has {count} classes, and {MOST_CLASSES} are the most; is it a number, or an id?"));
        }
        _ if rows < 2 * count => {
            return refused(format!(
                "has {count} classes in {}: fewer than two rows a class; is it a number, or an id?",
                furlough::counted(rows, "row")
            ));
        }
        _ => {}
    }
    if schema.kind == Kind::Boolean {
        return Ok(classes); // no, then yes
    }
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| number_of(class, false)).collect();
    match numbers {
        Some(numbers) => {
            let mut order: Vec<(f64, String)> = numbers.into_iter().zip(classes).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            Ok(order.into_iter().map(|(_, class)| class).collect())
        }
        None => {
            classes.sort_unstable();
            Ok(classes)
        }
    }
}
