//! The input stage: what a value becomes, what is refused, what files keep, and the same training
//! run as PyTorch's (`scripts/pytorch_input_stage.py`).

use crate::common::bits;
use furlough::Error;
use furlough::data::Dataset;
use furlough::files::{Origin, load_checkpoint, save_checkpoint};
use furlough::nn::{Init, InputColumn, InputStage, Layer::*, Mlp, ParamGroup, Sequential};
use furlough::optim::Optimizer;
use furlough::predict::Predictor;
use furlough::random::Key;
use furlough::train::{Control, Event, TrainOptions, Trainer};
use ndarray::{Array2, array};
use safetensors::SafeTensors;
use serde_json::Value;

furlough_harness::tests![
    columns_that_make_no_sense_are_named,
    a_value_that_its_column_does_not_take_is_named,
    embeddings_begin_at_normal_numbers_and_factors_at_1,
    each_level_has_its_own_row,
    a_number_is_encoded_by_its_bins,
    model_file_and_checkpoint_keep_the_stage,
    a_table_of_categories_alone_is_learned,
    a_run_with_every_column_is_pytorchs,
];

fn category(levels: usize, width: usize) -> InputColumn {
    InputColumn::Category { levels, width }
}

fn table() -> InputStage {
    InputStage::new([InputColumn::Number, category(4, 2), category(30, 8)]).with_scaling()
}

fn network(stage: InputStage, outputs: usize) -> Sequential {
    let layers = [Dropout(0.1), Linear(stage.width(), 16), Tanh, Dropout(0.2), Linear(16, outputs)];
    Sequential::new(layers).with_input_stage(stage)
}

/// A row of codes for each example, the first column being a number.
fn rows(count: usize) -> Array2<f32> {
    Array2::from_shape_fn((count, 3), |(row, column)| match column {
        0 => (row as f32 * 0.7).sin(),
        1 => (row % 4) as f32,
        _ => (row * 7 % 30) as f32,
    })
}

fn columns_that_make_no_sense_are_named() {
    let of = |columns: Vec<InputColumn>| {
        let stage = InputStage::new(columns);
        Sequential::new([Linear(3, 2)]).with_input_stage(stage).validate().unwrap_err().to_string()
    };
    let cases = [
        (vec![], "input stage = no columns: needs at least one column"),
        (
            vec![InputColumn::Number, category(0, 2)],
            "input column 1 = category of 0 levels, 2 wide: a category has 1 to",
        ),
        (vec![category(3, 0)], "input column 0 = category of 3 levels, 0 wide: an embedding has 1 to"),
        (vec![category((1 << 24) + 1, 1)], "a category has 1 to 16777216 levels"),
        (
            vec![InputColumn::Periodic { frequencies: 0, outputs: 1, deviation: 1.0 }],
            "waves by 1, 1 outputs: it takes 1 to",
        ),
        (vec![InputColumn::Periodic { frequencies: 2, outputs: 1, deviation: 0.0 }], "is a finite number above 0"),
        (vec![InputColumn::PiecewiseLinear { edges: vec![1.0] }], "it takes 2 to 1048577 edges"),
        (vec![InputColumn::PiecewiseLinear { edges: vec![0.0, 1.0, 1.0] }], "that ascend, but 1 comes before 1"),
        (vec![InputColumn::PiecewiseLinear { edges: vec![0.0, f32::NAN] }], "that ascend, but 0 comes before NaN"),
        (vec![InputColumn::PiecewiseLinear { edges: vec![0.0, f32::INFINITY] }], "that ascend, but 0 comes before inf"),
        (
            vec![InputColumn::PiecewiseLinear { edges: vec![-3e38, 3e38] }],
            "a bin's width is a normal number of single precision, but one is inf, from -3e38 to 3e38",
        ),
        (vec![category(3, 4)], "layer 1 (Linear(3, 2)): takes 3 inputs, but the input stage gives 4"),
        (vec![category(1 << 24, 1 << 20); 1 << 18], "more weights than any memory holds"),
    ];
    for (columns, expected) in cases {
        let error = of(columns);
        assert!(error.contains(expected), "{error}, not {expected}");
    }
    let error = Mlp::builder(2, 1).input_stage(table()).build().unwrap_err().to_string();
    assert!(error.contains("input stage = 3 columns: the network takes 2 features"), "{error}");
}

fn a_value_that_its_column_does_not_take_is_named() {
    let network = network(table(), 1);
    let targets = || Array2::from_shape_fn((5, 1), |(row, _)| row as f32);
    let options = TrainOptions { epochs: 1, ..TrainOptions::default() };
    for (value, shown) in [(4.0, "4"), (-1.0, "-1"), (1.5, "1.5"), (1e9, "1000000000")] {
        let mut rows = rows(5);
        rows[[3, 1]] = value;
        let expected = format!(
            "example 3, feature 1 (\"state\") is {shown}, but the network takes a whole number from 0 to 3 there"
        );
        let named = Dataset::regression(rows.clone(), targets()).unwrap();
        let named = named.with_feature_names(["size", "state", "street"]).unwrap();
        let error = Trainer::new(&network, &options, &named, 1).err().unwrap().to_string();
        assert!(error.ends_with(&expected), "{error}");
        let mlp = Mlp::new(network.validate().unwrap(), Init::Kaiming, Key::new(0));
        let error = Predictor::new(mlp, 1).predict(&rows).unwrap_err();
        assert!(matches!(error, Error::Data { .. }), "{error}");
    }
    let narrow = Dataset::regression(Array2::zeros((5, 2)), targets()).unwrap();
    let error = Trainer::new(&network, &options, &narrow, 1).err().unwrap().to_string();
    assert!(error.contains("has 2 features an example, but the network takes 3"), "{error}");
}

fn embeddings_begin_at_normal_numbers_and_factors_at_1() {
    let stage = InputStage::new([category(5000, 8), category(3, 2)]).with_scaling();
    let network = Sequential::new([Linear(10, 1)]).with_input_stage(stage).validate().unwrap();
    let mlp = Mlp::new(network.clone(), Init::Kaiming, Key::new(7));
    let of = |group| {
        let spec = network.param_specs().iter().find(|spec| spec.group == group).unwrap();
        mlp.parameters()[spec.range.clone()].to_vec()
    };
    let table = of(ParamGroup::Embedding { column: 0 });
    let mean = table.iter().map(|&v| f64::from(v)).sum::<f64>() / table.len() as f64;
    let variance = table.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / table.len() as f64;
    // Of 40,000 numbers: five standard errors.
    assert!(mean.abs() < 0.025 && (variance - 1.0).abs() < 0.036, "mean {mean}, variance {variance}");
    assert!(of(ParamGroup::InputScale).iter().all(|&factor| factor == 1.0));
    // Frozen: docs/reference/masks.md says which words these are.
    let word = Key::new(7).draw(furlough::random::Stream::InputStage, 1, 1, 0, 0)[1];
    assert_eq!(of(ParamGroup::Embedding { column: 1 })[5], furlough::random::normal(word));
}

/// With a linear layer that passes inputs on, the outputs are rows of the embedding times factors.
fn each_level_has_its_own_row() {
    let stage = InputStage::new([InputColumn::Number, category(3, 2)]).with_scaling();
    let network = Sequential::new([Linear(3, 3)]).with_input_stage(stage).validate().unwrap();
    let weights = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    let parameters = [&weights[..], &[10.0, 11.0, 20.0, 21.0, 30.0, 31.0], &[0.5, 2.0, -1.0]].concat();
    let mlp = Mlp::from_parameters(network, parameters);
    let outputs = Predictor::new(mlp, 1).predict(&array![[4.0, 2.0], [-1.0, 0.0]]).unwrap();
    assert_eq!(outputs, array![[2.0, 60.0, -31.0], [-0.5, 20.0, -11.0]]);
}

/// Equation 1 of the paper: below, within and above each bin.
fn a_number_is_encoded_by_its_bins() {
    let stage = InputStage::new([InputColumn::PiecewiseLinear { edges: vec![0.0, 1.0, 3.0, 4.0] }]);
    let network = Sequential::new([Linear(3, 3)]).with_input_stage(stage).validate().unwrap();
    let weights = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    let mlp = Mlp::from_parameters(network, weights.to_vec());
    let encoded = Predictor::new(mlp, 1).predict(&array![[-2.0], [0.5], [1.0], [2.0], [3.5], [6.0]]).unwrap();
    let expected =
        array![[-2.0, 0.0, 0.0], [0.5, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.5, 0.0], [1.0, 1.0, 0.5], [1.0, 1.0, 3.0]];
    assert_eq!(encoded, expected);
}

fn model_file_and_checkpoint_keep_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let (model, checkpoint) = (folder.path().join("model"), folder.path().join("checkpoint"));
    let data = Dataset::regression(rows(50), Array2::from_shape_fn((50, 1), |(row, _)| (row % 4) as f32)).unwrap();
    let options =
        TrainOptions { optimizer: Optimizer::ADAM, learning_rate: 0.01, epochs: 2, ..TrainOptions::default() };
    let mut trainer = Trainer::new(&network(table(), 1), &options, &data, 1).unwrap();
    trainer.fit(None).unwrap();
    let (state, origin) = (trainer.state(), Origin::new("recipe", "data"));
    save_checkpoint(&checkpoint, state, &origin).unwrap();
    let architecture = state.mlp.architecture();
    assert!(load_checkpoint(&checkpoint, &origin, architecture, &options.optimizer).unwrap() == *state);
    let without = network(InputStage::new(table().columns()), 1).validate().unwrap();
    let error = load_checkpoint(&checkpoint, &origin, &without, &options.optimizer).unwrap_err().to_string();
    assert!(error.contains("belongs to another network"), "{error}");

    trainer.save(&model).unwrap();
    let loaded = Mlp::load(&model).unwrap();
    assert_eq!(loaded, state.mlp);
    let file = std::fs::read(&model).unwrap();
    let names = SafeTensors::deserialize(&file).unwrap().names().into_iter().map(String::from).collect::<Vec<_>>();
    assert!(names.iter().any(|name| name == "input.embedding.2"), "{names:?}");
    let of = |mlp| Predictor::new(mlp, 1).predict(&data).unwrap().into_raw_vec_and_offset().0;
    assert_eq!(bits(&of(loaded)), bits(&of(state.mlp.clone())));
    let other = Mlp::new(without, Init::Kaiming, Key::new(0));
    let why = other.architecture().obstacle_to_weights_of(architecture).unwrap();
    assert_eq!(why, "it makes other inputs of its columns");
}

/// Whether the levels of two columns are equal, which no number that a code is says.
fn a_table_of_categories_alone_is_learned() {
    let code = |row: usize, column: usize| [row * 7 % 5, (row * 3 + row / 5) % 5][column];
    let rows = Array2::from_shape_fn((400, 2), |(row, column)| code(row, column) as f32);
    let same: Vec<&str> = (0..400).map(|row| if code(row, 0) == code(row, 1) { "same" } else { "other" }).collect();
    let data = Dataset::classification(rows, same).unwrap();
    let network = network(InputStage::new([category(5, 4), category(5, 4)]), 2);
    let options = TrainOptions {
        optimizer: Optimizer::ADAM,
        learning_rate: 0.01,
        epochs: 60,
        batch_size: 50,
        ..Default::default()
    };
    let mut trainer = Trainer::new(&network, &options, &data, 2).unwrap();
    trainer.fit(None).unwrap();
    let accuracy = trainer.evaluate(&data).unwrap().accuracy.unwrap();
    assert!(accuracy > 0.97, "{accuracy}");
}

/// Measured: no loss differs by more than 2e-7 and no parameter by more than 5e-7; PyTorch's
/// float32 differs from its own float64 by 1.7e-7 and 1.2e-6.
fn a_run_with_every_column_is_pytorchs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pytorch/input-stage.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let settings: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["settings"]).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        let words = tensors.tensor(name).unwrap().data().as_chunks().0;
        words.iter().map(|&word| f32::from_le_bytes(word)).collect()
    };
    let matrix = |name: &str| {
        let shape = tensors.tensor(name).unwrap().shape().to_vec();
        Array2::from_shape_vec((shape[0], shape[1]), floats(name)).unwrap()
    };
    let data = Dataset::regression(matrix("rows"), matrix("targets")).unwrap();
    let columns: Vec<InputColumn> = serde_json::from_value(settings["columns"].clone()).unwrap();
    let stage = InputStage::new(columns).with_scaling();
    let p = |place: usize| Dropout(settings["dropout"][place].as_f64().unwrap());
    let hidden = settings["hidden"].as_u64().unwrap() as usize;
    let layers = [p(0), Linear(stage.width(), hidden), Tanh, p(1), Linear(hidden, data.outputs())];
    let network = Sequential::new(layers).with_input_stage(stage).validate().unwrap();
    let of = |prefix: &str| -> Vec<f32> {
        network.param_specs().iter().flat_map(|spec| floats(&format!("{prefix}.{}", spec.name))).collect()
    };
    let options = TrainOptions {
        optimizer: Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-4 },
        learning_rate: 0.01,
        batch_size: settings["batch_size"].as_u64().unwrap() as usize,
        seed: settings["seed"].as_u64().unwrap(),
        epochs: 100,
        ..TrainOptions::default()
    };
    let theirs: Vec<f64> =
        tensors.tensor("losses").unwrap().data().as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)).collect();
    let mut losses = Vec::new();
    let mut first_steps = |event: &Event<'_>| {
        if let Event::Step { loss, .. } = event {
            losses.push(*loss);
        }
        Ok(if losses.len() == theirs.len() { Control::Stop } else { Control::Continue })
    };
    let mlp = Mlp::from_parameters(network.clone(), of("initial"));
    let mut trainer = Trainer::from_mlp(mlp, &options, &data, 2).unwrap();
    trainer.fit_with(None, &mut first_steps).unwrap();
    let loss = losses.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let last = of("final");
    let apart = trainer.state().mlp.parameters().iter().zip(&last).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("at most {loss:.1e} in a loss, {apart:.1e} in a parameter");
    assert_eq!(losses.len(), 200);
    assert!(loss < 5e-6 && apart < 1e-5, "{loss:e} in a loss, {apart:e} in a parameter");
}
