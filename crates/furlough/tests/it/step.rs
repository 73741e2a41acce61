//! The fast step against the plain one, at shapes that leave tails everywhere, for each instruction
//! set of this machine.

use crate::common::case::Case;
use crate::common::{bits, data, nothing, site};
use furlough::compute::{Cpu, Isa, Precision, drop_in_place};
use furlough::data::{Batch, Dataset, Examples, Features, Targets};
use furlough::nn::{Activation, Dropout, DropoutKind, Init, MaskKey, MaskSharing, Mlp, Sequential};
use furlough::optim::UpdateRule;
use furlough::random::{Key, Stream};
use ndarray::Array2;

furlough_harness::tests![
    the_fast_masks_are_the_definition,
    dropout_in_place_is_the_definition,
    weights_changed_between_steps_are_not_taken_for_those_before,
    more_threads_than_tiles_of_rows_give_the_same_bits,
    bytes_and_numbers_give_the_same_bits_however_many_of_them_are_zero,
    what_does_not_fit_panics_before_anything_is_computed,
];

fn plain() -> Case {
    Case::new(&[48, 64, 32, 10], [0.0, 0.2, 0.5])
}

/// The masks themselves must agree to the bit: with weights that pass a unit straight through, the
/// outputs show them.
fn the_fast_masks_are_the_definition() {
    for isa in Isa::available() {
        for (units, p) in
            [(1, 0.5), (63, 0.1), (64, 0.9), (65, 0.5), (130, 1e-3), (200, 0.999_999), (77, 1.0), (77, 0.0)]
        {
            let network = Sequential::mlp(units, units, &[], Activation::Identity, p, &[]);
            let mut mlp = Mlp::new(network.validate().unwrap(), Init::Uniform(0.0), Key::new(0));
            for unit in 0..units {
                mlp.parameters_mut()[unit * units + unit] = 1.0;
            }
            let ones = Examples::try_from(Array2::ones((100, units))).unwrap();
            let masks = MaskKey { key: Key::new(u64::MAX - 5), stream: Stream::MonteCarlo, step: u32::MAX, layer: 0 };
            let mut outputs = vec![0.0; 100 * units];
            Cpu::with(mlp.architecture(), 1, 2, Precision::F32, isa).forward(
                &mlp,
                &ones,
                0..100,
                Some(&masks),
                &mut outputs,
            );
            let dropout = mlp.architecture().input_dropout();
            for (i, output) in outputs.iter().enumerate() {
                let expected = dropout.factor(&masks, (i / units) as u32, (i % units) as u32);
                assert_eq!(*output, expected, "{} p {p}, unit {}", isa.name(), i % units);
            }
        }
    }
}

fn dropout_in_place_is_the_definition() {
    for isa in Isa::available() {
        for (p, rows, width) in [(0.0, 2, 5), (0.5, 3, 64), (0.3, 5, 131), (1.0, 2, 70), (0.9, 1, 1)] {
            let dropout = Dropout::new(p).unwrap();
            let examples: Vec<u32> = (0..rows as u32).map(|row| 1000 - 7 * row).collect();
            let values = Array2::from_shape_fn((rows, width), |(i, j)| i as f32 - j as f32 / 3.0);
            let at = MaskKey { layer: 2, ..site(8) };
            let expected = dropout.forward(values.view(), &examples, &at);
            let mut values = values.into_raw_vec_and_offset().0;
            drop_in_place(dropout, &mut values, &examples, &at, isa);
            assert_eq!(bits(&values), bits(expected.as_slice().unwrap()), "{} {p} {rows} × {width}", isa.name());
        }
    }
}

/// A step leaves packed weights behind for the next one. They must not be used for others.
fn weights_changed_between_steps_are_not_taken_for_those_before() {
    let case = plain();
    let data = case.data();
    let examples: Vec<u32> = (0..case.batch as u32).collect();
    let batch = Batch { data: &data, examples: &examples };
    for precision in Precision::ALL {
        let mut mlp = case.mlp();
        let new = || Cpu::with(mlp.architecture(), case.batch, 2, precision, Isa::best());
        let (mut cpu, mut other) = (new(), new());
        cpu.train_step(&mut mlp, &mut nothing(), &case.rule, batch, &site(0));
        let kept = mlp.clone();
        // By hand, by another engine, and back to a copy from before.
        mlp.parameters_mut().iter_mut().for_each(|w| *w *= 1.5);
        let mut by_other = mlp.clone();
        other.train_step(&mut by_other, &mut nothing(), &case.rule, batch, &site(1));
        for start in [mlp, by_other, kept] {
            let (mut after, mut expected) = (start.clone(), start.clone());
            let mut fresh = Cpu::with(start.architecture(), case.batch, 2, precision, Isa::best());
            cpu.train_step(&mut after, &mut nothing(), &case.rule, batch, &site(2));
            fresh.train_step(&mut expected, &mut nothing(), &case.rule, batch, &site(2));
            assert!(expected != start && after == expected, "{precision:?}");
        }
    }
}

fn more_threads_than_tiles_of_rows_give_the_same_bits() {
    let kinds = [DropoutKind::Bernoulli, DropoutKind::Gaussian, DropoutKind::Alpha, DropoutKind::DropConnect];
    let acts = [Activation::Relu, Activation::Gelu];
    for (kind, activation, isa) in kinds
        .iter()
        .flat_map(|k| acts.map(|a| (*k, a)))
        .flat_map(|(k, a)| Isa::available().into_iter().map(move |i| (k, a, i)))
    {
        // A batch of several tiles with an odd end, columns of several parts with one, and more
        // outputs than a part has. Then so few rows that weights of whole vectors are read where
        // they lie.
        for (hidden, outputs, rows, precision) in [
            ([330, 321], 70, 250, Precision::F32),
            ([330, 321], 70, 250, Precision::Bf16),
            ([330, 321], 70, 97, Precision::F32),
            ([336, 320], 64, 29, Precision::F32),
            ([400, 321], 80, 32, Precision::F32),
        ] {
            let network = Sequential::mlp(113, outputs, &hidden, activation, 0.1, &[0.2, 0.5]);
            let network = network.with_dropout_kind(kind).with_sharing(if kind == DropoutKind::Gaussian {
                MaskSharing::rows(7).unwrap()
            } else {
                MaskSharing::PerExample
            });
            let start = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(3));
            let data = data(500, 113, outputs, true);
            let examples: Vec<u32> = (0..rows).map(|i| 499 - 2 * i).collect();
            let run = |threads: usize, room: usize| {
                let mut mlp = start.clone();
                let mut cpu = Cpu::with(mlp.architecture(), room, threads, precision, isa);
                let losses: Vec<u64> = (0..3)
                    .map(|step| {
                        let batch = Batch { data: &data, examples: &examples };
                        cpu.train_step(&mut mlp, &mut nothing(), &UpdateRule::default(), batch, &site(step))
                            .loss
                            .to_bits()
                    })
                    .collect();
                (losses, bits(mlp.parameters()))
            };
            let one = run(1, 256);
            // With room for no more than these rows, if they are few, weights are multiplied
            // backward where they lie.
            for (threads, room) in [(3, 256), (7, rows as usize), (16, 256), (1, rows as usize)] {
                let what = format!("{} {kind:?} {activation:?} {precision:?}", isa.name());
                assert_eq!(one, run(threads, room), "{what}, {rows} rows, room for {room}, {threads} threads");
            }
        }
    }
}

/// Bytes are read anew for the first layer's gradient, which leaves out the zeros of the deltas or
/// those of the features, whichever are more in a batch.
fn bytes_and_numbers_give_the_same_bits_however_many_of_them_are_zero() {
    let (inputs, outputs) = (150, 10);
    // A third of the examples has no zeros, a third some, a third hardly anything else.
    let byte = |example: usize, feature: usize| {
        let [word, value, ..] = Key::new(4).draw(Stream::Dropout, 0, example as u32, feature as u32, 0);
        if word % 10 < [0, 5, 9][example % 3] { 0 } else { (value % 255 + 1) as u8 }
    };
    let rows = Array2::from_shape_fn((900, inputs), |(example, feature)| byte(example, feature));
    let scale = 1.0 / 255.0;
    let numbers = Features::Floats(rows.mapv(|byte| f32::from(byte) * scale));
    let dataset = |features| {
        let labels = (0..900).map(|example| example % 10).collect();
        let names = (0..10).map(|class| class.to_string()).collect();
        Dataset::new(features, Targets::Classes { labels, names }, &[inputs]).unwrap()
    };
    let (bytes, numbers) = (dataset(Features::Bytes { rows, scale }), dataset(numbers));
    let network = Sequential::mlp(inputs, outputs, &[130, 64], Activation::Relu, 0.0, &[0.2, 0.5]);
    let start = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(3));
    // Batches of one third after the other, then of one for so long that what is decided by a mean
    // over steps changes, and changes again; the last one is smaller.
    let thirds = [0, 1, 2].into_iter().chain([2; 24]).chain([0; 12]).chain([1]);
    let batches: Vec<Vec<u32>> = thirds
        .enumerate()
        .map(|(b, third)| (0..if b == 39 { 90 } else { 200 }).map(|i| 3 * i + third).collect())
        .collect();
    assert_eq!(batches[39].len(), 90);
    for (isa, precision) in Isa::available().into_iter().flat_map(|isa| [(isa, Precision::F32), (isa, Precision::Bf16)])
    {
        let run = |data: &Dataset, threads: usize, fresh: bool| {
            let mut mlp = start.clone();
            let new = || Cpu::with(start.architecture(), 200, threads, precision, isa);
            let mut cpu = new();
            for (step, examples) in (0..).zip(&batches) {
                if fresh {
                    cpu = new();
                }
                cpu.train_step(&mut mlp, &mut nothing(), &UpdateRule::default(), Batch { data, examples }, &site(step));
            }
            bits(mlp.parameters())
        };
        let expected = run(&numbers, 1, true);
        assert_ne!(expected, bits(start.parameters()));
        for threads in [1, 2, 3, 16] {
            let what = format!("{} {precision:?}, {threads} threads", isa.name());
            assert_eq!(run(&bytes, threads, false), expected, "{what}, bytes");
            assert_eq!(run(&numbers, threads, false), expected, "{what}, numbers");
        }
    }
}

fn what_does_not_fit_panics_before_anything_is_computed() {
    let case = plain();
    let [inputs, .., outputs] = case.widths[..] else { unreachable!() };
    let fits = data(8, inputs, outputs, true);
    let before = case.mlp();
    let refused = |data: &Dataset, examples: &[u32], expected: &str| {
        let mut mlp = before.clone();
        let mut cpu = Cpu::new(mlp.architecture(), 8, 1);
        let step = || cpu.train_step(&mut mlp, &mut nothing(), &case.rule, Batch { data, examples }, &site(0));
        let message = furlough_harness::panic_message(step);
        assert!(message.contains(expected), "{message}");
        assert_eq!(mlp, before);
    };
    refused(&fits, &[], "batches of 1 to 8 examples");
    refused(&fits, &[0; 9], "batches of 1 to 8 examples");
    refused(&data(8, inputs + 1, outputs, true), &[0], "one input a feature");
    refused(&data(8, inputs, outputs + 1, true), &[0], "one output a class or target");
}
