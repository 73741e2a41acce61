//! A panel of lines with bands.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE, color, width};
use super::chart::{Cell, Line, Panel};
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
    let ends = |point: &super::PlotPoint| {
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
        for (place, y) in spread(ends.collect(), top, bottom) {
            name(canvas, &lines[place], place, (right + 6.0, y))?;
        }
    }
    Ok(())
}

fn name<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, line: &Line, place: usize, (x, y): (f64, f64)) -> Drawn<DB> {
    canvas.mark((x + 5.0, y), 3.5, place)?;
    canvas.text(&line.name, (x + 15.0, y), LABEL, INK, HPos::Left)
}

/// Moves labels apart where they would touch, none of them further than it must, and keeps them between top and bottom.
fn spread(mut labels: Vec<(usize, f64)>, top: f64, bottom: f64) -> Vec<(usize, f64)> {
    labels.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Groups of labels that touch: the first one's place, and how many there are. Each is centerd on what its labels want.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for &(_, wanted) in &labels {
        let mut group = (wanted, 1);
        while let Some(&(start, count)) = groups.last() {
            if start + APART * count as f64 <= group.0 {
                break;
            }
            groups.pop();
            let all = count + group.1;
            let own = group.0 - APART * count as f64;
            group = ((start * count as f64 + own * group.1 as f64) / all as f64, all);
        }
        let span = APART * (group.1 - 1) as f64;
        group.0 = group.0.min(bottom - span).max(top);
        groups.push(group);
    }
    let places = groups.iter().flat_map(|&(start, count)| (0..count).map(move |i| start + APART * i as f64));
    labels.iter().zip(places).map(|(&(line, _), y)| (line, y)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_apart() {
        let places = |wanted: &[f64]| -> Vec<f64> {
            let mut places = spread(wanted.iter().copied().enumerate().collect(), 0.0, 200.0);
            places.sort_by_key(|(line, _)| *line);
            places.into_iter().map(|(_, y)| y).collect()
        };
        assert_eq!(places(&[150.0, 20.0]), [150.0, 20.0]);
        assert_eq!(places(&[100.0, 100.0]), [100.0 - APART / 2.0, 100.0 + APART / 2.0]);
        assert_eq!(places(&[200.0, 199.0]), [200.0, 200.0 - APART]);
        assert_eq!(places(&[0.0, 1.0, 2.0]), [0.0, APART, 2.0 * APART]);
        let mut many = places(&[90.0, 91.0, 120.0, 80.0, 119.0]);
        many.sort_by(f64::total_cmp);
        assert!(many.windows(2).all(|pair| pair[1] - pair[0] >= APART - 1e-9), "{many:?}");
    }
}
