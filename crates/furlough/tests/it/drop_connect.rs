//! DropConnect: the fast step against the plain one, and what holds for every mask of weights.

use crate::common::{
    Tolerance, bits, check_gradient, check_passes, data, sampled, site, velocity, whole_and_in_pieces,
};
use furlough::compute::{Cpu, Isa, Precision};
use furlough::data::{Batch, digits};
use furlough::nn::{Architecture, Dropout, Init, Layer, Layer::*, MaskSite, Mlp, Sequential, drop_connect};
use furlough::optim::Sgd;
use furlough::random::{Key, Stream};
use furlough::train::TrainOptions;
use ndarray::Array2;

furlough_harness::tests![
    the_fast_step_is_the_plain_step,
    any_number_of_threads_gives_the_same_bits,
    gradients_are_those_of_finite_differences_with_the_masks_frozen,
    the_definition_is_dropout_of_weights_in_streams_of_its_own,
    known_answers,
    p_0_is_no_dropout_and_p_1_leaves_biases,
    what_is_dropped_does_not_move,
    a_step_whose_loss_is_not_finite_changes_nothing,
    a_pass_is_the_forward_pass_with_its_masks,
    digits_are_learnt_and_resuming_changes_no_bit,
];

struct Case {
    layers: Vec<Layer>,
    batch: usize,
    optimizer: Sgd,
    classes: bool,
}

impl Case {
    fn mlp(&self) -> Mlp {
        let architecture = Sequential::new(self.layers.clone()).validate().unwrap();
        let mut mlp = Mlp::new(architecture, Init::Kaiming, Key::new(3));
        let biases = mlp.architecture().ranges(0).1;
        mlp.parameters_mut()[biases].iter_mut().enumerate().for_each(|(i, b)| *b = 0.1 - 0.03 * (i % 7) as f32);
        mlp
    }
}

fn cases() -> Vec<Case> {
    let momentum = Sgd { learning_rate: 0.1, momentum: 0.9, ..Sgd::default() };
    let all = Sgd { nesterov: true, weight_decay: 0.01, max_norm: Some(1.1), ..momentum };
    let decay = Sgd { learning_rate: 0.1, weight_decay: 0.1, max_norm: Some(0.5), ..Sgd::default() };
    let case = |layers: &[Layer], batch, optimizer| Case { layers: layers.to_vec(), batch, optimizer, classes: true };
    vec![
        case(
            &[Linear(48, 64), Relu, DropConnect(0.5), Linear(64, 32), Relu, DropConnect(0.2), Linear(32, 10)],
            64,
            all,
        ),
        case(&[DropConnect(0.1), Linear(65, 130), Tanh, DropConnect(0.5), Linear(130, 7)], 67, Sgd::default()),
        // Weights in columns that several tiles share, beside ordinary dropout.
        case(
            &[
                Dropout(0.2),
                Linear(113, 150),
                Relu,
                DropConnect(0.4),
                Linear(150, 1100),
                Relu,
                Dropout(0.5),
                Linear(1100, 3),
            ],
            97,
            momentum,
        ),
        case(&[DropConnect(0.3), Linear(1, 1), Gelu, DropConnect(0.9), Linear(1, 2)], 1, decay),
        // So few examples that weights are multiplied where they lie.
        case(
            &[Linear(70, 64), Relu, DropConnect(0.5), Linear(64, 48), Silu, DropConnect(0.5), Linear(48, 32)],
            16,
            decay,
        ),
        case(&[Linear(40, 64), Relu, DropConnect(1.0), Linear(64, 48), Relu, Linear(48, 10)], 40, all),
        case(&[DropConnect(0.5), Linear(17, 10)], 130, Sgd::default()),
        Case { classes: false, ..case(&[Linear(30, 70), Sigmoid, DropConnect(0.25), Linear(70, 5)], 33, all) },
    ]
}

fn the_fast_step_is_the_plain_step() {
    let engines = Isa::available().into_iter().flat_map(|isa| Precision::ALL.map(|precision| (isa, precision)));
    for (isa, precision) in engines {
        for (number, case) in cases().iter().enumerate() {
            let what = format!("{} {} case {number}", isa.name(), precision.name());
            let start = case.mlp();
            let (inputs, outputs) = (start.architecture().inputs(), start.architecture().outputs());
            let data = data(2 * case.batch, inputs, outputs, case.classes);
            let examples: Vec<u32> = (0..case.batch as u32).map(|i| 2 * case.batch as u32 - 1 - i).collect();
            let batch = Batch { data: &data, examples: &examples };
            let mut cpu = Cpu::with(start.architecture(), case.batch + 5, 2, precision, isa);
            let tolerance = Tolerance { precision, slack: 1.0 };
            let fast = tolerance.check_steps(&what, &mut cpu, &start, &case.optimizer, batch, |_, _, _, _| ());
            // All weights at inference, whatever the last call left packed; masked ones where masks are asked for.
            for masks in [None, Some(site(5)), None, Some(sampled(5))] {
                let rows = (&data, 0..case.batch as u32);
                tolerance.check_outputs(&what, &mut cpu, &fast, rows, masks.as_ref());
            }
        }
    }
}

fn any_number_of_threads_gives_the_same_bits() {
    for case in cases() {
        let before = case.mlp();
        let data = data(4 * case.batch, before.architecture().inputs(), before.architecture().outputs(), case.classes);
        let examples: Vec<u32> = (0..4 * case.batch as u32).collect();
        for precision in Precision::ALL {
            let run = |threads: usize| {
                let (mut mlp, mut velocity) = (before.clone(), velocity(&case.optimizer, &before));
                let mut cpu = Cpu::with(mlp.architecture(), examples.len(), threads, precision, Isa::best());
                let batch = Batch { data: &data, examples: &examples };
                let mut step =
                    |step| cpu.train_step(&mut mlp, &mut velocity, &case.optimizer, batch, &site(step)).loss.to_bits();
                let losses: Vec<u64> = (0..3).map(&mut step).collect();
                (losses, bits(mlp.parameters()), bits(&velocity))
            };
            let one = run(1);
            assert_eq!(one, run(2));
            assert_eq!(one, run(5));
        }
    }
}

fn gradients_are_those_of_finite_differences_with_the_masks_frozen() {
    for (activation, classes) in [(Tanh, true), (Gelu, false)] {
        let layers =
            vec![DropConnect(0.2), Linear(11, 9), activation, DropConnect(0.5), Linear(9, 7), activation, Linear(7, 3)];
        let case = Case { layers, batch: 13, optimizer: Sgd { learning_rate: 1.0, ..Sgd::default() }, classes };
        let (data, before) = (data(13, 11, 3, classes), case.mlp());
        let examples: Vec<u32> = (0..13).collect();
        let batch = Batch { data: &data, examples: &examples };
        let mut cpu = Cpu::new(before.architecture(), 13, 1);
        let mut after = before.clone();
        cpu.train_step(&mut after, &mut [], &case.optimizer, batch, &site(1));
        check_gradient(&before, &after, 1e-4, &format!("{activation}"), |mlp| {
            cpu.train_step(mlp, &mut [], &case.optimizer, batch, &site(1)).loss / 13.0
        });
    }
}

fn the_definition_is_dropout_of_weights_in_streams_of_its_own() {
    let half = Dropout::new(0.5).unwrap();
    let ones = Array2::ones((70, 90));
    let training = drop_connect(half, ones.view(), &site(4));
    for ((input, unit), &weight) in training.indexed_iter() {
        let kept = half.keeps(&MaskSite { stream: Stream::DropConnect, ..site(4) }, input as u32, unit as u32);
        assert_eq!(weight, if kept { 2.0 } else { 0.0 });
    }
    // Another step, the stream of predictions, another layer: other masks, each about half of the weights.
    let others = [site(5), sampled(4), MaskSite { layer: 1, ..site(4) }];
    for other in others.map(|site| drop_connect(half, ones.view(), &site)) {
        let same = training.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!((2900..3400).contains(&same), "{same} of 6300 weights agree");
        assert!((6000.0..6600.0).contains(&other.sum()));
    }
    let weights = Array2::from_shape_fn((3, 4), |(i, j)| i as f32 - j as f32);
    assert_eq!(drop_connect(Dropout::NONE, weights.view(), &site(0)), weights);
    let none = drop_connect(Dropout::new(1.0).unwrap(), weights.view(), &site(0));
    assert!(none.iter().all(|w| w.to_bits() == 0));
}

/// The first weights of seed 1, step 0, before the second linear layer; computed from the page of the masks by `scripts/masks.py`.
fn known_answers() {
    assert_eq!([Stream::DropConnect as u32, Stream::DropConnectMonteCarlo as u32], [4, 6]);
    let at = MaskSite { key: Key::new(1), step: 0, layer: 1, ..site(0) };
    let words = |site: MaskSite, input| [0, 1, 15, 16, 64].map(|unit| site.of_weights().word(input, unit));
    assert_eq!(words(at, 0), KNOWN[0]);
    assert_eq!(words(at, 7), KNOWN[1]);
    assert_eq!(words(MaskSite { stream: Stream::MonteCarlo, ..at }, 7), KNOWN[2]);
}

const KNOWN: [[u32; 5]; 3] = [
    [3122978179, 1540159810, 1689387475, 3036508578, 1488892763],
    [538774033, 820302007, 2879284836, 3298048235, 1439958192],
    [3070856890, 497450955, 3578286333, 1982831292, 1438202156],
];

fn p_0_is_no_dropout_and_p_1_leaves_biases() {
    let with = |p| Sequential::new([Linear(9, 8), Relu, DropConnect(p), Linear(8, 3)]).validate().unwrap();
    let without = Sequential::new([Linear(9, 8), Relu, Linear(8, 3)]).validate().unwrap();
    let data = data(20, 9, 3, true);
    let examples: Vec<u32> = (0..20).collect();
    let batch = Batch { data: &data, examples: &examples };
    let train = |architecture: &Architecture| {
        let mut mlp = Mlp::new(architecture.clone(), Init::Kaiming, Key::new(3));
        let sums = Cpu::new(architecture, 20, 1).train_step(&mut mlp, &mut [], &Sgd::default(), batch, &site(0));
        (sums.loss.to_bits(), mlp)
    };
    let (none, plain) = (train(&with(0.0)), train(&without));
    assert_eq!((none.0, bits(none.1.parameters())), (plain.0, bits(plain.1.parameters())));

    let mut mlp = Mlp::new(with(1.0), Init::Kaiming, Key::new(3));
    let biases = mlp.architecture().ranges(1).1;
    mlp.parameters_mut()[biases].copy_from_slice(&[0.5, -1.0, 2.0]);
    let before = mlp.clone();
    let mut cpu = Cpu::new(mlp.architecture(), 20, 1);
    let mut outputs = [0.0; 60];
    cpu.forward(&mlp, &data, 0..20, Some(&site(0)), &mut outputs);
    assert!(outputs.chunks(3).all(|row| row == [0.5, -1.0, 2.0]));
    cpu.train_step(&mut mlp, &mut [], &Sgd::default(), batch, &site(0));
    let moved = |block: usize| mlp.weights(block) != before.weights(block) || mlp.biases(block) != before.biases(block);
    assert!(!moved(0) && mlp.weights(1) == before.weights(1) && mlp.biases(1) != before.biases(1));
}

fn what_is_dropped_does_not_move() {
    let case = &cases()[1];
    let (before, mut after) = (case.mlp(), case.mlp());
    let data = data(67, 65, 7, true);
    let examples: Vec<u32> = (0..67).collect();
    let mut cpu = Cpu::new(before.architecture(), 67, 2);
    cpu.train_step(&mut after, &mut [], &case.optimizer, Batch { data: &data, examples: &examples }, &site(0));
    for block in 0..2 {
        let dropout = before.architecture().drop_connect(block).unwrap();
        let at = MaskSite { layer: block as u32, ..site(0) }.of_weights();
        let mut moved = [0, 0];
        for ((input, unit), weight) in after.weights(block).indexed_iter() {
            let kept = dropout.keeps(&at, input as u32, unit as u32);
            moved[usize::from(kept)] += usize::from(weight != &before.weights(block)[[input, unit]]);
        }
        assert!(moved[0] == 0 && moved[1] > 400, "block {block}: {moved:?} weights moved");
    }
}

fn a_step_whose_loss_is_not_finite_changes_nothing() {
    let case = &cases()[0];
    let mut mlp = case.mlp();
    let good = mlp.clone();
    let bias = mlp.architecture().ranges(1).1.start;
    mlp.parameters_mut()[bias] = f32::NAN;
    let before = bits(mlp.parameters());
    let data = data(64, 48, 10, true);
    let examples: Vec<u32> = (0..64).collect();
    let mut cpu = Cpu::new(mlp.architecture(), 64, 1);
    let batch = Batch { data: &data, examples: &examples };
    let mut velocity = velocity(&case.optimizer, &mlp);
    assert!(!cpu.train_step(&mut mlp, &mut velocity, &case.optimizer, batch, &site(0)).loss.is_finite());
    assert_eq!(before, bits(mlp.parameters()));
    let (mut seen, mut expected) = (vec![0.0; 640], vec![0.0; 640]);
    cpu.forward(&good, &data, 0..64, None, &mut seen);
    Cpu::new(good.architecture(), 64, 1).forward(&good, &data, 0..64, None, &mut expected);
    assert_eq!(bits(&seen), bits(&expected));
}

/// Sampled predictions: a mask of the weights for each sample, the same for all examples.
fn a_pass_is_the_forward_pass_with_its_masks() {
    for (number, case) in cases().iter().enumerate() {
        let mlp = case.mlp();
        let outputs = mlp.architecture().outputs();
        let data = data(90, mlp.architecture().inputs(), outputs, case.classes);
        for precision in Precision::ALL {
            let mut cpu = Cpu::with(mlp.architecture(), 0, 1 + number % 3, precision, Isa::best());
            check_passes(&format!("case {number}"), &mut cpu, &mlp, (&data, 5..85), site(0).key, 3..7);
        }
    }
}

fn digits_are_learnt_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    let network = Sequential::new([Flatten, Linear(64, 128), Relu, DropConnect(0.3), Linear(128, 10)]);
    let optimizer = Sgd { learning_rate: 0.05, momentum: 0.9, ..Sgd::default() };
    let options =
        TrainOptions { init: Init::Kaiming, optimizer, batch_size: 100, epochs: 6, seed: 4, ..TrainOptions::default() };
    let (mut whole, pieces) = whole_and_in_pieces(&network, &options, &digits.train);
    let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.88, "{accuracy}");
    assert_eq!(bits(whole.into_mlp().parameters()), bits(pieces.into_mlp().parameters()));
}
