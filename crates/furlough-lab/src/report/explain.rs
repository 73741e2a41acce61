//! The chapter of a model: which columns it needs, and what it answers along them.

use super::chapter::{Chapter, Section};
use super::{embed, numbers};
use crate::Result;
use crate::run::{Chart, ChartRow, Panel, Plot, chart_svg};
use furlough_tables::explain::{
    CorrelatedColumns, DependenceValue, ImportanceScore, PartialDependence, PermutationImportance, ScoreImportance,
};
use furlough_tables::figures::{in_digits, plain_number};
use furlough_tables::schema::{CivilTime, Kind};
use maud::{Markup, html};

/// Which columns a model needs, and what it answers along them.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainPage {
    /// What the model is called.
    pub model: String,
    /// The table that it was asked about.
    pub table: String,
    /// What columns are worth; none where the table has no targets.
    pub importance: Option<PermutationImportance>,
    /// Mean answers along columns.
    pub dependence: Vec<PartialDependence>,
    /// Columns that go together.
    pub correlated: Vec<CorrelatedColumns>,
    /// Sentences on what is missing, and why.
    pub notes: Vec<String>,
}

/// So many columns have a row in a picture.
const ROWS: usize = 40;

/// What is to be said of columns that go together.
pub const CORRELATION: &str = "Columns that say the same share their worth: where one is shuffled, the model still \
                               has the other. Shuffled and fixed columns also make rows that do not occur. These \
                               figures say what the model does, and not what causes what.";

impl ExplainPage {
    /// Returns the pictures of what columns are worth, by name: one a target, or one for classes.
    pub fn importance_charts(&self) -> Vec<(String, Chart)> {
        let Some(found) = &self.importance else { return Vec::new() };
        let groups: Vec<&[ScoreImportance]> = found.scores.chunk_by(|a, b| a.target == b.target).collect();
        let named = |place: usize| if groups.len() == 1 { String::new() } else { format!("-{}", place + 1) };
        let one =
            |(place, group): (usize, &&[ScoreImportance])| (format!("importance{}", named(place)), chart(found, group));
        groups.iter().enumerate().map(one).collect()
    }
}

fn chart(found: &PermutationImportance, group: &[ScoreImportance]) -> Chart {
    let order: Vec<&str> = group[0].columns.iter().take(ROWS).map(|column| column.column.as_str()).collect();
    let panel = |of_score: &ScoreImportance| {
        let row = |name: &&str| {
            let column = of_score.columns.iter().find(|column| column.column == *name);
            let value = column.map(|column| {
                let value = column.increase.value;
                (value, column.increase.high.map(|high| high - value))
            });
            ChartRow { name: name.to_string(), value }
        };
        Panel::Rows { title: format!("{} grows by", of_score.score.name()), rows: order.iter().map(row).collect() }
    };
    let of = group[0].target.as_ref().map_or(String::new(), |target| format!(" of {target}"));
    let rows = numbers::counted(found.rows as usize, "row");
    Chart {
        title: format!("What columns are worth to the answers{of}"),
        note: format!("each shuffled {} times among {rows}; bars: 95 % intervals", found.repeats),
        panels: group.iter().map(panel).collect(),
    }
}

pub(super) fn chapter(page: &ExplainPage) -> Result<Chapter> {
    let mut sections = Vec::new();
    if page.importance.is_some() {
        sections.push(Section { id: "importance", title: "What columns are worth", body: importance(page)? });
    }
    if !page.dependence.is_empty() {
        sections.push(Section { id: "dependence", title: "Answers along a column", body: dependence(page)? });
    }
    let opening = html! {
        p.lead { "Asked about " (page.table) "." }
        p { (CORRELATION) }
        @if !page.correlated.is_empty() {
            p {
                "These go together, by their rank correlation: "
                @for (place, pair) in page.correlated.iter().take(8).enumerate() {
                    @if place > 0 { ", " }
                    (pair.columns[0]) " and " (pair.columns[1]) " (" (format!("{:.2}", pair.correlation)) ")"
                }
                @if page.correlated.len() > 8 { ", and " (page.correlated.len() - 8) " more pairs" }
                "."
            }
        }
        @for note in &page.notes { p.note { (note) } }
    };
    Ok(Chapter { title: page.model.clone(), opening, sections })
}

fn importance(page: &ExplainPage) -> Result<Markup> {
    let Some(found) = &page.importance else { return Ok(html! {}) };
    let charts = page.importance_charts();
    let pictures = charts.iter().map(|(name, chart)| chart_svg(name, chart)).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        p {
            "The values of a column are shuffled among the rows, " (found.repeats) " times, and the answers are judged \
             again: by how much the score grows is what the column is worth to this model (Breiman 2001; Fisher, Rudin \
             and Dominici 2019). Intervals are for other rows of the same kind. On rows that the model learned from \
             this shows what it uses; on new ones, what helps it."
        }
        @for picture in &pictures {
            figure { div.still { (embed::picture(picture, "What columns are worth; the tables have the figures.")) } }
        }
        @for of_score in &found.scores {
            details {
                summary {
                    (of_score.score.name()) @if let Some(target) = &of_score.target { " of " (target) } " as a table"
                }
                div.scroll tabindex="0" role="region" aria-label="Importance" { (importance_table(of_score)) }
            }
        }
    })
}

/// Returns a value of a score as people read it.
pub fn score_text(score: ImportanceScore, value: f64) -> String {
    match score {
        ImportanceScore::LogLoss => format!("{value:.4}"),
        ImportanceScore::ErrorRate => format!("{:.2} %", 100.0 * value),
        ImportanceScore::Rmse | ImportanceScore::Mae => in_digits(value),
    }
}

fn importance_table(of_score: &ScoreImportance) -> Markup {
    let text = |value: f64| score_text(of_score.score, value);
    html! {
        table {
            caption { (of_score.score.name()) ", " (text(of_score.value)) " with the table as it is" }
            thead {
                tr { th.text scope="col" { "Column" } th scope="col" { "Grows by" }
                    th scope="col" { "95 % interval" } }
            }
            tbody {
                @for column in &of_score.columns {
                    tr {
                        th scope="row" { (column.column) }
                        td { (text(column.increase.value)) }
                        td {
                            @if let Some((low, high)) = column.increase.low.zip(column.increase.high) {
                                (text(low)) " to " (text(high))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn dependence(page: &ExplainPage) -> Result<Markup> {
    let figures = page.dependence.iter().map(figure).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        p {
            "All rows are given the same value of a column, value after value, and the answers are averaged: partial \
             dependence (Friedman 2001). A flat line may hide that the column matters in one way for some rows and in \
             another for others."
        }
        @for figure in &figures { (figure) }
    })
}

fn figure(along: &PartialDependence) -> Result<Markup> {
    let picture = Plot::Dependence(along).svg()?;
    let what = format!("Mean answers along {}; the table has them.", along.column);
    Ok(html! {
        figure {
            div.still.medium { (embed::picture(&picture, &what)) }
            details {
                summary { (along.column) " as a table" }
                div.scroll tabindex="0" role="region" aria-label="Mean answers" { (dependence_table(along)) }
            }
        }
    })
}

/// Returns a value of a column as people read it.
pub fn value_text(value: &DependenceValue, kind: Kind) -> String {
    match value {
        DependenceValue::Number(seconds) if kind == Kind::Date => CivilTime::of(seconds.round()).text(),
        DependenceValue::Number(number) => plain_number(*number),
        DependenceValue::Level(level) => level.clone(),
        DependenceValue::Rare => "(rare ones)".into(),
        DependenceValue::Missing => "(missing)".into(),
    }
}

fn dependence_table(along: &PartialDependence) -> Markup {
    let answer = |value: f64| if along.classes { format!("{value:.4}") } else { in_digits(value) };
    html! {
        table {
            caption { "Mean answers along " (along.column) }
            thead {
                tr {
                    th.text scope="col" { (along.column) }
                    @for output in &along.outputs { th scope="col" { (output) } }
                }
            }
            tbody {
                @for point in &along.points {
                    tr {
                        th scope="row" {
                            (value_text(&point.value, along.kind))
                            @if let Some(rows) = point.rows { " · " (numbers::counted(rows as usize, "row")) }
                        }
                        @for &value in &point.answers { td { (answer(value)) } }
                    }
                }
            }
        }
    }
}
