//! What is inferred of columns, and the schema as people edit it.

use furlough_tables::schema::{DateOrder, Kind, Role, Schema, TaskChoice};
use furlough_tables::{ColumnSchema, Error, Table};

furlough_harness::tests![
    each_kind_is_told_from_the_others,
    na_and_none_are_levels_of_categories_and_missing_among_numbers,
    what_is_said_to_be_missing_is_missing_in_every_kind,
    ids_constants_and_free_text_are_no_features,
    day_and_month_are_not_guessed,
    a_text_among_numbers_is_named_with_its_row,
    a_later_value_that_contradicts_is_an_error_with_its_place,
    whole_numbers_become_classes_only_as_a_target,
    what_can_be_no_target_is_refused,
    toml_goes_out_and_comes_back,
    edited_toml_is_checked_key_by_key,
    columns_are_matched_by_name_in_any_order,
];

fn column(values: &[&str]) -> ColumnSchema {
    let table = Table::builder().texts("x", values.iter().copied()).build().unwrap();
    table.schema().columns[0].clone()
}

fn kind(values: &[&str]) -> Kind {
    column(values).kind
}

fn each_kind_is_told_from_the_others() {
    for (values, expected) in [
        (&["1", "2.5", "-3e2", ""][..], Kind::Number),
        (&["1", "2", "3", "1"], Kind::Number),
        (&["inf", "1", "2"], Kind::Number),
        (&["0", "1", "1"], Kind::Boolean),
        (&["True", "False", "", "True"], Kind::Boolean),
        (&["yes", "NO", "yes"], Kind::Boolean),
        (&["yes", "1", "0"], Kind::Category),
        (&["yes", "yes", ""], Kind::Category),
        (&["2026-01-02", "2025-12-31", ""], Kind::Date),
        (&["2026-01-02T03:04:05Z", "2026-01-02 03:04"], Kind::Date),
        (&["31.12.2025", "01.02.2026"], Kind::Date),
        (&["12/31/2025", "01/02/2026"], Kind::Date),
        (&["007", "012"], Kind::Category),
        (&["-1", "0.5", "0"], Kind::Number),
        (&["red", "green", "red"], Kind::Category),
        (&["5", "5"], Kind::Constant),
        (&["", "NA"], Kind::Constant),
    ] {
        assert_eq!(kind(values), expected, "{values:?}: {}", column(values).why);
    }
    let found = column(&["b", "a", "b", "c", "", "b", "a"]).found;
    assert_eq!((found.levels.join(" "), found.counts, found.missing), ("b a c".into(), vec![3, 2, 1], 1));
    let number = column(&["2", "10", "-1", "", "2"]);
    assert_eq!(
        (number.found.range, number.found.distinct, number.found.whole),
        (Some(["-1".into(), "10".into()]), 3, true)
    );
    assert_eq!(number.why, "each value that is not missing is a whole number");
    let dates = column(&["29.02.2024", "01.01.2020"]);
    assert_eq!(dates.found.range, Some(["2020-01-01".into(), "2024-02-29".into()]));
    assert_eq!(dates.why, "each value is a date, with the day first");
}

fn na_and_none_are_levels_of_categories_and_missing_among_numbers() {
    let category = column(&["None", "NA", "gas", "None", ""]);
    assert_eq!((category.kind, category.missing, category.found.missing), (Kind::Category, vec!["".into()], 1));
    assert_eq!(category.found.levels, ["None", "NA", "gas"]);
    let number = column(&["None", "NA", "1.5", "2", "-", "?"]);
    assert_eq!((number.kind, number.found.missing, number.found.distinct), (Kind::Number, 4, 2));
    assert_eq!(number.missing, ["None", "NA", "-", "?"]);
    assert_eq!(kind(&["None", "True", "False"]), Kind::Boolean);
    assert_eq!(kind(&["NA", "2020-01-01", "2020-01-02"]), Kind::Date);
}

fn what_is_said_to_be_missing_is_missing_in_every_kind() {
    let texts = ["a", "unknown", "b", "a"];
    let table =
        Table::builder().missing("unknown").missing("-999").texts("c", texts).texts("n", ["1", "-999", "2", "3"]);
    let table = table.build().unwrap();
    let [category, number] = &table.schema().columns[..] else { panic!("two columns") };
    assert_eq!((category.found.missing, category.missing.join("|")), (1, "|unknown|-999".into()));
    assert_eq!(
        (number.kind, number.found.missing, number.found.range.clone().unwrap()),
        (Kind::Number, 1, ["1".into(), "3".into()])
    );
    assert!(table.columns().iter().all(|column| column.is_missing(1)));
    // A number that was typed, not written, is known by its value.
    let typed =
        Table::builder().numbers("n", [-999.0, 4.0, 5.0]).texts("c", ["a", "b", "a"]).build_as(table.schema()).unwrap();
    assert!(typed.columns()[1].is_missing(0));
}

fn ids_constants_and_free_text_are_no_features() {
    let rows = || 0..30;
    let text = |row: i32| format!("a sentence of several words, number {row} of them");
    let table = Table::builder()
        .texts("customer_id", rows().map(|row| (1000 + 7 * row).to_string()))
        .texts("width", rows().map(|row| (1000 + 7 * row).to_string()))
        .texts("code", rows().map(|row| format!("x{row}")))
        .texts("review", rows().map(text))
        .texts("country", rows().map(|_| "CH"))
        .build()
        .unwrap();
    let columns = &table.schema().columns;
    let found: Vec<_> = columns.iter().map(|column| (column.kind, column.role)).collect();
    assert_eq!(
        found,
        [
            (Kind::Number, Role::Id),
            (Kind::Number, Role::Feature),
            (Kind::Category, Role::Id),
            (Kind::Text, Role::Ignore),
            (Kind::Constant, Role::Ignore),
        ]
    );
    assert!(columns[3].why.starts_with("it is free text: 30 of 30 values differ"), "{}", columns[3].why);
}

fn day_and_month_are_not_guessed() {
    let unsure = column(&["01/02/2020", "03/04/2020", "01/02/2020"]);
    assert_eq!((unsure.kind, unsure.date_order), (Kind::Category, None));
    assert!(unsure.why.contains("cannot be told apart"), "{}", unsure.why);
    assert_eq!(column(&["13/02/2020", "03/04/2020"]).date_order, Some(DateOrder::Dmy));
    assert_eq!(column(&["01/13/2020", "03/04/2020"]).date_order, Some(DateOrder::Mdy));
}

fn a_text_among_numbers_is_named_with_its_row() {
    let texts = (0..30).map(|row| if row == 17 { "n/a!".into() } else { row.to_string() });
    let table = Table::builder().texts("x", texts).build().unwrap();
    let why = &table.schema().columns[0].why;
    assert!(why.contains("\"n/a!\" in row 18 is none"), "{why}");
    let texts = (0..60).map(|row| if row == 17 { "n/a!".into() } else { (row / 2).to_string() });
    let table = Table::builder().texts("x", texts).build().unwrap();
    assert!(table.schema().columns[0].why.contains("\"n/a!\" in row 18 is none"), "{}", table.schema().columns[0].why);
}

fn a_later_value_that_contradicts_is_an_error_with_its_place() {
    let first = Table::builder()
        .texts("price", ["1", "2", ""])
        .texts("sold", ["yes", "no", ""])
        .texts("when", ["2020-01-01", "2020-01-02", ""])
        .build()
        .unwrap();
    for (price, sold, when, expected) in [
        ("n.a.", "yes", "2020-01-01", "table, row 2, column price: \"n.a.\" is not a number; mend it, list it"),
        ("3", "maybe", "2020-01-01", "table, row 2, column sold: \"maybe\" is not a boolean"),
        ("3", "no", "2020-02-30", "table, row 2, column when: \"2020-02-30\" is not a date with the year first"),
    ] {
        let later = Table::builder()
            .texts("price", ["1", price])
            .texts("sold", ["no", sold])
            .texts("when", ["2020-01-01", when]);
        let error = later.build_as(first.schema()).unwrap_err();
        assert!(matches!(error, Error::Value { .. }));
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

fn whole_numbers_become_classes_only_as_a_target() {
    let table = |levels: i32| {
        let rows = Table::builder().numbers("rating", (0..100).map(|row| f64::from(row % levels)));
        rows.numbers("x", (0..100).map(|row| f64::from(row) / 7.0)).build().unwrap()
    };
    let as_target = |levels, name: &str, task| {
        let schema = table(levels).with_target(&[name], task).unwrap().schema().clone();
        schema.columns[schema.position(name).unwrap()].kind
    };
    assert_eq!(table(3).schema().columns[0].kind, Kind::Number);
    for (levels, name, task, expected) in [
        (3, "rating", TaskChoice::Auto, Kind::Category),
        (20, "rating", TaskChoice::Auto, Kind::Category),
        (21, "rating", TaskChoice::Auto, Kind::Number),
        (3, "rating", TaskChoice::Regression, Kind::Number),
        (21, "rating", TaskChoice::Classification, Kind::Category),
        (3, "x", TaskChoice::Auto, Kind::Number),
    ] {
        assert_eq!(as_target(levels, name, task), expected, "{levels} {name} {task:?}");
    }
    let schema = table(3).schema().clone().with_target(&["rating", "x"], TaskChoice::Auto).unwrap();
    assert!(schema.columns.iter().all(|column| (column.kind, column.role) == (Kind::Number, Role::Target)));
    let again = schema.with_target(&["x"], TaskChoice::Auto).unwrap();
    assert_eq!(again.columns[0].role, Role::Feature, "the target of before is none");
}

fn what_can_be_no_target_is_refused() {
    let table = Table::builder()
        .texts("price", ["1", "2", "3"])
        .texts("day", ["2020-01-01", "2020-01-02", "2020-01-01"])
        .texts("land", ["CH", "CH", "CH"])
        .texts("none", ["", "", ""])
        .texts("word", ["a", "b", "a"])
        .build()
        .unwrap();
    let refused = |names: &[&str], task| table.clone().with_target(names, task).unwrap_err().to_string();
    for (names, task, expected) in [
        (
            &["pirce"][..],
            TaskChoice::Auto,
            "column pirce: there is no such column; the columns are price, day, land, none, word; did you mean price?",
        ),
        (&["day"], TaskChoice::Auto, "column day: holds dates"),
        (&["land"], TaskChoice::Auto, "column land: has the same value in each row"),
        (&["none"], TaskChoice::Auto, "column none: has no value"),
        (&["price", "price"], TaskChoice::Auto, "column price: is named twice"),
        (&[], TaskChoice::Auto, "no target is named"),
        (&["word"], TaskChoice::Regression, "table, row 1, column word: \"a\" is not a number"),
    ] {
        let said = refused(names, task);
        assert!(said.contains(expected), "{said:?} should say {expected:?}");
    }
}

fn example() -> Schema {
    let table = Table::builder()
        .texts("price", ["1.5", "2", "NA", "7"])
        .texts("zone \"A\" é", ["a", "b\n", "", "a"])
        .texts("sold", ["2020-01-01", "2020-01-02", "", "2020-01-02"])
        .build()
        .unwrap();
    table.schema().clone().with_target(&["price"], TaskChoice::Auto).unwrap()
}

fn toml_goes_out_and_comes_back() {
    let schema = example();
    let text = schema.to_toml();
    assert_eq!(Schema::parse_toml(&text, None).unwrap(), schema);
    assert!(text.starts_with("# What the columns of a table are."), "{text}");
    // As people leave it: other comments, another order of keys, what was found left out.
    let short = "version = 1\n# mine\n[[columns]]\nrole = \"target\"\nname = \"y\"\nkind = \"number\"\n\
                 [[columns]]\nname = \"x\"\nkind = \"category\"\nrole = \"feature\"\nmissing = [\"\", \"?\"]\n";
    let read = Schema::parse_toml(short, None).unwrap();
    assert_eq!((read.columns[0].name.as_str(), read.columns[0].role), ("y", Role::Target));
    let json = serde_json::to_string(&schema).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&json).unwrap(), schema);
}

fn edited_toml_is_checked_key_by_key() {
    let text = example().to_toml();
    let path = std::path::Path::new("s.toml");
    for (old, new, expected) in [
        (
            "role = \"target\"",
            "rol = \"target\"",
            "schema s.toml: rol is not a key of column price; did you mean role?",
        ),
        (
            "distinct = ",
            "disstinct = ",
            "disstinct is not a key of what was found in column price; did you mean distinct?",
        ),
        ("version = 1", "versoin = 1", "versoin is not a key; did you mean version?"),
        ("version = 1", "version = 2", "it has version 2 and needs a newer furlough"),
        ("role = \"target\"", "role = \"targt\"", "unknown variant `targt`, expected one of `feature`, `target`"),
        ("role = \"target\"", "role = ", "schema s.toml: line "),
        ("name = \"sold\"", "name = \"price\"", "column price: is the name of two columns"),
        ("date_order = \"ymd\"", "", "column sold is a date; say its date_order: ymd, dmy, mdy"),
        (
            "kind = \"number\"",
            "kind = \"category\"\ndate_order = \"dmy\"",
            "column price has a date_order, but its kind is category",
        ),
        ("kind = \"date\"", "kind = \"text\"", "column sold has a date_order, but its kind is text"),
        ("role = \"target\"", "role = \"group\"", ""),
    ] {
        assert!(text.contains(old), "{text}");
        let read = Schema::parse_toml(&text.replacen(old, new, 1), Some(path));
        match (read, expected) {
            (Ok(_), "") => {}
            (read, _) => {
                let said = read.unwrap_err().to_string();
                assert!(said.contains(expected), "{said:?} should say {expected:?}");
                assert!(!said.contains('\n'), "{said:?}");
            }
        }
    }
    let twice =
        text.replace("role = \"target\"", "role = \"group\"").replacen("role = \"feature\"", "role = \"group\"", 1);
    let said = Schema::parse_toml(&twice, None).unwrap_err().to_string();
    assert!(said.contains("have the role group; only one column can have it"), "{said}");
    assert!(
        Schema::parse_toml("version = 1\ncolumns = []", None).unwrap_err().to_string().contains("it has no columns")
    );
}

fn columns_are_matched_by_name_in_any_order() {
    let schema = example();
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let found = schema.matching(&names(&["more", "sold", "zone \"A\" é"])).unwrap();
    assert_eq!((found.places, found.extra), (vec![None, Some(2), Some(1)], names(&["more"])));
    let said = schema.matching(&names(&["Sold", "zone \"A\" é", "price"])).unwrap_err().to_string();
    assert_eq!(
        said,
        "column sold: is missing in this table; the model needs each feature that it learned from; did you mean Sold?"
    );
    let said = schema.matching(&names(&["sold", "sold"])).unwrap_err().to_string();
    assert_eq!(said, "column sold: is the name of two columns; rename one of them");
}
