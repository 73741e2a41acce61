use super::{EpochRecord, Failure, Manifest, Provenance, RunDir, read_metrics};
use crate::recipe::{Recipe, Settings};
use crate::{Error, Result};
use furlough::files::{
    CheckpointNetwork, DataInfo, ModelInfo, Origin, load_checkpoint_network, load_model, sha256_hex,
};
use furlough::nn::Mlp;
use furlough::train::Progress;
use furlough_tables::model::TableHeader;

/// What the files of a run say, its network apart. They belong together, which is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct RunContents {
    /// The recipe.
    pub recipe: Recipe,
    /// The epochs so far; none of a run that was killed at its very start.
    pub records: Vec<EpochRecord>,
    /// The manifest; none while the run is not finished.
    pub manifest: Option<Manifest>,
    /// Why it ended before it was finished and would end so again; none of a run that is finished
    /// or can go on.
    pub failure: Option<Failure>,
}

impl RunContents {
    /// Whether the run is over and the network answers in numbers.
    pub fn is_finished(&self) -> bool {
        self.manifest.is_some() && self.failure.is_none()
    }

    /// Returns what the run has come to.
    pub fn status(&self) -> RunStatus {
        RunStatus::of(self.failure.as_ref(), self.manifest.as_ref())
    }

    /// Returns the last epoch after which the network answered in numbers, from 1; 0 when there is
    /// none.
    pub fn last_good_epoch(&self) -> u32 {
        self.records.iter().take_while(|record| record.is_good()).last().map_or(0, |record| record.summary.epoch)
    }
}

/// What a run has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// It was trained to its end, be that an early one.
    Finished,
    /// It was made a finished run as it stood, before its end.
    CutShort,
    /// Its loss stopped being finite.
    Diverged,
    /// It failed in another way.
    Failed,
    /// It can go on.
    Unfinished,
}

impl RunStatus {
    /// Returns what a run with this failure and this manifest, if any, has come to.
    pub fn of(failure: Option<&Failure>, manifest: Option<&Manifest>) -> Self {
        match (failure, manifest) {
            (Some(Failure::Diverged { .. }), _) => RunStatus::Diverged,
            (Some(Failure::Error { .. }), _) => RunStatus::Failed,
            (None, Some(manifest)) if manifest.is_cut_short() => RunStatus::CutShort,
            (None, Some(_)) => RunStatus::Finished,
            (None, None) => RunStatus::Unfinished,
        }
    }

    /// Returns it in a word or two: `finished`, `cut short`, `diverged`, `failed` or `unfinished`.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Finished => "finished",
            RunStatus::CutShort => "cut short",
            RunStatus::Diverged => "diverged",
            RunStatus::Failed => "failed",
            RunStatus::Unfinished => "unfinished",
        }
    }
}

/// A run's network, as far as it has learned, and what belongs to it.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The recipe.
    pub recipe: Recipe,
    /// The network.
    pub mlp: Mlp,
    /// The best epoch, whose network it is; none without early stopping, and of a model without a
    /// manifest.
    pub best_epoch: Option<u32>,
    /// Beside it in its file.
    pub info: ModelInfo,
    /// How far the run is, where it is not finished and the network is that of its checkpoint.
    pub unfinished: Option<Progress>,
}

impl RunDir {
    /// Reads recipe, log and manifest, and why the run failed if it did.
    ///
    /// # Errors
    /// [`Error::Run`] when a file is damaged, or is not this run's because somebody changed or
    /// exchanged it; [`Error::Recipe`], [`furlough::Error::Setting`]; [`furlough::Error::Io`] when
    /// a file cannot be read.
    pub fn contents(&self) -> Result<RunContents> {
        let (recipe, manifest) = self.recipe_and_manifest()?;
        let (log, split) = (self.file(Self::METRICS), recipe.partition().eval_split());
        let records = if log.exists() || manifest.is_some() { read_metrics(&log, split)? } else { Vec::new() };
        if let Some(manifest) = &manifest {
            let damaged = |how| Error::run(&log, format!("is damaged: {how}. Restore it from a copy"));
            manifest.check_epochs(&recipe, &records).map_err(damaged)?;
            advise(manifest.check(self, Self::METRICS))?;
        }
        let recorded = if manifest.is_none() { Failure::read(self.path())? } else { None };
        let failure = recorded.or_else(|| Failure::in_log(&records));
        Ok(RunContents { recipe, records, manifest, failure })
    }

    /// The trained network, with the precision and all else that its recipe says.
    ///
    /// # Errors
    /// As [`Self::contents`], for recipe, manifest and model; [`Error::Run`] when there is no
    /// model.
    pub fn trained(&self) -> Result<Trained> {
        let (recipe, manifest) = self.recipe_and_manifest()?;
        let path = self.model()?;
        let (mlp, info) = load_model(&path)?;
        let other = |what: &str| {
            let how = "Put this run's own back from a copy, or train it again in another folder";
            Err(Error::run(&path, format!("is the model of another run: {what}. {how}")))
        };
        // The same recipe on the same data gives the same model, so nothing else needs to be
        // compared.
        let own = Settings::parse(&info.recipe, None).and_then(Settings::resolve);
        if own.as_ref().ok() != Some(&recipe) {
            return other("it was not trained by the recipe.toml beside it");
        }
        if manifest.as_ref().is_some_and(|manifest| manifest.data_fingerprint != info.data.fingerprint) {
            return other("it was trained on other data than the manifest.json beside it says");
        }
        let best_epoch = manifest.and_then(|manifest| manifest.best_epoch);
        Ok(Trained { recipe, mlp, best_epoch, info, unfinished: None })
    }

    /// The network as far as it has learned: the trained one, or that of the checkpoint where the
    /// run is not finished.
    ///
    /// # Errors
    /// As [`Self::trained`]; [`Error::Run`] when there is no checkpoint either, and when it is of
    /// another recipe.
    pub fn learned(&self) -> Result<Trained> {
        if self.is_finished() {
            return self.trained();
        }
        let (path, recipe) = (self.checkpoint(), self.recipe()?);
        self.check_single(&recipe)?;
        if !path.exists() {
            return Err(Error::run(self.path(), "has learned nothing yet: it has neither a model nor a checkpoint"));
        }
        let provenance = Provenance::read(self)?;
        let levels = provenance.as_ref().map_or(&[][..], |provenance| &provenance.train.levels);
        let network = |inputs, outputs| recipe.network(inputs, levels, outputs);
        let CheckpointNetwork { mlp, best_epoch, progress, origin } = load_checkpoint_network(&path, network)?;
        if origin.recipe != Origin::new(&recipe.to_toml(), "").recipe {
            let how = "Put this run's own back from a copy, or train it again in another folder";
            return Err(Error::run(&path, format!("comes from another recipe than the one beside it. {how}")));
        }
        // Older versions do not say more of the data than its fingerprint.
        let unknown = || DataInfo {
            shape: vec![mlp.architecture().inputs()],
            scale: None,
            classes: Vec::new(),
            feature_names: Vec::new(),
            levels: Vec::new(),
            fingerprint: origin.data,
        };
        let table = provenance.as_ref().and_then(|provenance| provenance.table.as_ref());
        let table = table.map(TableHeader::to_json);
        let data = provenance.map_or_else(unknown, |provenance| provenance.train);
        let info = ModelInfo { data, recipe: recipe.to_toml(), table };
        Ok(Trained { recipe, mlp, best_epoch, info, unfinished: Some(progress) })
    }

    fn recipe_and_manifest(&self) -> Result<(Recipe, Option<Manifest>)> {
        let (recipe, mut manifest) = (self.recipe()?, Manifest::read(self)?);
        self.check_single(&recipe)?;
        if let Some(manifest) = &mut manifest {
            let split = recipe.partition().eval_split();
            manifest.last = manifest.last.take().map(|last| last.of_split(split));
            let written = sha256_hex(recipe.to_toml().as_bytes());
            // Comments of the user's own, added later, change nothing.
            if !manifest.files.iter().any(|entry| entry.name == Self::RECIPE && entry.sha256 == written) {
                advise(manifest.check(self, Self::RECIPE))?;
            }
        }
        Ok((recipe, manifest))
    }
}

/// What to do about a file that is not what the run wrote.
fn advise(checked: Result<()>) -> Result<()> {
    checked.map_err(|error| match error {
        Error::Run { path, reason } => {
            let reason = format!("{reason}. Restore it from a copy, or train again in another folder");
            Error::Run { path, reason }
        }
        other => other,
    })
}
