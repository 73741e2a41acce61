//! What a run has learned goes on in another one, or is used as it stands.

use crate::common::{fails, folder, furlough, interrupted, json_lines, model, ok, run, signal};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

furlough_harness::tests![
    a_run_goes_on_from_what_another_one_learned,
    a_run_that_began_from_another_one_resumes_without_it_after_any_kill,
    a_stopped_run_can_be_gone_on_from_evaluated_and_reported,
    a_stopped_run_is_made_a_finished_one_as_it_stands,
    what_cannot_be_gone_on_from_is_refused,
    a_test_set_that_changed_is_told,
    a_signal_saves_and_training_goes_on,
    notes_are_listed_and_no_part_of_the_recipe,
];

const SMALL: &str = "train --data digits --hidden 24 --momentum 0.8 --lr 0.05 --seed 5 --quiet";

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn manifest(folder: &Path, run: &str) -> serde_json::Value {
    serde_json::from_str(&read(folder, &format!("{run}/manifest.json"))).unwrap()
}

/// Ctrl-C after the third epoch of so many that it cannot end before.
fn stopped(folder: &Path, run: &str) {
    let train = SMALL.replace(" --quiet", " --threads 2 --json");
    let (code, said) = interrupted(folder, &format!("{train} --epochs 100000 --out {run}"), "\"epoch\":3,", "INT");
    assert_eq!(code, Some(130), "{said}");
}

fn a_run_goes_on_from_what_another_one_learned() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{SMALL} --epochs 3 --out first"));
    // The recipe is the other run's where nothing is said.
    let shown = ok(folder, "train --from first --epochs 2 --lr 0.01 --out second");
    assert!(shown.contains("from first after 3 epochs; the optimizer's state began anew"), "{shown}");
    let (first, second) = (read(folder, "first/recipe.toml"), read(folder, "second/recipe.toml"));
    assert_eq!(first.replace("lr = 0.05", "lr = 0.01").replace("epochs = 3", "epochs = 2"), second);
    let log = |run: &str| json_lines(&read(folder, &format!("{run}/metrics.jsonl")));
    let loss = |record: &serde_json::Value| record["test_loss"].as_f64().unwrap();
    assert!(
        loss(&log("second")[0]) < 1.1 * loss(&log("first")[2])
            && loss(&log("first")[0]) > 2.0 * loss(&log("second")[0])
    );

    let from = &manifest(folder, "second")["from"];
    assert_eq!((&from["run"], &from["epoch"]), (&"first".into(), &3.into()));
    assert_eq!(read(folder, "second/origin.json").matches(from["weights"].as_str().unwrap()).count(), 1);
    assert!(ok(folder, "info second").contains("from      first after 3 epochs"));
    let info = &json_lines(&ok(folder, "info second --json"))[0];
    assert_eq!(info["from"], *from);
    let first = &info["parameters"][0];
    assert_eq!((&first["name"], &first["shape"]), (&"linear1.weight".into(), &vec![64, 24].into()));
    ok(folder, "report second --out second.html");
    assert!(read(folder, "second.html").contains("--from second/start.safetensors"));

    // The same again, from the run or from the weights that the second one keeps.
    ok(folder, "train --recipe second/recipe.toml --from first --out again --quiet");
    assert_eq!(model(folder, "again"), model(folder, "second"));
    fs::remove_dir_all(folder.join("first")).unwrap();
    let shown = ok(folder, "train --recipe second/recipe.toml --from second/start.safetensors --out kept");
    assert_eq!(model(folder, "kept"), model(folder, "second"));
    // A model file does not say after which epoch its weights were learned.
    assert!(shown.contains("from second/start.safetensors; the optimizer's state began anew"), "{shown}");
    assert!(manifest(folder, "kept")["from"].get("epoch").is_none());
    assert!(ok(folder, "info kept").contains("from      second/start.safetensors\n"));
    // Runs that began with other weights are other arms.
    ok(folder, "train --recipe second/recipe.toml --out scratch --quiet");
    let compared = ok(folder, "compare scratch second");
    assert!(!compared.contains("recipes are the same") && compared.contains("weights "), "{compared}");
    // A note of any length leaves the list one that can be read.
    ok(folder, &format!("note scratch {}", "x".repeat(70_000)));
    assert!(ok(folder, "runs .").lines().all(|line| line.chars().count() < 400));
    // Another optimizer does not inherit the numbers of the first one, nor its learning rate.
    ok(folder, "train --from second --optimizer adam --epochs 1 --out adam --quiet");
    let adam = read(folder, "adam/recipe.toml");
    assert!(
        adam.contains("lr = 0.001") && !adam.contains("momentum = 0.8") && adam.contains("hidden = [24]"),
        "{adam}"
    );
    // It is not what random weights come to, and not what the recipe alone says.
    ok(folder, "train --recipe second/recipe.toml --out plain --quiet");
    assert_ne!(model(folder, "plain"), model(folder, "second"));
    assert!(manifest(folder, "plain").get("from").is_none());
    // A checkpoint goes on with the run that it is of.
    for run in ["plain", "second"] {
        fs::remove_file(folder.join(run).join("manifest.json")).unwrap();
    }
    fs::copy(folder.join("plain/checkpoint.safetensors"), folder.join("second/checkpoint.safetensors")).unwrap();
    let said = fails(folder, "train --resume second --quiet", 1);
    assert!(said.contains("comes from a run that began from other weights"), "{said}");
}

fn a_run_that_began_from_another_one_resumes_without_it_after_any_kill() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{SMALL} --epochs 2 --out first"));
    let begin = "train --from first --epochs 6 --lr 0.02 --quiet";
    ok(folder, &format!("{begin} --out whole"));
    fs::rename(folder.join("first"), folder.join("away")).unwrap();
    let mut kills = 0;
    for round in 0..40_u64 {
        let run = format!("killed-{round}");
        fs::rename(folder.join("away"), folder.join("first")).unwrap();
        let begin = format!("{begin} --out {run} --checkpoint-every 1");
        let mut patience = Duration::from_micros(500 * (round % 20));
        loop {
            let begun = folder.join(&run).join("recipe.toml").exists();
            if begun && folder.join("first").exists() {
                fs::rename(folder.join("first"), folder.join("away")).unwrap();
            }
            let resume = format!("train --resume {run} --checkpoint-every 2 --quiet");
            let args = if begun { &resume } else { &begin };
            let mut child = furlough(folder).args(args.split_whitespace()).spawn().unwrap();
            std::thread::sleep(patience);
            patience += Duration::from_millis(3);
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert!(status.success() || status.code().is_none(), "killed and nothing else: {args}");
            kills += usize::from(!status.success());
            if status.success() || folder.join(&run).join("manifest.json").exists() {
                break;
            }
        }
        assert_eq!(model(folder, &run), model(folder, "whole"), "round {round}");
        assert_eq!(manifest(folder, &run)["from"], manifest(folder, "whole")["from"]);
        if folder.join("first").exists() {
            fs::rename(folder.join("first"), folder.join("away")).unwrap();
        }
        if kills > 30 {
            break;
        }
    }
    assert!(kills > 10, "{kills} kills");
}

fn a_stopped_run_can_be_gone_on_from_evaluated_and_reported() {
    let folder = folder();
    let folder = folder.path();
    stopped(folder, "a");
    let evaluation = run(folder, "evaluate a --json");
    assert!(evaluation.status.success(), "{evaluation:?}");
    let said = String::from_utf8(evaluation.stderr).unwrap();
    assert!(said.contains("note: a is not finished: this is what it had learned after "), "{said}");
    let told = &json_lines(&String::from_utf8(evaluation.stdout).unwrap())[0];
    assert_eq!((&told["unfinished"][0]["run"], &told["unfinished"][0]["of"]), (&"a".into(), &100_000.into()));
    let epoch = told["unfinished"][0]["epoch"].as_u64().unwrap();
    assert!(epoch >= 3 && told["accuracy"].as_f64().unwrap() > 0.8, "{told}");
    let info = &json_lines(&ok(folder, "info a --json"))[0];
    assert_eq!((&info["status"], &info["checkpoint"]["epoch"]), (&"unfinished".into(), &epoch.into()));

    ok(folder, "report a --out a.html");
    let page = read(folder, "a.html");
    assert!(page.contains("What is said of its network is said of that in its checkpoint."), "the network is there");
    assert!(page.contains("id=\"mistakes-0\"") && page.contains("This run is not finished"));

    ok(folder, "train --from a --epochs 1 --out b --quiet");
    assert_eq!(manifest(folder, "b")["from"]["epoch"], epoch);
    // An older furlough left no more of a run than this, and it can be used and gone on with.
    fs::remove_file(folder.join("a/origin.json")).unwrap();
    let older = &json_lines(&ok(folder, "evaluate a --json"))[0];
    assert_eq!((&older["loss"], &older["unfinished"]), (&told["loss"], &told["unfinished"]));
}

fn a_stopped_run_is_made_a_finished_one_as_it_stands() {
    let folder = folder();
    let folder = folder.path();
    stopped(folder, "a");
    let before = &json_lines(&ok(folder, "evaluate a --json"))[0];
    fails(folder, "train --finish a --threads 4", 2);
    let steps = match before["unfinished"][0]["step_in_epoch"].as_u64().unwrap() {
        0 => String::new(),
        1 => " and 1 step of the next".into(),
        steps => format!(" and {steps} steps of the next"),
    };
    let shown = ok(folder, "train --finish a --note enough");
    let done = json_lines(&read(folder, "a/metrics.jsonl")).len();
    let how_far = format!("{done} of 100000 epochs{steps}");
    assert!(shown.contains(&format!("finished  as it stands, with {how_far}\n")), "{shown}");
    // It says what the run computed with, and not what it was finished with.
    let machine = json_lines(&read(folder, "a/origin.json").replace('\n', " ")).remove(0)["machine"].clone();
    let manifest = manifest(folder, "a");
    assert_eq!((&manifest["threads"], &manifest["instruction_set"]), (&2.into(), &machine["instruction_set"]));
    assert_eq!((&manifest["status"], &manifest["stop_reason"]), (&"finished".into(), &"asked".into()));
    assert_eq!(manifest["last"]["epoch"], done);
    let evaluation = run(folder, "evaluate a --json");
    assert_eq!(String::from_utf8(evaluation.stderr).unwrap(), "");
    let after = &json_lines(&String::from_utf8(evaluation.stdout).unwrap())[0];
    assert_eq!((&after["loss"], &after["confusion"]), (&before["loss"], &before["confusion"]));
    assert!(after.get("unfinished").is_none());
    let info = ok(folder, "info a");
    assert!(
        info.contains(&format!("cut short · {done} of 100000 epochs")) && info.contains("note      enough"),
        "{info}"
    );
    let listed = &json_lines(&ok(folder, "runs . --json"))[0];
    assert_eq!((&listed["status"], &listed["note"]), (&"cut short".into(), &"enough".into()));
    ok(folder, "report a --out a.html");
    let page = read(folder, "a.html");
    assert!(page.contains(&format!("This run was cut short after {how_far}, and its model is what it had learned")));
    assert!(page.contains("trains all 100000 epochs") && !page.contains(">finished<"), "it is not reproduced by then");
    assert!(fails(folder, "train --resume a --quiet", 1).contains("is already finished"));
    ok(folder, "train --from a --epochs 1 --out b --quiet");
    let compared = ok(folder, "compare b a");
    assert!(compared.contains("not trained to the end, and so not in any mean: a\n"), "{compared}");
    ok(folder, "report b a --out both.html");
    assert!(read(folder, "both.html").contains("a <span class=\"state open\">cut short</span>"), "the comparison");

    // The same of a run that an older furlough began, and with JSON.
    stopped(folder, "old");
    fs::remove_file(folder.join("old/origin.json")).unwrap();
    let cut = &json_lines(&ok(folder, "info old --json"))[0]["checkpoint"];
    let told = &json_lines(&ok(folder, "train --finish old --json"))[0];
    assert_eq!((&told["event"], &told["run"]), (&"stop".into(), &"old".into()));
    assert_eq!((&told["reason"], &told["step_in_epoch"]), (&"asked".into(), &cut["step_in_epoch"]));
    ok(folder, "evaluate old");
    // What it was computed with is not known, and nothing is said of it.
    let written = self::manifest(folder, "old");
    assert!(written.get("threads").is_none() && written.get("instruction_set").is_none(), "{written}");
    assert!(!ok(folder, "info old").contains("machine") && ok(folder, "info a").contains("machine   2 threads"));
}

fn what_cannot_be_gone_on_from_is_refused() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{SMALL} --epochs 1 --out a"));
    let nothing_left = |name: &str| assert!(!folder.join(name).exists(), "{name} was taken away again");
    for (args, expected) in [
        ("--from a --hidden 32", "a: its weights do not fit: it has 24 units in hidden layer 1, not 32"),
        ("--from a --hidden 24,24 --dropout 0.5", "it has 1 hidden layer, not 2"),
        ("--from a --activation tanh", "it has relu after hidden layer 1, not tanh"),
        ("--from nowhere", "nowhere: does not exist; give the folder of a run"),
    ] {
        let said = fails(folder, &format!("train {args} --out b --quiet"), 1);
        assert!(said.contains(expected), "{args}: {said}");
        nothing_left("b");
    }
    fs::remove_file(folder.join("a/manifest.json")).unwrap();
    fs::remove_file(folder.join("a/checkpoint.safetensors")).unwrap();
    for args in ["train --from a --out b --quiet", "evaluate a"] {
        assert!(fails(folder, args, 1).contains("a: has learned nothing yet: it has neither a model nor a checkpoint"));
    }
    // A run in its first epoch, and one that diverged.
    let (code, _) = interrupted(
        folder,
        "train --data digits --hidden 2000,2000 --batch-size 1 --threads 1 --epochs 9 --out early --json",
        "\"step\":1,",
        "INT",
    );
    assert_eq!(code, Some(130));
    assert!(fails(folder, "train --finish early", 1).contains("early: has not finished an epoch yet"));
    run(folder, "train --data digits --hidden 8 --lr 1e30 --out wild --quiet");
    let said = fails(folder, "train --finish wild", 1);
    assert!(said.contains("wild: has failed") && said.contains("diverged: the loss became"), "{said}");
    for args in ["train --finish a --lr 1", "train --finish a --from b", "train --resume a --from b"] {
        fails(folder, args, 2);
    }
}

/// A folder of IDX files with 40 training and 20 test examples; `turned` changes the test labels.
fn files(folder: &Path, turned: bool) {
    let idx = |name: &str, shape: &[u32], bytes: Vec<u8>| {
        let mut file = vec![0, 0, 8, shape.len() as u8];
        shape.iter().for_each(|size| file.extend(size.to_be_bytes()));
        file.extend(bytes);
        fs::write(folder.join(name), file).unwrap();
    };
    fs::create_dir_all(folder).unwrap();
    for (prefix, count) in [("train", 40_u32), ("t10k", 20)] {
        let pixels = (0..count * 16).map(|place| (place * 37 % 251) as u8).collect();
        let other = u32::from(turned && prefix == "t10k");
        idx(&format!("{prefix}-images-idx3-ubyte"), &[count, 4, 4], pixels);
        idx(
            &format!("{prefix}-labels-idx1-ubyte"),
            &[count],
            (0..count).map(|row| ((row + other) % 3) as u8).collect(),
        );
    }
}

fn a_test_set_that_changed_is_told() {
    let folder = folder();
    let folder = folder.path();
    files(&folder.join("data"), false);
    let train = "train --data idx --data-dir data --hidden 8 --batch-size 8";
    ok(folder, &format!("{train} --epochs 2 --out whole --quiet"));
    let (code, _) = interrupted(folder, &format!("{train} --epochs 100000 --out a --json"), "\"epoch\":3,", "INT");
    assert_eq!(code, Some(130));
    let quiet = |args: &str| String::from_utf8(run(folder, args).stderr).unwrap();
    assert!(!quiet("evaluate whole --data-dir data --json").contains("test set"));

    files(&folder.join("data"), true);
    let changed = "the test set has changed since the run began (its 20 test examples are not those of now)";
    let said = fails(folder, "train --resume a --data-dir data --quiet", 1);
    assert!(said.contains(&format!("a: cannot go on: {changed}. Put back the data")), "{said}");
    let said = quiet("evaluate whole --data-dir data --json");
    assert!(said.contains(&format!("note: {changed}; the figures in the log of the run")), "{said}");
    ok(folder, "report whole --data-dir data --out page.html");
    assert!(read(folder, "page.html").contains(changed));
    // What it has learned is not lost.
    ok(folder, "train --from a --data-dir data --epochs 1 --out b --quiet");
    // Where examples are held out, the test set is not looked at.
    let held_out = "train --data idx --data-dir data --hidden 8 --folds 4 --epochs 100000 --out c --json";
    assert_eq!(interrupted(folder, held_out, "\"epoch\":3,", "INT").0, Some(130));
    files(&folder.join("data"), false);
    let (code, _) = interrupted(folder, "train --resume c --data-dir data --json", "\"event\":\"epoch\"", "INT");
    assert_eq!(code, Some(130));
    // Nothing is known of the test set of a run that an older furlough began, until it goes on.
    fs::remove_file(folder.join("a/origin.json")).unwrap();
    files(&folder.join("data"), true);
    let (code, _) = interrupted(folder, "train --resume a --data-dir data --json", "\"event\":\"epoch\"", "INT");
    assert_eq!(code, Some(130));
    files(&folder.join("data"), false);
    assert!(fails(folder, "train --resume a --data-dir data --quiet", 1).contains(changed));
}

fn a_signal_saves_and_training_goes_on() {
    let folder = folder();
    let folder = folder.path();
    // One epoch that takes long, with no checkpoint of its own before its end.
    let train = "train --data digits --hidden 1500,1500 --batch-size 4 --epochs 3 --threads 1 --json --out a";
    let mut child = furlough(folder).args(train.split_whitespace()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("\"step\":3,")));
    signal(child.id(), "USR1");
    let saved = lines.find(|line| line.contains("\"event\":\"checkpoint\"")).unwrap();
    let saved = &json_lines(&saved)[0];
    assert!(saved["epoch"] == 0 && saved["step_in_epoch"].as_u64().unwrap() >= 3, "{saved}");
    let after = lines.next().unwrap();
    assert!(after.contains("\"event\":\"step\""), "it goes on: {after}");
    let at = || json_lines(&ok(folder, "info a --json"))[0]["checkpoint"]["step"].as_u64().unwrap();
    let began = std::time::Instant::now();
    while at() < saved["step"].as_u64().unwrap() {
        assert!(began.elapsed() < Duration::from_secs(30), "the checkpoint is written within seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // Whoever ignores the signal for it has it ignored, and no trial of a tune dies of it.
    let ignoring = "trap '' USR1; exec \"$0\" \"$@\"";
    let program = furlough(folder).get_program().to_os_string();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", ignoring]).arg(program).args(train.replace("--out a", "--out b").split_whitespace());
    let mut child = shell.current_dir(folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("\"step\":3,")));
    signal(child.id(), "USR1");
    // Still in its first epoch, it goes on and saves nothing.
    let next: Vec<String> = lines.by_ref().take(30).collect();
    let steps = next.iter().filter(|line| line.contains("\"event\":\"step\"")).count();
    assert_eq!(steps, 30, "{next:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn notes_are_listed_and_no_part_of_the_recipe() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{SMALL} --epochs 1 --out runs/plain"));
    let args: Vec<&str> = SMALL.split_whitespace().chain(["--epochs", "1", "--out", "runs/noted"]).collect();
    assert!(furlough(folder).args(args).args(["--note", "wide\u{1b}[31m and fast"]).status().unwrap().success());
    assert_eq!(model(folder, "runs/plain"), model(folder, "runs/noted"));
    assert_eq!(read(folder, "runs/plain/recipe.toml"), read(folder, "runs/noted/recipe.toml"));
    assert_eq!(ok(folder, "note runs/plain"), "");
    let table = ok(folder, "runs");
    assert_eq!(table.lines().next().unwrap().split_whitespace().last(), Some("note"), "{table}");
    let line = table.lines().find(|line| line.contains("runs/noted")).unwrap();
    assert!(line.contains("1/1 epoch") && line.contains("test accuracy") && !line.contains('\u{1b}'), "{line}");
    ok(folder, "note runs/noted better");
    assert_eq!(ok(folder, "note runs/noted"), "better\n");
    assert_eq!(read(folder, "runs/noted/notes.txt"), "better\n");
    let edited = furlough(folder).args(["note", "runs/noted", ""]).status().unwrap();
    assert!(edited.success() && !folder.join("runs/noted/notes.txt").exists());
    assert!(json_lines(&ok(folder, "runs --json")).iter().all(|run| run.get("note").is_none()));
    assert!(fails(folder, "note runs text", 1).contains("runs: is neither a run nor a tune nor a study"));
}
