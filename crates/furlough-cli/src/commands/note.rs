//! `furlough note`: what somebody wants to remember of a run, a tune or a study.

use super::folder::FolderKind;
use crate::args::NoteArgs;
use crate::failure;
use crate::terminal::Style;
use anyhow::{Context, bail};
use furlough::files::{read_file, write_atomic};
use furlough_lab::run::RunDir;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Prints or writes a note.
pub fn run(args: &NoteArgs) -> anyhow::Result<ExitCode> {
    if FolderKind::of(&args.folder).is_none() {
        bail!("{}: is neither a run nor a tune nor a study", args.folder.display());
    }
    match &args.text {
        Some(text) => write(&args.folder, text)?,
        None => {
            let text = read(&args.folder)?.map_or_else(String::new, |text| text + "\n");
            let text = Style::of(&io::stdout()).text(&text);
            io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the note of what is in `folder`, in place of an earlier one; empty text takes it away.
pub fn write(folder: &Path, text: &str) -> anyhow::Result<()> {
    let path = folder.join(RunDir::NOTES);
    let text = text.trim();
    if !text.is_empty() {
        return Ok(write_atomic(&path, format!("{text}\n").as_bytes())?);
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Reads the note of what is in `folder`; none where there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read(folder: &Path) -> anyhow::Result<Option<String>> {
    let path = folder.join(RunDir::NOTES);
    if !path.exists() {
        return Ok(None);
    }
    // Somebody may have written it with any editor.
    let text = String::from_utf8_lossy(&read_file(&path)?).trim().to_string();
    Ok((!text.is_empty()).then_some(text))
}
