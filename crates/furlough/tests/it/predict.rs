//! What a network answers and how good the answers are, against the definitions, on more examples
//! than are evaluated at once.

use furlough::compute::{Precision, reference};
use furlough::data::{Batch, Dataset, EvalData, Examples, Features, Targets, Task};
use furlough::nn::{Init, Layer::*, Mlp, Sequential, argmax, mean_squared_error, softmax_cross_entropy};
use furlough::predict::Predictor;
use furlough::random::{Key, Stream};
use furlough::train::{TrainOptions, Trainer};
use ndarray::{Array2, Axis, array, s};

furlough_harness::tests![
    classes_are_evaluated_as_the_definitions_say,
    numbers_are_learned_and_evaluated_as_the_definitions_say,
    data_that_does_not_fit_is_refused,
    a_row_has_the_same_answer_whatever_is_beside_it,
    arrays_examples_and_data_sets_get_the_same_answers,
    what_a_network_cannot_answer_for_is_named,
];

/// Evaluation takes 8,192 at a time.
const EXAMPLES: usize = 8192 + 77;

fn features() -> Array2<f32> {
    let word = |i: usize, j: usize| Key::new(6).draw(Stream::Shuffle, 3, i as u32, j as u32, 0)[0];
    Array2::from_shape_fn((EXAMPLES, 3), |(i, j)| word(i, j) as f32 / u32::MAX as f32 - 0.5)
}

/// The last chunk has other classes than the first, so that mixing them up shows.
fn classes() -> Dataset {
    let labels = (0..EXAMPLES).map(|i| if i < 8192 { (i % 3) as u32 } else { 3 }).collect();
    let names = ["a", "b", "c", "d"].map(String::from).to_vec();
    Dataset::new(Features::Floats(features()), Targets::Classes { labels, names }, &[3]).unwrap()
}

fn numbers() -> Dataset {
    let rows = features();
    let values = Array2::from_shape_fn((EXAMPLES, 2), |(i, j)| {
        let [a, b, c] = [rows[[i, 0]], rows[[i, 1]], rows[[i, 2]]];
        if j == 0 { a - 2.0 * b } else { c + 0.5 + f32::from(u8::from(i >= 8192)) }
    });
    Dataset::new(Features::Floats(rows), Targets::Values(values), &[3]).unwrap()
}

fn network(outputs: usize) -> Sequential {
    Sequential::new([Linear(3, 20), Tanh, Dropout(0.5), Linear(20, outputs)])
}

fn mlp(outputs: usize) -> Mlp {
    Mlp::new(network(outputs).validate().unwrap(), Init::Xavier, Key::new(1))
}

fn plain_outputs(mlp: &Mlp, data: &Dataset) -> Array2<f32> {
    let examples: Vec<u32> = (0..data.len() as u32).collect();
    reference::forward(mlp, Batch { data, examples: &examples }, None, Precision::F32)
}

fn classes_are_evaluated_as_the_definitions_say() {
    let (data, mlp) = (classes(), mlp(4));
    let Targets::Classes { labels, .. } = data.targets() else { unreachable!() };
    let expected = plain_outputs(&mlp, &data);
    let (loss, _) = softmax_cross_entropy(expected.view(), labels);
    let mut predictor = Predictor::new(mlp.clone(), 2);
    let outputs = predictor.predict(&data).unwrap();
    assert!((&outputs - &expected).iter().all(|difference| difference.abs() < 1e-5));

    let mut confusion = Array2::<u64>::zeros((4, 4));
    for (row, &label) in outputs.rows().into_iter().zip(labels) {
        confusion[[label as usize, argmax(row.as_slice().unwrap())]] += 1;
    }
    let right = (0..4).map(|class| confusion[[class, class]]).sum::<u64>() as f64 / EXAMPLES as f64;
    assert_ne!(confusion, confusion.t(), "or a transposed one would pass");
    let evaluation = predictor.evaluate(&data).unwrap();
    assert!((evaluation.loss - loss).abs() < 1e-6, "{} but the definition says {loss}", evaluation.loss);
    assert_eq!((evaluation.examples, evaluation.accuracy), (EXAMPLES, Some(right)));
    assert_eq!(evaluation.confusion, Some(confusion));

    let probabilities = predictor.predict_proba(&data).unwrap();
    for (row, outputs) in probabilities.rows().into_iter().zip(outputs.rows()) {
        assert!((row.sum() - 1.0).abs() < 1e-6 && row.iter().all(|p| (0.0..=1.0).contains(p)));
        assert!(((row[0] / row[3]).ln() - (outputs[0] - outputs[3])).abs() < 1e-5);
    }
}

fn numbers_are_learned_and_evaluated_as_the_definitions_say() {
    let data = numbers();
    let Targets::Values(values) = data.targets() else { unreachable!() };
    let options = TrainOptions { init: Init::Xavier, batch_size: 100, epochs: 2, ..TrainOptions::default() };
    let mut trainer = Trainer::new(&network(2), &options, &data, 2).unwrap();
    let before = trainer.evaluate(&data).unwrap().loss;
    trainer.fit(Some(EvalData::test(&data))).unwrap();
    let scores = trainer.evaluate(&data).unwrap();
    assert!(scores.loss < 0.2 * before && scores.accuracy.is_none(), "{before} became {scores:?}");

    let (loss, _) = mean_squared_error(plain_outputs(&trainer.state().mlp, &data).view(), values.view());
    assert!((scores.loss - loss).abs() < 1e-6, "{} but the definition says {loss}", scores.loss);
    let mut predictor = Predictor::new(trainer.into_mlp(), 1);
    let evaluation = predictor.evaluate(&data).unwrap();
    assert_eq!((evaluation.loss, evaluation.accuracy, evaluation.confusion), (scores.loss, None, None));
    let regression = evaluation.regression.unwrap();
    let squares: f64 = regression.outputs.iter().map(|output| output.rmse.powi(2)).sum();
    assert!((squares / 2.0 - scores.loss).abs() < 1e-12 && regression.mean.r2 > 0.8, "{regression:?}");
    let squares = (predictor.predict(&data).unwrap() - values).mapv(|d| d * d);
    let mean = squares.mean_axis(Axis(1)).unwrap().mean().unwrap();
    assert!((f64::from(mean) - loss).abs() < 1e-4 * loss);
}

fn data_that_does_not_fit_is_refused() {
    let mut predictor = Predictor::new(mlp(2), 1);
    let reason = predictor.evaluate(&classes()).unwrap_err().to_string();
    assert!(reason.contains("has 4 classes or targets, but the network gives 2"), "{reason}");
    assert!(predictor.predict(&numbers()).is_ok());
}

fn a_row_has_the_same_answer_whatever_is_beside_it() {
    let rows = features().slice_move(s![..300, ..]);
    for threads in [1, 3] {
        let mut predictor = Predictor::new(mlp(4), threads);
        let all = predictor.predict(&rows).unwrap();
        for size in [1, 2, 7, 64, 255] {
            for start in (0..300).step_by(size) {
                let range = s![start..300.min(start + size), ..];
                assert_eq!(predictor.predict(rows.slice(range)).unwrap(), all.slice(range), "{size} from {start}");
            }
        }
        let backwards = predictor.predict(rows.slice(s![..;-1, ..])).unwrap();
        assert_eq!(backwards.slice(s![..;-1, ..]), all);
    }
}

fn arrays_examples_and_data_sets_get_the_same_answers() {
    let (data, rows) = (classes(), features());
    let examples = Examples::try_from(rows.clone()).unwrap();
    let turned = rows.t().as_standard_layout().into_owned().reversed_axes();
    assert!(!turned.is_standard_layout());
    let mut predictor = Predictor::new(mlp(4), 2).with_task(Task::Classification);
    let expected = predictor.predict(&data).unwrap();
    assert_eq!(predictor.predict(rows.view()).unwrap(), expected);
    assert_eq!(predictor.predict(&rows).unwrap(), expected);
    assert_eq!(predictor.predict(&turned).unwrap(), expected);
    assert_eq!(predictor.predict(&examples).unwrap(), expected);
    let classes = predictor.predict_classes(&rows).unwrap();
    let answers = expected.rows().into_iter().map(|row| argmax(row.as_slice().unwrap()));
    assert!(answers.eq(classes));
    assert_eq!(predictor.predict_proba(&rows).unwrap(), predictor.predict_proba(&data).unwrap());
    let sampled = predictor.monte_carlo(&data, 3, Key::new(2)).unwrap();
    assert_eq!(predictor.monte_carlo(&rows, 3, Key::new(2)).unwrap(), sampled);
    assert_eq!(predictor.activations(&examples).unwrap(), predictor.activations(&data).unwrap());

    let mut predictor = Predictor::new(mlp(2), 2).with_task(Task::Regression);
    let sampled = predictor.monte_carlo(&numbers(), 3, Key::new(2)).unwrap();
    assert_eq!(predictor.monte_carlo(&rows, 3, Key::new(2)).unwrap(), sampled);
}

fn what_a_network_cannot_answer_for_is_named() {
    let said = |error: furlough::Error| error.to_string();
    let mut predictor = Predictor::new(mlp(2), 1);
    let mut of = |rows: Array2<f32>| said(predictor.predict(&rows).unwrap_err());
    assert_eq!(of(Array2::zeros((2, 4))), "data set: has 4 features an example, but the network takes 3");
    assert!(of(Array2::zeros((0, 3))).contains("has 0 examples of 3 features"));
    assert!(of(array![[0.0, f32::NAN, 0.0]]).contains("example 0, feature 1 is NaN; a network takes finite numbers"));
    assert!(of(array![[0.0, 0.0, 0.0], [0.0, 0.0, f32::INFINITY]]).contains("example 1, feature 2 is inf"));
    let one = array![[0.0, 0.0, 0.0]];
    assert_eq!(predictor.predict(&one).unwrap().dim(), (1, 2));
    let unknown = said(predictor.monte_carlo(&one, 3, Key::new(0)).unwrap_err());
    assert!(unknown.starts_with("task = unknown: say what the outputs are: Predictor::with_task"), "{unknown}");
    assert!(said(predictor.predict_proba(&numbers()).unwrap_err()).contains("numbers to predict"));
    let mut regressor = predictor.with_task(Task::Regression);
    assert!(said(regressor.predict_classes(&one).unwrap_err()).contains("no classes and no probabilities"));
    let mut classifier = Predictor::new(mlp(2), 1).with_task(Task::Classification);
    let other = said(classifier.monte_carlo(&numbers(), 3, Key::new(0)).unwrap_err());
    assert!(other.contains("has numbers to predict, but the network answers with classes"), "{other}");
    let image = Examples::new(Features::Floats(Array2::zeros((1, 3))), &[3, 1]).unwrap();
    assert!(said(classifier.predict(&image).unwrap_err()).contains("put Flatten before the first Linear"));
}
