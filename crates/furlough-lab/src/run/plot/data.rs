//! What a chart shows, apart from how it is drawn.

use crate::run::EpochRecord;

/// A picture of lines or rows with their uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What stands over it.
    pub title: String,
    /// What stands under it: what the bands are.
    pub note: String,
    /// The panels, side by side.
    pub panels: Vec<Panel>,
}

/// A part of a chart.
#[derive(Debug, Clone, PartialEq)]
pub enum Panel {
    /// A measurement over numbers. Panels of one chart have the same lines in the same order.
    Lines {
        /// What goes from bottom to top.
        title: String,
        /// What goes from left to right.
        x_title: String,
        /// Whether x is logarithmic.
        log_x: bool,
        /// Whether y is logarithmic.
        log_y: bool,
        /// The lines.
        lines: Vec<Line>,
    },
    /// A measurement of things that have names. Panels of one chart have the same rows in the same
    /// order.
    Rows {
        /// What goes from left to right.
        title: String,
        /// The rows, from the top.
        rows: Vec<ChartRow>,
    },
}

/// A line of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<PlotPoint>,
    /// Whether a line goes through the points.
    pub joined: bool,
}

/// A point with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlotPoint {
    /// Where it stands.
    pub x: f64,
    /// Its value.
    pub y: f64,
    /// How far the interval goes to either side.
    pub half_width: Option<f64>,
}

/// A row of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartRow {
    /// What it is called.
    pub name: String,
    /// Its value with the interval's half width; none to leave it empty.
    pub value: Option<(f64, Option<f64>)>,
}

/// A rectangle of the picture.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// A run in a picture of several.
#[derive(Debug, Clone, Copy)]
pub struct NamedRun<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// Its epochs, from the first.
    pub records: &'a [EpochRecord],
}
