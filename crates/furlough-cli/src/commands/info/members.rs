//! What is told of several networks that are one model.

use super::Fields;
use super::run::{RUNNING, advice, in_words};
use crate::commands::note;
use crate::commands::watch::state::is_being_written;
use crate::terminal::{Style, duration, name, program, shell_word};
use furlough::counted;
use furlough_lab::run::{Failure, Manifest, RunDir, RunStatus, final_record};
use furlough_tables::TableModel;
use furlough_tables::model::EnsembleHeader;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How far a member is.
struct Member {
    number: String,
    status: &'static str,
    /// Why it failed and would fail again, and what can be done about it; none where it did not.
    failure: Option<(String, Vec<String>)>,
    epochs: usize,
    of: u32,
    figures: String,
}

fn members(dir: &RunDir) -> anyhow::Result<Vec<Member>> {
    let member = |path: &PathBuf| {
        let number = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let contents = RunDir::open(path)?.contents()?;
        let (recipe, records) = (&contents.recipe, &contents.records);
        let advice = |failure: &Failure| advice(failure, recipe, contents.last_good_epoch());
        let failure = contents.failure.as_ref().map(|failure| (in_words(failure), advice(failure)));
        let own = final_record(recipe, records).map(|record| &record.summary);
        let figures = match own.map(|own| (own.eval_accuracy(), own.eval_loss())) {
            Some((Some(accuracy), _)) => format!("validation accuracy {:.2} %", 100.0 * accuracy),
            Some((None, Some(loss))) => format!("validation loss {loss:.4}"),
            _ => String::new(),
        };
        let (status, epochs, of) = (contents.status(), records.len(), recipe.options().epochs);
        let status = match status {
            RunStatus::Unfinished if is_being_written(path) => RUNNING,
            RunStatus::Unfinished => "not finished",
            status => status.as_str(),
        };
        Ok(Member { number, status, failure, epochs, of, figures })
    };
    dir.members()?.iter().map(member).collect()
}

/// Returns what they have come to together: `finished`, `running`, `diverged`, `failed` or
/// `unfinished`.
fn together(dir: &RunDir, members: &[Member]) -> &'static str {
    let failed = members.iter().find(|member| member.failure.is_some());
    match failed {
        _ if dir.is_finished() => RunStatus::Finished.as_str(),
        _ if is_being_written(dir.path()) => RUNNING,
        Some(member) => member.status,
        None => RunStatus::Unfinished.as_str(),
    }
}

fn ensemble(dir: &RunDir) -> anyhow::Result<Option<EnsembleHeader>> {
    if !dir.is_finished() {
        return Ok(None);
    }
    Ok(TableModel::load(dir.model()?, 1)?.ensemble().cloned())
}

/// One object: how far the networks are, and what they are together.
pub fn object(path: &Path) -> anyhow::Result<Value> {
    let dir = RunDir::open(path)?;
    let one = |Member { number, status, failure, epochs, .. }: Member| {
        let mut object = json!({ "member": number, "status": status, "epochs": epochs });
        if let Some((failure, _)) = failure {
            object["failure"] = failure.into();
        }
        object
    };
    let (members, ensemble) = (members(&dir)?, ensemble(&dir)?);
    Ok(json!({
        "run": path.display().to_string(),
        "status": together(&dir, &members),
        "recipe": dir.recipe()?,
        "members": members.into_iter().map(one).collect::<Vec<_>>(),
        "out_of_fold": ensemble.as_ref().map(|ensemble| &ensemble.out_of_fold),
        "temperature": ensemble.as_ref().and_then(|ensemble| ensemble.temperature),
        "manifest": Manifest::read(&dir)?,
        "note": note::read(path)?,
    }))
}

/// The same as text, the most important of it.
pub fn page(path: &Path, style: Style) -> anyhow::Result<String> {
    let dir = RunDir::open(path)?;
    let recipe = dir.recipe()?;
    let mut fields = Fields::new(style);
    fields.add("run", &name(&path.display().to_string()));
    for (line, text) in note::read(path)?.iter().flat_map(|text| text.lines()).enumerate() {
        fields.add(if line == 0 { "note" } else { "" }, &name(text));
    }
    let (members, of) = (members(&dir)?, recipe.members().unwrap_or(1));
    match Manifest::read(&dir)? {
        Some(manifest) => {
            let time = duration(manifest.seconds);
            fields.add("status", &format!("finished · {of} networks in {time} of computing"));
        }
        None => {
            let finished = members.iter().filter(|member| member.status == RunStatus::Finished.as_str()).count();
            let failed = members.iter().find_map(|member| Some((&member.number, member.failure.as_ref()?)));
            match (together(&dir, &members), failed) {
                (RUNNING, _) => fields.add("status", &format!("running · {finished} of {of} networks are finished")),
                (_, Some((number, (failure, advice)))) => {
                    fields.add(
                        "status",
                        &format!("member {number} {failure} · {finished} of {of} networks are finished"),
                    );
                    for (place, line) in advice.iter().enumerate() {
                        fields.add(if place == 0 { "advice" } else { "" }, line);
                    }
                }
                (_, None) => {
                    fields.add("status", &format!("not finished · {finished} of {of} networks are"));
                    fields.command("resume", &format!("{} train --resume {}", program(), shell_word(path)));
                }
            }
        }
    }
    for (place, line) in ensemble(&dir)?.iter().flat_map(crate::figures::out_of_fold).enumerate() {
        fields.add(if place == 0 { "held out" } else { "" }, &line);
    }
    for (place, Member { number, status, epochs, of, figures, .. }) in members.into_iter().enumerate() {
        let head = if place == 0 { "members" } else { "" };
        let text = format!("{number}  {status} · {epochs} of {} · {figures}", counted(of as usize, "epoch"));
        fields.add(head, text.trim_end_matches([' ', '·']));
    }
    fields.lines.push(String::new());
    for (index, line) in recipe.to_toml().lines().enumerate() {
        let head = if index == 0 { "recipe" } else { "" };
        fields.lines.push(format!("  {} {}", style.dim(&format!("{head:<9}")), name(line)));
    }
    Ok(fields.text())
}
