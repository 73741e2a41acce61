//! What a file holds: figures that are those of the rows.

use super::common::file;
use furlough_tables::{Concern, InferOptions, Schema, TableSummary};
use std::fmt::Write as _;

furlough_harness::tests![
    figures_are_those_of_all_rows,
    any_number_of_threads_sums_up_the_same,
    many_rows_are_sampled_and_counts_stay_exact,
    what_contradicts_the_schema_is_named_with_its_row,
    each_concern_is_found_where_it_is_and_only_there,
];

fn summary(text: &str, target: &str, threads: usize) -> TableSummary {
    let scratch = file("table.csv", text);
    let schema = Schema::infer(&scratch.path, &InferOptions::default()).unwrap();
    let schema = if target.is_empty() { schema } else { schema.with_target(&[target], Default::default()).unwrap() };
    TableSummary::of(&scratch.path, &schema, threads).unwrap()
}

fn figures_are_those_of_all_rows() {
    let found = summary("a,b,d\n1,x,2020-01-01\n4,,2020-01-03\ninf,y,\n2,x,2020-01-02\n3,x,2020-01-02\n", "", 1);
    let numbers = found.columns[0].numbers.clone().unwrap();
    assert_eq!((numbers.least, numbers.greatest, numbers.mean, numbers.median), (1.0, 4.0, 2.5, 2.5));
    assert_eq!((found.columns[0].missing, found.columns[0].infinite, found.columns[0].distinct), (1, 1, 5));
    let levels: Vec<_> = found.columns[1].levels.iter().map(|level| (level.level.as_str(), level.count)).collect();
    assert_eq!((levels, found.columns[1].missing), (vec![("x", 3), ("y", 1)], 1));
    assert_eq!(found.columns[2].numbers.as_ref().unwrap().least, 1_577_836_800.0);
    assert_eq!((found.rows, found.sampled_rows, found.repeated_rows), (5, 5, 0));
}

/// So many rows, a tenth of them copies.
fn many(rows: usize) -> String {
    let mut text = String::from("x,k,y\n");
    for row in 0..rows {
        let row = if row % 10 == 9 { row - 9 } else { row };
        let _ = writeln!(text, "{}.25,k{},{}", row * 7919 % 100_003, row % 6, row % 2);
    }
    text
}

fn any_number_of_threads_sums_up_the_same() {
    let text = many(50_000);
    let one = summary(&text, "y", 1);
    for threads in [2, 5] {
        assert_eq!(summary(&text, "y", threads), one);
    }
}

fn many_rows_are_sampled_and_counts_stay_exact() {
    let found = summary(&many(60_000), "", 2);
    assert_eq!((found.rows, found.repeated_rows, found.repeated_exact), (60_000, 6000, true));
    assert!((16_000..=32_768).contains(&found.sampled_rows), "{}", found.sampled_rows);
    let x = &found.columns[0];
    assert!(!x.distinct_exact && x.distinct.abs_diff(54_000) < 4000, "{}", x.distinct);
    let median = x.numbers.as_ref().unwrap().median;
    assert!((median - 50_000.0).abs() < 2000.0, "{median}");
    assert_eq!(found.columns[1].levels.iter().map(|level| level.count).sum::<u64>(), 60_000);
}

fn what_contradicts_the_schema_is_named_with_its_row() {
    let rows: String = (0..50).map(|row| format!("{row},2020-01-{:02}\n", 1 + row % 28)).collect();
    for (last, expected) in [
        ("x,2020-01-01", "row 51 (line 52), column a: \"x\" is not a number"),
        ("1,soon", "row 51, column b: \"soon\" is not such a date"),
    ] {
        let scratch = file("table.csv", format!("a,b\n{rows}{last}\n"));
        let options = InferOptions { rows: 50, ..InferOptions::default() };
        let schema = Schema::infer(&scratch.path, &options).unwrap();
        let error = TableSummary::of(&scratch.path, &schema, 1).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

fn each_concern_is_found_where_it_is_and_only_there() {
    let row = |row: usize| format!("{},{},{}\n", row * 37 % 101, row % 5, ["a", "b"][row * row % 7 % 2]);
    let clean: String = (0..100).map(row).collect();
    assert_eq!(summary(&format!("x,k,y\n{clean}"), "y", 1).concerns, []);
    let found = summary(&format!("x,k,y\n{clean}200,1,rare\n201,1,\n202,2,\n"), "y", 1).concerns;
    assert_eq!(
        found,
        [
            Concern::MissingTarget { target: "y".into(), rows: 2 },
            Concern::RareClasses { target: "y".into(), classes: vec!["rare".into()], rows: 1 }
        ]
    );
    let codes: String = (0..60)
        .map(|row| format!("{},{}\n", row % 3, if row == 50 { "n/a".into() } else { (row % 25).to_string() }))
        .collect();
    let found = summary(&format!("x,k\n{codes}"), "", 1).concerns;
    assert!(found.contains(&Concern::NearlyNumbers { column: "k".into(), level: "n/a".into() }), "{found:?}");
    for concern in found {
        assert!(!concern.to_string().is_empty() && !concern.advice().is_empty());
    }
}
