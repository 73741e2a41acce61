use crate::preprocessing::mean_and_deviation;

/// Mean and standard deviation of values that come some at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    deviation: f64,
}

impl Moments {
    /// Adds further values, all finite. Chan, Golub and LeVeque, "Updating formulae and a pairwise
    /// algorithm for computing sample variances", 1979.
    pub(super) fn add(&mut self, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        let (mean, deviation) = mean_and_deviation(values);
        let count = self.count + values.len() as f64;
        let share = values.len() as f64 / count;
        // Half the distance, and relative to the largest, so that nothing overflows.
        let half = mean / 2.0 - self.mean / 2.0;
        let size = self.deviation.max(deviation).max(half.abs());
        if size > 0.0 {
            let square = |x: f64| (x / size) * (x / size);
            let between = 4.0 * share * (1.0 - share) * square(half);
            let within = (1.0 - share) * square(self.deviation) + share * square(deviation);
            self.deviation = size * (within + between).sqrt();
        }
        self.mean += 2.0 * (half * share);
        self.count = count;
    }

    /// Returns mean and standard deviation.
    pub(super) fn get(&self) -> (f64, f64) {
        (self.mean, self.deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_give_what_all_values_give() {
        let values: Vec<f64> = (0..1000).map(|at| 1e6 + f64::from(at * at % 97)).collect();
        for size in [1, 7, 400, 1000] {
            let mut moments = Moments::default();
            values.chunks(size).for_each(|part| moments.add(part));
            let (mean, deviation) = mean_and_deviation(&values);
            let (own_mean, own_deviation) = moments.get();
            assert!((own_mean - mean).abs() < 1e-9 * mean, "{own_mean} {mean}");
            assert!((own_deviation - deviation).abs() < 1e-9 * deviation, "{own_deviation} {deviation}");
        }
        let mut equal = Moments::default();
        (0..50).for_each(|_| equal.add(&[0.1, 0.1, 0.1]));
        assert_eq!(equal.get(), (0.1, 0.0));
        let mut huge = Moments::default();
        [f64::MAX, f64::MIN, f64::MAX, f64::MIN].iter().for_each(|&value| huge.add(&[value]));
        assert!(huge.get().0.is_finite() && huge.get().1 > 1e308, "{huge:?}");
    }
}
