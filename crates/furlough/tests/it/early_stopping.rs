//! Runs that stop early, and figures of the full network on the training set.

use crate::common::{bits, data};
use furlough::data::{Dataset, EvalData};
use furlough::files::{Origin, load_checkpoint, save_checkpoint};
use furlough::nn::{Activation, Architecture, DropoutKind, Init, MaskSharing, Sequential};
use furlough::optim::Optimizer;
use furlough::train::{
    BestEpoch, ClassWeights, Control, EarlyStopping, EpochSummary, EvalMetric, Event, LossOptions, StopReason,
    TrainOptions, TrainState, Trainer, TrainingMemory,
};

furlough_harness::tests![
    the_network_is_that_of_the_best_epoch,
    a_run_that_does_not_stop_early_has_its_best_epoch_too,
    killed_and_resumed_anywhere_gives_the_same_bytes,
    what_cannot_stop_early_is_refused,
    full_train_figures_are_those_of_an_evaluation_and_change_nothing,
];

/// Labels that say nothing of the features: what is learned of them is wrong elsewhere.
fn noise() -> (Dataset, Dataset) {
    let all = data(150, 20, 3, true);
    let examples: Vec<u32> = (0..150).collect();
    (all.select(&examples[..90]), all.select(&examples[90..]))
}

fn network(kind: DropoutKind) -> Sequential {
    Sequential::mlp(20, 3, &[30], Activation::Relu, 0.0, &[0.2]).with_dropout_kind(kind)
}

fn options(patience: u32, metric: EvalMetric) -> TrainOptions {
    TrainOptions {
        init: Init::Kaiming,
        optimizer: MOMENTUM,
        learning_rate: 0.1,
        batch_size: 25,
        epochs: 40,
        seed: 3,
        early_stopping: Some(EarlyStopping { patience, metric }),
        ..TrainOptions::default()
    }
}

const MOMENTUM: Optimizer = Optimizer::Sgd { momentum: 0.9, nesterov: false };

/// What a run told of itself.
#[derive(Default)]
struct Told {
    epochs: Vec<EpochSummary>,
    /// The network after each epoch.
    networks: Vec<Vec<u32>>,
    last_checkpoint: Option<TrainState>,
    end: Option<(StopReason, TrainState)>,
}

fn run(trainer: &mut Trainer<'_>, validation: &Dataset) -> Told {
    let mut told = Told::default();
    let mut note = |event: &Event<'_>| {
        match event {
            Event::Epoch(summary) => told.epochs.push((*summary).clone()),
            Event::Checkpoint { state } => {
                if state.progress.step_in_epoch == 0 && told.networks.len() < state.progress.epoch as usize {
                    told.networks.push(bits(state.mlp.parameters()));
                }
                told.last_checkpoint = Some((*state).clone());
            }
            Event::Stop { reason, state } => told.end = Some((*reason, (*state).clone())),
            _ => {}
        }
        Ok(Control::Continue)
    };
    trainer.fit_with(Some(EvalData::validation(validation)), &mut note).unwrap();
    told
}

fn the_network_is_that_of_the_best_epoch() {
    let (train, validation) = noise();
    for (metric, patience) in [(EvalMetric::Loss, 1), (EvalMetric::Loss, 4), (EvalMetric::Accuracy, 3)] {
        let mut trainer =
            Trainer::new(&network(DropoutKind::Bernoulli), &options(patience, metric), &train, 2).unwrap();
        let told = run(&mut trainer, &validation);
        let figure = |summary: &EpochSummary| match metric {
            EvalMetric::Loss => -summary.eval_loss().unwrap(),
            EvalMetric::Accuracy => summary.eval_accuracy().unwrap(),
        };
        // The last of equals, and so many epochs after it are worse.
        let most = told.epochs.iter().map(figure).fold(f64::NEG_INFINITY, f64::max);
        let best = told.epochs.iter().rposition(|summary| figure(summary) == most).unwrap();
        assert_eq!(told.epochs.len(), best + 1 + patience as usize, "{metric}, {patience}");
        assert!(told.epochs.len() < 40);
        let (reason, state) = told.end.unwrap();
        assert_eq!(reason, StopReason::EarlyStopped);
        assert!(reason.is_finished());
        let BestEpoch { epoch, value, .. } = state.best.as_ref().unwrap();
        assert_eq!((*epoch as usize, value.abs()), (best + 1, most.abs()));
        assert_eq!(bits(state.mlp.parameters()), told.networks[best]);
        // The last checkpoint is of the last epoch.
        assert_eq!(bits(told.last_checkpoint.unwrap().mlp.parameters()), told.networks[told.epochs.len() - 1]);
        let scores = trainer.evaluate(&validation).unwrap();
        assert_eq!(Some(scores.loss), told.epochs[best].eval_loss());
        let all: Vec<EpochSummary> = told.epochs;
        assert_eq!(options(patience, metric).early_stopping.unwrap().best_epoch(&all), Some(best as u32 + 1));
        // A run that is over stays over, and overwrites no checkpoint with a network of another
        // epoch.
        let again = run(&mut trainer, &validation);
        assert_eq!(again.end.unwrap().1, state);
        assert_eq!(again.last_checkpoint, None);
    }
}

fn a_run_that_does_not_stop_early_has_its_best_epoch_too() {
    let (train, validation) = noise();
    let options = TrainOptions { epochs: 6, ..options(50, EvalMetric::Loss) };
    let mut trainer = Trainer::new(&network(DropoutKind::Bernoulli), &options, &train, 1).unwrap();
    let told = run(&mut trainer, &validation);
    let (reason, state) = told.end.unwrap();
    let best = state.best.as_ref().unwrap().epoch;
    assert_eq!((reason, told.epochs.len()), (StopReason::Finished, 6));
    assert!(best < 6, "{best}");
    assert_eq!(bits(state.mlp.parameters()), told.networks[best as usize - 1]);
    // Whether it may stop early changes no number of training.
    let plain = TrainOptions { early_stopping: None, ..options };
    let mut trainer = Trainer::new(&network(DropoutKind::Bernoulli), &plain, &train, 1).unwrap();
    assert_eq!(run(&mut trainer, &validation).epochs, told.epochs);
}

/// With what is learned of the drop probabilities, with masks of the batch, and with Adam, weights
/// of examples and classes, clipping and a schedule with a warm-up. Killed after each
/// so many steps, the last of them after the best epoch and after the last one.
fn killed_and_resumed_anywhere_gives_the_same_bytes() {
    let (train, validation) = noise();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let origin = Origin::new("a recipe", "data");
    let shared = network(DropoutKind::Bernoulli).with_sharing(MaskSharing::Batch);
    let plain = options(3, EvalMetric::Loss);
    let adam = TrainOptions {
        optimizer: Optimizer::ADAM,
        learning_rate: 0.02,
        lr_schedule: "warmup:0.1+cosine".parse().unwrap(),
        clip_norm: Some(0.5),
        loss: LossOptions { label_smoothing: 0.1, class_weights: Some(ClassWeights::Balanced) },
        ..plain.clone()
    };
    let weights = (0..train.len()).map(|example| 0.5 + (example % 3) as f32).collect();
    let weighted = train.clone().with_weights(weights).unwrap();
    for (network, options, train) in [
        (network(DropoutKind::Concrete), &plain, &train),
        (shared, &plain, &train),
        (network(DropoutKind::Bernoulli), &adam, &weighted),
    ] {
        let architecture: Architecture = network.validate().unwrap();
        let mut whole = Trainer::new(&network, options, train, 2).unwrap();
        let told = run(&mut whole, &validation);
        save_checkpoint(&path, told.last_checkpoint.as_ref().unwrap(), &origin).unwrap();
        let expected = std::fs::read(&path).unwrap();
        let mut pieces = Trainer::new(&network, options, train, 1).unwrap();
        let mut epochs = Vec::new();
        for stops in [1, 3, 4, 6, 2, 5].into_iter().cycle() {
            let mut left = stops;
            let mut keep = |event: &Event<'_>| {
                match event {
                    Event::Step { .. } => left -= 1,
                    Event::Epoch(summary) => epochs.push((*summary).clone()),
                    Event::Checkpoint { state } => save_checkpoint(&path, state, &origin).unwrap(),
                    _ => {}
                }
                Ok(if left <= 0 { Control::Stop } else { Control::Continue })
            };
            let reason = pieces.fit_with(Some(EvalData::validation(&validation)), &mut keep).unwrap();
            let state = load_checkpoint(&path, &origin, &architecture, &options.optimizer).unwrap();
            pieces = Trainer::resume(&network, options, train, 2, state).unwrap();
            if reason.is_finished() {
                assert_eq!(reason, StopReason::EarlyStopped);
                break;
            }
        }
        assert_eq!(epochs, told.epochs);
        assert!(std::fs::read(&path).unwrap() == expected);
        // Killed after its last checkpoint, before it was told that the run is over.
        let again = run(&mut pieces, &validation);
        assert!(again.epochs.is_empty());
        assert_eq!(again.end, told.end);
        save_checkpoint(&path, again.last_checkpoint.as_ref().unwrap(), &origin).unwrap();
        assert!(std::fs::read(&path).unwrap() == expected);
    }
}

fn what_cannot_stop_early_is_refused() {
    let (train, validation) = noise();
    let network = network(DropoutKind::Bernoulli);
    let options = options(2, EvalMetric::Loss);
    let new = |options: &TrainOptions| Trainer::new(&network, options, &train, 1);
    let without = new(&options).unwrap().fit(None).unwrap_err().to_string();
    assert_eq!(without, "early_stopping = 2: needs validation data");
    let tested = new(&options).unwrap().fit(Some(EvalData::test(&validation))).unwrap_err().to_string();
    assert!(
        tested.starts_with("early_stopping = 2: needs validation data: what is chosen by the test set"),
        "{tested}"
    );
    let stopping =
        |patience, metric| TrainOptions { early_stopping: Some(EarlyStopping { patience, metric }), ..options.clone() };
    let never = new(&stopping(0, EvalMetric::Loss)).err().unwrap().to_string();
    assert!(never.starts_with("early_stopping = 0: "), "{never}");
    let numbers = data(30, 20, 3, false);
    let error = Trainer::new(&network, &stopping(2, EvalMetric::Accuracy), &numbers, 1).err().unwrap().to_string();
    assert!(error.starts_with("early_stopping_metric = accuracy: is a share of classes"), "{error}");
    // A state of another run: with a best epoch, and without one.
    let mut trainer = new(&TrainOptions { epochs: 2, ..options.clone() }).unwrap();
    let state = run(&mut trainer, &validation).end.unwrap().1;
    let resumed = |options: &TrainOptions, state| Trainer::resume(&network, options, &train, 1, state);
    assert!(resumed(&options, state.clone()).is_ok());
    let plain = TrainOptions { early_stopping: None, ..options.clone() };
    let lacks = TrainState { best: None, ..state.clone() };
    let mut later = state.clone();
    later.best.as_mut().unwrap().epoch = 3;
    for (options, state) in [(&plain, state), (&options, lacks), (&options, later)] {
        let error = resumed(options, state).err().unwrap().to_string();
        assert!(error.contains("is not of this run: its best epoch"), "{error}");
    }
    let architecture = network.validate().unwrap();
    let [more, less] = [&options, &plain].map(|options| TrainingMemory::of(&architecture, options, 90, 1));
    assert_eq!((more.best, less.best), (less.parameters, 0));
    assert!(more.training() > less.training() && more.checkpoints > less.checkpoints);
}

fn full_train_figures_are_those_of_an_evaluation_and_change_nothing() {
    let (train, validation) = noise();
    let weights = (0..train.len()).map(|example| (example % 3) as f32).collect();
    let train = train.with_weights(weights).unwrap();
    let plain = TrainOptions { epochs: 3, early_stopping: None, ..options(1, EvalMetric::Loss) };
    let full = TrainOptions { full_train_figures: true, ..plain.clone() };
    let trained = |options: &TrainOptions| {
        let mut trainer = Trainer::new(&network(DropoutKind::Bernoulli), options, &train, 2).unwrap();
        let told = run(&mut trainer, &validation);
        let scores = trainer.evaluate(&train).unwrap();
        (told, scores)
    };
    let ((told, scores), (other, _)) = (trained(&full), trained(&plain));
    assert_eq!(told.networks, other.networks);
    assert_eq!(told.epochs[2].full_train, Some(scores));
    for (with, without) in told.epochs.iter().zip(&other.epochs) {
        assert!(with.full_train.unwrap().loss != with.train_loss);
        assert_eq!(EpochSummary { full_train: None, ..with.clone() }, *without);
    }
}
