use super::numbers::{NumberSummary, NumberTally};
use crate::block::{RowBlock, TextValues, Values};
use crate::error::{Error, Place};
use crate::hashing::{self, ByHash, HashSample};
use crate::readers::FileFormat;
use crate::schema::{
    ColumnSchema, DateOrder, Kind, Role, Schema, boolean_of, is_missing_number, number_of, number_text,
};
use serde::Serialize;
use std::collections::hash_map::Entry;
use std::path::Path;

/// Up to so many different values of a column are counted exactly.
const DIFFERENT: usize = 1 << 12;

/// Of so many different levels each is counted, those that come first.
const COUNTED: usize = 1 << 14;

/// Of ids and free text so many are examples.
const EXAMPLES: usize = 3;

/// So many levels are listed.
const LISTED: usize = 100;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ColumnSummary {
    /// The name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// What it is for.
    pub role: Role,
    /// Whether the file has it.
    pub present: bool,
    /// How many cells are missing, infinite ones among them.
    pub missing: u64,
    /// How many numbers are infinite.
    pub infinite: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// Whether these were counted; otherwise they are estimated, by about 2 %.
    pub distinct_exact: bool,
    /// The levels of what is no number and no date, most frequent first, at most 100 of them; some
    /// examples of ids and free text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelCount>,
    /// The numbers or dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberSummary>,
}

/// A level and how often it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelCount {
    /// The level as it is written.
    pub level: String,
    /// How many rows have it.
    pub count: u64,
}

/// A column in the pass over a file.
pub(super) struct Tally<'a> {
    column: &'a ColumnSchema,
    decimal_comma: bool,
    missing_numbers: Vec<f64>,
    missing: u64,
    different: HashSample,
    levels: ByHash<LevelCount>,
    /// How many of these there may be.
    room: usize,
    numbers: NumberTally,
}

/// A cell that contradicts the schema.
pub(super) struct WrongCell<'a> {
    column: &'a str,
    row: usize,
    value: String,
    what: &'static str,
}

impl WrongCell<'_> {
    pub(super) fn error(self, path: &Path, block: &RowBlock) -> Error {
        let row = Some(block.first_row + self.row as u64 + 1);
        let place = Place { row, ..Place::default() }.in_column(self.column);
        Error::Value { path: path.into(), place, value: self.value, reason: format!("is not {}", self.what) }
    }
}

/// What a cell holds.
enum Cell<'t> {
    Missing,
    Number(f64),
    Level(&'t str),
}

impl<'a> Tally<'a> {
    pub(super) fn new(column: &'a ColumnSchema, schema: &Schema) -> Self {
        let decimal_comma = matches!(schema.format, Some(FileFormat::Csv { decimal_comma: true, .. }));
        Tally {
            column,
            decimal_comma,
            missing_numbers: column.missing.iter().filter_map(|said| number_of(said, decimal_comma)).collect(),
            missing: 0,
            different: HashSample::new(DIFFERENT),
            levels: ByHash::default(),
            room: if column.kind == Kind::Text || column.role == Role::Id { EXAMPLES } else { COUNTED },
            numbers: NumberTally::default(),
        }
    }

    /// Counts the cells of a block, and adds them to the hashes of their rows.
    pub(super) fn add(&mut self, values: &Values, rows: &mut [u64]) -> Result<(), WrongCell<'a>> {
        match values {
            Values::Skipped => Ok(()),
            Values::Text(texts) => self.add_texts(texts, rows),
            Values::Numbers(numbers) if matches!(self.column.kind, Kind::Number | Kind::Date) => {
                for (row, &number) in numbers.iter().enumerate() {
                    self.count(
                        if self.is_missing(number) { Cell::Missing } else { Cell::Number(number) },
                        &mut rows[row],
                    );
                }
                Ok(())
            }
            Values::Numbers(numbers) => {
                let mut texts = TextValues::default();
                let text = |&number: &f64| (!number.is_nan()).then(|| number_text(number));
                numbers.iter().for_each(|number| texts.push(text(number).as_deref()));
                self.add_texts(&texts, rows)
            }
        }
    }

    fn add_texts(&mut self, texts: &TextValues, rows: &mut [u64]) -> Result<(), WrongCell<'a>> {
        for (row, text) in texts.iter().enumerate() {
            let cell = self.cell(text).map_err(|what| WrongCell {
                column: &self.column.name,
                row,
                value: text.unwrap_or_default().into(),
                what,
            })?;
            self.count(cell, &mut rows[row]);
        }
        Ok(())
    }

    fn is_missing(&self, number: f64) -> bool {
        number.is_nan() || self.missing_numbers.contains(&number)
    }

    fn number(&self, text: &str) -> Option<f64> {
        let spelled = self.column.spelling.as_ref().and_then(|spelling| spelling.number_of(text));
        spelled.or_else(|| number_of(text, self.decimal_comma))
    }

    /// Returns what a text is, or what it is not and should be.
    fn cell<'t>(&self, text: Option<&'t str>) -> Result<Cell<'t>, &'static str> {
        let exact = matches!(self.column.kind, Kind::Category | Kind::Text | Kind::Constant);
        let missing =
            |text: &str| (!exact && is_missing_number(text)) || self.column.missing.iter().any(|said| said == text);
        let Some(text) = text.filter(|text| !missing(text)) else { return Ok(Cell::Missing) };
        match self.column.kind {
            Kind::Number => match self.number(text) {
                Some(number) if self.is_missing(number) => Ok(Cell::Missing),
                Some(number) => Ok(Cell::Number(number)),
                None => Err("a number"),
            },
            Kind::Date => {
                self.column.date_order.unwrap_or(DateOrder::Ymd).parse(text).map(Cell::Number).ok_or("such a date")
            }
            Kind::Boolean => boolean_of(text).map(|_| Cell::Level(text)).ok_or("a boolean, such as true or false"),
            Kind::Category | Kind::Text | Kind::Constant => Ok(Cell::Level(text)),
        }
    }

    fn count(&mut self, cell: Cell, row: &mut u64) {
        let hash = match cell {
            Cell::Missing => {
                self.missing += 1;
                0
            }
            Cell::Number(number) => {
                self.numbers.add(number);
                hashing::of_number(number)
            }
            Cell::Level(text) => hashing::of_text(text),
        };
        // Ids make each row another.
        if self.column.role != Role::Id {
            *row = hashing::with(*row, hash);
        }
        if hash == 0 {
            return;
        }
        self.different.add(hash);
        if let Cell::Level(text) = cell {
            let is_full = self.levels.len() >= self.room;
            match self.levels.entry(hash) {
                Entry::Occupied(mut level) => level.get_mut().count += 1,
                Entry::Vacant(place) if !is_full => {
                    place.insert(LevelCount { level: text.into(), count: 1 });
                }
                Entry::Vacant(_) => {}
            }
        }
    }

    /// Returns the summary of a column with so many cells, given those that were sampled; none
    /// where the file lacks it.
    pub(super) fn finish(self, rows: u64, sampled: Option<&Values>) -> ColumnSummary {
        let numbers = match sampled {
            Some(values) if matches!(self.column.kind, Kind::Number | Kind::Date) => {
                self.numbers.finish(self.sampled_numbers(values))
            }
            _ => None,
        };
        let mut levels: Vec<LevelCount> = self.levels.into_values().collect();
        levels.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.level.cmp(&b.level)));
        levels.truncate(LISTED);
        ColumnSummary {
            name: self.column.name.clone(),
            kind: self.column.kind,
            role: self.column.role,
            present: sampled.is_some(),
            missing: if sampled.is_some() { self.missing + self.numbers.infinite } else { rows },
            infinite: self.numbers.infinite,
            distinct: self.different.distinct(),
            distinct_exact: self.different.is_exact(),
            levels,
            numbers,
        }
    }

    fn sampled_numbers(&self, values: &Values) -> Vec<f64> {
        let number = |cell: Result<Cell, _>| match cell {
            Ok(Cell::Number(number)) => Some(number),
            _ => None,
        };
        match values {
            Values::Numbers(numbers) => numbers.iter().copied().filter(|&number| !self.is_missing(number)).collect(),
            Values::Text(texts) => texts.iter().filter_map(|text| number(self.cell(text))).collect(),
            Values::Skipped => Vec::new(),
        }
    }
}
