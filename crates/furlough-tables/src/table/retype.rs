//! Targets of a table that was read without them.

use super::{Column, MISSING, Table};
use crate::error::Result;
use crate::schema::{Kind, TaskChoice, number_of, number_text};
use std::collections::HashMap;

impl Table {
    /// Returns the table with these columns for targets, as [`Schema::with_target`] decides. Where
    /// numbers become classes, whole ones are named without a point.
    ///
    /// [`Schema::with_target`]: crate::schema::Schema::with_target
    ///
    /// # Errors
    /// Those of [`Schema::with_target`]; [`Error::Column`](crate::Error::Column) when a column was
    /// not read, [`Error::Value`](crate::Error::Value) for a text that is to be a number.
    pub fn with_target<S: AsRef<str>>(mut self, names: &[S], task: TaskChoice) -> Result<Table> {
        self.schema = self.schema.clone().with_target(names, task)?;
        for name in names {
            self.must_be_read(name.as_ref())?;
            let place = self.schema.find(name.as_ref())?;
            let column = std::mem::replace(&mut self.columns[place], Column::Dropped);
            self.columns[place] = match (self.schema.columns[place].kind, column) {
                (Kind::Category, Column::Numbers(numbers)) => classes_of(&numbers),
                (Kind::Number, Column::Codes { codes, levels }) => self.numbers_of(place, &codes, &levels)?,
                (_, column) => column,
            };
        }
        Ok(self)
    }

    fn numbers_of(&self, place: usize, codes: &[u32], levels: &[String]) -> Result<Column> {
        let parsed: Vec<Option<f64>> = levels.iter().map(|level| number_of(level, false)).collect();
        let number = |(row, &code): (usize, &u32)| match code {
            MISSING => Ok(f64::NAN),
            code => parsed[code as usize].ok_or_else(|| {
                let reason = "is not a number, so the column cannot be predicted as numbers";
                self.cell_error(row, place, &levels[code as usize], reason)
            }),
        };
        Ok(Column::Numbers(codes.iter().enumerate().map(number).collect::<Result<_>>()?))
    }
}

fn classes_of(numbers: &[f64]) -> Column {
    let (mut places, mut levels) = (HashMap::new(), Vec::new());
    let mut code = |&number: &f64| {
        if number.is_nan() {
            return MISSING;
        }
        *places.entry(number_text(number)).or_insert_with_key(|text| {
            levels.push(text.clone());
            levels.len() as u32 - 1
        })
    };
    let codes = numbers.iter().map(&mut code).collect();
    Column::Codes { codes, levels }
}
