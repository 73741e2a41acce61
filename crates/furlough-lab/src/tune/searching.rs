//! The search with a clock: which trials there is time for, and what it leaves on disk.

use super::DropoutArm;
use super::candidate::Candidate;
use super::runner::{Scheduler, TrialRequest, TrialRunner, TrialScores};
use super::search::{Search, SearchEntry, SearchTask};
use super::{Phase, TuneDir, TuneEvent, TuneOptions};
use crate::json::json_bytes;
use crate::run::{Failure, read_metrics};
use crate::{Error, Result};
use furlough::data::EvalSplit;
use furlough::files::read_file;
use furlough::train::Control;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Who is told what happens.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&TuneEvent<'_>);

/// What the search came to. On disk once it is over, so that a tune that goes on compares the same
/// finalists, however long it took so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub entries: Vec<SearchEntry>,
    /// The best with dropout, and the best without.
    pub with: usize,
    pub without: usize,
}

#[derive(Serialize, Deserialize)]
struct Line {
    generation: usize,
    candidate: Candidate,
    /// None from where it diverged.
    scores: Vec<Option<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

impl Found {
    /// The index of an arm's finalist.
    pub fn finalist(&self, arm: DropoutArm) -> usize {
        match arm {
            DropoutArm::With => self.with,
            DropoutArm::Without => self.without,
        }
    }

    /// What an earlier process found; none when its search was not over.
    pub fn read(dir: &TuneDir, options: &TuneOptions) -> Result<Option<Self>> {
        let path = dir.file(TuneDir::SEARCH);
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |why: String| {
            Error::run(&path, format!("is damaged ({why}): move it away, and the search is done again from its trials"))
        };
        let text = read_file(&path)?;
        let lines: Vec<Line> = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let entry = |line: Line| -> Result<SearchEntry> {
            let recipe = line.candidate.recipe(&options.recipe).map_err(|error| damaged(error.to_string()))?;
            let scores = line.scores.iter().map(|score| score.unwrap_or(f64::INFINITY)).collect();
            let Line { candidate, generation, failure, .. } = line;
            Ok(SearchEntry { candidate, recipe, generation, scores, failure })
        };
        let entries: Vec<SearchEntry> = lines.into_iter().map(entry).collect::<Result<_>>()?;
        Found::of(entries, options).map(Some)
    }

    fn of(entries: Vec<SearchEntry>, options: &TuneOptions) -> Result<Self> {
        let rungs = super::rungs(options.recipe.options().epochs).len();
        let best = |arm| super::search::best(&entries, arm, rungs);
        let (Some(with), Some(without)) = (best(DropoutArm::With), best(DropoutArm::Without)) else {
            let arm = if best(DropoutArm::Without).is_none() { DropoutArm::Without } else { DropoutArm::With };
            return Err(nothing_left(arm, &entries, options));
        };
        Ok(Found { entries, with, without })
    }

    fn write(&self, dir: &TuneDir) -> Result<()> {
        let line = |entry: &SearchEntry| Line {
            generation: entry.generation,
            candidate: entry.candidate.clone(),
            scores: entry.scores.iter().map(|score| score.is_finite().then_some(*score)).collect(),
            failure: entry.failure.clone(),
        };
        let lines: Vec<Line> = self.entries.iter().map(line).collect();
        let path = dir.file(TuneDir::SEARCH);
        dir.write(TuneDir::SEARCH, &json_bytes(&path, &lines)?)
    }
}

/// Returns the error that no trial of an arm was trained to the end.
fn nothing_left(arm: DropoutArm, entries: &[SearchEntry], options: &TuneOptions) -> Error {
    let which = if arm == DropoutArm::With { "with dropout" } else { "without dropout" };
    let mut failures =
        entries.iter().filter(|entry| DropoutArm::of(&entry.recipe) == arm).filter_map(|entry| entry.failure.as_ref());
    match failures.find(|failure| !matches!(failure, Failure::Diverged { .. })) {
        Some(failure) => {
            Error::setting("search", &options.space, format!("every trial {which} failed; one of them: {failure}"))
        }
        None => {
            let rate = options.recipe.options().learning_rate;
            Error::setting("lr", rate, format!("every trial {which} diverged; try a smaller one"))
        }
    }
}

/// Searches, or reads what was found before. None when somebody asked to stop.
pub(super) fn search(
    dir: &TuneDir,
    options: &TuneOptions,
    runner: &TrialRunner<'_>,
    began: f64,
    tell: Tell<'_>,
) -> Result<Option<Found>> {
    let epochs = options.planned_epochs(Phase::Search);
    let used = (runner.setting.clock)() - began;
    tell(&TuneEvent::Phase { phase: Phase::Search, epochs, used });
    let known = Found::read(dir, options)?;
    // Where failed trials are to be run again, what was found without them is no longer what there
    // is.
    let redo = |found: &Found| runner.setting.retry_failed && found.entries.iter().any(|e| e.failure.is_some());
    if let Some(found) = known.filter(|found| !redo(found)) {
        tell(&TuneEvent::Epochs { more: epochs.unwrap_or(0) });
        tell(&TuneEvent::Searched { trials: found.entries.len(), out_of_time: found.entries.len() < options.most() });
        return Ok(Some(found));
    }
    let mut searcher = Searcher {
        search: Search::new(&options.recipe, &options.space, options.most())?,
        tasks: Vec::new(),
        options,
        runner,
        began,
        costs: HashMap::new(),
        best: f64::INFINITY,
        closed: false,
        tell,
    };
    runner.run(&mut searcher)?;
    let Searcher { search, closed, tell, .. } = searcher;
    if !closed && !search.is_done() {
        return Ok(None);
    }
    // The last ones may not have been looked at when time ran out.
    let tried = search.entries().iter().rposition(|entry| !entry.scores.is_empty()).map_or(0, |last| last + 1);
    let found = Found::of(search.entries()[..tried].to_vec(), options)?;
    found.write(dir)?;
    tell(&TuneEvent::Searched { trials: found.entries.len(), out_of_time: closed });
    Ok(Some(found))
}

/// Seconds of all epochs of the trials in a folder.
pub(super) fn seconds_on_record(trials: &Path) -> Result<f64> {
    if !trials.is_dir() {
        return Ok(0.0);
    }
    let mut seconds = 0.0;
    for entry in std::fs::read_dir(trials).map_err(Error::io("read", trials))? {
        let log = entry.map_err(Error::io("read", trials))?.path().join(crate::run::RunDir::METRICS);
        if log.exists() {
            seconds += read_metrics(&log, EvalSplit::Validation)?.iter().map(|record| record.seconds).sum::<f64>();
        }
    }
    Ok(seconds)
}

struct Searcher<'a, 'b> {
    search: Search,
    /// By the number of the ask.
    tasks: Vec<SearchTask>,
    options: &'a TuneOptions,
    runner: &'a TrialRunner<'b>,
    /// When it would have begun, had it never been stopped.
    began: f64,
    /// Seconds of an epoch of each entry, all folds together.
    costs: HashMap<usize, f64>,
    best: f64,
    closed: bool,
    tell: Tell<'a>,
}

impl Searcher<'_, '_> {
    fn look_at_the_clock(&mut self) {
        if !self.closed && !self.search.is_done() && self.is_late() {
            self.closed = true;
            self.search.close();
        }
    }

    /// Whether what is left of the time is needed for what comes after the search.
    fn is_late(&self) -> bool {
        let Some(budget) = self.options.budget.filter(|_| self.search.has_started()) else { return false };
        let cost = |arm| self.search.best(arm).and_then(|entry| self.costs.get(&entry)).copied().unwrap_or(0.0);
        let (with, without) = (cost(DropoutArm::With), cost(DropoutArm::Without));
        let epochs = f64::from(self.options.recipe.options().epochs);
        let folds = f64::from(self.options.recipe.partition().folds.unwrap_or(2));
        let replication = f64::from(self.options.seeds) * epochs * (with + without);
        let refit = epochs * with.max(without) / self.runner.folds.len() as f64 * folds / (folds - 1.0);
        let used = (self.runner.setting.clock)() - self.began;
        used + (replication + refit) / self.runner.jobs as f64 >= budget
    }
}

impl Scheduler for Searcher<'_, '_> {
    fn next(&mut self) -> Result<Option<TrialRequest>> {
        self.look_at_the_clock();
        let Some(task) = self.search.next()? else { return Ok(None) };
        self.tasks.push(task);
        let recipe = self.search.entries()[task.entry].recipe.clone();
        Ok(Some(TrialRequest { id: self.tasks.len() - 1, recipe, until: self.search.rungs()[task.rung] }))
    }

    fn on_scores(&mut self, scores: TrialScores) {
        let task = self.tasks[scores.id];
        let score = scores.scores.last().copied().unwrap_or(f64::INFINITY);
        self.costs.insert(task.entry, scores.epoch_seconds);
        self.search.tell_failure(task, scores.failure);
        self.search.tell(task, scores.scores);
        let rungs = self.search.rungs();
        let best = task.rung + 1 == rungs.len() && score < self.best;
        if best {
            self.best = score;
        }
        (self.tell)(&TuneEvent::Compared {
            trial: task.entry + 1,
            entry: &self.search.entries()[task.entry],
            epoch: rungs[task.rung],
            epochs: self.options.recipe.options().epochs,
            score,
            metric: self.runner.metric,
            best,
        });
    }

    fn tick(&mut self, epochs: u64) -> Control {
        (self.tell)(&TuneEvent::Epochs { more: epochs });
        self.look_at_the_clock();
        if self.closed { Control::Stop } else { Control::Continue }
    }
}
