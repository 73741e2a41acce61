//! `furlough runs`: what a folder holds.

use super::folder::{FolderKind, found_in};
use super::note;
use super::watch::state::Locks;
use crate::args::RunsArgs;
use crate::failure;
use crate::terminal::{Style, name};
use anyhow::bail;
use furlough::counted;
use furlough_lab::run::{RunContents, RunDir, RunStatus, final_record};
use furlough_lab::study::{StudyFolder, TrialCounts};
use furlough_lab::tune::{TuneContents, TuneDir};
use furlough_tables::TableModel;
use furlough_tables::model::EnsembleHeader;
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Lists the runs, tunes and studies in a folder, the newest last.
pub fn run(args: &RunsArgs) -> anyhow::Result<ExitCode> {
    if !args.dir.is_dir() {
        bail!("{}: there is no such folder", args.dir.display());
    }
    let found = found_in(&args.dir);
    let text = if args.json {
        let lines: Result<Vec<String>, _> = rows(&found).iter().map(serde_json::to_string).collect();
        lines?.into_iter().map(|line| line + "\n").collect()
    } else if found.is_empty() {
        format!("  no runs, tunes or studies in {}\n", name(&args.dir.display().to_string()))
    } else {
        table(&found, Style::of(&io::stdout()))
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// What is told of a folder in a line.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    folder: String,
    /// `finished`, `cut short`, `unfinished`, `running`, `diverged`, `failed` or `unreadable`.
    status: &'static str,
    /// How far it is: epochs of a run, trials of a tune or a study.
    progress: String,
    data: String,
    /// The figure it came to, in words.
    result: String,
    /// What somebody wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// When its files were written last, in seconds since 1970.
    changed: u64,
}

/// The folders as lines, the one that was written last at the end.
pub fn table(found: &[(PathBuf, FolderKind)], style: Style) -> String {
    let heads = ["when (UTC)", "kind", "status", "progress", "data", "result", "folder", "note"].map(String::from);
    let cells = |row: Row| {
        let Row { kind, folder, status, progress, data, result, note, changed } = row;
        let note =
            note.as_deref().and_then(|note| note.lines().next()).map_or(String::new(), |line| shortened(&name(line)));
        [date(changed), kind.into(), status.into(), progress, name(&data), name(&result), name(&folder), note]
    };
    let all: Vec<[String; 8]> = std::iter::once(heads).chain(rows(found).into_iter().map(cells)).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..8).map(width).collect();
    let mut text = String::new();
    for (place, row) in all.iter().enumerate() {
        let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| pad(cell, width)).collect();
        let line = padded.join("   ");
        let line = line.trim_end();
        text.push_str(&format!("  {}\n", if place == 0 { style.dim(line) } else { style.text(line) }));
    }
    text
}

/// The most characters of a note in a table.
const NOTE: usize = 60;

/// A text that fits its column.
fn shortened(text: &str) -> String {
    if text.chars().count() <= NOTE { text.into() } else { text.chars().take(NOTE - 1).chain(['…']).collect() }
}

fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    text.chars().chain(std::iter::repeat_n(' ', missing)).collect()
}

fn rows(found: &[(PathBuf, FolderKind)]) -> Vec<Row> {
    let locks = Locks::read();
    let mut rows: Vec<Row> = found.iter().map(|(path, kind)| row(path, *kind, &locks)).collect();
    rows.sort_by(|a, b| (a.changed, &a.folder).cmp(&(b.changed, &b.folder)));
    rows
}

fn row(path: &Path, kind: FolderKind, locks: &Locks) -> Row {
    let (read, files): (_, &[&str]) = match kind {
        FolderKind::Run => (run_row(path), &[RunDir::RECIPE, RunDir::METRICS, RunDir::CHECKPOINT, RunDir::MANIFEST]),
        FolderKind::Members => (members_row(path), &[RunDir::RECIPE, RunDir::MEMBERS, RunDir::MANIFEST]),
        FolderKind::Tune => (tune_row(path), &[TuneDir::OPTIONS, TuneDir::TRIALS, TuneDir::REPORT]),
        FolderKind::Study => (study_row(path), &[StudyFolder::STUDY, StudyFolder::TRIALS, StudyFolder::RESULTS]),
    };
    let changed = files.iter().filter_map(|name| written(&path.join(name))).max().unwrap_or(0);
    let folder = path.display().to_string();
    let mut row = read.unwrap_or_else(|error| Row {
        kind: "",
        folder: String::new(),
        status: "unreadable",
        progress: String::new(),
        data: String::new(),
        result: error.to_string(),
        note: None,
        changed,
    });
    if row.status == "unfinished" && locks.held(path) == Some(true) {
        row.status = "running";
    }
    Row { kind: kind.name(), folder, changed, note: note::read(path).unwrap_or_default(), ..row }
}

fn run_row(path: &Path) -> furlough_lab::Result<Row> {
    let contents = RunDir::open(path)?.contents()?;
    let split = contents.recipe.partition().eval_split();
    let status = contents.status().as_str();
    let RunContents { recipe, records, .. } = contents;
    let own = final_record(&recipe, &records).filter(|record| record.is_good());
    let last = own.or_else(|| records.iter().rev().find(|record| record.is_good())).map(|record| &record.summary);
    let result = match last {
        None => String::new(),
        Some(last) => match (last.eval_accuracy(), last.eval_loss()) {
            (Some(accuracy), _) => format!("{split} accuracy {:.2} %", 100.0 * accuracy),
            (None, Some(loss)) => format!("{split} loss {loss:.4}"),
            (None, None) => format!("train loss {:.4}", last.train_loss),
        },
    };
    let of = counted(recipe.options().epochs as usize, "epoch");
    let progress = format!("{}/{of}", records.len());
    Ok(made(status, progress, recipe.data(), result))
}

fn members_row(path: &Path) -> furlough_lab::Result<Row> {
    let dir = RunDir::open(path)?;
    let recipe = dir.recipe()?;
    let of = recipe.members().unwrap_or(1);
    let (mut finished, mut failed) = (0, None);
    for member in dir.members()? {
        let status = RunDir::open(&member)?.contents()?.status();
        finished += usize::from(status == RunStatus::Finished);
        if matches!(status, RunStatus::Diverged | RunStatus::Failed) {
            failed = failed.or(Some((status, member)));
        }
    }
    let (status, result) = match failed {
        _ if dir.is_finished() => {
            let model = TableModel::load(dir.model()?, 1)?;
            (RunStatus::Finished, model.ensemble().map_or(String::new(), out_of_fold))
        }
        Some((status, member)) => {
            let number = member.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
            (status, format!("member {number} {}", status.as_str()))
        }
        None => (RunStatus::Unfinished, String::new()),
    };
    Ok(made(status.as_str(), format!("{finished}/{of} members"), recipe.data(), result))
}

/// Returns what several networks reach on rows that they did not learn from.
fn out_of_fold(ensemble: &EnsembleHeader) -> String {
    match ensemble.out_of_fold.accuracy {
        Some(accuracy) => format!("out of fold accuracy {:.2} %", 100.0 * accuracy),
        None => format!("out of fold loss {:.4}", ensemble.out_of_fold.loss),
    }
}

fn tune_row(path: &Path) -> furlough_lab::Result<Row> {
    let TuneContents { options, report, trials, .. } = TuneDir::contents(path)?;
    let status = if report.is_some() { "finished" } else { "unfinished" };
    let result = match &report {
        None => String::new(),
        Some(report) => match report.test.accuracy {
            Some(accuracy) => format!("test accuracy {:.2} %", 100.0 * accuracy),
            None => format!("test loss {:.4}", report.test.loss),
        },
    };
    let count = report.as_ref().map_or(trials.finished + trials.begun + trials.failed, |report| report.search.len());
    Ok(made(status, trial_count(count, trials.failed), options.recipe.data(), result))
}

fn study_row(path: &Path) -> furlough_lab::Result<Row> {
    let folder = StudyFolder::open(path)?;
    let study = folder.study()?;
    let trials = TrialCounts::of(&folder.trials())?;
    let of = study.arms().len() * study.seeds().len();
    // Arms of several parts may share trials, so there may be fewer; what is collected says for
    // sure.
    let done =
        trials.begun == 0 && (trials.finished + trials.failed >= of || folder.file(StudyFolder::RESULTS).exists());
    let status = if done { "finished" } else { "unfinished" };
    Ok(made(status, trial_count(trials.finished, trials.failed), study.data(), study.title().into()))
}

fn trial_count(count: usize, failed: usize) -> String {
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    if count == 1 { format!("1 trial{failed}") } else { format!("{count} trials{failed}") }
}

fn made(status: &'static str, progress: String, data: &str, result: String) -> Row {
    Row { kind: "", folder: String::new(), status, progress, data: data.into(), result, note: None, changed: 0 }
}

/// When a file or folder was written last, in seconds since 1970.
fn written(path: &Path) -> Option<u64> {
    let time: SystemTime = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Seconds since 1970 as `2026-11-29 08:30`, in UTC: Howard Hinnant's civil-from-days.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", rest / 3600, rest % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00"),
            (951_782_399, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (951_868_800, "2000-03-01 00:00"),
            (1_709_164_800, "2024-02-29 00:00"),
            (1_798_761_599, "2026-12-31 23:59"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(date(seconds), expected);
        }
    }
}
