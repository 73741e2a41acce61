use super::{EpochSummary, EvalScores};
use crate::nn::Mlp;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Stops a run that no longer gets better, on examples held out of training
/// ([`EvalData::validation`](crate::data::EvalData::validation)), and gives it the network of its
/// best epoch.
///
/// An epoch is the best where its figure is at least as good as that of every epoch before: of
/// equals the last. The run is over when `patience` epochs in a row were worse than the best. The
/// best epoch's network is taken at the end of all epochs too. The test set is refused: an epoch
/// that is chosen by it has seen it.
///
/// ```
/// use furlough::prelude::*;
/// use furlough::train::{EarlyStopping, EvalMetric};
/// let digits = digits::load()?;
/// let Split { train, test: validation } = digits.train.split(0.2, 0)?;
/// let early_stopping = Some(EarlyStopping { patience: 3, metric: EvalMetric::Loss });
/// let options = TrainOptions { epochs: 5, early_stopping, ..TrainOptions::default() };
/// let mlp = Mlp::builder(64, 10).hidden([32]).dropout([0.5]).build()?;
/// let mut trainer = Trainer::from_mlp(mlp, &options, &train, 1)?;
/// trainer.fit(Some(EvalData::validation(&validation)))?;
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EarlyStopping {
    /// How many epochs in a row may be worse than the best before the run stops, at least 1.
    pub patience: u32,
    /// The figure that is looked at.
    pub metric: EvalMetric,
}

/// A figure of an evaluation, as what to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum EvalMetric {
    /// The loss: less is better.
    #[default]
    Loss,
    /// The accuracy: more is better. For classes.
    Accuracy,
}

impl EvalMetric {
    /// All of them.
    pub const ALL: [EvalMetric; 2] = [EvalMetric::Loss, EvalMetric::Accuracy];

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            EvalMetric::Loss => "loss",
            EvalMetric::Accuracy => "accuracy",
        }
    }

    /// Returns the figure of an evaluation; no accuracy of numbers.
    pub fn of(self, scores: &EvalScores) -> Option<f64> {
        match self {
            EvalMetric::Loss => Some(scores.loss),
            EvalMetric::Accuracy => scores.accuracy,
        }
    }

    /// Whether a figure is at least as good as another one.
    fn is_as_good(self, value: f64, other: f64) -> bool {
        match self {
            EvalMetric::Loss => value <= other,
            EvalMetric::Accuracy => value >= other,
        }
    }
}

impl std::fmt::Display for EvalMetric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for EvalMetric {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = || Error::setting("early_stopping_metric", name, "no such figure; there are loss and accuracy");
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(known)
    }
}

impl TryFrom<String> for EvalMetric {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<EvalMetric> for &'static str {
    fn from(metric: EvalMetric) -> Self {
        metric.name()
    }
}

/// The best epoch of a run so far, and its network.
#[derive(Debug, Clone, PartialEq)]
pub struct BestEpoch {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Its figure.
    pub value: f64,
    /// The network after it.
    pub mlp: Mlp,
}

impl EarlyStopping {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.patience == 0 {
            return Err(Error::setting(
                "early_stopping",
                0,
                "one epoch at least must be worse: a patience of at least 1",
            ));
        }
        Ok(())
    }

    /// Returns which of a run's epochs is the best; none before one was evaluated.
    pub fn best_epoch<'a>(&self, epochs: impl IntoIterator<Item = &'a EpochSummary>) -> Option<u32> {
        let figures = epochs.into_iter().filter_map(|summary| {
            let value = self.metric.of(summary.eval.as_ref()?)?;
            (!value.is_nan()).then_some((summary.epoch, value))
        });
        let better = |best: (u32, f64), new: (u32, f64)| if self.metric.is_as_good(new.1, best.1) { new } else { best };
        figures.reduce(better).map(|(epoch, _)| epoch)
    }

    /// Takes note of an epoch that has been evaluated.
    pub(super) fn note(&self, best: &mut Option<BestEpoch>, epoch: u32, scores: &EvalScores, mlp: &Mlp) {
        let Some(value) = self.metric.of(scores) else { return };
        match best {
            Some(best) if !self.metric.is_as_good(value, best.value) => {}
            // The buffers are there already.
            Some(best) => {
                (best.epoch, best.value) = (epoch, value);
                best.mlp.take_weights(mlp);
            }
            None => *best = Some(BestEpoch { epoch, value, mlp: mlp.clone() }),
        }
    }

    /// Whether a run is over after `epoch`, though epochs are left.
    pub(super) fn is_over(&self, best: Option<&BestEpoch>, epoch: u32) -> bool {
        best.is_some_and(|best| epoch - best.epoch >= self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::EvalSplit;

    #[test]
    fn of_equals_the_last_epoch_is_the_best() {
        let epochs: Vec<EpochSummary> = [(0.5, 0.8), (0.3, 0.7), (0.3, 0.8), (0.4, 0.75), (f64::NAN, 0.1)]
            .into_iter()
            .zip(1..)
            .map(|((loss, accuracy), epoch)| {
                let eval = EvalScores { split: EvalSplit::Validation, loss, accuracy: Some(accuracy) };
                EpochSummary { epoch, eval: Some(eval), ..EpochSummary::default() }
            })
            .collect();
        for metric in EvalMetric::ALL {
            let stopping = EarlyStopping { patience: 1, metric };
            assert_eq!(stopping.best_epoch(&epochs), Some(3), "{metric}");
            assert_eq!(stopping.best_epoch(&epochs[..2]), Some(if metric == EvalMetric::Loss { 2 } else { 1 }));
            assert_eq!(stopping.best_epoch(&[EpochSummary::default()]), None);
            assert_eq!(metric.name().parse::<EvalMetric>().unwrap(), metric);
        }
        assert!("f1".parse::<EvalMetric>().unwrap_err().to_string().contains("there are loss and accuracy"));
    }
}
