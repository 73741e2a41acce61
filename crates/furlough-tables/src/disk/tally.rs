//! What the training rows hold of each column, counted block by block.

use super::moments::Moments;
use crate::error::{Error, Result};
use crate::preprocessing::{ColumnFigures, Scaling, spellings};
use crate::schema::{ColumnSchema, Kind, Role};
use crate::table::{Column, MISSING, Table};
use std::collections::HashMap;

/// What is counted of a column.
pub(super) enum Tally {
    Numbers(NumberTally),
    Levels(LevelTally),
    Nothing,
}

pub(super) struct NumberTally {
    /// Whether mean and deviation are wanted.
    wants_moments: bool,
    moments: Moments,
    least: f64,
    greatest: f64,
    lacking: u64,
    infinite: u64,
}

#[derive(Default)]
pub(super) struct LevelTally {
    counts: HashMap<String, u64>,
    /// Bytes of the levels.
    text: usize,
    missing: u64,
    /// How a boolean's no and yes are spelled first.
    sides: [Option<String>; 2],
}

/// The most different levels of a column, and bytes of them.
const MOST_LEVELS: usize = 1 << 20;
const MOST_TEXT: usize = 1 << 26;

impl Tally {
    /// Begins with a column.
    pub(super) fn new(column: &ColumnSchema, scaling: Scaling) -> Self {
        match (column.role, column.kind) {
            (Role::Feature | Role::Target, Kind::Number | Kind::Date) => {
                let wants_moments = column.role == Role::Target || scaling == Scaling::Standard;
                Tally::Numbers(NumberTally {
                    wants_moments,
                    moments: Moments::default(),
                    least: f64::INFINITY,
                    greatest: f64::NEG_INFINITY,
                    lacking: 0,
                    infinite: 0,
                })
            }
            (Role::Feature | Role::Target, _) => Tally::Levels(LevelTally::default()),
            _ => Tally::Nothing,
        }
    }

    /// Adds some rows of the column at `place`.
    ///
    /// # Errors
    /// [`Error::Column`] for more levels than are counted.
    pub(super) fn add(&mut self, table: &Table, place: usize, rows: &[u32]) -> Result<()> {
        let schema = &table.schema().columns[place];
        match (self, &table.columns()[place]) {
            (Tally::Numbers(tally), Column::Numbers(all)) => tally.add(all, rows),
            (Tally::Levels(tally), Column::Codes { codes, levels }) => {
                let boolean = schema.kind == Kind::Boolean;
                tally.add(&spellings(boolean, levels), codes, rows);
                if boolean {
                    tally.note_sides(levels);
                }
                if tally.counts.len() > MOST_LEVELS || tally.text > MOST_TEXT {
                    let reason = "has more different levels than memory is meant for; give it the role id or ignore";
                    return Err(Error::Column { name: schema.name.clone(), reason: reason.into(), nearest: None });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns what is known of the column at `place`, of which `sample` has rows, perhaps all.
    pub(super) fn figures(self, (sample, has_all): (&Table, bool), place: usize) -> ColumnFigures {
        match (self, &sample.columns()[place]) {
            (Tally::Numbers(tally), Column::Numbers(values)) => {
                // The least and the greatest are always among them: a number that few rows have is
                // no constant.
                let ends: &[f64] = if has_all { &[] } else { &[tally.least, tally.greatest] };
                let finite = values.iter().chain(ends).copied().filter(|value| value.is_finite()).collect();
                let moments = (tally.wants_moments && !has_all).then(|| tally.moments.get());
                ColumnFigures::Numbers { finite, moments, indicator: tally.lacking > 0, infinite: tally.infinite }
            }
            (Tally::Levels(LevelTally { counts, missing, .. }), Column::Codes { .. }) => {
                ColumnFigures::Levels { counts: counts.into_iter().collect(), missing }
            }
            _ => ColumnFigures::Nothing,
        }
    }

    /// Returns the levels that rows have: of a boolean no before yes, as they are spelled.
    pub(super) fn levels(&self) -> Vec<String> {
        match self {
            Tally::Levels(tally) if tally.sides.iter().any(Option::is_some) => {
                tally.sides.iter().flatten().cloned().collect()
            }
            Tally::Levels(tally) => {
                let mut levels: Vec<String> = tally.counts.keys().cloned().collect();
                levels.sort_unstable();
                levels
            }
            Tally::Numbers(_) | Tally::Nothing => Vec::new(),
        }
    }

    /// Returns mean and deviation of numbers, and one of them.
    pub(super) fn moments(&self) -> ((f64, f64), Option<f64>) {
        match self {
            Tally::Numbers(tally) => (tally.moments.get(), Some(tally.least).filter(|least| least.is_finite())),
            Tally::Levels(_) | Tally::Nothing => ((0.0, 0.0), None),
        }
    }
}

impl NumberTally {
    fn add(&mut self, all: &[f64], rows: &[u32]) {
        let values = || rows.iter().map(|&row| all[row as usize]);
        for value in values() {
            if value.is_finite() {
                self.least = self.least.min(value);
                self.greatest = self.greatest.max(value);
            } else {
                self.lacking += 1;
                self.infinite += u64::from(value.is_infinite());
            }
        }
        if self.wants_moments {
            self.moments.add(&values().filter(|value| value.is_finite()).collect::<Vec<_>>());
        }
    }
}

impl LevelTally {
    /// Takes the spellings of the sides that rows had so far; `spelled` has those of a block.
    fn note_sides(&mut self, spelled: &[String]) {
        for ((side, counted), spelled) in self.sides.iter_mut().zip(["false", "true"]).zip(spelled) {
            if side.is_none() && self.counts.contains_key(counted) {
                *side = Some(spelled.clone());
            }
        }
    }

    fn add(&mut self, levels: &[String], codes: &[u32], rows: &[u32]) {
        let mut counts = vec![0; levels.len()];
        for &row in rows {
            match codes[row as usize] {
                MISSING => self.missing += 1,
                code => counts[code as usize] += 1,
            }
        }
        for (level, count) in levels.iter().zip(counts).filter(|(_, count)| *count > 0) {
            match self.counts.get_mut(level) {
                Some(sum) => *sum += count,
                None => {
                    self.text += level.len();
                    self.counts.insert(level.clone(), count);
                }
            }
        }
    }
}
