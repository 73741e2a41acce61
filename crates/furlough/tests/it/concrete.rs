//! Concrete dropout: the fast step against the plain one, and the learning of p.

use crate::common::{MOMENTUM, bits, data, site, whole_and_in_pieces};
use furlough::compute::{Isa, drop_in_place};
use furlough::data::digits;
use furlough::nn::{Concrete, ConcretePrior, Dropout, DropoutKind, Init, Layer::*, MaskSharing, Mlp, Sequential};
use furlough::optim::Schedule;
use furlough::train::{Control, Event, LearnedDropout, TrainOptions, Trainer};
use ndarray::Array2;

furlough_harness::tests![
    the_definition_is_the_relaxation_of_the_paper,
    dropout_in_place_is_the_definition,
    p_0_is_no_dropout_and_p_1_is_refused,
    p_is_learned_and_resuming_changes_no_bit,
    the_regularizer_pulls_where_it_should,
];

fn logit_bits(mlp: &Mlp) -> Vec<u64> {
    mlp.dropout_logits().iter().map(|l| l.to_bits()).collect()
}

fn the_definition_is_the_relaxation_of_the_paper() {
    for p in [1e-6, 0.1, 0.5, 0.9] {
        let layer = Concrete::of_logit(f64::ln(p / (1.0 - p)));
        assert!((layer.p() - p).abs() < 1e-12);
        let (mut kept, mut mean) = (0.0, 0.0);
        let words = 100_000;
        for i in 0..words {
            let word = site(i).word(7, 3);
            let u = (f64::from(word) + 0.5) / 4_294_967_296.0;
            let argument = 10.0 * ((p / (1.0 - p)).ln() + (u / (1.0 - u)).ln());
            let expected = 1.0 / (1.0 + argument.exp());
            let seen = f64::from(layer.kept(word));
            assert!((seen - expected).abs() < 1e-5, "p {p}, word {word}: {seen}, by the formula {expected}");
            kept += f64::from(u32::from(seen > 0.5));
            mean += seen;
        }
        // P(1 - z > 1/2) is 1 - p exactly, and its mean nearly.
        let (kept, mean) = (kept / f64::from(words), mean / f64::from(words));
        assert!((kept - (1.0 - p)).abs() < 0.006 && (mean - (1.0 - p)).abs() < 0.02, "p {p}: {kept}, mean {mean}");
    }
    // Both ends of the words, and of the logits: always a number from 0 to 1.
    for logit in [-Concrete::LARGEST_LOGIT, 0.0, Concrete::LARGEST_LOGIT] {
        let layer = Concrete::of_logit(logit);
        assert!(layer.odds().is_finite() && layer.scale().is_finite());
        assert!(layer.kept(0) == 1.0 && layer.kept(u32::MAX) < 1e-20);
    }
}

fn dropout_in_place_is_the_definition() {
    let dropout = Dropout::of(DropoutKind::Concrete, 0.3, MaskSharing::PerExample).unwrap();
    let values = Array2::from_shape_fn((5, 131), |(i, j)| i as f32 - j as f32 / 3.0);
    let expected = dropout.forward(values.view(), &[5, 4, 3, 2, 1], &site(8));
    for isa in Isa::available() {
        let mut seen = values.clone().into_raw_vec_and_offset().0;
        drop_in_place(dropout, &mut seen, &[5, 4, 3, 2, 1], &site(8), isa);
        assert_eq!(bits(&seen), bits(expected.as_slice().unwrap()), "{}", isa.name());
    }
}

fn p_0_is_no_dropout_and_p_1_is_refused() {
    let with = Sequential::new([Linear(9, 8), Relu, ConcreteDropout(0.0), Linear(8, 3)]).validate().unwrap();
    let without = Sequential::new([Linear(9, 8), Relu, Linear(8, 3)]).validate().unwrap();
    assert_eq!(with, without);
    let data = data(9, 9, 3, true);
    let learning = Sequential::new([Linear(9, 8), Relu, ConcreteDropout(0.1), Linear(8, 3)]);
    let options = TrainOptions { dropout_schedule: Schedule::Decay, ..TrainOptions::default() };
    let refused = Trainer::new(&learning, &options, &data, 1).err().unwrap().to_string();
    assert!(refused.contains("dropout_schedule = decay: concrete dropout learns"), "{refused}");
    let error = Sequential::new([Linear(9, 8), Relu, ConcreteDropout(1.0), Linear(8, 3)]).validate().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("layer 3 (ConcreteDropout(1)): concrete dropout learns its probability from a value below 1"),
        "{error}"
    );
}

fn p_is_learned_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    let network = Sequential::new([Flatten, Linear(64, 128), Relu, ConcreteDropout(0.5), Linear(128, 10)]);
    let options = TrainOptions {
        init: Init::Kaiming,
        optimizer: MOMENTUM,
        learning_rate: 0.05,
        batch_size: 100,
        epochs: 8,
        seed: 4,
        ..TrainOptions::default()
    };
    let (mut whole, pieces) = whole_and_in_pieces(&network, &options, &digits.train, &[1, 13, 2, 30]);
    let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.88, "{accuracy}");
    let (_, p) = whole.state().mlp.learned_dropout().next().unwrap();
    assert!(p > 0.01 && p < 0.48, "from 0.5 the data draw p down, but not to 0: {p}");
    // What it came to is told at the end of each epoch.
    let mut told = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Epoch(summary) = event {
            told.push(summary.learned_dropout.clone());
        }
        Ok(Control::Continue)
    };
    Trainer::new(&network, &options, &digits.train, 2).unwrap().fit_with(None, &mut watch).unwrap();
    assert_eq!((told.len(), &told[7]), (8, &vec![LearnedDropout { layer: 1, p }]));
    assert!(told[0][0].p < 0.5 && told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
    let (whole, pieces) = (whole.into_mlp(), pieces.into_mlp());
    assert_eq!((bits(whole.parameters()), logit_bits(&whole)), (bits(pieces.parameters()), logit_bits(&pieces)));
}

/// Without data to speak for anything else, the entropy draws p to one half, and the weights' term
/// away from 1.
fn the_regularizer_pulls_where_it_should() {
    let pull = |p: f64, prior: ConcretePrior, squares: f64| {
        Concrete::of_logit(f64::ln(p / (1.0 - p))).regularizer(prior, 100, 1000, squares).0
    };
    let entropy = ConcretePrior { length: 0.0, entropy: 1.0 };
    assert!(pull(0.1, entropy, 1.0) < 0.0 && pull(0.9, entropy, 1.0) > 0.0 && pull(0.5, entropy, 1.0).abs() < 1e-12);
    let weights = ConcretePrior { length: 1.0, entropy: 0.0 };
    assert!(pull(0.5, weights, 4.0) > pull(0.1, weights, 4.0) && pull(0.1, weights, 4.0) > 0.0);
}
