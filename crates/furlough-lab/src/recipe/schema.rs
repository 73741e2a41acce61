//! What a key of a recipe is, and the macro that makes [`Settings`], `Recipe` and [`KEYS`] of the
//! one table in `keys.rs`.

use super::search::Search;
use super::text::{Form, TextError};
use super::{KEYS, Recipe, Settings};
use crate::{Error, Result};
use serde::Serialize;

/// Under which heading a help text lists a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heading {
    /// Which examples.
    Data,
    /// What is trained.
    Network,
    /// What is dropped of it in training.
    Dropout,
    /// How a step changes it.
    Optimizer,
    /// What keeps it simple, beside dropout.
    Regularization,
    /// How long it is trained, and from which seed.
    Training,
}

impl Heading {
    /// Returns the heading's word.
    pub fn name(self) -> &'static str {
        match self {
            Heading::Data => "Data",
            Heading::Network => "Network",
            Heading::Dropout => "Dropout",
            Heading::Optimizer => "Optimizer",
            Heading::Regularization => "Regularization",
            Heading::Training => "Training",
        }
    }
}

/// What a study may do with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Varies {
    /// Any arm may have its own value.
    ByArm,
    /// All arms have the same.
    ByStudy,
    /// Each arm has all of the study's seeds.
    BySeed,
}

/// What a key needs beside it, so that it does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoesWith {
    /// A hidden layer.
    HiddenLayers,
    /// A drop probability above 0.
    Dropping,
    /// One of these values of another key, in one word as [`Key::say`] reads it.
    Value(&'static str, &'static [&'static str]),
}

impl GoesWith {
    /// Returns whether a recipe has what is needed.
    pub fn holds(self, recipe: &Recipe) -> bool {
        match self {
            GoesWith::HiddenLayers => !recipe.hidden().is_empty(),
            GoesWith::Dropping => recipe.drops(),
            GoesWith::Value(name, values) => {
                let own = Key::named(name).and_then(|key| key.word(recipe));
                own.is_some_and(|own| values.contains(&own.as_str()))
            }
        }
    }
}

/// What is said of a key beside its name and its type.
#[derive(Debug, Clone, Copy)]
pub struct About {
    heading: Heading,
    value: &'static str,
    help: &'static str,
    default: Option<&'static str>,
    varies: Varies,
    goes_with: &'static [GoesWith],
    follows: Option<&'static str>,
    search: Option<Search>,
}

impl About {
    /// `value` stands for the value, as in `--lr RATE`; `help` says what the key is.
    pub(super) const fn new(heading: Heading, value: &'static str, help: &'static str) -> Self {
        About {
            heading,
            value,
            help,
            default: None,
            varies: Varies::ByArm,
            goes_with: &[],
            follows: None,
            search: None,
        }
    }

    /// What it is where nothing is said, in words.
    pub(super) const fn default(self, text: &'static str) -> Self {
        About { default: Some(text), ..self }
    }

    pub(super) const fn varies(self, varies: Varies) -> Self {
        About { varies, ..self }
    }

    /// What it needs beside it, so that it does something.
    pub(super) const fn goes_with(self, goes_with: &'static [GoesWith]) -> Self {
        About { goes_with, ..self }
    }

    /// What it is where nothing is said depends on that key.
    pub(super) const fn follows(self, key: &'static str) -> Self {
        About { follows: Some(key), ..self }
    }

    /// How `tune` searches it.
    pub(super) const fn search(self, search: Search) -> Self {
        About { search: Some(search), ..self }
    }
}

/// A key of a recipe: everything that is said of it anywhere.
#[derive(Debug)]
pub struct Key {
    pub(super) name: &'static str,
    pub(super) about: About,
    pub(super) form: fn() -> Form,
    pub(super) read: fn(&mut Settings, &str) -> std::result::Result<(), TextError>,
    pub(super) is_said: fn(&Settings) -> bool,
    pub(super) clear: fn(&mut Settings),
    pub(super) value: fn(&Recipe) -> Option<toml::Value>,
    pub(super) is_neutral: fn(&Recipe) -> bool,
}

impl Key {
    /// Returns the key of that name.
    pub fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// Returns its name in a recipe file.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns under which heading it is listed.
    pub fn heading(&self) -> Heading {
        self.about.heading
    }

    /// Returns what stands for the value, such as `RATE`.
    pub fn value_name(&self) -> &'static str {
        self.about.value
    }

    /// Returns what the key is, in a sentence without its period.
    pub fn help(&self) -> &'static str {
        self.about.help
    }

    /// Returns what it is where nothing is said, in words, if that needs saying.
    pub fn default(&self) -> Option<&'static str> {
        self.about.default
    }

    /// Returns what a study may do with it.
    pub fn varies(&self) -> Varies {
        self.about.varies
    }

    /// Returns what it needs beside it, so that it does something.
    pub fn goes_with(&self) -> &'static [GoesWith] {
        self.about.goes_with
    }

    /// Returns the key on which it depends what this one is where nothing is said.
    pub fn follows(&self) -> Option<&'static str> {
        self.about.follows
    }

    /// Returns how a search of the best value goes, if there is one.
    pub fn search(&self) -> Option<Search> {
        self.about.search
    }

    /// Returns its value in a recipe, which may leave it out of its file; none where there is none.
    pub fn value(&self, recipe: &Recipe) -> Option<toml::Value> {
        (self.value)(recipe)
    }

    /// Returns a single value in one word, as [`Key::say`] reads it.
    pub fn word(&self, recipe: &Recipe) -> Option<String> {
        self.value(recipe).map(|value| match value {
            toml::Value::String(text) => text,
            toml::Value::Float(number) => number.to_string(),
            other => other.to_string(),
        })
    }

    /// Checks that a recipe has the value of another key that this one goes with, unless this one
    /// changes nothing.
    pub(super) fn check_company(&self, recipe: &Recipe) -> Result<()> {
        let missing = self.goes_with().iter().find_map(|need| match need {
            GoesWith::Value(name, values) if !need.holds(recipe) => Some((name, values)),
            _ => None,
        });
        match missing {
            Some((name, values)) if !(self.is_neutral)(recipe) => {
                let own = Key::named(name).and_then(|key| key.word(recipe)).unwrap_or_default();
                let reason = format!("goes with {name} = {} only, and not with {own}", values.join(" or "));
                Err(Error::setting(self.name, self.word(recipe).unwrap_or_default(), reason))
            }
            _ => Ok(()),
        }
    }

    /// Returns what its values look like as text.
    pub fn form(&self) -> Form {
        (self.form)()
    }

    /// Returns why `text` does not have the form of a value; whether there is such a value is not
    /// asked.
    ///
    /// # Errors
    /// The reason, in words that follow a colon.
    pub fn check_form(&self, text: &str) -> std::result::Result<(), String> {
        match (self.read)(&mut Settings::default(), text) {
            Err(TextError::Form(reason)) => Err(reason),
            Ok(()) | Err(TextError::Value(_)) => Ok(()),
        }
    }

    /// Says `text` of this key: `0.2,0.5` where TOML has `[0.2, 0.5]`, otherwise as in TOML, texts
    /// without their quotes.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when it is no value of this key.
    pub fn say(&self, settings: &mut Settings, text: &str) -> Result<()> {
        (self.read)(settings, text).map_err(|error| match error {
            TextError::Form(reason) | TextError::Value(reason) => Error::setting(self.name, text, reason),
        })
    }

    /// Returns whether the settings say something of this key.
    pub fn is_said(&self, settings: &Settings) -> bool {
        (self.is_said)(settings)
    }

    /// Takes back what the settings say of this key.
    pub fn clear(&self, settings: &mut Settings) {
        (self.clear)(settings);
    }
}

/// Whether nothing is changed by a value: such values are left out of a recipe file, so that a key
/// that is added changes no recipe of before.
pub(super) fn is_neutral<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether a value that is always written is 0 or `false`.
pub(super) fn is_nothing(value: impl Serialize) -> bool {
    let nothing = [toml::Value::Float(0.0), toml::Value::Integer(0), toml::Value::Boolean(false)];
    toml::Value::try_from(value).is_ok_and(|value| nothing.contains(&value))
}

/// Makes [`Settings`], `Recipe` and [`KEYS`] of a table with an entry for each key, in the order of
/// a recipe file:
///
/// ```text
/// /// What it is, for those who use the library.
/// name: Type in Settings => Type in Recipe {
///     written: always, or unless_neutral (left out where it is its type's default),
///     decided: |said| the recipe's value, from all that was said,
///     about: About::new(heading, name of the value, help),
/// }
/// ```
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident: $said:ty => $decided:ty {
        written: $written:ident,
        decided: $decide:expr,
        about: $about:expr,
    })+) => {
        /// What a user said, in a recipe file or in flags: any of a recipe's values, none of them
        /// checked. The names are those of the keys of a recipe file and, with dashes, of the
        /// command line.
        #[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {
            $($(#[$doc])* pub $name: Option<$said>,)+
        }

        impl Settings {
            /// These settings, and `other`'s where these say nothing.
            pub fn or(self, other: Settings) -> Settings {
                Settings { $($name: self.$name.or(other.$name),)+ }
            }

            /// The recipe, not checked yet.
            pub(crate) fn decide(&self) -> Recipe {
                Recipe { $($name: { let decide: fn(&Settings) -> $decided = $decide; decide(self) },)+ }
            }
        }

        /// A whole run in one flat list of values, all of them decided and checked. Written as TOML
        /// it is the run directory's `recipe.toml`, and reading that gives the same run, bit for
        /// bit. Made by [`Settings::resolve`].
        #[derive(Debug, Clone, PartialEq)]
        pub struct Recipe {
            $($(#[$doc])* pub(super) $name: $decided,)+
        }

        impl serde::Serialize for Recipe {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let mut table = serde::Serializer::serialize_map(serializer, None)?;
                $(if $crate::recipe::schema::keys!(@written $written &self.$name) {
                    serde::ser::SerializeMap::serialize_entry(&mut table, stringify!($name), &self.$name)?;
                })+
                serde::ser::SerializeMap::end(table)
            }
        }

        /// All keys of a recipe, in the order of a recipe file.
        pub const KEYS: &[Key] = &[$(Key {
            name: stringify!($name),
            about: $about,
            form: <$said as FromText>::form,
            read: |settings, text| {
                settings.$name = Some(<$said as FromText>::from_text(text)?);
                Ok(())
            },
            is_said: |settings| settings.$name.is_some(),
            clear: |settings| settings.$name = None,
            value: |recipe| toml::Value::try_from(&recipe.$name).ok(),
            is_neutral: |recipe| $crate::recipe::schema::keys!(@neutral $written &recipe.$name),
        },)+];
    };
    (@neutral always $value:expr) => { $crate::recipe::schema::is_nothing($value) };
    (@neutral unless_neutral $value:expr) => { $crate::recipe::schema::is_neutral($value) };
    (@written always $value:expr) => { true };
    (@written unless_neutral $value:expr) => { !$crate::recipe::schema::is_neutral($value) };
}
pub(super) use keys;
