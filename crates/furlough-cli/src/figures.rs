//! The figures of a table's rows as text.

use crate::terminal::Style;
use furlough::counted;
use furlough_tables::figures::{TableFigure, TableFigures, TargetResiduals, in_digits};

/// Returns the values in a line for each target: `accuracy 93.33 %, …, on 30 rows`.
pub fn lines(figures: &TableFigures) -> Vec<String> {
    let all = &figures.figures;
    let several = all.iter().any(|figure| figure.target != all[0].target);
    let line = |of_target: &[TableFigure]| {
        let of = of_target[0].target.as_ref().filter(|_| several);
        let of = of.map_or(String::new(), |target| format!("{target}: "));
        let values = of_target.iter().map(|one| format!("{} {}", one.name.name(), one.text()));
        format!("{of}{}, on {}", values.collect::<Vec<_>>().join(", "), counted(figures.examples as usize, "row"))
    };
    all.chunk_by(|one, other| one.target == other.target).map(line).collect()
}

/// Returns a line a figure, with its interval.
pub fn table(figures: &TableFigures, style: Style) -> Vec<String> {
    let all = &figures.figures;
    if all.is_empty() {
        return Vec::new();
    }
    let several = all.iter().any(|figure| figure.target != all[0].target);
    let name = |figure: &TableFigure| match &figure.target {
        Some(target) if several => format!("{target}: {}", figure.name.name()),
        _ => figure.name.name().to_string(),
    };
    let width = all.iter().map(|figure| name(figure).chars().count()).max().unwrap_or(0).max(17);
    let head = match figures.resamples {
        0 => format!("  {:<width$}   {:>12}", "figure", "value"),
        _ => format!("  {:<width$}   {:>12}   {:>26}", "figure", "value", "95 % interval"),
    };
    let mut lines = vec![style.dim(&head)];
    for figure in all {
        let (value, interval) = (figure.text(), figure.interval_text().unwrap_or_default());
        let line = format!("  {:<width$}   {value:>12}   {interval:>26}", name(figure));
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
