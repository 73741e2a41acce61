//! Tables that are larger than the memory that may be used.

use crate::common::{fails, folder, furlough, interrupted, model, ok, run, signal};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

furlough_harness::tests![
    memory_stays_within_what_was_asked_for,
    a_table_that_fits_is_learned_from_in_memory,
    threads_and_interruptions_change_no_byte,
    what_cannot_be_done_piece_by_piece_says_so,
    rows_of_a_run_that_comes_to_nothing_do_not_stay,
    rows_elsewhere_go_with_finish_and_are_asked_for_by_resume,
    ctrl_c_while_rows_are_written_leaves_nothing,
];

/// A table of numbers, a category and a class that follows from them.
fn write_table(path: &Path, rows: u32, columns: u32) {
    let mut out = BufWriter::new(fs::File::create(path).unwrap());
    let names: Vec<String> = (0..columns).map(|column| format!("x{column}")).collect();
    writeln!(out, "{},town,kind", names.join(",")).unwrap();
    let mut line = String::new();
    for row in 0..rows {
        let mut word = row.wrapping_mul(2_654_435_761);
        line.clear();
        for _ in 0..columns {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            write!(line, "{}.{:03},", (word >> 24), (word >> 14) % 1000).unwrap();
        }
        let town = ["Bern", "Thun", "Chur"][(word >> 9) as usize % 3];
        let kind = if word >> 24 > 128 { "house" } else { "flat" };
        writeln!(out, "{line}{town},{kind}").unwrap();
    }
    out.flush().unwrap();
}

/// Runs `furlough ARGS` and returns its output and the most memory that it took.
fn peak(folder: &Path, args: &str) -> (String, u64) {
    let mut child = furlough(folder);
    let out = fs::File::create(folder.join("said")).unwrap();
    let mut child = child.args(args.split_whitespace()).stdout(out).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(1024 * kilobytes.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success(), "furlough {args}");
    (fs::read_to_string(folder.join("said")).unwrap(), most)
}

fn memory_stays_within_what_was_asked_for() {
    let folder = folder();
    let folder = folder.path();
    let (rows, budget) = (1_800_000, 100_000_000);
    write_table(&folder.join("big.csv"), rows, 16);
    let size = fs::metadata(folder.join("big.csv")).unwrap().len();
    assert!(size > 2 * budget, "{size}");
    let train = "train big.csv --target kind --hidden 16 --batch-size 4096 --epochs 2 --threads 2";
    let (said, most) = peak(folder, &format!("{train} --memory 100MB --out run"));
    assert!(most > 0 && most < budget, "{most} bytes of {budget}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("on 360000 rows that it never saw"), "{said}");
    let accuracy = said.split("test accuracy ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(accuracy.parse::<f64>().unwrap() > 90.0, "{said}");
    let recipe = fs::read_to_string(folder.join("run/recipe.toml")).unwrap();
    assert!(recipe.contains("[table.on_disk]\nblock_rows = "), "{recipe}");
    assert!(!folder.join("run/rows").exists(), "rows go away with the end of the run");
    let answers = ok(folder, "predict run big.csv --out answers.csv");
    assert_eq!(answers, "");
}

fn a_table_that_fits_is_learned_from_in_memory() {
    let folder = folder();
    let folder = folder.path();
    write_table(&folder.join("small.csv"), 500, 3);
    let train = "train small.csv --target kind --hidden 8 --epochs 3";
    ok(folder, &format!("{train} --out plain"));
    let output = run(folder, &format!("{train} --memory 1GB --out asked"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("of memory, so it is learned from in memory"), "{said}");
    assert_eq!(model(folder, "asked"), model(folder, "plain"));
    let recipe = |run: &str| fs::read_to_string(folder.join(run).join("recipe.toml")).unwrap();
    assert_eq!(recipe("asked"), recipe("plain"));
}

/// A recipe that learns from a small table in small blocks.
fn write_recipe(folder: &Path, epochs: u32) {
    write_table(&folder.join("small.csv"), 3000, 4);
    let train = format!("train small.csv --target kind --hidden 24 --epochs {epochs} --early-stopping {epochs}");
    ok(folder, &format!("{train} --out memory"));
    let recipe = fs::read_to_string(folder.join("memory/recipe.toml")).unwrap();
    let sizes = "[table.on_disk]\nblock_rows = 50\nwindow_blocks = 7\n\n[table.preprocessing]";
    fs::write(folder.join("disk.toml"), recipe.replace("[table.preprocessing]", sizes)).unwrap();
}

fn threads_and_interruptions_change_no_byte() {
    let folder = folder();
    let folder = folder.path();
    write_recipe(folder, 200);
    ok(folder, "train --recipe disk.toml --threads 1 --out whole");
    ok(folder, "train --recipe disk.toml --threads 3 --out threads");
    assert_eq!(model(folder, "threads"), model(folder, "whole"));
    assert_ne!(model(folder, "memory"), model(folder, "whole"), "another order");

    let (code, said) = interrupted(folder, "train --recipe disk.toml --json --out a", "\"epoch\":3,", "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(folder.join("a/rows/train.rows").exists(), "a stopped run keeps its rows");
    // Without the table: the rows are all that it takes.
    fs::rename(folder.join("small.csv"), folder.join("away.csv")).unwrap();
    let (code, said) = interrupted(folder, "train --resume a --json", "\"event\":\"epoch\"", "INT");
    assert_eq!(code, Some(130), "{said}");
    fs::rename(folder.join("away.csv"), folder.join("small.csv")).unwrap();
    // Rows that are lost or damaged are made again.
    let rows = folder.join("a/rows/train.rows");
    let mut bytes = fs::read(&rows).unwrap();
    bytes[100] ^= 1;
    fs::write(&rows, bytes).unwrap();
    let (code, said) = interrupted(folder, "train --resume a --json", "\"event\":\"epoch\"", "INT");
    assert_eq!(code, Some(130), "{said}");
    fs::remove_dir_all(folder.join("a/rows")).unwrap();
    ok(folder, "train --resume a --scratch elsewhere");
    assert_eq!(model(folder, "a"), model(folder, "whole"));
    assert!(fs::read_dir(folder.join("elsewhere")).unwrap().next().is_none(), "nothing is left");
}

fn what_cannot_be_done_piece_by_piece_says_so() {
    let folder = folder();
    let folder = folder.path();
    write_recipe(folder, 2);
    ok(folder, "train --recipe disk.toml --out run");
    let said = ok(folder, "train --recipe disk.toml --out again");
    assert!(said.contains("furlough info again") && !said.contains("evaluate"), "{said}");
    for (args, expected) in [
        ("evaluate run", "is learned from piece by piece, as --memory asked, so it is not read whole"),
        (
            "train --recipe disk.toml --train-examples 10 --quiet --out b",
            "train_examples = 10: a table that is read piece by",
        ),
        (
            "train small.csv --target kind --memory 1MB --quiet --out b",
            "memory = 1000000: reading and computing take 100 MB",
        ),
    ] {
        let said = fails(folder, args, 1);
        assert!(said.contains(expected), "{args}: {said}");
    }
    let said = fails(folder, "train small.csv --target kind --scratch x --out b", 1);
    assert!(said.contains("--scratch would do nothing here"), "{said}");
    assert!(!folder.join("b").exists());
    for (args, expected) in [
        ("train small.csv --target kind --memory 1GB --explain", "cannot be used with '--explain'"),
        ("train small.csv --target kind --memory lots", "not a size such as 1GB, 500MB or 2GiB"),
        ("train --memory 1GB", "required"),
    ] {
        let said = fails(folder, args, 2);
        assert!(said.contains(expected), "{args}: {said}");
    }
    assert!(ok(folder, "evaluate run small.csv").contains("3,000"));
}

/// The names of what is in a folder.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn rows_of_a_run_that_comes_to_nothing_do_not_stay() {
    let folder = folder();
    let folder = folder.path();
    write_recipe(folder, 2);
    ok(folder, "train small.csv --target kind --ignore town --hidden 24 --epochs 1 --out other");
    // Seen only once the rows are there.
    let refused = "train --recipe disk.toml --from other --quiet --out a";
    for args in [refused.to_string(), format!("{refused} --scratch elsewhere")] {
        let said = fails(folder, &args, 1);
        assert!(said.contains("its weights are for other features"), "{said}");
        assert!(!folder.join("a").exists(), "{args}");
    }
    let diverges = "train --recipe disk.toml --optimizer sgd --lr 1e30 --init normal:1e30 --quiet";
    for (args, run) in [("--out b", "b"), ("--out c --scratch elsewhere", "c")] {
        assert!(fails(folder, &format!("{diverges} {args}"), 1).contains("the loss became"));
        assert!(folder.join(run).join("failed.json").exists() && !folder.join(run).join("rows").exists());
    }
    assert_eq!(names_in(&folder.join("elsewhere")), [""; 0]);
}

fn rows_elsewhere_go_with_finish_and_are_asked_for_by_resume() {
    let folder = folder();
    let folder = folder.path();
    write_recipe(folder, 20_000);
    let stopped = |out: &str| {
        let args = format!("train --recipe disk.toml --json --scratch elsewhere --out {out}");
        assert_eq!(interrupted(folder, &args, "\"epoch\":3,", "INT").0, Some(130));
        let [name] = &names_in(&folder.join("elsewhere"))[..] else { panic!("one folder of rows") };
        assert!(name.starts_with(&format!("{out}-")) && !folder.join(out).join("rows").exists(), "{name}");
        name.clone()
    };
    let name = stopped("a");
    ok(folder, "train --finish a --scratch elsewhere");
    assert_eq!(names_in(&folder.join("elsewhere")), [""; 0], "{name}");

    let name = stopped("b");
    let output = run(folder, "train --finish b");
    let said = String::from_utf8(output.stderr).unwrap();
    let place = format!("if it was trained with --scratch DIR, they are in DIR/{name}");
    assert!(output.status.success() && said.contains("the run's rows are not in b/rows"), "{said}");
    assert!(said.contains(&format!("{place}: remove that folder")), "{said}");
    fs::remove_dir_all(folder.join("elsewhere").join(&name)).unwrap();

    let name = stopped("c");
    let place = format!("they are in DIR/{name}: say --scratch DIR again, or remove that folder");
    let mut child = furlough(folder);
    let child = child.args("train --resume c --json".split_whitespace()).stderr(Stdio::piped());
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    signal(child.id(), "INT");
    child.wait().unwrap();
    assert!(said.contains("so they are written again") && said.contains(&place), "{said}");
}

fn ctrl_c_while_rows_are_written_leaves_nothing() {
    let folder = folder();
    let folder = folder.path();
    write_recipe(folder, 2);
    write_table(&folder.join("small.csv"), 1_500_000, 4);
    for (more, rows) in [("", "new/rows"), (" --scratch elsewhere", "elsewhere")] {
        let args = format!("train --recipe disk.toml --json --out new{more}");
        let mut child = furlough(folder).args(args.split_whitespace()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = || folder.join(rows).is_dir() && !names_in(&folder.join(rows)).is_empty();
        while !begun() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before");
            std::thread::sleep(Duration::from_millis(1));
        }
        signal(child.id(), "INT");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("stopped; nothing was begun, and no rows are kept"), "{said}");
        assert!(!folder.join("new").exists(), "{args}");
    }
    assert_eq!(names_in(&folder.join("elsewhere")), [""; 0]);
}
