use crate::{Error, Result};
use furlough::train::EpochSummary;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What trials are compared by, on examples that they do not learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// The share of examples classified rightly. For classes only.
    Accuracy,
    /// The mean loss.
    Loss,
}

/// A trial is judged by the mean over the last fifth of its epochs, five at most: single epochs
/// swing.
const LAST: usize = 5;

impl Metric {
    /// The names, for help.
    pub const ALL: [Metric; 2] = [Metric::Accuracy, Metric::Loss];

    /// `accuracy` or `loss`.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::Loss => "loss",
        }
    }

    /// The score after the last of these epochs, the lower the better: the share classified
    /// wrongly, or the loss, each the mean over the last fifth of the epochs, and of no more than
    /// five. Infinite when there is no epoch or a figure is not finite.
    ///
    /// ```
    /// use furlough::data::EvalSplit;
    /// use furlough::train::{EpochSummary, EvalScores};
    /// use furlough_lab::tune::Metric;
    /// let epoch = |epoch, loss| EpochSummary {
    ///     epoch,
    ///     train_loss: 1.0,
    ///     eval: Some(EvalScores { split: EvalSplit::Validation, loss, accuracy: None }),
    ///     ..EpochSummary::default()
    /// };
    /// let losses = [9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.3, 0.1];
    /// let epochs: Vec<_> = (1..).zip(losses).map(|(number, loss)| epoch(number, loss)).collect();
    /// assert_eq!(Metric::Loss.score(&epochs), 0.2);
    /// ```
    pub fn score(self, epochs: &[EpochSummary]) -> f64 {
        let count = (epochs.len() / 5).clamp(1, LAST);
        let last = &epochs[epochs.len().saturating_sub(count)..];
        let value = |summary: &EpochSummary| match self {
            Metric::Accuracy => summary.eval_accuracy().map(|accuracy| 1.0 - accuracy),
            Metric::Loss => summary.eval_loss(),
        };
        let values: Option<Vec<f64>> = last.iter().map(value).collect();
        let mean = values.map_or(f64::INFINITY, |values| values.iter().sum::<f64>() / values.len() as f64);
        if mean.is_finite() { mean } else { f64::INFINITY }
    }

    /// A score in words: `97.21 %` right, or `loss 0.0913`.
    pub fn show(self, score: f64) -> String {
        match self {
            _ if !score.is_finite() => "diverged".into(),
            Metric::Accuracy => format!("{:.2} %", 100.0 * (1.0 - score)),
            Metric::Loss => format!("{score:.4}"),
        }
    }

    /// A gain (what the score is lower by) and the half-width of its interval, in words, to two
    /// digits of the latter.
    pub(super) fn gain(self, mean: f64, half: f64) -> String {
        match self {
            Metric::Accuracy => {
                let (mean, half) = (100.0 * mean, 100.0 * half);
                let decimals = decimals(half).min(3);
                format!("{mean:+.decimals$} ± {half:.decimals$} points of validation accuracy")
            }
            Metric::Loss => {
                let decimals = decimals(half).max(2);
                let way = if mean >= 0.0 { "lower" } else { "higher" };
                format!("validation loss {way} by {:.decimals$} ± {half:.decimals$}", mean.abs())
            }
        }
    }
}

/// How many decimals show two digits of `half`.
fn decimals(half: f64) -> usize {
    if half > 0.0 { (1.0 - half.log10().floor()).clamp(0.0, 6.0) as usize } else { 2 }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Metric::ALL.into_iter().find(|metric| metric.name() == text);
        known.ok_or_else(|| Error::setting("metric", text, "there are accuracy and loss"))
    }
}
