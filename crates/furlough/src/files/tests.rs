//! Round trips to the bit, and what happens to files that are not as they were written.

use super::*;
use crate::data::Examples;
use crate::nn::{Activation, Architecture, Init, Mlp, Sequential};
use crate::optim::{Optimizer, OptimizerState};
use crate::random::Key;
use crate::train::{BestEpoch, Progress, TrainState};
use crate::{Error, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

const MOMENTUM: Optimizer = Optimizer::Sgd { momentum: 0.9, nesterov: false };

/// A network from `inputs` features over `hidden` units to 2 classes.
fn architecture(inputs: usize, hidden: &[usize]) -> Architecture {
    let dropout = vec![0.5; hidden.len()];
    Sequential::mlp(inputs, 2, hidden, Activation::Relu, 0.125, &dropout).validate().unwrap()
}

fn small_architecture() -> Architecture {
    architecture(4, &[3])
}

fn state(epoch: u32, step: u64) -> TrainState {
    let mlp = Mlp::new(small_architecture(), Init::Kaiming, Key::new(step));
    let buffer = |_: &str| Ok::<_, Error>(mlp.parameters().iter().map(|value| value * -0.3).collect());
    let optimizer = OptimizerState::from_buffers(&MOMENTUM, buffer).unwrap();
    // A sum that no decimal of fewer than 17 digits gives back.
    let progress = Progress { epoch, step_in_epoch: step % 4, step, loss_sum: 0.1 + 0.2 + step as f64, correct: 3.0 };
    TrainState { mlp, optimizer, progress, best: None }
}

fn origin() -> Origin {
    Origin::new("a recipe", "data")
}

fn data() -> DataInfo {
    let classes = vec!["no \"quotes\"".to_string(), "ja\\ü".to_string()];
    let scale = Some(f64::from(1.0f32 / 255.0));
    DataInfo { scale, classes, fingerprint: "data".into(), ..DataInfo::of_shape(&[2, 2]) }
}

fn read(bytes: &[u8]) -> Result<TrainState> {
    checkpoint::from_bytes(Path::new("c"), bytes, &origin(), &small_architecture(), &MOMENTUM)
}

fn written() -> Vec<u8> {
    checkpoint_bytes(Path::new("c"), &state(2, 9), &origin()).unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_checkpoint_is_read_back_to_the_bit() {
    let mut before = state(2, 9);
    before.mlp.parameters_mut()[0] = -0.0;
    before.mlp.parameters_mut()[1] = f32::from_bits(1);
    let file = checkpoint_bytes(Path::new("c"), &before, &origin()).unwrap();
    assert_eq!(file, checkpoint_bytes(Path::new("c"), &before, &origin()).unwrap(), "the same state, the same bytes");
    let after = read(&file).unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(before.mlp.parameters()), bits(after.mlp.parameters()));
    assert!(before.optimizer.values().map(f32::to_bits).eq(after.optimizer.values().map(f32::to_bits)));
    assert_eq!(before.progress.loss_sum.to_bits(), after.progress.loss_sum.to_bits());
    assert_eq!(before, after);
    // With the network of the best epoch.
    let best = BestEpoch { epoch: 1, value: 0.1 + 0.2, mlp: Mlp::new(small_architecture(), Init::Xavier, Key::new(8)) };
    let before = TrainState { best: Some(best), ..before };
    let file = checkpoint_bytes(Path::new("c"), &before, &origin()).unwrap();
    assert_eq!(before, read(&file).unwrap());
    let mut bad = before;
    bad.best.as_mut().unwrap().mlp.parameters_mut()[0] = f32::NAN;
    let error = message(checkpoint_bytes(Path::new("c"), &bad, &origin()));
    assert!(error.contains("best.linear1.weight has the value NaN"), "{error}");
}

#[test]
fn another_reader_of_safetensors_sees_the_tensors() {
    let file = written();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let own = ["linear1.bias", "linear1.weight", "linear2.bias", "linear2.weight"];
    assert_eq!(names[..4], own);
    assert_eq!(names[4..], own.map(|name| format!("velocity.{name}")));
    assert_eq!(tensors.tensor("linear1.weight").unwrap().shape(), [4, 3]);
    let bias = tensors.tensor("linear2.bias").unwrap().data().to_vec();
    assert_eq!(bias, state(2, 9).mlp.biases(1).iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
}

#[test]
fn every_flipped_bit_is_found() {
    let mut file = written();
    for at in 0..file.len() {
        for bit in 0..8 {
            file[at] ^= 1 << bit;
            let error = message(read(&file));
            assert!(
                error.contains("damaged") || error.contains("metadata is missing"),
                "byte {at}, bit {bit}: {error}"
            );
            file[at] ^= 1 << bit;
        }
    }
    read(&file).unwrap();
}

#[test]
fn every_length_but_the_right_one_is_found() {
    let mut file = written();
    for length in 0..file.len() {
        let error = message(read(&file[..length]));
        assert!(error.contains("is damaged: it is cut short"), "{length} bytes: {error}");
    }
    file.push(0);
    assert!(message(read(&file)).contains("damaged"));
}

#[test]
fn every_flipped_byte_of_a_model_is_found() {
    let info = ModelInfo::new(data(), "a recipe");
    let mut file = model_bytes(Path::new("m"), &state(3, 12).mlp, &info).unwrap();
    assert_eq!(file, model_bytes(Path::new("m"), &state(3, 12).mlp, &info).unwrap());
    for at in 0..file.len() {
        file[at] ^= 0x20;
        assert!(model::from_bytes(Path::new("m"), &file).is_err(), "byte {at}");
        file[at] ^= 0x20;
    }
    let (mlp, read) = model::from_bytes(Path::new("m"), &file).unwrap();
    assert_eq!((mlp, read), (state(3, 12).mlp, info), "the dropout rates of the network too");
}

#[test]
fn each_wrong_checkpoint_has_its_own_message() {
    let path = Path::new("c");
    let file = written();
    let from = |origin: &Origin, network: &Architecture, optimizer| {
        message(checkpoint::from_bytes(path, &file, origin, network, optimizer))
    };
    let own = small_architecture();
    let other_recipe = Origin::new("another recipe", "data");
    assert!(from(&other_recipe, &own, &MOMENTUM).contains("another recipe"));
    let other_data = Origin::new("a recipe", "other");
    assert!(from(&other_data, &own, &MOMENTUM).contains("other data"));
    let warm = Origin { weights: Some("w".into()), ..origin() };
    assert!(from(&warm, &own, &MOMENTUM).contains("began from other weights"));
    let wider = architecture(5, &[3]);
    assert!(from(&origin(), &wider, &MOMENTUM).contains("linear1.weight should be [5, 3], but is [4, 3]"));
    let deeper = architecture(4, &[3, 2]);
    assert!(from(&origin(), &deeper, &MOMENTUM).contains("linear3.weight should be [2, 2], but is missing"));
    assert!(from(&origin(), &own, &Optimizer::SGD).contains("8 tensors, not 4"));

    let info = ModelInfo::new(data(), "");
    let model = model_bytes(path, &state(1, 1).mlp, &info).unwrap();
    assert_eq!(message(read(&model)), "c: is a model, not a checkpoint");
    let foreign = safetensors::serialize::<&str, safetensors::tensor::TensorView<'_>, _>([], None).unwrap();
    assert!(message(read(&foreign)).contains("is not a checkpoint of furlough's"));
    assert!(message(read(b"a text file, longer than eight bytes")).contains("damaged"));
}

#[test]
fn the_network_of_a_checkpoint_is_had_without_its_data_and_optimizer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c");
    fs::write(&path, written()).unwrap();
    let network = |hidden: usize| {
        move |inputs, outputs| Sequential::mlp(inputs, outputs, &[hidden], Activation::Relu, 0.125, &[0.5])
    };
    let found = load_checkpoint_network(&path, network(3)).unwrap();
    let TrainState { mlp, progress, .. } = state(2, 9);
    assert_eq!(found, CheckpointNetwork { mlp, best_epoch: None, progress, origin: origin() });
    let other = state(1, 3).mlp;
    let best = Some(BestEpoch { epoch: 1, value: 0.5, mlp: other.clone() });
    save_checkpoint(&path, &TrainState { best, ..state(2, 9) }, &origin()).unwrap();
    let found = load_checkpoint_network(&path, network(3)).unwrap();
    assert_eq!((found.mlp, found.best_epoch), (other, Some(1)));
    assert!(message(load_checkpoint_network(&path, network(5))).contains("linear1.weight should be [4, 5]"));
}

/// Frozen: what a run began from is known by it.
#[test]
fn weights_have_a_fingerprint() {
    let mut mlp = Mlp::new(small_architecture(), Init::Kaiming, Key::new(0));
    mlp.parameters_mut().iter_mut().zip(0_u8..).for_each(|(value, place)| *value = f32::from(place));
    let before = weights_fingerprint(&mlp);
    assert_eq!(before, "71e1bfe9fe377dc97a02716e29f546bed0ee8dacb311b52d4233f8a71d948004");
    mlp.parameters_mut()[0] = -0.0;
    assert_ne!(weights_fingerprint(&mlp), before);
}

#[test]
fn a_file_of_a_later_version_needs_a_newer_furlough() {
    let (path, architecture) = (Path::new("m"), small_architecture());
    let mlp = state(1, 1).mlp;
    let sealed = |name, version, body: serde_json::Value| {
        let kind = sealed::FileKind { name, version };
        sealed::seal(path, kind, &body, &architecture, &[("", mlp.parameters())]).unwrap()
    };
    let model = message(model::from_bytes(path, &sealed("model", 4, serde_json::json!({ "else": 1 }))));
    assert_eq!(model, "m: has format version 4 and needs a newer furlough; this one reads versions 1 to 3");
    let checkpoint = message(read(&sealed("checkpoint", 2, serde_json::json!({ "else": 1 }))));
    assert_eq!(
        checkpoint,
        "m: has format version 2 and needs a newer furlough; this one reads version 1".replace("m:", "c:")
    );
}

#[test]
fn a_model_with_a_tensor_too_many_is_refused() {
    let info = ModelInfo::new(data(), "");
    let path = Path::new("m");
    let file = model_bytes(path, &state(1, 1).mlp, &info).unwrap();
    let metadata = tensors::TensorFile::read(&file).unwrap().metadata("furlough").unwrap().to_string();
    let body: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let body = serde_json::json!({ "network": body["network"], "data": body["data"], "recipe": "" });
    let kind = sealed::FileKind { name: "model", version: MODEL_VERSION };
    let mlp = state(1, 1).mlp;
    let groups = [("", mlp.parameters()), ("input_scale.", mlp.parameters())];
    let more = sealed::seal(path, kind, &body, mlp.architecture(), &groups).unwrap();
    assert!(message(model::from_bytes(path, &more)).contains("it has 8 tensors, not 4"));
}

/// Networks that differ in everything but what they answer.
fn ensemble() -> (Vec<EnsembleMember>, EnsembleInfo) {
    let wide = Mlp::builder(7, 3).hidden([5]).seed(4).build().unwrap();
    let narrow = Mlp::builder(4, 3).hidden([6, 2]).seed(5).build().unwrap();
    let members = [(wide, 7), (narrow, 4)].map(|(mlp, inputs)| {
        let data = DataInfo { fingerprint: "f".into(), ..DataInfo::of_shape(&[inputs]) };
        EnsembleMember { mlp, info: ModelInfo::new(data, "") }
    });
    let info = EnsembleInfo { recipe: "seed = 1".into(), table: Some(serde_json::json!({ "version": 7 })) };
    (members.into(), info)
}

#[test]
fn several_networks_come_back_from_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let (members, info) = ensemble();
    save_ensemble(&path, &members, &info).unwrap();
    assert_eq!(load_models(&path).unwrap(), ModelFile::Ensemble(members.clone(), info.clone()));
    let told = message(load_model(&path));
    assert!(told.ends_with("holds 2 networks, whose answers are averaged: read it with load_models"), "{told}");
    let written = fs::read(&path).unwrap();
    save_ensemble(&path, &members, &info).unwrap();
    assert_eq!(fs::read(&path).unwrap(), written, "the same networks give the same bytes");
    // A program from before knows that it needs a newer one.
    assert!(safetensors::SafeTensors::deserialize(&written).unwrap().names().contains(&"members.1.linear3.bias"));
    assert!(written.windows(13).any(|window| window == br#"\"version\":3"#));
    for at in [9, written.len() / 2, written.len() - 1] {
        let mut damaged = written.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(message(load_models(&path)).contains("is damaged"));
    }
    let single = ModelInfo::new(data(), "");
    save_model(&path, &state(1, 1).mlp, &single).unwrap();
    assert_eq!(load_models(&path).unwrap(), ModelFile::Single(Box::new((state(1, 1).mlp, single))));
}

#[test]
fn an_ensemble_that_contradicts_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let (mut members, info) = ensemble();
    members[1].info.data.shape = vec![9];
    save_ensemble(&path, &members, &info).unwrap();
    assert!(message(load_models(&path)).contains("9 features and 0 classes for a network from 4 to 3"));
    let (mut members, _) = ensemble();
    members[1].mlp = Mlp::builder(4, 2).hidden([6]).build().unwrap();
    save_ensemble(&path, &members, &info).unwrap();
    assert!(message(load_models(&path)).ends_with("contradicts itself: its networks give 3 and 2 outputs"));
    save_ensemble(&path, &[], &info).unwrap();
    assert!(message(load_models(&path)).ends_with("it holds no network"));
}

#[test]
fn what_a_model_need_not_say_may_be_missing() {
    let of = |data| ModelInfo::new(data, "");
    let written = |info: &ModelInfo| model_bytes(Path::new("m"), &state(1, 1).mlp, info).unwrap();
    let info = of(DataInfo::of_shape(&[4]));
    let file = written(&info);
    for key in ["fingerprint", "feature_names"] {
        assert!(!file.windows(key.len()).any(|window| window == key.as_bytes()), "{key}");
    }
    assert_eq!(model::from_bytes(Path::new("m"), &file).unwrap().1, info);
    let examples = Examples::try_from(ndarray::Array2::zeros((1, 4))).unwrap();
    let named = of(DataInfo::of_examples(&examples.with_feature_names(["a", "b", "c", "d"]).unwrap()));
    assert_eq!(model::from_bytes(Path::new("m"), &written(&named)).unwrap().1, named);
    let short = of(DataInfo { feature_names: vec!["a".into()], ..DataInfo::of_shape(&[4]) });
    assert!(message(model::from_bytes(Path::new("m"), &written(&short))).contains("1 feature names for 4 features"));
    let short = of(DataInfo { levels: vec![0, 3], ..DataInfo::of_shape(&[4]) });
    assert!(
        message(model::from_bytes(Path::new("m"), &written(&short))).contains("2 numbers of levels for 4 features")
    );
}

#[test]
fn a_table_s_part_of_a_model_comes_back_as_it_was_and_is_absent_where_there_is_none() {
    let written = |info: &ModelInfo| model_bytes(Path::new("m"), &state(1, 1).mlp, info).unwrap();
    let plain = ModelInfo::new(data(), "");
    let key = br#"\"table\""#;
    assert!(!written(&plain).windows(key.len()).any(|window| window == key));
    // Keys and texts from outside, among them what looks like the seal.
    let part =
        serde_json::json!({ "version": 7, "sha256": "f".repeat(64), "mean": 0.1 + 0.2, "least": 5e-324, "é\n": null });
    let info = ModelInfo { table: Some(part), ..plain };
    let file = written(&info);
    assert_eq!(file, written(&info));
    assert!(file.windows(key.len()).any(|window| window == key));
    assert_eq!(model::from_bytes(Path::new("m"), &file).unwrap().1, info);
}

#[test]
fn what_is_not_finite_is_not_written() {
    let mut bad = state(1, 4);
    let buffer = |_: &str| Ok::<_, Error>(vec![f32::NAN; bad.mlp.parameters().len()]);
    bad.optimizer = OptimizerState::from_buffers(&MOMENTUM, buffer).unwrap();
    let error = message(checkpoint_bytes(Path::new("c"), &bad, &origin()));
    assert!(error.contains("velocity.linear1.weight has the value NaN"), "{error}");
    let mut bad = state(1, 4);
    bad.progress.loss_sum = f64::INFINITY;
    assert!(message(checkpoint_bytes(Path::new("c"), &bad, &origin())).contains("the loss is inf"));
}

#[test]
fn a_model_that_contradicts_itself_is_refused() {
    let mut data = data();
    data.shape = vec![3];
    let info = ModelInfo::new(data, "");
    let file = model_bytes(Path::new("m"), &state(1, 1).mlp, &info).unwrap();
    assert!(message(model::from_bytes(Path::new("m"), &file)).contains("contradicts itself: 3 features"));
}

#[test]
fn a_write_that_breaks_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_atomic(&path, b"old").unwrap();
    let error = atomic::replace(&path, |file| {
        file.write_all(b"half of the n")?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(error.unwrap_err().to_string().starts_with(&format!("cannot write {}: ", path.display())));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    write_atomic(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
}
