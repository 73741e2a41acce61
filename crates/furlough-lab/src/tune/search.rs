use super::propose::{Observation, Proposer, starts};
use super::{Candidate, DropoutArm, Space, promoted, rungs};
use crate::Result;
use crate::recipe::Recipe;
use crate::run::Failure;
use std::collections::VecDeque;

/// Trials that are compared with each other, from the second generation on.
pub const GENERATION: usize = 9;

/// A trial of the search, and what it came to so far.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchEntry {
    /// What it changes in the base.
    pub candidate: Candidate,
    /// Its recipe.
    pub recipe: Recipe,
    /// 0 for the points to begin with.
    pub generation: usize,
    /// The score at each rung that it has come to, the lower the better; infinite from where it
    /// diverged.
    pub scores: Vec<f64>,
    /// Why it was not trained further, if it failed.
    pub failure: Option<Failure>,
}

/// A trial to train, and to which rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SearchTask {
    pub entry: usize,
    pub rung: usize,
}

#[derive(Debug, Clone)]
struct Generation {
    /// The entries that are trained to each rung; lists of rungs that nobody has come to are not
    /// there yet.
    at: Vec<Vec<usize>>,
}

/// The search as a machine without a clock: it says what to train, hears what came of it, and what
/// it says is a function of that alone. How many trials go on at once and which of them is done
/// first changes nothing, because proposals wait for the same results each time.
///
/// A generation is proposed when the one before it has been compared at all rungs but the last, and
/// those before that one are done; it knows these results and no others. So there is something to
/// do while the best of a generation are trained to the end.
#[derive(Debug, Clone)]
pub(super) struct Search {
    base: Recipe,
    space: Space,
    /// Seed of the proposals.
    seed: u64,
    /// How many trials there may be.
    trials: usize,
    rungs: Vec<u32>,
    entries: Vec<SearchEntry>,
    generations: Vec<Generation>,
    ready: VecDeque<SearchTask>,
    out: usize,
    closed: bool,
}

impl Search {
    /// A search from `base` over `space` with at most so many trials.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when the base cannot be tried with another dropout.
    pub fn new(base: &Recipe, space: &Space, trials: usize) -> Result<Self> {
        let options = base.options();
        let mut search = Search {
            base: base.clone(),
            space: space.clone(),
            seed: options.seed,
            trials,
            rungs: rungs(options.epochs),
            entries: Vec::new(),
            generations: Vec::new(),
            ready: VecDeque::new(),
            out: 0,
            closed: false,
        };
        let mut first = starts(base, space);
        first.truncate(trials);
        search.begin(first)?;
        Ok(search)
    }

    /// The epochs of the rungs.
    pub fn rungs(&self) -> &[u32] {
        &self.rungs
    }

    /// All trials so far.
    pub fn entries(&self) -> &[SearchEntry] {
        &self.entries
    }

    /// The next trial to train; none while there is none, until more is told, or for ever.
    pub fn next(&mut self) -> Result<Option<SearchTask>> {
        if self.ready.is_empty() && self.may_propose() {
            let candidates = self.propose()?;
            self.begin(candidates)?;
        }
        let task = self.ready.pop_front();
        self.out += usize::from(task.is_some());
        Ok(task)
    }

    /// Whether there is nothing more to train or to wait for.
    pub fn is_done(&self) -> bool {
        self.ready.is_empty() && self.out == 0 && !self.may_propose()
    }

    /// No further trials, for want of time.
    pub fn close(&mut self) {
        self.closed = true;
        self.ready.clear();
    }

    /// Whether the points to begin with are all done.
    pub fn has_started(&self) -> bool {
        self.is_complete(0)
    }

    /// Takes note that a task's trial failed; told before [`Self::tell`].
    pub fn tell_failure(&mut self, task: SearchTask, failure: Option<Failure>) {
        self.entries[task.entry].failure = failure;
    }

    /// Takes note of what a task came to: the scores at the rungs up to the task's own.
    pub fn tell(&mut self, task: SearchTask, scores: Vec<f64>) {
        self.out -= 1;
        self.entries[task.entry].scores = scores;
        let generation = self.entries[task.entry].generation;
        let rungs = self.rungs.len();
        let Generation { at } = &self.generations[generation];
        let here = &at[task.rung];
        let complete = here.iter().all(|&entry| self.entries[entry].scores.len() > task.rung);
        if !complete || task.rung + 1 == rungs || self.closed {
            return;
        }
        let next: Vec<usize> = [DropoutArm::With, DropoutArm::Without]
            .into_iter()
            .flat_map(|arm| {
                let those: Vec<usize> =
                    here.iter().copied().filter(|&entry| DropoutArm::of(&self.entries[entry].recipe) == arm).collect();
                let scores: Vec<f64> = those.iter().map(|&entry| self.entries[entry].scores[task.rung]).collect();
                promoted(&scores).into_iter().map(move |place| those[place]).collect::<Vec<_>>()
            })
            .collect();
        // The end of a trial comes before the beginning of others, so that nobody waits for it
        // alone.
        for &entry in next.iter().rev() {
            self.ready.push_front(SearchTask { entry, rung: task.rung + 1 });
        }
        let generation = &mut self.generations[generation];
        let nobody = next.is_empty();
        generation.at.push(next);
        if nobody {
            generation.at.resize(rungs, Vec::new());
        }
    }

    /// The best trial of an arm that was trained to the end.
    pub fn best(&self, arm: DropoutArm) -> Option<usize> {
        best(&self.entries, arm, self.rungs.len())
    }

    fn begin(&mut self, candidates: Vec<Candidate>) -> Result<()> {
        let generation = self.generations.len();
        let first = self.entries.len();
        // The points to begin with are trained to the end, whatever they look like on the way.
        let rung = if generation == 0 { self.rungs.len() - 1 } else { 0 };
        for candidate in candidates {
            let recipe = candidate.recipe(&self.base)?;
            self.entries.push(SearchEntry { candidate, recipe, generation, scores: Vec::new(), failure: None });
        }
        let all: Vec<usize> = (first..self.entries.len()).collect();
        self.ready.extend(all.iter().map(|&entry| SearchTask { entry, rung }));
        self.generations.push(Generation { at: vec![all; rung + 1] });
        Ok(())
    }

    /// Whether all rungs but the last have been compared, so that it is known who is trained to the
    /// end.
    fn is_decided(&self, generation: usize) -> bool {
        let by_rungs = generation > 0 && self.rungs.len() > 1;
        if by_rungs { self.generations[generation].at.len() == self.rungs.len() } else { self.is_complete(generation) }
    }

    fn is_complete(&self, generation: usize) -> bool {
        let last = self.rungs.len() - 1;
        let at = &self.generations[generation].at;
        at.get(last).is_some_and(|those| those.iter().all(|&entry| self.entries[entry].scores.len() > last))
    }

    fn may_propose(&self) -> bool {
        let now = self.generations.len() - 1;
        !self.closed
            && self.entries.len() < self.trials
            && self.is_decided(now)
            && (0..now).all(|generation| self.is_complete(generation))
    }

    fn propose(&self) -> Result<Vec<Candidate>> {
        let now = self.generations.len() - 1;
        let last = self.rungs.len() - 1;
        let mut observations: Vec<Observation<'_>> = Vec::new();
        for entry in &self.entries {
            // What is still being trained to the end may or may not be done; so it is not looked
            // at.
            let known = if entry.generation == now && now > 0 { last.max(1) } else { last + 1 };
            let known = &entry.scores[..entry.scores.len().min(known)];
            let (rung, score) = (known.len().checked_sub(1), known.last().copied().unwrap_or(f64::INFINITY));
            observations.push(Observation { recipe: &entry.recipe, rung, score });
        }
        let count = GENERATION.min(self.trials - self.entries.len());
        let mut recipes: Vec<Recipe> = Vec::new();
        let mut candidates = Vec::new();
        for place in 0..count {
            // Where there is more to tune than rates, every third is without dropout.
            let arm = if self.space.is_wide() && place % 3 == 2 { DropoutArm::Without } else { DropoutArm::With };
            let number = (self.entries.len() + place) as u32;
            let proposer = Proposer { base: &self.base, space: &self.space, seed: self.seed, number };
            let pending = recipes.iter().map(|recipe| Observation { recipe, rung: None, score: f64::INFINITY });
            let told: Vec<_> = observations.iter().copied().chain(pending).collect();
            let candidate = proposer.propose(arm, &told)?;
            recipes.push(candidate.recipe(&self.base)?);
            candidates.push(candidate);
        }
        Ok(candidates)
    }
}

/// The place of the best trial of an arm that has a score at the last of so many rungs; of equal
/// ones the earlier.
pub(super) fn best(entries: &[SearchEntry], arm: DropoutArm, rungs: usize) -> Option<usize> {
    let score = |entry: &SearchEntry| entry.scores.get(rungs - 1).copied().filter(|score| score.is_finite());
    let of_arm = entries.iter().enumerate().filter(|(_, entry)| DropoutArm::of(&entry.recipe) == arm);
    let scored = of_arm.filter_map(|(at, entry)| Some((score(entry)?, at)));
    scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
}

/// How many trials are trained for how many epochs in all, when none diverges: for saying how much
/// is left.
pub(super) fn planned_epochs(base: &Recipe, space: &Space, trials: usize) -> u64 {
    let epochs = u64::from(base.options().epochs);
    let rungs: Vec<u64> = rungs(base.options().epochs).into_iter().map(u64::from).collect();
    let first = starts(base, space).len().min(trials);
    let mut total = first as u64 * epochs;
    let mut left = trials - first;
    while left > 0 {
        let count = left.min(GENERATION);
        left -= count;
        let without = if space.is_wide() { count / 3 } else { 0 };
        for mut arm in [count - without, without] {
            let mut before = 0;
            for &rung in &rungs {
                total += arm as u64 * (rung - before);
                before = rung;
                arm = super::halving::places(arm);
            }
        }
    }
    total
}
