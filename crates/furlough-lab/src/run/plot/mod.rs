//! Learning curves as the tutorial draws them, and charts of whole studies, as SVG and PNG, with a
//! font of our own so that they look the same on every machine.

mod axis;
mod canvas;
mod chart;
mod confusion;
mod data;
mod dependence;
mod dots;
mod labels;
mod lines;
mod overlay;
mod picture;
mod plots;
mod reliability;
mod residuals;
mod risk;
mod scene;

pub(crate) use axis::wants_logarithm;
pub use canvas::shorten;
pub use picture::picture_png;
pub use plots::Plot;

use super::{EpochRecord, RunDir};
use crate::{Error, Result};
use chart::draw as draw_chart;
pub use data::{Chart, ChartRow, Line, NamedRun, Panel, PlotPoint};
use furlough::data::EvalSplit;
use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea, SVGBackend};
use plotters::style::{FontStyle, register_font};
use std::fmt::Display;
use std::path::Path;
use std::sync::OnceLock;

/// Size of the picture in the units of the scene.
const SIZE: (u32, u32) = (900, 400);
/// Both pictures are drawn this much larger: drawing is in whole units.
const FINE: u32 = 4;
/// The image is then made smaller by this much, which smooths its edges.
const SHRINK: u32 = 2;
/// The image backend centers a line of text by its whole height, which sets it this share of its
/// size too high.
const IMAGE_TEXT_DROP: f64 = 0.15;
/// The bundled font is the first choice of a browser too, and where it lacks it, one of the same
/// width.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";
static FONT_FILE: &[u8] = include_bytes!("../../../assets/DejaVuSans-latin.ttf");

/// What losses are called that are in no units.
pub(crate) const LOSS: &str = "loss";

/// The learning curves of a run as an SVG picture: losses and, for classes, accuracies, over the
/// epochs. `split` is what was evaluated; a line marks the best epoch of a run that may stop early.
/// The same records give the same bytes.
///
/// # Errors
/// [`Error::Run`] when there is no epoch to draw.
pub fn curves_svg(title: &str, split: EvalSplit, records: &[EpochRecord], best: Option<u32>) -> Result<String> {
    check(RunDir::CURVES_SVG, records)?;
    svg(RunDir::CURVES_SVG, SIZE, |area, drop| scene::draw(area, (FINE, drop), (title, split, LOSS), records, best))
}

/// The same picture as a PNG image, two pixels to the unit. The same records give the same bytes.
///
/// # Errors
/// [`Error::Run`] when there is no epoch to draw.
pub fn curves_png(title: &str, split: EvalSplit, records: &[EpochRecord], best: Option<u32>) -> Result<Vec<u8>> {
    check(RunDir::CURVES_PNG, records)?;
    png(RunDir::CURVES_PNG, SIZE, |area, drop| scene::draw(area, (FINE, drop), (title, split, LOSS), records, best))
}

/// A chart as an SVG picture; `name` is for messages. The same chart gives the same bytes.
///
/// # Errors
/// [`Error::Run`] when it cannot be drawn.
pub fn chart_svg(name: &str, chart: &Chart) -> Result<String> {
    svg(name, chart.size(), |area, drop| draw_chart(area, (FINE, drop), chart))
}

/// A chart as a PNG image, two pixels to the unit; `name` is for messages. The same chart gives the
/// same bytes.
///
/// # Errors
/// [`Error::Run`] when it cannot be drawn.
pub fn chart_png(name: &str, chart: &Chart) -> Result<Vec<u8>> {
    png(name, chart.size(), |area, drop| draw_chart(area, (FINE, drop), chart))
}

type Svg<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Bitmap<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// What `draw` draws on a sheet of so many units, with text that needs no lowering.
fn svg<E: Display>(name: &str, size: (u32, u32), draw: impl FnOnce(&Svg<'_>, f64) -> Result<(), E>) -> Result<String> {
    prepare(name)?;
    let (width, height) = (size.0 * FINE, size.1 * FINE);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
    draw(&area, 0.0).map_err(|error| failed(name, error))?;
    drop(area);
    // The coordinates stay fine; only the picture's own size is what it should be.
    let fine = format!("width=\"{width}\" height=\"{height}\" viewBox");
    let own = format!("width=\"{}\" height=\"{}\" viewBox", size.0, size.1);
    Ok(svg.replacen(&fine, &own, 1))
}

fn png<E: Display>(
    name: &str,
    size: (u32, u32),
    draw: impl FnOnce(&Bitmap<'_>, f64) -> Result<(), E>,
) -> Result<Vec<u8>> {
    prepare(name)?;
    let (width, height) = (size.0 * FINE, size.1 * FINE);
    let mut pixels = vec![255; (width * height * 3) as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&area, IMAGE_TEXT_DROP).map_err(|error| failed(name, error))?;
    drop(area);
    let pixels = shrink(&pixels, width as usize);
    picture::encode([width, height].map(|side| (side / SHRINK) as usize), &pixels).map_err(|why| failed(name, why))
}

fn failed(name: &str, why: impl Display) -> Error {
    Error::run(Path::new(name), why.to_string())
}

fn prepare(name: &str) -> Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    if *REGISTERED.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok()) {
        return Ok(());
    }
    Err(failed(name, "cannot be drawn: the bundled font is damaged"))
}

fn check(name: &str, records: &[EpochRecord]) -> Result<()> {
    if records.is_empty() { Err(failed(name, "cannot be drawn: the run has no finished epoch")) } else { Ok(()) }
}

/// The mean of each square of SHRINK × SHRINK pixels.
fn shrink(pixels: &[u8], width: usize) -> Vec<u8> {
    let n = SHRINK as usize;
    let row = width * 3;
    let mut small = Vec::with_capacity(pixels.len() / (n * n));
    for rows in pixels.chunks_exact(row * n) {
        for x in (0..width).step_by(n) {
            for color in 0..3 {
                let square = (0..n).flat_map(|dy| (0..n).map(move |dx| dy * row + (x + dx) * 3 + color));
                let sum: usize = square.map(|at| usize::from(rows[at])).sum();
                small.push(((sum + n * n / 2) / (n * n)) as u8);
            }
        }
    }
    small
}
