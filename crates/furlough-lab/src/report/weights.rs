//! What first-layer units look for: their incoming weights, drawn in the shape of the data.

use super::{Pixels, embed, numbers};
use crate::Result;
use crate::run::picture_png;
use furlough::predict::{FeatureGrid, Predictor, WeightPicture, weight_picture};
use furlough::{data::Dataset, nn::Mlp};
use maud::{Markup, html};

/// So many units are drawn, the first ones, and so many pixels a weight.
const GRID: (usize, usize) = (64, 4);

/// Units of the first layer as a picture, and as an image file.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// What is drawn.
    pub drawn: WeightPicture,
    /// The image.
    pub pixels: Pixels,
}

/// The first units of the first layer; none when examples are no images.
pub(super) fn weights(predictor: &Predictor, data: &Dataset) -> Result<Option<Weights>> {
    if data.shape().len() != 2 {
        return Ok(None);
    }
    let grid = FeatureGrid { units: GRID.0, zoom: GRID.1, ..FeatureGrid::default() };
    let drawn = weight_picture(predictor.mlp(), data, &grid)?;
    let pixels = Pixels { width: drawn.picture.width, height: drawn.picture.height, png: picture_png(&drawn.picture)? };
    Ok(Some(Weights { drawn, pixels }))
}

pub(super) fn section(weights: &Weights, mlp: &Mlp) -> Markup {
    let Weights { drawn, pixels } = weights;
    let (all, shown) = (mlp.weights(0).ncols(), drawn.units.len());
    let what = format!(
        "Incoming weights of {shown} first-layer units, each drawn in the shape of an example; the table has them in \
         figures"
    );
    html! {
        p {
            "What " @if shown == all { "the " (all) } @else { "the first " (shown) " of " (all) }
            " units of the first layer look for: a square is a unit, a pixel the weight of one feature. Red is above \
             0, blue below, and white 0; each unit is \
             scaled by its largest weight."
        }
        figure.weights {
            img.pixels src=(embed::png_address(&pixels.png)) width=(pixels.width) height=(pixels.height)
                style="height:auto" alt=(what);
            details {
                summary { "Weights of these units in figures" }
                div.scroll tabindex="0" role="region" aria-label="Weights of first-layer units" {
                    table {
                        caption { "Incoming weights of the units that are drawn" }
                        thead { tr { th scope="col" { "Unit" } th scope="col" { "Norm" } th scope="col" { "Largest" }
                            th scope="col" { "Bias" } } }
                        tbody {
                            @for ((unit, norm), scale) in drawn.units.iter().zip(&drawn.norms).zip(&drawn.scales) {
                                tr {
                                    th scope="row" { (unit) }
                                    td { (numbers::loss(*norm)) }
                                    td { (numbers::loss(*scale)) }
                                    td { (numbers::loss(f64::from(mlp.biases(0)[*unit]))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
