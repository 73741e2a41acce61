//! `furlough report`.

mod again;
mod folders;
mod output;
mod pictures;

use super::train::threads;
use crate::args::ReportArgs;
use crate::terminal::{self, Style, bytes};
use crate::{failure, interrupt};
use folders::{Data, Found};
use furlough_lab::report::{Comparison, Part, page};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

pub use folders::{check_distinct, line};
pub use output::PageFile;
pub use pictures::{Folder, overlay};

/// Writes a page about runs and studies.
pub fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    interrupt::end("each file is as it was or new")?;
    check_distinct(&args.folders)?;
    let out = match (&args.out, args.folders.as_slice()) {
        (Some(out), _) => out.clone(),
        (None, [only]) => only.join(DEFAULT),
        (None, _) => PathBuf::from(DEFAULT),
    };
    // What can be refused is refused before anything is computed.
    let mut found = folders::open(&args.folders)?;
    let output = PageFile::new(&out)?;
    let pictures = args.plots.as_deref().map(Folder::new).transpose()?;

    let mut data = Data::new(args.data_dir.as_deref(), threads(args.threads));
    for one in &mut found {
        if let Found::Run(report) = one {
            data.complete(report)?;
        }
    }
    let style = Style::of(&io::stderr());
    for one in &found {
        for note in one.notes() {
            terminal::note(&style.text(&format!("note: {}: {note}", terminal::name(one.name()))));
        }
    }
    let runs: Vec<_> = found.iter().filter_map(Found::run).collect();
    let comparison = (runs.len() > 1).then(|| Comparison::of(runs.iter().map(|run| folders::line_of(run)).collect()));
    let parts = comparison.iter().map(Part::Comparison).chain(found.iter().map(Found::part));
    let html = page(&parts.collect::<Vec<_>>())?;

    if let Some(folder) = &pictures {
        for one in &found {
            let prefix = if found.len() > 1 { pictures::prefix(one.name()) } else { String::new() };
            one.write_plots(folder, &prefix)?;
        }
        if let Some(comparison) = &comparison {
            overlay(folder, comparison)?;
        }
    }
    output.write(&html)?;
    let mut text = format!("{}  {}\n", terminal::path(&out), bytes(html.len() as u64));
    if let Some(folder) = &pictures {
        text.push_str(&format!("{}  {} pictures\n", terminal::path(folder.path()), folder.count()));
    }
    let text = Style::of(&io::stdout()).text(&text);
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

const DEFAULT: &str = "report.html";
