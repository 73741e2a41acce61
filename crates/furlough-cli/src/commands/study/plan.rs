//! `furlough study plan`.

use super::{Planned, check_losses, find, shard, shard_words, trials};
use crate::acquire::AcquiredSource;
use crate::args::study::StudyPlanArgs;
use crate::commands::train::{data, threads};
use crate::terminal::{Style, duration, name};
use crate::{failure, interrupt};
use furlough::counted;
use furlough::data::Partition;
use furlough_lab::study::{StudyFolder, TrialData, TrialState};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

#[derive(Serialize)]
struct Row {
    trial: String,
    seed: u64,
    arms: Vec<String>,
    state: &'static str,
    epochs: usize,
    of: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    weight: f64,
    seconds: f64,
}

#[derive(Serialize)]
struct Overview<'a> {
    title: &'a str,
    folder: String,
    trials: usize,
    finished: usize,
    begun: usize,
    failed: usize,
    damaged: usize,
    /// Of all that is left, one trial after the other; none when nothing is finished.
    seconds_left: Option<f64>,
    list: &'a [Row],
}

/// Lists the trials of a study.
pub fn run(args: &StudyPlanArgs) -> anyhow::Result<ExitCode> {
    interrupt::end("nothing was changed")?;
    let (study, path) = find(&args.which.study, &args.which.place)?;
    StudyFolder::check(&path, &study)?;
    let AcquiredSource { source, origin, .. } =
        data(study.arms()[0].recipe(), args.which.place.data_dir.as_deref(), threads(None), args.json)?;
    let whole = source.run_data(&Partition::default())?;
    let data = TrialData::of(&source, &whole, origin);
    let root = path.join(StudyFolder::TRIALS);
    check_losses(&study, &data)?;
    let own = shard(trials(&study, &data), &args.part)?;
    let rows: Vec<Row> = own.into_iter().map(|planned| row(planned, &root)).collect();
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    let overview = Overview {
        title: study.title(),
        folder: path.display().to_string(),
        trials: rows.len(),
        finished: count(FINISHED),
        begun: count(BEGUN),
        failed: count(FAILED),
        damaged: count(DAMAGED),
        seconds_left: seconds_left(&rows),
        list: &rows,
    };
    let text =
        if args.json { serde_json::to_string(&overview)? + "\n" } else { page(&overview, &shard_words(&args.part)) };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

const FINISHED: &str = "finished";
const BEGUN: &str = "begun";
const TO_DO: &str = "to do";
const FAILED: &str = "failed";
const DAMAGED: &str = "damaged";

fn row(planned: Planned, root: &Path) -> Row {
    let found = planned.trial.found(root);
    let (state, reason) = match &found {
        Ok(record) => match &record.state {
            TrialState::New => (TO_DO, None),
            TrialState::Begun => (BEGUN, None),
            TrialState::Finished => (FINISHED, None),
            TrialState::Failed(failure) => (FAILED, Some(failure.to_string())),
        },
        Err(error) => (DAMAGED, Some(error.to_string())),
    };
    let records = found.map_or(Vec::new(), |record| record.records);
    Row {
        trial: planned.trial.id().into(),
        seed: planned.seed,
        state,
        epochs: records.len(),
        of: planned.trial.recipe().options().epochs,
        reason,
        weight: planned.weight,
        seconds: records.iter().map(|record| record.seconds).sum(),
        arms: planned.titles,
    }
}

/// What is left at the rate of the finished trials.
fn seconds_left(rows: &[Row]) -> Option<f64> {
    let finished = rows.iter().filter(|row| row.state == FINISHED);
    let (seconds, weight) = finished.fold((0.0, 0.0), |(s, w), row| (s + row.seconds, w + row.weight));
    let left = |row: &Row| row.weight * (1.0 - row.epochs as f64 / f64::from(row.of));
    let left: f64 = rows.iter().filter(|row| ![FINISHED, FAILED].contains(&row.state)).map(left).sum();
    (weight > 0.0).then_some(left * seconds / weight)
}

fn page(overview: &Overview<'_>, shard: &str) -> String {
    let style = Style::of(&io::stdout());
    let Overview { trials, finished, begun, failed, damaged, .. } = overview;
    let to_do = trials - finished - begun - failed - damaged;
    let mut text = format!("  {}\n  {}\n\n", style.bold(&name(overview.title)), style.dim(&name(&overview.folder)));
    for row in overview.list {
        let state = match row.state {
            BEGUN => format!("{}/{} epochs", row.epochs, row.of),
            state => state.to_string(),
        };
        let arms = name(&row.arms.join(" = "));
        let line = format!("  {}  {state:<14}  seed {:<4}  {arms}", row.trial, row.seed);
        text += &style.text(&if row.state == FINISHED { style.dim(&line) } else { line });
        text.push('\n');
        if let Some(reason) = &row.reason {
            text += &format!("    {reason}\n");
        }
    }
    text += &format!("\n  {}{shard}: {finished} finished", counted(*trials, "trial"));
    for (count, what) in [(begun, "begun"), (failed, "failed"), (damaged, "damaged"), (&to_do, "to do")] {
        if *count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    match overview.seconds_left {
        Some(seconds) if finished + failed < *trials => {
            text += &format!("\n  about {} of training left, one trial after the other\n", duration(seconds));
        }
        _ => text.push('\n'),
    }
    style.text(&text)
}
