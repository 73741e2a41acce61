//! Tables in memory, and the parts that their rows are divided into.

use furlough_tables::schema::{Role, TaskChoice};
use furlough_tables::table::MISSING;
use furlough_tables::{Column, RowSplit, SplitOptions, Table};
use std::collections::HashSet;

furlough_harness::tests![
    values_become_typed_columns,
    rows_are_selected_in_their_order,
    a_table_is_built_by_another_one_s_schema,
    what_makes_no_table_is_refused,
    numbers_become_classes_that_are_named_as_people_would,
    each_part_has_its_share_of_each_class,
    a_group_is_in_one_part,
    the_latest_rows_test,
    what_cannot_be_divided_is_refused,
    known_split,
];

fn values_become_typed_columns() {
    let table = Table::builder()
        .texts("n", ["1", "NA", "2.5", "inf"])
        .texts("c", ["a", "", "b", "a"])
        .texts("b", ["no", "YES", "", "yes"])
        .texts("d", ["1970-01-02", "", "1969-12-31 12:00", "1970-01-01"])
        .texts("k", ["1", "1", "1", "1"])
        .build()
        .unwrap();
    let Column::Numbers(numbers) = table.column("n").unwrap() else { panic!("numbers") };
    assert!(numbers[1].is_nan() && (numbers[0], numbers[2], numbers[3]) == (1.0, 2.5, f64::INFINITY));
    let codes = |codes: &[u32], levels: &[&str]| Column::Codes {
        codes: codes.to_vec(),
        levels: levels.iter().map(|level| level.to_string()).collect(),
    };
    assert_eq!(*table.column("c").unwrap(), codes(&[0, MISSING, 1, 0], &["a", "b"]));
    assert_eq!(*table.column("b").unwrap(), codes(&[0, 1, MISSING, 1], &["no", "YES"]));
    let Column::Numbers(dates) = table.column("d").unwrap() else { panic!("dates") };
    assert!(dates[1].is_nan() && (dates[0], dates[2], dates[3]) == (86_400.0, -43_200.0, 0.0));
    assert_eq!(*table.column("k").unwrap(), Column::Dropped);
    assert!(table.column("cc").unwrap_err().to_string().ends_with("did you mean c?"));
    let missing: Vec<bool> = table.columns().iter().map(|column| column.is_missing(3)).collect();
    assert_eq!(missing, [true, false, false, false, true], "infinity is missing");
}

fn rows_are_selected_in_their_order() {
    let table = Table::builder().numbers("x", [1.0, 2.0, 3.0]).texts("c", ["a", "b", "c"]).build().unwrap();
    let some = table.select(&[2, 0, 2]);
    assert_eq!(some.rows(), 3);
    assert_eq!(some.columns()[0], Column::Numbers(vec![3.0, 1.0, 3.0]));
    let Column::Codes { codes, levels } = &some.columns()[1] else { panic!("codes") };
    assert_eq!((&codes[..], levels.len()), (&[2, 0, 2][..], 3));
}

fn a_table_is_built_by_another_one_s_schema() {
    let learned =
        Table::builder().numbers("x", [1.0, 2.0]).texts("c", ["a", "b"]).texts("y", ["u", "v"]).build().unwrap();
    let schema = learned.schema().clone().with_target(&["y"], TaskChoice::Auto).unwrap();
    // Other order, a column more, no target; all values alike and a level that is new.
    let table = Table::builder().texts("more", ["?"]).texts("c", ["z"]).texts("x", ["7"]).build_as(&schema).unwrap();
    assert_eq!(table.extra(), ["more"]);
    assert_eq!(table.columns()[0], Column::Numbers(vec![7.0]));
    assert_eq!(table.columns()[1], Column::Codes { codes: vec![0], levels: vec!["z".into()] });
    assert_eq!(table.columns()[2], Column::Dropped);
    // Long tables come in several blocks.
    let long = Table::builder().numbers("x", (0..20_000).map(f64::from)).texts("c", vec!["a"; 20_000]);
    assert_eq!(long.build_as(&schema).unwrap().rows(), 20_000);
}

fn what_makes_no_table_is_refused() {
    let said = |made: furlough_tables::Result<Table>| made.unwrap_err().to_string();
    assert!(said(Table::builder().build()).contains("has no rows"));
    assert!(said(Table::builder().numbers("x", []).build()).contains("has no rows"));
    let uneven = Table::builder().numbers("x", [1.0]).texts("y", ["a", "b"]).build();
    assert_eq!(said(uneven), "table: column y has 2 rows, but column x has 1");
    let twice = Table::builder().numbers("x", [1.0]).numbers("x", [1.0]).build();
    assert_eq!(said(twice), "column x: is the name of two columns; rename one of them");
    let unnamed = Table::from_array(ndarray::array![[1.0, 2.0]].view(), &["x"]);
    assert_eq!(said(unnamed), "table: 2 columns have 1 names");
    let id = Table::builder().texts("id", (0..20).map(|row| row.to_string())).build().unwrap();
    assert!(said(id.clone().with_role("id", Role::Group)).contains("column id: was not read"));
    assert!(said(id.with_target(&["id"], TaskChoice::Auto)).contains("column id: was not read"));
    let texts = Table::builder().texts("c", ["a", "b", "a"]).build().unwrap();
    assert!(said(texts.with_role("c", Role::Weight)).contains("has the role weight, but its kind is category"));
}

fn numbers_become_classes_that_are_named_as_people_would() {
    let table = Table::builder().numbers("y", [2.0, 1.0, f64::NAN, 2.0]).build().unwrap();
    let table = table.with_target(&["y"], TaskChoice::Classification).unwrap();
    assert_eq!(
        table.columns()[0],
        Column::Codes { codes: vec![0, 1, MISSING, 0], levels: vec!["2".into(), "1".into()] }
    );
    let back = table.with_target(&["y"], TaskChoice::Regression).unwrap();
    let Column::Numbers(numbers) = &back.columns()[0] else { panic!("numbers") };
    assert!(numbers[2].is_nan() && numbers[0] == 2.0 && numbers[1] == 1.0);
}

fn check(table: &Table, split: &RowSplit) {
    let parts = [&split.train, &split.validation, &split.test];
    assert!(parts.iter().all(|part| part.is_sorted()));
    let all: HashSet<u32> = parts.into_iter().flatten().copied().collect();
    assert_eq!((all.len(), parts.map(Vec::len).iter().sum::<usize>()), (table.rows(), table.rows()));
}

fn each_part_has_its_share_of_each_class() {
    let label = |row: usize| ["a", "a", "b", "a", "c", "a", "a", "b", "a", "a"][row % 10];
    for (rows, validation, test) in [(100, 0.2, 0.1), (1003, 0.15, 0.333), (57, 0.0, 0.25), (40, 0.5, 0.0)] {
        let table = Table::builder().texts("y", (0..rows).map(label)).build().unwrap();
        let table = table.with_target(&["y"], TaskChoice::Auto).unwrap();
        let split = table.split_rows(&SplitOptions { validation, test, seed: 3 }).unwrap();
        check(&table, &split);
        for (part, share) in [(&split.validation, validation), (&split.test, test)] {
            assert_eq!(part.len(), (share * rows as f64).round() as usize);
            for class in ["a", "b", "c"] {
                let of = |rows: &mut dyn Iterator<Item = usize>| rows.filter(|&row| label(row) == class).count() as f64;
                let here = of(&mut part.iter().map(|&row| row as usize));
                let expected = of(&mut (0..rows)) * part.len() as f64 / rows as f64;
                assert!((here - expected).abs() < 2.0, "{here} of {class}, where {expected} is its share");
            }
        }
        assert_eq!(split, table.split_rows(&SplitOptions { validation, test, seed: 3 }).unwrap());
        assert_ne!(split, table.split_rows(&SplitOptions { validation, test, seed: 4 }).unwrap());
    }
}

fn a_group_is_in_one_part() {
    let group = |row: u32| row * row % 37;
    for texts in [false, true] {
        let builder = Table::builder().numbers("x", (0..500).map(f64::from));
        let table = if texts {
            builder.texts("g", (0..500).map(|row| format!("g{}", group(row))))
        } else {
            builder.numbers("g", (0..500).map(|row| group(row).into()))
        };
        let table = table.build().unwrap().with_role("g", Role::Group).unwrap();
        let split = table.split_rows(&SplitOptions { validation: 0.2, test: 0.3, seed: 1 }).unwrap();
        check(&table, &split);
        let of = |part: &[u32]| part.iter().map(|&row| group(row)).collect::<HashSet<_>>();
        let (train, validation, test) = (of(&split.train), of(&split.validation), of(&split.test));
        assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
        assert!((110..190).contains(&split.test.len()) && (60..140).contains(&split.validation.len()), "{split:?}");
    }
}

fn the_latest_rows_test() {
    let time = |row: u32| f64::from((row * 7919) % 100 / 3);
    let table =
        Table::builder().numbers("t", (0..100).map(time)).numbers("x", (0..100).map(f64::from)).build().unwrap();
    let table = table.with_role("t", Role::Time).unwrap();
    let split = table.split_rows(&SplitOptions { validation: 0.2, test: 0.2, seed: 9 }).unwrap();
    check(&table, &split);
    let (last, first) = (
        |part: &[u32]| part.iter().map(|&row| time(row)).fold(f64::MIN, f64::max),
        |part: &[u32]| part.iter().map(|&row| time(row)).fold(f64::MAX, f64::min),
    );
    assert!(last(&split.train) < first(&split.validation) && last(&split.validation) < first(&split.test));
    assert!((18..=20).contains(&split.test.len()), "{}", split.test.len());
    let missing =
        Table::builder().numbers("t", [1.0, f64::NAN, 3.0]).build().unwrap().with_role("t", Role::Time).unwrap();
    let said = missing.split_rows(&SplitOptions::default()).unwrap_err().to_string();
    assert!(said.starts_with("table, row 2, column t: \"\" is no time"), "{said}");
}

fn what_cannot_be_divided_is_refused() {
    let table = Table::builder().numbers("x", [1.0, 2.0, 3.0, 4.0]).texts("g", ["a", "a", "a", "a"]).build().unwrap();
    for (validation, test, expected) in [
        (0.5, 0.5, "below 1 together"),
        (-0.1, 0.5, "at least 0"),
        (f64::NAN, 0.5, "at least 0"),
        (0.0, 0.1, "leaves none of 4 rows for the test"),
        (0.1, 0.5, "leaves none of 4 rows for validation"),
        (0.0, 0.99, "leaves none of 4 rows for training"),
    ] {
        let said = table.split_rows(&SplitOptions { validation, test, seed: 0 }).unwrap_err().to_string();
        assert!(said.contains(expected), "{said:?} should say {expected:?}");
    }
    let one =
        Table::builder().numbers("g", [1.0, 1.0, 1.0, f64::NAN]).build().unwrap().with_role("g", Role::Group).unwrap();
    let said = one.split_rows(&SplitOptions { validation: 0.0, test: 0.1, seed: 0 }).unwrap_err().to_string();
    assert!(said.contains("for the test"), "{said}");
}

/// Frozen: a change here changes every recorded split.
fn known_split() {
    let table = Table::builder().texts("y", ["a", "b", "a", "b", "a", "b", "a", "b", "a", "b"]).build().unwrap();
    let table = table.with_target(&["y"], TaskChoice::Auto).unwrap();
    let split = table.split_rows(&SplitOptions { validation: 0.2, test: 0.2, seed: 0 }).unwrap();
    assert_eq!((split.validation, split.test), (vec![0, 1], vec![8, 9]));
}
