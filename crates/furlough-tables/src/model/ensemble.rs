//! What is said of several networks that are one model.

use super::header::{bad, check_version};
use super::{ConformalScores, TableAnswers, TableScores};
use crate::error::Result;
use crate::preprocessing::TargetEncoder;
use furlough::predict::{RiskCoverage, Temperature};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a model of several networks says of them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleHeader {
    pub(super) version: u64,
    /// The scores of the answers out of fold: of each row by the networks that did not learn from
    /// it.
    pub out_of_fold: TableScores,
    /// What the logits of each network are divided by, below 1: networks that are too sure alone
    /// are so no more on average. None where that does not help, and for numbers. The losses are
    /// those of folds that did not fit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Temperature>,
    /// How far the answers out of fold were off: what intervals and sets are made of.
    pub conformal: ConformalScores,
    /// How often they were wrong by how sure they were: what leaving rows unanswered goes by. None
    /// for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskCoverage>,
}

/// Answers for the rows of a table by the networks that did not learn from them, with the
/// temperature if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFold {
    /// The rows, ascending.
    pub rows: Vec<u32>,
    /// The answers for them.
    pub answers: TableAnswers,
    /// The probability of each class, rows × classes; none for numbers.
    pub probabilities: Option<Array2<f64>>,
}

impl EnsembleHeader {
    /// Reads what a model file says of its networks together.
    pub(super) fn of(path: &Path, table: &serde_json::Value, members: usize, target: &TargetEncoder) -> Result<Self> {
        check_version(path, table)?;
        let contradicts = |reason: String| bad(path, format!("contradicts itself: {reason}"));
        let header = EnsembleHeader::deserialize(table).map_err(|error| contradicts(error.to_string()))?;
        if header.temperature.is_some_and(|fitted| !(fitted.temperature > 0.0 && fitted.temperature.is_finite())) {
            return Err(contradicts("its temperature is no number above 0".into()));
        }
        let of_risk = header.risk.as_ref().and_then(RiskCoverage::contradiction).map(String::from);
        match header.conformal.contradiction(members, target).or(of_risk) {
            Some(reason) => Err(contradicts(reason)),
            None => Ok(header),
        }
    }

    /// Returns what logits are divided by.
    pub(super) fn divisor(&self) -> f64 {
        self.temperature.map_or(1.0, |fitted| fitted.temperature)
    }
}
