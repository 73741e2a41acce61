//! Small files as people have them, and what is decided of each.

use super::common::file;
use furlough_tables::schema::{Kind, Role, Schema};
use furlough_tables::{Column, ColumnSchema, FileFormat, InferOptions, read_csv};
use std::fmt::Write as _;

furlough_harness::tests![
    delimiters_quotes_and_headers_are_found_out,
    numbers_are_read_in_the_spellings_that_are_sure,
    numbers_with_signs_and_units_are_numbers_where_all_have_the_same,
    codes_and_ids_are_no_numbers_to_learn_from,
    dates_are_told_by_their_spelling,
    booleans_are_told_by_their_pair,
    columns_that_say_nothing_are_not_used,
    targets_become_classes_where_they_are_few_and_whole,
    a_table_of_5000_columns_is_read,
    texts_of_any_script_are_levels,
];

fn schema(text: &str) -> Schema {
    let scratch = file("table.csv", text);
    Schema::infer(&scratch.path, &InferOptions::default()).unwrap()
}

/// The columns in one line: `name kind`, and the role where it is not a feature.
fn told(schema: &Schema) -> String {
    let mut text = String::new();
    for ColumnSchema { name, kind, role, date_order, .. } in &schema.columns {
        let order = date_order.map_or(String::new(), |order| format!(" {order:?}").to_lowercase());
        let role = if *role == Role::Feature { String::new() } else { format!(" {role:?}").to_lowercase() };
        let _ = write!(text, "{}{name} {}{order}{role}", if text.is_empty() { "" } else { ", " }, kind.name());
    }
    text
}

fn check(text: &str, expected: &str) {
    let schema = schema(text);
    let why: Vec<&str> = schema.columns.iter().map(|column| column.why.as_str()).collect();
    assert_eq!(told(&schema), expected, "{text}\n{why:?}");
}

/// Checks the columns, the delimiter, and whether there are a header and decimal commas.
fn check_format(text: &str, (delimiter, header, decimal_comma): (char, bool, bool), expected: &str) {
    let Some(FileFormat::Csv { delimiter: d, header: h, decimal_comma: c, .. }) = schema(text).format else { panic!() };
    assert_eq!((d, h, c), (delimiter, header, decimal_comma), "{text}");
    check(text, expected);
}

fn delimiters_quotes_and_headers_are_found_out() {
    check_format("größe;preis\n1,5;20\n2,25;30\n3,5;10\n", (';', true, true), "größe number, preis number");
    check_format("a\tb\n1\tx y\n2\ty, z\n", ('\t', true, false), "a number, b category");
    check_format("a|b|c\n1|x|2.5\n2|y|3.5\n", ('|', true, false), "a number, b category, c number");
    check_format(
        "5.1,3.5,setosa\n4.9,3.0,virginica\n4.7,3.2,setosa\n",
        (',', false, false),
        "x0 number, x1 number, x2 category",
    );
    check_format("\u{feff}a,b\n1,2\n3,4\n", (',', true, false), "a number, b number");
    check_format(
        "\"first name\",\"age, years\"\n\"Ann\",\"31\"\n\"Bob\",\"45\"\n",
        (',', true, false),
        "first name category, age, years number",
    );
    check_format("age\n31\n45\n28\n", (',', true, false), "age number");
    check_format("a,b\n1.5,x\n", (',', true, false), "a constant ignore, b constant ignore");
    check_format("a,b,\n1.5,x,\n2.5,y,\n3.5,x,\n", (',', true, false), "a number, b category, x2 constant ignore");
    check_format(
        "a, b, c\n1, x, 2020-01-02\n2, y, 2020-01-03\n4, x, 2020-01-04\n",
        (',', true, false),
        "a number, b category, c date ymd",
    );
    check_format("a,b\r\n1,x\r\n2,y\r\n", (',', true, false), "a number, b category");
    check_format(
        "name,text\nx,\"two\nlines, \"\"quoted\"\"\"\ny,one\n",
        (',', true, false),
        "name category, text category",
    );
    check_format("a;b\n1;\"x;y\"\n2;z\n", (';', true, false), "a number, b category");
    check_format(
        "2019,2020,2021\n1.5,2.5,1\n2.5,1.5,2\n0.5,0.5,3\n",
        (',', false, false),
        "x0 number, x1 number, x2 number",
    );
}

fn numbers_are_read_in_the_spellings_that_are_sure() {
    check("x\n1e-3\n2.5E6\n-3e+2\n", "x number");
    check("x\n-5\n-7\n-5\n", "x number");
    check("x,y\ninf,1\n-inf,2\n2.5,3\nInfinity,4\n", "x number, y number");
    check("x\n1.0\n2.0\n?\n3.0\n", "x number");
    check("x\n1.5\nNA\n2.5\nN/A\n-\nnull\n", "x number");
    check("x\n-999\n1.5\n2.5\n", "x number");
    check("x\n9007199254740993\n12345678901234567890\n3\n", "x number");
    check("a;b\n1.234,5;x\n2.345,75;y\n12,5;x\n", "a number, b category");
    check("a\n\"1,234\"\n\"12,345\"\n\"999\"\n\"1,234,567\"\n", "a number");
}

fn numbers_with_signs_and_units_are_numbers_where_all_have_the_same() {
    for (text, why) in [
        ("x\n5%\n12.5%\n7%\n", "each value is a number, with \"%\" after"),
        ("x\n$5.00\n$1200.50\n$7.25\n", "each value is a number, with \"$\" before"),
        ("x\n5 kg\n7 kg\n12 kg\n", "each value is a whole number, with \"kg\" after"),
        ("x\n5€\n7€\nNA\n9.5€\n", "each value that is not missing is a number, with \"€\" after"),
        ("x\n\"$1,234.50\"\n$7.25\n", "each value is a number, with \"$\" before and \",\" between thousands"),
        ("x,y\n\"1,5\",0.5\n\"2,25\",1.5\n\"3,5\",2.5\n", "each value is a number, with a decimal comma"),
    ] {
        let schema = schema(text);
        assert_eq!((schema.columns[0].kind, schema.columns[0].why.as_str()), (Kind::Number, why), "{text}");
        let again = Schema::parse_toml(&schema.to_toml(), None).unwrap();
        assert_eq!(again, schema);
    }
    let scratch = file("table.csv", "x,y\n\"$1,234.50\",1\n-$7.25,2\n,3\n$0,5\n");
    let Column::Numbers(numbers) = read_csv(&scratch.path).unwrap().columns()[0].clone() else { panic!() };
    assert_eq!(numbers[..2], [1234.5, -7.25]);
    assert!(numbers[2].is_nan() && numbers[3] == 0.0);
    let lines = (1..22).map(|i| format!("{i}\n")).collect::<String>();
    let mixed = schema(&format!("x\n5 kg\n12 lb\n{lines}"));
    assert_eq!(mixed.columns[0].kind, Kind::Category);
    assert!(mixed.columns[0].why.contains("\"5 kg\" in row 1 is none"), "{}", mixed.columns[0].why);
    for text in ["x\nA1\nA2\nA3\n", "x\n5A\n7A\n9A\n", "x\n5 kg\n7 lb\n9 kg\n"] {
        check(text, "x category");
    }
}

fn codes_and_ids_are_no_numbers_to_learn_from() {
    check("zip,y\n01234,1.5\n90210,2.5\n02134,3.5\n01234,2.5\n", "zip category, y number");
    check("country,y\nNA,1.5\nDE,2.5\nFR,3.5\nNA,0.5\n", "country category, y number");
    check("id,y\n-1,1.5\n-2,2.5\n-3,0.5\n", "id number id, y number");
    check("customer_id,y\n00012,1.5\n00013,2.5\n00014,0.5\n", "customer_id category id, y number");
    check("hex,y\n0x1F,1.5\n0xFF,2.5\n0x1F,3.5\n", "hex category, y number");
    check("sha,y\n1e5,1.5\n2e7,2.5\nab3,3.5\n1e5,0.5\n", "sha category, y number");
    let rows: String = (0..12).map(|i| format!("u{i}-{:04x},{}\n", i * 977, i % 3)).collect();
    check(&format!("user,y\n{rows}"), "user category id, y number");
}

fn dates_are_told_by_their_spelling() {
    check("d\n2020-01-02\n2020-12-31\n2021-05-06\n", "d date ymd");
    check("d\n31/12/2020\n01/02/2020\n05/06/2021\n", "d date dmy");
    check("d\n12/31/2020\n01/02/2020\n05/06/2021\n", "d date mdy");
    check("d\n31.12.2020\n1.2.2020\n5.6.2021\n", "d date dmy");
    check("d\n\"Nov 29, 2020\"\n\"Jan 1, 2021\"\n\"May 5, 2021\"\n", "d date mdy");
    check("d\n29-Nov-2020\n01-Jan-2021\n05-May-2021\n", "d date dmy");
    check("d\n2020-01-02T03:04:05Z\n2020-12-31T23:59:59.5+01:00\n2020-12-31 00:00\n", "d date ymd");
    check("d\n20200102\n20201231\n20210506\n", "d number");
    check("d\n01/02/2020\n05/06/2021\n07/08/2020\n", "d category");
    let why = schema("d\n01/02/2020\n05/06/2021\n07/08/2020\n").columns[0].why.clone();
    assert!(why.contains("day and month of its dates cannot be told apart"), "{why}");
    check("d\n2020-01-02\n12/31/2020\n2021-05-06\n", "d category");
    check("year\n2019\n2020\n2021\n2020\n", "year number");
}

fn booleans_are_told_by_their_pair() {
    for pair in [["0", "1"], ["false", "TRUE"], ["No", "Yes"], ["f", "t"], ["N", "Y"], ["off", "on"], ["0.0", "1.0"]] {
        check(&format!("x,y\n{0},1.5\n{1},2.5\n{0},3.5\n", pair[0], pair[1]), "x boolean, y number");
    }
    check("x,y\nyes,1.5\nno,2.5\nmaybe,3.5\n", "x category, y number");
    check("x,y\n1,1.5\n2,2.5\n1,3.5\n", "x number, y number");
    check("x,y\n0,1.5\n,2.5\n1,3.5\nNA,0.5\n", "x boolean, y number");
    check("x,y\nM,1.5\nF,2.5\nM,3.5\n", "x category, y number");
}

fn columns_that_say_nothing_are_not_used() {
    check("x,y,z\n,1.5,k\nNA,2.5,k\n,3.5,k\n", "x constant ignore, y number, z constant ignore");
    check("x,y\n5,1.5\n,2.5\n5,3.5\n", "x number, y number");
    let row = |i: usize| format!("it was {i} and then there came {} more of them,{i}.5\n", i * 7);
    let rows: String = (0..12).map(row).collect();
    check(&format!("said,y\n{rows}"), "said text ignore, y number");
}

fn targets_become_classes_where_they_are_few_and_whole() {
    let target = |text: &str| schema(text).with_target(&["y"], Default::default()).unwrap().columns[1].kind;
    let table = |values: &[&str]| {
        let rows: String = (0..60).map(|i| format!("{i}.5,{}\n", values[i % values.len()])).collect();
        format!("x,y\n{rows}")
    };
    assert_eq!(target(&table(&["0", "1"])), Kind::Boolean);
    assert_eq!(target(&table(&["1.0", "2.0", "3.0"])), Kind::Category);
    assert_eq!(target(&table(&["1", "2", "3", ""])), Kind::Category);
    assert_eq!(target(&table(&["-1", "1"])), Kind::Category);
    assert_eq!(target(&table(&["0.5", "1.5"])), Kind::Number);
    assert_eq!(target(&table(&["yes", "no"])), Kind::Boolean);
    let ages: Vec<String> = (20..60).map(|age| age.to_string()).collect();
    let ages: Vec<&str> = ages.iter().map(String::as_str).collect();
    assert_eq!(target(&table(&ages)), Kind::Number);
}

fn a_table_of_5000_columns_is_read() {
    let names: Vec<String> = (0..5000).map(|i| format!("c{i}")).collect();
    let row = |r: usize| (0..5000).map(|i| format!("{}.5", (i * r) % 7)).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n{}\n{}\n", names.join(","), row(1), row(2), row(3));
    let schema = schema(&text);
    assert_eq!(schema.columns.len(), 5000);
    assert_eq!(schema.columns[4999].kind, Kind::Number);
}

fn texts_of_any_script_are_levels() {
    check("mood,name\n😀,Zoë\n😢,Łukasz\n😀,王\n", "mood category, name category");
    check("x,y\n\u{a0},1.5\nb,2.5\nb,3.5\n", "x category, y number");
}
