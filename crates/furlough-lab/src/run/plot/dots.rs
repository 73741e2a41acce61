//! A panel of rows: each a dot with its interval, so that names can be as long as they are.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE, color, shorten};
use super::data::{Cell, Panel};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

/// Letters of a name.
pub(super) const NAME: usize = 64;
/// Size of the names.
pub(super) const TEXT: f64 = 13.0;

/// Draws a panel of rows, each so high; with `names` from there on, also what they are called.
pub(super) fn draw<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    cell: Cell,
    panel: &Panel,
    height: f64,
    names: Option<f64>,
) -> Drawn<DB> {
    let Panel::Rows { title, rows } = panel else { return Ok(()) };
    let values = rows.iter().filter_map(|row| row.value);
    let ends = values.flat_map(|(value, half)| [value - half.unwrap_or(0.0), value + half.unwrap_or(0.0)]);
    let ends: Vec<f64> = ends.collect();
    let axis = Axis::measured(ends.iter().copied(), false);
    let (left, right) = (cell.left + 16.0, cell.right - 12.0);
    let (top, bottom) = (cell.top + 34.0, cell.top + 34.0 + height * rows.len() as f64);
    let x = |value: f64| left + axis.place(value) * (right - left);
    canvas.text(title, (left, top - 16.0), 14.0, INK, HPos::Left)?;
    // As many labels as there is room for.
    let room = ((right - left) / 46.0).max(2.0);
    let stride = (axis.ticks.len() as f64 / room).ceil().max(1.0) as usize;
    for (value, label) in axis.ticks.iter().step_by(stride) {
        canvas.line([(x(*value), top), (x(*value), bottom)], GRID, 1.0)?;
        canvas.text(label, (x(*value), bottom + 14.0), 12.5, PALE, HPos::Center)?;
    }
    canvas.line([(left, bottom), (right, bottom)], PALE, 1.0)?;
    for (place, row) in rows.iter().enumerate() {
        let y = top + height * (place as f64 + 0.5);
        if let Some(names) = names {
            canvas.text(&shorten(&row.name, NAME), (names, y), TEXT, INK, HPos::Left)?;
        }
        let Some((value, half)) = row.value else { continue };
        if let Some(half) = half {
            canvas.line([(x(value - half), y), (x(value + half), y)], color(0), 2.0)?;
            for end in [x(value - half), x(value + half)] {
                canvas.line([(end, y - 4.0), (end, y + 4.0)], color(0), 2.0)?;
            }
        }
        canvas.dot((x(value), y), 4.5, color(0))?;
    }
    Ok(())
}
