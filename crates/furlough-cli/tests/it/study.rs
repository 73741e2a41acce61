//! `furlough study` as a user meets it: whole studies, killed and resumed ones, shards, and what is
//! refused.

#[cfg(unix)]
use crate::common::interrupted;
use crate::common::{fails, folder, furlough, json_lines, ok, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

furlough_harness::tests![
    a_study_runs_and_is_not_run_again,
    shards_come_to_the_same,
    killed_studies_go_on,
    #[cfg(unix)]
    interrupted_studies_go_on,
    a_reader_that_goes_away_stops_the_study,
    what_is_wrong_is_one_clear_error,
    trials_that_failed_are_told_and_run_again_only_on_request,
    a_study_that_cannot_begin_takes_no_folder,
];

const STUDY: &str = "title = 'Dropout on digits'
measure = ['test_error', 'gap']
[base]
data = 'digits'
hidden = 24
batch_size = 16
epochs = 6
[axes]
dropout = [0, 0.3, 0.6]
[seeds]
count = 3
[[plot]]
x = 'dropout'
y = ['test_error', 'gap']
[compare]
baseline = { dropout = 0 }
";

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

/// The results, with what depends on the clock taken out.
fn results(folder: &Path, study: &str) -> Value {
    let text = fs::read_to_string(folder.join(study).join("results.json")).unwrap();
    let mut results: Value = serde_json::from_str(&text).unwrap();
    for arm in results["arms"].as_array_mut().unwrap() {
        for trial in arm["trials"].as_array_mut().unwrap() {
            for epoch in trial["epochs"].as_array_mut().unwrap() {
                assert!(epoch["seconds"].take().is_number());
            }
        }
    }
    results
}

fn finished(folder: &Path, study: &str) -> usize {
    let trials = folder.join(study).join("trials");
    let Ok(entries) = fs::read_dir(trials) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().path().join("manifest.json").exists()).count()
}

fn a_study_runs_and_is_not_run_again() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "a.toml", STUDY);
    let planned = ok(folder, "study plan a.toml");
    assert!(planned.contains("9 trials: 0 finished, 9 to do"), "{planned}");
    let planned = ok(folder, "study plan a.toml --shard 2/2");
    assert!(planned.contains("\n  4 trials (shard 2 of 2): 0 finished, 4 to do\n"), "{planned}");
    assert!(!folder.join("runs").exists(), "a plan writes nothing");

    let said = ok(folder, "study run a.toml");
    assert!(said.contains("9/9") && said.contains("| dropout | test error (%) |"), "{said}");
    for name in ["study.toml", "results.json", "results.csv", "table.md", "plot.svg", "plot.png"] {
        assert!(folder.join("runs/studies/a").join(name).is_file(), "{name}");
    }
    let first = fs::read(folder.join("runs/studies/a/results.json")).unwrap();
    let again = ok(folder, "study run a.toml --json");
    let lines = json_lines(&again);
    assert_eq!((&lines[0]["trials"], &lines[0]["finished"]), (&9.into(), &9.into()));
    assert_eq!(lines.len(), 2, "{again}");
    assert_eq!(fs::read(folder.join("runs/studies/a/results.json")).unwrap(), first, "the very seconds too");

    // One more seed is three more trials; the folder alone is enough to go on.
    write(folder, "a.toml", &STUDY.replace("count = 3", "count = 4"));
    let said = ok(folder, "study plan a.toml");
    assert!(said.contains("12 trials: 9 finished, 3 to do") && said.contains("of training left"), "{said}");
    let lines = json_lines(&ok(folder, "study run a.toml --json --jobs 2 --threads 1"));
    assert_eq!(lines.iter().filter(|line| line["event"] == "trial").count(), 3);
    let collected = ok(folder, "study collect runs/studies/a --json");
    assert_eq!(serde_json::from_str::<Value>(&collected).unwrap()["seeds"], serde_json::json!([0, 1, 2, 3]));
}

fn shards_come_to_the_same() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "a.toml", STUDY);
    ok(folder, "study run a.toml --out whole --jobs 1 --threads 2");
    // Two in one folder, two in folders of their own.
    ok(folder, "study run a.toml --out together --shard 1/2");
    // A plan's shards are those of the runs.
    for (shard, expected) in [("1/2", [5, 5]), ("2/2", [4, 0])] {
        let plan: Value =
            serde_json::from_str(&ok(folder, &format!("study plan a.toml --out together --json --shard {shard}")))
                .unwrap();
        assert_eq!([&plan["trials"], &plan["finished"]], expected, "{plan}");
    }
    let said = ok(folder, "study run a.toml --out together --shard 2/2");
    assert!(said.contains("| dropout |"), "the last shard collects: {said}");
    let said = ok(folder, "study run a.toml --out one --shard 1/2");
    assert!(said.contains("4 trials of the whole study are not finished yet"), "{said}");
    ok(folder, "study run a.toml --out two --shard 2/2");
    let said = fails(folder, "study collect one two", 1);
    assert!(said.contains("--out"), "{said}");
    let said = ok(folder, "study collect one two --out joined");
    assert!(!said.contains("missing"), "{said}");
    for study in ["together", "joined"] {
        assert_eq!(results(folder, study), results(folder, "whole"), "{study}");
        for name in ["results.csv", "table.md", "plot.svg", "plot.png"] {
            assert_eq!(
                fs::read(folder.join(study).join(name)).unwrap(),
                fs::read(folder.join("whole").join(name)).unwrap(),
                "{study}/{name}"
            );
        }
    }
    // A shard alone says what it lacks.
    let table = fs::read_to_string(folder.join("one/table.md")).unwrap();
    assert!(table.contains("4 trials are missing") && table.contains("has not begun"), "{table}");

    // Two processes at once in one folder share the work, and neither spoils anything.
    let start =
        || furlough(folder).args("study run a.toml --out both --json".split(' ')).stdout(Stdio::piped()).spawn();
    let children = [start().unwrap(), start().unwrap()];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    ok(folder, "study run a.toml --out both");
    assert_eq!(results(folder, "both"), results(folder, "whole"));
}

fn killed_studies_go_on() {
    let folder = folder();
    let folder = folder.path();
    let text = STUDY.replace("epochs = 6", "epochs = 30");
    write(folder, "a.toml", &text);
    ok(folder, "study run a.toml --out whole");
    for round in 0..3 {
        let mut child =
            furlough(folder).args("study run a.toml --out a --json".split(' ')).stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let before = finished(folder, "a");
        while finished(folder, "a") == before && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(120));
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(40 * round));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let kept = finished(folder, "a");
    assert!(kept >= 3, "{kept}");
    ok(folder, "study run a.toml --out a");
    assert_eq!(results(folder, "a"), results(folder, "whole"));
}

#[cfg(unix)]
fn interrupted_studies_go_on() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "a.toml", &STUDY.replace("epochs = 6", "epochs = 100"));
    ok(folder, "study run a.toml --out whole");
    let (code, said) = interrupted(folder, "study run a.toml --out a --jobs 1 --json", "\"epoch\":50,", "INT");
    assert_eq!(code, Some(130), "{said}");
    ok(folder, "study run a.toml --out a");
    assert_eq!(results(folder, "a"), results(folder, "whole"));

    // One trial is short, the others are not.
    let endless = STUDY.replace("epochs = 6", "").replace("[axes]\n", "[axes]\nepochs = [1, 1000000]\n");
    write(folder, "b.toml", &endless);
    let (code, said) = interrupted(folder, "study run b.toml --jobs 1", "1/18", "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("everything up to here is saved") && said.contains("study run b.toml"), "{said}");
}

/// A script must not take a study with hardly anything trained for a finished one.
fn a_reader_that_goes_away_stops_the_study() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "a.toml", &STUDY.replace("count = 3", "count = 40"));
    for flags in [&[][..], &["--json"]] {
        let mut command = furlough(folder);
        command.args(["study", "run", "a.toml", "--out", "out"]).args(flags).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(130), ""));
        assert!(finished(folder, "out") < 120);
    }
}

fn what_is_wrong_is_one_clear_error() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "a.toml", STUDY);
    write(folder, "typo.toml", &STUDY.replace("[axes]\ndropout", "[axes]\ndropuot"));
    write(folder, "empty.toml", &STUDY.replace("dropout = [0, 0.3, 0.6]\n", ""));
    write(folder, "none.toml", &STUDY.replace("[0, 0.3, 0.6]", "[]"));
    let many = |count: usize| (1..=count).map(|k| k.to_string()).collect::<Vec<_>>().join(", ");
    let endless = STUDY.replace("[seeds]\ncount = 3", &format!("lr = [{}]\n[seeds]\ncount = 10000", many(150)));
    write(folder, "endless.toml", &endless);
    let long = STUDY.replace("[[plot]]\n", &format!("[[plot]]\nname = '{}'\n", "a".repeat(300)));
    write(folder, "long.toml", &long);
    write(folder, "seedless.toml", &STUDY.replace("count = 3", "count = 0"));
    for (args, code, expected) in [
        ("study run typo.toml", 1, "study typo.toml: axes: dropuot is not a key of a recipe (do you mean dropout?)"),
        ("study run empty.toml", 1, "the grid is empty"),
        ("study plan none.toml", 1, "axes: dropout is an empty list"),
        ("study run seedless.toml", 1, "has no seeds"),
        ("study run nowhere.toml", 1, "cannot read study nowhere.toml"),
        ("study run a.toml --shard 5/4", 2, "there are 4 shards, numbered from 1 to 4"),
        ("study run a.toml --shard 0/4", 2, "there are 4 shards, numbered from 1 to 4"),
        ("study run a.toml --shard half", 2, "not of the form I/N"),
        ("study run a.toml --shard 1/400 --out many", 1, "400 shards are more than there are trials, 9"),
        ("study plan a.toml --shard 5/4", 2, "there are 4 shards, numbered from 1 to 4"),
        ("study plan a.toml --shard 1/400", 1, "400 shards are more than there are trials, 9"),
        ("study plan endless.toml", 1, "study endless.toml: has 4500000 trials, 450 arms with 10000 seeds each"),
        ("study run long.toml", 1, "study long.toml: plot: name \"aaaaaaaaaaaaaaaa\"… has 300 bytes"),
        ("study collect a.toml", 1, "runs/studies/a does not exist: run the study first"),
        ("study plan .", 1, "is no study's folder: study.toml is missing"),
    ] {
        let said = fails(folder, args, code);
        assert!(said.contains(expected), "furlough {args}: {said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{said}");
    }
    assert!(!folder.join("runs").exists(), "what is refused leaves nothing");

    // Another study is not let into the folder.
    ok(folder, "study run a.toml --shard 1/9 --out a");
    write(folder, "b.toml", &STUDY.replace("hidden = 24", "hidden = 25"));
    let said = fails(folder, "study run b.toml --out a", 1);
    assert!(said.contains("holds another study: base.hidden is 24 there, and 25 here"), "{said}");
    let said = fails(folder, "study collect b.toml a --out c", 1);
    assert!(said.contains("is of another study"), "{said}");

    // A trial that is damaged fails alone, is told once, and the others stay.
    let trials = folder.join("a/trials");
    let one = fs::read_dir(&trials).unwrap().next().unwrap().unwrap().path();
    write(&one, "metrics.jsonl", "");
    let output = run(folder, "study run a.toml --out a");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("this trial is damaged (metrics.jsonl: is not what the run wrote: ").count(), 1, "{said}");
    assert!(said.contains("error: 1 trial failed"), "{said}");
    assert_eq!(finished(folder, "a"), 9);
    assert!(ok(folder, "study plan a").contains("9 trials: 8 finished, 1 damaged"));
    fs::remove_dir_all(&one).unwrap();
    ok(folder, "study run a");
    assert!(ok(folder, "study plan a").contains("9 trials: 9 finished\n"));

    // One whose damage shows only when its model is read again is no less of a failure.
    let mut model = fs::read(one.join("model.safetensors")).unwrap();
    let last = model.len() - 40;
    model[last] ^= 1;
    fs::write(one.join("model.safetensors"), model).unwrap();
    fs::remove_file(one.join("measured.json")).unwrap();
    let output = run(folder, "study run a");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("model.safetensors").count(), 1, "{said}");
    assert!(said.contains("error: 1 trial failed"), "{said}");
}

fn trials_that_failed_are_told_and_run_again_only_on_request() {
    let folder = folder();
    let folder = folder.path();
    // One arm diverges, one is too large for any machine, one is fine.
    let text = "title = 'Widths and rates'\nmeasure = ['test_error']\nseeds = { count = 1 }\n\
                base = { data = 'digits', epochs = 1, hidden = 8, dropout = 0 }\n\
                [axes]\nkind = [{ name = 'fine', lr = 0.1 }, { name = 'wild', lr = 1e30 }, { name = 'large', hidden = \
                [4000000, 4000000] }]\n";
    write(folder, "a.toml", text);
    let output = run(folder, "study run a.toml --out a");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("wild, seed 0: diverged: the loss became") && said.contains("large, seed 0: "), "{said}");
    assert!(said.contains("note: 2 trials failed"), "{said}");
    let table = fs::read_to_string(folder.join("a/table.md")).unwrap();
    assert!(table.contains("2 trials failed:\n\n- wild, seed 0: diverged: the loss became"), "{table}");
    assert!(!table.contains("missing") && !table.contains("has not begun"), "{table}");
    let results: Value = serde_json::from_str(&fs::read_to_string(folder.join("a/results.json")).unwrap()).unwrap();
    assert!(results["missing"].as_array().unwrap().iter().all(|missing| missing["state"] == "failed"), "{results}");
    let plan = ok(folder, "study plan a");
    assert!(plan.contains("3 trials: 1 finished, 2 failed\n") && plan.contains("diverged: the loss became"), "{plan}");

    // Nothing is trained again, and the exit code is the same.
    let again = run(folder, "study run a --json");
    assert_eq!(again.status.code(), Some(3));
    let lines = json_lines(&String::from_utf8(again.stdout).unwrap());
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!([of("start"), of("trial"), of("epoch"), of("stop")], [1, 0, 0, 1]);
    assert_eq!((&lines[0]["failed"], &lines[1]["failed"]), (&2.into(), &2.into()));
    let retried = run(folder, "study run a --json --retry-failed");
    let lines = json_lines(&String::from_utf8(retried.stdout).unwrap());
    let failed = lines.iter().filter(|line| line["event"] == "trial" && line["state"] == "failed").count();
    assert_eq!((retried.status.code(), failed), (Some(3), 2));

    // Its page and its line say so, and a trial's own folder too.
    let page = ok(folder, "info a");
    assert!(page.contains("1 finished") && page.contains("2 failed"), "{page}");
    ok(folder, "report a --out a.html");
    assert!(fs::read_to_string(folder.join("a.html")).unwrap().contains("2 trials failed"));
    let large = results["missing"][1]["id"].as_str().unwrap();
    let own = ok(folder, &format!("info a/trials/{large}"));
    assert!(own.contains("failed: ") && !own.contains("resume"), "{own}");
}

fn a_study_that_cannot_begin_takes_no_folder() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "a.toml", STUDY);
    for refused in ["study run a.toml --data nope", "study run a.toml --data idx", "study run a.toml --shard 1/99"] {
        fails(folder, refused, 1);
        assert!(!folder.join("runs").exists(), "{refused}");
    }
    fs::create_dir(folder.join("full")).unwrap();
    write(&folder.join("full"), "note.txt", "mine");
    for command in ["run", "plan"] {
        assert!(
            fails(folder, &format!("study {command} a.toml --out full"), 1).contains("is not empty (it has note.txt)")
        );
    }
}
