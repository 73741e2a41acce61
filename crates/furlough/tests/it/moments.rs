//! Moments over all masks by formulas, against many masks that are drawn.

use furlough::data::{Split, Task, digits};
use furlough::nn::{Activation, DropoutKind, Init, InputColumn, InputStage, Mlp, Sequential};
use furlough::predict::{OutputMoments, Predictor, Spread};
use furlough::random::Key;
use furlough::train::{TrainOptions, Trainer};
use ndarray::{Array2, ArrayView2, Axis, array, s};

furlough_harness::tests![
    one_layer_of_noise_is_exact,
    without_dropout_nothing_varies,
    an_input_stage_and_learned_activations_are_followed,
    a_trained_network_is_near_its_ten_thousand_samples,
    numbers_are_near_their_ten_thousand_samples,
    an_answer_does_not_depend_on_its_neighbors,
    bounds_hold_for_the_means,
    what_has_no_formula_is_refused,
];

fn inputs(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 5.0 - 1.0)
}

fn numbers(mlp: &Mlp, x: &Array2<f32>) -> OutputMoments {
    Predictor::new(mlp.clone(), 1).with_task(Task::Regression).moments(x).unwrap()
}

/// The largest difference.
fn apart(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    (&a - &b).iter().fold(0.0, |most, difference| difference.abs().max(most))
}

/// Where all that is random is the noise of one layer, and what follows is linear, the formulas
/// leave nothing out.
fn one_layer_of_noise_is_exact() {
    let x = inputs(5, 4);
    for kind in [DropoutKind::Bernoulli, DropoutKind::Gaussian] {
        let mlp = Mlp::builder(4, 3).hidden([9]).dropout([0.3]).dropout_kind(kind).seed(2).build().unwrap();
        let moments = numbers(&mlp, &x);
        let hidden = (x.dot(&mlp.weights(0)) + mlp.biases(0)).mapv(|z| f64::from(z.max(0.0)));
        let last = mlp.weights(1).mapv(f64::from);
        let means = hidden.dot(&last) + mlp.biases(1).mapv(f64::from);
        let variances = (&hidden * &hidden * (0.3 / 0.7)).dot(&(&last * &last));
        assert!(apart(moments.means.view(), means.view()) < 1e-5, "{kind:?}");
        assert!(apart(moments.variances.view(), variances.view()) < 1e-5, "{kind:?}");
        assert!(moments.probabilities.is_none());
    }
}

fn without_dropout_nothing_varies() {
    let mlp = Mlp::builder(4, 3).hidden([9, 8]).dropout([0.0]).activation(Activation::Gelu).build().unwrap();
    let x = inputs(6, 4);
    let moments = Predictor::new(mlp.clone(), 1).with_task(Task::Classification).moments(&x).unwrap();
    assert!(moments.variances.iter().all(|&variance| variance == 0.0));
    let mut predictor = Predictor::new(mlp, 1);
    assert!(apart(moments.means.view(), predictor.predict(&x).unwrap().mapv(f64::from).view()) < 1e-5);
    let probabilities = predictor.predict_proba(&x).unwrap().mapv(f64::from);
    assert!(apart(moments.probabilities.unwrap().view(), probabilities.view()) < 1e-5);
}

fn an_input_stage_and_learned_activations_are_followed() {
    let periodic = InputColumn::Periodic { frequencies: 4, outputs: 3, deviation: 0.5 };
    let stage = InputStage::new([InputColumn::Category { levels: 5, width: 3 }, periodic]).with_scaling();
    let builder = Mlp::builder(2, 2).hidden([64, 64]).dropout([0.2]).input_stage(stage);
    let mut mlp = builder.activation(Activation::Mish).parametric(true).build().unwrap();
    mlp.parameters_mut().iter_mut().enumerate().for_each(|(place, value)| *value += 0.01 * (place % 5) as f32);
    let x = array![[0.0, 0.3], [4.0, -1.2], [2.0, 0.9]];
    let moments = numbers(&mlp, &x);
    let sampled = Predictor::new(mlp, 2).with_task(Task::Regression).monte_carlo(&x, 10_000, Key::new(1)).unwrap();
    let Spread::Numbers(variances) = &sampled.spread else { unreachable!("numbers are predicted") };
    for ((mean, want), (variance, drawn)) in
        moments.means.iter().zip(&sampled.means).zip(moments.variances.iter().zip(variances))
    {
        assert!((mean - want).abs() < 0.2 * drawn.sqrt(), "{mean}, not {want}, ± {}", drawn.sqrt());
        assert!((variance / drawn).ln().abs() < 0.3, "variance {variance}, not {drawn}");
    }
}

fn trained(dropout: f64) -> (Mlp, Split) {
    let digits = digits::load().unwrap();
    let network = Sequential::mlp(64, 10, &[64, 64], Activation::Relu, 0.0, &[dropout; 2]);
    let options =
        TrainOptions { init: Init::Kaiming, learning_rate: 0.1, batch_size: 32, epochs: 5, ..TrainOptions::default() };
    let mut trainer = Trainer::new(&network, &options, &digits.train, 2).unwrap();
    trainer.fit(None).unwrap();
    (trainer.into_mlp(), digits)
}

/// What `docs/guide/uncertainty.md` reports.
fn a_trained_network_is_near_its_ten_thousand_samples() {
    for (dropout, most) in [(0.1, 0.004), (0.5, 0.02)] {
        let (mlp, digits) = trained(dropout);
        let mut predictor = Predictor::new(mlp, 2);
        let moments = predictor.moments(&digits.test).unwrap().probabilities.unwrap();
        let sampled = predictor.monte_carlo(&digits.test, 10_000, Key::new(0)).unwrap();
        let few = predictor.monte_carlo(&digits.test, 100, Key::new(9)).unwrap();
        let full = predictor.predict_proba(&digits.test).unwrap().mapv(f64::from);
        let off = |answers: &Array2<f64>| (answers - &sampled.means).mapv(f64::abs).mean().unwrap();
        let [formulas, hundred, full] = [&moments, &few.means, &full].map(off);
        println!("p = {dropout}: off by {formulas:.5}; 100 passes {hundred:.5}, the full network {full:.5}");
        assert!(formulas < most && formulas < full / 2.0, "{formulas}, {full}");
        assert!((moments.sum_axis(Axis(1)) - 1.0).iter().all(|rest| rest.abs() < 1e-12));
    }
}

fn numbers_are_near_their_ten_thousand_samples() {
    let (mlp, digits) = trained(0.2);
    // Its logits as numbers.
    let furlough::data::Features::Bytes { rows, scale } = digits.test.inputs() else {
        unreachable!("digits are bytes")
    };
    let x = rows.mapv(|byte| f32::from(byte) * scale);
    let moments = numbers(&mlp, &x);
    let sampled = Predictor::new(mlp, 2).with_task(Task::Regression).monte_carlo(&x, 10_000, Key::new(0)).unwrap();
    let Spread::Numbers(variances) = &sampled.spread else { unreachable!("numbers are predicted") };
    let deviations = variances.mapv(f64::sqrt);
    let means = ((&moments.means - &sampled.means) / &deviations).mapv(f64::abs).mean().unwrap();
    let spreads = (moments.variances.mapv(f64::sqrt) / &deviations).mapv(|ratio| ratio.ln().abs()).mean().unwrap();
    println!("means are off by {means:.4} standard deviations, and these by a factor of {:.4}", spreads.exp());
    assert!(means < 0.02 && spreads < 0.15, "{means}, {spreads}");
}

fn an_answer_does_not_depend_on_its_neighbors() {
    let mlp = Mlp::builder(13, 5).hidden([70, 33]).dropout([0.3]).input_dropout(0.1).build().unwrap();
    let x = inputs(600, 13);
    let mut predictor = Predictor::new(mlp, 2).with_task(Task::Classification);
    let all = predictor.moments(&x).unwrap();
    for rows in [0..1, 3..10, 255..257, 100..500, 599..600] {
        let part = predictor.moments(x.slice(s![rows.clone(), ..])).unwrap();
        assert_eq!(part.means, all.means.slice(s![rows.clone(), ..]), "{rows:?}");
        assert_eq!(part.variances, all.variances.slice(s![rows.clone(), ..]), "{rows:?}");
        assert_eq!(part.probabilities.unwrap(), all.probabilities.as_ref().unwrap().slice(s![rows, ..]));
    }
}

fn bounds_hold_for_the_means() {
    let mlp = Mlp::builder(4, 1).hidden([9]).dropout([0.3]).build().unwrap();
    let mlp = mlp.with_output_bounds(vec![[-0.01, 0.01]]).unwrap();
    assert!(numbers(&mlp, &inputs(9, 4)).means.iter().all(|mean| mean.abs() <= 0.0101));
}

fn what_has_no_formula_is_refused() {
    let said = |mlp: Mlp, task| {
        let x = inputs(2, 4);
        Predictor::new(mlp, 1).with_task(task).moments(&x).unwrap_err().to_string()
    };
    let of = |kind| Mlp::builder(4, 3).hidden([5]).dropout([0.3]).dropout_kind(kind).build().unwrap();
    for kind in [DropoutKind::Alpha, DropoutKind::DropConnect, DropoutKind::Concrete] {
        assert!(said(of(kind), Task::Regression).contains("for bernoulli and gaussian dropout only"), "{kind:?}");
    }
    let all = Mlp::builder(4, 3).hidden([5]).dropout([1.0]).build().unwrap();
    assert!(said(all, Task::Regression).contains("where all units are dropped"));
    let wide = Mlp::builder(4, 257).hidden([5]).build().unwrap();
    assert!(said(wide, Task::Classification).contains("at most 256 classes"));
    let mut unsaid = Predictor::new(of(DropoutKind::Bernoulli), 1);
    assert!(unsaid.moments(&inputs(2, 4)).unwrap_err().to_string().contains("say what the outputs are"));
    assert!(unsaid.with_task(Task::Regression).moments(&inputs(2, 5)).is_err());
}
