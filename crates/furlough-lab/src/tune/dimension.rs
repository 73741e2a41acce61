use super::candidate::SearchValue;
use super::search_key::{number, round_to_digits};
use super::{Candidate, Domain, Range, SearchKey};
use crate::recipe::{Absent, Recipe, Scale};

/// How much of the axis of a penalty that may be absent means that it is absent.
const ABSENT: f64 = 0.2;

/// One dimension of the search: a number that is sampled evenly between two ends, and what it
/// means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dimension<'a> {
    pub key: SearchKey,
    /// Hidden layer, from 0; for drop probabilities only.
    pub layer: usize,
    pub domain: &'a Domain,
}

impl Dimension<'_> {
    /// Between what the coordinate lies: the first end included, the second not.
    pub fn ends(self) -> (f64, f64) {
        let Range { low, high } = match self.domain {
            Domain::Range(range) => *range,
            Domain::Choices(names) => return (0.0, names.len() as f64),
        };
        let (low_ln, high_ln) = (low.ln(), high.ln());
        let beside = (high_ln - low_ln) * ABSENT / (1.0 - ABSENT);
        let search = self.key.search();
        match (search.scale, search.absent) {
            (Scale::Even | Scale::Choice, _) => (low, high + 1e-9),
            (Scale::Each, _) => (0.0, high - low + 1.0),
            (_, None) => (low_ln, high_ln + 1e-9),
            (_, Some(Absent::Below)) => (low_ln - beside, high_ln + 1e-9),
            (_, Some(Absent::Above)) => (low_ln, high_ln + beside),
        }
    }

    /// Whether values have no order that matters to a density: names, and few whole numbers.
    pub fn is_categorical(self) -> bool {
        matches!(self.key.search().scale, Scale::Each | Scale::Choice)
    }

    /// Puts the value at `coordinate` into a candidate.
    pub fn set(self, coordinate: f64, candidate: &mut Candidate) {
        let value = self.value(coordinate);
        if !self.key.is_dropout() {
            candidate.values.insert(self.key, value);
        } else if let (Some(p), SearchValue::Number(value)) = (candidate.dropout.get_mut(self.layer), value) {
            *p = value;
        }
    }

    fn value(self, coordinate: f64) -> SearchValue {
        let Range { low, high } = match self.domain {
            Domain::Range(range) => *range,
            Domain::Choices(names) => {
                return SearchValue::Text(names[(coordinate.max(0.0) as usize).min(names.len() - 1)].clone());
            }
        };
        let within = |value: f64| value.clamp(low, high);
        let search = self.key.search();
        match search.scale {
            Scale::Even | Scale::Choice => SearchValue::Number(within((coordinate * 100.0).round() / 100.0)),
            Scale::Each => SearchValue::Whole(within(low + coordinate.floor()) as u64),
            Scale::WholeByRatio => {
                let number = coordinate.exp();
                let step = if number >= 64.0 { 8.0 } else { 1.0 };
                SearchValue::Whole(within((number / step).round() * step) as u64)
            }
            Scale::Ratio => SearchValue::Number(match search.absent {
                Some(Absent::Below) if coordinate < low.ln() => 0.0,
                Some(Absent::Above) if coordinate > high.ln() => 0.0,
                _ => within(round_to_digits(coordinate.exp(), 2)),
            }),
        }
    }

    /// Where a candidate's recipe stands on the axis, within its ends; NaN when it has no such
    /// layer, and where the key does nothing in it.
    pub fn coordinate(self, recipe: &Recipe) -> f64 {
        if !self.key.does_something_in(recipe) {
            return f64::NAN;
        }
        let range = match (self.domain, self.key) {
            (Domain::Choices(names), SearchKey::Key(key)) => {
                let own = key.word(recipe);
                let place = names.iter().position(|name| Some(name) == own.as_ref());
                return place.map_or(f64::NAN, |place| place as f64 + 0.5);
            }
            (Domain::Choices(_), _) => return f64::NAN,
            (Domain::Range(range), _) => range,
        };
        let own = match self.key {
            _ if self.key.is_dropout() => recipe.dropout().get(self.layer).copied(),
            SearchKey::Width => Some(recipe.hidden().first().copied().unwrap_or(1) as f64),
            SearchKey::Depth => Some(recipe.hidden().len() as f64),
            SearchKey::Key(key) => key.value(recipe).as_ref().and_then(number),
        };
        let (low, high) = self.ends();
        let search = self.key.search();
        let value = match (search.scale, search.absent, own) {
            (Scale::Ratio, Some(Absent::Below), None | Some(0.0)) => (low + range.low.ln()) / 2.0,
            (Scale::Ratio, Some(Absent::Above), None) => (range.high.ln() + high) / 2.0,
            (_, _, None) => f64::NAN,
            (Scale::Even | Scale::Choice, _, Some(own)) => own,
            (Scale::Each, _, Some(own)) => own - range.low + 0.5,
            (Scale::Ratio | Scale::WholeByRatio, _, Some(own)) => own.ln(),
        };
        // Starting points may lie outside of the range that was asked for.
        if value.is_nan() { value } else { value.clamp(low, high.next_down()) }
    }
}
