//! What is told of a study.

use super::Fields;
use crate::terminal::{Style, name, program, shell_word};
use furlough_lab::study::{StudyFolder, TrialCounts};
use serde_json::{Value, json};
use std::path::Path;

/// One object: the experiment, and how its trials stand.
pub fn object(path: &Path) -> anyhow::Result<Value> {
    let folder = StudyFolder::open(path)?;
    let study = folder.study()?;
    let trials = TrialCounts::of(&folder.trials())?;
    Ok(json!({
        "study": path.display().to_string(),
        "title": study.title(),
        "data": study.data(),
        "arms": study.arms().len(),
        "seeds": study.seeds(),
        "trials": trials,
        "collected": folder.file(StudyFolder::RESULTS).exists(),
    }))
}

/// The same as text.
pub fn page(path: &Path, style: Style) -> anyhow::Result<String> {
    let folder = StudyFolder::open(path)?;
    let study = folder.study()?;
    let trials = TrialCounts::of(&folder.trials())?;
    let shown = path.display().to_string();
    let mut fields = Fields::new(style);
    fields.add("study", &name(&shown));
    fields.add("title", &name(study.title()));
    fields.add("data", study.data());
    let of = study.arms().len() * study.seeds().len();
    let mut status = format!("{} arms × {} seeds = {of} trials at most", study.arms().len(), study.seeds().len());
    for (count, what) in [(trials.finished, "finished"), (trials.begun, "begun"), (trials.failed, "failed")] {
        if count > 0 {
            status.push_str(&format!(" · {count} {what}"));
        }
    }
    fields.add("status", &status);
    let table = folder.file(StudyFolder::TABLE);
    if table.exists() {
        fields.add("table", &table.display().to_string());
    }
    fields.command("next", &format!("{} study plan {}", program(), shell_word(path)));
    Ok(fields.text())
}
