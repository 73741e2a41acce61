//! How good a finished network is on rows that neither taught nor chose it.

use furlough::counted;
use furlough::data::Dataset;
use furlough::nn::Mlp;
use furlough::predict::{Evaluation, Predictor};
use furlough_lab::recipe::Recipe;
use furlough_tables::model::TableHeader;
use furlough_tables::preprocessing::TargetEncoder;
use serde::Serialize;

/// The scores of a test set, in the target's units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldOutScores {
    examples: usize,
    loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// The mean of the classes' recalls.
    #[serde(skip_serializing_if = "Option::is_none")]
    balanced_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<TargetScore>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TargetScore {
    name: String,
    rmse: f64,
    mae: f64,
    r2: f64,
}

impl HeldOutScores {
    /// Evaluates the full network on `test`; `table` says what its outputs mean.
    pub fn of(
        mlp: &Mlp,
        recipe: &Recipe,
        test: &Dataset,
        table: &TableHeader,
        threads: usize,
    ) -> furlough::Result<Self> {
        let mut predictor = Predictor::with_precision(mlp.clone(), threads, recipe.precision());
        let evaluation = predictor.evaluate(test)?;
        let columns = match &table.preprocessing.target {
            Some(TargetEncoder::Regression { columns }) => &columns[..],
            _ => &[],
        };
        let outputs = evaluation.regression.iter().flat_map(|scores| &scores.outputs);
        let target = outputs.zip(columns).map(|(score, column)| TargetScore {
            name: column.name.clone(),
            rmse: score.rmse * column.deviation,
            mae: score.mae * column.deviation,
            r2: score.r2,
        });
        Ok(HeldOutScores {
            examples: evaluation.examples,
            loss: evaluation.loss,
            accuracy: evaluation.accuracy,
            balanced_accuracy: balanced_accuracy(&evaluation),
            targets: target.collect(),
        })
    }

    /// Returns the scores in lines: `accuracy 93.33 %, …`.
    pub fn lines(&self) -> Vec<String> {
        let rows = counted(self.examples, "row");
        if let Some(accuracy) = self.accuracy {
            let balanced = self.balanced_accuracy.map_or(String::new(), |b| format!(", balanced {:.2} %", 100.0 * b));
            return vec![format!(
                "accuracy {:.2} %{balanced}, log loss {:.4}, on {rows} that it never saw",
                100.0 * accuracy,
                self.loss
            )];
        }
        let several = self.targets.len() > 1;
        let line = |TargetScore { name, rmse, mae, r2 }: &TargetScore| {
            let name = if several { format!("{name}: ") } else { String::new() };
            format!("{name}RMSE {}, MAE {}, R² {r2:.4}, on {rows} that it never saw", short(*rmse), short(*mae))
        };
        self.targets.iter().map(line).collect()
    }
}

/// Returns a number in the target's units with four digits that count.
pub fn short(value: f64) -> String {
    let before = if value.abs() >= 1.0 { value.abs().log10().floor() as usize + 1 } else { 0 };
    if value != 0.0 && value.abs() < 1e-3 {
        format!("{value:.3e}")
    } else {
        format!("{value:.*}", 4_usize.saturating_sub(before))
    }
}

/// The mean of the recalls of the classes that occur.
fn balanced_accuracy(evaluation: &Evaluation) -> Option<f64> {
    evaluation.accuracy?;
    let recalls: Vec<f64> =
        evaluation.classes().iter().filter(|class| class.support > 0).map(|class| class.recall).collect();
    Some(recalls.iter().sum::<f64>() / recalls.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_have_four_digits_that_count() {
        let all = [123456.7, 1234.5, 12.345678, 1.0, 0.123456, 0.00012345, 0.0].map(short);
        assert_eq!(all, ["123457", "1234", "12.35", "1.000", "0.1235", "1.234e-4", "0.0000"]);
    }
}
