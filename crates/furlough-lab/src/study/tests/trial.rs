use super::*;
use crate::run::{Recorder, RunDir, RunInfo};
use furlough::train::{Control, Event, StopReason};
use std::cell::Cell;

const SMALL: &str = "hidden = 8\nepochs = 4";

#[test]
fn the_name_is_of_recipe_and_data() {
    let one = trial(SMALL);
    assert_eq!(one.id().len(), 16);
    assert_eq!(one.id(), trial(SMALL).id());
    assert_ne!(one.id(), trial("hidden = 8\nepochs = 5").id());
    assert_ne!(one.id(), Trial::new(recipe(SMALL), "other data").id());
}

#[test]
fn pausing_and_stopping_change_no_byte() {
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let trial = trial(SMALL);
    let whole = run(&trial, straight.path(), None).unwrap();
    assert_eq!((whole.ended, whole.found, whole.records.len()), (Ended::Finished, 0, 4));

    let first = run(&trial, broken.path(), Some(2)).unwrap();
    assert_eq!((first.ended, first.records.as_slice()), (Ended::Paused, &whole.records[..2]));
    // Asking for what is there already trains nothing.
    let events = Cell::new(0);
    let mut count = |_: &Event<'_>| {
        events.set(events.get() + 1);
        Ok(Control::Continue)
    };
    let again = run_trial(&trial, &data(), &setting(broken.path()), Some(1), &mut count).unwrap();
    assert_eq!((again.ended, again.found, again.records.as_slice()), (Ended::Paused, 2, &whole.records[..1]));
    assert_eq!(events.get(), 0);
    // Stopped in the middle of epoch 3.
    let mut stop = |event: &Event<'_>| {
        let middle = matches!(event, Event::Step { epoch: 3, step: 2, .. });
        Ok(if middle { Control::Stop } else { Control::Continue })
    };
    let stopped = run_trial(&trial, &data(), &setting(broken.path()), None, &mut stop).unwrap();
    assert_eq!((stopped.ended, stopped.found, stopped.records.len()), (Ended::Stopped, 2, 2));
    // An end that is asked for beyond the last epoch is the last epoch.
    let last = run(&trial, broken.path(), Some(9)).unwrap();
    assert_eq!((last.ended, &last.records), (Ended::Finished, &whole.records));
    assert_eq!(contents(&last.path), contents(&whole.path));

    let before = contents(&last.path);
    let skipped = run_trial(&trial, &data(), &setting(broken.path()), None, &mut count).unwrap();
    assert_eq!((skipped.ended, skipped.found, &skipped.records), (Ended::Finished, 4, &whole.records));
    assert_eq!((events.get(), contents(&last.path)), (0, before));
}

#[test]
fn a_trial_begun_and_killed_is_gone_on_with() {
    let trial = trial(SMALL);
    let straight = tempfile::tempdir().unwrap();
    let whole = run(&trial, straight.path(), None).unwrap();
    let leave: [(&str, &[&str]); 4] = [
        ("a lock file alone", &[]),
        ("the recipe alone", &[RunDir::RECIPE]),
        ("an empty log", &[RunDir::RECIPE, RunDir::METRICS]),
        ("all but the manifest", &[RunDir::RECIPE, RunDir::METRICS, RunDir::CHECKPOINT, RunDir::MODEL]),
    ];
    for (what, files) in leave {
        let root = tempfile::tempdir().unwrap();
        let folder = trial.folder(root.path());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(RunDir::LOCK), "").unwrap();
        for name in files {
            let empty = files.len() == 2 && *name == RunDir::METRICS;
            let bytes = if empty { Vec::new() } else { fs::read(whole.path.join(name)).unwrap() };
            fs::write(folder.join(name), bytes).unwrap();
        }
        let outcome = run(&trial, root.path(), None).unwrap();
        assert_eq!((outcome.ended, &outcome.records), (Ended::Finished, &whole.records), "{what}");
        assert_eq!(contents(&folder), contents(&whole.path), "{what}");
    }
}

#[test]
fn damage_is_one_error_and_nothing_is_touched() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 9] = [
        ("not empty (it has notes.txt)", |f| {
            fs::remove_dir_all(f).unwrap();
            fs::create_dir(f).unwrap();
            fs::write(f.join("notes.txt"), "mine").unwrap();
        }),
        ("is not what the run wrote", |f| {
            let log = fs::read_to_string(f.join(RunDir::METRICS)).unwrap();
            fs::write(
                f.join(RunDir::METRICS),
                log.replacen("\"epoch\":1,\"train_loss\":", "\"epoch\":1,\"train_loss\":1", 1),
            )
            .unwrap();
        }),
        ("model.safetensors: is not what the run wrote", |f| fs::write(f.join(RunDir::MODEL), "short").unwrap()),
        ("model.safetensors: is missing", |f| fs::remove_file(f.join(RunDir::MODEL)).unwrap()),
        ("recipe.toml is missing", |f| fs::remove_file(f.join(RunDir::RECIPE)).unwrap()),
        ("is the recipe of another trial", |f| {
            fs::write(f.join(RunDir::RECIPE), recipe("hidden = 9").to_toml()).unwrap();
        }),
        ("manifest.json: is damaged", |f| fs::write(f.join(RunDir::MANIFEST), "{").unwrap()),
        ("checkpoint.safetensors", |f| {
            fs::remove_file(f.join(RunDir::MANIFEST)).unwrap();
            fs::write(f.join(RunDir::CHECKPOINT), "half").unwrap();
        }),
        ("line 2 is damaged", |f| {
            fs::remove_file(f.join(RunDir::MANIFEST)).unwrap();
            let log = fs::read_to_string(f.join(RunDir::METRICS)).unwrap();
            fs::write(f.join(RunDir::METRICS), log.replacen("\"epoch\":2", "\"ep", 1)).unwrap();
        }),
    ];
    let trial = trial(SMALL);
    for (expected, harm) in harms {
        let root = tempfile::tempdir().unwrap();
        let folder = run(&trial, root.path(), None).unwrap().path;
        harm(&folder);
        let before = contents(&folder);
        let error = run(&trial, root.path(), None).unwrap_err().to_string();
        assert!(error.starts_with(&*folder.display().to_string()), "{error}");
        assert!(error.contains(expected) && error.contains("move this folder away"), "{expected}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        let after: Vec<_> = contents(&folder).into_iter().filter(|(name, _)| name != RunDir::LOCK).collect();
        assert_eq!(after, before, "{expected}");
    }
}

#[test]
fn a_full_disk_is_no_damage() {
    let of = |kind: std::io::ErrorKind| {
        let path = Path::new("trials/a/recipe.toml").into();
        crate::study::trial::unusable(
            Path::new("trials/a"),
            furlough::Error::Io { action: "write", path, source: kind.into() }.into(),
        )
    };
    assert!(of(std::io::ErrorKind::StorageFull).is_out_of_space());
    assert!(of(std::io::ErrorKind::PermissionDenied).to_string().contains("this trial is damaged"));
}

#[test]
fn a_trial_of_another_process_is_left_to_it() {
    let root = tempfile::tempdir().unwrap();
    let trial = trial(SMALL);
    let held = RunDir::create(trial.folder(root.path())).unwrap();
    let outcome = run(&trial, root.path(), None).unwrap();
    assert_eq!((outcome.ended, outcome.records.len()), (Ended::Elsewhere, 0), "it has only just begun there");
    drop(held);
    run(&trial, root.path(), Some(1)).unwrap();
    let held = RunDir::resume(trial.folder(root.path())).unwrap();
    let outcome = run(&trial, root.path(), None).unwrap();
    assert_eq!((outcome.ended, outcome.records.len()), (Ended::Elsewhere, 1));
    drop(held);
    assert_eq!(run(&trial, root.path(), None).unwrap().ended, Ended::Finished);
}

#[test]
fn a_trial_that_has_no_room_fails_alone_and_says_why() {
    let root = tempfile::tempdir().unwrap();
    let trial = trial(SMALL);
    let no_room = |bytes: u64| (bytes > 1000).then(|| "but its control group may use 1 kB".to_string());
    let tight = TrialConfig { no_room: &no_room, ..setting(root.path()) };
    let mut nothing = |_: &Event<'_>| Ok(Control::Continue);
    let refused = run_trial(&trial, &data(), &tight, None, &mut nothing).unwrap();
    let reason = refused.failure.unwrap().to_string();
    assert!(
        refused.ended == Ended::Failed && reason.contains("to train, but its control group may use 1 kB"),
        "{reason}"
    );
    let again = TrialConfig { retry_failed: true, ..setting(root.path()) };
    assert_eq!(run_trial(&trial, &data(), &again, None, &mut nothing).unwrap().ended, Ended::Finished);
}

#[test]
fn a_trial_that_failed_is_run_again_only_on_request() {
    let root = tempfile::tempdir().unwrap();
    let again = TrialConfig { retry_failed: true, ..setting(root.path()) };
    let steps = Cell::new(0);
    let mut count = |event: &Event<'_>| {
        steps.set(steps.get() + u32::from(matches!(event, Event::Step { .. } | Event::Diverged { .. })));
        Ok(Control::Continue)
    };
    // One diverges in the middle, one in its very last step, and one does not fit in memory.
    let cases = [
        ("hidden = 8\nepochs = 3\nlr = 1e30", "diverged: the loss became", true),
        ("hidden = 64\nepochs = 1\nlr = 1e30\ntrain_examples = 200", "in epoch 1, step 1", true),
        ("hidden = [4000000, 4000000]\nepochs = 1", "4000000", false),
    ];
    for (recipe, expected, begins) in cases {
        let trial = trial(recipe);
        let first = run_trial(&trial, &data(), &setting(root.path()), None, &mut count).unwrap();
        assert_eq!((first.ended, first.records.len()), (Ended::Failed, 0));
        let reason = first.failure.as_ref().unwrap().to_string();
        assert!(reason.contains(expected), "{reason}");
        let failed = TrialState::Failed(first.failure.clone().unwrap());
        assert_eq!(trial.found(root.path()).unwrap().state, failed);
        assert_eq!(RunDir::open(&first.path).unwrap().contents().unwrap().failure, first.failure);

        let before = steps.replace(0);
        assert_eq!(before > 0, begins);
        let second = run_trial(&trial, &data(), &setting(root.path()), None, &mut count).unwrap();
        assert_eq!((second.ended, second.failure, steps.get()), (Ended::Failed, first.failure.clone(), 0));
        let third = run_trial(&trial, &data(), &again, None, &mut count).unwrap();
        assert_eq!((third.ended, third.failure, steps.get() > 0), (Ended::Failed, first.failure, begins));
        steps.set(0);
    }
    // What failed for want of memory and fits now is finished like any other, and no longer called
    // failed.
    let small = trial("hidden = 8\nepochs = 1");
    let failure = crate::run::Failure::Error { reason: "no memory".into() };
    fs::create_dir_all(small.folder(root.path())).unwrap();
    failure.write(&small.folder(root.path())).unwrap();
    fs::write(small.folder(root.path()).join(RunDir::RECIPE), small.recipe().to_toml()).unwrap();
    assert_eq!(run(&small, root.path(), None).unwrap().ended, Ended::Failed);
    assert_eq!(run_trial(&small, &data(), &again, None, &mut ()).unwrap().ended, Ended::Finished);
    assert!(!small.folder(root.path()).join(RunDir::FAILED).exists());
}

#[test]
fn a_finished_run_whose_last_figures_are_of_no_numbers_counts_as_diverged() {
    let root = tempfile::tempdir().unwrap();
    let trial = trial("hidden = 8\nepochs = 2");
    let path = run(&trial, root.path(), None).unwrap().path;
    // As older versions wrote it: the loss is null, the accuracy one of outputs that are not
    // numbers.
    let log = fs::read_to_string(path.join(RunDir::METRICS)).unwrap();
    let (first, last) = log.trim_end().split_once('\n').unwrap();
    let mut last: serde_json::Value = serde_json::from_str(last).unwrap();
    last["test_loss"] = serde_json::Value::Null;
    fs::write(path.join(RunDir::METRICS), format!("{first}\n{last}\n")).unwrap();
    let dir = RunDir::open(&path).unwrap();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(path.join(RunDir::MANIFEST)).unwrap()).unwrap();
    let entry = crate::run::FileEntry::of(&dir, RunDir::METRICS).unwrap();
    for file in manifest["files"].as_array_mut().unwrap() {
        if file["name"] == entry.name {
            *file = serde_json::to_value(&entry).unwrap();
        }
    }
    fs::write(path.join(RunDir::MANIFEST), manifest.to_string()).unwrap();

    let contents = dir.contents().unwrap();
    assert!(contents.manifest.is_some() && !contents.is_finished());
    assert_eq!(contents.last_good_epoch(), 1);
    assert_eq!(contents.failure.unwrap().to_string(), "diverged: the loss became NaN in epoch 2");
    assert!(matches!(trial.found(root.path()).unwrap().state, TrialState::Failed(_)));
}

#[test]
fn a_trial_cut_short_is_not_taken_for_a_whole_one() {
    let root = tempfile::tempdir().unwrap();
    let trial = trial(SMALL);
    let path = run(&trial, root.path(), Some(2)).unwrap().path;
    let info = RunInfo {
        recipe: trial.recipe().clone(),
        data: data().info,
        eval: None,
        from: None,
        data_origin: "built in".into(),
        table: None,
        machine: None,
    };
    assert_eq!(Recorder::cut_short(RunDir::resume(&path).unwrap(), info).unwrap(), StopReason::Asked);
    let before = contents(&path);
    for until in [None, Some(1)] {
        let error = run(&trial, root.path(), until).unwrap_err().to_string();
        let whole = format!("{}: was cut short after 2 epochs; move its folder away to train it whole", path.display());
        assert_eq!(error, whole);
    }
    assert_eq!(contents(&path), before);
    fs::rename(&path, root.path().join("away")).unwrap();
    assert_eq!(run(&trial, root.path(), None).unwrap().ended, Ended::Finished);
}

#[test]
fn a_trial_goes_on_with_the_test_set_that_it_began_with() {
    let root = tempfile::tempdir().unwrap();
    let trial = trial(SMALL);
    let path = run(&trial, root.path(), Some(2)).unwrap().path;
    let before = contents(&path);
    let data = data();
    let fewer = data.judge.select(&[0, 1, 2]);
    let other = TrialData::new(data.train, &fewer, "built in");
    let error = run_trial(&trial, &other, &setting(root.path()), None, &mut ()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: the test set has changed", path.display())), "{error}");
    assert!(error.contains("and now there are 3") && !error.contains("damaged"), "{error}");
    assert_eq!(contents(&path), before);
    assert_eq!(run(&trial, root.path(), None).unwrap().ended, Ended::Finished);
}

#[test]
fn a_recipe_may_see_a_part_of_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let part = trial("hidden = 8\nepochs = 1\nfolds = 4\ntrain_examples = 40");
    let outcome = run(&part, folder.path(), None).unwrap();
    let manifest = crate::run::Manifest::read(&RunDir::open(&outcome.path).unwrap()).unwrap().unwrap();
    let (train, held_out) = part.recipe().partition().select(data().train).unwrap();
    assert_eq!(manifest.data_fingerprint, furlough::files::fingerprint(&train));
    // One step, judged by the examples held out.
    assert_eq!(manifest.steps, 1);
    let (model, _) = furlough::files::load_model(&outcome.path.join(RunDir::MODEL)).unwrap();
    let loss = furlough::predict::Predictor::new(model, 1).evaluate(&held_out.unwrap()).unwrap().loss;
    assert_eq!(outcome.records[0].summary.eval_loss(), Some(loss));
    // What cannot be split is this trial's failure.
    let failed = run(&trial("folds = 60000"), folder.path(), None).unwrap().failure.unwrap();
    assert!(failed.to_string().contains("folds = 60000"), "{failed}");
}
