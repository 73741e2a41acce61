//! Several networks as one model of a table, as a user trains and asks them.

use crate::common::{fails, folder, furlough, interrupted, json_lines, model, ok, run};
use furlough_tables::{Column, TableModel};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

furlough_harness::tests![
    members_are_one_model_whose_files_are_runs,
    one_member_is_what_no_word_of_them_is,
    members_at_a_time_change_no_bit,
    members_that_are_killed_go_on_to_the_same_bytes,
    ctrl_c_saves_all_members,
    a_table_that_changed_does_not_go_on,
    intervals_and_sets_stand_beside_the_answers,
    what_several_networks_cannot_do_is_one_error_each,
];

/// Rows with a class, a number and noise in both.
fn table(rows: u32) -> String {
    let mut text = "key,size,color,label,price\n".to_string();
    for row in 0..rows {
        let word = row.wrapping_mul(2_654_435_761);
        let word = word ^ (word >> 15);
        let (size, noise) = (word % 100, (word >> 8) % 40);
        let label = if size + noise < 60 { "\"small, s\"" } else { "large" };
        let color = ["red", "green", "blue"][(word >> 16) as usize % 3];
        let _ = writeln!(text, "{row:04},{size},{color},{label},{}", 10 * size + noise);
    }
    text
}

const TRAIN: &str = "train old.csv --hidden 16 --epochs 12 --lr 0.01 --early-stopping 12";

/// A folder with the table, and how to train a label or a price by four members.
fn begun() -> tempfile::TempDir {
    let folder = folder();
    fs::write(folder.path().join("old.csv"), table(500)).unwrap();
    folder
}

fn labels(out: &str) -> String {
    format!("{TRAIN} --ignore key,price --target label --members 6 --out {out}")
}

fn prices(out: &str) -> String {
    format!("{TRAIN} --ignore key,label --target price --members 6 --out {out}")
}

/// Of the run of several networks: the model and what they answer out of fold.
fn results(folder: &Path, run: &str) -> (Vec<u8>, String) {
    (model(folder, run), fs::read_to_string(folder.join(run).join("out-of-fold.csv")).unwrap())
}

fn members_are_one_model_whose_files_are_runs() {
    let folder = begun();
    let folder = folder.path();
    let said = ok(folder, &labels("a"));
    for part in [
        "6 networks, each without another of 6 parts of the rows",
        "member   5",
        "on 400 rows, each by networks",
        "on 100 rows that no network saw",
        "out-of-fold.csv",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, answers) = results(folder, "a");
    let mut rows = csv::Reader::from_reader(answers.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["row", "label", "predicted_label", "P(large)", "P(small, s)"]);
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let right = rows.iter().filter(|row| row[1] == row[2]).count() as f64 / rows.len() as f64;
    assert_eq!(rows.len(), 400, "each row that is not in the test set once");
    let loaded = TableModel::load(folder.join("a/model.safetensors"), 1).unwrap();
    let ensemble = loaded.ensemble().unwrap();
    assert!((ensemble.out_of_fold.accuracy.unwrap() - right).abs() < 1e-12 && right > 0.8);
    assert_eq!(loaded.members(), 6);
    assert!(loaded.headers().all(|header| header.best_epoch.is_some() && header.conformal.is_some()));

    // Each member is a run.
    let one = ok(folder, "info a/members/3");
    assert!(one.contains("finished") && one.contains("fold = 3"), "{one}");
    assert!(ok(folder, "evaluate a/members/3").contains("100 test examples"));
    assert_eq!(ok(folder, "predict a/members/3 old.csv").lines().count(), 501);
    ok(folder, "report a --out page.html");

    let page = ok(folder, "info a");
    assert!(page.contains("6 networks in") && page.contains("on 400 rows, each by") && page.contains("members = 6"));
    let object = &json_lines(&ok(folder, "info a --json"))[0];
    assert_eq!((object["members"].as_array().unwrap().len(), &object["status"]), (6, &Value::from("finished")));
    let listed = ok(folder, "runs .");
    assert!(listed.contains("6/6 members") && listed.contains("out of fold accuracy") && listed.lines().count() == 2);

    // The test rows, the table beside it, and the library agree.
    let judged = &json_lines(&ok(folder, "evaluate a --json"))[0];
    assert!(said.contains(&format!("accuracy {:.2} %", 100.0 * judged["accuracy"].as_f64().unwrap())), "{said}");
    let all = &json_lines(&ok(folder, "evaluate a/model.safetensors old.csv --json"))[0];
    let mut loaded = TableModel::load(folder.join("a/model.safetensors"), 1).unwrap();
    let rows = loaded.read(folder.join("old.csv"), 1).unwrap();
    let scores = loaded.evaluate(&rows).unwrap();
    assert_eq!((all["examples"].as_u64(), all["accuracy"].as_f64()), (Some(500), scores.accuracy));
    assert_eq!(all["figures"]["figures"].as_array().unwrap().len(), 4);
}

fn one_member_is_what_no_word_of_them_is() {
    let folder = begun();
    let folder = folder.path();
    let one = format!("{TRAIN} --ignore key,price --target label --quiet");
    ok(folder, &format!("{one} --out unsaid"));
    ok(folder, &format!("{one} --members 1 --out one"));
    assert_eq!(model(folder, "one"), model(folder, "unsaid"));
    let recipe = |run: &str| fs::read_to_string(folder.join(run).join("recipe.toml")).unwrap();
    assert_eq!(recipe("one"), recipe("unsaid"));
}

fn members_at_a_time_change_no_bit() {
    let folder = begun();
    let folder = folder.path();
    for threads in [1, 2, 3, 13] {
        ok(folder, &format!("{} --threads {threads} --quiet", prices(&format!("t{threads}"))));
        assert_eq!(results(folder, &format!("t{threads}")), results(folder, "t1"), "{threads} threads");
    }
    ok(folder, "train --recipe t1/recipe.toml --out again --quiet");
    assert_eq!(results(folder, "again"), results(folder, "t1"));
    ok(folder, &format!("{} --seed 1 --quiet", prices("other")));
    assert_ne!(results(folder, "other"), results(folder, "t1"));
}

fn members_that_are_killed_go_on_to_the_same_bytes() {
    let folder = begun();
    let folder = folder.path();
    ok(folder, &format!("{} --quiet", labels("whole")));
    let mut kills = 0;
    for round in 0..7_u64 {
        let out = format!("killed-{round}");
        let mut patience = Duration::from_millis(5 + 12 * round);
        loop {
            let is_begun = folder.join(&out).join("recipe.toml").exists();
            let resume = format!("train --resume {out} --checkpoint-every 3 --quiet");
            let args = if is_begun { resume } else { format!("{} --checkpoint-every 3 --quiet", labels(&out)) };
            let mut child = furlough(folder).args(args.split_whitespace()).spawn().unwrap();
            std::thread::sleep(patience);
            patience += Duration::from_millis(9);
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert!(status.success() || status.code().is_none(), "killed and nothing else: {args}");
            kills += usize::from(!status.success());
            if status.success() || folder.join(&out).join("manifest.json").exists() {
                break;
            }
        }
        assert!(results(folder, &out) == results(folder, "whole"), "round {round}");
    }
    assert!(kills > 10, "{kills} kills");
}

fn ctrl_c_saves_all_members() {
    let folder = begun();
    let folder = folder.path();
    let long = labels("stopped")
        .replace("--epochs 12", "--epochs 3000")
        .replace("--early-stopping 12", "--early-stopping 3000");
    let (code, said) = interrupted(folder, &format!("{long} --json --threads 2"), "\"epoch\":3", "INT");
    let last = json_lines(&said).pop().unwrap();
    assert_eq!((code, &last["event"], &last["reason"]), (Some(130), &Value::from("stop"), &Value::from("asked")));
    assert!(!folder.join("stopped/model.safetensors").exists());
    let page = ok(folder, "info stopped");
    assert!(page.contains("0 of 6 networks are") && page.contains("train --resume stopped"), "{page}");
    assert!(fails(folder, "predict stopped old.csv", 1).contains("stopped"));
    assert!(fails(folder, "evaluate stopped", 1).contains("stopped"));
}

fn a_table_that_changed_does_not_go_on() {
    let folder = begun();
    let folder = folder.path();
    ok(folder, &format!("{} --quiet", prices("a")));
    fs::remove_file(folder.join("a/manifest.json")).unwrap();
    ok(folder, "train --resume a --quiet");
    fs::remove_file(folder.join("a/manifest.json")).unwrap();
    fs::write(folder.join("old.csv"), table(510)).unwrap();
    let said = fails(folder, "train --resume a --quiet", 1);
    assert!(said.contains("a/members/") && said.contains("learned from another table"), "{said}");
    fs::write(folder.join("old.csv"), table(500)).unwrap();
    ok(folder, "train --resume a --quiet");
    fs::write(folder.join("old.csv"), table(510)).unwrap();
    assert!(fails(folder, "evaluate a", 1).contains("has changed since a learned from it"));
    assert!(fails(folder, "train --resume a", 1).contains("already finished"));
}

fn intervals_and_sets_stand_beside_the_answers() {
    let folder = begun();
    let folder = folder.path();
    ok(folder, &format!("{} --quiet", labels("c")));
    ok(folder, &format!("{} --quiet", prices("n")));
    ok(folder, &format!("{TRAIN} --ignore key,label --target price --quiet --out one"));
    for run in ["n", "one", "n/members/2"] {
        let said = ok(folder, &format!("predict {run} old.csv --interval 0.9 --threads 2"));
        assert_eq!(said, ok(folder, &format!("predict {run} old.csv --interval 0.9 --threads 1")));
        let mut rows = csv::Reader::from_reader(said.as_bytes());
        assert_eq!(rows.headers().unwrap(), vec!["price", "price_low", "price_high"]);
        let mut model = TableModel::load(
            folder.join(if run == "n" { "n/model.safetensors".into() } else { format!("{run}/model.safetensors") }),
            1,
        )
        .unwrap();
        let table = model.read(folder.join("old.csv"), 1).unwrap();
        let expected = model.predict_interval(&table, 0.9).unwrap();
        let Column::Numbers(prices) = &table.columns()[4] else { panic!("numbers") };
        let mut within = 0;
        for (row, cells) in rows.records().enumerate() {
            let numbers: Vec<f64> = cells.unwrap().iter().map(|cell| cell.parse().unwrap()).collect();
            assert!(numbers[1] < numbers[0] && numbers[0] < numbers[2]);
            assert_eq!([numbers[1], numbers[2]], [expected.low[[row, 0]], expected.high[[row, 0]]]);
            within += usize::from((numbers[1]..=numbers[2]).contains(&prices[row]));
        }
        assert!(within > 425, "{run}: {within} of 500");
    }
    let [mean, plus] =
        ["mean", "cv+"].map(|how| ok(folder, &format!("predict n old.csv --interval 0.9 --interval-method {how}")));
    assert!(mean != plus && mean == ok(folder, "predict n old.csv --interval 0.9"));
    let said = ok(folder, "predict c old.csv --interval 0.9 --proba --id key");
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    assert_eq!(rows.headers().unwrap(), vec!["key", "label", "label_set", "P(large)", "P(small, s)"]);
    let sets: std::collections::BTreeSet<String> = rows.records().map(|row| row.unwrap()[2].to_string()).collect();
    assert!(sets.contains("large") && sets.contains("small, s"), "{sets:?}");
    let of_json = json_lines(&{
        ok(folder, "predict c old.csv --interval 0.99 --out sets.jsonl");
        fs::read_to_string(folder.join("sets.jsonl")).unwrap()
    });
    assert!(of_json.iter().all(|row| row["label_set"].as_array().unwrap().iter().all(Value::is_string)));
    assert!(of_json.iter().any(|row| row["label_set"] == serde_json::json!(["large", "small, s"])));
}

fn what_several_networks_cannot_do_is_one_error_each() {
    let folder = begun();
    let folder = folder.path();
    ok(folder, &format!("{} --quiet", labels("a")));
    ok(folder, &format!("{TRAIN} --ignore key,price --target label --quiet --out one"));
    let new = format!("{TRAIN} --ignore key,price --target label");
    for (args, expected) in [
        (format!("{new} --members 0"), "members = 0: from 1 to 1000"),
        (format!("{new} --members 5000"), "members = 5000: from 1 to 1000"),
        (format!("{new} --members 3 --fold 1"), "members = 3: each holds out another fold"),
        (format!("{new} --members 3 --train-examples 100"), "members = 3: they learn from all rows"),
        (format!("{new} --members 3 --from one"), "--from: with --members each network begins"),
        (format!("{new} --members 3 --tensorboard"), "--tensorboard: with --members"),
        ("train --data digits --members 3".into(), "members = 3: they are for a table"),
        ("train --finish a".into(), "already finished"),
        ("tune old.csv --target label --members 3".into(), "members = 3: a trial is a single network"),
        ("predict a old.csv --samples 5".into(), "--samples: a is a model of 6 networks"),
        ("evaluate a --samples 5".into(), "--samples: a is a model of 6 networks"),
        ("evaluate a one".into(), "a is a model of several networks by itself"),
        ("evaluate one a".into(), "a: is a run of 6 networks as one model; name one of them, such as a/members/0"),
        ("train --from a --epochs 1".into(), "a: is a run of 6 networks"),
        ("predict a old.csv --interval 1.5".into(), "interval = 1.5: the share of rows"),
        ("predict one old.csv --interval 0.999".into(), "interval = 0.999: that takes at least 999 rows"),
        ("compare a one".into(), "a: is a run of 6 networks"),
    ] {
        let output = run(folder, &args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{args}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert!(!folder.join("runs").exists(), "nothing was begun");
    ok(folder, &format!("{new} --quiet --epochs 1 --out cut"));
    let bytes = fs::read(folder.join("a/model.safetensors")).unwrap();
    fs::write(folder.join("short.safetensors"), &bytes[..bytes.len() - 5]).unwrap();
    assert!(fails(folder, "predict short.safetensors old.csv", 1).contains("is damaged"));
}
