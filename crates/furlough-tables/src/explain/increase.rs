//! By how much a mean loss grows, and how far that may be chance.

/// The losses of rows, all with their weights: as they are, and with a column shuffled.
pub(super) struct Losses<'a> {
    pub weights: &'a [f64],
    /// With the table as it is.
    pub before: &'a [f64],
    /// The mean over the shuffles of the loss of the row.
    pub own: &'a [f64],
    /// The mean over the shuffles of weight times loss of the row that has this row's value.
    pub lent: &'a [f64],
    /// The mean over the shuffles of the weight of that row.
    pub lent_weights: &'a [f64],
    /// Whether the figure is the root of the mean.
    pub root: bool,
}

impl Losses<'_> {
    /// Returns the mean loss, or its root, of the table as it is.
    pub(super) fn value_before(&self) -> f64 {
        self.shown(self.mean(self.before))
    }

    fn shown(&self, mean: f64) -> f64 {
        if self.root { mean.sqrt() } else { mean }
    }

    fn mean(&self, losses: &[f64]) -> f64 {
        let total: f64 = self.weights.iter().sum();
        losses.iter().zip(self.weights).map(|(loss, weight)| loss * weight).sum::<f64>() / total
    }

    /// Returns by how much the figure grows, and the half width of its 95 % interval.
    ///
    /// The mean loss over pairs of a row and another one's value is a statistic of two rows, so a
    /// row counts twice: by its own loss, and by the loss of the row that has its value (the Hájek
    /// projection: A. van der Vaart, "Asymptotic Statistics", 1998, chapters 11 and 12; the root
    /// by the delta method, chapter 3). With few shuffles that is more than the variance, not less.
    pub(super) fn increase(&self) -> (f64, f64) {
        let total: f64 = self.weights.iter().sum();
        let (before, after) = (self.mean(self.before), self.mean(self.own));
        let slope = |mean: f64| match self.root {
            false => 1.0,
            true if mean > 0.0 => 0.5 / mean.sqrt(),
            true => 0.0,
        };
        let (slope_before, slope_after) = (slope(before), slope(after));
        let variance: f64 = (0..self.weights.len())
            .map(|row| {
                let weight = self.weights[row];
                let own = weight * (self.own[row] - after) + self.lent[row] - self.lent_weights[row] * after;
                let part = slope_after * own - slope_before * weight * (self.before[row] - before);
                (part / total).powi(2)
            })
            .sum();
        const NORMAL: f64 = 1.959_963_984_540_054;
        (self.shown(after) - self.shown(before), NORMAL * variance.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::shuffled;
    use super::*;
    use furlough::random::{Key, Stream, normal};

    /// The answer is x, the target x and noise of deviation 1/2: the squared error is 1/4, with x
    /// of another row 2 and 1/4.
    fn once(trial: u32, rows: usize, root: bool) -> (f64, f64) {
        let draw = |row: usize| Key::new(3).draw(Stream::Search, 0, row as u32, trial, 0);
        let x: Vec<f64> = (0..rows).map(|row| f64::from(normal(draw(row)[0]))).collect();
        let y: Vec<f64> = (0..rows).map(|row| x[row] + 0.5 * f64::from(normal(draw(row)[1]))).collect();
        let before: Vec<f64> = x.iter().zip(&y).map(|(x, y)| (x - y).powi(2)).collect();
        let (mut own, mut lent) = (vec![0.0; rows], vec![0.0; rows]);
        const REPEATS: u32 = 10;
        for repeat in 0..REPEATS {
            for (row, &from) in shuffled(rows, 0, repeat, trial.into()).iter().enumerate() {
                let loss = (x[from as usize] - y[row]).powi(2) / f64::from(REPEATS);
                own[row] += loss;
                lent[from as usize] += loss;
            }
        }
        let weights = vec![1.0; rows];
        let all = Losses { weights: &weights, before: &before, own: &own, lent: &lent, lent_weights: &weights, root };
        all.increase()
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        for (root, truth) in [(false, 2.0), (true, 1.5 - 0.5)] {
            let held = (0..400).filter(|&trial| {
                let (value, half) = once(trial, 100, root);
                (value - truth).abs() <= half
            });
            let held = held.count();
            assert!((364..=396).contains(&held), "{held} of 400");
        }
    }

    #[test]
    fn weights_count_as_rows_do() {
        let (before, own) = ([1.0, 4.0, 9.0], [2.0, 8.0, 9.0]);
        let twice = Losses {
            weights: &[2.0, 1.0, 0.0],
            before: &before,
            own: &own,
            lent: &[0.0; 3],
            lent_weights: &[0.0; 3],
            root: false,
        };
        assert_eq!((twice.value_before(), twice.increase().0), (2.0, 2.0));
        let rooted = Losses { root: true, ..twice };
        assert_eq!((rooted.value_before(), rooted.increase().0), (2f64.sqrt(), 2.0 - 2f64.sqrt()));
    }
}
