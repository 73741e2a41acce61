//! What RealMLP begins and ends with: first weights and biases by the data, and answers within the
//! range of the targets.

use crate::common::{bits, check_passes, data, sampled, whole_and_in_pieces};
use furlough::compute::{Cpu, Precision, reference};
use furlough::data::EvalData;
use furlough::data::{Batch, Dataset, Targets};
use furlough::files::{Origin, load_checkpoint, load_model, save_checkpoint};
use furlough::nn::{Activation, Init, InputColumn, InputStage, Mlp, Sequential};
use furlough::optim::{GroupFactors, Optimizer, Schedule};
use furlough::predict::Predictor;
use furlough::random::{Key, Stream};
use furlough::train::{EarlyStopping, EvalMetric, TrainOptions, Trainer};
use ndarray::{Array2, Axis};

furlough_harness::tests![
    each_unit_begins_with_a_deviation_of_1_and_its_corner_amid_the_data,
    first_weights_by_the_data_are_those_of_the_seed,
    a_unit_that_varies_nowhere_keeps_its_weights,
    answers_stay_within_the_range_of_the_targets,
    bounds_are_kept_by_files,
    bounds_that_make_no_sense_are_refused,
    the_whole_recipe_resumes_with_the_same_bytes,
];

fn network(outputs: usize) -> Sequential {
    let mut columns = vec![InputColumn::PBLD; 4];
    columns.extend([InputColumn::Number, InputColumn::Category { levels: 9, width: 8 }]);
    let stage = InputStage::new(columns).with_scaling();
    let list = Sequential::mlp(stage.width(), outputs, &[70, 33], Activation::Mish, 0.1, &[0.15, 0.15]);
    list.with_parametric_activations().with_input_stage(stage)
}

/// Four numbers and a category far from 0, and another one.
fn table(count: usize, outputs: usize) -> Dataset {
    let from = data(count, 6, outputs, false);
    let mut rows = Array2::zeros((count, 6));
    for (example, mut row) in rows.rows_mut().into_iter().enumerate() {
        from.read_row(example, row.as_slice_mut().unwrap());
        row[4] = 100.0 + 10.0 * row[4];
        row[5] = (example % 9) as f32;
    }
    Dataset::new(furlough::data::Features::Floats(rows), from.targets().clone(), &[6]).unwrap()
}

fn options() -> TrainOptions {
    TrainOptions {
        init: Init::DataDriven,
        optimizer: Optimizer::AdamW { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.02 },
        learning_rate: 0.04,
        lr_schedule: Schedule::CosLog4,
        weight_decay_schedule: Schedule::FlatCos,
        dropout_schedule: Schedule::FlatCos,
        factors: GroupFactors::REALMLP,
        batch_size: 64,
        epochs: 6,
        seed: 3,
        clamp_outputs: true,
        ..TrainOptions::default()
    }
}

/// What a layer gives without its activation, by the definitions.
fn before_activation(mlp: &Mlp, data: &Dataset, layer: usize) -> Array2<f32> {
    let examples: Vec<u32> = (0..data.len() as u32).collect();
    let list = Sequential::from(mlp.architecture());
    // The layers as far as this one, which is then the last.
    let linear = |layer: &furlough::nn::Layer| matches!(layer, furlough::nn::Layer::Linear(..));
    let places: Vec<usize> = (0..list.layers().len()).filter(|&place| linear(&list.layers()[place])).collect();
    let part = Sequential::new(list.layers()[..=places[layer]].to_vec());
    let part = part.with_input_stage(list.input_stage().unwrap().clone()).validate().unwrap();
    let of = |name: &str| {
        let spec = mlp.architecture().param_specs().iter().find(|spec| spec.name == name).unwrap();
        &mlp.parameters()[spec.range.clone()]
    };
    let parameters = part.param_specs().iter().flat_map(|spec| of(&spec.name)).copied().collect();
    let part = Mlp::from_parameters(part, parameters);
    reference::forward(&part, Batch { data, examples: &examples }, None, Precision::F32)
}

fn each_unit_begins_with_a_deviation_of_1_and_its_corner_amid_the_data() {
    let data = table(700, 2);
    let mlp = Trainer::new(&network(2), &options(), &data, 2).unwrap().into_mlp();
    for layer in 0..3 {
        let given = before_activation(&mlp, &data, layer);
        let biases = mlp.biases(layer);
        for (unit, column) in given.axis_iter(Axis(1)).enumerate() {
            let deviation = column.mapv(f64::from).std(0.0);
            assert!((deviation - 1.0).abs() < 1e-3, "layer {layer}, unit {unit}: {deviation}");
            // docs/reference/masks.md, by hand.
            let (mut weights, mut sum) = (0.0, 0.0);
            for draw in 0..5 {
                let words = Key::new(3).draw(Stream::DataDriven, layer as u32, unit as u32, draw, 0);
                let row = (u64::from(words[0]) * 700) >> 32;
                let weight = -((f64::from(words[1]) + 0.5) / 4_294_967_296.0).ln();
                weights += weight;
                sum += weight * f64::from(column[row as usize] - biases[unit]);
            }
            let expected = -sum / weights;
            let apart = (f64::from(biases[unit]) - expected).abs();
            assert!(
                apart < 2e-3 * expected.abs().max(1.0),
                "layer {layer}, unit {unit}: {}, not {expected}",
                biases[unit]
            );
        }
    }
}

fn first_weights_by_the_data_are_those_of_the_seed() {
    let data = table(300, 1);
    let begun = |seed, threads| {
        let options = TrainOptions { seed, ..options() };
        bits(Trainer::new(&network(1), &options, &data, threads).unwrap().state().mlp.parameters())
    };
    assert_eq!(begun(3, 1), begun(3, 5));
    assert_ne!(begun(3, 1), begun(4, 1));
}

fn a_unit_that_varies_nowhere_keeps_its_weights() {
    let rows = Array2::from_elem((20, 3), 2.0f32);
    let data = Dataset::regression(rows, Array2::from_shape_fn((20, 1), |(row, _)| row as f32)).unwrap();
    let network = Sequential::mlp(3, 1, &[4], Activation::Relu, 0.0, &[0.0]);
    let mlp = Trainer::new(&network, &options(), &data, 1).unwrap().into_mlp();
    let plain = Mlp::new(network.validate().unwrap(), Init::Lecun, Key::new(3));
    assert_eq!(mlp.weights(0), plain.weights(0));
    assert!(mlp.parameters().iter().all(|value| value.is_finite()));
}

fn answers_stay_within_the_range_of_the_targets() {
    let data = table(200, 2);
    let Targets::Values(values) = data.targets() else { unreachable!() };
    let mut trainer = Trainer::new(&network(2), &options(), &data, 2).unwrap();
    trainer.fit(None).unwrap();
    let mlp = trainer.into_mlp();
    let bounds = mlp.output_bounds().to_vec();
    for (bound, column) in bounds.iter().zip(values.columns()) {
        assert_eq!(bound, &[column.fold(f32::MAX, |a, &b| a.min(b)), column.fold(f32::MIN, |a, &b| a.max(b))]);
    }
    let free = mlp.clone().with_output_bounds(Vec::new()).unwrap();
    // Far from the training rows.
    let mut rows = Array2::zeros((150, 6));
    rows.indexed_iter_mut().for_each(|((row, column), value)| {
        *value = if column == 5 { (row % 9) as f32 } else { (row as f32 - 75.0) * 3.0 };
    });
    let free = Predictor::new(free, 1).predict(&rows).unwrap();
    let bounded = Predictor::new(mlp.clone(), 2).predict(&rows).unwrap();
    let mut cut = 0;
    for ((place, &free), &bounded) in free.indexed_iter().zip(&bounded) {
        let [least, most] = bounds[place.1];
        assert_eq!(bounded, free.clamp(least, most), "{place:?}");
        cut += usize::from(free != bounded);
    }
    assert!(cut > 10, "{cut} answers were beyond");
    // Masked passes, and the oracle, likewise.
    let mut cpu = Cpu::new(mlp.architecture(), 0, 2);
    check_passes("bounded", &mut cpu, &mlp, (&data, 0..100), Key::new(1), 0..4);
    let examples: Vec<u32> = (0..100).collect();
    let slow = reference::forward(&mlp, Batch { data: &data, examples: &examples }, Some(&sampled(1)), Precision::F32);
    assert!(
        slow.axis_iter(Axis(1))
            .zip(&bounds)
            .all(|(column, [least, most])| { column.iter().all(|value| (least..=most).contains(&value)) })
    );
}

fn bounds_are_kept_by_files() {
    let folder = tempfile::tempdir().unwrap();
    let (model, checkpoint) = (folder.path().join("model"), folder.path().join("checkpoint"));
    let (data, origin) = (table(120, 2), Origin::new("recipe", "data"));
    let options =
        TrainOptions { early_stopping: Some(EarlyStopping { patience: 3, metric: EvalMetric::Loss }), ..options() };
    let mut trainer = Trainer::new(&network(2), &options, &data, 1).unwrap();
    trainer.fit(Some(EvalData::validation(&data))).unwrap();
    assert_eq!(trainer.state().mlp.output_bounds().len(), 2);
    trainer.save(&model).unwrap();
    assert_eq!(load_model(&model).unwrap().0, trainer.state().mlp);
    save_checkpoint(&checkpoint, trainer.state(), &origin).unwrap();
    let loaded = load_checkpoint(&checkpoint, &origin, trainer.state().mlp.architecture(), &options.optimizer).unwrap();
    assert!(loaded == *trainer.state());
}

fn bounds_that_make_no_sense_are_refused() {
    let mlp = || Mlp::builder(2, 2).build().unwrap();
    for bounds in
        [vec![[0.0, 1.0]], vec![[0.0, 1.0], [2.0, 1.0]], vec![[0.0, f32::INFINITY]; 2], vec![[f32::NAN; 2]; 2]]
    {
        let error = mlp().with_output_bounds(bounds).unwrap_err().to_string();
        assert!(error.contains("needs 2 pairs of finite numbers"), "{error}");
    }
    let classes = Dataset::classification(Array2::zeros((4, 2)), ["a", "b", "a", "b"]).unwrap();
    let network = Sequential::mlp(2, 2, &[], Activation::Relu, 0.0, &[]);
    let error = Trainer::new(&network, &options(), &classes, 1).err().unwrap().to_string();
    assert!(error.contains("clamp_outputs = true: is for numbers to predict"), "{error}");
}

fn the_whole_recipe_resumes_with_the_same_bytes() {
    let data = table(300, 1);
    let (whole, pieces) = whole_and_in_pieces(&network(1), &options(), &data, &[1, 7, 2, 11]);
    assert!(whole.state() == pieces.state());
}
