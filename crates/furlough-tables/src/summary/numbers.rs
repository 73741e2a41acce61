use crate::preprocessing::quantile;
use serde::Serialize;

/// Bars of a histogram.
const BARS: usize = 24;

/// The numbers of a column, or its dates as seconds since the beginning of 1970 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NumberSummary {
    /// The least finite one.
    pub least: f64,
    /// A quarter of the sampled rows is below.
    pub first_quartile: f64,
    /// Half of the sampled rows is below.
    pub median: f64,
    /// Three quarters of the sampled rows are below.
    pub third_quartile: f64,
    /// The greatest finite one.
    pub greatest: f64,
    /// The mean of all finite ones.
    pub mean: f64,
    /// How they are distributed.
    pub histogram: NumberHistogram,
}

/// How often numbers fall into ranges of equal width.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NumberHistogram {
    /// Where the first range begins. It has what is below too.
    pub from: f64,
    /// Where the last range ends. It has what is above too.
    pub to: f64,
    /// How many of the sampled rows fall into each range.
    pub counts: Vec<u64>,
}

/// Counts and sums over all rows.
#[derive(Debug)]
pub(super) struct NumberTally {
    least: f64,
    greatest: f64,
    mean: f64,
    finite: u64,
    whole: bool,
    pub(super) infinite: u64,
}

impl Default for NumberTally {
    fn default() -> Self {
        let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        NumberTally { least, greatest, mean: 0.0, finite: 0, whole: true, infinite: 0 }
    }
}

impl NumberTally {
    /// Counts a number that is not missing.
    pub(super) fn add(&mut self, number: f64) {
        if !number.is_finite() {
            self.infinite += 1;
            return;
        }
        self.least = self.least.min(number);
        self.greatest = self.greatest.max(number);
        self.finite += 1;
        // By parts, so that no sum overflows.
        let count = self.finite as f64;
        self.mean += number / count - self.mean / count;
        self.whole &= number.fract() == 0.0;
    }

    /// Returns the summary, given the sampled numbers; none where no number is finite.
    pub(super) fn finish(&self, mut sampled: Vec<f64>) -> Option<NumberSummary> {
        sampled.retain(|number| number.is_finite());
        sampled.sort_by(f64::total_cmp);
        if sampled.is_empty() {
            // So few are finite that none of them is in the sample.
            sampled = vec![self.least, self.greatest];
        }
        (self.finite > 0).then(|| NumberSummary {
            least: self.least,
            first_quartile: quantile(&sampled, 0.25),
            median: quantile(&sampled, 0.5),
            third_quartile: quantile(&sampled, 0.75),
            greatest: self.greatest,
            mean: self.mean,
            histogram: NumberHistogram::of(&sampled, self.whole),
        })
    }
}

impl NumberHistogram {
    /// Counts sorted numbers. The ranges span all but a hundredth at either end where that end is
    /// far away, so that few outliers do not hide the others. Up to 24 neighboring whole numbers
    /// have a range each.
    fn of(sorted: &[f64], whole: bool) -> NumberHistogram {
        let (least, greatest) = (sorted[0], sorted[sorted.len() - 1]);
        let (low, high) = (quantile(sorted, 0.01), quantile(sorted, 0.99));
        let width = high - low;
        let from = if low - least > width / 2.0 { low } else { least };
        let to = if greatest - high > width / 2.0 { high } else { greatest };
        let (from, to, bars) = match to - from {
            span if whole && span < BARS as f64 => {
                let (from, to) = (from.floor(), to.ceil());
                (from - 0.5, to + 0.5, (to - from) as usize + 1)
            }
            _ => (from, to, BARS),
        };
        let mut counts = vec![0; bars];
        for &number in sorted {
            // Divided first: the span of finite numbers may be infinite.
            let place = (number / (to - from) - from / (to - from)) * bars as f64;
            counts[(place.max(0.0) as usize).min(bars - 1)] += 1;
        }
        NumberHistogram { from, to, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(numbers: impl IntoIterator<Item = f64>) -> NumberSummary {
        let (mut tally, numbers) = (NumberTally::default(), Vec::from_iter(numbers));
        numbers.iter().for_each(|&number| tally.add(number));
        tally.finish(numbers).unwrap()
    }

    #[test]
    fn quartiles_are_those_of_numpy() {
        let found = summary([4.0, 1.0, 3.0, 2.0]);
        assert_eq!((found.first_quartile, found.median, found.third_quartile, found.mean), (1.75, 2.5, 3.25, 2.5));
        assert_eq!((found.least, found.greatest), (1.0, 4.0));
    }

    #[test]
    fn whole_numbers_have_a_bar_each_and_outliers_hide_nothing() {
        let dice = summary((0..600).map(|i| f64::from(i % 6 + 1))).histogram;
        assert_eq!((dice.from, dice.to, dice.counts), (0.5, 6.5, vec![100; 6]));
        let few = summary((0..1000).map(|i| f64::from(i) + 0.5).chain([1e9])).histogram;
        assert!(few.to < 1001.0 && few.counts.iter().all(|&count| count > 20), "{few:?}");
        assert_eq!(few.counts.iter().sum::<u64>(), 1001);
    }

    #[test]
    fn no_number_makes_a_figure_that_is_none() {
        for numbers in
            [vec![1e308, -1e308], vec![1e308; 2], vec![2.5], vec![0.0, f64::INFINITY], vec![1e-320, 2e-320, 3e-320]]
        {
            let found = summary(numbers.clone());
            assert!(found.least <= found.median && found.median <= found.greatest, "{numbers:?} {found:?}");
            assert!(found.least <= found.mean && found.mean <= found.greatest, "{numbers:?} {found:?}");
            assert!(found.histogram.counts.iter().sum::<u64>() > 0);
        }
        assert!(NumberTally::default().finish(Vec::new()).is_none());
    }
}
