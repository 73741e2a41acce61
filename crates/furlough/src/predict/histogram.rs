use serde::{Deserialize, Serialize};

/// How many values fall where: bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Where the first bin begins.
    pub from: f64,
    /// Where the last bin ends; above `from`.
    pub to: f64,
    /// Number of values in each bin; a value on an edge is in the bin that begins there, and `to`
    /// is in the last.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// `bins` empty bins (at least 1) for values from `from` to `to`; a range without width is made
    /// 1 wide.
    pub(super) fn new(from: f64, to: f64, bins: usize) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Histogram { from, to, counts: vec![0; bins] }
    }

    /// Counts a value; beyond the ends it counts in the bin there.
    pub(super) fn add(&mut self, value: f64) {
        let bins = self.counts.len();
        let place = ((value - self.from) / (self.to - self.from) * bins as f64) as usize;
        self.counts[place.min(bins - 1)] += 1;
    }

    /// A histogram of these values, between their extremes.
    pub(super) fn of(values: &[f64], bins: usize) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut histogram = Histogram::new(least, most, bins);
        values.iter().for_each(|&value| histogram.add(value));
        histogram
    }

    /// The edges of the bins, one more than bins.
    ///
    /// ```
    /// let histogram = furlough::predict::Histogram { from: 0.0, to: 1.0, counts: vec![3, 1] };
    /// assert_eq!(histogram.edges(), [0.0, 0.5, 1.0]);
    /// ```
    pub fn edges(&self) -> Vec<f64> {
        let bins = self.counts.len();
        (0..=bins).map(|edge| self.from + (self.to - self.from) * edge as f64 / bins as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_where_they_belong() {
        let histogram = Histogram::of(&[-1.0, -0.6, -0.5, 0.2, 0.5, 1.0], 4);
        assert_eq!(histogram, Histogram { from: -1.0, to: 1.0, counts: vec![2, 1, 1, 2] });
        assert_eq!(Histogram::of(&[2.0, 2.0], 3), Histogram { from: 2.0, to: 3.0, counts: vec![2, 0, 0] });
    }
}
