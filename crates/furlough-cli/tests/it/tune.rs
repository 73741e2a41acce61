//! `furlough tune` from its first word to its last, stopped and killed on the way.

use crate::common::{fails, folder, furlough, interrupted, json_lines, model, ok};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

furlough_harness::tests![
    from_the_search_to_a_recipe_that_trains,
    stopped_and_killed_it_comes_to_the_same,
    a_reader_that_goes_away_stops_it,
    mistakes_are_told_and_leave_nothing_behind,
    a_tune_that_is_running_is_not_to_be_resumed unless nobody_lists_locks(),
];

/// Only Linux says who holds a lock.
fn nobody_lists_locks() -> Option<String> {
    (!Path::new("/proc/locks").exists()).then(|| "a system that lists its locks".into())
}

fn a_tune_that_is_running_is_not_to_be_resumed() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, "tune --data digits --hidden 8 --dropout 0.2 --epochs 2 --trials 4 --seeds 2 --out t --quiet");
    // As it was before its last file was written.
    fs::remove_file(folder.join("t/tune.json")).unwrap();
    let said = || {
        let page = folder.join("page.html");
        ok(folder, "report t --out page.html");
        (ok(folder, "info t"), ok(folder, "info t --json"), fs::read_to_string(page).unwrap())
    };
    let (info, json, page) = said();
    assert!(info.contains("tune --resume t") && page.contains("tune --resume t"), "{info}");
    assert!(json.contains("\"status\":\"unfinished\""), "{json}");
    let lock = fs::OpenOptions::new().create(true).append(true).open(folder.join("t/lock")).unwrap();
    lock.lock().unwrap();
    let (info, json, page) = said();
    assert!(info.contains("running · ") && !info.contains("--resume"), "{info}");
    assert!(json.contains("\"status\":\"running\"") && !page.contains("--resume"), "{json}");
    assert!(page.contains("This tune is running: it has begun"));
}

const SMALL: &str = "tune --data digits --hidden 32 --epochs 18 --trials 12 --seeds 2";

/// All that came out, its times left out.
fn outcome(folder: &Path, tune: &str) -> serde_json::Value {
    let text = fs::read(folder.join(tune).join("tune.json")).unwrap();
    let mut value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    value.as_object_mut().unwrap().remove("seconds");
    value
}

fn from_the_search_to_a_recipe_that_trains() {
    let folder = folder();
    let folder = folder.path();
    // As wide as the terminal is, lines break anywhere.
    let said = ok(folder, SMALL).split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "12 trials, 0.5, 0.1, 0.9, none first; compared after 2, 6, 18 epochs",
        "accuracy on one fold of 5, held out",
        "dropout 0.5",
        "no dropout",
        "accuracy over 2 seeds",
        "95 % confidence",
        "runs/tune-digits-1/recommended.toml",
        "360 test examples, looked at once",
        "evaluate runs/tune-digits-1/final",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in\n{said}");
    }
    let report = outcome(folder, "runs/tune-digits-1");
    assert_eq!(report["search"].as_array().unwrap().len(), 12);
    // The recommended recipe gives the final network again, and its score is the one that was told.
    ok(folder, "train --recipe runs/tune-digits-1/recommended.toml --out again --quiet");
    assert_eq!(model(folder, "again"), model(folder, "runs/tune-digits-1/final"));
    let score = json_lines(&ok(folder, "evaluate runs/tune-digits-1/final --json"));
    assert_eq!(score[0]["accuracy"], report["test"]["accuracy"]);

    let lines = json_lines(&ok(folder, &format!("{SMALL} --json --jobs 1")));
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!([of("start"), of("phase"), of("replicate"), of("verdict"), of("stop")], [1, 3, 4, 1, 1]);
    let verdict = lines.iter().find(|line| line["event"] == "verdict").unwrap();
    assert_eq!(verdict["text"], report["verdict"]["text"]);
    assert_eq!(outcome(folder, "runs/tune-digits-2"), report);
}

fn stopped_and_killed_it_comes_to_the_same() {
    let folder = folder();
    let folder = folder.path();
    let long = "tune --data digits --hidden 256 --epochs 54 --trials 12 --seeds 4";
    ok(folder, &format!("{long} --out whole --quiet"));

    let (code, said) = interrupted(folder, &format!("{long} --out a"), "6/54", "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("everything up to here is saved") && said.contains("tune --resume a"), "{said}");
    let (code, _) = interrupted(folder, "tune --resume a --json", "replicate", "KILL");
    assert_eq!(code, None);
    let said = ok(folder, "tune --resume a");
    assert!(said.contains("resumed: what is on record is not trained again"), "{said}");
    assert_eq!(
        (outcome(folder, "a"), model(folder, "a/final")),
        (outcome(folder, "whole"), model(folder, "whole/final"))
    );

    // Killed at moments that nobody chose.
    let mut kills = 0;
    let mut patience = 20;
    while !folder.join("b/tune.json").exists() {
        let begun = folder.join("b/tune.toml").exists();
        let args = if begun { "tune --resume b --quiet".into() } else { format!("{long} --out b --quiet") };
        let mut child = furlough(folder).args(args.split_whitespace()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(patience));
        patience += patience / 3;
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() || status.code().is_none(), "{status}: killed and nothing else");
        kills += u32::from(!status.success());
    }
    assert!(kills > 2, "killed {kills} times");
    assert_eq!(
        (outcome(folder, "b"), model(folder, "b/final")),
        (outcome(folder, "whole"), model(folder, "whole/final"))
    );
}

fn a_reader_that_goes_away_stops_it() {
    let folder = folder();
    let folder = folder.path();
    let mut child =
        furlough(folder).args(format!("{SMALL} --out a").split_whitespace()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    ok(folder, "tune --resume a --quiet");
}

fn mistakes_are_told_and_leave_nothing_behind() {
    let folder = folder();
    let folder = folder.path();
    for (args, code, expected) in [
        ("tune --data digits --budget 0", 1, "budget = 0: there is no time to try anything"),
        ("tune --data digits --budget ten", 2, "not a time such as 90s, 10m or 1h30m"),
        ("tune --data digits --trials 2", 1, "trials = 2: at least 4"),
        ("tune --data digits --seeds 1", 1, "seeds = 1"),
        ("tune --data digits --search widht", 1, "search = widht: cannot be searched for. Did you mean width?"),
        ("tune --data digits --search lr=1..0.1", 1, "is empty"),
        ("tune --data digits --search width,width", 1, "search = width: is there twice; name it once"),
        ("tune --data digits --l1 inf", 1, "l1 = inf: must be a finite number of at least 0"),
        ("tune --data digits --metric auc", 1, "metric = auc: there are accuracy and loss"),
        ("tune --data digits --folds 5000", 1, "folds = 5000: the data have only 1437"),
        ("tune --data digits --hidden none", 1, "there is no hidden layer to drop units of"),
        ("tune --data digist", 1, "Did you mean digits?"),
        ("tune --resume nothing", 1, "nothing: does not exist"),
        ("tune --resume nothing --trials 5", 2, "cannot be used with"),
        ("tune --resume nothing --lr 0.5", 2, "--lr cannot be used with --resume: a tune goes on with the recipe"),
    ] {
        let said = fails(folder, args, code);
        assert!(said.contains(expected), "furlough {args}: {said}");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "furlough {args} left something behind");
    }
    assert!(fails(folder, "tune --data digits --trials 2", 1).contains("see --trials in `furlough tune --help`"));

    fs::create_dir(folder.join("full")).unwrap();
    fs::write(folder.join("full/notes.txt"), "mine").unwrap();
    let said = fails(folder, &format!("{SMALL} --out full"), 1);
    assert!(said.contains("full: is not empty (it has notes.txt)"), "{said}");
    assert!(fails(folder, "tune --resume full", 1).contains("full: is no tune: tune.toml is missing"));
    ok(folder, "train --data digits --hidden 4 --epochs 1 --out run --quiet");
    assert!(fails(folder, &format!("{SMALL} --out run"), 1).contains("run: is not empty"));

    let (code, _) = interrupted(folder, "tune --data digits --epochs 1000000 --out a", "tune ", "INT");
    assert_eq!(code, Some(130));
    let said = fails(folder, &format!("{SMALL} --out a"), 1);
    assert!(said.contains("a: holds another tune") && said.contains("--resume a"), "{said}");
    let told = fs::read_to_string(folder.join("a/tune.toml")).unwrap();
    fs::write(folder.join("a/tune.toml"), told.replacen("data = \"", "data = \"0", 1)).unwrap();
    assert!(fails(folder, "tune --resume a --quiet", 1).contains("a: was begun with other data"));
}
