//! `furlough study collect`: from trials to tables and pictures.

use super::find;
use crate::acquire::AcquiredSource;
use crate::args::study::StudyCollectArgs;
use crate::commands::train::{data, threads};
use crate::terminal::{Style, path};
use crate::{failure, interrupt};
use anyhow::bail;
use furlough::data::Partition;
use furlough::files::write_atomic;
use furlough_lab::study::{Results, Study, StudyFolder, TrialData, difference, figure, picture};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Collects.
pub fn run(args: &StudyCollectArgs) -> anyhow::Result<ExitCode> {
    interrupt::end("each file is as it was or new")?;
    let (study, path) = find(&args.which.study, &args.which.place)?;
    if !args.others.is_empty() && args.which.place.out.is_none() {
        bail!("say with --out where the joined results go");
    }
    let mut roots = Vec::new();
    for other in &args.others {
        let folder = StudyFolder::open(other)?;
        if let Some(how) = difference(&folder.study()?, &study) {
            bail!("{} is of another study than {}: {how}", other.display(), args.which.study.display());
        }
        roots.push(folder.trials());
    }
    if args.which.study.is_dir() && path != args.which.study {
        roots.insert(0, StudyFolder::open(&args.which.study)?.trials());
    }
    if roots.is_empty() && !path.is_dir() {
        bail!("{} does not exist: run the study first, or name its folder with --out", path.display());
    }
    let AcquiredSource { source, origin, .. } =
        data(study.arms()[0].recipe(), args.which.place.data_dir.as_deref(), threads(args.threads), args.json)?;
    let whole = source.run_data(&Partition::default())?;
    let data = TrialData::of(&source, &whole, origin);
    let folder = StudyFolder::claim(path, &study)?;
    roots.insert(0, folder.trials());
    let results = gather(&study, &data, &roots, threads(args.threads))?;
    if results.failed().next().is_none() && results.arms.iter().all(|arm| arm.trials.is_empty()) {
        bail!("no trial of this study is finished in {}: run it first", folder.path().display());
    }
    let files = write(&study, &results, &folder)?;
    let text = if args.json { results.to_json() } else { said(&results, &folder, &files) };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

/// The results of what is under `roots`.
pub(super) fn gather(
    study: &Study,
    data: &TrialData<'_>,
    roots: &[PathBuf],
    threads: usize,
) -> furlough_lab::Result<Results> {
    Results::collect(study, data, roots, threads, &mut |_, _| ())
}

/// Writes all files of the results, and answers their names.
pub(super) fn write(study: &Study, results: &Results, folder: &StudyFolder) -> furlough_lab::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut keep = |name: String, bytes: &[u8]| {
        write_atomic(&folder.file(&name), bytes)?;
        files.push(name);
        Ok::<(), furlough_lab::Error>(())
    };
    keep(StudyFolder::CSV.into(), results.to_csv().as_bytes())?;
    keep(StudyFolder::TABLE.into(), results.to_markdown().as_bytes())?;
    for (place, plot) in study.plots().iter().enumerate() {
        if let Some(chart) = figure(results, plot) {
            let name = plot.file_name(place);
            let (svg, png) = picture(&name, &chart)?;
            keep(format!("{name}.svg"), svg.as_bytes())?;
            keep(format!("{name}.png"), &png)?;
        }
    }
    // Last, so that where it is new, all is.
    keep(StudyFolder::RESULTS.into(), results.to_json().as_bytes())?;
    Ok(files)
}

/// What came of a study, for whoever waited for it.
pub(super) fn said(results: &Results, folder: &StudyFolder, files: &[String]) -> String {
    let style = Style::of(&io::stdout());
    let path = path(folder.path());
    format!(
        "{}\n{}\n",
        style.text(&results.to_markdown()),
        style.dim(&format!("written to {path}: {}", files.join(", ")))
    )
}
