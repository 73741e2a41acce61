//! Partial dependence: mean answers along a column, and where its own values are.

use super::axis::Axis;
use super::canvas::{Canvas, Drawn, GRID, INK, PALE, color, shorten, width};
use super::labels::spread;
use furlough_tables::explain::{DependencePoint, DependenceValue, PartialDependence};
use furlough_tables::figures::plain_number;
use furlough_tables::schema::{CivilTime, Kind};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::HPos;

const WIDTH: f64 = 660.0;
const HEAD: f64 = 66.0;
const PANEL: f64 = 230.0;
/// Between two panels.
const GAP: f64 = 46.0;
/// The histogram below the panels.
const STRIP: f64 = 46.0;
const FOOT: f64 = 56.0;
const ROW: f64 = 27.0;
const TEXT: f64 = 13.0;
/// So many classes have a line, those whose answers change most.
const CLASSES: usize = 6;
/// So many levels have a row, the most frequent ones.
const LEVELS: usize = 20;

/// What goes into one panel: classes together, as all are probabilities, and each target by itself.
struct Outputs {
    title: String,
    /// Places among the answers, with names; none of a panel's only one.
    lines: Vec<(usize, Option<String>)>,
}

fn panels(along: &PartialDependence) -> Vec<Outputs> {
    if !along.classes {
        let one = |(place, name): (usize, &String)| Outputs { title: shorten(name, 40), lines: vec![(place, None)] };
        return along.outputs.iter().enumerate().map(one).collect();
    }
    if let [_, second] = &along.outputs[..] {
        return vec![Outputs { title: format!("probability of {}", shorten(second, 40)), lines: vec![(1, None)] }];
    }
    let range = |output: usize| {
        let values = along.points.iter().map(|point| point.answers[output]);
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        most - least
    };
    let mut shown: Vec<usize> = (0..along.outputs.len()).collect();
    shown.sort_by(|&a, &b| range(b).total_cmp(&range(a)));
    shown.truncate(CLASSES);
    shown.sort_unstable();
    let lines = shown.into_iter().map(|place| (place, Some(shorten(&along.outputs[place], 18)))).collect();
    vec![Outputs { title: "probability".into(), lines }]
}

/// The points with a number, ascending, and the one of a missing value.
fn numbers(along: &PartialDependence) -> (Vec<(f64, &DependencePoint)>, Option<&DependencePoint>) {
    let number = |point: &'_ DependencePoint| match point.value {
        DependenceValue::Number(value) => Some(value),
        _ => None,
    };
    let missing = along.points.iter().find(|point| point.value == DependenceValue::Missing);
    (along.points.iter().filter_map(|point| Some((number(point)?, point))).collect(), missing)
}

fn is_of_numbers(along: &PartialDependence) -> bool {
    matches!(along.kind, Kind::Number | Kind::Date)
}

/// The most frequent levels, in the order of the points.
fn levels(along: &PartialDependence) -> Vec<&DependencePoint> {
    let mut places: Vec<usize> = (0..along.points.len()).collect();
    places.sort_by_key(|&place| std::cmp::Reverse(along.points[place].rows));
    places.truncate(LEVELS);
    places.sort_unstable();
    places.into_iter().map(|place| &along.points[place]).collect()
}

pub(super) fn size(along: &PartialDependence) -> (u32, u32) {
    let count = panels(along).len() as f64;
    let height = if is_of_numbers(along) {
        HEAD + PANEL * count + GAP * (count - 1.0).max(0.0) + 24.0 + STRIP + FOOT
    } else {
        HEAD + count * (ROW * levels(along).len() as f64 + GAP)
    };
    (WIDTH as u32, height as u32)
}

pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, along: &PartialDependence) -> Drawn<DB> {
    let title = format!("Mean answers along {}", shorten(&along.column, 50));
    canvas.text(&title, (24.0, 24.0), 16.0, INK, HPos::Left)?;
    if is_of_numbers(along) { draw_numbers(canvas, along) } else { draw_levels(canvas, along) }
}

fn draw_numbers<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, along: &PartialDependence) -> Drawn<DB> {
    let (points, missing) = numbers(along);
    let panels = panels(along);
    let names = panels.iter().flat_map(|panel| &panel.lines).filter_map(|(_, name)| name.as_ref());
    let names = names.map(|name| width(name, TEXT) + 20.0).fold(0.0, f64::max);
    // A date's last label is wider than a number's.
    let edge: f64 = if along.kind == Kind::Date { 52.0 } else { 30.0 };
    let (left, right) = (84.0, WIDTH - edge.max(names + 24.0) - if missing.is_some() { 62.0 } else { 0.0 });
    let x_axis = Axis::among(points.iter().map(|point| point.0), false);
    let x = |value: f64| left + x_axis.place(value) * (right - left);
    let mut top = HEAD;
    for Outputs { title, lines } in &panels {
        let bottom = top + PANEL;
        let answers = || lines.iter().flat_map(|&(output, _)| along.points.iter().map(move |p| p.answers[output]));
        let y_axis = Axis::measured(answers().collect::<Vec<_>>().into_iter(), false);
        let y = |value: f64| bottom - y_axis.place(value) * (bottom - top);
        canvas.text(title, (24.0, top - 16.0), 14.0, INK, HPos::Left)?;
        for (value, label) in &y_axis.ticks {
            canvas.line([(left, y(*value)), (right, y(*value))], GRID, 1.0)?;
            canvas.text(label, (left - 8.0, y(*value)), TEXT, PALE, HPos::Right)?;
        }
        let mut ends = Vec::new();
        for (place, (output, name)) in lines.iter().enumerate() {
            let mut at = points.iter().map(|(value, point)| (x(*value), y(point.answers[*output])));
            canvas.line(at.clone(), color(place), 2.25)?;
            at.clone().try_for_each(|at| canvas.mark(at, 3.0, place))?;
            if let Some(point) = missing {
                canvas.mark((right + 31.0, y(point.answers[*output])), 4.0, place)?;
            }
            ends.extend(name.as_ref().and(at.next_back()).map(|(_, y)| (place, y)));
        }
        for (place, y) in spread(ends, 17.0, top, bottom) {
            let label = lines[place].1.as_deref().unwrap_or_default();
            canvas.text(label, (WIDTH - 10.0 - names, y), TEXT, color(place), HPos::Left)?;
        }
        top = bottom + GAP;
    }
    let (strip_top, strip_bottom) = (top - GAP + 24.0, top - GAP + 24.0 + STRIP);
    if let Some(histogram) = &along.histogram {
        let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let edges = histogram.edges();
        for (bin, &count) in histogram.counts.iter().enumerate() {
            let height = count as f64 / most * STRIP;
            canvas.block(
                (x(edges[bin]) + 0.5, strip_bottom - height),
                (x(edges[bin + 1]) - 0.5, strip_bottom),
                PALE,
                0.55,
            )?;
        }
    }
    canvas.text("rows", (left - 8.0, strip_top + STRIP / 2.0), TEXT, PALE, HPos::Right)?;
    canvas.line([(left, strip_bottom), (right, strip_bottom)], PALE, 1.0)?;
    if missing.is_some() {
        canvas.text("missing", (right + 31.0, strip_bottom + 16.0), TEXT, PALE, HPos::Center)?;
    }
    let ticks: Vec<(f64, String)> = match (along.kind, points.first(), points.last()) {
        (Kind::Date, Some((first, _)), Some((last, _))) => {
            let date = |part: u32| first + (last - first) * f64::from(part) / 4.0;
            (0..5).map(date).map(|at| (at, CivilTime::of(at.round()).text())).collect()
        }
        _ => x_axis.ticks.clone(),
    };
    for (value, label) in ticks.iter().step_by(ticks.len().div_ceil(9).max(1)) {
        let label: String = label.chars().take(10).collect();
        canvas.text(&label, (x(*value), strip_bottom + 16.0), TEXT, PALE, HPos::Center)?;
    }
    canvas.text(&shorten(&along.column, 50), ((left + right) / 2.0, strip_bottom + 38.0), 14.0, INK, HPos::Center)
}

fn draw_levels<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, along: &PartialDependence) -> Drawn<DB> {
    let rows = levels(along);
    let named = |point: &&DependencePoint| {
        let name = match &point.value {
            DependenceValue::Level(level) => shorten(level, 26),
            DependenceValue::Number(number) => plain_number(*number),
            DependenceValue::Rare => "rare ones".into(),
            DependenceValue::Missing => "missing".into(),
        };
        let count = point.rows.map_or(String::new(), |rows| format!(" ({rows})"));
        name + &count
    };
    let names: Vec<String> = rows.iter().map(named).collect();
    let longest = names.iter().map(|name| width(name, TEXT)).fold(0.0, f64::max);
    let (left, right) = (24.0 + longest + 16.0, WIDTH - 30.0);
    let mut top = HEAD;
    for Outputs { title, lines } in panels(along) {
        let bottom = top + ROW * rows.len() as f64;
        let answers = || lines.iter().flat_map(|&(output, _)| rows.iter().map(move |row| row.answers[output]));
        let axis = Axis::measured(answers().collect::<Vec<_>>().into_iter(), false);
        let x = |value: f64| left + axis.place(value) * (right - left);
        canvas.text(&title, (24.0, top - 16.0), 14.0, INK, HPos::Left)?;
        let mut at = 24.0 + width(&title, 14.0) + 24.0;
        for (place, (_, name)) in lines.iter().enumerate() {
            if let Some(name) = name {
                canvas.mark((at, top - 16.0), 4.0, place)?;
                canvas.text(name, (at + 10.0, top - 16.0), TEXT, color(place), HPos::Left)?;
                at += width(name, TEXT) + 32.0;
            }
        }
        for (value, label) in axis.ticks.iter().step_by(axis.ticks.len().div_ceil(9).max(1)) {
            canvas.line([(x(*value), top), (x(*value), bottom)], GRID, 1.0)?;
            canvas.text(label, (x(*value), bottom + 14.0), TEXT, PALE, HPos::Center)?;
        }
        canvas.line([(left, bottom), (right, bottom)], PALE, 1.0)?;
        for (place, (row, name)) in rows.iter().zip(&names).enumerate() {
            let y = top + ROW * (place as f64 + 0.5);
            canvas.text(name, (left - 12.0, y), TEXT, INK, HPos::Right)?;
            for (number, &(output, _)) in lines.iter().enumerate() {
                canvas.mark((x(row.answers[output]), y), 4.5, number)?;
            }
        }
        top = bottom + GAP;
    }
    Ok(())
}
