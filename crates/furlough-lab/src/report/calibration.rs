//! Whether answers are as often right as they are sure.

use super::Answers;
use super::embed;
use super::numbers::{loss, or_dash, percent, whole};
use crate::Result;
use crate::run::Plot;
use furlough::predict::Calibration;
use maud::{Markup, html};

pub(super) fn section(answers: &Answers) -> Result<Option<Markup>> {
    let Some(calibration) = &answers.calibration else { return Ok(None) };
    let picture = Plot::Reliability(calibration).svg()?;
    let what = format!(
        "Reliability diagram: share answered rightly by confidence. The expected calibration error is {}; the table \
         has the bars.",
        percent(calibration.expected_calibration_error)
    );
    Ok(Some(html! {
        p {
            "An answer's confidence is the probability that the full network gives it. Of the answers that are 80 % \
             sure, 80 % should be right: then the "
            "bars end at the diagonal. The line of each bar is the share that is right; orange is how far that is from \
             the confidence."
        }
        div.column {
            figure {
                div.still.small { (embed::picture(&picture, &what)) }
                details {
                    summary { "Bars as a table" }
                    div.scroll tabindex="0" role="region" aria-label="Calibration" { (table(calibration)) }
                }
            }
            dl.facts {
                dt { "Mean confidence" } dd { (percent(mean_confidence(calibration))) }
                dt { "Accuracy" } dd { (or_dash(answers.evaluation.accuracy, percent)) }
                dt { "Expected calibration error" } dd { (percent(calibration.expected_calibration_error)) }
                dt { "Largest error of a bar" } dd { (percent(calibration.maximum_calibration_error)) }
                dt { "Brier score" } dd { (loss(calibration.brier)) " (0 to 2)" }
                dt { "Negative log-likelihood" } dd { (loss(calibration.negative_log_likelihood)) " nats" }
            }
        }
    }))
}

fn mean_confidence(calibration: &Calibration) -> f64 {
    let sum: f64 = calibration.bins.iter().map(|bin| bin.examples as f64 * bin.confidence.unwrap_or(0.0)).sum();
    sum / calibration.examples.max(1) as f64
}

fn table(calibration: &Calibration) -> Markup {
    html! {
        table {
            caption { "Answers by confidence" }
            thead {
                tr { th scope="col" { "Confidence" } th scope="col" { "Its mean" } th scope="col" { "Right" }
                    th scope="col" { "Examples" } }
            }
            tbody {
                @for bin in calibration.bins.iter().filter(|bin| bin.examples > 0) {
                    tr {
                        th scope="row" { (format!("{:.2} – {:.2}", bin.from, bin.to)) }
                        td { (or_dash(bin.confidence, percent)) }
                        td { (or_dash(bin.accuracy, percent)) }
                        td { (whole(bin.examples as u64)) }
                    }
                }
            }
        }
    }
}
