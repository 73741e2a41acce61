//! Several runs that answer together.

use super::is_of;
use crate::terminal::Look;
use furlough::data::Split;
use furlough::predict::{Predictor, ensemble};
use furlough::run::{RunDir, load_model};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The mean of the probabilities of the first so many runs, as they were named.
#[derive(Serialize)]
pub struct Together {
    /// Runs in the mean.
    members: u32,
    /// The last of them.
    run: String,
    loss: f64,
    accuracy: f64,
}

/// The model of a run, with the precision that it was trained in.
fn member(path: &Path, split: &Split, threads: usize) -> anyhow::Result<Predictor> {
    let dir = RunDir::open(path)?;
    let (mlp, model) = load_model(&dir.model()?)?;
    let recipe = dir.recipe()?;
    if !is_of(&model, &recipe, split) {
        eprintln!("note: {} was trained on other data than these", path.display());
    }
    Ok(Predictor::with_precision(mlp, threads, recipe.precision()))
}

/// Averages the answers of `first` and the others on the test set; nothing without others.
pub fn new(first: &Path, others: &[PathBuf], split: &Split, threads: usize) -> anyhow::Result<Vec<Together>> {
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<&Path> = std::iter::once(first).chain(others.iter().map(PathBuf::as_path)).collect();
    let members = paths.iter().map(|path| member(path, split, threads)).collect::<anyhow::Result<Vec<_>>>();
    let points = ensemble(&mut members?, &split.test)?;
    let together = points.iter().zip(paths).map(|(point, path)| {
        let score = point.mean();
        Together {
            members: point.members,
            run: path.display().to_string(),
            loss: score.loss,
            accuracy: 1.0 - score.error,
        }
    });
    Ok(together.collect())
}

/// A line for each number of runs.
pub fn table(together: &[Together], look: Look) -> Vec<String> {
    if together.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![look.dim("  runs together   accuracy       loss   with")];
    for Together { members, run, loss, accuracy } in together {
        let accuracy = look.bold(&format!("{:>8}", format!("{:.2} %", 100.0 * accuracy)));
        lines.push(format!("  {members:>13}   {accuracy}   {loss:>8.4}   {}", look.text(run)));
    }
    lines.push(String::new());
    lines
}
