//! The cases that somebody chose: one for each way in which a step can be computed, for every kind
//! of dropout.

use super::case::{Case, Noise};
use furlough::compute::{Precision, SharedMaskMode};
use furlough::nn::{Activation, ConcretePrior, DropoutKind, Loss, MaskSharing};
use furlough::optim::Sgd;

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
    cases
}

const PLAIN: Sgd = Sgd {
    learning_rate: 0.5,
    momentum: 0.0,
    nesterov: false,
    weight_decay: 0.0,
    l1: 0.0,
    max_norm: None,
    concrete: ConcretePrior { length: 0.0, entropy: 0.0 },
};
const MOMENTUM: Sgd = Sgd { learning_rate: 0.1, momentum: 0.9, ..PLAIN };
const ALL: Sgd = Sgd { nesterov: true, weight_decay: 0.01, max_norm: Some(1.1), ..MOMENTUM };
const LASSO: Sgd = Sgd { l1: 0.003, ..ALL };
const DECAY: Sgd = Sgd { weight_decay: 0.1, max_norm: Some(0.5), ..PLAIN };
/// A rate at which no activation makes the loss grow, and rounding with it.
const GENTLE: Sgd = Sgd { learning_rate: 0.05, ..PLAIN };

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
        Case { optimizer: MOMENTUM, batch: 33, ..base() },
        Case { optimizer: ALL, batch: 97, ..Case::new(&[48, 64, 32, 10], [0.2, 0.2, 0.5]) },
        Case { optimizer: DECAY, ..base() },
        Case { optimizer: Sgd { l1: 0.001, ..PLAIN }, ..base() },
        Case { optimizer: LASSO, batch: 97, ..Case::new(&[48, 64, 32, 10], [0.2, 0.2, 0.5]) },
        Case { optimizer: Sgd { weight_decay: 0.0, max_norm: None, ..LASSO }, batch: 31, ..base() },
        Case { classes: false, optimizer: ALL, ..Case::new(&[48, 64, 32, 3], [0.0, 0.2, 0.5]) },
        // Inputs, and examples, beyond what is multiplied at a time.
        Case {
            batch: 1030,
            optimizer: Sgd { learning_rate: 0.1, weight_decay: 0.5, ..PLAIN },
            ..Case::new(&[1031, 5, 10], [0.0, 0.2])
        },
        Case { batch: 5, ..Case::new(&[2, 1100, 3, 10], [0.0, 0.2, 0.5]) },
        // So few examples that weights of whole vectors are read where they lie.
        Case { batch: 16, ..Case::new(&[70, 64, 48, 33, 10], [0.0, 0.1, 0.2, 0.5]) },
        Case {
            batch: 7,
            activation: Activation::Tanh,
            optimizer: ALL,
            ..Case::new(&[48, 80, 160, 10], [0.0, 0.2, 0.5])
        },
        // The same, with enough weights for two workers to have columns of them.
        Case { batch: 29, ..Case::new(&[230, 256, 336, 16], [0.1, 0.2, 0.5]) },
        Case { batch: 32, classes: false, ..Case::new(&[1100, 16, 16, 32], [0.0, 0.2, 0.5]) },
        // More weights between two layers than it pays to pack for the backward pass, and more
        // units than a tile has.
        Case { batch: 70, ..Case::new(&[40, 600, 521, 7], [0.0, 0.2, 0.5]) },
        // (Without L1, whose derivative jumps where one of so many weights is next to nought.)
        Case {
            batch: 66,
            activation: Activation::Gelu,
            optimizer: ALL,
            ..Case::new(&[48, 530, 600, 10], [0.0, 0.2, 0.5])
        },
        // Weights of one layer beyond what tiles of ordinary height are for.
        Case {
            batch: 150,
            optimizer: Sgd { learning_rate: 0.01, ..PLAIN },
            ..Case::new(&[3, 730, 741, 10], [0.0, 0.2, 0.5])
        },
        Case { activation: Activation::Silu, ..deep() },
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
        Case { sharing: groups(64), batch: 129, optimizer: ALL, ..small([0.3, 0.0, 0.5]) },
        // Wider than a panel, a tile of parameters and a block of depth.
        Case { sharing: groups(48), batch: 100, ..with(&[241, 1100, 130, 7], &[0.1, 0.5, 0.3]) },
        Case { batch: 191, optimizer: MOMENTUM, ..with(&[1500, 65, 3], &[0.0, 0.5]) },
        Case { batch: 40, ..with(&[63, 65, 1, 129, 3], &[0.2, 0.1, 0.5, 0.9]) },
        Case { batch: 70, ..with(&[17, 10], &[0.5]) },
        Case { sharing: groups(32), batch: 96, ..with(&[1, 1, 2], &[0.5, 0.5]) },
        // Everything dropped somewhere, or nearly.
        small([0.0, 1.0, 0.5]),
        Case { sharing: groups(32), optimizer: ALL, ..small([1.0, 0.5, 1.0]) },
        Case { sharing: groups(40), batch: 200, ..small([0.0, 0.99, 0.98]) },
        // Optimizers that move what is dropped.
        Case { optimizer: MOMENTUM, sharing: groups(32), batch: 97, ..base() },
        Case { optimizer: DECAY, ..small([0.2, 0.5, 0.5]) },
        Case { optimizer: Sgd { l1: 0.01, ..PLAIN }, sharing: groups(33), batch: 97, ..base() },
        Case { optimizer: LASSO, ..small([0.2, 1.0, 0.5]) },
        // Numbers to predict; masks not shared everywhere; groups larger than batches, and of few
        // rows.
        Case { classes: false, optimizer: ALL, ..with(&[48, 64, 32, 3], &[0.0, 0.2, 0.5]) },
        Case { sharing: groups(32), ..mixed },
        Case { sharing: groups(1000), batch: 77, ..base() },
        Case { sharing: groups(3), ..base() },
        Case { sharing: groups(1), batch: 9, ..base() },
        // Few units and many rows: with many threads both are divided, with an end that is smaller.
        Case { batch: 331, ..wide() },
        Case { sharing: groups(150), batch: 331, optimizer: ALL, ..wide() },
    ];
    cases.extend(Activation::ALL.map(|activation| Case {
        activation,
        optimizer: GENTLE,
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
    let all = Sgd { learning_rate: 0.05, l1: 1e-4, ..ALL };
    let base = || Case { optimizer: GENTLE, batch: 67, spare: 3, ..Case::new(&[48, 70, 31, 10], [0.1, 0.4, 0.25]) };
    let gentle = |case: Case| Case { optimizer: GENTLE, ..case };
    let mut cases = vec![
        gentle(Case { batch: 1, ..Case::new(&[1, 1, 2], [0.3, 0.5]) }),
        Case { batch: 40, optimizer: all, ..Case::new(&[63, 65, 1, 129, 3], [0.0, 0.2, 0.0, 0.6]) },
        gentle(Case { batch: 130, ..Case::new(&[17, 10], [0.5]) }),
        gentle(Case { batch: 150, classes: false, ..Case::new(&[241, 700, 7], [0.05, 0.3]) }),
        // Few rows; masks shared by groups and by all.
        Case { batch: 16, optimizer: all, ..Case::new(&[70, 64, 48, 33], [0.1, 0.2, 0.5]) },
        Case { sharing: MaskSharing::rows(33).unwrap(), batch: 100, gathering: SharedMaskMode::Always, ..base() },
        Case { sharing: MaskSharing::Batch, optimizer: all, gathering: SharedMaskMode::Always, ..base() },
    ];
    cases.extend(Activation::ALL.map(|activation| Case { activation, ..base() }));
    in_both_precisions(cases)
}

/// DropConnect.
fn of_weights() -> Vec<Case> {
    let decay = Sgd { learning_rate: 0.1, ..DECAY };
    let cases = vec![
        Case { optimizer: ALL, ..Case::new(&[48, 64, 32, 10], [0.0, 0.5, 0.2]) },
        Case { activation: Activation::Tanh, batch: 67, ..Case::new(&[65, 130, 7], [0.1, 0.5]) },
        Case { activation: Activation::Gelu, batch: 1, optimizer: decay, ..Case::new(&[1, 1, 2], [0.3, 0.9]) },
        // So few examples that weights are multiplied where they lie.
        Case { batch: 16, optimizer: decay, ..Case::new(&[70, 64, 48, 32], [0.0, 0.5, 0.5]) },
        Case { batch: 40, optimizer: ALL, ..Case::new(&[40, 64, 48, 10], [0.0, 1.0, 0.0]) },
        Case { batch: 130, ..Case::new(&[17, 10], [0.5]) },
        Case {
            activation: Activation::Sigmoid,
            batch: 33,
            classes: false,
            optimizer: ALL,
            ..Case::new(&[30, 70, 5], [0.0, 0.25])
        },
    ];
    let mut cases: Vec<Case> = cases.into_iter().map(|case| case.kinds(|_| DropoutKind::DropConnect)).collect();
    // Weights in columns that several tiles share, beside ordinary dropout.
    let beside = Case { batch: 97, optimizer: MOMENTUM, ..Case::new(&[113, 150, 1100, 3], [0.2, 0.4, 0.5]) };
    cases.push(beside.kinds(|layer| if layer == 1 { DropoutKind::DropConnect } else { DropoutKind::Bernoulli }));
    in_both_precisions(cases)
}

/// Concrete dropout, with terms of its prior that are large enough to be seen.
fn concrete() -> Vec<Case> {
    use DropoutKind::{Bernoulli, Concrete, DropConnect};
    let prior = ConcretePrior { length: 2.0, entropy: 5.0 };
    let plain = Sgd { concrete: prior, ..PLAIN };
    let momentum = Sgd { concrete: prior, ..MOMENTUM };
    let all = Sgd { concrete: prior, ..ALL };
    let hidden = |layer| if layer == 0 { Bernoulli } else { Concrete };
    let cases = vec![
        Case { optimizer: all, ..Case::new(&[48, 64, 32, 10], [0.0, 0.5, 0.2]) }.kinds(hidden),
        Case { activation: Activation::Tanh, batch: 67, optimizer: plain, ..Case::new(&[65, 130, 7], [0.1, 0.1]) }
            .kinds(hidden),
        Case { batch: 97, optimizer: momentum, ..Case::new(&[113, 1100, 70, 3], [0.0, 0.4, 0.5]) }
            .kinds(|layer| if layer == 1 { Concrete } else { Bernoulli }),
        Case { batch: 1, activation: Activation::Identity, optimizer: plain, ..Case::new(&[1, 1, 2], [0.0, 0.9]) }
            .kinds(hidden),
        Case {
            batch: 16,
            activation: Activation::Silu,
            optimizer: all,
            ..Case::new(&[70, 64, 48, 32], [0.2, 0.001, 0.5])
        }
        .kinds(|layer| if layer == 1 { Concrete } else { DropConnect }),
        Case {
            activation: Activation::Sigmoid,
            batch: 33,
            classes: false,
            optimizer: plain,
            ..Case::new(&[30, 70, 5], [0.0, 0.999])
        }
        .kinds(hidden),
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
    let shared = |sharing, gathering| Case { sharing, gathering, optimizer: MOMENTUM, ..base().weighted() };
    in_both_precisions(vec![
        Case { weighted: true, ..base() },
        Case { loss: of_classes, optimizer: MOMENTUM, ..base() },
        Case { loss: smoothed(0.1), ..base() },
        Case { loss: smoothed(0.9), optimizer: ALL, batch: 1, ..base() },
        Case { optimizer: LASSO, batch: 130, ..base().weighted() },
        Case { batch: 16, ..Case::new(&[70, 64, 48, 33], [0.0, 0.2, 0.5]).weighted() },
        Case { batch: 150, ..Case::new(&[17, 2], [0.0]).weighted() },
        Case { classes: false, weighted: true, optimizer: ALL, ..Case::new(&[48, 64, 32, 3], [0.0, 0.2, 0.5]) },
        Case { optimizer: Sgd { concrete: prior, ..ALL }, ..base().weighted() }.kinds(concrete),
        shared(MaskSharing::Batch, SharedMaskMode::Always),
        shared(MaskSharing::rows(33).unwrap(), SharedMaskMode::Always),
        shared(MaskSharing::rows(48).unwrap(), SharedMaskMode::Never),
    ])
}

fn in_both_precisions(cases: Vec<Case>) -> Vec<Case> {
    let both = |case: Case| Precision::ALL.map(|precision| Case { precision, ..case.clone() });
    cases.into_iter().flat_map(both).collect()
}
