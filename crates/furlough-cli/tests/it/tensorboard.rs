//! Event files, read back by TensorBoard itself.
//!
//! `FURLOUGH_TENSORBOARD_PYTHON` names an interpreter that has the package tensorboard, if it is
//! not `python3`. With `FURLOUGH_REQUIRE_TENSORBOARD=1` its absence is a failure; without it the
//! test is skipped.

use crate::common::{folder, furlough, json_lines, ok};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

furlough_harness::tests![
    a_run_that_is_killed_goes_on_with_a_second_event_file,
    tensorboard_shows_each_epoch_once unless without_tensorboard(),
];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/read_tensorboard.py");

fn interpreter() -> String {
    std::env::var("FURLOUGH_TENSORBOARD_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// What is missing, unless it is required.
fn without_tensorboard() -> Option<String> {
    if std::env::var("FURLOUGH_REQUIRE_TENSORBOARD").as_deref() == Ok("1") {
        return None;
    }
    if !Path::new(SCRIPT).exists() {
        return Some("the repository around the crate".into());
    }
    let there = Command::new(interpreter()).args(["-c", "import tensorboard"]).stderr(Stdio::null()).status();
    let missing = || format!("{} with tensorboard (FURLOUGH_TENSORBOARD_PYTHON names another)", interpreter());
    (!there.is_ok_and(|status| status.success())).then(missing)
}

/// What TensorBoard sees in a folder.
fn tensorboard(folder: &Path) -> Value {
    let output = Command::new(interpreter()).arg(SCRIPT).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The event files of a run, first to last.
fn event_files(run: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(run.join("tensorboard")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    files
}

/// A run that is killed in the middle of a record, and goes on.
fn killed_and_resumed(folder: &Path) -> PathBuf {
    let run = folder.join("a");
    let train = "train --data digits --hidden 512,256 --epochs 60 --out a --tensorboard --quiet --threads 1";
    let mut child = furlough(folder).args(train.split_whitespace()).spawn().unwrap();
    let log = run.join("metrics.jsonl");
    while fs::read_to_string(&log).unwrap_or_default().lines().count() < 5 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!run.join("manifest.json").exists(), "the run was too fast to be killed");
    let first = &event_files(&run)[0];
    // As much of a record as there was time for: its head and a part of its data.
    let torn = fs::read(first).unwrap()[..20].to_vec();
    File::options().append(true).open(first).unwrap().write_all(&torn).unwrap();

    // The run goes on with what it began with, without being told again.
    ok(folder, "train --resume a --quiet --threads 1");
    let files = event_files(&run);
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| file.to_str().unwrap().contains("/events.out.tfevents.")), "{files:?}");
    ok(folder, "info a");
    ok(folder, "evaluate a");

    run
}

fn a_run_that_is_killed_goes_on_with_a_second_event_file() {
    killed_and_resumed(folder().path());
}

/// Every epoch is shown once, with the figures of the log.
fn tensorboard_shows_each_epoch_once() {
    let folder = folder();
    let run = killed_and_resumed(folder.path());
    let log = run.join("metrics.jsonl");
    let seen = tensorboard(&run.join("tensorboard"));
    assert_eq!(seen["files"], 2);
    let records = json_lines(&fs::read_to_string(&log).unwrap());
    assert_eq!(records.len(), 60);
    let tags = [
        ("train/loss", "train_loss"),
        ("train/accuracy", "train_accuracy"),
        ("test/loss", "test_loss"),
        ("test/accuracy", "test_accuracy"),
        ("time/seconds", "seconds"),
    ];
    for by in ["reader", "page"] {
        assert_eq!(seen[by].as_object().unwrap().len(), tags.len(), "{}", seen[by]);
        for (tag, key) in tags {
            let shown: Vec<(u64, f32)> = serde_json::from_value(seen[by][tag].clone()).unwrap();
            let steps: Vec<_> = shown.iter().map(|(step, _)| *step).collect();
            assert_eq!(steps, (1..=60).collect::<Vec<_>>(), "{by} {tag}");
            let figures: Vec<_> = shown.iter().map(|(_, figure)| *figure).collect();
            let logged: Vec<_> = records.iter().map(|record| record[key].as_f64().unwrap() as f32).collect();
            assert_eq!(figures, logged, "{by} {tag}");
        }
    }
    assert!(seen["text"].as_str().unwrap().contains("hidden = [512, 256]"), "{}", seen["text"]);
}
