//! Runs in processes that are killed or have no space left. Each test starts this program again, as
//! a child that does nothing but run a function.

use crate::CHILDREN;
use furlough::data::EvalSplit;
use furlough::files::{DataInfo, checkpoint_progress, write_atomic};
use furlough::nn::{Init, Mlp};
use furlough::optim::OptimizerState;
use furlough::random::Key;
use furlough::train::{EpochSummary, Event, Observer, Progress, TrainState};
use furlough_lab::recipe::{Recipe, Settings};
use furlough_lab::run::{EpochRecord, Machine, MetricsLog, Recorder, RunDir, RunInfo, read_metrics};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

furlough_harness::tests![
    killed_at_any_moment_a_run_can_go_on,
    a_full_disk_leaves_the_old_files unless without_a_shell(),
];

/// The child that this process is, and where.
const CHILD: &str = "FURLOUGH_TEST_CHILD";
const FOLDER: &str = "FURLOUGH_TEST_FOLDER";

/// Runs the function of a child process, if this is one.
pub fn is_child() -> bool {
    let (Some(child), Some(folder)) = (std::env::var_os(CHILD), std::env::var_os(FOLDER)) else { return false };
    match child.to_str() {
        Some("never ends") => never_ends(Path::new(&folder)),
        Some("without space") => without_space(Path::new(&folder)),
        other => panic!("there is no child {other:?}"),
    }
    true
}

fn without_a_shell() -> Option<String> {
    (!cfg!(unix)).then(|| "a shell that limits the size of files".into())
}

fn recipe() -> Recipe {
    Settings::parse("data = \"small\"\nhidden = 3\ndropout = 0.5\nmomentum = 0.9", None).unwrap().resolve().unwrap()
}

fn info() -> RunInfo {
    RunInfo {
        recipe: recipe(),
        data: DataInfo {
            shape: vec![4],
            scale: None,
            feature_names: Vec::new(),
            levels: Vec::new(),
            classes: vec!["a".into(), "b".into()],
            fingerprint: "data".into(),
        },
        eval: None,
        from: None,
        data_origin: "made by hand".into(),
        table: None,
        machine: Some(Machine { instruction_set: "none".into(), threads: 1 }),
    }
}

fn state(epoch: u32) -> TrainState {
    let architecture = recipe().network(4, &[], 2).validate().unwrap();
    let mlp = Mlp::new(architecture, Init::Kaiming, Key::new(epoch.into()));
    let buffer = |_: &str| Ok::<_, furlough::Error>(vec![epoch as f32; mlp.parameters().len()]);
    let optimizer = OptimizerState::from_buffers(&recipe().options().optimizer, buffer).unwrap();
    let progress = Progress { epoch, step: 4 * u64::from(epoch), ..Progress::default() };
    TrainState { mlp, optimizer, progress, best: None }
}

fn record(epoch: u32) -> EpochRecord {
    let train_loss = 1.0 / f64::from(epoch);
    let summary = EpochSummary { epoch, train_loss, train_accuracy: Some(0.5), ..EpochSummary::default() };
    EpochRecord { summary, seconds: 1.5 }
}

fn resume(path: &Path) -> (Recorder<'static>, Option<TrainState>) {
    let architecture = recipe().network(4, &[], 2).validate().unwrap();
    Recorder::resume(RunDir::resume(path).unwrap(), info(), &architecture, || 1.5).unwrap()
}

fn never_ends(path: &Path) {
    let (mut recorder, from) = if path.join(RunDir::RECIPE).exists() {
        resume(path)
    } else {
        (Recorder::create(RunDir::create(path).unwrap(), info(), &state(0), || 1.5).unwrap(), None)
    };
    for epoch in from.map_or(0, |state| state.progress.epoch) + 1.. {
        recorder.observe(&Event::Epoch(&record(epoch).summary)).unwrap();
        recorder.observe(&Event::Checkpoint { state: &state(epoch) }).unwrap();
        // Lines come before checkpoints, so an endless stream of them would keep these waiting.
        while epoch > epochs_saved(path) + 8 {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn killed_at_any_moment_a_run_can_go_on() {
    let _alone = CHILDREN.write();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut last = 0;
    for round in 0..30 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, "never ends")
            .env(FOLDER, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The first few are killed as they start, the others once they have come further than those
        // before them. On a machine that is busy with something else that takes a while.
        let begun = Instant::now();
        while round >= 5 && epochs_saved(&path) <= last {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            assert!(begun.elapsed() < Duration::from_secs(300), "no epoch after {last} is saved");
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(230 * round));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), None, "the child was not killed but ended by itself");
        if !path.join(RunDir::RECIPE).exists() {
            continue;
        }
        let (recorder, from) = resume(&path);
        let epoch = from.as_ref().map_or(0, |state| state.progress.epoch);
        assert!(epoch >= last, "epoch {last} is lost");
        assert!(from.is_none_or(|from| from == state(epoch)));
        assert_eq!(recorder.records(), (1..=epoch).map(record).collect::<Vec<_>>());
        last = epoch;
    }
    assert!(last >= 25, "each of 25 children saved at least one epoch, but only {last} are there");
}

/// How many epochs the checkpoint knows; 0 where there is none yet.
fn epochs_saved(path: &Path) -> u32 {
    checkpoint_progress(&path.join(RunDir::CHECKPOINT)).map_or(0, |progress| progress.epoch)
}

fn without_space(folder: &Path) {
    let error = write_atomic(&folder.join("file"), &[7; 20_000]).unwrap_err();
    assert!(matches!(error, furlough::Error::Io { action: "write", .. }), "{error}");

    let mut log = MetricsLog::resume(folder.join("log"), 0, EvalSplit::Test).unwrap();
    let mut written = 0;
    let error = loop {
        match log.append(record(written + 1)) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1000, "4 KiB hold no thousand lines");
    };
    assert!(matches!(error.engine(), Some(furlough::Error::Io { action: "write", .. })), "{error}");
    assert_eq!(log.records().len(), written as usize);
    std::fs::write(folder.join("lines"), written.to_string()).unwrap();
}

fn a_full_disk_leaves_the_old_files() {
    let _alone = CHILDREN.write();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    write_atomic(&file("file"), b"old").unwrap();
    MetricsLog::create(file("log")).unwrap();
    // With the signal ignored, a write over the limit fails as one on a full disk does. A block is
    // 512 bytes or 1 KiB.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\""])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "without space")
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(std::fs::read(file("file")).unwrap(), b"old");
    let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["file", "lines", "log"], "no temporary file");
    let lines: usize = std::fs::read_to_string(file("lines")).unwrap().parse().unwrap();
    assert!(lines > 3 && std::fs::read(file("log")).unwrap().ends_with(b"\n"), "no line that was only begun");
    assert_eq!(read_metrics(&file("log"), EvalSplit::Test).unwrap().len(), lines);
}
