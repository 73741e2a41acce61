//! The learning curves of several runs over each other: what they reached on test data above, how
//! they learned below.

use super::NamedRun;
use super::axis::Axis;
use super::canvas::{Canvas, Drawn, INK, color, shorten};
use super::scene::{Curve, PanelFrame, draw_panel};
use crate::run::EpochRecord;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

/// A legend's line, and the height of a row of panels with its axis.
const LINE: f64 = 24.0;
const ROW: f64 = 340.0;
const TOP: f64 = 20.0;

/// So many runs have a line in the legend. Colors come again long before that, and a table beside
/// the picture has all.
const MOST_IN_LEGEND: usize = 40;

type Figure = fn(&EpochRecord) -> Option<f64>;

/// Each panel's title, whether it shows shares, and its figure.
const PANELS: [(&str, bool, Figure); 4] = [
    ("loss of the full network", false, |record| record.summary.eval_loss()),
    ("accuracy of the full network", true, |record| record.summary.eval_accuracy()),
    ("train loss, dropout on", false, |record| Some(record.summary.train_loss)),
    ("train accuracy, dropout on", true, |record| record.summary.train_accuracy),
];

pub(super) fn size(runs: &[NamedRun<'_>]) -> (u32, u32) {
    let rows = shown(runs).len().div_ceil(2) as f64;
    (900, (TOP + legend_height(runs) + ROW * rows + 10.0) as u32)
}

fn legend_height(runs: &[NamedRun<'_>]) -> f64 {
    let entries = if runs.len() > MOST_IN_LEGEND { MOST_IN_LEGEND + 1 } else { runs.len() };
    LINE * entries.div_ceil(2) as f64
}

/// Draws the curves of `runs`, of which one has an epoch.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, runs: &[NamedRun<'_>]) -> Drawn<DB> {
    let at = |place: usize| (24.0 + 440.0 * (place % 2) as f64, TOP + LINE * (place / 2) as f64);
    for (place, run) in runs.iter().enumerate().take(MOST_IN_LEGEND) {
        let (left, y) = at(place);
        canvas.line([(left, y), (left + 24.0, y)], color(place), 2.5)?;
        canvas.text(&shorten(run.name, 48), (left + 32.0, y), 14.0, INK, HPos::Left)?;
    }
    if runs.len() > MOST_IN_LEGEND {
        let more = format!("and {} more", runs.len() - MOST_IN_LEGEND);
        canvas.text(&more, at(MOST_IN_LEGEND), 14.0, INK, HPos::Left)?;
    }
    let below = TOP + legend_height(runs);
    let longest = runs.iter().map(|run| run.records.len()).max().unwrap_or(0);
    for (place, (title, shares, figure)) in shown(runs).into_iter().enumerate() {
        let curve = |(place, run): (usize, &NamedRun<'_>)| {
            let values = run.records.iter().map(figure).chain(std::iter::repeat(None)).take(longest);
            Curve { name: String::new(), color: color(place), values: values.collect() }
        };
        let curves: Vec<Curve> = runs.iter().enumerate().map(curve).collect();
        let values: Vec<f64> = curves.iter().flat_map(|curve| curve.values.iter().flatten().copied()).collect();
        let axis = if shares { Axis::shares(values.into_iter()) } else { Axis::losses(values.into_iter()) };
        let title = if axis.is_log() { format!("{title} (logarithmic)") } else { title.into() };
        let (left, top) = (70.0 + 450.0 * (place % 2) as f64, below + ROW * (place / 2) as f64 + 30.0);
        let panel = PanelFrame { left, right: left + 320.0, top, bottom: top + 240.0 };
        draw_panel(canvas, &panel, &title, (&axis, None), &curves)?;
    }
    Ok(())
}

/// The panels for which any run has figures.
fn shown(runs: &[NamedRun<'_>]) -> Vec<(&'static str, bool, Figure)> {
    let any = |figure: Figure| runs.iter().flat_map(|run| run.records).any(|record| figure(record).is_some());
    PANELS.into_iter().filter(|(_, _, figure)| any(*figure)).collect()
}
