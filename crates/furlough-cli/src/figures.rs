//! The figures of a table's rows as text.

use crate::terminal::Style;
use furlough::counted;
use furlough::predict::Temperature;
use furlough_tables::figures::{TableFigure, TableFigures, TargetResiduals, in_digits};
use furlough_tables::model::{EnsembleHeader, TableScores, TargetScores};

/// Returns the values in a line for each target: `accuracy 93.33 %, …, on 30 rows`.
pub fn lines(figures: &TableFigures) -> Vec<String> {
    said(figures, |one| format!("{} {}", one.name.name(), one.text()))
}

fn said(figures: &TableFigures, value: impl Fn(&TableFigure) -> String) -> Vec<String> {
    let all = &figures.figures;
    let several = figures.have_several_targets();
    let line = |of_target: &[TableFigure]| {
        let of = of_target[0].target.as_ref().filter(|_| several);
        let of = of.map_or(String::new(), |target| format!("{target}: "));
        let values = of_target.iter().map(&value);
        format!("{of}{}, on {}", values.collect::<Vec<_>>().join(", "), counted(figures.examples as usize, "row"))
    };
    all.chunk_by(|one, other| one.target == other.target).map(line).collect()
}

/// [`lines`], each value with its interval: `accuracy 93.33 % (90.00 % to 97.50 %)`.
pub fn lines_with_intervals(figures: &TableFigures) -> Vec<String> {
    said(figures, |one| match one.interval_text() {
        Some(interval) => format!("{} {} ({interval})", one.name.name(), one.text()),
        None => format!("{} {}", one.name.name(), one.text()),
    })
}

/// Returns what several networks reach on the rows that they did not learn from, and what their
/// temperature gains there, in a line each.
pub fn out_of_fold(ensemble: &EnsembleHeader) -> Vec<String> {
    let TableScores { rows, loss, accuracy, targets } = &ensemble.out_of_fold;
    let several = targets.len() > 1;
    let mut lines: Vec<String> = match accuracy {
        Some(accuracy) => vec![format!("accuracy {:.2} %, log loss {loss:.4}", 100.0 * accuracy)],
        None => targets
            .iter()
            .map(|TargetScores { name, rmse, mae, r2 }| {
                let of = if several { format!("{name}: ") } else { String::new() };
                format!("{of}RMSE {}, MAE {}, R² {r2:.4}", in_digits(*rmse), in_digits(*mae))
            })
            .collect(),
    };
    if let Some(first) = lines.first_mut() {
        *first += &format!(", on {}, each by networks that did not learn from it", counted(*rows as usize, "row"));
    }
    lines.extend(ensemble.temperature.map(|Temperature { temperature, loss_before, loss_after }| {
        format!("temperature {temperature:.3}: log loss {loss_before:.4} without it, {loss_after:.4} with it")
    }));
    lines
}

/// Returns a line a figure, with its interval.
pub fn table(figures: &TableFigures, style: Style) -> Vec<String> {
    if figures.figures.is_empty() {
        return Vec::new();
    }
    let width = figures.named().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(17);
    let head = match figures.resamples {
        0 => format!("  {:<width$}   {:>12}", "figure", "value"),
        _ => format!("  {:<width$}   {:>12}   {:>26}", "figure", "value", "95 % interval"),
    };
    let mut lines = vec![style.dim(&head)];
    for (name, figure) in figures.named() {
        let (value, interval) = (figure.text(), figure.interval_text().unwrap_or_default());
        let line = format!("  {name:<width$}   {value:>12}   {interval:>26}");
        lines.push(style.text(line.trim_end()));
    }
    if figures.resamples > 0 {
        let how = format!("  percentiles of {} draws of the rows, seed {}", figures.resamples, figures.seed);
        lines.push(style.dim(&how));
    }
    lines.push(String::new());
    lines
}

/// Returns where answers are off, along the answers: a line for each part of the rows.
pub fn residuals(targets: &[TargetResiduals], style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for TargetResiduals { target, bins, .. } in targets {
        let head =
            [format!("answers for {target} from"), "to".into(), "rows".into(), "mean residual".into(), "RMSE".into()];
        let first = head[0].chars().count().max(12);
        let line = |cells: [&str; 5]| {
            let [from, to, rows, mean, rmse] = cells;
            format!("  {from:>first$}   {to:>10}   {rows:>7}   {mean:>13}   {rmse:>10}")
        };
        lines.push(style.dim(&line(head.each_ref().map(String::as_str))));
        for bin in bins {
            let cells = [
                in_digits(bin.from),
                in_digits(bin.to),
                bin.rows.to_string(),
                in_digits(bin.mean),
                in_digits(bin.rmse),
            ];
            lines.push(style.text(&line(cells.each_ref().map(String::as_str))));
        }
        lines.push(style.dim("  residuals are target less answer: above 0, answers are too low"));
        lines.push(String::new());
    }
    lines
}
