//! What is told of a tune.

use super::Fields;
use crate::commands::watch::state::is_being_written;
use crate::terminal::{Style, name, program, shell_word};
use furlough_lab::tune::{TuneContents, TuneDir};
use serde_json::{Value, json};
use std::path::Path;

/// One object: what was asked for, how far it is, and everything that came out.
pub fn object(path: &Path) -> anyhow::Result<Value> {
    let TuneContents { options, report, trials, .. } = TuneDir::contents(path)?;
    Ok(json!({
        "tune": path.display().to_string(),
        "status": match report {
            Some(_) => "finished",
            None if is_being_written(path) => "running",
            None => "unfinished",
        },
        "recipe": options.recipe,
        "space": options.space,
        "trials": trials,
        "report": report,
    }))
}

/// The same as text, the most important of it.
pub fn page(path: &Path, style: Style) -> anyhow::Result<String> {
    let TuneContents { options, report, trials, .. } = TuneDir::contents(path)?;
    let shown = path.display().to_string();
    let mut fields = Fields::new(style);
    fields.add("tune", &name(&shown));
    let failed = if trials.failed > 0 { format!(", {} failed", trials.failed) } else { String::new() };
    fields.add("data", options.recipe.data());
    fields.add("search", &options.space.to_string());
    match &report {
        None => {
            let begun = trials.finished + trials.begun + trials.failed;
            if is_being_written(path) {
                fields.add("status", &format!("running · {begun} trials begun{failed}"));
                return Ok(fields.text());
            }
            fields.add("status", &format!("not finished · {begun} trials begun{failed}"));
            let data_dir = if options.recipe.data() == "idx" { " --data-dir DIR" } else { "" };
            fields.command("resume", &format!("{} tune --resume {}{data_dir}", program(), shell_word(path)));
        }
        Some(report) => {
            fields.add("status", &format!("finished · {} trials of the search{failed}", report.search.len()));
            fields.add("verdict", &report.verdict.text);
            if let Some(reason) = &report.passed_over {
                fields.add("", &format!("the better one failed on all training examples: {reason}"));
            }
            let test = match report.test.accuracy {
                Some(accuracy) => format!("test accuracy {:.2} %, loss {:.4}", 100.0 * accuracy, report.test.loss),
                None => format!("test loss {:.4}", report.test.loss),
            };
            fields.add("final", &format!("{} · {test}", path.join(TuneDir::FINAL).display()));
            for (index, line) in report.recommended.to_toml().lines().enumerate() {
                fields.add(if index == 0 { "recipe" } else { "" }, line);
            }
        }
    }
    Ok(fields.text())
}
