//! A run that begins with what another one has learned.

use crate::terminal::{self, note};
use anyhow::bail;
use furlough::data::{Dataset, DatasetRef, Partition};
use furlough::files::{ModelFile, fingerprint, load_models, weights_fingerprint};
use furlough::nn::{Architecture, Mlp};
use furlough::train::TrainState;
use furlough_lab::recipe::{LetGo, Recipe, Settings};
use furlough_lab::run::{Provenance, RunDir, Trained, WarmStart};
use std::path::{Path, PathBuf};

/// What another run has learned.
pub struct StartingPoint {
    path: PathBuf,
    /// What its recipe says.
    settings: Settings,
    mlp: Mlp,
    classes: Vec<String>,
    /// The features' names; none of a file that has none.
    features: Vec<String>,
    /// The epoch whose weights they are; none of a model file.
    epoch: Option<u32>,
    /// Which examples were learned from, and the fingerprint of these.
    partition: Partition,
    fingerprint: String,
    /// What the run itself had begun from.
    before: Option<WarmStart>,
}

impl StartingPoint {
    /// Reads the run in a folder, or a model file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.is_file() {
            let (mlp, info) = match load_models(path)? {
                ModelFile::Single(single) => *single,
                ModelFile::Ensemble(members, _) => bail!(
                    "--from: {} is a model of {} networks, and a run begins with the weights of one; name one of them, \
                     such as {} in its run's folder",
                    path.display(),
                    members.len(),
                    Path::new(RunDir::MEMBERS).join("0").display()
                ),
            };
            let settings = Settings::parse(&info.recipe, None)?;
            let (partition, data) = (settings.clone().resolve()?.partition(), info.data);
            let (classes, features, fingerprint) = (data.classes, data.feature_names, data.fingerprint);
            let path = path.into();
            return Ok(StartingPoint {
                path,
                settings,
                mlp,
                classes,
                features,
                epoch: None,
                partition,
                fingerprint,
                before: None,
            });
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
        Ok(StartingPoint {
            path: path.into(),
            settings: Settings::parse(&recipe.to_toml(), None)?,
            mlp,
            classes: info.data.classes,
            features: info.data.feature_names,
            epoch,
            partition: recipe.partition(),
            fingerprint: info.data.fingerprint,
            before: Provenance::read(&dir)?.and_then(|began| began.from),
        })
    }

    /// Returns what `said` says, and the run's recipe where it says nothing.
    pub fn below(&self, said: Settings) -> Settings {
        said.over(self.settings.clone())
    }

    /// Returns what of the run's recipe is not taken over, beside what `said` says.
    pub fn lets_go_of(&self, said: &Settings) -> Vec<LetGo> {
        said.lets_go_of(&self.settings)
    }

    /// Checks that the features of a table are those that were learned, and says so where rows that
    /// are held out now may have been learned from: where the rows that are learned from differ.
    pub fn check_table(&self, recipe: &Recipe, train: DatasetRef<'_>, quiet: bool) -> anyhow::Result<()> {
        if self.features != train.like().feature_names() {
            let own = |names: &[String]| {
                let more = if names.len() > 5 { ", …" } else { "" };
                names[..names.len().min(5)].join(", ") + more
            };
            bail!(
                "{}: its weights are for other features ({}) than those of {} ({})",
                self.path.display(),
                own(&self.features),
                recipe.data(),
                own(train.like().feature_names())
            );
        }
        if !quiet && self.fingerprint != fingerprint(train) {
            let path = terminal::path(&self.path);
            note(&format!(
                "note: {path} may have learned from rows that are held out here, so figures of them may be too good"
            ));
        }
        Ok(())
    }

    /// Says so where the classes are not those that were learned.
    pub fn compare_classes(&self, classes: &[String], quiet: bool) {
        if !quiet && !self.classes.is_empty() && self.classes != classes {
            let path = terminal::path(&self.path);
            note(&format!("note: the classes are not those of {path}; only their number is the same"));
        }
    }

    /// Returns how many of the examples of `train` that a run of `part` holds out had been learned
    /// from. Of other data it is none.
    pub fn seen(&self, train: &Dataset, part: &Partition) -> anyhow::Result<usize> {
        if part.folds.is_none() {
            return Ok(0);
        }
        let own = match self.partition.is_whole() {
            true => fingerprint(train),
            // Data that cannot be cut so are others.
            false => self.partition.select(train).map_or_else(|_| String::new(), |(own, _)| fingerprint(&own)),
        };
        if own != self.fingerprint {
            return Ok(0);
        }
        let same = self.partition.validation_fold() == part.validation_fold();
        let before = self.before.as_ref().filter(|_| same).map_or(0, |before| before.seen);
        Ok(self.partition.learned_of_held_out(part, train)?.max(before))
    }

    /// Puts the weights in place of those that a run begins with.
    pub fn begin(
        &self,
        architecture: &Architecture,
        mut state: TrainState,
        seen: usize,
    ) -> anyhow::Result<(TrainState, WarmStart)> {
        if let Some(obstacle) = architecture.obstacle_to_weights_of(self.mlp.architecture()) {
            bail!("{}: its weights do not fit: {obstacle}", self.path.display());
        }
        state.mlp.take_weights(&self.mlp);
        let from = WarmStart {
            run: self.path.display().to_string(),
            epoch: self.epoch,
            weights: weights_fingerprint(&state.mlp),
            seen,
        };
        Ok((state, from))
    }
}
