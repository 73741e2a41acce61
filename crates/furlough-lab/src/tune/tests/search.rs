//! The search as a pure machine, with a made-up score in place of training.

use crate::recipe::{Recipe, Settings};
use crate::tune::DropoutArm;
use crate::tune::search::{GENERATION, Search, SearchTask, planned_epochs};
use crate::tune::{SearchEntry, Space, rungs};

fn base(epochs: u32) -> Recipe {
    let text = format!("data = 'digits'\nhidden = [32, 32]\nepochs = {epochs}\nfolds = 5");
    Settings::parse(&text, None).unwrap().resolve().unwrap()
}

/// Better near 0.3 and 0.6, and with more epochs; wide learning rates diverge.
fn score(recipe: &Recipe, epoch: u32) -> f64 {
    let p = recipe.dropout();
    let off = (p[0] - 0.3).powi(2) + (p[1] - 0.6).powi(2);
    if recipe.options().learning_rate > 0.8 && epoch > 2 { f64::INFINITY } else { off + 1.0 / f64::from(epoch) }
}

/// Runs a search with `workers` tasks at a time, of which always the one that `pick` says is done
/// next, and counts epochs.
fn run(mut search: Search, workers: usize, pick: impl Fn(usize) -> usize) -> (Search, u64) {
    let rungs = search.rungs().to_vec();
    let (mut out, mut epochs): (Vec<SearchTask>, u64) = (Vec::new(), 0);
    loop {
        while out.len() < workers {
            let Some(task) = search.next().unwrap() else { break };
            out.push(task);
        }
        if out.is_empty() {
            assert!(search.is_done());
            return (search, epochs);
        }
        assert!(!search.is_done());
        let task = out.remove(pick(out.len()) % out.len());
        let entry = &search.entries()[task.entry];
        let before = entry.scores.len().checked_sub(1).map_or(0, |rung| rungs[rung]);
        epochs += u64::from(rungs[task.rung] - before);
        let scores = rungs[..=task.rung].iter().map(|&epoch| score(&entry.recipe, epoch)).collect();
        search.tell(task, scores);
    }
}

#[test]
fn what_is_tried_depends_neither_on_workers_nor_on_who_is_done_first() {
    for (search, epochs) in [("", 30), ("lr,max_norm", 30), ("lr", 1), ("lr", 2)] {
        let base = base(epochs);
        let space = Space::parse(search, &base).unwrap();
        let new = || Search::new(&base, &space, 40).unwrap();
        let (alone, _) = run(new(), 1, |_| 0);
        assert_eq!(alone.entries().len(), 40);
        for (workers, pick) in [(2, 1), (3, 0), (4, 7), (9, 3), (16, 5)] {
            let (other, _) = run(new(), workers, |left| left.wrapping_mul(pick).wrapping_add(pick));
            assert_eq!(other.entries(), alone.entries(), "{workers} workers");
            assert_eq!(other.best(DropoutArm::With), alone.best(DropoutArm::With));
        }
    }
}

#[test]
fn each_generation_loses_two_thirds_at_a_rung() {
    let base = base(30);
    let space = Space::new(&base);
    let trials = 5 + 3 * GENERATION;
    let (search, epochs) = run(Search::new(&base, &space, trials).unwrap(), 2, |_| 0);
    let rungs = rungs(30);
    for generation in 0..4 {
        let those: Vec<_> = search.entries().iter().filter(|entry| entry.generation == generation).collect();
        let reached = |rung: usize| those.iter().filter(|entry| entry.scores.len() > rung).count();
        let expected = if generation == 0 { [5, 5, 5] } else { [9, 3, 1] };
        assert_eq!([0, 1, 2].map(reached), expected, "generation {generation}");
        // Nobody who was given up was better than somebody who went on.
        for rung in 0..rungs.len() - 1 {
            let there = those.iter().copied().filter(|entry| entry.scores.len() > rung);
            let (on, out): (Vec<&SearchEntry>, Vec<&SearchEntry>) =
                there.partition(|entry| entry.scores.len() > rung + 1);
            let worst = on.iter().map(|entry| entry.scores[rung]).fold(0.0, f64::max);
            assert!(out.iter().all(|entry| entry.scores[rung] >= worst));
        }
    }
    assert_eq!(epochs, planned_epochs(&base, &space, trials));
}

#[test]
fn the_search_gets_better_than_where_it_began() {
    let base = base(30);
    let space = Space::new(&base);
    let (search, _) = run(Search::new(&base, &space, 41).unwrap(), 2, |_| 0);
    let best = &search.entries()[search.best(DropoutArm::With).unwrap()];
    let first = search.entries()[..5].iter().map(|entry| *entry.scores.last().unwrap()).fold(1.0, f64::min);
    assert!(best.scores[2] < first, "{} and {first}", best.scores[2]);
    assert_eq!(search.entries()[search.best(DropoutArm::Without).unwrap()].recipe.dropout(), [0.0, 0.0]);
}

#[test]
fn both_arms_are_tuned_when_there_is_more_than_rates() {
    let base = base(30);
    let space = Space::parse("width=16..64,lr", &base).unwrap();
    let trials = 5 + 2 * GENERATION;
    let (search, epochs) = run(Search::new(&base, &space, trials).unwrap(), 3, |left| left - 1);
    for generation in [1, 2] {
        let to_the_end = |arm: DropoutArm| {
            let those =
                search.entries().iter().filter(|e| e.generation == generation && DropoutArm::of(&e.recipe) == arm);
            (those.clone().count(), those.filter(|entry| entry.scores.len() == 3).count())
        };
        let (with, without) = (to_the_end(DropoutArm::With), to_the_end(DropoutArm::Without));
        assert_eq!((with.0, without.0), (6, 3));
        assert!(with.1 <= 1 && without.1 <= 1);
    }
    assert!(epochs <= planned_epochs(&base, &space, trials));
    let diverged = |entry: &SearchEntry| entry.scores.iter().any(|score| score.is_infinite());
    assert!(search.entries().iter().any(diverged), "some learning rates are too large here");
    let best = |arm| &search.entries()[search.best(arm).unwrap()];
    assert!(!diverged(best(DropoutArm::With)) && !diverged(best(DropoutArm::Without)));
}

#[test]
fn a_closed_search_asks_for_nothing_more() {
    let base = base(30);
    let mut search = Search::new(&base, &Space::new(&base), 40).unwrap();
    let rungs = rungs(30);
    assert!(!search.has_started());
    for _ in 0..5 {
        let task = search.next().unwrap().unwrap();
        let recipe = search.entries()[task.entry].recipe.clone();
        search.tell(task, rungs.iter().map(|&epoch| score(&recipe, epoch)).collect());
    }
    assert!(search.has_started() && search.next().unwrap().is_some());
    search.close();
    assert_eq!(search.next().unwrap(), None);
    assert!(search.best(DropoutArm::With).is_some() && search.best(DropoutArm::Without).is_some());
}

#[test]
fn few_trials_are_the_first_ones() {
    let base = base(3);
    let (search, _) = run(Search::new(&base, &Space::new(&base), 4).unwrap(), 1, |_| 0);
    let rates: Vec<f64> = search.entries().iter().map(|entry| entry.recipe.dropout()[0]).collect();
    assert_eq!(rates, [0.5, 0.1, 0.9, 0.0]);
}
