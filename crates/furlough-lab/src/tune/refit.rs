use super::searching::Tell;
use super::{Phase, TuneDir, TuneEvent};
use crate::recipe::Recipe;
use crate::run::{Failure, Manifest, RunDir, Trained};
use crate::study::{Trial, TrialConfig, TrialData, begin_run};
use crate::{Error, Result};
use furlough::predict::{Evaluation, Predictor};
use furlough::train::{Control, Event};

/// The recipe without what it held out, with the seed of the base. Where trials may stop early,
/// this one is trained for as many epochs as the best ones of its trials are on average.
pub(super) fn on_all_data(recipe: &Recipe, best_epochs: &[u32]) -> Result<Recipe> {
    let mut settings = super::candidate::settings_of(recipe)?;
    (settings.folds, settings.fold, settings.stratified) = (None, None, None);
    if recipe.early_stopping().is_some() && !best_epochs.is_empty() {
        let mean = best_epochs.iter().map(|&epoch| f64::from(epoch)).sum::<f64>() / best_epochs.len() as f64;
        settings.epochs = Some(mean.round() as u32);
    }
    (settings.early_stopping, settings.early_stopping_metric) = (None, None);
    if settings.train_examples.is_none() {
        settings.split_seed = None;
    }
    settings.resolve()
}

/// How the training on all examples ended.
pub(super) enum Refit {
    Done(Evaluation),
    Failed(Failure),
    /// Somebody asked to stop.
    Stopped,
}

/// Trains the recipe on all training examples, in a folder of its own, and then looks at the test
/// set, once.
pub(super) fn refit(
    dir: &TuneDir,
    recipe: &Recipe,
    data: &TrialData<'_>,
    setting: &TrialConfig<'_>,
    stop: &(dyn Fn() -> bool + Sync),
    began: f64,
    tell: Tell<'_>,
) -> Result<Refit> {
    let epochs = recipe.options().epochs;
    let used = (setting.clock)() - began;
    tell(&TuneEvent::Phase { phase: Phase::Refit, epochs: Some(epochs.into()), used });
    let path = dir.file(TuneDir::FINAL);
    if let Some(failure) = Failure::read(&path)?.filter(|_| !setting.retry_failed) {
        return Ok(Refit::Failed(failure));
    }
    let part = data.part(recipe)?;
    let part = part.as_ref().map(|part| part.data(data));
    let data = part.as_ref().unwrap_or(data);
    if path.join(RunDir::MANIFEST).exists() {
        let manifest = Manifest::read(&RunDir::open(&path)?)?;
        manifest.map_or(Ok(()), |manifest| manifest.check_whole(&path))?;
        tell(&TuneEvent::Epochs { more: epochs.into() });
    } else {
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
        match trainer.fit_with(None, &mut watchers).map_err(Error::from) {
            Ok(reason) if reason.is_finished() => {}
            Ok(_) => return Ok(Refit::Stopped),
            Err(error) => return Failure::of(&error).map(Refit::Failed).ok_or(error),
        }
    }
    let run = RunDir::open(&path)?;
    let Trained { recipe: own, mlp, .. } = run.trained()?;
    if own != *recipe {
        let reason = "is a run of another recipe; move the folder away, and it is trained again";
        return Err(Error::run(&path, reason));
    }
    let evaluation = Predictor::with_precision(mlp, setting.threads, recipe.precision()).evaluate(data.judge)?;
    if !evaluation.loss.is_finite() {
        let loss = evaluation.loss.to_string();
        return Ok(Refit::Failed(Failure::Diverged { epoch: epochs, step: None, loss }));
    }
    Ok(Refit::Done(evaluation))
}
