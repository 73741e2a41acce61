//! Training, evaluating and looking at a run, as a user does it.

use crate::common::{fails, folder, json_lines, model, ok, run, stable};
use std::fs;

furlough_harness::tests![
    train_then_evaluate_then_info,
    runs_that_begin_together_take_different_folders,
    json_tells_the_same_as_the_files,
    explaining_a_step_trains_nothing,
    a_run_of_its_own_recipe_is_the_same_run,
    a_batch_larger_than_the_data_is_one_batch,
    quiet_says_nothing_and_live_needs_a_terminal,
    a_loss_that_is_not_finite_ends_the_run_in_order,
    a_run_that_diverged_has_no_network_to_evaluate,
    masked_passes_say_how_sure_the_network_is,
    passes_without_masks_are_refused,
    examples_held_out_take_the_place_of_the_test_set,
    runs_answer_together,
    what_concrete_dropout_learns_is_told_epoch_by_epoch,
];

const SMALL: &str = "train --data digits --hidden 32,16 --epochs 3 --threads 2";

fn train_then_evaluate_then_info() {
    let folder = folder();
    let shown = ok(folder.path(), SMALL);
    let around_the_chart: Vec<&str> =
        shown.lines().filter(|line| !line.contains(['│', '└']) && !line.contains("3 epochs  ")).collect();
    let _stable = stable();
    insta::assert_snapshot!("train", around_the_chart.join("\n"));
    assert!(shown.contains("└─────"), "{shown}");
    for file in ["recipe.toml", "metrics.jsonl", "model.safetensors", "curves.svg", "curves.png", "manifest.json"] {
        assert!(folder.path().join("runs/digits-1").join(file).is_file(), "{file}");
    }

    let evaluation = ok(folder.path(), "evaluate runs/digits-1");
    let last = shown.lines().find(|line| line.contains("3/3")).unwrap().split_whitespace();
    let test_loss = last.clone().nth(4).unwrap();
    assert!(evaluation.contains(&format!("loss      {test_loss}")), "{shown}\n{evaluation}");
    assert!(evaluation.contains("class   precision     recall         F1   support"), "{evaluation}");

    let info = ok(folder.path(), "info runs/digits-1");
    assert!(info.contains("finished · 3 epochs"), "{info}");
    assert!(info.contains("hidden = [32, 16]"), "{info}");

    // The next run gets the next number.
    ok(folder.path(), SMALL);
    assert_eq!(model(folder.path(), "runs/digits-1"), model(folder.path(), "runs/digits-2"));
}

fn runs_that_begin_together_take_different_folders() {
    let folder = folder();
    let start = || {
        let mut command = crate::common::furlough(folder.path());
        command.args("train --data digits --hidden 8 --epochs 1 --quiet".split(' ')).spawn().unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 6);
}

fn json_tells_the_same_as_the_files() {
    let folder = folder();
    let lines = json_lines(&ok(folder.path(), &format!("{SMALL} --json --out a")));
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert_eq!(lines[0]["event"], "start");
    assert_eq!(lines[0]["data"]["train"], 1437);
    assert_eq!(lines[0]["data"]["judge"], "test");
    assert_eq!(lines[0]["network"]["dropout"], serde_json::json!([0.2, 0.5]));
    assert_eq!(lines[0]["parameters"], 64 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10);
    assert_eq!(lines[0]["threads"], 2);
    assert_eq!(lines[0]["run"], "a");
    assert_eq!(of("step").len(), 3 * 45);
    assert_eq!(of("checkpoint").len(), 3);
    assert_eq!(lines.last().unwrap()["event"], "stop");
    assert_eq!(lines.last().unwrap()["reason"], "finished");

    let log = json_lines(&fs::read_to_string(folder.path().join("a/metrics.jsonl")).unwrap());
    let keys = ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"];
    for (shown, logged) in of("epoch").iter().zip(&log) {
        assert!(keys.iter().all(|&key| shown[key].is_number() && shown[key] == logged[key]), "{shown} {logged}");
    }
    assert_eq!(of("epoch").len(), 3);

    let evaluation = &json_lines(&ok(folder.path(), "evaluate a --json"))[0];
    assert_eq!(evaluation["loss"], log[2]["test_loss"]);
    assert_eq!(evaluation["accuracy"], log[2]["test_accuracy"]);
    let confusion = evaluation["confusion"].as_array().unwrap();
    let sum: u64 = confusion.iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum, 360);
    assert_eq!(evaluation["classes"].as_array().unwrap().len(), 10);
    let calibration = &evaluation["calibration"];
    let likelihood = calibration["negative_log_likelihood"].as_f64().unwrap();
    assert!((likelihood - log[2]["test_loss"].as_f64().unwrap()).abs() < 1e-5, "the loss by another way");
    let bins = calibration["bins"].as_array().unwrap();
    assert_eq!(bins.iter().map(|bin| bin["examples"].as_u64().unwrap()).sum::<u64>(), 360);

    let info = &json_lines(&ok(folder.path(), "info a --json"))[0];
    assert_eq!(info["status"], "finished");
    assert_eq!(info["recipe"]["hidden"], serde_json::json!([32, 16]));
    assert_eq!(info["epochs"].as_array().unwrap().len(), 3);
}

fn explaining_a_step_trains_nothing() {
    let folder = folder();
    let said = ok(folder.path(), "train --data digits --threads 1 --batch-size 100 --hidden 256,40 --explain");
    assert!(said.starts_with("100 rows, 1 thread, f32 by "), "{said}");
    for layer in ["layer 1, 64 to 256: forward ", "layer 2, 256 to 40: forward ", "layer 3, 40 to 10: forward "] {
        assert!(said.contains(layer), "{said}");
    }
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "a run was begun");
}

fn a_run_of_its_own_recipe_is_the_same_run() {
    let folder = folder();
    let flags = "--momentum 0.9 --nesterov --lr 0.02 --max-norm 2.5 --weight-decay 0.0001 --activation gelu \
                 --init uniform:0.1 --input-dropout 0.1 --dropout 0.25 --batch-size 50 --seed 7";
    ok(folder.path(), &format!("{SMALL} {flags} --out a"));
    ok(folder.path(), "train --recipe a/recipe.toml --out b --threads 1 --quiet");
    assert_eq!(model(folder.path(), "a"), model(folder.path(), "b"));
    ok(folder.path(), "train --recipe a/recipe.toml --seed 8 --out c --quiet");
    assert_ne!(model(folder.path(), "a"), model(folder.path(), "c"), "a flag overrides the file");
}

fn a_batch_larger_than_the_data_is_one_batch() {
    let folder = folder();
    let lines = json_lines(&ok(folder.path(), "train --data digits --hidden 8 --batch-size 5000 --epochs 2 --json"));
    let steps: Vec<_> = lines.iter().filter(|line| line["event"] == "step").collect();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0]["examples"], 1437);
}

fn quiet_says_nothing_and_live_needs_a_terminal() {
    let folder = folder();
    let output = run(folder.path(), &format!("{SMALL} --quiet"));
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    let output = run(folder.path(), &format!("{SMALL} --live"));
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "note: no live curves, standard output is not a terminal; plain lines instead\n");
    assert!(String::from_utf8(output.stdout).unwrap().contains("3/3"));
}

fn a_loss_that_is_not_finite_ends_the_run_in_order() {
    let folder = folder();
    let output = run(folder.path(), "train --data digits --lr 1e30 --out a");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: the loss became") && said.contains("in epoch 1, step "), "{said}");
    let info = ok(folder.path(), "info a");
    assert!(info.contains("diverged: the loss became") && !info.contains("resume"), "{info}");
}

fn a_run_that_diverged_has_no_network_to_evaluate() {
    let folder = folder();
    run(folder.path(), "train --data digits --lr 1e30 --out a");
    let said = fails(folder.path(), "evaluate a", 1);
    assert!(said.contains("a: the run failed, so it has no results: diverged: the loss became"), "{said}");
}

fn masked_passes_say_how_sure_the_network_is() {
    let folder = folder();
    ok(folder.path(), &format!("{SMALL} --out a --quiet --seed 5"));
    let page = ok(folder.path(), "evaluate a --samples 40");
    // Right answers are counts, and another instruction set may have one more.
    let counts = |line: &str| line.contains("of 360") || line.trim_start().starts_with("examples");
    let blurred = |line: &str| if counts(line) { line.replace(|c: char| c.is_ascii_digit(), "#") } else { line.into() };
    let tables: Vec<String> = page.lines().take_while(|line| !line.contains("precision")).map(blurred).collect();
    let _stable = stable();
    insta::assert_snapshot!("evaluate_samples", tables.join("\n"));

    let of = |args: &str| json_lines(&ok(folder.path(), &format!("evaluate a --json {args}"))).remove(0);
    assert!(of("")["sampled"].is_null());
    let [all, again, other, one] = ["40 --threads 1", "40 --threads 3 --seed 5", "40 --seed 6", "1"]
        .map(|args| of(&format!("--samples {args}"))["sampled"].take());
    assert!(all["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!((&all["samples"], &all["seed"]), (&serde_json::json!(40), &serde_json::json!(5)));
    for key in ["loss", "accuracy", "right", "wrong", "calibration"] {
        assert_eq!(all[key], again[key], "the run's own seed, other threads");
    }
    assert_ne!(all["loss"], other["loss"], "another seed, other masks");
    assert!(page.contains(&format!("{:.4}", all["loss"].as_f64().unwrap())));
    assert!(page.contains(&format!("{:.4}", all["calibration"]["brier"].as_f64().unwrap())));
    assert_ne!(all["calibration"], of("")["calibration"], "the average is another classifier than the full network");
    let [right, wrong] = ["right", "wrong"].map(|group| all[group]["examples"].as_u64().unwrap());
    assert_eq!(right + wrong, 360);
    assert_eq!(all["accuracy"], right as f64 / 360.0);
    for key in ["predictive_entropy", "agreement"] {
        let [right, wrong] = ["right", "wrong"].map(|group| all[group][key].as_f64().unwrap());
        assert_eq!(right < wrong, key != "agreement", "{key}: {right} of right answers, {wrong} of wrong ones");
    }
    // A single pass agrees with itself, but for rounding, and the average of many has a lower loss.
    assert_eq!(one["right"]["agreement"], 1.0);
    assert!(one["right"]["mutual_information"].as_f64().unwrap() < 1e-6);
    assert!(one["loss"].as_f64().unwrap() > all["loss"].as_f64().unwrap());
}

fn passes_without_masks_are_refused() {
    let folder = folder();
    ok(folder.path(), "train --data digits --hidden 8 --epochs 1 --dropout 0 --out a --quiet");
    let said = fails(folder.path(), "evaluate a --samples 10", 1);
    assert_eq!(
        said,
        "error: --samples: this network was trained without dropout, so its passes would all be the same\n"
    );
    ok(folder.path(), "train --data digits --hidden 8 --epochs 1 --dropout 0 --input-dropout 0.1 --out b --quiet");
    ok(folder.path(), "evaluate b --samples 10");
}

fn examples_held_out_take_the_place_of_the_test_set() {
    let folder = folder();
    let shown = ok(folder.path(), &format!("{SMALL} --folds 5 --fold 1 --train-examples 1000 --out a"));
    assert!(shown.contains("1,000 train, 287 validation"), "{shown}");
    assert!(shown.contains("val. loss"), "{shown}");
    assert!(shown.contains("validation accuracy"), "{shown}");
    assert!(ok(folder.path(), "info a").contains("validation loss"));
    assert!(fs::read_to_string(folder.path().join("a/curves.svg")).unwrap().contains("validation, full network"));

    // Its figures are called so wherever a program reads them.
    let json = json_lines(&ok(folder.path(), &format!("{SMALL} --folds 5 --out told --json")));
    assert_eq!((&json[0]["data"]["judge"], &json[0]["data"]["validation"]), (&"validation".into(), &287.into()));
    let log = json_lines(&fs::read_to_string(folder.path().join("told/metrics.jsonl")).unwrap());
    let told = json.iter().filter(|line| line["event"] == "epoch");
    for record in told.chain(&log) {
        assert!(record["val_loss"].is_f64() && record["val_accuracy"].is_f64(), "{record}");
        assert!(record.get("test_loss").is_none() && record.get("test_accuracy").is_none(), "{record}");
    }

    // The test set is still there for whoever asks; and it is the data that the run was trained on.
    let evaluation = run(folder.path(), "evaluate a --json");
    assert_eq!(String::from_utf8(evaluation.stderr).unwrap(), "");
    assert_eq!(json_lines(&String::from_utf8(evaluation.stdout).unwrap())[0]["examples"], 360);

    // Runs that differ in their seed share the split.
    ok(folder.path(), &format!("{SMALL} --folds 5 --fold 1 --train-examples 1000 --seed 1 --out b"));
    let fingerprint = |run: &str| {
        let manifest = fs::read_to_string(folder.path().join(run).join("manifest.json")).unwrap();
        json_lines(&manifest.replace('\n', ""))[0]["data_fingerprint"].as_str().unwrap().to_string()
    };
    assert_eq!(fingerprint("a"), fingerprint("b"));
}

fn runs_answer_together() {
    let folder = folder();
    for seed in 0..3 {
        ok(folder.path(), &format!("{SMALL} --seed {seed} --out s{seed} --quiet"));
    }
    let alone = &json_lines(&ok(folder.path(), "evaluate s0 --json"))[0];
    assert!(alone.get("together").is_none());
    let shown = &json_lines(&ok(folder.path(), "evaluate s0 s1 s2 --json"))[0];
    let together = shown["together"].as_array().unwrap();
    assert_eq!(together.len(), 3);
    assert_eq!((&together[0]["run"], &together[2]["members"]), (&"s0".into(), &3.into()));
    for figure in ["accuracy", "loss"] {
        assert!((together[0][figure].as_f64().unwrap() - alone[figure].as_f64().unwrap()).abs() < 1e-6, "{figure}");
        // What is shown beside it is of all of them together.
        assert!((together[2][figure].as_f64().unwrap() - shown[figure].as_f64().unwrap()).abs() < 1e-12, "{figure}");
    }
    let rows =
        |report: &serde_json::Value| serde_json::from_value::<Vec<Vec<u64>>>(report["confusion"].clone()).unwrap();
    let right: u64 = rows(shown).iter().enumerate().map(|(class, row)| row[class]).sum();
    assert_eq!(right as f64 / 360.0, shown["accuracy"].as_f64().unwrap());
    assert_ne!(rows(shown), rows(alone));
    for (class, row) in rows(shown).iter().enumerate() {
        let recall = row[class] as f64 / row.iter().sum::<u64>() as f64;
        assert_eq!(shown["classes"][class]["recall"], recall);
    }
    assert_ne!(shown["calibration"], alone["calibration"]);
    // The loss of a mean is at most the mean of the losses (Jensen), and 3 networks of different
    // seeds are not the same.
    assert!(together[2]["loss"].as_f64() < together[0]["loss"].as_f64());
    let text = ok(folder.path(), "evaluate s0 s1 s2");
    assert!(text.contains("runs together   accuracy       loss   with"), "{text}");
    assert!(text.contains("the mean of their probabilities"), "{text}");
    let share = |report: &serde_json::Value| format!("accuracy  {:.2} %", 100.0 * report["accuracy"].as_f64().unwrap());
    assert!(text.contains(&share(shown)) && share(shown) != share(alone), "{text}");
    // Masked passes are one network's.
    let text = ok(folder.path(), "evaluate s0 s1 --samples 5");
    assert!(text.contains("5 masked passes of s0 · seed 0"), "{text}");

    // Nobody counts twice, by whatever name.
    let twice = |args: &str| fails(folder.path(), &format!("evaluate {args}"), 1);
    assert_eq!(twice("s0 s1 s0"), "error: s0 is given twice\n");
    assert_eq!(twice("s0 ./s1/../s0/"), "error: ./s1/../s0/ is given twice\n");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("s0", folder.path().join("link")).unwrap();
        assert_eq!(twice("s0 link"), "error: link is given twice\n");
    }
    ok(folder.path(), &format!("{SMALL} --seed 1 --out again --quiet"));
    let said = "error: again is the same network as s1, and would count twice in their mean; leave one of them out\n";
    assert_eq!(twice("s0 s1 again"), said);

    let mixed = run(folder.path(), "evaluate s0 nothing");
    assert_eq!(String::from_utf8(mixed.stderr).unwrap(), "error: nothing: does not exist; give the folder of a run\n");
}

fn what_concrete_dropout_learns_is_told_epoch_by_epoch() {
    let folder = folder();
    let folder = folder.path();
    let learn = "train --data digits --hidden 16,8 --dropout 0.3,0.1 --dropout-kind concrete --epochs 3";
    let lines = json_lines(&ok(folder, &format!("{learn} --out a --json")));
    let log = |run: &str| json_lines(&fs::read_to_string(folder.join(run).join("metrics.jsonl")).unwrap());
    let told: Vec<_> =
        lines.iter().filter(|line| line["event"] == "epoch").map(|line| &line["learnt_dropout"]).collect();
    assert_eq!(told, log("a").iter().map(|record| &record["learnt_dropout"]).collect::<Vec<_>>());
    assert_eq!((&told[0][0]["layer"], &told[0][1]["layer"]), (&1.into(), &2.into()));
    assert!(told[0][0]["p"].as_f64() < Some(0.3) && told[0] != told[1] && told[1] != told[2], "{told:?}");
    let info = &json_lines(&ok(folder, "info a --json"))[0];
    assert_eq!((&info["learnt_dropout"], &info["last"]["learnt_dropout"]), (told[2], told[2]));
    assert!(ok(folder, "info a").contains(" after hidden layer 1, "));
    ok(folder, "report a --plots plots");
    let page = fs::read_to_string(folder.join("a/report.html")).unwrap();
    assert!(
        page.contains("id=\"learned-0\"")
            && page.contains(&format!("0.1, learned {:.4}", told[2][1]["p"].as_f64().unwrap()))
    );
    assert!(folder.join("plots/learned.svg").is_file() && folder.join("plots/learned.png").is_file());

    // A run of an older furlough has no such key: it is read, and what it came to is in its model.
    let old: String = fs::read_to_string(folder.join("a/metrics.jsonl"))
        .unwrap()
        .lines()
        .map(|line| {
            format!(
                "{},{}\n",
                &line[..line.find(",\"learnt_dropout").unwrap()],
                &line[line.find("\"seconds").unwrap()..]
            )
        })
        .collect();
    fs::write(folder.join("a/metrics.jsonl"), old).unwrap();
    fs::remove_file(folder.join("a/manifest.json")).unwrap();
    let info = &json_lines(&ok(folder, "info a --json"))[0];
    assert!(info["epochs"].as_array().unwrap().len() == 3 && info.get("learnt_dropout").is_none(), "{info}");
    ok(folder, "train --resume a --quiet");
    let info = &json_lines(&ok(folder, "info a --json"))[0];
    assert_eq!(&info["learnt_dropout"], told[2]);
}
