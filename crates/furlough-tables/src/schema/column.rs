use super::{DateOrder, NumberSpelling};
use crate::readers::FileFormat;
use serde::{Deserialize, Serialize};

/// The columns of a table: what was inferred or said of them. It goes into model files, and as
/// TOML to people ([`Schema::to_toml`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The version of this description, 1.
    pub version: u32,
    /// The file's format; none for a table that came from memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// How many rows were looked at.
    #[serde(default)]
    pub rows: u64,
    /// Whether these were all rows.
    #[serde(default)]
    pub complete: bool,
    /// The columns, in the file's order.
    pub columns: Vec<ColumnSchema>,
}

/// One column of a [`Schema`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSchema {
    /// The name, by which files are matched.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// What it is for.
    pub role: Role,
    /// The order of day, month and year; for dates only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// How numbers are written that are not plain; for numbers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spelling: Option<NumberSpelling>,
    /// The spellings of a missing value. Those of a category are exactly these. In numbers,
    /// booleans and dates the usual ones ([`MISSING_NUMBERS`](crate::block::MISSING_NUMBERS)) are
    /// missing besides.
    #[serde(default)]
    pub missing: Vec<String>,
    /// One sentence that says why kind and role are what they are.
    #[serde(default)]
    pub why: String,
    /// What was found; nothing depends on it once the schema stands.
    #[serde(default)]
    pub found: ColumnFindings,
}

/// What was found in the rows of a column that were looked at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnFindings {
    /// How many cells are missing.
    pub missing: u64,
    /// How many different values there are besides; of more than 131,072 an estimate.
    pub distinct: u64,
    /// Whether they are whole numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// The least and the greatest number or date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[String; 2]>,
    /// The levels of a category or boolean, most frequent first, and at most 100 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// How often each of these levels stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<u64>,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The network sees it.
    Feature,
    /// The network learns to answer with it.
    Target,
    /// How much a row counts.
    Weight,
    /// Rows of one group never stand in two parts of a split.
    Group,
    /// The rows that are latest by it are the test part of a split.
    Time,
    /// It names the row. It is not read.
    Id,
    /// It is not read.
    Ignore,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Numbers.
    Number,
    /// One of some levels.
    Category,
    /// Yes or no, as 0/1, 0.0/1.0, true/false, t/f, yes/no, y/n or on/off.
    Boolean,
    /// A date, with or without a time of day.
    Date,
    /// Free text, which cannot be learned from yet.
    Text,
    /// The same in each row.
    Constant,
}

impl Role {
    /// Whether a table holds the values of such a column.
    pub fn is_read(self) -> bool {
        !matches!(self, Role::Id | Role::Ignore)
    }
}

impl Kind {
    /// Returns its name, as a schema spells it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Category => "category",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Text => "text",
            Kind::Constant => "constant",
        }
    }
}

impl ColumnSchema {
    /// Returns what a column is that has been said and not inferred; nothing was found in it.
    pub fn new(name: impl Into<String>, kind: Kind, role: Role, why: &str) -> Self {
        let (missing, found) = (Vec::new(), ColumnFindings::default());
        ColumnSchema {
            name: name.into(),
            kind,
            role,
            date_order: None,
            spelling: None,
            missing,
            why: why.into(),
            found,
        }
    }
}

impl Schema {
    /// Returns the schema of an array of numbers with so many rows: each column is a feature.
    pub fn of_numbers<S: AsRef<str>>(names: &[S], rows: u64) -> Self {
        let column = |name: &S| {
            ColumnSchema::new(name.as_ref(), Kind::Number, Role::Feature, "it is a column of an array of numbers")
        };
        Schema { version: 1, format: None, rows, complete: true, columns: names.iter().map(column).collect() }
    }

    /// Returns the place of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Returns the places of the columns with a role.
    pub fn with_the_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        (0..self.columns.len()).filter(move |&place| self.columns[place].role == role)
    }
}
