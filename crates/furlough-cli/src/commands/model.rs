//! A network that answers for tables: that of a run, or of a file.

use super::evaluate::unfinished;
use super::folder::FolderKind;
use anyhow::bail;
use furlough::files::{ModelInfo, load_model};
use furlough::nn::Mlp;
use furlough_lab::recipe::Settings;
use furlough_lab::run::{Failure, RunDir, Trained};
use furlough_lab::tune::TuneDir;
use furlough_tables::TableModel;
use std::path::{Path, PathBuf};

/// Opens the network of a run's folder, as far as it has learned, or of a model's file, to answer
/// on `threads` threads.
///
/// # Errors
/// When there is none, or it did not learn from a table.
pub fn open(path: &Path, threads: usize) -> anyhow::Result<TableModel> {
    let (mlp, info) = if path.is_dir() { of_run(path)? } else { of_file(path)? };
    if info.table.is_none() {
        bail!(
            "{}: it did not learn from a table, so it has no columns to find in one; `furlough evaluate` says how \
             good it is",
            path.display()
        );
    }
    let precision = Settings::parse(&info.recipe, None)?.resolve()?.precision();
    Ok(TableModel::new(path, mlp, &info, threads)?.with_precision(precision, threads))
}

fn of_run(path: &Path) -> anyhow::Result<(Mlp, ModelInfo)> {
    match FolderKind::of(path) {
        Some(FolderKind::Tune) => {
            bail!("{}: it is a tune; name its best run, {}", path.display(), path.join(TuneDir::FINAL).display())
        }
        Some(FolderKind::Study) => bail!("{}: it is a study; name one of its runs", path.display()),
        Some(FolderKind::Run) | None => {}
    }
    let dir = RunDir::open(path)?;
    if let (false, Some(failure)) = (dir.is_finished(), Failure::read(path)?) {
        bail!("{}: the run failed, so it has no results: {failure}", path.display());
    }
    let run = [dir.learned()?];
    unfinished(&[PathBuf::from(path)], &run);
    let [Trained { mlp, info, .. }] = run;
    Ok((mlp, info))
}

fn of_file(path: &Path) -> anyhow::Result<(Mlp, ModelInfo)> {
    if !path.exists() {
        bail!("{}: there is no such run or model", path.display());
    }
    load_model(path).map_err(|error| {
        let other = path.extension().is_none_or(|extension| extension != "safetensors");
        match error {
            furlough::Error::File { .. } if other => anyhow::anyhow!(
                "{}: it is no model; the run or model comes first, and the table second",
                path.display()
            ),
            error => error.into(),
        }
    })
}
