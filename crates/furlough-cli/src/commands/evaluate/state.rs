//! How the runs stand to the data that there are, and how far they are.

use crate::terminal::{self, epochs_done, note};
use furlough::data::{EvalData, EvalSplit, Split};
use furlough::files::{ModelInfo, fingerprint};
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{EvalInfo, Provenance, RunDir, Trained};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A run whose network is that of its checkpoint.
#[derive(Serialize)]
pub struct Unfinished {
    run: String,
    /// Epochs finished.
    epoch: u32,
    /// Steps of the next one.
    step_in_epoch: u64,
    /// The best epoch so far, whose network it is; none without early stopping.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_epoch: Option<u32>,
    /// Epochs in all.
    of: u32,
}

/// Returns the runs that are not finished, and says so.
pub fn unfinished(paths: &[PathBuf], runs: &[Trained]) -> Vec<Unfinished> {
    let one = |(path, run): (&PathBuf, &Trained)| {
        let at = run.unfinished?;
        let of = run.recipe.options().epochs;
        let done = epochs_done(at, of);
        let what = match run.best_epoch {
            None => format!("this is what it had learned after {done}"),
            Some(best) => format!("it has {done}, and this is the network of its best epoch so far, {best}"),
        };
        note(&format!("note: {} is not finished: {what}", terminal::path(path)));
        Some(Unfinished {
            run: path.display().to_string(),
            epoch: at.epoch,
            step_in_epoch: at.step_in_epoch,
            best_epoch: run.best_epoch,
            of,
        })
    };
    paths.iter().zip(runs).filter_map(one).collect()
}

/// Says which runs learned from other data than these, or were judged by another test set.
pub fn compare_data(paths: &[PathBuf], runs: &[Trained], name: &str, split: &Split) -> anyhow::Result<()> {
    for (place, (path, run)) in paths.iter().zip(runs).enumerate() {
        let which = if place == 0 { "the run".to_string() } else { terminal::path(path) };
        if !is_of(&run.info, &run.recipe, split) {
            note(&format!("note: this {name} is not the data that {which} was trained on"));
        } else if let Some(difference) = other_test_set(path, split)? {
            note(&format!("note: {difference}; the figures in the log of {which} are of the other examples"));
        }
    }
    Ok(())
}

/// Whether the model learned from these data, of which its recipe may use a part.
fn is_of(model: &ModelInfo, recipe: &Recipe, split: &Split) -> bool {
    let part = recipe.partition();
    let found = if part.is_whole() {
        fingerprint(&split.train)
    } else {
        // Data that cannot be split as the recipe says are others.
        part.apply(split.clone()).map(|data| fingerprint(&data.train)).unwrap_or_default()
    };
    found == model.data.fingerprint
}

/// How the test set differs from the one that judged the run while it trained; none where it is the
/// same, and where no test set did.
fn other_test_set(path: &Path, split: &Split) -> anyhow::Result<Option<String>> {
    let eval = Provenance::read(&RunDir::open(path)?)?.and_then(|provenance| provenance.eval);
    let before = eval.filter(|eval| eval.split == EvalSplit::Test);
    Ok(before.and_then(|before| before.difference(&EvalInfo::of(EvalData::test(&split.test)))))
}
