//! What holds for every case: each property is tried on the cases that somebody chose and on
//! generated ones ([`case`](crate::common::case)).

use crate::common::case::{Case, check, generated};
use crate::common::known::known;
use crate::common::{
    Tolerance, bits, check_gradient, check_passes, missing, new_state, nothing, of_bfloat16, of_each_isa, regularizer,
    sampled, sgd, site, state_bits, whole_and_in_pieces,
};
use furlough::compute::{Isa, Precision, SharedMaskMode, reference};
use furlough::data::{Batch, Targets};
use furlough::nn::{Activation, Concrete, DropoutKind, Init, InputColumn, InputStage, MaskSharing, Mlp, argmax};
use furlough::optim::{Regularizers, Schedule, UpdateRule};
use furlough::random::Key;
use furlough::train::{ClassWeights, LossOptions, TrainOptions};
use furlough_harness::Test;

/// How many multiplications of a batch with all weights a generated case may have.
const WORK: usize = 3_000_000;

pub fn tests() -> Vec<Test> {
    let module = module_path!();
    let mut tests = of_each_isa(module, "fast_equals_reference", |isa| fast_equals_reference(isa, Precision::F32));
    let bfloat16 = |isa| fast_equals_reference(isa, Precision::Bf16);
    tests.extend(of_bfloat16(module, "fast_equals_reference_in_bfloat16", bfloat16));
    tests.extend(of_each_isa(module, "threads_change_no_bit", threads_change_no_bit));
    tests.push(
        Test::new(module, "avx2_and_avx512_give_the_same_bits", avx2_and_avx512_give_the_same_bits)
            .unless(|| missing("AVX-512")),
    );
    tests.push(Test::new(module, "finite_differences_agree", finite_differences_agree));
    let behind = finite_differences_agree_behind_a_stage;
    tests.push(Test::new(module, "finite_differences_agree_behind_a_stage", behind));
    let bent = finite_differences_agree_with_parametric_activations;
    tests.push(Test::new(module, "finite_differences_agree_with_parametric_activations", bent));
    tests.push(Test::new(module, "stopped_and_resumed_changes_no_bit", stopped_and_resumed_changes_no_bit));
    tests.extend(of_each_isa(module, "samples_are_forward_passes", samples_are_forward_passes));
    tests.push(Test::new(
        module,
        "a_loss_that_is_not_finite_changes_nothing",
        a_loss_that_is_not_finite_changes_nothing,
    ));
    tests
}

fn fast_equals_reference(isa: Isa, precision: Precision) {
    known().iter().filter(|case| case.precision == precision).for_each(|case| equals_reference(case, isa));
    check(48, generated(WORK), |case| equals_reference(&Case { precision, ..case.clone() }, isa));
}

/// Steps of an engine that goes on, each from where it stands, and passes without masks and with
/// them afterwards.
fn equals_reference(case: &Case, isa: Isa) {
    let what = format!("{} {case:?}", isa.name());
    let (data, examples) = (case.data(), case.examples());
    let mut fast = case.mlp();
    let mut fast_state = new_state(&case.rule, &fast);
    let mut cpu = case.cpu(isa, case.threads);
    let tolerance = Tolerance { precision: case.precision, slack: case.slack() };
    let sizes = [case.batch, case.batch, case.batch.div_ceil(2), 3.min(case.batch)];
    for (step, size) in (0..).zip(sizes) {
        let batch = Batch { data: &data, examples: &examples[..size] };
        let (before, mut slow, mut slow_state) = (fast.clone(), fast.clone(), fast_state.clone());
        let sums = cpu.train_step(&mut fast, &mut fast_state, &case.rule, batch, &site(step));
        let (rule, loss, site) = (&case.rule, &case.loss, &site(step));
        let loss = reference::step(&mut slow, &mut slow_state, rule, batch, loss, site, case.precision);
        let mean = sums.mean_loss();
        assert!((mean - loss).abs() <= tolerance.loss() * loss.max(1.0), "{what}: loss {mean}, the oracle says {loss}");
        tolerance.assert_close(&format!("{what} step {step} parameters"), fast.parameters(), slow.parameters());
        for ((name, fast), (_, slow)) in fast_state.buffers().zip(slow_state.buffers()) {
            tolerance.assert_close(&format!("{what} step {step} {name}"), fast, slow);
        }
        if sums.normalizer > 0.0 {
            logits_agree(&format!("{what} step {step}"), case, &before, (&fast, &slow), tolerance);
        }
        if step == 0 && case.precision == Precision::F32 {
            assert_eq!(sums.correct, classified_rightly(&before, batch), "{what}: classified rightly");
        }
    }
    // All weights at inference, whatever the last call left packed; masks where they are asked for,
    // shared in training only.
    for masks in [None, Some(site(5)), None, Some(sampled(5))] {
        tolerance.check_outputs(&what, &mut cpu, &fast, (&data, 1..1 + case.batch as u32), masks.as_ref());
    }
}

fn logits_agree(what: &str, case: &Case, before: &Mlp, (fast, slow): (&Mlp, &Mlp), tolerance: Tolerance) {
    let logits = fast.dropout_logits().iter().zip(slow.dropout_logits()).zip(before.dropout_logits());
    for ((fast, slow), before) in logits {
        assert!((fast - slow).abs() <= 25.0 * tolerance.loss(), "{what}: logit {fast}, the oracle says {slow}");
        let pulled = case.rule.regularizers.concrete.length > 1.0;
        let moved = fast != before || fast.abs() == Concrete::LARGEST_LOGIT;
        assert!(moved || !pulled, "{what}: the logit has not moved");
    }
}

/// The sum of their weights, in the order of the batch.
fn classified_rightly(mlp: &Mlp, batch: Batch<'_>) -> f64 {
    let Targets::Classes { labels, .. } = batch.data.targets() else { return 0.0 };
    let outputs = reference::forward(mlp, batch, Some(&site(0)), Precision::F32);
    let rows = outputs.rows().into_iter().zip(batch.examples);
    let right = rows.filter(|(row, id)| argmax(row.as_slice().unwrap()) == labels[**id as usize] as usize);
    right.fold(0.0, |sum, (_, &id)| sum + f64::from(batch.data.weight(id as usize)))
}

fn threads_change_no_bit(isa: Isa) {
    let same = |case: &Case, threads: &[usize]| {
        let one = case.train(isa, 1);
        for &threads in threads {
            assert!(one == case.train(isa, threads), "{} {threads} threads: {case:?}", isa.name());
        }
    };
    let threads: &[usize] = if isa == Isa::best() { &[2, 5, 16] } else { &[3] };
    known().iter().for_each(|case| same(&Case { batch: 4 * case.batch, ..case.clone() }, threads));
    check(48, generated(WORK), |case| same(case, &[2, case.threads]));
}

fn avx2_and_avx512_give_the_same_bits() {
    let isa = |name: &str| Isa::available().into_iter().find(|isa| isa.name() == name).unwrap();
    let (avx2, avx512) = (isa("AVX2"), isa("AVX-512"));
    let same = |case: &Case| {
        let case = Case { precision: Precision::F32, ..case.clone() };
        assert!(case.train(avx2, case.threads) == case.train(avx512, case.threads), "{case:?}");
    };
    known().iter().filter(|case| case.precision.is_f32()).for_each(same);
    check(128, generated(WORK), same);
    // Whether to gather is decided by shapes, so cases on both sides of the decision.
    for (width, batch) in
        [192, 320, 512, 768, 1024].into_iter().flat_map(|width| [64, 100, 200].map(|rows| (width, rows)))
    {
        for (p, sharing) in
            [(0.2, MaskSharing::Batch), (0.5, MaskSharing::Batch), (0.5, MaskSharing::rows(48).unwrap())]
        {
            same(&Case { sharing, batch, ..Case::new(&[200, width, width, 10], [0.0, p, p]) });
        }
    }
}

/// Of small networks with smooth activations: a corner of a rectifier within the step would spoil
/// the difference. The rectifiers' derivatives are tested one by one, and their steps against the
/// oracle's.
fn finite_differences_agree() {
    let smooth = [
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Gelu,
        Activation::Silu,
        Activation::Mish,
        Activation::Identity,
    ];
    for kind in DropoutKind::ALL {
        for (activation, classes) in smooth.into_iter().flat_map(|activation| [(activation, true), (activation, false)])
        {
            for sharing in [MaskSharing::PerExample, MaskSharing::rows(5).unwrap(), MaskSharing::Batch] {
                let own = matches!(kind, DropoutKind::DropConnect | DropoutKind::Concrete);
                if own && sharing != MaskSharing::PerExample {
                    continue;
                }
                let concrete = furlough::nn::ConcretePrior { length: 0.7, entropy: 0.5 };
                let case = Case::new(&[11, 9, 7, 3], [0.2, 0.3, 0.5]);
                let case = case.kinds(|layer| match kind {
                    DropoutKind::Concrete if layer == 0 => DropoutKind::Bernoulli,
                    kind => kind,
                });
                let rule =
                    UpdateRule { regularizers: Regularizers { concrete, ..Regularizers::default() }, ..sgd(1.0) };
                let gathering = SharedMaskMode::Always;
                let case = Case { batch: 13, activation, classes, sharing, rule, gathering, ..case };
                gradient_agrees(&case);
                gradient_agrees(&case.weighted());
            }
        }
    }
}

/// The derivatives by what activations learn.
fn finite_differences_agree_with_parametric_activations() {
    for activation in [Activation::Tanh, Activation::Gelu, Activation::Mish] {
        for kind in [DropoutKind::Bernoulli, DropoutKind::Gaussian] {
            let case = Case::new(&[11, 9, 7, 3], [0.2, 0.3, 0.5]).kinds(|_| kind);
            gradient_agrees(&Case { batch: 13, activation, parametric: true, rule: sgd(1.0), ..case });
        }
    }
}

/// The derivatives by the parameters of an input stage, through dropout of what it gives.
fn finite_differences_agree_behind_a_stage() {
    let columns = [
        InputColumn::Number,
        InputColumn::Category { levels: 4, width: 3 },
        InputColumn::Periodic { frequencies: 3, outputs: 2, deviation: 0.5 },
        InputColumn::PiecewiseLinear { edges: vec![-0.5, 0.0, 0.7] },
    ];
    for scaling in [true, false] {
        for kind in [DropoutKind::Bernoulli, DropoutKind::Gaussian] {
            for classes in [true, false] {
                let stage = InputStage::new(columns.clone());
                let stage = if scaling { stage.with_scaling() } else { stage };
                let case = Case::new(&[1, 9, 7, 3], [0.2, 0.3, 0.5]).kinds(|_| kind).behind(stage);
                let case = Case { batch: 13, activation: Activation::Tanh, classes, rule: sgd(1.0), ..case };
                gradient_agrees(&case);
                gradient_agrees(&case.weighted());
            }
        }
    }
}

fn gradient_agrees(case: &Case) {
    let (data, before, examples) = (case.data(), case.mlp(), case.examples());
    let batch = Batch { data: &data, examples: &examples };
    let mut cpu = case.cpu(Isa::best(), 1);
    let mut after = before.clone();
    cpu.train_step(&mut after, &mut nothing(), &case.rule, batch, &site(1));
    let prior = case.rule.regularizers.concrete;
    let mut total = |mlp: &mut Mlp| {
        let penalty = regularizer(mlp, prior, data.len());
        cpu.train_step(mlp, &mut nothing(), &case.rule, batch, &site(1)).mean_loss() + penalty
    };
    check_gradient(&before, &after, 1e-4 * f64::from(case.slack()), &format!("{case:?}"), &mut total);
    for place in 0..before.dropout_logits().len() {
        let mut slope = |h: f64| {
            let mut at = |change: f64| {
                let mut mlp = before.clone();
                mlp.dropout_logits_mut()[place] += change;
                total(&mut mlp)
            };
            (at(h) - at(-h)) / (2.0 * h)
        };
        let numeric = (4.0 * slope(0.01) - slope(0.02)) / 3.0;
        let gradient = before.dropout_logits()[place] - after.dropout_logits()[place];
        let apart = (gradient - numeric).abs();
        assert!(apart < 2e-4, "{case:?} logit {place}: {gradient} but differences say {numeric}");
    }
}

/// With other numbers of threads each time, and with schedules of the learning rate and of the drop
/// probabilities.
fn stopped_and_resumed_changes_no_bit() {
    check(128, generated(WORK / 3), |case| {
        let data = case.data();
        let learns = case.network().validate().unwrap().concrete_blocks().next().is_some();
        let options = TrainOptions {
            init: Init::Kaiming,
            optimizer: case.rule.optimizer,
            learning_rate: case.rule.learning_rate.min(0.02),
            lr_schedule: case.lr_schedule.clone(),
            regularizers: case.rule.regularizers,
            factors: case.rule.factors,
            weight_decay_schedule: case.lr_schedule.clone(),
            clip_norm: case.rule.clip_norm,
            // Four steps an epoch, the last of which is smaller.
            batch_size: (4 * case.batch / 5).max(1),
            epochs: 3,
            seed: 4,
            precision: case.precision,
            dropout_schedule: if learns { Schedule::Constant } else { Schedule::Ramp(0.5) },
            loss: LossOptions {
                label_smoothing: case.loss.label_smoothing,
                class_weights: (!case.loss.class_weights.is_empty()).then_some(ClassWeights::Balanced),
            },
            ..TrainOptions::default()
        };
        let (whole, pieces) = whole_and_in_pieces(&case.network(), &options, &data, &[1, 2, 4, 1]);
        assert_eq!(state_bits(&whole.state().optimizer), state_bits(&pieces.state().optimizer), "{case:?}");
        let (whole, pieces) = (whole.into_mlp(), pieces.into_mlp());
        assert_eq!(bits(whole.parameters()), bits(pieces.parameters()), "{case:?}");
        assert_eq!(whole.dropout_logits(), pieces.dropout_logits(), "{case:?}");
    });
}

/// Masked passes have the bits of the forward pass, wherever the noise begins.
fn samples_are_forward_passes(isa: Isa) {
    let same = |case: &Case| {
        let (data, mut mlp) = (case.data(), case.mlp());
        // As if p had been learned.
        mlp.dropout_logits_mut().fill(-1.25);
        let mut cpu = Case { batch: 0, spare: 0, ..case.clone() }.cpu(isa, case.threads);
        check_passes(&format!("{case:?}"), &mut cpu, &mlp, (&data, 1..1 + case.batch as u32), Key::new(5), 3..6);
    };
    known().iter().for_each(same);
    check(48, generated(WORK), same);
}

/// Neither the network nor what the engine keeps from call to call.
fn a_loss_that_is_not_finite_changes_nothing() {
    let unchanged = |case: &Case| {
        let (data, examples, good) = (case.data(), case.examples(), case.mlp());
        let mut mlp = good.clone();
        let last = mlp.architecture().blocks().len() - 1;
        let bias = mlp.architecture().ranges(last).1.start;
        mlp.parameters_mut()[bias] = f32::NAN;
        let (before, logits) = (bits(mlp.parameters()), mlp.dropout_logits().to_vec());
        let mut state = new_state(&case.rule, &mlp);
        let mut cpu = case.cpu(Isa::best(), case.threads);
        let batch = Batch { data: &data, examples: &examples };
        assert!(!cpu.train_step(&mut mlp, &mut state, &case.rule, batch, &site(0)).is_finite());
        assert!(before == bits(mlp.parameters()) && logits == mlp.dropout_logits(), "{case:?}");
        assert!(state.values().all(|value| value == 0.0), "{case:?}");
        let rows = 0..case.batch as u32;
        let mut outputs = [(); 2].map(|()| vec![0.0; rows.len() * good.architecture().outputs()]);
        cpu.forward(&good, &data, rows.clone(), None, &mut outputs[0]);
        case.cpu(Isa::best(), 1).forward(&good, &data, rows, None, &mut outputs[1]);
        assert_eq!(bits(&outputs[0]), bits(&outputs[1]), "{case:?}");
    };
    known().iter().for_each(unchanged);
    check(32, generated(WORK), unchanged);
}
