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
    a_member_by_itself_is_not_gone_on_with,
    members_that_run_or_diverge_are_shown_so,
    finished_members_count_when_the_others_go_on,
    the_file_of_several_networks_is_described_as_one_model,
    what_comes_next_can_be_typed,
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
    for command in ["predict stopped old.csv", "evaluate stopped"] {
        let said = fails(folder, command, 1);
        assert!(said.contains("stopped: has no model yet") && said.contains("train --resume stopped`"), "{said}");
    }
    ok(folder, &format!("{} --quiet", long.replace("--out stopped", "--out whole")));
    let resumed = json_lines(&ok(folder, "train --resume stopped --json"));
    assert_eq!(resumed.last().unwrap()["reason"], "finished");
    assert!(results(folder, "stopped") == results(folder, "whole"));
}

fn a_member_by_itself_is_not_gone_on_with() {
    let folder = begun();
    let folder = folder.path();
    let long = labels("a").replace("--epochs 12", "--epochs 3000").replace("stopping 12", "stopping 3000");
    assert_eq!(interrupted(folder, &format!("{long} --json"), "\"epoch\":3", "INT").0, Some(130));
    let before = fs::read(folder.join("a/members/0/metrics.jsonl")).unwrap();
    for flag in ["--resume", "--finish"] {
        let said = fails(folder, &format!("train {flag} a/members/0"), 1);
        let expected = format!("{flag}: a/members/0 is one of several networks that are one model");
        assert!(said.contains(&expected) && said.contains("`furlough train --resume a`"), "{said}");
    }
    assert_eq!(fs::read(folder.join("a/members/0/metrics.jsonl")).unwrap(), before);
    assert!(fails(folder, "train --finish a", 1).contains("`furlough train --resume a` goes on"));
    // What is said of one says so too, from within its folder as well.
    let page = ok(folder, "info a/members/0");
    assert!(page.contains("train --resume a\n"), "{page}");
    let inside = ok(&folder.join("a/members/0"), "info .");
    let outer = fs::canonicalize(folder.join("a")).unwrap();
    assert!(inside.contains(&format!("train --resume {}\n", outer.display())), "{inside}");
    assert!(fails(folder, "card a/members/0", 1).contains("`furlough train --resume a` makes one"));
    ok(folder, "report a/members/0 --out page.html");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("train --resume a<") && !page.contains("--resume a/members"), "it goes on as a whole");
}

fn members_that_run_or_diverge_are_shown_so() {
    let folder = begun();
    let folder = folder.path();
    let diverges = labels("d").replace("--lr 0.01", "--lr 1e30 --optimizer sgd --init normal:1e30");
    let said = fails(folder, &format!("{diverges} --quiet"), 1);
    assert!(said.starts_with("error: member ") && said.contains(": the loss became"), "{said}");
    assert!(said.contains("hint: lower --lr"), "{said}");
    let page = ok(folder, "info d");
    assert!(page.contains("diverged: the loss became") && page.contains("with a lower --lr"), "{page}");
    assert!(!page.contains("--resume"), "{page}");
    assert_eq!(json_lines(&ok(folder, "info d --json"))[0]["status"], "diverged");
    let listed = ok(folder, "runs .");
    assert!(listed.contains("diverged") && listed.contains("member "), "{listed}");

    let long = labels("r").replace("--epochs 12", "--epochs 100000").replace("stopping 12", "stopping 100000");
    let mut child = furlough(folder).args(format!("{long} --quiet").split_whitespace()).spawn().unwrap();
    while !folder.join("r/members/0/metrics.jsonl").exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    let (page, object) = (ok(folder, "info r"), json_lines(&ok(folder, "info r --json")).remove(0));
    child.kill().unwrap();
    child.wait().unwrap();
    #[cfg(target_os = "linux")]
    {
        assert!(page.contains("running · 0 of 6") && !page.contains("--resume"), "{page}");
        assert_eq!((&object["status"], &object["members"][0]["status"]), (&"running".into(), &"running".into()));
    }
    let page = ok(folder, "info r");
    assert!(page.contains("not finished · 0 of 6") && page.contains("train --resume r"), "{page} {object}");
}

fn finished_members_count_when_the_others_go_on() {
    let folder = begun();
    let folder = folder.path();
    ok(folder, &format!("{} --quiet", labels("a")));
    for file in ["manifest.json", "members/4/manifest.json", "members/4/model.safetensors"] {
        fs::remove_file(folder.join("a").join(file)).unwrap();
    }
    let events = json_lines(&ok(folder, "train --resume a --json"));
    let mut finished: Vec<_> = events.iter().filter(|event| event["event"] == "finished").collect();
    finished.sort_by_key(|event| event["member"].as_u64());
    let numbers: Vec<_> = finished.iter().map(|event| event["member"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 5]);
    assert_eq!(events.iter().filter(|event| event["event"] == "ended").count(), 1);
}

fn the_file_of_several_networks_is_described_as_one_model() {
    let folder = begun();
    let folder = folder.path();
    ok(folder, &format!("{} --quiet", labels("a")));
    let parameters = |path: &str| json_lines(&ok(folder, &format!("info {path} --json")))[0]["parameters"].clone();
    let page = ok(folder, "info a/model.safetensors");
    for part in ["6 of them", "label: large, small, s (2 classes)", "on 400 rows, each by networks", "color"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let object = &json_lines(&ok(folder, "info a/model.safetensors --json"))[0];
    assert_eq!((&object["members"], &object["out_of_fold"]["rows"]), (&6.into(), &400.into()));
    let one = parameters("a/members/0/model.safetensors").as_u64().unwrap();
    assert_eq!(object["parameters"].as_u64(), Some(6 * one), "of all networks");
    let card = ok(folder, "card a --out -");
    for part in ["The mean of 6 feed-forward networks", "| networks | 6 |", "on 400 rows", "pipeline_tag: tabular"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    // Where one network is wanted, it says which there are.
    fs::copy(folder.join("a/model.safetensors"), folder.join("other-name")).unwrap();
    let said = fails(folder, "train --from a/model.safetensors --epochs 1", 1);
    assert!(said.contains("is a model of 6 networks") && said.contains("members/0 in its run's folder"), "{said}");
    let said = fails(folder, "evaluate a/members/0 a/model.safetensors", 1);
    assert!(said.contains("it is a model of 6 networks by itself; name it alone"), "{said}");
    assert_eq!(ok(folder, "predict other-name old.csv"), ok(folder, "predict a old.csv"));
}

fn what_comes_next_can_be_typed() {
    let folder = begun();
    let folder = folder.path();
    let next = |said: &str| said.split("next").last().unwrap().split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
    for (more, expected) in [("", "evaluate a"), (" --test-fraction 0", "info a")] {
        let _ = fs::remove_dir_all(folder.join("a"));
        let said = ok(folder, &format!("{}{more} --epochs 1", labels("a").replace(" --epochs 12", "")));
        assert!(said.contains("   1 epoch in "), "{said}");
        assert_eq!(next(&said), expected, "{said}");
        ok(folder, expected);
    }
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
        ("train --resume a".into(), "hint: `furlough info a` shows it\n"),
        ("predict one old.csv --interval 0.9 --interval-method cv+".into(), "--interval-method: one is one network"),
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
    let bytes = fs::read(folder.join("a/model.safetensors")).unwrap();
    fs::write(folder.join("short.safetensors"), &bytes[..bytes.len() - 5]).unwrap();
    assert!(fails(folder, "predict short.safetensors old.csv", 1).contains("is damaged"));
}
