//! `furlough explain`, `furlough card` and `furlough info` of a model's file.

use crate::common::{fails, folder, json_lines, ok, run};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

furlough_harness::tests![
    columns_are_told_by_what_they_are_worth_on_any_number_of_threads,
    a_page_and_pictures_have_each_column,
    without_a_target_there_are_answers_along_columns_alone,
    what_cannot_be_explained_is_one_error,
    a_model_file_says_what_it_is,
    a_card_says_what_the_file_holds_and_replaces_nothing,
    evaluations_have_residuals_and_pictures,
];

/// Areas decide nearly all of the price, towns the rest, and noise nothing.
fn table(rows: u32, seed: u32) -> String {
    let mut text = String::from("id,area,town,noise,kind,price\n");
    for row in 0..rows {
        let word = (row + seed + 1).wrapping_mul(2_654_435_761);
        let (area, town) = (40 + (word >> 7) % 120, ["Bern", "Thun", "Chur"][(word >> 16) as usize % 3]);
        let kind = if area + if town == "Chur" { 20 } else { 0 } > 105 { "house" } else { "flat" };
        let price = 11 * area + if town == "Chur" { 300 } else { 0 };
        let area = if row % 19 == 3 { String::new() } else { area.to_string() };
        writeln!(text, "r{row},{area},{town},{},{kind},{price}", (word >> 20) % 31).unwrap();
    }
    text
}

/// A folder with a run on kinds, `kinds`, one on prices, `prices`, and new rows.
fn trained() -> TempDir {
    let folder = folder();
    fs::write(folder.path().join("old.csv"), table(500, 0)).unwrap();
    fs::write(folder.path().join("new.csv"), table(300, 9000)).unwrap();
    for (target, other) in [("kind", "price"), ("price", "kind")] {
        let flags = "--hidden 16 --dropout 0.1 --epochs 30 --quiet";
        ok(folder.path(), &format!("train old.csv --target {target} --ignore {other},id {flags} --out {target}s"));
    }
    folder
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn columns_are_told_by_what_they_are_worth_on_any_number_of_threads() {
    let folder = trained();
    let folder = folder.path();
    let said = ok(folder, "explain kinds new.csv");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let lines: Vec<&str> = said.lines().map(str::trim_start).collect();
    let place = |begins: &str| lines.iter().position(|line| line.starts_with(begins)).unwrap();
    assert!(place("column ") < place("area ") && place("area ") < place("town "), "{said}");
    assert!(place("town ") < place("noise "), "{said}");
    let said = words(&said);
    assert!(said.contains("300 rows looked at") && said.contains("by how much the log loss"), "{said}");
    assert!(said.contains("Columns that say the same share their worth"), "{said}");
    assert!(said.contains("P(house)") && said.contains("(missing) · "), "{said}");
    let json = ok(folder, "explain kinds new.csv --json --threads 1");
    for threads in [2, 3] {
        assert_eq!(ok(folder, &format!("explain kinds new.csv --json --threads {threads}")), json);
    }
    let found = &json_lines(&json)[0];
    let scores = found["importance"]["scores"].as_array().unwrap();
    assert_eq!((&scores[0]["score"], &scores[1]["score"]), (&"log loss".into(), &"error rate".into()));
    let first = &scores[0]["columns"][0];
    assert_eq!(first["column"], "area");
    assert!(first["increase"]["low"].as_f64().unwrap() > 0.1, "{first}");
    assert_eq!(found["dependence"][0]["column"], "area");
    // The model's file alone says the same, and numbers are in their units.
    assert_eq!(
        ok(folder, "explain kinds/model.safetensors new.csv --json").replace("kinds/model.safetensors", "kinds"),
        json
    );
    let prices = &json_lines(&ok(folder, "explain prices new.csv --json"))[0];
    let of_area = &prices["importance"]["scores"][0];
    assert_eq!((&of_area["score"], &of_area["target"]), (&"RMSE".into(), &"price".into()));
    assert!(of_area["columns"][0]["increase"]["value"].as_f64().unwrap() > 200.0, "{of_area}");
    let said = words(&ok(folder, "explain prices new.csv --columns town --repeats 1 --rows 100"));
    assert!(said.contains("is shuffled (1 time)") && said.contains("100 rows looked at"), "{said}");
    assert!(!said.contains(" area "), "{said}");
}

fn a_page_and_pictures_have_each_column() {
    let folder = trained();
    let folder = folder.path();
    for run in ["kinds", "prices"] {
        ok(folder, &format!("explain {run} new.csv --out {run}.html --plots {run}-plots --quiet"));
        let page = fs::read_to_string(folder.join(format!("{run}.html"))).unwrap();
        for part in ["What columns are worth", "Answers along a column", "noise as a table", "new.csv"] {
            assert!(page.contains(part), "{run}: {part}");
        }
        assert!(!page.contains("src=\"http") && page.matches("<svg").count() == 4, "one chart and three columns");
        for name in ["importance", "dependence-01-area", "dependence-02-town", "dependence-03-noise"] {
            for ending in ["svg", "png"] {
                assert!(folder.join(format!("{run}-plots/{name}.{ending}")).exists(), "{run}: {name}.{ending}");
            }
        }
    }
    // An earlier page is replaced, another file is not.
    ok(folder, "explain kinds new.csv --out kinds.html --quiet");
    assert!(fails(folder, "explain kinds new.csv --out new.csv", 1).contains("exists and is no report"));
}

fn without_a_target_there_are_answers_along_columns_alone() {
    let folder = trained();
    let folder = folder.path();
    let bare: String =
        table(50, 1).lines().map(|line| line.rsplitn(3, ',').last().unwrap().to_string() + "\n").collect();
    fs::write(folder.join("bare.csv"), bare.replace("Thun", "Genf")).unwrap();
    let output = run(folder, "explain kinds bare.csv");
    let (said, noted) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && !said.contains("grows by") && said.contains("P(house)"), "{said}");
    assert!(noted.contains("No row has a target (kind), so what columns are worth cannot be said"), "{noted}");
    assert!(noted.contains("levels of `town` that training never saw"), "{noted}");
    assert!(json_lines(&ok(folder, "explain kinds bare.csv --json --quiet"))[0]["importance"].is_null());
}

fn what_cannot_be_explained_is_one_error() {
    let folder = trained();
    let folder = folder.path();
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out digits");
    fs::write(folder.join("head.csv"), "area,town,noise\n").unwrap();
    for (args, expected) in [
        (
            "explain kinds new.csv --columns aera",
            "column aera: is none of the columns that the model sees; did you mean",
        ),
        ("explain kinds none.csv", "none.csv"),
        ("explain digits new.csv", "did not learn from a table"),
        ("explain new.csv kinds", "the run or model comes first, and the table second"),
        ("explain kinds -", "-: the table is read more than once"),
        ("explain kinds new.csv --plots kinds", "is a run, whose files stay as they are"),
        ("explain kinds head.csv", "head.csv"),
        ("card none.safetensors", "none.safetensors"),
        ("card new.csv", "new.csv: it is no model's file"),
        ("info none.safetensors", "none.safetensors"),
    ] {
        let said = fails(folder, args, 1);
        assert!(said.contains(expected), "{args}: {said}");
    }
    for args in ["explain kinds new.csv --repeats 0", "explain kinds new.csv --rows 0", "explain kinds"] {
        fails(folder, args, 2);
    }
}

fn a_model_file_says_what_it_is() {
    let folder = trained();
    let folder = folder.path();
    let page = ok(folder, "info prices/model.safetensors");
    assert!(page.lines().count() < 30, "it is short: {page}");
    let said = words(&page);
    for part in [
        "predicts price, a number (",
        "learned old.csv · 320 rows, 80 more that decided when to stop, 100 more that judged it",
        "network 6 → 16 relu, drop 0.1 → 1",
        "training AdamW",
        "test RMSE ",
        "on 100 rows that neither taught nor chose it",
        "made by furlough ",
        "area number 2 less ",
        "town category 3 3 levels",
        "not seen: id, kind",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let object = &json_lines(&ok(folder, "info prices/model.safetensors --json"))[0];
    assert_eq!((&object["task"], &object["targets"][0]), (&"regression".into(), &"price".into()));
    // The figures are those that `evaluate` gives.
    let evaluated = &json_lines(&ok(folder, "evaluate prices --json"))[0];
    assert_eq!(object["test"], evaluated["figures"]);
    let kinds = words(&ok(folder, "info kinds/model.safetensors"));
    assert!(kinds.contains("predicts kind: flat, house (2 classes)") && kinds.contains("AUROC"), "{kinds}");
    // A model of other data, and a run's page without its table's schema.
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out digits");
    let digits = words(&ok(folder, "info digits/model.safetensors kinds"));
    assert!(digits.contains("(10 classes)") && digits.contains("learned digits"), "{digits}");
    assert!(digits.contains("# [table.schema]: 6 columns; recipe.toml has all of it"), "{digits}");
    assert!(!digits.contains("[[table.schema.columns]]"), "{digits}");
}

fn a_card_says_what_the_file_holds_and_replaces_nothing() {
    let folder = trained();
    let folder = folder.path();
    ok(folder, "card prices");
    let card = fs::read_to_string(folder.join("prices/README.md")).unwrap();
    assert_eq!(ok(folder, "card prices/model.safetensors --out -"), card);
    let (head, body) = card.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
    for line in
        ["library_name: furlough", "pipeline_tag: tabular-regression", "- tabular", "- rmse", "# license: say which"]
    {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(!head.contains("\nlicense:"), "that is for the user to decide");
    let test = &json_lines(&ok(folder, "info prices/model.safetensors --json"))[0]["test"]["figures"][0]["value"];
    assert!(head.contains(&format!("      value: {test}\n")), "{test}: {head}");
    for part in
        ["# price of old.csv", "| area | number | 40 to 159 |", "## Limits", "furlough predict model.safetensors"]
    {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(body.matches("*(yours to write)*").count() == 3 && !body.contains(&folder.display().to_string()), "{body}");
    // What somebody wrote stays, unless they say otherwise.
    fs::write(folder.join("prices/README.md"), "mine").unwrap();
    assert!(fails(folder, "card prices", 1).contains("--force replaces it"));
    assert_eq!(fs::read_to_string(folder.join("prices/README.md")).unwrap(), "mine");
    ok(folder, "card prices --force");
    assert_eq!(fs::read_to_string(folder.join("prices/README.md")).unwrap(), card);
    let kinds = ok(folder, "card kinds --out -");
    for part in ["tabular-classification", "- roc_auc", "| accuracy | ", "house (2 classes)"] {
        assert!(kinds.contains(part), "{part}: {kinds}");
    }
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out digits");
    let digits = ok(folder, "card digits --out -");
    assert!(digits.contains("has no figures of rows") && !digits.contains("model-index"), "{digits}");
}

fn evaluations_have_residuals_and_pictures() {
    let folder = trained();
    let folder = folder.path();
    let said = ok(folder, "evaluate prices new.csv --plots p");
    assert!(said.contains("answers for price from") && said.contains("mean residual"), "{said}");
    let bins = json_lines(&ok(folder, "evaluate prices new.csv --json"))[0]["residuals"][0]["bins"].clone();
    assert_eq!(bins.as_array().unwrap().iter().map(|bin| bin["rows"].as_u64().unwrap()).sum::<u64>(), 300);
    ok(folder, "evaluate kinds new.csv --plots k");
    let pictures = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(pictures(&folder.join("p")), "residuals.png residuals.svg");
    assert_eq!(pictures(&folder.join("k")), "confusion.png confusion.svg reliability.png reliability.svg");
    // The page of a run is about its test rows, in the target's units.
    ok(folder, "report prices --out prices.html --plots r");
    let page = fs::read_to_string(folder.join("prices.html")).unwrap();
    for part in ["Test RMSE", "in units of price", "Scores of test rows", "95 % interval", "Residuals of price"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(pictures(&folder.join("r")).contains("residuals.svg"));
    ok(folder, "report kinds --out kinds.html");
    let page = fs::read_to_string(folder.join("kinds.html")).unwrap();
    for part in ["Test accuracy", "AUROC", "Confusion matrix", "Reliability diagram", "Of 100 test rows"] {
        assert!(page.contains(part), "{part}");
    }
}
