//! The text of answers.

use super::output::RowFormat;
use crate::args::Sampling;
use anyhow::bail;
use furlough_tables::model::{RowAnswers, RowInterval, RowSpread, TableAnswers};
use furlough_tables::preprocessing::TargetEncoder;
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

/// Writes answers row by row.
pub struct RowWriter {
    format: RowFormat,
    columns: Vec<(String, Column)>,
    /// Whether labels are themselves numbers or truth values of JSON.
    bare_labels: bool,
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
        let mut bare_labels = false;
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
                bare_labels = classes.iter().all(|class| is_bare(class));
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
        Ok(RowWriter { format, columns, bare_labels })
    }

    /// Returns what stands before the rows.
    pub fn head(&self) -> Vec<u8> {
        match self.format {
            RowFormat::JsonLines => Vec::new(),
            RowFormat::Csv => {
                let mut writer = csv(Vec::new());
                writer.write_record(self.columns.iter().map(|(name, _)| name)).expect(IN_MEMORY);
                writer.into_inner().expect(IN_MEMORY)
            }
        }
    }

    /// Returns the text of some rows.
    pub fn rows(&self, answers: &RowAnswers) -> Vec<u8> {
        match self.format {
            RowFormat::Csv => self.csv_rows(answers),
            RowFormat::JsonLines => self.json_rows(answers),
        }
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
                    (Some(text), Column::Label) if !self.bare_labels => out.extend(json(text)),
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
    match (column, &answers.answers, &answers.spread) {
        (Column::Cell(place), ..) => return answers.cells[place].get(row),
        (Column::Label, TableAnswers::Classes { classes, names }, _) => {
            return answers.has_answer(row).then(|| &*names[classes[row] as usize]);
        }
        (Column::Confidence, ..) => single(scratch, answers.confidence.as_ref()?.values[row] as f32),
        (Column::Probability(class), ..) => single(scratch, answers.probabilities.as_ref()?[[row, class]]),
        (Column::Number(target), TableAnswers::Numbers { values, .. }, _) => double(scratch, values[[row, target]]),
        (Column::Low(target), ..) => {
            if let Some(RowInterval::Numbers { low, .. }) = &answers.interval {
                double(scratch, low[[row, target]]);
            }
        }
        (Column::High(target), ..) => {
            if let Some(RowInterval::Numbers { high, .. }) = &answers.interval {
                double(scratch, high[[row, target]]);
            }
        }
        (Column::Set, ..) => {
            // An empty set is an empty cell.
            *scratch = set(answers, row)?.collect::<Vec<_>>().join(SEPARATOR);
            return Some(scratch);
        }
        (Column::Deviation(target), _, Some(RowSpread::Numbers(deviations))) => {
            double(scratch, deviations[[row, target]]);
        }
        (Column::PredictiveEntropy, _, Some(RowSpread::Entropies(entropies))) => single(scratch, entropies[row] as f32),
        (_, _, Some(RowSpread::Classes(doubts))) => match column {
            Column::PredictiveEntropy => single(scratch, doubts[row].predictive_entropy as f32),
            Column::MutualInformation => single(scratch, doubts[row].mutual_information as f32),
            _ => single(scratch, doubts[row].agreement as f32),
        },
        _ => {}
    }
    (!scratch.is_empty()).then_some(scratch)
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
