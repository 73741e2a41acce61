use super::DropoutArm;
use super::runner::{Scheduler, TrialRequest, TrialRunner, TrialScores};
use super::searching::{Found, Tell};
use super::{Phase, TuneEvent, TuneOptions};
use crate::Result;
use crate::recipe::Recipe;
use furlough::train::Control;

/// Scores of the two finalists, seed for seed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pairs {
    pub seeds: Vec<u64>,
    pub with: Vec<f64>,
    pub without: Vec<f64>,
}

/// Trains the finalists over paired seeds, none of them the one of the search: a seed gives both
/// the same initial weights and the same order of the examples. None when somebody asked to stop.
pub(super) fn replicate(
    options: &TuneOptions,
    found: &Found,
    runner: &TrialRunner<'_>,
    began: f64,
    tell: Tell<'_>,
) -> Result<Option<Pairs>> {
    let epochs = options.recipe.options().epochs;
    let first = options.recipe.options().seed;
    let seeds: Vec<u64> = (1..=u64::from(options.seeds)).map(|place| first.wrapping_add(place)).collect();
    let used = (runner.setting.clock)() - began;
    tell(&TuneEvent::Phase { phase: Phase::Replication, epochs: options.planned_epochs(Phase::Replication), used });
    let mut asks = Vec::new();
    for &seed in &seeds {
        for arm in [DropoutArm::With, DropoutArm::Without] {
            asks.push((arm, seed, found.entries[found.finalist(arm)].recipe.with_seed(seed)?));
        }
    }
    let mut replicator = Replicator { scores: vec![None; asks.len()], asks, begun: 0, epochs, runner, tell };
    runner.run(&mut replicator)?;
    let Replicator { asks, scores, .. } = replicator;
    let Some(scores) = scores.into_iter().collect::<Option<Vec<f64>>>() else { return Ok(None) };
    let of = |arm| asks.iter().zip(&scores).filter(|(ask, _)| ask.0 == arm).map(|(_, &score)| score).collect();
    Ok(Some(Pairs { seeds, with: of(DropoutArm::With), without: of(DropoutArm::Without) }))
}

struct Replicator<'a, 'b> {
    asks: Vec<(DropoutArm, u64, Recipe)>,
    scores: Vec<Option<f64>>,
    begun: usize,
    epochs: u32,
    runner: &'a TrialRunner<'b>,
    tell: Tell<'a>,
}

impl Scheduler for Replicator<'_, '_> {
    fn next(&mut self) -> Result<Option<TrialRequest>> {
        let Some((_, _, recipe)) = self.asks.get(self.begun) else { return Ok(None) };
        self.begun += 1;
        Ok(Some(TrialRequest { id: self.begun - 1, recipe: recipe.clone(), until: self.epochs }))
    }

    fn on_scores(&mut self, scores: TrialScores) {
        let score = scores.scores.last().copied().unwrap_or(f64::INFINITY);
        self.scores[scores.id] = Some(score);
        let (arm, seed, _) = self.asks[scores.id];
        (self.tell)(&TuneEvent::Replicated { arm, seed, score, metric: self.runner.metric });
    }

    fn tick(&mut self, epochs: u64) -> Control {
        (self.tell)(&TuneEvent::Epochs { more: epochs });
        Control::Continue
    }
}
