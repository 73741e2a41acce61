//! Numbers: scales, medians, and the indicator of a missing one.

use super::Scaling;
use super::normal_quantile::normal_quantile;
use serde::{Deserialize, Serialize};

/// How a number becomes a feature, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "scale")]
pub enum NumberScale {
    /// z/√(1 + (z/3)²) with z = factor · (x − center).
    Robust {
        /// The median.
        center: f64,
        /// 1 over the distance of the quartiles, 2 over the range, or 0.
        factor: f64,
    },
    /// factor · (x − center), at most [`NumberScale::MOST`] from 0.
    Standard {
        /// The mean.
        center: f64,
        /// 1 over the standard deviation, or 0.
        factor: f64,
    },
    /// The normal quantile of a share.
    Quantile {
        /// The values at equal distances of that share, ascending.
        knots: Vec<f64>,
    },
}

/// A number of a row as it enters a network, fitted: what to put where it is missing, and its
/// scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaledNumber {
    /// The training values' median, which stands for a missing one.
    pub median: f64,
    /// The scale.
    #[serde(flatten)]
    pub scale: NumberScale,
}

/// How many knots a quantile scale has at most.
const KNOTS: usize = 1000;

/// Where shares end: scikit-learn's bounds, beside which the quantile would be infinite.
const EDGE: f64 = 1e-7;

impl NumberScale {
    /// How far a standardized number may be from 0.
    pub const MOST: f64 = 1000.0;

    /// Returns the feature of a finite number: finite, whatever the number.
    pub fn apply(&self, x: f64) -> f64 {
        match self {
            NumberScale::Robust { center, factor } => smooth_clip(scaled(x, *center, *factor)),
            NumberScale::Standard { center, factor } => scaled(x, *center, *factor).clamp(-Self::MOST, Self::MOST),
            NumberScale::Quantile { knots } => {
                let share = share_of(x, knots).clamp(EDGE, 1.0 - EDGE);
                normal_quantile(share)
            }
        }
    }

    /// Whether it makes the same of all numbers.
    pub fn is_flat(&self) -> bool {
        match self {
            NumberScale::Robust { factor, .. } | NumberScale::Standard { factor, .. } => *factor == 0.0,
            NumberScale::Quantile { knots } => knots.first() == knots.last(),
        }
    }
}

/// Returns factor · (x − center). By halves, so that no difference of finite numbers overflows
/// before a small factor makes it finite again.
fn scaled(x: f64, center: f64, factor: f64) -> f64 {
    2.0 * (factor * (x / 2.0 - center / 2.0))
}

/// Returns z/√(1 + (z/3)²).
fn smooth_clip(z: f64) -> f64 {
    // Beyond this the root is z/3 to the last bit, and further out the square overflows.
    if z.abs() > 1e100 { 3.0 * z.signum() } else { z / (1.0 + (z / 3.0) * (z / 3.0)).sqrt() }
}

impl ScaledNumber {
    /// Fits a scale to the training values, in any order; all finite. Without any the median is 0
    /// and all is 0.
    pub fn fit(values: Vec<f64>, scaling: Scaling) -> Self {
        ScaledNumber::fit_with(values, None, scaling)
    }

    /// [`Self::fit`] to a sample, where mean and standard deviation of all values are known.
    pub(super) fn fit_with(mut values: Vec<f64>, moments: Option<(f64, f64)>, scaling: Scaling) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| quantile(&values, share);
        let median = at(0.5);
        let scale = match scaling {
            Scaling::Robust => {
                let quartiles = at(0.75) / 2.0 - at(0.25) / 2.0;
                let range = at(1.0) / 2.0 - at(0.0) / 2.0;
                let factor = if quartiles > 0.0 {
                    0.5 / quartiles
                } else if range > 0.0 {
                    1.0 / range
                } else {
                    0.0
                };
                NumberScale::Robust { center: median, factor: factor.min(f64::MAX) }
            }
            Scaling::Standard => {
                let (center, deviation) = moments.unwrap_or_else(|| mean_and_deviation(&values));
                let factor = if deviation > 0.0 { (1.0 / deviation).min(f64::MAX) } else { 0.0 };
                NumberScale::Standard { center, factor }
            }
            Scaling::Quantile => {
                let knots = values.len().clamp(1, KNOTS);
                let step = |knot: usize| if knots == 1 { 0.5 } else { knot as f64 / (knots - 1) as f64 };
                // Rounding must not make a knot smaller than the one before.
                let mut most = f64::NEG_INFINITY;
                let rising = |value: f64| {
                    most = most.max(value);
                    most
                };
                NumberScale::Quantile { knots: (0..knots).map(|knot| at(step(knot))).map(rising).collect() }
            }
        };
        ScaledNumber { median, scale }
    }

    /// Returns the feature of a number, where NaN and infinity are missing ones.
    pub fn apply(&self, x: f64) -> f32 {
        self.scale.apply(if x.is_finite() { x } else { self.median }) as f32
    }
}

/// Returns a quantile of ascending values by linear interpolation, as numpy's default has it; 0 of
/// none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let (a, b) = (sorted[low.min(last)], sorted[(low + 1).min(last)]);
    let distance = b - a;
    if !distance.is_finite() {
        return a * (1.0 - part) + b * part;
    }
    if part >= 0.5 { b - distance * (1.0 - part) } else { a + distance * part }
}

/// Returns the mean and the standard deviation (of all values, not of a sample).
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let size = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    if values.is_empty() || size == 0.0 {
        return (0.0, 0.0);
    }
    // Relative to the largest, so that no square overflows.
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value / size).sum::<f64>() / count;
    let square = values.iter().map(|value| (value / size - mean).powi(2)).sum::<f64>() / count;
    let first = values[0];
    // Equal values have no deviation, whatever rounding says.
    if values.iter().all(|&value| value == first) { (first, 0.0) } else { (mean * size, square.sqrt() * size) }
}

/// Returns the share of training values below x, from 0 to 1, by the knots. Where knots are equal
/// it is the middle of the shares that they stand for.
fn share_of(x: f64, knots: &[f64]) -> f64 {
    let last = knots.len() - 1;
    if last == 0 || knots[0] == knots[last] {
        return 0.5;
    }
    // scikit-learn's rule for both ends.
    if x <= knots[0] {
        return 0.0;
    }
    if x >= knots[last] {
        return 1.0;
    }
    let between = |at: usize| {
        // The greatest knot below x (or at it) and the next one.
        let (a, b) = (knots[at], knots[at + 1]);
        let part = if b > a { (x / 2.0 - a / 2.0) / (b / 2.0 - a / 2.0) } else { 0.0 };
        (at as f64 + part) / last as f64
    };
    let not_above = knots.partition_point(|&knot| knot <= x) - 1;
    let below = knots.partition_point(|&knot| knot < x);
    if knots[not_above] == x { 0.5 * (below + not_above) as f64 / last as f64 } else { between(not_above) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_are_numpy_s() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        // np.quantile(x, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
        let expected = [1.0, 1.5, 2.5, 6.0, 14.0, 24.0, 32.0];
        for (share, expected) in [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0].into_iter().zip(expected) {
            assert_eq!(quantile(&sorted, share), expected);
        }
        assert_eq!(quantile(&[-f64::MAX, f64::MAX], 0.5), 0.0);
    }

    #[test]
    fn a_robust_scale_is_by_its_formula() {
        let fitted = ScaledNumber::fit(vec![32.0, 1.0, 8.0, 2.0, 16.0, 4.0], Scaling::Robust);
        assert_eq!(fitted.scale, NumberScale::Robust { center: 6.0, factor: 1.0 / 11.5 });
        let z: f64 = (20.0 - 6.0) / 11.5;
        assert_eq!(fitted.apply(20.0), (z / (1.0 + (z / 3.0).powi(2)).sqrt()) as f32);
        assert_eq!((fitted.apply(f64::NAN), fitted.apply(f64::INFINITY)), (0.0, 0.0));
        // Equal quartiles: the range. Nothing but one value: 0.
        let fitted = ScaledNumber::fit(vec![0.0, 5.0, 5.0, 5.0, 5.0, 5.0, 9.0], Scaling::Robust);
        assert_eq!(fitted.scale, NumberScale::Robust { center: 5.0, factor: 2.0 / 9.0 });
        assert!(ScaledNumber::fit(vec![5.0, 5.0], Scaling::Robust).scale.is_flat());
        assert!(ScaledNumber::fit(vec![], Scaling::Robust).scale.is_flat());
    }

    #[test]
    fn a_standard_scale_is_scikit_learn_s() {
        // StandardScaler().fit_transform([[1], [2], [4], [8]])
        let fitted = ScaledNumber::fit(vec![1.0, 2.0, 4.0, 8.0], Scaling::Standard);
        for (x, expected) in [(1.0, -1.025_755_3), (2.0, -0.652_753_4), (4.0, 0.093_250_48), (8.0, 1.585_258_2)] {
            assert!((fitted.apply(x) - expected).abs() < 1e-6, "{x}: {}", fitted.apply(x));
        }
        assert_eq!(fitted.apply(1e300), 1000.0);
        let equal = ScaledNumber::fit(vec![0.1; 10], Scaling::Standard);
        assert!(equal.scale.is_flat() && equal.apply(7.0) == 0.0);
    }

    #[test]
    fn a_quantile_scale_is_scikit_learn_s() {
        // QuantileTransformer(n_quantiles=7, output_distribution="normal"), fitted on these.
        // Three of them are 2: there ours is the middle of their shares, and theirs is -0.2104.
        let fitted = ScaledNumber::fit(vec![1.0, 2.0, 2.0, 2.0, 3.0, 5.0, 9.0], Scaling::Quantile);
        for (x, expected) in [
            (0.0, -5.199_337_5),
            (1.0, -5.199_337_5),
            (1.5, -1.382_994),
            (2.0, -0.430_727_3),
            (2.5, 0.210_428_39),
            (3.0, 0.430_727_3),
            (7.0, 1.382_994),
            (9.0, 5.199_337_5),
            (99.0, 5.199_337_5),
        ] {
            assert!((fitted.apply(x) - expected).abs() < 1e-5, "{x}: {} not {expected}", fitted.apply(x));
        }
    }

    fn any_number() -> impl Strategy<Value = f64> {
        prop_oneof![
            prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
            (-5i32..5).prop_map(f64::from),
            Just(f64::MAX),
            Just(f64::MIN),
            Just(f64::MIN_POSITIVE),
        ]
    }

    proptest! {
        #[test]
        fn no_number_becomes_nan_or_infinity(
            values in prop::collection::vec(any_number(), 0..30),
            x in prop_oneof![any_number(), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
        ) {
            for scaling in [Scaling::Robust, Scaling::Standard, Scaling::Quantile] {
                let fitted = ScaledNumber::fit(values.clone(), scaling);
                prop_assert!(fitted.apply(x).is_finite(), "{scaling:?} {fitted:?}");
                for &value in &values {
                    prop_assert!(fitted.apply(value).is_finite(), "{scaling:?} {fitted:?} of {value}");
                }
            }
        }

        #[test]
        fn a_scale_never_falls(
            values in prop::collection::vec(-1e6f64..1e6, 1..30), a in -2e6f64..2e6, b in -2e6f64..2e6,
        ) {
            for scaling in [Scaling::Robust, Scaling::Standard, Scaling::Quantile] {
                let fitted = ScaledNumber::fit(values.clone(), scaling);
                prop_assert!(fitted.apply(a.min(b)) <= fitted.apply(a.max(b)), "{scaling:?}");
            }
        }
    }
}
