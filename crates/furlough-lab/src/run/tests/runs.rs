//! Whole runs, told to the recorder as the trainer tells them.

use super::*;
use furlough::train::{Event, Observer, StopReason};
use std::fs;

fn epoch(recorder: &mut Recorder<'_>, number: u32) {
    recorder.observe(&Event::Epoch(&summary(number))).unwrap();
}

fn checkpoint(recorder: &mut Recorder<'_>, state: &TrainState) {
    recorder.observe(&Event::Checkpoint { state }).unwrap();
}

fn finish(recorder: &mut Recorder<'_>) {
    let state = state(3, 12);
    recorder.observe(&Event::Stop { reason: StopReason::Finished, state: &state }).unwrap();
}

fn begin(path: &Path) -> Recorder<'static> {
    Recorder::create(RunDir::create(path).unwrap(), info(), &state(0, 0), || 1.5).unwrap()
}

fn resume(path: &Path) -> (Recorder<'static>, TrainState) {
    let dir = RunDir::resume(path).unwrap();
    let (recorder, state) = Recorder::resume(dir, info(), &small_architecture(), || 1.5).unwrap();
    (recorder, state.unwrap())
}

fn whole_run(path: &Path) {
    let mut recorder = begin(path);
    for number in 1..=3 {
        epoch(&mut recorder, number);
        checkpoint(&mut recorder, &state(number, 4 * u64::from(number)));
    }
    finish(&mut recorder);
}

#[test]
fn a_finished_run_has_all_its_files_and_a_true_manifest() {
    let folder = tempfile::tempdir().unwrap();
    whole_run(folder.path());
    let mut expected: Vec<&str> = Manifest::FILES.into_iter().chain([RunDir::ORIGIN, RunDir::MANIFEST]).collect();
    expected.sort_unstable();
    assert_eq!(listing(folder.path()), expected);

    let dir = RunDir::open(folder.path()).unwrap();
    assert_eq!(dir.recipe().unwrap(), small_recipe());
    let manifest = Manifest::read(&dir).unwrap().unwrap();
    assert_eq!((manifest.steps, manifest.seconds), (12, 4.5));
    assert_eq!(manifest.last.clone().unwrap().summary, summary(3));
    manifest.verify(&dir).unwrap();
    let (mlp, model) = load_model(&dir.model().unwrap()).unwrap();
    assert_eq!(mlp, state(3, 12).mlp);
    assert_eq!(model, ModelInfo::new(info().data, small_recipe().to_toml()));

    let error = RunDir::resume(folder.path()).unwrap_err().to_string();
    assert!(error.contains("already finished"), "{error}");
    let error = RunDir::create(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is not empty") && !error.contains("--resume"), "{error}");
    fs::write(dir.file(RunDir::METRICS), "").unwrap();
    assert!(manifest.verify(&dir).unwrap_err().to_string().contains("is not what the run wrote"));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    whole_run(one.path());
    // The second is killed between the log and the checkpoint of epoch 2, and later once more in
    // the middle of epoch 3.
    let mut recorder = begin(two.path());
    epoch(&mut recorder, 1);
    checkpoint(&mut recorder, &state(1, 4));
    epoch(&mut recorder, 2);
    drop(recorder);
    fs::write(two.path().join(".furlough-x1y2z3.tmp"), "half a checkpoint").unwrap();

    let (mut recorder, from) = resume(two.path());
    assert_eq!(from, state(1, 4));
    assert_eq!(recorder.records().len(), 1, "epoch 2 comes again");
    assert!(!listing(two.path()).contains(&".furlough-x1y2z3.tmp".to_string()));
    epoch(&mut recorder, 2);
    checkpoint(&mut recorder, &state(2, 8));
    checkpoint(&mut recorder, &state(2, 10));
    recorder.observe(&Event::Stop { reason: StopReason::Asked, state: &state(2, 10) }).unwrap();
    drop(recorder);
    assert_eq!(checkpoint_progress(&two.path().join(RunDir::CHECKPOINT)).unwrap(), state(2, 10).progress);
    assert_eq!(listing(two.path()), ["checkpoint.safetensors", "lock", "metrics.jsonl", "origin.json", "recipe.toml"]);

    let (mut recorder, from) = resume(two.path());
    assert_eq!(from, state(2, 10));
    epoch(&mut recorder, 3);
    checkpoint(&mut recorder, &state(3, 12));
    drop(recorder);
    // Once more, when all epochs are done but nothing is said of it yet.
    let (mut recorder, from) = resume(two.path());
    assert_eq!(from, state(3, 12));
    finish(&mut recorder);

    assert_eq!(listing(one.path()), listing(two.path()));
    for name in listing(one.path()) {
        assert_eq!(fs::read(one.path().join(&name)).unwrap(), fs::read(two.path().join(&name)).unwrap(), "{name}");
    }
}

/// A run that goes on with another machine says so, and a run that does not say has a manifest that
/// does not either.
#[test]
fn the_machine_is_that_of_the_last_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    drop(begin(path));
    let machine = || Provenance::read(&RunDir::open(path).unwrap()).unwrap().unwrap().machine;
    assert_eq!(machine(), info().machine);
    let go_on = |machine: Option<&Machine>| {
        let dir = RunDir::resume(path).unwrap();
        let info = RunInfo { machine: machine.cloned(), ..info() };
        Recorder::resume(dir, info, &small_architecture(), || 1.5).unwrap().0
    };
    let other = Machine { instruction_set: "other".into(), threads: 7 };
    drop(go_on(Some(&other)));
    assert_eq!(machine().as_ref(), Some(&other));
    let before = fs::read(path.join(RunDir::ORIGIN)).unwrap();
    let mut recorder = go_on(Some(&other));
    assert_eq!(fs::read(path.join(RunDir::ORIGIN)).unwrap(), before);
    epoch(&mut recorder, 1);
    checkpoint(&mut recorder, &state(1, 4));
    drop(recorder);
    let unknown = RunInfo { machine: None, ..info() };
    Recorder::cut_short(RunDir::resume(path).unwrap(), unknown).unwrap();
    let text = fs::read_to_string(path.join(RunDir::MANIFEST)).unwrap();
    assert!(!text.contains("threads") && !text.contains("instruction_set"), "{text}");
    assert_eq!(Manifest::read(&RunDir::open(path).unwrap()).unwrap().unwrap().machine, None);
}

#[test]
fn a_run_at_its_end_is_finished_and_not_cut_short() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    whole_run(whole.path());
    let mut recorder = begin(killed.path());
    for number in 1..=3 {
        epoch(&mut recorder, number);
        checkpoint(&mut recorder, &state(number, 4 * u64::from(number)));
    }
    drop(recorder);
    let reason = Recorder::cut_short(RunDir::resume(killed.path()).unwrap(), info()).unwrap();
    assert_eq!(reason, StopReason::Finished);
    for name in listing(whole.path()) {
        assert_eq!(fs::read(whole.path().join(&name)).unwrap(), fs::read(killed.path().join(&name)).unwrap(), "{name}");
    }
}

/// Older versions wrote no `failed.json`: their log alone shows that the loss overflowed.
#[test]
fn a_run_that_diverged_by_its_log_is_not_made_a_finished_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = begin(folder.path());
    epoch(&mut recorder, 1);
    checkpoint(&mut recorder, &state(1, 4));
    drop(recorder);
    let log = folder.path().join(RunDir::METRICS);
    let mut line: serde_json::Value = serde_json::from_str(&fs::read_to_string(&log).unwrap()).unwrap();
    line["test_loss"] = serde_json::Value::Null;
    fs::write(&log, format!("{line}\n")).unwrap();
    let error = Recorder::cut_short(RunDir::resume(folder.path()).unwrap(), info()).unwrap_err().to_string();
    assert!(error.contains("has failed, so it cannot be made a finished run: diverged"), "{error}");
    assert!(!folder.path().join(RunDir::MANIFEST).exists());
}

#[test]
fn an_origin_of_a_later_version_needs_a_newer_furlough() {
    let folder = tempfile::tempdir().unwrap();
    drop(begin(folder.path()));
    let path = folder.path().join(RunDir::ORIGIN);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"version\": 1", "\"version\": 9", 1)).unwrap();
    let error = Provenance::read(&RunDir::open(folder.path()).unwrap()).unwrap_err().to_string();
    assert!(error.contains("origin.json: has format version 9 and needs a newer furlough"), "{error}");
}

#[test]
fn a_run_killed_in_its_first_epoch_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    drop(begin(folder.path()));
    let error = RunDir::create(folder.path()).unwrap_err();
    assert!(matches!(error, crate::Error::Occupied { resumable: true, .. }), "{error}");
    let (recorder, from) = resume(folder.path());
    assert_eq!((from, recorder.records().len()), (state(0, 0), 0));
    let error = RunDir::resume(folder.path()).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
}

#[test]
fn a_run_killed_before_its_first_checkpoint_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(begin(folder.path()));
    let attempt = || Recorder::resume(RunDir::resume(folder.path()).unwrap(), info(), &small_architecture(), || 1.5);
    fs::remove_file(folder.path().join(RunDir::CHECKPOINT)).unwrap();
    assert!(attempt().unwrap().1.is_none());
    fs::remove_file(folder.path().join(RunDir::METRICS)).unwrap();
    let (mut recorder, from) = attempt().unwrap();
    assert!(from.is_none());
    // It has a checkpoint from the start, so that being killed after a line of the log is no loss.
    let begun = state(0, 0);
    let start = Event::Start { state: &begun, epochs: 3, steps_per_epoch: 4, examples: 8 };
    recorder.observe(&start).unwrap();
    assert!(folder.path().join(RunDir::CHECKPOINT).exists());
    fs::remove_file(folder.path().join(RunDir::CHECKPOINT)).unwrap();
    // But what was learned and is gone cannot be made up for in silence.
    epoch(&mut recorder, 1);
    drop(recorder);
    let error = attempt().err().unwrap().to_string();
    assert!(error.contains("checkpoint.safetensors: is missing"), "{error}");
}

#[test]
fn a_state_that_overflowed_does_not_replace_the_last_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = begin(folder.path());
    checkpoint(&mut recorder, &state(1, 4));
    let mut bad = state(2, 8);
    bad.mlp.parameters_mut()[3] = f32::NAN;
    checkpoint(&mut recorder, &bad);
    let stop = Event::Stop { reason: StopReason::Finished, state: &bad };
    let error = recorder.observe(&stop).unwrap_err().to_string();
    assert!(error.contains("has the value NaN. Try a smaller learning rate"), "{error}");
    drop(recorder);
    assert!(!RunDir::open(folder.path()).unwrap().is_finished());
    let path = folder.path().join(RunDir::CHECKPOINT);
    assert_eq!(checkpoint_progress(&path).unwrap(), state(1, 4).progress);
}

#[test]
fn a_run_that_cannot_begin_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bad = state(0, 0);
    bad.mlp.parameters_mut()[0] = f32::NAN;
    let dir = RunDir::create(folder.path().join("run")).unwrap();
    assert!(Recorder::create(dir, info(), &bad, || 0.0).is_err());
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn resuming_with_another_recipe_or_other_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(begin(folder.path()));
    let attempt = |info: RunInfo| {
        let dir = RunDir::resume(folder.path()).unwrap();
        Recorder::resume(dir, info, &small_architecture(), || 0.0).err().unwrap().to_string()
    };
    let mut other = info();
    other.data.fingerprint = "else".into();
    assert!(attempt(other).contains("on other data"));
    let mut other = info();
    other.recipe = recipe("data = \"small\"\nhidden = 3");
    assert!(attempt(other).contains("of another recipe"));
    resume(folder.path());
}

/// Files that were changed, or come from another run, are found before anything is said of them.
#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    whole_run(folder.path());
    let dir = RunDir::open(folder.path()).unwrap();
    let refused = |name: &str, bytes: &[u8], expected: &str| {
        let good = fs::read(dir.file(name)).unwrap();
        fs::write(dir.file(name), bytes).unwrap();
        let told = [dir.contents().err(), dir.trained().err()].map(|error| error.map(|error| error.to_string()));
        fs::write(dir.file(name), good).unwrap();
        for said in told.iter().flatten() {
            assert!(said.contains(name) && said.contains(expected), "{said}");
        }
        told.map(|said| said.is_some())
    };
    let RunContents { recipe, records, manifest, .. } = dir.contents().unwrap();
    assert_eq!((recipe, records.len(), manifest.is_some()), (small_recipe(), 3, true));
    assert_eq!(dir.trained().unwrap().mlp, state(3, 12).mlp);

    let not_its_own = "is not what the run wrote: manifest.json beside it has another size or SHA-256. Restore it";
    let own = small_recipe().to_toml();
    let other = own.replace("seed = 5", "seed = 6");
    assert_eq!(refused(RunDir::RECIPE, other.as_bytes(), not_its_own), [true, true]);
    // A comment of the user's own changes nothing.
    assert_eq!(refused(RunDir::RECIPE, format!("# the best so far\n{own}").as_bytes(), ""), [false, false]);
    let log = fs::read_to_string(dir.file(RunDir::METRICS)).unwrap();
    assert_eq!(refused(RunDir::METRICS, log.replace("0.9", "1.0").as_bytes(), not_its_own), [true, false]);
    assert_eq!(refused(RunDir::METRICS, b"", "is damaged: it has 0 epochs, and the finished run has 3"), [true, false]);

    // Whole models, but not this run's.
    let model = |recipe: &str, fingerprint: &str| {
        let path = folder.path().join("another");
        let data = DataInfo { fingerprint: fingerprint.into(), ..info().data };
        save_model(&path, &state(3, 12).mlp, &ModelInfo::new(data, recipe)).unwrap();
        fs::read(path).unwrap()
    };
    let of_another = "is the model of another run: it was not trained by the recipe.toml beside it";
    assert_eq!(refused(RunDir::MODEL, &model(&other, "data"), of_another), [false, true]);
    let of_others = "is the model of another run: it was trained on other data than the manifest.json beside it says";
    assert_eq!(refused(RunDir::MODEL, &model(&own, "others"), of_others), [false, true]);
    assert_eq!(refused(RunDir::MODEL, &model(&own, "data"), ""), [false, false]);
    let manifest = fs::read_to_string(dir.file(RunDir::MANIFEST)).unwrap();
    let mute = manifest.replace("metrics.jsonl", "diary.jsonl");
    assert_eq!(
        refused(RunDir::MANIFEST, mute.as_bytes(), "is damaged: it says nothing of metrics.jsonl"),
        [true, false]
    );
}
