//! A run that was stopped and resumed, however often and in the middle of epochs too, leaves the
//! very files of one that never stopped.

use crate::CHILDREN;
use furlough::data::{Dataset, EvalData, Features, Targets};
use furlough::files::{DataInfo, load_model};
use furlough::predict::Predictor;
use furlough::train::{Control, Event, StopReason, Trainer};
use furlough_lab::recipe::{Recipe, Settings};
use furlough_lab::run::{EvalInfo, Machine, Manifest, Recorder, RunDir, RunInfo, final_record};
use std::path::Path;

furlough_harness::tests![
    stopping_and_resuming_changes_no_byte,
    a_run_that_stops_early_is_finished_and_resuming_changes_no_byte,
];

/// With weights of examples where classes have some.
fn data(masks: &str) -> Dataset {
    let rows = ndarray::Array2::from_shape_fn((70, 6), |(i, j)| ((i * 37 + j * 101) % 251) as u8);
    let labels = rows.rows().into_iter().map(|row| u32::from(row[0] > row[3]) + u32::from(row[1] > row[5])).collect();
    let names = ["none", "one", "both"].map(String::from).to_vec();
    let targets = Targets::Classes { labels, names };
    let data = Dataset::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, targets, &[2, 3]).unwrap();
    if !masks.contains("class_weights") {
        return data;
    }
    let weights = (0..data.len()).map(|example| [1.0, 0.3, 0.0, 2.7][example % 4]).collect();
    data.with_weights(weights).unwrap()
}

fn recipe(masks: &str) -> Recipe {
    let text = "data = \"small\"\nhidden = [12, 7]\ndropout = [0.2, 0.5]\ninput_dropout = 0.1\ninit = \"kaiming\"\n\
                lr = 0.1\nmomentum = 0.9\nnesterov = true\nmax_norm = 2.0\nbatch_size = 16\nepochs = 4\nseed = 11";
    let own = "lr = 0.1\nmomentum = 0.9\nnesterov = true\n";
    let text = if masks.contains("optimizer") { text.replace(own, "lr = 0.02\n") } else { text.into() };
    // Until it stops by itself.
    let text = if masks.contains("early") { text.replace("epochs = 4", "epochs = 60") } else { text };
    Settings::parse(&format!("{text}\n{masks}"), None).unwrap().resolve().unwrap()
}

fn info(data: &Dataset, recipe: Recipe) -> RunInfo {
    let eval = Some(EvalInfo::of(EvalData::test(data)));
    let (data, data_origin) = (DataInfo::of(data), "made by hand".into());
    let machine = Some(Machine { instruction_set: "any".into(), threads: 1 });
    RunInfo { recipe, data, eval, from: None, data_origin, table: None, machine }
}

/// Trains in `path`, from the beginning or from where the run stands, for at most `steps` steps.
fn train(path: &Path, masks: &str, steps: u64) -> StopReason {
    let data = data(masks);
    let recipe = recipe(masks);
    let (network, options, split) = (recipe.network(6, &[], 3), recipe.options(), recipe.partition().eval_split());
    let (recorder, mut trainer) = if path.join(RunDir::RECIPE).exists() {
        let dir = RunDir::resume(path).unwrap();
        assert_eq!(dir.recipe().unwrap(), recipe);
        let (recorder, state) =
            Recorder::resume(dir, info(&data, recipe), &network.validate().unwrap(), || 0.25).unwrap();
        (recorder, Trainer::resume(&network, &options, &data, 2, state.unwrap()).unwrap())
    } else {
        let trainer = Trainer::new(&network, &options, &data, 1).unwrap();
        let dir = RunDir::create(path).unwrap();
        (Recorder::create(dir, info(&data, recipe), trainer.state(), || 0.25).unwrap(), trainer)
    };
    let mut taken = 0;
    let stop_after = move |event: &Event<'_>| {
        taken += u64::from(matches!(event, Event::Step { .. }));
        Ok(if taken >= steps { Control::Stop } else { Control::Continue })
    };
    trainer.checkpoint_every(Some(2));
    let eval = EvalData { split, data: (&data).into() };
    trainer.fit_with(Some(eval), &mut (recorder, stop_after)).unwrap()
}

fn stopping_and_resuming_changes_no_byte() {
    let _locks = CHILDREN.read();
    for masks in [
        "",
        "dropout_sharing = 'batch'",
        "dropout_sharing = 5",
        "dropout_kind = 'dropconnect'",
        "dropout_kind = 'concrete'",
    ] {
        stopping_and_resuming(masks);
    }
}

/// With all that a checkpoint may have beside the network: the best epoch's, velocities, and what
/// is learned of drop probabilities.
fn a_run_that_stops_early_is_finished_and_resuming_changes_no_byte() {
    let _locks = CHILDREN.read();
    for masks in [
        "folds = 5\nearly_stopping = 1",
        "folds = 5\nearly_stopping = 2\ndropout_kind = 'concrete'",
        "folds = 5\nearly_stopping = 2\ndropout_sharing = 'batch'\ntrain_figures = 'full'\nlabel_smoothing = 0.1\n\
         class_weights = 'balanced'",
        "folds = 5\nearly_stopping = 2\noptimizer = 'adamw'\nweight_decay = 0.01\nclip_norm = 1.0\n\
         lr_schedule = 'coslog4'\nlabel_smoothing = 0.1\nclass_weights = [1, 2, 0.5]",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        assert_eq!(train(&whole, masks, u64::MAX), StopReason::EarlyStopped, "{masks}");
        let stops = [3, 2, 1, 6, 4].into_iter().cycle();
        let ends = stops.map(|steps| train(&pieces, masks, steps));
        let last = ends.take(200).find(|&reason| reason != StopReason::Asked);
        assert_eq!(last, Some(StopReason::EarlyStopped), "{masks}");
        for name in Manifest::FILES.into_iter().chain([RunDir::MANIFEST]) {
            let read = |path: &Path| std::fs::read(path.join(name)).unwrap();
            assert!(read(&whole) == read(&pieces), "{name}, {masks}");
        }
        let dir = RunDir::open(&whole).unwrap();
        let contents = dir.contents().unwrap();
        assert!(contents.is_finished() && contents.records.len() < 60);
        let best = contents.manifest.unwrap().best_epoch.unwrap();
        let patience = contents.recipe.early_stopping().unwrap().patience;
        assert_eq!(contents.records.len() as u32, best + patience);
        let own = final_record(&contents.recipe, &contents.records).unwrap();
        assert_eq!(own.summary.epoch, best);
        // The model is the network of that epoch, and the checkpoint's is that of the last.
        let model = load_model(&dir.model().unwrap()).unwrap().0;
        let evaluation = Predictor::new(model, 1).evaluate(&data(masks)).unwrap();
        assert_eq!(Some(evaluation.loss), own.summary.eval_loss());
        // Killed before its end was written, it is made what it would have become by itself.
        let manifest = std::fs::read(dir.file(RunDir::MANIFEST)).unwrap();
        std::fs::remove_file(dir.file(RunDir::MANIFEST)).unwrap();
        let learned = dir.learned().unwrap();
        assert!(learned.best_epoch == Some(best) && learned.unfinished.unwrap().epoch == best + patience);
        let again = Recorder::cut_short(RunDir::resume(&whole).unwrap(), info(&data(masks), recipe(masks)));
        assert_eq!(again.unwrap(), StopReason::EarlyStopped);
        assert_eq!(std::fs::read(dir.file(RunDir::MANIFEST)).unwrap(), manifest);
        assert_eq!(dir.trained().unwrap().best_epoch, Some(best));
        let cut = std::fs::read_to_string(dir.file(RunDir::METRICS)).unwrap();
        std::fs::write(dir.file(RunDir::METRICS), cut.lines().next().unwrap().to_string() + "\n").unwrap();
        let error = dir.contents().unwrap_err().to_string();
        assert!(error.contains("has 1 epoch, and the finished run has"), "{error}");
    }
}

fn stopping_and_resuming(masks: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
    assert_eq!(train(&whole, masks, u64::MAX), StopReason::Finished);
    // 20 steps in all, 5 an epoch: stops in the middle of epochs, at their ends, and after a single
    // step.
    for steps in [3, 2, 1, 6, 4] {
        assert_eq!(train(&pieces, masks, steps), StopReason::Asked);
        assert!(!RunDir::open(&pieces).unwrap().is_finished());
    }
    assert_eq!(train(&pieces, masks, u64::MAX), StopReason::Finished);

    for name in Manifest::files_in(&RunDir::open(&whole).unwrap()).chain([RunDir::MANIFEST]) {
        let read = |path: &Path| std::fs::read(path.join(name)).unwrap();
        assert_eq!(read(&whole), read(&pieces), "{name}");
    }
    let dir = RunDir::open(&whole).unwrap();
    let manifest = Manifest::read(&dir).unwrap().unwrap();
    manifest.verify(&dir).unwrap();
    assert_eq!(manifest.steps, 20);
    let (mlp, model) = load_model(&dir.model().unwrap()).unwrap();
    assert_eq!(*mlp.architecture(), recipe(masks).network(6, &[], 3).validate().unwrap());
    assert_eq!(model.data, DataInfo::of(&data(masks)));
    assert_eq!(Settings::parse(&model.recipe, None).unwrap().resolve().unwrap(), recipe(masks));
}
