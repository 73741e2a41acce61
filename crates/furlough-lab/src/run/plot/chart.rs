//! Charts of whole studies: a title, a legend, panels, and a note.

use super::canvas::{Canvas, Drawn, INK, PALE, color, shorten, width};
use super::data::{Cell, Chart, Line, Panel};
use super::{dots, lines};
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::HPos;

const WIDTH: f64 = 900.0;
const LINES_HEIGHT: f64 = 330.0;
const ROW_HEIGHT: f64 = 27.0;
const HEAD: f64 = 46.0;
const FOOT: f64 = 30.0;
const LEGEND_LINE: f64 = 24.0;
const LEGEND_TEXT: f64 = 14.0;

impl Chart {
    /// Width and height in units.
    pub(super) fn size(&self) -> (u32, u32) {
        let panels = match self.panels.first() {
            Some(Panel::Rows { rows, .. }) => 40.0 + ROW_HEIGHT * rows.len() as f64 + 40.0,
            _ => LINES_HEIGHT * self.panels.len().div_ceil(2) as f64,
        };
        let legend = LEGEND_LINE * self.legend().last().map_or(0, |(line, ..)| line + 1) as f64;
        (WIDTH as u32, (HEAD + legend + panels + FOOT) as u32)
    }

    /// The names of the lines, if they need a legend: line of the legend, place from the left,
    /// name.
    fn legend(&self) -> Vec<(usize, f64, String)> {
        let Some(Panel::Lines { lines, .. }) = self.panels.first() else { return Vec::new() };
        if lines.len() < 2 || self.has_labels() {
            return Vec::new();
        }
        let (mut line, mut left) = (0, 24.0);
        let place = |entry: &Line| {
            let name = shorten(&entry.name, 60);
            let wide = 34.0 + width(&name, LEGEND_TEXT) + 22.0;
            if left > 24.0 && left + wide > WIDTH {
                (line, left) = (line + 1, 24.0);
            }
            let here = (line, left, name);
            left += wide;
            here
        };
        lines.iter().map(place).collect()
    }

    /// Whether the lines' names stand at their ends, which is easier to read than a legend but
    /// needs room.
    fn has_labels(&self) -> bool {
        match &self.panels[..] {
            [Panel::Lines { lines, .. }] => {
                (2..=8).contains(&lines.len()) && lines.iter().all(|line| line.name.chars().count() <= 26)
            }
            _ => false,
        }
    }
}

/// Draws `chart`. `fine` pixels make a unit, and text comes out `drop` times its size too high with
/// this backend.
pub(super) fn draw<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (fine, drop): (u32, f64),
    chart: &Chart,
) -> Drawn<DB> {
    let canvas = Canvas::new(area, fine, drop)?;
    let height = f64::from(chart.size().1);
    canvas.text(&shorten(&chart.title, 84), (24.0, 26.0), 18.0, INK, HPos::Left)?;
    canvas.text(&shorten(&chart.note, 130), (24.0, height - 16.0), 11.5, PALE, HPos::Left)?;
    let legend = chart.legend();
    for (place, (line, left, name)) in legend.iter().enumerate() {
        let y = HEAD + 8.0 + LEGEND_LINE * *line as f64;
        canvas.line([(*left, y), (left + 26.0, y)], color(place), 2.5)?;
        canvas.mark((left + 13.0, y), 3.5, place)?;
        canvas.text(name, (left + 34.0, y), LEGEND_TEXT, INK, HPos::Left)?;
    }
    let top = HEAD + LEGEND_LINE * legend.last().map_or(0, |(line, ..)| line + 1) as f64;
    let count = chart.panels.len() as f64;
    let names = row_names(chart);
    for (place, panel) in chart.panels.iter().enumerate() {
        match panel {
            Panel::Lines { .. } => {
                let wide = WIDTH / count.min(2.0);
                let (column, row) = ((place % 2) as f64, (place / 2) as f64);
                let top = top + LINES_HEIGHT * row;
                let cell = Cell { left: wide * column, right: wide * (column + 1.0), top, bottom: top + LINES_HEIGHT };
                lines::draw(&canvas, cell, panel, chart.has_labels())?;
            }
            Panel::Rows { .. } => {
                let wide = (WIDTH - names - 24.0) / count;
                let left = names + wide * place as f64;
                let cell = Cell { left, right: left + wide, top, bottom: height - FOOT };
                dots::draw(&canvas, cell, panel, ROW_HEIGHT, (place == 0).then_some(24.0))?;
            }
        }
    }
    Ok(())
}

/// Where the rows' names end.
fn row_names(chart: &Chart) -> f64 {
    let Some(Panel::Rows { rows, .. }) = chart.panels.first() else { return 0.0 };
    let longest = rows.iter().map(|row| width(&shorten(&row.name, dots::NAME), dots::TEXT)).fold(0.0, f64::max);
    24.0 + longest + 8.0
}
