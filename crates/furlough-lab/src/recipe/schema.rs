//! What is said of a key of a recipe, and the macro that makes settings, recipe and keys of the one
//! table in `keys.rs`.

use super::search::Search;
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
    /// A weight decay above 0.
    Decaying,
    /// A table.
    Table,
    /// One of these values of another key, in one word.
    Value(&'static str, &'static [&'static str]),
}

/// What is said of a key beside its name and its type.
#[derive(Debug, Clone, Copy)]
pub struct About {
    pub(super) heading: Heading,
    pub(super) value: &'static str,
    pub(super) help: &'static str,
    pub(super) default: Option<&'static str>,
    pub(super) varies: Varies,
    pub(super) goes_with: &'static [GoesWith],
    pub(super) follows: Option<&'static str>,
    pub(super) search: Option<Search>,
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

/// Makes `Settings`, `Recipe`, `RecipeKey` and `KEYS` of a table with an entry for each key, in the
/// order of a recipe file:
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
            /// The table that is learned from, where it is one.
            pub table: Option<TableInput>,
        }

        impl Settings {
            /// These settings, and `other`'s where these say nothing.
            pub fn or(self, other: Settings) -> Settings {
                Settings { $($name: self.$name.or(other.$name),)+ table: self.table.or(other.table) }
            }

            /// The recipe, not checked yet.
            pub(crate) fn decide(&self) -> Recipe {
                Recipe {
                    $($name: { let decide: fn(&Settings) -> $decided = $decide; decide(self) },)+
                    table: self.table.clone(),
                }
            }
        }

        /// A whole run in one flat list of values, all of them decided and checked, and the table
        /// that it learns from, if it does. Written as TOML
        /// it is the run directory's `recipe.toml`, and reading that gives the same run, bit for
        /// bit. Made by [`Settings::resolve`].
        #[derive(Debug, Clone, PartialEq)]
        pub struct Recipe {
            $($(#[$doc])* pub(super) $name: $decided,)+
            /// The table that is learned from, where it is one.
            pub(super) table: Option<TableInput>,
        }

        impl serde::Serialize for Recipe {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                let mut table = serde::Serializer::serialize_map(serializer, None)?;
                $(if $crate::recipe::schema::keys!(@written $written &self.$name) {
                    serde::ser::SerializeMap::serialize_entry(&mut table, stringify!($name), &self.$name)?;
                })+
                // The last, as TOML puts tables behind values.
                if let Some(own) = &self.table {
                    serde::ser::SerializeMap::serialize_entry(&mut table, "table", own)?;
                }
                serde::ser::SerializeMap::end(table)
            }
        }

        /// A key of a recipe: everything that is said of it anywhere.
        #[derive(Debug)]
        pub struct RecipeKey {
            pub(super) name: &'static str,
            pub(super) about: About,
            pub(super) form: fn() -> Form,
            pub(super) read: fn(&mut Settings, &str) -> Result<(), TextError>,
            pub(super) is_said: fn(&Settings) -> bool,
            pub(super) clear: fn(&mut Settings),
            pub(super) value: fn(&Recipe) -> Option<toml::Value>,
            pub(super) is_neutral: fn(&Recipe) -> bool,
        }

        /// All keys of a recipe, in the order of a recipe file.
        pub const KEYS: &[RecipeKey] = &[$(RecipeKey {
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
