use super::DropoutArm;
use super::options::VERSION;
use super::plot::error_by_p;
use super::refit::{Refit, on_all_data, refit};
use super::replication::{Pairs, replicate};
use super::report::{Finalist, SearchedTrial, TestScores, TuneReport};
use super::runner::TrialRunner;
use super::searching::{Found, Tell, search, seconds_on_record};
use super::{Metric, TuneDir, TuneEvent, TuneOptions, Verdict, rungs};
use crate::json::json_bytes;
use crate::recipe::Recipe;
use crate::run::{Failure, chart_png, chart_svg};
use crate::study::{Trial, TrialConfig, TrialData};
use crate::{Error, Result};
use furlough::predict::Evaluation;

/// Who runs the trials.
#[derive(Clone, Copy)]
pub struct Tuning<'a> {
    /// Trials at a time, at least 1. Changes nothing of what is tried, or of what comes out.
    pub jobs: usize,
    /// Threads of each trial, at least 1. Together with the trials at a time no more than there are
    /// cores, or they wait for each other.
    pub threads: usize,
    /// Seconds since any moment; the library has no clock.
    pub clock: &'a (dyn Fn() -> f64 + Sync),
    /// Whether trials that failed are run again.
    pub retry_failed: bool,
    /// As [`TrialConfig::no_room`].
    pub no_room: &'a (dyn Fn(u64) -> Option<String> + Sync),
    /// Asked at each step: whether everything is to be saved and stopped.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// Checks, before anything is written, that such a tune can be had with these data.
///
/// # Errors
/// [`furlough::Error::Setting`] for options out of range, for more folds than examples and for a
/// metric that the data do not have; those of
/// [`Sequential::validate`](furlough::nn::Sequential::validate).
pub fn check(options: &TuneOptions, data: &TrialData<'_>) -> Result<Metric> {
    options.validate()?;
    let metric = options.metric(data.train)?;
    options.recipe.partition().select(data.train)?;
    options.recipe.network(data.train.features(), data.train.levels(), data.train.outputs()).validate()?;
    // Whether the seeds of the replications can be written down.
    let last = options.recipe.options().seed.checked_add(options.seeds.into());
    if last.is_none_or(|last| i64::try_from(last).is_err()) {
        let reason = "leaves no room for the seeds of the replications, which follow it";
        return Err(Error::setting("seed", options.recipe.options().seed, reason));
    }
    Ok(metric)
}

/// Tunes in a folder: from the beginning, or from where an earlier process was stopped or killed,
/// which makes no difference to what comes out, except that a budget of time allows as many trials
/// as it allows. None when somebody asked to stop; all is saved then.
///
/// # Errors
/// Those of [`check`]; [`Error::Run`] when a file of the folder is damaged;
/// [`furlough::Error::Setting`] `lr` when every trial with dropout, or every one without, diverged;
/// [`furlough::Error::Io`].
pub fn tune(
    dir: &TuneDir,
    options: &TuneOptions,
    data: &TrialData<'_>,
    tuning: &Tuning<'_>,
    tell: &mut dyn FnMut(&TuneEvent<'_>),
) -> Result<Option<TuneReport>> {
    let metric = check(options, data)?;
    let (trials, folds) = (dir.file(TuneDir::TRIALS), options.folds());
    let rungs = rungs(options.recipe.options().epochs);
    let setting = TrialConfig {
        root: &trials,
        threads: tuning.threads,
        clock: tuning.clock,
        retry_failed: tuning.retry_failed,
        no_room: tuning.no_room,
    };
    let (jobs, stop) = (tuning.jobs.max(1), tuning.stop);
    let runner = TrialRunner { data, setting, jobs, stop, metric, folds: &folds, rungs: &rungs };

    // What is on record took time as well.
    let began = (tuning.clock)() - seconds_on_record(&trials)? / jobs as f64;
    let Some(found) = search(dir, options, &runner, began, tell)? else { return Ok(None) };
    let Some(pairs) = replicate(options, &found, &runner, began, tell)? else { return Ok(None) };
    let step = match metric {
        Metric::Accuracy => 1.0 / held_out(options, data.train.len()),
        Metric::Loss => 0.0,
    };
    let mut verdict = Verdict::of(metric, step, &pairs.with, &pairs.without);
    tell(&TuneEvent::Judged(&verdict));
    let all_threads = TrialConfig { threads: tuning.threads * jobs, ..setting };
    let mut refit = |recipe: &Recipe, tell: Tell<'_>| refit(dir, recipe, data, &all_threads, stop, began, tell);
    let Some(Chosen { arm, recipe: recommended, test, passed_over }) =
        choose(dir, (&found, &runner), verdict.recommended, &mut refit, tell)?
    else {
        return Ok(None);
    };
    verdict.recommended = arm;
    let finalist = |arm, scores: &[f64]| Finalist {
        trial: found.finalist(arm) + 1,
        recipe: found.entries[found.finalist(arm)].recipe.clone(),
        values: scores.iter().map(|&score| metric.value(score)).collect(),
    };
    let Found { entries, .. } = &found;
    let mut searched = Vec::new();
    for (place, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.scores.is_empty()) {
        let folders = runner.trials(&entry.recipe)?.iter().map(|trial: &Trial| trial.id().to_string()).collect();
        searched.push(SearchedTrial::new(place, entry, metric, &rungs, folders));
    }
    let Pairs { seeds, with, without } = &pairs;
    let report = TuneReport {
        version: VERSION,
        data: options.recipe.data().into(),
        data_fingerprint: data.info.fingerprint.clone(),
        metric,
        base: options.recipe.clone(),
        space: options.space.clone(),
        trials: options.trials,
        budget: options.budget,
        out_of_time: entries.len() < options.most(),
        folds: folds.clone(),
        search: searched,
        with: finalist(DropoutArm::With, with),
        without: finalist(DropoutArm::Without, without),
        seeds: seeds.clone(),
        verdict,
        recommended,
        passed_over: passed_over.as_ref().map(ToString::to_string),
        test: TestScores { examples: test.examples, loss: test.loss, accuracy: test.accuracy },
        seconds: seconds_on_record(&trials)?,
    };
    write(dir, &report)?;
    Ok(Some(report))
}

/// Writes what was found, the report last.
fn write(dir: &TuneDir, report: &TuneReport) -> Result<()> {
    let chart = error_by_p(report);
    dir.write(TuneDir::PLOT_SVG, chart_svg(TuneDir::PLOT_SVG, &chart)?.as_bytes())?;
    dir.write(TuneDir::PLOT_PNG, &chart_png(TuneDir::PLOT_PNG, &chart)?)?;
    let path = dir.file(TuneDir::REPORT);
    dir.write(TuneDir::REPORT, &json_bytes(&path, report)?)?;
    dir.retire_lock();
    Ok(())
}

/// The finalist that is recommended, trained on all examples.
struct Chosen {
    arm: DropoutArm,
    recipe: Recipe,
    test: Evaluation,
    /// Why it is not the better one.
    passed_over: Option<Failure>,
}

type Refitting<'a> = &'a mut dyn FnMut(&Recipe, Tell<'_>) -> Result<Refit>;

/// Trains the better finalist on all training examples, and where it fails there, the other one:
/// what diverges is not recommended. None when somebody asked to stop.
fn choose(
    dir: &TuneDir,
    (found, runner): (&Found, &TrialRunner<'_>),
    better: DropoutArm,
    refit: Refitting<'_>,
    tell: Tell<'_>,
) -> Result<Option<Chosen>> {
    let aside = dir.file(TuneDir::PASSED_OVER);
    let mut passed_over = Failure::read(&aside)?;
    let arms = [better, if better == DropoutArm::With { DropoutArm::Without } else { DropoutArm::With }];
    for arm in arms.into_iter().skip(usize::from(passed_over.is_some())) {
        let recipe = &found.entries[found.finalist(arm)].recipe;
        let recipe = on_all_data(recipe, &runner.best_epochs(recipe)?)?;
        dir.write(TuneDir::RECOMMENDED, recipe.to_toml().as_bytes())?;
        let failure = match refit(&recipe, tell)? {
            Refit::Done(test) => return Ok(Some(Chosen { arm, recipe, test, passed_over })),
            Refit::Stopped => return Ok(None),
            Refit::Failed(failure) => failure,
        };
        if passed_over.is_some() {
            let reason = format!("both finalists failed on all training examples ({failure}); try a smaller one");
            return Err(Error::setting("lr", recipe.options().learning_rate, reason));
        }
        tell(&TuneEvent::PassedOver { arm, failure: &failure });
        let own = dir.file(TuneDir::FINAL);
        failure.write(&own)?;
        std::fs::rename(&own, &aside).map_err(Error::io("rename", &own))?;
        passed_over = Some(failure);
    }
    Ok(None)
}

/// How many examples a trial is judged by, about: folds differ by one.
fn held_out(options: &TuneOptions, examples: usize) -> f64 {
    let folds = options.recipe.partition().folds.unwrap_or(super::FOLDS);
    examples as f64 / f64::from(folds) * options.folds().len() as f64
}
