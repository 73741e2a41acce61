//! The recipe of RealMLP, from a table to the trained network, beside a second program:
//! `scripts/realmlp_fixture.py` wrote down features, first parameters, losses and last parameters.
//!
//! Measured: no feature differs by more than 2e-7, no first parameter by more than 2e-6.

use furlough::nn::Mlp;
use furlough::train::Trainer;
use furlough_tables::model::TableRecipe;
use furlough_tables::{Preprocessing, Preset, Table, TableModel, TableOptions};
use serde_json::Value;

furlough_harness::tests![
    features_are_those_of_the_second_program,
    first_parameters_are_those_of_the_second_program,
    training_is_that_of_the_second_program,
    answers_stay_within_the_range_of_the_targets,
];

const TASKS: [(&str, &str); 2] = [("classification", "bought"), ("regression", "price")];

fn fixture() -> Value {
    let path = format!("{}/tests/fixtures/realmlp.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

fn texts(values: &Value) -> Vec<String> {
    values.as_array().unwrap().iter().map(|value| value.as_str().unwrap_or_default().into()).collect()
}

fn table(fixture: &Value, target: &str) -> Table {
    let columns = &fixture["columns"];
    let builder = Table::builder().numbers("size", numbers(&columns["size"]));
    let builder = builder.numbers("ratio", numbers(&columns["ratio"]));
    let builder = ["age", "kind", "street"].iter().fold(builder, |b, name| b.texts(name, texts(&columns[name])));
    let builder = match target {
        "price" => builder.numbers("price", numbers(&fixture["price"])),
        _ => builder.texts("bought", texts(&fixture["bought"])),
    };
    builder.build().unwrap()
}

/// The preset's options with the sizes of the fixture; all rows teach.
fn options(fixture: &Value, task: &str, target: &str) -> (TableOptions, TableRecipe) {
    let number = |key: &str| fixture[key].as_u64().unwrap();
    let classification = task == "classification";
    let task = if classification { furlough::data::Task::Classification } else { furlough::data::Task::Regression };
    let recipe = TableRecipe {
        hidden: numbers(&fixture["hidden"]).iter().map(|&width| width as usize).collect(),
        batch_size: number("batch_size") as usize,
        epochs: number("epochs") as u32,
        ..Preset::RealMlp.recipe(90, 7, task)
    };
    let options = TableOptions {
        recipe: Some(recipe.clone()),
        validation: 0.0,
        seed: number("seed"),
        ..TableOptions::target(target)
    };
    (options.with_preset(Preset::RealMlp), recipe)
}

fn features_are_those_of_the_second_program() {
    let fixture = fixture();
    let (table, (options, _)) = (table(&fixture, "price"), options(&fixture, "regression", "price"));
    let table = table.with_target(&["price"], options.task).unwrap();
    let fitted = Preprocessing::fit(&table, &table.all_rows(), &options.preprocessing).unwrap();
    let (features, told) = fitted.features(&table, &table.all_rows()).unwrap();
    assert!(told.is_empty(), "{:?}", told.sentences());
    assert_eq!(
        fitted.levels().iter().map(|&levels| f64::from(levels)).collect::<Vec<_>>(),
        numbers(&fixture["levels"])
    );
    for (place, expected) in fixture["features"].as_array().unwrap().iter().enumerate() {
        for (row, (&found, expected)) in features.column(place).iter().zip(numbers(expected)).enumerate() {
            assert!((f64::from(found) - expected).abs() < 1e-6, "feature {place}, row {row}: {found}, not {expected}");
        }
    }
}

/// Compares all parameters by name, each to within `tolerance` of its size or of 1.
fn are_close(mlp: &Mlp, expected: &Value, tolerance: f64, what: &str) {
    for spec in mlp.architecture().param_specs() {
        let expected = numbers(&expected[&spec.name]);
        assert_eq!(expected.len(), spec.len(), "{what}: {}", spec.name);
        for (place, (&found, expected)) in mlp.parameters()[spec.range.clone()].iter().zip(expected).enumerate() {
            let off = (f64::from(found) - expected).abs() / expected.abs().max(1.0);
            assert!(off < tolerance, "{what}: {} at {place} is {found}, not {expected}", spec.name);
        }
    }
}

fn first_parameters_are_those_of_the_second_program() {
    let fixture = fixture();
    for (task, target) in TASKS {
        let (options, recipe) = options(&fixture, task, target);
        let table = table(&fixture, target).with_target(&[target], options.task).unwrap();
        let fitted = Preprocessing::fit(&table, &table.all_rows(), &options.preprocessing).unwrap();
        let (data, _) = fitted.dataset(&table, &table.all_rows()).unwrap();
        let train = recipe.train_options(options.seed, false);
        let trainer = Trainer::new(&recipe.network(&data), &train, &data, 1).unwrap();
        are_close(&trainer.into_mlp(), &fixture[task]["first"], 1e-5, task);
    }
}

fn training_is_that_of_the_second_program() {
    let fixture = fixture();
    for (task, target) in TASKS {
        let (options, _) = options(&fixture, task, target);
        let mut losses = Vec::new();
        let told = |_, epoch: &furlough::train::EpochSummary| losses.push(epoch.train_loss);
        let model = TableModel::fit_with(&table(&fixture, target), &options, told).unwrap();
        let expected = numbers(&fixture[task]["losses"]);
        let off = losses.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(losses.len() == expected.len() && off < 1e-3, "{task}: {losses:?}, not {expected:?}");
        are_close(model.network(), &fixture[task]["last"], 1e-2, task);
    }
}

fn answers_stay_within_the_range_of_the_targets() {
    let fixture = fixture();
    let (options, _) = options(&fixture, "regression", "price");
    let mut model = TableModel::fit(&table(&fixture, "price"), &options).unwrap();
    let prices = numbers(&fixture["price"]);
    let (least, most) = prices.iter().fold((f64::MAX, f64::MIN), |(a, b), &price| (a.min(price), b.max(price)));
    let far = Table::builder()
        .numbers("size", [-1e9, 1e9])
        .numbers("ratio", [-1e9, 1e9])
        .texts("age", ["old", "new"])
        .texts("kind", ["", "castle"])
        .texts("street", ["", "elsewhere"]);
    let answers = model.predict(&far.build_as(model.schema()).unwrap()).unwrap().answers;
    let furlough_tables::TableAnswers::Numbers { values, .. } = answers else { panic!("prices are numbers") };
    assert!(values.iter().all(|value| (least - 1e-4..=most + 1e-4).contains(value)), "{values:?}");
}
