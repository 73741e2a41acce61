use super::infer::check_names;
use super::{ColumnSchema, Kind, Role, Schema, nearest};
use crate::error::{Error, Result};

/// Where a file has the columns of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMatch {
    /// For each column of the schema its place in the file; none where the file lacks it.
    pub places: Vec<Option<usize>>,
    /// The columns of the file that the schema lacks.
    pub extra: Vec<String>,
}

impl Schema {
    /// Finds the columns of a file by name, whatever their order. Only features must be there:
    /// predicting needs no target. Extra columns are told.
    ///
    /// # Errors
    /// [`Error::Schema`] when none of several features is there; [`Error::Column`] for a feature
    /// that is missing, with the extra column that was probably meant; and for a name that two
    /// columns have.
    pub fn matching(&self, names: &[String]) -> Result<ColumnMatch> {
        check_names(names)?;
        let known = |name: &String| self.position(name).is_some();
        let extra: Vec<String> = names.iter().filter(|name| !known(name)).cloned().collect();
        self.is_of_this_table(names, &extra)?;
        let place = |column: &ColumnSchema| {
            let place = names.iter().position(|name| *name == column.name);
            if place.is_none() && column.role == Role::Feature {
                let reason = "is missing in this table; the model needs each feature that it learned from".into();
                let nearest = nearest(&column.name, extra.iter().map(String::as_str));
                return Err(Error::Column { name: column.name.clone(), reason, nearest });
            }
            Ok(place)
        };
        Ok(ColumnMatch { places: self.columns.iter().map(place).collect::<Result<_>>()?, extra })
    }

    /// Checks that some of several features are there: without any, it is another table's schema.
    fn is_of_this_table(&self, names: &[String], extra: &[String]) -> Result<()> {
        let features: Vec<&str> = self.with_the_role(Role::Feature).map(|at| self.columns[at].name.as_str()).collect();
        if features.len() < 2 || extra.is_empty() || features.iter().any(|feature| names.iter().any(|n| n == feature)) {
            return Ok(());
        }
        let list = |names: &mut dyn Iterator<Item = &str>| {
            let some: Vec<&str> = names.take(6).collect();
            let more = if some.len() > 5 { ", …" } else { "" };
            some[..some.len().min(5)].join(", ") + more
        };
        let wanted = list(&mut features.iter().copied());
        let there = list(&mut names.iter().map(String::as_str));
        let reason = format!("it is of another table: its features are {wanted}, and this table's columns are {there}");
        Err(Error::Schema { path: None, reason })
    }

    /// Returns the schema with another role for a column.
    ///
    /// # Errors
    /// [`Error::Column`] when there is no such column, with the nearest name.
    pub fn with_role(mut self, name: &str, role: Role) -> Result<Schema> {
        let place = self.find(name)?;
        let column = &mut self.columns[place];
        column.role = role;
        // Weights of 0 and 1, or all the same, are numbers too.
        if matches!((role, column.kind), (Role::Weight | Role::Time, Kind::Boolean | Kind::Constant)) {
            column.kind = Kind::Number;
        }
        Ok(self)
    }

    /// Returns the place of a column.
    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        self.position(name).ok_or_else(|| {
            let nearest = nearest(name, self.columns.iter().map(|column| column.name.as_str()));
            let known: Vec<_> = self.columns.iter().take(10).map(|column| column.name.as_str()).collect();
            let more = if self.columns.len() > 10 { ", …" } else { "" };
            let reason = format!("there is no such column; the columns are {}{more}", known.join(", "));
            Error::Column { name: name.into(), reason, nearest }
        })
    }
}
