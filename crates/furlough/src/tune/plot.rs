use super::search::Arm;
use super::{Metric, SearchedTrial, TuneReport};
use crate::run::{Chart, Line, Panel, PlotPoint};
use crate::study::statistics::Estimate;
use crate::train::Recipe;

/// Layers that have a panel.
const PANELS: usize = 4;

/// Validation error against drop probability, a panel for each hidden layer of the recommended network: the points that everybody tries,
/// joined; what the search proposed and trained to the end; and the two finalists over their seeds, with intervals.
pub fn error_by_p(report: &TuneReport) -> Chart {
    let layers = report.with.recipe.hidden().len().min(PANELS);
    let title = match report.metric {
        Metric::Accuracy => "validation error, %",
        Metric::Loss => "validation loss",
    };
    // Where a rate ruins the network, as 0.9 often does, the others would lie in one line.
    let heights = report.search.iter().filter_map(|trial| end_value(report, trial)).map(|v| height(report.metric, v));
    let (least, most) = heights.fold((f64::INFINITY, 0.0), |(least, most), y| (y.min(least), y.max(most)));
    let log_y = least > 0.0 && most > 4.0 * least;
    let panel = |layer: usize| Panel::Lines {
        title: if layer == 0 { title.into() } else { String::new() },
        x_title: if layers == 1 {
            "drop probability".into()
        } else {
            format!("drop probability after layer {}", layer + 1)
        },
        log_x: false,
        log_y,
        lines: lines(report, layer),
    };
    let seeds = report.seeds.len();
    let (verdict, by) = report.verdict.text.split_once(": ").unwrap_or((&report.verdict.text, ""));
    Chart {
        title: format!("{}: {verdict}", report.data),
        note: format!("{by}; dots: recipes trained to the end; bars: 95 % intervals of means of {seeds} seeds"),
        panels: (0..layers).map(panel).collect(),
    }
}

fn lines(report: &TuneReport, layer: usize) -> Vec<Line> {
    let point = |recipe_rate: Option<f64>, value: Option<f64>| {
        Some(PlotPoint { x: recipe_rate?, y: height(report.metric, value?), half_width: None })
    };
    let mut starts: Vec<PlotPoint> = Vec::new();
    let mut proposals: Vec<PlotPoint> = Vec::new();
    for trial in &report.search {
        let value = end_value(report, trial);
        // Networks without dropout that differ in something else have their place at 0 too, but say nothing of rates.
        let Some(point) = point(trial.changes.dropout.get(layer).copied(), value) else { continue };
        let uniform = trial.generation == 0 && trial.changes.dropout.iter().all(|&p| p == trial.changes.dropout[0]);
        if uniform {
            starts.push(point);
        } else if trial.arm == Arm::With {
            proposals.push(point);
        }
    }
    starts.sort_by(|a, b| a.x.total_cmp(&b.x));
    proposals.sort_by(|a, b| a.x.total_cmp(&b.x));
    let finalist = |name: &str, recipe: &Recipe, values: &[Option<f64>]| {
        let heights: Vec<f64> = values.iter().flatten().map(|&value| height(report.metric, value)).collect();
        let estimate = Estimate::of(&heights);
        let x = recipe.dropout().get(layer).copied();
        let points = x.zip(estimate).map(|(x, e)| PlotPoint { x, y: e.mean, half_width: e.half_width });
        Line { name: name.into(), points: points.into_iter().collect(), joined: false }
    };
    vec![
        Line { name: "same p everywhere".into(), points: starts, joined: true },
        Line { name: "proposed".into(), points: proposals, joined: false },
        finalist("best with dropout", &report.with.recipe, &report.with.values),
        finalist("best without", &report.without.recipe, &report.without.values),
    ]
}

/// What a trial came to if it was trained to the end.
fn end_value(report: &TuneReport, trial: &SearchedTrial) -> Option<f64> {
    let last = report.base.options().epochs;
    trial.values.iter().find(|value| value.epoch == last).and_then(|value| value.value)
}

/// An accuracy as an error in percent, a loss as it is.
fn height(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::Accuracy => 100.0 * (1.0 - value),
        Metric::Loss => value,
    }
}
