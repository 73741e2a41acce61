//! The checks. Each takes a mask as a function, so that a broken one can be put in its place.

use furlough::nn::{Dropout, MaskKey};
use furlough::random::{Key, Stream};
use ndarray::Array2;

const LIMIT: f64 = 6.5;

/// Where one mask bit stands.
#[derive(Clone, Copy)]
pub struct Spot {
    pub seed: u64,
    pub stream: Stream,
    pub step: u32,
    pub layer: u32,
    pub example: u32,
    pub unit: u32,
}

impl Spot {
    /// The run, step and layer of the checks that vary the rest.
    pub const ORIGIN: Spot = Spot { seed: 20_140_615, stream: Stream::Dropout, step: 0, layer: 0, example: 0, unit: 0 };

    /// The word behind the bit.
    pub fn word(self) -> u32 {
        let Spot { seed, stream, step, layer, example, unit } = self;
        MaskKey { key: Key::new(seed), stream, step, layer }.word(example, unit)
    }
}

/// The definition: whether the bit drops its unit.
pub fn defined(p: f64) -> impl Fn(Spot) -> bool {
    let dropout = Dropout::new(p).unwrap();
    move |Spot { seed, stream, step, layer, example, unit }| {
        !dropout.keeps(&MaskKey { key: Key::new(seed), stream, step, layer }, example, unit)
    }
}

/// The score that is farthest from 0, with what it belongs to.
pub struct Worst(f64, String);

impl Worst {
    fn none() -> Self {
        Worst(0.0, String::new())
    }

    fn see(&mut self, z: f64, name: impl Fn() -> String) {
        if z.abs() > self.0.abs() || z.is_nan() {
            *self = Worst(z, name());
        }
    }

    #[track_caller]
    pub fn passes(self, what: &str) {
        assert!(self.0.abs() < LIMIT, "{what}: {} is {:.1} standard deviations off", self.1, self.0);
    }

    /// So far off that no choice of seeds explains it.
    fn clear(&self) -> bool {
        self.0.abs() > 2.0 * LIMIT
    }

    /// Fails, and clearly.
    #[track_caller]
    pub fn fails(self, what: &str) {
        assert!(self.clear(), "{what} is not noticed: at most {:.1} ({})", self.0, self.1);
    }
}

/// Drop counts over 4 layers × 16 steps × 256 examples × 512 units = 8.4 million bits: of all, of
/// each layer, step, example and unit, and how all these counts of one kind scatter (chi-squared).
///
/// Sees a rate that is off by 0.33 % · sqrt(q/p), relative to p: 0.33 % at p = 0.5, 0.66 % at 0.2,
/// 0.99 % at 0.1, 3.3 % at 0.01; at p = 0.5, a single unit that is off by 7.5 % and a single
/// example that is off by 5.3 %.
pub fn rates(p: f64, drops: impl Fn(Spot) -> bool) -> Worst {
    const SHAPE: [u32; 4] = [4, 16, 256, 512];
    let mut counts = SHAPE.map(|n| vec![0u64; n as usize]);
    for i in 0..SHAPE.iter().product() {
        let place = [i >> 21, i >> 17 & 15, i >> 9 & 255, i & 511];
        let [layer, step, example, unit] = place;
        if drops(Spot { layer, step, example, unit, ..Spot::ORIGIN }) {
            for (counts, index) in counts.iter_mut().zip(place) {
                counts[index as usize] += 1;
            }
        }
    }
    let total = f64::from(SHAPE.iter().product::<u32>());
    let mut worst = Worst::none();
    for (kind, counts) in ["layer", "step", "example", "unit"].into_iter().zip(&counts) {
        let bits = total / counts.len() as f64;
        let mut chi2 = 0.0;
        for (index, &count) in counts.iter().enumerate() {
            let z = (count as f64 - bits * p) / (bits * p * (1.0 - p)).sqrt();
            worst.see(z, || format!("{kind} {index}"));
            chi2 += z * z;
        }
        if counts.len() >= 256 {
            let n = counts.len() as f64;
            worst.see((chi2 - n) / (2.0 * n).sqrt(), || format!("the scatter of the {kind}s"));
        }
    }
    let all: u64 = counts[0].iter().sum();
    worst.see((all as f64 - total * p) / (total * p * (1.0 - p)).sqrt(), || "all".into());
    worst
}

/// A place made from another, with its name.
pub type Shift = (&'static str, fn(Spot) -> Spot);

/// Neighbors in every direction, one of each kind first. At lags of 16 and 64 units the word of a
/// counter and the counter change.
const SHIFTS: [Shift; 21] = [
    ("next unit", |s| Spot { unit: s.unit + 1, ..s }),
    ("unit + 16", |s| Spot { unit: s.unit + 16, ..s }),
    ("unit + 64", |s| Spot { unit: s.unit + 64, ..s }),
    ("next example", |s| Spot { example: s.example + 1, ..s }),
    ("next step", |s| Spot { step: s.step + 1, ..s }),
    ("next layer", |s| Spot { layer: s.layer + 1, ..s }),
    ("next seed", |s| Spot { seed: s.seed + 1, ..s }),
    ("seed + 2^32", |s| Spot { seed: s.seed + (1 << 32), ..s }),
    ("other stream", |s| Spot { stream: Stream::MonteCarlo, ..s }),
    ("unit + 2", |s| Spot { unit: s.unit + 2, ..s }),
    ("unit + 15", |s| Spot { unit: s.unit + 15, ..s }),
    ("unit + 32", |s| Spot { unit: s.unit + 32, ..s }),
    ("unit + 48", |s| Spot { unit: s.unit + 48, ..s }),
    ("unit + 512", |s| Spot { unit: s.unit + 512, ..s }),
    ("example + 16", |s| Spot { example: s.example + 16, ..s }),
    ("example + 256", |s| Spot { example: s.example + 256, ..s }),
    ("step + 235", |s| Spot { step: s.step + 235, ..s }),
    ("layer before", |s| Spot { layer: s.layer - 1, ..s }),
    ("unit and example exchanged", |s| Spot { unit: s.example + 512, example: s.unit, ..s }),
    ("next example and step", |s| Spot { example: s.example + 1, step: s.step + 1, ..s }),
    ("next seed, step + 7", |s| Spot { seed: s.seed + 1, step: s.step + 7, ..s }),
];

/// Correlation of each bit with the bit at each shift of its place, over 4 steps × 512 examples ×
/// 512 units = 1.05 million pairs. With a known rate, the sum of (a - p)(b - p) over n pairs has
/// mean 0 and variance n·p²q², even where pairs overlap, as long as none occurs twice.
///
/// Sees a correlation of 0.0093; a mask that is used twice has correlation 1, a score of 1024.
/// Stops at a shift that is clearly wrong.
pub fn independence(p: f64, drops: impl Fn(Spot) -> bool) -> Worst {
    let places = || {
        (0..4 * 512 * 512u32).map(|i| Spot {
            step: i >> 18,
            layer: 1,
            example: i >> 9 & 511,
            unit: i & 511,
            ..Spot::ORIGIN
        })
    };
    let n = places().count() as f64;
    let here: Vec<bool> = places().map(&drops).collect();
    let mut worst = Worst::none();
    for (name, shift) in SHIFTS {
        let (mut both, mut either) = (0u64, 0u64);
        for (a, spot) in here.iter().zip(places()) {
            let b = drops(shift(spot));
            both += u64::from(a & b);
            either += u64::from(*a) + u64::from(b);
        }
        let sum = both as f64 - p * either as f64 + n * p * p;
        worst.see(sum / (p * (1.0 - p) * n.sqrt()), || name.into());
        if worst.clear() {
            break;
        }
    }
    worst
}

/// A place somewhere in the whole range of every coordinate. Multiplying by an odd number is
/// one-to-one, so that no two places agree in a coordinate of full width, and none is another with
/// one bit flipped.
fn scattered(place: u32) -> Spot {
    Spot {
        seed: u64::from(place).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        step: place.wrapping_mul(0xC2B2_AE3D),
        layer: place.wrapping_mul(0x27D4_EB2F) >> 8,
        example: place.wrapping_mul(0x9E37_79B1),
        unit: place.wrapping_mul(0x85EB_CA77),
        ..Spot::ORIGIN
    }
}

/// Every bit of every coordinate matters: correlation over 32,768 pairs that differ in one bit of
/// the seed (64), step (32), layer (24), example (32) or unit (32). Sees a correlation of 0.053; a
/// bit that is ignored has 1, a score of 181. Stops at a bit that is clearly wrong.
pub fn every_bit(p: f64, drops: impl Fn(Spot) -> bool) -> Worst {
    let mut worst = Worst::none();
    for flipped in 0..184u32 {
        let flip = |s: Spot| match flipped {
            0..64 => Spot { seed: s.seed ^ 1 << flipped, ..s },
            64..96 => Spot { step: s.step ^ 1 << (flipped - 64), ..s },
            96..120 => Spot { layer: s.layer ^ 1 << (flipped - 96), ..s },
            120..152 => Spot { example: s.example ^ 1 << (flipped - 120), ..s },
            _ => Spot { unit: s.unit ^ 1 << (flipped - 152), ..s },
        };
        let mut sum = 0.0;
        for place in 0..1u32 << 15 {
            let spot = scattered(place);
            let centered = |spot| f64::from(u8::from(drops(spot))) - p;
            sum += centered(spot) * centered(flip(spot));
        }
        let z = sum / (p * (1.0 - p) * f64::from(1 << 15).sqrt());
        worst.see(z, || format!("bit {flipped} of seed, step, layer, example, unit"));
        if worst.clear() {
            break;
        }
    }
    worst
}

/// The scatter of the drop counts of 4,096 rows of 1,000 units, and of 1,000 columns of 4,096 rows,
/// must be binomial. Sees a variance of the rows that is off by 21 %, of the columns by 43 %: masks
/// with a fixed number of drops, or rows with rates of their own.
pub fn dispersion(p: f64, drops: impl Fn(Spot) -> bool) -> Worst {
    let (rows, units) = (4096u32, 1000u32);
    let mut columns = vec![0u32; units as usize];
    let mut counts = Vec::new();
    for example in 0..rows {
        let mut count = 0;
        for unit in 0..units {
            let drop = u32::from(drops(Spot { step: 5, layer: 2, example, unit, ..Spot::ORIGIN }));
            columns[unit as usize] += drop;
            count += drop;
        }
        counts.push(count);
    }
    let mut worst = Worst::none();
    for (name, counts, bits) in [("rows", counts, units), ("columns", columns, rows)] {
        let (n, variance) = (counts.len() as f64, f64::from(bits) * p * (1.0 - p));
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - f64::from(bits) * p).powi(2) / variance).sum();
        let kurtosis = (1.0 - 6.0 * p * (1.0 - p)) / variance; // of one count; 0 for a normal
        worst.see((chi2 - n) / (n * (2.0 + kurtosis)).sqrt(), || format!("the variance of the {name}"));
    }
    worst
}

/// Mean and variance of y over 4,096 masks of 16 examples × 40 units, each unit with a value of its
/// own, against E y = x and Var y = x² p/q. Scores of each unit, and of all 2.6 million together:
/// those see a scale that is off by 0.59 % · sqrt(p/q).
pub fn moments(p: f64, forward: impl Fn(&Array2<f32>, &[u32], &MaskKey) -> Array2<f32>) -> Worst {
    let masks = 4096;
    let x = Array2::from_shape_fn((16, 40), |(i, j)| (i as f32 - 7.7) * 0.3 + j as f32 * 0.11 + 0.013);
    let ids: Vec<u32> = (0..16).map(|i| i * 3_750).collect();
    let mut sum = Array2::<f64>::zeros(x.dim());
    let mut squares = Array2::<f64>::zeros(x.dim());
    for step in 0..masks {
        let site = MaskKey { key: Key::new(99), stream: Stream::MonteCarlo, step, layer: 1 };
        let y = forward(&x, &ids, &site);
        for ((sum, squares), (&y, &x)) in sum.iter_mut().zip(&mut squares).zip(y.iter().zip(&x)) {
            let relative = f64::from(y) / f64::from(x) - 1.0; // mean 0, variance p/q
            *sum += relative;
            *squares += relative * relative;
        }
    }
    let (q, n) = (1.0 - p, f64::from(masks));
    // The square of the relative error is 1 with probability p, (p/q)² otherwise: itself a coin,
    // and a constant at p = 0.5, where only rounding remains.
    let spread = ((p * q).sqrt() * (q - p).abs() / (q * q)).max(1e-5);
    let mut worst = Worst::none();
    let mut see = |name: String, sum: f64, squares: f64, n: f64| {
        worst.see(sum / (n * p / q).sqrt(), || format!("the mean of {name}"));
        worst.see((squares - n * p / q) / (n.sqrt() * spread), || format!("the variance of {name}"));
    };
    for ((place, &sum), &squares) in sum.indexed_iter().zip(&squares) {
        see(format!("unit {place:?}"), sum, squares, n);
    }
    see("all".into(), sum.sum(), squares.sum(), n * x.len() as f64);
    worst
}
