//! Answers for a file row after row, in the memory of some blocks.

use super::answers::answers_of;
use super::conformal::measured;
use super::in_order::{Work, in_order};
use super::interval::{IntervalRank, interval_of};
use super::masked::masked;
use super::network::{Answering, NetworkAnswers, outputs};
use super::{
    AnswerOptions, ConformalScores, EnsembleHeader, FileAnswered, MaskedPasses, RowAnswers, RowConfidence,
    TableAnswers, TableHeader, TableModel,
};
use crate::error::{Error, Result};
use crate::preprocessing::{TargetEncoder, Told};
use crate::table::{Table, TableBlock, TableReader};
use furlough::counted;
use furlough::predict::{Predictor, RiskCoverage, RiskPoint, softmax_rows};

impl TableModel {
    /// Returns from where on answers are to be given, so that the share `abstain` of them was wrong
    /// for rows that did not teach the networks: the point of [`Self::risk_coverage`] that answers
    /// most.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when the share is not at least 0 and below 1, no rows measured
    /// a model of classes, or even the surest answers are more often wrong.
    pub fn answered_from(&self, abstain: f64) -> Result<&RiskPoint> {
        answered_from(self.risk_coverage(), abstain)
    }

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
    scores: Option<(&'a ConformalScores, IntervalRank)>,
    /// The least confidence of a row that has an answer, if some may have none.
    least: Option<f64>,
}

impl<'a> Asked<'a> {
    /// `header` is that of the first network.
    fn new(header: &'a TableHeader, ensemble: Option<&'a EnsembleHeader>, options: &AnswerOptions) -> Result<Self> {
        let refused = |name: &str, value: String, reason: &str| {
            Err(furlough::Error::Setting { name: name.into(), value, reason: reason.into() }.into())
        };
        let several = ensemble.is_some();
        let samples = match options.passes {
            MaskedPasses::Full => None,
            MaskedPasses::Drawn { samples, .. } => Some(samples.to_string()),
            MaskedPasses::Analytic => Some("analytic".into()),
        };
        if let Some(samples) = samples {
            if several {
                let reason = "the model is of several networks, and masked passes are those of one; ask one of them";
                return refused("samples", samples, reason);
            }
            let measured = [("interval", options.interval), ("abstain", options.abstain)];
            if let Some((name, value)) = measured.into_iter().find_map(|(name, value)| Some((name, value?))) {
                let reason = "it is measured by the full network's answers, and not by those of masked passes";
                return refused(name, value.to_string(), reason);
            }
        }
        if options.by_class && options.interval.is_none() {
            return refused("by_class", "true".into(), "it is about sets; say what share they are to hold");
        }
        let risk = ensemble.map_or(header.risk.as_ref(), |ensemble| ensemble.risk.as_ref());
        let least = options.abstain.map(|abstain| answered_from(risk, abstain)).transpose()?;
        let least = least.map(|point| point.confidence);
        let scores = match options.interval {
            None => None,
            Some(confidence) => {
                let scores = ensemble.map_or(header.conformal.as_ref(), |ensemble| Some(&ensemble.conformal));
                let scores = measured(scores)?;
                Some((scores, IntervalRank::new(scores, confidence, options.by_class)?))
            }
        };
        Ok(Asked { options: *options, divisor: ensemble.map_or(1.0, EnsembleHeader::divisor), several, scores, least })
    }
}

/// Returns from where on answers are to be given.
fn answered_from(risk: Option<&RiskCoverage>, abstain: f64) -> Result<&RiskPoint> {
    let refused = |reason: String| {
        let (name, value) = ("abstain".into(), abstain.to_string());
        Err(furlough::Error::Setting { name, value, reason }.into())
    };
    if !(0.0..1.0).contains(&abstain) {
        return refused("the share of answers that may be wrong is at least 0 and below 1, such as 0.05".into());
    }
    let Some(risk) = risk else {
        let reason = "the model does not say how often it was wrong by how sure it was: it predicts numbers, held no \
                      rows out, or an older furlough trained it";
        return refused(reason.into());
    };
    risk.at_most(abstain).map_or_else(
        || {
            let surest = risk.points[0];
            refused(format!(
                "even of the surest {} {} wrong; allow more",
                counted(surest.answered as usize, "answer"),
                if surest.wrong == 1 { "1 is".into() } else { format!("{} are", surest.wrong) }
            ))
        },
        Ok,
    )
}

fn answer(
    networks: &mut [Answering<'_>],
    (table, first_row): (&Table, u64),
    asked: &Asked<'_>,
) -> Result<(RowAnswers, Told)> {
    let target = networks[0].0.preprocessing.target()?;
    let is_classes = matches!(target, TargetEncoder::Classification { .. });
    if asked.options.passes != MaskedPasses::Full {
        let (header, predictor) = &mut networks[0];
        return masked(header, predictor, (table, first_row), &asked.options);
    }
    let (mut outputs, told) = outputs(networks, table, &table.all_rows())?;
    let wanted = asked.options.probabilities && is_classes;
    let each = (asked.several || asked.scores.is_some() || asked.least.is_some()).then(|| {
        let targets = networks.iter().filter_map(|(header, _)| header.preprocessing.target.as_ref());
        NetworkAnswers::of(targets, &outputs, asked.divisor)
    });
    let interval = each
        .as_ref()
        .zip(asked.scores.as_ref())
        .map(|(each, (scores, rank))| interval_of(scores, each, (rank, asked.options.interval_method), is_classes));
    let confidence =
        each.as_ref().zip(asked.least).map(|(each, least)| RowConfidence { values: each.confidences(), least });
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
    let cells = Vec::new();
    Ok((RowAnswers { first_row, answers, probabilities, spread: None, interval, confidence, cells }, told))
}
