use super::dimension::Dimension;
use super::{Candidate, Domain, Range, SearchKey};
use crate::recipe::{GoesWith, Recipe, RecipeKey, Scale, Search, Settings};
use crate::{Error, Result};
use furlough::optim::Schedule;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is searched, and among what: drop probabilities always, other keys when asked for.
///
/// ```
/// use furlough_lab::{recipe::Settings, tune::Space};
/// let recipe = Settings::parse("data = 'digits'\nhidden = [64, 64]", None)?.resolve()?;
/// let space = Space::parse("width=32..256, lr, activation=relu,gelu", &recipe)?;
/// assert_eq!(space.to_string(), "dropout 0 to 0.95, width 32 to 256, lr 0.01 to 1, activation relu or gelu");
/// # Ok::<(), furlough_lab::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Space {
    domains: BTreeMap<SearchKey, Domain>,
}

impl Space {
    /// Drop probabilities alone.
    pub fn new(base: &Recipe) -> Self {
        let dropout = SearchKey::all().into_iter().find(|key| key.is_dropout());
        Space { domains: dropout.map(|key| (key, usual(key, base))).into_iter().collect() }
    }

    /// Reads `KEY,KEY=LOW..HIGH,KEY=NAME,NAME,…`. Keys of which no more is said are searched around
    /// what `base` has, or among their usual names; drop probabilities are added if they are not
    /// said.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] `search` for a key that does not exist (with the one that may
    /// be meant) or is named twice, for a range that is empty or out of bounds, and for names that
    /// the key does not have; `hidden` when there is no hidden layer to drop units of.
    pub fn parse(text: &str, base: &Recipe) -> Result<Self> {
        let mut space = Space::new(base);
        let mut named = BTreeSet::new();
        for (key, said) in parts(text)? {
            if !named.insert(key) {
                return Err(Error::setting("search", key, "is there twice; name it once, with one range or none"));
            }
            let domain = match (said, key) {
                (None, _) => usual(key, base),
                (Some(said), SearchKey::Key(key)) if key.search().is_some_and(is_choice) => {
                    Domain::Choices(said.iter().map(|name| choice(key, name)).collect::<Result<_>>()?)
                }
                (Some(said), _) => Domain::Range(parse_range(key, &said.join(","), base)?),
            };
            space.domains.insert(key, domain);
        }
        space.validate(base)?;
        space.domains.keys().try_for_each(|&key| space.check_company(key, base))?;
        Ok(space)
    }

    /// A key does nothing without what it goes with, which the base or the search must have.
    fn check_company(&self, key: SearchKey, base: &Recipe) -> Result<()> {
        let missing = key.goes_with().iter().filter(|need| !need.holds(base)).find_map(|need| match need {
            GoesWith::Value(name, values) => {
                let searched = SearchKey::named(name).and_then(|other| self.domain(other));
                let among = |names: &[String]| names.iter().any(|name| values.contains(&name.as_str()));
                let found = matches!(searched, Some(Domain::Choices(names)) if among(names));
                let own = RecipeKey::named(name).and_then(|key| key.word(base)).unwrap_or_default();
                let values = values.join(" or ");
                (!found).then(|| format!("does nothing with {name} = {own}; it goes with {name} = {values}"))
            }
            GoesWith::Decaying => {
                let found = ["weight_decay", "optimizer"].into_iter().filter_map(SearchKey::named);
                let missing = found.filter_map(|other| self.domain(other)).next().is_none();
                missing.then(|| "does nothing without a weight decay above 0; set weight_decay, or search it".into())
            }
            GoesWith::Table => Some("goes with a table, and not with a data set".into()),
            // Drop probabilities are always searched, and a base without layers is refused.
            GoesWith::HiddenLayers | GoesWith::Dropping => None,
        });
        missing.map_or(Ok(()), |reason| Err(Error::setting("search", key, reason)))
    }

    /// Checks ranges and names, and that `base` has layers to drop units of.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn validate(&self, base: &Recipe) -> Result<()> {
        if base.hidden().is_empty() {
            let reason = "there is no hidden layer to drop units of; give at least one";
            return Err(Error::setting("hidden", "[]", reason));
        }
        if !self.domains.keys().any(|key| key.is_dropout()) {
            return Err(Error::setting("search", "without dropout", "drop probabilities are always searched for"));
        }
        self.domains.iter().try_for_each(|(&key, domain)| match domain {
            Domain::Range(range) if !is_choice(key.search()) => check_range(key, *range),
            Domain::Choices(names) if is_choice(key.search()) => self.check_choices(key, names, base),
            other => Err(Error::setting("search", format!("{key}={other}"), "is what another key has")),
        })
    }

    /// Whether more than dropout is searched, so that the network without it has something to tune
    /// too.
    pub fn is_wide(&self) -> bool {
        self.domains.keys().any(|key| !key.is_of_dropout())
    }

    /// Returns where a key is searched, if it is.
    pub fn domain(&self, key: SearchKey) -> Option<&Domain> {
        self.domains.get(&key)
    }

    /// The most hidden layers that a candidate can have.
    pub(super) fn deepest(&self, base: &Recipe) -> usize {
        match self.domain(SearchKey::Depth) {
            Some(Domain::Range(range)) => range.high as usize,
            _ => base.hidden().len(),
        }
    }

    /// The axes of the search, drop probabilities first, one for each layer that there may be.
    pub(super) fn axes(&self, base: &Recipe) -> Vec<Dimension<'_>> {
        let layers = self.deepest(base);
        self.domains
            .iter()
            .flat_map(|(&key, domain)| {
                let count = if key.is_dropout() { layers } else { 1 };
                (0..count).map(move |layer| Dimension { key, layer, domain })
            })
            .collect()
    }

    /// Each name must go with the base, where the numbers that are searched are in the middle of
    /// their ranges.
    fn check_choices(&self, key: SearchKey, names: &[String], base: &Recipe) -> Result<()> {
        let bad = |value: &str, reason: String| Err(Error::setting("search", format!("{key}={value}"), reason));
        if names.len() < 2 {
            return bad(&names.join(","), "leaves nothing to choose; name two or more".into());
        }
        let mut middle = Candidate::uniform(0.5, self.deepest(base));
        for axis in self.axes(base).into_iter().filter(|axis| !is_choice(axis.key.search())) {
            let (low, high) = axis.ends();
            axis.set((low + high) / 2.0, &mut middle);
        }
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return bad(&names.join(","), format!("{name} is there twice"));
            }
            middle.values.insert(key, super::SearchValue::Text(name.clone()));
            match middle.recipe(base) {
                Ok(_) => {}
                Err(Error::Engine(furlough::Error::Setting { name: own, value, reason })) => {
                    let which = if own == key.name() { String::new() } else { format!("{own} = {value}: ") };
                    return bad(name, format!("{which}{reason}"));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(key, domain): (&SearchKey, &Domain)| format!("{key} {domain}");
        f.write_str(&self.domains.iter().map(part).collect::<Vec<_>>().join(", "))
    }
}

fn is_choice(search: Search) -> bool {
    search.scale == Scale::Choice
}

/// Where a key is searched when nothing is said.
fn usual(key: SearchKey, base: &Recipe) -> Domain {
    match is_choice(key.search()) {
        true => Domain::Choices(key.usual_choices()),
        false => Domain::Range(key.usual_range(base).into()),
    }
}

/// A key and what is said of it.
type SearchPart<'a> = (SearchKey, Option<Vec<&'a str>>);

/// The keys and what is said of each. A comma stands between keys, and between the names of one:
/// what follows a name and is no key is a name too.
fn parts(text: &str) -> Result<Vec<SearchPart<'_>>> {
    let mut parts: Vec<SearchPart<'_>> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match (part.split_once('='), parts.last_mut()) {
            (Some((name, said)), _) => parts.push((SearchKey::parse(name)?, Some(vec![said.trim()]))),
            (None, Some((key, Some(names)))) if is_choice(key.search()) && SearchKey::parse(part).is_err() => {
                names.push(part);
            }
            (None, _) => parts.push((SearchKey::parse(part)?, None)),
        }
    }
    Ok(parts)
}

/// A name as a recipe spells it.
fn choice(key: &'static RecipeKey, name: &str) -> Result<String> {
    let bad = |reason: String| Error::setting("search", format!("{}={name}", key.name()), reason);
    let mut settings = Settings::default();
    match key.say(&mut settings, name) {
        Ok(()) => {}
        Err(Error::Engine(furlough::Error::Setting { reason, .. })) => return Err(bad(reason)),
        Err(other) => return Err(other),
    }
    let schedules = [&settings.dropout_schedule, &settings.lr_schedule, &settings.weight_decay_schedule];
    if schedules.into_iter().flatten().any(Schedule::is_zero) {
        return Err(bad("is 0 throughout, so nothing is left of what it multiplies".into()));
    }
    key.word(&settings.decide()).ok_or_else(|| bad("is no value".into()))
}

fn parse_range(key: SearchKey, text: &str, base: &Recipe) -> Result<Range> {
    let bad = || {
        let (low, high) = key.usual_range(base);
        let reason = format!("write a range as {key}=LOW..HIGH, such as {key}={low}..{high}");
        Error::setting("search", format!("{key}={}", text.trim()), reason)
    };
    let (low, high) = text.split_once("..").ok_or_else(bad)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(bad);
    Ok(Range { low: number(low)?, high: number(high)? })
}

fn check_range(key: SearchKey, range: Range) -> Result<()> {
    let Range { low, high } = range;
    let bad = |reason: String| Err(Error::setting("search", format!("{key}={low}..{high}"), reason));
    let Search { scale, limits: (least, most), .. } = key.search();
    if low < least || high > most || !low.is_finite() || !high.is_finite() {
        return bad(format!("{key} goes from {least} to {most}"));
    }
    if low >= high {
        return bad("is empty; the first number must be below the second".into());
    }
    if scale == Scale::Even && high < 0.01 {
        return bad("values are tried in steps of 0.01, so the end must be at least that".into());
    }
    if matches!(scale, Scale::WholeByRatio | Scale::Each) && (low.fract() != 0.0 || high.fract() != 0.0) {
        return bad(format!("{key} is a whole number, so its ends are too"));
    }
    Ok(())
}
