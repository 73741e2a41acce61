//! What is in the picture and where: a title, and a panel of losses beside a panel of accuracies.

use super::FONT;
use super::axis::Axis;
use crate::run::EpochRecord;
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Text};
use plotters::prelude::{Color, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoFont, RGBColor, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Blue and vermilion of Okabe and Ito's palette: told apart with every kind of colour vision, and in grey.
const TRAIN: RGBColor = RGBColor(0, 114, 178);
const TEST: RGBColor = RGBColor(213, 94, 0);
const INK: RGBColor = RGBColor(40, 40, 40);
const PALE: RGBColor = RGBColor(110, 110, 110);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// Up to so many epochs, each has a dot.
const DOTS: usize = 40;

struct Curve {
    name: String,
    colour: RGBColor,
    values: Vec<Option<f64>>,
}

struct Panel {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A drawing area with coordinates in units, each `fine` pixels.
struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    fine: f64,
    /// How far down text must go to be centred, as a share of its size.
    drop: f64,
}

impl<DB: DrawingBackend> Canvas<'_, DB> {
    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.fine).round() as i32, (y * self.fine).round() as i32)
    }

    fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, colour: RGBColor, width: f64) -> Drawn<DB> {
        let points: Vec<_> = points.into_iter().map(|point| self.at(point)).collect();
        let style = colour.stroke_width((width * self.fine).round() as u32);
        self.area.draw(&PathElement::new(points, style))
    }

    fn dot(&self, at: (f64, f64), radius: f64, colour: RGBColor) -> Drawn<DB> {
        self.area.draw(&Circle::new(self.at(at), (radius * self.fine).round() as i32, colour.filled()))
    }

    fn text(&self, text: &str, (x, y): (f64, f64), size: f64, colour: RGBColor, h_pos: HPos) -> Drawn<DB> {
        let style = TextStyle::from((FONT, size * self.fine).into_font()).color(&colour);
        let at = self.at((x, y + self.drop * size));
        self.area.draw(&Text::new(text, at, style.pos(Pos::new(h_pos, VPos::Center))))
    }
}

/// Draws the curves of `records`, of which there is at least one. `fine` pixels make a unit, and text comes out `drop`
/// times its size too high with this backend.
pub(super) fn draw<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (fine, drop): (u32, f64),
    (title, judge): (&str, &str),
    records: &[EpochRecord],
) -> Drawn<DB> {
    let canvas = Canvas { area, fine: f64::from(fine), drop };
    area.fill(&RGBColor(255, 255, 255))?;
    let evaluated = format!("{judge}, full network");
    let curve = |name: &str, colour, value: fn(&EpochRecord) -> Option<f64>| Curve {
        name: name.into(),
        colour,
        values: records.iter().map(value).collect(),
    };
    let losses = [
        curve("train, dropout on", TRAIN, |r| Some(r.summary.train_loss)),
        curve(&evaluated, TEST, |r| r.summary.test_loss),
    ];
    let shares = [
        curve("train, dropout on", TRAIN, |r| r.summary.train_accuracy),
        curve(&evaluated, TEST, |r| r.summary.test_accuracy),
    ];
    canvas.text(&shorten(title), (24.0, 26.0), 19.0, INK, HPos::Left)?;
    legend(&canvas, &losses, &shares)?;

    let values =
        |curves: &[Curve]| -> Vec<f64> { curves.iter().flat_map(|c| c.values.iter().flatten().copied()).collect() };
    let (loss_values, share_values) = (values(&losses), values(&shares));
    let loss_axis = Axis::losses(loss_values.iter().copied());
    let loss_title = if loss_axis.is_log() { "loss (logarithmic)" } else { "loss" };
    let (top, bottom) = (92.0, 350.0);
    if share_values.is_empty() {
        let panel = Panel { left: 70.0, right: 830.0, top, bottom };
        return draw_panel(&canvas, &panel, loss_title, &loss_axis, &losses);
    }
    let share_axis = Axis::shares(share_values.iter().copied());
    draw_panel(&canvas, &Panel { left: 70.0, right: 390.0, top, bottom }, loss_title, &loss_axis, &losses)?;
    draw_panel(&canvas, &Panel { left: 520.0, right: 840.0, top, bottom }, "accuracy", &share_axis, &shares)
}

fn legend<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, losses: &[Curve], shares: &[Curve]) -> Drawn<DB> {
    let mut left = 24.0;
    for (loss, share) in losses.iter().zip(shares) {
        if loss.values.iter().chain(&share.values).all(Option::is_none) {
            continue;
        }
        canvas.line([(left, 52.0), (left + 24.0, 52.0)], loss.colour, 2.5)?;
        canvas.text(&loss.name, (left + 32.0, 52.0), 14.0, INK, HPos::Left)?;
        left += 190.0;
    }
    Ok(())
}

fn draw_panel<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    panel: &Panel,
    title: &str,
    axis: &Axis,
    curves: &[Curve],
) -> Drawn<DB> {
    let Panel { left, right, top, bottom } = *panel;
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

    let mut ends = Vec::new();
    for curve in curves {
        let point = |(index, value): (usize, &Option<f64>)| {
            let value = value.filter(|value| axis.place(*value).is_finite())?;
            Some((x(index as f64 + 1.0), y(value)))
        };
        let points: Vec<_> = curve.values.iter().enumerate().map(point).collect();
        for stretch in points.split(Option::is_none).filter(|stretch| stretch.len() > 1) {
            canvas.line(
                stretch.iter().flatten().copied(),
                curve.colour,
                if points.len() > 200 { 1.5 } else { 2.25 },
            )?;
        }
        if points.len() <= DOTS {
            for &point in points.iter().flatten() {
                canvas.dot(point, 3.25, curve.colour)?;
            }
        }
        if let (Some(Some(value)), Some(&Some((_, end)))) = (curve.values.last(), points.last()) {
            ends.push((*value, end, curve.colour));
        }
    }
    end_labels(canvas, right + 8.0, &mut ends)
}

/// As much of a title as the picture is wide.
fn shorten(title: &str) -> String {
    const ROOM: usize = 80;
    if title.chars().count() <= ROOM {
        return title.into();
    }
    title.chars().take(ROOM - 1).chain(['…']).collect()
}

/// The last value of each curve beside its end, moved apart where they would touch.
fn end_labels<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, left: f64, ends: &mut [(f64, f64, RGBColor)]) -> Drawn<DB> {
    const APART: f64 = 15.0;
    ends.sort_by(|a, b| a.1.total_cmp(&b.1));
    if let [upper, lower] = ends {
        let push = (APART - (lower.1 - upper.1)).max(0.0) / 2.0;
        upper.1 -= push;
        lower.1 += push;
    }
    for (value, y, colour) in ends {
        let plain = (1e-3..1e4).contains(value) || *value == 0.0;
        let label = if plain { format!("{value:.3}") } else { format!("{value:.1e}") };
        canvas.text(&label, (left, *y), 13.0, *colour, HPos::Left)?;
    }
    Ok(())
}
