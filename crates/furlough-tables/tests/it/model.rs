//! Networks that answer for tables, and their files.

use crate::common::quick;
use crate::sample_tables::{iris, mixed};
use furlough::files::{ModelInfo, load_model, save_model};
use furlough_tables::model::{TableRecipe, defaults};
use furlough_tables::schema::{Role, TaskChoice};
use furlough_tables::{SplitOptions, Table, TableAnswers, TableModel, TableOptions};
use std::path::Path;

furlough_harness::tests![
    iris_is_learned_from_its_defaults,
    numbers_are_predicted_in_their_units,
    every_kind_of_column_is_learned_from,
    threads_change_no_bit,
    a_model_file_has_all_that_is_needed,
    a_file_of_a_later_version_is_refused,
    rows_without_a_target_are_left_out_or_refused,
    groups_and_weights_are_heeded,
    what_cannot_be_learned_is_refused,
    an_answer_does_not_depend_on_the_rows_beside_it,
    defaults_grow_with_the_rows,
    categories_with_many_levels_are_embedded,
];

/// Each of 30 streets has its class; an embedding tells them apart, and says so in the file.
fn categories_with_many_levels_are_embedded() {
    let street = |row: usize| format!("street {:02}", row * 7 % 30);
    let kind = |row: usize| if (row * 7 % 30) % 4 < 2 { "old" } else { "new" };
    let columns = Table::builder().numbers("size", (0..900).map(|row| f64::from(row as u8)));
    let table = columns.texts("street", (0..900).map(street)).texts("kind", (0..900).map(kind)).build().unwrap();
    let options = TableOptions { recipe: Some(quick()), ..TableOptions::target("kind") };
    let mut models =
        [1, 2].map(|threads| TableModel::fit(&table, &TableOptions { threads, ..options.clone() }).unwrap());
    assert_eq!(models[0].network().parameters(), models[1].network().parameters());
    let model = &mut models[0];
    assert_eq!(
        (model.preprocessing().feature_names().join(" "), model.preprocessing().levels()),
        ("size street".into(), vec![0, 31])
    );
    let specs = model.network().architecture().param_specs();
    assert!(specs.iter().any(|spec| spec.name == "input.embedding.1" && spec.shape == [31, 4]));
    assert!(model.evaluate(&table).unwrap().accuracy > Some(0.99));
    let new = Table::builder().numbers("size", [3.0, 3.0]).texts("street", ["street 01".to_string(), "lane".into()]);
    let new = new.build_as(model.schema()).unwrap();
    let answers = model.predict(&new).unwrap();
    assert_eq!((&*answers.texts()[0], answers.told.sentences().len()), ("old", 1), "{:?}", answers.told.sentences());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let mut again = TableModel::load(&path, 1).unwrap();
    assert_eq!(again.predict_proba(&new).unwrap().probabilities, model.predict_proba(&new).unwrap().probabilities);
}

fn iris_is_learned_from_its_defaults() {
    let table = iris().with_target(&["species"], TaskChoice::Auto).unwrap();
    let split = table.split_rows(&SplitOptions::default()).unwrap();
    let mut model = TableModel::fit(&table.select(&split.train), &TableOptions::target("species")).unwrap();
    let scores = model.evaluate(&table.select(&split.test)).unwrap();
    assert!(scores.accuracy >= Some(0.9), "{scores:?}");
    assert_eq!(
        (scores.rows, model.header().dropped_rows, model.header().validation.as_ref().unwrap().rows),
        (30, 0, 24)
    );
    let probabilities = model.predict_proba(&table).unwrap();
    assert_eq!(probabilities.names, ["setosa", "versicolor", "virginica"]);
    assert!(probabilities.probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
    let answers = model.predict(&table).unwrap();
    let TableAnswers::Classes { classes, .. } = &answers.answers else { panic!("classes") };
    for (row, &class) in probabilities.probabilities.rows().into_iter().zip(classes) {
        assert!(row.iter().all(|&other| other <= row[class as usize]));
    }
}

fn numbers_are_predicted_in_their_units() {
    let table = mixed(600).with_target(&["price"], TaskChoice::Auto).unwrap();
    let mut model = TableModel::fit(&table, &TableOptions::target("price")).unwrap();
    let scores = &model.header().validation.as_ref().unwrap().targets[0];
    assert!(scores.r2 > 0.9 && scores.rmse < 250.0 && scores.mae <= scores.rmse, "{scores:?}");
    let predicted = model.predict(&table).unwrap();
    let mean = predicted.numbers().unwrap().mean().unwrap();
    assert!((1900.0..2400.0).contains(&mean), "{mean}");
    assert!(model.predict_proba(&table).unwrap_err().to_string().contains("price: is predicted as numbers"));
}

fn every_kind_of_column_is_learned_from() {
    let table = mixed(600).with_role("price", Role::Ignore).unwrap();
    let mut model = TableModel::fit(&table, &TableOptions::target("class")).unwrap();
    assert!(model.header().validation.as_ref().unwrap().accuracy > Some(0.85), "{:?}", &model.header().validation);
    let names = model.preprocessing().feature_names();
    for name in ["x", "x is missing", "color=NA", "yes=true", "day: month", "day is missing"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    // Without a target, with a column more, in another order.
    let new = Table::builder()
        .texts("comment", ["new"])
        .texts("day", ["2031-05-06"])
        .texts("color", ["blue"])
        .texts("yes", ["YES"])
        .texts("town", ["t1"])
        .texts("x", ["NA"])
        .build_as(model.schema())
        .unwrap();
    let answer = model.predict(&new).unwrap();
    assert_eq!(
        answer.told.sentences(),
        [
            "1 row holds levels of `color` that training never saw; it counts as missing",
            "column `comment` is ignored: the model does not know it",
        ]
    );
}

fn threads_change_no_bit() {
    let table = mixed(300);
    let fit = |threads| {
        let options = TableOptions { threads, recipe: Some(quick()), ..TableOptions::target("class") };
        let mut model = TableModel::fit(&table, &options).unwrap();
        model.predict_proba(&table).unwrap().probabilities
    };
    assert_eq!(fit(1), fit(2));
}

fn bytes(model: &TableModel, path: &Path) -> Vec<u8> {
    model.save(path).unwrap();
    std::fs::read(path).unwrap()
}

fn a_model_file_has_all_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for target in ["class", "price"] {
        let table = mixed(300);
        let options = TableOptions { recipe: Some(quick()), ..TableOptions::target(target) };
        let mut model = TableModel::fit(&table, &options).unwrap();
        let written = bytes(&model, &path);
        let mut read = TableModel::load(&path, 2).unwrap();
        assert_eq!(read.predict(&table).unwrap(), model.predict(&table).unwrap());
        assert_eq!((read.schema(), read.preprocessing()), (model.schema(), model.preprocessing()));
        assert_eq!(
            (&read.header().validation, &read.header().warnings),
            (&model.header().validation, &model.header().warnings)
        );
        assert_eq!(bytes(&read, &folder.path().join("again")), written);
        let again = TableModel::fit(&table, &options).unwrap();
        assert_eq!(bytes(&again, &folder.path().join("again")), written, "the same run, the same bytes");
        let (_, info) = load_model(&path).unwrap();
        assert_eq!(info.data.feature_names, model.preprocessing().feature_names());
    }
}

fn a_file_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model =
        TableModel::fit(&iris(), &TableOptions { recipe: Some(quick()), ..TableOptions::target("species") }).unwrap();
    model.save(&path).unwrap();
    let (mlp, info) = load_model(&path).unwrap();
    let refused = |table: Option<serde_json::Value>| {
        let path = folder.path().join("changed");
        save_model(&path, &mlp, &ModelInfo { table, ..info.clone() }).unwrap();
        TableModel::load(&path, 1).err().expect("refused").to_string()
    };
    let mut part = info.table.clone().unwrap();
    part["version"] = 2.into();
    part["schema"] = "of the future".into();
    assert!(
        refused(Some(part)).contains("has a table of version 2 and needs a newer furlough; this one reads version 1")
    );
    assert!(refused(None).contains("is not the model of a table"));
    let mut part = info.table.clone().unwrap();
    part["preprocessing"]["columns"].as_array_mut().unwrap().pop();
    assert!(
        refused(Some(part))
            .contains("contradicts itself: its preprocessing has 3 features and 3 answers, its network 4 and 3")
    );
    let mut part = info.table.clone().unwrap();
    part["schema"]["columns"] = serde_json::json!([]);
    assert!(refused(Some(part)).contains("contradicts itself: schema: it has no columns"));
}

fn rows_without_a_target_are_left_out_or_refused() {
    let class = |row: usize| if row % 10 == 4 { "" } else { ["a", "b"][row % 2] };
    let table = Table::builder().numbers("x", (0..60).map(|row| f64::from(row % 2) + f64::from(row) / 100.0));
    let table = table.texts("y", (0..60).map(class)).build().unwrap();
    let options = TableOptions { recipe: Some(quick()), ..TableOptions::target("y") };
    let mut model = TableModel::fit(&table, &options).unwrap();
    assert_eq!((model.header().dropped_rows, model.evaluate(&table).unwrap().rows), (6, 54));
    let said = TableModel::fit(&table, &TableOptions { strict: true, ..options }).err().expect("refused").to_string();
    assert_eq!(said, "table, row 5, column y: \"\" is no target; fill it in or leave the row out");
}

fn groups_and_weights_are_heeded() {
    let rows = 200;
    let table = Table::builder()
        .numbers("x", (0..rows).map(|row| f64::from(row * 37 % 101)))
        .texts("who", (0..rows).map(|row| format!("w{}", row % 23)))
        .numbers("w", (0..rows).map(|row| if row % 23 == 0 { 0.0 } else { 2.5 }))
        .texts("y", (0..rows).map(|row| if row * 37 % 101 > 50 { "p" } else { "n" }))
        .build()
        .unwrap()
        .with_role("who", Role::Group)
        .unwrap()
        .with_role("w", Role::Weight)
        .unwrap();
    let options = TableOptions { recipe: Some(quick()), ..TableOptions::target("y") };
    let model = TableModel::fit(&table, &options).unwrap();
    assert_eq!(model.preprocessing().feature_names(), ["x"]);
    let unweighted = TableModel::fit(&table.clone().with_role("w", Role::Ignore).unwrap(), &options).unwrap();
    assert_ne!(model.header().validation.as_ref().unwrap().loss, unweighted.header().validation.as_ref().unwrap().loss);
}

fn what_cannot_be_learned_is_refused() {
    let refused = |options: &TableOptions| TableModel::fit(&mixed(60), options).err().expect("refused").to_string();
    assert!(refused(&TableOptions::target("clas")).contains("did you mean class?"));
    assert!(refused(&TableOptions { target: vec![], ..TableOptions::target("") }).contains("it has no target"));
    let wrong = TableRecipe { hidden: vec![8, 0], ..quick() };
    assert!(
        refused(&TableOptions { recipe: Some(wrong), ..TableOptions::target("class") }).starts_with("hidden = [8, 0]")
    );
    let wrong = TableRecipe { learning_rate: -1.0, ..quick() };
    assert!(refused(&TableOptions { recipe: Some(wrong), ..TableOptions::target("class") }).starts_with("lr = -1"));
    assert!(refused(&TableOptions { validation: 1.0, ..TableOptions::target("class") }).starts_with("split = 1, 0"));
    let none = Table::builder().numbers("x", [1.0, 2.5]).texts("y", ["", ""]).build().unwrap();
    let said = TableModel::fit(&none, &TableOptions::target("y")).err().expect("refused").to_string();
    assert!(said.contains("column y: has no value"), "{said}");
    let mut all = TableModel::fit(
        &mixed(60),
        &TableOptions { validation: 0.0, recipe: Some(quick()), ..TableOptions::target("class") },
    )
    .unwrap();
    assert_eq!((all.predict(&mixed(60)).unwrap().texts().len(), all.header().validation.clone()), (60, None));
}

fn an_answer_does_not_depend_on_the_rows_beside_it() {
    let table = mixed(300);
    let mut model =
        TableModel::fit(&table, &TableOptions { recipe: Some(quick()), ..TableOptions::target("class") }).unwrap();
    let all = model.predict_proba(&table).unwrap().probabilities;
    for row in [0, 7, 299] {
        let alone = model.predict_proba(&table.select(&[row])).unwrap().probabilities;
        assert_eq!(alone.row(0), all.row(row as usize));
    }
}

fn defaults_grow_with_the_rows() {
    use furlough::data::Task::{Classification, Regression};
    let mut before = (0, 0);
    for rows in [1, 100, 1_000, 10_000, 100_000, 10_000_000] {
        for features in [1, 50, 5_000] {
            for task in [Classification, Regression] {
                let recipe = defaults(rows, features, task);
                recipe.validate().unwrap();
                assert!(recipe.patience <= recipe.epochs, "{recipe:?}");
            }
        }
        let recipe = defaults(rows, 10, Classification);
        assert!((recipe.hidden[0], recipe.batch_size) >= before);
        before = (recipe.hidden[0], recipe.batch_size);
    }
}
