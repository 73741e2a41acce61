//! The quantile function of the normal distribution, in double precision.

/// Returns Φ⁻¹(p) for p from 1e-10 to 1 − 1e-10, within 1e-15 relatively.
///
/// Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
/// Statistics 37 (1988), the version with sixteen figures (PPND16), without its range beyond that.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * (polynomial(&NEAR_ABOVE, r) / polynomial(&NEAR_BELOW, r));
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-libm::log(tail)).sqrt() - 1.6;
    let size = polynomial(&FAR_ABOVE, r) / polynomial(&FAR_BELOW, r);
    if q < 0.0 { -size } else { size }
}

/// By Horner's rule, the lowest power first in the list.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const NEAR_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const NEAR_BELOW: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const FAR_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_8e-9,
];

#[cfg(test)]
mod tests {
    use super::normal_quantile;

    #[test]
    fn it_is_scipy_s() {
        // scipy.stats.norm.ppf
        for (p, expected) in [
            (1e-7, -5.199_337_582_192_816_5),
            (0.001, -3.090_232_306_167_813),
            (0.074, -1.446_632_067_158_978_5),
            (0.075, -1.439_531_470_938_456_3),
            (0.25, -0.674_489_750_196_081_7),
            (0.5, 0.0),
            (0.6, 0.253_347_103_135_799_7),
            (0.975, 1.959_963_984_540_054),
        ] {
            let found = normal_quantile(p);
            assert!((found - expected).abs() <= 1e-14 * f64::max(1.0, expected.abs()), "{p}: {found}, not {expected}");
        }
    }
}
