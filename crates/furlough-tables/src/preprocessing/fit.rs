use super::{ColumnEncoder, ColumnFigures, Encoding, Note, PreprocessingOptions, TargetEncoder, Told};
use crate::error::{Error, Place, Result};
use crate::schema::{Kind, Role, Schema};
use crate::table::{Column, RowSplit, Table};
use furlough::data::{Dataset, Examples, Features};
use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The way from a table to the features of a network and back from its outputs, fitted on training
/// rows only. It goes into the model file.
///
/// ```
/// use furlough_tables::{Preprocessing, PreprocessingOptions, Table};
/// let table = Table::builder().numbers("area", [60.0, 90.0, f64::NAN]).texts("town", ["Bern", "Thun", "Bern"]);
/// let table = table.build()?;
/// let fitted = Preprocessing::fit(&table, &[0, 1], &PreprocessingOptions::default())?;
/// assert_eq!(fitted.feature_names(), ["area", "town=Thun"]);
/// let (features, told) = fitted.features(&table, &[2])?;
/// assert_eq!(features.row(0).to_vec(), [0.0, -1.0]);
/// assert_eq!(told.sentences(), ["1 row lacks a value of `area`, which no training row did"]);
/// # Ok::<(), furlough_tables::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// How columns became features.
    pub options: PreprocessingOptions,
    /// The columns that give features, in the schema's order.
    pub columns: Vec<ColumnEncoder>,
    /// What the outputs mean; none where the table had no target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetEncoder>,
    /// What was decided about columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// The most features.
const MOST_FEATURES: usize = 1 << 20;

impl Preprocessing {
    /// Fits to some rows of a table, the training rows, and to nothing else of it. If the table has
    /// targets, each of these rows must have them ([`TargetRows`](super::TargetRows)).
    ///
    /// # Errors
    /// [`Error::Engine`] for options out of range, [`Error::Format`] when no column gives a feature
    /// or there is no row, and those of [`TargetEncoder::fit`].
    pub fn fit(table: &Table, training_rows: &[u32], options: &PreprocessingOptions) -> Result<Self> {
        let has_target = table.schema().with_the_role(Role::Target).next().is_some();
        let target = has_target.then(|| TargetEncoder::fit(table, training_rows)).transpose()?;
        Ok(Preprocessing { target, ..Preprocessing::of_features(table, training_rows, options)? })
    }

    /// Fits to the features alone.
    fn of_features(table: &Table, training_rows: &[u32], options: &PreprocessingOptions) -> Result<Self> {
        options.validate()?;
        let bad = |reason: String| Err(Error::format(table.path(), Place::default(), reason));
        if training_rows.is_empty() {
            return bad("has no rows to learn from".into());
        }
        let figures = |place| ColumnFigures::of(table, place, training_rows);
        Preprocessing::of_figures(table.schema(), table.path(), options, figures)
    }

    /// Fits to what `figures` says of the columns at their places, where there is no target.
    pub(crate) fn of_figures(
        schema: &Schema,
        path: &Path,
        options: &PreprocessingOptions,
        mut figures: impl FnMut(usize) -> ColumnFigures,
    ) -> Result<Self> {
        let bad = |reason: String| Err(Error::format(path, Place::default(), reason));
        let (mut columns, mut notes) = (Vec::new(), Vec::new());
        for (place, column) in schema.columns.iter().enumerate() {
            let name = column.name.clone();
            let figures = if column.role == Role::Feature { figures(place) } else { ColumnFigures::Nothing };
            if let ColumnFigures::Nothing = figures {
                notes.extend(why_left_out(column).map(|why| Note::NoFeature { column: name, why }));
                continue;
            }
            let infinite = figures.infinite();
            notes.extend((infinite > 0).then(|| Note::Infinite { column: name.clone(), rows: infinite }));
            let (encoder, rare_rows) = ColumnEncoder::fit(column, figures, options);
            notes.extend(rare_levels(&encoder, rare_rows));
            if encoder.features() > 0 {
                columns.push(encoder);
            } else {
                notes.push(Note::NoFeature { column: name, why: "it is the same in each training row".into() });
            }
        }
        let features: usize = columns.iter().map(ColumnEncoder::features).sum();
        if features == 0 {
            return bad("no column gives a feature; see the roles and kinds of its schema".into());
        }
        if features > MOST_FEATURES {
            return bad(format!("its columns give {features} features, and {MOST_FEATURES} are the most"));
        }
        Ok(Preprocessing { options: *options, columns, target: None, notes })
    }

    /// [`Self::fit`], with the classes of all rows that train or validate: the network has an
    /// output for a class that happens to be in validation rows only. Numbers are standardized by
    /// the training rows.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_split(table: &Table, split: &RowSplit, options: &PreprocessingOptions) -> Result<Self> {
        let mut all = [&split.train[..], &split.validation].concat();
        all.sort_unstable();
        let target = match TargetEncoder::fit(table, &all)? {
            TargetEncoder::Regression { .. } => TargetEncoder::fit(table, &split.train)?,
            classes => classes,
        };
        let features = Preprocessing::of_features(table, &split.train, options)?;
        Ok(Preprocessing { target: Some(target), ..features })
    }

    /// Returns the number of features.
    pub fn width(&self) -> usize {
        self.columns.iter().map(ColumnEncoder::features).sum()
    }

    /// Returns how many levels each feature has, 0 for a number; none where all are numbers.
    pub fn levels(&self) -> Vec<u32> {
        let levels: Vec<u32> = self.columns.iter().flat_map(ColumnEncoder::levels).collect();
        if levels.iter().any(|&levels| levels > 0) { levels } else { Vec::new() }
    }

    /// Returns the names of the features, in order. No two are the same.
    pub fn feature_names(&self) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let unique = |name: String| {
            let free = (1..).map(|count| if count == 1 { name.clone() } else { format!("{name} ({count})") });
            let name = free.into_iter().find(|name| !seen.contains(name)).unwrap_or_default();
            seen.insert(name.clone());
            name
        };
        self.columns.iter().flat_map(ColumnEncoder::feature_names).map(unique).collect()
    }

    /// Returns the features of some rows of a table, rows × features, all finite, and what was met
    /// in them that training did not have. A row's features depend on no other row.
    ///
    /// # Errors
    /// [`Error::Column`] when a column is missing or has another kind than in training.
    pub fn features(&self, table: &Table, rows: &[u32]) -> Result<(Array2<f32>, Told)> {
        let mut features = Array2::zeros((rows.len(), self.width()));
        let mut told = Told { extra: table.extra().to_vec(), ..Told::default() };
        let mut begin = 0;
        for column in &self.columns {
            let end = begin + column.features();
            column.encode(table, rows, features.slice_axis_mut(Axis(1), (begin..end).into()), &mut told)?;
            begin = end;
        }
        Ok((features, told))
    }

    /// Returns the way to targets and back.
    ///
    /// # Errors
    /// [`Error::Schema`] when the table that was learned from had no target.
    pub fn target(&self) -> Result<&TargetEncoder> {
        let reason = || "it has no target; name the column that is to be predicted".into();
        self.target.as_ref().ok_or_else(|| Error::Schema { path: None, reason: reason() })
    }

    /// Returns some rows as the engine's data set, with their targets and weights, and what was met
    /// in them that training did not have.
    ///
    /// # Errors
    /// Those of [`Self::features`], [`TargetEncoder::targets`] and [`Self::weights`].
    pub fn dataset(&self, table: &Table, rows: &[u32]) -> Result<(Dataset, Told)> {
        let (data, told) = self.unweighted(table, rows)?;
        let data = match Preprocessing::weights(table, rows)? {
            Some(weights) => data.with_weights(weights)?,
            None => data,
        };
        Ok((data, told))
    }

    /// [`Self::dataset`] without weights.
    pub(crate) fn unweighted(&self, table: &Table, rows: &[u32]) -> Result<(Dataset, Told)> {
        let (features, told) = self.features(table, rows)?;
        let examples = Examples::new(Features::Floats(features), &[self.width()])?;
        let mut examples = examples.with_feature_names(self.feature_names())?;
        let levels = self.levels();
        if !levels.is_empty() {
            examples = examples.with_levels(levels)?;
        }
        Ok((Dataset::of(examples, self.target()?.targets(table, rows)?)?, told))
    }

    /// Returns how much some rows count, where the table has a column of weights.
    ///
    /// # Errors
    /// [`Error::Value`] for a weight that is missing, negative or infinite.
    pub fn weights(table: &Table, rows: &[u32]) -> Result<Option<Vec<f32>>> {
        let Some(place) = table.the_column(Role::Weight) else { return Ok(None) };
        let Column::Numbers(numbers) = &table.columns()[place] else { return Ok(None) };
        let weight = |&row: &u32| {
            let weight = numbers[row as usize];
            if weight >= 0.0 && (weight as f32).is_finite() {
                return Ok(weight as f32);
            }
            let text = if weight.is_nan() { String::new() } else { weight.to_string() };
            Err(table.cell_error(row as usize, place, text, "is no weight: a finite number of at least 0"))
        };
        Ok(Some(rows.iter().map(weight).collect::<Result<_>>()?))
    }
}

fn why_left_out(column: &crate::schema::ColumnSchema) -> Option<String> {
    match (column.role, column.kind) {
        (Role::Id, _) => Some("it is an id".into()),
        (Role::Ignore, Kind::Text | Kind::Constant) => Some(column.why.clone()),
        _ => None,
    }
}

fn rare_levels(encoder: &ColumnEncoder, rows: u64) -> Option<Note> {
    let Encoding::Category { category, .. } = &encoder.encoding else { return None };
    let levels = category.rare.len();
    (levels > 0).then(|| Note::RareLevels { column: encoder.column.clone(), levels, rows })
}
