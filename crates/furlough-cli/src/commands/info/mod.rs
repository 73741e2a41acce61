//! `furlough info`.

mod members;
mod model;
mod run;
mod study;
mod tune;

use super::folder::{FolderKind, expand};
use super::model::is_model_name;
use super::runs;
use crate::args::InfoArgs;
use crate::failure;
use crate::terminal::Style;
use run::RunSummary;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use run::{advice, too_much_decay};

/// Describes models' files, and runs, tunes and studies, finished or not; of a folder with several
/// in it, each in a line.
pub fn run(args: &InfoArgs) -> anyhow::Result<ExitCode> {
    let style = Style::of(&io::stdout());
    let (models, folders): (Vec<PathBuf>, Vec<PathBuf>) =
        args.folders.iter().cloned().partition(|path| path.is_file() && is_model_name(path));
    let found = expand(&folders)?;
    let listed = found.len() > folders.len();
    let text = if args.json {
        let of_models = models.iter().map(|path| Ok(model::object(path)?.to_string() + "\n"));
        let objects = of_models.chain(found.iter().map(|(path, kind)| object(path, *kind)));
        objects.collect::<anyhow::Result<Vec<String>>>()?.concat()
    } else {
        let mut pages = models.iter().map(|path| model::page(path, style)).collect::<anyhow::Result<Vec<String>>>()?;
        if listed {
            pages.push(runs::table(&found, style));
        } else {
            let others = found.iter().map(|(path, kind)| page(path, *kind, style));
            pages.extend(others.collect::<anyhow::Result<Vec<String>>>()?);
        }
        pages.join("\n")
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// One JSON object and a line feed.
fn object(path: &Path, kind: FolderKind) -> anyhow::Result<String> {
    Ok(match kind {
        FolderKind::Run => serde_json::to_string(&RunSummary::read(path)?)?,
        FolderKind::Members => members::object(path)?.to_string(),
        FolderKind::Tune => tune::object(path)?.to_string(),
        FolderKind::Study => study::object(path)?.to_string(),
    } + "\n")
}

fn page(path: &Path, kind: FolderKind, style: Style) -> anyhow::Result<String> {
    match kind {
        FolderKind::Run => Ok(RunSummary::read(path)?.page(style)),
        FolderKind::Members => members::page(path, style),
        FolderKind::Tune => tune::page(path, style),
        FolderKind::Study => study::page(path, style),
    }
}

/// Lines of a name and a text, as wide as the names here are.
struct Fields {
    lines: Vec<String>,
    style: Style,
}

impl Fields {
    fn new(style: Style) -> Self {
        Fields { lines: Vec::new(), style }
    }

    fn add(&mut self, name: &str, text: &str) {
        let name = self.style.dim(&format!("{name:<9}"));
        self.lines.push(format!("  {name} {}", self.style.text(text)));
    }

    fn command(&mut self, name: &str, text: &str) {
        let name = self.style.dim(&format!("{name:<9}"));
        self.lines.push(format!("  {name} {}", self.style.accent(text)));
    }

    fn text(self) -> String {
        self.lines.join("\n") + "\n"
    }
}
