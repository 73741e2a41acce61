//! What is said where a value is lost, figures are too good, or a folder is not what it seems.

use crate::common::{Training, fails, folder, json_lines, ok, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

furlough_harness::tests![
    values_that_another_optimizer_lets_go_of_are_told,
    a_decay_that_overshoots_is_named_and_not_the_rate,
    held_out_examples_that_were_learned_from_are_told,
    a_study_with_a_wrong_number_of_class_weights_is_refused,
    #[cfg(target_os = "linux")]
    a_run_that_is_being_written_is_not_to_be_resumed,
    a_run_killed_at_its_very_start_leaves_room_for_another,
    a_note_in_any_encoding_is_shown,
];

const SMALL: &str = "train --data digits --hidden 8 --epochs 1";

fn errors(folder: &Path, args: &str) -> String {
    let output = run(folder, args);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args}: {text}");
    text
}

fn values_that_another_optimizer_lets_go_of_are_told() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{SMALL} --optimizer adam --weight-decay 0.02 --beta2 0.95 --out adam --quiet"));
    let note = "note: beta2 = 0.95, weight_decay = 0.02 are not taken over, as they were said for optimizer = adam; \
                say what is to hold now\n";
    assert_eq!(errors(folder, "train --from adam --optimizer sgd --out a --json"), note);
    assert_eq!(errors(folder, "train --recipe adam/recipe.toml --optimizer sgd --out b --json"), note);
    let one = "note: beta2 = 0.95 is not taken over, as it was said for optimizer = adam; say what is to hold now\n";
    assert_eq!(errors(folder, "train --from adam --optimizer sgd --weight-decay 0.02 --out c --json"), one);
    assert_eq!(errors(folder, "train --from adam --optimizer sgd --out d --quiet"), "");
    assert_eq!(errors(folder, "train --from adam --lr 0.01 --out e --json"), "");
}

fn a_decay_that_overshoots_is_named_and_not_the_rate() {
    let folder = folder();
    let folder = folder.path();
    let advice = "a lower --weight-decay than 1000: with --lr 0.5 a step takes 500 times each weight";
    let said = fails(folder, &format!("{SMALL} --lr 0.5 --weight-decay 1000 --out bad --quiet"), 1);
    assert!(said.contains(&format!("hint: try {advice}\n")), "{said}");
    let told = ok(folder, "info bad");
    assert!(told.contains(&format!("Begin another with {advice}.")) && !told.contains("--max-norm"), "{told}");
    ok(folder, "report bad --out bad.html");
    let page = fs::read_to_string(folder.join("bad.html")).unwrap();
    assert!(page.contains(advice) && page.contains("--weight-decay 2e-4"), "the page");
    let said = fails(folder, &format!("{SMALL} --lr 1e30 --out worse --quiet"), 1);
    assert!(said.contains("hint: lower --lr"), "{said}");
}

fn held_out_examples_that_were_learned_from_are_told() {
    let folder = folder();
    let folder = folder.path();
    let origin = |run: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.join(run).join("origin.json")).unwrap()).unwrap()
    };
    let seen = |run: &str| origin(run)["from"].get("seen").and_then(Value::as_u64);
    let held_out = |run: &str| origin(run)["eval"]["examples"].as_u64();
    ok(folder, &format!("{SMALL} --out whole --quiet"));
    let shown = ok(folder, "train --from whole --folds 5 --out all");
    let count = held_out("all").unwrap();
    assert_eq!(seen("all"), Some(count));
    let warning = format!("{count} held-out examples are no fair judge");
    assert!(shown.contains(&format!("warning   {warning}")), "{shown}");
    ok(folder, "report all --out page.html");
    assert!(fs::read_to_string(folder.join("page.html")).unwrap().contains(&format!("Warning: {warning}")));
    // It is so for what begins from that run, too, and for its model alone.
    ok(folder, "train --from all --out next --quiet");
    ok(folder, "train --from whole/model.safetensors --folds 5 --out file --quiet");
    assert_eq!((seen("next"), seen("file")), (Some(count), Some(count)));

    ok(folder, &format!("{SMALL} --folds 5 --out fold --quiet"));
    let shown = ok(folder, "train --from fold --out same");
    ok(folder, "train --from fold --fold 1 --out other --quiet");
    ok(folder, "train --from fold --split-seed 7 --out mixed --quiet");
    assert!(seen("same").is_none() && !shown.contains("warning"), "{shown}");
    assert_eq!(seen("other"), held_out("other"));
    let mixed = seen("mixed").unwrap();
    assert!(mixed > 0 && mixed < held_out("mixed").unwrap(), "{mixed}");
}

fn a_study_with_a_wrong_number_of_class_weights_is_refused() {
    let folder = folder();
    let folder = folder.path();
    let study = "title = 'Weights'\n[base]\ndata = 'digits'\nhidden = 8\nepochs = 1\n[axes]\n\
                 class_weights = ['balanced', [1.0, 2.0]]\n[seeds]\ncount = 1\n";
    fs::write(folder.join("study.toml"), study).unwrap();
    for command in ["plan", "run"] {
        let said = fails(folder, &format!("study {command} study.toml"), 1);
        let expected = "has 2 weights, but the data have 10 classes; give one for each, in their order";
        assert!(said.contains("arm ") && said.contains(expected), "{said}");
    }
    assert!(!folder.join("runs").exists(), "nothing is left behind");
}

#[cfg(target_os = "linux")]
fn a_run_that_is_being_written_is_not_to_be_resumed() {
    let folder = folder();
    let folder = folder.path();
    let training = Training::start(folder, "--hidden 8 --epochs 1000000 --out a");
    let began = Instant::now();
    while fs::metadata(folder.join("a/metrics.jsonl")).map_or(0, |log| log.len()) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "it has a log within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = ok(folder, "info a");
    let status = json_lines(&ok(folder, "info a --json"))[0]["status"].clone();
    ok(folder, "report a --out page.html");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    let said = fails(folder, &format!("{SMALL} --out a --quiet"), 1);
    drop(training);
    assert!(told.contains("running · ") && !told.contains("--resume"), "{told}");
    assert_eq!(status, "running");
    assert!(page.contains("is being trained now") && !page.contains("--resume"), "the page");
    assert!(said.contains("hint: another process is writing it") && !said.contains("--resume"), "{said}");
    // It was killed, and can be gone on with.
    assert!(ok(folder, "info a").contains("train --resume a"));
}

fn a_run_killed_at_its_very_start_leaves_room_for_another() {
    let folder = folder();
    let folder = folder.path();
    fs::create_dir(folder.join("a")).unwrap();
    fs::write(folder.join("a/lock"), "").unwrap();
    let nothing = "a: is no run directory: recipe.toml is missing. It has nothing but what a run leaves that ended at \
                   its very start; begin one in it";
    for command in ["info a", "evaluate a", "train --resume a", "report a --out page.html"] {
        assert!(fails(folder, command, 1).contains(nothing), "{command}");
    }
    ok(folder, &format!("{SMALL} --out a --quiet"));
    assert!(ok(folder, "info a").contains("finished"));
    fs::create_dir(folder.join("b")).unwrap();
    fs::write(folder.join("b/notes.md"), "").unwrap();
    assert!(!fails(folder, "evaluate b", 1).contains("very start"));
}

fn a_note_in_any_encoding_is_shown() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{SMALL} --out a --quiet"));
    fs::write(folder.join("a/notes.txt"), b"gr\xfc\xdfe\n").unwrap();
    for command in ["note a", "info a", "runs ."] {
        assert!(ok(folder, command).contains("gr\u{fffd}\u{fffd}e"), "{command}");
    }
}
