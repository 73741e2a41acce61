use super::{ColumnSchema, Kind, Role, Schema};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Up to so many different whole numbers of a target may be classes.
pub const MOST_NUMBER_CLASSES: u64 = 20;

/// How often such a number stands at least, on average.
const TIMES: u64 = 5;

/// What is learned of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskChoice {
    /// Classes where the target is a category or a boolean, or has at most
    /// [`MOST_NUMBER_CLASSES`] different values which are whole numbers, each five times at least
    /// on average. Numbers otherwise.
    #[default]
    Auto,
    /// Classes.
    Classification,
    /// Numbers.
    Regression,
}

impl TaskChoice {
    /// All of them.
    pub const ALL: [TaskChoice; 3] = [TaskChoice::Auto, TaskChoice::Classification, TaskChoice::Regression];

    /// Returns its name: `auto`, `classification` or `regression`.
    pub fn name(self) -> &'static str {
        match self {
            TaskChoice::Auto => "auto",
            TaskChoice::Classification => "classification",
            TaskChoice::Regression => "regression",
        }
    }
}

impl Schema {
    /// Returns the schema with these columns for targets, and no other. Several targets are
    /// numbers.
    ///
    /// # Errors
    /// [`Error::Column`] when there is no such column, with the nearest name, and when it can be no
    /// such target.
    pub fn with_target<S: AsRef<str>>(mut self, names: &[S], task: TaskChoice) -> Result<Schema> {
        for column in self.columns.iter_mut().filter(|column| column.role == Role::Target) {
            column.role = Role::Feature;
        }
        if names.is_empty() {
            let reason = "no target is named; name the column that is to be predicted".into();
            return Err(Error::Schema { path: None, reason });
        }
        for name in names {
            let (place, values) = (self.find(name.as_ref())?, self.rows);
            let column = &mut self.columns[place];
            if column.role == Role::Target {
                return Err(refused(column, "is named twice as a target"));
            }
            make_target(column, values, if names.len() > 1 { several(task) } else { task })?;
        }
        Ok(self)
    }
}

fn several(task: TaskChoice) -> TaskChoice {
    if task == TaskChoice::Auto { TaskChoice::Regression } else { task }
}

fn make_target(column: &mut ColumnSchema, rows: u64, task: TaskChoice) -> Result<()> {
    column.role = Role::Target;
    let (distinct, values) = (column.found.distinct, rows.saturating_sub(column.found.missing));
    let (kind, why) = match (column.kind, task) {
        (Kind::Constant, _) if distinct == 0 => return Err(refused(column, "has no value, so it cannot be learned")),
        (Kind::Constant, _) => {
            return Err(refused(column, "has the same value in each row, so there is nothing to learn"));
        }
        (Kind::Date, _) => return Err(refused(column, "holds dates, which cannot be predicted")),
        (Kind::Number, TaskChoice::Auto)
            if column.found.whole && distinct <= MOST_NUMBER_CLASSES && values >= TIMES * distinct =>
        {
            let why = format!("the {distinct} different whole numbers of a target with {values} values are classes");
            (Kind::Category, why)
        }
        (Kind::Number, TaskChoice::Classification) => (Kind::Category, "its numbers were said to be classes".into()),
        (Kind::Number, _) => (Kind::Number, column.why.clone()),
        (_, TaskChoice::Regression) if column.kind != Kind::Number => {
            (Kind::Number, "it was said to be a number".into())
        }
        (Kind::Boolean, _) => (Kind::Boolean, column.why.clone()),
        (_, _) => (Kind::Category, column.why.clone()),
    };
    if kind == Kind::Category && column.kind == Kind::Number {
        // The usual spellings of a missing number stay missing, though they now need be said.
        let usual = crate::block::MISSING_NUMBERS.into_iter().filter(|usual| column.missing.iter().all(|m| m != usual));
        let usual: Vec<String> = usual.map(String::from).collect();
        column.missing.extend(usual);
    }
    if kind != Kind::Number {
        column.spelling = None;
    }
    (column.kind, column.why) = (kind, why);
    Ok(())
}

fn refused(column: &ColumnSchema, reason: &str) -> Error {
    Error::Column { name: column.name.clone(), reason: reason.into(), nearest: None }
}
