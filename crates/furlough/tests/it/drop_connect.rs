//! DropConnect: the fast step against the plain one, and what holds for every mask of weights.

use crate::common::case::Case;
use crate::common::{MOMENTUM, bits, data, nothing, sampled, site, whole_and_in_pieces};
use furlough::compute::Cpu;
use furlough::data::{Batch, digits};
use furlough::nn::{
    Activation, Architecture, Dropout, DropoutKind, Init, Layer::*, MaskKey, Mlp, Sequential, drop_connect,
};
use furlough::optim::UpdateRule;
use furlough::random::{Key, Stream};
use furlough::train::TrainOptions;
use ndarray::Array2;

furlough_harness::tests![
    the_definition_is_dropout_of_weights_in_streams_of_its_own,
    known_answers,
    p_0_is_no_dropout_and_p_1_leaves_biases,
    what_is_dropped_does_not_move,
    digits_are_learned_and_resuming_changes_no_bit,
];

fn the_definition_is_dropout_of_weights_in_streams_of_its_own() {
    let half = Dropout::new(0.5).unwrap();
    let ones = Array2::ones((70, 90));
    let training = drop_connect(half, ones.view(), &site(4));
    for ((input, unit), &weight) in training.indexed_iter() {
        let kept = half.keeps(&MaskKey { stream: Stream::DropConnect, ..site(4) }, input as u32, unit as u32);
        assert_eq!(weight, if kept { 2.0 } else { 0.0 });
    }
    // Another step, the stream of predictions, another layer: other masks, each about half of the
    // weights.
    let others = [site(5), sampled(4), MaskKey { layer: 1, ..site(4) }];
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

/// The first weights of seed 1, step 0, before the second linear layer; computed from the page of
/// the masks by `scripts/masks.py`.
fn known_answers() {
    assert_eq!([Stream::DropConnect as u32, Stream::DropConnectMonteCarlo as u32], [4, 6]);
    let at = MaskKey { key: Key::new(1), step: 0, layer: 1, ..site(0) };
    let words = |site: MaskKey, input| [0, 1, 15, 16, 64].map(|unit| site.of_weights().word(input, unit));
    assert_eq!(words(at, 0), KNOWN[0]);
    assert_eq!(words(at, 7), KNOWN[1]);
    assert_eq!(words(MaskKey { stream: Stream::MonteCarlo, ..at }, 7), KNOWN[2]);
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
        let sums =
            Cpu::new(architecture, 20, 1).train_step(&mut mlp, &mut nothing(), &UpdateRule::default(), batch, &site(0));
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
    cpu.train_step(&mut mlp, &mut nothing(), &UpdateRule::default(), batch, &site(0));
    let moved = |block: usize| mlp.weights(block) != before.weights(block) || mlp.biases(block) != before.biases(block);
    assert!(!moved(0) && mlp.weights(1) == before.weights(1) && mlp.biases(1) != before.biases(1));
}

fn what_is_dropped_does_not_move() {
    let case = Case { activation: Activation::Tanh, batch: 67, ..Case::new(&[65, 130, 7], [0.1, 0.5]) };
    let case = case.kinds(|_| DropoutKind::DropConnect);
    let (before, mut after) = (case.mlp(), case.mlp());
    let data = data(67, 65, 7, true);
    let examples: Vec<u32> = (0..67).collect();
    let mut cpu = Cpu::new(before.architecture(), 67, 2);
    cpu.train_step(&mut after, &mut nothing(), &case.rule, Batch { data: &data, examples: &examples }, &site(0));
    for block in 0..2 {
        let dropout = before.architecture().drop_connect(block).unwrap();
        let at = MaskKey { layer: block as u32, ..site(0) }.of_weights();
        let mut moved = [0, 0];
        for ((input, unit), weight) in after.weights(block).indexed_iter() {
            let kept = dropout.keeps(&at, input as u32, unit as u32);
            moved[usize::from(kept)] += usize::from(weight != &before.weights(block)[[input, unit]]);
        }
        assert!(moved[0] == 0 && moved[1] > 400, "block {block}: {moved:?} weights moved");
    }
}

fn digits_are_learned_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    let network = Sequential::new([Flatten, Linear(64, 128), Relu, DropConnect(0.3), Linear(128, 10)]);
    let options = TrainOptions {
        init: Init::Kaiming,
        optimizer: MOMENTUM,
        learning_rate: 0.05,
        batch_size: 100,
        epochs: 6,
        seed: 4,
        ..TrainOptions::default()
    };
    let (mut whole, pieces) = whole_and_in_pieces(&network, &options, &digits.train, &[1, 13, 2, 30]);
    let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.88, "{accuracy}");
    assert_eq!(bits(whole.into_mlp().parameters()), bits(pieces.into_mlp().parameters()));
}
