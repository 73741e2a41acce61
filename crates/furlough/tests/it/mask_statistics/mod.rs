//! Are the masks random? Statistical tests of the definition, and for each a mask that is broken in
//! a way that has happened to somebody, which the same test must refuse.
//!
//! Every statistic is a z-score: near enough normal with mean 0 and deviation 1 when all mask bits
//! are independent and have the rate that the definition promises. A check fails beyond 6.5
//! deviations. There lies a normal score with probability 8e-11, a drop count at p = 0.01 with
//! 1e-8, and the chi-squared of 256 counts, the most skewed score here, with 2e-7. All checks
//! together look at some 9,500 scores, so a perfect generator would fail with probability below
//! 1e-4 over the choice of the seeds; and the seeds are fixed, so the outcome never changes.
//!
//! A check "sees" an effect that moves its score by 9.5 deviations, so that it is missed once in a
//! thousand seeds.

mod checks;

use checks::*;
use furlough::nn::{Dropout, MaskKey};
use furlough::random::Stream;
use ndarray::Array2;

furlough_harness::tests![
    drop_rates,
    wrong_rates_are_noticed,
    neighbours_are_independent,
    shared_masks_are_noticed,
    no_bit_of_a_coordinate_is_ignored,
    counts_scatter_as_binomials,
    the_output_has_the_mean_and_variance_of_theory,
];

fn drop_rates() {
    for p in [0.01, 0.1, 0.2, 0.5, 0.9] {
        rates(p, defined(p)).passes(&format!("rates at p = {p}"));
    }
}

fn wrong_rates_are_noticed() {
    rates(0.5, defined(0.505)).fails("p = 0.5 off by 1 %");
    rates(0.2, defined(0.198)).fails("p = 0.2 off by 1 %");
    rates(0.2, defined(0.8)).fails("keep and drop confused");
    rates(0.2, |s| s.word() & 0xFFFF < Dropout::new(0.2).unwrap().threshold() as u32).fails("the wrong 16 bits");
    rates(0.1, |s| s.word() >> 24 < 25).fails("8 bits of the word");
    rates(0.2, |s| (s.word() as i32) < Dropout::new(0.2).unwrap().threshold() as i32).fails("a signed comparison");
    rates(0.5, |s| s.unit != 300 && defined(0.5)(s)).fails("one unit that is never dropped");
    rates(0.5, |s| s.example == 255 || defined(0.5)(s)).fails("one example that is always dropped");
    rates(0.5, |s| defined(0.5)(Spot { example: 0, ..s })).fails("a mask for the whole batch");
}

fn neighbours_are_independent() {
    for p in [0.2, 0.5, 0.8] {
        independence(p, defined(p)).passes(&format!("independence at p = {p}"));
    }
}

fn shared_masks_are_noticed() {
    let p = 0.2;
    let drops = defined(p);
    let broken: [Shift; 9] = [
        ("one mask for all layers", |s| Spot { layer: 0, ..s }),
        ("one mask for all steps", |s| Spot { step: 0, ..s }),
        ("one mask for all examples", |s| Spot { example: 0, ..s }),
        ("pairs of units", |s| Spot { unit: s.unit / 2, ..s }),
        ("output word 0 for all units", |s| Spot { unit: s.unit / 64 * 64 + s.unit % 16, ..s }),
        ("64 words for all units", |s| Spot { unit: s.unit % 64, ..s }),
        ("seed cut to 32 bits", |s| Spot { seed: s.seed & 0xFFFF_FFFF, ..s }),
        ("step and example added", |s| Spot { example: s.example.wrapping_sub(s.step), step: 0, ..s }),
        ("one stream", |s| Spot { stream: Stream::Dropout, ..s }),
    ];
    for (name, change) in broken {
        independence(p, |s| drops(change(s))).fails(name);
    }
    // A correlation of 0.02: one unit in fifty copies its neighbor.
    let copies = |s: Spot| s.word().wrapping_mul(0x9E37_79B9) < u32::MAX / 50;
    let copied = |s: Spot| drops(if copies(s) { Spot { unit: s.unit + 1, ..s } } else { s });
    independence(p, copied).fails("one unit in fifty that copies its neighbor");
}

fn no_bit_of_a_coordinate_is_ignored() {
    every_bit(0.5, defined(0.5)).passes("every bit at p = 0.5");
    every_bit(0.2, defined(0.2)).passes("every bit at p = 0.2");
    let drops = defined(0.5);
    let broken: [Shift; 4] = [
        ("example cut to 16 bits", |s| Spot { example: s.example & 0xFFFF, ..s }),
        ("step cut to 31 bits", |s| Spot { step: s.step & 0x7FFF_FFFF, ..s }),
        ("unit cut to 20 bits", |s| Spot { unit: s.unit & 0xF_FFFF, ..s }),
        ("layer cut to 8 bits", |s| Spot { layer: s.layer & 0xFF, ..s }),
    ];
    for (name, change) in broken {
        every_bit(0.5, |s| drops(change(s))).fails(name);
    }
}

fn counts_scatter_as_binomials() {
    for p in [0.1, 0.2, 0.5, 0.9] {
        dispersion(p, defined(p)).passes(&format!("dispersion at p = {p}"));
    }
    dispersion(0.2, |s| (s.unit + s.example) % 5 == 0).fails("exactly one unit in five");
    let own_rate = |s: Spot| defined(if s.example & 1 == 0 { 0.18 } else { 0.22 })(s);
    dispersion(0.2, own_rate).fails("rows with rates of 0.18 and 0.22");
    dispersion(0.2, |s| defined(0.2)(Spot { example: s.example / 2, ..s })).fails("pairs of rows with one mask");
}

fn the_output_has_the_mean_and_variance_of_theory() {
    let layer = |p: f64| {
        let dropout = Dropout::new(p).unwrap();
        move |x: &Array2<f32>, ids: &[u32], site: &MaskKey| dropout.forward(x.view(), ids, site)
    };
    for p in [0.1, 0.2, 0.5, 0.8] {
        moments(p, layer(p)).passes(&format!("moments at p = {p}"));
    }
    let scaled = |p: f64, by: f32| move |x: &Array2<f32>, ids: &[u32], site: &MaskKey| layer(p)(x, ids, site) * by;
    moments(0.2, scaled(0.2, 0.8)).fails("no scale");
    moments(0.5, scaled(0.5, 1.01)).fails("a scale that is 1 % too great");
    moments(0.2, scaled(0.2, 5.0 * 0.8)).fails("1/p as the scale");
    moments(0.2, layer(0.19)).fails("p = 0.19 instead of 0.2");
    let flat = |x: &Array2<f32>, _: &[u32], _: &MaskKey| x.clone();
    moments(0.2, flat).fails("no dropout at all: the mean is right, the variance is not");
}
