//! Where predicted numbers are off.

use super::{Answers, embed, numbers};
use crate::Result;
use crate::run::Plot;
use furlough_tables::figures::{TargetResiduals, in_digits};
use maud::{Markup, html};

pub(super) fn section(answers: &Answers) -> Result<Option<Markup>> {
    if answers.residuals.is_empty() {
        return Ok(None);
    }
    let figures = answers.residuals.iter().map(figure).collect::<Result<Vec<_>>>()?;
    Ok(Some(html! {
        p {
            "A dot is a " (answers.split) " row: its target less its answer, over the answer. The orange line is the \
             mean along the answers. Where it is above 0, answers are too low; where dots spread, answers are unsure."
        }
        @for figure in &figures { (figure) }
    }))
}

fn figure(residuals: &TargetResiduals) -> Result<Markup> {
    let picture = Plot::Residuals(residuals).svg()?;
    let what = format!("Residuals of {} over the answers; the table has their means.", residuals.target);
    Ok(html! {
        figure {
            div.still.medium { (embed::picture(&picture, &what)) }
            details {
                summary { "Residuals of " (residuals.target) " as a table" }
                div.scroll tabindex="0" role="region" aria-label="Residuals" { (table(residuals)) }
            }
        }
    })
}

fn table(residuals: &TargetResiduals) -> Markup {
    html! {
        table {
            caption { "Residuals along the answers" }
            thead {
                tr { th scope="col" { "Answers" } th scope="col" { "Rows" } th scope="col" { "Mean residual" }
                    th scope="col" { "RMSE" } }
            }
            tbody {
                @for bin in &residuals.bins {
                    tr {
                        th scope="row" { (in_digits(bin.from)) " – " (in_digits(bin.to)) }
                        td { (numbers::whole(bin.rows)) }
                        td { (in_digits(bin.mean)) }
                        td { (in_digits(bin.rmse)) }
                    }
                }
            }
        }
    }
}
