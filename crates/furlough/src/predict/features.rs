//! What the first layer looks for, as a picture.

use crate::data::Examples;
use crate::nn::Mlp;
use crate::train::check_inputs;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which units are drawn, and how. Each unit becomes a tile: its weights, one pixel a feature, in
/// the shape of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FeatureGrid {
    /// Number of units, at least 1; all where there are fewer.
    pub units: usize,
    /// Which ones.
    pub choice: UnitChoice,
    /// Which weight is shown at full strength.
    pub scale: WeightScale,
    /// The colors of weights.
    pub colors: Colors,
    /// Side of the square that a weight is drawn as, in pixels, from 1 to 64. The lines between the
    /// tiles are as wide.
    pub zoom: usize,
}

impl Default for FeatureGrid {
    /// The first 100 units, each at its own scale, blue to red, three pixels to the weight.
    fn default() -> Self {
        FeatureGrid {
            units: 100,
            choice: UnitChoice::First,
            scale: WeightScale::Unit,
            colors: Colors::BlueRed,
            zoom: 3,
        }
    }
}

/// Which units of a layer are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitChoice {
    /// The first ones, in their order.
    First,
    /// Those whose incoming weights have the largest Euclidean norm, the largest first; of equals
    /// the first.
    LargestNorm,
}

/// Which weight is shown at full strength; weight 0 has the middle color, and opposite weights are
/// equally far from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightScale {
    /// The largest absolute weight of each unit by itself: shows the patterns of weak units too.
    Unit,
    /// The largest absolute weight of all drawn units: strengths can be compared.
    Shared,
}

/// Colors from the most negative over 0 to the most positive weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colors {
    /// Black, gray, white.
    Gray,
    /// Blue, near white, red: the ends and the middle of C. Brewer's RdBu (colorbrewer2.org), which
    /// color-blind readers can tell apart.
    BlueRed,
}

/// A picture in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Red, green and blue of each pixel, row by row from the top: 3 × width × height bytes.
    pub rgb: Vec<u8>,
}

/// Units of a first layer as a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightPicture {
    /// The picture: tiles row by row, as nearly square as can be.
    pub picture: Picture,
    /// Tiles in a row.
    pub columns: usize,
    /// The units that are drawn, tile by tile.
    pub units: Vec<usize>,
    /// The Euclidean norm of each one's incoming weights.
    pub norms: Vec<f64>,
    /// The absolute weight that each tile shows at full strength.
    pub scales: Vec<f64>,
}

/// The most pixels of a picture: 200 MB of them.
const MOST_PIXELS: usize = 1 << 26;
const PAPER: [u8; 3] = [255; 3];

/// Draws the weights that lead from the features of `data` to units of the first layer, as figure 7
/// of N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: a
/// simple way to prevent neural networks from overfitting", JMLR 15 (2014).
///
/// ```
/// use furlough::nn::{Init, Layer::*, Mlp, Sequential};
/// use furlough::{data::digits, predict::{FeatureGrid, weight_picture}, random::Key};
/// let network = Sequential::new([Flatten, Linear(64, 32), Relu, Linear(32, 10)]);
/// let mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(0)); // or a trained one
/// let drawn = weight_picture(&mlp, &digits::load()?.test, &FeatureGrid::default())?;
/// assert_eq!((drawn.units.len(), drawn.columns), (32, 6));
/// assert_eq!(drawn.picture.width, 3 * (6 * (8 + 1) + 1));
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] when the data does not fit the network or its examples are not of two
/// dimensions, or a weight is not finite; [`Error::Setting`] when there is no unit to draw, or the
/// picture would be too large.
pub fn weight_picture(mlp: &Mlp, data: &Examples, grid: &FeatureGrid) -> Result<WeightPicture> {
    check_inputs(mlp.architecture(), data)?;
    let &[height, width] = data.shape() else {
        let reason = format!("has examples of shape {:?}; weights are drawn where examples are images", data.shape());
        return Err(Error::data("set", reason));
    };
    if mlp.architecture().input_stage().is_some() {
        return Err(Error::data("network", "has an input stage, so its first weights are not those of pixels"));
    }
    if grid.units == 0 {
        return Err(Error::setting("units", 0, "at least one unit is drawn"));
    }
    if !(1..=64).contains(&grid.zoom) {
        return Err(Error::setting("zoom", grid.zoom, "1 to 64 pixels to the weight"));
    }
    let weights = mlp.weights(0);
    let norms = norms(weights.rows().into_iter(), weights.ncols());
    if let Some(unit) = norms.iter().position(|norm| !norm.is_finite()) {
        return Err(Error::data("network", format!("unit {unit} of the first layer has a weight that is not finite")));
    }
    let units = chosen(&norms, grid);
    let columns = (1..).find(|side| side * side >= units.len()).unwrap_or(units.len());
    let across = grid.zoom * (columns * (width + 1) + 1);
    let down = grid.zoom * (units.len().div_ceil(columns) * (height + 1) + 1);
    if across.saturating_mul(down) > MOST_PIXELS {
        let reason = format!("the picture would be {across} × {down} pixels; draw fewer units or a smaller zoom");
        return Err(Error::setting("units", units.len(), reason));
    }
    let own = |&unit: &usize| weights.column(unit).fold(0.0, |most: f32, w| most.max(w.abs()));
    let mut scales: Vec<f32> = units.iter().map(own).collect();
    if grid.scale == WeightScale::Shared {
        let most = scales.iter().copied().fold(0.0, f32::max);
        scales.fill(most);
    }
    let mut rgb = PAPER.repeat(across * down);
    for (tile, (&unit, &scale)) in units.iter().zip(&scales).enumerate() {
        let corner = [1 + tile / columns * (height + 1), 1 + tile % columns * (width + 1)];
        for (place, &weight) in weights.column(unit).iter().enumerate() {
            let strength = if scale > 0.0 { weight / scale } else { 0.0 };
            let color = color(grid.colors, strength);
            let [y, x] = [corner[0] + place / width, corner[1] + place % width].map(|at| at * grid.zoom);
            for line in y..y + grid.zoom {
                rgb[3 * (line * across + x)..][..3 * grid.zoom].copy_from_slice(&color.repeat(grid.zoom));
            }
        }
    }
    Ok(WeightPicture {
        picture: Picture { width: across, height: down, rgb },
        columns,
        norms: units.iter().map(|&unit| norms[unit]).collect(),
        scales: scales.into_iter().map(f64::from).collect(),
        units,
    })
}

/// The norm of each column of rows.
fn norms<'a>(rows: impl Iterator<Item = ndarray::ArrayView1<'a, f32>>, columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, &w)| *sum += f64::from(w).powi(2));
    }
    sums.into_iter().map(f64::sqrt).collect()
}

fn chosen(norms: &[f64], grid: &FeatureGrid) -> Vec<usize> {
    let mut units: Vec<usize> = (0..norms.len()).collect();
    if grid.choice == UnitChoice::LargestNorm {
        units.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]));
    }
    units.truncate(grid.units);
    units
}

/// The color of a weight from -1 to 1.
fn color(colors: Colors, strength: f32) -> [u8; 3] {
    let [low, middle, high]: [[u8; 3]; 3] = match colors {
        Colors::Gray => [[0; 3], [128; 3], [255; 3]],
        Colors::BlueRed => [[0x21, 0x66, 0xac], [0xf7; 3], [0xb2, 0x18, 0x2b]],
    };
    let end = if strength < 0.0 { low } else { high };
    std::array::from_fn(|part| {
        let [middle, end] = [middle[part], end[part]].map(f32::from);
        (middle + (end - middle) * strength.abs().min(1.0)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Features;
    use crate::nn::{Layer, Sequential};
    use ndarray::Array2;

    fn data(shape: &[usize]) -> Examples {
        let rows = Array2::zeros((1, shape.iter().product()));
        Examples::new(Features::Floats(rows), shape).unwrap()
    }

    /// Six features, three units: the second is twice as strong as the first, the third is nothing.
    fn mlp() -> Mlp {
        let architecture = Sequential::new([Layer::Flatten, Layer::Linear(6, 3)]).validate().unwrap();
        let first = [1.0, -1.0, 0.5, 0.0, -0.5, 1.0];
        let weights = first.iter().flat_map(|w| [*w, -2.0 * w, 0.0]);
        Mlp::from_parameters(architecture, weights.chain([9.0; 3]).collect())
    }

    fn pixel(drawn: &WeightPicture, y: usize, x: usize) -> [u8; 3] {
        let Picture { width, rgb, .. } = &drawn.picture;
        [0, 1, 2].map(|part| rgb[3 * (y * width + x) + part])
    }

    #[test]
    fn a_tile_is_a_unit_and_a_pixel_a_weight() {
        let grid = FeatureGrid { colors: Colors::Gray, zoom: 1, ..FeatureGrid::default() };
        let drawn = weight_picture(&mlp(), &data(&[2, 3]), &grid).unwrap();
        // Two tiles across, two down, of 2 × 3, with lines between.
        assert_eq!((drawn.picture.width, drawn.picture.height, drawn.columns), (9, 7, 2));
        assert_eq!(
            (drawn.picture.rgb.len(), &drawn.units, &drawn.scales),
            (3 * 63, &vec![0, 1, 2], &vec![1.0, 2.0, 0.0])
        );
        assert_eq!((drawn.norms[1], drawn.norms[2]), (2.0 * drawn.norms[0], 0.0));
        let first = [[255, 0, 192], [128, 64, 255]];
        for (y, line) in first.iter().enumerate() {
            for (x, &gray) in line.iter().enumerate() {
                assert_eq!(pixel(&drawn, 1 + y, 1 + x), [gray; 3], "{y} {x}");
                assert_eq!(pixel(&drawn, 4 + y, 1 + x), [128; 3], "weights of 0 are gray");
                assert_eq!(pixel(&drawn, 4 + y, 5 + x), PAPER, "no fourth unit");
            }
        }
        assert_eq!((pixel(&drawn, 1, 5), pixel(&drawn, 1, 6)), ([0; 3], [255; 3]));
        for at in 0..7 {
            assert_eq!([pixel(&drawn, at, 0), pixel(&drawn, at, 4), pixel(&drawn, 3, at)], [PAPER; 3]);
        }
    }

    #[test]
    fn scale_choice_colors_and_zoom() {
        let grid = FeatureGrid {
            units: 2,
            choice: UnitChoice::LargestNorm,
            scale: WeightScale::Shared,
            colors: Colors::BlueRed,
            zoom: 2,
        };
        let drawn = weight_picture(&mlp(), &data(&[2, 3]), &grid).unwrap();
        assert_eq!((&drawn.units, &drawn.scales), (&vec![1, 0], &vec![2.0, 2.0]));
        assert_eq!((drawn.picture.width, drawn.picture.height), (18, 8));
        for (y, x) in [(2, 2), (2, 3), (3, 2), (3, 3)] {
            assert_eq!(pixel(&drawn, y, x), [0x21, 0x66, 0xac]);
            assert_eq!(pixel(&drawn, y, x + 2), [0xb2, 0x18, 0x2b]);
            // Half as strong: halfway from the middle to red.
            assert_eq!(pixel(&drawn, y, x + 8), [213, 136, 145]);
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let of = |mlp: &Mlp, shape: &[usize], grid: FeatureGrid| {
            weight_picture(mlp, &data(shape), &grid).unwrap_err().to_string()
        };
        let grid = FeatureGrid::default();
        assert!(
            of(&mlp(), &[6], grid).contains("has examples of shape [6]; weights are drawn where examples are images")
        );
        assert!(of(&mlp(), &[2, 4], grid).contains("has 8 features an example, but the network takes 6"));
        assert_eq!(of(&mlp(), &[2, 3], FeatureGrid { units: 0, ..grid }), "units = 0: at least one unit is drawn");
        assert_eq!(of(&mlp(), &[2, 3], FeatureGrid { zoom: 65, ..grid }), "zoom = 65: 1 to 64 pixels to the weight");
        let mut broken = mlp();
        broken.parameters_mut()[1] = f32::INFINITY;
        assert!(of(&broken, &[2, 3], grid).contains("unit 1 of the first layer has a weight that is not finite"));
        let wide = Sequential::new([Layer::Flatten, Layer::Linear(6, 20_000), Layer::Linear(20_000, 3)]);
        let wide = Mlp::new(wide.validate().unwrap(), crate::nn::Init::Kaiming, crate::random::Key::new(0));
        let said = of(&wide, &[2, 3], FeatureGrid { units: usize::MAX, zoom: 64, ..grid });
        assert!(said.starts_with("units = 20000: the picture would be 36416 × 27136 pixels"), "{said}");
    }
}
