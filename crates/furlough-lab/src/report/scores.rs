//! How good a network is on a table's rows, in the target's units, with intervals.

use super::{Answers, numbers};
use furlough_tables::figures::{FigureName, TableFigure};
use maud::{Markup, html};

pub(super) fn section(answers: &Answers) -> Option<Markup> {
    let found = answers.figures.as_ref()?;
    let examples = numbers::counted(found.examples as usize, &format!("{} row", answers.split));
    Some(html! {
        p {
            "Of " (examples) "."
            @if found.resamples > 0 {
                " Intervals are the middle 95 % of " (numbers::whole(found.resamples.into()))
                " draws of these rows with replacement: other rows of the same kind would score so, with this network."
            }
        }
        div.scroll tabindex="0" role="region" aria-label="Scores" {
            table {
                caption { "Scores of " (answers.split) " rows" }
                thead {
                    tr { th.text scope="col" { "Score" } th scope="col" { "Value" }
                        th scope="col" { "95 % interval" } }
                }
                tbody {
                    @for (name, figure) in found.named() {
                        tr {
                            th scope="row" { (name) }
                            td { (figure.text()) }
                            td { (figure.interval_text().unwrap_or_else(|| "–".into())) }
                        }
                    }
                }
            }
        }
    })
}

/// The score of numbers that stands above all: the error in the target's units.
pub(super) fn tiles(answers: &Answers) -> Vec<Markup> {
    let of_numbers = answers.figures.iter().flat_map(|found| &found.figures).filter(|one| one.name == FigureName::Rmse);
    let split = numbers::capital(answers.split.as_str());
    let tile = |figure: &TableFigure| {
        html! {
            div.first {
                dt { (split) " RMSE" }
                dd {
                    (figure.text())
                    small {
                        @if let Some(interval) = figure.interval_text() { (interval) ", " }
                        "in units of " (figure.target.as_deref().unwrap_or("the target"))
                    }
                }
            }
        }
    };
    of_numbers.take(1).map(tile).collect()
}
