//! What pictures are drawn with: a sheet measured in units, whatever the backend's pixels are.

use super::FONT;
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{Color, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoFont, RGBColor, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) const INK: RGBColor = RGBColor(40, 40, 40);
pub(super) const PALE: RGBColor = RGBColor(110, 110, 110);
pub(super) const GRID: RGBColor = RGBColor(228, 228, 228);

/// Okabe and Ito's palette, told apart with every kind of color vision; yellow, too pale for lines,
/// is left out.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(40, 40, 40),
];

/// The color of line number `place`; after the last one it begins again, with another mark.
pub(super) fn color(place: usize) -> RGBColor {
    PALETTE[place % PALETTE.len()]
}

pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A drawing area with coordinates in units, each `fine` pixels.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    fine: f64,
    /// How far down text must go to be centerd, as a share of its size.
    drop: f64,
}

impl<DB: DrawingBackend> Canvas<'_, DB> {
    /// A blank sheet. `fine` pixels make a unit, and text comes out `drop` times its size too high
    /// with this backend.
    pub fn new<'a>(
        area: &'a DrawingArea<DB, Shift>,
        fine: u32,
        drop: f64,
    ) -> Result<Canvas<'a, DB>, DrawingAreaErrorKind<DB::ErrorType>> {
        area.fill(&RGBColor(255, 255, 255))?;
        Ok(Canvas { area, fine: f64::from(fine), drop })
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.fine).round() as i32, (y * self.fine).round() as i32)
    }

    pub fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, color: RGBColor, width: f64) -> Drawn<DB> {
        let points: Vec<_> = points.into_iter().map(|point| self.at(point)).collect();
        let style = color.stroke_width((width * self.fine).round() as u32);
        self.area.draw(&PathElement::new(points, style))
    }

    pub fn dot(&self, at: (f64, f64), radius: f64, color: RGBColor) -> Drawn<DB> {
        self.area.draw(&Circle::new(self.at(at), (radius * self.fine).round() as i32, color.filled()))
    }

    /// What lies between two lines of points, as a tint.
    pub fn band(&self, outline: impl IntoIterator<Item = (f64, f64)>, color: RGBColor) -> Drawn<DB> {
        let points: Vec<_> = outline.into_iter().map(|point| self.at(point)).collect();
        self.area.draw(&Polygon::new(points, color.mix(0.16).filled()))
    }

    /// A mark whose form goes with the line's number, so that lines are told apart without their
    /// colors.
    pub fn mark(&self, (x, y): (f64, f64), radius: f64, place: usize) -> Drawn<DB> {
        let color = color(place);
        let corners = |corners: &[(f64, f64)]| {
            let points: Vec<_> = corners.iter().map(|(a, b)| self.at((x + radius * a, y + radius * b))).collect();
            self.area.draw(&Polygon::new(points, color.filled()))
        };
        match (place + place / PALETTE.len()) % 4 {
            0 => self.dot((x, y), radius, color),
            1 => {
                let half = 0.86 * radius;
                let corners = [self.at((x - half, y - half)), self.at((x + half, y + half))];
                self.area.draw(&Rectangle::new(corners, color.filled()))
            }
            2 => corners(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            _ => corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
        }
    }

    /// A filled rectangle from one corner to the opposite one; `opacity` from 0 to 1.
    pub fn block(&self, from: (f64, f64), to: (f64, f64), color: RGBColor, opacity: f64) -> Drawn<DB> {
        self.area.draw(&Rectangle::new([self.at(from), self.at(to)], color.mix(opacity).filled()))
    }

    pub fn text(&self, text: &str, (x, y): (f64, f64), size: f64, color: RGBColor, h_pos: HPos) -> Drawn<DB> {
        let style = TextStyle::from((FONT, size * self.fine).into_font()).color(&color);
        let at = self.at((x, y + self.drop * size));
        self.area.draw(&Text::new(text, at, style.pos(Pos::new(h_pos, VPos::Center))))
    }
}

/// Returns a text of at most `room` letters. What does not fit is cut out of its middle: long names
/// often differ at their ends.
pub fn shorten(text: &str, room: usize) -> String {
    let count = text.chars().count();
    if count <= room {
        return text.into();
    }
    let kept = room.saturating_sub(1);
    let end = text.chars().skip(count - kept / 2);
    text.chars().take(kept.div_ceil(2)).chain(['…']).chain(end).collect()
}

/// How wide a text is, about: letters of the bundled font are 0.56 of their size on average.
pub(super) fn width(text: &str, size: f64) -> f64 {
    0.56 * size * text.chars().count() as f64
}
