//! What `furlough data sniff` and `furlough data info` say of a table's file.

use super::common::{fails, folder, furlough, ok, run};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

furlough_harness::tests![
    a_sniffed_schema_trains_as_it_was_edited,
    a_schema_of_another_file_is_one_error,
    the_page_shows_each_column_and_what_to_look_at,
    the_page_is_ascii_where_the_terminal_is_and_no_line_is_too_long,
    json_has_what_the_page_has,
    a_path_that_exists_is_a_file_whatever_its_name,
    a_late_value_makes_all_rows_decide,
    standard_input_is_a_file_too,
    what_is_wrong_is_said_in_one_line,
];

const DATE: usize = 28;

/// Houses with a leak, a constant, an id, a date, missing values and a copied row.
fn write_houses(folder: &Path) {
    let mut text = String::from("id,area,rooms,town,sold,heated,stove,price,price_eur,note,empty\n");
    for row in 0..120u32 {
        let (area, rooms) = (40 + row * 7 % 90, 1 + row % 5);
        let area = if row % 10 == 3 { "NA".into() } else { area.to_string() };
        let town = ["Bern", "Thun", "NA"][row as usize % 3];
        let price = 1000 * (50 + row * 7 % 90 + 10 * rooms);
        let day = 1 + row as usize % DATE;
        let (heated, stove) = if row % 4 == 0 { ("no", "none") } else { ("yes", "gas") };
        let _ =
            writeln!(text, "{row},{area},{rooms},{town},2025-03-{day:02},{heated},{stove},{price},{},x,", price + 7);
    }
    let copy = text.lines().nth(1).unwrap().replacen("0,", "120,", 1);
    let _ = writeln!(text, "{copy}");
    std::fs::write(folder.join("houses.csv"), text).unwrap();
}

fn a_sniffed_schema_trains_as_it_was_edited() {
    let folder = folder();
    write_houses(folder.path());
    let toml = ok(folder.path(), "data sniff houses.csv --target heated");
    assert!(toml.starts_with("# What the columns"), "{toml}");
    for line in [
        "delimiter = \",\"",
        "role = \"target\"",
        "role = \"id\"",
        "levels = [\"yes\", \"no\"]",
        "range = [\"1\", \"5\"]",
    ] {
        assert!(toml.contains(line), "{line}\n{toml}");
    }
    let edited = toml.replacen("kind = \"number\"\nrole = \"feature\"", "kind = \"number\"\nrole = \"ignore\"", 1);
    assert_ne!(toml, edited);
    std::fs::write(folder.path().join("a.toml"), &toml).unwrap();
    std::fs::write(folder.path().join("b.toml"), &edited).unwrap();
    for (schema, out) in [("a.toml", "a"), ("b.toml", "b")] {
        ok(folder.path(), &format!("train houses.csv --schema {schema} --epochs 1 --out {out} --quiet --threads 1"));
    }
    ok(folder.path(), "train houses.csv --target heated --epochs 1 --out c --quiet --threads 1");
    let model = |run: &str| std::fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("a").len(), model("c").len(), "the schema that was printed is the one that is inferred");
    assert!(model("b").len() < model("a").len(), "a column fewer makes a smaller network");
}

fn a_schema_of_another_file_is_one_error() {
    let folder = folder();
    write_houses(folder.path());
    let other: String = (0..30).map(|row| format!("{row}.5,{}\n", row % 7)).collect();
    std::fs::write(folder.path().join("other.csv"), format!("width,height\n{other}")).unwrap();
    let toml = ok(folder.path(), "data sniff houses.csv --target price");
    std::fs::write(folder.path().join("houses.toml"), toml).unwrap();
    for command in ["train other.csv --schema houses.toml", "data info other.csv --schema houses.toml"] {
        let error = fails(folder.path(), command, 1);
        assert!(
            error.contains("it is of another table: its features are area, rooms, town, sold, heated, …"),
            "{error}"
        );
        assert!(error.contains("this table's columns are width, height"), "{error}");
    }
}

fn the_page_shows_each_column_and_what_to_look_at() {
    let folder = folder();
    write_houses(folder.path());
    let page = ok(folder.path(), "data info houses.csv --target price");
    for expected in [
        "houses.csv\nCSV with commas · ",
        " · 121 rows · 11 columns",
        "price      number, target",
        "Bern 34 %, NA 33 %, Thun 33 %",
        "2025-03-01 … 2025-03-28",
        "9.9 %",
        "target price\n  numbers: regression",
        "--ignore price_eur",
        "price_eur is named like the target price",
        "1 row is a copy of earlier ones",
        "all values are missing: empty",
        "the same value in each row: note",
        "to train  furlough train houses.csv --target price\n",
    ] {
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(&expected), "{expected}\n{page}");
    }
    let page = ok(folder.path(), "data info houses.csv --target heated");
    for expected in
        ["classes: classification", "  yes  ████", "stove alone predicts the target nearly perfectly (1.0000)"]
    {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
}

fn the_page_is_ascii_where_the_terminal_is_and_no_line_is_too_long() {
    let folder = folder();
    write_houses(folder.path());
    let output =
        furlough(folder.path()).env("LC_ALL", "C").args(["data", "info", "houses.csv", "--target", "price"]).output();
    let page = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(page.is_ascii() && page.contains('#'), "{page}");
    for page in [page, ok(folder.path(), "data info houses.csv --target town")] {
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

fn json_has_what_the_page_has() {
    let folder = folder();
    write_houses(folder.path());
    let page: serde_json::Value =
        serde_json::from_str(&ok(folder.path(), "data info houses.csv --target heated --json")).unwrap();
    assert_eq!((&page["rows"], &page["repeated_rows"]), (&121.into(), &1.into()));
    let area = &page["columns"][1];
    assert_eq!(
        (&area["name"], &area["missing"], &area["numbers"]["least"]),
        (&"area".into(), &12.into(), &40.0.into())
    );
    assert!(page["concerns"].as_array().unwrap().iter().any(|concern| concern["concern"] == "leak"), "{page}");
    let schema: serde_json::Value = serde_json::from_str(&ok(folder.path(), "data sniff houses.csv --json")).unwrap();
    assert_eq!(schema["columns"][4]["kind"], "date");
}

fn a_path_that_exists_is_a_file_whatever_its_name() {
    let folder = folder();
    assert!(ok(folder.path(), "data info digits").contains("1437 train"));
    write_houses(folder.path());
    std::fs::rename(folder.path().join("houses.csv"), folder.path().join("digits")).unwrap();
    let output = run(folder.path(), "data info digits");
    let (page, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(page.contains("121 rows") && told.contains("note: this is the file digits"), "{page}{told}");
    std::fs::create_dir(folder.path().join("fashion-mnist")).unwrap();
    assert!(ok(folder.path(), "data info fashion-mnist").contains("60000 train"), "a folder is no file");
}

fn a_late_value_makes_all_rows_decide() {
    let folder = folder();
    let rows: String = (0..40).map(|row| format!("{row}.5,{}\n", row % 7)).collect();
    std::fs::write(folder.path().join("late.csv"), format!("x,y\n{rows}unknown,3\n")).unwrap();
    let error = fails(folder.path(), "data info late.csv --rows 20", 1);
    assert!(error.contains("row 41 (line 42), column x: \"unknown\" is not a number"), "{error}");
    let page = ok(folder.path(), "data info late.csv");
    assert!(page.contains("x is taken for categories, as \"unknown\""), "{page}");
    std::fs::write(folder.path().join("late.toml"), ok(folder.path(), "data sniff late.csv --rows 20 --target y"))
        .unwrap();
    let error = fails(folder.path(), "train late.csv --schema late.toml --epochs 1", 1);
    assert!(error.contains("column x: \"unknown\" is not a number"), "{error}");
    assert!(
        error.contains("hint: if that is a missing value, --missing unknown of train, tune and data says so"),
        "{error}"
    );
    let page = ok(folder.path(), "data info late.csv --rows all --missing unknown");
    assert!(page.contains("2.4 %") && !page.contains("categories"), "{page}");
    assert!(ok(folder.path(), "data sniff late.csv --rows 20").contains("complete = false"));
}

fn standard_input_is_a_file_too() {
    let folder = folder();
    for args in [["data", "sniff", "-"], ["data", "info", "-"]] {
        let mut command = furlough(folder.path());
        let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a,b\n1.5,x\n2.5,y\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("number"), "{args:?}");
    }
}

fn what_is_wrong_is_said_in_one_line() {
    let folder = folder();
    write_houses(folder.path());
    std::fs::write(folder.path().join("empty.csv"), "").unwrap();
    for (command, code, expected) in [
        ("data sniff nothing.csv", 1, "cannot read nothing.csv"),
        ("data info nothing.csv", 1, "there is no file nothing.csv, and no data set is called that"),
        ("data info digits --target y", 1, "there is no file digits, and --target is for files"),
        ("data info houses.csv --target pice", 1, "did you mean price?"),
        ("data sniff houses.csv --rows 0", 2, "not a number of rows"),
        ("data sniff empty.csv", 1, "empty.csv: is empty"),
        ("data info houses.csv --schema nothing.toml", 1, "cannot read schema nothing.toml"),
        ("data info houses.csv --schema a.toml --rows 5", 2, "cannot be used with"),
        ("data info houses.csv --target note", 1, "there is nothing to learn"),
    ] {
        let error = fails(folder.path(), command, code);
        assert!(error.contains(expected), "{command}: {error}");
    }
}
