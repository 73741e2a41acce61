//! What is told of a model's file.

use super::Fields;
use crate::commands::facts::{ModelColumn, ModelFacts};
use crate::figures;
use crate::progress::{network, training};
use crate::terminal::{Style, bytes, name, path as shown, thousands, wrap};
use furlough::counted;
use furlough_tables::model::RowCounts;
use serde_json::{Value, json};
use std::path::Path;

/// So many columns have a line.
const COLUMNS: usize = 30;
const NAME: usize = 24;

/// One object: all that the file says, but for its schema and its parameters.
pub fn object(path: &Path) -> anyhow::Result<Value> {
    let facts = ModelFacts::read(path)?;
    let column = |column: &ModelColumn| {
        json!({
            "name": column.schema.name, "kind": column.schema.kind, "features": column.features,
            "becomes": column.becomes,
        })
    };
    let table = facts.table.as_ref();
    let targets = facts.target().map(|target| target.names());
    let (task, architecture) = (facts.target().map(|target| target.task()), facts.mlp.architecture());
    let network: Vec<usize> =
        std::iter::once(architecture.inputs()).chain(architecture.blocks().iter().map(|block| block.outputs)).collect();
    Ok(json!({
        "model": path.display().to_string(),
        "bytes": facts.bytes,
        "library": table.map(|table| &table.library).filter(|library| !library.is_empty()),
        "task": task.map(|task| format!("{task:?}").to_lowercase()),
        "targets": targets,
        "classes": facts.info.data.classes,
        "columns": facts.columns().iter().map(column).collect::<Vec<_>>(),
        "network": network,
        "parameters": facts.members() * architecture.parameters(),
        "members": facts.together.as_ref().map(|together| together.members),
        "out_of_fold": facts.together.as_ref().map(|together| &together.header.out_of_fold),
        "temperature": facts.together.as_ref().and_then(|together| together.header.temperature),
        "data": facts.data(),
        "fingerprint": facts.info.data.fingerprint,
        "rows": table.and_then(|table| table.rows),
        "test": table.and_then(|table| table.test.as_ref()),
        "validation": table.and_then(|table| table.validation.as_ref()),
        "warnings": table.map(|table| table.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "recipe": facts.recipe,
    }))
}

/// The same as text.
pub fn page(path: &Path, style: Style) -> anyhow::Result<String> {
    let facts = ModelFacts::read(path)?;
    let mut fields = Fields::new(style);
    let room = style.width.saturating_sub(12);
    let mut add = |head: &str, text: &str| {
        for (place, line) in wrap(&name(text), room).iter().enumerate() {
            fields.add(if place == 0 { head } else { "" }, line);
        }
    };
    add("model", &format!("{} · {}", shown(&facts.path), bytes(facts.bytes)));
    add("predicts", &facts.predicts());
    let rows = facts.table.as_ref().and_then(|table| table.rows);
    add("learned", &learned_from(&facts, rows));
    let architecture = facts.mlp.architecture();
    let (members, parameters) = (facts.members(), architecture.parameters() as u64);
    add("network", &network(architecture));
    match members {
        1 => add("", &format!("{} parameters", thousands(parameters))),
        _ => {
            let all = thousands(members as u64 * parameters);
            add("", &format!("{members} of them, {all} parameters in all; the answer is their mean"));
        }
    }
    if let Some(recipe) = &facts.recipe {
        let steps = rows.map(|rows| recipe.options().steps_per_epoch(rows.training));
        add("training", &training(recipe, steps));
    } else if let Some(recipe) = facts.table.as_ref().and_then(|table| table.recipe.as_ref()) {
        let text = format!(
            "AdamW, lr {}, weight decay {} · batches of {} · {}",
            recipe.learning_rate,
            recipe.weight_decay,
            recipe.batch_size,
            counted(recipe.epochs as usize, "epoch")
        );
        add("training", &text);
    }
    for (place, line) in facts.together.iter().flat_map(|all| figures::out_of_fold(&all.header)).enumerate() {
        add(if place == 0 { "held out" } else { "" }, &line);
    }
    if let Some(table) = &facts.table {
        let tested = table.test.iter().flat_map(figures::lines);
        for (place, line) in tested.enumerate() {
            add(if place == 0 { "test" } else { "" }, &format!("{line} that neither taught nor chose it"));
        }
        if let Some(scores) = &table.validation {
            let right = scores.accuracy.map(|share| format!(", accuracy {:.2} %", 100.0 * share));
            let text = format!("loss {:.4}{} on {} rows", scores.loss, right.unwrap_or_default(), scores.rows);
            add("validated", &format!("{text} that chose it, so new rows are answered less well"));
        }
        for (place, warning) in table.warnings.iter().enumerate() {
            add(if place == 0 { "warning" } else { "" }, &warning.to_string());
        }
    }
    if !facts.info.data.fingerprint.is_empty() {
        add("data", &format!("fingerprint {}", facts.info.data.fingerprint));
    }
    if let Some(table) = facts.table.as_ref().filter(|table| !table.library.is_empty()) {
        add("made by", &format!("furlough {}", table.library));
    }
    Ok(fields.text() + &columns(&facts, style))
}

/// `houses.csv · 384 rows, 96 more that decided when to stop, 120 more that judged it`.
fn learned_from(facts: &ModelFacts, rows: Option<RowCounts>) -> String {
    let data = facts.data().map_or("a table".to_string(), String::from);
    let Some(RowCounts { training, validation, test }) = rows else { return data };
    if facts.together.is_some() {
        let set_apart = if test > 0 { format!(", {} more were set apart", thousands(test)) } else { String::new() };
        let all = thousands(training + validation);
        return format!("{data} · {all} rows, another part held out by each network{set_apart}");
    }
    let mut text = format!("{data} · {} rows", thousands(training));
    for (count, what) in [(validation, "decided when to stop"), (test, "judged it")] {
        if count > 0 {
            text += &format!(", {} more that {what}", thousands(count));
        }
    }
    text
}

/// A line a column: what it is, and what it becomes.
fn columns(facts: &ModelFacts, style: Style) -> String {
    let columns = facts.columns();
    if columns.is_empty() {
        return String::new();
    }
    let shorten = |name: &str| furlough_lab::run::shorten(name, NAME);
    let shown = &columns[..columns.len().min(COLUMNS)];
    let names: Vec<String> = shown.iter().map(|column| shorten(&name(&column.schema.name))).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
    let mut lines = vec![String::new()];
    lines.push(style.dim(&format!("  {:<width$}   {:<8}   {:>8}   becomes", "column", "kind", "features")));
    for (name, ModelColumn { schema, features, becomes }) in names.iter().zip(shown) {
        lines.push(style.text(&format!("  {name:<width$}   {:<8}   {features:>8}   {becomes}", schema.kind.name())));
    }
    if columns.len() > shown.len() {
        lines.push(style.dim(&format!("  and {} more; --json has all", columns.len() - shown.len())));
    }
    let unseen = facts.unseen();
    if !unseen.is_empty() {
        let more = if unseen.len() > 8 { ", …" } else { "" };
        let text = format!("not seen: {}{more}", unseen[..unseen.len().min(8)].join(", "));
        lines.extend(wrap(&name(&text), style.width - 2).iter().map(|line| style.dim(&format!("  {line}"))));
    }
    lines.join("\n") + "\n"
}
