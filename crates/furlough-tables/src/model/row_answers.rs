//! What is asked of a model for each row of a table, and what it answers.

use super::{IntervalMethod, RowInterval, TableAnswers};
use crate::block::TextValues;
use crate::preprocessing::Told;
use furlough::predict::Uncertainty;
use ndarray::Array2;

/// What is asked of a model for each row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AnswerOptions {
    /// Whether the probability of each class is wanted. Numbers have none.
    pub probabilities: bool,
    /// Whose answers are wanted.
    pub passes: MaskedPasses,
    /// The probability with which bounds or a set are to hold the true answer; none where neither
    /// is wanted.
    pub interval: Option<f64>,
    /// How they are made of several networks' answers.
    pub interval_method: IntervalMethod,
    /// Whether sets hold each class's rows with that probability: its own rows measure it
    /// (*Mondrian* sets; V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random
    /// world", 2005, section 4.5).
    pub by_class: bool,
    /// The share of the given answers that may be wrong: so many rows of classes have no answer
    /// that it was no more on the rows which measured the model.
    pub abstain: Option<f64>,
}

/// Whose answers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskedPasses {
    /// Those of the full network, or of several ones together.
    #[default]
    Full,
    /// The mean of masked passes.
    Drawn {
        /// How many, at least 1.
        samples: u32,
        /// The seed of their masks.
        seed: u64,
    },
    /// The mean over all masks by formulas
    /// ([`Predictor::moments`](furlough::predict::Predictor::moments)).
    Analytic,
}

/// What a model answers for consecutive rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RowAnswers {
    /// How many rows stand before.
    pub first_row: u64,
    /// The answers: of the full network, or of the masked passes' mean.
    pub answers: TableAnswers,
    /// The probability of each class, rows × classes, if it is wanted.
    pub probabilities: Option<Array2<f32>>,
    /// How far the masked passes agree, if there are some.
    pub spread: Option<RowSpread>,
    /// Where the true answers lie, if that is wanted.
    pub interval: Option<RowInterval>,
    /// How sure the answers are, if rows may have none.
    pub confidence: Option<RowConfidence>,
    /// The cells of the file's columns that were asked for.
    pub cells: Vec<TextValues>,
}

/// How far masked passes agree, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowSpread {
    /// Of classes.
    Classes(Vec<Uncertainty>),
    /// Of classes, without draws: the entropy of the mean probabilities, in nats.
    Entropies(Vec<f64>),
    /// The standard deviation over the passes in the targets' units, rows × targets. Noise in the
    /// data itself is not in it.
    Numbers(Array2<f64>),
}

/// How sure answers are, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowConfidence {
    /// The probability of the answer.
    pub values: Vec<f64>,
    /// Rows that are less sure should have no answer.
    pub least: f64,
}

/// What was met in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileAnswered {
    /// How many rows it has.
    pub rows: u64,
    /// What training did not have.
    pub told: Told,
}

impl RowAnswers {
    /// Returns how many rows there are.
    pub fn rows(&self) -> usize {
        match &self.answers {
            TableAnswers::Classes { classes, .. } => classes.len(),
            TableAnswers::Numbers { values, .. } => values.nrows(),
        }
    }

    /// Whether a row is to have an answer.
    pub fn has_answer(&self, row: usize) -> bool {
        self.confidence.as_ref().is_none_or(|sure| sure.values[row] >= sure.least)
    }

    /// Returns how many rows are to have none.
    pub fn unanswered(&self) -> usize {
        (0..self.rows()).filter(|&row| !self.has_answer(row)).count()
    }
}
