//! Features and targets, fitted on training rows only.

use crate::sample_tables::{iris, mixed};
use furlough::data::{Targets, Task};
use furlough_tables::preprocessing::{
    Encoding, Note, TableWarning, TargetEncoder, TargetRows, leaking_columns, named_like_target, repeated_rows,
};
use furlough_tables::schema::{Role, TaskChoice};
use furlough_tables::{Error, Preprocessing, PreprocessingOptions, RowSplit, Scaling, Table, Told};
use ndarray::{Array2, array};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

furlough_harness::tests![
    robust_features_are_numpy_s,
    quantile_features_are_scikit_learn_s,
    only_training_rows_are_looked_at,
    a_row_s_features_depend_on_no_other_row,
    every_feature_is_finite_whatever_the_table,
    a_missing_number_has_the_median_and_an_indicator,
    infinity_is_missing_and_told,
    an_unseen_level_is_the_missing_one_and_told,
    a_boolean_is_one_feature_however_it_is_spelled,
    dates_become_the_parts_that_vary,
    columns_that_say_nothing_are_left_out_with_a_note,
    a_fitted_preprocessing_survives_json,
    options_out_of_range_are_refused,
    classes_have_the_order_that_people_expect,
    numbers_are_standardized_and_come_back_in_their_units,
    targets_that_cannot_be_learned_are_refused,
    rows_without_a_target_are_counted,
    weights_are_checked,
    another_kind_of_column_is_refused_by_name,
    a_leak_is_found_and_an_honest_column_is_not,
    repeated_rows_are_counted,
    columns_named_like_the_target_are_found,
    any_table_becomes_finite_features_or_an_error,
];

const ONE_HOT: PreprocessingOptions = PreprocessingOptions {
    scaling: Scaling::Robust,
    one_hot_up_to: 8,
    embed: false,
    min_count: 10,
    most_levels: 100,
    missing_apart: true,
    scale_levels: false,
};

fn fit(table: &Table) -> Preprocessing {
    Preprocessing::fit(table, &table.all_rows(), &ONE_HOT).unwrap()
}

fn features(fitted: &Preprocessing, table: &Table) -> (Array2<f32>, Told) {
    fitted.features(table, &table.all_rows()).unwrap()
}

fn close(found: &[f32], expected: &[f64]) {
    assert!(found.len() == expected.len(), "{found:?} {expected:?}");
    assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{found:?}, not {expected:?}");
}

fn first_hundred() -> Vec<u32> {
    (0..100).collect()
}

/// Figures of numpy: median and quartiles of the first hundred rows.
fn robust_features_are_numpy_s() {
    let fitted = Preprocessing::fit(&iris(), &first_hundred(), &ONE_HOT).unwrap();
    let (features, told) = fitted.features(&iris(), &[0, 120]).unwrap();
    let row = |row: usize| features.row(row).iter().take(4).copied().collect::<Vec<_>>();
    close(&row(0), &[0.26313289680324664, -0.3312945782245399, -0.08272714904495967, 0.0]);
    close(&row(1), &[0.11312702970075625, 0.0, -0.02758504068880541, 0.13320184086216114]);
    assert!(told.is_empty());
    let mut levels = fitted.feature_names().split_off(4);
    levels.sort_unstable();
    assert_eq!(levels, ["species=setosa", "species=versicolor", "species=virginica"]);
}

/// Figures of scikit-learn: `QuantileTransformer(n_quantiles=100, output_distribution="normal")`.
fn quantile_features_are_scikit_learn_s() {
    let options = PreprocessingOptions { scaling: Scaling::Quantile, ..ONE_HOT };
    let fitted = Preprocessing::fit(&iris(), &first_hundred(), &options).unwrap();
    let names = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
    let between = array![[5.05, 3.15, 1.77, 0.77], [6.6666, 2.777, 4.444, 1.9111]];
    let columns = names.iter().zip(between.columns());
    let builder = columns.fold(Table::builder(), |builder, (name, column)| builder.numbers(name, column.to_vec()));
    let table = builder.texts("species", ["setosa", "setosa"]).build_as(iris().schema()).unwrap();
    let (features, _) = features(&fitted, &table);
    let row = |row: usize| features.row(row).iter().take(4).copied().collect::<Vec<_>>();
    close(&row(0), &[-0.7817807527650722, 0.308665805694934, -0.44885625631589543, -0.39146365927364274]);
    close(&row(1), &[0.858555390468288, -0.7388468491852136, 0.12540614918575585, 0.874959468673598]);
}

fn only_training_rows_are_looked_at() {
    let table = mixed(200);
    let rows: Vec<u32> = (0..150).collect();
    let whole = Preprocessing::fit(&table, &rows, &ONE_HOT).unwrap();
    let alone = Preprocessing::fit(&table.select(&rows), &(0..150).collect::<Vec<_>>(), &ONE_HOT).unwrap();
    assert_eq!(whole, alone);
    assert_ne!(whole, fit(&table));
}

fn a_row_s_features_depend_on_no_other_row() {
    let table = mixed(300);
    for scaling in [Scaling::Robust, Scaling::Standard, Scaling::Quantile] {
        let options = PreprocessingOptions { scaling, ..ONE_HOT };
        let fitted = Preprocessing::fit(&table, &(0..100).collect::<Vec<_>>(), &options).unwrap();
        let (all, _) = features(&fitted, &table);
        assert_eq!(all.ncols(), fitted.feature_names().len());
        for row in [0, 3, 17, 150, 299] {
            let (alone, _) = features(&fitted, &table.select(&[row]));
            assert_eq!(alone.row(0), all.row(row as usize), "row {row} alone");
            let (beside, _) = fitted.features(&table, &[299, row, 1]).unwrap();
            assert_eq!(beside.row(1), all.row(row as usize), "row {row} beside others");
        }
    }
}

fn every_feature_is_finite_whatever_the_table() {
    let table = Table::builder()
        .numbers("a", [1e308, -1e308, 0.0, f64::NAN, f64::INFINITY, 1e-320])
        .numbers("b", [f64::MIN_POSITIVE, 0.0, 0.0, 0.0, 0.0, 1e300])
        .texts("c", ["", "x", "y", "x", "", "z"])
        .texts("d", ["0001-01-01", "9999-12-31 23:59:59.999", "", "2020-02-29", "", "1970-01-01"])
        .build()
        .unwrap();
    for scaling in [Scaling::Robust, Scaling::Standard, Scaling::Quantile] {
        let options = PreprocessingOptions { scaling, ..ONE_HOT };
        for rows in [&[0, 1, 2, 3, 4, 5][..], &[0, 1, 5], &[1, 2], &[2, 5]] {
            let fitted = Preprocessing::fit(&table, rows, &options).unwrap();
            assert!(features(&fitted, &table).0.iter().all(|value| value.is_finite()), "{scaling:?} {rows:?}");
        }
    }
}

fn a_missing_number_has_the_median_and_an_indicator() {
    let nan = f64::NAN;
    let table =
        Table::builder().numbers("gaps", [1.0, nan, 3.0, 5.0]).numbers("full", [1.0, 2.0, 3.0, 4.0]).build().unwrap();
    let fitted = fit(&table);
    assert_eq!(fitted.feature_names(), ["gaps", "gaps is missing", "full"]);
    let new =
        Table::builder().numbers("gaps", [nan, 3.0]).numbers("full", [nan, 2.5]).build_as(table.schema()).unwrap();
    let (features, told) = features(&fitted, &new);
    assert_eq!(features, array![[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]);
    assert_eq!(told.missing, [("full".to_string(), 1)]);
    assert_eq!(told.sentences(), ["1 row lacks a value of `full`, which no training row did"]);
}

fn infinity_is_missing_and_told() {
    let table = Table::builder().numbers("x", [1.0, f64::INFINITY, 2.0, f64::NEG_INFINITY]).build().unwrap();
    let fitted = fit(&table);
    assert_eq!(fitted.feature_names(), ["x", "x is missing"]);
    assert_eq!(fitted.notes, [Note::Infinite { column: "x".into(), rows: 2 }]);
    assert_eq!(fitted.notes[0].to_string(), "2 rows hold infinite numbers in `x`, which count as missing");
    let (features, told) = features(&fitted, &table);
    assert_eq!((features.row(1), told.infinite), (array![0.0, 1.0].view(), vec![("x".to_string(), 2)]));
}

fn an_unseen_level_is_the_missing_one_and_told() {
    let table = |values: &[&str], schema: Option<&Table>| {
        let builder = Table::builder().texts("state", values.iter().copied());
        schema.map_or_else(|| builder.clone().build(), |known| builder.build_as(known.schema())).unwrap()
    };
    let with_gaps = table(&["a", "b", "", "a", "b"], None);
    let (found, told) = features(&fit(&with_gaps), &table(&["zz", "", "b", "zz"], Some(&with_gaps)));
    assert_eq!(found, array![[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    assert_eq!(told.sentences(), ["2 rows hold levels of `state` that training never saw; they count as missing"]);
    let full = table(&["a", "b", "c", "a"], None);
    let (found, mut told) = features(&fit(&full), &table(&["zz", "", "b"], Some(&full)));
    assert_eq!(found, array![[0.0; 3], [0.0; 3], [0.0, 1.0, 0.0]]);
    assert_eq!((&told.unseen[..], &told.missing[..]), (&[("state".into(), 1)][..], &[("state".into(), 1)][..]));
    told.add(&told.clone());
    assert_eq!(told.unseen[0].1, 2, "counts of several parts of a table add up");
}

fn a_boolean_is_one_feature_however_it_is_spelled() {
    let table = Table::builder().texts("b", ["no", "yes", "yes"]).build().unwrap();
    let fitted = fit(&table);
    assert_eq!(fitted.feature_names(), ["b=true"]);
    let other = Table::builder().texts("b", ["TRUE", "0", "Yes", "n"]).build_as(table.schema()).unwrap();
    assert_eq!(features(&fitted, &other).0, array![[1.0], [-1.0], [1.0], [-1.0]]);
}

fn dates_become_the_parts_that_vary() {
    let table = Table::builder().texts("t", ["2020-01-01", "2020-02-03", "2020-03-05"]).build().unwrap();
    assert_eq!(fit(&table).feature_names(), ["t: month", "t: weekday", "t: day of year", "t: elapsed"]);
    let table =
        Table::builder().texts("t", ["2020-01-01 10:00", "2021-01-01 22:30", "", "2021-01-01"]).build().unwrap();
    let fitted = fit(&table);
    assert_eq!(fitted.feature_names(), ["t: year", "t: weekday", "t: hour", "t: elapsed", "t is missing"]);
    let Encoding::Date { date, .. } = &fitted.columns[0].encoding else { panic!("a date") };
    assert_eq!(date.parts[2].1.median, 10.0, "the median of 0, 10 and 22.5 hours");
    let (found, _) = features(&fitted, &table);
    assert_eq!(found.row(2).to_vec()[4], 1.0);
    assert_eq!(found[[0, 2]], 0.0);
}

fn columns_that_say_nothing_are_left_out_with_a_note() {
    let table = Table::builder()
        .texts("id", (0..20).map(|row| row.to_string()))
        .texts("land", (0..20).map(|_| "CH"))
        .texts("late", (0..20).map(|row| if row < 15 { "a" } else { "b" }))
        .texts("many", (0..20).map(|row| format!("m{}", row % 10 * (row % 2))))
        .numbers("x", (0..20).map(|row| f64::from(row) / 3.0))
        .build()
        .unwrap();
    let fitted = Preprocessing::fit(
        &table,
        &(0..10).collect::<Vec<_>>(),
        &PreprocessingOptions { one_hot_up_to: 3, min_count: 2, ..ONE_HOT },
    );
    let fitted = fitted.unwrap();
    let said: Vec<String> = fitted.notes.iter().map(Note::to_string).collect();
    assert_eq!(
        said,
        [
            "`id` is left out: it is an id",
            "`land` is left out: it has the same value in each row",
            "`late` is left out: it is the same in each training row",
            "5 rare levels of `many`, in 5 rows, count as one",
        ]
    );
    assert_eq!(fitted.feature_names(), ["many is rare", "x"]);
    let nothing = Table::builder().texts("land", ["CH", "CH"]).build().unwrap();
    let said = Preprocessing::fit(&nothing, &[0, 1], &ONE_HOT).unwrap_err().to_string();
    assert!(said.contains("no column gives a feature"), "{said}");
    assert!(Preprocessing::fit(&table, &[], &ONE_HOT).unwrap_err().to_string().contains("no rows to learn from"));
}

fn a_fitted_preprocessing_survives_json() {
    let table = mixed(200).with_target(&["class"], TaskChoice::Auto).unwrap();
    for scaling in [Scaling::Robust, Scaling::Standard, Scaling::Quantile] {
        let fitted =
            Preprocessing::fit(&table, &table.all_rows(), &PreprocessingOptions { scaling, ..ONE_HOT }).unwrap();
        let json = serde_json::to_string(&serde_json::to_value(&fitted).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), fitted);
    }
}

fn options_out_of_range_are_refused() {
    for (options, expected) in [
        (PreprocessingOptions { one_hot_up_to: 1, ..ONE_HOT }, "one_hot_up_to = 1"),
        (PreprocessingOptions { most_levels: 0, ..ONE_HOT }, "most_levels = 0"),
    ] {
        let said = Preprocessing::fit(&mixed(20), &[0, 1], &options).unwrap_err().to_string();
        assert!(said.starts_with(expected), "{said}");
    }
    assert_eq!(PreprocessingOptions::default(), PreprocessingOptions { embed: true, ..ONE_HOT });
}

fn target(values: &[&str], task: TaskChoice) -> Table {
    let rows = values.len();
    let table = Table::builder().numbers("x", (0..rows).map(|row| row as f64 * 0.5)).texts("y", values.iter().copied());
    table.build().unwrap().with_target(&["y"], task).unwrap()
}

fn classes(values: &[&str]) -> Vec<String> {
    let table = target(values, TaskChoice::Auto);
    match TargetEncoder::fit(&table, &TargetRows::of(&table, &table.all_rows()).rows).unwrap() {
        TargetEncoder::Classification { classes, .. } => classes,
        TargetEncoder::Regression { .. } => panic!("{values:?} are classes"),
    }
}

fn classes_have_the_order_that_people_expect() {
    assert_eq!(classes(&["yes", "no", "yes", "no"]), ["no", "yes"]);
    assert_eq!(classes(&["True", "False", "True", "False"]), ["False", "True"]);
    assert_eq!(classes(&["b", "B", "a", "a", "b", "B"]), ["B", "a", "b"]);
    let whole = ["10", "9", "-1"].repeat(5);
    assert_eq!(classes(&whole), ["-1", "9", "10"]);
    let coded = ["02", "10", "", "02", "10"];
    assert_eq!(classes(&coded), ["02", "10"]);
    let table = target(&["yes", "no", "yes", "no"], TaskChoice::Auto);
    let encoder = TargetEncoder::fit(&table, &table.all_rows()).unwrap();
    let Targets::Classes { labels, .. } = encoder.targets(&table, &[3, 0]).unwrap() else { panic!("classes") };
    assert_eq!((labels, encoder.task(), encoder.outputs()), (vec![0, 1], Task::Classification, 2));
    // Evaluated where the same answers are spelled in another way.
    let other =
        Table::builder().numbers("x", [1.0, 2.0]).texts("y", ["TRUE", "FALSE"]).build_as(table.schema()).unwrap();
    let Targets::Classes { labels, .. } = encoder.targets(&other, &[0, 1]).unwrap() else { panic!("classes") };
    assert_eq!(labels, [1, 0]);
}

fn numbers_are_standardized_and_come_back_in_their_units() {
    let table = Table::builder()
        .numbers("x", [1.0, 2.0, 3.0, 4.0])
        .numbers("price", [100.5, 200.0, 300.0, 400.5])
        .numbers("tiny", [1e-300, 2e-300, 3e-300, 4e-300])
        .build()
        .unwrap()
        .with_target(&["price", "tiny"], TaskChoice::Auto)
        .unwrap();
    let encoder = TargetEncoder::fit(&table, &[0, 1, 2, 3]).unwrap();
    let Targets::Values(values) = encoder.targets(&table, &[0, 1, 2, 3]).unwrap() else { panic!("numbers") };
    for column in values.columns() {
        assert!(column.sum().abs() < 1e-6 && (column.mapv(|value| value * value).sum() - 4.0).abs() < 1e-5, "{values}");
    }
    let back = encoder.in_units(values.view());
    assert!((back[[3, 0]] - 400.5).abs() < 1e-4 && (back[[0, 1]] / 1e-300 - 1.0).abs() < 1e-6, "{back}");
    assert_eq!((encoder.names(), encoder.task()), (vec!["price", "tiny"], Task::Regression));
}

fn targets_that_cannot_be_learned_are_refused() {
    let refused = |table: &Table, rows: &[u32]| TargetEncoder::fit(table, rows).unwrap_err().to_string();
    let words = target(&["a", "b", "a", "", "c"], TaskChoice::Auto);
    assert_eq!(refused(&words, &[0, 2]), "column y: has one class only, \"a\", so there is nothing to learn");
    assert_eq!(refused(&words, &[0, 3]), "table, row 4, column y: \"\" is no target; fill it in or leave the row out");
    assert!(refused(&words, &[0, 1, 2, 4]).contains("has 3 classes in 4 rows: fewer than two rows a class"));
    let numbers =
        target(&["1.5", "1.5", "2", "x"].map(|text| if text == "x" { "" } else { text }), TaskChoice::Regression);
    assert_eq!(
        refused(&numbers, &[0, 1]),
        "column y: is 1.5 in each row that is learned from, so there is nothing to learn"
    );
    assert!(refused(&Table::builder().numbers("x", [1.0, 2.0]).build().unwrap(), &[0]).contains("it has no target"));
    let many: Vec<String> = (0..30_003).map(|row| format!("c{}", row % 10_001)).collect();
    let many = Table::builder().texts("y", many).build().unwrap().with_target(&["y"], TaskChoice::Auto).unwrap();
    assert!(refused(&many, &many.all_rows()).contains("has 10001 classes, and 10000 are the most"));
    let two = Table::builder().texts("a", ["u", "v", "u"]).numbers("b", [1.5, 2.0, 3.0]).build().unwrap();
    let schema = two.schema().clone().with_role("a", Role::Target).unwrap().with_role("b", Role::Target).unwrap();
    let two = Table::builder().texts("a", ["u", "v", "u"]).numbers("b", [1.5, 2.0, 3.0]).build_as(&schema).unwrap();
    assert!(refused(&two, &[0, 1, 2]).contains("it has the targets a, b; several targets must be numbers"));
    // A class that only the test rows have.
    let encoder = TargetEncoder::fit(&words, &[0, 1, 2, 1]).unwrap();
    let said = encoder.targets(&words, &[4]).unwrap_err().to_string();
    assert_eq!(said, "table, row 5, column y: \"c\" is a class that training never saw; it saw a, b");
}

fn rows_without_a_target_are_counted() {
    let table = target(&["1.5", "", "2", "NA", "inf", "7"], TaskChoice::Regression);
    assert_eq!(TargetRows::of(&table, &[5, 4, 1, 0]), TargetRows { rows: vec![5, 0], dropped: 2 });
}

fn weights_are_checked() {
    let table = |weights: [f64; 3]| {
        let table = Table::builder().numbers("x", [1.0, 2.0, 3.0]).numbers("w", weights).build().unwrap();
        table.with_role("w", Role::Weight).unwrap()
    };
    assert_eq!(Preprocessing::weights(&table([1.0, 0.5, 3.0]), &[2, 1]).unwrap(), Some(vec![3.0, 0.5]));
    assert_eq!(fit(&table([1.0, 0.5, 3.0])).feature_names(), ["x"]);
    for (weight, shown) in [(-1.0, "\"-1\""), (f64::NAN, "\"\""), (f64::INFINITY, "\"inf\"")] {
        let said = Preprocessing::weights(&table([1.0, weight, 3.0]), &[0, 1]).unwrap_err().to_string();
        assert!(said.starts_with(&format!("table, row 2, column w: {shown} is no weight")), "{said}");
    }
    assert_eq!(Preprocessing::weights(&iris(), &[0]).unwrap(), None);
}

fn another_kind_of_column_is_refused_by_name() {
    let fitted = fit(&Table::builder().numbers("x", [1.0, 2.5, 3.0]).texts("c", ["a", "b", "a"]).build().unwrap());
    let refused = |table: furlough_tables::TableBuilder| {
        let table = table.build().unwrap();
        let error = fitted.features(&table, &table.all_rows()).unwrap_err();
        assert!(matches!(error, Error::Column { .. }));
        error.to_string()
    };
    let said = refused(Table::builder().texts("x", ["u", "v", "u"]).texts("c", ["a", "b", "a"]));
    assert_eq!(said, "column x: has another kind than in training, which had numbers; read by the model's schema");
    let said = refused(Table::builder().numbers("x", [1.0, 2.0]).texts("C", ["a", "b"]));
    assert!(
        said.starts_with("column c: there is no such column; the columns are x, C")
            && said.ends_with("did you mean C?"),
        "{said}"
    );
    let said = refused(Table::builder().numbers("x", [1.0, 1.0]).texts("c", ["a", "b"]));
    assert_eq!(said, "column x: was not read, but the model needs it; read the table by the model's schema");
}

fn a_leak_is_found_and_an_honest_column_is_not() {
    let rows = 400;
    let noise = |row: usize| (row * 7919 % 101) as f64;
    let class = |row: usize| usize::from(noise(row) > 40.0);
    let table = Table::builder()
        .numbers("noise", (0..rows).map(|row| (row * 104_729 % 997) as f64 / 3.0))
        .numbers("nearly", (0..rows).map(|row| class(row) as f64 * 10.0 + (row % 7) as f64 / 7.0))
        .texts("copy", (0..rows).map(|row| ["no way", "of course"][class(row)]))
        .texts("half", (0..rows).map(|row| ["u", "v"][if row % 4 == 0 { row / 4 % 2 } else { class(row) }]))
        .texts("unique", (0..rows).map(|row| format!("u{}", row / 2 * 2)))
        .texts("y", (0..rows).map(|row| ["n", "p"][class(row)]))
        .numbers("z", (0..rows).map(|row| noise(row) + 0.5))
        .numbers("fahrenheit", (0..rows).map(|row| noise(row) * 1.8 + 32.0))
        .build()
        .unwrap();
    let leaks = |target: &str| -> Vec<String> {
        let table = table.clone().with_target(&[target], TaskChoice::Auto).unwrap();
        let warnings = leaking_columns(&table, &table.all_rows());
        let name = |warning: TableWarning| match warning {
            TableWarning::Leak { column, .. } => column,
            other => panic!("{other}"),
        };
        warnings.into_iter().map(name).collect()
    };
    assert_eq!(leaks("y"), ["nearly", "copy", "z", "fahrenheit"]);
    assert_eq!(leaks("z"), ["fahrenheit"]);
    let said = TableWarning::Leak { column: "copy".into(), score: 1.0 }.to_string();
    assert_eq!(said, "`copy` alone predicts the target nearly perfectly (1.0000); will it be known when you predict?");
    assert_eq!(leaking_columns(&iris().with_target(&["species"], TaskChoice::Auto).unwrap(), &first_hundred()), []);
}

fn repeated_rows_are_counted() {
    let table = Table::builder()
        .numbers("x", [1.0, 2.0, 1.0, 3.0, 1.0])
        .texts("c", ["a", "b", "a", "a", "b"])
        .texts("y", ["u", "v", "u", "u", "v"])
        .build()
        .unwrap()
        .with_target(&["y"], TaskChoice::Auto)
        .unwrap();
    let split = RowSplit { train: vec![0, 1], validation: vec![2], test: vec![3, 4] };
    assert_eq!(repeated_rows(&table, &split), Some(TableWarning::RepeatedRows { rows: 1 }), "row 2 is row 0");
    assert_eq!(repeated_rows(&table, &RowSplit { validation: vec![], ..split }), None);
}

fn columns_named_like_the_target_are_found() {
    let columns = ["price", "logPrice", "price_2019", "pricey", "area", "Price (EUR)", "old price"];
    let table = columns.iter().fold(Table::builder(), |table, name| table.numbers(name, [1.0, 2.5, 3.0]));
    let table = table.build().unwrap().with_target(&["price"], TaskChoice::Auto).unwrap();
    let found: Vec<String> = named_like_target(&table).iter().map(TableWarning::to_string).collect();
    let named: Vec<&str> = found.iter().map(|said| said.split('`').nth(1).unwrap()).collect();
    assert_eq!(named, ["logPrice", "price_2019", "Price (EUR)", "old price"]);
}

/// Cells of every kind, and what only looks like it.
fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "", "NA", "None", "nan", "inf", "-inf", "0", "1", "true", "No", "1e308", "-1e309", "007", "2020-02-30",
            "2020-02-29", "1.2.2020", "12/31/1999 23:59", "9999-12-31", "a", "é", "a b c d e f g h i j k l m n o p",
        ]).prop_map(String::from),
        1 => "[0-9]{1,3}(\\.[0-9]{1,2})?",
        1 => "\\PC{0,6}",
    ]
}

/// Whatever the cells and whichever rows train: there are features, all finite, or a plain error.
fn any_table_becomes_finite_features_or_an_error() {
    let rows = || prop::collection::vec(prop::collection::vec(any_cell(), 3), 1..40);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(500) });
    let tested = runner.run(&(rows(), rows(), 0..40usize), |(known, new, train)| {
        let build = |rows: &[Vec<String>]| {
            (0..3).fold(Table::builder(), |table, place| {
                table.texts(&format!("c{place}"), rows.iter().map(|row| &row[place]))
            })
        };
        let table = build(&known).build().unwrap();
        let schema = table.schema();
        prop_assert_eq!(&furlough_tables::Schema::parse_toml(&schema.to_toml(), None).unwrap(), schema);
        let training: Vec<u32> = (0..train.clamp(1, known.len()) as u32).collect();
        for scaling in [Scaling::Robust, Scaling::Standard, Scaling::Quantile] {
            let Ok(fitted) = Preprocessing::fit(&table, &training, &PreprocessingOptions { scaling, ..ONE_HOT }) else {
                continue;
            };
            prop_assert!(features(&fitted, &table).0.iter().all(|value| value.is_finite()));
            if let Ok(other) = build(&new).build_as(schema) {
                prop_assert!(features(&fitted, &other).0.iter().all(|value| value.is_finite()));
            }
        }
        for target in ["c0", "c1", "c2"] {
            let Ok(table) = table.clone().with_target(&[target], TaskChoice::Auto) else { continue };
            let rows = TargetRows::of(&table, &table.all_rows()).rows;
            if let Ok(encoder) = TargetEncoder::fit(&table, &rows)
                && let Targets::Values(values) = encoder.targets(&table, &rows).unwrap()
            {
                prop_assert!(values.iter().all(|value| value.is_finite()));
            }
        }
        Ok(())
    });
    tested.unwrap();
}
