//! What is decided before a step is taken.

use furlough::compute::{Cpu, Isa, Precision, StepPlan, StepSchedule};
use furlough::data::{Batch, Dataset, Features, Targets};
use furlough::nn::{Activation, MaskSharing, Sequential};
use ndarray::Array2;
use std::time::Duration;

furlough_harness::tests![
    every_instruction_set_gathers_alike,
    gradients_skip_the_zeros_of_the_factor_that_has_more,
    few_rows_multiply_weights_in_place,
    small_steps_take_one_thread_where_hand_overs_are_slow,
    rounding_takes_the_nearest_and_halves_to_even,
];

/// Examples of 784 bytes, of which so many tenths are not zero.
fn data(tenths: usize) -> Dataset {
    let rows = Array2::from_shape_fn((256, 784), |(_, j)| u8::from(j % 10 < tenths));
    let names = (0..10).map(|class| class.to_string()).collect();
    let labels = (0..256).map(|i| i % 10).collect();
    Dataset::new(Features::Bytes { rows, scale: 1.0 }, Targets::Classes { labels, names }, &[784]).unwrap()
}

fn plan(network: &Sequential, isa: Isa, (rows, tenths, factor): (usize, usize, f64)) -> StepPlan {
    let (data, examples) = (data(tenths), (0..rows as u32).collect::<Vec<_>>());
    let mut cpu = Cpu::with(&network.validate().unwrap(), rows, 2, Precision::F32, isa);
    cpu.plan_step(Batch { data: &data, examples: &examples }, factor).clone()
}

/// The choice changes how sums round, so it looks at shapes, p and sharing only.
fn every_instruction_set_gathers_alike() {
    for (width, p, group, factor) in [
        (256, 0.5, 64, 1.0),
        (512, 0.5, 64, 1.0),
        (1024, 0.5, 48, 1.0),
        (1024, 0.5, 64, 1.0),
        (1024, 0.5, 256, 1.0),
        (1024, 0.5, 256, 0.1),
        (1024, 0.35, 64, 1.0),
    ] {
        let sharing = MaskSharing::rows(group).unwrap();
        let network = Sequential::mlp(784, 10, &[width; 2], Activation::Relu, 0.0, &[p; 2]).with_sharing(sharing);
        let gathers = |isa, tenths| plan(&network, isa, (256, tenths, factor)).schedule == StepSchedule::Gathered;
        let first = gathers(Isa::best(), 5);
        assert_eq!(first, p == 0.5 && factor == 1.0 && width == 1024 && group >= 64, "{width} {p} {group} {factor}");
        for (isa, tenths) in Isa::available().into_iter().flat_map(|isa| [(isa, 1), (isa, 10)]) {
            assert_eq!(gathers(isa, tenths), first, "{} {width} {p} {group} {factor}", isa.name());
        }
    }
}

fn gradients_skip_the_zeros_of_the_factor_that_has_more() {
    // What the build was compiled for has no kernel that skips zeros.
    let skips = Isa::available().len() > 1;
    let delta_major = |activation, p: f64, rows: usize, tenths: usize| -> Vec<bool> {
        let network = Sequential::mlp(784, 10, &[256; 2], activation, 0.0, &[p; 2]);
        let blocks = plan(&network, Isa::best(), (rows, tenths, 1.0)).blocks;
        blocks.iter().map(|block| block.gradient.unwrap().delta_major).collect()
    };
    assert_eq!(delta_major(Activation::Relu, 0.5, 256, 5), [skips, false, false]);
    assert_eq!(delta_major(Activation::Relu, 0.5, 256, 1), [false; 3], "features have more zeros");
    assert_eq!(delta_major(Activation::Relu, 0.5, 16, 5), [false; 3], "too few rows");
    assert_eq!(delta_major(Activation::Tanh, 0.0, 256, 10), [false; 3], "no zeros");
}

fn few_rows_multiply_weights_in_place() {
    let network = Sequential::mlp(784, 10, &[256; 2], Activation::Relu, 0.0, &[0.5; 2]);
    for isa in Isa::available() {
        let in_place = |rows| -> Vec<bool> {
            plan(&network, isa, (rows, 5, 1.0)).blocks.iter().map(|block| block.forward.in_place).collect()
        };
        assert_eq!((in_place(32)[..2] == [true; 2], in_place(33)), (true, vec![false; 3]), "{}", isa.name());
    }
}

/// What was measured beside neighbors and beside cores that are apart, and what no time changes.
fn small_steps_take_one_thread_where_hand_overs_are_slow() {
    let threads = |isa, (width, rows): (usize, usize), hand_over: Option<u64>| {
        let network = Sequential::mlp(784, 10, &[width; 2], Activation::Relu, 0.0, &[0.5; 2]);
        let (data, examples) = (data(5), (0..rows as u32).collect::<Vec<_>>());
        let mut cpu = Cpu::with(&network.validate().unwrap(), rows, 2, Precision::F32, isa);
        hand_over.into_iter().for_each(|nanoseconds| cpu.set_hand_over(Duration::from_nanos(nanoseconds)));
        cpu.refresh_hand_over();
        let plan = cpu.plan_step(Batch { data: &data, examples: &examples }, 1.0);
        let expected = hand_over.map_or(plan.hand_over, Duration::from_nanos);
        assert!(plan.hand_over == expected && (hand_over == Some(0) || expected > Duration::ZERO));
        plan.threads
    };
    for isa in Isa::available() {
        assert_eq!(threads(isa, (4, 1), Some(0)), 2, "{}", isa.name());
        assert_eq!(threads(isa, (4, 1), Some(100_000)), 1, "{}", isa.name());
        assert_eq!(threads(isa, (1024, 256), Some(100_000)), 2, "{}", isa.name());
        threads(isa, (4, 1), None);
        if isa.name() == "AVX-512" {
            assert_eq!([150, 900].map(|time| threads(isa, (256, 16), Some(time))), [2, 1]);
        }
    }
}

fn rounding_takes_the_nearest_and_halves_to_even() {
    let bits = |b: u32| f32::from_bits(b);
    let round = |b: u32| Precision::Bf16.round(bits(b)).to_bits();
    assert_eq!(round(0x3F80_7FFF), 0x3F80_0000);
    assert_eq!(round(0x3F80_8000), 0x3F80_0000, "a half goes to the even neighbor below");
    assert_eq!(round(0x3F80_8001), 0x3F81_0000);
    assert_eq!(round(0x3F81_8000), 0x3F82_0000, "a half goes to the even neighbor above");
    assert_eq!(round(0x7F7F_FFFF), 0x7F80_0000, "the largest numbers round to infinity");
    assert_eq!(round(0xFF80_0000), 0xFF80_0000);
    assert_eq!(round(0x8000_0000), 0x8000_0000);
    for nan in [0x7F80_0001, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FC0_0000] {
        assert!(bits(round(nan)).is_nan());
    }
}
