//! Which units the run dropped in its first step: the very masks, since they are a function of its
//! seed.

use super::{Pixels, RunReport, embed, numbers};
use crate::Result;
use crate::recipe::Recipe;
use furlough::data::epoch_order;
use furlough::nn::{Architecture, Dropout, DropoutKind, MaskKey};
use furlough::random::{Key, Stream};
use maud::{Markup, html};

/// Examples of the first batch whose masks are shown, from the first.
const EXAMPLES: usize = 16;
/// Units shown, from the first.
const UNITS: usize = 128;
/// A kept unit; a dropped one is transparent.
const KEPT: [u8; 3] = [0, 114, 178];
/// Steps of opacity between the two, for noise that is not all or nothing.
const STEPS: u8 = 63;

/// A place with dropout in a network.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskPlace {
    /// What it follows: `features`, `hidden layer 1`.
    pub after: String,
    /// The number of linear layers before it.
    pub layer: u32,
    /// The number of units.
    pub units: usize,
    /// The dropout.
    pub dropout: Dropout,
}

impl MaskPlace {
    /// The places of a network that drop any unit in a step whose schedule has this factor (0 to
    /// 1), in order.
    ///
    /// # Panics
    /// Unless `0 <= factor <= 1`.
    pub fn all(architecture: &Architecture, factor: f64) -> Vec<Self> {
        let input = (architecture.blocks()[0].inputs, architecture.input_dropout());
        let blocks = architecture.blocks().iter().map(|block| (block.outputs, block.dropout));
        let place = |(layer, (units, dropout)): (usize, (usize, Dropout))| MaskPlace {
            after: if layer == 0 { "the features".into() } else { format!("hidden layer {layer}") },
            layer: layer as u32,
            units,
            dropout: dropout.times(factor),
        };
        let all = std::iter::once(input).chain(blocks).enumerate().map(place);
        // DropConnect leaves out weights, and every unit is on.
        all.filter(|place| !place.dropout.is_identity() && place.dropout.kind() != DropoutKind::DropConnect).collect()
    }

    /// Its masks in the first step of a run with this seed, as an image: a row one of the first
    /// examples of the batch, a column one of the first units; what is kept is blue, what is
    /// dropped transparent. Gaussian and concrete noise is the bluer the larger its factor is, up
    /// to 2. A unit is `scale` × `scale` pixels. `batch` has the examples' ids, at least one
    /// ([`first_batch`]).
    ///
    /// # Errors
    /// [`crate::Error::Run`] when it cannot be encoded.
    pub fn picture(&self, seed: u64, batch: &[u32], scale: usize) -> Result<Pixels> {
        let (units, rows) = (self.units.min(UNITS), batch.len().min(EXAMPLES));
        let cells = (0..rows).flat_map(|row| (0..units).map(move |unit| (row, unit)));
        let top = if matches!(self.dropout.kind(), DropoutKind::Gaussian | DropoutKind::Concrete) {
            2.0
        } else {
            self.dropout.scale().max(1.0)
        };
        let step = |(row, unit)| (f32::from(STEPS) * self.factor(seed, batch, row, unit) / top).round() as u8;
        let places: Vec<u8> = cells.map(|cell| step(cell).min(STEPS)).collect();
        let colors: Vec<[u8; 4]> = (0..=STEPS)
            .map(|step| [KEPT[0], KEPT[1], KEPT[2], (u16::from(step) * 255 / u16::from(STEPS)) as u8])
            .collect();
        Pixels::indexed((units, rows), &places, &colors, scale)
    }

    /// What a unit of the example at place `row` of the first batch is multiplied by.
    fn factor(&self, seed: u64, batch: &[u32], row: usize, unit: usize) -> f32 {
        let site = MaskKey { key: Key::new(seed), stream: Stream::Dropout, step: 0, layer: self.layer };
        self.dropout.factor(&site, self.dropout.mask_id(&site, row as u32, batch[row]), unit as u32)
    }
}

/// The ids of the examples in the first batch of a run on so many training examples (at least 1,
/// below 2^32), in their order.
pub fn first_batch(recipe: &Recipe, examples: usize) -> Vec<u32> {
    let options = recipe.options();
    let mut order = vec![0; examples];
    epoch_order(Key::new(options.seed), 0, &mut order);
    order.truncate(options.batch_size);
    order
}

impl RunReport {
    /// The places where its first step dropped anything, its schedule considered.
    pub fn mask_places(&self) -> Vec<MaskPlace> {
        let Some(model) = &self.model else { return Vec::new() };
        let steps = self.manifest.as_ref().map_or(1, |manifest| manifest.steps.max(1));
        MaskPlace::all(model.mlp.architecture(), self.recipe.dropout_schedule().factor(0, steps))
    }
}

pub(super) fn section(report: &RunReport) -> Result<Option<Markup>> {
    let (places, batch, seed) = (report.mask_places(), &report.first_batch, report.recipe.options().seed);
    if places.is_empty() || batch.is_empty() {
        return Ok(None);
    }
    let pictures = places.iter().map(|place| place.picture(seed, batch, 1)).collect::<Result<Vec<_>>>()?;
    let rows = batch.len().min(EXAMPLES);
    Ok(Some(html! {
        p {
            "Which units were on in the first step, for the first " (rows) " examples of its batch: a row an example, \
             a column a unit. A mask is a function of \
             the seed, the step, the layer, the example and the unit, so these are the run's own, drawn again."
        }
        div.masks {
            @for (place, picture) in places.iter().zip(&pictures) {
                @let MaskPlace { after, units, dropout, .. } = place;
                @let shown = (*units).min(UNITS);
                figure {
                    h3 {
                        "After " (after) ", p = " (dropout.p())
                        @if dropout.kind() == DropoutKind::Gaussian { ", gaussian: the bluer, the larger the factor" }
                    }
                    img.pixels src=(embed::png_address(&picture.png)) width=(picture.width) height=(picture.height)
                        style="height:auto" alt={ "Masks of " (shown) " units for " (rows) " examples; the table has \
                         their numbers" };
                    figcaption { "Units 0 to " (shown - 1) " of " (numbers::whole(*units as u64)) "." }
                    details {
                        summary { "Numbers kept as a table" }
                        div.scroll tabindex="0" role="region" aria-label={ "Numbers kept after " (after) } {
                            table {
                                caption { "All " (numbers::whole(*units as u64)) " units; the mean factor is 1 on \
                                 average" }
                                thead {
                                    tr {
                                        th scope="col" { "Example" } th scope="col" { "Units kept" }
                                        th scope="col" { "Share" } th scope="col" { "Mean factor" }
                                    }
                                }
                                tbody {
                                    @for row in 0..rows {
                                        @let factors = (0..*units).map(|unit| place.factor(seed, batch, row, unit));
                                        @let kept = factors.clone().filter(|factor| *factor != 0.0).count();
                                        @let mean = factors.map(f64::from).sum::<f64>() / *units as f64;
                                        tr {
                                            th scope="row" { (batch[row]) }
                                            td { (numbers::whole(kept as u64)) }
                                            td { (numbers::percent(kept as f64 / *units as f64)) }
                                            td { (numbers::loss(mean)) }
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
