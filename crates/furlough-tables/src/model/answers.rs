use crate::preprocessing::{TargetEncoder, Told};
use crate::schema::number_text;
use ndarray::{Array2, ArrayView1, ArrayView2};

/// What a model answers for the rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The answers, in the order of the rows.
    pub answers: TableAnswers,
    /// What was met in the table that training did not have.
    pub told: Told,
}

/// Answers in the target's own labels and units.
#[derive(Debug, Clone, PartialEq)]
pub enum TableAnswers {
    /// Classes.
    Classes {
        /// The most probable class of each row, a place in `names`.
        classes: Vec<u32>,
        /// The classes, as the training table spells them.
        names: Vec<String>,
    },
    /// Numbers.
    Numbers {
        /// Rows × targets.
        values: Array2<f64>,
        /// The target columns.
        names: Vec<String>,
    },
}

/// How probable a model takes each class to be.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassProbabilities {
    /// Rows × classes.
    pub probabilities: Array2<f32>,
    /// The classes, as the training table spells them.
    pub names: Vec<String>,
    /// What was met in the table that training did not have.
    pub told: Told,
}

/// Where numbers may lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervals {
    /// The lower bounds in the targets' units, rows × targets.
    pub low: Array2<f64>,
    /// The upper bounds.
    pub high: Array2<f64>,
    /// The target columns.
    pub names: Vec<String>,
    /// What was met in the table that training did not have.
    pub told: Told,
}

/// Which classes a row may have.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionSets {
    /// Places in `names`, ascending, of each row; none where no class is likely enough.
    pub sets: Vec<Vec<u32>>,
    /// The classes, as the training table spells them.
    pub names: Vec<String>,
    /// What was met in the table that training did not have.
    pub told: Told,
}

/// Returns what the outputs of a network say.
pub(super) fn answers_of(target: &TargetEncoder, outputs: ArrayView2<'_, f32>) -> TableAnswers {
    match target {
        TargetEncoder::Classification { classes: names, .. } => {
            TableAnswers::Classes { classes: classes_of(outputs), names: names.clone() }
        }
        TargetEncoder::Regression { columns } => TableAnswers::Numbers {
            values: target.in_units(outputs),
            names: columns.iter().map(|column| column.name.clone()).collect(),
        },
    }
}

/// Returns the place of the greatest number of each row: of equals the first, as the engine has it.
fn classes_of<F: Copy + PartialOrd>(outputs: ArrayView2<'_, F>) -> Vec<u32> {
    let class = |row: ArrayView1<'_, F>| {
        (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best }) as u32
    };
    outputs.rows().into_iter().map(class).collect()
}

impl TableAnswers {
    /// Returns what the mean of several networks says: probabilities of classes, or numbers in the
    /// target's units.
    pub(super) fn of_mean(target: &TargetEncoder, mean: Array2<f64>) -> TableAnswers {
        match target {
            TargetEncoder::Classification { classes: names, .. } => {
                TableAnswers::Classes { classes: classes_of(mean.view()), names: names.clone() }
            }
            TargetEncoder::Regression { columns } => {
                let names = columns.iter().map(|column| column.name.clone()).collect();
                TableAnswers::Numbers { values: mean, names }
            }
        }
    }

    /// Returns the answers as texts: the labels, or the numbers of the first target.
    pub fn texts(&self) -> Vec<String> {
        match self {
            TableAnswers::Classes { classes, names } => {
                classes.iter().map(|&class| names[class as usize].clone()).collect()
            }
            TableAnswers::Numbers { values, .. } => values.column(0).iter().map(|&value| number_text(value)).collect(),
        }
    }
}

impl Predictions {
    /// Returns the answers as texts: the labels, or the numbers of the first target.
    pub fn texts(&self) -> Vec<String> {
        self.answers.texts()
    }

    /// Returns the numbers, rows × targets; none for classes.
    pub fn numbers(&self) -> Option<&Array2<f64>> {
        match &self.answers {
            TableAnswers::Classes { .. } => None,
            TableAnswers::Numbers { values, .. } => Some(values),
        }
    }
}
