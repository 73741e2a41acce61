//! Trials on the way: what is asked for becomes jobs of the pool, one for each fold, and what comes
//! back becomes scores.

use super::Metric;
use crate::recipe::Recipe;
use crate::run::{EpochRecord, Failure, best_epoch, final_record};
use crate::study::{Ended, Job, JobReport, Plan, PoolConfig, Trial, TrialConfig, TrialData, TrialOutcome, run_pool};
use crate::{Error, Result};
use furlough::train::{Control, EpochSummary};
use std::collections::{HashMap, VecDeque};

/// A recipe to train, on each fold, until an epoch.
#[derive(Debug, Clone)]
pub(super) struct TrialRequest {
    /// A number of the scheduler's own, which comes back with the scores.
    pub id: usize,
    pub recipe: Recipe,
    pub until: u32,
}

/// What a request came to.
#[derive(Debug, Clone)]
pub(super) struct TrialScores {
    pub id: usize,
    /// The scores after the epochs that the runner was asked for, as far as the request went: means
    /// over the folds, infinite where one diverged.
    pub scores: Vec<f64>,
    /// Why it was not trained to the end, if it failed; of several folds the first that did.
    pub failure: Option<Failure>,
    /// Seconds that an epoch took, all folds together.
    pub epoch_seconds: f64,
}

/// Who knows what to train next. Its answers may depend on what it has heard.
pub(super) trait Scheduler {
    /// What to train next; none when there is nothing for now.
    fn next(&mut self) -> Result<Option<TrialRequest>>;

    /// Takes note of what came of it.
    fn on_scores(&mut self, scores: TrialScores);

    /// Some epochs more are known, trained just now or long ago. Stop ends all that is running; its
    /// trials are saved.
    fn tick(&mut self, epochs: u64) -> Control;
}

/// Where trials are trained, and how their scores are taken.
#[derive(Clone, Copy)]
pub(super) struct TrialRunner<'a> {
    pub data: &'a TrialData<'a>,
    pub setting: TrialConfig<'a>,
    pub jobs: usize,
    pub stop: &'a (dyn Fn() -> bool + Sync),
    pub metric: Metric,
    /// The folds to hold out, in turn.
    pub folds: &'a [u32],
    /// The epochs to give scores after.
    pub rungs: &'a [u32],
}

impl TrialRunner<'_> {
    /// The trials of a recipe, one for each fold.
    pub fn trials(&self, recipe: &Recipe) -> Result<Vec<Trial>> {
        let trial = |&fold: &u32| Ok(Trial::new(with_fold(recipe, fold)?, &self.data.info.fingerprint));
        self.folds.iter().map(trial).collect()
    }

    /// Returns the best epoch of each trial of a recipe that has been trained, where trials may
    /// stop early.
    pub fn best_epochs(&self, recipe: &Recipe) -> Result<Vec<u32>> {
        let found = |trial: Trial| Ok(best_epoch(recipe, &trial.found(self.setting.root)?.records));
        let best: Result<Vec<Option<u32>>> = self.trials(recipe)?.into_iter().map(found).collect();
        Ok(best?.into_iter().flatten().collect())
    }

    /// Trains what the scheduler requests for until it requests for nothing more or somebody stops
    /// it.
    ///
    /// # Errors
    /// The first error that is not one of a trial alone.
    pub fn run(&self, scheduler: &mut dyn Scheduler) -> Result<()> {
        let mut work = Work {
            runner: self,
            scheduler,
            waiting: VecDeque::new(),
            jobs: Vec::new(),
            requests: Vec::new(),
            known: HashMap::new(),
            failed: None,
        };
        let crew = PoolConfig { workers: self.jobs, setting: self.setting, stop: self.stop };
        run_pool(self.data, &crew, &mut work)?;
        work.failed.map_or(Ok(()), Err)
    }
}

/// What a fold's trial came to: its epochs, and why there are no more of them if it failed.
type Trained = (Vec<EpochRecord>, Option<Failure>);

struct Work<'a, 'b> {
    runner: &'a TrialRunner<'b>,
    scheduler: &'a mut dyn Scheduler,
    waiting: VecDeque<Job>,
    /// By the number of the job: its request, its place among the folds, its trial.
    jobs: Vec<(usize, usize, Trial)>,
    requests: Vec<(TrialRequest, Vec<Option<Trained>>)>,
    /// Epochs of each trial that the scheduler was told of.
    known: HashMap<String, u32>,
    failed: Option<Error>,
}

impl Plan for Work<'_, '_> {
    fn next(&mut self) -> Option<Job> {
        if self.waiting.is_empty() && self.failed.is_none() {
            let asked = self.scheduler.next().and_then(|request| request.map_or(Ok(()), |request| self.take(request)));
            self.failed = asked.err();
        }
        if self.failed.is_some() { None } else { self.waiting.pop_front() }
    }

    fn on_report(&mut self, report: JobReport) -> Control {
        let done = match report {
            JobReport::Begun { .. } => return Control::Continue,
            JobReport::Epoch { number, summary } => return self.tick(number, summary.epoch),
            JobReport::Ended { number, outcome } => self.ended(number, outcome),
        };
        match done {
            Ok(control) => control,
            Err(error) => {
                self.failed.get_or_insert(error);
                Control::Stop
            }
        }
    }
}

impl Work<'_, '_> {
    fn take(&mut self, request: TrialRequest) -> Result<()> {
        let number = self.requests.len();
        for (place, trial) in self.runner.trials(&request.recipe)?.into_iter().enumerate() {
            self.waiting.push_back(Job { number: self.jobs.len(), trial: trial.clone(), until: Some(request.until) });
            self.jobs.push((number, place, trial));
        }
        self.requests.push((request, vec![None; self.runner.folds.len()]));
        Ok(())
    }

    fn tick(&mut self, job: usize, epoch: u32) -> Control {
        let known = self.known.entry(self.jobs[job].2.id().into()).or_default();
        let more = epoch.saturating_sub(*known);
        *known = epoch.max(*known);
        self.scheduler.tick(more.into())
    }

    fn ended(&mut self, job: usize, outcome: Result<TrialOutcome>) -> Result<Control> {
        let (request, place, _) = self.jobs[job];
        let (records, failure) = match outcome {
            Ok(TrialOutcome { ended: Ended::Stopped, .. }) => return Ok(Control::Continue),
            Ok(TrialOutcome { ended: Ended::Elsewhere, path, .. }) => return Err(Error::Locked { path }),
            // A score that is never reached, where it failed. What came before that is on record.
            Ok(TrialOutcome { records, failure, .. }) => (records, failure),
            // What is wrong with one trial's folder is this trial's failure, and nothing is written
            // there.
            Err(error @ Error::Run { .. }) => (Vec::new(), Some(Failure::Error { reason: error.to_string() })),
            Err(error) => return Err(error),
        };
        let last = records.len() as u32;
        self.requests[request].1[place] = Some((records, failure));
        let control = self.tick(job, last);
        if let Some(scores) = self.scores(request) {
            self.scheduler.on_scores(scores);
        }
        Ok(control)
    }

    /// The scores of a request, once all its folds are trained.
    fn scores(&self, request: usize) -> Option<TrialScores> {
        let (request, folds) = &self.requests[request];
        let TrialRequest { id, until, .. } = request;
        let trained: Vec<&Trained> = folds.iter().map(Option::as_ref).collect::<Option<_>>()?;
        let failure = trained.iter().find_map(|(_, failure)| failure.clone());
        let folds: Vec<&Vec<EpochRecord>> = trained.iter().map(|(records, _)| records).collect();
        let rungs = self.runner.rungs.iter().filter(|rung| *rung <= until);
        let stops = request.recipe.early_stopping().is_some();
        let score = |records: &[EpochRecord], rung: usize| match records.get(..rung) {
            // The network that the trial has by then is that of its best epoch.
            records_at if stops && failure.is_none() => {
                let best = final_record(&request.recipe, records_at.unwrap_or(records));
                best.map_or(f64::INFINITY, |record| self.runner.metric.score(std::slice::from_ref(&record.summary)))
            }
            None => f64::INFINITY,
            Some(records) => {
                let summaries: Vec<EpochSummary> = records.iter().map(|record| record.summary.clone()).collect();
                self.runner.metric.score(&summaries)
            }
        };
        let mean =
            |rung: &u32| folds.iter().map(|records| score(records, *rung as usize)).sum::<f64>() / folds.len() as f64;
        let epochs: usize = folds.iter().map(|records| records.len()).sum();
        let seconds: f64 = folds.iter().flat_map(|records| records.iter()).map(|record| record.seconds).sum();
        let epoch_seconds = if epochs == 0 { 0.0 } else { seconds / epochs as f64 * folds.len() as f64 };
        Some(TrialScores { id: *id, scores: rungs.map(mean).collect(), failure, epoch_seconds })
    }
}

/// The recipe with this fold held out.
fn with_fold(recipe: &Recipe, fold: u32) -> Result<Recipe> {
    let mut settings = super::candidate::settings_of(recipe)?;
    settings.fold = Some(fold);
    settings.resolve()
}
