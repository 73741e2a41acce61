//! A stopped run becomes a finished one as it stands.

use super::{Wanted, data};
use crate::acquire::Acquired;
use crate::args::TrainArgs;
use crate::commands::note;
use crate::failure;
use crate::terminal::{Style, program, shell_word};
use furlough::compute::Isa;
use furlough::counted;
use furlough::files::DataInfo;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{Manifest, Provenance, Recorder, RunDir, RunInfo};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Writes model, curves and manifest, and says what the run has come to.
pub fn run(args: &TrainArgs, path: &Path) -> anyhow::Result<ExitCode> {
    let dir = RunDir::resume(path)?;
    let info = info(args, &dir)?;
    let of = info.recipe.options().epochs;
    Recorder::cut_short(dir, info)?;
    if let Some(text) = &args.going_on.note {
        note::write(path, text)?;
    }
    let dir = RunDir::open(path)?;
    let done = dir.contents()?.records.len();
    let text = if args.json {
        let files: Vec<&str> = Manifest::files_in(&dir).collect();
        let line = serde_json::json!({
            "event": "stop", "reason": "asked", "epochs": done, "of": of, "run": path.display().to_string(),
            "files": files,
        });
        format!("{line}\n")
    } else if args.quiet {
        String::new()
    } else {
        let style = Style::of(&io::stdout());
        let field = |name: &str, text: &str| format!("  {} {text}\n", style.dim(&format!("{name:<9}")));
        let of = counted(of as usize, "epoch");
        let next = style.accent(&format!("{} evaluate {}", program(), shell_word(path)));
        field("finished", &format!("as it stands, with {done} of {of}"))
            + &field("saved", &style.text(&shell_word(path)))
            + &field("next", &next)
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// What is known of the run. Where an older version began it, its data are read once more.
fn info(args: &TrainArgs, dir: &RunDir) -> anyhow::Result<RunInfo> {
    let recipe: Recipe = dir.recipe()?;
    let (train, data_origin, eval) = match Provenance::read(dir)? {
        Some(Provenance { train, data_origin, eval, .. }) => (train, data_origin, eval),
        None => {
            let Acquired { split, origin } = data(Wanted::of(&recipe), args.data_dir.as_deref(), args.quiet)?;
            (DataInfo::of(&recipe.partition().apply(split)?.train), origin, None)
        }
    };
    let instruction_set = Isa::best().name().into();
    Ok(RunInfo { recipe, data: train, eval, from: None, data_origin, instruction_set, threads: 1 })
}
