//! A run that was stopped, by whatever means, comes to the very model of one that never was.

use crate::common::{fails, folder, furlough, interrupted, json_lines, model, ok, run};
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

furlough_harness::tests![
    ctrl_c_then_resume_is_the_same_run,
    what_was_learned_is_the_same_in_a_resumed_run,
    #[cfg(target_os = "linux")]
    ctrl_c_ends_an_evaluation_at_once,
    kill_at_any_moment_then_resume_is_the_same_run,
    kill_at_any_moment_then_resume_is_the_same_run_with_adam,
    a_checkpoint_that_does_not_fit_is_refused,
];

const MOMENTUM: &str = "--data digits --hidden 48,24 --momentum 0.8 --lr 0.03 --max-norm 3 --seed 5";
const ADAM: &str = "--data digits --hidden 48,24 --optimizer adam --weight-decay 1e-4 --clip-norm 1 \
    --lr-schedule warmup:0.2+cosine --weight-decay-schedule flat_cos --dropout-sharing batch --seed 6";

/// The log without its times.
fn log(folder: &Path, run: &str) -> Vec<serde_json::Value> {
    let mut lines = json_lines(&std::fs::read_to_string(folder.join(run).join("metrics.jsonl")).unwrap());
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("seconds")));
    lines
}

fn ctrl_c_then_resume_is_the_same_run() {
    let folder = folder();
    let folder = folder.path();
    let train = format!("train {MOMENTUM} --epochs 150");
    ok(folder, &format!("{train} --out whole --quiet"));

    let (code, said) = interrupted(folder, &format!("{train} --out a --json"), "\"epoch\":3,", "INT");
    assert_eq!(code, Some(130), "{said}");
    let stop = json_lines(&said).pop().unwrap();
    assert_eq!((&stop["event"], &stop["reason"]), (&"stop".into(), &"asked".into()), "{stop}");
    assert!(ok(folder, "info a").contains("train --resume a"));

    let (code, said) = interrupted(folder, "train --resume a --threads 1 --json", "\"event\":\"epoch\"", "TERM");
    assert_eq!(code, Some(130), "{said}");
    let (code, said) = interrupted(folder, "train --data digits --epochs 1000000 --out b", "/1000000", "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("everything up to here is saved") && said.contains("train --resume b"), "{said}");

    let shown = ok(folder, "train --resume a");
    assert!(shown.contains("resumed ") && shown.contains("150/150"), "{shown}");
    assert_eq!(model(folder, "a"), model(folder, "whole"));
    assert_eq!(log(folder, "a"), log(folder, "whole"));
}

fn what_was_learned_is_the_same_in_a_resumed_run() {
    let folder = folder();
    let folder = folder.path();
    let train = "train --data digits --hidden 48 --dropout 0.4 --dropout-kind concrete --epochs 150";
    ok(folder, &format!("{train} --out whole --quiet"));
    let (code, said) = interrupted(folder, &format!("{train} --out a --json"), "\"epoch\":3,", "INT");
    assert_eq!(code, Some(130), "{said}");
    ok(folder, "train --resume a --quiet");
    assert_eq!(model(folder, "a"), model(folder, "whole"));
    assert_eq!(log(folder, "a"), log(folder, "whole"));
    assert!(log(folder, "a").iter().all(|record| record["learnt_dropout"][0]["p"].is_f64()));
    assert!(log(folder, "whole")[0]["learnt_dropout"] != log(folder, "whole")[149]["learnt_dropout"]);
}

/// Whether a process catches Ctrl-C by now.
#[cfg(target_os = "linux")]
fn catches_interrupts(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    u64::from_str_radix(caught, 16).unwrap() & 0b10 != 0
}

#[cfg(target_os = "linux")]
fn ctrl_c_ends_an_evaluation_at_once() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, "train --data digits --hidden 512,256 --epochs 1 --out a --quiet");
    let mut command = furlough(folder);
    let args = ["evaluate", "a", "--samples", "4000000000", "--threads", "1"];
    let child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !catches_interrupts(child.id()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(200)); // into the passes
    let began = std::time::Instant::now();
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(output.status.code(), Some(130));
    assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b"stopped; nothing was changed\n"[..]));
}

fn kill_at_any_moment_then_resume_is_the_same_run() {
    killed_and_resumed(MOMENTUM);
}

/// With both of its moments, its step, a clipped gradient and all schedules.
fn kill_at_any_moment_then_resume_is_the_same_run_with_adam() {
    killed_and_resumed(ADAM);
}

fn killed_and_resumed(flags: &str) {
    let folder = folder();
    let folder = folder.path();
    let seed = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let mut random = seed;
    let mut kills = 0;
    let train = format!("train {flags} --epochs 8 --quiet");
    ok(folder, &format!("{train} --out whole"));
    let mut round = 0;
    // A kill has power only while there is something to interrupt, so it is the kills that are
    // counted.
    while kills < 12 {
        round += 1;
        let run = format!("killed-{round}");
        // A process killed before it wrote the recipe, its first file, has not begun a run: the
        // same command begins it.
        let begin = format!("{train} --out {run} --checkpoint-every 1");
        let resume = format!("train --resume {run} --checkpoint-every 2 --quiet");
        let mut patience = 15;
        loop {
            let begun = folder.join(&run).join("recipe.toml").exists();
            let args = if begun { &resume } else { &begin };
            let mut child = furlough(folder).args(args.split_whitespace()).spawn().unwrap();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_micros((random >> 33) % (1000 * patience)));
            patience += 5;
            child.kill().unwrap();
            let status = child.wait().unwrap();
            if status.success() {
                break;
            }
            assert_eq!(status.code(), None, "killed and nothing else; random seed {seed}");
            kills += 1;
            if folder.join(&run).join("manifest.json").exists() {
                break; // killed when all was done
            }
        }
        assert_eq!(model(folder, &run), model(folder, "whole"), "random seed {seed}");
        assert_eq!(log(folder, &run), log(folder, "whole"), "random seed {seed}");
    }
}

fn a_checkpoint_that_does_not_fit_is_refused() {
    let folder = folder();
    let folder = folder.path();
    // A run that ends by itself in the middle, with a checkpoint.
    run(folder, "train --data digits --hidden 8 --lr 1e30 --out a --quiet");
    let checkpoint = folder.join("a/checkpoint.safetensors");
    let good = std::fs::read(&checkpoint).unwrap();

    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for bad in [&flipped[..], &good[..good.len() - 3], &good[..20], b""] {
        std::fs::write(&checkpoint, bad).unwrap();
        let said = fails(folder, "train --resume a --quiet", 1);
        assert!(said.contains("checkpoint.safetensors"), "{said}");
    }

    run(folder, "train --data digits --hidden 8 --lr 1e30 --seed 1 --out b --quiet");
    std::fs::copy(folder.join("b/checkpoint.safetensors"), &checkpoint).unwrap();
    let said = fails(folder, "train --resume a --quiet", 1);
    assert!(said.contains("recipe"), "{said}");
}
