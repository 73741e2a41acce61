//! Runs that stop early, and figures of the full network on the training set, as a user sees them.

use crate::common::{fails, folder, json_lines, model, ok, run};
use serde_json::Value;
use std::fs;
use std::path::Path;

furlough_harness::tests![
    a_run_that_stops_early_is_a_finished_one_everywhere,
    a_stopped_run_names_the_epoch_whose_network_it_is,
    without_held_out_examples_nothing_stops_early,
    full_train_figures_stand_beside_the_running_ones,
    weights_of_classes_and_smoothing_are_part_of_the_recipe,
    studies_and_tunes_take_such_trials_as_finished,
];

const EARLY: &str = "train --data digits --hidden 32 --folds 5 --early-stopping 2 --epochs 90 --threads 2";

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn a_run_that_stops_early_is_a_finished_one_everywhere() {
    let folder = folder();
    let folder = folder.path();
    let said = ok(folder, &format!("{EARLY} --out a --tensorboard")).split_whitespace().collect::<Vec<_>>().join(" ");
    let manifest = read(&folder.join("a/manifest.json"));
    let (best, last) = (manifest["best_epoch"].as_u64().unwrap(), manifest["last"]["epoch"].as_u64().unwrap());
    assert!(last == best + 2 && last < 90, "{manifest}");
    let log = json_lines(&fs::read_to_string(folder.join("a/metrics.jsonl")).unwrap());
    let losses: Vec<f64> = log.iter().map(|line| line["val_loss"].as_f64().unwrap()).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses.iter().rposition(|&loss| loss == least), Some(best as usize - 1));

    let ends = format!("stopped early after epoch {last} of 90; the network is that of the best epoch, {best}");
    let accuracy = format!("{:.2} %", 100.0 * log[best as usize - 1]["val_accuracy"].as_f64().unwrap());
    assert!(said.contains(&ends) && said.contains(&format!("validation accuracy {accuracy}")), "{said}");
    let info = ok(folder, "info a");
    assert!(info.contains(&format!("finished · stopped early after {last} of 90 epochs")), "{info}");
    assert!(info.contains(&format!("of the best epoch, {best}")), "{info}");
    let rows = ok(folder, "runs .");
    assert!(rows.contains("finished") && rows.contains(&accuracy), "{rows}");
    assert!(fs::read_to_string(folder.join("a/curves.svg")).unwrap().contains(&format!("best: {best}")));
    ok(folder, "report a --out page.html");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains(&format!("stopped early after {last} of 90 epochs")), "the page");
    assert!(page.contains(&format!("The best epoch is {best}")), "the page");
    fails(folder, "train --resume a", 1);

    let lines = json_lines(&ok(folder, &format!("{EARLY} --out b --json")));
    let stop = lines.last().unwrap();
    assert_eq!((&stop["reason"], &stop["best_epoch"]), (&"early-stopped".into(), &best.into()));
    assert_eq!(model(folder, "a"), model(folder, "b"));
    assert!(ok(folder, "compare a b").contains(&accuracy));
    // A plain run says nothing of it.
    let lines = json_lines(&ok(folder, "train --data digits --hidden 8 --epochs 1 --out c --json"));
    assert!(lines.last().unwrap().get("best_epoch").is_none());
    assert!(read(&folder.join("c/manifest.json")).get("best_epoch").is_none());
}

/// One that was stopped, or killed before its manifest, has the network of its best epoch so far.
fn a_stopped_run_names_the_epoch_whose_network_it_is() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &format!("{EARLY} --out a --quiet"));
    let whole = fs::read(folder.join("a/manifest.json")).unwrap();
    let best = read(&folder.join("a/manifest.json"))["best_epoch"].as_u64().unwrap();
    ok(folder, "train --from a --folds 5 --epochs 1 --out whole --quiet");
    let from = |run: &str| read(&folder.join(run).join("manifest.json"))["from"]["epoch"].clone();
    assert_eq!(from("whole"), best);
    for name in ["manifest.json", "model.safetensors"] {
        fs::remove_file(folder.join("a").join(name)).unwrap();
    }
    let evaluation = run(folder, "evaluate a --json");
    let said = String::from_utf8(evaluation.stderr).unwrap();
    let network = format!("it has {} of 90 epochs, and this is the network of its best epoch so far, {best}", best + 2);
    assert!(said.contains(&network), "{said}");
    let told = &json_lines(&String::from_utf8(evaluation.stdout).unwrap())[0]["unfinished"][0];
    assert_eq!((&told["epoch"], &told["best_epoch"]), (&(best + 2).into(), &best.into()));
    ok(folder, "report a --out page.html");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(
        page.contains(&format!("said of that in its checkpoint: that of the best epoch so far, {best}.")),
        "the page"
    );
    let shown = ok(folder, "train --from a --folds 5 --epochs 1 --out b");
    assert!(shown.contains(&format!("from a after {best} epochs;")), "{shown}");
    assert_eq!((from("b"), model(folder, "b")), (best.into(), model(folder, "whole")));
    // It has stopped early, which is not to be cut short.
    let shown = ok(folder, "train --finish a");
    assert!(shown.contains(&format!("it had stopped early, with {} of 90 epochs\n", best + 2)), "{shown}");
    assert!(shown.contains(&format!("the network is that of the best epoch, {best}\n")), "{shown}");
    assert_eq!(fs::read(folder.join("a/manifest.json")).unwrap(), whole);
}

fn without_held_out_examples_nothing_stops_early() {
    let folder = folder();
    let message = fails(folder.path(), "train --data digits --early-stopping 5", 1);
    assert!(message.contains("early") && message.contains("needs validation data"), "{message}");
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is left behind");
}

fn full_train_figures_stand_beside_the_running_ones() {
    let folder = folder();
    let folder = folder.path();
    let small = "train --data digits --hidden 32 --epochs 3 --threads 2";
    let said = ok(folder, &format!("{small} --train-figures full --out full"));
    assert!(said.contains("full loss"), "{said}");
    ok(folder, &format!("{small} --out plain --quiet"));
    let log = |run: &str| json_lines(&fs::read_to_string(folder.join(run).join("metrics.jsonl")).unwrap());
    for (full, plain) in log("full").iter().zip(&log("plain")) {
        assert!(full["full_train_loss"].as_f64().unwrap() < full["train_loss"].as_f64().unwrap(), "{full}");
        assert!(said.contains(&format!("{:.4}", full["full_train_loss"].as_f64().unwrap())), "{said}");
        assert!(full["full_train_accuracy"].is_f64() && plain.get("full_train_loss").is_none());
        assert_eq!((&full["train_loss"], &full["test_loss"]), (&plain["train_loss"], &plain["test_loss"]));
    }
    for file in ["full/curves.svg", "page.html"] {
        if file == "page.html" {
            ok(folder, "report full --out page.html");
        }
        assert!(fs::read_to_string(folder.join(file)).unwrap().contains("train, full network"), "{file}");
    }
}

fn weights_of_classes_and_smoothing_are_part_of_the_recipe() {
    let folder = folder();
    let folder = folder.path();
    let small = "train --data digits --hidden 16 --epochs 1 --threads 1 --quiet";
    ok(folder, &format!("{small} --class-weights balanced --label-smoothing 0.1 --out a"));
    let recipe = fs::read_to_string(folder.join("a/recipe.toml")).unwrap();
    assert!(recipe.contains("label_smoothing = 0.1\nclass_weights = \"balanced\"\n"), "{recipe}");
    ok(folder, "train --recipe a/recipe.toml --quiet --out b");
    assert_eq!(model(folder, "a"), model(folder, "b"));
    ok(folder, &format!("{small} --class-weights 1,1,1,1,1,1,1,1,1,5 --out c"));
    let recipe = fs::read_to_string(folder.join("c/recipe.toml")).unwrap();
    assert!(recipe.contains("class_weights = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0]"), "{recipe}");
    let message = fails(folder, &format!("{small} --class-weights 1,2 --out d"), 1);
    assert!(message.contains("2 weights, but the data have 10 classes"), "{message}");
}

fn studies_and_tunes_take_such_trials_as_finished() {
    let folder = folder();
    let folder = folder.path();
    let study = "title = 'Stopped early'\nmeasure = ['test_error']\n[base]\ndata = 'digits'\nhidden = 16\nfolds = 5\n\
                 epochs = 60\nearly_stopping = 1\n[axes]\ndropout = [0, 0.3]\n[seeds]\ncount = 2\n";
    fs::write(folder.join("early.toml"), study).unwrap();
    ok(folder, "study run early.toml");
    let results = read(&folder.join("runs/studies/early/results.json"));
    let arms = results["arms"].as_array().unwrap();
    let trials: Vec<&Value> = arms.iter().flat_map(|arm| arm["trials"].as_array().unwrap()).collect();
    assert_eq!(trials.len(), 4);
    for trial in trials {
        let folder = folder.join("runs/studies/early/trials").join(trial["id"].as_str().unwrap());
        let manifest = read(&folder.join("manifest.json"));
        assert!(manifest["last"]["epoch"].as_u64().unwrap() < 60, "{manifest}");
        // What was measured is of the best epoch.
        assert_eq!(trial["epochs"][0]["epoch"], manifest["best_epoch"]);
        let error = 100.0 * (1.0 - trial["epochs"][0]["val_accuracy"].as_f64().unwrap());
        assert!((trial["values"]["val_error"].as_f64().unwrap() - error).abs() < 1e-5, "{trial}");
    }
    assert!(ok(folder, "study plan early.toml").contains("4 trials: 4 finished\n"));
    let tune = "tune --data digits --hidden 16 --epochs 40 --early-stopping 1 --trials 4 --seeds 2 --out t";
    ok(folder, tune);
    let recommended = fs::read_to_string(folder.join("t/recommended.toml")).unwrap();
    assert!(!recommended.contains("early_stopping") && !recommended.contains("epochs = 40"), "{recommended}");
    assert!(read(&folder.join("t/final/manifest.json"))["best_epoch"].is_null());
}
