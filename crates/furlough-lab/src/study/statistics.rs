//! Means with their uncertainty, and whether two arms differ.
//!
//! Trials with the same seed see the same data in the same order and start from the same weights,
//! so two arms are compared seed by seed: by the mean of the *differences*, whose spread is usually
//! much smaller than that of either arm. Intervals are Student's (1908), exact when the differences
//! are normal. The sign-flip test (Fisher 1935, *The Design of Experiments*, §21) assumes only that
//! under the null hypothesis a difference is as likely to be positive as negative, and can
//! therefore never be smaller than 2^−n.

/// A mean and how far to trust it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// How many values it is of, at least 1.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n − 1; none for a single value.
    pub sd: Option<f64>,
    /// The 95 % confidence interval of the mean goes so far to either side; none for a single
    /// value.
    pub half_width: Option<f64>,
}

impl Estimate {
    /// The mean of `values` with Student's 95 % interval; none when there are no values.
    ///
    /// ```
    /// use furlough_lab::study::statistics::Estimate;
    /// let errors = Estimate::of(&[1.2, 1.4, 1.3]).unwrap();
    /// assert_eq!(format!("{:.2} ± {:.2}", errors.mean, errors.half_width.unwrap()), "1.30 ± 0.25");
    /// ```
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let sd = (n > 1).then(|| (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt());
        let half_width = sd.map(|sd| t_quantile(0.975, (n - 1) as f64) * sd / (n as f64).sqrt());
        Some(Estimate { n, mean, sd, half_width })
    }

    /// The mean of the differences `a[i] − b[i]`, with its interval; none when there are no values
    /// or not as many of each.
    pub fn of_differences(a: &[f64], b: &[f64]) -> Option<Self> {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        if a.len() == b.len() { Estimate::of(&differences) } else { None }
    }

    /// The lower and the upper end of the interval.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width.map(|half| (self.mean - half, self.mean + half))
    }

    /// Whether 0 is outside the interval: for differences, whether the arms differ, at the 5 %
    /// level.
    pub fn excludes_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }
}

/// Which alternative a test is against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The mean difference is not 0.
    Both,
    /// It is above 0.
    Above,
    /// It is below 0.
    Below,
}

/// Up to so many differences all patterns of signs are gone through: 2^20 of them take some
/// milliseconds.
pub const SIGN_FLIP_LIMIT: usize = 20;

/// The exact p-value of the sign-flip permutation test: the share of the 2^n patterns of signs that
/// give a sum at least as extreme as the one that was seen, which is itself one of them. None
/// without differences and for more than [`SIGN_FLIP_LIMIT`] of them, where Student's interval
/// serves.
///
/// ```
/// use furlough_lab::study::statistics::{Tail, sign_flip};
/// // Five seeds, all in favor: no test of signs can say more than 1 in 32, or 1 in 16 on both sides.
/// assert_eq!(sign_flip(&[0.2, 0.1, 0.3, 0.2, 0.4], Tail::Above), Some(1.0 / 32.0));
/// assert_eq!(sign_flip(&[0.2, 0.1, 0.3, 0.2, 0.4], Tail::Both), Some(1.0 / 16.0));
/// ```
pub fn sign_flip(differences: &[f64], tail: Tail) -> Option<f64> {
    let n = differences.len();
    if n == 0 || n > SIGN_FLIP_LIMIT {
        return None;
    }
    let size = |sum: f64| match tail {
        Tail::Both => sum.abs(),
        Tail::Above => sum,
        Tail::Below => -sum,
    };
    // Sums that are equal on paper may differ in their last bits, by the order in which they were
    // taken.
    let slack = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let seen = size(differences.iter().sum()) - slack;
    let extreme = (0u32..1 << n).filter(|signs| {
        let signed = differences.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 1 { -d } else { *d });
        size(signed.sum()) >= seen
    });
    Some(extreme.count() as f64 / (1u64 << n) as f64)
}

/// The share of Student's t distribution with `df` degrees of freedom (above 0) that lies below
/// `t`.
pub fn t_cdf(t: f64, df: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(df / 2.0, 0.5, df / (df + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The t below which the share `p` (above 0, below 1) of Student's t distribution with `df` degrees
/// of freedom (above 0) lies. [`t_cdf`] turned round by bisection, to the last bits of a double.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    if p <= 0.5 {
        return if p == 0.5 { 0.0 } else { -t_quantile(1.0 - p, df) };
    }
    let (mut low, mut high) = (0.0, 1.0);
    while t_cdf(high, df) < p && high < f64::MAX / 2.0 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if t_cdf(middle, df) < p { low = middle } else { high = middle }
    }
    high
}

/// The regularized incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and
/// Stegun 1964, 26.5.8), evaluated from the front after Lentz (1976).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    // The fraction converges fast on this side of the mean; on the other, the function's symmetry
    // leads back to it.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    let away = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        for term in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front.exp() * fraction / a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    }

    const QUANTILES: [(f64, f64, f64); 12] = [
        (0.975, 1.0, 12.706204736174694),
        (0.975, 2.0, 4.302652729749462),
        (0.975, 3.0, 3.1824463052837078),
        (0.975, 4.0, 2.7764451051977934),
        (0.975, 9.0, 2.262157162798205),
        (0.975, 19.0, 2.0930240544083087),
        (0.975, 30.0, 2.0422724563012378),
        (0.975, 120.0, 1.9799304050824402),
        (0.95, 4.0, 2.1318467863266495),
        (0.995, 5.0, 4.032142983555228),
        (0.9995, 8.0, 5.041305433373456),
        (0.6, 2.5, 0.2814595127485477),
    ];

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Two-sided 95 %, and others; the digits beyond the printed tables' are SciPy's
        // (scipy.stats.t.ppf).
        for (p, df, t) in QUANTILES {
            near(t_quantile(p, df), t);
            near(t_quantile(1.0 - p, df), -t);
            near(t_cdf(t, df), p);
        }
        near(t_cdf(0.0, 3.0), 0.5);
        assert_eq!(t_quantile(0.5, 7.0), 0.0);
    }

    #[test]
    fn students_own_example() {
        // Student 1908, the hours of sleep gained by two drugs (Cushny and Peebles 1905): paired
        // difference 1.58, t = 4.06.
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let gain = Estimate::of_differences(&second, &first).unwrap();
        near(gain.mean, 1.58);
        let (low, high) = gain.interval().unwrap();
        // As R's t.test prints it for this very data (`sleep`).
        assert_eq!((format!("{low:.7}"), format!("{high:.7}")), ("0.7001142".into(), "2.4598858".into()));
        assert!(gain.excludes_zero());
        // 4 patterns of 1024 are as extreme: all positive, with the pair that is 0 either way, and
        // their mirror images.
        let differences: Vec<f64> = second.iter().zip(first).map(|(a, b)| a - b).collect();
        assert_eq!(sign_flip(&differences, Tail::Both), Some(4.0 / 1024.0));
        assert_eq!(sign_flip(&differences, Tail::Above), Some(2.0 / 1024.0));
        assert_eq!(sign_flip(&differences, Tail::Below), Some(1.0));
    }

    #[test]
    fn few_values_say_little() {
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[2.0]), Some(Estimate { n: 1, mean: 2.0, sd: None, half_width: None }));
        assert!(!Estimate::of(&[2.0]).unwrap().excludes_zero());
        assert_eq!(Estimate::of_differences(&[1.0, 2.0], &[1.0]), None);
        let equal = Estimate::of(&[3.0, 3.0, 3.0]).unwrap();
        assert_eq!((equal.sd, equal.half_width), (Some(0.0), Some(0.0)));
        assert!(equal.excludes_zero());
    }

    #[test]
    fn signs_are_counted() {
        // Of ±1 ±2 ±4 the sums are −7, −5 … 7; 3 = 1 − 2 + 4 … is seen here.
        let seen = [1.0, -2.0, 4.0];
        assert_eq!(sign_flip(&seen, Tail::Above), Some(3.0 / 8.0));
        assert_eq!(sign_flip(&seen, Tail::Below), Some(6.0 / 8.0));
        assert_eq!(sign_flip(&seen, Tail::Both), Some(6.0 / 8.0));
        // Ties that rounding would break.
        assert_eq!(sign_flip(&[0.1, 0.2, -0.3], Tail::Both), Some(1.0));
        assert_eq!(sign_flip(&[0.0; 4], Tail::Both), Some(1.0));
        assert_eq!(sign_flip(&[], Tail::Both), None);
        assert!(sign_flip(&[1.0; SIGN_FLIP_LIMIT], Tail::Above).is_some_and(|p| p == 1.0 / f64::from(1 << 20)));
        assert_eq!(sign_flip(&[1.0; SIGN_FLIP_LIMIT + 1], Tail::Above), None);
    }
}
