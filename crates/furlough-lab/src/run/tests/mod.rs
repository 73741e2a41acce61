//! A small run, made by hand, and what the folder does with it.

mod files;
mod in_memory;
mod pictures;
mod runs;

use super::*;
use crate::recipe::{Recipe, Settings};
use furlough::data::EvalSplit;
use furlough::files::{
    DataInfo, ModelInfo, checkpoint_progress, load_model, open_file, open_file_with, read_file, read_text, save_model,
};
use furlough::nn::{Architecture, Init, Mlp};
use furlough::optim::OptimizerState;
use furlough::random::Key;
use furlough::train::{EpochSummary, EvalScores, LearnedDropout, Progress, TrainState};
use std::path::Path;

fn recipe(text: &str) -> Recipe {
    Settings::parse(text, None).unwrap().resolve().unwrap()
}

/// A network from 4 features over 3 units to 2 classes, with momentum.
fn small_recipe() -> Recipe {
    recipe("data = \"small\"\nhidden = 3\ndropout = 0.5\ninput_dropout = 0.125\nmomentum = 0.9\nepochs = 3\nseed = 5")
}

fn small_architecture() -> Architecture {
    small_recipe().network(4, &[], 2).validate().unwrap()
}

fn state(epoch: u32, step: u64) -> TrainState {
    let mlp = Mlp::new(small_architecture(), Init::Kaiming, Key::new(step));
    let buffer = |_: &str| Ok::<_, furlough::Error>(mlp.parameters().iter().map(|value| value * -0.3).collect());
    let optimizer = OptimizerState::from_buffers(&small_recipe().options().optimizer, buffer).unwrap();
    // A sum that no decimal of fewer than 17 digits gives back.
    let progress = Progress { epoch, step_in_epoch: step % 4, step, loss_sum: 0.1 + 0.2 + step as f64, correct: 3.0 };
    TrainState { mlp, optimizer, progress, best: None }
}

fn info() -> RunInfo {
    let classes = vec!["no \"quotes\"".to_string(), "ja\\ü".to_string()];
    let scale = Some(f64::from(1.0f32 / 255.0));
    RunInfo {
        recipe: small_recipe(),
        data: DataInfo {
            shape: vec![2, 2],
            scale,
            classes,
            feature_names: Vec::new(),
            levels: Vec::new(),
            fingerprint: "data".into(),
        },
        eval: None,
        from: None,
        data_origin: "made by hand".into(),
        table: None,
        machine: Some(Machine { instruction_set: "none".into(), threads: 1 }),
    }
}

fn summary(epoch: u32) -> EpochSummary {
    EpochSummary {
        epoch,
        train_loss: 1.0 / f64::from(epoch),
        train_accuracy: Some(1.0 - 0.3 / f64::from(epoch)),
        eval: Some(EvalScores { split: EvalSplit::Test, loss: 1.1 / f64::from(epoch), accuracy: Some(0.9) }),
        ..EpochSummary::default()
    }
}

fn record(epoch: u32) -> EpochRecord {
    EpochRecord { summary: summary(epoch), seconds: 0.1 + f64::from(epoch) }
}

/// Names of a folder's files, sorted.
fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
