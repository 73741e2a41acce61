//! Every mistake gets one clear message, an exit code, and leaves nothing behind.

use crate::common::{fails, folder, ok};
use std::fmt::Write;
use std::fs;

furlough_harness::tests![
    values_out_of_range,
    networks_larger_than_memory,
    #[cfg(target_os = "linux")]
    memory_that_is_not_there_is_refused_before_the_work,
    command_lines_that_make_no_sense,
    things_that_are_not_there,
    recipe_files,
    folders_that_are_not_empty_are_left_alone,
    finished_runs_are_not_resumed_and_damaged_ones_are_refused,
    parts_of_different_runs_are_refused,
    #[cfg(unix)]
    a_closed_pipe_ends_quietly,
];

/// The messages for command lines that fail with `code`, in the form of a transcript. None may
/// leave anything behind.
fn transcript(lines: &[&str], code: i32) -> String {
    let mut text = String::new();
    for line in lines {
        let folder = folder();
        let said = fails(folder.path(), line, code);
        writeln!(text, "$ furlough {line}\n{said}").unwrap();
        let left: Vec<_> = walk(folder.path());
        assert_eq!(left, Vec::<String>::new(), "furlough {line} left something behind");
    }
    text
}

/// Everything in a folder, empty folders too.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let within = if path.is_dir() { walk(&path) } else { Vec::new() };
            [vec![path.display().to_string()], within].concat()
        })
        .collect()
}

fn values_out_of_range() {
    let lines = [
        "train --data digits --train-examples 0",
        "train --data digits --train-examples 1438",
        "train --data digits --folds 1",
        "train --data digits --folds 1438",
        "train --data digits --folds 5 --fold 5",
        "train --data digits --fold 1",
        "train --data digits --split-seed 1",
        "train --data digits --hidden 0",
        "train --data digits --hidden 64,0",
        "train --data digits --hidden 64,32 --dropout 0.1,0.2,0.3",
        "train --data digits --dropout 1.5",
        "train --data digits --dropout -0.5",
        "train --data digits --dropout nan",
        "train --data digits --input-dropout 2",
        "train --data digits --dropout-sharing 0",
        "train --data digits --dropout-sharing -4",
        "train --data digits --dropout-sharing all",
        "train --data digits --init kaming",
        "train --data digits --init uniform:x",
        "train --data digits --lr nan",
        "train --data digits --lr 0",
        "train --data digits --lr -0.1",
        "train --data digits --lr inf",
        "train --data digits --momentum 1",
        "train --data digits --nesterov",
        "train --data digits --weight-decay -1",
        "train --data digits --weight-decay inf",
        "train --data digits --l1 inf",
        "train --data digits --max-norm inf",
        "train --data digits --momentum inf",
        "train --data digits --dropout inf",
        "train --data digits --init normal:inf",
        "train --data digits --dropout-kind concrete --concrete-length inf",
        "train --data digits --dropout-schedule early:inf",
        "train --data digits --max-norm 0",
        "train --data digits --batch-size 0",
        "train --data digits --epochs 0",
        "train --data digits --label-smoothing 1",
        "train --data digits --class-weights even",
        "train --data digits --class-weights 1,-1",
        "train --data digits --class-weights 1,2,3",
        "train --data digits --early-stopping 5",
        "train --data digits --early-stopping-metric accuracy",
        "train --data digits --seed 9223372036854775808",
    ];
    insta::assert_snapshot!(transcript(&lines, 1));
}

fn networks_larger_than_memory() {
    // More than the 47 bits that a process can address, so that no machine has it.
    for hidden in ["1000000000000", "200000000,200000000", "18446744073709551615"] {
        let folder = folder();
        let said = fails(folder.path(), &format!("train --data digits --out a/b/c --hidden {hidden}"), 1);
        assert!(said.starts_with("error: layer "), "{said}");
        assert_eq!(walk(folder.path()), Vec::<String>::new(), "--hidden {hidden}");
    }
}

/// What `ulimit` leaves is known beforehand, so that nothing is aborted in the middle.
#[cfg(target_os = "linux")]
fn memory_that_is_not_there_is_refused_before_the_work() {
    let folder = folder();
    let program = assert_cmd::cargo::cargo_bin!("furlough");
    let limited = |limit: &str, args: &str| {
        let line = format!("ulimit {limit} && exec {} {args} --threads 2", program.display());
        let output = crate::common::furlough(folder.path());
        let environment: Vec<_> = output.get_envs().filter_map(|(name, value)| Some((name, value?))).collect();
        let mut shell = std::process::Command::new("/bin/bash");
        let done = shell.args(["-c", &line]).env_clear().envs(environment).current_dir(&folder).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    for limit in ["-v 800000", "-d 700000"] {
        let (code, said) = limited(limit, "train --data digits --hidden 200000");
        assert_eq!(code, Some(1), "{said}");
        let expected = "error: layer 2 (Linear(64, 200000)): is the largest layer of a network that takes about ";
        assert!(said.starts_with(expected) && said.contains(&format!("but `ulimit {}` leaves", &limit[..2])), "{said}");
    }
    assert_eq!(walk(folder.path()), Vec::<String>::new());
    let (code, said) = limited("-v 800000", "train --data digits --hidden 64 --epochs 1 --quiet --out a");
    assert_eq!((code, &*said), (Some(0), ""), "what fits is not refused");
    let (code, said) = limited("-v 800000", "evaluate a");
    assert_eq!((code, &*said), (Some(0), ""));
}

fn command_lines_that_make_no_sense() {
    let lines = [
        "train --hidden 64,x",
        "train --hidden -3",
        "train --activation rleu",
        "train --optimizer adagrad",
        "train --lr fast",
        "train --epochs 1.5",
        "train --threads 0",
        "train --threads 100000",
        "train --seed 99999999999999999999",
        "train --batch-size -1",
        "train --dropout 0.1,x",
        "train --checkpoint-every 0",
        "train --json --live",
        "train --resume runs/a --lr 0.1 --seed 3",
        "train --resume runs/a --out runs/b",
        "train --epoch 3",
        "tarin",
        "evaluate",
        "evaluate runs/a --samples 0",
        "evaluate runs/a --samples many",
        "evaluate runs/a --samples 5000000000",
        "evaluate runs/a --seed 1",
    ];
    insta::assert_snapshot!(transcript(&lines, 2));
}

fn things_that_are_not_there() {
    let lines = [
        "train --data digts",
        "train --recipe none.toml",
        "train --resume runs/none",
        "evaluate runs/none",
        "info runs/none",
    ];
    insta::assert_snapshot!(transcript(&lines, 1));
}

fn recipe_files() {
    let folder = folder();
    let mut text = String::new();
    for recipe in [
        "lr = = 2",
        "data = \"digits\"\nlr = 0.1\nlearning = 2",
        "epochs = \"ten\"",
        "activation = \"rleu\"",
        "data = \"digits\"\ndropout = 1.5",
        "hidden = [64, -1]",
        "\"l\\nr\" = 1",
        "data = \"dig\\nits\"",
    ] {
        fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
        let said = fails(folder.path(), "train --recipe recipe.toml", 1);
        let (_, hints) = said.split_once('\n').unwrap();
        assert!(hints.is_empty() || hints.starts_with("hint: ") && hints.lines().count() == 1, "{said}");
        writeln!(text, "{recipe}\n---\n{said}").unwrap();
    }
    assert!(text.contains("line 3, column 1"), "{text}");
    insta::assert_snapshot!(text);
}

fn folders_that_are_not_empty_are_left_alone() {
    let folder = folder();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/letter.txt"), "dear").unwrap();
    let said = fails(folder.path(), "train --data digits --out mine", 1);
    assert!(said.contains("mine: is not empty (it has letter.txt)"), "{said}");
    assert_eq!(fs::read_dir(folder.path().join("mine")).unwrap().count(), 1);

    let said = fails(folder.path(), "info mine", 1);
    assert!(said.contains("mine"), "{said}");
    let said = fails(folder.path(), "train --resume mine", 1);
    assert!(said.contains("mine"), "{said}");
}

fn finished_runs_are_not_resumed_and_damaged_ones_are_refused() {
    let folder = folder();
    ok(folder.path(), "train --data digits --hidden 8 --epochs 1 --out a --quiet");
    let said = fails(folder.path(), "train --resume a", 1);
    assert!(said.contains("already finished"), "{said}");

    let model = folder.path().join("a/model.safetensors");
    let good = fs::read(&model).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(&model, &bad).unwrap();
    let said = fails(folder.path(), "evaluate a", 1);
    assert!(said.contains("model.safetensors"), "{said}");
    fs::write(&model, &good[..good.len() / 2]).unwrap();
    fails(folder.path(), "evaluate a", 1);
    fs::remove_file(&model).unwrap();
    let said = fails(folder.path(), "evaluate a", 1);
    assert!(
        said.contains("is missing, though the run is finished") && said.contains("a/recipe.toml gives the same"),
        "{said}"
    );

    fs::write(folder.path().join("a/metrics.jsonl"), "").unwrap();
    let said = fails(folder.path(), "info a", 1);
    assert!(said.contains("a/metrics.jsonl: is damaged: it has 0 epochs, and the finished run has 1"), "{said}");
}

/// What is shown of a run is the run's own, or nothing is.
fn parts_of_different_runs_are_refused() {
    let folder = folder();
    let folder = folder.path();
    for seed in 0..3 {
        ok(folder, &format!("train --data digits --hidden 8 --epochs 1 --seed {seed} --out s{seed} --quiet"));
    }
    let exchanged = |file: &str, commands: &[&str], expected: &str| {
        let own = fs::read(folder.join("s0").join(file)).unwrap();
        fs::copy(folder.join("s1").join(file), folder.join("s0").join(file)).unwrap();
        for command in commands {
            let said = fails(folder, command, 1);
            assert!(said.contains(expected) && said.lines().count() == 1, "furlough {command}: {said}");
        }
        fs::write(folder.join("s0").join(file), own).unwrap();
    };
    let all = ["evaluate s0", "evaluate s2 s0", "info s0", "compare s2 s0", "report s0"];
    exchanged("recipe.toml", &all, "s0/recipe.toml: is not what the run wrote: manifest.json beside it");
    exchanged("manifest.json", &all, "s0/recipe.toml: is not what the run wrote: manifest.json beside it");
    exchanged("model.safetensors", &all[..2], "s0/model.safetensors: is the model of another run");
    exchanged("metrics.jsonl", &all[2..], "s0/metrics.jsonl: is not what the run wrote: manifest.json beside it");
    all.iter().for_each(|command| drop(ok(folder, command)));
}

#[cfg(unix)]
fn a_closed_pipe_ends_quietly() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;
    let folder = folder();
    for args in ["train --data digits --epochs 1000", "train --data digits --epochs 1000 --json"] {
        let mut command = crate::common::furlough(folder.path());
        command.args(args.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(130), ""), "furlough {args}");
    }
    let text = ok(folder.path(), "info runs/digits-1");
    assert!(text.contains("not finished"), "{text}");

    // Nobody reads at all: the other end is closed before the program begins.
    for args in ["data list", "data info digits", "info runs/digits-1", "completions bash", "train --help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = crate::common::furlough(folder.path()).args(args.split(' ')).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "furlough {args}");
        assert_eq!(output.status.code(), Some(0), "furlough {args}");
    }
}
