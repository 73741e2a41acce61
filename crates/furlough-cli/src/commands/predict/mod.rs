//! `furlough predict`.

mod meter;
mod output;
mod rows;

use super::model;
use super::train::threads;
use crate::args::{PredictArgs, Sampling};
use crate::failure;
use crate::interrupt;
use crate::terminal::{duration, note, path as shown, thousands};
use anyhow::{Context, bail};
use furlough::noun_of;
use furlough_tables::model::{AnswerOptions, FileAnswered, MaskedPasses, RowAnswers};
use furlough_tables::writers::ParquetRows;
use furlough_tables::{Error, TableModel, TableReader};
use meter::Meter;
use output::{Destination, RowFormat};
use rows::{Asked, RowWriter, Written};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tempfile::TempDir;

/// Answers for the rows of a table.
pub fn run(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let threads = threads(args.threads);
    let format = args.out.as_deref().map_or(Ok(RowFormat::Csv), RowFormat::of)?;
    let model = model::open(&args.model, threads)?;
    check(args, &model)?;
    let input = Input::new(&args.file)?;
    let mut output = Destination::open(args.out.as_deref(), input.file())?;
    interrupt::end_removing(output.left(), &[output.temporary(), input.copied()].concat())?;
    input.fill()?;
    let (samples, interval, abstain) = (args.samples, args.interval.is_some(), args.abstain.is_some());
    let asked = Asked { ids: &args.id, proba: args.proba, samples, interval, abstain };
    let writer = RowWriter::new(format, model.preprocessing().target()?, &asked)?;
    let table_error = |error: Error| match input.file() {
        Some(_) => error.into(),
        None => failure::of_standard_input(error.into(), input.path()),
    };
    let mut reader =
        TableReader::open_with_cells(input.path(), model.schema(), &args.id, threads).map_err(table_error)?;
    output.write(&writer.head())?;
    let mut columns = match (format, &args.out) {
        (RowFormat::Parquet, Some(out)) => Some(ParquetRows::new(out, &writer.cell_types())?),
        _ => None,
    };
    let options = options(args);
    let mut meter = Meter::new(args.quiet);
    let mut unanswered = 0;
    let make = |rows: &RowAnswers| (rows.rows(), rows.unanswered(), writer.rows(rows));
    let answered = model.answer_file(&mut reader, &options, threads, make, |(rows, without, written)| {
        meter.add(rows);
        unanswered += without;
        let bytes = match (written, &mut columns) {
            (Written::Columns(values), Some(columns)) => columns.append(values)?,
            (Written::Columns(_), None) => Vec::new(),
            (Written::Text(text), _) => text,
        };
        output.write(&bytes).map_err(Stopped::Output)
    });
    meter.end();
    let FileAnswered { rows, told } = match answered {
        Ok(answered) => answered,
        Err(Stopped::Output(error)) => return Err(error),
        Err(Stopped::Table(error)) => return Err(table_error(error)),
    };
    if let Some(columns) = columns {
        output.write(&columns.finish()?)?;
    }
    output.finish()?;
    if !args.quiet {
        told.sentences().iter().for_each(|sentence| note(&format!("warning: {sentence}")));
        unanswered_of(args, &model, (unanswered, rows))?;
        if let Some(out) = &args.out {
            let (count, rows, time) = (thousands(rows), noun_of(rows as usize, "row"), start.elapsed().as_secs_f64());
            note(&format!("{}: {count} {rows} in {}", shown(out), duration(time)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses what the model cannot do, before anything is written.
fn check(args: &PredictArgs, model: &TableModel) -> anyhow::Result<()> {
    if args.samples.is_some() {
        model::check_single(model, &args.model, "--samples")?;
        super::evaluate::check_samples(model.network().architecture())?;
    }
    if args.interval_method.is_some() && model.ensemble().is_none() {
        bail!("--interval-method: {} is one network, whose intervals are made in one way", args.model.display());
    }
    if let (Some(Sampling::Analytic), Some(_)) = (args.samples, args.seed) {
        bail!("--seed would do nothing with --samples analytic, which draws no masks");
    }
    if let Some(abstain) = args.abstain {
        model.answered_from(abstain)?;
    }
    if let Some(interval) = args.interval {
        let scores = model.conformal().with_context(|| format!("--interval {interval}: {NOT_MEASURED}"))?;
        scores.rank(interval)?;
        if args.by_class {
            scores.class_ranks(interval)?;
        }
    }
    Ok(())
}

/// What is asked for each row.
fn options(args: &PredictArgs) -> AnswerOptions {
    let passes = match args.samples {
        None => MaskedPasses::Full,
        Some(Sampling::Drawn(samples)) => {
            MaskedPasses::Drawn { samples: samples.get(), seed: args.seed.unwrap_or_default() }
        }
        Some(Sampling::Analytic) => MaskedPasses::Analytic,
    };
    AnswerOptions {
        probabilities: args.proba,
        passes,
        interval: args.interval,
        interval_method: args.interval_method.unwrap_or_default(),
        by_class: args.by_class,
        abstain: args.abstain,
    }
}

/// Says how many rows have no answer, if some may have none.
fn unanswered_of(args: &PredictArgs, model: &TableModel, (unanswered, rows): (usize, u64)) -> anyhow::Result<()> {
    let (Some(abstain), Some(risk)) = (args.abstain, model.risk_coverage()) else { return Ok(()) };
    let point = model.answered_from(abstain)?;
    note(&format!(
        "{} of {} {} have no answer: less sure than {:.1} %. Of the rows that measured the model {:.1} % are \
         surer, and {:.1} % of those answered wrongly",
        thousands(unanswered as u64),
        thousands(rows),
        noun_of(rows as usize, "row"),
        100.0 * point.confidence,
        100.0 * risk.coverage(point),
        100.0 * point.risk()
    ));
    Ok(())
}

/// Why a model has no intervals.
const NOT_MEASURED: &str = "the model does not say how far it was off for rows that it did not learn from: it held \
                            none out, is not trained to its end, or an older furlough trained it; train it again";

/// Why there are no more answers.
enum Stopped {
    /// The table has something wrong.
    Table(Error),
    /// They cannot be written.
    Output(anyhow::Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Table(error)
    }
}

/// The table's file. Standard input is copied, as its beginning is looked at before it is read.
struct Input<'a> {
    named: &'a Path,
    copy: Option<(TempDir, PathBuf)>,
}

impl<'a> Input<'a> {
    fn new(named: &'a Path) -> anyhow::Result<Self> {
        let copied = named == Path::new("-");
        let copy = copied.then(tempfile::tempdir).transpose().context("cannot copy standard input")?;
        let copy = copy.map(|folder| {
            let path = folder.path().join("standard input");
            (folder, path)
        });
        Ok(Input { named, copy })
    }

    /// Returns the file that was named, if it is one.
    fn file(&self) -> Option<&'a Path> {
        self.copy.is_none().then_some(self.named)
    }

    /// Returns the copy and its folder.
    fn copied(&self) -> Vec<&Path> {
        self.copy.iter().flat_map(|(folder, path)| [&**path, folder.path()]).collect()
    }

    /// Copies standard input, if that is what was named.
    fn fill(&self) -> anyhow::Result<()> {
        if let Some((_, path)) = &self.copy {
            let copied = File::create(path).and_then(|mut file| io::copy(&mut io::stdin().lock(), &mut file));
            copied.context("cannot copy standard input")?;
        }
        Ok(())
    }

    fn path(&self) -> &Path {
        self.copy.as_ref().map_or(self.named, |(_, path)| path)
    }
}
