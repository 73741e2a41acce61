//! Where predicted numbers are off: a dot a row, and the mean of each part of the answers.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE, shorten};
use super::scene::{TEST, TRAIN};
use furlough_tables::figures::TargetResiduals;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

pub(super) const SIZE: (u32, u32) = (620, 430);

const LEFT: f64 = 84.0;
const RIGHT: f64 = 596.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = 374.0;

pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, residuals: &TargetResiduals) -> Drawn<DB> {
    let TargetResiduals { target, bins, points } = residuals;
    let x_axis = Axis::measured(points.iter().map(|point| point.0), false);
    let y_axis = Axis::measured(points.iter().map(|point| point.1).chain([0.0]), false);
    let x = |value: f64| LEFT + x_axis.place(value) * (RIGHT - LEFT);
    let y = |value: f64| BOTTOM - y_axis.place(value) * (BOTTOM - TOP);
    canvas.text(&format!("{} less answer", shorten(target, 40)), (24.0, 24.0), 14.0, INK, HPos::Left)?;
    canvas.line([(24.0, 46.0), (48.0, 46.0)], TEST, 2.5)?;
    canvas.text("means along the answers", (56.0, 46.0), 13.0, PALE, HPos::Left)?;
    for (value, label) in &y_axis.ticks {
        canvas.line([(LEFT, y(*value)), (RIGHT, y(*value))], GRID, 1.0)?;
        canvas.text(label, (LEFT - 8.0, y(*value)), 13.0, PALE, HPos::Right)?;
    }
    for (value, label) in x_axis.ticks.iter().step_by(x_axis.ticks.len().div_ceil(8).max(1)) {
        canvas.text(label, (x(*value), BOTTOM + 16.0), 13.0, PALE, HPos::Center)?;
    }
    for &(answer, residual) in points {
        canvas.dot((x(answer), y(residual)), 2.0, TRAIN)?;
    }
    canvas.line([(LEFT, y(0.0)), (RIGHT, y(0.0))], INK, 1.25)?;
    let means = bins.iter().map(|bin| (x(bin.from / 2.0 + bin.to / 2.0), y(bin.mean)));
    canvas.line(means.clone(), TEST, 2.5)?;
    means.into_iter().try_for_each(|mean| canvas.dot(mean, 4.0, TEST))?;
    canvas.text("answer", ((LEFT + RIGHT) / 2.0, BOTTOM + 38.0), 14.0, INK, HPos::Center)
}
