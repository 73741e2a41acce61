//! Which units the run dropped in its first step: the very masks, since they are a function of its seed.

use super::{Pixels, embed, numbers};
use crate::Result;
use crate::nn::{Architecture, Dropout, MaskSite};
use crate::random::{Key, Stream};
use maud::{Markup, html};

/// Examples of the training set whose masks are shown, from the first.
const EXAMPLES: u32 = 16;
/// Units shown, from the first.
const UNITS: usize = 128;
/// A kept unit; a dropped one is transparent.
const KEPT: [u8; 4] = [0, 114, 178, 255];

/// The masks of `units` units in step 0 of a run with this seed, as an image: a row an example, a column a unit; what is kept is
/// blue, what is dropped transparent. `layer` is the number of linear layers before the dropout.
///
/// # Errors
/// [`crate::Error::Run`] when it cannot be encoded.
pub fn mask_picture(dropout: Dropout, layer: u32, units: usize, seed: u64) -> Result<Pixels> {
    let units = units.min(UNITS);
    let kept: Vec<u8> = (0..EXAMPLES).flat_map(|row| (0..units).map(move |unit| (row, unit)))
        .map(|(row, unit)| u8::from(keeps(dropout, layer, seed, row, unit)))
        .collect();
    Pixels::indexed(units, EXAMPLES as usize, &kept, &[[0; 4], KEPT])
}

/// Whether a unit of example `row`, at place `row` of the batch, is kept.
fn keeps(dropout: Dropout, layer: u32, seed: u64, row: u32, unit: usize) -> bool {
    let site = MaskSite { key: Key::new(seed), stream: Stream::Dropout, step: 0, layer };
    dropout.keeps(&site, dropout.owner(&site, row, row), unit as u32)
}

/// The places with dropout: what it follows, the number of linear layers before it, how many units, and the dropout.
pub(super) fn places(architecture: &Architecture) -> Vec<(String, u32, usize, Dropout)> {
    let input = ("features".to_string(), 0, architecture.inputs(), architecture.input_dropout());
    let block = |(place, block): (usize, &crate::nn::Block)| {
        (format!("hidden layer {}", place + 1), place as u32 + 1, block.outputs, block.dropout)
    };
    let all = std::iter::once(input).chain(architecture.blocks().iter().enumerate().map(block));
    all.filter(|(_, _, _, dropout)| !dropout.is_identity()).collect()
}

pub(super) fn section(architecture: &Architecture, seed: u64) -> Result<Option<Markup>> {
    let places = places(architecture);
    if places.is_empty() {
        return Ok(None);
    }
    let pictures = places
        .iter()
        .map(|&(_, layer, units, dropout)| mask_picture(dropout, layer, units, seed))
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(html! {
        p {
            "Which units were on in the first step, for the first " (EXAMPLES) " training examples: a row an example, a column a unit. A mask is a function of "
            "the seed, the step, the layer, the example and the unit, so these are the run's own, drawn again."
        }
        div.masks {
            @for ((name, layer, units, dropout), picture) in places.iter().zip(&pictures) {
                @let shown = (*units).min(UNITS);
                figure {
                    h3 { "After " (name) ", p = " (dropout.p()) }
                    img.pixels src=(embed::png_address(&picture.png)) width=(picture.width) height=(picture.height)
                        style="height:auto" alt={ "Masks of " (shown) " units for " (EXAMPLES) " examples; the table has the shares that are kept" };
                    figcaption { "Units 0 to " (shown - 1) " of " (numbers::whole(*units as u64)) "." }
                    details {
                        summary { "Shares kept as a table" }
                        div.scroll tabindex="0" role="region" aria-label={ "Shares kept after " (name) } {
                            table {
                                caption { "Units kept of all " (numbers::whole(*units as u64)) "; " (numbers::percent(1.0 - dropout.p())) " are expected" }
                                thead { tr { th scope="col" { "Example" } th scope="col" { "Kept" } th scope="col" { "Share" } } }
                                tbody {
                                    @for row in 0..EXAMPLES {
                                        @let kept = (0..*units).filter(|&unit| keeps(*dropout, *layer, seed, row, unit)).count();
                                        tr {
                                            th scope="row" { (row) }
                                            td { (numbers::whole(kept as u64)) }
                                            td { (numbers::percent(kept as f64 / *units as f64)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            div.legend {
                span { i style="--swatch:rgb(0,114,178)" {} "kept" }
                span { i {} "dropped" }
            }
        }
    }))
}
