//! The figures of a table's rows, in the target's units, with their intervals.

use crate::terminal::Style;
use furlough::counted;
use furlough::data::{Dataset, Targets};
use furlough::nn::argmax;
use furlough::predict::{FigureInterval, Predictor, Ranking, bootstrap};
use furlough::random::Key;
use furlough_tables::preprocessing::TargetEncoder;
use serde::Serialize;

/// Most draws of the rows.
const RESAMPLES: u32 = 1000;

/// Draws below which there is no interval.
const FEWEST: u64 = 100;

/// Rows that are gone through for the intervals, all draws and figures together.
const WORK: u64 = 400_000_000;

/// Most classes that are each ranked against the others.
const RANKED: usize = 20;

/// The seed of the draws.
const SEED: u64 = 0;

/// Figures, and how their intervals came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// How many rows were judged.
    examples: usize,
    /// How often the rows were drawn again.
    resamples: u32,
    /// The seed of that.
    seed: u64,
    figures: Vec<Figure>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Figure {
    name: &'static str,
    /// The column, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(flatten)]
    interval: FigureInterval,
}

impl Figures {
    /// Measures the answers for labeled rows, whose targets are `target`'s, with intervals.
    pub fn of(predictor: &mut Predictor, data: &Dataset, target: &TargetEncoder) -> furlough::Result<Self> {
        Figures::drawn(predictor, data, target, RESAMPLES)
    }

    /// [`Self::of`] without intervals.
    pub fn plain(predictor: &mut Predictor, data: &Dataset, target: &TargetEncoder) -> furlough::Result<Self> {
        Figures::drawn(predictor, data, target, 0)
    }

    fn drawn(predictor: &mut Predictor, data: &Dataset, target: &TargetEncoder, most: u32) -> furlough::Result<Self> {
        let outputs = predictor.predict(data)?;
        let weights: Vec<f64> = (0..data.len()).map(|row| f64::from(data.weight(row))).collect();
        let weight = |counts: &[u32], row: usize| f64::from(counts[row]) * weights[row];
        let rows = data.len() as u64;
        Ok(match data.targets() {
            Targets::Values(values) => {
                let (targets, answers) = (target.in_units(values.view()), target.in_units(outputs.view()));
                let names = target.names();
                let resamples = resamples(rows * names.len() as u64).min(most);
                let pairs = |column: usize| {
                    targets.column(column).to_vec().into_iter().zip(answers.column(column).to_vec()).collect()
                };
                let pairs: Vec<Vec<(f64, f64)>> = (0..names.len()).map(pairs).collect();
                let found = bootstrap(data.len(), resamples, Key::new(SEED), |counts| {
                    pairs.iter().flat_map(|pairs| of_numbers(pairs, |row| weight(counts, row))).collect()
                });
                let names =
                    names.iter().flat_map(|column| ["RMSE", "MAE", "R²"].map(|name| (name, Some(column.to_string()))));
                Figures::new(data.len(), resamples, names, found)
            }
            Targets::Classes { labels, .. } => {
                let judged = Classes::new(outputs.rows().into_iter().map(|row| row.to_vec()).collect(), labels);
                let resamples = resamples(rows * (1 + judged.rankings.len() as u64)).min(most);
                let found = bootstrap(data.len(), resamples, Key::new(SEED), |counts| {
                    judged.figures(&|row| weight(counts, row)).to_vec()
                });
                let names = ["accuracy", "balanced accuracy", "log loss", "AUROC"].map(|name| (name, None));
                Figures::new(data.len(), resamples, names, found)
            }
        })
    }

    fn new(
        examples: usize,
        resamples: u32,
        names: impl IntoIterator<Item = (&'static str, Option<String>)>,
        found: Vec<Option<FigureInterval>>,
    ) -> Self {
        let figure = |((name, target), interval): ((&'static str, Option<String>), Option<FigureInterval>)| {
            Some(Figure { name, target, interval: interval? })
        };
        Figures { examples, resamples, seed: SEED, figures: names.into_iter().zip(found).filter_map(figure).collect() }
    }

    /// Returns the values in a line for each target: `accuracy 93.33 %, …, on 30 rows`.
    pub fn lines(&self) -> Vec<String> {
        let several = self.figures.iter().any(|figure| figure.target != self.figures[0].target);
        let line = |figures: &[Figure]| {
            let of =
                figures[0].target.as_ref().filter(|_| several).map_or(String::new(), |target| format!("{target}: "));
            let values = figures.iter().map(|figure| format!("{} {}", figure.name, figure.text(figure.interval.value)));
            format!("{of}{}, on {}", values.collect::<Vec<_>>().join(", "), counted(self.examples, "row"))
        };
        self.figures.chunk_by(|one, other| one.target == other.target).map(line).collect()
    }

    /// Returns a line a figure.
    pub fn table(&self, style: Style) -> Vec<String> {
        if self.figures.is_empty() {
            return Vec::new();
        }
        let several = self.figures.iter().any(|figure| figure.target != self.figures[0].target);
        let name = |figure: &Figure| match &figure.target {
            Some(target) if several => format!("{target}: {}", figure.name),
            _ => figure.name.to_string(),
        };
        let width = self.figures.iter().map(|figure| name(figure).chars().count()).max().unwrap_or(0).max(17);
        let head = match self.resamples {
            0 => format!("  {:<width$}   {:>12}", "figure", "value"),
            _ => format!("  {:<width$}   {:>12}   {:>26}", "figure", "value", "95 % interval"),
        };
        let mut lines = vec![style.dim(&head)];
        for figure in &self.figures {
            let text = |value: f64| figure.text(value);
            let FigureInterval { value, low, high } = figure.interval;
            let interval =
                low.zip(high).map_or(String::new(), |(low, high)| format!("{} to {}", text(low), text(high)));
            let line = format!("  {:<width$}   {:>12}   {interval:>26}", name(figure), text(value));
            lines.push(style.text(line.trim_end()));
        }
        if self.resamples > 0 {
            let how = format!("  percentiles of {} draws of the rows, seed {}", self.resamples, self.seed);
            lines.push(style.dim(&how));
        }
        lines.push(String::new());
        lines
    }
}

impl Figure {
    /// Returns a value of the figure as it is shown.
    fn text(&self, value: f64) -> String {
        match self.name {
            "accuracy" | "balanced accuracy" => format!("{:.2} %", 100.0 * value),
            "RMSE" | "MAE" => short(value),
            _ => format!("{value:.4}"),
        }
    }
}

/// A number in the target's units with four digits that count.
fn short(value: f64) -> String {
    let size = value.abs();
    let before = if size >= 1.0 { size.log10().floor() as usize + 1 } else { 0 };
    if value != 0.0 && !(1e-3..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    format!("{value:.*}", 4_usize.saturating_sub(before))
}

/// Returns how often so many rows are drawn again.
fn resamples(rows: u64) -> u32 {
    match WORK / rows.max(1) {
        few if few < FEWEST => 0,
        many => many.min(RESAMPLES.into()) as u32,
    }
}

/// What is known of each row of classes.
struct Classes {
    labels: Vec<usize>,
    right: Vec<bool>,
    /// −ln p of the row's class.
    surprise: Vec<f64>,
    classes: usize,
    /// Of two classes that of the second one; of more one a class.
    rankings: Vec<Ranking>,
}

impl Classes {
    /// `logits` has a row a row.
    fn new(logits: Vec<Vec<f32>>, labels: &[u32]) -> Self {
        let labels: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
        let classes = logits.first().map_or(0, Vec::len);
        let whole = |row: &Vec<f32>| {
            let most = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            most + row.iter().map(|&logit| (f64::from(logit) - most).exp()).sum::<f64>().ln()
        };
        let wholes: Vec<f64> = logits.iter().map(whole).collect();
        let log_p = |row: usize, class: usize| f64::from(logits[row][class]) - wholes[row];
        let ranked = match classes {
            2 => 1..2,
            3..=RANKED => 0..classes,
            _ => 0..0,
        };
        let ranking = |class: usize| {
            let scores = (0..labels.len()).map(|row| log_p(row, class));
            Ranking::new(scores, labels.iter().map(|&label| label == class).collect())
        };
        Classes {
            right: logits.iter().zip(&labels).map(|(row, &label)| argmax(row) == label).collect(),
            surprise: labels.iter().enumerate().map(|(row, &label)| -log_p(row, label)).collect(),
            rankings: ranked.map(ranking).collect(),
            classes,
            labels,
        }
    }

    /// Returns accuracy, the mean of the recalls of the classes that occur, log loss, and the mean
    /// of the areas under the ROC curves of the classes that occur.
    fn figures(&self, weight: &dyn Fn(usize) -> f64) -> [Option<f64>; 4] {
        let mut sums = vec![[0.0; 2]; self.classes];
        let mut surprise = 0.0;
        for (row, &label) in self.labels.iter().enumerate() {
            let weight = weight(row);
            if weight > 0.0 {
                sums[label][0] += weight;
                sums[label][1] += if self.right[row] { weight } else { 0.0 };
                surprise += weight * self.surprise[row];
            }
        }
        let total: f64 = sums.iter().map(|sum| sum[0]).sum();
        let right: f64 = sums.iter().map(|sum| sum[1]).sum();
        let recalls: Vec<f64> = sums.iter().filter(|sum| sum[0] > 0.0).map(|[all, right]| right / all).collect();
        let areas: Vec<f64> = self.rankings.iter().filter_map(|ranking| ranking.auroc(weight)).collect();
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let share = |sum: f64| (total > 0.0).then_some(sum / total);
        [share(right), mean(&recalls), share(surprise), mean(&areas)]
    }
}

/// Returns RMSE, MAE and R² of targets and answers.
fn of_numbers(pairs: &[(f64, f64)], weight: impl Fn(usize) -> f64) -> [Option<f64>; 3] {
    let (mut total, mut sum, mut squares, mut sizes) = (0.0, 0.0, 0.0, 0.0);
    for (row, &(target, answer)) in pairs.iter().enumerate() {
        let weight = weight(row);
        total += weight;
        sum += weight * target;
        squares += weight * (answer - target).powi(2);
        sizes += weight * (answer - target).abs();
    }
    if total <= 0.0 {
        return [None; 3];
    }
    let mean = sum / total;
    let spread: f64 = pairs.iter().enumerate().map(|(row, pair)| weight(row) * (pair.0 - mean).powi(2)).sum();
    [Some((squares / total).sqrt()), Some(sizes / total), (spread > 0.0).then(|| 1.0 - squares / spread)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_classes_by_hand() {
        let logits = vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![0.0, 3.0], vec![0.0, 0.5]];
        let judged = Classes::new(logits, &[1, 0, 1, 0]);
        let [accuracy, balanced, loss, area] = judged.figures(&|_| 1.0).map(Option::unwrap);
        assert_eq!((accuracy, balanced, area), (0.75, 0.75, 1.0));
        let by_hand = [1.0f64, 1.0, 3.0, -0.5].map(|margin| (1.0 + (-margin).exp()).ln()).iter().sum::<f64>() / 4.0;
        assert!((loss - by_hand).abs() < 1e-7);
        let weighted = judged.figures(&|row| [1.0, 0.0, 0.0, 3.0][row]);
        assert_eq!((weighted[0], weighted[1], weighted[3]), (Some(0.25), Some(0.5), Some(1.0)));
    }

    #[test]
    fn figures_of_numbers_by_hand() {
        let pairs = [(1.0, 2.0), (2.0, 2.0), (4.0, 2.0), (5.0, 5.0)];
        let found = of_numbers(&pairs, |_| 1.0).map(Option::unwrap);
        assert_eq!(found, [1.25f64.sqrt(), 0.75, 0.5]);
        assert_eq!(of_numbers(&pairs, |_| 0.0), [None; 3]);
        assert_eq!(of_numbers(&pairs[..1], |_| 1.0)[2], None, "one target alone does not vary");
    }

    #[test]
    fn numbers_have_four_digits_that_count() {
        let all = [123456.7, 1234.5, 12.345678, 1.0, 0.123456, 0.00012345, 0.0, 2.5e300].map(short);
        assert_eq!(all, ["123457", "1234", "12.35", "1.000", "0.1235", "1.234e-4", "0.0000", "2.500e300"]);
    }

    #[test]
    fn many_rows_are_drawn_less_often_or_never() {
        assert_eq!([10, 1_000_000, 10_000_000].map(resamples), [1000, 400, 0]);
    }
}
