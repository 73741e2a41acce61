//! What concrete dropout learned, epoch by epoch.

use super::curves::{self, LiveSeries};
use super::{RunReport, embed, numbers};
use crate::Result;
use crate::run::{Chart, EpochRecord, Line, Panel, PlotPoint, chart_svg};
use maud::{Markup, html};

/// The hidden layers, from 1, whose drop probabilities are on record.
fn layers(records: &[EpochRecord]) -> Vec<usize> {
    // A run that an older furlough began has them of its later epochs only.
    let last = records.last().map(|record| &record.summary.learned_dropout);
    last.into_iter().flatten().map(|learned| learned.layer).collect()
}

fn value(record: &EpochRecord, layer: usize) -> Option<f64> {
    record.summary.learned_dropout.iter().find(|learned| learned.layer == layer).map(|learned| learned.p)
}

fn name(layer: usize) -> String {
    format!("after hidden layer {layer}")
}

impl RunReport {
    /// The drop probabilities that concrete dropout learned, over the epochs; none without it.
    pub fn learned_dropout(&self) -> Option<Chart> {
        let lines = layers(&self.records).into_iter().map(|layer| {
            let point = |record: &EpochRecord| {
                let y = value(record, layer)?;
                Some(PlotPoint { x: record.summary.epoch.into(), y, half_width: None })
            };
            Line { name: name(layer), points: self.records.iter().filter_map(point).collect(), joined: true }
        });
        let lines: Vec<Line> = lines.collect();
        let panel = |lines| Panel::Lines {
            title: "drop probability".into(),
            x_title: "epoch".into(),
            log_x: false,
            log_y: false,
            lines,
        };
        (!lines.is_empty()).then(|| Chart {
            title: "Learned drop probabilities".into(),
            note: format!("{}, at the end of each epoch", self.name),
            panels: vec![panel(lines)],
        })
    }
}

pub(super) fn section(report: &RunReport, place: usize) -> Result<Option<Markup>> {
    let Some(chart) = report.learned_dropout() else { return Ok(None) };
    let records = &report.records;
    let layers = layers(records);
    let names: Vec<String> = layers.iter().map(|&layer| name(layer)).collect();
    let series = layers.iter().zip(&names).enumerate().map(|(number, (&layer, name))| {
        LiveSeries::of_number(number, name, records.iter().map(|record| value(record, layer)).collect())
    });
    let live = curves::chart("Drop probability", false, records.len(), series.collect());
    let said = format!("Learned drop probabilities over {}", numbers::counted(records.len(), "epoch"));
    Ok(Some(html! {
        p { "Concrete dropout learns p with everything else. These are its values at the end of each epoch; the \
         recipe's are where it began." }
        figure {
            (curves::live(&[live], place))
            div.still.twin { (embed::picture(&chart_svg("learned", &chart)?, &said)) }
            details {
                summary { "Drop probabilities as a table" }
                div.scroll tabindex="0" role="region" aria-label="Drop probabilities of each epoch" {
                    (table(records, &layers)) }
            }
        }
    }))
}

fn table(records: &[EpochRecord], layers: &[usize]) -> Markup {
    html! {
        table {
            caption { "Drop probability at the end of each epoch" }
            thead { tr { th scope="col" { "Epoch" } @for layer in layers { th scope="col" { (name(*layer)) } } } }
            tbody {
                @for record in records {
                    tr {
                        th scope="row" { (record.summary.epoch) }
                        @for layer in layers { td { (numbers::or_dash(value(record, *layer), numbers::loss)) } }
                    }
                }
            }
        }
    }
}
