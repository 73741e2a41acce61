//! How far figures would be other ones on other examples.

use crate::random::{Key, Stream};
use serde::{Deserialize, Serialize};

/// A figure, and the interval that it may as well be in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FigureInterval {
    /// The figure of all examples.
    pub value: f64,
    /// The lower end of its interval; none where examples were not drawn again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// Returns some figures of `examples` examples with their 95 % percentile intervals: `figures` is
/// asked for them once with a weight of 1 for each example, and `resamples` times with how often it
/// is among as many that are drawn with replacement (`docs/reference/metrics.md`). A figure that is
/// none in a draw is left out of that one.
///
/// B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
///
/// ```
/// use furlough::{predict::bootstrap, random::Key};
/// let values = [1.0, 2.0, 4.0, 5.0];
/// let mean = |counts: &[u32]| {
///     vec![Some(values.iter().zip(counts).map(|(v, &count)| v * f64::from(count)).sum::<f64>() / 4.0)]
/// };
/// let mean = bootstrap(4, 1000, Key::new(0), mean)[0].unwrap();
/// assert_eq!(mean.value, 3.0);
/// assert!(mean.low < Some(2.0) && mean.high > Some(4.0));
/// ```
pub fn bootstrap(
    examples: usize,
    resamples: u32,
    key: Key,
    figures: impl Fn(&[u32]) -> Vec<Option<f64>>,
) -> Vec<Option<FigureInterval>> {
    let mut counts = vec![1; examples];
    let values = figures(&counts);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(resamples as usize); values.len()];
    for resample in 0..resamples {
        draw(&mut counts, resample, key);
        for (drawn, figure) in drawn.iter_mut().zip(figures(&counts)) {
            drawn.extend(figure);
        }
    }
    let interval = |(value, mut drawn): (Option<f64>, Vec<f64>)| {
        drawn.sort_by(f64::total_cmp);
        Some(FigureInterval { value: value?, low: quantile(&drawn, 0.025), high: quantile(&drawn, 0.975) })
    };
    values.into_iter().zip(drawn).map(interval).collect()
}

/// Counts how often each example is among as many that are drawn with replacement.
fn draw(counts: &mut [u32], resample: u32, key: Key) {
    counts.fill(0);
    let examples = counts.len() as u64;
    for four in 0..examples.div_ceil(4) {
        let words = key.draw(Stream::Bootstrap, 0, four as u32, resample, 0);
        for word in words.into_iter().take((examples - 4 * four).min(4) as usize) {
            counts[((u64::from(word) * examples) >> 32) as usize] += 1;
        }
    }
}

/// Returns the value below which a share of sorted values lies, on the line between two of them;
/// none of no values.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_drawn_as_there_are_and_each_as_often() {
        for examples in [1, 4, 7, 50] {
            let (mut counts, mut sums) = (vec![0; examples], vec![0.0; examples]);
            for resample in 0..2000 {
                draw(&mut counts, resample, Key::new(1));
                assert_eq!(counts.iter().sum::<u32>() as usize, examples);
                sums.iter_mut().zip(&counts).for_each(|(sum, &count)| *sum += f64::from(count));
            }
            assert!(sums.iter().all(|sum| (sum / 2000.0 - 1.0).abs() < 0.12), "{sums:?}");
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal_distribution() {
        let values: Vec<f64> = (0..400).map(|at| f64::from(at % 20)).collect();
        let mean = |counts: &[u32]| {
            vec![Some(values.iter().zip(counts).map(|(v, &count)| v * f64::from(count)).sum::<f64>() / 400.0), None]
        };
        let figures = bootstrap(400, 2000, Key::new(0), mean);
        let (mean, half) = (figures[0].unwrap(), 1.96 * (399.0f64 / 12.0).sqrt() / 20.0);
        assert_eq!((mean.value, figures[1]), (9.5, None));
        assert!((mean.low.unwrap() - 9.5 + half).abs() < 0.05 && (mean.high.unwrap() - 9.5 - half).abs() < 0.05);
    }

    #[test]
    fn without_draws_there_is_no_interval() {
        let figures = bootstrap(3, 0, Key::new(0), |_| vec![Some(1.0)]);
        assert_eq!(figures, [Some(FigureInterval { value: 1.0, low: None, high: None })]);
    }

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(
            [0.0, 0.025, 0.5, 1.0].map(|share| quantile(&[1.0, 3.0, 7.0], share)),
            [1.0, 1.1, 3.0, 7.0].map(Some)
        );
        assert_eq!(quantile(&[], 0.5), None);
    }
}
