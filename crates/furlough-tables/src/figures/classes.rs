use furlough::nn::argmax;
use furlough::predict::Ranking;
use ndarray::{ArrayView1, ArrayView2};

/// Most classes that are each ranked against the others.
const RANKED: usize = 20;

/// What is known of each row of classes.
pub(super) struct ClassAnswers {
    labels: Vec<usize>,
    right: Vec<bool>,
    /// −ln p of the row's class.
    surprise: Vec<f64>,
    classes: usize,
    /// Of two classes that of the second one; of more one a class.
    rankings: Vec<Ranking>,
}

impl ClassAnswers {
    /// Of logits, rows × classes.
    pub(super) fn new(logits: ArrayView2<'_, f32>, labels: &[u32]) -> Self {
        let labels: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
        let classes = logits.ncols();
        let whole = |row: ArrayView1<'_, f32>| {
            let most = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            most + row.iter().map(|&logit| (f64::from(logit) - most).exp()).sum::<f64>().ln()
        };
        let wholes: Vec<f64> = logits.rows().into_iter().map(whole).collect();
        let log_p = |row: usize, class: usize| f64::from(logits[[row, class]]) - wholes[row];
        let ranked = match classes {
            2 => 1..2,
            3..=RANKED => 0..classes,
            _ => 0..0,
        };
        let ranking = |class: usize| {
            let scores = (0..labels.len()).map(|row| log_p(row, class));
            Ranking::new(scores, labels.iter().map(|&label| label == class).collect())
        };
        let best = |row: ArrayView1<'_, f32>| match row.as_slice() {
            Some(row) => argmax(row),
            None => argmax(&row.to_vec()),
        };
        ClassAnswers {
            right: logits.rows().into_iter().zip(&labels).map(|(row, &label)| best(row) == label).collect(),
            surprise: labels.iter().enumerate().map(|(row, &label)| -log_p(row, label)).collect(),
            rankings: ranked.map(ranking).collect(),
            classes,
            labels,
        }
    }

    /// Goes through the rows: each one's place, its class, whether that is the answer, and −ln p of
    /// it.
    pub(super) fn each<'a>(
        logits: ArrayView2<'a, f32>,
        labels: &'a [u32],
    ) -> impl Iterator<Item = (usize, usize, bool, f64)> + 'a {
        labels.iter().enumerate().map(move |(row, &label)| {
            let values = logits.row(row).to_vec();
            let most = f64::from(values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let whole = most + values.iter().map(|&logit| (f64::from(logit) - most).exp()).sum::<f64>().ln();
            let label = label as usize;
            (row, label, argmax(&values) == label, whole - f64::from(values[label]))
        })
    }

    /// Returns how many rankings there are.
    pub(super) fn rankings(&self) -> usize {
        self.rankings.len()
    }

    /// Returns accuracy, the mean of the recalls of the classes that occur, log loss, and the mean
    /// of the areas under the ROC curves of the classes that occur.
    pub(super) fn figures(&self, weight: &dyn Fn(usize) -> f64) -> [Option<f64>; 4] {
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

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn figures_of_classes_by_hand() {
        let logits = array![[0.0, 1.0], [1.0, 0.0], [0.0, 3.0], [0.0, 0.5]];
        let judged = ClassAnswers::new(logits.view(), &[1, 0, 1, 0]);
        let [accuracy, balanced, loss, area] = judged.figures(&|_| 1.0).map(Option::unwrap);
        assert_eq!((accuracy, balanced, area), (0.75, 0.75, 1.0));
        let by_hand = [1.0f64, 1.0, 3.0, -0.5].map(|margin| (1.0 + (-margin).exp()).ln()).iter().sum::<f64>() / 4.0;
        assert!((loss - by_hand).abs() < 1e-7);
        let weighted = judged.figures(&|row| [1.0, 0.0, 0.0, 3.0][row]);
        assert_eq!((weighted[0], weighted[1], weighted[3]), (Some(0.25), Some(0.5), Some(1.0)));
    }
}
