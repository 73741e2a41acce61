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

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Recipe {
        Settings::parse("data = 'digits'\nhidden = [64, 32]\nfolds = 5", None).unwrap().resolve().unwrap()
    }

    #[test]
    fn what_cannot_be_searched_is_named() {
        for (text, expected) in [
            ("widht", "search = widht: cannot be searched for. Did you mean width?"),
            ("learning-rate", "Did you mean lr?"),
            ("epochs=1..9", "search = epochs: cannot be searched for."),
            ("hidden", "Did you mean width?"),
            (
                "xyz",
                "There are dropout, input_dropout, width, depth, lr, weight_decay, max_norm, activation, batch_size, ",
            ),
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
            ("momentum=0..1", "momentum goes from 0 to 0.99"),
            ("batch_size=8..1e6", "batch_size goes from 1 to 65536"),
            ("batch_size=8.5..16", "whole number"),
            ("batch", "Did you mean batch_size?"),
            ("activation=relu,rleu", "search = activation=rleu: not an activation; there are relu"),
            ("activation=relu,gelu,widht", "search = activation=widht: not an activation; there are relu"),
            ("activation=relu", "search = activation=relu: leaves nothing to choose"),
            ("activation=relu,gelu,relu", "search = activation=relu,gelu,relu: relu is there twice"),
            ("activation=0..1", "search = activation=0..1: not an activation"),
            ("dropout_schedule=decay,early:2", "search = dropout_schedule=early:2: write constant, linear"),
            ("nesterov", "search = nesterov=true: needs a momentum above 0"),
            (
                "beta1=0.8..0.9",
                "search = beta1: does nothing with optimizer = sgd; it goes with optimizer = adam or adamw or lion",
            ),
            ("epsilon,optimizer=sgd,lion", "search = epsilon: does nothing with optimizer = sgd; it goes with"),
            ("weight_decay_schedule", "search = weight_decay_schedule: does nothing without a weight decay above 0"),
            ("dropout_schedule=early:0,decay", "search = dropout_schedule=early:0: is 0 throughout"),
            ("nesterov=yes,no", "search = nesterov=yes: not true or false"),
            ("lr=relu", "search = lr=relu: write a range as lr=LOW..HIGH"),
        ] {
            let error = Space::parse(text, &base()).expect_err(text).to_string();
            assert!(error.contains(expected), "{text:?}: {error:?} should mention {expected:?}");
        }
        let shared = "data = 'digits'\ndropout_sharing = 4";
        let shared = Settings::parse(shared, None).unwrap().resolve().unwrap();
        let error = Space::parse("dropout_kind=bernoulli,dropconnect", &shared).unwrap_err().to_string();
        assert!(
            error.contains("search = dropout_kind=dropconnect: dropout_sharing = 4: dropconnect always"),
            "{error}"
        );
        let flat = Settings::parse("data = 'digits'\nhidden = []", None).unwrap().resolve().unwrap();
        assert!(Space::parse("", &flat).unwrap_err().to_string().contains("no hidden layer"));
    }

    /// Everything that can be searched, but what does not go with the base.
    fn all() -> String {
        let names = SearchKey::all().into_iter().filter(|key| key.usual_choices().len() != 1).map(SearchKey::name);
        names.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn names_are_told_from_keys() {
        let said = |text: &str| Space::parse(text, &base()).unwrap().to_string();
        assert_eq!(said("activation=relu, gelu ,lr"), "dropout 0 to 0.95, lr 0.01 to 1, activation relu or gelu");
        let schedules = "dropout 0 to 0.95, batch_size 8 to 128, dropout_schedule early:0.5 or constant";
        assert_eq!(said("dropout_schedule=early:0.50,constant,batch-size"), schedules);
        assert_eq!(
            said("nesterov,momentum=0.5..0.9"),
            "dropout 0 to 0.95, momentum 0.5 to 0.9, nesterov false or true"
        );
        for good in ["beta1,optimizer=sgd,adam", "weight_decay_schedule,weight_decay", "momentum"] {
            assert!(Space::parse(good, &base()).is_ok(), "{good}");
        }
        for key in SearchKey::all() {
            for name in key.usual_choices() {
                assert!(SearchKey::named(&name).is_none(), "{name} is a key and a value of {key}");
            }
        }
    }

    #[test]
    fn a_space_survives_being_written() {
        let space = Space::parse("width, depth, lr=0.05..0.5, weight-decay, max_norm, input_dropout", &base()).unwrap();
        let text = toml::to_string(&space).unwrap();
        let before = "dropout = [0.0, 0.95]\ninput_dropout = [0.0, 0.5]\nwidth = [16.0, 256.0]\ndepth = [1.0, 4.0]\n\
                      lr = [0.05, 0.5]\nweight_decay = [1e-6, 0.01]\nmax_norm = [1.0, 6.0]\n";
        assert_eq!(text.replace("0.000001", "1e-6"), before);
        assert_eq!(toml::from_str::<Space>(&text).unwrap(), space);
        let space = Space::parse(&all(), &base()).unwrap();
        assert_eq!(toml::from_str::<Space>(&toml::to_string(&space).unwrap()).unwrap(), space);
        assert!(space.is_wide() && !Space::parse("input_dropout", &base()).unwrap().is_wide());
    }

    #[test]
    fn usual_ranges_keep_to_their_limits() {
        let usual = |hidden: &str, more: &str| {
            let base = Settings::parse(&format!("data = 'digits'\nhidden = {hidden}\ndropout = 0.5\n{more}"), None);
            let space = Space::parse("width,depth,lr,batch_size", &base.unwrap().resolve().unwrap()).unwrap();
            ["width", "depth", "lr", "batch_size"].map(|name| {
                let Some(Domain::Range(range)) = space.domain(SearchKey::named(name).unwrap()) else {
                    panic!("{name}")
                };
                (range.low, range.high)
            })
        };
        assert_eq!(usual("[64, 32]", "")[..2], [(16.0, 256.0), (1.0, 4.0)]);
        assert_eq!(usual("[8]", "")[0], (4.0, 32.0));
        assert_eq!(usual("[2]", "")[0], (2.0, 8.0));
        assert_eq!(usual("[1]", "batch_size = 1\nlr = 1e-9"), [(1.0, 4.0), (1.0, 4.0), (1e-9, 1e-8), (1.0, 4.0)]);
        let deep = format!("[{}]", ["65536"; 16].join(", "));
        assert_eq!(usual(&deep, "lr = 1e20")[..3], [(16_384.0, 65_536.0), (1.0, 16.0), (1e8, 1e9)]);
        assert_eq!(usual("[4, 4, 4, 4]", "")[1], (1.0, 5.0));
    }

    #[test]
    fn coordinates_lead_back_to_the_values() {
        // Some kinds of dropout have no sharing and no schedule, and one has a prior.
        let prior = ["concrete_length", "concrete_regularizer"];
        for without in [&["dropout_sharing", "dropout_schedule"][..], &["dropout_kind", prior[0], prior[1]]] {
            let text = all().split(',').filter(|name| !without.contains(name)).collect::<Vec<_>>().join(",");
            lead_back(&Space::parse(&text, &base()).unwrap(), &base());
        }
    }

    fn lead_back(space: &Space, base: &Recipe) {
        let axes = space.axes(base);
        assert!(axes.len() > 4 + 12, "{}", axes.len());
        for share in [0.0, 0.01, 0.2, 0.37, 0.5, 0.77, 0.9, 0.999_999] {
            let mut candidate = Candidate::uniform(0.5, 4);
            for axis in &axes {
                let (low, high) = axis.ends();
                axis.set(low + share * (high - low), &mut candidate);
            }
            let recipe = candidate.recipe(base).unwrap();
            let mut again = Candidate::uniform(0.5, 4);
            for axis in &axes {
                let coordinate = axis.coordinate(&recipe);
                let (low, high) = axis.ends();
                assert!(coordinate.is_nan() || (low..high).contains(&coordinate), "{axis:?}: {coordinate}");
                axis.set(if coordinate.is_nan() { low } else { coordinate }, &mut again);
            }
            assert_eq!(again.recipe(base).unwrap(), recipe, "{share}");
        }
    }
}
