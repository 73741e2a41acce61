//! What is gained by not answering when unsure.

use super::Answers;
use super::embed;
use super::numbers::{percent, whole};
use crate::Result;
use crate::run::Plot;
use furlough::predict::{RiskCoverage, RiskPoint};
use maud::{Markup, html};

pub(super) fn section(answers: &Answers) -> Result<Option<Markup>> {
    let Some(curve) = &answers.risk_coverage else { return Ok(None) };
    let Some(all) = curve.points.last().filter(|all| all.wrong > 0) else { return Ok(None) };
    let picture = Plot::RiskCoverage(curve).svg()?;
    let what = format!(
        "Share of wrong answers by the share of examples that are answered, the surest first. Of all answers {} are \
         wrong; the table has points of the curve.",
        percent(all.risk())
    );
    Ok(Some(html! {
        p {
            "If only the surest answers are given, fewer of them are wrong. The dashed line is what leaving out \
             answers by chance would give. "
            @if answers.figures.is_some() {
                code { "furlough predict --abstain" } " leaves rows without an answer by such a curve of the rows that \
                 decided when to stop."
            }
        }
        div.column {
            figure { div.still.small { (embed::picture(&picture, &what)) } }
            (table(curve, all))
        }
    }))
}

/// Points where a half, a quarter, a tenth of the errors are left, as far as there are some.
fn table(curve: &RiskCoverage, all: &RiskPoint) -> Markup {
    let wanted = [("all answers", 1.0), ("half as often wrong", 0.5), ("a quarter", 0.25), ("a tenth", 0.1)];
    html! {
        div.scroll tabindex="0" role="region" aria-label="Risk and coverage" {
            table {
                caption { "Fewer answers, fewer of them wrong" }
                thead {
                    tr { th.text scope="col" { "Given are" } th scope="col" { "Wrong" } th scope="col" { "Answered" }
                        th scope="col" { "From confidence" } }
                }
                tbody {
                    @for (name, share) in wanted {
                        @if let Some(point) = curve.at_most(share * all.risk()) {
                            tr {
                                th.text scope="row" { (name) }
                                td { (percent(point.risk())) }
                                td { (percent(curve.coverage(point))) " (" (whole(point.answered)) ")" }
                                td { (percent(point.confidence)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
