//! What columns are worth to a model, and its answers along them.

use crate::common::quick;
use crate::sample_tables::mixed;
use furlough::random::{Key, Stream, shuffle};
use furlough_tables::explain::{DependenceValue, ExplainOptions, ImportanceScore};
use furlough_tables::schema::{Role, TaskChoice};
use furlough_tables::{PreprocessingOptions, Table, TableAnswers, TableModel, TableOptions};

furlough_harness::tests![
    importance_is_that_of_a_table_shuffled_by_hand,
    a_column_that_is_not_needed_is_worth_nothing,
    importance_of_numbers_is_in_their_units_and_goes_by_weights,
    dependence_is_the_mean_over_rows_that_were_given_the_value,
    threads_and_other_columns_change_no_bit,
    many_rows_are_drawn_by_the_seed,
    columns_that_go_together_are_told,
    what_cannot_be_asked_is_refused,
];

fn options() -> TableOptions {
    TableOptions { recipe: Some(quick()), ..TableOptions::target("class") }
}

/// Sizes decide the class, colors a little of it, and noise nothing.
fn table(rows: usize) -> Table {
    let word = |row: usize| (row as u32 + 5).wrapping_mul(2_654_435_761);
    let size = |row: usize| f64::from(word(row) >> 8 & 63);
    let color = |row: usize| ["red", "green", "blue"][(word(row) >> 16) as usize % 3];
    let class = |row: usize| if size(row) + if color(row) == "red" { 12.0 } else { 0.0 } > 36.0 { "yes" } else { "no" };
    Table::builder()
        .numbers("size", (0..rows).map(size))
        .texts("color", (0..rows).map(color))
        .numbers("noise", (0..rows).map(|row| f64::from(word(row) >> 20 & 31)))
        .texts("class", (0..rows).map(class))
        .build()
        .unwrap()
}

fn cells(table: &Table, name: &str) -> Vec<String> {
    use furlough_tables::Column;
    match table.column(name).unwrap() {
        Column::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
        Column::Codes { codes, levels } => codes.iter().map(|&code| levels[code as usize].clone()).collect(),
        Column::Dropped => Vec::new(),
    }
}

/// A table whose columns are others, by their texts.
fn with(model: &TableModel, table: &Table, name: &str, texts: Vec<String>) -> Table {
    let columns = ["size", "color", "noise", "class"];
    let all = columns.iter().fold(Table::builder(), |builder, column| {
        builder.texts(column, if *column == name { texts.clone() } else { cells(table, column) })
    });
    all.build_as(model.schema()).unwrap()
}

fn importance_is_that_of_a_table_shuffled_by_hand() {
    let table = table(200);
    let mut model = TableModel::fit(&table, &options()).unwrap();
    let asked = ExplainOptions { repeats: 3, seed: 7, ..ExplainOptions::default() };
    let found = model.permutation_importance(&table, &asked, |_, _| ()).unwrap();
    assert_eq!((found.rows, found.repeats, found.seed, found.scores.len()), (200, 3, 7, 2));
    let before = model.evaluate(&table).unwrap();
    for (place, name) in ["size", "color", "noise"].into_iter().enumerate() {
        let (mut loss, mut accuracy) = (0.0, 0.0);
        for repeat in 0..3 {
            let mut order: Vec<u32> = (0..200).collect();
            shuffle(&mut order, |counter| Key::new(7).draw(Stream::Permutation, place as u32, counter, 0, repeat));
            let texts = cells(&table, name);
            let texts = order.iter().map(|&row| texts[row as usize].clone()).collect();
            let scores = model.evaluate(&with(&model, &table, name, texts)).unwrap();
            (loss, accuracy) = (loss + scores.loss / 3.0, accuracy + scores.accuracy.unwrap() / 3.0);
        }
        let of = |score: ImportanceScore| {
            let of_score = found.scores.iter().find(|one| one.score == score).unwrap();
            of_score.columns.iter().find(|column| column.column == name).unwrap().increase.value
        };
        assert!((of(ImportanceScore::LogLoss) - (loss - before.loss)).abs() < 1e-5, "{name}");
        assert!((of(ImportanceScore::ErrorRate) - (before.accuracy.unwrap() - accuracy)).abs() < 1e-9, "{name}");
    }
    assert!((found.scores[0].value - before.loss).abs() < 1e-5);
}

fn a_column_that_is_not_needed_is_worth_nothing() {
    let mut model = TableModel::fit(&table(600), &options()).unwrap();
    let new = table(1000).select(&(600..1000).collect::<Vec<u32>>());
    let found = model.permutation_importance(&new, &ExplainOptions::default(), |_, _| ()).unwrap();
    let columns = &found.scores[0].columns;
    let names: Vec<&str> = columns.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(names, ["size", "color", "noise"]);
    assert!(columns[0].increase.low.unwrap() > columns[1].increase.high.unwrap(), "{columns:?}");
    assert!(columns[1].increase.low.unwrap() > 0.0, "{columns:?}");
    assert!(columns[2].increase.value.abs() < 0.02, "{columns:?}");
    assert!(columns.iter().all(|column| column.deviation.unwrap() < 0.3), "{columns:?}");
}

fn importance_of_numbers_is_in_their_units_and_goes_by_weights() {
    let all = mixed(500).with_target(&["price"], TaskChoice::Auto).unwrap();
    let mut model = TableModel::fit(&all, &TableOptions { target: Vec::new(), ..options() }).unwrap();
    let found = model.permutation_importance(&all, &ExplainOptions::default(), |_, _| ()).unwrap();
    assert_eq!(found.scores.iter().map(|one| one.score.name()).collect::<Vec<_>>(), ["RMSE", "MAE"]);
    let best = &found.scores[0].columns[0];
    // x spreads prices by some 580; another row's x is off by √2 of that, and class knows a part.
    assert!(best.column == "x" && (200.0..1000.0).contains(&best.increase.value), "{best:?}");
    assert!((found.scores[0].value - model.evaluate(&all).unwrap().targets[0].rmse).abs() < 1e-2);

    // Rows without weight do not count.
    let weighted = |weight: fn(usize) -> f64| {
        let table = table(120);
        let texts = |name: &str| cells(&table, name);
        let built = Table::builder()
            .texts("size", texts("size"))
            .texts("color", texts("color"))
            .texts("noise", texts("noise"))
            .texts("class", texts("class"))
            .numbers("weight", (0..120).map(weight));
        built.build().unwrap().with_role("weight", Role::Weight).unwrap()
    };
    let table = weighted(|row| if row % 2 == 0 { 2.0 } else { 0.5 });
    let mut model = TableModel::fit(&table, &options()).unwrap();
    let asked = ExplainOptions { repeats: 2, ..ExplainOptions::default() };
    let value = |model: &mut TableModel, table: &Table| {
        let found = model.permutation_importance(table, &asked, |_, _| ()).unwrap();
        (found.scores[0].value, model.evaluate(table).unwrap().loss)
    };
    for weight in [|row: usize| if row.is_multiple_of(2) { 2.0 } else { 0.5 }, |row: usize| (row % 3) as f64] {
        let table = weighted(weight);
        let (found, expected) = value(&mut model, &table);
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

fn dependence_is_the_mean_over_rows_that_were_given_the_value() {
    const ROWS: usize = 400;
    let table = table(ROWS);
    let mut model = TableModel::fit(&table, &options()).unwrap();
    let found = model.partial_dependence(&table, &ExplainOptions::default(), |_, _| ()).unwrap();
    let names: Vec<&str> = found.iter().map(|along| along.column.as_str()).collect();
    assert_eq!((names, found[0].outputs.join(" ")), (vec!["size", "color", "noise"], "no yes".into()));
    for (along, name) in found.iter().zip(["size", "color"]) {
        for point in &along.points {
            let text = match &point.value {
                DependenceValue::Number(number) => number.to_string(),
                DependenceValue::Level(level) => level.clone(),
                other => panic!("{other:?}"),
            };
            let given = with(&model, &table, name, vec![text; ROWS]);
            let p = model.predict_proba(&given).unwrap().probabilities;
            let mean = p.column(1).iter().map(|&p| f64::from(p)).sum::<f64>() / ROWS as f64;
            assert!((point.answers[1] - mean).abs() < 1e-6, "{name} {point:?}");
        }
    }
    let sizes = &found[0].points;
    assert!(sizes[0].answers[1] < 0.4 && sizes[sizes.len() - 1].answers[1] > 0.6, "{sizes:?}");
    assert_eq!(found[1].points.iter().map(|point| point.rows.unwrap()).sum::<u64>(), ROWS as u64);
    assert!(found[1].histogram.is_none());
    assert_eq!(found[0].histogram.as_ref().unwrap().counts.iter().sum::<u64>(), ROWS as u64);

    // Dates, booleans, rare levels and gaps are given their values too.
    let all = mixed(300);
    let preprocessing = PreprocessingOptions { min_count: 30, ..PreprocessingOptions::default() };
    let mut model = TableModel::fit(&all, &TableOptions { preprocessing, ..options() }).unwrap();
    let found = model.partial_dependence(&all, &ExplainOptions::default(), |_, _| ()).unwrap();
    let values = |name: &str| {
        let along = found.iter().find(|along| along.column == name).unwrap();
        along.points.iter().map(|point| point.value.clone()).collect::<Vec<_>>()
    };
    let level = |text: &str| DependenceValue::Level(text.into());
    assert_eq!(values("yes"), [level("no"), level("yes")]);
    assert!(values("town").contains(&DependenceValue::Rare) && values("color").contains(&DependenceValue::Missing));
    assert_eq!(values("day").last(), Some(&DependenceValue::Missing));
    assert!(values("color").contains(&level("NA")), "NA is a color here");
    let all: Vec<f64> = found.iter().flat_map(|along| &along.points).flat_map(|point| point.answers.clone()).collect();
    assert!(all.iter().all(|p| (0.0..=1.0).contains(p)));
}

fn threads_and_other_columns_change_no_bit() {
    let all = mixed(400);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    TableModel::fit(&all, &options()).unwrap().save(&path).unwrap();
    let asked = ExplainOptions { repeats: 2, ..ExplainOptions::default() };
    let told = |threads: usize, asked: &ExplainOptions| {
        let mut model = TableModel::load(&path, threads).unwrap();
        let mut passes = Vec::new();
        let found = model.permutation_importance(&all, asked, |done, of| passes.push((done, of))).unwrap();
        assert_eq!(passes.last().map(|(done, of)| done == of), Some(true));
        (found, model.partial_dependence(&all, asked, |_, _| ()).unwrap())
    };
    let one = told(1, &asked);
    assert_eq!(told(2, &asked), one);
    assert_eq!(told(3, &asked), one);
    let (some, along) = told(1, &ExplainOptions { columns: vec!["town".into()], ..asked.clone() });
    let town = |found: &[furlough_tables::explain::ColumnImportance]| {
        found.iter().find(|column| column.column == "town").unwrap().clone()
    };
    assert_eq!((some.scores[0].columns.len(), along.len()), (1, 1));
    assert_eq!(town(&some.scores[0].columns), town(&one.0.scores[0].columns));
    assert_ne!(told(1, &ExplainOptions { seed: 1, ..asked }).0.scores, one.0.scores);
}

fn many_rows_are_drawn_by_the_seed() {
    let all = mixed(300);
    let mut model = TableModel::fit(&all, &options()).unwrap();
    let mut value = |rows, seed| {
        let asked = ExplainOptions { rows, seed, repeats: 1, ..ExplainOptions::default() };
        let found = model.permutation_importance(&all, &asked, |_, _| ()).unwrap();
        assert_eq!(found.rows, rows.min(300) as u64);
        found.scores[0].value
    };
    assert_eq!(value(1000, 0), value(300, 5), "all of them, whatever the seed");
    assert_ne!(value(100, 0), value(100, 1));
}

fn columns_that_go_together_are_told() {
    let rows = || (0..200).map(|row| f64::from(row * 37 % 200));
    let table = Table::builder()
        .numbers("a", rows())
        .numbers("b", rows().map(|x| -(x * x)))
        .numbers("c", (0..200).map(|row| f64::from(row * 91 % 53)))
        .texts("class", rows().map(|x| if x > 100.0 { "yes" } else { "no" }))
        .build()
        .unwrap();
    let model = TableModel::fit(&table, &options()).unwrap();
    let found = model.correlated_columns(&table, &ExplainOptions::default()).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].columns, ["a", "b"]);
    assert!(found[0].correlation < -0.99, "{found:?}");
}

fn what_cannot_be_asked_is_refused() {
    let table = table(100);
    let mut model = TableModel::fit(&table, &options()).unwrap();
    let mut said = |table: &Table, asked: ExplainOptions| {
        model.permutation_importance(table, &asked, |_, _| ()).unwrap_err().to_string()
    };
    let usual = ExplainOptions::default;
    let refused = said(&table, ExplainOptions { columns: vec!["sise".into()], ..usual() });
    assert!(
        refused.contains("column sise: is none of the columns that the model sees; did you mean size?"),
        "{refused}"
    );
    assert!(said(&table, ExplainOptions { repeats: 0, ..usual() }).contains("repeats = 0"));
    assert!(said(&table, ExplainOptions { rows: 0, ..usual() }).contains("rows = 0"));
    let schema = TableModel::fit(&table, &options()).unwrap().schema().clone();
    let bare = Table::builder().numbers("size", [1.0, 2.0]).texts("color", ["red", "red"]).numbers("noise", [0.0, 1.0]);
    let bare = bare.build_as(&schema).unwrap();
    assert!(said(&bare, usual()).contains("class"), "without a target nothing can be judged");
    assert_eq!(model.partial_dependence(&bare, &usual(), |_, _| ()).unwrap().len(), 3);
    let TableAnswers::Classes { classes, .. } = model.predict(&bare).unwrap().answers else { panic!("classes") };
    assert_eq!(classes.len(), 2);
}
