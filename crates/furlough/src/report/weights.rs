//! What first-layer units look for: their incoming weights, drawn in the shape of the data.

use super::embed;
use super::pixels::{Layout, Pixels};
use super::{RunModel, numbers};
use crate::Result;
use crate::nn::Mlp;
use maud::{Markup, html};

/// So many units are drawn, the first ones.
const UNITS: usize = 64;
/// Units in a row of the picture.
const ACROSS: usize = 16;
/// Steps of opacity for each sign; a table of colours holds two of these and nothing.
const STEPS: usize = 63;
/// What is above 0, what is below: the colours of the curves.
const ABOVE: [u8; 3] = [213, 94, 0];
const BELOW: [u8; 3] = [0, 114, 178];

/// The incoming weights of the first units, each in the shape of an example, as one image; none when examples are no images. Each unit is
/// scaled by its own largest weight; weights above 0 are orange, those below blue, and 0 is transparent. Of images in colour
/// it shows the mean over the three colours. A weight is `scale` × `scale` pixels.
///
/// # Errors
/// [`crate::Error::Run`] when it cannot be encoded.
pub fn weight_picture(mlp: &Mlp, shape: &[usize], scale: usize) -> Result<Option<Pixels>> {
    let weights = mlp.weights(0);
    let Some(layout) = Layout::of(shape).filter(|_| shape.iter().product::<usize>() == weights.nrows()) else {
        return Ok(None);
    };
    let (width, height) = layout.size();
    let units = weights.ncols().min(UNITS);
    let (across, down) = (units.min(ACROSS), units.div_ceil(ACROSS));
    let (all, tall) = (across * (width + 1) - 1, down * (height + 1) - 1);
    let mut places = vec![0u8; all * tall];
    for unit in 0..units {
        let column = weights.column(unit);
        let value = |pixel: usize| layout.places(pixel).iter().map(|&place| column[place]).sum::<f32>() / 3.0;
        let largest = (0..width * height).map(|pixel| value(pixel).abs()).fold(0.0f32, f32::max);
        if largest == 0.0 {
            continue;
        }
        let (left, top) = (unit % ACROSS * (width + 1), unit / ACROSS * (height + 1));
        for pixel in 0..width * height {
            let step = (value(pixel) / largest * STEPS as f32).round() as i32;
            let place =
                if step > 0 { step as usize } else { STEPS * usize::from(step < 0) + step.unsigned_abs() as usize };
            places[(top + pixel / width) * all + left + pixel % width] = place as u8;
        }
    }
    let shades =
        |colour: [u8; 3]| (1..=STEPS).map(move |step| [colour[0], colour[1], colour[2], (255 * step / STEPS) as u8]);
    let colours: Vec<[u8; 4]> = std::iter::once([0; 4]).chain(shades(ABOVE)).chain(shades(BELOW)).collect();
    Pixels::indexed((all, tall), &places, &colours, scale).map(Some)
}

pub(super) fn section(model: &RunModel) -> Result<Option<Markup>> {
    let Some(picture) = weight_picture(&model.mlp, &model.info.data.shape, 1)? else { return Ok(None) };
    let weights = model.mlp.weights(0);
    let (all, shown) = (weights.ncols(), weights.ncols().min(UNITS));
    let what = format!(
        "Incoming weights of {shown} first-layer units, each drawn as {} pixels",
        numbers::shape(&model.info.data.shape)
    );
    // Small images are drawn large enough to see.
    let scale = (960 / picture.width).clamp(1, 6);
    Ok(Some(html! {
        p {
            "What " @if shown == all { "the " (all) } @else { "the first " (shown) " of " (all) }
            " units of the first layer look for: each square is a unit, each pixel the weight of one feature, each unit scaled by its largest weight."
        }
        figure.weights {
            img.pixels src=(embed::png_address(&picture.png)) width=(scale * picture.width) height=(scale * picture.height)
                style="height:auto" alt=(what);
            div.legend {
                span { i style={ "--swatch:rgb(" (ABOVE[0]) "," (ABOVE[1]) "," (ABOVE[2]) ")" } {} "above 0" }
                span { i style={ "--swatch:rgb(" (BELOW[0]) "," (BELOW[1]) "," (BELOW[2]) ")" } {} "below 0" }
            }
            details {
                summary { "Weights of these units in figures" }
                div.scroll tabindex="0" role="region" aria-label="Weights of first-layer units" {
                    table {
                        caption { "Incoming weights of the units that are drawn" }
                        thead {
                            tr { th scope="col" { "Unit" } th scope="col" { "Norm" } th scope="col" { "Least" } th scope="col" { "Largest" } th scope="col" { "Bias" } }
                        }
                        tbody {
                            @for unit in 0..shown {
                                @let column = weights.column(unit);
                                tr {
                                    th scope="row" { (unit) }
                                    td { (format!("{:.3}", column.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt())) }
                                    td { (format!("{:.3}", column.fold(f32::INFINITY, |a, &b| a.min(b)))) }
                                    td { (format!("{:.3}", column.fold(f32::NEG_INFINITY, |a, &b| a.max(b)))) }
                                    td { (format!("{:.3}", model.mlp.biases(0)[unit])) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }))
}
