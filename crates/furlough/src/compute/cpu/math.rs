//! Elementary functions that the compiler can turn into vectors: no branch, no table, no call.

use crate::nn::Activation;
pub(super) use crate::random::ln;

/// e^x, within 2 units in the last place for -87 <= x <= 88; beyond, the value at the nearer end.
/// NaN stays NaN. Range reduction by ln 2 in two parts and the degree-5 polynomial of Cephes' expf.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let (near, power) = reduced_exp(x);
    (near + 1.0) * power
}

/// e^x - 1, within 3 units in the last place for -87 <= x <= 88, near 0 too; beyond, the value at
/// the nearer end. NaN stays NaN.
#[inline(always)]
fn exp_m1(x: f32) -> f32 {
    let (near, power) = reduced_exp(x);
    near * power + (power - 1.0)
}

/// e^r - 1 and 2^n, for x = r + n ln 2 with |r| at most half of ln 2.
#[inline(always)]
fn reduced_exp(x: f32) -> (f32, f32) {
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = p * r + coefficient;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(0x4B40_0000).wrapping_add(127) << 23);
    (p * r * r + r, power)
}

/// Within 2e-7 of tanh, and relatively so near 0. Cephes' tanhf.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let s = x * x;
    let mut p = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_8] {
        p = p * s + coefficient;
    }
    let near = x + x * s * p;
    let far = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if s < 0.390_625 { near } else { far }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The normal distribution function, within 1e-7: Abramowitz and Stegun 7.1.26 for erf. Also
/// returns exp(-x²/2).
#[inline(always)]
fn normal_cdf(x: f32) -> (f32, f32) {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut p = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        p = p * t + coefficient;
    }
    let gauss = exp(-z * z);
    let tail = 0.5 * p * t * gauss;
    (if x < 0.0 { tail } else { 1.0 - tail }, gauss)
}

/// tanh(ln(1 + e^z)) and its derivative. With n = e^z (e^z + 2) they are n / (n + 2) and, by
/// sigmoid(z) (1 - tanh²), 4 e^z (e^z + 1) / (n + 2)². Beyond 20 they are 1 and nearly 0.
#[inline(always)]
fn tanh_softplus(z: f32) -> (f32, f32) {
    let e = exp(if z > 20.0 { 20.0 } else { z });
    let n = e * (e + 2.0);
    let share = 1.0 / (n + 2.0);
    (n * share, 4.0 * e * (e + 1.0) * share * share)
}

/// The sine and the cosine within 1.3e-7 for |x| <= 8192; NaN stays NaN. Range reduction by π/2 in
/// three parts, exact up to there, and the polynomials of Cephes' sinf and cosf.
#[inline(always)]
pub(super) fn sin_cos(x: f32) -> (f32, f32) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let shifted = x * std::f32::consts::FRAC_2_PI + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = ((x - n * 1.570_312_5) - n * 4.837_513e-4) - n * 7.549_79e-8;
    let s = r * r;
    let sine = ((-1.951_529_6e-4 * s + 8.332_161e-3) * s - 0.166_666_55) * s * r + r;
    let cosine = ((2.443_315_7e-5 * s - 1.388_731_6e-3) * s + 4.166_664_6e-2) * s * s - 0.5 * s + 1.0;
    let quarter = shifted.to_bits();
    let (first, second) = if quarter & 1 == 0 { (sine, cosine) } else { (cosine, sine) };
    let negated = |value: f32, quarter: u32| f32::from_bits(value.to_bits() ^ (quarter & 2) << 30);
    (negated(first, quarter), negated(second, quarter.wrapping_add(1)))
}

/// λ and λα of SELU.
const SELU_ABOVE: f32 = Activation::SELU_LAMBDA as f32;
const SELU_BELOW: f32 = (Activation::SELU_LAMBDA * Activation::SELU_ALPHA) as f32;

/// [`Activation::value`], for vectors.
#[inline(always)]
pub(super) fn activate(activation: Activation, z: f32) -> f32 {
    match activation {
        Activation::Identity | Activation::Relu | Activation::LeakyRelu => activation.value(z),
        Activation::Tanh => tanh(z),
        Activation::Sigmoid => sigmoid(z),
        Activation::Gelu => z * normal_cdf(z).0,
        Activation::Silu => z * sigmoid(z),
        Activation::Selu => {
            let below = SELU_BELOW * exp_m1(z);
            if z > 0.0 { SELU_ABOVE * z } else { below }
        }
        Activation::Mish => z * tanh_softplus(z).0,
    }
}

/// [`Activation::derivative`], for vectors.
#[inline(always)]
pub(super) fn derivative(activation: Activation, z: f32) -> f32 {
    match activation {
        Activation::Identity | Activation::Relu | Activation::LeakyRelu => activation.derivative(z),
        Activation::Tanh => {
            let y = tanh(z);
            1.0 - y * y
        }
        Activation::Sigmoid => {
            let y = sigmoid(z);
            y * (1.0 - y)
        }
        Activation::Gelu => {
            let (cdf, gauss) = normal_cdf(z);
            cdf + z * gauss * 0.398_942_3
        }
        Activation::Silu => {
            let y = sigmoid(z);
            y * (1.0 + z * (1.0 - y))
        }
        Activation::Selu => {
            let below = SELU_BELOW * exp(z);
            if z > 0.0 { SELU_ABOVE } else { below }
        }
        Activation::Mish => {
            let (gate, slope) = tanh_softplus(z);
            gate + z * slope
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_ulps() {
        let mut worst = 0.0f64;
        for i in -870_000..880_000 {
            let x = i as f32 * 1e-4;
            let exact = libm::exp(f64::from(x));
            worst = worst.max((f64::from(exp(x)) - exact).abs() / exact);
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "relative error {worst:e}");
        let mut worst = 0.0f64;
        for i in -600_000..300_000 {
            let x = i as f32 * 3e-5;
            let exact = libm::expm1(f64::from(x));
            worst = worst.max((f64::from(exp_m1(x)) - exact).abs() / exact.abs().max(1e-30));
        }
        assert!(worst < 3.0 * f64::from(f32::EPSILON), "relative error of e^x - 1 {worst:e}");
        assert!(exp_m1(f32::NAN).is_nan() && exp_m1(0.0) == 0.0);
        assert!(exp(f32::NAN).is_nan());
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(f32::INFINITY) > 1e38);
    }

    #[test]
    fn sine_and_cosine_are_within_their_bound() {
        let mut worst = 0.0f64;
        for i in -800_000..=800_000 {
            // Dense near 0, and up to the bound.
            for x in [i as f32 * 1e-5, i as f32 * 0.010_24] {
                let (sine, cosine) = sin_cos(x);
                worst = worst.max((f64::from(sine) - libm::sin(f64::from(x))).abs());
                worst = worst.max((f64::from(cosine) - libm::cos(f64::from(x))).abs());
            }
        }
        assert!(worst < 1.3e-7, "off by {worst:e}");
        assert_eq!(sin_cos(0.0), (0.0, 1.0));
        assert!(sin_cos(f32::NAN).0.is_nan() && sin_cos(f32::NAN).1.is_nan());
    }

    #[test]
    fn activations_agree_with_their_definitions() {
        for activation in Activation::ALL {
            for i in -20_000..=20_000 {
                let z = i as f32 * 1e-3;
                let value = (activate(activation, z) - activation.value(z)).abs();
                let slope = (derivative(activation, z) - activation.derivative(z)).abs();
                let size = z.abs().max(1.0);
                assert!(value <= 4e-7 * size, "{activation:?}({z}) is off by {value:e}");
                assert!(slope <= 1e-6 * size, "{activation:?}'({z}) is off by {slope:e}");
            }
            assert!(activate(activation, f32::NAN).is_nan(), "{activation:?} hides a NaN");
        }
    }
}
