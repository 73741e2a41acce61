//! Answers for a file row after row, in the memory of some blocks.

use super::answers::answers_of;
use super::conformal::measured;
use super::in_order::{Work, in_order};
use super::interval::interval_of;
use super::network::{Answering, NetworkAnswers, outputs};
use super::{ConformalScores, EnsembleHeader, IntervalMethod, RowInterval, TableAnswers, TableHeader, TableModel};
use crate::block::TextValues;
use crate::error::{Error, Result};
use crate::preprocessing::{TargetEncoder, Told};
use crate::table::{Table, TableBlock, TableReader};
use furlough::predict::{Predictor, Spread, Uncertainty, softmax_rows};
use furlough::random::Key;
use ndarray::Array2;

/// What is asked of a model for each row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AnswerOptions {
    /// Whether the probability of each class is wanted. Numbers have none.
    pub probabilities: bool,
    /// How many masked passes are averaged; 0 for the full network's answers.
    pub samples: u32,
    /// The seed of their masks.
    pub seed: u64,
    /// The probability with which bounds or a set are to hold the true answer; none where neither
    /// is wanted.
    pub interval: Option<f64>,
    /// How they are made of several networks' answers.
    pub interval_method: IntervalMethod,
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
    /// The cells of the file's columns that were asked for.
    pub cells: Vec<TextValues>,
}

/// How far masked passes agree, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowSpread {
    /// Of classes.
    Classes(Vec<Uncertainty>),
    /// The standard deviation over the passes in the targets' units, rows × targets. Noise in the
    /// data itself is not in it.
    Numbers(Array2<f64>),
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
}

impl TableModel {
    /// Answers for the rows of a table, of which `first_row` stand before it elsewhere: the masks
    /// of a row go by its number, modulo 2³², so its answer is the same whatever rows are beside
    /// it.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn answer(&mut self, table: &Table, first_row: u64, options: &AnswerOptions) -> Result<(RowAnswers, Told)> {
        let TableModel { networks, ensemble } = self;
        let networks = networks.iter_mut().map(|network| (&network.header, &mut network.predictor));
        let mut networks: Vec<Answering<'_>> = networks.collect();
        let asked = Asked::new(networks[0].0, ensemble.as_ref(), options)?;
        answer(&mut networks, (table, first_row), &asked)
    }

    /// Answers for all rows of a file on `threads` threads. `make` makes of some rows' answers what
    /// is wanted of them, such as text, on any of the threads; `take` gets that in the order of the
    /// rows, on this one. Memory does not grow with the file, and the answers do not depend on the
    /// threads.
    ///
    /// ```
    /// use furlough_tables::model::AnswerOptions;
    /// use furlough_tables::{Error, Table, TableModel, TableOptions, TableReader};
    /// let (sizes, kinds) = ((0..60).map(f64::from), (0..60).map(|row| if row < 30 { "small" } else { "large" }));
    /// let table = Table::builder().numbers("size", sizes).texts("kind", kinds).build()?;
    /// let model = TableModel::fit(&table, &TableOptions::target("kind"))?;
    /// # let path = std::env::temp_dir().join("furlough-doc-rows.csv");
    /// # std::fs::write(&path, "size\n3\n58\n")?;
    /// let mut reader = TableReader::open(&path, model.schema(), 2)?;
    /// let (mut labels, options) = (Vec::new(), AnswerOptions::default());
    /// let answered = model.answer_file(&mut reader, &options, 2, |rows| rows.answers.texts(), |mut texts| {
    ///     labels.append(&mut texts);
    ///     Ok::<_, Error>(())
    /// })?;
    /// assert_eq!((answered.rows, &labels[..]), (2, &["small".to_string(), "large".into()][..]));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of reading, of [`Self::predict`] and of `take`; the first in the order of the rows.
    pub fn answer_file<Made: Send, E: From<Error>>(
        &self,
        reader: &mut TableReader,
        options: &AnswerOptions,
        threads: usize,
        make: impl Fn(&RowAnswers) -> Made + Sync,
        mut take: impl FnMut(Made) -> Result<(), E>,
    ) -> Result<FileAnswered, E> {
        let mut answered = FileAnswered::default();
        let asked = Asked::new(self.header(), self.ensemble(), options)?;
        let (next, maker) = reader.parts();
        let work = Work {
            start: || self.networks.iter().map(|network| network.predictor.on_threads(1)).collect(),
            each: |predictors: &mut Vec<Predictor>, raw| {
                let TableBlock { first_row, table, cells } = maker.make(raw)?;
                let mut networks: Vec<Answering<'_>> = self.headers().zip(predictors).collect();
                let (answers, told) = answer(&mut networks, (&table, first_row), &asked)?;
                Ok((table.rows() as u64, make(&RowAnswers { cells, ..answers }), told))
            },
        };
        in_order(threads, next, &work, |(rows, made, told)| {
            answered.rows += rows;
            answered.told.add(&told);
            take(made)
        })?;
        let late = reader.ignored();
        answered.told.add(&Told { extra: late, ..Told::default() });
        Ok(answered)
    }
}

/// What is asked, and what it takes of the model.
struct Asked<'a> {
    options: AnswerOptions,
    /// What logits are divided by.
    divisor: f64,
    /// Whether there are several networks.
    several: bool,
    /// What intervals are made of, and their rank, if they are wanted.
    scores: Option<(&'a ConformalScores, f64)>,
}

impl<'a> Asked<'a> {
    /// `header` is that of the first network.
    fn new(header: &'a TableHeader, ensemble: Option<&'a EnsembleHeader>, options: &AnswerOptions) -> Result<Self> {
        let refused = |name: &str, value: String, reason: &str| {
            Err(furlough::Error::Setting { name: name.into(), value, reason: reason.into() }.into())
        };
        let several = ensemble.is_some();
        if options.samples > 0 && several {
            let reason = "the model is of several networks, and masked passes are those of one; ask one of them";
            return refused("samples", options.samples.to_string(), reason);
        }
        if let (1.., Some(interval)) = (options.samples, options.interval) {
            let reason = "it is measured by the full network's answers, and not by those of masked passes";
            return refused("interval", interval.to_string(), reason);
        }
        let scores = match options.interval {
            None => None,
            Some(confidence) => {
                let scores = ensemble.map_or(header.conformal.as_ref(), |ensemble| Some(&ensemble.conformal));
                let scores = measured(scores)?;
                Some((scores, scores.rank(confidence)?))
            }
        };
        Ok(Asked { options: *options, divisor: ensemble.map_or(1.0, EnsembleHeader::divisor), several, scores })
    }
}

fn answer(
    networks: &mut [Answering<'_>],
    (table, first_row): (&Table, u64),
    asked: &Asked<'_>,
) -> Result<(RowAnswers, Told)> {
    let target = networks[0].0.preprocessing.target()?;
    let is_classes = matches!(target, TargetEncoder::Classification { .. });
    if asked.options.samples > 0 {
        let (header, predictor) = &mut networks[0];
        return sampled(header, predictor, (table, first_row), &asked.options);
    }
    let (mut outputs, told) = outputs(networks, table, &table.all_rows())?;
    let wanted = asked.options.probabilities && is_classes;
    let each = (asked.several || asked.scores.is_some()).then(|| {
        let targets = networks.iter().filter_map(|(header, _)| header.preprocessing.target.as_ref());
        NetworkAnswers::of(targets, &outputs, asked.divisor)
    });
    let interval = each
        .as_ref()
        .zip(asked.scores)
        .map(|(each, (scores, rank))| interval_of(scores, each, (rank, asked.options.interval_method), is_classes));
    let (answers, probabilities) = match each.filter(|_| asked.several) {
        Some(each) => {
            let mean = each.mean();
            let probabilities = wanted.then(|| mean.mapv(|p| p as f32));
            (TableAnswers::of_mean(target, mean), probabilities)
        }
        None => {
            let mut outputs = outputs.swap_remove(0);
            let answers = answers_of(target, outputs.view());
            let probabilities = wanted.then(|| {
                softmax_rows(&mut outputs);
                outputs
            });
            (answers, probabilities)
        }
    };
    Ok((RowAnswers { first_row, answers, probabilities, spread: None, interval, cells: Vec::new() }, told))
}

/// Answers by the mean of masked passes of a network.
fn sampled(
    header: &TableHeader,
    predictor: &mut Predictor,
    (table, first_row): (&Table, u64),
    options: &AnswerOptions,
) -> Result<(RowAnswers, Told)> {
    let target = header.preprocessing.target()?;
    let (features, told) = header.preprocessing.features(table, &table.all_rows())?;
    let key = Key::new(options.seed);
    let sampled = predictor.monte_carlo_from(&features, first_row as u32, options.samples, key)?;
    let (answers, spread) = match (sampled.spread, target) {
        (Spread::Classes(doubts), TargetEncoder::Classification { classes: names, .. }) => {
            let classes = doubts.iter().map(|doubt| doubt.answer as u32).collect();
            (TableAnswers::Classes { classes, names: names.clone() }, RowSpread::Classes(doubts))
        }
        (Spread::Numbers(variances), TargetEncoder::Regression { columns }) => {
            let mut deviations = variances.mapv(f64::sqrt);
            for (column, mut deviations) in columns.iter().zip(deviations.columns_mut()) {
                deviations.mapv_inplace(|deviation| deviation * column.deviation);
            }
            let names = columns.iter().map(|column| column.name.clone()).collect();
            let values = target.in_units(sampled.means.view());
            (TableAnswers::Numbers { values, names }, RowSpread::Numbers(deviations))
        }
        _ => unreachable!("the spread is that of the task"),
    };
    let wanted = options.probabilities && matches!(target, TargetEncoder::Classification { .. });
    let probabilities = wanted.then(|| sampled.means.mapv(|mean| mean as f32));
    let cells = Vec::new();
    Ok((RowAnswers { first_row, answers, probabilities, spread: Some(spread), interval: None, cells }, told))
}
