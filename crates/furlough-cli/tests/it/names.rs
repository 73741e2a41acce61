//! Names that a terminal or a locale cannot show: what is printed can be shown, and what is to be
//! typed can be typed.

use crate::common::{folder, furlough, signal};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

furlough_harness::tests![
    a_locale_of_ascii_gets_ascii,
    names_do_not_reach_the_terminal_as_control_characters,
    hints_can_be_typed_whatever_the_name,
];

const STUDY: &str = "title = 'Größe'\n[base]\ndata = 'digits'\nhidden = 8\nepochs = 1\n[axes]\ndropout = [0.0, \
 0.5]\n[seeds]\ncount = 2\n";

/// All that `furlough WORDS` prints, on both streams.
fn printed(folder: &Path, locale: &str, words: &[&OsStr]) -> String {
    let output = furlough(folder).env("LC_ALL", locale).args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap_or_else(|error| panic!("furlough {words:?}: {error}"));
    text(output.stdout) + &text(output.stderr)
}

fn commands(name: &'static OsStr) -> Vec<Vec<&'static OsStr>> {
    let with = |words: &'static str| -> Vec<&'static OsStr> {
        words.split(' ').map(|word| if word == "RUN" { name } else { OsStr::new(word) }).collect()
    };
    let lines = [
        "train --data digits --hidden 8 --epochs 2 --out RUN",
        "train --data digits --hidden 8 --epochs 1 --out b",
        "train --data digits --out RUN",
        "train --resume RUN",
        "evaluate RUN --samples 4",
        "evaluate RUN b",
        "info RUN",
        "compare RUN b --out c.html",
        "report RUN b --out r.html --plots p",
        "tune --data digits --hidden 8 --epochs 1 --trials 4 --seeds 2 --out t",
        "study plan s.toml",
        "study run s.toml --out s",
        "study collect s.toml --out s",
        "study run RUN",
        "data list",
        "data info digits",
        "data info fashion-mnist",
        "train --help",
        "tune --help",
        "train --hidden RUN",
        "train --recipe RUN",
        "frain",
    ];
    lines.into_iter().map(with).collect()
}

fn a_locale_of_ascii_gets_ascii() {
    let folder = folder();
    fs::write(folder.path().join("s.toml"), STUDY).unwrap();
    for words in commands(OsStr::new("größe…")) {
        let text = printed(folder.path(), "C", &words);
        assert!(!text.is_empty() && text.is_ascii(), "furlough {words:?}: {text}");
    }
    assert!(folder.path().join("größe…/model.safetensors").is_file());
}

fn names_do_not_reach_the_terminal_as_control_characters() {
    for name in [&b"r\x1b[31m\r\x07"[..], b"a\nerror: b", b"r\xff\x1b"] {
        let folder = folder();
        fs::write(folder.path().join("s.toml"), STUDY).unwrap();
        for words in commands(Box::leak(Box::new(OsStr::from_bytes(name).to_os_string()))) {
            let text = printed(folder.path(), "C.UTF-8", &words);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "furlough {words:?}: {text:?}");
            assert!(!text.contains("\nerror: b"), "furlough {words:?}: {text:?}");
        }
    }
}

/// What is to be typed after a stop is typed, and goes on with the run.
fn hints_can_be_typed_whatever_the_name() {
    for (locale, name) in [
        ("C", &b"plain"[..]),
        ("C.UTF-8", b"it's a $run"),
        ("C", "größe".as_bytes()),
        ("C.UTF-8", "größe".as_bytes()),
        ("C.UTF-8", b"a\nb\t\\"),
        ("C", b"r\xff'"),
    ] {
        let folder = folder();
        let name = OsStr::from_bytes(name);
        let start = ["train", "--data", "digits", "--hidden", "8", "--epochs", "100000", "--out"];
        let mut command = furlough(folder.path());
        command.env("LC_ALL", locale).args(start).arg(name).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        let log = folder.path().join(name).join("metrics.jsonl");
        while fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < 2 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        signal(child.id(), "INT");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let said = String::from_utf8(output.stdout).unwrap();
        let hint = said.lines().find_map(|line| line.trim_start().strip_prefix("resume ")).unwrap().trim();
        assert!(locale != "C" || hint.is_ascii(), "{hint}");
        let before = fs::read_to_string(&log).unwrap().lines().count();
        let typed = format!("timeout -s INT 3 {hint} --quiet");
        let done = Command::new("bash").current_dir(folder.path()).args(["-c", &typed]).output().unwrap();
        let after = fs::read_to_string(&log).unwrap().lines().count();
        assert!(after > before, "{hint}: {done:?}");
    }
}
