//! The chapter of a tune: its verdict, its finalists, and what was tried.

use super::chapter::{Chapter, Section};
use super::numbers;
use super::study::{StudyPicture, pictures};
use crate::Result;
use crate::study::statistics::Estimate;
use crate::tune::{Finalist, Metric, SearchedTrial, TuneReport};
use maud::{Markup, html};

/// What a tune has to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TunePage {
    /// What it is called: its folder.
    pub name: String,
    /// Everything that came out; none while it is not finished.
    pub report: Option<TuneReport>,
    /// Its pictures.
    pub pictures: Vec<StudyPicture>,
    /// What was asked for, as TOML.
    pub options: String,
    /// Sentences on what is missing, and why.
    pub notes: Vec<String>,
}

pub(super) fn chapter(page: &TunePage) -> Result<Chapter> {
    let mut sections = Vec::new();
    if let Some(report) = &page.report {
        sections.push(Section { id: "verdict", title: "Does dropout help?", body: verdict(report) });
    }
    if !page.pictures.is_empty() {
        sections.push(Section { id: "plots", title: "Plots", body: pictures(&page.pictures) });
    }
    if let Some(report) = &page.report {
        sections.push(Section { id: "trials", title: "What was tried", body: trials(report) });
        let body = html! { pre tabindex="0" aria-label="Recipe" { code { (report.recommended.to_toml()) } } };
        sections.push(Section { id: "recommended", title: "The recommended recipe", body });
    }
    let body = html! { pre tabindex="0" aria-label="Options" { code { (page.options) } } };
    sections.push(Section { id: "options", title: "What was asked for", body });
    let opening = html! {
        p.lead {
            @match &page.report {
                Some(report) => { span.state { "finished" } (report.verdict.text) "." }
                None => { span.state.open { "unfinished" } "The search is not over." }
            }
        }
        @for note in &page.notes { p.note { (note) } }
    };
    Ok(Chapter { title: page.name.clone(), opening, sections })
}

fn verdict(report: &TuneReport) -> Markup {
    let finalist = |name: &str, finalist: &Finalist| {
        let values: Vec<f64> = finalist.values.iter().flatten().copied().collect();
        let diverged = finalist.values.len() - values.len();
        let estimate = Estimate::of(&values);
        html! {
            tr {
                th scope="row" { (name) }
                td { (finalist.trial) }
                td { (numbers::or_dash(estimate.map(|e| e.mean), figure(report.metric))) }
                td { (numbers::or_dash(estimate.and_then(|e| e.half_width), figure(report.metric))) }
                td { (values.len()) @if diverged > 0 { ", " (diverged) " diverged" } }
                td.text { (rates(finalist.recipe.dropout(), finalist.recipe.input_dropout())) }
            }
        }
    };
    html! {
        p { (report.verdict.text) "." }
        @if let Some(reason) = &report.passed_over {
            p.note { "The better one failed on all training examples, so the other one is recommended: " (reason) "." }
        }
        div.scroll tabindex="0" role="region" aria-label="Finalists" {
            table {
                caption { "The finalists: validation " (report.metric) " over the same seeds" }
                thead {
                    tr {
                        th.text scope="col" { "Best" } th scope="col" { "Trial" } th scope="col" { "Mean" }
                        th scope="col" { "95 % ±" } th scope="col" { "Seeds" } th.text scope="col" { "Drop \
                         probabilities" }
                    }
                }
                tbody { (finalist("with dropout", &report.with)) (finalist("without", &report.without)) }
            }
        }
        p {
            "The recommended recipe, trained on all training examples, has test loss " (numbers::loss(report.test.loss))
            @if let Some(accuracy) = report.test.accuracy { " and test accuracy " (numbers::percent(accuracy)) }
            " on " (numbers::whole(report.test.examples as u64)) " examples, looked at once."
        }
    }
}

fn trials(report: &TuneReport) -> Markup {
    let last = |trial: &SearchedTrial| trial.values.last().copied();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Trials" {
            table {
                caption { "The trials of the search" }
                thead {
                    tr {
                        th scope="col" { "Trial" } th scope="col" { "Epochs" } th scope="col" {
                            "Validation " (report.metric) }
                        th.text scope="col" { "Drop probabilities" } th.text scope="col" { "Changed besides" }
                    }
                }
                tbody {
                    @for trial in &report.search {
                        tr {
                            th scope="row" { (trial.trial) }
                            td { (last(trial).map_or("–".into(), |value| value.epoch.to_string())) }
                            td { (numbers::or_dash(last(trial).and_then(|value| value.value), figure(report.metric))) }
                            td.text { (rates(&trial.changes.dropout, trial.changes.input_dropout())) }
                            td.text {
                                (others(trial))
                                @if let Some(reason) = &trial.failed { span.note { (reason) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn figure(metric: Metric) -> fn(f64) -> String {
    match metric {
        Metric::Accuracy => numbers::percent,
        Metric::Loss => numbers::loss,
    }
}

fn rates(dropout: &[f64], input: f64) -> String {
    let rates: Vec<String> = dropout.iter().map(ToString::to_string).collect();
    let input = if input > 0.0 { format!("; {input} of the features") } else { String::new() };
    format!("{}{input}", rates.join(", "))
}

/// What a trial changed besides drop probabilities.
fn others(trial: &SearchedTrial) -> String {
    let others = trial.changes.values.iter().filter(|(key, _)| key.name() != "input_dropout");
    let said = others.map(|(key, value)| format!("{} {value}", key.title()));
    said.collect::<Vec<_>>().join(", ")
}
