//! Concrete dropout: the fast step against the plain one, and the learning of p.

use crate::common::{Tolerance, bits, check_passes, data, sampled, site, velocity, whole_and_in_pieces};
use furlough::compute::{Cpu, Isa, Precision, drop_in_place};
use furlough::data::{Batch, digits};
use furlough::nn::{
    Concrete, ConcretePrior, Dropout, DropoutKind, DropoutSchedule, Init, Layer, Layer::*, Mlp, Sequential, Sharing,
};
use furlough::optim::Sgd;
use furlough::random::Key;
use furlough::train::{Control, Event, LearntDropout, TrainOptions, Trainer};
use ndarray::Array2;

furlough_harness::tests![
    the_fast_step_is_the_plain_step,
    any_number_of_threads_gives_the_same_bits,
    gradients_are_those_of_finite_differences_with_the_words_frozen,
    the_definition_is_the_relaxation_of_the_paper,
    dropout_in_place_is_the_definition,
    p_0_is_no_dropout_and_p_1_is_refused,
    a_step_whose_loss_is_not_finite_changes_nothing,
    a_pass_is_the_forward_pass_with_its_masks,
    p_is_learnt_and_resuming_changes_no_bit,
    the_regulariser_pulls_where_it_should,
];

struct Case {
    layers: Vec<Layer>,
    batch: usize,
    optimizer: Sgd,
    classes: bool,
}

impl Case {
    fn mlp(&self) -> Mlp {
        Mlp::new(Sequential::new(self.layers.clone()).validate().unwrap(), Init::Kaiming, Key::new(3))
    }
}

fn cases() -> Vec<Case> {
    // Terms large enough to be seen.
    let concrete = ConcretePrior { length: 2.0, entropy: 5.0 };
    let plain = Sgd { concrete, ..Sgd::default() };
    let momentum = Sgd { learning_rate: 0.1, momentum: 0.9, ..plain };
    let all = Sgd { nesterov: true, weight_decay: 0.01, max_norm: Some(1.1), ..momentum };
    let case = |layers: &[Layer], batch, optimizer| Case { layers: layers.to_vec(), batch, optimizer, classes: true };
    vec![
        case(
            &[Linear(48, 64), Relu, ConcreteDropout(0.5), Linear(64, 32), Relu, ConcreteDropout(0.2), Linear(32, 10)],
            64,
            all,
        ),
        case(&[Dropout(0.1), Linear(65, 130), Tanh, ConcreteDropout(0.1), Linear(130, 7)], 67, plain),
        case(
            &[Linear(113, 1100), Gelu, ConcreteDropout(0.4), Linear(1100, 70), Relu, Dropout(0.5), Linear(70, 3)],
            97,
            momentum,
        ),
        case(&[Linear(1, 1), ConcreteDropout(0.9), Linear(1, 2)], 1, plain),
        case(
            &[
                DropConnect(0.2),
                Linear(70, 64),
                Silu,
                ConcreteDropout(0.001),
                Linear(64, 48),
                LeakyRelu,
                DropConnect(0.5),
                Linear(48, 32),
            ],
            16,
            all,
        ),
        Case { classes: false, ..case(&[Linear(30, 70), Sigmoid, ConcreteDropout(0.999), Linear(70, 5)], 33, plain) },
    ]
}

fn logit_bits(mlp: &Mlp) -> Vec<u64> {
    mlp.dropout_logits().iter().map(|l| l.to_bits()).collect()
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
            let tolerance = Tolerance { precision, slack: 2.0 };
            let mut before = start.dropout_logits().to_vec();
            let logits = |step, _, fast: &Mlp, slow: &Mlp| {
                for ((fast, slow), before) in fast.dropout_logits().iter().zip(slow.dropout_logits()).zip(&before) {
                    let apart = (fast - slow).abs();
                    let most = 25.0 * tolerance.loss();
                    assert!(apart <= most, "{what} step {step}: logit {fast}, the oracle says {slow}");
                    let moved = fast != before || fast.abs() == Concrete::LARGEST_LOGIT;
                    assert!(moved, "{what}: the logit has not moved");
                }
                before = fast.dropout_logits().to_vec();
            };
            let fast = tolerance.check_steps(&what, &mut cpu, &start, &case.optimizer, batch, logits);
            for masks in [None, Some(site(5)), Some(sampled(5))] {
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
                (0..3).for_each(|step| {
                    cpu.train_step(&mut mlp, &mut velocity, &case.optimizer, batch, &site(step));
                });
                (logit_bits(&mlp), bits(mlp.parameters()), bits(&velocity))
            };
            let one = run(1);
            assert_eq!(one, run(2));
            assert_eq!(one, run(5));
        }
    }
}

/// The regulariser as it is written, by which the derivatives are checked.
fn regularizer(mlp: &Mlp, prior: ConcretePrior, examples: usize) -> f64 {
    let of = |(block, p): (usize, f64)| {
        let squares: f64 = mlp.weights(block + 1).iter().map(|&w| f64::from(w).powi(2)).sum();
        let units = mlp.weights(block + 1).nrows() as f64;
        let entropy = p * p.ln() + (1.0 - p) * (1.0 - p).ln();
        (prior.length.powi(2) * squares / (1.0 - p) + prior.entropy * units * entropy) / examples as f64
    };
    mlp.learnt_dropout().map(of).sum()
}

fn gradients_are_those_of_finite_differences_with_the_words_frozen() {
    for (activation, classes) in [(Tanh, true), (Gelu, false)] {
        let layers = vec![
            Linear(11, 9),
            activation,
            ConcreteDropout(0.3),
            Linear(9, 7),
            activation,
            ConcreteDropout(0.6),
            Linear(7, 3),
        ];
        let concrete = ConcretePrior { length: 0.7, entropy: 0.5 };
        let case =
            Case { layers, batch: 13, optimizer: Sgd { learning_rate: 1.0, concrete, ..Sgd::default() }, classes };
        let (data, before) = (data(13, 11, 3, classes), case.mlp());
        let examples: Vec<u32> = (0..13).collect();
        let batch = Batch { data: &data, examples: &examples };
        let mut cpu = Cpu::new(before.architecture(), 13, 1);
        let mut after = before.clone();
        cpu.train_step(&mut after, &mut [], &case.optimizer, batch, &site(1));
        let mut total = |mlp: &Mlp| {
            let loss = cpu.train_step(&mut mlp.clone(), &mut [], &case.optimizer, batch, &site(1)).loss / 13.0;
            loss + regularizer(mlp, concrete, 13)
        };
        let check = |what: String, gradient: f64, numeric: f64| {
            assert!((gradient - numeric).abs() < 2e-4, "{what}: {gradient} but differences say {numeric}");
        };
        for place in 0..before.parameters().len() {
            let mut slope = |h: f32| {
                let at = |change: f32| {
                    let mut mlp = before.clone();
                    mlp.parameters_mut()[place] += change;
                    mlp
                };
                let (up, down) = (at(h), at(-h));
                (total(&up) - total(&down)) / f64::from(up.parameters()[place] - down.parameters()[place])
            };
            let numeric = (4.0 * slope(0.02) - slope(0.04)) / 3.0;
            let gradient = f64::from(before.parameters()[place] - after.parameters()[place]);
            check(format!("{activation} parameter {place}"), gradient, numeric);
        }
        for place in 0..2 {
            let mut slope = |h: f64| {
                let mut at = |change: f64| {
                    let mut mlp = before.clone();
                    mlp.dropout_logits_mut()[place] += change;
                    total(&mlp)
                };
                (at(h) - at(-h)) / (2.0 * h)
            };
            let numeric = (4.0 * slope(0.01) - slope(0.02)) / 3.0;
            let gradient = before.dropout_logits()[place] - after.dropout_logits()[place];
            check(format!("{activation} logit {place}"), gradient, numeric);
        }
    }
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
    let dropout = Dropout::of(DropoutKind::Concrete, 0.3, Sharing::PerExample).unwrap();
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
    let options = TrainOptions { dropout_schedule: DropoutSchedule::Decay, ..TrainOptions::default() };
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

fn a_step_whose_loss_is_not_finite_changes_nothing() {
    let case = &cases()[0];
    let mut mlp = case.mlp();
    let bias = mlp.architecture().ranges(1).1.start;
    mlp.parameters_mut()[bias] = f32::NAN;
    let before = (bits(mlp.parameters()), logit_bits(&mlp));
    let data = data(64, 48, 10, true);
    let examples: Vec<u32> = (0..64).collect();
    let mut cpu = Cpu::new(mlp.architecture(), 64, 1);
    let batch = Batch { data: &data, examples: &examples };
    let mut velocity = velocity(&case.optimizer, &mlp);
    assert!(!cpu.train_step(&mut mlp, &mut velocity, &case.optimizer, batch, &site(0)).loss.is_finite());
    assert_eq!(before, (bits(mlp.parameters()), logit_bits(&mlp)));
}

fn a_pass_is_the_forward_pass_with_its_masks() {
    let case = &cases()[2];
    let mut mlp = case.mlp();
    mlp.dropout_logits_mut()[0] = -1.25;
    let data = data(90, 113, 3, true);
    let mut cpu = Cpu::new(mlp.architecture(), 0, 2);
    check_passes("concrete", &mut cpu, &mlp, (&data, 5..85), site(0).key, 3..7);
}

fn p_is_learnt_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    let network = Sequential::new([Flatten, Linear(64, 128), Relu, ConcreteDropout(0.5), Linear(128, 10)]);
    let optimizer = Sgd { learning_rate: 0.05, momentum: 0.9, ..Sgd::default() };
    let options =
        TrainOptions { init: Init::Kaiming, optimizer, batch_size: 100, epochs: 8, seed: 4, ..TrainOptions::default() };
    let (mut whole, pieces) = whole_and_in_pieces(&network, &options, &digits.train);
    let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.88, "{accuracy}");
    let (_, p) = whole.state().mlp.learnt_dropout().next().unwrap();
    assert!(p > 0.01 && p < 0.48, "from 0.5 the data draw p down, but not to 0: {p}");
    // What it came to is told at the end of each epoch.
    let mut told = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Epoch(summary) = event {
            told.push(summary.learnt_dropout.clone());
        }
        Ok(Control::Continue)
    };
    Trainer::new(&network, &options, &digits.train, 2).unwrap().fit(None, &mut watch).unwrap();
    assert_eq!((told.len(), &told[7]), (8, &vec![LearntDropout { layer: 1, p }]));
    assert!(told[0][0].p < 0.5 && told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
    let (whole, pieces) = (whole.into_mlp(), pieces.into_mlp());
    assert_eq!((bits(whole.parameters()), logit_bits(&whole)), (bits(pieces.parameters()), logit_bits(&pieces)));
}

/// Without data to speak for anything else, the entropy draws p to one half, and the weights' term away from 1.
fn the_regulariser_pulls_where_it_should() {
    let pull = |p: f64, prior: ConcretePrior, squares: f64| {
        Concrete::of_logit(f64::ln(p / (1.0 - p))).regularizer(prior, 100, 1000, squares).0
    };
    let entropy = ConcretePrior { length: 0.0, entropy: 1.0 };
    assert!(pull(0.1, entropy, 1.0) < 0.0 && pull(0.9, entropy, 1.0) > 0.0 && pull(0.5, entropy, 1.0).abs() < 1e-12);
    let weights = ConcretePrior { length: 1.0, entropy: 0.0 };
    assert!(pull(0.5, weights, 4.0) > pull(0.1, weights, 4.0) && pull(0.1, weights, 4.0) > 0.0);
}
