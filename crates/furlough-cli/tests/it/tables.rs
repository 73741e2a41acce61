//! Training on one's own table, as a user does.

use crate::common::{fails, folder, json_lines, model, ok, run};
use furlough_tables::figures::in_digits;
use furlough_tables::{TableModel, read_csv};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

furlough_harness::tests![
    a_table_needs_nothing_but_its_target,
    numbers_are_scored_in_their_own_units,
    a_table_gives_the_same_model_on_any_number_of_threads_and_from_its_recipe,
    what_the_recipe_holds_is_not_guessed_again,
    groups_and_times_are_held_out_whole,
    a_stopped_run_on_a_table_goes_on_and_reports_know_its_rows,
    tunes_and_studies_learn_from_tables,
    weights_of_another_run_want_its_features,
    a_header_is_what_names_the_target,
    categories_with_many_levels_are_embedded,
    early_stopping_can_be_switched_off,
    errors_of_numbers_are_shown_in_their_units_while_it_trains,
    test_rows_that_changed_are_noticed_when_a_run_goes_on,
    the_question_which_column_is_short,
    bad_tables_and_flags_are_one_error_each,
];

/// A table with numbers that are missing here and there, a category, a date, an id, and two
/// targets that follow from them: `kind` and `price`.
fn write_table(folder: &Path, name: &str, rows: u32, seed: u32) {
    let mut text = String::from("id,area,rooms,town,built,owner,kind,price\n");
    for row in 0..rows {
        let word = (row + seed).wrapping_mul(2_654_435_761);
        let area = 40 + word % 120;
        let (rooms, town) = (1 + (word >> 8) % 5, ["Bern", "Thun", "Chur", "Basel"][(word >> 12) as usize % 4]);
        let (year, month) = (1950 + (word >> 16) % 70, 1 + (word >> 4) % 12);
        let price = f64::from(area) * 11.0 + f64::from(rooms) * 40.0 + if town == "Basel" { 400.0 } else { 0.0 };
        let kind = if area > 100 { "house" } else { "flat" };
        let area = if row % 17 == 3 { "NA".into() } else { area.to_string() };
        let owner = row / 5;
        writeln!(text, "{row},{area},{rooms},{town},{year}-{month:02}-03,o{owner},{kind},{price:.2}").unwrap();
    }
    fs::write(folder.join(name), text).unwrap();
}

/// The keys of a recipe but the one that the study varies.
fn without_dropout(keys: &str) -> String {
    keys.lines().filter(|line| !line.starts_with("dropout =")).map(|line| format!("{line}\n")).collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn a_table_needs_nothing_but_its_target() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 600, 0);
    let said = words(&ok(folder, "train houses.csv --target kind --ignore price"));
    assert!(said.contains("data houses.csv · 384 train, 96 validation ·") && said.contains(", 2 classes"), "{said}");
    assert!(said.contains("AdamW") && said.contains("test accuracy 9"), "{said}");
    assert!(said.contains("on 120 rows that it never saw"), "{said}");
    let recipe = fs::read_to_string(folder.join("runs/houses-1/recipe.toml")).unwrap();
    for line in ["data = \"houses.csv\"", "[table]", "test_fraction = 0.2", "[[table.schema.columns]]"] {
        assert!(recipe.contains(line), "{line}: {recipe}");
    }

    // The model file is all that the library needs.
    let mut model = TableModel::load(folder.join("runs/houses-1/model.safetensors"), 1).unwrap();
    write_table(folder, "new.csv", 300, 5000);
    let new = model.read(folder.join("new.csv"), 1).unwrap();
    let right = model.evaluate(&new).unwrap().accuracy.unwrap();
    assert!(right > 0.9, "{right}");

    // `evaluate` judges by the rows that were never seen, and gives what the end of training said.
    let evaluation = ok(folder, "evaluate runs/houses-1");
    let accuracy = said.split("test accuracy ").nth(1).unwrap().split(',').next().unwrap();
    assert!(evaluation.contains("120 test examples") && evaluation.contains(accuracy), "{evaluation}");
    assert!(words(&ok(folder, "info runs/houses-1")).contains("houses.csv"));
    assert!(ok(folder, "runs runs").contains("houses-1"));
}

fn numbers_are_scored_in_their_own_units() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 600, 0);
    let price = Value::from("price");
    let lines = json_lines(&ok(folder, "train houses.csv --target price --ignore kind --json --out a"));
    let figures = lines.last().unwrap()["test"]["figures"].as_array().unwrap().clone();
    let names: Vec<_> = figures.iter().map(|figure| (&figure["target"], &figure["name"])).collect();
    assert_eq!(names, ["RMSE", "MAE", "R²"].map(Value::from).iter().map(|name| (&price, name)).collect::<Vec<_>>());
    let (rmse, r2) = (figures[0]["value"].as_f64().unwrap(), figures[2]["value"].as_f64().unwrap());
    // Prices vary by some 420; missing areas leave a part that nobody can know.
    assert!((5.0..250.0).contains(&rmse) && r2 > 0.75, "{figures:?}");
    let mut model = TableModel::load(folder.join("a/model.safetensors"), 1).unwrap();
    let answers = model.predict(&read_csv(folder.join("houses.csv")).unwrap()).unwrap();
    let mean = answers.numbers().unwrap().mean().unwrap();
    assert!((900.0..1700.0).contains(&mean), "answers are prices: {mean}");
    let several =
        json_lines(&ok(folder, "train houses.csv --target price,rooms --ignore kind --json --out b --epochs 3"));
    assert_eq!(several.last().unwrap()["test"]["figures"].as_array().unwrap().len(), 2 * 3);
}

fn a_table_gives_the_same_model_on_any_number_of_threads_and_from_its_recipe() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 300, 0);
    for threads in [1, 2, 3] {
        ok(folder, &format!("train houses.csv --target kind --epochs 4 --threads {threads} --out t{threads} --quiet"));
        assert_eq!(model(folder, &format!("t{threads}")), model(folder, "t1"), "{threads} threads");
    }
    ok(folder, "train --recipe t1/recipe.toml --out again --quiet");
    assert_eq!(model(folder, "again"), model(folder, "t1"));
    let other = ["", "--seed 1", "--split-seed 1"].map(|flag| {
        let out = format!("o{}", flag.len());
        ok(folder, &format!("train houses.csv --target kind --epochs 4 --out {out} --quiet {flag}"));
        model(folder, &out)
    });
    assert!(other[0] != other[1] && other[0] != other[2] && other[1] != other[2]);
}

/// Rows that come later cannot change what a column is.
fn what_the_recipe_holds_is_not_guessed_again() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 200, 0);
    ok(folder, "train houses.csv --target kind --epochs 1 --out a --quiet");
    let text = fs::read_to_string(folder.join("houses.csv")).unwrap();
    fs::write(folder.join("houses.csv"), format!("{text}200,many,2,Bern,1990-01-03,o1,flat,100.00\n")).unwrap();
    let said = fails(folder, "train --recipe a/recipe.toml --out b", 1);
    for part in ["houses.csv, row 201", "column area", "\"many\""] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!folder.join("b").exists(), "nothing is left of it");
}

fn groups_and_times_are_held_out_whole() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 300, 0);
    for (flag, role) in [("--group owner", "group"), ("--time built", "time")] {
        let out = format!("by-{role}");
        ok(folder, &format!("train houses.csv --target kind {flag} --epochs 2 --out {out} --quiet"));
        let recipe = fs::read_to_string(folder.join(&out).join("recipe.toml")).unwrap();
        assert!(recipe.contains(&format!("role = \"{role}\"")), "{recipe}");
    }
    assert_ne!(model(folder, "by-group"), model(folder, "by-time"));
    // Each owner has five rows.
    let rows = |run: &str, key: &str| {
        let origin: Value = serde_json::from_slice(&fs::read(folder.join(run).join("origin.json")).unwrap()).unwrap();
        origin[key]["examples"].as_u64().unwrap()
    };
    assert_eq!(rows("by-group", "eval") % 5, 0, "no owner is in two parts");
}

fn a_stopped_run_on_a_table_goes_on_and_reports_know_its_rows() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 400, 0);
    ok(folder, "train houses.csv --target kind --epochs 6 --out whole --quiet");
    ok(folder, "train houses.csv --target kind --epochs 6 --out a --quiet");
    // As it was before its last file was written.
    for name in ["manifest.json", "model.safetensors"] {
        fs::remove_file(folder.join("a").join(name)).unwrap();
    }
    let evaluation = run(folder, "evaluate a");
    assert!(String::from_utf8(evaluation.stderr).unwrap().contains("a is not finished"));
    ok(folder, "train --resume a --quiet");
    assert_eq!(model(folder, "a"), model(folder, "whole"));
    ok(folder, "report a --out page.html");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("houses.csv") && page.contains("house"), "the page");

    // The end of training and `evaluate` say the same, with weights too.
    let weighted = json_lines(&ok(folder, "train houses.csv --target kind --weight rooms --epochs 6 --json --out w"));
    let evaluated = json_lines(&ok(folder, "evaluate w --json"));
    for (place, told) in weighted.last().unwrap()["test"]["figures"].as_array().unwrap().iter().enumerate() {
        let figure = &evaluated[0]["figures"]["figures"][place];
        assert_eq!((&figure["name"], &figure["value"]), (&told["name"], &told["value"]));
    }

    // A table that has changed is another one: which of its rows taught the run nobody knows.
    let whole = fs::read(folder.join("a/manifest.json")).unwrap();
    write_table(folder, "houses.csv", 400, 77);
    let said = fails(folder, "evaluate whole", 1);
    assert!(said.contains("houses.csv: has changed since whole learned from it"), "{said}");
    for name in ["manifest.json", "model.safetensors"] {
        fs::remove_file(folder.join("a").join(name)).unwrap();
    }
    assert!(fails(folder, "train --resume a --quiet", 1).contains("cannot go on"));
    // Other units of the target alone give the same standardized numbers.
    fs::write(folder.join("a/manifest.json"), whole).unwrap();
    write_table(folder, "units.csv", 200, 0);
    ok(folder, "train units.csv --target price --ignore kind --epochs 2 --out u --quiet");
    let text = fs::read_to_string(folder.join("units.csv")).unwrap();
    let cents =
        |line: &str| line.rsplit_once(',').map(|(before, price)| format!("{before},{}", price.replace('.', "")));
    let lines: Vec<_> = text.lines().map(|line| cents(line).unwrap()).collect();
    fs::write(folder.join("units.csv"), lines.join("\n")).unwrap();
    assert!(fails(folder, "evaluate u", 1).contains("has changed"));
}

fn tunes_and_studies_learn_from_tables() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 300, 0);
    let said = ok(
        folder,
        "tune houses.csv --target kind --hidden 16 --dropout 0.2 --epochs 3 --trials 4 --seeds 2 --out t --threads 2",
    );
    assert!(said.contains("houses.csv"), "{said}");
    ok(folder, "train --recipe t/recommended.toml --out best --quiet");
    assert!(folder.join("best/manifest.json").exists());
    assert!(TableModel::load(folder.join("t/final/model.safetensors"), 1).is_ok());

    // A study has the table of a recipe in its base.
    ok(folder, "train houses.csv --target kind --hidden 16 --epochs 3 --out a --quiet");
    let recipe = fs::read_to_string(folder.join("a/recipe.toml")).unwrap();
    let (keys, table) = recipe.split_once("[table]").unwrap();
    let keys: String = keys.lines().filter(|line| !line.starts_with("seed")).map(|line| format!("{line}\n")).collect();
    let table = format!("[table]{table}").replace("[table", "[base.table");
    let rest = "[axes]\ndropout = [0.0, 0.5]\n[seeds]\ncount = 2\n";
    fs::write(folder.join("s.toml"), format!("title = \"Houses\"\n[base]\n{}{table}\n{rest}", without_dropout(&keys)))
        .unwrap();
    ok(folder, "study run s.toml --out s");
    assert!(fs::read_to_string(folder.join("s/table.md")).unwrap().contains("| 0.5 |"));
}

/// Weights are for features by name, and figures of rows that they may have seen are not to be
/// trusted.
fn weights_of_another_run_want_its_features() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 300, 0);
    ok(folder, "train houses.csv --target kind --ignore price,town --epochs 2 --out a --quiet");
    let from =
        run(folder, "train houses.csv --target kind --ignore price,town --from a --split-seed 7 --epochs 1 --out b");
    assert!(from.status.success());
    let said = String::from_utf8(from.stderr).unwrap();
    assert!(said.contains("a may have learned from rows that are held out here"), "{said}");
    let renamed = fs::read_to_string(folder.join("houses.csv")).unwrap().replace("rooms", "chambers");
    fs::write(folder.join("renamed.csv"), renamed).unwrap();
    let said = fails(folder, "train renamed.csv --target kind --ignore price,town --from a --epochs 1 --out c", 1);
    assert!(
        said.contains("its weights are for other features (area, area is missing, rooms") && said.contains("chambers"),
        "{said}"
    );
    // Runs on tables are compared by the tables' names.
    let compared = ok(folder, "compare a b");
    assert!(compared.contains("houses.csv (") && !compared.contains("columns"), "{compared}");
}

fn categories_with_many_levels_are_embedded() {
    let folder = folder();
    let folder = folder.path();
    let row = |row: usize| {
        format!("{},s{:02},{}\n", row % 13, row * 7 % 30, if row * 7 % 30 % 4 < 2 { "old" } else { "new" })
    };
    fs::write(folder.join("a.csv"), "size,street,kind\n".to_string() + &(0..900).map(row).collect::<String>()).unwrap();
    let train = "train a.csv --target kind --epochs 20 --embedding-width 4";
    let said = words(&ok(folder, &format!("{train} --threads 2 --input-dropout 0.05 --out a")));
    assert!(said.contains("2, 1 of them embedded → 5, drop 0.05 → 64 relu"), "{said}");
    assert!(said.contains("test accuracy 100.00 %"), "{said}");
    ok(folder, "train --recipe a/recipe.toml --threads 1 --out b");
    assert_eq!(model(folder, "a"), model(folder, "b"));
    assert!(ok(folder, "info a").contains("input.embedding.1"));
    ok(folder, "report a");
    ok(folder, "evaluate a a.csv");
    assert_eq!(ok(folder, "predict a a.csv").lines().count(), 901);
    ok(folder, &format!("{train} --from a --input-dropout 0.05 --out c"));
    let error = fails(folder, "train a.csv --target kind --embedding-width 0", 1);
    assert!(error.contains("embedding_width = 0: a level becomes at least one number"), "{error}");
    let error = fails(folder, "train --data digits --embedding-width 4", 1);
    assert!(error.contains("goes with a table"), "{error}");
}

/// Names that are numbers look like a row.
fn a_header_is_what_names_the_target() {
    let folder = folder();
    let folder = folder.path();
    let rows: String = (0..60).map(|row| format!("{},{},{}\n", row % 7, row * 3 % 11, ["a", "b"][row % 2])).collect();
    fs::write(folder.join("years.csv"), format!("2010,2014,kind\n{rows}")).unwrap();
    assert!(ok(folder, "data sniff years.csv").contains("header = false"));
    assert!(ok(folder, "data sniff years.csv --target kind").contains("header = true"));
    let said = words(&ok(folder, "train years.csv --target kind --epochs 1 --ignore 2014"));
    assert!(said.contains("39 train, 9 validation") && said.contains(", 2 classes"), "{said}");
    let error = fails(folder, "train years.csv --target kinds", 1);
    assert!(error.contains("column kinds: there is no such column"), "{error}");
}

fn early_stopping_can_be_switched_off() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 100, 0);
    let said = ok(folder, "train houses.csv --target kind --ignore price --epochs 40 --lr 0.5 --early-stopping 0");
    assert!(said.contains("finished") && !said.contains("best epoch") && said.contains("40/40"), "{said}");
    assert!(ok(folder, "train --recipe runs/houses-1/recipe.toml --epochs 1").contains("1/1"));
    assert!(fs::read_to_string(folder.join("runs/houses-2/recipe.toml")).unwrap().contains("early_stopping = 0"));
}

fn errors_of_numbers_are_shown_in_their_units_while_it_trains() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 300, 0);
    let said = ok(folder, "train houses.csv --target price --ignore kind --epochs 3 --out a");
    assert!(said.contains("train RMSE   val. RMSE"), "{said}");
    let log = json_lines(&fs::read_to_string(folder.join("a/metrics.jsonl")).unwrap());
    let origin: Value = serde_json::from_slice(&fs::read(folder.join("a/origin.json")).unwrap()).unwrap();
    let deviation = origin["table"]["preprocessing"]["target"]["columns"][0]["deviation"].as_f64().unwrap();
    let error = |row: &Value, of: &str| deviation * row[of].as_f64().unwrap().sqrt();
    let line = said.lines().find(|line| line.trim_start().starts_with("3/3")).unwrap();
    let shown: Vec<f64> = line.split_whitespace().skip(1).take(2).map(|cell| cell.parse().unwrap()).collect();
    for (shown, of) in shown.into_iter().zip(["train_loss", "val_loss"]) {
        assert!((shown / error(&log[2], of) - 1.0).abs() < 1e-2, "{of}: {line}");
    }
    assert!(words(&said).contains("· validation RMSE "), "{said}");
    // So does the page, and so do its pictures.
    ok(folder, "report a --out page.html --plots plots");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("\"title\":\"RMSE of price"), "the live chart");
    assert!(page.contains("Train RMSE of price") && page.contains("Validation RMSE of price"), "the table");
    assert!(page.contains(&in_digits(error(&log[2], "val_loss"))), "{}", error(&log[2], "val_loss"));
    assert!(!page.contains("<th scope=\"col\">Train loss"), "no curve of a loss without a unit");
    assert!(fs::read_to_string(folder.join("plots/curves.svg")).unwrap().contains("RMSE of price"));
    // Several targets have no unit together, and classes have none.
    let said = ok(folder, "train houses.csv --target price,rooms --ignore kind --epochs 1 --out b");
    assert!(said.contains("train loss   val. loss"), "{said}");
    ok(folder, "report b --out page.html");
    assert!(fs::read_to_string(folder.join("page.html")).unwrap().contains("Train loss"));
}

fn test_rows_that_changed_are_noticed_when_a_run_goes_on() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 300, 0);
    write_table(folder, "judge.csv", 60, 9);
    let begin = "train houses.csv --test judge.csv --target kind --hidden 8 --epochs 3 --quiet";
    let own = fs::read_to_string(folder.join("judge.csv")).unwrap();
    for (more, gone) in
        [("", vec!["manifest.json"]), (" --members 3", vec!["manifest.json", "members/1/manifest.json"])]
    {
        ok(folder, &format!("{begin}{more} --out a"));
        let whole = model(folder, "a");
        for name in gone.iter().copied().chain(["model.safetensors"]) {
            fs::remove_file(folder.join("a").join(name)).unwrap();
        }
        // In the middle of the test file, where neither a fit nor what stops the training looks.
        let line = own.lines().nth(30).unwrap();
        let cells: Vec<&str> = line.split(',').collect();
        let other = [&[cells[0], "61"], &cells[2..]].concat().join(",");
        fs::write(folder.join("judge.csv"), own.replace(line, &other)).unwrap();
        let said = fails(folder, "train --resume a --quiet", 1);
        assert!(said.contains("cannot go on: the test set has changed since the run began"), "{said}");
        assert!(said.contains("its 60 test examples are not those of now"), "{said}");
        fs::write(folder.join("judge.csv"), &own).unwrap();
        ok(folder, "train --resume a --quiet");
        assert_eq!(model(folder, "a"), whole);
        fs::remove_dir_all(folder.join("a")).unwrap();
    }
}

/// A table of thousands of columns fills no screen.
fn the_question_which_column_is_short() {
    let folder = folder();
    let names: Vec<String> = (0..5000).map(|column| format!("c{column}")).collect();
    let row = |add: usize| (0..5000).map(|column| (column * 7 % 11 + add).to_string()).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n{}\n", names.join(","), row(0), row(1));
    fs::write(folder.path().join("wide.csv"), text).unwrap();
    let said = fails(folder.path(), "train wide.csv", 1);
    assert!(said.contains("c0, c1, c2") && said.contains("… and c4999: 5,000 in all, which"), "{said}");
    assert!(said.contains("data sniff wide.csv lists") && said.len() < 400, "{said}");
}

fn bad_tables_and_flags_are_one_error_each() {
    let folder = folder();
    let folder = folder.path();
    write_table(folder, "houses.csv", 100, 0);
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("one.csv", &format!("x,y\n{}", "1.5,same\n".repeat(50)));
    write("empty.csv", "");
    write("header.csv", "x,y\n");
    write("ragged.csv", "x,y\n1,a\n2,b,c\n");
    write("twice.csv", "x,x\n1,2\n");
    for (args, expected) in [
        ("train houses.csv", "which column is to be predicted? Say --target COLUMN; the columns are id, area"),
        ("train houses.csv --target prize", "there is no such column"),
        ("train houses.csv --target prize", "did you mean price?"),
        ("train missing.csv --target y", "missing.csv"),
        ("train one.csv --target y", "has the same value in each row, so there is nothing to learn"),
        ("train empty.csv --target y", "empty.csv"),
        ("train header.csv --target y", "header.csv"),
        ("train ragged.csv --target y", "ragged.csv, row 2 (line 3)"),
        ("train twice.csv --target x", "columns 1 and 2 are both called"),
        ("train houses.csv --target kind --test-fraction 1", "--test-fraction 1: the share of the test set"),
        ("train houses.csv --target kind --group houses", "there is no such column"),
        ("train houses.csv --target kind --time kind", "kind"),
        ("train houses.csv --target kind --schema none.toml", "cannot read schema none.toml"),
        ("train - --target kind", "-: a table to learn from is read more than once"),
        ("train . --target kind", "is no file"),
        ("train houses.csv --target kind --test houses.csv", "these rows are learned from"),
        ("train houses.csv --target kind --ignore kind", "column kind is named for two things"),
        ("train --data digits --target kind", "--target would do nothing here: name the file"),
        ("train --finish none --target kind", "--target would do nothing here"),
        ("tune --resume none --scaling standard", "--scaling would do nothing here"),
        ("tune houses.csv --target kind --test-fraction 0", "tune looks at a test set at its end"),
    ] {
        let said = fails(folder, args, 1);
        assert!(said.contains(expected), "{args}: {said}");
        assert!(!folder.join("runs").exists(), "{args} left a folder");
    }
    for args in
        ["train --target kind", "train houses.csv --target kind --data digits", "train houses.csv --resume runs/a"]
    {
        fails(folder, args, 2);
    }
}
