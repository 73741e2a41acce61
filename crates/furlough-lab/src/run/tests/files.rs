//! Atomic files, the folder and the log.

use super::*;
use std::fs;

#[test]
fn a_new_run_wants_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs/one");
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let error = RunDir::create(&path).unwrap_err().to_string();
    assert!(error.contains("is not empty (it has notes.txt); choose another folder"), "{error}");
    assert_eq!(listing(&path), ["notes.txt"]);

    fs::remove_file(path.join("notes.txt")).unwrap();
    // What a process that was killed at its very start leaves does not count.
    fs::write(path.join(".furlough-abc.tmp"), "half").unwrap();
    fs::write(path.join("lock"), "").unwrap();
    let dir = RunDir::create(&path).unwrap();
    assert_eq!(listing(&path), ["lock"]);
    dir.write(RunDir::RECIPE, b"").unwrap();
    drop(dir);
    assert!(listing(&path).is_empty(), "a run that came to nothing leaves an empty folder as it was");

    drop(RunDir::create(folder.path().join("two")).unwrap());
    assert_eq!(listing(folder.path()), ["runs"]);

    fs::write(folder.path().join("file"), "").unwrap();
    assert!(RunDir::create(folder.path().join("file")).unwrap_err().to_string().contains("is a file"));
    let error = RunDir::create(folder.path().join("file/run")).unwrap_err();
    assert!(matches!(error.engine(), Some(furlough::Error::Io { action: "create", .. })), "{error}");
}

#[test]
fn rows_go_with_a_run_that_came_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("above/run");
    let dir = RunDir::create(&path).unwrap();
    fs::create_dir(path.join("rows")).unwrap();
    for name in ["table.json", "train.rows", "test.rows"] {
        fs::write(path.join("rows").join(name), "").unwrap();
    }
    drop(dir);
    assert!(listing(folder.path()).is_empty());
    let dir = RunDir::create(&path).unwrap();
    fs::create_dir(path.join("rows")).unwrap();
    fs::write(path.join("rows/mine"), "").unwrap();
    drop(dir);
    assert_eq!(listing(&path), ["rows"], "what somebody else wrote stays");
}

#[test]
fn one_of_several_networks_knows_the_run_that_it_is_part_of() {
    let folder = tempfile::tempdir().unwrap();
    let outer = folder.path().join("run");
    fs::create_dir_all(outer.join("members/3")).unwrap();
    assert_eq!(RunDir::outer_run(&outer.join("members/3")), None, "no run is around it");
    fs::write(outer.join("recipe.toml"), "").unwrap();
    assert_eq!(RunDir::outer_run(&outer.join("members/3")), Some(outer.clone()));
    assert_eq!(RunDir::outer_run(&outer.join("members/3/../3/")), fs::canonicalize(&outer).ok());
    assert_eq!(RunDir::outer_run(&outer), None);
    assert_eq!(RunDir::outer_run(&outer.join("members/9")), None, "there is none");
    fs::create_dir(outer.join("other")).unwrap();
    assert_eq!(RunDir::outer_run(&outer.join("other")), None);
}

#[test]
fn only_one_process_writes_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let first = RunDir::create(folder.path()).unwrap();
    let error = RunDir::create(folder.path()).unwrap_err().to_string();
    assert!(error.contains("another process is writing here"), "{error}");
    assert_eq!(listing(folder.path()), ["lock"], "the loser took nothing away");
    drop(first);
    RunDir::create(folder.path()).unwrap();
}

#[test]
fn what_is_no_run_directory_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| RunDir::open(path).unwrap_err().to_string();
    assert!(message(&folder.path().join("no")).contains("does not exist"));
    assert!(message(folder.path()).contains("is no run directory: recipe.toml is missing"));
    fs::write(folder.path().join("recipe.toml"), small_recipe().to_toml()).unwrap();
    assert!(message(&folder.path().join("recipe.toml")).contains("is a file, not a run directory"));
    let dir = RunDir::open(folder.path()).unwrap();
    assert_eq!(dir.recipe().unwrap(), small_recipe());
    assert!(matches!(dir.model().unwrap_err(), crate::Error::Unfinished { .. }));
}

#[test]
fn the_log_forgives_a_torn_last_line_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::create(&path).unwrap();
    for epoch in 1..=3 {
        log.append(record(epoch)).unwrap();
    }
    assert!(log.append(record(5)).unwrap_err().to_string().contains("expected epoch 4, not epoch 5"));
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').map(|at| at + 1).collect();
    assert_eq!(ends.len(), 3);
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let complete = ends.iter().filter(|&&end| end <= length).count() as u32;
        assert_eq!(read_metrics(&path, EvalSplit::Test).unwrap(), (1..=complete).map(record).collect::<Vec<_>>());
    }

    let mut torn = whole.clone();
    torn.extend(b"{\"epoch\":4,");
    fs::write(&path, &torn).unwrap();
    let mut log = MetricsLog::resume(&path, 2, EvalSplit::Test).unwrap();
    assert_eq!(fs::read(&path).unwrap(), &whole[..ends[1]], "epoch 3 comes again");
    log.append(record(3)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert!(
        MetricsLog::resume(&path, 4, EvalSplit::Test)
            .unwrap_err()
            .to_string()
            .contains("has 3 epochs, but the checkpoint")
    );

    let mut damaged = whole.clone();
    damaged[ends[0]] = b'[';
    fs::write(&path, &damaged).unwrap();
    assert!(read_metrics(&path, EvalSplit::Test).unwrap_err().to_string().contains("line 2 is damaged"));
    fs::write(&path, &whole[ends[0]..]).unwrap();
    assert!(
        read_metrics(&path, EvalSplit::Test).unwrap_err().to_string().contains("line 1 is damaged: it is of epoch 2")
    );
}

#[test]
fn numbers_without_a_test_set_survive_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bare = EpochSummary { train_accuracy: None, eval: None, ..summary(1) };
    let line = EpochRecord { summary: bare, seconds: 0.3 };
    MetricsLog::create(&path).unwrap().append(line.clone()).unwrap();
    assert_eq!(read_metrics(&path, EvalSplit::Test).unwrap(), [line]);
}

/// Older versions wrote validation figures as test figures. Going on writes the old lines anew.
#[test]
fn an_old_log_of_validation_figures_is_read_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let line = |epoch: u32, name: &str| {
        format!(
            "{{\"epoch\":{epoch},\"train_loss\":0.1,\"train_accuracy\":0.7,\"{name}_loss\":0.30000000000000004,\
             \"{name}_accuracy\":0.9,\"seconds\":0.5}}\n"
        )
    };
    fs::write(&path, line(1, "test") + &line(2, "test") + &line(3, "test")).unwrap();
    let read = read_metrics(&path, EvalSplit::Validation).unwrap();
    let scores = EvalScores { split: EvalSplit::Validation, loss: 0.1 + 0.2, accuracy: Some(0.9) };
    assert!(read.len() == 3 && read.iter().all(|record| record.summary.eval == Some(scores)));
    let mut log = MetricsLog::resume(&path, 2, EvalSplit::Validation).unwrap();
    log.append(read[2].clone()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), line(1, "val") + &line(2, "val") + &line(3, "val"));
    let begun = fs::metadata(&path).unwrap().modified().unwrap();
    MetricsLog::resume(&path, 3, EvalSplit::Validation).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), begun, "nothing is left to write");
}

/// A log has learned drop probabilities only where there are some: other runs' lines stay the bytes
/// that they always were.
#[test]
fn learned_probabilities_are_in_the_log_where_there_are_some() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut log = MetricsLog::create(&path).unwrap();
    log.append(EpochRecord { summary: summary(1), seconds: 0.5 }).unwrap();
    let plain = "{\"epoch\":1,\"train_loss\":1.0,\"train_accuracy\":0.7,\
                 \"test_loss\":1.1,\"test_accuracy\":0.9,\"seconds\":0.5}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), plain);
    let learned = vec![LearnedDropout { layer: 1, p: 0.1 + 0.2 }, LearnedDropout { layer: 3, p: 1e-7 }];
    let second = EpochRecord { summary: EpochSummary { learned_dropout: learned, ..summary(2) }, seconds: 0.5 };
    log.append(second.clone()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let key = "\"learnt_dropout\":[{\"layer\":1,\"p\":0.30000000000000004},{\"layer\":3,\"p\":1e-7}],\"seconds\"";
    assert!(text.starts_with(plain) && text.contains(key), "{text}");
    assert_eq!(read_metrics(&path, EvalSplit::Test).unwrap()[1], second);
}

/// Opening a pipe would wait until somebody writes into it.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_opened() {
    use std::sync::mpsc::channel;
    use std::time::Duration;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (told, heard) = channel();
    let theirs = pipe.clone();
    std::thread::spawn(move || {
        let mut options = fs::File::options();
        let errors = [open_file(&theirs).err(), open_file_with(options.create(true).append(true), &theirs).err()];
        told.send(errors.map(|error| error.map(|error| error.to_string()))).unwrap();
    });
    let said = heard.recv_timeout(Duration::from_secs(30)).expect("opening a pipe must not wait");
    assert_eq!(said, [const { Some("it is a named pipe, not a file") }; 2].map(|text| text.map(String::from)));

    let said = |path: &Path| read_file(path).unwrap_err().to_string();
    assert_eq!(said(&pipe), format!("cannot read {}: it is a named pipe, not a file", pipe.display()));
    assert!(said(folder.path()).ends_with("it is a folder, not a file"));
    assert!(said(Path::new("/dev/null")).ends_with("it is a device, not a file"));
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&pipe, &link).unwrap();
    assert!(said(&link).ends_with("it is a named pipe, not a file"));
    fs::write(folder.path().join("file"), "text").unwrap();
    std::os::unix::fs::symlink("file", folder.path().join("to-file")).unwrap();
    assert_eq!(read_text(&folder.path().join("to-file")).unwrap(), "text");
    fs::write(folder.path().join("file"), [0xFF]).unwrap();
    assert!(said_of_text(&folder.path().join("file")).contains("utf-8"));
}

#[cfg(unix)]
fn said_of_text(path: &Path) -> String {
    read_text(path).unwrap_err().to_string()
}
