use super::Candidate;
use crate::recipe::Recipe;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something that can be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchKey {
    /// Drop probability after each hidden layer, one for each. Always searched for.
    Dropout,
    /// Drop probability of the features.
    InputDropout,
    /// Units of each hidden layer, the same for all.
    Width,
    /// Number of hidden layers.
    Depth,
    /// Learning rate.
    Lr,
    /// L2 penalty, or none.
    WeightDecay,
    /// Max-norm constraint, or none.
    MaxNorm,
}

impl SearchKey {
    /// All keys.
    pub const ALL: [SearchKey; 7] = [
        SearchKey::Dropout,
        SearchKey::InputDropout,
        SearchKey::Width,
        SearchKey::Depth,
        SearchKey::Lr,
        SearchKey::WeightDecay,
        SearchKey::MaxNorm,
    ];

    /// The key's name, as recipes spell theirs.
    pub fn name(self) -> &'static str {
        match self {
            SearchKey::Dropout => "dropout",
            SearchKey::InputDropout => "input_dropout",
            SearchKey::Width => "width",
            SearchKey::Depth => "depth",
            SearchKey::Lr => "lr",
            SearchKey::WeightDecay => "weight_decay",
            SearchKey::MaxNorm => "max_norm",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let name = text.trim().to_lowercase().replace('-', "_");
        if let Some(key) = SearchKey::ALL.into_iter().find(|key| key.name() == name) {
            return Ok(key);
        }
        let meant = match name.as_str() {
            "hidden" | "units" => Some(SearchKey::Width),
            "layers" => Some(SearchKey::Depth),
            "learning_rate" => Some(SearchKey::Lr),
            "l2" | "wd" => Some(SearchKey::WeightDecay),
            "p" => Some(SearchKey::Dropout),
            _ => SearchKey::ALL
                .into_iter()
                .map(|key| (strsim::normalized_damerau_levenshtein(&name, key.name()), key))
                .max_by(|(a, _), (b, _)| a.total_cmp(b))
                .and_then(|(likeness, key)| (likeness >= 0.5).then_some(key)),
        };
        let meant = meant.map_or(String::new(), |key| format!(" Did you mean {key}?"));
        let known: Vec<_> = SearchKey::ALL.iter().map(|key| key.name()).collect();
        let reason = format!("cannot be searched for.{meant} There are {}", known.join(", "));
        Err(Error::setting("search", text.trim(), reason))
    }

    /// What each value of the key must lie between, ends included.
    fn limits(self) -> (f64, f64) {
        match self {
            SearchKey::Dropout | SearchKey::InputDropout => (0.0, 1.0),
            SearchKey::Width => (1.0, 65_536.0),
            SearchKey::Depth => (1.0, 16.0),
            SearchKey::Lr | SearchKey::WeightDecay | SearchKey::MaxNorm => (1e-9, 1e9),
        }
    }

    fn is_whole(self) -> bool {
        matches!(self, SearchKey::Width | SearchKey::Depth)
    }

    /// Where to search when nothing is said.
    fn default_range(self, base: &Recipe) -> Range {
        let widest = base.hidden().iter().copied().max().unwrap_or(1) as f64;
        let options = base.options();
        let (low, high) = match self {
            SearchKey::Dropout => (0.0, 0.95),
            SearchKey::InputDropout => (0.0, 0.5),
            SearchKey::Width => ((widest / 4.0).max(4.0).round(), (widest * 4.0).min(65_536.0)),
            SearchKey::Depth => (1.0, 4.0_f64.max(base.hidden().len() as f64 + 1.0)),
            SearchKey::Lr => {
                (round_to_digits(options.learning_rate / 10.0, 2), round_to_digits(options.learning_rate * 10.0, 2))
            }
            SearchKey::WeightDecay => (1e-6, 1e-2),
            SearchKey::MaxNorm => (1.0, 6.0),
        };
        Range { low, high }
    }
}

impl fmt::Display for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From where to where a key is searched, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Range {
    /// The least value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

impl From<(f64, f64)> for Range {
    fn from((low, high): (f64, f64)) -> Self {
        Range { low, high }
    }
}

impl From<Range> for (f64, f64) {
    fn from(range: Range) -> Self {
        (range.low, range.high)
    }
}

/// What is searched, and from where to where: drop probabilities always, other keys when asked for.
///
/// ```
/// use furlough_lab::{recipe::Settings, tune::Space};
/// let recipe = Settings::parse("data = 'digits'\nhidden = [64, 64]", None)?.resolve()?;
/// let space = Space::parse("width=32..256, lr", &recipe)?;
/// assert_eq!(space.to_string(), "dropout 0 to 0.95, width 32 to 256, lr 0.01 to 1");
/// # Ok::<(), furlough_lab::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Space {
    ranges: BTreeMap<SearchKey, Range>,
}

impl Space {
    /// Drop probabilities alone.
    pub fn new(base: &Recipe) -> Self {
        Space { ranges: BTreeMap::from([(SearchKey::Dropout, SearchKey::Dropout.default_range(base))]) }
    }

    /// Reads `KEY,KEY=LOW..HIGH,…`. Keys without a range are searched around what `base` has; drop
    /// probabilities are added if they are not said.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] `search` for a key that does not exist (with the one that may
    /// be meant) or is named twice, and for a range that is empty or out of bounds; `hidden` when
    /// there is no hidden layer to drop units of.
    pub fn parse(text: &str, base: &Recipe) -> Result<Self> {
        let mut space = Space::new(base);
        let mut named = BTreeSet::new();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let (name, range) = part.split_once('=').map_or((part, None), |(name, range)| (name, Some(range)));
            let key = SearchKey::parse(name)?;
            if !named.insert(key) {
                return Err(Error::setting("search", key, "is there twice; name it once, with one range or none"));
            }
            let range = match range {
                None => key.default_range(base),
                Some(text) => parse_range(key, text)?,
            };
            space.ranges.insert(key, range);
        }
        space.validate(base)?;
        Ok(space)
    }

    /// Checks the ranges, and that `base` has layers to drop units of.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn validate(&self, base: &Recipe) -> Result<()> {
        if base.hidden().is_empty() {
            let reason = "there is no hidden layer to drop units of; give at least one";
            return Err(Error::setting("hidden", "[]", reason));
        }
        self.ranges.iter().try_for_each(|(&key, &range)| check_range(key, range))?;
        if !self.ranges.contains_key(&SearchKey::Dropout) {
            return Err(Error::setting("search", "without dropout", "drop probabilities are always searched for"));
        }
        Ok(())
    }

    /// Whether more than drop probabilities is searched, so that the network without dropout has
    /// something to tune too.
    pub fn is_wide(&self) -> bool {
        self.ranges.keys().any(|key| !matches!(key, SearchKey::Dropout | SearchKey::InputDropout))
    }

    /// The range of a key, if it is searched.
    pub fn range(&self, key: SearchKey) -> Option<Range> {
        self.ranges.get(&key).copied()
    }

    /// The most hidden layers that a candidate can have.
    pub(super) fn deepest(&self, base: &Recipe) -> usize {
        self.range(SearchKey::Depth).map_or(base.hidden().len(), |range| range.high as usize)
    }

    /// The axes of the search, drop probabilities first, one for each layer that there may be.
    pub(super) fn axes(&self, base: &Recipe) -> Vec<Dimension> {
        let layers = self.deepest(base);
        self.ranges
            .iter()
            .flat_map(|(&key, &range)| {
                let count = if key == SearchKey::Dropout { layers } else { 1 };
                (0..count).map(move |layer| Dimension { key, layer, range })
            })
            .collect()
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(key, range): (&SearchKey, &Range)| format!("{key} {} to {}", range.low, range.high);
        f.write_str(&self.ranges.iter().map(part).collect::<Vec<_>>().join(", "))
    }
}

fn parse_range(key: SearchKey, text: &str) -> Result<Range> {
    let bad = || {
        let reason = format!("write a range as {key}=LOW..HIGH, such as {}", example(key));
        Error::setting("search", format!("{key}={}", text.trim()), reason)
    };
    let (low, high) = text.split_once("..").ok_or_else(bad)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(bad);
    Ok(Range { low: number(low)?, high: number(high)? })
}

fn check_range(key: SearchKey, range: Range) -> Result<()> {
    let Range { low, high } = range;
    let bad = |reason: String| Err(Error::setting("search", format!("{key}={low}..{high}"), reason));
    let (least, most) = key.limits();
    if low < least || high > most || !low.is_finite() || !high.is_finite() {
        return bad(format!("{key} goes from {least} to {most}"));
    }
    if low >= high {
        return bad("is empty; the first number must be below the second".into());
    }
    if matches!(key, SearchKey::Dropout | SearchKey::InputDropout) && high < 0.01 {
        return bad("rates are tried in steps of 0.01, so the end must be at least that".into());
    }
    if key.is_whole() && (low.fract() != 0.0 || high.fract() != 0.0) {
        return bad(format!("{key} is a whole number, so its ends are too"));
    }
    Ok(())
}

fn example(key: SearchKey) -> &'static str {
    match key {
        SearchKey::Dropout => "dropout=0..0.7",
        SearchKey::InputDropout => "input_dropout=0..0.3",
        SearchKey::Width => "width=64..1024",
        SearchKey::Depth => "depth=1..3",
        SearchKey::Lr => "lr=0.01..1",
        SearchKey::WeightDecay => "weight_decay=1e-6..1e-3",
        SearchKey::MaxNorm => "max_norm=1..5",
    }
}

/// How much of the axis of a penalty that may be absent means that it is absent.
const ABSENT: f64 = 0.2;

/// One dimension of the search: a number that is sampled evenly between two ends, and what it
/// means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Dimension {
    pub key: SearchKey,
    /// Hidden layer, from 0; for drop probabilities only.
    pub layer: usize,
    range: Range,
}

impl Dimension {
    /// Between what the coordinate lies: the first end included, the second not.
    pub fn ends(self) -> (f64, f64) {
        let Range { low, high } = self.range;
        let (low_ln, high_ln) = (low.ln(), high.ln());
        let absent = (high_ln - low_ln) * ABSENT / (1.0 - ABSENT);
        match self.key {
            SearchKey::Dropout | SearchKey::InputDropout => (low, high + 1e-9),
            SearchKey::Depth => (0.0, high - low + 1.0),
            SearchKey::Width | SearchKey::Lr => (low_ln, high_ln + 1e-9),
            SearchKey::WeightDecay => (low_ln - absent, high_ln + 1e-9),
            SearchKey::MaxNorm => (low_ln, high_ln + absent),
        }
    }

    /// Whether this is a drop probability.
    pub fn is_rate(self) -> bool {
        matches!(self.key, SearchKey::Dropout | SearchKey::InputDropout)
    }

    /// Whether values have no order that matters to a density: few whole numbers.
    pub fn is_categorical(self) -> bool {
        self.key == SearchKey::Depth
    }

    /// Puts the value at `coordinate` into a candidate.
    pub fn set(self, coordinate: f64, candidate: &mut Candidate) {
        let Range { low, high } = self.range;
        let within = |value: f64| value.clamp(low, high);
        match self.key {
            SearchKey::Dropout => {
                if let Some(p) = candidate.dropout.get_mut(self.layer) {
                    *p = within((coordinate * 100.0).round() / 100.0);
                }
            }
            SearchKey::InputDropout => candidate.input_dropout = Some(within((coordinate * 100.0).round() / 100.0)),
            SearchKey::Width => {
                let units = coordinate.exp();
                let step = if units >= 64.0 { 8.0 } else { 1.0 };
                candidate.width = Some(within((units / step).round() * step) as usize);
            }
            SearchKey::Depth => candidate.depth = Some(within(low + coordinate.floor()) as usize),
            SearchKey::Lr => candidate.lr = Some(within(round_to_digits(coordinate.exp(), 2))),
            SearchKey::WeightDecay => {
                let value = within(round_to_digits(coordinate.exp(), 2));
                candidate.weight_decay = Some(if coordinate < low.ln() { 0.0 } else { value });
            }
            SearchKey::MaxNorm => {
                let value = within(round_to_digits(coordinate.exp(), 2));
                candidate.max_norm = Some(if coordinate > high.ln() { 0.0 } else { value });
            }
        }
    }

    /// Where a candidate's recipe stands on the axis, within its ends; NaN when it has no such
    /// layer.
    pub fn coordinate(self, recipe: &Recipe) -> f64 {
        let options = recipe.options();
        let (low, high) = self.ends();
        let value = match self.key {
            SearchKey::Dropout => recipe.dropout().get(self.layer).copied().unwrap_or(f64::NAN),
            SearchKey::InputDropout => recipe.input_dropout(),
            SearchKey::Width => (recipe.hidden().first().copied().unwrap_or(1) as f64).ln(),
            SearchKey::Depth => recipe.hidden().len() as f64 - self.range.low + 0.5,
            SearchKey::Lr => options.learning_rate.ln(),
            SearchKey::WeightDecay if recipe.weight_decay() == 0.0 => (low + self.range.low.ln()) / 2.0,
            SearchKey::WeightDecay => recipe.weight_decay().ln(),
            SearchKey::MaxNorm => options.regularizers.max_norm.map_or((self.range.high.ln() + high) / 2.0, f64::ln),
        };
        // Starting points may lie outside of the range that was asked for.
        if value.is_nan() { value } else { value.clamp(low, high.next_down()) }
    }
}

/// `value` in so many significant decimal digits.
fn round_to_digits(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Settings;

    fn base() -> Recipe {
        Settings::parse("data = 'digits'\nhidden = [64, 32]\nfolds = 5", None).unwrap().resolve().unwrap()
    }

    #[test]
    fn what_cannot_be_searched_is_named() {
        for (text, expected) in [
            ("widht", "search = widht: cannot be searched for. Did you mean width?"),
            ("learning-rate", "Did you mean lr?"),
            ("momentum=0..1", "search = momentum: cannot be searched for."),
            ("hidden", "Did you mean width?"),
            ("xyz", "There are dropout, input_dropout, width, depth, lr, weight_decay, max_norm"),
            ("lr=1", "search = lr=1: write a range as lr=LOW..HIGH, such as lr=0.01..1"),
            ("lr=a..b", "write a range"),
            ("lr=nan..1", "write a range"),
            ("lr=1..0.1", "is empty"),
            ("lr=0..1", "lr goes from"),
            ("dropout=0..1.5", "dropout goes from 0 to 1"),
            ("dropout=0..0.001", "steps of 0.01"),
            ("width=1.5..8", "whole number"),
            ("depth=0..2", "depth goes from 1 to 16"),
            ("width,width", "search = width: is there twice"),
            ("dropout=0..0.5,lr,dropout=0..0.9", "search = dropout: is there twice"),
            ("weight_decay,weight-decay", "search = weight_decay: is there twice"),
        ] {
            let error = Space::parse(text, &base()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error:?} should mention {expected:?}");
        }
        let flat = Settings::parse("data = 'digits'\nhidden = []", None).unwrap().resolve().unwrap();
        assert!(Space::parse("", &flat).unwrap_err().to_string().contains("no hidden layer"));
    }

    #[test]
    fn a_space_survives_being_written() {
        let space = Space::parse("width, depth, lr=0.05..0.5, weight-decay, max_norm, input_dropout", &base()).unwrap();
        let text = toml::to_string(&space).unwrap();
        assert_eq!(toml::from_str::<Space>(&text).unwrap(), space);
        assert!(space.is_wide() && !Space::parse("input_dropout", &base()).unwrap().is_wide());
    }

    #[test]
    fn coordinates_lead_back_to_the_values() {
        let base = base();
        let space = Space::parse("input_dropout,width,depth,lr,weight_decay,max_norm", &base).unwrap();
        let axes = space.axes(&base);
        assert_eq!(axes.len(), 4 + 6);
        for share in [0.0, 0.01, 0.2, 0.37, 0.5, 0.77, 0.9, 0.999_999] {
            let mut candidate = Candidate::uniform(0.5, 4);
            for axis in &axes {
                let (low, high) = axis.ends();
                axis.set(low + share * (high - low), &mut candidate);
            }
            let recipe = candidate.recipe(&base).unwrap();
            let mut again = Candidate::uniform(0.5, 4);
            for axis in &axes {
                let coordinate = axis.coordinate(&recipe);
                let (low, high) = axis.ends();
                assert!(coordinate.is_nan() || (low..high).contains(&coordinate), "{axis:?}: {coordinate}");
                axis.set(if coordinate.is_nan() { low } else { coordinate }, &mut again);
            }
            assert_eq!(again.recipe(&base).unwrap(), recipe, "{share}");
        }
    }
}
