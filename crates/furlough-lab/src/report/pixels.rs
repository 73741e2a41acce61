//! Small pictures pixel by pixel, as PNG images.

use crate::{Error, Result};
use furlough::data::{Dataset, Features};
use std::path::Path;

/// An image as a PNG file, with its size in its own pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The file.
    pub png: Vec<u8>,
}

/// How the features of an example make an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Layout {
    /// One value a pixel.
    Grey { width: usize, height: usize },
    /// Three values a pixel, side by side.
    Interleaved { width: usize, height: usize },
    /// Three images of one value a pixel.
    Planes { width: usize, height: usize },
}

impl Layout {
    /// That of examples of this shape; none when they are no images.
    pub fn of(shape: &[usize]) -> Option<Self> {
        let layout = match *shape {
            [height, width] | [1, height, width] | [height, width, 1] => Layout::Grey { width, height },
            [height, width, 3] => Layout::Interleaved { width, height },
            [3, height, width] => Layout::Planes { width, height },
            _ => return None,
        };
        let (width, height) = layout.size();
        // One row or column is a list of numbers and no picture.
        (width > 1 && height > 1).then_some(layout)
    }

    /// Width and height.
    pub fn size(self) -> (usize, usize) {
        match self {
            Layout::Grey { width, height }
            | Layout::Interleaved { width, height }
            | Layout::Planes { width, height } => (width, height),
        }
    }

    /// Where the values of a pixel stand among the features: one place, or three.
    pub fn places(self, pixel: usize) -> [usize; 3] {
        let (width, height) = self.size();
        match self {
            Layout::Grey { .. } => [pixel; 3],
            Layout::Interleaved { .. } => [3 * pixel, 3 * pixel + 1, 3 * pixel + 2],
            Layout::Planes { .. } => [pixel, pixel + width * height, pixel + 2 * width * height],
        }
    }
}

impl Pixels {
    /// Example `row` of `data` as an image; none when its examples are no images. Bytes are shown
    /// as they are, other numbers from the example's least to its largest.
    ///
    /// # Errors
    /// [`Error::Run`] when it cannot be encoded.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn of_example(data: &Dataset, row: usize) -> Result<Option<Self>> {
        let Some(layout) = Layout::of(data.shape()) else { return Ok(None) };
        let mut values = vec![0.0; data.features()];
        data.read_row(row, &mut values);
        let (from, to) = match data.inputs() {
            Features::Bytes { scale, .. } => (0.0, 255.0 * scale),
            Features::Floats(_) => (
                values.iter().copied().fold(f32::INFINITY, f32::min),
                values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            ),
        };
        let span = if to == from { 1.0 } else { to - from };
        let shade = |at: usize| (255.0 * (values[at] - from) / span).round().clamp(0.0, 255.0) as u8;
        let (width, height) = layout.size();
        let pixels = 0..width * height;
        if matches!(layout, Layout::Grey { .. }) {
            let bytes: Vec<u8> = pixels.map(shade).collect();
            return encode(width, height, &bytes, png::ColorType::Grayscale, None).map(Some);
        }
        let bytes: Vec<u8> = pixels.flat_map(|pixel| layout.places(pixel).map(shade)).collect();
        encode(width, height, &bytes, png::ColorType::Rgb, None).map(Some)
    }

    /// The same image as SVG, `scale` units to the pixel, with its pixels as squares.
    pub fn svg(&self, scale: usize) -> String {
        let (width, height) = (scale * self.width, scale * self.height);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\">\n\
             <image width=\"{width}\" height=\"{height}\" style=\"image-rendering:pixelated\" href=\"{}\"/>\n</svg>\n",
            super::embed::png_address(&self.png)
        )
    }

    /// Pixels that are places in a table of colors (red, green, blue, opacity), at most 256; each
    /// drawn as `scale` × `scale` pixels.
    pub(super) fn indexed(
        (width, height): (usize, usize),
        places: &[u8],
        colors: &[[u8; 4]],
        scale: usize,
    ) -> Result<Self> {
        let line = |row: &[u8]| row.iter().flat_map(|&place| std::iter::repeat_n(place, scale)).collect::<Vec<u8>>();
        let all: Vec<u8> = places.chunks(width).flat_map(|row| line(row).repeat(scale)).collect();
        encode(scale * width, scale * height, &all, png::ColorType::Indexed, Some(colors))
    }
}

fn encode(
    width: usize,
    height: usize,
    bytes: &[u8],
    kind: png::ColorType,
    colors: Option<&[[u8; 4]]>,
) -> Result<Pixels> {
    let failed = |error: String| Error::run(Path::new("picture.png"), error);
    let size = |size: usize| u32::try_from(size).map_err(|_| failed("is too large for an image".into()));
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, size(width)?, size(height)?);
    encoder.set_color(kind);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    if let Some(colors) = colors {
        encoder.set_palette(colors.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect::<Vec<_>>());
        encoder.set_trns(colors.iter().map(|color| color[3]).collect::<Vec<_>>());
    }
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(bytes));
    written.map_err(|error| failed(error.to_string()))?;
    Ok(Pixels { width, height, png })
}
