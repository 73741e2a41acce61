use super::{ConformalScores, TableRecipe, TableScores};
use crate::error::{Error, Result};
use crate::figures::TableFigures;
use crate::preprocessing::{Preprocessing, TableWarning};
use crate::schema::Schema;
use furlough::files::ModelInfo;
use furlough::predict::RiskCoverage;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of what a model file says of a table.
pub const TABLE_VERSION: u64 = 1;

/// What a model file says of the table that its network learned from: all that it takes to see
/// another table as the network saw this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableHeader {
    pub(super) version: u64,
    /// What the columns are.
    pub schema: Schema,
    /// How they become features, and what the outputs mean.
    pub preprocessing: Preprocessing,
    /// How the network was built and trained, where
    /// [`TableModel::fit`](crate::TableModel::fit) did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<TableRecipe>,
    /// The scores on the rows that decided when to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<TableScores>,
    /// How many rows had no target and were left out.
    #[serde(default)]
    pub dropped_rows: u64,
    /// How many rows taught and judged the network; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowCounts>,
    /// The figures of rows that neither taught the network nor decided when to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TableFigures>,
    /// The version of furlough that made it; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub library: String,
    /// Why the scores may be too good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<TableWarning>,
    /// The epoch whose network it is; none where it is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<u32>,
    /// How far the network was off for the rows that decided when to stop: what intervals and sets
    /// are made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<ConformalScores>,
    /// How often it was wrong for these rows by how sure it was: what leaving rows unanswered goes
    /// by. None for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskCoverage>,
}

/// How many rows of a table are for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that the network learned from.
    pub training: u64,
    /// Rows that decided when to stop.
    pub validation: u64,
    /// Rows that only judged the finished network.
    pub test: u64,
}

impl TableHeader {
    /// Returns what there is to say before a network is trained.
    pub fn new(schema: Schema, preprocessing: Preprocessing) -> Self {
        TableHeader {
            version: TABLE_VERSION,
            schema,
            preprocessing,
            recipe: None,
            validation: None,
            dropped_rows: 0,
            rows: None,
            test: None,
            library: env!("CARGO_PKG_VERSION").into(),
            warnings: Vec::new(),
            best_epoch: None,
            conformal: None,
            risk: None,
        }
    }

    /// Returns it as a model file holds it, for [`ModelInfo::table`].
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("plain data with text keys is always JSON")
    }

    /// Reads what a model file says of a table; `path` is the file, for messages.
    ///
    /// # Errors
    /// [`Error::Engine`] when the file is not the model of a table, when it is of a later version,
    /// and when it contradicts itself.
    pub fn of(path: &Path, info: &ModelInfo) -> Result<Self> {
        let Some(table) = &info.table else {
            let reason = "is not the model of a table: it has no schema; ask the engine for its answers";
            return Err(bad(path, reason.into()));
        };
        check_version(path, table)?;
        let contradicts = |reason: String| bad(path, format!("contradicts itself: {reason}"));
        let header = TableHeader::deserialize(table).map_err(|error| contradicts(error.to_string()))?;
        header.schema.check().map_err(|error| contradicts(error.to_string()))?;
        let of_scores = header.conformal.as_ref().zip(header.preprocessing.target.as_ref());
        let of_scores = of_scores.and_then(|(scores, target)| scores.contradiction(1, target));
        let of_risk = header.risk.as_ref().and_then(RiskCoverage::contradiction).map(String::from);
        match of_scores.or(of_risk) {
            Some(reason) => Err(contradicts(reason)),
            None => Ok(header),
        }
    }
}

/// Refuses what a later version says of a table.
pub(super) fn check_version(path: &Path, table: &serde_json::Value) -> Result<()> {
    let version = table.get("version").and_then(serde_json::Value::as_u64);
    match version.filter(|&version| version > TABLE_VERSION) {
        None => Ok(()),
        Some(version) => {
            let reason = format!(
                "has a table of version {version} and needs a newer furlough; this one reads version {TABLE_VERSION}"
            );
            Err(bad(path, reason))
        }
    }
}

pub(super) fn bad(path: &Path, reason: String) -> Error {
    Error::Engine(furlough::Error::File { path: path.into(), reason })
}
