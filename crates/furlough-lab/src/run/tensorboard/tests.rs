use super::*;
use crate::recipe::Settings;
use crate::run::{Machine, Recorder, RunInfo};
use furlough::files::DataInfo;
use furlough::train::{StopReason, Trainer};

const TOML: &str = "data = 'digits'\nhidden = 8\nepochs = 5\n";

/// Trains the digits in `folder`, from the beginning or onwards, and stops after epoch `until`. The
/// clock stands at `time`.
fn train(folder: &Path, until: u32, time: f64, board: bool) -> StopReason {
    train_by(TOML, folder, until, time, board)
}

fn train_by(toml: &str, folder: &Path, until: u32, time: f64, board: bool) -> StopReason {
    let recipe = Settings::parse(toml, None).unwrap().resolve().unwrap();
    let data = recipe.partition().apply(furlough::data::digits::load().unwrap()).unwrap();
    let network = recipe.network(64, &[], 10);
    let info = RunInfo {
        recipe: recipe.clone(),
        data: DataInfo::of(&data.train),
        eval: None,
        from: None,
        data_origin: "built in".into(),
        table: None,
        machine: Some(Machine { instruction_set: "any".into(), threads: 1 }),
    };
    let mut trainer = Trainer::new(&network, &recipe.options(), &data.train, 1).unwrap();
    let recorder = if folder.exists() {
        let dir = RunDir::resume(folder).unwrap();
        let (recorder, state) = Recorder::resume(dir, info, &network.validate().unwrap(), || 0.5).unwrap();
        trainer = Trainer::resume(&network, &recipe.options(), &data.train, 1, state.unwrap()).unwrap();
        recorder
    } else {
        Recorder::create(RunDir::create(folder).unwrap(), info, trainer.state(), || 0.5).unwrap()
    };
    let open = || TensorBoard::open(recorder.dir(), recorder.records(), "my host/1", move || time, || 0.5).unwrap();
    let board = board.then(open);
    let stop = move |event: &furlough::train::Event<'_>| {
        let reached = matches!(event, furlough::train::Event::Epoch(summary) if summary.epoch == until);
        Ok(if reached { Control::Stop } else { Control::Continue })
    };
    trainer.fit_with(Some(data.eval_data()), &mut ((recorder, board), stop)).unwrap()
}

/// The run's event files in the order of their names: name and events.
fn files(folder: &Path) -> Vec<(String, Vec<EventMessage>)> {
    let folder = folder.join(RunDir::TENSORBOARD);
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let read = |name: String| {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let (records, left) = frame::records(&bytes);
        assert_eq!(left, 0, "{name} ends with a whole record");
        (name, records.into_iter().map(|data| EventMessage::decode(data).unwrap()).collect())
    };
    names.into_iter().map(read).collect()
}

/// The step of a session's start, and the epochs that come after it.
fn session(events: &[EventMessage]) -> (i64, Vec<i64>) {
    assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".into())));
    assert_eq!(events[1].what, Some(What::SessionLog(SessionLog { status: SessionStatus::Start.into() })));
    let epochs = events[2..].iter().map(|event| event.step).filter(|&step| step > 0);
    (events[1].step, epochs.collect())
}

#[test]
fn each_process_writes_a_file_that_begins_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    assert_eq!(train(&run, 2, 1_800_000_000.9, true), StopReason::Asked);
    // The clock was set back.
    assert_eq!(train(&run, 3, 1_700_000_000.0, true), StopReason::Asked);
    assert_eq!(train(&run, 9, 1_900_000_000.0, true), StopReason::Finished);

    let files = files(&run);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["1800000000", "1800000001", "1900000000"].map(|n| format!("events.out.tfevents.{n}.my-host-1"));
    assert_eq!(names, expected);
    let sessions: Vec<_> = files.iter().map(|(_, events)| session(events)).collect();
    assert_eq!(sessions, [(1, vec![1, 2]), (3, vec![3]), (4, vec![4, 5])]);
    assert_eq!(files[0].1[0].wall_time, 1_800_000_000.9);

    let records = crate::run::read_metrics(&run.join(RunDir::METRICS), EvalSplit::Test).unwrap();
    let Some(What::Summary(last)) = &files[2].1[3].what else { panic!("an epoch") };
    let told: Vec<_> = last.value.iter().map(|value| (value.tag.as_str(), value.content.clone().unwrap())).collect();
    let scalar = |figure: f64| Content::Scalar(figure as f32);
    let summary = &records[4].summary;
    assert_eq!(
        told,
        [
            ("train/loss", scalar(summary.train_loss)),
            ("train/accuracy", scalar(summary.train_accuracy.unwrap())),
            ("test/loss", scalar(summary.eval_loss().unwrap())),
            ("test/accuracy", scalar(summary.eval_accuracy().unwrap())),
            ("time/seconds", scalar(0.5)),
        ]
    );

    // It is beside the run and no part of it.
    let dir = RunDir::open(&run).unwrap();
    let manifest = crate::run::Manifest::read(&dir).unwrap().unwrap();
    assert!(manifest.files.iter().all(|file| !file.name.contains("tensorboard")));
    fs::remove_dir_all(run.join(RunDir::TENSORBOARD)).unwrap();
    manifest.verify(&dir).unwrap();
}

#[test]
fn a_run_that_takes_it_up_late_has_the_earlier_epochs_too() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    train(&run, 2, 0.0, false);
    train(&run, 9, 1_800_000_000.0, true);
    let files = files(&run);
    assert_eq!(files.len(), 1);
    assert_eq!(session(&files[0].1), (1, vec![1, 2, 3, 4, 5]));
    let Some(What::Summary(Summary { value })) = &files[0].1[2].what else { panic!("the recipe") };
    let Some(Content::Tensor(text)) = &value[0].content else { panic!("a text") };
    let text = String::from_utf8(text.strings[0].clone()).unwrap();
    assert!(text.starts_with("    data = \"digits\"\n    hidden = [8]\n"), "{text}");
}

/// What is judged by is called what the command calls it, and p that is learned has its curve.
#[test]
fn tags_of_held_out_examples_and_of_learned_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let toml =
        "data = 'digits'\nhidden = [8, 6]\nepochs = 2\nfolds = 5\ndropout_kind = 'concrete'\ndropout = [0.25, 0.5]\n";
    train_by(toml, &run, 9, 1_800_000_000.0, true);
    let files = files(&run);
    let Some(What::Summary(last)) = &files[0].1[4].what else { panic!("an epoch") };
    let told: Vec<_> = last.value.iter().map(|value| (value.tag.as_str(), value.content.clone().unwrap())).collect();
    let tags: Vec<_> = told.iter().map(|(tag, _)| *tag).collect();
    let expected = ["train/loss", "train/accuracy", "validation/loss", "validation/accuracy", "time/seconds"];
    assert_eq!(tags, [&expected[..], &["dropout/layer1", "dropout/layer2"]].concat());
    let dir = RunDir::open(&run).unwrap();
    let learned: Vec<f64> = dir.trained().unwrap().mlp.learned_dropout().map(|(_, p)| p).collect();
    let shown = learned.iter().map(|&p| Content::Scalar(p as f32));
    assert_eq!(told[5..].iter().map(|(_, content)| content.clone()).collect::<Vec<_>>(), shown.collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_written_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(RunDir::RECIPE), TOML).unwrap();
    fs::write(folder.path().join(RunDir::TENSORBOARD), "in the way").unwrap();
    let dir = RunDir::open(folder.path()).unwrap();
    let error = TensorBoard::open(&dir, &[], "host", || 0.0, || 0.0).err().unwrap().to_string();
    assert!(error.starts_with("cannot create ") && error.contains("tensorboard: "), "{error}");
}

/// A full disk half-way through a record: the file ends with the record before.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_the_run() {
    let (path, file) = ("/dev/full".into(), File::options().append(true).open("/dev/full").unwrap());
    let mut board = TensorBoard { path, file, bytes: 0, seconds: Box::new(|| 1.0), now: Box::new(|| 1.0) };
    let summary = EpochSummary { epoch: 1, train_loss: 1.0, ..EpochSummary::default() };
    let error = board.observe(&furlough::train::Event::Epoch(&summary)).unwrap_err();
    assert!(matches!(&error, furlough::Error::Io { action: "write", .. }), "{error}");
    assert!(error.to_string().starts_with("cannot write /dev/full: "), "{error}");
}
