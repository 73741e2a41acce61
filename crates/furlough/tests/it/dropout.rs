//! The edges of `nn::Dropout`, and what holds for every mask.

use furlough::nn::{Dropout, Layer, MaskKey, Sequential};
use furlough::random::{Key, Stream};
use ndarray::{Array2, Axis, array};
use proptest::prelude::*;

furlough_harness::tests![
    p_0_is_the_identity_whatever_the_seed,
    p_0_takes_no_numbers_from_another_layer,
    p_1_is_plus_zero_whatever_comes_in,
    p_nearly_1_stays_finite,
    p_nearly_0_rounds_to_the_nearest_word,
    other_probabilities_are_errors_that_say_the_value,
    a_word_at_the_threshold_is_kept_and_one_below_is_dropped,
    dropped_infinities_and_nans_are_plus_zero_and_kept_ones_stay,
    ids_and_rows_must_agree_without_dropout_too,
    empty_batches_and_layers_are_empty,
    the_mean_over_masks_is_the_input,
    a_row_is_alone_and_anywhere_the_same,
    forward_is_the_formula,
    backward_is_the_transpose,
    masks_are_nested_in_p,
];

fn site(seed: u64, step: u32, layer: u32) -> MaskKey {
    MaskKey { key: Key::new(seed), stream: Stream::Dropout, step, layer }
}

fn bits(x: &Array2<f32>) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

/// Values that arithmetic likes to change: zeros of both signs, the smallest and greatest,
/// infinities, NaNs with payloads.
fn hard_values() -> Array2<f32> {
    let signalling = f32::from_bits(0x7f80_0001);
    let payload = f32::from_bits(0xffc1_2345);
    array![
        [0.0, -0.0, f32::MIN_POSITIVE, f32::from_bits(1)],
        [f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY],
        [f32::NAN, payload, signalling, -1.5]
    ]
}

fn p_0_is_the_identity_whatever_the_seed() {
    let x = hard_values();
    for p in [0.0, -0.0] {
        let none = Dropout::new(p).unwrap();
        assert!(none.is_identity());
        assert_eq!((none.threshold(), none.scale()), (0, 1.0));
        for seed in [0, 1, u64::MAX] {
            let site = site(seed, 4, 1);
            assert_eq!(bits(&none.forward(x.view(), &[5, 6, u32::MAX], &site)), bits(&x));
            assert_eq!(bits(&none.backward(x.view(), &[5, 6, u32::MAX], &site)), bits(&x));
        }
    }
    assert_eq!(Dropout::NONE, Dropout::new(0.0).unwrap());
}

/// No dropout before a layer, or one with p = 0, leaves the masks of the layers after it alone:
/// there is no generator to advance.
fn p_0_takes_no_numbers_from_another_layer() {
    use Layer::*;
    let with =
        Sequential::new([Dropout(0.0), Linear(4, 6), Relu, Dropout(0.0), Linear(6, 5), Dropout(0.5), Linear(5, 2)]);
    let without = Sequential::new([Linear(4, 6), Relu, Linear(6, 5), Dropout(0.5), Linear(5, 2)]);
    assert_eq!(with.validate().unwrap(), without.validate().unwrap());
}

fn p_1_is_plus_zero_whatever_comes_in() {
    let all = Dropout::new(1.0).unwrap();
    assert!(!all.is_identity());
    assert_eq!((all.threshold(), all.scale().to_bits()), (1 << 32, 0));
    let x = hard_values();
    for seed in [0, 1, u64::MAX] {
        let site = site(seed, u32::MAX, 0);
        assert_eq!(bits(&all.forward(x.view(), &[0, 1, 2], &site)), [0; 12]);
        assert_eq!(bits(&all.backward(x.view(), &[0, 1, 2], &site)), [0; 12]);
    }
}

/// Just below 1 the scale is huge, but finite; nothing may become NaN.
fn p_nearly_1_stays_finite() {
    let below_one = f64::from_bits(1.0f64.to_bits() - 1);
    for p in [below_one, 1.0 - 2f64.powi(-33), 1.0 - 2f64.powi(-32), 0.999_999] {
        let dropout = Dropout::new(p).unwrap();
        assert!(dropout.scale().is_finite() && dropout.scale() > 0.0, "p = {p}");
        let y = dropout.forward(Array2::ones((64, 64)).view(), &Vec::from_iter(0..64), &site(1, 0, 1));
        assert!(y.iter().all(|&v| v.to_bits() == 0 || v == dropout.scale()), "p = {p}");
    }
    assert_eq!(Dropout::new(below_one).unwrap().threshold(), 1 << 32);
    assert_eq!(Dropout::new(1.0 - 2f64.powi(-33)).unwrap().threshold(), 1 << 32, "a half is rounded up");
    assert_eq!(Dropout::new(1.0 - 2f64.powi(-32)).unwrap().threshold(), (1 << 32) - 1);
}

fn p_nearly_0_rounds_to_the_nearest_word() {
    let threshold = |p: f64| Dropout::new(p).unwrap().threshold();
    let half = 2f64.powi(-33);
    assert_eq!(threshold(half), 1, "a half is rounded up");
    assert_eq!(threshold(f64::from_bits(half.to_bits() - 1)), 0, "less than a half is not");
    assert_eq!(threshold(f64::from_bits(1)), 0, "the smallest number there is");
    assert_eq!(threshold(3.0 * half), 2);
    assert_eq!(threshold(5.0 * half), 3, "not to even");
    let tiny = Dropout::new(f64::from_bits(1)).unwrap();
    let x = array![[1.5f32, -0.0, f32::MAX]];
    assert_eq!(bits(&tiny.forward(x.view(), &[0], &site(1, 0, 1))), bits(&x), "no word is below 0");
}

fn other_probabilities_are_errors_that_say_the_value() {
    let above_one = f64::from_bits(1.0f64.to_bits() + 1);
    let below_zero = -f64::from_bits(1);
    for p in [f64::NAN, -f64::NAN, -0.1, 1.1, above_one, below_zero, f64::INFINITY, f64::NEG_INFINITY, 50.0] {
        let message = Dropout::new(p).unwrap_err().to_string();
        assert_eq!(message, format!("dropout = {p}: a drop probability lies between 0 (keep all) and 1 (drop all)"));
        let layers = [Layer::Linear(3, 4), Layer::Relu, Layer::Dropout(p), Layer::Linear(4, 2)];
        let message = Sequential::new(layers).validate().unwrap_err().to_string();
        assert!(message.starts_with("layer 3 (Dropout("), "{message}");
        assert!(message.ends_with(&format!("not {p}")), "{message}");
    }
}

fn a_word_at_the_threshold_is_kept_and_one_below_is_dropped() {
    let site = site(3, 9, 1);
    for unit in 0..200 {
        let word = f64::from(site.word(17, unit));
        assert!(Dropout::new(word / 4_294_967_296.0).unwrap().keeps(&site, 17, unit), "unit {unit}");
        assert!(!Dropout::new((word + 1.0) / 4_294_967_296.0).unwrap().keeps(&site, 17, unit), "unit {unit}");
    }
}

fn dropped_infinities_and_nans_are_plus_zero_and_kept_ones_stay() {
    let dropout = Dropout::new(0.5).unwrap();
    let site = site(8, 0, 2);
    for value in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -0.0, -3.0] {
        let y = dropout.forward(Array2::from_elem((20, 30), value).view(), &Vec::from_iter(0..20), &site);
        let mut seen = [0; 2];
        for ((row, unit), y) in y.indexed_iter() {
            let kept = dropout.keeps(&site, row as u32, unit as u32);
            seen[usize::from(kept)] += 1;
            match kept {
                true if value.is_nan() => assert!(y.is_nan()),
                true => assert_eq!(y.to_bits(), (value * 2.0).to_bits()),
                false => assert_eq!(y.to_bits(), 0),
            }
        }
        assert!(seen[0] > 200 && seen[1] > 200, "{seen:?} of 600");
    }
}

fn ids_and_rows_must_agree_without_dropout_too() {
    let forward = || Dropout::NONE.forward(Array2::zeros((3, 2)).view(), &[0, 1], &site(1, 0, 1));
    assert!(furlough_harness::panic_message(forward).contains("one example id a row"));
}

fn empty_batches_and_layers_are_empty() {
    let dropout = Dropout::new(0.5).unwrap();
    assert_eq!(dropout.forward(Array2::zeros((0, 7)).view(), &[], &site(1, 0, 1)).dim(), (0, 7));
    assert_eq!(dropout.forward(Array2::zeros((2, 0)).view(), &[4, 4], &site(1, 0, 1)).dim(), (2, 0));
}

/// The mean over masks is x. 40,000 masks: six standard errors are 0.03 · sqrt(p/q) · |x|, and the
/// mask of one unit is a coin without memory, so a right layer fails with probability 2e-9 a unit.
/// `mask_statistics` does this with more power.
fn the_mean_over_masks_is_the_input() {
    let x = array![[1.0f32, -2.0, 0.25, 1e-3, 300.0]];
    for p in [0.1f64, 0.5, 0.8] {
        let dropout = Dropout::new(p).unwrap();
        let mut sum = Array2::<f64>::zeros(x.dim());
        let masks = 40_000;
        for step in 0..masks {
            sum += &dropout.forward(x.view(), &[123], &site(6, step, 1)).mapv(f64::from);
        }
        let error = 6.0 * (p / (1.0 - p) / f64::from(masks)).sqrt();
        for (&sum, &x) in sum.iter().zip(&x) {
            assert!((sum / f64::from(masks) / f64::from(x) - 1.0).abs() < error, "p = {p}, x = {x}");
        }
    }
}

fn probability() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..1.0f64, (0u32..40).prop_map(|n| 2f64.powi(-(n as i32)))]
}

fn batch() -> impl Strategy<Value = (Vec<u32>, Array2<f32>)> {
    (prop::collection::vec(prop_oneof![any::<u32>(), Just(u32::MAX), 0u32..9], 1..12), 1usize..140).prop_flat_map(
        |(ids, units)| {
            let rows = ids.len();
            prop::collection::vec(any::<f32>(), rows * units)
                .prop_map(move |x| (ids.clone(), Array2::from_shape_vec((rows, units), x).unwrap()))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A row's output depends on its id and its values: not on its place, nor on what else is in
    /// the batch.
    fn a_row_is_alone_and_anywhere_the_same(
        (ids, x) in batch(), p in probability(), seed: u64, step: u32, layer in 0u32..1 << 24, turn in 0usize..12,
    ) {
        let (dropout, site) = (Dropout::new(p).unwrap(), site(seed, step, layer));
        let y = dropout.forward(x.view(), &ids, &site);
        for (row, &id) in ids.iter().enumerate() {
            let alone = dropout.forward(x.select(Axis(0), &[row]).view(), &[id], &site);
            prop_assert_eq!(bits(&alone), bits(&y.select(Axis(0), &[row])));
        }
        let mut places: Vec<usize> = (0..ids.len()).rev().collect();
        places.rotate_left(turn % ids.len());
        let turned: Vec<u32> = places.iter().map(|&place| ids[place]).collect();
        let turned = dropout.forward(x.select(Axis(0), &places).view(), &turned, &site);
        prop_assert_eq!(bits(&turned), bits(&y.select(Axis(0), &places)));
        // Nor on the width of the layer, nor on how the array lies in memory.
        let units = x.ncols().div_ceil(2);
        let narrow = dropout.forward(x.slice(ndarray::s![.., ..units]), &ids, &site);
        prop_assert_eq!(bits(&narrow), bits(&y.slice(ndarray::s![.., ..units]).to_owned()));
        let columns = x.t().as_standard_layout().into_owned();
        prop_assert_eq!(bits(&dropout.forward(columns.t(), &ids, &site)), bits(&y));
    }

    /// The whole layer, said once more with words and thresholds.
    fn forward_is_the_formula(
        (ids, x) in batch(), p in probability(), seed: u64, step: u32, layer in 0u32..1 << 24,
    ) {
        let (dropout, site) = (Dropout::new(p).unwrap(), site(seed, step, layer));
        let y = dropout.forward(x.view(), &ids, &site);
        for ((row, unit), &y) in y.indexed_iter() {
            let x = x[[row, unit]];
            let dropped = u64::from(site.word(ids[row], unit as u32)) < (p * 4_294_967_296.0).round() as u64;
            let expected = if dropped { 0.0 } else { x * ((1.0 / (1.0 - p)) as f32) };
            prop_assert_eq!(y.to_bits(), expected.to_bits());
        }
    }

    /// Backward has the mask of forward: with f(x) = sum(y · g), df/dx is g · factor. As dropout is
    /// linear, <forward(x), g> = <x, backward(g)>, exactly so for small integers and p = 1/2, where
    /// no sum is rounded.
    fn backward_is_the_transpose(
        (ids, x) in batch(), seed: u64, step: u32, layer in 0u32..1 << 24, p in probability(),
    ) {
        let small = x.mapv(|v| (v.to_bits() % 17) as f32 - 8.0);
        let g = x.mapv(|v| (v.to_bits() / 17 % 13) as f32 - 6.0);
        let site = site(seed, step, layer);
        let half = Dropout::new(0.5).unwrap();
        let left: f32 = (&half.forward(small.view(), &ids, &site) * &g).sum();
        let right: f32 = (&small * &half.backward(g.view(), &ids, &site)).sum();
        prop_assert_eq!(left, right);

        let dropout = Dropout::new(p).unwrap();
        let ones = dropout.forward(Array2::ones(x.dim()).view(), &ids, &site);
        prop_assert_eq!(bits(&dropout.backward(g.view(), &ids, &site)), bits(&(&g * &ones).mapv(|v| v + 0.0)));
    }

    /// A greater p drops what a smaller one drops, and more: the same words stand behind both.
    fn masks_are_nested_in_p(a in probability(), b in probability(), seed: u64, step: u32, example: u32, first: u32) {
        let (low, high) = (Dropout::new(a.min(b)).unwrap(), Dropout::new(a.max(b)).unwrap());
        let site = site(seed, step, 1);
        for unit in (0..64).map(|unit| first.wrapping_add(unit)) {
            prop_assert!(low.keeps(&site, example, unit) || !high.keeps(&site, example, unit));
        }
    }
}
