//! `furlough explain`.

mod page;
mod progress;

use super::model;
use super::report::{Folder, PageFile};
use super::train::threads;
use crate::args::ExplainArgs;
use crate::terminal::{Style, bytes, note, path as shown};
use crate::{failure, interrupt};
use anyhow::bail;
use furlough::noun_of;
use furlough_lab::report::{ExplainPage, Part, page as report_page};
use furlough_lab::run::{Plot, chart_png, chart_svg};
use furlough_tables::explain::{CorrelatedColumns, ExplainOptions, PartialDependence, PermutationImportance};
use furlough_tables::preprocessing::TargetRows;
use furlough_tables::{Table, TableModel};
use progress::Passes;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Says what columns are worth to a network, and what it answers along them.
pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    interrupt::end("no page and no picture was written")?;
    let threads = threads(args.threads);
    if args.file == Path::new("-") {
        bail!("-: the table is read more than once, so it must be a file; save it first");
    }
    let mut model = model::open(&args.model, threads)?;
    // What can be refused is refused before anything is computed.
    let output = args.out.as_deref().map(PageFile::new).transpose()?;
    let pictures = args.plots.as_deref().map(Folder::new).transpose()?;
    let options = ExplainOptions {
        columns: args.columns.clone(),
        repeats: args.repeats.get(),
        rows: args.rows.get(),
        seed: args.seed,
    };
    let table = model.read(&args.file, threads)?;
    let found = explain(&mut model, &table, &options, args)?;
    if let Some(folder) = &pictures {
        write_pictures(folder, &found)?;
        let count = folder.count();
        note(&format!("{}: {count} {}", shown(folder.path()), noun_of(count, "picture")));
    }
    if let Some(output) = &output {
        let html = report_page(&[Part::Explain(&found)])?;
        output.write(&html)?;
        note(&format!("{}: {}", shown(args.out.as_deref().unwrap_or(Path::new(""))), bytes(html.len() as u64)));
    }
    let text = if args.json { json(&found)? } else { page::text(&found, Style::of(&io::stdout())) };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

fn explain(
    model: &mut TableModel,
    table: &Table,
    options: &ExplainOptions,
    args: &ExplainArgs,
) -> anyhow::Result<ExplainPage> {
    let TargetRows { rows, dropped } = TargetRows::of(table, &table.all_rows());
    let mut notes = Vec::new();
    let mut say = |text: String| {
        if !args.quiet {
            note(&format!("note: {text}"));
        }
        notes.push(text);
    };
    if table.rows() == 0 {
        bail!("{}: has no row to look at", args.file.display());
    }
    if rows.is_empty() {
        let target = model.preprocessing().target()?.names().join(", ");
        say(format!("No row has a target ({target}), so what columns are worth cannot be said."));
    } else if dropped > 0 {
        say(format!("{dropped} {} without a target are left out.", noun_of(dropped as usize, "row")));
    }
    for sentence in model.predict(table)?.told.sentences() {
        say(format!("{sentence}."));
    }
    let correlated = model.correlated_columns(table, options)?;
    let mut passes = Passes::new("shuffles", args.quiet);
    let importance = match rows.is_empty() {
        true => None,
        false => Some(model.permutation_importance(table, options, |done, of| passes.show(done, of))?),
    };
    passes.end();
    let mut passes = Passes::new("values", args.quiet);
    let dependence = model.partial_dependence(table, options, |done, of| passes.show(done, of))?;
    passes.end();
    Ok(ExplainPage {
        model: args.model.display().to_string(),
        table: args.file.display().to_string(),
        dependence: by_importance(dependence, importance.as_ref()),
        importance,
        correlated,
        notes,
    })
}

/// Puts the columns first that are worth most.
fn by_importance(mut along: Vec<PartialDependence>, found: Option<&PermutationImportance>) -> Vec<PartialDependence> {
    if let Some(first) = found.and_then(|found| found.scores.first()) {
        let place = |name: &str| first.columns.iter().position(|column| column.column == name);
        along.sort_by_key(|one| place(&one.column));
    }
    along
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    table: &'a str,
    notes: &'a [String],
    importance: Option<&'a PermutationImportance>,
    correlated: &'a [CorrelatedColumns],
    dependence: &'a [PartialDependence],
}

fn json(found: &ExplainPage) -> anyhow::Result<String> {
    let ExplainPage { model, table, importance, dependence, correlated, notes } = found;
    let report = Report { model, table, notes, importance: importance.as_ref(), correlated, dependence };
    Ok(serde_json::to_string(&report)? + "\n")
}

fn write_pictures(folder: &Folder, found: &ExplainPage) -> anyhow::Result<()> {
    for (name, chart) in found.importance_charts() {
        folder.picture(&name, &chart_svg(&name, &chart)?, Some(&chart_png(&name, &chart)?))?;
    }
    let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    for (place, along) in found.dependence.iter().enumerate() {
        // The number keeps apart what plain names would not.
        let column: String = along.column.chars().map(plain).take(60).collect();
        folder.plot(&format!("dependence-{:02}-{column}", place + 1), &Plot::Dependence(along))?;
    }
    Ok(())
}
