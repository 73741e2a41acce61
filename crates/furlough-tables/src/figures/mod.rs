//! How good answers for labeled rows are, in the target's labels and units, with intervals.

mod classes;
mod in_parts;
mod numbers;
mod residuals;

use crate::preprocessing::TargetEncoder;
use classes::ClassAnswers;
use furlough::data::{Dataset, Targets};
use furlough::predict::{FigureInterval, bootstrap};
use furlough::random::Key;
use ndarray::ArrayView2;
use numbers::figures_of_numbers;
pub use residuals::{ResidualBin, TargetResiduals};
use serde::{Deserialize, Serialize};

/// Figures of answers for labeled rows, and how their intervals came about. Definitions are in
/// `docs/reference/metrics.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFigures {
    /// How many rows were judged.
    pub examples: u64,
    /// How often the rows were drawn again; 0 where there are no intervals.
    pub resamples: u32,
    /// The seed of that.
    pub seed: u64,
    /// The figures: of classes accuracy, balanced accuracy, log loss and AUROC; of numbers RMSE,
    /// MAE and R² of each target. One that cannot be had is left out.
    pub figures: Vec<TableFigure>,
}

/// A figure with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableFigure {
    /// What it is called.
    pub name: FigureName,
    /// The column, of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its value, and the 95 % interval.
    #[serde(flatten)]
    pub interval: FigureInterval,
}

/// What figures there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FigureName {
    /// The share of rows whose class is right.
    #[serde(rename = "accuracy")]
    Accuracy,
    /// The mean of the recalls of the classes that occur.
    #[serde(rename = "balanced accuracy")]
    BalancedAccuracy,
    /// The mean of −ln p of the rows' classes.
    #[serde(rename = "log loss")]
    LogLoss,
    /// The area under the ROC curve: of two classes that of the second; of 3 to 20 the mean over
    /// the classes that occur, each against the others.
    #[serde(rename = "AUROC")]
    Auroc,
    /// The root of the mean squared error.
    #[serde(rename = "RMSE")]
    Rmse,
    /// The mean absolute error.
    #[serde(rename = "MAE")]
    Mae,
    /// The coefficient of determination.
    #[serde(rename = "R²")]
    R2,
}

impl FigureName {
    const OF_CLASSES: [FigureName; 4] =
        [FigureName::Accuracy, FigureName::BalancedAccuracy, FigureName::LogLoss, FigureName::Auroc];
    const OF_NUMBERS: [FigureName; 3] = [FigureName::Rmse, FigureName::Mae, FigureName::R2];

    /// Returns its name: `accuracy`, `balanced accuracy`, `log loss`, `AUROC`, `RMSE`, `MAE` or
    /// `R²`.
    pub fn name(self) -> &'static str {
        match self {
            FigureName::Accuracy => "accuracy",
            FigureName::BalancedAccuracy => "balanced accuracy",
            FigureName::LogLoss => "log loss",
            FigureName::Auroc => "AUROC",
            FigureName::Rmse => "RMSE",
            FigureName::Mae => "MAE",
            FigureName::R2 => "R²",
        }
    }

    /// Returns a value of the figure as people read it: `93.33 %`, `1234`, `0.1234`.
    pub fn text(self, value: f64) -> String {
        match self {
            FigureName::Accuracy | FigureName::BalancedAccuracy => format!("{:.2} %", 100.0 * value),
            FigureName::Rmse | FigureName::Mae => in_digits(value),
            FigureName::LogLoss | FigureName::Auroc | FigureName::R2 => format!("{value:.4}"),
        }
    }
}

impl TableFigure {
    /// Returns the value as people read it.
    pub fn text(&self) -> String {
        self.name.text(self.interval.value)
    }

    /// Returns the interval as people read it, `0.12 to 0.34`; none where there is none.
    pub fn interval_text(&self) -> Option<String> {
        let (low, high) = self.interval.low.zip(self.interval.high)?;
        Some(format!("{} to {}", self.name.text(low), self.name.text(high)))
    }
}

/// Returns a number as people write it: whole ones as they are, others in at most four digits that
/// count.
pub fn plain_number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return value.to_string();
    }
    let text = in_digits(value);
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').into();
    }
    text
}

/// Returns a number in some unit with four digits that count, such as `123457`, `12.35` or
/// `0.1235`.
pub fn in_digits(value: f64) -> String {
    let size = value.abs();
    let before = if size >= 1.0 { size.log10().floor() as usize + 1 } else { 0 };
    if value != 0.0 && !(1e-3..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    format!("{value:.*}", 4_usize.saturating_sub(before))
}

/// Most draws of the rows.
const RESAMPLES: u32 = 1000;

/// Draws below which there is no interval.
const FEWEST: u64 = 100;

/// Rows that are gone through for the intervals, all draws and figures together.
const WORK: u64 = 400_000_000;

/// The seed of the draws.
const SEED: u64 = 0;

/// Returns how often so many rows are drawn again, all figures together.
pub(crate) fn resamples(rows: u64) -> u32 {
    match WORK / rows.max(1) {
        few if few < FEWEST => 0,
        many => many.min(RESAMPLES.into()) as u32,
    }
}

impl TableFigures {
    /// Returns the figures, each with what it is called: `RMSE`, and of one of several targets
    /// `RMSE of price`.
    pub fn named(&self) -> impl Iterator<Item = (String, &TableFigure)> {
        let several = self.have_several_targets();
        self.figures.iter().map(move |figure| {
            let name = match &figure.target {
                Some(target) if several => format!("{} of {target}", figure.name.name()),
                _ => figure.name.name().to_string(),
            };
            (name, figure)
        })
    }

    /// Returns whether they are of several targets.
    pub fn have_several_targets(&self) -> bool {
        self.figures.iter().any(|figure| figure.target != self.figures[0].target)
    }

    /// Measures a network's outputs for labeled rows, whose targets are `target`'s: logits of
    /// classes, or standardized numbers. Weights count. Many rows are drawn less often than 1000
    /// times, or never.
    ///
    /// # Panics
    /// When there is not one row of outputs a row.
    pub fn of(outputs: ArrayView2<'_, f32>, data: &Dataset, target: &TargetEncoder) -> Self {
        TableFigures::drawn(outputs, data, target, RESAMPLES)
    }

    /// [`Self::of`] without intervals.
    ///
    /// # Panics
    /// As [`Self::of`].
    pub fn plain(outputs: ArrayView2<'_, f32>, data: &Dataset, target: &TargetEncoder) -> Self {
        TableFigures::drawn(outputs, data, target, 0)
    }

    fn drawn(outputs: ArrayView2<'_, f32>, data: &Dataset, target: &TargetEncoder, most: u32) -> Self {
        assert_eq!(outputs.nrows(), data.len(), "one row of outputs a row");
        let weights: Vec<f64> = (0..data.len()).map(|row| f64::from(data.weight(row))).collect();
        let weight = |counts: &[u32], row: usize| f64::from(counts[row]) * weights[row];
        let rows = data.len() as u64;
        match data.targets() {
            Targets::Values(values) => {
                let (targets, answers) = (target.in_units(values.view()), target.in_units(outputs));
                let names = target.names();
                let resamples = resamples(rows * names.len() as u64).min(most);
                let pairs = |column: usize| targets.column(column).into_iter().zip(answers.column(column));
                let pairs = |column: usize| pairs(column).map(|(&target, &answer)| (target, answer)).collect();
                let pairs: Vec<Vec<(f64, f64)>> = (0..names.len()).map(pairs).collect();
                let found = bootstrap(data.len(), resamples, Key::new(SEED), |counts| {
                    pairs.iter().flat_map(|pairs| figures_of_numbers(pairs, |row| weight(counts, row))).collect()
                });
                let named = |column: &&str| FigureName::OF_NUMBERS.map(|name| (name, Some(column.to_string())));
                TableFigures::new(rows, resamples, names.iter().flat_map(named), found)
            }
            Targets::Classes { labels, .. } => {
                let judged = ClassAnswers::new(outputs, labels);
                let resamples = resamples(rows * (1 + judged.rankings() as u64)).min(most);
                let found = bootstrap(data.len(), resamples, Key::new(SEED), |counts| {
                    judged.figures(&|row| weight(counts, row)).to_vec()
                });
                TableFigures::new(rows, resamples, FigureName::OF_CLASSES.map(|name| (name, None)), found)
            }
        }
    }

    fn new(
        examples: u64,
        resamples: u32,
        names: impl IntoIterator<Item = (FigureName, Option<String>)>,
        found: Vec<Option<FigureInterval>>,
    ) -> Self {
        let figure = |((name, target), interval): ((FigureName, Option<String>), Option<FigureInterval>)| {
            Some(TableFigure { name, target, interval: interval? })
        };
        let figures = names.into_iter().zip(found).filter_map(figure).collect();
        TableFigures { examples, resamples, seed: SEED, figures }
    }

    /// Returns a figure by its name, that of the first target where there are several.
    pub fn get(&self, name: FigureName) -> Option<FigureInterval> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_that_count() {
        let all = [123456.7, 1234.5, 12.345678, 1.0, 0.123456, 0.00012345, 0.0, 2.5e300].map(in_digits);
        assert_eq!(all, ["123457", "1234", "12.35", "1.000", "0.1235", "1.234e-4", "0.0000", "2.500e300"]);
        assert_eq!([3.0, 123456.0, 0.1, 2.25, 1e-5].map(plain_number), ["3", "123456", "0.1", "2.25", "1.000e-5"]);
    }

    #[test]
    fn many_rows_are_drawn_less_often_or_never() {
        assert_eq!([10, 1_000_000, 10_000_000].map(resamples), [1000, 400, 0]);
    }

    #[test]
    fn names_are_those_of_files() {
        for name in FigureName::OF_CLASSES.iter().chain(&FigureName::OF_NUMBERS) {
            assert_eq!(serde_json::to_value(name).unwrap(), name.name());
        }
    }
}
