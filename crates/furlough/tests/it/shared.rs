//! Masks shared by groups of rows: the step that leaves out what is dropped against the plain one, which computes everything.

use crate::common::{Tolerance, bits, check_gradient, data, sampled, site, velocity, whole_and_in_pieces};
use furlough::compute::{Cpu, Gathering, Isa, Precision, reference};
use furlough::data::{Batch, Dataset, digits};
use furlough::nn::{Activation, Dropout, Init, Layer, MaskSite, Mlp, Sequential, Sharing};
use furlough::optim::Sgd;
use furlough::random::{Key, Stream};
use furlough::train::TrainOptions;
use ndarray::Array2;

furlough_harness::tests![
    the_step_is_the_plain_step,
    the_dense_step_is_the_plain_step,
    any_number_of_threads_gives_the_same_bits,
    what_is_dropped_does_not_move,
    what_is_dropped_is_penalised_all_the_same,
    gradients_are_those_of_finite_differences_with_the_masks_frozen,
    a_step_whose_loss_is_not_finite_changes_nothing,
    digits_are_learnt_and_resuming_changes_no_bit,
    the_definition_shares_by_place_and_only_in_training,
];

struct Case {
    /// Inputs, hidden widths, outputs.
    widths: &'static [usize],
    /// Of the inputs and after each hidden layer.
    dropout: &'static [f64],
    sharing: Sharing,
    /// Layers (0 for the inputs) whose masks are not shared.
    apart: &'static [usize],
    activation: Activation,
    batch: usize,
    optimizer: Sgd,
    classes: bool,
}

impl Case {
    fn mlp(&self) -> Mlp {
        let mut layers = Vec::new();
        for (index, pair) in self.widths.windows(2).enumerate() {
            let p = self.dropout[index];
            let sharing = if self.apart.contains(&index) { Sharing::PerExample } else { self.sharing };
            layers.push(Layer::SharedDropout(p, sharing));
            layers.push(Layer::Linear(pair[0], pair[1]));
            if index + 2 < self.widths.len() {
                layers.extend(match self.activation {
                    Activation::Identity => None,
                    Activation::Relu => Some(Layer::Relu),
                    Activation::LeakyRelu => Some(Layer::LeakyRelu),
                    Activation::Tanh => Some(Layer::Tanh),
                    Activation::Sigmoid => Some(Layer::Sigmoid),
                    Activation::Gelu => Some(Layer::Gelu),
                    Activation::Silu => Some(Layer::Silu),
                    Activation::Selu => Some(Layer::Selu),
                });
            }
        }
        Mlp::new(Sequential::new(layers).validate().unwrap(), Init::Kaiming, Key::new(3))
    }

    fn data(&self) -> Dataset {
        data(2 * self.batch, self.widths[0], self.widths[self.widths.len() - 1], self.classes)
    }
}

fn cases() -> Vec<Case> {
    let groups = |rows| Sharing::rows(rows).unwrap();
    let base = || Case {
        widths: &[48, 64, 32, 10],
        dropout: &[0.0, 0.2, 0.5],
        sharing: Sharing::Batch,
        apart: &[],
        activation: Activation::Relu,
        batch: 64,
        optimizer: Sgd::default(),
        classes: true,
    };
    let momentum = Sgd { learning_rate: 0.1, momentum: 0.9, ..Sgd::default() };
    let all = Sgd { nesterov: true, weight_decay: 0.01, max_norm: Some(1.1), ..momentum };
    let decay = Sgd { weight_decay: 0.1, max_norm: Some(0.5), ..Sgd::default() };
    let mut cases = vec![
        base(),
        // A last group that is smaller; groups of one vector and of one row over.
        Case { sharing: groups(33), batch: 130, dropout: &[0.1, 0.3, 0.6], ..base() },
        Case { sharing: groups(64), batch: 129, dropout: &[0.3, 0.0, 0.5], optimizer: all, ..base() },
        // Wider than a panel, a tile of parameters and a block of depth.
        Case { widths: &[241, 1100, 130, 7], dropout: &[0.1, 0.5, 0.3], sharing: groups(48), batch: 100, ..base() },
        Case { widths: &[1500, 65, 3], dropout: &[0.0, 0.5], batch: 191, optimizer: momentum, ..base() },
        Case { widths: &[63, 65, 1, 129, 3], dropout: &[0.2, 0.1, 0.5, 0.9], batch: 40, ..base() },
        Case { widths: &[17, 10], dropout: &[0.5], batch: 70, ..base() },
        Case { widths: &[1, 1, 2], dropout: &[0.5, 0.5], sharing: groups(32), batch: 96, ..base() },
        // Everything dropped somewhere, or nearly.
        Case { dropout: &[0.0, 1.0, 0.5], ..base() },
        Case { dropout: &[1.0, 0.5, 1.0], sharing: groups(32), optimizer: all, ..base() },
        Case { dropout: &[0.0, 0.99, 0.98], sharing: groups(40), batch: 200, ..base() },
        // Optimisers that move what is dropped.
        Case { optimizer: momentum, sharing: groups(32), batch: 97, ..base() },
        Case { optimizer: decay, dropout: &[0.2, 0.5, 0.5], ..base() },
        Case { optimizer: Sgd { l1: 0.01, ..Sgd::default() }, sharing: groups(33), batch: 97, ..base() },
        Case { optimizer: Sgd { l1: 0.003, ..all }, dropout: &[0.2, 1.0, 0.5], ..base() },
        // Numbers to predict; masks not shared everywhere; groups larger than batches, and of few rows.
        Case { classes: false, widths: &[48, 64, 32, 3], optimizer: all, ..base() },
        Case { apart: &[1], dropout: &[0.2, 0.4, 0.5], sharing: groups(32), ..base() },
        Case { sharing: groups(1000), batch: 77, ..base() },
        Case { sharing: groups(3), ..base() },
        Case { sharing: groups(1), batch: 9, ..base() },
        // Few units and many rows: with many threads both are divided, with an end that is smaller.
        Case { widths: &[300, 130, 140, 10], dropout: &[0.1, 0.5, 0.5], batch: 331, ..base() },
        Case { widths: &[300, 130, 140, 10], sharing: groups(150), batch: 331, optimizer: all, ..base() },
    ];
    // At a rate at which no activation makes the loss grow, and rounding with it.
    let gentle = Sgd { learning_rate: 0.05, ..Sgd::default() };
    cases.extend(Activation::ALL.map(|activation| Case {
        activation,
        optimizer: gentle,
        widths: &[48, 70, 31, 10],
        dropout: &[0.1, 0.4, 0.25],
        sharing: groups(34),
        batch: 67,
        ..base()
    }));
    cases
}

const CLOSE: Tolerance = Tolerance { precision: Precision::F32, slack: 1.0 };

fn the_step_is_the_plain_step() {
    for isa in Isa::available() {
        for (number, case) in cases().iter().enumerate() {
            let what = format!("{} case {number}", isa.name());
            let (data, mut fast, mut slow) = (case.data(), case.mlp(), case.mlp());
            let (mut fast_velocity, mut slow_velocity) =
                (velocity(&case.optimizer, &fast), velocity(&case.optimizer, &slow));
            // Twice a whole batch, then the smaller one at the end of an epoch, then one of few rows.
            let mut cpu = Cpu::with(fast.architecture(), case.batch, 2, Precision::F32, isa);
            cpu.gather(Gathering::Always);
            let sizes = [case.batch, case.batch, case.batch.div_ceil(2), 3.min(case.batch)];
            for (step, size) in (0..).zip(sizes) {
                let examples: Vec<u32> = (0..size as u32).map(|i| 2 * case.batch as u32 - 1 - 2 * i).collect();
                let batch = Batch { data: &data, examples: &examples };
                let sums = cpu.train_step(&mut fast, &mut fast_velocity, &case.optimizer, batch, &site(step));
                let loss =
                    reference::step(&mut slow, &mut slow_velocity, &case.optimizer, batch, &site(step), Precision::F32);
                let mean = sums.loss / size as f64;
                assert!((mean - loss).abs() <= 1e-5 * loss.max(1.0), "{what}: loss {mean}, the oracle says {loss}");
                CLOSE.assert_close(&format!("{what} step {step} parameters"), fast.parameters(), slow.parameters());
                CLOSE.assert_close(&format!("{what} step {step} velocity"), &fast_velocity, &slow_velocity);
            }
            // Forward passes under masks: of the training stream, where groups share, and of sampled predictions, where none do.
            for masks in [site(5), sampled(5)] {
                CLOSE.check_outputs(&what, &mut cpu, &fast, (&data, 1..1 + case.batch as u32), Some(&masks));
            }
        }
    }
}

/// Computing everything and dropping it afterwards gives the same, whether asked for or because it pays.
fn the_dense_step_is_the_plain_step() {
    for case in cases() {
        let (data, before) = (case.data(), case.mlp());
        let examples: Vec<u32> = (0..case.batch as u32).rev().collect();
        let batch = Batch { data: &data, examples: &examples };
        let mut slow = before.clone();
        reference::step(
            &mut slow,
            &mut velocity(&case.optimizer, &before),
            &case.optimizer,
            batch,
            &site(2),
            Precision::F32,
        );
        for when in [Gathering::Never, Gathering::WhereItPays] {
            let mut fast = before.clone();
            let mut cpu = Cpu::new(before.architecture(), case.batch, 2);
            cpu.gather(when);
            cpu.train_step(&mut fast, &mut velocity(&case.optimizer, &before), &case.optimizer, batch, &site(2));
            CLOSE.assert_close(&format!("{when:?} {:?}", case.widths), fast.parameters(), slow.parameters());
        }
    }
}

fn any_number_of_threads_gives_the_same_bits() {
    for case in cases() {
        let data = case.data();
        let examples: Vec<u32> = (0..case.batch as u32).collect();
        let run = |threads: usize| {
            let mut mlp = case.mlp();
            let mut velocity = velocity(&case.optimizer, &mlp);
            let mut cpu = Cpu::new(mlp.architecture(), examples.len(), threads);
            cpu.gather(Gathering::Always);
            let batch = Batch { data: &data, examples: &examples };
            let mut step =
                |step| cpu.train_step(&mut mlp, &mut velocity, &case.optimizer, batch, &site(step)).loss.to_bits();
            let losses: Vec<u64> = (0..4).map(&mut step).collect();
            let bits: Vec<u32> = mlp.parameters().iter().chain(&velocity).map(|p| p.to_bits()).collect();
            (losses, bits)
        };
        let one = run(1);
        for threads in [2, 5, 16] {
            assert_eq!(one, run(threads), "{threads} threads, {:?}", case.widths);
        }
    }
}

fn what_is_dropped_does_not_move() {
    let case = &cases()[0];
    let (data, before) = (case.data(), case.mlp());
    let examples: Vec<u32> = (0..case.batch as u32).collect();
    let mut after = before.clone();
    let mut cpu = Cpu::new(before.architecture(), case.batch, 2);
    cpu.gather(Gathering::Always);
    cpu.train_step(&mut after, &mut [], &case.optimizer, Batch { data: &data, examples: &examples }, &site(0));
    let mask = MaskSite { layer: 1, ..site(0) };
    let dropout = before.architecture().blocks()[0].dropout;
    let mut moved = [0, 0];
    for ((input, unit), weight) in after.weights(0).indexed_iter() {
        let same = weight.to_bits() == before.weights(0)[[input, unit]].to_bits();
        let kept = dropout.keeps(&mask, 0, unit as u32);
        assert!(kept || same, "weight {input} of unit {unit}, which is dropped");
        moved[usize::from(kept)] += usize::from(!same);
    }
    assert!(moved[1] > 500, "{moved:?}");
}

/// Gathered or not, a weight of a dropped unit has no gradient but the penalties', and a weight of 0 has none at all.
fn what_is_dropped_is_penalised_all_the_same() {
    let case = &cases()[0];
    let (data, mut before) = (case.data(), case.mlp());
    before.parameters_mut().iter_mut().step_by(3).for_each(|w| *w = 0.0);
    let examples: Vec<u32> = (0..case.batch as u32).collect();
    let dropout = before.architecture().blocks()[0].dropout;
    let dropped = |unit: usize| !dropout.keeps(&MaskSite { layer: 1, ..site(0) }, 0, unit as u32);
    let (rate, l1, decay) = (0.25, 0.01, 0.125);
    for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, decay), (0.9, decay)] {
        let optimizer = Sgd { learning_rate: rate, l1, momentum, weight_decay, ..Sgd::default() };
        for when in [Gathering::Always, Gathering::Never] {
            let mut after = before.clone();
            let mut velocity = velocity(&optimizer, &after);
            let mut cpu = Cpu::new(before.architecture(), case.batch, 2);
            cpu.gather(when);
            let batch = Batch { data: &data, examples: &examples };
            cpu.train_step(&mut after, &mut velocity, &optimizer, batch, &site(0));
            let mut seen = [0; 3];
            for ((input, unit), &new) in after.weights(0).indexed_iter().filter(|((_, unit), _)| dropped(*unit)) {
                let old = before.weights(0)[[input, unit]];
                let sign = f32::from(u8::from(old > 0.0)) - f32::from(u8::from(old < 0.0));
                let expected = old - rate as f32 * (weight_decay as f32 * old + l1 as f32 * sign);
                assert_eq!(new, expected, "{when:?}, momentum {momentum}, decay {weight_decay}: was {old}");
                seen[(sign + 1.0) as usize] += 1;
            }
            assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
        }
    }
}

fn gradients_are_those_of_finite_differences_with_the_masks_frozen() {
    for (activation, classes) in [(Activation::Tanh, true), (Activation::Gelu, false), (Activation::Identity, true)] {
        let case = Case {
            widths: &[11, 9, 7, 3],
            dropout: &[0.2, 0.3, 0.5],
            sharing: Sharing::rows(32).unwrap(),
            apart: &[],
            activation,
            batch: 70,
            optimizer: Sgd { learning_rate: 1.0, ..Sgd::default() },
            classes,
        };
        let (data, before) = (case.data(), case.mlp());
        let examples: Vec<u32> = (0..case.batch as u32).collect();
        let batch = Batch { data: &data, examples: &examples };
        let mut cpu = Cpu::new(before.architecture(), case.batch, 1);
        cpu.gather(Gathering::Always);
        let mut after = before.clone();
        cpu.train_step(&mut after, &mut [], &case.optimizer, batch, &site(1));
        check_gradient(&before, &after, 1e-4, &format!("{activation:?}"), |mlp| {
            cpu.train_step(mlp, &mut [], &case.optimizer, batch, &site(1)).loss / case.batch as f64
        });
    }
}

fn a_step_whose_loss_is_not_finite_changes_nothing() {
    let case = &cases()[0];
    let mut mlp = case.mlp();
    let bias = mlp.architecture().ranges(2).1.start;
    mlp.parameters_mut()[bias] = f32::NAN;
    let before = bits(mlp.parameters());
    let mut cpu = Cpu::new(mlp.architecture(), case.batch, 1);
    cpu.gather(Gathering::Always);
    let examples: Vec<u32> = (0..case.batch as u32).collect();
    let batch = Batch { data: &case.data(), examples: &examples };
    assert!(!cpu.train_step(&mut mlp, &mut [], &case.optimizer, batch, &site(0)).loss.is_finite());
    assert_eq!(before, bits(mlp.parameters()));
}

/// Groups that divide the batch and groups that do not, and a last batch of the epoch that is smaller.
fn digits_are_learnt_and_resuming_changes_no_bit() {
    let digits = digits::load().unwrap();
    for sharing in [Sharing::Batch, Sharing::rows(80).unwrap()] {
        // Large enough to be gathered unasked.
        let network = Sequential::perceptron(64, 10, &[1024, 128], Activation::Relu, 0.0, &[0.5, 0.3]);
        let network = network.with_sharing(sharing);
        let optimizer = Sgd { learning_rate: 0.02, momentum: 0.9, ..Sgd::default() };
        // 1,437 examples: 14 batches of 100 and one of 37.
        let options = TrainOptions {
            init: Init::Kaiming,
            optimizer,
            batch_size: 100,
            epochs: 12,
            seed: 4,
            ..TrainOptions::default()
        };
        let (mut whole, pieces) = whole_and_in_pieces(&network, &options, &digits.train);
        let accuracy = whole.evaluate(&digits.test).unwrap().accuracy.unwrap();
        assert!(accuracy > 0.88, "{sharing}: {accuracy}");
        assert_eq!(bits(whole.into_mlp().parameters()), bits(pieces.into_mlp().parameters()), "{sharing}");
    }
}

fn the_definition_shares_by_place_and_only_in_training() {
    let x = Array2::ones((7, 90));
    let ids = [9, 4, 4, 30, 2, 8, 1];
    let half = |sharing| Dropout::shared(0.5, sharing).unwrap();
    let threes = half(Sharing::rows(3).unwrap()).forward(x.view(), &ids, &site(0));
    let plain = half(Sharing::PerExample);
    for (place, row) in threes.rows().into_iter().enumerate() {
        let alone = plain.forward(x.slice(ndarray::s![..1, ..]), &[place as u32 / 3], &site(0));
        assert_eq!(row, alone.row(0), "place {place}");
    }
    let batch = half(Sharing::Batch).forward(x.view(), &ids, &site(0));
    assert!(batch.rows().into_iter().all(|row| row == threes.row(0)));
    let sampled = MaskSite { stream: Stream::MonteCarlo, ..site(0) };
    for sharing in [Sharing::Batch, Sharing::rows(1).unwrap()] {
        let apart = plain.forward(x.view(), &ids, &sampled);
        assert_eq!(half(sharing).forward(x.view(), &ids, &sampled), apart);
    }
    assert_eq!(Dropout::shared(0.0, Sharing::Batch).unwrap(), Dropout::NONE);
    let message = Sharing::rows(0).unwrap_err().to_string();
    assert!(message.starts_with("dropout_sharing = 0: write per-example, batch, or how many"), "{message}");
}
