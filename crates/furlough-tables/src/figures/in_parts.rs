//! Figures of rows that come some at a time.

use super::classes::ClassAnswers;
use super::{FigureName, TableFigures};
use crate::preprocessing::TargetEncoder;
use furlough::data::{Dataset, Targets};
use furlough::predict::FigureInterval;
use ndarray::{Array2, ArrayView2};

impl TableFigures {
    /// [`Self::plain`] of rows that need not fit in memory: `next` gives some of them with a
    /// network's outputs until there are no more. The area under the ROC curve, for which all rows
    /// are put into an order, is not among the figures.
    ///
    /// # Errors
    /// The first of `next`.
    pub fn in_parts<E>(
        target: &TargetEncoder,
        mut next: impl FnMut() -> Result<Option<(Dataset, Array2<f32>)>, E>,
    ) -> Result<Self, E> {
        let mut classes = ClassSums::new(target.outputs());
        let mut numbers = vec![NumberSums::default(); target.outputs()];
        let mut examples = 0;
        while let Some((rows, outputs)) = next()? {
            examples += rows.len() as u64;
            match rows.targets() {
                Targets::Classes { labels, .. } => classes.add(outputs.view(), labels, &rows),
                Targets::Values(values) => {
                    let (targets, answers) = (target.in_units(values.view()), target.in_units(outputs.view()));
                    for (column, sums) in numbers.iter_mut().enumerate() {
                        let pairs = targets.column(column).into_iter().zip(answers.column(column));
                        pairs.enumerate().for_each(|(row, (&target, &answer))| {
                            sums.add((target, answer), f64::from(rows.weight(row)));
                        });
                    }
                }
            }
        }
        let plain = |value: Option<f64>| value.map(|value| FigureInterval { value, low: None, high: None });
        Ok(match target {
            TargetEncoder::Classification { .. } => {
                let [accuracy, recall, loss] = classes.figures();
                let found = [accuracy, recall, loss, None].map(plain).to_vec();
                TableFigures::new(examples, 0, FigureName::OF_CLASSES.map(|name| (name, None)), found)
            }
            TargetEncoder::Regression { columns } => {
                let named = |name: &String| FigureName::OF_NUMBERS.map(|figure| (figure, Some(name.clone())));
                let names = columns.iter().flat_map(|column| named(&column.name));
                let found = numbers.iter().flat_map(NumberSums::figures).map(plain).collect();
                TableFigures::new(examples, 0, names, found)
            }
        })
    }
}

/// Weighted sums over rows of classes.
struct ClassSums {
    /// Of each class all rows, and those that were answered rightly.
    of_class: Vec<[f64; 2]>,
    /// Of −ln p of the rows' classes.
    surprise: f64,
}

impl ClassSums {
    fn new(classes: usize) -> Self {
        ClassSums { of_class: vec![[0.0; 2]; classes], surprise: 0.0 }
    }

    fn add(&mut self, logits: ArrayView2<'_, f32>, labels: &[u32], rows: &Dataset) {
        for (row, label, right, surprise) in ClassAnswers::each(logits, labels) {
            let weight = f64::from(rows.weight(row));
            if weight > 0.0 {
                self.of_class[label][0] += weight;
                self.of_class[label][1] += if right { weight } else { 0.0 };
                self.surprise += weight * surprise;
            }
        }
    }

    /// Returns accuracy, the mean of the recalls of the classes that occur, and log loss.
    fn figures(&self) -> [Option<f64>; 3] {
        let total: f64 = self.of_class.iter().map(|sum| sum[0]).sum();
        let right: f64 = self.of_class.iter().map(|sum| sum[1]).sum();
        let present = self.of_class.iter().filter(|sum| sum[0] > 0.0);
        let recalls: Vec<f64> = present.map(|[all, right]| right / all).collect();
        let share = |sum: f64| (total > 0.0).then_some(sum / total);
        let mean = (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64);
        [share(right), mean, share(self.surprise)]
    }
}

/// Weighted sums over targets and answers. Those of targets are of their distances from the first,
/// so that nothing is lost beside a large mean.
#[derive(Debug, Clone, Default)]
struct NumberSums {
    first: Option<f64>,
    weight: f64,
    off: f64,
    off_squares: f64,
    squares: f64,
    sizes: f64,
}

impl NumberSums {
    fn add(&mut self, (target, answer): (f64, f64), weight: f64) {
        let off = target - *self.first.get_or_insert(target);
        self.weight += weight;
        self.off += weight * off;
        self.off_squares += weight * off * off;
        self.squares += weight * (answer - target).powi(2);
        self.sizes += weight * (answer - target).abs();
    }

    /// Returns RMSE, MAE and R².
    fn figures(&self) -> [Option<f64>; 3] {
        if self.weight <= 0.0 {
            return [None; 3];
        }
        let spread = self.off_squares - self.off * self.off / self.weight;
        let r2 = (spread > 0.0).then(|| 1.0 - self.squares / spread);
        [Some((self.squares / self.weight).sqrt()), Some(self.sizes / self.weight), r2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_parts(data: &Dataset, outputs: &Array2<f32>, target: &TargetEncoder) -> TableFigures {
        let mut starts = (0..data.len()).step_by(77);
        let next = || -> Result<Option<(Dataset, Array2<f32>)>, ()> {
            Ok(starts.next().map(|first| {
                let rows: Vec<u32> = (first as u32..data.len().min(first + 77) as u32).collect();
                let places: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
                (data.select(&rows), outputs.select(ndarray::Axis(0), &places))
            }))
        };
        TableFigures::in_parts(target, next).unwrap()
    }

    #[test]
    fn figures_in_parts_are_those_of_all_rows() {
        let rows = 1000;
        let outputs = Array2::from_shape_fn((rows, 3), |(row, column)| ((row * 7 + column * 13) % 31) as f32 / 9.0);
        let x = Array2::<f32>::zeros((rows, 1));
        let weights = (0..rows).map(|row| (row % 4) as f32).collect();
        let data = Dataset::classification(x.clone(), (0..rows).map(|row| [0, 1, 1, 2, 0][row % 5])).unwrap();
        let data = data.with_weights(weights).unwrap();
        let classes = ["0", "1", "2"].map(String::from).to_vec();
        let target = TargetEncoder::Classification { column: "y".into(), classes };
        let mut all = TableFigures::plain(outputs.view(), &data, &target);
        all.figures.retain(|figure| figure.name != FigureName::Auroc);
        let close = |one: &TableFigures, other: &TableFigures| {
            assert_eq!((one.examples, one.figures.len()), (other.examples, other.figures.len()));
            for (one, other) in one.figures.iter().zip(&other.figures) {
                assert_eq!((one.name, &one.target), (other.name, &other.target));
                assert!((one.interval.value - other.interval.value).abs() < 1e-9 * other.interval.value.abs());
            }
        };
        close(&in_parts(&data, &outputs, &target), &all);
        let y = Array2::from_shape_fn((rows, 1), |(row, _)| (row % 17) as f32 / 5.0);
        let column = crate::preprocessing::TargetColumn { name: "y".into(), mean: 1e6, deviation: 3.0 };
        let target = TargetEncoder::Regression { columns: vec![column] };
        let data = Dataset::regression(x, y).unwrap();
        let outputs = outputs.select(ndarray::Axis(1), &[0]);
        close(&in_parts(&data, &outputs, &target), &TableFigures::plain(outputs.view(), &data, &target));
    }
}
