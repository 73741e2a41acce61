use crate::recipe::{Form, GoesWith, KEYS, Recipe, RecipeKey, Scale, Search, Usual};
use crate::{Error, Result};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;

/// Something that can be searched for: the shape of the network, or a key of a recipe that says
/// how.
#[derive(Clone, Copy)]
pub enum SearchKey {
    /// Units of each hidden layer, the same for all.
    Width,
    /// Number of hidden layers.
    Depth,
    /// A key of a recipe.
    Key(&'static RecipeKey),
}

/// The first keys, in the order of their values in a proposal; all others follow by name, so that a
/// key that is added changes no search without it.
const FIRST: [&str; 7] = ["dropout", "input_dropout", "width", "depth", "lr", "weight_decay", "max_norm"];

const WIDTH: Search = Search::count(64.0, 1024.0).around(4.0);
/// Fewer units than these are searched only where the base has layers of fewer.
const NARROWEST: f64 = 4.0;

const DEPTH: Search = Search { scale: Scale::Each, ..Search::count(1.0, 4.0).within(1.0, 16.0) };

/// Other names that people give to them.
const ALIASES: [(&str, &str); 9] = [
    ("hidden", "width"),
    ("units", "width"),
    ("layers", "depth"),
    ("learning_rate", "lr"),
    ("l2", "weight_decay"),
    ("wd", "weight_decay"),
    ("p", "dropout"),
    ("batch", "batch_size"),
    ("kind", "dropout_kind"),
];

impl SearchKey {
    /// Returns all of them, in their order.
    pub fn all() -> Vec<SearchKey> {
        let searched = KEYS.iter().filter(|key| key.search().is_some()).map(SearchKey::Key);
        let mut all: Vec<SearchKey> = searched.chain([SearchKey::Width, SearchKey::Depth]).collect();
        all.sort();
        all
    }

    /// Returns the one of that name.
    pub fn named(name: &str) -> Option<SearchKey> {
        SearchKey::all().into_iter().find(|key| key.name() == name)
    }

    /// Returns its name, as recipes spell theirs.
    pub fn name(self) -> &'static str {
        match self {
            SearchKey::Width => "width",
            SearchKey::Depth => "depth",
            SearchKey::Key(key) => key.name(),
        }
    }

    /// Returns its name in words.
    pub fn title(self) -> String {
        self.name().replace('_', " ")
    }

    /// Returns how it is searched.
    pub fn search(self) -> Search {
        match self {
            SearchKey::Width => WIDTH,
            SearchKey::Depth => DEPTH,
            SearchKey::Key(key) => key.search().expect("only such keys are searched"),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let name = text.trim().to_lowercase().replace('-', "_");
        if let Some(key) = SearchKey::named(&name) {
            return Ok(key);
        }
        let all = SearchKey::all();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, meant)| *meant);
        let likeness = |key: &SearchKey| strsim::normalized_damerau_levenshtein(&name, key.name());
        let near = || all.iter().map(|key| (likeness(key), key.name())).max_by(|a, b| a.0.total_cmp(&b.0));
        let meant = alias.or_else(|| near().filter(|(likeness, _)| *likeness >= 0.5).map(|(_, key)| key));
        let meant = meant.map_or(String::new(), |key| format!(" Did you mean {key}?"));
        let known: Vec<_> = all.iter().map(|key| key.name()).collect();
        let reason = format!("cannot be searched for.{meant} There are {}", known.join(", "));
        Err(Error::setting("search", text.trim(), reason))
    }

    /// Whether this is the drop probability after each hidden layer, which is always searched.
    pub(super) fn is_dropout(self) -> bool {
        self.name() == FIRST[0]
    }

    /// Whether this is a drop probability.
    pub(super) fn is_rate(self) -> bool {
        FIRST[..2].contains(&self.name())
    }

    /// Whether it is of dropout, and nothing to a network without it.
    pub(super) fn is_of_dropout(self) -> bool {
        self.is_rate() || self.goes_with().contains(&GoesWith::Dropping)
    }

    /// Returns what it needs beside it, so that it does something.
    pub(super) fn goes_with(self) -> &'static [GoesWith] {
        match self {
            SearchKey::Key(key) => key.goes_with(),
            SearchKey::Width | SearchKey::Depth => &[],
        }
    }

    /// Whether it does something beside the other values of a recipe.
    pub(super) fn does_something_in(self, recipe: &Recipe) -> bool {
        self.goes_with().iter().all(|need| need.holds(recipe))
    }

    /// From where to where it is searched when nothing is said, where it has numbers.
    pub(super) fn usual_range(self, base: &Recipe) -> (f64, f64) {
        let Search { scale, usual, limits: (least, most), .. } = self.search();
        let round = |value: f64| match scale {
            Scale::WholeByRatio => value.round().clamp(least, most),
            _ => round_to_digits(value, 2).clamp(least, most),
        };
        match usual {
            Usual::Between(low, high) if self == SearchKey::Depth => {
                (low, high.max(base.hidden().len() as f64 + 1.0).min(most))
            }
            Usual::Between(low, high) => (low, high),
            Usual::Around(factor) => {
                let widest = || base.hidden().iter().copied().max().map(|units| units as f64);
                let (own, lowest) = match self {
                    SearchKey::Key(key) => (key.value(base).as_ref().and_then(number), least),
                    SearchKey::Width | SearchKey::Depth => (widest(), NARROWEST),
                };
                let own = own.unwrap_or(1.0).clamp(least, most);
                (round((own / factor).max(lowest.min(own))), round(own * factor))
            }
            Usual::Choices(_) | Usual::AllNames => (least, most),
        }
    }

    /// What is chosen among when nothing is said, where it has names.
    pub(super) fn usual_choices(self) -> Vec<String> {
        let names = match (self, self.search().usual) {
            (_, Usual::Choices(names)) => names.to_vec(),
            (SearchKey::Key(key), Usual::AllNames) => match key.form() {
                Form::Choice(names) => names,
                Form::Text | Form::Number | Form::Switch => Vec::new(),
            },
            _ => Vec::new(),
        };
        names.iter().map(ToString::to_string).collect()
    }

    fn rank(self) -> (usize, &'static str) {
        let name = self.name();
        (FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len()), name)
    }
}

/// A value of a recipe as a number.
pub(super) fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

/// `value` in so many significant decimal digits.
pub(super) fn round_to_digits(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

impl fmt::Display for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for SearchKey {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for SearchKey {}

impl PartialOrd for SearchKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SearchKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl Serialize for SearchKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for SearchKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        SearchKey::named(&name).ok_or_else(|| de::Error::custom(format!("{name:?} cannot be searched for")))
    }
}
