//! The live page in a real browser, headless: scripts/watch_browser.mjs drives it.
//!
//! It takes node, playwright-core (`FURLOUGH_PLAYWRIGHT` names a folder whose node_modules has it)
//! and chromium (`FURLOUGH_BROWSER` names another). With `FURLOUGH_REQUIRE_BROWSER=1` a missing one
//! is a failure; without it the test is skipped. `FURLOUGH_PICTURES` names a folder for pictures of
//! the page.

use crate::common::watching::Watching;
use crate::common::{Training, folder, ok};
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

furlough_harness::tests![
    the_page_in_a_browser unless missing(),
];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/watch_browser.mjs");

/// What is missing, unless it is required.
fn missing() -> Option<String> {
    if env::var("FURLOUGH_REQUIRE_BROWSER").as_deref() == Ok("1") {
        return None;
    }
    if !Path::new(SCRIPT).exists() {
        return Some("the repository around the crate".into());
    }
    let modules = env::var("FURLOUGH_PLAYWRIGHT").unwrap_or_else(|_| ".".into());
    let browser = env::var("FURLOUGH_BROWSER").unwrap_or_else(|_| "chromium".into());
    let works = |program: &str, args: &[&str]| {
        let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let find = format!("require.resolve('playwright-core', {{ paths: [{modules:?}] }})");
    if !works("node", &["--version"]) {
        Some("node".into())
    } else if !works("node", &["-e", &find]) {
        Some(format!("playwright-core in {modules} (FURLOUGH_PLAYWRIGHT)"))
    } else if !works(&browser, &["--version"]) {
        Some(format!("the browser {browser} (FURLOUGH_BROWSER)"))
    } else {
        None
    }
}

fn the_page_in_a_browser() {
    let folder = folder();
    let folder = folder.path();
    let base = "train --data digits --input-dropout 0.1 --quiet --epochs 30 --threads 1";
    ok(folder, &format!("{base} --hidden 128,64 --out runs/narrow"));
    ok(folder, &format!("{base} --hidden 128,64 --dropout 0 --out runs/plain"));
    ok(folder, &format!("{base} --hidden 512,256 --out runs/wide"));
    ok(folder, &format!("{base} --hidden 64 --folds 5 --out runs/a-fold"));
    let mut watching = Watching::start(folder, "");
    let url = format!("http://{}/", watching.address);
    let pictures = env::var_os("FURLOUGH_PICTURES");
    let mut script = Command::new("node").arg(SCRIPT).arg(url).args(pictures).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(script.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().as_deref(), Some("ready"));
    let mut late = Training::start(folder, "--hidden 512,256 --epochs 20000 --out runs/late");
    assert_eq!(said.next().as_deref(), Some("running"));
    late.stop();
    assert_eq!(said.next().as_deref(), Some("stopped"));
    watching.child.kill().unwrap();
    assert_eq!(said.next().as_deref(), Some("done"));
    assert!(script.wait().unwrap().success());
}
