//! What is fitted in memory is what a run's folder has.

use super::*;
use crate::recipe::TableInput;
use crate::source::{RunData, TableSource};
use furlough::data::EvalData;
use furlough::train::{Control, StopReason, Trainer};
use furlough_tables::{PreprocessingOptions, Preset, Table, TaskChoice};

fn table(rows: u32) -> Table {
    let number = |row: u32| f64::from(row.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
    let kinds = (0..rows).map(|row| if number(row) + 0.2 * number(row + 7) > 0.6 { "large" } else { "small" });
    let table = Table::builder().numbers("x", (0..rows).map(number)).numbers("z", (0..rows).map(|row| number(row + 9)));
    table.texts("kind", kinds).build().unwrap().with_target(&["kind"], TaskChoice::Auto).unwrap()
}

fn learned_from(table: Table, more: &str) -> (TableSource, Recipe) {
    let input = TableInput {
        file: "table".into(),
        test_file: None,
        test_fraction: 0.0,
        test_seed: 0,
        on_disk: None,
        preprocessing: PreprocessingOptions::default(),
        schema: table.schema().clone(),
    };
    let source = TableSource::of_tables(&input, table, None).unwrap();
    let said = Settings::parse(&format!("hidden = 6\n{more}"), None).unwrap();
    let (data, table) = (Some(input.name()), Some(input));
    let said = Settings { data, table, ..said };
    let recipe = source.settings(said, Preset::default()).unwrap().0.resolve().unwrap();
    (source, recipe)
}

fn bytes(fitted: &FittedModel, recipe: &Recipe) -> Vec<u8> {
    fitted.model.to_bytes(Path::new("model"), &recipe.to_toml()).unwrap()
}

#[test]
fn a_model_in_memory_is_that_of_a_folder_byte_for_byte() {
    let (source, recipe) = learned_from(table(120), "epochs = 3");
    let mut epochs = 0;
    let mut report = |told: FitReport| {
        epochs += u32::from(matches!(told, FitReport::Epoch(0, _)));
        Control::Continue
    };
    let fitted = fit_table(&source, &recipe, 2, &mut report).unwrap();
    assert_eq!((epochs, fitted.stopped), (3, StopReason::Finished));

    let folder = tempfile::tempdir().unwrap();
    let RunData { training, table, .. } = source.run_data(&recipe.partition()).unwrap();
    let network = recipe.network(training.train.features(), training.train.levels(), training.train.outputs());
    let mut trainer = Trainer::new(&network, &recipe.options(), &training.train, 1).unwrap();
    let data = DataInfo::of(&training.train);
    let info = RunInfo { recipe: recipe.clone(), data, table, ..info() };
    let dir = RunDir::create(folder.path().join("run")).unwrap();
    let mut recorder = Recorder::create(dir, info, trainer.state(), || 0.0).unwrap().measured_by(training.eval_data());
    trainer.fit_with(Some(EvalData::validation(&training.eval)), &mut recorder).unwrap();
    assert_eq!(bytes(&fitted, &recipe), read_file(&folder.path().join("run/model.safetensors")).unwrap());
}

#[test]
fn threads_change_no_byte_of_several_networks_and_a_stop_keeps_those_that_began() {
    let (source, recipe) = learned_from(table(120), "members = 3\nepochs = 3");
    let go_on = |_| Control::Continue;
    let one = fit_table(&source, &recipe, 1, &mut { go_on }).unwrap();
    let many = fit_table(&source, &recipe, 4, &mut { go_on }).unwrap();
    assert_eq!(bytes(&one, &recipe), bytes(&many, &recipe));
    assert_eq!((one.model.members(), one.stopped), (3, StopReason::Finished));
    let (source, endless) = learned_from(table(120), "members = 3\nepochs = 1000000");
    let stopped = fit_table(&source, &endless, 1, &mut |_| Control::Stop).unwrap();
    assert_eq!(stopped.stopped, StopReason::Asked);
    assert!((1..3).contains(&stopped.model.members()));
}

#[test]
fn a_network_goes_on_with_other_rows_and_several_do_not() {
    let (features, target) = (table(60), table(60));
    let columns = |table: &Table, places: &[usize]| {
        let mut schema = table.schema().clone();
        schema.columns = places.iter().map(|&place| schema.columns[place].clone()).collect();
        Table::from_columns(schema, places.iter().map(|&place| table.columns()[place].clone()).collect()).unwrap()
    };
    let (features, target) = (columns(&features, &[0, 1]), columns(&target, &[2]));
    let classes = ["small", "large", "huge"].map(String::from).to_vec();
    let (_, recipe) = learned_from(table(60), "epochs = 3");
    let said = || {
        let before = Settings::parse(&recipe.to_toml(), None).unwrap();
        Settings { folds: None, stratified: None, early_stopping: Some(0), ..before }
    };
    let begun = begin_model(features, target, Some(classes), (said(), Preset::default()));
    let (model, recipe) = begun.unwrap();
    assert_eq!(model.network().architecture().outputs(), 3, "a class that no row shows has its output");
    let go_on = |_| Control::Continue;
    let before = model.network().parameters().to_vec();
    let first = fit_further(GoingOn { model, optimizer: None }, &table(60), &recipe, 1, &mut { go_on }).unwrap();
    assert_ne!(first.model.network().parameters(), before);
    let going_on = GoingOn { model: first.model, optimizer: first.optimizer };
    assert!(fit_further(going_on, &table(90), &recipe, 1, &mut { go_on }).is_ok());

    let (source, several) = learned_from(table(120), "members = 2\nepochs = 3");
    let model = fit_table(&source, &several, 1, &mut { go_on }).unwrap().model;
    let error = fit_further(GoingOn { model, optimizer: None }, &table(60), &recipe, 1, &mut { go_on });
    assert!(error.err().unwrap().to_string().contains("of several networks, which do not learn on"));
}

#[test]
fn all_rows_teach_where_no_folds_are_said() {
    let (source, recipe) = learned_from(table(120), "epochs = 3");
    let said = Settings { table: recipe.table().cloned(), data: Some("table".into()), ..Settings::default() };
    let said = Settings { epochs: Some(2), ..said };
    let recipe = source.settings_of_all(said, Preset::default()).unwrap().resolve().unwrap();
    let fitted = fit_table(&source, &recipe, 1, &mut |_| Control::Continue).unwrap();
    let rows = fitted.model.header().rows.unwrap();
    assert_eq!((rows.training, rows.validation), (120, 0));
    assert!(fitted.model.conformal().is_none());
}
