//! Pictures of figures, learning curves as the tutorial draws them first of all, as SVG and PNG, with a font of our own so that they look the same on
//! every machine.

mod axis;
mod confusion;
mod overlay;
mod reliability;
mod scene;

pub(crate) use axis::wants_logarithm;

use super::EpochRecord;
use crate::predict::Calibration;
use crate::{Error, Result};
use ndarray::Array2;
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, SVGBackend, WHITE,
};
use plotters::style::{FontStyle, register_font};
use std::path::Path;
use std::sync::OnceLock;

/// Size of a run's curves in the units of the scene.
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

/// A picture of figures. The same figures give the same bytes.
///
/// ```
/// use furlough::run::Plot;
/// let counts = ndarray::array![[48, 2], [5, 45]];
/// let names = ["cat".to_string(), "dog".to_string()];
/// let svg = Plot::Confusion { names: &names, counts: &counts }.svg()?;
/// assert!(svg.contains("cat") && svg.contains("48"));
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Plot<'a> {
    /// The learning curves of a run: losses and, for classes, accuracies, over the epochs.
    Curves {
        /// What stands above them.
        title: &'a str,
        /// What was evaluated ([`Partition::judge`](crate::data::Partition::judge)).
        judge: &'a str,
        /// The epochs, from the first.
        records: &'a [EpochRecord],
    },
    /// The learning curves of several runs, one colour a run.
    Overlay(&'a [NamedRun<'a>]),
    /// Whether answers are as often right as they are sure.
    Reliability(&'a Calibration),
    /// Which class was taken for which: a row a true class, a column an answer.
    Confusion {
        /// The classes' names.
        names: &'a [String],
        /// `[true class, predicted class]`: number of examples.
        counts: &'a Array2<u64>,
    },
}

/// A run in a picture of several.
#[derive(Debug, Clone, Copy)]
pub struct NamedRun<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// Its epochs, from the first.
    pub records: &'a [EpochRecord],
}

type Drawn<DB> = std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

impl Plot<'_> {
    /// The picture as SVG.
    ///
    /// # Errors
    /// [`Error::Run`] when there is nothing to draw.
    pub fn svg(&self) -> Result<String> {
        let failed = |reason: String| Error::run(Path::new("picture.svg"), reason);
        self.prepare().map_err(failed)?;
        let (width, height) = self.size();
        let fine = (width * FINE, height * FINE);
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, fine).into_drawing_area();
        self.draw(&area, (FINE, 0.0)).map_err(|error| failed(error.to_string()))?;
        drop(area);
        // The coordinates stay fine; only the picture's own size is what it should be.
        let from = format!("width=\"{}\" height=\"{}\" viewBox", fine.0, fine.1);
        Ok(svg.replacen(&from, &format!("width=\"{width}\" height=\"{height}\" viewBox"), 1))
    }

    /// The same picture as a PNG image, two pixels to the unit.
    ///
    /// # Errors
    /// [`Error::Run`] when there is nothing to draw.
    pub fn png(&self) -> Result<Vec<u8>> {
        let failed = |reason: String| Error::run(Path::new("picture.png"), reason);
        self.prepare().map_err(failed)?;
        let (width, height) = self.size();
        let (width, height) = (width * FINE, height * FINE);
        let mut pixels = vec![255; (width * height * 3) as usize];
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        self.draw(&area, (FINE, IMAGE_TEXT_DROP)).map_err(|error| failed(error.to_string()))?;
        drop(area);
        let pixels = shrink(&pixels, width as usize);
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, width / SHRINK, height / SHRINK);
        encoder.set_color(png::ColorType::Rgb);
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
        written.map_err(|error| failed(error.to_string()))?;
        Ok(png)
    }

    /// Size of the picture in the units of the scene.
    fn size(&self) -> (u32, u32) {
        match self {
            Plot::Curves { .. } => SIZE,
            Plot::Overlay(runs) => overlay::size(runs),
            Plot::Reliability(_) => reliability::SIZE,
            Plot::Confusion { names, .. } => confusion::size(names),
        }
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, (fine, drop): (u32, f64)) -> Drawn<DB> {
        let canvas = || scene::Canvas { area, fine: f64::from(fine), drop };
        area.fill(&WHITE)?;
        match self {
            Plot::Curves { title, judge, records } => scene::draw(&canvas(), (title, judge), records),
            Plot::Overlay(runs) => overlay::draw(&canvas(), runs),
            Plot::Reliability(calibration) => reliability::draw(&canvas(), calibration),
            Plot::Confusion { names, counts } => confusion::draw(&canvas(), names, counts),
        }
    }

    fn prepare(&self) -> std::result::Result<(), String> {
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        if !REGISTERED.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok()) {
            return Err("cannot be drawn: the bundled font is damaged".into());
        }
        let empty = match self {
            Plot::Curves { records, .. } => records.is_empty(),
            Plot::Overlay(runs) => runs.iter().all(|run| run.records.is_empty()),
            Plot::Reliability(_) | Plot::Confusion { .. } => false,
        };
        if empty { Err("cannot be drawn: the run has no finished epoch".into()) } else { Ok(()) }
    }
}

/// [`Plot::Curves`] as SVG.
///
/// # Errors
/// [`Error::Run`] when there is no epoch to draw.
pub fn curves_svg(title: &str, judge: &str, records: &[EpochRecord]) -> Result<String> {
    Plot::Curves { title, judge, records }.svg()
}

/// [`Plot::Curves`] as PNG.
///
/// # Errors
/// [`Error::Run`] when there is no epoch to draw.
pub fn curves_png(title: &str, judge: &str, records: &[EpochRecord]) -> Result<Vec<u8>> {
    Plot::Curves { title, judge, records }.png()
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
