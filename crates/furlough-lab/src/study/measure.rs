use super::keys::suggestion;
use crate::recipe::Recipe;
use crate::run::{EpochRecord, final_record};
use furlough::data::{Dataset, EvalSplit};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What a study measures of a trained network. Errors are shares of 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Test examples that the full network classifies wrongly, in per cent.
    TestError,
    /// Loss of the full network on the test set.
    TestLoss,
    /// Held-out training examples that the full network classifies wrongly, in per cent.
    ValError,
    /// Loss of the full network on the held-out training examples.
    ValLoss,
    /// Training examples that were classified wrongly as training went on, dropout on, in per cent.
    NoisyTrainError,
    /// Training loss as training went on, dropout on.
    NoisyTrainLoss,
    /// Training examples that the full network classifies wrongly in the end, in per cent.
    TrainError,
    /// Loss of the full network on the training set in the end.
    TrainLoss,
    /// Test error less training error, both of the full network: how far it has learned by heart.
    Gap,
    /// Test loss less training loss, both of the full network.
    LossGap,
    /// Error on the held-out training examples less that on the others.
    ValGap,
    /// Loss on the held-out training examples less that on the others.
    ValLossGap,
    /// Test examples that k masked passes together classify wrongly, their probabilities averaged,
    /// in per cent; over k.
    AveragingError,
    /// Loss of these averaged probabilities on the test set; over k.
    AveragingLoss,
    /// [`Measure::AveragingError`] of the held-out training examples.
    ValAveragingError,
    /// [`Measure::AveragingLoss`] of the held-out training examples.
    ValAveragingLoss,
    /// Mean activation of the last hidden layer's units on the examples that judge the network.
    MeanActivation,
    /// Activations of the last hidden layer that are 0 on these examples, in per cent.
    Zeros,
    /// Mean absolute correlation between pairs of units of the last hidden layer on these examples.
    Correlation,
    /// Seconds of training, evaluations included.
    Seconds,
    /// Weights and biases.
    Parameters,
}

/// A way to look at a trained network, which gives several measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Inspection {
    Scores,
    Averaging,
    Activations,
}

/// Everything about a measurement that is not how it is taken.
struct MeasureInfo {
    measure: Measure,
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    decimals: usize,
}

const fn about(
    measure: Measure,
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    decimals: usize,
) -> MeasureInfo {
    MeasureInfo { measure, name, title, unit, decimals }
}

const ABOUT: [MeasureInfo; 21] = [
    about(Measure::TestError, "test_error", "test error", "%", 2),
    about(Measure::TestLoss, "test_loss", "test loss", "", 4),
    about(Measure::ValError, "val_error", "validation error", "%", 2),
    about(Measure::ValLoss, "val_loss", "validation loss", "", 4),
    about(Measure::NoisyTrainError, "noisy_train_error", "training error, dropout on", "%", 2),
    about(Measure::NoisyTrainLoss, "noisy_train_loss", "training loss, dropout on", "", 4),
    about(Measure::TrainError, "train_error", "training error", "%", 2),
    about(Measure::TrainLoss, "train_loss", "training loss", "", 4),
    about(Measure::Gap, "gap", "test error − training error", "points", 2),
    about(Measure::LossGap, "loss_gap", "test loss − training loss", "", 4),
    about(Measure::ValGap, "val_gap", "validation error − training error", "points", 2),
    about(Measure::ValLossGap, "val_loss_gap", "validation loss − training loss", "", 4),
    about(Measure::AveragingError, "averaging_error", "test error of k passes", "%", 2),
    about(Measure::AveragingLoss, "averaging_loss", "test loss of k passes", "", 4),
    about(Measure::ValAveragingError, "val_averaging_error", "validation error of k passes", "%", 2),
    about(Measure::ValAveragingLoss, "val_averaging_loss", "validation loss of k passes", "", 4),
    about(Measure::MeanActivation, "mean_activation", "mean activation", "", 3),
    about(Measure::Zeros, "zeros", "activations that are 0", "%", 1),
    about(Measure::Correlation, "correlation", "mean absolute correlation of units", "", 3),
    about(Measure::Seconds, "seconds", "time of training", "s", 1),
    about(Measure::Parameters, "parameters", "parameters", "", 0),
];

/// What is measured on the test set, and the same on examples that are held out.
const JUDGED: [(Measure, Measure); 6] = [
    (Measure::TestError, Measure::ValError),
    (Measure::TestLoss, Measure::ValLoss),
    (Measure::Gap, Measure::ValGap),
    (Measure::LossGap, Measure::ValLossGap),
    (Measure::AveragingError, Measure::ValAveragingError),
    (Measure::AveragingLoss, Measure::ValAveragingLoss),
];

impl Measure {
    /// Returns the same of the examples that judge a run: of the test set, or of those held out.
    /// What is of neither stays as it is.
    pub fn on(self, split: EvalSplit) -> Measure {
        let pair = JUDGED.iter().find(|(test, val)| [*test, *val].contains(&self));
        pair.map_or(self, |(test, val)| if split == EvalSplit::Test { *test } else { *val })
    }

    /// Returns on which examples it is taken; none where it goes by the same name on both.
    pub fn split(self) -> Option<EvalSplit> {
        [EvalSplit::Test, EvalSplit::Validation]
            .into_iter()
            .find(|split| JUDGED.iter().any(|(test, val)| self == if *split == EvalSplit::Test { *test } else { *val }))
    }

    /// All there are.
    pub fn all() -> impl Iterator<Item = Measure> {
        ABOUT.iter().map(|about| about.measure)
    }

    fn about(self) -> &'static MeasureInfo {
        ABOUT.iter().find(|about| about.measure == self).unwrap_or(&ABOUT[0])
    }

    /// What tables and pictures call it.
    pub fn title(self) -> &'static str {
        self.about().title
    }

    /// Its unit; empty for a plain number.
    pub fn unit(self) -> &'static str {
        self.about().unit
    }

    /// The title with the unit in brackets.
    pub fn heading(self) -> String {
        if self.unit().is_empty() { self.title().into() } else { format!("{} ({})", self.title(), self.unit()) }
    }

    /// A value with as many decimals as mean something.
    pub fn format(self, value: f64) -> String {
        format!("{value:.*}", self.about().decimals)
    }

    /// What has to be done with the trained network for it; nothing where the log of its training
    /// is enough.
    pub(super) fn look(self) -> Option<Inspection> {
        use Measure::{
            AveragingError, AveragingLoss, Correlation, Gap, LossGap, MeanActivation, TrainError, TrainLoss, Zeros,
        };
        match self.on(EvalSplit::Test) {
            TrainError | TrainLoss | Gap | LossGap => Some(Inspection::Scores),
            AveragingError | AveragingLoss => Some(Inspection::Averaging),
            MeanActivation | Zeros | Correlation => Some(Inspection::Activations),
            _ => None,
        }
    }

    /// Whether it is one number for a network, and not one for each number of passes.
    pub fn is_single(self) -> bool {
        self.look() != Some(Inspection::Averaging)
    }

    /// The same of the full network, for what is one number for each number of passes.
    pub(super) fn of_full_network(self) -> Option<Measure> {
        match self {
            Measure::AveragingError => Some(Measure::TestError),
            Measure::AveragingLoss => Some(Measure::TestLoss),
            Measure::ValAveragingError => Some(Measure::ValError),
            Measure::ValAveragingLoss => Some(Measure::ValLoss),
            _ => None,
        }
    }

    /// Its value after an epoch, for those that have one.
    pub fn of_epoch(self, record: &EpochRecord) -> Option<f64> {
        let summary = &record.summary;
        if self.split().is_some_and(|split| summary.eval.is_none_or(|eval| eval.split != split)) {
            return None;
        }
        match self {
            Measure::TestError | Measure::ValError => summary.eval_accuracy().map(error_of),
            Measure::TestLoss | Measure::ValLoss => summary.eval_loss(),
            Measure::NoisyTrainError => summary.train_accuracy.map(error_of),
            Measure::NoisyTrainLoss => Some(summary.train_loss),
            _ => None,
        }
    }

    /// Its value for a finished run on these data with these epochs, for those that need no trained
    /// network.
    pub fn of_run(self, recipe: &Recipe, data: &Dataset, records: &[EpochRecord]) -> Option<f64> {
        match self {
            Measure::Seconds => Some(records.iter().map(|record| record.seconds).sum()),
            Measure::Parameters => {
                let network = recipe.network(data.features(), data.levels(), data.outputs());
                network.validate().ok().map(|architecture| architecture.parameters() as f64)
            }
            _ => self.of_epoch(final_record(recipe, records)?),
        }
    }
}

/// In per cent, with the dust of binary fractions swept off: an accuracy is a count over a count.
pub(super) fn error_of(accuracy: f64) -> f64 {
    (1e8 * (1.0 - accuracy)).round() / 1e6
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.about().name)
    }
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = ABOUT.iter().find(|about| about.name == name);
        found.map(|about| about.measure).ok_or_else(|| {
            let names = || ABOUT.iter().map(|about| about.name);
            let near = suggestion(name, names());
            format!("{name:?} is not a measurement{near}; there are {}", names().collect::<Vec<_>>().join(", "))
        })
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
