//! `furlough card`.

mod front;
mod text;

use super::facts::ModelFacts;
use crate::args::CardArgs;
use crate::terminal::{note, path as shown};
use crate::{failure, interrupt};
use anyhow::bail;
use furlough::files::write_atomic;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes a model card, of what the model's file says.
pub fn run(args: &CardArgs) -> anyhow::Result<ExitCode> {
    interrupt::end("no card was written")?;
    let facts = ModelFacts::read(&args.model)?;
    let card = front::text(&facts) + &text::body(&facts);
    if args.out.as_deref() == Some(Path::new("-")) {
        io::stdout().write_all(card.as_bytes()).map_err(failure::output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = args.out.clone().unwrap_or_else(|| beside(&facts.path));
    if out.is_dir() {
        bail!("--out {}: it is a folder; name a file", out.display());
    }
    if out.exists() && !args.force {
        bail!("{}: exists, and you may have written in it; --force replaces it, --out names another", out.display());
    }
    write_atomic(&out, card.as_bytes())?;
    note(&format!("{}: license and intended use are left to you, where it says so", shown(&out)));
    Ok(ExitCode::SUCCESS)
}

fn beside(model: &Path) -> PathBuf {
    model.with_file_name("README.md")
}
