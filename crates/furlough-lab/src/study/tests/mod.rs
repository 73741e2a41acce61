//! Trials on the digits, small enough to train in a moment.

mod pool;
mod results;
mod spec;
mod trial;

use super::*;
use crate::recipe::{Recipe, Settings};
use furlough::data::{Split, digits};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

fn split() -> &'static Split {
    static DIGITS: OnceLock<Split> = OnceLock::new();
    DIGITS.get_or_init(|| digits::load().unwrap())
}

fn data() -> TrialData<'static> {
    static DATA: OnceLock<TrialData<'static>> = OnceLock::new();
    DATA.get_or_init(|| TrialData::new(&split().train, &split().test, "built in")).clone()
}

fn recipe(text: &str) -> Recipe {
    let text = format!("data = 'digits'\nbatch_size = 256\nmomentum = 0.5\n{text}");
    Settings::parse(&text, None).unwrap().resolve().unwrap()
}

fn trial(text: &str) -> Trial {
    Trial::new(recipe(text), &data().info.fingerprint)
}

fn setting(root: &Path) -> TrialConfig<'_> {
    TrialConfig { root, threads: 1, clock: &|| 0.0, retry_failed: false, no_room: &|_| None }
}

fn run(trial: &Trial, root: &Path, until: Option<u32>) -> crate::Result<TrialOutcome> {
    run_trial(trial, &data(), &setting(root), until, &mut ())
}

/// Every file of a folder with its bytes, in the order of the names.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}
