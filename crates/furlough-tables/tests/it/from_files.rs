//! From files to typed columns and answers.

use crate::sample_tables::iris;
use furlough_tables::schema::{Kind, Role, TaskChoice};
use furlough_tables::{
    Column, FileFormat, InferOptions, Schema, Table, TableModel, TableOptions, read_csv, read_table,
};
use std::fmt::Write;
use std::path::{Path, PathBuf};

furlough_harness::tests![
    a_file_is_the_table_that_is_built_from_its_cells,
    a_wrong_cell_is_named_with_file_row_column_and_value,
    a_value_beyond_the_rows_that_were_looked_at_contradicts,
    the_last_of_many_rows_decides_too,
    what_is_not_told_apart_is_estimated,
    what_is_said_to_be_missing_is_missing_wherever_it_stands,
    a_first_column_without_a_name_is_an_id,
    a_decimal_comma_is_one_in_every_step,
    formats_and_orders_of_columns_do_not_matter_to_a_model,
    what_is_no_table_is_refused,
];

fn iris_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/iris.csv")
}

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn a_file_is_the_table_that_is_built_from_its_cells() {
    let (read, built) = (read_csv(iris_file()).unwrap(), iris());
    assert_eq!((read.rows(), read.columns(), &read.schema().columns), (150, built.columns(), &built.schema().columns));
    for threads in [2, 3] {
        assert_eq!(read_table(&iris_file(), read.schema(), threads).unwrap(), read);
        let options = InferOptions { threads, ..InferOptions::default() };
        assert_eq!(Schema::infer(&iris_file(), &options).unwrap(), *read.schema());
    }
    assert!(read.schema().complete && read.schema().rows == 150);
    let again = Schema::parse_toml(&read.schema().to_toml(), None).unwrap();
    assert_eq!(again, *read.schema(), "with its format");
}

fn a_wrong_cell_is_named_with_file_row_column_and_value() {
    let folder = tempfile::tempdir().unwrap();
    let schema = Schema::infer(
        &written(&folder, "a.csv", "n,b,d\n1.5,yes,2020-01-01\n2,no,2020-01-02\n"),
        &InferOptions::default(),
    )
    .unwrap();
    for (row, expected) in [
        ("x7,yes,2020-01-01", "row 2 (line 3), column n: \"x7\" is not a number"),
        ("1,perhaps,2020-01-01", "row 2, column b: \"perhaps\" is not a boolean"),
        ("1,yes,1.1.2020", "row 2, column d: \"1.1.2020\" is not a date with the year first"),
    ] {
        let path = written(&folder, "b.csv", &format!("n,b,d\n1,yes,2020-01-01\n{row}\n"));
        let said = read_table(&path, &schema, 1).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}, {expected}", path.display())), "{said}");
    }
}

fn a_value_beyond_the_rows_that_were_looked_at_contradicts() {
    let folder = tempfile::tempdir().unwrap();
    let row = |row: u64| format!("{}\tc{}\n", if row == 103 { "n.n." } else { "2.5" }, row % 7 + row / 100 * 7);
    let path = written(&folder, "long.tsv", &("n\tc\n".to_string() + &(0..105).map(row).collect::<String>()));
    let first = InferOptions { rows: 100, ..InferOptions::default() };
    let schema = Schema::infer(&path, &first).unwrap();
    assert_eq!((schema.complete, schema.rows, schema.columns[0].kind), (false, 100, Kind::Constant));
    // Levels that come later are levels.
    let table = read_table(&path, &schema, 2).unwrap();
    let Column::Codes { levels, .. } = &table.columns()[1] else { panic!("codes") };
    assert_eq!((table.rows() as u64, levels.len()), (105, 12));
    let numbers = Schema::parse_toml(
        &schema.to_toml().replace("\"constant\"", "\"number\"").replace("\"ignore\"", "\"feature\""),
        None,
    )
    .unwrap();
    let said = read_table(&path, &numbers, 2).unwrap_err().to_string();
    assert!(said.contains("row 104 (line 105), column n: \"n.n.\" is not a number"), "{said}");
}

/// A file may be sorted: what its last row holds decides as well. More different cells than are
/// told apart are looked at one by one.
fn the_last_of_many_rows_decides_too() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 150_000;
    let cells = |row: u64| {
        let last = row == rows - 1;
        let number = row as f64 * 0.5;
        let [constant, flag, mixed] = if last { ["b", "2", "n.n."] } else { ["a", ["0", "1"][row as usize % 2], "7"] };
        let late = if last { "none".into() } else { number.to_string() };
        format!("{constant},{flag},{mixed},{number},{late},u{row},{row}\n")
    };
    let text = "constant,flag,mixed,number,late,code,id\n".to_string() + &(0..rows).map(cells).collect::<String>();
    let path = written(&folder, "sorted.csv", &text);
    let schemas =
        [1, 2, 3].map(|threads| Schema::infer(&path, &InferOptions { threads, ..InferOptions::default() }).unwrap());
    assert!(schemas.iter().all(|schema| *schema == schemas[0]));
    let schema = &schemas[0];
    let of = |name: &str| schema.columns.iter().find(|column| column.name == name).unwrap();
    let kinds =
        ["constant", "flag", "mixed", "number", "late", "code", "id"].map(|name| (of(name).kind, of(name).role));
    assert_eq!((schema.complete, schema.rows), (true, rows));
    assert_eq!(
        kinds,
        [
            (Kind::Category, Role::Feature),
            (Kind::Number, Role::Feature),
            (Kind::Category, Role::Feature),
            (Kind::Number, Role::Feature),
            (Kind::Category, Role::Feature),
            (Kind::Category, Role::Id),
            (Kind::Number, Role::Id),
        ]
    );
    assert_eq!(of("number").found.range, Some(["0".into(), "74999.5".into()]));
    assert_eq!(
        of("late").why,
        "it has numbers, but \"none\" in row 150000 is none; set kind to \"number\" and list in missing what is \
         missing to have numbers"
    );
    // Told apart are 131,072; a sample of hashes tells how many there are of more.
    for name in ["code", "number"] {
        let off = (of(name).found.distinct as f64 - rows as f64).abs() / rows as f64;
        assert!(off < 0.1, "{name}: {}", of(name).found.distinct);
    }
}

/// Of 140,000 different codes 131,072 are told apart, and each stands three times.
fn what_is_not_told_apart_is_estimated() {
    let folder = tempfile::tempdir().unwrap();
    let cells = |row: u64| {
        let customer = row % 140_000;
        let late = if row < 132_000 { row.to_string() } else { "7".into() };
        let late = if row == 419_999 { "oops".into() } else { late };
        let amount = if row == 419_999 { "\"1,234\"".into() } else { format!("{}e-1", row % 3000) };
        format!("c{customer},a long title of a book {customer},{late},{amount}\n")
    };
    let text = "customer,title,late,amount\n".to_string() + &(0..420_000).map(cells).collect::<String>();
    let schema = Schema::infer(&written(&folder, "long.csv", &text), &InferOptions::default()).unwrap();
    let [customer, title, late, amount] = &schema.columns[..] else { panic!("four columns") };
    assert_eq!((customer.kind, customer.role), (Kind::Category, Role::Feature), "{}", customer.why);
    for column in [customer, title, late] {
        let expected = if column.name == "late" { 132_001.0 } else { 140_000.0 };
        let off = (column.found.distinct as f64 - expected).abs() / expected;
        assert!(off < 0.1, "{}: {}", column.name, column.found.distinct);
    }
    assert_eq!((title.kind, title.role), (Kind::Category, Role::Feature), "a third of the values differ");
    assert_eq!((&*late.found.levels[0], late.found.counts[0]), ("7", 287_999 + 1));
    // A spelling that comes after more texts than are kept cannot be checked against all of them.
    assert_eq!((amount.kind, &amount.spelling), (Kind::Category, &None), "{}", amount.why);
}

/// Also where the first rows do not hold it, or only after many other values.
fn what_is_said_to_be_missing_is_missing_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let numbers: String = (0..3000).map(|row| format!("{row}.5\n")).collect();
    let path = written(&folder, "a.csv", &format!("x\n{numbers}-999\n"));
    for rows in [100, u64::MAX] {
        let options = InferOptions { missing: vec!["-999".into()], rows, ..InferOptions::default() };
        let table = read_table(&path, &Schema::infer(&path, &options).unwrap(), 1).unwrap();
        assert!(table.columns()[0].is_missing(3000) && !table.columns()[0].is_missing(0), "{rows} rows");
    }
}

/// Programs that write their row numbers give them no name.
fn a_first_column_without_a_name_is_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "a.csv", ",a,\n0,1.5,x\n1,2.5,y\n2,0.5,x\n");
    let schema = Schema::infer(&path, &InferOptions::default()).unwrap();
    let found: Vec<_> = schema.columns.iter().map(|column| (column.name.as_str(), column.role)).collect();
    assert_eq!(found, [("Unnamed: 0", Role::Id), ("a", Role::Feature), ("x2", Role::Feature)]);
}

fn a_decimal_comma_is_one_in_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "euro.csv", "preis;ort\n1,5;a\n-2,25;b\n;a\n");
    let table = read_csv(&path).unwrap();
    let Column::Numbers(numbers) = &table.columns()[0] else { panic!("{:?}", table.schema()) };
    assert!((numbers[0], numbers[1], numbers[2].is_nan()) == (1.5, -2.25, true));
}

fn formats_and_orders_of_columns_do_not_matter_to_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let table = read_csv(iris_file()).unwrap();
    let mut model = TableModel::fit(&table, &TableOptions::target("species")).unwrap();
    model.save(folder.path().join("m")).unwrap();
    let expected = model.predict(&table).unwrap().texts();
    let text = std::fs::read_to_string(iris_file()).unwrap();
    let (mut turned, mut json) =
        (String::from("note,petal_width,petal_length,sepal_width,sepal_length\n"), String::new());
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        writeln!(turned, "hm,{},{},{},{}", cells[3], cells[2], cells[1], cells[0]).unwrap();
        writeln!(
            json,
            r#"{{"petal_length": {}, "sepal_length": {}, "petal_width": {}, "sepal_width": {}}}"#,
            cells[2], cells[0], cells[3], cells[1]
        )
        .unwrap();
    }
    let mut model = TableModel::load(folder.path().join("m"), 1).unwrap();
    for (path, extra) in [
        (written(&folder, "turned.csv", &turned), vec!["note".to_string()]),
        (written(&folder, "rows.jsonl", &json), vec![]),
    ] {
        let table = model.read(&path, 1).unwrap();
        let answers = model.predict(&table).unwrap();
        assert_eq!((answers.texts(), answers.told.extra), (expected.clone(), extra));
    }
}

fn what_is_no_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [("", "empty"), ("a,b\n", "row")] {
        let said = read_csv(written(&folder, "bad.csv", text)).unwrap_err().to_string();
        assert!(said.contains(expected), "{said:?} should say {expected:?}");
    }
    let format = FileFormat::Csv { delimiter: ',', quote: Some('"'), header: true, decimal_comma: false };
    let twice = written(&folder, "twice.csv", "a,a\n1,2\n2,1\n");
    let options = InferOptions { format: Some(format), ..InferOptions::default() };
    let said = Schema::infer(&twice, &options).unwrap_err().to_string();
    assert!(said.contains("are both called \"a\""), "{said}");
    let said = read_csv(folder.path().join("none.csv")).unwrap_err().to_string();
    assert!(said.contains("none.csv"), "{said}");
    // A schema for another file.
    let other = written(&folder, "other.csv", "sepal_width,species\n1,a\n2,b\n");
    let said = read_table(&other, iris().schema(), 1).unwrap_err().to_string();
    assert!(said.starts_with("column sepal_length: is missing in this table"), "{said}");
    let missing = written(&folder, "missing.csv", "x,y\n,1\nNA,2\n?,1\n");
    let table: Table = read_csv(&missing).unwrap();
    assert_eq!(
        (table.schema().columns[0].kind, table.schema().columns[0].why.as_str()),
        (Kind::Constant, "every value is missing")
    );
    let said = table.with_target(&["x"], TaskChoice::Auto).unwrap_err().to_string();
    assert_eq!(said, "column x: has no value, so it cannot be learned");
}
