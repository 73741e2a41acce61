//! What the user sees of an error: one line, its causes, and where one is known, a hint.

use crate::commands::folder::{FolderKind, to_resume};
use crate::commands::watch::state::is_being_written;
use crate::terminal::{Style, shell_word};
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exit code of a run that was stopped and saved, as shells give it to what Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Exit code of a study that is done but for trials that failed by themselves, and would again.
pub const SOME_FAILED: u8 = 3;

/// Prints `error` and gives the exit code that goes with it. When nobody reads the output any more,
/// that is no error.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let mut text = format!("error: {}\n", message(error));
    if let Some(hint) = hint(error) {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // Nothing can be done when standard error is closed too.
    let text = Style::of(&io::stderr()).text(&text);
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(1)
}

/// An error whose hint is known where it is made, and may take several lines.
#[derive(Debug)]
pub struct Hinted {
    /// What was wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// An error of writing to standard output, told as such.
pub fn output(source: io::Error) -> furlough::Error {
    furlough::Error::Io { action: "write", path: "standard output".into(), source }
}

/// The engine's error, if a cause is one by itself or as one of the laboratory's.
pub fn engine<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a furlough::Error> {
    cause.downcast_ref().or_else(|| cause.downcast_ref::<furlough_lab::Error>()?.engine())
}

/// Whether nobody reads standard output any more.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| match engine(cause) {
        Some(furlough::Error::Io { path, source, .. }) => is_gone(source) && path.as_os_str() == "standard output",
        _ => false,
    })
}

/// Whether the reader of a pipe or the terminal has gone away.
pub fn is_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    if [libc::EIO, libc::ENXIO].map(Some).contains(&error.raw_os_error()) {
        return true;
    }
    error.kind() == io::ErrorKind::BrokenPipe
}

/// The error and its causes, each once: many messages of the library already quote what caused
/// them. It takes one line, whatever line breaks there are in a name or a value that it quotes.
fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Makes an error about a copy of standard input one about standard input.
pub fn of_standard_input(error: anyhow::Error, copy: &Path) -> anyhow::Error {
    let message = message(&error).replace(&copy.display().to_string(), "standard input");
    match hint(&error) {
        Some(hint) => Hinted { message, hint }.into(),
        None => anyhow::anyhow!("{message}"),
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(hinted) = error.chain().find_map(|cause| cause.downcast_ref::<Hinted>()) {
        return Some(hinted.hint.clone());
    }
    if let Some(hint) = error.chain().find_map(|cause| lab_hint(cause.downcast_ref()?)) {
        return Some(hint);
    }
    if let Some(hint) = error.chain().find_map(wrong_cell) {
        return Some(hint);
    }
    match error.chain().find_map(engine)? {
        furlough::Error::Setting { name, .. } if name == "data" => Some("`furlough data list` shows them".into()),
        furlough::Error::Setting { name, .. } => {
            let flag = name.replace('_', "-");
            let tuning = ["search", "trials", "budget", "seeds", "metric"].contains(&name.as_str());
            let command = if tuning { "tune" } else { "train" };
            Some(format!("see --{flag} in `furlough {command} --help`"))
        }
        furlough::Error::NotFinite { .. } => Some("lower --lr, or bound the weights with --max-norm 3".into()),
        full if full.is_out_of_space() => Some(
            "free some space; a run that had begun then goes on with `furlough train --resume RUN`, a study with \
             the same command, a tune with `furlough tune --resume DIR`"
                .into(),
        ),
        _ => None,
    }
}

/// What to do about a cell that its column cannot hold.
fn wrong_cell(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let error = match cause.downcast_ref::<furlough_lab::Error>().map(furlough_lab::Error::itself) {
        Some(furlough_lab::Error::Table(error)) => error,
        _ => cause.downcast_ref::<furlough_tables::Error>()?,
    };
    let furlough_tables::Error::Value { value, reason, .. } = error else { return None };
    reason.starts_with("is not a").then(|| {
        format!(
            "if that is a missing value, --missing {} of train, tune and data says so; `furlough data sniff FILE` \
             lets all rows decide what a column is",
            shell_word(value)
        )
    })
}

/// What to do about an error of the laboratory, in this command's flags.
fn lab_hint(error: &furlough_lab::Error) -> Option<String> {
    use furlough_lab::Error;
    match error.itself() {
        Error::Recipe { reason, .. } if reason.contains("unknown field") => {
            Some("the keys are the long flags of `furlough train --help`, with _ for -".into())
        }
        Error::Occupied { path, .. } | Error::Unfinished { path } if is_being_written(path) => {
            Some("another process is writing it; wait for it, or name another folder".into())
        }
        Error::Occupied { path, resumable: true, .. } => Some(format!(
            "name another folder with --out, or go on with what is there: --resume {}",
            shell_word(to_resume(path))
        )),
        Error::Occupied { .. } | Error::Locked { .. } => Some("name another folder with --out".into()),
        Error::Finished { path } if FolderKind::of(path) == Some(FolderKind::Members) => {
            Some(format!("`furlough info {}` shows it", shell_word(path)))
        }
        Error::Finished { path } => {
            let path = shell_word(path);
            Some(format!(
                "`furlough info {path}` shows it; `furlough train --from {path}` begins another run from a run"
            ))
        }
        Error::Unfinished { path } => {
            Some(format!("finish it with `furlough train --resume {}`", shell_word(to_resume(path))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes_are_told_once() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let library = furlough::Error::Io { action: "write", path: "runs/a/model.safetensors".into(), source: full };
        let error = Err::<(), _>(library).context("the run could not be saved").unwrap_err();
        assert_eq!(
            message(&error),
            "the run could not be saved: cannot write runs/a/model.safetensors: no storage space"
        );
        assert!(hint(&error).unwrap().contains("--resume"));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let library = furlough::Error::Io { action: "write", path: "a".into(), source: full };
        let through = anyhow::Error::from(furlough_lab::Error::from(library)).context("not saved");
        assert!(
            hint(&through).unwrap().contains("--resume"),
            "an error of the engine's within one of the laboratory's"
        );
    }

    #[test]
    fn a_message_is_one_line_whatever_it_quotes() {
        let error = anyhow::anyhow!("cannot read study a\nb\t\u{1b}[31m.toml: ä ≤ 1");
        assert_eq!(message(&error), "cannot read study a\\nb\\t\\u{1b}[31m.toml: ä ≤ 1");
        let hinted = anyhow::Error::from(Hinted { message: "no data".into(), hint: "get\n  these".into() });
        assert_eq!(message(&hinted), "no data");
        assert_eq!(hint(&hinted.context("more")).as_deref(), Some("get\n  these"));
    }

    #[test]
    fn only_a_closed_output_is_quiet() {
        let closed = |path: &str| {
            let source = io::Error::from(io::ErrorKind::BrokenPipe);
            anyhow::Error::from(furlough::Error::Io { action: "write", path: path.into(), source })
        };
        assert!(is_closed_pipe(&closed("standard output")));
        assert!(!is_closed_pipe(&closed("runs/a/metrics.jsonl")));
    }
}
