//! The chapter of one run.

use super::chapter::{Chapter, Section};
use super::run::RunReport;
use super::{
    abstention, calibration, classes, curves, learned, masks, mistakes, numbers, origin, residuals, scores, weights,
};
use crate::Result;
use crate::run::{RunStatus, final_record};
use maud::{Markup, html};

pub(super) fn chapter(report: &RunReport, place: usize) -> Result<Chapter> {
    let mut sections = Vec::new();
    let mut add = |id, title, body: Option<Markup>| {
        sections.extend(body.map(|body| Section { id, title, body }));
    };
    add("curves", "Learning curves", curves::of_run(report, place)?);
    add("learned", "Learned drop probabilities", learned::section(report, place)?);
    if let Some(answers) = &report.answers {
        add("scores", "Scores", scores::section(answers));
        add("classes", "Classes", classes::section(answers, answers.split));
        add("residuals", "Residuals", residuals::section(answers)?);
        add("mistakes", "Most confident mistakes", mistakes::section(answers, answers.split));
        add("calibration", "Calibration", calibration::section(answers)?);
        add("abstention", "Fewer answers, surer ones", abstention::section(answers)?);
    }
    if let Some(model) = &report.model {
        let weights = report.answers.as_ref().and_then(|answers| answers.weights.as_ref());
        let weights = weights.map(|weights| weights::section(weights, &model.mlp));
        add("weights", "First-layer weights", weights);
        add("masks", "Dropout masks", masks::section(report)?);
    }
    add("recipe", "Recipe and how to reproduce it", Some(origin::section(report)));
    Ok(Chapter { title: report.name.clone(), opening: opening(report), sections })
}

fn opening(report: &RunReport) -> Markup {
    let epochs = report.recipe.options().epochs as usize;
    let fewer = report.is_finished() && report.records.len() < epochs;
    let status = report.status();
    html! {
        p.lead {
            span.state.open[status != RunStatus::Finished] { (status.as_str()) }
            (summary(report)) " "
            @if fewer {
                @if status == RunStatus::Finished { "stopped early" } @else { "cut short" }
                " after " (report.records.len()) " of " (numbers::counted(epochs, "epoch"))
            } @else if report.is_finished() {
                (numbers::counted(epochs, "epoch"))
            } @else {
                (report.records.len()) " of " (numbers::counted(epochs, "epoch"))
            }
            " in " (numbers::seconds(report.seconds())) "."
        }
        @for note in &report.notes { p.note { (note) } }
        (tiles(report))
    }
}

/// `A 784–256–256–10 network with relu on fashion-mnist, dropout 0.2, 0.5.`
fn summary(report: &RunReport) -> String {
    let recipe = &report.recipe;
    let hidden: Vec<String> = recipe.hidden().iter().map(ToString::to_string).collect();
    let widths = match &report.model {
        Some(model) => {
            let architecture = model.mlp.architecture();
            let outputs = architecture.blocks().iter().map(|block| block.outputs.to_string());
            std::iter::once(architecture.inputs().to_string()).chain(outputs).collect::<Vec<_>>().join("–")
        }
        None if hidden.is_empty() => "linear".into(),
        None => format!("{} hidden", hidden.join("–")),
    };
    let dropout: Vec<String> = recipe.dropout().iter().map(ToString::to_string).collect();
    let dropout = match dropout.len() {
        0 => String::new(),
        _ if recipe.dropout().iter().all(|p| *p == 0.0) => ", without dropout".into(),
        _ => format!(", dropout {}", dropout.join(" and ")),
    };
    format!("{widths} network on {}{dropout};", recipe.data())
}

fn tiles(report: &RunReport) -> Markup {
    let last = final_record(&report.recipe, &report.records).map(|record| &record.summary);
    let best = report.records.iter().filter_map(|r| Some((r.summary.epoch, r.summary.eval_accuracy()?)));
    let best = best
        .fold(None, |best: Option<(u32, f64)>, one| if best.is_some_and(|b| b.1 >= one.1) { best } else { Some(one) });
    let evaluation = report.answers.as_ref().map(|answers| &answers.evaluation);
    let accuracy = evaluation.and_then(|e| e.accuracy).or(last.and_then(|last| last.eval_accuracy()));
    let split = report.answers.as_ref().map_or(report.recipe.partition().eval_split(), |answers| answers.split);
    let split = numbers::capital(split.as_str());
    let loss = evaluation.map(|e| e.loss).or(last.and_then(|last| last.eval_loss()));
    html! {
        dl.tiles {
            @for tile in report.answers.iter().flat_map(scores::tiles) { (tile) }
            @if let Some(accuracy) = accuracy {
                div.first {
                    dt { (split) " accuracy" }
                    dd {
                        (numbers::percent(accuracy))
                        @if let Some((epoch, best)) = best { small { "best " (numbers::percent(best)) " after \
                         epoch " (epoch) } }
                    }
                }
            }
            @if let Some(loss) = loss {
                div { dt { (split) " loss" } dd { (numbers::loss(loss)) small { "full network" } } }
            }
            @if let Some(last) = last {
                div {
                    dt { "Train loss" }
                    dd {
                        (numbers::loss(last.train_loss))
                        small {
                            @if let Some(accuracy) = last.train_accuracy { "accuracy " (numbers::percent(accuracy))
                                ", " }
                            "dropout on"
                        }
                    }
                }
            }
            @if let Some(calibration) = report.answers.as_ref().and_then(|answers| answers.calibration.as_ref()) {
                div {
                    dt { "Calibration error" }
                    dd { (numbers::percent(calibration.expected_calibration_error)) small {
                        "expected, " (calibration.bins.len()) " bins" } }
                }
            }
            @if let Some(model) = &report.model {
                div { dt { "Parameters" } dd { (numbers::whole(model.mlp.architecture().parameters() as u64)) small {
                    "weights and biases" } } }
            }
        }
    }
}
