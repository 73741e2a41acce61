//! From the cells of blocks to one typed column.

use super::{Column, MISSING};
use crate::block::{ReadAs, TextValues, Values};
use crate::schema::{
    ColumnSchema, DateOrder, Kind, NumberSpelling, boolean_of, is_missing_number, number_of, number_text,
};
use std::collections::HashMap;

/// A cell that its column cannot hold: its place among the cells, its text, and what it is not.
#[derive(Debug)]
pub(super) struct WrongCell {
    pub index: usize,
    pub value: String,
    pub reason: String,
}

/// A column in the making.
pub(super) struct ColumnBuilder {
    kind: Kind,
    date_order: DateOrder,
    spelling: Option<NumberSpelling>,
    decimal_comma: bool,
    missing: Vec<String>,
    /// What `missing` spells, as numbers.
    missing_numbers: Vec<f64>,
    read: bool,
    numbers: Vec<f64>,
    codes: Vec<u32>,
    levels: Vec<String>,
    places: HashMap<String, u32>,
}

/// Returns what a reader is to make of a column.
pub(super) fn read_as(column: &ColumnSchema) -> ReadAs {
    match column.kind {
        _ if !column.role.is_read() => ReadAs::Skip,
        // The readers know plain numbers.
        Kind::Number if column.spelling.is_some() => ReadAs::Text,
        Kind::Number => {
            let ReadAs::Numbers { mut missing } = ReadAs::numbers() else { return ReadAs::Text };
            missing.extend(column.missing.iter().filter(|said| !is_missing_number(said)).cloned());
            ReadAs::Numbers { missing }
        }
        _ => ReadAs::Text,
    }
}

impl ColumnBuilder {
    pub(super) fn new(column: &ColumnSchema, decimal_comma: bool) -> Self {
        // Of a boolean the levels are no and yes, spelled as they are seen first.
        let levels = if column.kind == Kind::Boolean { vec![String::new(); 2] } else { Vec::new() };
        ColumnBuilder {
            kind: column.kind,
            date_order: column.date_order.unwrap_or(DateOrder::Ymd),
            spelling: column.spelling.clone(),
            decimal_comma,
            missing: column.missing.clone(),
            missing_numbers: column.missing.iter().filter_map(|said| number_of(said, decimal_comma)).collect(),
            read: column.role.is_read(),
            numbers: Vec::new(),
            codes: Vec::new(),
            levels,
            places: HashMap::new(),
        }
    }

    /// Returns the builder of the same column without rows.
    pub(super) fn emptied(&self) -> Self {
        let levels = if self.kind == Kind::Boolean { vec![String::new(); 2] } else { Vec::new() };
        ColumnBuilder {
            spelling: self.spelling.clone(),
            missing: self.missing.clone(),
            missing_numbers: self.missing_numbers.clone(),
            numbers: Vec::new(),
            codes: Vec::new(),
            levels,
            places: HashMap::new(),
            ..*self
        }
    }

    /// Adds the cells of a block.
    pub(super) fn push(&mut self, values: &Values) -> Result<(), WrongCell> {
        match values {
            _ if !self.read => Ok(()),
            Values::Skipped => Ok(()),
            Values::Text(texts) => self.push_texts(texts),
            Values::Numbers(numbers) if self.kind == Kind::Number => {
                let missing = &self.missing_numbers;
                self.numbers.extend(numbers.iter().map(|&number| known(number, missing)));
                Ok(())
            }
            Values::Numbers(numbers) => self.push_numbers_as_texts(numbers),
        }
    }

    fn push_numbers_as_texts(&mut self, numbers: &[f64]) -> Result<(), WrongCell> {
        for (index, &number) in numbers.iter().enumerate() {
            let text = (!number.is_nan()).then(|| number_text(number));
            self.push_text(text.as_deref()).map_err(|reason| WrongCell {
                index,
                value: text.unwrap_or_default(),
                reason,
            })?;
        }
        Ok(())
    }

    fn push_texts(&mut self, texts: &TextValues) -> Result<(), WrongCell> {
        for (index, text) in texts.iter().enumerate() {
            self.push_text(text).map_err(|reason| WrongCell {
                index,
                value: text.unwrap_or_default().into(),
                reason,
            })?;
        }
        Ok(())
    }

    fn push_text(&mut self, text: Option<&str>) -> Result<(), String> {
        let text = text.filter(|text| !self.is_missing(text));
        match self.kind {
            Kind::Number => {
                let number = text.map(|text| self.number(text).ok_or_else(|| not("a number")));
                let number = number.transpose()?.unwrap_or(f64::NAN);
                self.numbers.push(known(number, &self.missing_numbers));
            }
            Kind::Date => {
                let order = self.date_order;
                let seconds = text.map(|text| order.parse(text).ok_or_else(|| not(date_kind(order)))).transpose()?;
                self.numbers.push(seconds.unwrap_or(f64::NAN));
            }
            Kind::Boolean => {
                let code = text.map(|text| self.boolean(text)).transpose()?;
                self.codes.push(code.unwrap_or(MISSING));
            }
            Kind::Category | Kind::Text | Kind::Constant => {
                let code = text.map_or(MISSING, |text| self.level(text));
                self.codes.push(code);
            }
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Option<f64> {
        let spelled = self.spelling.as_ref().and_then(|spelling| spelling.number_of(text));
        // A file of another format has plain numbers.
        spelled.or_else(|| number_of(text, self.decimal_comma))
    }

    fn is_missing(&self, text: &str) -> bool {
        let exact = matches!(self.kind, Kind::Category | Kind::Text | Kind::Constant);
        (!exact && is_missing_number(text)) || self.missing.iter().any(|said| said == text)
    }

    fn boolean(&mut self, text: &str) -> Result<u32, String> {
        let Some((_, yes)) = boolean_of(text) else { return Err(not("a boolean, such as true or false")) };
        let level = &mut self.levels[usize::from(yes)];
        if level.is_empty() {
            *level = text.trim().into();
        }
        Ok(u32::from(yes))
    }

    fn level(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.places.get(text) {
            return code;
        }
        let code = self.levels.len() as u32; // as many as rows at most, and those are fewer than 2^32
        self.places.insert(text.into(), code);
        self.levels.push(text.into());
        code
    }

    /// Returns the column.
    pub(super) fn finish(mut self) -> Column {
        match self.kind {
            _ if !self.read => Column::Dropped,
            Kind::Number | Kind::Date => Column::Numbers(self.numbers),
            Kind::Boolean => {
                for (level, usual) in self.levels.iter_mut().zip(["false", "true"]) {
                    if level.is_empty() {
                        *level = usual.into();
                    }
                }
                Column::Codes { codes: self.codes, levels: self.levels }
            }
            Kind::Category | Kind::Text | Kind::Constant => Column::Codes { codes: self.codes, levels: self.levels },
        }
    }
}

/// Returns the number, or NaN where it stands for a missing one.
fn known(number: f64, missing: &[f64]) -> f64 {
    if missing.contains(&number) { f64::NAN } else { number }
}

fn not(what: &str) -> String {
    format!("is not {what}; mend it, list it in the column's missing values, or change the column's kind")
}

fn date_kind(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Ymd => "a date with the year first",
        DateOrder::Dmy => "a date with the day first",
        DateOrder::Mdy => "a date with the month first",
    }
}
