//! The reliability diagram: how often answers of each confidence are right, and below it how many
//! there are.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE};
use super::scene::{TEST, TRAIN};
use furlough::predict::Calibration;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

pub(super) const SIZE: (u32, u32) = (460, 540);

const LEFT: f64 = 64.0;
const RIGHT: f64 = 440.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 390.0;
const STRIP: (f64, f64) = (424.0, 484.0);

pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, calibration: &Calibration) -> Drawn<DB> {
    let x = |share: f64| LEFT + share * (RIGHT - LEFT);
    let y = |share: f64| BOTTOM - share * (BOTTOM - TOP);
    canvas.text("share answered rightly", (LEFT, TOP - 16.0), 14.0, INK, HPos::Left)?;
    for (value, label) in &Axis::linear(0.0, 1.0).ticks {
        canvas.line([(LEFT, y(*value)), (RIGHT, y(*value))], GRID, 1.0)?;
        canvas.text(label, (LEFT - 8.0, y(*value)), 13.0, PALE, HPos::Right)?;
        canvas.text(label, (x(*value), STRIP.1 + 14.0), 13.0, PALE, HPos::Center)?;
    }
    let most = calibration.bins.iter().map(|bin| bin.examples).max().unwrap_or(0).max(1) as f64;
    for bin in &calibration.bins {
        let (from, to) = (x(bin.from) + 1.0, x(bin.to) - 1.0);
        let height = bin.examples as f64 / most * (STRIP.1 - STRIP.0);
        canvas.block((from, STRIP.1 - height), (to, STRIP.1), PALE, 0.55)?;
        let (Some(accuracy), Some(confidence)) = (bin.accuracy, bin.confidence) else { continue };
        let (lower, upper) = (accuracy.min(confidence), accuracy.max(confidence));
        canvas.block((from, y(lower)), (to, BOTTOM), TRAIN, 0.75)?;
        canvas.block((from, y(upper)), (to, y(lower)), TEST, 0.4)?;
        canvas.line([(from, y(accuracy)), (to, y(accuracy))], TRAIN, 2.5)?;
    }
    for dash in 0..40 {
        let (from, to) = (f64::from(dash) / 40.0, (f64::from(dash) + 0.6) / 40.0);
        canvas.line([(x(from), y(from)), (x(to), y(to))], INK, 1.25)?;
    }
    canvas.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], PALE, 1.0)?;
    canvas.line([(LEFT, STRIP.1), (RIGHT, STRIP.1)], PALE, 1.0)?;
    canvas.text("number of examples", (LEFT, STRIP.0 - 14.0), 14.0, INK, HPos::Left)?;
    canvas.text("confidence", ((LEFT + RIGHT) / 2.0, STRIP.1 + 36.0), 14.0, INK, HPos::Center)
}
