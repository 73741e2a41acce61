//! A stopped run becomes a finished one as it stands.

use super::begin::{check_scratch, check_whole, rows_folder, scratch_place};
use super::{data, next_command, threads};
use crate::acquire::AcquiredSource;
use crate::args::TrainArgs;
use crate::commands::note;
use crate::failure;
use crate::terminal::{self, Style, epochs_done, shell_word};
use anyhow::bail;
use furlough::files::{DataInfo, checkpoint_progress};
use furlough::train::StopReason;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{Manifest, Provenance, Recorder, RunDir, RunInfo};
use furlough_lab::source::RunData;
use furlough_tables::DiskTable;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Writes model, curves and manifest, and says what the run has come to.
pub fn run(args: &TrainArgs, path: &Path) -> anyhow::Result<ExitCode> {
    args.table.refuse_strays("a run is finished as it stands")?;
    check_whole(path, "--finish")?;
    let dir = RunDir::resume(path)?;
    let recipe = dir.recipe()?;
    if let Some(members) = recipe.members() {
        bail!(
            "--finish: {} is a run of {members} networks as one model, which needs all of them; `furlough train \
             --resume {}` goes on with it",
            path.display(),
            shell_word(path)
        );
    }
    check_scratch(args, &recipe)?;
    let (info, rows, place) = (info(args, &dir)?, rows_folder(args, &dir)?, scratch_place(&dir)?);
    if recipe.table().is_some_and(|table| table.on_disk.is_some()) && !rows.is_dir() && !args.quiet {
        terminal::note(&format!(
            "note: the run's rows are not in {}{place}: remove that folder",
            terminal::path(&rows)
        ));
    }
    let of = info.recipe.options().epochs;
    let reason = Recorder::cut_short(dir, info)?;
    if let Some(text) = &args.going_on.note {
        note::write(path, text)?;
    }
    DiskTable::remove_from(&rows)?;
    DiskTable::remove_from(&path.join(RunDir::ROWS))?; // from before a --scratch
    let dir = RunDir::open(path)?;
    let at = checkpoint_progress(&dir.checkpoint())?;
    let best = Manifest::read(&dir)?.and_then(|manifest| manifest.best_epoch);
    let text = if args.json {
        let files: Vec<&str> = Manifest::files_in(&dir).collect();
        let line = serde_json::json!({
            "event": "stop", "reason": reason, "epochs": at.epoch, "step_in_epoch": at.step_in_epoch, "of": of,
            "best_epoch": best, "run": path.display().to_string(), "files": files,
        });
        format!("{line}\n")
    } else if args.quiet {
        String::new()
    } else {
        let style = Style::of(&io::stdout());
        let field = |name: &str, text: &str| format!("  {} {text}\n", style.dim(&format!("{name:<9}")));
        let how = match reason {
            StopReason::Asked => "as it stands",
            StopReason::EarlyStopped => "it had stopped early",
            StopReason::Finished => "it had come to its end",
        };
        let network = best.map(|best| field("", &format!("the network is that of the best epoch, {best}")));
        let next = style.accent(&next_command(&recipe, path));
        field("finished", &format!("{how}, with {}", epochs_done(at, of)))
            + &network.unwrap_or_default()
            + &field("saved", &style.text(&shell_word(path)))
            + &field("next", &next)
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// What is known of the run. Where an older version began it, its data are read once more.
fn info(args: &TrainArgs, dir: &RunDir) -> anyhow::Result<RunInfo> {
    let recipe: Recipe = dir.recipe()?;
    Ok(match Provenance::read(dir)? {
        Some(Provenance { train: data, data_origin, table, eval, machine, .. }) => {
            RunInfo { recipe, data, eval, from: None, data_origin, table, machine }
        }
        None => {
            let AcquiredSource { source, origin, .. } =
                data(&recipe, args.data_dir.as_deref(), threads(None), args.quiet)?;
            let RunData { training, table, .. } = source.run_data(&recipe.partition())?;
            let data = DataInfo::of(&training.train);
            RunInfo { recipe, data, eval: None, from: None, data_origin: origin, table, machine: None }
        }
    })
}
