//! What a page says, and that nothing gets out of its place in it.

mod compared;
mod html;
mod injection;
mod learned;
mod pictures;

use super::*;
use crate::recipe::{Recipe, Settings};
use crate::run::{EpochRecord, Machine, Manifest, RunStatus};
use furlough::data::{Dataset, EvalData, EvalSplit, Features, Targets};
use furlough::files::{DataInfo, ModelInfo};
use furlough::nn::{Init, Mlp};
use furlough::predict::Predictor;
use furlough::random::Key;
use furlough::train::{EpochSummary, EvalScores, StopReason};
use ndarray::Array2;

fn recipe(text: &str) -> Recipe {
    Settings::parse(text, None).unwrap().resolve().unwrap()
}

/// Examples of 6 × 4 pixels in two classes with these names.
fn data(names: [&str; 2]) -> Dataset {
    let rows = Array2::from_shape_fn((20, 24), |(row, pixel)| (row * 11 + pixel * 7) as u8);
    let labels = (0..20).map(|row| row % 2).collect();
    let names = names.map(String::from).to_vec();
    Dataset::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, Targets::Classes { labels, names }, &[6, 4]).unwrap()
}

fn record(epoch: u32, accuracy: f64) -> EpochRecord {
    let summary = EpochSummary {
        epoch,
        train_loss: 1.0 / f64::from(epoch),
        train_accuracy: Some(0.5),
        eval: Some(EvalScores { split: EvalSplit::Test, loss: 1.25 - accuracy, accuracy: Some(accuracy) }),
        ..EpochSummary::default()
    };
    EpochRecord { summary, seconds: 0.5 }
}

/// A finished run with everything that can be said of it.
fn report(name: &str, names: [&str; 2]) -> RunReport {
    let recipe = recipe("data = 'digits'\nhidden = 5\ndropout = 0.5\ninput_dropout = 0.25\nepochs = 3\nseed = 9");
    let test = data(names);
    let mlp = Mlp::new(recipe.network(24, &[], 2).validate().unwrap(), Init::Kaiming, Key::new(3));
    let answers = Answers::of(&mut Predictor::new(mlp.clone(), 1), EvalData::test(&test), None).unwrap();
    let info = DataInfo::of(&test);
    let manifest = Manifest {
        version: 1,
        status: "finished".into(),
        stop_reason: StopReason::Finished,
        from: None,
        library: "0.0.0".into(),
        data_origin: name.into(),
        data_fingerprint: info.fingerprint.clone(),
        machine: Some(Machine { instruction_set: name.into(), threads: 1 }),
        steps: 60,
        seconds: 1.5,
        last: None,
        best_epoch: None,
        files: Vec::new(),
    };
    let model = RunModel { mlp, info: ModelInfo::new(info, recipe.to_toml()) };
    RunReport {
        name: name.into(),
        first_batch: first_batch(&recipe, 20),
        recipe,
        records: (1..=3).map(|epoch| record(epoch, 0.25 * f64::from(epoch))).collect(),
        manifest: Some(manifest),
        provenance: None,
        failure: None,
        model: Some(model),
        answers: Some(answers),
        commands: format!("furlough train --out {name}"),
        notes: vec![name.into()],
    }
}

/// A page with every kind of part.
fn everything(name: &str, names: [&str; 2]) -> String {
    let run = report(name, names);
    let line = |name: &str, seed: u64| ComparedRun {
        name: name.into(),
        recipe: recipe(&format!("data = 'digits'\nhidden = 5\nepochs = 3\nseed = {seed}")),
        from: None,
        records: run.records.clone(),
        status: RunStatus::Finished,
    };
    let comparison = Comparison::of(vec![line(name, 0), line("other", 1)]);
    let study = StudyReport {
        name: name.into(),
        text: Some("# Rates\n\n| p | error |\n|---|---:|\n| 0.5 | 1.25 |\n".into()),
        pictures: vec![StudyPicture {
            name: name.into(),
            svg: "<svg viewBox=\"0 0 1 1\"><rect x=\"0\"/></svg>".into(),
            png: None,
        }],
        experiment: Some(name.into()),
        repeat: name.into(),
        notes: vec![name.into()],
    };
    page(&[Part::Comparison(&comparison), Part::Run(&run), Part::Study(&study)]).unwrap()
}
