//! A standard normal number from one random word.

/// The normal number of a word: Φ⁻¹((word + 1/2) / 2^32), with Φ the normal distribution function,
/// within 2e-6 relatively. Words that are each other's complement have opposite numbers; the
/// largest is 6.3380.
///
/// Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
/// Statistics 37 (1988), the version with seven figures (PPND7), of which words of 32 bits need two
/// of the three ranges. In single precision, each operation rounded by itself, so that it has the
/// same bits on every machine; `docs/reference/masks.md` lists them. No branch, no table, no call:
/// compilers make vectors of it.
///
/// ```
/// use furlough::random::normal;
/// assert_eq!(normal(0x4000_0000), -normal(0xBFFF_FFFF));
/// assert!((normal(0xBFFF_FFFF) - 0.674_489_75).abs() < 1e-6); // the upper quartile
/// ```
#[inline(always)]
pub fn normal(word: u32) -> f32 {
    const UNIT: f32 = 1.0 / 4_294_967_296.0;
    let lower = word < 0x8000_0000;
    // Whole steps from the nearer end, and from the middle: both below 2^31, so they may be
    // converted as signed numbers.
    let steps = if lower { word } else { !word };
    let tail = ((steps as i32) as f32 + 0.5) * UNIT;
    let q = ((0x7FFF_FFFF - steps) as i32 as f32 + 0.5) * UNIT;
    let r = 0.180_625 - q * q;
    let above = ((59.109_375 * r + 159.291_14) * r + 50.434_273) * r + 3.387_132_6;
    let below = ((67.187_56 * r + 78.757_76) * r + 17.895_17) * r + 1.0;
    let near = q * (above / below);
    let s = (-ln(tail)).sqrt() - 1.6;
    let above = ((0.170_238_21 * s + 1.306_728_5) * s + 2.756_815_4) * s + 1.423_437_2;
    let below = (0.120_211_33 * s + 0.737_001_66) * s + 1.0;
    let far = above / below;
    let size = if q <= 0.425 { near } else { far };
    if lower { -size } else { size }
}

/// The natural logarithm of a positive normal number, within 2e-7 where it is below 1 and within 2
/// units in the last place elsewhere; NaN stays NaN. Cephes' logf: x = 2^n m with m from sqrt(1/2)
/// to sqrt(2).
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.to_bits().wrapping_sub(0x3F35_04F3);
    let n = (bits as i32 >> 23) as f32;
    let m = f32::from_bits((bits & 0x007F_FFFF) + 0x3F35_04F3) - 1.0;
    let mut p = 7.037_683_6e-2;
    for coefficient in [
        -0.115_146_1,
        0.116_769_984,
        -0.124_201_41,
        0.142_493_23,
        -0.166_680_57,
        0.200_007_14,
        -0.249_999_94,
        0.333_333_3,
    ] {
        p = p * m + coefficient;
    }
    let square = m * m;
    let value = m + (m * square * p - 0.5 * square) + n * std::f32::consts::LN_2;
    if x.is_nan() { x } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ(z), and the density there.
    fn distribution(z: f64) -> (f64, f64) {
        let density = libm::exp(-0.5 * z * z) / std::f64::consts::TAU.sqrt();
        (0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2), density)
    }

    #[test]
    fn it_is_the_inverse_of_the_distribution_function() {
        // Both ends, the middle, the seams of the ranges, and a sweep.
        let seam = (0.075 * 4_294_967_296.0) as u32;
        let special = [0, 1, 2, 1 << 8, 1 << 24, seam - 1, seam, seam + 1, 0x7FFF_FFFF];
        for word in special.into_iter().chain((0..200_000).map(|i| i * 10_737)) {
            let z = f64::from(normal(word));
            let (probability, density) = distribution(z);
            let error = (probability - (f64::from(word) + 0.5) / 4_294_967_296.0) / density;
            assert!(error.abs() < 2e-6 * z.abs().max(1e-3), "{word:08x}: {z} is off by {error:e}");
            assert_eq!(normal(!word), -normal(word));
        }
    }

    #[test]
    fn its_moments_are_those_of_a_normal_number() {
        let count = 1 << 22;
        let words = (0..count).map(|i| (i << 10) + 512);
        let (mut square, mut fourth) = (0.0, 0.0);
        for word in words {
            let z = f64::from(normal(word)).powi(2);
            square += z;
            fourth += z * z;
        }
        let (square, fourth) = (square / f64::from(count), fourth / f64::from(count));
        assert!((square - 1.0).abs() < 1e-4 && (fourth - 3.0).abs() < 1e-2, "{square} {fourth}");
    }

    #[test]
    fn it_never_falls() {
        let words = || (0..4_000_000u32).map(|i| i * 1073);
        let drop = words().zip(words().skip(1)).map(|(a, b)| normal(a) - normal(b)).fold(f32::MIN, f32::max);
        // Neighboring words may change places by a rounding.
        assert!(drop < 1e-6, "{drop}");
    }

    #[test]
    fn ln_is_close() {
        for i in 0..4_000_000u32 {
            let x = f32::from_bits(0x3F00_0000 + 16 * i);
            let exact = libm::log(f64::from(x));
            let error = (f64::from(ln(x)) - exact).abs();
            assert!(error <= 2e-7 * exact.abs().max(1.0), "ln {x} is off by {error:e}");
        }
        assert_eq!(ln(1.0), 0.0);
        assert!(ln(f32::NAN).is_nan());
    }
}
