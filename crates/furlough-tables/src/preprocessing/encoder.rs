//! One column, from its values to its features.

use super::categories::Coded;
use super::{CategoryEncoder, DateEncoder, PreprocessingOptions, ScaledNumber, Told};
use crate::error::{Error, Result};
use crate::schema::{ColumnSchema, Kind};
use crate::table::{Column, MISSING, Table};
use furlough::data::Examples;
use ndarray::ArrayViewMut2;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// How a column becomes features, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnEncoder {
    /// The column.
    pub column: String,
    /// Its way to features.
    pub encoding: Encoding,
}

/// The ways from a column to features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "encoding")]
pub enum Encoding {
    /// A scaled number.
    Number {
        /// The scale; none where all training rows have the same number.
        number: Option<ScaledNumber>,
        /// Whether a feature says that the number is missing: where training rows lacked it.
        indicator: bool,
        /// Whether training rows lacked it without such a feature.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lacked: bool,
    },
    /// Parts of a date.
    Date {
        /// The parts.
        date: DateEncoder,
        /// Whether a feature says that the date is missing.
        indicator: bool,
        /// Whether training rows lacked it without such a feature.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lacked: bool,
    },
    /// Codes of a category, or of a boolean, whose levels are then `false` and `true`.
    Category {
        /// The codes.
        category: CategoryEncoder,
        /// Whether it is a boolean.
        boolean: bool,
    },
}

/// The levels of a boolean, whatever their spelling in a file.
const BOOLEAN: [&str; 2] = ["false", "true"];

/// What the training rows hold of a column.
pub(crate) enum ColumnFigures {
    /// Numbers or dates.
    Numbers {
        /// The finite ones, or a sample of them.
        finite: Vec<f64>,
        /// Mean and standard deviation of all, where these are a sample.
        moments: Option<(f64, f64)>,
        /// Whether some are missing or infinite.
        indicator: bool,
        /// How many are infinite.
        infinite: u64,
    },
    /// Categories and booleans.
    Levels {
        /// How many rows have each level; one may come several times.
        counts: Vec<(String, u64)>,
        /// How many have none.
        missing: u64,
    },
    /// Nothing was read.
    Nothing,
}

impl ColumnFigures {
    /// Returns what some rows of a table hold of the column at `place`.
    pub(super) fn of(table: &Table, place: usize, rows: &[u32]) -> Self {
        match &table.columns()[place] {
            Column::Numbers(all) => {
                let values: Vec<f64> = rows.iter().map(|&row| all[row as usize]).collect();
                let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
                let indicator = finite.len() < values.len();
                let infinite = values.iter().filter(|value| value.is_infinite()).count() as u64;
                ColumnFigures::Numbers { finite, moments: None, indicator, infinite }
            }
            Column::Codes { codes, levels } => {
                let (mut counts, mut missing) = (vec![0; levels.len()], 0);
                for &row in rows {
                    match codes[row as usize] {
                        MISSING => missing += 1,
                        code => counts[code as usize] += 1,
                    }
                }
                let boolean = table.schema().columns[place].kind == Kind::Boolean;
                ColumnFigures::Levels { counts: spellings(boolean, levels).into_iter().zip(counts).collect(), missing }
            }
            Column::Dropped => ColumnFigures::Nothing,
        }
    }

    /// Returns how many are infinite.
    pub(super) fn infinite(&self) -> u64 {
        match self {
            ColumnFigures::Numbers { infinite, .. } => *infinite,
            ColumnFigures::Levels { .. } | ColumnFigures::Nothing => 0,
        }
    }
}

impl ColumnEncoder {
    /// Fits to what the training rows hold of a column. Returns too how many of them have rare
    /// levels.
    pub(super) fn fit(schema: &ColumnSchema, figures: ColumnFigures, options: &PreprocessingOptions) -> (Self, u64) {
        let mut rare_rows = 0;
        let encoding = match figures {
            ColumnFigures::Numbers { finite, moments, indicator, .. } => {
                let (indicator, lacked) = (indicator && options.missing_apart, indicator && !options.missing_apart);
                if schema.kind == Kind::Date {
                    Encoding::Date { date: DateEncoder::fit(&finite, options.scaling), indicator, lacked }
                } else {
                    let number = ScaledNumber::fit_with(finite, moments, options.scaling);
                    let number = (!number.scale.is_flat()).then_some(number);
                    Encoding::Number { number, indicator, lacked }
                }
            }
            ColumnFigures::Levels { counts, missing } => {
                let boolean = schema.kind == Kind::Boolean;
                let category = CategoryEncoder::fit(counts.clone(), missing, options);
                let rare: HashSet<&String> = category.rare.iter().collect();
                rare_rows = counts.iter().filter(|(level, _)| rare.contains(level)).map(|(_, count)| count).sum();
                Encoding::Category { category, boolean }
            }
            ColumnFigures::Nothing => Encoding::Number { number: None, indicator: false, lacked: false },
        };
        (ColumnEncoder { column: schema.name.clone(), encoding }, rare_rows)
    }

    /// Returns the names of the features, in order.
    pub fn feature_names(&self) -> Vec<String> {
        let column = &self.column;
        let missing = |indicator: &bool| indicator.then(|| format!("{column} is missing"));
        match &self.encoding {
            Encoding::Number { number, indicator, .. } => {
                number.iter().map(|_| column.clone()).chain(missing(indicator)).collect()
            }
            Encoding::Date { date, indicator, .. } => {
                let name = |(part, _): &(super::DatePart, ScaledNumber)| format!("{column}: {}", part.name());
                date.parts.iter().map(name).chain(missing(indicator)).collect()
            }
            Encoding::Category { category, .. } => category.feature_names(column),
        }
    }

    /// Returns the number of features.
    pub fn features(&self) -> usize {
        match &self.encoding {
            Encoding::Number { number, indicator, .. } => usize::from(number.is_some()) + usize::from(*indicator),
            Encoding::Date { date, indicator, .. } => date.parts.len() + usize::from(*indicator),
            Encoding::Category { category, .. } => category.features(),
        }
    }

    /// Returns how many levels each feature has, 0 for a number and [`Examples::INDICATOR`] for one
    /// that says whether something holds.
    pub fn levels(&self) -> Vec<u32> {
        let indicator = match &self.encoding {
            Encoding::Category { category, .. } if category.embedded => {
                return vec![category.embedded_levels() as u32; self.features()];
            }
            Encoding::Category { .. } => return vec![Examples::INDICATOR; self.features()],
            Encoding::Number { indicator, .. } | Encoding::Date { indicator, .. } => *indicator,
        };
        let mut levels = vec![0; self.features()];
        if let (true, Some(last)) = (indicator, levels.last_mut()) {
            *last = Examples::INDICATOR;
        }
        levels
    }

    /// Writes the features of some rows of a table, one row a row, into zeros.
    pub(super) fn encode(
        &self,
        table: &Table,
        rows: &[u32],
        mut out: ArrayViewMut2<'_, f32>,
        told: &mut Told,
    ) -> Result<()> {
        match (&self.encoding, self.column_of(table)?) {
            (Encoding::Number { number, indicator, lacked }, Column::Numbers(all)) => {
                let parts: Vec<_> = number.iter().map(|number| (None, number)).collect();
                self.encode_numbers(all, rows, &parts, (*indicator, *lacked), &mut out, told);
            }
            (Encoding::Date { date, indicator, lacked }, Column::Numbers(all)) => {
                let parts: Vec<_> = date.parts.iter().map(|(part, number)| (Some(*part), number)).collect();
                self.encode_numbers(all, rows, &parts, (*indicator, *lacked), &mut out, told);
            }
            (Encoding::Category { category, boolean }, Column::Codes { codes, levels }) => {
                let (coded, missing) = category.code_all(&spellings(*boolean, levels));
                let (mut unseen, mut lacking) = (0, 0);
                for (&row, mut out) in rows.iter().zip(out.rows_mut()) {
                    let code = codes[row as usize];
                    let coded = if code == MISSING { missing } else { coded[code as usize] };
                    unseen += u64::from(matches!(coded, Coded::Unseen(_)));
                    lacking += u64::from(coded == Coded::Missing);
                    category.spread(coded.code(), out.as_slice_mut().expect("rows are contiguous"));
                }
                count(&mut told.unseen, &self.column, unseen);
                count(&mut told.missing, &self.column, lacking);
            }
            (encoding, _) => {
                let learned = match encoding {
                    Encoding::Category { .. } => "categories",
                    _ => "numbers",
                };
                let reason =
                    format!("has another kind than in training, which had {learned}; read by the model's schema");
                return Err(Error::Column { name: self.column.clone(), reason, nearest: None });
            }
        }
        Ok(())
    }

    fn encode_numbers(
        &self,
        all: &[f64],
        rows: &[u32],
        parts: &[(Option<super::DatePart>, &ScaledNumber)],
        (indicator, lacked): (bool, bool),
        out: &mut ArrayViewMut2<'_, f32>,
        told: &mut Told,
    ) {
        let (mut infinite, mut lacking) = (0, 0);
        for (&row, mut out) in rows.iter().zip(out.rows_mut()) {
            let value = all[row as usize];
            for (place, (part, number)) in parts.iter().enumerate() {
                out[place] = number.apply(part.map_or(value, |part| part.of(value)));
            }
            let missing = !value.is_finite();
            if indicator {
                out[parts.len()] = f32::from(u8::from(missing));
            }
            infinite += u64::from(value.is_infinite());
            lacking += u64::from(missing && !indicator && !lacked);
        }
        count(&mut told.infinite, &self.column, infinite);
        count(&mut told.missing, &self.column, lacking);
    }

    /// Returns the column of a table.
    fn column_of<'a>(&self, table: &'a Table) -> Result<&'a Column> {
        match table.column(&self.column)? {
            Column::Dropped => {
                let reason = "was not read, but the model needs it; read the table by the model's schema".into();
                Err(Error::Column { name: self.column.clone(), reason, nearest: None })
            }
            column => Ok(column),
        }
    }
}

/// Returns the levels by which an encoder knows them.
pub(crate) fn spellings(boolean: bool, levels: &[String]) -> Vec<String> {
    if boolean { BOOLEAN.map(String::from).to_vec() } else { levels.to_vec() }
}

fn count(list: &mut Vec<(String, u64)>, column: &str, rows: u64) {
    if rows > 0 {
        list.push((column.into(), rows));
    }
}
