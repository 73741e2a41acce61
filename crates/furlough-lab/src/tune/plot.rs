use super::DropoutArm;
use super::{Metric, SearchedTrial, TuneReport};
use crate::recipe::Recipe;
use crate::run::{Chart, Line, Panel, PlotPoint};
use crate::study::statistics::Estimate;

/// Layers that have a panel.
const PANELS: usize = 4;

/// Validation error against drop probability, a panel for each hidden layer of the recommended
/// network: the points that everybody tries, joined; what the search proposed and trained to the
/// end; and the two finalists over their seeds, with intervals.
pub fn error_by_p(report: &TuneReport) -> Chart {
    let layers = report.with.recipe.hidden().len().min(PANELS);
    let title = match report.metric {
        Metric::Accuracy => "validation error, %",
        Metric::Loss => "validation loss",
    };
    let limit = limit(report);
    let panel = |layer: usize| Panel::Lines {
        title: if layer == 0 { title.into() } else { String::new() },
        x_title: if layers == 1 {
            "drop probability".into()
        } else {
            format!("drop probability after layer {}", layer + 1)
        },
        log_x: false,
        log_y: false,
        lines: lines(report, layer, limit),
    };
    let seeds = report.seeds.len();
    let verdict = report.verdict.text.split(" (").next().unwrap_or_default().replace(" of validation accuracy", "");
    Chart {
        title: format!("{}: {verdict}", report.data),
        note: format!(
            "{}dots: recipes trained to the end; bars: 95 % intervals of the means of {seeds} seeds",
            hidden(report, limit)
        ),
        panels: (0..layers).map(panel).collect(),
    }
}

/// Up to where errors are shown. A rate that ruins the network, as 0.9 often does, would press all
/// the others into one line.
fn limit(report: &TuneReport) -> f64 {
    let heights = report.search.iter().filter_map(|trial| end_height(report, trial));
    let (least, most) = heights.fold((f64::INFINITY, 0.0), |(least, most), y| (y.min(least), y.max(most)));
    if least > 0.0 && most > 4.0 * least { 3.0 * least } else { f64::INFINITY }
}

/// What is not shown, in words.
fn hidden(report: &TuneReport, limit: f64) -> String {
    let beyond = report.search.iter().filter_map(|trial| Some((trial, end_height(report, trial)?)));
    let names: Vec<String> = beyond
        .filter(|(_, y)| *y > limit)
        .take(3)
        .map(|(trial, y)| {
            let rates: Vec<_> = trial.changes.dropout.iter().map(ToString::to_string).collect();
            format!("p = {} ({y:.3})", rates.join(", "))
        })
        .collect();
    if names.is_empty() { String::new() } else { format!("beyond the picture: {}; ", names.join(", ")) }
}

fn lines(report: &TuneReport, layer: usize, limit: f64) -> Vec<Line> {
    let mut starts: Vec<PlotPoint> = Vec::new();
    let mut proposals: Vec<PlotPoint> = Vec::new();
    for trial in &report.search {
        let (Some(&x), Some(y)) = (trial.changes.dropout.get(layer), end_height(report, trial)) else { continue };
        if y > limit {
            continue;
        }
        let point = PlotPoint { x, y, half_width: None };
        let uniform = trial.generation == 0 && trial.changes.dropout.iter().all(|&p| p == trial.changes.dropout[0]);
        if uniform {
            starts.push(point);
        } else if trial.arm == DropoutArm::With {
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

/// The error or loss of a trial, if it was trained to the end.
fn end_height(report: &TuneReport, trial: &SearchedTrial) -> Option<f64> {
    let last = report.base.options().epochs;
    let value = trial.values.iter().find(|value| value.epoch == last)?.value?;
    Some(height(report.metric, value))
}

/// An accuracy as an error in percent, a loss as it is.
fn height(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::Accuracy => 100.0 * (1.0 - value),
        Metric::Loss => value,
    }
}
