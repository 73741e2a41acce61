//! Model files that furlough 0.2.0 wrote, when their format had version 1. Their answers were
//! written beside them by the same program.

use furlough::compute::Isa;
use furlough::data::{Examples, Features};
use furlough::files::{ModelInfo, load_model, save_model, sha256_hex};
use furlough::nn::Mlp;
use furlough::predict::Predictor;
use ndarray::Array2;
use std::path::Path;

furlough_harness::tests![
    models_of_version_1_have_their_parameters,
    models_of_version_1_give_the_very_same_answers unless other_rounding(),
    a_model_of_version_1_is_written_again_as_version_2,
];

const NAMES: [&str; 4] = ["plain", "shared", "concrete", "regression"];

/// The files were made with AVX-512, whose bits are AVX2's.
fn other_rounding() -> Option<String> {
    let best = Isa::best().name();
    (!["AVX2", "AVX-512"].contains(&best)).then(|| format!("AVX2 or AVX-512, whose bits are not those of {best}"))
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version1").join(name)
}

fn load(name: &str) -> (Mlp, ModelInfo) {
    load_model(&fixture(&format!("{name}.safetensors"))).unwrap()
}

fn answers(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(fixture("answers.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap()[name].take()
}

/// The first examples, which the answers are of.
fn data(name: &str) -> Examples {
    let rows = Array2::from_shape_fn((3, 6), |(i, j)| ((i * 37 + j * 101) % 251) as u8);
    if name == "regression" {
        let rows = rows.mapv(|byte| f32::from(byte) / 256.0);
        return Examples::try_from(rows).unwrap();
    }
    Examples::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, &[2, 3]).unwrap()
}

fn models_of_version_1_have_their_parameters() {
    for name in NAMES {
        let ((mlp, info), answers) = (load(name), answers(name));
        let bytes: Vec<u8> = mlp.parameters().iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(sha256_hex(&bytes), answers["parameters"].as_str().unwrap(), "{name}");
        let logits: Vec<f64> = serde_json::from_value(answers["logits"].clone()).unwrap();
        assert_eq!(mlp.dropout_logits(), logits, "{name}");
        let classes: &[&str] = if name == "regression" { &[] } else { &["none", "one", "both"] };
        assert!(info.data.shape == data(name).shape() && info.data.classes == classes, "{name}");
        assert!(info.recipe.contains("hidden = [12, 7]") && info.data.fingerprint.len() == 64, "{name}");
    }
}

fn models_of_version_1_give_the_very_same_answers() {
    for name in NAMES {
        let outputs = Predictor::new(load(name).0, 1).predict(&data(name)).unwrap();
        let expected: Vec<Vec<f32>> = serde_json::from_value(answers(name)["outputs"].clone()).unwrap();
        for (row, expected) in outputs.rows().into_iter().zip(expected) {
            assert_eq!(row.to_vec(), expected, "{name}");
        }
    }
}

fn a_model_of_version_1_is_written_again_as_version_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for name in NAMES {
        let before = load(name);
        save_model(&path, &before.0, &before.1).unwrap();
        let [old, new] =
            [fixture(&format!("{name}.safetensors")), path.clone()].map(|path| std::fs::read(path).unwrap());
        let has = |file: &[u8], text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(has(&old, r#"\"version\":1,"#) && has(&new, r#"\"version\":2,"#), "{name}");
        assert_eq!(load_model(&path).unwrap(), before, "{name}");
    }
}
