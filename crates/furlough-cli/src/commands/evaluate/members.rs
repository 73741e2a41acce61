//! Several networks that are one model of a table.

use super::{Averages, Full, InUnits, Page, Report, Unlike, plots, table};
use crate::args::EvaluateArgs;
use crate::commands::model::check_single;
use crate::commands::train::data;
use crate::failure;
use crate::terminal::{Style, note, thousands};
use anyhow::bail;
use furlough::data::{Targets, Task};
use furlough::files::fingerprint;
use furlough::noun_of;
use furlough::predict::{Calibration, calibration};
use furlough_lab::recipe::{Recipe, Settings};
use furlough_lab::run::{Manifest, RunDir};
use furlough_lab::source::{DataSource, TableSource};
use furlough_tables::TableModel;
use furlough_tables::figures::{TableFigures, TargetResiduals};
use furlough_tables::model::Judged;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Says how good the model is on a table, or on the test rows that its run set apart.
pub fn run(
    args: &EvaluateArgs,
    mut model: TableModel,
    others: &[PathBuf],
    file: Option<&Path>,
    threads: usize,
) -> anyhow::Result<ExitCode> {
    if let Some(other) = others.first() {
        bail!(
            "{}: {} is a model of several networks by itself; evaluate them one by one",
            other.display(),
            args.run.display()
        );
    }
    if args.samples.is_some() {
        check_single(&model, &args.run, "--samples")?;
    }
    if args.data.is_some() {
        bail!("--data: {} learned from a table, so no other data set has its columns", args.run.display());
    }
    let (judged, name, origin) = match file {
        Some(file) => {
            if let Some(recipe) = recipe_of(&args.run)? {
                table::warn_of_own(file, &args.run, &recipe);
            }
            let rows = model.read(file, threads)?;
            let labeled = table::labeled_rows(&rows);
            let name = file.display().to_string();
            (model.judge(&rows, &labeled)?, name.clone(), name)
        }
        None => {
            let Some(recipe) = recipe_of(&args.run)? else {
                bail!("{}: this model has no table of its own; name one beside it", args.run.display());
            };
            let (judged, origin) = by_own_rows(args, &mut model, &recipe, threads)?;
            (judged, recipe.data().to_string(), origin)
        }
    };
    judged.told.sentences().iter().for_each(|sentence| note(&format!("warning: {sentence}")));
    let Judged { data, outputs, answers, evaluation, .. } = judged;
    let target = model.preprocessing().target()?;
    let judged = InUnits {
        figures: TableFigures::of(outputs.view(), &data, target),
        residuals: TargetResiduals::of(outputs.view(), &data, target),
    };
    let calibration = match (target.task(), data.targets()) {
        (Task::Classification, Targets::Classes { labels, .. }) => {
            Some(calibration(answers.view(), labels, Calibration::BINS)?)
        }
        _ => None,
    };
    let full = Full { evaluation, calibration };
    let averages = Averages { sampled: None, together: Vec::new() };
    if let Some(dir) = &args.plots {
        plots::write(dir, &full, &judged.residuals, data.class_names())?;
    }
    let judged = Some(judged);
    let unlike = Unlike::of(args, file, threads)?;
    let text = if args.json {
        let run = args.run.display().to_string();
        let report = Report::new(&run, &name, &full, data.class_names(), averages);
        // Those of standardized numbers would only be taken for others.
        serde_json::to_string(&Report { judged, regression: None, unlike, ..report })? + "\n"
    } else {
        let paths = [args.run.clone()];
        let origin = format!("{origin} · the mean of {} networks", model.members());
        let data_line = format!("{name} · {} {}", thousands(data.len() as u64), noun_of(data.len(), "test example"));
        let names = data.class_names();
        Page { paths: &paths, data: data_line, origin, first: full, mean: None, averages, judged, unlike, names }
            .text(Style::of(&io::stdout()))
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// The recipe of a run's folder; none of a file.
fn recipe_of(path: &Path) -> anyhow::Result<Option<Recipe>> {
    if path.is_dir() {
        return Ok(Some(RunDir::open(path)?.recipe()?));
    }
    let furlough::files::ModelFile::Ensemble(_, info) = furlough::files::load_models(path)? else { return Ok(None) };
    let recipe = Settings::parse(&info.recipe, None)?.resolve()?;
    Ok(recipe.table().is_some().then_some(recipe))
}

/// Judges by the test rows of the run's own table, which must be the one that it learned from.
fn by_own_rows(
    args: &EvaluateArgs,
    model: &mut TableModel,
    recipe: &Recipe,
    threads: usize,
) -> anyhow::Result<(Judged, String)> {
    let found = data(recipe, args.data_dir.as_deref(), threads, args.json)?;
    let DataSource::Table(source) = found.source else { bail!("{}: did not learn from a table", args.run.display()) };
    check_unchanged(args, model, recipe, &source)?;
    match source.test() {
        Some((table, rows)) => Ok((model.judge(table, rows)?, found.origin)),
        None => bail!(
            "{}: it set no test rows apart; `furlough info` shows its score out of fold, or name a table beside it",
            args.run.display()
        ),
    }
}

fn check_unchanged(
    args: &EvaluateArgs,
    model: &TableModel,
    recipe: &Recipe,
    source: &TableSource,
) -> anyhow::Result<()> {
    let first = source.run_data(&recipe.member(0).partition())?;
    let is_other = first.table.is_none_or(|found| found.preprocessing != *model.preprocessing());
    let dir = RunDir::open(&args.run).ok();
    let manifest = dir.as_ref().map(Manifest::read).transpose()?.flatten();
    let own = fingerprint(&first.training.train);
    if is_other || manifest.is_some_and(|manifest| manifest.data_fingerprint != own) {
        bail!(
            "{}: has changed since {} learned from it, so nobody knows which of its rows taught it; name a table \
             beside the run to judge it by all rows of that one",
            recipe.data(),
            args.run.display()
        );
    }
    Ok(())
}
