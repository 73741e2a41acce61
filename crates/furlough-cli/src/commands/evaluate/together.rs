//! Several runs that answer together.

use super::Full;
use crate::commands::model::trained;
use crate::commands::report::check_distinct;
use crate::terminal::{Style, name};
use anyhow::bail;
use furlough::data::Dataset;
use furlough::predict::{Calibration, Ensemble, Predictor, ensemble};
use furlough_lab::run::{RunDir, Trained};
use serde::Serialize;
use std::path::PathBuf;

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

/// Returns about how much memory these runs' networks take to be read and used: their parameters
/// and what products read of them, and one file more while it is read. What is not there takes
/// nothing, and is told when it is opened.
pub fn bytes_to_open(paths: &[PathBuf]) -> u64 {
    let length = |path: &PathBuf| {
        let of = |name: &str| std::fs::metadata(path.join(name)).map(|about| about.len());
        let file = || std::fs::metadata(path).map(|about| if about.is_file() { about.len() } else { 0 });
        of(RunDir::MODEL).or_else(|_| of(RunDir::CHECKPOINT)).or_else(|_| file()).unwrap_or(0)
    };
    let lengths: Vec<u64> = paths.iter().map(length).collect();
    2 * lengths.iter().sum::<u64>() + lengths.iter().max().unwrap_or(&0)
}

/// The networks of these runs, no two of them the same: one that counts twice is hardly
/// what was meant.
pub fn open(paths: &[PathBuf]) -> anyhow::Result<Vec<Trained>> {
    check_distinct(paths)?;
    let mut runs: Vec<Trained> = Vec::with_capacity(paths.len());
    for path in paths {
        let run = trained(path)?;
        if let Some(twin) = runs.iter().position(|other| other.mlp == run.mlp) {
            bail!(
                "{} is the same network as {}, and would count twice in their mean; leave one of them out",
                path.display(),
                paths[twin].display()
            );
        }
        runs.push(run);
    }
    Ok(runs)
}

/// What is measured of the mean of all members, and how it comes about, a run at a time.
pub fn mean(members: &mut [Predictor], paths: &[PathBuf], test: &Dataset) -> anyhow::Result<(Full, Vec<Together>)> {
    let whole = ensemble(members, test)?;
    let calibration = Some(whole.calibration(test, Calibration::BINS)?);
    let Ensemble { points, evaluation, .. } = whole;
    let together = points.iter().zip(paths).map(|(point, path)| {
        let score = point.mean();
        Together {
            members: point.members,
            run: path.display().to_string(),
            loss: score.loss,
            accuracy: 1.0 - score.error,
        }
    });
    Ok((Full { evaluation, calibration }, together.collect()))
}

/// A line for each number of runs.
pub fn table(together: &[Together], style: Style) -> Vec<String> {
    if together.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![style.dim("  runs together   accuracy       loss   with")];
    for Together { members, run, loss, accuracy } in together {
        let accuracy = style.bold(&format!("{:>8}", format!("{:.2} %", 100.0 * accuracy)));
        lines.push(format!("  {members:>13}   {accuracy}   {loss:>8.4}   {}", style.text(&name(run))));
    }
    lines.push(String::new());
    lines
}
