//! The curve of risk and coverage: how many answers are wrong, if only the surest are given.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE};
use super::scene::{TEST, TRAIN};
use furlough::predict::{RiskCoverage, RiskPoint};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

pub(super) const SIZE: (u32, u32) = (460, 400);

const LEFT: f64 = 64.0;
const RIGHT: f64 = 440.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 338.0;

pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, curve: &RiskCoverage) -> Drawn<DB> {
    let Some(all) = curve.points.last() else { return Ok(()) };
    let risks = Axis::linear(0.0, curve.points.iter().map(RiskPoint::risk).fold(1e-3, f64::max));
    let x = |share: f64| LEFT + share * (RIGHT - LEFT);
    let y = |risk: f64| BOTTOM - risks.place(risk) * (BOTTOM - TOP);
    canvas.text("share of the given answers that are wrong", (LEFT, TOP - 16.0), 14.0, INK, HPos::Left)?;
    for (value, label) in &risks.ticks {
        canvas.line([(LEFT, y(*value)), (RIGHT, y(*value))], GRID, 1.0)?;
        canvas.text(label, (LEFT - 8.0, y(*value)), 13.0, PALE, HPos::Right)?;
    }
    for (value, label) in &Axis::linear(0.0, 1.0).ticks {
        canvas.line([(x(*value), BOTTOM), (x(*value), BOTTOM + 4.0)], PALE, 1.0)?;
        canvas.text(label, (x(*value), BOTTOM + 16.0), 13.0, PALE, HPos::Center)?;
    }
    // Leaving out rows by chance would change nothing.
    for dash in 0..40 {
        let (from, to) = (f64::from(dash) / 40.0, (f64::from(dash) + 0.6) / 40.0);
        canvas.line([(x(from), y(all.risk())), (x(to), y(all.risk()))], TEST, 1.25)?;
    }
    canvas.line(curve.points.iter().map(|point| (x(curve.coverage(point)), y(point.risk()))), TRAIN, 2.25)?;
    canvas.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], PALE, 1.0)?;
    canvas.text("share of examples that are answered", ((LEFT + RIGHT) / 2.0, BOTTOM + 38.0), 14.0, INK, HPos::Center)
}
