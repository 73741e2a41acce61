//! Whole tunes, small ones: what comes out depends neither on how many trials go on at once nor on
//! being stopped.

use crate::CHILDREN;
use furlough::data::{Dataset, EvalSplit, Features, Split, Targets, digits};
use furlough_lab::Result;
use furlough_lab::recipe::Settings;
use furlough_lab::run::RunDir;
use furlough_lab::study::TrialData;
use furlough_lab::tune::{
    DropoutArm, Metric, Outcome, Phase, TuneDir, TuneEvent, TuneOptions, TuneReport, Tuning, check, tune,
};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

furlough_harness::tests![
    a_tune_leaves_all_that_it_promises,
    stopping_and_the_number_of_jobs_change_nothing,
    the_test_set_is_no_part_of_the_choice,
    each_fold_is_held_out_in_cross_validation,
    numbers_are_tuned_by_their_loss,
    time_decides_how_many_trials_there_are_and_nothing_else,
    a_network_that_does_not_fit_fails_its_trial_alone,
    a_run_that_overflows_in_its_last_step_is_never_recommended,
    a_finalist_that_fails_on_all_examples_gives_way_to_the_other,
    a_final_run_cut_short_is_not_taken_for_a_whole_one,
    what_cannot_be_tuned_says_why,
];

const SMALL: &str = "data = 'digits'\nhidden = [12, 12]\nepochs = 3\nfolds = 3";

fn options(text: &str, search: &str, trials: usize) -> TuneOptions {
    let base = Settings::parse(text, None).unwrap();
    TuneOptions { trials: Some(trials), seeds: 3, ..TuneOptions::new(base, search).unwrap() }
}

fn split() -> &'static Split {
    static DIGITS: OnceLock<Split> = OnceLock::new();
    DIGITS.get_or_init(|| digits::load().unwrap())
}

fn data() -> TrialData<'static> {
    TrialData::new(&split().train, &split().test, "built in")
}

fn tuning<'a>(jobs: usize, stop: &'a (dyn Fn() -> bool + Sync)) -> Tuning<'a> {
    Tuning { jobs, threads: 1, clock: &|| 0.0, retry_failed: false, no_room: &|_| None, stop }
}

fn whole(folder: &Path, options: &TuneOptions, data: &TrialData<'_>, jobs: usize) -> Result<TuneReport> {
    let dir = TuneDir::create(folder, options, &data.info.fingerprint)?;
    Ok(tune(&dir, options, data, &tuning(jobs, &|| false), &mut |_| ())?.expect("nobody stops it"))
}

fn a_tune_leaves_all_that_it_promises() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("a/b");
    let options = options(SMALL, "", 14);
    let mut told: Vec<String> = Vec::new();
    let (mut planned, mut known) = (0, 0);
    let dir = TuneDir::create(&folder, &options, &data().info.fingerprint).unwrap();
    let mut tell = |event: &TuneEvent<'_>| match event {
        TuneEvent::Phase { phase, epochs, .. } => {
            assert_eq!(known, planned, "{phase:?} begins when what was before is done");
            planned += epochs.unwrap();
            told.push(format!("{phase:?}"));
        }
        TuneEvent::Epochs { more } => known += more,
        TuneEvent::Judged(verdict) => told.push(verdict.text.clone()),
        _ => {}
    };
    let report = tune(&dir, &options, &data(), &tuning(2, &|| false), &mut tell).unwrap().unwrap();
    assert_eq!(known, planned);
    let phases = [Phase::Search, Phase::Replication, Phase::Refit].map(|phase| format!("{phase:?}"));
    assert_eq!(told, [&phases[0], &phases[1], &report.verdict.text, &phases[2]].map(Clone::clone));

    assert_eq!(report.search.len(), 14);
    let rates: Vec<_> = report.search[..5].iter().map(|trial| trial.changes.dropout.clone()).collect();
    assert_eq!(rates, [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9], [0.0, 0.0], [0.2, 0.5]]);
    assert_eq!((report.seeds.clone(), report.with.values.len(), report.without.values.len()), (vec![1, 2, 3], 3, 3));
    assert_eq!((report.metric, report.without.trial), (Metric::Accuracy, 4));
    for trial in &report.search {
        for name in &trial.folders {
            assert!(RunDir::open(folder.join("trials").join(name)).is_ok());
        }
    }
    // The recommended recipe holds nothing out, is that of the final run, and was tested by it.
    let text = std::fs::read_to_string(folder.join("recommended.toml")).unwrap();
    let recommended = Settings::parse(&text, None).unwrap().resolve().unwrap();
    assert!(recommended.partition().is_whole());
    let run = RunDir::open(folder.join("final")).unwrap();
    assert_eq!((run.recipe().unwrap(), &recommended), (recommended.clone(), &report.recommended));
    let log = furlough_lab::run::read_metrics(&run.file(RunDir::METRICS), EvalSplit::Test).unwrap();
    assert!(log.len() == 3 && log.iter().all(|record| record.summary.eval_loss().is_none()), "tested once, at the end");
    assert!(report.test.accuracy.unwrap() > 0.5 && report.test.examples == 360);
    let written: Value = serde_json::from_slice(&std::fs::read(folder.join("tune.json")).unwrap()).unwrap();
    assert_eq!(written, serde_json::to_value(&report).unwrap());
    assert!(!folder.join("lock").exists());
    let again = TuneDir::resume(&folder).unwrap_err().to_string();
    assert!(again.contains("is already finished"), "{again}");
}

/// All that a tune came to, its times left out.
fn outcome(folder: &Path) -> Value {
    let mut value: Value = serde_json::from_slice(&std::fs::read(folder.join("tune.json")).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("seconds");
    value
}

fn stopping_and_the_number_of_jobs_change_nothing() {
    let _locks = CHILDREN.read();
    come_to_the_same("lr=0.02..0.5,max_norm");
    come_to_the_same("activation=relu,tanh,dropout_kind,dropout_schedule,batch_size=32..96,lr_schedule,momentum");
}

/// A tune of `search` with one job, with three, and stopped again and again.
fn come_to_the_same(search: &str) {
    let temp = tempfile::tempdir().unwrap();
    let options = options(SMALL, search, 16);
    let path = |name: &str| temp.path().join(name);
    whole(&path("one"), &options, &data(), 1).unwrap();
    whole(&path("three"), &options, &data(), 3).unwrap();
    assert_eq!(outcome(&path("three")), outcome(&path("one")));

    drop(TuneDir::create(path("stopped"), &options, &data().info.fingerprint).unwrap());
    let mut stops = 0;
    loop {
        let (dir, options, fingerprint) = TuneDir::resume(path("stopped")).unwrap();
        assert_eq!(fingerprint, data().info.fingerprint);
        let steps = AtomicU64::new(0);
        let patience = 100 + 37 * stops;
        let stop = || steps.fetch_add(1, Ordering::Relaxed) > patience;
        if tune(&dir, &options, &data(), &tuning(2, &stop), &mut |_| ()).unwrap().is_some() {
            break;
        }
        stops += 1;
    }
    assert!(stops > 5, "stopped {stops} times");
    assert_eq!(outcome(&path("stopped")), outcome(&path("one")));
    let model = |name: &str| std::fs::read(path(name).join("final/model.safetensors")).unwrap();
    assert_eq!(model("stopped"), model("one"));
}

fn the_test_set_is_no_part_of_the_choice() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let options = options(SMALL, "", 9);
    let first = whole(&temp.path().join("a"), &options, &data(), 2).unwrap();
    let other = split().test.select(&(0..100).rev().collect::<Vec<u32>>());
    let data = TrialData::new(&split().train, &other, "built in");
    let second = whole(&temp.path().join("b"), &options, &data, 2).unwrap();
    assert_ne!(first.test, second.test);
    assert_eq!(TuneReport { test: second.test, ..first }, second);
}

fn each_fold_is_held_out_in_cross_validation() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let options = TuneOptions { cross_validation: true, ..options(SMALL, "", 5) };
    let report = whole(temp.path(), &options, &data(), 2).unwrap();
    assert_eq!(report.folds, [0, 1, 2]);
    for trial in &report.search {
        let mut accuracies = Vec::new();
        for (fold, name) in trial.folders.iter().enumerate() {
            let run = RunDir::open(temp.path().join("trials").join(name)).unwrap();
            assert_eq!(run.recipe().unwrap().partition().fold, fold as u32);
            let log = furlough_lab::run::read_metrics(&run.file(RunDir::METRICS), EvalSplit::Validation).unwrap();
            accuracies.push(log.last().unwrap().summary.eval_accuracy().unwrap());
        }
        let mean = accuracies.iter().sum::<f64>() / 3.0;
        assert!((trial.values.last().unwrap().value.unwrap() - mean).abs() < 1e-12);
    }
}

/// Twice the first of three features, with noise.
fn numbers(rows: usize, shift: u64) -> Dataset {
    let word = |at: u64| (at.wrapping_add(shift).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32 / (1 << 24) as f32;
    let x = ndarray::Array2::from_shape_fn((rows, 3), |(i, j)| word((i * 3 + j) as u64 + 1));
    let y = ndarray::Array2::from_shape_fn((rows, 1), |(i, _)| 2.0 * x[[i, 0]] + 0.1 * word(i as u64 + 99_991));
    Dataset::new(Features::Floats(x), Targets::Values(y), &[3]).unwrap()
}

fn numbers_are_tuned_by_their_loss() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let (train, test) = (numbers(120, 0), numbers(40, 5));
    let data = TrialData::new(&train, &test, "made up");
    let options =
        options("data = 'numbers'\nhidden = 16\nepochs = 20\nbatch_size = 16\ninit = 'kaiming'\nlr = 0.1", "", 6);
    let report = whole(temp.path(), &options, &data, 2).unwrap();
    assert_eq!((report.metric, report.test.accuracy), (Metric::Loss, None));
    // One important feature and a line: there is nothing that dropout could help with.
    assert_ne!(report.verdict.outcome, Outcome::Helps);
    assert_eq!(report.verdict.recommended, DropoutArm::Without);
    assert!(report.verdict.text.contains("validation loss higher by "), "{}", report.verdict.text);

    let accuracy = TuneOptions { metric: Some(Metric::Accuracy), ..options };
    let error = check(&accuracy, &data).unwrap_err().to_string();
    assert!(error.contains("metric = accuracy: these data have numbers"), "{error}");
}

fn time_decides_how_many_trials_there_are_and_nothing_else() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let plenty = options(SMALL, "", 40);
    let all = whole(&temp.path().join("all"), &TuneOptions { trials: Some(23), ..plenty.clone() }, &data(), 1).unwrap();
    // Every look at the clock is a second.
    let run = |name: &str, budget: f64| {
        let options = TuneOptions { budget: Some(budget), trials: None, ..plenty.clone() };
        let dir = TuneDir::create(temp.path().join(name), &options, &data().info.fingerprint).unwrap();
        let ticks = AtomicU64::new(0);
        let clock = || ticks.fetch_add(1, Ordering::Relaxed) as f64;
        let tuning = Tuning { clock: &clock, ..tuning(1, &|| false) };
        tune(&dir, &options, &data(), &tuning, &mut |_| ()).unwrap().unwrap()
    };
    let some = run("some", 180.0);
    assert!(some.out_of_time && (6..40).contains(&some.search.len()), "{} trials", some.search.len());
    for (trial, same) in some.search.iter().zip(&all.search) {
        assert_eq!(trial.changes, same.changes);
        assert!(same.values.starts_with(&trial.values));
    }
    let least = run("least", 0.5);
    assert!(least.out_of_time && least.search.len() == 5 && least.with.values.len() == 3);
}

fn a_network_that_does_not_fit_fails_its_trial_alone() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("wide");
    // The base fits; what the search proposes, sixteen layers of 65,000 units, does not.
    let options = options(&format!("data = 'digits'\nhidden = {:?}\nepochs = 1", [8; 16]), "width=65000..65536", 12);
    let dir = TuneDir::create(&folder, &options, &data().info.fingerprint).unwrap();
    let failed = std::cell::Cell::new(0);
    let mut tell = |event: &TuneEvent<'_>| {
        if let TuneEvent::Compared { entry, score, .. } = event {
            assert_eq!(entry.failure.is_some(), score.is_infinite());
            failed.set(failed.get() + u32::from(entry.failure.is_some()));
        }
    };
    let report = tune(&dir, &options, &data(), &tuning(2, &|| false), &mut tell).unwrap().unwrap();
    assert!(failed.get() > 0);
    let reasons: Vec<&String> = report.search.iter().filter_map(|trial| trial.failed.as_ref()).collect();
    assert!(reasons.iter().all(|reason| !reason.contains("diverged")), "{reasons:?}");
    for finalist in [&report.with, &report.without] {
        assert_eq!(finalist.recipe.hidden(), [8; 16]);
    }
    // The reason is with the trial, so that going on finds it without trying.
    let trial = report.search.iter().find(|trial| trial.failed.is_some()).unwrap();
    assert!(folder.join("trials").join(&trial.folders[0]).join(RunDir::FAILED).exists());
    let read: TuneReport = serde_json::from_slice(&std::fs::read(folder.join("tune.json")).unwrap()).unwrap();
    assert_eq!(read, report);
}

fn a_run_that_overflows_in_its_last_step_is_never_recommended() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let text = format!("data = 'digits'\nhidden = {:?}\nepochs = 1\nbatch_size = 2000", [64; 6]);
    // One step an epoch and one epoch: no later step shows the overflow, and the accuracy would be
    // one of NaN.
    let options = options(&text, "lr=1e8..1e9", 8);
    let report = whole(&temp.path().join("far"), &options, &data(), 2).unwrap();
    let diverged = report.search.iter().filter(|trial| trial.failed.is_some());
    assert!(
        diverged.clone().count() > 0 && diverged.clone().all(|trial| trial.values.iter().all(|v| v.value.is_none()))
    );
    assert!(report.recommended.options().learning_rate < 1.0, "{:?}", report.recommended);
    assert!(report.test.loss.is_finite());
}

fn a_finalist_that_fails_on_all_examples_gives_way_to_the_other() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("tune");
    let options = options(SMALL, "", 5);
    let dir = TuneDir::create(&folder, &options, &data().info.fingerprint).unwrap();
    let judged = std::sync::atomic::AtomicBool::new(false);
    let stop = || judged.load(Ordering::Relaxed);
    let better = std::cell::Cell::new(None);
    let mut tell = |event: &TuneEvent<'_>| {
        if let TuneEvent::Judged(verdict) = event {
            better.set(Some(verdict.recommended));
            judged.store(true, Ordering::Relaxed);
        }
    };
    assert!(tune(&dir, &options, &data(), &tuning(2, &stop), &mut tell).unwrap().is_none());
    drop(dir);
    let failure = furlough_lab::run::Failure::Error { reason: "it does not fit".into() };
    failure.write(&folder.join("final")).unwrap();
    let (dir, options, _) = TuneDir::resume(&folder).unwrap();
    let report = tune(&dir, &options, &data(), &tuning(2, &|| false), &mut |_| ()).unwrap().unwrap();
    assert_ne!(Some(report.verdict.recommended), better.get());
    assert_eq!(report.passed_over.as_deref(), Some("it does not fit"));
    let chosen = if report.verdict.recommended == DropoutArm::With { &report.with } else { &report.without };
    assert_eq!(chosen.recipe.dropout(), report.recommended.dropout());
    assert!(folder.join("passed-over").is_dir() && RunDir::open(folder.join("final")).unwrap().is_finished());
}

fn a_final_run_cut_short_is_not_taken_for_a_whole_one() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("tune");
    let options = options(SMALL, "", 5);
    let report = whole(&folder, &options, &data(), 2).unwrap();
    // As if it had been stopped in its last run, which was then made a finished one as it stood.
    std::fs::remove_file(folder.join(TuneDir::REPORT)).unwrap();
    let path = folder.join("final/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen('{', "{\"stop_reason\": \"asked\",", 1)).unwrap();
    let resume = || {
        let (dir, options, _) = TuneDir::resume(&folder).unwrap();
        tune(&dir, &options, &data(), &tuning(2, &|| false), &mut |_| ())
    };
    let error = resume().unwrap_err().to_string();
    assert!(error.contains("final: was cut short after ") && error.contains("move its folder away"), "{error}");
    std::fs::rename(folder.join("final"), folder.join("away")).unwrap();
    assert_eq!(resume().unwrap().unwrap().test, report.test);
}

fn what_cannot_be_tuned_says_why() {
    let _locks = CHILDREN.read();
    let temp = tempfile::tempdir().unwrap();
    let fails = |options: &TuneOptions| check(options, &data()).unwrap_err().to_string();
    let error = fails(&options("data = 'digits'\nfolds = 99999", "", 5));
    assert!(error.contains("folds = 99999: the data have only"), "{error}");
    let error = fails(&options("data = 'digits'\nseed = 9223372036854775807", "", 5));
    assert!(error.contains("leaves no room for the seeds"), "{error}");

    let wild = options(&format!("{SMALL}\nlr = 1e30"), "", 5);
    let error = whole(&temp.path().join("wild"), &wild, &data(), 2).unwrap_err();
    assert!(matches!(error.engine(), Some(furlough::Error::Setting { name, .. }) if name == "lr"), "{error}");
    assert!(error.to_string().contains("diverged; try a smaller one"), "{error}");

    let folder = temp.path().join("busy");
    let held = TuneDir::create(&folder, &wild, "abc").unwrap();
    let says = |result: Result<TuneDir>, expected: &str| {
        let error = result.map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} should mention {expected:?}");
    };
    let resume = |path: &Path| TuneDir::resume(path).map(|(dir, ..)| dir);
    says(resume(&folder), "another process is writing here");
    says(TuneDir::create(&folder, &wild, "abc"), "holds another tune");
    drop(held);
    says(resume(&temp.path().join("nothing")), "does not exist");
    says(resume(temp.path()), "is no tune: tune.toml is missing");
    says(TuneDir::create(temp.path(), &wild, "abc"), "is not empty");
    std::fs::write(folder.join("tune.toml"), "version = 7").unwrap();
    says(resume(&folder), "tune.toml: is not what a tune wrote");
    let file = temp.path().join("file");
    std::fs::write(&file, "").unwrap();
    says(TuneDir::create(&file, &wild, "abc"), "is a file");
    says(resume(&file), "is a file");
}
