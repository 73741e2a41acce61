use crate::error::Result;
use crate::preprocessing::TargetEncoder;
use furlough::data::Dataset;
use furlough::predict::Evaluation;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// How good a model's answers are, in the target's units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableScores {
    /// How many rows were judged.
    pub rows: u64,
    /// The mean loss: cross-entropy, or the mean squared error of the standardized targets.
    pub loss: f64,
    /// The share of rows whose class is right; none for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// The scores of each target of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetScores>,
}

/// How far the predicted numbers of one target are off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetScores {
    /// The column.
    pub name: String,
    /// The root of the mean squared error.
    pub rmse: f64,
    /// The mean absolute error.
    pub mae: f64,
    /// The coefficient of determination.
    pub r2: f64,
}

impl TableScores {
    /// Judges answers, probabilities or numbers in units, by rows that `target` made a data set of.
    pub(super) fn of(target: &TargetEncoder, answers: &Array2<f64>, right: &Dataset) -> Result<Self> {
        Ok(TableScores::of_evaluation(target, &evaluation(target, answers, right)?))
    }

    /// Takes the figures of an evaluation, which are of standardized numbers, into the target's
    /// units.
    pub(super) fn of_evaluation(target: &TargetEncoder, judged: &Evaluation) -> Self {
        let mut targets = Vec::new();
        if let (Some(scores), TargetEncoder::Regression { columns }) = (&judged.regression, target) {
            targets.extend(scores.outputs.iter().zip(columns).map(|(score, column)| TargetScores {
                name: column.name.clone(),
                rmse: score.rmse * column.deviation,
                mae: score.mae * column.deviation,
                r2: score.r2,
            }));
        }
        TableScores { rows: judged.examples as u64, loss: judged.loss, accuracy: judged.accuracy, targets }
    }
}

/// Judges answers, probabilities or numbers in units, by rows that `target` made a data set of.
pub(super) fn evaluation(target: &TargetEncoder, answers: &Array2<f64>, right: &Dataset) -> Result<Evaluation> {
    Ok(match target {
        TargetEncoder::Classification { .. } => Evaluation::of_class_probabilities(answers.view(), right)?,
        TargetEncoder::Regression { .. } => {
            let standardized = target.standardized(answers.view()).mapv(f64::from);
            Evaluation::of_numbers(standardized.view(), right)?
        }
    })
}
