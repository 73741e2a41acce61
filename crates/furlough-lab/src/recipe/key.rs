use super::text::{Form, TextError};
use super::{GoesWith, Heading, KEYS, Recipe, RecipeKey, Search, Settings, Varies};
use crate::{Error, Result};

impl GoesWith {
    /// Returns whether a recipe has what is needed.
    pub fn holds(self, recipe: &Recipe) -> bool {
        match self {
            GoesWith::HiddenLayers => !recipe.hidden().is_empty(),
            GoesWith::Dropping => recipe.drops(),
            GoesWith::Decaying => recipe.weight_decay > 0.0,
            GoesWith::Table => recipe.table.is_some(),
            GoesWith::Value(name, values) => {
                let own = RecipeKey::named(name).and_then(|key| key.word(recipe));
                own.is_some_and(|own| values.contains(&own.as_str()))
            }
        }
    }
}

impl RecipeKey {
    /// Returns the key of that name.
    pub fn named(name: &str) -> Option<&'static RecipeKey> {
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

    /// Returns a single value in one word, as [`RecipeKey::say`] reads it.
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
        let lacks_table = self.goes_with().contains(&GoesWith::Table) && recipe.table.is_none();
        if lacks_table && !(self.is_neutral)(recipe) {
            let reason = "goes with a table, and not with a data set";
            return Err(Error::setting(self.name, self.word(recipe).unwrap_or_default(), reason));
        }
        match missing {
            Some((name, values)) if !(self.is_neutral)(recipe) => {
                let own = RecipeKey::named(name).and_then(|key| key.word(recipe)).unwrap_or_default();
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
