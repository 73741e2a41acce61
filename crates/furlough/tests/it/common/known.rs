//! The cases that somebody chose: one for each way in which a step can be computed, for every kind
//! of dropout.

use super::case::{Case, Noise};
use furlough::compute::{Precision, SharedMaskMode};
use furlough::nn::{Activation, ConcretePrior, DropoutKind, InputColumn, InputStage, Loss, MaskSharing};
use furlough::optim::{Factors, GroupFactors, Optimizer, Regularizers, UpdateRule};

/// All of them.
pub fn known() -> Vec<Case> {
    let mut cases = dense();
    cases.extend(shared());
    for kind in [DropoutKind::Gaussian, DropoutKind::Alpha] {
        cases.extend(noise().into_iter().map(|case| case.kinds(|_| kind)));
    }
    cases.extend(noise());
    cases.extend(of_weights());
    cases.extend(concrete());
    cases.extend(weighted());
    cases.extend(staged());
    cases.extend(parametric());
    cases
}

const NONE: Regularizers =
    Regularizers { l2: 0.0, l1: 0.0, max_norm: None, concrete: ConcretePrior { length: 0.0, entropy: 0.0 } };
const PLAIN: UpdateRule = UpdateRule {
    optimizer: Optimizer::SGD,
    learning_rate: 0.5,
    regularizers: NONE,
    clip_norm: None,
    factors: GroupFactors::DEFAULT,
};
const MOMENTUM: UpdateRule = UpdateRule { optimizer: super::MOMENTUM, learning_rate: 0.1, ..PLAIN };
const ALL: UpdateRule = UpdateRule {
    optimizer: super::NESTEROV,
    regularizers: Regularizers { l2: 0.01, max_norm: Some(1.1), ..NONE },
    ..MOMENTUM
};
const LASSO: UpdateRule = l1(0.003, ALL);
const DECAY: UpdateRule = UpdateRule { regularizers: Regularizers { l2: 0.1, max_norm: Some(0.5), ..NONE }, ..PLAIN };
/// A rate at which no activation makes the loss grow, and rounding with it.
const GENTLE: UpdateRule = UpdateRule { learning_rate: 0.05, ..PLAIN };
/// An ε that is no smaller than what two orders of a sum differ by: a gradient that is next to
/// nought has a step as long as any other's.
const ADAM: UpdateRule =
    UpdateRule { optimizer: Optimizer::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-3 }, learning_rate: 0.01, ..PLAIN };
const ADAMW: UpdateRule = UpdateRule {
    optimizer: Optimizer::AdamW { beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.5 },
    regularizers: Regularizers { l2: 0.01, l1: 0.001, max_norm: Some(1.1), ..NONE },
    ..ADAM
};

/// Steps by a sign, of a length that is rounding's: where a sum is next to nought it is either way.
const LION: UpdateRule = UpdateRule {
    optimizer: Optimizer::Lion { beta1: 0.9, beta2: 0.99, weight_decay: 0.5 },
    learning_rate: 1e-7,
    ..ADAMW
};

const fn l1(l1: f64, rule: UpdateRule) -> UpdateRule {
    UpdateRule { regularizers: Regularizers { l1, ..rule.regularizers }, ..rule }
}

const fn with_prior(concrete: ConcretePrior, rule: UpdateRule) -> UpdateRule {
    UpdateRule { regularizers: Regularizers { concrete, ..rule.regularizers }, ..rule }
}

/// With factors for each group.
const fn of_groups(rule: UpdateRule) -> UpdateRule {
    UpdateRule { factors: GroupFactors { first_weight: Factors::both(0.5), ..GroupFactors::REALMLP }, ..rule }
}

const fn clipped(bound: f64, rule: UpdateRule) -> UpdateRule {
    UpdateRule { clip_norm: Some(bound), ..rule }
}

/// Masks for each example.
fn dense() -> Vec<Case> {
    let base = || Case::new(&[48, 64, 32, 10], [0.0, 0.2, 0.5]);
    let mut cases = vec![
        base(),
        Case { batch: 1, ..Case::new(&[1, 1, 2], [0.0, 0.3]) },
        Case { batch: 65, ..Case::new(&[63, 65, 1, 129, 3], [0.0, 0.0, 0.1, 0.9]) },
        Case { batch: 130, ..Case::new(&[17, 10], [0.0]) },
        Case { batch: 191, ..Case::new(&[241, 700, 7], [0.1, 0.5]) },
        Case::new(&[48, 64, 32, 10], [0.0, 1.0, 0.5]),
        Case::new(&[48, 64, 32, 10], [1.0, 0.5, 1.0]),
        Case { rule: MOMENTUM, batch: 33, ..base() },
        Case { rule: ALL, batch: 97, ..Case::new(&[48, 64, 32, 10], [0.2, 0.2, 0.5]) },
        Case { rule: DECAY, ..base() },
        Case { rule: l1(0.001, PLAIN), ..base() },
        Case { rule: LASSO, batch: 97, ..Case::new(&[48, 64, 32, 10], [0.2, 0.2, 0.5]) },
        Case { rule: l1(0.003, UpdateRule { optimizer: super::NESTEROV, ..MOMENTUM }), batch: 31, ..base() },
        Case { classes: false, rule: ALL, ..Case::new(&[48, 64, 32, 3], [0.0, 0.2, 0.5]) },
        // Inputs, and examples, beyond what is multiplied at a time.
        Case {
            batch: 1030,
            rule: UpdateRule { learning_rate: 0.1, regularizers: Regularizers { l2: 0.5, ..NONE }, ..PLAIN },
            ..Case::new(&[1031, 5, 10], [0.0, 0.2])
        },
        Case { batch: 5, ..Case::new(&[2, 1100, 3, 10], [0.0, 0.2, 0.5]) },
        // So few examples that weights of whole vectors are read where they lie.
        Case { batch: 16, ..Case::new(&[70, 64, 48, 33, 10], [0.0, 0.1, 0.2, 0.5]) },
        Case { batch: 7, activation: Activation::Tanh, rule: ALL, ..Case::new(&[48, 80, 160, 10], [0.0, 0.2, 0.5]) },
        // The same, with enough weights for two workers to have columns of them.
        Case { batch: 29, ..Case::new(&[230, 256, 336, 16], [0.1, 0.2, 0.5]) },
        Case { batch: 32, classes: false, ..Case::new(&[1100, 16, 16, 32], [0.0, 0.2, 0.5]) },
        // More weights between two layers than it pays to pack for the backward pass, and more
        // units than a tile has.
        Case { batch: 70, ..Case::new(&[40, 600, 521, 7], [0.0, 0.2, 0.5]) },
        // (Without L1, whose derivative jumps where one of so many weights is next to nought.)
        Case { batch: 66, activation: Activation::Gelu, rule: ALL, ..Case::new(&[48, 530, 600, 10], [0.0, 0.2, 0.5]) },
        // Weights of one layer beyond what tiles of ordinary height are for.
        Case {
            batch: 150,
            rule: UpdateRule { learning_rate: 0.01, ..PLAIN },
            ..Case::new(&[3, 730, 741, 10], [0.0, 0.2, 0.5])
        },
        Case { activation: Activation::Silu, ..deep() },
        // The other optimizers, and clipping where it bites and where it does not.
        Case { rule: ADAM, batch: 33, ..base() },
        Case { rule: LION, batch: 65, ..base() },
        Case { rule: ADAMW, batch: 97, ..Case::new(&[48, 64, 32, 10], [0.2, 0.2, 0.5]) },
        Case { rule: ADAM, batch: 70, activation: Activation::Gelu, ..Case::new(&[40, 600, 521, 7], [0.0, 0.2, 0.5]) },
        Case { rule: clipped(0.1, PLAIN), ..base() },
        Case { rule: clipped(1e3, ALL), batch: 97, ..Case::new(&[48, 64, 32, 10], [0.2, 0.2, 0.5]) },
        Case {
            rule: clipped(0.05, ADAMW),
            batch: 70,
            classes: false,
            ..Case::new(&[40, 600, 521, 7], [0.0, 0.2, 0.5])
        },
        Case {
            classes: false,
            batch: 100,
            activation: Activation::Tanh,
            ..Case::new(&[48, 64, 32, 1], [0.0, 0.2, 0.5])
        },
    ];
    for dropout in [[0.0, 0.4, 0.25], [0.0, 0.0, 1.0]] {
        cases.extend(Activation::ALL.map(|activation| Case {
            activation,
            batch: 67,
            ..Case::new(&[48, 70, 31, 10], dropout)
        }));
    }
    let bf16 = cases.iter().map(|case| Case { precision: Precision::Bf16, ..case.clone() });
    let bf16: Vec<Case> = bf16.collect();
    cases.extend(bf16);
    cases
}

fn deep() -> Case {
    let widths: Vec<usize> = [48].into_iter().chain([9; 24]).chain([10]).collect();
    let mut dropout = [0.05; 25];
    dropout[0] = 0.0;
    Case::new(&widths, dropout)
}

/// Masks shared by groups of rows: gathered, and computed in full.
fn shared() -> Vec<Case> {
    let groups = |rows| MaskSharing::rows(rows).unwrap();
    let base = || Case { sharing: MaskSharing::Batch, spare: 0, ..Case::new(&[48, 64, 32, 10], [0.0, 0.2, 0.5]) };
    let with = |widths: &[usize], dropout: &[f64]| {
        let noise = dropout.iter().map(|&p| Noise { kind: DropoutKind::Bernoulli, p, per_example: false });
        Case { widths: widths.to_vec(), noise: noise.collect(), ..base() }
    };
    let small = |dropout: [f64; 3]| with(&[48, 64, 32, 10], &dropout);
    let mut mixed = small([0.2, 0.4, 0.5]);
    mixed.noise[1].per_example = true;
    let wide = || with(&[300, 130, 140, 10], &[0.1, 0.5, 0.5]);
    let mut cases = vec![
        base(),
        // A last group that is smaller; groups of one vector and of one row over.
        Case { sharing: groups(33), batch: 130, ..small([0.1, 0.3, 0.6]) },
        Case { sharing: groups(64), batch: 129, rule: ALL, ..small([0.3, 0.0, 0.5]) },
        // Wider than a panel, a tile of parameters and a block of depth.
        Case { sharing: groups(48), batch: 100, ..with(&[241, 1100, 130, 7], &[0.1, 0.5, 0.3]) },
        Case { batch: 191, rule: MOMENTUM, ..with(&[1500, 65, 3], &[0.0, 0.5]) },
        Case { batch: 40, ..with(&[63, 65, 1, 129, 3], &[0.2, 0.1, 0.5, 0.9]) },
        Case { batch: 70, ..with(&[17, 10], &[0.5]) },
        Case { sharing: groups(32), batch: 96, ..with(&[1, 1, 2], &[0.5, 0.5]) },
        // Everything dropped somewhere, or nearly.
        small([0.0, 1.0, 0.5]),
        Case { sharing: groups(32), rule: ALL, ..small([1.0, 0.5, 1.0]) },
        Case { sharing: groups(40), batch: 200, ..small([0.0, 0.99, 0.98]) },
        // Optimizers that move what is dropped.
        Case { rule: MOMENTUM, sharing: groups(32), batch: 97, ..base() },
        Case { rule: DECAY, ..small([0.2, 0.5, 0.5]) },
        Case { rule: l1(0.01, PLAIN), sharing: groups(33), batch: 97, ..base() },
        Case { rule: LASSO, ..small([0.2, 1.0, 0.5]) },
        Case { rule: ADAM, sharing: groups(32), batch: 97, ..base() },
        Case { rule: clipped(0.1, LION), sharing: groups(33), batch: 97, ..base() },
        Case { rule: ADAMW, ..small([0.2, 1.0, 0.5]) },
        Case { rule: clipped(0.1, PLAIN), sharing: groups(33), batch: 130, ..small([0.1, 0.3, 0.6]) },
        Case { rule: clipped(0.1, ADAM), sharing: groups(64), batch: 129, ..small([0.3, 0.0, 0.5]) },
        // Numbers to predict; masks not shared everywhere; groups larger than batches, and of few
        // rows.
        Case { classes: false, rule: ALL, ..with(&[48, 64, 32, 3], &[0.0, 0.2, 0.5]) },
        Case { sharing: groups(32), ..mixed },
        Case { sharing: groups(1000), batch: 77, ..base() },
        Case { sharing: groups(3), ..base() },
        Case { sharing: groups(1), batch: 9, ..base() },
        // Few units and many rows: with many threads both are divided, with an end that is smaller.
        Case { batch: 331, ..wide() },
        Case { sharing: groups(150), batch: 331, rule: ALL, ..wide() },
    ];
    cases.extend(Activation::ALL.map(|activation| Case {
        activation,
        rule: GENTLE,
        sharing: groups(34),
        batch: 67,
        ..with(&[48, 70, 31, 10], &[0.1, 0.4, 0.25])
    }));
    let ways = |case: Case| {
        [SharedMaskMode::Always, SharedMaskMode::Never, SharedMaskMode::default()]
            .map(|gathering| Case { gathering, ..case.clone() })
    };
    cases.into_iter().flat_map(ways).collect()
}

/// For each kind of noise on units.
fn noise() -> Vec<Case> {
    let all = l1(1e-4, UpdateRule { learning_rate: 0.05, ..ALL });
    let base = || Case { rule: GENTLE, batch: 67, spare: 3, ..Case::new(&[48, 70, 31, 10], [0.1, 0.4, 0.25]) };
    let gentle = |case: Case| Case { rule: GENTLE, ..case };
    let mut cases = vec![
        gentle(Case { batch: 1, ..Case::new(&[1, 1, 2], [0.3, 0.5]) }),
        Case { batch: 40, rule: all, ..Case::new(&[63, 65, 1, 129, 3], [0.0, 0.2, 0.0, 0.6]) },
        gentle(Case { batch: 130, ..Case::new(&[17, 10], [0.5]) }),
        gentle(Case { batch: 150, classes: false, ..Case::new(&[241, 700, 7], [0.05, 0.3]) }),
        // Few rows; masks shared by groups and by all.
        Case { batch: 16, rule: all, ..Case::new(&[70, 64, 48, 33], [0.1, 0.2, 0.5]) },
        Case { sharing: MaskSharing::rows(33).unwrap(), batch: 100, gathering: SharedMaskMode::Always, ..base() },
        Case { sharing: MaskSharing::Batch, rule: all, gathering: SharedMaskMode::Always, ..base() },
    ];
    cases.extend(Activation::ALL.map(|activation| Case { activation, ..base() }));
    in_both_precisions(cases)
}

/// DropConnect.
fn of_weights() -> Vec<Case> {
    let decay = UpdateRule { learning_rate: 0.1, ..DECAY };
    let cases = vec![
        Case { rule: ALL, ..Case::new(&[48, 64, 32, 10], [0.0, 0.5, 0.2]) },
        Case { activation: Activation::Tanh, batch: 67, ..Case::new(&[65, 130, 7], [0.1, 0.5]) },
        Case { activation: Activation::Gelu, batch: 1, rule: decay, ..Case::new(&[1, 1, 2], [0.3, 0.9]) },
        // So few examples that weights are multiplied where they lie.
        Case { batch: 16, rule: decay, ..Case::new(&[70, 64, 48, 32], [0.0, 0.5, 0.5]) },
        Case { batch: 40, rule: ALL, ..Case::new(&[40, 64, 48, 10], [0.0, 1.0, 0.0]) },
        Case { batch: 130, ..Case::new(&[17, 10], [0.5]) },
        Case {
            activation: Activation::Sigmoid,
            batch: 33,
            classes: false,
            rule: ALL,
            ..Case::new(&[30, 70, 5], [0.0, 0.25])
        },
    ];
    let mut cases: Vec<Case> = cases.into_iter().map(|case| case.kinds(|_| DropoutKind::DropConnect)).collect();
    // The other optimizers, and clipping of what DropConnect leaves.
    for rule in [ADAMW, clipped(0.1, ADAM)] {
        let case = Case { rule, batch: 33, ..Case::new(&[48, 64, 32, 10], [0.0, 0.5, 0.2]) };
        cases.push(case.kinds(|_| DropoutKind::DropConnect));
    }
    // Weights in columns that several tiles share, beside ordinary dropout.
    let beside = Case { batch: 97, rule: MOMENTUM, ..Case::new(&[113, 150, 1100, 3], [0.2, 0.4, 0.5]) };
    cases.push(beside.kinds(|layer| if layer == 1 { DropoutKind::DropConnect } else { DropoutKind::Bernoulli }));
    in_both_precisions(cases)
}

/// Parametric activations.
fn parametric() -> Vec<Case> {
    let base = || Case { parametric: true, batch: 67, ..Case::new(&[48, 70, 31, 10], [0.1, 0.4, 0.25]) };
    let mut cases: Vec<Case> = Activation::ALL.map(|activation| Case { activation, rule: GENTLE, ..base() }).into();
    let selu = || Case { activation: Activation::Selu, ..base() };
    cases.extend([
        Case { rule: ADAMW, classes: false, ..selu() },
        Case { rule: clipped(0.05, ADAM), batch: 33, ..selu() },
        Case { rule: ALL, ..base().kinds(|_| DropoutKind::Gaussian) },
        Case {
            rule: GENTLE,
            ..base().kinds(|layer| if layer == 0 { DropoutKind::Bernoulli } else { DropoutKind::Concrete })
        },
        Case { sharing: MaskSharing::Batch, rule: ADAM, gathering: SharedMaskMode::Always, ..base() },
        // More units than a task has, and few rows.
        Case { batch: 16, rule: MOMENTUM, ..Case::new(&[70, 160, 48, 33, 10], [0.0, 0.1, 0.2, 0.5]) },
        Case { rule: LION, activation: Activation::Mish, ..base() }
            .behind(InputStage::new([InputColumn::Number, InputColumn::Category { levels: 9, width: 8 }])),
    ]);
    in_both_precisions(cases)
}

/// A stage before the first layer.
fn staged() -> Vec<Case> {
    let category = |levels, width| InputColumn::Category { levels, width };
    let table = || {
        let mut columns = vec![InputColumn::Number; 5];
        columns.extend([category(9, 8), InputColumn::Number, category(300, 8), category(1, 1)]);
        InputStage::new(columns).with_scaling()
    };
    let edges = (0..49).map(|edge| (edge as f32 / 24.0 - 1.0).powi(3)).collect();
    let encoded = InputStage::new([InputColumn::Number, InputColumn::PiecewiseLinear { edges }]);
    let waves = || {
        let mut columns = vec![InputColumn::PBLD; 40];
        columns.extend([InputColumn::Periodic { frequencies: 35, outputs: 7, deviation: 3.0 }, category(9, 8)]);
        InputStage::new(columns)
    };
    let numbers = || InputStage::new(vec![InputColumn::Number; 70]);
    // Categories only, whose inputs are more than one task has.
    let words = || InputStage::new(vec![category(40, 30); 4]);
    let base = || Case::new(&[1, 64, 32, 10], [0.1, 0.2, 0.5]);
    let cases = vec![
        Case { rule: ADAMW, classes: false, batch: 97, ..base() }.behind(table()),
        Case { rule: clipped(0.05, ADAM), batch: 33, ..base() }.behind(table()),
        Case { rule: of_groups(ADAMW), parametric: true, batch: 65, ..base() }.behind(table()),
        Case { rule: of_groups(clipped(0.1, DECAY)), ..base() }.behind(table()),
        Case { rule: ALL, activation: Activation::Tanh, classes: false, ..base() }.behind(words().with_scaling()),
        Case { rule: LASSO, batch: 130, ..base() }.behind(words()),
        Case { classes: false, ..base() }.behind(numbers()),
        Case { rule: ADAMW, batch: 70, ..base() }.behind(waves().with_scaling()),
        Case { rule: GENTLE, classes: false, activation: Activation::Mish, ..base() }.behind(waves()),
        Case { rule: ADAM, batch: 33, ..base() }.behind(encoded.clone()),
        Case { rule: MOMENTUM, classes: false, ..base() }.behind(encoded.with_scaling()),
        Case { rule: MOMENTUM, batch: 67, ..base() }.behind(numbers().with_scaling()),
        // So few examples that weights of whole vectors are read where they lie.
        Case { rule: ADAM, batch: 7, classes: false, ..Case::new(&[1, 80, 64, 10], [0.0, 0.2, 0.5]) }.behind(table()),
        Case { batch: 1, rule: GENTLE, ..Case::new(&[1, 1, 2], [0.0, 0.3]) }.behind(InputStage::new([category(2, 1)])),
        // No hidden layer; other noise on the inputs, and masks of groups.
        Case { rule: ADAM, batch: 150, ..Case::new(&[1, 7], [0.2]) }.behind(table()),
        Case { rule: GENTLE, ..base().kinds(|_| DropoutKind::Gaussian) }.behind(table()),
        Case { rule: GENTLE, ..base().kinds(|_| DropoutKind::DropConnect) }.behind(table()),
        Case { sharing: MaskSharing::Batch, rule: ADAM, gathering: SharedMaskMode::Always, ..base() }.behind(table()),
        Case { sharing: MaskSharing::rows(33).unwrap(), rule: ALL, batch: 130, ..base() }.behind(words()).weighted(),
    ];
    in_both_precisions(cases)
}

/// Concrete dropout, with terms of its prior that are large enough to be seen.
fn concrete() -> Vec<Case> {
    use DropoutKind::{Bernoulli, Concrete, DropConnect};
    let prior = ConcretePrior { length: 2.0, entropy: 5.0 };
    let with = |rule| with_prior(prior, rule);
    let (plain, momentum, all) = (with(PLAIN), with(MOMENTUM), with(ALL));
    let hidden = |layer| if layer == 0 { Bernoulli } else { Concrete };
    let cases = vec![
        Case { rule: all, ..Case::new(&[48, 64, 32, 10], [0.0, 0.5, 0.2]) }.kinds(hidden),
        Case { activation: Activation::Tanh, batch: 67, rule: plain, ..Case::new(&[65, 130, 7], [0.1, 0.1]) }
            .kinds(hidden),
        Case { batch: 97, rule: momentum, ..Case::new(&[113, 1100, 70, 3], [0.0, 0.4, 0.5]) }
            .kinds(|layer| if layer == 1 { Concrete } else { Bernoulli }),
        Case { batch: 1, activation: Activation::Identity, rule: plain, ..Case::new(&[1, 1, 2], [0.0, 0.9]) }
            .kinds(hidden),
        Case { batch: 16, activation: Activation::Silu, rule: all, ..Case::new(&[70, 64, 48, 32], [0.2, 0.001, 0.5]) }
            .kinds(|layer| if layer == 1 { Concrete } else { DropConnect }),
        Case {
            activation: Activation::Sigmoid,
            batch: 33,
            classes: false,
            rule: plain,
            ..Case::new(&[30, 70, 5], [0.0, 0.999])
        }
        .kinds(hidden),
        Case { rule: with(clipped(0.1, ADAMW)), ..Case::new(&[48, 64, 32, 10], [0.0, 0.5, 0.2]) }.kinds(hidden),
    ];
    in_both_precisions(cases)
}

/// Weights of examples and of classes, and label smoothing: alone, all together, for numbers, with
/// masks of groups and with what is learned of concrete dropout.
fn weighted() -> Vec<Case> {
    let base = || Case { batch: 67, ..Case::new(&[48, 70, 31, 10], [0.1, 0.4, 0.25]) };
    let smoothed = |label_smoothing| Loss { label_smoothing, ..Loss::default() };
    let of_classes = Loss { class_weights: base().class_weights(), ..Loss::default() };
    let prior = ConcretePrior { length: 2.0, entropy: 5.0 };
    let concrete = |layer| if layer == 0 { DropoutKind::Bernoulli } else { DropoutKind::Concrete };
    let shared = |sharing, gathering| Case { sharing, gathering, rule: MOMENTUM, ..base().weighted() };
    in_both_precisions(vec![
        Case { weighted: true, ..base() },
        Case { loss: of_classes, rule: MOMENTUM, ..base() },
        Case { loss: smoothed(0.1), ..base() },
        Case { loss: smoothed(0.9), rule: ALL, batch: 1, ..base() },
        Case { rule: LASSO, batch: 130, ..base().weighted() },
        Case { batch: 16, ..Case::new(&[70, 64, 48, 33], [0.0, 0.2, 0.5]).weighted() },
        Case { batch: 150, ..Case::new(&[17, 2], [0.0]).weighted() },
        Case { classes: false, weighted: true, rule: ALL, ..Case::new(&[48, 64, 32, 3], [0.0, 0.2, 0.5]) },
        Case { rule: with_prior(prior, ALL), ..base().weighted() }.kinds(concrete),
        shared(MaskSharing::Batch, SharedMaskMode::Always),
        shared(MaskSharing::rows(33).unwrap(), SharedMaskMode::Always),
        shared(MaskSharing::rows(48).unwrap(), SharedMaskMode::Never),
    ])
}

fn in_both_precisions(cases: Vec<Case>) -> Vec<Case> {
    let both = |case: Case| Precision::ALL.map(|precision| Case { precision, ..case.clone() });
    cases.into_iter().flat_map(both).collect()
}
