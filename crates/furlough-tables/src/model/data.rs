//! Rows of a table as the engine takes them.

use crate::error::{Error, Result};
use crate::preprocessing::{Preprocessing, TargetEncoder};
use crate::table::Table;
use furlough::data::{Dataset, Examples, Features};

/// Returns some rows as the engine's data set.
pub(super) fn dataset(table: &Table, preprocessing: &Preprocessing, rows: &[u32]) -> Result<Dataset> {
    let (features, _) = preprocessing.features(table, rows)?;
    let target = target_of(preprocessing)?;
    let shape = [preprocessing.width()];
    let examples =
        Examples::new(Features::Floats(features), &shape)?.with_feature_names(preprocessing.feature_names())?;
    let data = Dataset::of(examples, target.targets(table, rows)?)?;
    Ok(match Preprocessing::weights(table, rows)? {
        Some(weights) => data.with_weights(weights)?,
        None => data,
    })
}

/// Returns what the outputs mean.
pub(super) fn target_of(preprocessing: &Preprocessing) -> Result<&TargetEncoder> {
    let reason = || "it has no target; name the column that is to be predicted".into();
    preprocessing.target.as_ref().ok_or_else(|| Error::Schema { path: None, reason: reason() })
}
