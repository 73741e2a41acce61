//! A run that begins with what another one has learned.

use crate::terminal::{self, note};
use anyhow::bail;
use furlough::files::{load_model, weights_fingerprint};
use furlough::nn::{Architecture, Mlp};
use furlough::train::TrainState;
use furlough_lab::recipe::Settings;
use furlough_lab::run::{RunDir, Trained, WarmStart};
use std::path::{Path, PathBuf};

/// What another run has learned.
pub struct StartingPoint {
    path: PathBuf,
    /// What its recipe says.
    settings: Settings,
    mlp: Mlp,
    classes: Vec<String>,
    /// The epoch whose weights they are; none of a model file.
    epoch: Option<u32>,
}

impl StartingPoint {
    /// Reads the run in a folder, or a model file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.is_file() {
            let (mlp, info) = load_model(path)?;
            let settings = Settings::parse(&info.recipe, None)?;
            return Ok(StartingPoint { path: path.into(), settings, mlp, classes: info.data.classes, epoch: None });
        }
        let dir = RunDir::open(path)?;
        let Trained { recipe, mlp, best_epoch, info, unfinished } = dir.learned()?;
        let last = match unfinished {
            Some(progress) if progress.step == 0 => {
                bail!("{}: has learned nothing yet: it stands before its first step", path.display())
            }
            Some(progress) => progress.epoch,
            None => dir.contents()?.records.len() as u32,
        };
        let epoch = Some(best_epoch.unwrap_or(last));
        let settings = Settings::parse(&recipe.to_toml(), None)?;
        Ok(StartingPoint { path: path.into(), settings, mlp, classes: info.data.classes, epoch })
    }

    /// Returns what `said` says, and the run's recipe where it says nothing.
    pub fn below(&self, said: Settings) -> Settings {
        said.over(self.settings.clone())
    }

    /// Says so where the classes are not those that were learned.
    pub fn compare_classes(&self, classes: &[String], quiet: bool) {
        if !quiet && !self.classes.is_empty() && self.classes != classes {
            let path = terminal::path(&self.path);
            note(&format!("note: the classes are not those of {path}; only their number is the same"));
        }
    }

    /// Puts the weights in place of those that a run begins with.
    pub fn begin(&self, architecture: &Architecture, mut state: TrainState) -> anyhow::Result<(TrainState, WarmStart)> {
        if let Some(obstacle) = architecture.obstacle_to_weights_of(self.mlp.architecture()) {
            bail!("{}: its weights do not fit: {obstacle}", self.path.display());
        }
        state.mlp.take_weights(&self.mlp);
        let from = WarmStart {
            run: self.path.display().to_string(),
            epoch: self.epoch,
            weights: weights_fingerprint(&state.mlp),
        };
        Ok((state, from))
    }
}
