//! Learning curves in characters: loss on the left, accuracy on the right.

use super::training::TrainingProgress;
use crate::terminal::Style;
use furlough::counted;
use furlough::data::EvalSplit;
use furlough::train::EpochSummary;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style as CellStyle};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

/// Rows that look right beside the lines of a run.
pub const HEIGHT: u16 = 12;

const TRAIN: Color = Color::Cyan;
const TEST: Color = Color::Yellow;
const FULL: Color = Color::Green;
/// Columns right of the curves for their names.
const NAMES: u16 = 7;
/// Columns left of the curves for the vertical axis and its labels.
const LABELS: u16 = 7;

/// The curves from epoch `first` as text of so many rows, ready to print.
pub fn text(progress: &TrainingProgress, first: u32, height: u16, style: Style) -> String {
    let area = Rect::new(0, 0, style.width.min(100) as u16, height);
    let mut buffer = Buffer::empty(area);
    draw(progress, first, area, &mut buffer, style);
    printed(&buffer, style)
}

/// Draws the curves into `area`; the epoch that runs counts as far as it is.
fn draw(progress: &TrainingProgress, first: u32, area: Rect, buffer: &mut Buffer, style: Style) {
    // In the target's units, where there are some.
    let shown = |loss: f64| progress.deviation.map_or(loss, |deviation| deviation * loss.sqrt());
    let loss = Panel {
        title: if progress.deviation.is_some() { "RMSE" } else { "loss" },
        train: points(progress, |s| Some(shown(s.train_loss)), progress.now.loss().map(shown)),
        test: points(progress, |s| s.eval_loss().map(shown), None),
        full: points(progress, |s| s.full_train.map(|full| shown(full.loss)), None),
        share: false,
        split: short(progress.split),
        first,
        epochs: progress.of,
    };
    let accuracy = Panel {
        title: "accuracy",
        train: points(progress, |s| s.train_accuracy, progress.now.accuracy()),
        test: points(progress, |s| s.eval_accuracy(), None),
        full: points(progress, |s| s.full_train.and_then(|full| full.accuracy), None),
        share: true,
        split: short(progress.split),
        first,
        epochs: progress.of,
    };
    let area = Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..area };
    if accuracy.train.is_empty() || area.width < 60 {
        return loss.draw(area, buffer, style);
    }
    let [left, _, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
    loss.draw(left, buffer, style);
    accuracy.draw(right, buffer, style);
}

/// A split's name in the room that there is.
fn short(split: EvalSplit) -> &'static str {
    match split {
        EvalSplit::Test => "test",
        EvalSplit::Validation => "val.",
    }
}

type Points = Vec<(f64, f64)>;

fn points(progress: &TrainingProgress, figure: impl Fn(&EpochSummary) -> Option<f64>, now: Option<f64>) -> Points {
    let done = progress.epochs.iter().filter_map(|t| Some((f64::from(t.summary.epoch), figure(&t.summary)?)));
    let share = progress.now.step as f64 / progress.steps_per_epoch.max(1) as f64;
    let now = now.map(|value| (f64::from(progress.now.epoch.saturating_sub(1)) + share, value));
    done.chain(now).filter(|(_, value)| value.is_finite()).collect()
}

struct Panel {
    title: &'static str,
    train: Points,
    test: Points,
    /// Of the full network on the training set, where it is asked for.
    full: Points,
    /// Name of the second.
    split: &'static str,
    share: bool,
    first: u32,
    epochs: u32,
}

impl Panel {
    fn draw(&self, area: Rect, buffer: &mut Buffer, style: Style) {
        let [title, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let [chart, names] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(NAMES)]).areas(body);
        let quiet = CellStyle::new().add_modifier(Modifier::DIM);
        let (low, high) = self.bounds();
        let label = |value: f64| match value.abs() {
            _ if self.share => format!("{:>3.0} %", 100.0 * value),
            // What has no room for two decimals.
            1e5.. => format!("{value:>5.0e}"),
            100.0.. => format!("{value:>5.0}"),
            _ => format!("{value:>5.2}"),
        };
        let labels = [low, (low + high) / 2.0, high].map(|value| Span::styled(label(value), quiet));
        Line::styled(format!("{:>5} {}", "", self.title), CellStyle::new().add_modifier(Modifier::BOLD))
            .render(title, buffer);
        let marks = if style.unicode { [Marker::Braille; 3] } else { ['.', 'o', '+'].map(Marker::Custom) };
        let [train, test, full] = marks;
        let series = [(&self.train, train, TRAIN), (&self.test, test, TEST), (&self.full, full, FULL)];
        let sets = series.map(|(points, marker, color)| {
            let kind = if points.len() > 1 { GraphType::Line } else { GraphType::Scatter };
            Dataset::default().data(points).marker(marker).graph_type(kind).style(CellStyle::new().fg(color))
        });
        let last = f64::from(self.epochs.max(2));
        // Each end has half of the axis, and what is longer would lose its first digits.
        let mut end = counted(self.epochs as usize, "epoch");
        if end.len() > usize::from(chart.width.saturating_sub(LABELS) / 2) {
            end = self.epochs.to_string();
        }
        let ends = [Span::styled(self.first.to_string(), quiet), Span::styled(end, quiet)];
        let horizontal = Axis::default().bounds([f64::from(self.first), last]).labels(ends).style(quiet);
        let vertical = Axis::default().bounds([low, high]).labels(labels).style(quiet);
        Chart::new(sets.to_vec()).x_axis(horizontal).y_axis(vertical).legend_position(None).render(chart, buffer);
        self.name_the_curves(names, buffer, low, high);
    }

    /// Writes each curve's name at the height where it ends.
    fn name_the_curves(&self, area: Rect, buffer: &mut Buffer, low: f64, high: f64) {
        let rows = area.height.saturating_sub(2); // axis and labels are below
        if rows < 2 {
            return;
        }
        let row = |points: &Points| {
            let value = points.last()?.1.clamp(low, high);
            Some(((high - value) / (high - low) * f64::from(rows - 1)).round() as u16)
        };
        let (train, mut test) = (row(&self.train), row(&self.test));
        if let (Some(a), Some(b)) = (train, test)
            && a == b
        {
            let above = self.test.last().map(|p| p.1) > self.train.last().map(|p| p.1);
            test = Some(if (above && a > 0) || a + 1 >= rows { a - 1 } else { a + 1 });
        }
        let taken = [train, test];
        let free = |at: u16| (0..rows).filter(|row| !taken.contains(&Some(*row))).min_by_key(|row| row.abs_diff(at));
        let full = row(&self.full).and_then(free);
        for (name, row, color) in [("train", train, TRAIN), (self.split, test, TEST), ("full", full, FULL)] {
            if let Some(row) = row {
                buffer.set_stringn(area.x + 1, area.y + row, name, usize::from(area.width), CellStyle::new().fg(color));
            }
        }
    }

    /// The range of the vertical axis: from 0 for losses, to 100 % for accuracies.
    fn bounds(&self) -> (f64, f64) {
        let values = || self.train.iter().chain(&self.test).chain(&self.full).map(|point| point.1);
        if self.share {
            let low = values().fold(1.0, f64::min);
            return (((low * 10.0).floor() / 10.0).clamp(0.0, 0.9), 1.0);
        }
        let high = values().fold(0.0, f64::max);
        (0.0, if high > 0.0 { nice(high) } else { 1.0 })
    }
}

/// The next number above that people would put at the end of an axis.
fn nice(value: f64) -> f64 {
    let unit = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * unit).find(|&end| end >= value).unwrap_or(value)
}

/// A buffer's characters line by line, with their colors where there are any.
fn printed(buffer: &Buffer, style: Style) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let cells: Vec<&Cell> = (area.left()..area.right()).map(|x| &buffer[(x, y)]).collect();
        let end = cells.iter().rposition(|cell| cell.symbol() != " ").map_or(0, |last| last + 1);
        let mut current = "";
        for cell in &cells[..end] {
            let wanted = if style.color && cell.symbol() != " " { code(cell) } else { "" };
            if wanted != current {
                text.push_str(if wanted.is_empty() { "\x1b[0m" } else { wanted });
                current = wanted;
            }
            text.push_str(&style.text(cell.symbol()));
        }
        if !current.is_empty() {
            text.push_str("\x1b[0m");
        }
        text.push('\n');
    }
    text.trim_end_matches('\n').into()
}

fn code(cell: &Cell) -> &'static str {
    match (cell.fg, cell.modifier) {
        (TRAIN, _) => "\x1b[0;36m",
        (TEST, _) => "\x1b[0;33m",
        (FULL, _) => "\x1b[0;32m",
        (_, modifier) if modifier.contains(Modifier::BOLD) => "\x1b[0;1m",
        (_, modifier) if modifier.contains(Modifier::DIM) => "\x1b[0;2m",
        _ => "",
    }
}
