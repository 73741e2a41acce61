//! A panel of lines with bands.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE, color, width};
use super::data::{Cell, Line, Panel, PlotPoint};
use super::labels::spread;
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

const LABEL: f64 = 13.0;
/// Labels of lines are so far apart at least.
const APART: f64 = 17.0;
/// Up to so many points, each has a mark.
const MARKS: usize = 40;

/// Draws a panel of lines; with `labels` each line's name stands at its end.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, cell: Cell, panel: &Panel, labels: bool) -> Drawn<DB> {
    let Panel::Lines { title, x_title, log_x, log_y, lines } = panel else { return Ok(()) };
    let points = || lines.iter().flat_map(|line| &line.points);
    let x_axis = Axis::among(points().map(|point| point.x), *log_x);
    let ends = |point: &PlotPoint| {
        let half = point.half_width.unwrap_or(0.0);
        // A logarithm has no room for an interval that reaches 0.
        let low = if *log_y && point.y - half <= 0.0 { point.y } else { point.y - half };
        [low, point.y + half]
    };
    // An interval may go below 0 where the measurement cannot.
    let floor = if points().all(|point| point.y >= 0.0) { 0.0 } else { f64::NEG_INFINITY };
    let y_axis = Axis::measured(points().flat_map(ends).map(|y| y.max(floor)), *log_y);
    let longest = lines.iter().map(|line| width(&line.name, LABEL)).fold(0.0, f64::max);
    let (left, right) = (cell.left + 72.0, cell.right - if labels { longest + 34.0 } else { 26.0 });
    let (top, bottom) = (cell.top + 36.0, cell.bottom - 50.0);
    let place_x = |value: f64| left + 10.0 + x_axis.place(value) * (right - left - 20.0);
    let place_y = |value: f64| (bottom - y_axis.place(value) * (bottom - top)).clamp(top, bottom);

    canvas.text(title, (cell.left + 24.0, top - 18.0), 14.0, INK, HPos::Left)?;
    for (value, label) in &y_axis.ticks {
        canvas.line([(left, place_y(*value)), (right, place_y(*value))], GRID, 1.0)?;
        canvas.text(label, (left - 8.0, place_y(*value)), 13.0, PALE, HPos::Right)?;
    }
    canvas.line([(left, bottom), (right, bottom)], PALE, 1.0)?;
    for (value, label) in &x_axis.ticks {
        canvas.line([(place_x(*value), bottom), (place_x(*value), bottom + 4.0)], PALE, 1.0)?;
        canvas.text(label, (place_x(*value), bottom + 14.0), 13.0, PALE, HPos::Center)?;
    }
    canvas.text(x_title, ((left + right) / 2.0, bottom + 34.0), 14.0, INK, HPos::Center)?;

    for (place, line) in lines.iter().enumerate() {
        let edge = |side: f64| {
            let whole = line.points.iter().filter(|point| point.half_width.is_some());
            whole.map(move |point| (point.x, point.y + side * point.half_width.unwrap_or(0.0)))
        };
        let at = |(x, y): (f64, f64)| (place_x(x), place_y(if *log_y { y.max(f64::MIN_POSITIVE) } else { y }));
        let lower: Vec<_> = edge(-1.0).map(at).collect();
        if lower.len() > 1 {
            canvas.band(edge(1.0).map(at).chain(lower.into_iter().rev()), color(place))?;
        } else if let (Some(low), Some(high)) = (lower.first(), edge(1.0).map(at).next()) {
            canvas.line([*low, high], color(place), 2.0)?;
        }
    }
    for (place, line) in lines.iter().enumerate() {
        let at: Vec<_> = line.points.iter().map(|point| (place_x(point.x), place_y(point.y))).collect();
        if at.len() > 1 && line.joined {
            canvas.line(at.iter().copied(), color(place), 2.25)?;
        }
        if at.len() <= MARKS || !line.joined {
            at.iter().try_for_each(|&point| canvas.mark(point, 3.5, place))?;
        }
    }
    if labels {
        let ends = lines.iter().enumerate().filter_map(|(place, line)| {
            let last = line.points.last()?;
            Some((place, place_y(last.y)))
        });
        for (place, y) in spread(ends.collect(), APART, top, bottom) {
            name(canvas, &lines[place], place, (right + 6.0, y))?;
        }
    }
    Ok(())
}

fn name<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, line: &Line, place: usize, (x, y): (f64, f64)) -> Drawn<DB> {
    canvas.mark((x + 5.0, y), 3.5, place)?;
    canvas.text(&line.name, (x + 15.0, y), LABEL, INK, HPos::Left)
}
