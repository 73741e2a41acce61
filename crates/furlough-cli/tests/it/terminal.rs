//! Terminals that are slow, stand still, have no size or go away; signals; streams that nobody
//! reads.

use crate::common::pty::{self, OnTerminal};
use crate::common::{folder, furlough, ok, signal};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

furlough_harness::tests![
    signals_ignored_on_entry_stay_ignored,
    a_terminal_that_goes_away_saves_and_stops,
    a_run_that_ignores_the_hangup_outlives_its_terminal,
    a_terminal_that_stands_still_does_not_hold_up_training,
    the_terminal_is_asked_nothing_and_the_first_key_stops,
    the_second_key_ends_at_once,
    a_terminal_without_a_size_gets_plain_lines,
    a_terminal_that_loses_its_size_gets_no_picture_meanwhile,
    messages_that_nobody_can_read_are_dropped,
];

const LONG: &str = "train --data digits --hidden 8 --epochs 1000000 --threads 1 --out run";

fn words(folder: &Path, args: &str) -> Command {
    let mut command = furlough(folder);
    command.args(args.split_whitespace()).env("TERM", "xterm");
    command
}

/// The same, with a signal ignored from the beginning.
fn ignoring(folder: &Path, name: &str, args: &str) -> Command {
    let program = furlough(folder);
    let mut command = Command::new("/bin/sh");
    command.current_dir(folder).env_clear().env("LC_ALL", "C.UTF-8").env("HOME", folder);
    let script = format!("trap '' {name}; exec \"$0\" {args}");
    command.arg("-c").arg(script).arg(program.get_program()).stdout(Stdio::null()).stderr(Stdio::null());
    crate::common::default_signals(&mut command);
    command
}

/// How many epochs the run has on record.
fn epochs(folder: &Path) -> usize {
    fs::read_to_string(folder.join("run/metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Waits until the run has more epochs than now.
fn trains(folder: &Path) {
    let (before, began) = (epochs(folder), Instant::now());
    while epochs(folder) <= before + 1 {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing is trained");
        sleep(Duration::from_millis(10));
    }
}

/// The run is saved, free for others, and goes on.
fn resumes(folder: &Path) {
    assert!(ok(folder, "info run").contains("not finished"));
    let mut child = words(folder, "train --resume run --quiet").spawn().unwrap();
    trains(folder);
    stopped(&mut child, "TERM");
}

fn stopped(child: &mut Child, by: &str) {
    signal(child.id(), by);
    assert_eq!(pty::ended(child).code(), Some(130), "SIG{by}");
}

fn signals_ignored_on_entry_stay_ignored() {
    let study = "title = 's'\n[base]\ndata = 'digits'\nhidden = 8\nepochs = 1000000\n[axes]\ndropout = \
     [0.5]\n[seeds]\ncount = 1\n";
    for (name, other) in [("HUP", "INT"), ("INT", "TERM"), ("TERM", "INT")] {
        let folder = folder();
        let folder = folder.path();
        fs::write(folder.join("s.toml"), study).unwrap();
        ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out done");
        for (args, code) in [
            (LONG, 130),
            ("tune --data digits --hidden 8 --epochs 100000 --out t", 130),
            ("study run s.toml --out s", 130),
            ("watch --port 0", 0),
            ("evaluate done --samples 100000000", 130),
        ] {
            let mut child = ignoring(folder, name, args).spawn().unwrap();
            sleep(Duration::from_millis(700));
            signal(child.id(), name);
            sleep(Duration::from_millis(500));
            assert!(child.try_wait().unwrap().is_none(), "SIG{name} ends {args}");
            if args == LONG {
                trains(folder);
            }
            signal(child.id(), other);
            assert_eq!(pty::ended(&mut child).code(), Some(code), "{args}: SIG{other} after SIG{name}");
        }
        resumes(folder);
    }
}

fn a_terminal_that_goes_away_saves_and_stops() {
    for args in [format!("{LONG} --live"), format!("{LONG} --live"), LONG.into(), format!("{LONG} --live")] {
        let folder = folder();
        let folder = folder.path();
        let (mut child, mut user) = OnTerminal::spawn(words(folder, &args), 30, 100);
        let (mut text, mut piece) = (String::new(), [0; 4096]);
        while !text.contains("examples/s") {
            let length = user.read(&mut piece).unwrap();
            text.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
        drop(user);
        assert_eq!(pty::ended(&mut child).code(), Some(130), "{args}");
        resumes(folder);
    }
}

fn a_run_that_ignores_the_hangup_outlives_its_terminal() {
    for args in [format!("{LONG} --live"), LONG.into()] {
        let folder = folder();
        let folder = folder.path();
        let (mut child, user) = OnTerminal::spawn(ignoring(folder, "HUP", &args), 30, 100);
        trains(folder);
        drop(user);
        sleep(Duration::from_millis(500));
        trains(folder);
        stopped(&mut child, "INT");
        resumes(folder);
    }
}

fn a_terminal_that_stands_still_does_not_hold_up_training() {
    for args in [format!("{LONG} --live"), LONG.into()] {
        let folder = folder();
        let folder = folder.path();
        let (mut child, user) = OnTerminal::spawn(words(folder, &args), 30, 100);
        trains(folder);
        sleep(Duration::from_millis(1000)); // more than a terminal holds has been written by now
        trains(folder);
        stopped(&mut child, "INT");
        drop(user);
        resumes(folder);
    }
}

fn the_terminal_is_asked_nothing_and_the_first_key_stops() {
    for (live, wait) in [(" --live", 0), (" --live", 30), (" --live", 150), (" --live", 1000), ("", 0), ("", 300)] {
        let folder = folder();
        let folder = folder.path();
        let mut on = OnTerminal::start(words(folder, &format!("{LONG}{live}")), 30, 100);
        on.until("train loss");
        sleep(Duration::from_millis(wait));
        on.press(b"\x03");
        let (code, text) = on.ended();
        assert_eq!(code, Some(130), "after {wait} ms{live}: {text:?}");
        assert!(text.contains("--resume run"), "{text:?}");
        for question in ["\x1b[6n", "\x1b[c", "\x1b[5n", "\x1b[?"] {
            assert!(!text.contains(question), "{text:?}");
        }
        resumes(folder);
    }
}

fn the_second_key_ends_at_once() {
    let folder = folder();
    // A terminal that nobody reads keeps the end of the run waiting.
    let (mut child, mut user) = OnTerminal::spawn(words(folder.path(), LONG), 30, 100);
    trains(folder.path());
    sleep(Duration::from_millis(1000));
    for _ in 0..2 {
        user.write_all(b"\x03").unwrap();
        sleep(Duration::from_millis(500)); // a signal that comes while the last one waits is none
    }
    let began = Instant::now();
    assert_eq!(pty::ended(&mut child).code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

fn a_terminal_without_a_size_gets_plain_lines() {
    let folder = folder();
    let args = "train --data digits --hidden 8 --epochs 3 --live --out run";
    for (rows, columns) in [(0, 0), (0, 80), (24, 0)] {
        let (code, text) = OnTerminal::start(words(folder.path(), args), rows, columns).ended();
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("no live curves, the terminal has no size; plain lines instead"), "{text}");
        assert!(text.contains("3/3") && !text.contains("\x1b[J"), "{text}");
        fs::remove_dir_all(folder.path().join("run")).unwrap();
    }
}

fn a_terminal_that_loses_its_size_gets_no_picture_meanwhile() {
    let folder = folder();
    let mut on = OnTerminal::start(words(folder.path(), &format!("{LONG} --live")), 30, 100);
    on.until("examples/s");
    for (rows, columns) in [(0, 0), (3, 20), (1, 1), (50, 200)] {
        on.resize(rows, columns);
        trains(folder.path());
        sleep(Duration::from_millis(250));
    }
    on.press(b"\x03");
    assert_eq!(on.ended().0, Some(130));
    resumes(folder.path());
}

/// A stream that is a terminal nobody has any more.
fn dead() -> File {
    let (user, program) = pty::open(30, 100);
    drop(user);
    program
}

fn messages_that_nobody_can_read_are_dropped() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, "train --data digits --hidden 8 --epochs 1 --quiet --out a");
    let code = |args: &str, out: Stdio, err: Stdio| {
        let status = words(folder, args).stdout(out).stderr(err).status().unwrap();
        status.code().unwrap_or_else(|| panic!("furlough {args}: {status}"))
    };
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    for (args, expected) in [
        ("train --data digits --hidden 8 --epochs 2 --out x1", 0),
        ("train --data digits --hidden 8 --epochs 2 --live --out x2", 0),
        ("tune --data digits --hidden 8 --epochs 1 --trials 4 --seeds 2 --jobs 9 --threads 1 --out x3", 0),
        ("evaluate a", 0),
        ("report a", 0),
        ("data info digits", 0),
        ("info none", 1),
        ("train --data none", 1),
        ("train --epochs x", 2),
    ] {
        for (number, stream) in [Stdio::from(dead()), closed()].into_iter().enumerate() {
            let args = args.replace(" x", &format!(" out{number}-"));
            assert_eq!(code(&args, Stdio::null(), stream), expected, "furlough {args}");
        }
    }
    // Standard output: nobody reads, which stops what takes long and is no error of the rest.
    for (args, expected) in [
        ("train --data digits --hidden 8 --epochs 100000 --out x1", 130),
        ("train --data digits --hidden 8 --epochs 100000 --json --out x2", 130),
        ("train --data digits --hidden 8 --epochs 2 --quiet --out x3", 0),
        ("tune --data digits --hidden 8 --epochs 100000 --out x4", 130),
        ("evaluate a", 0),
        ("info a", 0),
        ("data list", 0),
        ("train --help", 0),
        ("completions zsh", 0),
        ("info none", 1),
    ] {
        for (number, stream) in [Stdio::from(dead()), closed()].into_iter().enumerate() {
            let args = args.replace(" x", &format!(" closed{number}-"));
            assert_eq!(code(&args, stream, Stdio::null()), expected, "furlough {args}");
        }
        assert_eq!(code(&args.replace(" x", " dead-"), Stdio::from(dead()), Stdio::from(dead())), expected, "{args}");
    }
}
