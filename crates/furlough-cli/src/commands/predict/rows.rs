//! The text of answers.

use super::output::RowFormat;
use crate::args::Sampling;
use anyhow::bail;
use furlough_tables::model::{RowAnswers, RowInterval, RowSpread, TableAnswers};
use furlough_tables::preprocessing::TargetEncoder;
use furlough_tables::writers::CellType;
use furlough_tables::{TextValues, Values};
use std::fmt::Write as _;

/// What the columns are to be.
pub struct Asked<'a> {
    /// Columns of the file.
    pub ids: &'a [String],
    /// Whether probabilities are wanted.
    pub proba: bool,
    /// Which masks are averaged over, if any.
    pub samples: Option<Sampling>,
    /// Whether bounds or sets are wanted.
    pub interval: bool,
    /// Whether rows may have no answer.
    pub abstain: bool,
}

/// A column of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// A column of the file.
    Cell(usize),
    /// The class.
    Label,
    /// The probability of the answer.
    Confidence,
    /// The probability of a class.
    Probability(usize),
    /// The entropy of the passes' mean.
    PredictiveEntropy,
    /// How far the passes contradict each other.
    MutualInformation,
    /// The share of passes that agree.
    Agreement,
    /// The number predicted for a target.
    Number(usize),
    /// The standard deviation of the passes for a target.
    Deviation(usize),
    /// The lower bound of a target.
    Low(usize),
    /// The upper one.
    High(usize),
    /// The classes that are likely enough.
    Set,
}

/// Answers as they are written.
pub enum Written {
    /// Text.
    Text(Vec<u8>),
    /// Columns.
    Columns(Vec<Values>),
}

/// Writes answers row by row.
pub struct RowWriter {
    format: RowFormat,
    columns: Vec<(String, Column)>,
    labels: Labels,
}

/// What labels are where text is not all there is.
struct Labels {
    /// Whether they are themselves numbers or truth values of JSON.
    bare: bool,
    /// The numbers that they are, if all are whole numbers or all are truth values; empty
    /// otherwise.
    numbers: Vec<f64>,
    /// What columns make of them.
    cells: CellType,
}

impl Labels {
    fn of(classes: &[String]) -> Self {
        let whole = |class: &String| {
            let number: i64 = class.parse().ok()?;
            // Digits that are not the number's own, such as 007, are text; so is what f64 lacks.
            (number.to_string() == *class && number.unsigned_abs() < 1 << 53).then_some(number as f64)
        };
        let truth = |class: &String| Some(f64::from(u8::from(class.parse::<bool>().ok()?)));
        let all = |number: &dyn Fn(&String) -> Option<f64>| classes.iter().map(number).collect::<Option<Vec<f64>>>();
        let (numbers, cells) = match (all(&whole), all(&truth)) {
            (Some(numbers), _) => (numbers, CellType::Whole),
            (None, Some(numbers)) => (numbers, CellType::Boolean),
            (None, None) => (Vec::new(), CellType::Text),
        };
        Labels { bare: classes.iter().all(|class| is_bare(class)), numbers, cells }
    }
}

impl RowWriter {
    /// Decides the columns: those of the file, the answers, and what else is asked for.
    ///
    /// # Errors
    /// When two have one name, and when numbers are to have probabilities.
    pub fn new(format: RowFormat, target: &TargetEncoder, asked: &Asked<'_>) -> anyhow::Result<Self> {
        let mut columns: Vec<(String, Column)> = Vec::new();
        columns.extend(asked.ids.iter().enumerate().map(|(place, name)| (name.clone(), Column::Cell(place))));
        let named = |name: &str| match asked.ids.iter().any(|id| id == name) {
            true => format!("predicted_{name}"),
            false => name.to_string(),
        };
        let mut labels = Labels::of(&[]);
        match target {
            TargetEncoder::Classification { column, classes } => {
                columns.push((named(column), Column::Label));
                columns.extend(asked.abstain.then(|| ("confidence".to_string(), Column::Confidence)));
                columns.extend(asked.interval.then(|| (format!("{}_set", named(column)), Column::Set)));
                let probability =
                    |(place, class): (usize, &String)| (format!("P({class})"), Column::Probability(place));
                columns.extend(classes.iter().enumerate().map(probability).filter(|_| asked.proba));
                let doubts = [
                    ("predictive_entropy", Column::PredictiveEntropy),
                    ("mutual_information", Column::MutualInformation),
                    ("agreement", Column::Agreement),
                ];
                let known = match asked.samples {
                    None => 0,
                    Some(Sampling::Analytic) => 1,
                    Some(Sampling::Drawn(_)) => doubts.len(),
                };
                columns.extend(doubts.into_iter().take(known).map(|(name, column)| (name.into(), column)));
                labels = Labels::of(classes);
            }
            TargetEncoder::Regression { columns: targets } => {
                if asked.proba {
                    bail!("--proba: {} is predicted as a number, which has no probabilities", targets[0].name);
                }
                for (place, target) in targets.iter().enumerate() {
                    let name = named(&target.name);
                    let deviation = (format!("{name}_std"), Column::Deviation(place));
                    let bounds =
                        [(format!("{name}_low"), Column::Low(place)), (format!("{name}_high"), Column::High(place))];
                    columns.push((name, Column::Number(place)));
                    columns.extend(bounds.into_iter().filter(|_| asked.interval));
                    columns.extend(Some(deviation).filter(|_| asked.samples.is_some()));
                }
            }
        }
        let twice =
            columns.iter().enumerate().find(|(place, (name, _))| columns[..*place].iter().any(|c| c.0 == *name));
        if let Some((_, (name, _))) = twice {
            bail!("--id: two columns of the output would be called {name}; leave one of them out");
        }
        Ok(RowWriter { format, columns, labels })
    }

    /// Returns what stands before the rows.
    pub fn head(&self) -> Vec<u8> {
        match self.format {
            RowFormat::JsonLines | RowFormat::Parquet => Vec::new(),
            RowFormat::Csv => {
                let mut writer = csv(Vec::new());
                writer.write_record(self.columns.iter().map(|(name, _)| name)).expect(IN_MEMORY);
                writer.into_inner().expect(IN_MEMORY)
            }
        }
    }

    /// Returns some rows.
    pub fn rows(&self, answers: &RowAnswers) -> Written {
        match self.format {
            RowFormat::Csv => Written::Text(self.csv_rows(answers)),
            RowFormat::JsonLines => Written::Text(self.json_rows(answers)),
            RowFormat::Parquet => Written::Columns(self.column_rows(answers)),
        }
    }

    /// Returns the columns' names, and what their cells are where they are not text.
    pub fn cell_types(&self) -> Vec<(String, CellType)> {
        let of = |column: &Column| match column {
            Column::Cell(_) | Column::Set => CellType::Text,
            Column::Label => self.labels.cells,
            Column::Number(_) | Column::Deviation(_) | Column::Low(_) | Column::High(_) => CellType::Double,
            _ => CellType::Single,
        };
        self.columns.iter().map(|(name, column)| (name.clone(), of(column))).collect()
    }

    fn column_rows(&self, answers: &RowAnswers) -> Vec<Values> {
        let mut scratch = String::new();
        let types = self.cell_types().into_iter().zip(&self.columns);
        types
            .map(|((_, cells), &(_, column))| match (cells, &answers.answers) {
                (CellType::Text, _) => {
                    let mut texts = TextValues::default();
                    (0..answers.rows()).for_each(|row| texts.push(text(answers, column, row, &mut scratch)));
                    Values::Text(texts)
                }
                (CellType::Whole | CellType::Boolean, TableAnswers::Classes { classes, .. }) => {
                    let number = |(row, &class): (usize, &u32)| match answers.has_answer(row) {
                        true => self.labels.numbers[class as usize],
                        false => f64::NAN,
                    };
                    Values::Numbers(classes.iter().enumerate().map(number).collect())
                }
                _ => Values::Numbers((0..answers.rows()).map(|row| number(answers, column, row)).collect()),
            })
            .collect()
    }

    fn csv_rows(&self, answers: &RowAnswers) -> Vec<u8> {
        let mut writer = csv(Vec::with_capacity(answers.rows() * self.columns.len() * 12));
        let mut scratch = String::new();
        for row in 0..answers.rows() {
            for &(_, column) in &self.columns {
                let text = text(answers, column, row, &mut scratch).unwrap_or_default();
                writer.write_field(text).expect(IN_MEMORY);
            }
            writer.write_record(None::<&[u8]>).expect(IN_MEMORY);
        }
        writer.into_inner().expect(IN_MEMORY)
    }

    fn json_rows(&self, answers: &RowAnswers) -> Vec<u8> {
        let keys: Vec<Vec<u8>> = self.columns.iter().map(|(name, _)| [json(name), b": ".into()].concat()).collect();
        let (mut out, mut scratch) = (Vec::new(), String::new());
        for row in 0..answers.rows() {
            for (place, (&(_, column), key)) in self.columns.iter().zip(&keys).enumerate() {
                out.extend_from_slice(if place == 0 { b"{" } else { b", " });
                out.extend_from_slice(key);
                let text = text(answers, column, row, &mut scratch);
                match (text, column) {
                    (Some(_), Column::Set) => out.extend(json_set(answers, row)),
                    (Some(text), Column::Cell(_)) => out.extend(json(text)),
                    (Some(text), Column::Label) if !self.labels.bare => out.extend(json(text)),
                    (Some(text), _) => out.extend_from_slice(text.as_bytes()),
                    (None, _) => out.extend_from_slice(b"null"),
                }
            }
            out.extend_from_slice(b"}\n");
        }
        out
    }
}

/// What stands between the classes of a set.
const SEPARATOR: &str = "|";

/// Why writing cannot fail.
const IN_MEMORY: &str = "memory can be written, and all rows are as long";

fn csv(out: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out)
}

fn json(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("text can be written as JSON")
}

/// Returns the labels of a row's set; none where there are no sets.
fn set(answers: &RowAnswers, row: usize) -> Option<impl Iterator<Item = &str>> {
    match (&answers.interval, &answers.answers) {
        (Some(RowInterval::Classes(sets)), TableAnswers::Classes { names, .. }) => {
            Some(sets[row].iter().map(|&class| &*names[class as usize]))
        }
        _ => None,
    }
}

fn json_set(answers: &RowAnswers, row: usize) -> Vec<u8> {
    let labels: Vec<&str> = set(answers, row).into_iter().flatten().collect();
    serde_json::to_vec(&labels).expect("texts can be written as JSON")
}

/// Whether a label is a number or a truth value of JSON as it stands.
fn is_bare(label: &str) -> bool {
    use serde_json::Value::{Bool, Number};
    matches!(serde_json::from_str(label), Ok(Bool(_) | Number(_)))
}

/// Returns the text of a cell; none where it is missing or no finite number.
fn text<'a>(answers: &'a RowAnswers, column: Column, row: usize, scratch: &'a mut String) -> Option<&'a str> {
    scratch.clear();
    match (column, &answers.answers) {
        (Column::Cell(place), _) => return answers.cells[place].get(row),
        (Column::Label, TableAnswers::Classes { classes, names }) => {
            return answers.has_answer(row).then(|| &*names[classes[row] as usize]);
        }
        (Column::Set, _) => {
            // An empty set is an empty cell.
            *scratch = set(answers, row)?.collect::<Vec<_>>().join(SEPARATOR);
            return Some(scratch);
        }
        (Column::Number(_) | Column::Deviation(_) | Column::Low(_) | Column::High(_), _) => {
            double(scratch, number(answers, column, row));
        }
        _ => single(scratch, number(answers, column, row) as f32),
    }
    (!scratch.is_empty()).then_some(scratch)
}

/// Returns the number in a cell; NaN where there is none.
fn number(answers: &RowAnswers, column: Column, row: usize) -> f64 {
    let bounds = match &answers.interval {
        Some(RowInterval::Numbers { low, high }) => Some((low, high)),
        _ => None,
    };
    let found = match (column, &answers.answers, &answers.spread) {
        (Column::Probability(class), ..) => answers.probabilities.as_ref().map(|all| f64::from(all[[row, class]])),
        (Column::Number(target), TableAnswers::Numbers { values, .. }, _) => Some(values[[row, target]]),
        (Column::Low(target), ..) => bounds.map(|(low, _)| low[[row, target]]),
        (Column::High(target), ..) => bounds.map(|(_, high)| high[[row, target]]),
        (Column::Deviation(target), _, Some(RowSpread::Numbers(deviations))) => Some(deviations[[row, target]]),
        (Column::Confidence, ..) => answers.confidence.as_ref().map(|confidence| confidence.values[row]),
        (Column::PredictiveEntropy, _, Some(RowSpread::Entropies(entropies))) => Some(entropies[row]),
        (Column::PredictiveEntropy, _, Some(RowSpread::Classes(doubts))) => Some(doubts[row].predictive_entropy),
        (Column::MutualInformation, _, Some(RowSpread::Classes(doubts))) => Some(doubts[row].mutual_information),
        (Column::Agreement, _, Some(RowSpread::Classes(doubts))) => Some(doubts[row].agreement),
        _ => None,
    };
    found.filter(|number| number.is_finite()).unwrap_or(f64::NAN)
}

/// Adds the fewest digits that mean this very number.
fn single(out: &mut String, number: f32) {
    if number.is_finite() {
        let _ = write!(out, "{number}");
    }
}

/// [`single`] of double precision.
fn double(out: &mut String, number: f64) {
    if number.is_finite() {
        let _ = write!(out, "{number}");
    }
}
