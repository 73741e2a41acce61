use super::Scores;
use crate::data::EvalSplit;
use crate::nn::Mlp;
use serde::{Deserialize, Serialize};

/// The figures of an epoch.
///
/// In JSON those of the test set are called `test_loss` and `test_accuracy`, and those of examples
/// held out `val_loss` and `val_accuracy`; those of the full network on the training set are
/// `full_train_loss` and `full_train_accuracy`, where there are any. A loss that is not finite is
/// null there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct EpochSummary {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Mean over the epoch of the loss that is minimized, dropout on, as the weights changed.
    pub train_loss: f64,
    /// Share of the training examples classified rightly, likewise, by their weights; none for
    /// numbers.
    pub train_accuracy: Option<f64>,
    /// How well the full network did after the epoch on what judges the run; none without such
    /// data.
    pub eval: Option<EvalScores>,
    /// How well the full network did after the epoch on the training set, without dropout, label
    /// smoothing and class weights; where
    /// [`full_train_figures`](super::TrainOptions::full_train_figures) asks for it.
    pub full_train: Option<Scores>,
    /// What the drop probabilities have come to after the epoch, first layer to last; nothing
    /// without concrete dropout.
    pub learned_dropout: Vec<LearnedDropout>,
}

/// How well a network does, and on which examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvalScores {
    /// Which examples these are.
    pub split: EvalSplit,
    /// Mean loss.
    pub loss: f64,
    /// Share classified rightly; none for numbers.
    pub accuracy: Option<f64>,
}

impl EpochSummary {
    /// Returns the loss on what judges the run.
    pub fn eval_loss(&self) -> Option<f64> {
        self.eval.map(|eval| eval.loss)
    }

    /// Returns the accuracy on what judges the run.
    pub fn eval_accuracy(&self) -> Option<f64> {
        self.eval.and_then(|eval| eval.accuracy)
    }
}

/// A drop probability that concrete dropout has learned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearnedDropout {
    /// The hidden layer that it stands after, from 1.
    pub layer: usize,
    /// The drop probability.
    pub p: f64,
}

impl LearnedDropout {
    /// Those of a network.
    pub fn of(mlp: &Mlp) -> Vec<Self> {
        mlp.learned_dropout().map(|(block, p)| LearnedDropout { layer: block + 1, p }).collect()
    }
}

/// [`EpochSummary`] as it is written. Without an evaluation the test figures are null.
#[derive(Serialize, Deserialize)]
struct Row {
    epoch: u32,
    train_loss: f64,
    train_accuracy: Option<f64>,
    #[serde(flatten)]
    eval: EvalRow,
    #[serde(flatten)]
    full_train: FullTrainRow,
    #[serde(rename = "learnt_dropout", default, skip_serializing_if = "Vec::is_empty")]
    learned_dropout: Vec<LearnedDropout>,
}

/// A figure that is left out, null or a number.
type Figure = Option<Option<f64>>;

#[derive(Default, Serialize, Deserialize)]
struct EvalRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test_loss: Figure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test_accuracy: Figure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    val_loss: Figure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    val_accuracy: Figure,
}

#[derive(Default, Serialize, Deserialize)]
struct FullTrainRow {
    #[serde(rename = "full_train_loss", default, skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    #[serde(rename = "full_train_accuracy", default, skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
}

impl EvalRow {
    fn scores(&self) -> Option<EvalScores> {
        let scores = |split, loss: Figure, accuracy: Figure| {
            let accuracy = accuracy.flatten();
            // An accuracy without a loss is of outputs that overflowed: JSON has no NaN.
            let loss = loss.flatten().or(accuracy.map(|_| f64::NAN))?;
            Some(EvalScores { split, loss, accuracy })
        };
        let validation = scores(EvalSplit::Validation, self.val_loss, self.val_accuracy);
        validation.or_else(|| scores(EvalSplit::Test, self.test_loss, self.test_accuracy))
    }
}

impl From<Row> for EpochSummary {
    fn from(row: Row) -> Self {
        let Row { epoch, train_loss, train_accuracy, eval, full_train, learned_dropout } = row;
        let FullTrainRow { loss, accuracy } = full_train;
        let full_train = loss.map(|loss| Scores { loss, accuracy });
        EpochSummary { epoch, train_loss, train_accuracy, eval: eval.scores(), full_train, learned_dropout }
    }
}

impl From<EpochSummary> for Row {
    fn from(summary: EpochSummary) -> Self {
        let EpochSummary { epoch, train_loss, train_accuracy, eval, full_train, learned_dropout } = summary;
        let full_train = full_train.map_or_else(FullTrainRow::default, |Scores { loss, accuracy }| FullTrainRow {
            loss: Some(loss),
            accuracy,
        });
        let (loss, accuracy) = (Some(eval.map(|eval| eval.loss)), Some(eval.and_then(|eval| eval.accuracy)));
        let eval = match eval.map(|eval| eval.split) {
            Some(EvalSplit::Validation) => EvalRow { val_loss: loss, val_accuracy: accuracy, ..EvalRow::default() },
            Some(EvalSplit::Test) | None => EvalRow { test_loss: loss, test_accuracy: accuracy, ..EvalRow::default() },
        };
        Row { epoch, train_loss, train_accuracy, eval, full_train, learned_dropout }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen: logs and manifests on disk are such lines.
    #[test]
    fn a_summary_is_written_and_read_as_before() {
        let scores = |split| Some(EvalScores { split, loss: 0.5, accuracy: Some(0.75) });
        let summary = EpochSummary { epoch: 3, train_loss: 0.25, train_accuracy: Some(0.5), ..EpochSummary::default() };
        let head = "{\"epoch\":3,\"train_loss\":0.25,\"train_accuracy\":0.5,";
        for (eval, rest) in [
            (None, "\"test_loss\":null,\"test_accuracy\":null}"),
            (scores(EvalSplit::Test), "\"test_loss\":0.5,\"test_accuracy\":0.75}"),
            (scores(EvalSplit::Validation), "\"val_loss\":0.5,\"val_accuracy\":0.75}"),
        ] {
            let (summary, text) = (EpochSummary { eval, ..summary.clone() }, format!("{head}{rest}"));
            assert_eq!(serde_json::to_string(&summary).unwrap(), text);
            assert_eq!(serde_json::from_str::<EpochSummary>(&text).unwrap(), summary);
        }
        let full_train = Some(Scores { loss: 0.125, accuracy: None });
        let (summary, text) = (EpochSummary { full_train, ..summary }, format!("{head}\"test_loss\":null,"));
        let text = format!("{text}\"test_accuracy\":null,\"full_train_loss\":0.125}}");
        assert_eq!(serde_json::to_string(&summary).unwrap(), text);
        assert_eq!(serde_json::from_str::<EpochSummary>(&text).unwrap(), summary);
        let nan = format!("{head}\"test_loss\":null,\"test_accuracy\":0.75}}");
        let read: EpochSummary = serde_json::from_str(&nan).unwrap();
        assert!(read.eval_loss().unwrap().is_nan());
        assert_eq!(serde_json::to_string(&read).unwrap(), nan);
    }
}
