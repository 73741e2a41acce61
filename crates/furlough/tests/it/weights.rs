//! Weights of examples and of classes, and label smoothing: what a step, a run and its figures make
//! of them.

use crate::common::case::Case;
use crate::common::known::known;
use crate::common::{MOMENTUM, bits, data, new_state, site};
use furlough::compute::{Isa, Precision, SharedMaskMode, reference};
use furlough::data::{Batch, Dataset, EvalData, Features, Partition, Split, Targets};
use furlough::nn::{ConcretePrior, DropoutKind, Layer::*, Loss, MaskSharing, Sequential};
use furlough::optim::{GroupFactors, OptimizerState, Regularizers, UpdateRule};
use furlough::predict::Predictor;
use furlough::train::{ClassWeights, Control, EpochSummary, Event, LossOptions, TrainOptions, Trainer};
use ndarray::{Array2, array};

furlough_harness::tests![
    weights_of_1_change_no_bit,
    a_batch_whose_weights_sum_to_0_changes_nothing,
    an_example_of_weight_2_counts_as_two,
    a_weight_is_that_of_the_example_in_each_part_of_the_data,
    weights_change_no_plan,
    an_epoch_has_weighted_means,
    scores_are_weighted_and_not_smoothed,
    what_nothing_can_be_learned_from_is_refused,
];

fn weights_of_1_change_no_bit() {
    for case in known().iter().filter(|case| !case.weighted && case.loss == Loss::default()).step_by(3) {
        let (plain, mut examples) = (case.data(), case.examples());
        let ones = plain.clone().with_weights(vec![1.0; plain.len()]).unwrap();
        let outputs = case.widths[case.widths.len() - 1];
        examples.truncate(60);
        let run = |data: &Dataset, loss: Loss| {
            let (mut mlp, mut cpu) = (case.mlp(), case.cpu(Isa::best(), 2));
            cpu.minimize(loss);
            let mut state = new_state(&case.rule, &mlp);
            let sums = (0..2).map(|step| {
                let batch = Batch { data, examples: &examples };
                cpu.train_step(&mut mlp, &mut state, &case.rule, batch, &site(step))
            });
            (sums.collect::<Vec<_>>(), bits(mlp.parameters()))
        };
        let expected = run(&plain, Loss::default());
        assert!(run(&ones, Loss::default()) == expected, "{case:?}");
        let ones_of_classes = Loss { class_weights: vec![1.0; outputs], ..Loss::default() };
        assert!(!case.classes || run(&ones, ones_of_classes) == expected, "{case:?}");
    }
}

/// Neither momentum nor penalties move anything, nor does what is learned of concrete dropout.
fn a_batch_whose_weights_sum_to_0_changes_nothing() {
    let concrete = ConcretePrior { length: 2.0, entropy: 5.0 };
    let regularizers = Regularizers { l2: 0.1, l1: 0.01, max_norm: Some(0.01), concrete };
    let rule = UpdateRule {
        optimizer: MOMENTUM,
        learning_rate: 0.1,
        regularizers,
        clip_norm: None,
        factors: GroupFactors::DEFAULT,
    };
    let base = || Case { rule, ..Case::new(&[48, 64, 32, 10], [0.0, 0.2, 0.5]) };
    let learned = base().kinds(|layer| if layer == 0 { DropoutKind::Bernoulli } else { DropoutKind::Concrete });
    let shared = Case { sharing: MaskSharing::Batch, gathering: SharedMaskMode::Always, ..base() };
    for case in [base(), learned, shared, Case { classes: false, ..base() }] {
        let all = case.data();
        // The first half counts, the other one does not.
        let half = all.len() / 2;
        let weights = (0..all.len()).map(|example| f32::from(u8::from(example < half))).collect();
        let data = all.with_weights(weights).unwrap();
        let (mut mlp, mut cpu) = (case.mlp(), case.cpu(Isa::best(), 2));
        let mut state = new_state(&rule, &mlp);
        let [counts, nothing] = [0, half as u32].map(|first| (first..first + 40).collect::<Vec<u32>>());
        let mut step = |mlp: &mut _, state: &mut OptimizerState, examples: &[u32], step| {
            let batch = Batch { data: &data, examples };
            let (mut slow, mut slow_state) = (Clone::clone(mlp), state.clone());
            let (loss, site) = (Loss::default(), site(step));
            let plain = reference::step(&mut slow, &mut slow_state, &rule, batch, &loss, &site, Precision::F32);
            let sums = cpu.train_step(mlp, state, &rule, batch, &site);
            (sums, plain, slow, slow_state)
        };
        let (sums, ..) = step(&mut mlp, &mut state, &counts, 0);
        assert!(sums.normalizer == 40.0 && mlp != case.mlp());
        let before = (mlp.clone(), state.clone());
        let (sums, plain, slow, slow_state) = step(&mut mlp, &mut state, &nothing, 1);
        assert_eq!((sums.loss, sums.mean_loss(), sums.accuracy(), plain), (0.0, 0.0, 0.0, 0.0), "{case:?}");
        assert!(before == (mlp, state) && before == (slow, slow_state), "{case:?}");
    }
}

/// Without dropout, whose masks differ where an example stands twice in the data.
fn an_example_of_weight_2_counts_as_two() {
    let network = Sequential::new([Linear(6, 9), Tanh, Linear(9, 3)]);
    for classes in [true, false] {
        let once = data(20, 6, 3, classes);
        let twice: Vec<u32> = (0..20).chain([3, 11, 19]).collect();
        let repeated = once.select(&twice);
        let weight = |example| if [3, 11, 19].contains(&example) { 2.0 } else { 1.0 };
        let weighted = once.with_weights((0..20).map(weight).collect()).unwrap();
        let options =
            TrainOptions { batch_size: 30, epochs: 40, init: "kaiming".parse().unwrap(), ..Default::default() };
        let trained = |data: &Dataset| {
            let mut trainer = Trainer::new(&network, &options, data, 1).unwrap();
            trainer.fit(None).unwrap();
            let scores = trainer.evaluate(data).unwrap();
            (scores, trainer.into_mlp())
        };
        let ((a, one), (b, other)) = (trained(&weighted), trained(&repeated));
        assert!((a.loss - b.loss).abs() < 1e-6 && a.accuracy == b.accuracy, "{a:?}, {b:?}");
        let apart = one.parameters().iter().zip(other.parameters()).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-4);
    }
}

fn a_weight_is_that_of_the_example_in_each_part_of_the_data() {
    let all = data(30, 4, 3, true).with_weights((0..30).map(|example| example as f32).collect()).unwrap();
    let part = all.select(&[7, 0, 29]);
    assert_eq!(part.weights(), Some(&[7.0, 0.0, 29.0][..]));
    assert_eq!((part.weight(2), part.total_weight()), (29.0, 36.0));
    let split = Split { train: all.clone(), test: all.clone() };
    let fold = Partition { folds: Some(3), fold: 1, ..Partition::default() }.apply(split).unwrap();
    assert_eq!(fold.train.total_weight() + fold.eval.total_weight(), all.total_weight());
    let unweighted = data(30, 4, 3, true);
    assert_eq!((unweighted.weights(), unweighted.weight(4), unweighted.total_weight()), (None, 1.0, 30.0));
}

/// What is gathered and what is skipped depends on shapes and zeros of the features alone.
fn weights_change_no_plan() {
    for case in known().iter().filter(|case| case.classes && !case.weighted) {
        let (plain, weighted) = (case.clone(), case.clone().weighted());
        let plan = |case: &Case| {
            let (data, examples) = (case.data(), case.examples());
            let mut cpu = case.cpu(Isa::best(), case.threads);
            format!("{:?}", cpu.plan_step(Batch { data: &data, examples: &examples }, 1.0))
        };
        assert_eq!(plan(&plain), plan(&weighted), "{case:?}");
    }
}

fn epochs(trainer: &mut Trainer<'_>, test: Option<&Dataset>) -> Vec<EpochSummary> {
    let mut seen = Vec::new();
    let mut note = |event: &Event<'_>| {
        if let Event::Epoch(summary) = event {
            seen.push((*summary).clone());
        }
        Ok(Control::Continue)
    };
    trainer.fit_with(test.map(EvalData::test), &mut note).unwrap();
    seen
}

/// With a learning rate of next to nothing, so that the network stays as it is; the last batch is
/// smaller.
fn an_epoch_has_weighted_means() {
    let case = Case { batch: 20, ..Case::new(&[5, 8, 10], [0.0, 0.0]) }.weighted();
    let train = case.data();
    let Targets::Classes { labels, .. } = train.targets() else { unreachable!() };
    let options = TrainOptions {
        learning_rate: 1e-30,
        batch_size: 33,
        epochs: 1,
        init: "kaiming".parse().unwrap(),
        loss: LossOptions {
            label_smoothing: 0.1,
            class_weights: Some(ClassWeights::List(case.loss.class_weights.clone())),
        },
        ..TrainOptions::default()
    };
    let mut trainer = Trainer::new(&case.network(), &options, &train, 2).unwrap();
    let epoch = epochs(&mut trainer, Some(&train)).remove(0);
    let logits = Predictor::new(trainer.into_mlp(), 1).predict(&train).unwrap();
    let weights: Vec<f32> = train.weights().unwrap().to_vec();
    let (train_loss, _) = case.loss.cross_entropy(logits.view(), labels, &weights);
    let (test_loss, _) = Loss::default().cross_entropy(logits.view(), labels, &weights);
    assert!((epoch.train_loss - train_loss).abs() < 1e-6, "{epoch:?}: {train_loss}");
    assert!((epoch.eval_loss().unwrap() - test_loss).abs() < 1e-6, "{epoch:?}: {test_loss}");
    let right = logits.rows().into_iter().zip(labels).zip(&weights).map(|((row, &label), &weight)| {
        let answer = furlough::nn::argmax(row.as_slice().unwrap());
        if answer == label as usize { f64::from(weight) } else { 0.0 }
    });
    let accuracy = right.sum::<f64>() / train.total_weight();
    assert!(accuracy > 0.0 && (epoch.train_accuracy.unwrap() - accuracy).abs() < 1e-12, "{epoch:?}: {accuracy}");
    assert_eq!(epoch.train_accuracy, epoch.eval_accuracy());
}

/// As accuracy_score and log_loss of scikit-learn with sample_weight.
fn scores_are_weighted_and_not_smoothed() {
    // Logits are the features.
    let network = Sequential::new([Linear(2, 2)]);
    let mlp = furlough::nn::Mlp::from_parameters(network.validate().unwrap(), vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let rows = array![[0.0f32, 0.0], [3.0f32.ln(), 0.0], [0.0, 4.0f32.ln()]];
    let targets = Targets::Classes { labels: vec![0, 1, 1], names: vec!["a".into(), "b".into()] };
    let data = Dataset::new(Features::Floats(rows), targets, &[2]).unwrap();
    let data = data.with_weights(vec![1.0, 0.5, 2.5]).unwrap();
    let loss = (2f64.ln() + 0.5 * 4f64.ln() + 2.5 * 1.25f64.ln()) / 4.0;
    let mut predictor = Predictor::new(mlp, 1);
    let evaluation = predictor.evaluate(&data).unwrap();
    let sampled = predictor.monte_carlo(&data, 3, furlough::random::Key::new(0)).unwrap().evaluate(&data).unwrap();
    for evaluation in [evaluation, sampled] {
        assert!((evaluation.loss - loss).abs() < 1e-6, "{evaluation:?}");
        assert_eq!(evaluation.accuracy, Some(3.5 / 4.0));
        assert_eq!(evaluation.confusion, Some(array![[1, 0], [1, 1]]));
    }
}

fn what_nothing_can_be_learned_from_is_refused() {
    let plain = data(6, 2, 2, true);
    for (weights, expected) in [
        (vec![1.0; 5], "has 6 examples but 5 weights"),
        (vec![1.0, -0.5, 1.0, 1.0, 1.0, 1.0], "example 1 has weight -0.5; weights are finite numbers of at least 0"),
        (vec![1.0, 1.0, f32::NAN, 1.0, 1.0, 1.0], "example 2 has weight NaN"),
        (vec![f32::INFINITY; 6], "example 0 has weight inf"),
        (vec![0.0; 6], "has weights that are all 0"),
    ] {
        let error = plain.clone().with_weights(weights).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // A part of what has weights may have none that count.
    let weighted = plain.with_weights(vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    let (none, some) = (weighted.select(&[0, 1, 2]), weighted.select(&[3, 4]));
    let network = Sequential::new([Linear(2, 2)]);
    let refused = |error: furlough::Error| assert!(error.to_string().contains("weights that are all 0"), "{error}");
    let options = TrainOptions { batch_size: 1, epochs: 1, ..TrainOptions::default() };
    refused(Trainer::new(&network, &options, &none, 1).err().unwrap());
    let mut trainer = Trainer::new(&network, &options, &some, 1).unwrap();
    refused(trainer.fit(Some(EvalData::test(&none))).unwrap_err());
    let mlp = trainer.into_mlp();
    refused(Predictor::new(mlp, 1).evaluate(&none).unwrap_err());
    // Batches that count nothing are taken as steps.
    let mut trainer = Trainer::new(&network, &options, &weighted, 1).unwrap();
    assert_eq!(epochs(&mut trainer, None).len(), 1);
    assert_eq!(trainer.state().progress.step, 6);
    let numbers = Dataset::new(weighted.inputs().clone(), Targets::Values(Array2::zeros((6, 2))), &[2]).unwrap();
    let smoothed = LossOptions { label_smoothing: 0.1, ..LossOptions::default() };
    let options = TrainOptions { loss: smoothed, ..options };
    let error = Trainer::new(&network, &options, &numbers, 1).err().unwrap().to_string();
    assert!(error.starts_with("label_smoothing = 0.1: smooths the targets of classes"), "{error}");
}
