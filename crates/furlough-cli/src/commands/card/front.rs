//! The head of a card, in YAML, as the Hugging Face Hub reads it.

use crate::commands::facts::ModelFacts;
use furlough::data::Task;
use furlough_tables::figures::{FigureName, TableFigures};
use std::fmt::Write as _;

/// Returns the head, with its fences.
pub fn text(facts: &ModelFacts) -> String {
    let kind = kind(facts);
    let mut text = String::from(
        "---\n# license: say which, such as apache-2.0; that is for you to decide\nlibrary_name: furlough\n",
    );
    if let Some(kind) = kind.filter(|kind| kind.starts_with("tabular")) {
        let _ = writeln!(text, "pipeline_tag: {kind}");
    }
    text += "tags:\n- dropout\n- neural-network\n";
    if facts.table.is_some() {
        text += "- tabular\n";
    }
    let test = facts.table.as_ref().and_then(|table| table.test.as_ref());
    if let Some(test) = test.filter(|test| !test.figures.is_empty()) {
        text += "metrics:\n";
        let mut names: Vec<&str> = test.figures.iter().map(|figure| metric(figure.name)).collect();
        names.sort_unstable();
        names.dedup();
        names.iter().for_each(|name| text += &format!("- {name}\n"));
        text += &results(facts, kind, test);
    }
    text + "---\n\n"
}

/// The Hub's name of the task, as far as the file says it.
fn kind(facts: &ModelFacts) -> Option<&'static str> {
    match (facts.target().map(|target| target.task()), facts.info.data.shape.len()) {
        (Some(Task::Classification), _) => Some("tabular-classification"),
        (Some(Task::Regression), _) => Some("tabular-regression"),
        (None, 2..) if !facts.info.data.classes.is_empty() => Some("image-classification"),
        (None, _) => None,
    }
}

/// The results of the test rows.
fn results(facts: &ModelFacts, kind: Option<&str>, test: &TableFigures) -> String {
    let data = facts.data().unwrap_or("table");
    let mut text = format!("model-index:\n- name: {}\n  results:\n  - task:\n", quoted(&super::text::title(facts)));
    let _ = writeln!(text, "      type: {}", kind.unwrap_or("tabular-classification"));
    let _ =
        write!(text, "    dataset:\n      name: {0}\n      type: {0}\n      split: test\n    metrics:\n", quoted(data));
    for (name, figure) in test.named() {
        let (kind, value) = (metric(figure.name), figure.interval.value);
        let _ = write!(text, "    - type: {kind}\n      name: {}\n      value: {value}\n", quoted(&name));
    }
    text
}

/// The Hub's name of a figure.
fn metric(name: FigureName) -> &'static str {
    match name {
        FigureName::Accuracy => "accuracy",
        FigureName::BalancedAccuracy => "balanced_accuracy",
        FigureName::LogLoss => "log_loss",
        FigureName::Auroc => "roc_auc",
        FigureName::Rmse => "rmse",
        FigureName::Mae => "mae",
        FigureName::R2 => "r_squared",
    }
}

/// A text as YAML may hold it: that of JSON is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
