//! Which class is taken for which, and how well each is told.

use super::{Answers, numbers};
use furlough::data::EvalSplit;
use furlough::predict::ClassScores;
use maud::{Markup, html};
use ndarray::Array2;

/// From this many classes on the matrix is too wide for a page, and the pairs that are mixed up
/// most stand in its place.
const WIDE: usize = 31;

pub(super) fn section(answers: &Answers, split: EvalSplit) -> Option<Markup> {
    let confusion = answers.evaluation.confusion.as_ref()?;
    let examples = numbers::whole(answers.evaluation.examples as u64);
    Some(html! {
        p { "Answers of the full network to " (examples) " " (split) " examples. Rows are the true classes, columns \
         the answers; each row is shaded by its own sum." }
        @if answers.names.len() < WIDE { (matrix(&answers.names, confusion)) }
        (pairs(&answers.names, confusion))
        h3 { "Class by class" }
        p { "Precision: share of the answers that are right. Recall: share of the class that is found. F1: their \
         harmonic mean." }
        div.scroll tabindex="0" role="region" aria-label="Scores of each class" {
            (scores(&answers.names, &answers.evaluation.classes())) }
    })
}

fn matrix(names: &[String], confusion: &Array2<u64>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" {
            table.confusion {
                caption { "Confusion matrix: number of examples" }
                thead {
                    tr {
                        th scope="col" { "True class" }
                        @for name in names { th.name scope="col" { (name) } }
                    }
                }
                tbody {
                    @for (class, row) in confusion.rows().into_iter().enumerate() {
                        @let whole = row.sum().max(1) as f64;
                        tr {
                            th scope="row" { (names[class]) }
                            @for (taken, &count) in row.iter().enumerate() {
                                // The root, as in the picture: a share of 2 % is worth seeing.
                                @let share = (count as f64 / whole).sqrt();
                                @let kind = match count { 0 => "none", _ if class == taken => "right", _ => "wrong" };
                                td.(kind).deep[count > 0 && share > 0.6] style={
                                    "--share:" (format!("{:.0}%", 100.0 * share)) }
                                    title={ (names[class]) " taken for " (names[taken]) ": " (count) } { (count) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The pairs of classes that are mixed up most, in words.
fn pairs(names: &[String], confusion: &Array2<u64>) -> Markup {
    let mut pairs: Vec<_> =
        confusion.indexed_iter().filter(|((class, taken), count)| class != taken && **count > 0).collect();
    pairs.sort_by_key(|(place, count)| (std::cmp::Reverse(**count), *place));
    html! {
        @if pairs.is_empty() {
            p { "No example was taken for another class." }
        } @else {
            p {
                "Mixed up most: "
                @for (place, ((class, taken), count)) in pairs.iter().take(3).enumerate() {
                    @if place > 0 { ", " }
                    (names[*class]) " for " (names[*taken]) " (" (numbers::whole(**count)) ")"
                }
                "."
            }
        }
    }
}

fn scores(names: &[String], scores: &[ClassScores]) -> Markup {
    // Precision of what no answer said and recall of what did not occur are no figures, and belong
    // to no mean.
    let precision = |class: &ClassScores| (class.predicted > 0).then_some(class.precision);
    let recall = |class: &ClassScores| (class.support > 0).then_some(class.recall);
    let f1 = |class: &ClassScores| (class.predicted + class.support > 0).then_some(class.f1);
    let mean = |figure: &dyn Fn(&ClassScores) -> Option<f64>| {
        let figures: Vec<f64> = scores.iter().filter_map(figure).collect();
        figures.iter().sum::<f64>() / figures.len().max(1) as f64
    };
    let percent = |figure: Option<f64>| figure.map_or("–".into(), numbers::percent);
    html! {
        table {
            caption { "Scores of each class" }
            thead {
                tr {
                    th.text scope="col" { "Class" } th scope="col" { "Precision" } th scope="col" { "Recall" }
                        th scope="col" { "F1" }
                    th scope="col" { "Examples" }
                }
            }
            tbody {
                @for (name, class) in names.iter().zip(scores) {
                    tr {
                        th scope="row" { (name) }
                        td { (percent(precision(class))) }
                        td { (percent(recall(class))) }
                        td { (percent(f1(class))) span.bar aria-hidden="true" style={
                            "--share:" (format!("{:.1}%", 100.0 * class.f1)) } {} }
                        td { (numbers::whole(class.support)) }
                    }
                }
                tr.sum {
                    th scope="row" { "Mean of the classes" }
                    td { (numbers::percent(mean(&precision))) }
                    td { (numbers::percent(mean(&recall))) }
                    td { (numbers::percent(mean(&f1))) span.bar aria-hidden="true" style={
                        "--share:" (format!("{:.1}%", 100.0 * mean(&f1))) } {} }
                    td { (numbers::whole(scores.iter().map(|class| class.support).sum())) }
                }
            }
        }
    }
}
