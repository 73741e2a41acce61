use super::searching::Tell;
use super::{Phase, TuneDir, TuneEvent};
use crate::recipe::Recipe;
use crate::run::{RunDir, Trained};
use crate::study::{Setting, Trial, TrialData, begin_run};
use crate::{Error, Result};
use furlough::data::Dataset;
use furlough::predict::{Evaluation, Predictor};
use furlough::train::{Control, Event, StopReason};

/// The recipe without what it held out, with the seed of the base.
pub(super) fn on_all_data(recipe: &Recipe) -> Result<Recipe> {
    let mut settings = super::candidate::settings_of(recipe)?;
    (settings.folds, settings.fold) = (None, None);
    if settings.train_examples.is_none() {
        settings.split_seed = None;
    }
    settings.resolve()
}

/// Trains the recipe on all training examples, in a folder of its own, and then looks at the test set, once. None when somebody asked to stop.
pub(super) fn refit(
    dir: &TuneDir,
    recipe: &Recipe,
    data: &TrialData<'_>,
    setting: &Setting<'_>,
    stop: &(dyn Fn() -> bool + Sync),
    began: f64,
    tell: Tell<'_>,
) -> Result<Option<Evaluation>> {
    let epochs = recipe.options().epochs;
    let used = (setting.clock)() - began;
    tell(&TuneEvent::Phase { phase: Phase::Refit, epochs: Some(epochs.into()), used });
    let path = dir.file(TuneDir::FINAL);
    if path.join(RunDir::MANIFEST).exists() {
        tell(&TuneEvent::Epochs { more: epochs.into() });
    } else {
        let chosen = chosen(recipe, data)?;
        let part = chosen.as_ref().map(|train| TrialData::new(train, data.test, &*data.origin));
        let data = part.as_ref().unwrap_or(data);
        let trial = Trial::new(recipe.clone(), &data.info.fingerprint);
        let (mut trainer, recorder) = begin_run(&trial, data, setting, &path)?;
        let before = trainer.state().progress.epoch;
        tell(&TuneEvent::Epochs { more: before.into() });
        let mut watchers = (recorder, |event: &Event<'_>| -> furlough::Result<Control> {
            if matches!(event, Event::Epoch(_)) {
                tell(&TuneEvent::Epochs { more: 1 });
            }
            Ok(if stop() { Control::Stop } else { Control::Continue })
        });
        // Without the test set: it is looked at once, and not after each epoch.
        if trainer.fit(None, &mut watchers)? == StopReason::Asked {
            return Ok(None);
        }
    }
    let run = RunDir::open(&path)?;
    let Trained { recipe: own, mlp, .. } = run.trained()?;
    if own != *recipe {
        let reason = "is a run of another recipe; move the folder away, and it is trained again";
        return Err(Error::run(&path, reason));
    }
    Predictor::with_precision(mlp, setting.threads, recipe.precision())
        .evaluate(data.test)
        .map(Some)
        .map_err(Error::from)
}

/// The training examples, where the recipe says that only some are learnt from.
fn chosen(recipe: &Recipe, data: &TrialData<'_>) -> Result<Option<Dataset>> {
    let part = recipe.partition();
    if part.is_whole() {
        return Ok(None);
    }
    Ok(Some(part.select(data.train)?.0))
}
