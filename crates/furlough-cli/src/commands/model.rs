//! A network that answers for tables: that of a run, or of a file.

use super::evaluate::unfinished;
use super::folder::FolderKind;
use anyhow::bail;
use furlough::files::{ModelFile, load_models};
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
    match FolderKind::of(path) {
        Some(FolderKind::Tune) => {
            bail!("{}: it is a tune; name its best run, {}", path.display(), path.join(TuneDir::FINAL).display())
        }
        Some(FolderKind::Study) => bail!("{}: it is a study; name one of its runs", path.display()),
        Some(FolderKind::Run | FolderKind::Members) | None => {}
    }
    if let Some(model) = several(path, threads)? {
        return Ok(model);
    }
    let run = [trained(path)?];
    unfinished(&[PathBuf::from(path)], &run);
    let [Trained { recipe, mlp, info, .. }] = run;
    if info.table.is_none() {
        bail!(
            "{}: it did not learn from a table, so it has no columns to find in one; `furlough evaluate` says how \
             good it is",
            path.display()
        );
    }
    Ok(TableModel::new(path, mlp, &info, threads)?.with_precision(recipe.precision(), threads))
}

/// Opens a model of several networks, be it that of a run or a file; none where there is one
/// network.
///
/// # Errors
/// When it cannot be read, and when the run is not finished.
pub fn several(path: &Path, threads: usize) -> anyhow::Result<Option<TableModel>> {
    let file = if path.is_file() {
        path.to_path_buf()
    } else {
        let Some(recipe) = RunDir::open(path).ok().and_then(|dir| dir.recipe().ok()) else { return Ok(None) };
        if recipe.members().is_none() {
            return Ok(None);
        }
        RunDir::open(path)?.model()?
    };
    let (members, info) = match load_models(&file) {
        Ok(ModelFile::Ensemble(members, info)) => (members, info),
        Ok(ModelFile::Single(_)) => return Ok(None),
        Err(furlough::Error::File { .. }) if !is_model_name(&file) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let recipe = Settings::parse(&info.recipe, None)?.resolve()?;
    let model = TableModel::of_file(&file, ModelFile::Ensemble(members, info), threads)?;
    Ok(Some(model.with_precision(recipe.precision(), threads)))
}

/// Refuses a model of several networks for what one alone can do.
///
/// # Errors
/// When it is one.
pub fn check_single(model: &TableModel, path: &Path, what: &str) -> anyhow::Result<()> {
    if model.ensemble().is_none() {
        return Ok(());
    }
    bail!(
        "{what}: {} is a model of {} networks, and masked passes are those of one; name one of them, such as {} in its \
         run's folder",
        path.display(),
        model.members(),
        Path::new(RunDir::MEMBERS).join("0").display()
    )
}

/// Opens what a run has learned, be it named by its folder or by its model's file.
///
/// # Errors
/// When there is none, and when the run failed.
pub fn trained(path: &Path) -> anyhow::Result<Trained> {
    if path.is_file() {
        return of_file(path);
    }
    let dir = RunDir::open(path)?;
    if let (false, Some(failure)) = (dir.is_finished(), Failure::read(path)?) {
        bail!("{}: the run failed, so it has no results: {failure}", path.display());
    }
    Ok(dir.learned()?)
}

/// Whether a file is called as models are.
pub fn is_model_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "safetensors")
}

fn of_file(path: &Path) -> anyhow::Result<Trained> {
    let file = load_models(path).map_err(|error| match error {
        furlough::Error::File { .. } if !is_model_name(path) => {
            anyhow::anyhow!("{}: it is no model; the run or model comes first, and the table second", path.display())
        }
        error => error.into(),
    })?;
    let (mlp, info) = match file {
        ModelFile::Single(single) => *single,
        ModelFile::Ensemble(members, _) => bail!(
            "{}: it is a model of {} networks by itself; name it alone, or one of them, such as {} in its run's folder",
            path.display(),
            members.len(),
            Path::new(RunDir::MEMBERS).join("0").display()
        ),
    };
    let recipe = Settings::parse(&info.recipe, None)?.resolve()?;
    Ok(Trained { recipe, mlp, best_epoch: None, info, unfinished: None })
}
