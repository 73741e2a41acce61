use super::SearchKey;
use crate::Result;
use crate::recipe::{Absent, OneOrMany, Recipe, Settings};
use serde::de::{self, Deserializer};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// What a trial of the search changes in the base recipe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate {
    /// Drop probability after each hidden layer that there may be; those of deeper layers than the
    /// network has count for nothing.
    pub dropout: Vec<f64>,
    /// The other keys that it changes.
    pub values: BTreeMap<SearchKey, SearchValue>,
}

/// A value that the search proposes for a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SearchValue {
    /// A whole number.
    Whole(u64),
    /// A number; 0 is none where a bound or a penalty may be absent.
    Number(f64),
    /// A name.
    Text(String),
}

impl SearchValue {
    fn whole(&self) -> Option<usize> {
        match *self {
            SearchValue::Whole(value) => usize::try_from(value).ok(),
            SearchValue::Number(_) | SearchValue::Text(_) => None,
        }
    }

    /// Whether it is the number 0, which may stand for none.
    pub fn is_zero(&self) -> bool {
        matches!(self, SearchValue::Number(0.0))
    }
}

impl fmt::Display for SearchValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SearchValue::Whole(value) => value.fmt(f),
            SearchValue::Number(value) => value.fmt(f),
            SearchValue::Text(value) => f.write_str(value),
        }
    }
}

impl Candidate {
    /// The base with drop probability `p` after each hidden layer. 0 takes away the dropout of the
    /// features too.
    pub fn uniform(p: f64, layers: usize) -> Self {
        let mut candidate = Candidate { dropout: vec![p; layers], values: BTreeMap::new() };
        if p == 0.0 {
            candidate.values.extend(SearchKey::named("input_dropout").map(|key| (key, SearchValue::Number(0.0))));
        }
        candidate
    }

    /// The drop probability of the features, where it changes that; otherwise 0.
    pub fn input_dropout(&self) -> f64 {
        let own = self.values.iter().find(|(key, _)| key.name() == "input_dropout");
        own.map_or(0.0, |(_, value)| if let SearchValue::Number(p) = value { *p } else { 0.0 })
    }

    /// The recipe: the base with what the candidate changes. Where there are more layers than the
    /// base has, they are like its last. Keys that do nothing beside what is changed are as without
    /// a word, and so are those that follow it, as the learning rate does the optimizer.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when the base cannot be changed so.
    pub fn recipe(&self, base: &Recipe) -> Result<Recipe> {
        let mut said = Settings::default();
        let shape = |key| self.values.get(&key).and_then(SearchValue::whole);
        let depth = shape(SearchKey::Depth).unwrap_or(base.hidden().len());
        let width = |layer: usize| {
            let own = base.hidden().get(layer).or(base.hidden().last()).copied();
            shape(SearchKey::Width).or(own).unwrap_or(1)
        };
        said.hidden = Some(OneOrMany::Many((0..depth).map(width).collect()));
        said.dropout = Some(OneOrMany::Many(self.dropout[..depth.min(self.dropout.len())].to_vec()));
        let mut none = Vec::new();
        for (key, value) in &self.values {
            let SearchKey::Key(key) = key else { continue };
            let absent = key.search().and_then(|search| search.absent);
            match (absent, value.is_zero()) {
                (Some(Absent::Above), true) => none.push(key),
                _ => key.say(&mut said, &value.to_string())?,
            }
        }
        let mut settings = said.over(settings_of(base)?);
        none.iter().for_each(|key| key.clear(&mut settings));
        settings.without_misfits().resolve()
    }
}

/// A flat table: `dropout`, then the others.
impl Serialize for Candidate {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(None)?;
        table.serialize_entry("dropout", &self.dropout)?;
        for (key, value) in &self.values {
            table.serialize_entry(key.name(), value)?;
        }
        table.end()
    }
}

impl<'de> Deserialize<'de> for Candidate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            Value(SearchValue),
            Rates(Vec<f64>),
        }

        let mut candidate = Candidate::default();
        for (name, entry) in BTreeMap::<String, Entry>::deserialize(deserializer)? {
            let key = SearchKey::named(&name).ok_or_else(|| de::Error::custom(format!("unknown field {name:?}")))?;
            match entry {
                Entry::Rates(rates) if key.is_dropout() => candidate.dropout = rates,
                Entry::Value(value) if !key.is_dropout() => _ = candidate.values.insert(key, value),
                Entry::Rates(_) | Entry::Value(_) => {
                    return Err(de::Error::custom(format!("{name} has a value of another key's")));
                }
            }
        }
        Ok(candidate)
    }
}

/// The settings that say all that a recipe says.
pub(super) fn settings_of(recipe: &Recipe) -> Result<Settings> {
    Settings::parse(&recipe.to_toml(), None)
}
