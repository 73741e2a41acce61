//! What is in the picture and where: a title, and a panel of losses beside a panel of accuracies.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE, shorten};
use super::labels::spread;
use crate::run::EpochRecord;
use furlough::data::EvalSplit;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend, RGBColor};
use plotters::style::text_anchor::HPos;

/// Blue and vermilion of Okabe and Ito's palette: told apart with every kind of color vision, and
/// in gray.
pub(super) const TRAIN: RGBColor = RGBColor(0, 114, 178);
pub(super) const TEST: RGBColor = RGBColor(213, 94, 0);
/// Bluish green of the same palette.
const FULL_TRAIN: RGBColor = RGBColor(0, 158, 115);
/// Up to so many epochs, each has a dot.
const DOTS: usize = 40;

pub(super) struct Curve {
    pub name: String,
    pub color: RGBColor,
    pub values: Vec<Option<f64>>,
}

pub(super) struct PanelFrame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// Draws the curves of `records`, of which there is at least one, and marks the epoch `best`.
/// `fine` pixels make a unit, and text comes out `drop` times its size too high with this backend.
pub(super) fn draw<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (fine, drop): (u32, f64),
    (title, split, loss): (&str, EvalSplit, &str),
    records: &[EpochRecord],
    best: Option<u32>,
) -> Drawn<DB> {
    let canvas = Canvas::new(area, fine, drop)?;
    let evaluated = format!("{split}, full network");
    let curve = |name: &str, color, value: fn(&EpochRecord) -> Option<f64>| Curve {
        name: name.into(),
        color,
        values: records.iter().map(value).collect(),
    };
    let mut losses = vec![
        curve("train, dropout on", TRAIN, |r| Some(r.summary.train_loss)),
        curve(&evaluated, TEST, |r| r.summary.eval_loss()),
    ];
    let mut shares = vec![
        curve("train, dropout on", TRAIN, |r| r.summary.train_accuracy),
        curve(&evaluated, TEST, |r| r.summary.eval_accuracy()),
    ];
    if records.iter().any(|record| record.summary.full_train.is_some()) {
        let name = "train, full network";
        losses.push(curve(name, FULL_TRAIN, |r| r.summary.full_train.map(|scores| scores.loss)));
        shares.push(curve(name, FULL_TRAIN, |r| r.summary.full_train.and_then(|scores| scores.accuracy)));
    }
    canvas.text(&shorten(title, 80), (24.0, 26.0), 19.0, INK, HPos::Left)?;
    legend(&canvas, &losses, &shares)?;

    let values =
        |curves: &[Curve]| -> Vec<f64> { curves.iter().flat_map(|c| c.values.iter().flatten().copied()).collect() };
    let (loss_values, share_values) = (values(&losses), values(&shares));
    let loss_axis = Axis::losses(loss_values.iter().copied());
    let logarithmic = if loss_axis.is_log() { " (logarithmic)" } else { "" };
    let loss_title = shorten(&format!("{loss}{logarithmic}"), 80);
    let (top, bottom) = (92.0, 350.0);
    if share_values.is_empty() {
        let panel = PanelFrame { left: 70.0, right: 830.0, top, bottom };
        return draw_panel(&canvas, &panel, &loss_title, (&loss_axis, best), &losses);
    }
    let share_axis = Axis::shares(share_values.iter().copied());
    let (left, right) = ((70.0, 390.0), (520.0, 840.0));
    let panel = |(left, right)| PanelFrame { left, right, top, bottom };
    draw_panel(&canvas, &panel(left), &loss_title, (&loss_axis, best), &losses)?;
    draw_panel(&canvas, &panel(right), "accuracy", (&share_axis, best), &shares)
}

fn legend<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, losses: &[Curve], shares: &[Curve]) -> Drawn<DB> {
    let mut left = 24.0;
    for (loss, share) in losses.iter().zip(shares) {
        if loss.values.iter().chain(&share.values).all(Option::is_none) {
            continue;
        }
        canvas.line([(left, 52.0), (left + 24.0, 52.0)], loss.color, 2.5)?;
        canvas.text(&loss.name, (left + 32.0, 52.0), 14.0, INK, HPos::Left)?;
        left += 190.0;
    }
    Ok(())
}

pub(super) fn draw_panel<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    panel: &PanelFrame,
    title: &str,
    (axis, best): (&Axis, Option<u32>),
    curves: &[Curve],
) -> Drawn<DB> {
    let PanelFrame { left, right, top, bottom } = *panel;
    let epochs = Axis::epochs(curves[0].values.len() as u32);
    // A little room on both sides, so that no dot touches the frame.
    let x = |epoch: f64| left + 8.0 + epochs.place(epoch) * (right - left - 16.0);
    let y = |value: f64| bottom - axis.place(value) * (bottom - top);

    canvas.text(title, (left, top - 14.0), 14.0, INK, HPos::Left)?;
    for (value, label) in &axis.ticks {
        canvas.line([(left, y(*value)), (right, y(*value))], GRID, 1.0)?;
        canvas.text(label, (left - 8.0, y(*value)), 13.0, PALE, HPos::Right)?;
    }
    canvas.line([(left, bottom), (right, bottom)], PALE, 1.0)?;
    for (epoch, label) in &epochs.ticks {
        canvas.line([(x(*epoch), bottom), (x(*epoch), bottom + 4.0)], PALE, 1.0)?;
        canvas.text(label, (x(*epoch), bottom + 14.0), 13.0, PALE, HPos::Center)?;
    }
    canvas.text("epoch", ((left + right) / 2.0, bottom + 34.0), 14.0, INK, HPos::Center)?;

    if let Some(best) = best {
        let at = x(f64::from(best));
        canvas.line([(at, top), (at, bottom)], PALE, 1.0)?;
        // Above the frame, where no curve is, and beside the title.
        let place = at.clamp(left + 160.0, right - 20.0);
        canvas.text(&format!("best: {best}"), (place, top - 12.0), 13.0, PALE, HPos::Center)?;
    }
    let mut ends = Vec::new();
    for curve in curves {
        let point = |(index, value): (usize, &Option<f64>)| {
            let value = value.filter(|value| axis.place(*value).is_finite())?;
            Some((x(index as f64 + 1.0), y(value)))
        };
        let points: Vec<_> = curve.values.iter().enumerate().map(point).collect();
        for stretch in points.split(Option::is_none).filter(|stretch| stretch.len() > 1) {
            canvas.line(stretch.iter().flatten().copied(), curve.color, if points.len() > 200 { 1.5 } else { 2.25 })?;
        }
        if points.len() <= DOTS {
            for &point in points.iter().flatten() {
                canvas.dot(point, 3.25, curve.color)?;
            }
        }
        if let (Some(Some(value)), Some(&Some((_, end)))) = (curve.values.last(), points.last()) {
            ends.push((*value, end, curve.color));
        }
    }
    end_labels(canvas, panel, &ends)
}

/// Up to so many curves, each has its last value at its end. More have a legend alone: there would
/// be no room.
const MOST_LABELS: usize = 12;

/// Writes the last value of each curve beside its end, moved apart where they would touch.
fn end_labels<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    panel: &PanelFrame,
    ends: &[(f64, f64, RGBColor)],
) -> Drawn<DB> {
    const APART: f64 = 15.0;
    if ends.len() > MOST_LABELS {
        return Ok(());
    }
    let wanted = ends.iter().enumerate().map(|(place, &(_, y, _))| (place, y)).collect();
    for (place, y) in spread(wanted, APART, panel.top - APART, panel.bottom + APART) {
        let (value, _, color) = ends[place];
        let plain = (1e-3..1e4).contains(&value) || value == 0.0;
        let label = if plain { format!("{value:.3}") } else { format!("{value:.1e}") };
        canvas.text(&label, (panel.right + 8.0, y), 13.0, color, HPos::Left)?;
    }
    Ok(())
}
