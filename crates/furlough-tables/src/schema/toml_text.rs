//! A schema as TOML that people edit.

use super::infer::check_names;
use super::{DateOrder, Kind, Role, Schema, nearest};
use crate::error::{Error, Result};
use std::path::Path;

const HEAD: &str = "\
# What the columns of a table are. Edit it and give it back: nothing is guessed then.
#   kind        number, category, boolean, date, text or constant
#   role        feature, target, weight, group, time, id or ignore; the last two are not read
#   date_order  ymd, dmy or mdy, for dates
#   spelling    what numbers have before and after them, between thousands and as decimal mark
#   missing     spellings of a missing value; in numbers, dates and booleans beside NA, NaN, null, …
# What stands under `found` and in `why` is for people: changing it changes nothing.

";

const KEYS: [&str; 5] = ["version", "format", "rows", "complete", "columns"];
const COLUMN_KEYS: [&str; 8] = ["name", "kind", "role", "date_order", "spelling", "missing", "why", "found"];
const SPELLING_KEYS: [&str; 4] = ["before", "after", "thousands", "decimal"];
const FOUND_KEYS: [&str; 6] = ["missing", "distinct", "whole", "range", "levels", "counts"];

impl Schema {
    /// Returns the schema as TOML, with comments that say how to edit it. The columns keep their
    /// order.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).expect("a schema has nothing that TOML lacks");
        format!("{HEAD}{text}")
    }

    /// Reads a schema from TOML, which may have been edited. `path` is where it stands, for
    /// messages.
    ///
    /// # Errors
    /// [`Error::Schema`] with the line, for what is no TOML, for an unknown key with the nearest
    /// name, and for what makes no sense; [`Error::Column`] for a name that is given twice.
    pub fn parse_toml(text: &str, path: Option<&Path>) -> Result<Schema> {
        let bad = |reason: String| Error::Schema { path: path.map(Path::to_path_buf), reason };
        let told = |error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            bad(line.map_or(message.clone(), |line| format!("line {line}: {message}")))
        };
        let table: toml::Table = toml::from_str(text).map_err(told)?;
        if let Some(version) = table.get("version").and_then(toml::Value::as_integer)
            && version > 1
        {
            let reason = format!("it has version {version} and needs a newer furlough; this one reads version 1");
            return Err(bad(reason));
        }
        check_keys(&table, &KEYS, "").map_err(bad)?;
        let columns = table.get("columns").and_then(toml::Value::as_array).into_iter().flatten();
        for column in columns.filter_map(toml::Value::as_table) {
            let name = column.get("name").and_then(toml::Value::as_str).unwrap_or("without a name");
            check_keys(column, &COLUMN_KEYS, &format!(" of column {name}")).map_err(bad)?;
            if let Some(spelling) = column.get("spelling").and_then(toml::Value::as_table) {
                check_keys(spelling, &SPELLING_KEYS, &format!(" of the spelling of column {name}")).map_err(bad)?;
            }
            if let Some(found) = column.get("found").and_then(toml::Value::as_table) {
                check_keys(found, &FOUND_KEYS, &format!(" of what was found in column {name}")).map_err(bad)?;
            }
        }
        let schema: Schema = toml::from_str(text).map_err(told)?;
        schema.check().map_err(|error| match error {
            Error::Schema { reason, .. } => bad(reason),
            other => other,
        })?;
        Ok(schema)
    }

    /// Checks that the schema makes sense.
    ///
    /// # Errors
    /// [`Error::Schema`] or [`Error::Column`] that say what does not.
    pub fn check(&self) -> Result<()> {
        let bad = |reason: String| Err(Error::Schema { path: None, reason });
        if self.columns.is_empty() {
            return bad("it has no columns".into());
        }
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        check_names(&names)?;
        for (role, what) in [(Role::Weight, "weight"), (Role::Group, "group"), (Role::Time, "time")] {
            let named: Vec<&str> = self.with_the_role(role).map(|place| names[place].as_str()).collect();
            if let [first, second, ..] = named[..] {
                return bad(format!("{first} and {second} have the role {what}; only one column can have it"));
            }
        }
        for column in &self.columns {
            let name = &column.name;
            if let Some(spelling) = &column.spelling {
                if column.kind != Kind::Number {
                    return bad(format!(
                        "column {name} has a spelling of numbers, but its kind is {}",
                        column.kind.name()
                    ));
                }
                if let Err(reason) = spelling.check() {
                    return bad(format!("the spelling of column {name}: {reason}"));
                }
            }
            match (column.kind, column.role, column.date_order) {
                (Kind::Date, role, None) if role.is_read() => {
                    let orders = DateOrder::ALL.map(|order| format!("{order:?}").to_lowercase()).join(", ");
                    return bad(format!("column {name} is a date; say its date_order: {orders}"));
                }
                (kind, _, Some(_)) if kind != Kind::Date => {
                    return bad(format!("column {name} has a date_order, but its kind is {}", kind.name()));
                }
                (kind, Role::Weight, _) if kind != Kind::Number => {
                    return bad(format!("column {name} has the role weight, but its kind is {}", kind.name()));
                }
                (kind, Role::Time, _) if !matches!(kind, Kind::Number | Kind::Date) => {
                    return bad(format!("column {name} has the role time, but its kind is {}", kind.name()));
                }
                (Kind::Text | Kind::Constant, Role::Feature, _) => {
                    let kind = column.kind.name();
                    return bad(format!(
                        "column {name} is a feature of kind {kind}, which cannot be learned from; \
                         set its role to \"ignore\", or its kind to \"category\""
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn check_keys(table: &toml::Table, known: &[&str], of: &str) -> std::result::Result<(), String> {
    let Some(unknown) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let hint = match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the keys are {}", known.join(", ")),
    };
    Err(format!("{unknown} is not a key{of}; {hint}"))
}
