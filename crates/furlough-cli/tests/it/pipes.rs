//! Named pipes where files should be: one clear error, and no command that waits for somebody to
//! write into them.

use crate::common::watching::Watching;
use crate::common::{folder, furlough, ok};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

furlough_harness::tests![a_run_is_read_from_files_only, studies_and_tunes_too, a_page_says_what_cannot_be_read,];

/// Puts a pipe in the place of a file.
fn pipe(path: &Path) {
    let _ = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The message of `furlough ARGS`, which must fail, and within a minute.
fn refused(folder: &Path, args: &str) -> String {
    let said = folder.join("said");
    let stderr = fs::File::create(&said).unwrap();
    let words = args.split_whitespace();
    let mut child = furlough(folder).args(words).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("furlough {args} waits for ever");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let said = fs::read_to_string(said).unwrap();
    assert_eq!((status.code(), said.matches("error: ").count()), (Some(1), 1), "furlough {args}: {said}");
    said
}

/// A finished run, and one that is not: as it was after its last epoch.
fn runs(folder: &Path) {
    for (name, seed) in [("a", 0), ("b", 1)] {
        ok(folder, &format!("train --data digits --hidden 8 --epochs 1 --seed {seed} --quiet --out {name}"));
    }
    let begun = folder.join("begun");
    fs::create_dir(&begun).unwrap();
    for file in ["recipe.toml", "metrics.jsonl", "checkpoint.safetensors"] {
        fs::copy(folder.join("a").join(file), begun.join(file)).unwrap();
    }
}

fn a_run_is_read_from_files_only() {
    let folder = folder();
    let folder = folder.path();
    for (run, file, commands) in [
        ("a", "recipe.toml", &["evaluate a", "evaluate b a", "info a", "report a", "compare b a"][..]),
        ("a", "metrics.jsonl", &["info a", "report a", "compare b a"]),
        ("a", "model.safetensors", &["evaluate a", "evaluate b a"]),
        ("a", "manifest.json", &["evaluate a", "info a", "report a", "compare b a"]),
        ("a", "report.html", &["report a"]),
        ("begun", "recipe.toml", &["train --resume begun", "info begun"]),
        ("begun", "metrics.jsonl", &["train --resume begun", "info begun"]),
        ("begun", "checkpoint.safetensors", &["train --resume begun"]),
        ("begun", "lock", &["train --resume begun"]),
    ] {
        runs(folder);
        pipe(&folder.join(run).join(file));
        for command in commands {
            let said = refused(folder, command);
            assert!(said.contains(&format!("{run}/{file}: it is a named pipe, not a file")), "{command}: {said}");
        }
        ["a", "b", "begun"].iter().for_each(|run| fs::remove_dir_all(folder.join(run)).unwrap());
    }
}

fn studies_and_tunes_too() {
    let folder = folder();
    let folder = folder.path();
    let study =
        "title = 's'\n[base]\ndata = 'digits'\nhidden = 8\nepochs = 1\n[axes]\ndropout = [0.5]\n[seeds]\ncount = 1\n";
    fs::write(folder.join("s.toml"), study).unwrap();
    ok(folder, "study run s.toml --out s");
    let trial = fs::read_dir(folder.join("s/trials")).unwrap().next().unwrap().unwrap().path();
    for file in ["measured.json", "metrics.jsonl", "recipe.toml"] {
        let kept = fs::read(trial.join(file)).ok();
        pipe(&trial.join(file));
        // What was measured before is measured again, if that cannot be read.
        if file == "measured.json" {
            ok(folder, "study collect s");
        } else {
            let said = refused(folder, "study run s.toml --out s");
            assert!(said.contains("1 trial failed"), "{said}");
        }
        fs::remove_file(trial.join(file)).unwrap();
        kept.into_iter().for_each(|bytes| fs::write(trial.join(file), bytes).unwrap());
    }
    for file in ["s/study.toml", "s/table.md"] {
        pipe(&folder.join(file));
        let said = refused(folder, if file == "s/table.md" { "report s" } else { "study collect s" });
        assert!(said.contains(&format!("{file}: it is a named pipe, not a file")), "{said}");
    }
    fs::create_dir(folder.join("t")).unwrap();
    pipe(&folder.join("t/tune.toml"));
    let said = refused(folder, "tune --resume t");
    assert!(said.contains("t/tune.toml: it is a named pipe, not a file"), "{said}");
}

fn a_page_says_what_cannot_be_read() {
    let folder = folder();
    let folder = folder.path();
    for name in ["good", "no-log", "no-recipe", "no-checkpoint"] {
        ok(folder, &format!("train --data digits --hidden 8 --epochs 1 --quiet --out runs/{name}"));
    }
    pipe(&folder.join("runs/no-log/metrics.jsonl"));
    pipe(&folder.join("runs/no-recipe/recipe.toml"));
    pipe(&folder.join("runs/no-checkpoint/checkpoint.safetensors"));
    let watching = Watching::start(folder, "");
    let mut page = watching.listen();
    page.until(|page| page.runs.as_object().unwrap().len() == 4);
    let told = |run: &str| (page.state(run), page.runs[run]["problem"].as_str());
    assert_eq!(told("good"), (Some("finished"), None));
    assert_eq!(told("no-checkpoint"), (Some("finished"), None));
    let problem = "the log cannot be read: it is a named pipe, not a file";
    assert_eq!(told("no-log"), (Some("unreadable"), Some(problem)));
    let problem = "cannot read runs/no-recipe/recipe.toml: it is a named pipe, not a file";
    assert_eq!(told("no-recipe"), (Some("unreadable"), Some(problem)));
}
