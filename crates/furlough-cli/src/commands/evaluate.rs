//! `furlough evaluate`.

mod members;
mod plots;
mod sampled;
mod state;
mod table;
mod tables;
mod together;
mod unlike;

use super::model::several;
use super::train::{data, sets, threads};
use crate::acquire::{Acquired, AcquiredSource, Wanted};
use crate::args::EvaluateArgs;
use crate::figures;
use crate::terminal::{self, Style, thousands};
use crate::{failure, interrupt, limits};
use anyhow::bail;
use furlough::data::{Dataset, catalog};
use furlough::files::fingerprint;
use furlough::nn::Architecture;
use furlough::noun_of;
use furlough::predict::{Calibration, ClassScores, Evaluation, Predictor, RegressionScores};
use furlough::train::{TrainOptions, TrainingMemory};
use furlough_lab::recipe::Recipe;
use furlough_lab::run::Trained;
use furlough_lab::source::RunData;
use furlough_tables::figures::{TableFigures, TargetResiduals};
use furlough_tables::model::TableHeader;
use furlough_tables::preprocessing::TargetEncoder;
use sampled::Sampled;
pub(super) use sampled::check as check_samples;
use serde::Serialize;
use state::Unfinished;
pub(super) use state::unfinished;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use together::Together;
use unlike::Unlike;

/// An output of an example: in single precision, and its probability in double precision.
const BYTES_OF_OUTPUT: u64 = 12;

/// Rows that a thread computes at once, at most.
const ROWS_OF_THREAD: usize = 128;

/// Says how good a trained network is on the test part of its data, or of other data.
pub fn run(args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    interrupt::end("nothing was changed")?;
    let (tables, others): (Vec<&PathBuf>, Vec<&PathBuf>) = args.others.iter().partition(|path| table::is_table(path));
    let paths: Vec<PathBuf> = std::iter::once(&args.run).chain(others).cloned().collect();
    if let [_, second, ..] = tables[..] {
        bail!("{}: one table at a time", second.display());
    }
    // What can be refused without the data is refused before it is fetched.
    let threads = threads(args.threads);
    if let Some(model) = several(&args.run, threads)? {
        return members::run(args, model, &paths[1..], tables.first().map(|table| table.as_path()), threads);
    }
    limits::check(together::bytes_to_open(&paths), "evaluating this", threads)?;
    let runs = together::open(&paths)?;
    if args.samples.is_some() {
        sampled::check(runs[0].mlp.architecture())?;
    }
    let recipe = runs[0].recipe.clone();
    let file = tables.first().map(|file| file.display().to_string());
    let name = args.data.as_deref().or(file.as_deref()).unwrap_or(recipe.data());
    let Judge { test, origin } = judge(args, name, (&paths, tables.first().copied()), &runs, threads)?;
    let unfinished = unfinished(&paths, &runs);
    let outputs = test.outputs() as u64 * BYTES_OF_OUTPUT * if args.samples.is_some() { 2 } else { 1 };
    let outputs = outputs * test.len() as u64 * paths.len() as u64;
    let passes = runs.iter().map(|run| pass_memory(run.mlp.architecture(), threads)).fold(0, u64::saturating_add);
    limits::check(outputs.saturating_add(passes), "evaluating this", threads)?;
    let header = runs[0].info.table.as_ref().map(|_| TableHeader::of(&paths[0], &runs[0].info)).transpose()?;
    let target = header.and_then(|header| header.preprocessing.target);
    let member = |Trained { mlp, recipe, .. }| Predictor::with_precision(mlp, threads, Recipe::precision(&recipe));
    let mut members: Vec<Predictor> = runs.into_iter().map(member).collect();
    let first = Full::of(&mut members[0], &test)?;
    let judged = match &target {
        Some(target) if paths.len() == 1 => Some(InUnits::of(&mut members[0], &test, target)?),
        _ => None,
    };
    let seed = args.seed.unwrap_or(recipe.options().seed);
    let sample = |samples: NonZero<u32>| Sampled::new(&mut members[0], &test, samples.get(), seed);
    let sampled = args.samples.map(sample).transpose()?;
    let (mean, together) = match paths.len() {
        1 => (None, Vec::new()),
        _ => together::mean(&mut members, &paths, &test).map(|(mean, together)| (Some(mean), together))?,
    };
    let averages = Averages { sampled, together };
    if let Some(dir) = &args.plots {
        let full = mean.as_ref().unwrap_or(&first);
        plots::write(dir, full, judged.as_ref().map_or(&[], |judged| &judged.residuals), test.class_names())?;
    }
    let unlike = Unlike::of(args, tables.first().map(|table| table.as_path()), threads)?;
    let text = if args.json {
        let names = test.class_names();
        let run = args.run.display().to_string();
        let report = Report::new(&run, name, mean.as_ref().unwrap_or(&first), names, averages);
        // Those of standardized numbers would only be taken for others.
        let regression = report.regression.filter(|_| judged.is_none());
        serde_json::to_string(&Report { unfinished, judged, regression, unlike, ..report })? + "\n"
    } else {
        let data = format!("{name} · {} {}", thousands(test.len() as u64), noun_of(test.len(), "test example"));
        let names = test.class_names();
        let page = Page { paths: &paths, data, origin, first, mean, averages, judged, unlike, names };
        page.text(Style::of(&io::stdout()))
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// What the networks are judged by.
struct Judge {
    test: Dataset,
    /// Where it came from.
    origin: String,
}

/// Reads what the networks are judged by: the data set `name`, or the rows of the first run's table
/// that it did not learn from. Says so where it is not what the runs were trained on.
fn judge(
    args: &EvaluateArgs,
    name: &str,
    (paths, table): (&[PathBuf], Option<&PathBuf>),
    runs: &[Trained],
    threads: usize,
) -> anyhow::Result<Judge> {
    let recipe = &runs[0].recipe;
    if runs[0].info.table.is_none() {
        if let Some(table) = table {
            bail!(
                "{}: {} did not learn from a table, so it has no columns to find there",
                table.display(),
                args.run.display()
            );
        }
        let wanted = Wanted { name, labels_from: labels_from(name, recipe) };
        let Acquired { split, origin } = sets(wanted, args.data_dir.as_deref(), args.json)?;
        if args.data.is_none() {
            state::compare_data(paths, runs, name, &split)?;
        }
        return Ok(Judge { test: split.test, origin });
    }
    if args.data.is_some() {
        bail!("--data: {} learned from a table, so no other data set has its columns", args.run.display());
    }
    let seen = |run: &Trained| -> anyhow::Result<_> {
        let TableHeader { schema, preprocessing, .. } = TableHeader::of(&paths[0], &run.info)?;
        Ok((schema, preprocessing))
    };
    let seen = runs.iter().map(seen).collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(other) = seen.iter().position(|one| *one != seen[0]) {
        bail!(
            "{} sees its table in another way than {}, as each fits its scales to the rows that it learns from; \
             evaluate them one by one",
            paths[other].display(),
            args.run.display()
        );
    }
    if let Some(table) = table {
        return table::read(table, paths, runs, threads);
    }
    if recipe.table().is_none() {
        bail!("{}: this model has no table of its own; name one beside it", args.run.display());
    }
    let AcquiredSource { source, origin, .. } = data(recipe, args.data_dir.as_deref(), threads, args.json)?;
    let RunData { training, test, table: found, .. } = source.run_data(&recipe.partition())?;
    let own = TableHeader::of(&paths[0], &runs[0].info)?.preprocessing;
    let is_other = found.is_none_or(|found| found.preprocessing != own);
    if is_other || fingerprint(&training.train) != runs[0].info.data.fingerprint {
        bail!(
            "{name}: has changed since {} learned from it, so nobody knows which of its rows taught it; name a table \
             beside the run to judge it by all rows of that one",
            args.run.display()
        );
    }
    Ok(Judge { test: test.unwrap_or(training.eval), origin })
}

/// Returns the bytes that passes through a network take, masked ones too: packed weights, and what
/// the units of as many rows give as are computed at once. No more than a step on these rows takes.
fn pass_memory(architecture: &Architecture, threads: usize) -> u64 {
    let options = TrainOptions { batch_size: ROWS_OF_THREAD * threads, ..TrainOptions::default() };
    let memory = TrainingMemory::of(architecture, &options, options.batch_size, threads);
    memory.packed.saturating_add(memory.workspace)
}

/// Returns the lowest label of the data: the run's own, but of a known data set always 0.
fn labels_from(name: &str, recipe: &Recipe) -> u32 {
    if name == catalog::OWN_FILES { recipe.labels_from() } else { 0 }
}

/// What is measured of a network's answers, or of the mean of several networks'.
struct Full {
    evaluation: Evaluation,
    /// None for numbers.
    calibration: Option<Calibration>,
}

impl Full {
    /// Of a full network.
    fn of(predictor: &mut Predictor, test: &Dataset) -> furlough::Result<Self> {
        let evaluation = predictor.evaluate(test)?;
        let classes = evaluation.accuracy.is_some();
        let calibration = classes.then(|| predictor.calibration(test, Calibration::BINS)).transpose()?;
        Ok(Full { evaluation, calibration })
    }
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a str,
    data: &'a str,
    /// The runs whose networks are those of their checkpoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unfinished: Vec<Unfinished>,
    examples: usize,
    loss: f64,
    accuracy: Option<f64>,
    classes: Vec<Class<'a>>,
    confusion: Option<Vec<Vec<u64>>>,
    calibration: Option<&'a Calibration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regression: Option<&'a RegressionScores>,
    #[serde(flatten)]
    judged: Option<InUnits>,
    #[serde(flatten)]
    averages: Averages,
    #[serde(skip_serializing_if = "Option::is_none")]
    unlike: Option<Unlike>,
}

/// How good answers for a table's rows are, in the target's units.
#[derive(Serialize)]
struct InUnits {
    figures: TableFigures,
    /// Of numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    residuals: Vec<TargetResiduals>,
}

impl InUnits {
    fn of(predictor: &mut Predictor, test: &Dataset, target: &TargetEncoder) -> furlough::Result<Self> {
        let outputs = predictor.predict(test)?;
        let figures = TableFigures::of(outputs.view(), test, target);
        Ok(InUnits { figures, residuals: TargetResiduals::of(outputs.view(), test, target) })
    }
}

/// Answers that are means of several networks'.
#[derive(Serialize)]
struct Averages {
    /// Of masked passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    sampled: Option<Sampled>,
    /// Of several runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    together: Vec<Together>,
}

#[derive(Serialize)]
struct Class<'a> {
    name: &'a str,
    precision: f64,
    recall: f64,
    f1: f64,
    support: u64,
}

impl<'a> Report<'a> {
    fn new(run: &'a str, data: &'a str, full: &'a Full, names: &'a [String], averages: Averages) -> Self {
        let Full { evaluation, calibration } = full;
        let class = |(name, scores): (&'a String, ClassScores)| {
            let ClassScores { precision, recall, f1, support, .. } = scores;
            Class { name, precision, recall, f1, support }
        };
        Report {
            run,
            data,
            unfinished: Vec::new(),
            examples: evaluation.examples,
            loss: evaluation.loss,
            accuracy: evaluation.accuracy,
            classes: names.iter().zip(evaluation.classes()).map(class).collect(),
            confusion: evaluation.confusion.as_ref().map(|c| c.rows().into_iter().map(|row| row.to_vec()).collect()),
            calibration: calibration.as_ref(),
            regression: evaluation.regression.as_ref(),
            judged: None,
            averages,
            unlike: None,
        }
    }
}

/// What is shown.
struct Page<'a> {
    paths: &'a [PathBuf],
    data: String,
    origin: String,
    first: Full,
    /// Of several runs.
    mean: Option<Full>,
    averages: Averages,
    judged: Option<InUnits>,
    unlike: Option<Unlike>,
    names: &'a [String],
}

impl Page<'_> {
    fn text(&self, style: Style) -> String {
        let Page { paths, data, origin, first, mean, averages, judged, unlike, names } = self;
        let Full { evaluation, calibration } = mean.as_ref().unwrap_or(first);
        let mut lines = Vec::new();
        let mut field = |name: &str, text: &str| lines.push(format!("  {} {text}", style.dim(&format!("{name:<9}"))));
        for (place, path) in paths.iter().enumerate() {
            let name = match (place, mean) {
                (0, None) => "run",
                (0, Some(_)) => "runs",
                _ => "",
            };
            field(name, &terminal::path(path));
        }
        if mean.is_some() {
            field("", &style.dim("the mean of their probabilities"));
        }
        field("data", &style.text(data));
        field("", &style.dim(origin));
        if let Some(accuracy) = evaluation.accuracy {
            let right = evaluation.confusion.as_ref().map_or(0, |counts| counts.diag().sum());
            let count = format!("{} of {}", thousands(right), thousands(evaluation.examples as u64));
            // Where rows have weights the share is another one.
            let is_share = (accuracy - right as f64 / evaluation.examples as f64).abs() < 1e-9;
            let count = if is_share { count } else { format!("{count}, by their weights") };
            let share = style.bold(&format!("{:.2} %", 100.0 * accuracy));
            field("accuracy", &format!("{share}   {}", style.dim(&count)));
        }
        field("loss", &format!("{:.4}", evaluation.loss));
        if let Some(Calibration { expected_calibration_error, brier, bins, .. }) = calibration {
            let error = format!("{:.2} %", 100.0 * expected_calibration_error);
            let what = format!("calibration error, {} bins · Brier score {brier:.4}", bins.len());
            field("ECE", &format!("{error}   {}", style.dim(&what)));
        }
        lines.push(String::new());
        let of = mean.as_ref().map(|_| terminal::path(&paths[0]));
        lines.extend(averages.sampled.iter().flat_map(|sampled| sampled.tables(first, of.as_deref(), style)));
        lines.extend(together::table(&averages.together, style));
        lines.extend(unlike.iter().flat_map(|unlike| unlike.lines(style)));
        match judged {
            Some(InUnits { figures, residuals }) => {
                lines.extend(figures::table(figures, style));
                lines.extend(figures::residuals(residuals, style));
            }
            None => lines.extend(evaluation.regression.iter().flat_map(|scores| tables::regression(scores, style))),
        }
        lines.extend(tables::classes(names, &evaluation.classes(), style));
        lines.extend(tables::confusion(names, evaluation, style));
        style.text(lines.join("\n").trim_end()) + "\n"
    }
}
