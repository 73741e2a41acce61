//! Masked passes by the fast path against the forward pass with the same masks, bit for bit; and
//! what is made of them, against the formulas.

pub mod passes;

use crate::common::{data, passes};
use furlough::compute::Cpu;
use furlough::data::{Targets, digits};
use furlough::nn::{Activation, Init, Layer, Mlp, Sequential, argmax};
use furlough::predict::{MonteCarlo, Predictor, Spread, Uncertainty};
use furlough::random::Key;
use furlough::train::{TrainOptions, Trainer};
use ndarray::{Array2, Axis, s};

furlough_harness::tests![
    probabilities_and_entropies_are_those_of_the_formulas,
    extreme_logits_are_certain_and_finite,
    what_is_not_a_number_stays_so,
    means_and_variances_of_numbers,
    threads_and_neighbours_do_not_show,
    a_part_has_the_masks_that_it_has_among_all,
    without_dropout_all_samples_are_the_full_network,
    the_average_approaches_its_limit_which_is_near_the_full_network,
    what_cannot_be_sampled_is_refused,
];

fn key() -> Key {
    Key::new(0x9e37_79b9_0000_0007)
}

/// A network with weights and biases of which none is 0.
fn mlp(network: &Sequential) -> Mlp {
    let mut mlp = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(3));
    for index in 0..mlp.architecture().blocks().len() {
        let biases = mlp.architecture().ranges(index).1;
        mlp.parameters_mut()[biases].iter_mut().enumerate().for_each(|(i, b)| *b = 0.1 - 0.03 * (i % 7) as f32);
    }
    mlp
}

fn networks() -> Vec<(Sequential, bool)> {
    let built = |inputs, outputs, hidden: &[usize], activation, input, dropout: &[f64]| {
        Sequential::mlp(inputs, outputs, hidden, activation, input, dropout)
    };
    use Activation::*;
    vec![
        (built(40, 10, &[64, 32], Relu, 0.0, &[0.2, 0.5]), true),
        (built(48, 10, &[64, 32], Relu, 0.3, &[0.2, 0.5]), true),
        (built(65, 17, &[129, 3, 70], Gelu, 0.0, &[0.0, 0.4, 0.0]), true),
        (built(7, 2, &[5, 9, 66], Tanh, 0.0, &[0.0, 0.0, 0.9]), true),
        (built(13, 3, &[30, 20], Silu, 0.0, &[1.0, 0.5]), true),
        (built(13, 3, &[30, 20], LeakyRelu, 1.0, &[0.0, 0.5]), false),
        (built(13, 4, &[30, 20], Sigmoid, 0.0, &[0.0, 0.0]), true),
        (built(130, 5, &[], Identity, 0.2, &[]), true),
        (built(9, 1, &[70], Relu, 0.0, &[0.5]), false),
        (built(1, 33, &[1], Relu, 0.0, &[0.5]), false),
    ]
}

fn answers(sampled: &MonteCarlo) -> &[Uncertainty] {
    let Spread::Classes(answers) = &sampled.spread else { panic!("classes were sampled") };
    answers
}

fn close(seen: f64, expected: f64, what: &str) {
    assert!((seen - expected).abs() < 1e-6, "{what} is {seen}, by the formula {expected}");
}

fn probabilities_and_entropies_are_those_of_the_formulas() {
    for (network, classes) in networks().iter().filter(|(_, classes)| *classes) {
        let mlp = mlp(network);
        let outputs = mlp.architecture().outputs();
        let data = data(90, mlp.architecture().inputs(), outputs, *classes);
        let sampled = Predictor::new(mlp.clone(), 2).monte_carlo(&data, 23, key()).unwrap();
        assert_eq!((sampled.samples, sampled.means.dim()), (23, (90, outputs)));
        let logits = passes(&mut Cpu::new(mlp.architecture(), 0, 1), &mlp, &data, key(), 0..90, 0..23);
        for (example, one) in answers(&sampled).iter().enumerate() {
            let logits = logits.row(example).into_shape_with_order((23, outputs)).unwrap();
            let mut p = logits.mapv(f64::exp);
            p /= &p.sum_axis(Axis(1)).insert_axis(Axis(1));
            let entropy = |p: f64| -p * p.ln();
            let mean = p.mean_axis(Axis(0)).unwrap();
            sampled.means.row(example).iter().zip(&mean).for_each(|(&seen, &mean)| close(seen, mean, "mean"));
            let predictive: f64 = mean.iter().copied().map(entropy).sum();
            let expected = p.mapv(entropy).sum() / 23.0;
            close(one.predictive_entropy, predictive, "predictive entropy");
            close(one.expected_entropy, expected, "expected entropy");
            close(one.mutual_information, predictive - expected, "mutual information");
            assert!(one.mutual_information >= 0.0);
            assert_eq!(one.answer, argmax(&mean.mapv(|p| p as f32).to_vec()));
            let votes =
                logits.rows().into_iter().filter(|z| argmax(&z.mapv(|z| z as f32).to_vec()) == one.answer).count();
            assert_eq!(one.agreement, votes as f64 / 23.0);
        }
    }
}

fn extreme_logits_are_certain_and_finite() {
    let mut mlp = mlp(&Sequential::new([Layer::Dropout(0.5), Layer::Linear(3, 3)]));
    mlp.parameters_mut().iter_mut().for_each(|w| *w *= 3000.0);
    let data = data(40, 3, 3, true);
    let sampled = Predictor::new(mlp, 1).monte_carlo(&data, 50, key()).unwrap();
    let finite = |u: &Uncertainty| {
        [u.predictive_entropy, u.expected_entropy, u.mutual_information].iter().all(|v| v.is_finite())
    };
    assert!(answers(&sampled).iter().all(finite), "{:?}", sampled.spread);
    assert!(answers(&sampled).iter().any(|u| u.expected_entropy < 1e-9 && u.mutual_information > 0.3));
    assert!(sampled.evaluate(&data).unwrap().loss.is_finite());
}

fn what_is_not_a_number_stays_so() {
    for classes in [3, 16, 17] {
        let mut mlp = mlp(&Sequential::new([Layer::Dropout(0.5), Layer::Linear(3, classes)]));
        mlp.parameters_mut().fill(f32::NAN);
        let sampled = Predictor::new(mlp, 1).monte_carlo(&data(5, 3, classes, true), 50, key()).unwrap();
        let unknown = |u: &Uncertainty| {
            [u.predictive_entropy, u.expected_entropy, u.mutual_information].iter().all(|v| v.is_nan())
        };
        assert!(answers(&sampled).iter().all(unknown), "{:?}", sampled.spread);
    }
}

fn means_and_variances_of_numbers() {
    let mut mlp = mlp(&Sequential::mlp(9, 2, &[70], Activation::Relu, 0.0, &[0.5]));
    // A mean far from 0 must not cost the variance its digits.
    let biases = mlp.architecture().ranges(1).1;
    mlp.parameters_mut()[biases].copy_from_slice(&[0.0, 1e4]);
    let data = data(90, 9, 2, false);
    let logits = passes(&mut Cpu::new(mlp.architecture(), 0, 1), &mlp, &data, key(), 0..90, 0..23);
    let mut predictor = Predictor::new(mlp, 2);
    let sampled = predictor.monte_carlo(&data, 23, key()).unwrap();
    let Spread::Numbers(variances) = &sampled.spread else { panic!("numbers were sampled") };
    for example in 0..90 {
        let outputs = logits.row(example).into_shape_with_order((23, 2)).unwrap();
        let (mean, variance) = (outputs.mean_axis(Axis(0)).unwrap(), outputs.var_axis(Axis(0), 0.0));
        for output in 0..2 {
            close(sampled.means[[example, output]], mean[output], "mean");
            close(variances[[example, output]], variance[output], "variance");
        }
    }
    let one = predictor.monte_carlo(&data, 1, key()).unwrap();
    assert_eq!(one.spread, Spread::Numbers(Array2::zeros((90, 2))));
    let Targets::Values(values) = data.targets() else { unreachable!() };
    let squares = (&sampled.means - &values.mapv(f64::from)).mapv(|d| d * d);
    close(sampled.evaluate(&data).unwrap().loss, squares.mean().unwrap(), "mean squared error");
}

fn threads_and_neighbours_do_not_show() {
    for (network, classes) in networks() {
        let mlp = mlp(&network);
        let (inputs, outputs) = (mlp.architecture().inputs(), mlp.architecture().outputs());
        let sample = |threads: usize, examples: usize, samples: u32| {
            let data = data(examples, inputs, outputs, classes);
            Predictor::new(mlp.clone(), threads).monte_carlo(&data, samples, key()).unwrap()
        };
        let one = sample(1, 700, 31);
        assert_eq!(one, sample(2, 700, 31));
        assert_eq!(one, sample(5, 700, 31));
        let fewer = sample(3, 41, 31);
        assert_eq!(one.means.slice(s![..41, ..]), fewer.means);
        match (&one.spread, &fewer.spread) {
            (Spread::Classes(all), Spread::Classes(fewer)) => assert_eq!(all[..41], fewer[..]),
            (Spread::Numbers(all), Spread::Numbers(fewer)) => assert_eq!(all.slice(s![..41, ..]), fewer),
            _ => panic!("one kind of targets"),
        }
    }
}

fn a_part_has_the_masks_that_it_has_among_all() {
    use Layer::*;
    let other = [
        Sequential::new([Linear(9, 70), Relu, Dropout(0.2), Linear(70, 20), Relu, DropConnect(0.4), Linear(20, 3)]),
        Sequential::new([Linear(9, 70), Relu, ConcreteDropout(0.3), Linear(70, 3)]),
    ];
    let networks = networks().into_iter().chain(other.map(|network| (network, true)));
    for (place, (network, classes)) in networks.enumerate() {
        let mlp = mlp(&network);
        let (inputs, outputs) = (mlp.architecture().inputs(), mlp.architecture().outputs());
        let data = data(200, inputs, outputs, classes);
        let mut predictor = Predictor::new(mlp, 2);
        let all = predictor.monte_carlo(&data, 9, key()).unwrap();
        let part = data.select(&(150..200).collect::<Vec<u32>>());
        let sampled = predictor.monte_carlo_from(&part, 150, 9, key()).unwrap();
        assert_eq!(all.means.slice(s![150.., ..]), sampled.means, "network {place}");
        assert_eq!(predictor.monte_carlo(&data, 9, key()).unwrap(), all, "the number is that call's alone");
    }
}

fn without_dropout_all_samples_are_the_full_network() {
    let mlp = mlp(&Sequential::mlp(20, 6, &[31], Activation::Relu, 0.0, &[0.0]));
    let data = data(100, 20, 6, true);
    let mut predictor = Predictor::new(mlp, 2);
    let sampled = predictor.monte_carlo(&data, 9, key()).unwrap();
    let full = predictor.evaluate(&data).unwrap();
    let averaged = sampled.evaluate(&data).unwrap();
    assert_eq!((averaged.examples, averaged.accuracy, &averaged.confusion), (100, full.accuracy, &full.confusion));
    close(averaged.loss, full.loss, "loss");
    assert!(answers(&sampled).iter().all(|one| one.agreement == 1.0 && one.mutual_information < 1e-6));
}

/// Weight scaling is an approximation of the average over the sub-networks, which more and more
/// samples approach.
fn the_average_approaches_its_limit_which_is_near_the_full_network() {
    let digits = digits::load().unwrap();
    let network = Sequential::mlp(64, 10, &[64], Activation::Relu, 0.0, &[0.5]);
    let options = TrainOptions { init: Init::Kaiming, batch_size: 32, epochs: 10, ..TrainOptions::default() };
    let options = TrainOptions { learning_rate: 0.1, ..options };
    let mut trainer = Trainer::new(&network, &options, &digits.train, 2).unwrap();
    trainer.fit(None).unwrap();
    let mut predictor = Predictor::new(trainer.into_mlp(), 2);
    let full = predictor.predict_proba(&digits.test).unwrap().mapv(f64::from);
    let accuracy = predictor.evaluate(&digits.test).unwrap().accuracy.unwrap();
    let mut average = |samples: u32, seed: u64| predictor.monte_carlo(&digits.test, samples, Key::new(seed)).unwrap();
    let apart = |a: &Array2<f64>, b: &Array2<f64>| (a - b).mapv(|d| d * d).mean().unwrap().sqrt();
    // Two independent averages come closer as 1 / √samples, and the full network is not where they
    // meet, but near.
    let distances: Vec<[f64; 2]> = [1, 16, 256, 4096]
        .map(|samples| {
            let (a, b) = (average(samples, 1), average(samples, 2));
            [apart(&a.means, &b.means), apart(&a.means, &full)]
        })
        .to_vec();
    for pair in distances.windows(2) {
        let ratio = pair[0][0] / pair[1][0];
        assert!((3.5..4.5).contains(&ratio), "16 times the samples are {ratio} times closer: {distances:?}");
        assert!(pair[1][1] < pair[0][1], "{distances:?}");
    }
    assert!(distances[3][1] < 0.06 && distances[3][1] > 2.0 * distances[3][0], "{distances:?}");
    let averaged = average(256, 1).evaluate(&digits.test).unwrap();
    assert!((averaged.accuracy.unwrap() - accuracy).abs() < 0.02, "{averaged:?} but {accuracy}");
}

fn what_cannot_be_sampled_is_refused() {
    let mut predictor = Predictor::new(mlp(&networks()[0].0), 1);
    let fits = data(5, 40, 10, true);
    let said = |error: furlough::Error| error.to_string();
    let refused = said(predictor.monte_carlo(&fits, 0, key()).unwrap_err());
    assert_eq!(refused, "samples = 0: at least one masked pass is needed");
    let refused = said(predictor.monte_carlo(&data(5, 41, 10, true), 3, key()).unwrap_err());
    assert!(refused.contains("has 41 features an example, but the network takes 40"), "{refused}");
    let sampled = predictor.monte_carlo(&fits, 3, key()).unwrap();
    let refused = said(sampled.evaluate(&data(6, 40, 10, true)).unwrap_err());
    assert!(refused.contains("has 6 examples of 10 classes or targets, but 5 of 10 were sampled"), "{refused}");
    let refused = said(sampled.evaluate(&data(5, 40, 10, false)).unwrap_err());
    assert!(refused.contains("has numbers to predict, but classes were sampled"), "{refused}");
}
