//! What to try next: four points to begin with, then tree-structured Parzen estimators (J. Bergstra
//! et al., *Algorithms for hyper-parameter optimization*, NeurIPS 2011), as the crate `tpe` has
//! them.

use super::dimension::Dimension;
use super::draws::Draws;
use super::{Candidate, DropoutArm, Space};
use crate::Result;
use crate::recipe::Recipe;
use tpe::density_estimation::DefaultEstimatorBuilder;
use tpe::{TpeOptimizer, TpeOptimizerBuilder, histogram_estimator, parzen_estimator};

/// The drop probabilities to begin with, in their order; 0 is no dropout.
pub const STARTS: [f64; 4] = [0.5, 0.1, 0.9, 0.0];

/// Proposals are made anew this often when they come to what was tried before.
const ATTEMPTS: u32 = 32;

/// What a trial came to, for the next proposals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observation<'a> {
    pub recipe: &'a Recipe,
    /// The last rung that it was compared at, from 0; none while it is being tried.
    pub rung: Option<usize>,
    /// Its score there, the lower the better; infinite when it diverged.
    pub score: f64,
}

/// The points to begin with: [`STARTS`] after each hidden layer, and the rates of the base itself
/// where they are others.
pub(super) fn starts(base: &Recipe, space: &Space) -> Vec<Candidate> {
    let layers = space.deepest(base);
    let mut starts: Vec<Candidate> = STARTS.iter().map(|&p| Candidate::uniform(p, layers)).collect();
    let uniform = |p: f64| base.dropout().iter().all(|&own| own == p);
    if base.drops() && !STARTS.iter().any(|&p| p > 0.0 && uniform(p)) {
        let last = base.dropout().last().copied().unwrap_or(0.0);
        let own = |layer: usize| base.dropout().get(layer).copied().unwrap_or(last);
        starts.push(Candidate { dropout: (0..layers).map(own).collect(), ..Candidate::default() });
    }
    starts
}

/// Who proposes: where, from what seed, and which proposal it is, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proposer<'a> {
    pub base: &'a Recipe,
    pub space: &'a Space,
    pub seed: u64,
    pub number: u32,
}

impl Proposer<'_> {
    /// A candidate of `arm`: a pure function of the seed, the proposal's number and the
    /// observations. Those still being tried keep others away, as if they had come out last.
    pub fn propose(&self, arm: DropoutArm, observations: &[Observation<'_>]) -> Result<Candidate> {
        let layers = self.space.deepest(self.base);
        let axes = self.space.axes(self.base);
        // Networks without dropout know nothing of rates, and may need other values of the rest.
        let told: Vec<_> =
            observations.iter().filter(|seen| arm == DropoutArm::With || !seen.recipe.drops()).copied().collect();
        let ranked = ranked(&told);
        let (mut last, mut refused) = (None, None);
        for attempt in 0..ATTEMPTS {
            let mut candidate = Candidate::uniform(0.0, layers);
            if arm == DropoutArm::With {
                candidate.values.clear();
            }
            for (place, &axis) in axes.iter().enumerate() {
                if arm == DropoutArm::Without && axis.key.is_of_dropout() {
                    continue;
                }
                let mut draws = Draws::new(self.seed, self.number, place as u32, attempt);
                // Where all that looks good was tried before, chance finds something else.
                let told = if attempt < ATTEMPTS / 2 { &ranked[..] } else { &[] };
                axis.set(ask(axis, told, &mut draws), &mut candidate);
            }
            // Some values do not go together, as dropout that is learned and a schedule of it.
            let recipe = match candidate.recipe(self.base) {
                Ok(recipe) => recipe,
                Err(reason) => {
                    refused = Some(reason);
                    continue;
                }
            };
            candidate.values.retain(|key, _| key.does_something_in(&recipe));
            let fits = recipe.drops() == (arm == DropoutArm::With);
            let new = observations.iter().all(|seen| *seen.recipe != recipe);
            if fits && new {
                return Ok(candidate);
            }
            // A trial that is repeated costs nothing; one of the other arm would be counted
            // wrongly.
            if fits || last.is_none() {
                last = Some(candidate);
            }
        }
        match (last, refused) {
            (None, Some(reason)) => Err(reason),
            (last, _) => Ok(last.expect("there was an attempt")),
        }
    }
}

/// Recipes with their places in the order from best to worst: those that were trained further come
/// first, since figures of different epochs cannot be compared, and those that diverged or are
/// still being tried come last.
fn ranked<'a>(observations: &[Observation<'a>]) -> Vec<(&'a Recipe, f64)> {
    let mut order: Vec<_> = observations.iter().collect();
    let worth = |seen: &Observation<'_>| if seen.score.is_finite() { seen.rung.map_or(0, |rung| rung + 1) } else { 0 };
    order.sort_by(|a, b| worth(b).cmp(&worth(a)).then(a.score.total_cmp(&b.score)));
    order.iter().enumerate().map(|(rank, seen)| (seen.recipe, rank as f64)).collect()
}

fn ask(axis: Dimension<'_>, ranked: &[(&Recipe, f64)], draws: &mut Draws) -> f64 {
    let mut optimizer = optimizer(axis);
    for &(recipe, rank) in ranked {
        optimizer.tell(axis.coordinate(recipe), rank).expect("coordinates are within the axis");
    }
    optimizer.ask(draws).unwrap_or_else(|never| match never {})
}

fn optimizer(axis: Dimension<'_>) -> TpeOptimizer<DefaultEstimatorBuilder> {
    let (low, high) = axis.ends();
    let range = tpe::range(low, high).expect("an axis has a length");
    let estimator = if axis.is_categorical() { histogram_estimator() } else { parzen_estimator() };
    TpeOptimizerBuilder::new().gamma(GAMMA).build(estimator, range).expect("the share is between 0 and 1")
}

/// The share of the observations that count as good.
const GAMMA: f64 = 0.15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Settings;
    use crate::tune::SearchValue;
    use furlough::optim::Optimizer;

    fn base(text: &str) -> Recipe {
        Settings::parse(text, None).unwrap().resolve().unwrap()
    }

    /// The best score of `trials` proposals for a smooth function of the recipe, told as they come.
    fn search(space: &Space, base: &Recipe, seed: u64, trials: u32, blind: bool, f: &dyn Fn(&Recipe) -> f64) -> f64 {
        let mut seen: Vec<(Recipe, f64)> = Vec::new();
        for number in 0..trials {
            let observe = |(recipe, score)| Observation { recipe, rung: Some(0), score };
            let seen_now: Vec<_> = seen.iter().map(|(recipe, score)| observe((recipe, *score))).collect();
            let known = if blind { &[][..] } else { &seen_now };
            let proposer = Proposer { base, space, seed, number };
            let recipe = proposer.propose(DropoutArm::With, known).unwrap().recipe(base).unwrap();
            let score = f(&recipe);
            seen.push((recipe, score));
        }
        seen.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn it_finds_the_bottom_of_a_valley_better_than_chance() {
        let base = base("data = 'digits'\nhidden = [64, 64, 64]");
        let space = Space::parse("lr", &base).unwrap();
        let valley = |recipe: &Recipe| {
            let p = recipe.dropout();
            let lr = recipe.options().learning_rate;
            (p[0] - 0.2).powi(2) + (p[1] - 0.45).powi(2) + (p[2] - 0.7).powi(2) + (lr / 0.3).ln().powi(2) / 10.0
        };
        let mean = |blind| (0..12).map(|seed| search(&space, &base, seed, 60, blind, &valley)).sum::<f64>() / 12.0;
        let (guided, random) = (mean(false), mean(true));
        assert!(guided < 0.6 * random, "guided {guided}, random {random}");
    }

    #[test]
    fn a_proposal_is_a_function_of_its_number_and_what_was_seen() {
        let base = base("data = 'digits'\nhidden = [64, 64]");
        let space = Space::parse("width,depth,lr,weight_decay,max_norm,input_dropout", &base).unwrap();
        let propose =
            |seed, number, arm| Proposer { base: &base, space: &space, seed, number }.propose(arm, &[]).unwrap();
        assert_eq!(propose(1, 5, DropoutArm::With), propose(1, 5, DropoutArm::With));
        assert_ne!(propose(1, 5, DropoutArm::With), propose(1, 6, DropoutArm::With));
        assert_ne!(propose(1, 5, DropoutArm::With), propose(2, 5, DropoutArm::With));
        for number in 0..200 {
            let with = propose(0, number, DropoutArm::With).recipe(&base).unwrap();
            let without = propose(0, number, DropoutArm::Without).recipe(&base).unwrap();
            assert!(with.drops() && !without.drops());
            for recipe in [with, without] {
                let options = recipe.options();
                assert!((1..=4).contains(&recipe.hidden().len()) && (16..=256).contains(&recipe.hidden()[0]));
                assert!((0.01..=1.0).contains(&options.learning_rate), "{}", options.learning_rate);
                assert!(recipe.weight_decay() == 0.0 || (1e-6..=1e-2).contains(&recipe.weight_decay()));
                assert!(options.regularizers.max_norm.is_none_or(|norm| (1.0..=6.0).contains(&norm)));
                assert!(recipe.dropout().iter().all(|p| (0.0..=0.95).contains(p)) && recipe.input_dropout() <= 0.5);
            }
        }
    }

    /// What a seed proposes stays, or a tune that goes on would come to something else.
    #[test]
    fn proposals_stay_from_version_to_version() {
        let base = base("data = 'digits'\nhidden = [64, 64]");
        let space = Space::parse("width,depth,lr,weight_decay,max_norm,input_dropout", &base).unwrap();
        let propose = |number, arm| {
            let proposer = Proposer { base: &base, space: &space, seed: 3, number };
            serde_json::to_string(&proposer.propose(arm, &[]).unwrap()).unwrap()
        };
        let with = "{\"dropout\":[0.64,0.47,0.73,0.91],\"input_dropout\":0.1,\"width\":17,\"depth\":1,\"lr\":0.32,\
                    \"weight_decay\":6.8e-6,\"max_norm\":2.1}";
        let without = "{\"dropout\":[0.0,0.0,0.0,0.0],\"input_dropout\":0.0,\"width\":168,\"depth\":1,\"lr\":0.66,\
                       \"weight_decay\":0.00079,\"max_norm\":4.9}";
        assert_eq!([propose(5, DropoutArm::With).as_str(), &propose(6, DropoutArm::Without)], [with, without]);
    }

    #[test]
    fn names_and_numbers_of_all_keys_are_proposed() {
        let base = base("data = 'digits'\nhidden = [64, 64]");
        let text = "activation=relu,gelu,selu,batch_size,dropout_kind,dropout_schedule,dropout_sharing,concrete_length,\
                    concrete_regularizer,init,l1,lr,lr_schedule,momentum,nesterov";
        let space = Space::parse(text, &base).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..300 {
            for arm in [DropoutArm::With, DropoutArm::Without] {
                let candidate = Proposer { base: &base, space: &space, seed: 0, number }.propose(arm, &[]).unwrap();
                let recipe = candidate.recipe(&base).unwrap();
                assert_eq!(DropoutArm::of(&recipe), arm);
                let written = serde_json::to_string(&candidate).unwrap();
                assert_eq!(serde_json::from_str::<Candidate>(&written).unwrap(), candidate);
                assert!(arm == DropoutArm::With || !written.contains("dropout_"), "{written}");
                let kind = recipe.dropout_kind();
                assert!(!kind.is_learned() || recipe.dropout_schedule().is_constant(), "{written}");
                let named = candidate.values.into_iter().filter(|(_, value)| matches!(value, SearchValue::Text(_)));
                seen.extend(named.map(|(key, value)| format!("{key} {value}")));
            }
        }
        for name in
            ["activation selu", "dropout_kind concrete", "dropout_sharing batch", "init xavier", "nesterov true"]
        {
            assert!(seen.contains(name), "{name}: {seen:?}");
        }
        assert!(!seen.contains("activation tanh"));
    }

    #[test]
    fn an_optimizer_comes_with_its_own_numbers() {
        let base = base("data = 'digits'\nhidden = [64, 64]\nlr = 0.3\nmomentum = 0.9");
        let space = Space::parse("optimizer=sgd,adam,adamw,beta1,weight_decay", &base).unwrap();
        let mut seen = [0; 3];
        for number in 0..60 {
            let proposer = Proposer { base: &base, space: &space, seed: 0, number };
            let candidate = proposer.propose(DropoutArm::With, &[]).unwrap();
            let options = candidate.recipe(&base).unwrap().options();
            let names: Vec<&str> = candidate.values.keys().map(|key| key.name()).collect();
            let (place, lr) = match options.optimizer {
                Optimizer::Sgd { momentum, .. } => (usize::from(momentum != 0.9), 0.3),
                _ => (2, 0.001),
            };
            assert_eq!((options.learning_rate, names.contains(&"beta1")), (lr, place == 2), "{names:?}");
            seen[place] += 1;
        }
        assert!(seen[0] > 10 && seen[1] == 0 && seen[2] > 20, "{seen:?}");
    }

    #[test]
    fn what_was_tried_is_not_tried_again() {
        let base = base("data = 'digits'\nhidden = 64");
        let space = Space::parse("dropout=0..0.1", &base).unwrap();
        let mut seen: Vec<Recipe> = Vec::new();
        for number in 0..8 {
            let told: Vec<_> =
                seen.iter().map(|recipe| Observation { recipe, rung: None, score: f64::INFINITY }).collect();
            let proposer = Proposer { base: &base, space: &space, seed: 0, number };
            let recipe = proposer.propose(DropoutArm::With, &told).unwrap().recipe(&base).unwrap();
            assert!(!seen.contains(&recipe));
            seen.push(recipe);
        }
    }

    #[test]
    fn further_trained_comes_first_and_the_unfinished_last() {
        let base = base("data = 'digits'");
        let recipes: Vec<Recipe> =
            [0.1, 0.2, 0.3, 0.4, 0.5].iter().map(|&p| Candidate::uniform(p, 2).recipe(&base).unwrap()).collect();
        let see = |at: usize, rung, score| Observation { recipe: &recipes[at], rung, score };
        let all = [
            see(0, Some(0), 0.1),
            see(1, None, 0.0),
            see(2, Some(2), 0.4),
            see(3, Some(2), f64::INFINITY),
            see(4, Some(2), 0.3),
        ];
        let firsts: Vec<f64> = ranked(&all).iter().map(|(recipe, _)| recipe.dropout()[0]).collect();
        assert_eq!(firsts, [0.5, 0.3, 0.1, 0.2, 0.4]);
    }

    #[test]
    fn the_folklore_comes_first() {
        let rates = |text: &str| -> Vec<Vec<f64>> {
            let base = base(text);
            starts(&base, &Space::new(&base)).iter().map(|c| c.recipe(&base).unwrap().dropout().to_vec()).collect()
        };
        let four = [[0.5, 0.5], [0.1, 0.1], [0.9, 0.9], [0.0, 0.0]].map(Vec::from);
        assert_eq!(rates("data = 'digits'\nhidden = [8, 8]\ndropout = 0.5"), four);
        assert_eq!(rates("data = 'digits'\nhidden = [8, 8]\ndropout = 0"), four);
        assert_eq!(rates("data = 'digits'\nhidden = [8, 8]").last(), Some(&vec![0.2, 0.5]));
    }
}
