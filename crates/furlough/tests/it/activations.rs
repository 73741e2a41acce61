//! What is measured of hidden units, against the same by its formula from plainly computed
//! activations.

use crate::common::data;
use furlough::data::Dataset;
use furlough::nn::{Init, Layer::*, Mlp, Sequential};
use furlough::predict::{Histogram, LayerActivations, Predictor};
use furlough::random::Key;
use ndarray::{Array2, Axis};

furlough_harness::tests![
    measures_are_those_of_the_formulas,
    threads_do_not_show,
    networks_and_data_with_little_to_measure,
];

/// More examples than are held at once.
const EXAMPLES: usize = 1024 + 321;

fn mlp() -> Mlp {
    let network = [Dropout(0.2), Linear(13, 21), Relu, Dropout(0.5), Linear(21, 9), Tanh, Dropout(0.5), Linear(9, 4)];
    let mut mlp = Mlp::new(Sequential::new(network).validate().unwrap(), Init::Kaiming, Key::new(3));
    let (weights, biases) = mlp.architecture().ranges(0);
    // Unit 4 never gives anything, unit 7 always the same, and unit 11 twice what unit 12 gives.
    for input in 0..13 {
        let row = &mut mlp.parameters_mut()[weights.start + 21 * input..][..21];
        (row[4], row[7], row[11]) = (0.0, 0.0, 2.0 * row[12]);
    }
    (mlp.parameters_mut()[biases.start + 4], mlp.parameters_mut()[biases.start + 7]) = (-1.0, 1.0);
    mlp
}

/// The activations of both hidden layers of the full network.
fn plainly(mlp: &Mlp, data: &Dataset) -> [Array2<f64>; 2] {
    let mut features = Array2::<f32>::zeros((data.len(), data.features()));
    features.rows_mut().into_iter().enumerate().for_each(|(i, mut row)| data.read_row(i, row.as_slice_mut().unwrap()));
    let layer =
        |x: &Array2<f64>, index: usize| x.dot(&mlp.weights(index).mapv(f64::from)) + &mlp.biases(index).mapv(f64::from);
    let first = layer(&features.mapv(f64::from), 0).mapv(|z| z.max(0.0));
    let second = layer(&first, 1).mapv(f64::tanh);
    [first, second]
}

fn close(seen: f64, expected: f64, what: &str) {
    assert!((seen - expected).abs() < 1e-5, "{what} is {seen}, by the formula {expected}");
}

fn total(histogram: &Histogram) -> u64 {
    histogram.counts.iter().sum()
}

fn check(seen: &LayerActivations, x: &Array2<f64>) {
    close(seen.mean, x.mean().unwrap(), "mean");
    let zeros = x.iter().filter(|&&a| a == 0.0).count() as f64 / x.len() as f64;
    close(seen.zeros, zeros, "share of zeros");
    let means = x.mean_axis(Axis(0)).unwrap();
    let extreme = |from: &dyn Fn(f64, f64) -> f64| x.iter().copied().fold(0.0, from);
    close(seen.activations.from, extreme(&f64::min), "least");
    close(seen.activations.to, extreme(&f64::max), "most");
    close(seen.unit_means.to, means.iter().copied().fold(f64::MIN, f64::max), "largest mean");
    assert_eq!((total(&seen.activations), total(&seen.unit_means)), (x.len() as u64, x.ncols() as u64));

    let centered = x - &means;
    let varying: Vec<usize> = (0..x.ncols()).filter(|&u| centered.column(u).iter().any(|&d| d.abs() > 1e-12)).collect();
    let deviation = |u: usize| centered.column(u).dot(&centered.column(u)).sqrt();
    let correlation = |i: usize, j: usize| centered.column(i).dot(&centered.column(j)) / deviation(i) / deviation(j);
    let pairs = varying.iter().flat_map(|&i| varying.iter().filter(move |&&j| j > i).map(move |&j| (i, j)));
    let mut all: Vec<f64> = pairs.map(|(i, j)| correlation(i, j).abs()).collect();
    all.sort_by(f64::total_cmp);
    let coadaptation = seen.coadaptation.as_ref().unwrap();
    assert_eq!((coadaptation.units, coadaptation.pairs), (varying.len(), all.len() as u64));
    assert_eq!(seen.constant_units, x.ncols() - varying.len());
    close(coadaptation.mean, all.iter().sum::<f64>() / all.len() as f64, "mean correlation");
    close(coadaptation.quantiles[5].value, all[all.len() - 1], "largest correlation");
    let median = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0;
    close(coadaptation.quantiles[2].value, median, "median correlation");
    assert_eq!(total(&coadaptation.histogram), coadaptation.pairs);
}

fn measures_are_those_of_the_formulas() {
    let (mlp, data) = (mlp(), data(EXAMPLES, 13, 4, true));
    let expected = plainly(&mlp, &data);
    let seen = Predictor::new(mlp, 1).activations(&data).unwrap();
    assert_eq!(
        seen.iter().map(|one| (one.layer, one.units, one.examples)).collect::<Vec<_>>(),
        [(1, 21, EXAMPLES), (2, 9, EXAMPLES)]
    );
    seen.iter().zip(&expected).for_each(|(seen, expected)| check(seen, expected));
    assert!(seen[0].dead_units >= 1 && seen[0].constant_units > seen[0].dead_units, "{seen:?}");
    close(seen[0].coadaptation.as_ref().unwrap().quantiles[5].value, 1.0, "the correlation of a unit and its double");
    assert_eq!((seen[1].dead_units, seen[1].constant_units), (0, 0));
}

fn threads_do_not_show() {
    // Enough units that other threads are woken.
    let network = Sequential::new([Linear(30, 200), Relu, Dropout(0.5), Linear(200, 70), Sigmoid, Linear(70, 3)]);
    let mlp = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(3));
    let data = data(EXAMPLES, 30, 3, false);
    let of = |threads: usize| Predictor::new(mlp.clone(), threads).activations(&data).unwrap();
    let one = of(1);
    assert_eq!((one.len(), one[0].coadaptation.as_ref().unwrap().units), (2, 200));
    assert_eq!(one, of(2));
    assert_eq!(one, of(5));
}

fn networks_and_data_with_little_to_measure() {
    let of = |mlp: Mlp, data: &Dataset| Predictor::new(mlp, 1).activations(data);
    let linear = Sequential::new([Linear(13, 4)]).validate().unwrap();
    assert_eq!(of(Mlp::new(linear, Init::Kaiming, Key::new(0)), &data(5, 13, 4, true)).unwrap(), []);
    let of_one = of(mlp(), &data(1, 13, 4, true)).unwrap();
    assert_eq!((of_one[0].constant_units, &of_one[0].coadaptation), (21, &None));
    let said = of(mlp(), &data(5, 12, 4, true)).unwrap_err().to_string();
    assert!(said.contains("has 12 features an example, but the network takes 13"), "{said}");
    let mut broken = mlp();
    let (_, biases) = broken.architecture().ranges(1);
    broken.parameters_mut()[biases.start + 2] = f32::NAN;
    let said = of(broken, &data(5, 13, 4, true)).unwrap_err().to_string();
    assert!(said.contains("makes unit 2 of hidden layer 2 give what is not a finite number"), "{said}");
}
