use super::Study;
use crate::{Error, Result};
use furlough::files::{read_text, write_atomic};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The folder of a study: a copy of its file, its trials, and what they came to.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyFolder {
    path: PathBuf,
}

impl StudyFolder {
    /// The copy of the study's file.
    pub const STUDY: &'static str = "study.toml";
    /// The folder of the trials.
    pub const TRIALS: &'static str = "trials";
    /// All numbers.
    pub const RESULTS: &'static str = "results.json";
    /// A line for each trial.
    pub const CSV: &'static str = "results.csv";
    /// A table to read.
    pub const TABLE: &'static str = "table.md";

    /// Whether the folder can be this study's. A study whose experiment is the same (only titles,
    /// pictures, measurements or comparisons differ) or has grown (all earlier trials are still
    /// part of it) goes on in it. Writes nothing.
    ///
    /// # Errors
    /// [`Error::Occupied`] when the folder is another study's, saying how they differ, or holds
    /// something else; [`furlough::Error::Io`].
    pub fn check(path: &Path, study: &Study) -> Result<()> {
        let folder = StudyFolder { path: path.into() };
        if !folder.file(Self::STUDY).exists() {
            let Some(name) = folder.stranger()? else { return Ok(()) };
            // Unless another process has begun the study since.
            if !folder.file(Self::STUDY).exists() {
                let reason = format!("is not empty (it has {name}) and no study's folder");
                return Err(Error::occupied(&folder.path, reason, false));
            }
        }
        let earlier = folder.study()?;
        if earlier.text == study.text {
            return Ok(());
        }
        match difference(&earlier, study) {
            None => Ok(()),
            Some(difference) => Err(Error::occupied(&folder.path, format!("holds another study: {difference}"), false)),
        }
    }

    /// The folder for `study`, made if need be; from then on it is this study's.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn claim(path: impl Into<PathBuf>, study: &Study) -> Result<Self> {
        let folder = StudyFolder { path: path.into() };
        Self::check(&folder.path, study)?;
        fs::create_dir_all(&folder.path).map_err(Error::io("create", &folder.path))?;
        let copy = folder.file(Self::STUDY);
        if !copy.exists() || read_text(&copy)? != study.text {
            write_atomic(&copy, study.text.as_bytes())?;
        }
        Ok(folder)
    }

    /// The folder of a study that was begun.
    ///
    /// # Errors
    /// [`Error::Study`] when it is not one.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let folder = StudyFolder { path: path.into() };
        if !folder.file(Self::STUDY).exists() {
            let reason = format!("is no study's folder: {} is missing", Self::STUDY);
            return Err(Error::Study { path: Some(folder.path), reason });
        }
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of the file `name`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The root of the trials.
    pub fn trials(&self) -> PathBuf {
        self.file(Self::TRIALS)
    }

    /// The study, read from the copy.
    ///
    /// # Errors
    /// [`furlough::Error::Io`] when it cannot be read, [`Error::Study`] when it makes no sense.
    pub fn study(&self) -> Result<Study> {
        let path = self.file(Self::STUDY);
        let text = read_text(&path)?;
        Study::parse(&text, Some(&path))
    }

    /// Something in the folder, if it is there, that no study has made. What a killed process left,
    /// and trials that lost their study's file, are no obstacle.
    fn stranger(&self) -> Result<Option<String>> {
        if !self.path.exists() {
            return Ok(None);
        }
        for entry in fs::read_dir(&self.path).map_err(Error::io("read", &self.path))? {
            let name = entry.map_err(Error::io("read", &self.path))?.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') && name != Self::TRIALS {
                return Ok(Some(name.into_owned()));
            }
        }
        Ok(None)
    }
}

/// Where two experiments differ, if the later one does not contain the earlier: the first value
/// that is not the same.
pub fn difference(earlier: &Study, later: &Study) -> Option<String> {
    let (old, new) = (values(&earlier.document), values(&later.document));
    let of = |values: &[(String, String)], key: &str| values.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let changed = |(key, value): &(String, String)| of(&new, key).as_ref() != Some(value);
    let key =
        old.iter().find(|entry| changed(entry)).or_else(|| new.iter().find(|(key, _)| of(&old, key).is_none()))?;
    let recipes = |study: &Study| study.trials().map(|(_, _, recipe)| recipe.to_toml()).collect::<HashSet<_>>();
    if recipes(earlier).is_subset(&recipes(later)) {
        return None;
    }
    let say = |value: Option<String>| value.unwrap_or_else(|| "not set".into());
    Some(format!("{} is {} there, and {} here", key.0, say(of(&old, &key.0)), say(of(&new, &key.0))))
}

/// What determines the trials, as paths and values.
fn values(document: &Table) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for key in ["base", "axes", "grid", "seeds"] {
        if let Some(value) = document.get(key) {
            walk(key, value, &mut found);
        }
    }
    found
}

fn walk(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Table(table) => table.iter().for_each(|(key, value)| walk(&format!("{path}.{key}"), value, found)),
        Value::Array(parts) if path == "grid" => {
            for (place, part) in parts.iter().enumerate() {
                let name = part.get("name").and_then(Value::as_str).map_or(place.to_string(), ToString::to_string);
                walk(&format!("{path}.{name}"), part, found);
            }
        }
        value => found.push((path.to_string(), value.to_string())),
    }
}
