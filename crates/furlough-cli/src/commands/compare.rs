//! `furlough compare`.

use super::report::{Folder, PageFile, check_distinct, line, overlay};
use crate::args::CompareArgs;
use crate::failure;
use crate::terminal::{Style, bytes, duration, name, path};
use furlough_lab::report::{ComparedRun, Comparison, PairedFigure, Part, page};
use furlough_lab::run::{RunStatus, final_record};
use std::io::{self, Write};
use std::process::ExitCode;

/// Sets runs beside each other.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    check_distinct(&args.runs)?;
    let output = args.out.as_deref().map(PageFile::new).transpose()?;
    let comparison = Comparison::of(args.runs.iter().map(|run| line(run)).collect::<anyhow::Result<_>>()?);
    let folder = args.plots.as_deref().map(Folder::new).transpose()?;
    let mut text = tables(&comparison, Style::of(&io::stdout()));
    if let (Some(output), Some(out)) = (output, &args.out) {
        let html = page(&[Part::Comparison(&comparison)])?;
        output.write(&html)?;
        text.push_str(&format!("\n  {}  {}\n", path(out), bytes(html.len() as u64)));
    }
    if let Some(folder) = &folder {
        overlay(folder, &comparison)?;
    }
    let text = Style::of(&io::stdout()).text(&text);
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// A cell of a table, and whether it is set off.
type Cell = (String, bool);

fn tables(comparison: &Comparison, style: Style) -> String {
    let mut text = table(&figures(comparison), style);
    text.push('\n');
    if comparison.differences.is_empty() {
        text.push_str("  The recipes are the same.\n");
    } else {
        text.push_str(&table(&recipes(comparison), style));
    }
    if !comparison.paired.is_empty() {
        let first = comparison.groups[0].short();
        let heading = format!("difference from {first}, seed by seed, after the last epoch");
        text.push_str(&format!("\n  {}\n", style.dim(&heading)));
        text.push_str(&table(&paired(comparison), style));
    }
    let left_out: Vec<_> =
        comparison.runs.iter().filter(|run| run.status != RunStatus::Finished).map(|run| run.name.as_str()).collect();
    if !left_out.is_empty() {
        let note = format!("not trained to the end, and so not in any mean: {}", left_out.join(", "));
        text.push_str(&format!("\n  {}\n", style.text(&note)));
    }
    text
}

fn plain(text: impl Into<String>) -> Cell {
    (text.into(), false)
}

fn figures(comparison: &Comparison) -> Vec<Vec<Cell>> {
    let splits = comparison.eval_splits();
    let heads = ["run", &format!("{splits} accuracy"), &format!("{splits} loss"), "train loss", "epochs", "time"];
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let loss = |loss: f64| format!("{loss:.4}");
    let row = |run: &ComparedRun| {
        let last = final_record(&run.recipe, &run.records).map(|record| &record.summary);
        let show = |value: Option<f64>, show: &dyn Fn(f64) -> String| plain(value.map_or("-".into(), show));
        vec![
            plain(name(&run.name)),
            show(last.and_then(|last| last.eval_accuracy()), &percent),
            show(last.and_then(|last| last.eval_loss()), &loss),
            show(last.map(|last| last.train_loss), &loss),
            plain(run.records.len().to_string()),
            plain(duration(run.records.iter().map(|record| record.seconds).sum())),
        ]
    };
    std::iter::once(heads.map(plain).to_vec()).chain(comparison.runs.iter().map(row)).collect()
}

/// A row a run, a column a key that differs; what is not as in the first run is set off.
fn recipes(comparison: &Comparison) -> Vec<Vec<Cell>> {
    let heads = comparison.differences.iter().map(|difference| plain(&difference.key));
    let row = |(place, run): (usize, &ComparedRun)| {
        let cell = |values: &Vec<Option<String>>| {
            (values[place].clone().unwrap_or_else(|| "-".into()), values[place] != values[0])
        };
        let cells = comparison.differences.iter().map(|difference| cell(&difference.values));
        std::iter::once(plain(name(&run.name))).chain(cells).collect()
    };
    let heads = std::iter::once(plain("recipe")).chain(heads).collect();
    std::iter::once(heads).chain(comparison.runs.iter().enumerate().map(row)).collect()
}

fn paired(comparison: &Comparison) -> Vec<Vec<Cell>> {
    let heads = ["group", "figure", "seeds", "mean", "95 % interval", "p", ""];
    let row = |one: &PairedFigure| {
        let interval = one.estimate.interval();
        vec![
            plain(comparison.groups[one.group].short()),
            plain(one.figure),
            plain(one.seeds.len().to_string()),
            (one.show(one.estimate.mean), one.estimate.excludes_zero()),
            plain(interval.map_or("-".into(), |(low, high)| format!("{} to {}", one.show(low), one.show(high)))),
            plain(one.p_value.map_or("-".into(), |p| format!("{p:.3}"))),
            plain(one.verdict()),
        ]
    };
    std::iter::once(heads.map(plain).to_vec()).chain(comparison.paired.iter().map(row)).collect()
}

/// Columns as wide as they need to be: the first and the last on the left, the others on the right.
fn table(rows: &[Vec<Cell>], style: Style) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.0.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        let cell = |(column, (cell, apart)): (usize, &Cell)| {
            let width = widths[column];
            // What is only a heading of words, or a conclusion, reads from the left.
            let words = cell.chars().next().is_none_or(|c| c.is_alphabetic()) && column + 1 == columns && place > 0;
            let padded = if column == 0 || words { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            match (place, apart) {
                (0, _) => style.dim(&padded),
                (_, true) => style.accent(&padded),
                _ => style.text(&padded),
            }
        };
        let line = row.iter().enumerate().map(cell).collect::<Vec<_>>().join("   ");
        text.push_str(&format!("  {}\n", line.trim_end()));
    }
    text
}
