//! Learning curves as the tutorial draws them, as SVG and PNG, with a font of our own so that they look the same on
//! every machine.

mod axis;
mod scene;

use super::{EpochRecord, RunDir};
use crate::{Error, Result};
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};
use plotters::style::{FontStyle, register_font};
use std::path::Path;
use std::sync::OnceLock;

/// Size of the picture in the units of the scene.
const SIZE: (u32, u32) = (900, 400);
/// Both pictures are drawn this much larger: drawing is in whole units.
const FINE: u32 = 4;
/// The image is then made smaller by this much, which smooths its edges.
const SHRINK: u32 = 2;
/// The image backend centres a line of text by its whole height, which sets it this share of its size too high.
const IMAGE_TEXT_DROP: f64 = 0.15;
/// The bundled font is the first choice of a browser too, and where it lacks it, one of the same width.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";
static FONT_FILE: &[u8] = include_bytes!("../../../assets/DejaVuSans-latin.ttf");

/// The learning curves of a run as an SVG picture: losses and, for classes, accuracies, over the epochs. `judge` names what
/// was evaluated ([`Partition::judge`](crate::data::Partition::judge)). The same records give the same bytes.
///
/// # Errors
/// [`Error::Run`] when there is no epoch to draw.
pub fn curves_svg(title: &str, judge: &str, records: &[EpochRecord]) -> Result<String> {
    let failed = |reason: String| Error::run(Path::new(RunDir::CURVES_SVG), reason);
    prepare(records).map_err(failed)?;
    let (width, height) = (SIZE.0 * FINE, SIZE.1 * FINE);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
    scene::draw(&area, (FINE, 0.0), (title, judge), records).map_err(|error| failed(error.to_string()))?;
    drop(area);
    // The coordinates stay fine; only the picture's own size is what it should be.
    let fine = format!("width=\"{width}\" height=\"{height}\" viewBox");
    let own = format!("width=\"{}\" height=\"{}\" viewBox", SIZE.0, SIZE.1);
    Ok(svg.replacen(&fine, &own, 1))
}

/// The same picture as a PNG image, two pixels to the unit. The same records give the same bytes.
///
/// # Errors
/// [`Error::Run`] when there is no epoch to draw.
pub fn curves_png(title: &str, judge: &str, records: &[EpochRecord]) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::run(Path::new(RunDir::CURVES_PNG), reason);
    prepare(records).map_err(failed)?;
    let (width, height) = (SIZE.0 * FINE, SIZE.1 * FINE);
    let mut pixels = vec![255; (width * height * 3) as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    scene::draw(&area, (FINE, IMAGE_TEXT_DROP), (title, judge), records).map_err(|error| failed(error.to_string()))?;
    drop(area);
    let pixels = shrink(&pixels, width as usize);
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width / SHRINK, height / SHRINK);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| failed(error.to_string()))?;
    Ok(png)
}

fn prepare(records: &[EpochRecord]) -> Result<(), String> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    if !REGISTERED.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok()) {
        return Err("cannot be drawn: the bundled font is damaged".into());
    }
    if records.is_empty() { Err("cannot be drawn: the run has no finished epoch".into()) } else { Ok(()) }
}

/// The mean of each square of SHRINK × SHRINK pixels.
fn shrink(pixels: &[u8], width: usize) -> Vec<u8> {
    let n = SHRINK as usize;
    let row = width * 3;
    let mut small = Vec::with_capacity(pixels.len() / (n * n));
    for rows in pixels.chunks_exact(row * n) {
        for x in (0..width).step_by(n) {
            for colour in 0..3 {
                let square = (0..n).flat_map(|dy| (0..n).map(move |dx| dy * row + (x + dx) * 3 + colour));
                let sum: usize = square.map(|at| usize::from(rows[at])).sum();
                small.push(((sum + n * n / 2) / (n * n)) as u8);
            }
        }
    }
    small
}
