//! Runs that furlough 0.2.0 began, in the middle of their second epoch. They go on to the very
//! parameters to which that program took them.

use crate::CHILDREN;
use furlough::compute::Isa;
use furlough::data::{Dataset, EvalData, Features, Targets};
use furlough::files::{DataInfo, load_model, sha256_hex};
use furlough::nn::Mlp;
use furlough::train::Trainer;
use furlough_lab::run::{Machine, Manifest, Recorder, RunDir, RunInfo};
use ndarray::Array2;
use std::path::Path;

furlough_harness::tests![
    runs_of_version_1_go_on_to_the_same_parameters unless other_rounding(),
    the_recipe_of_version_1_is_written_as_it_was,
    a_finished_run_of_version_1_is_read_whole,
];

const RUNS: [(&str, &str); 4] = [
    ("plain", "251aa45a77a4249b9bbc3013f92576ee6b2bd07334866a008e6b2760c4911273"),
    ("shared", "ee3d2984abd27fcaac68cf2d3ee471d8a068441d6548f7f43ef86027ed39cb91"),
    ("concrete", "74eb8464c89ef3bbf6caaf888594aa51385b5fba76a2cf397b7a93d0d7f25b0e"),
    ("regression", "d8dc3f2c7fe6b6b9b0c73f7d4354d9fe886ce7094c4b61fe9200ec15a10ceb66"),
];

/// The runs were made with AVX-512, whose bits are AVX2's.
fn other_rounding() -> Option<String> {
    let best = Isa::best().name();
    (!["AVX2", "AVX-512"].contains(&best)).then(|| format!("AVX2 or AVX-512, whose bits are not those of {best}"))
}

fn data(name: &str) -> Dataset {
    let rows = Array2::from_shape_fn((70, 6), |(i, j)| ((i * 37 + j * 101) % 251) as u8);
    if name == "regression" {
        let x = rows.mapv(|byte| f32::from(byte) / 256.0);
        let y = Array2::from_shape_fn((70, 2), |(i, k)| x[[i, k]] - x[[i, k + 3]]);
        return Dataset::new(Features::Floats(x), Targets::Values(y), &[6]).unwrap();
    }
    let labels = rows.rows().into_iter().map(|row| u32::from(row[0] > row[3]) + u32::from(row[1] > row[5])).collect();
    let names = ["none", "one", "both"].map(String::from).to_vec();
    Dataset::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, Targets::Classes { labels, names }, &[2, 3]).unwrap()
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version1").join(name)
}

/// Goes on with the run in `path` to its end.
fn resume(path: &Path, name: &str) {
    let dir = RunDir::resume(path).unwrap();
    let recipe = dir.recipe().unwrap();
    let (data, held_out) = recipe.partition().select(&data(name)).unwrap();
    let (network, options) = (recipe.network(6, &[], data.outputs()), recipe.options());
    let info = RunInfo {
        recipe,
        data: DataInfo::of(&data),
        eval: None,
        from: None,
        data_origin: "made by hand".into(),
        table: None,
        machine: Some(Machine { instruction_set: "any".into(), threads: 1 }),
    };
    let (mut recorder, state) = Recorder::resume(dir, info, &network.validate().unwrap(), || 0.25).unwrap();
    let state = state.unwrap();
    assert_eq!((state.progress.epoch, state.progress.step_in_epoch), if name == "plain" { (2, 0) } else { (1, 3) });
    let mut trainer = Trainer::resume(&network, &options, &data, 2, state).unwrap();
    trainer.fit_with(held_out.as_ref().map(EvalData::validation), &mut recorder).unwrap();
}

fn hash_of_parameters(mlp: &Mlp) -> String {
    let bytes: Vec<u8> = mlp.parameters().iter().flat_map(|value| value.to_le_bytes()).collect();
    sha256_hex(&bytes)
}

fn runs_of_version_1_go_on_to_the_same_parameters() {
    let _locks = CHILDREN.read();
    let folder = tempfile::tempdir().unwrap();
    for (name, parameters) in RUNS {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        for file in [RunDir::RECIPE, RunDir::METRICS, RunDir::CHECKPOINT] {
            std::fs::copy(fixture(name).join(file), path.join(file)).unwrap();
        }
        resume(&path, name);
        let dir = RunDir::open(&path).unwrap();
        Manifest::read(&dir).unwrap().unwrap().verify(&dir).unwrap();
        let (mlp, _) = load_model(&dir.model().unwrap()).unwrap();
        assert_eq!(hash_of_parameters(&mlp), parameters, "{name}");
    }
}

/// Its hash names the folders of trials, and is the origin of a checkpoint.
fn the_recipe_of_version_1_is_written_as_it_was() {
    for (name, _) in RUNS {
        let text = std::fs::read_to_string(fixture(name).join(RunDir::RECIPE)).unwrap();
        assert_eq!(RunDir::open(fixture(name)).unwrap().recipe().unwrap().to_toml(), text, "{name}");
    }
}

/// The first of the runs, to its end.
fn a_finished_run_of_version_1_is_read_whole() {
    let dir = RunDir::open(fixture("finished")).unwrap();
    let contents = dir.contents().unwrap();
    let manifest = contents.manifest.unwrap();
    for name in [RunDir::RECIPE, RunDir::METRICS, RunDir::MODEL] {
        manifest.check(&dir, name).unwrap();
    }
    assert_eq!((contents.records.len(), manifest.steps), (4, 16));
    // Where examples were held out, version 1 called their figures those of the test.
    let judged = contents.records[3].summary.eval.as_ref().unwrap();
    assert_eq!((judged.loss, judged.accuracy), (0.10134449841405378, Some(1.0)));
    assert_eq!(hash_of_parameters(&dir.trained().unwrap().mlp), RUNS[0].1);
}
