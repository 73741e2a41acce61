//! What the folders hold that a report is asked for.

use super::{Folder, again};
use crate::acquire;
use crate::commands::folder::{FolderKind, expand, to_resume};
use crate::commands::info::advice;
use crate::commands::watch::state::is_being_written;
use crate::terminal::{Style, epochs_done, note, program, shell_word};
use anyhow::{Context, bail};
use furlough::counted;
use furlough::data::{EvalData, catalog};
use furlough::files::{checkpoint_progress, fingerprint, read_file, read_text};
use furlough::predict::Predictor;
use furlough_lab::recipe::{Recipe, TableInput};
use furlough_lab::report::{
    Answers, ComparedRun, Part, RunModel, RunReport, StudyPicture, StudyReport, TunePage, first_batch,
};
use furlough_lab::run::{EvalInfo, Provenance, RunContents, RunDir, Trained};
use furlough_lab::source::{DataSource, RunData};
use furlough_lab::tune::{TuneContents, TuneDir};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder's contents.
pub enum Found {
    /// A run.
    Run(Box<RunReport>),
    /// A study.
    Study(StudyReport),
    /// A tune.
    Tune(Box<TunePage>),
}

impl Found {
    pub fn name(&self) -> &str {
        match self {
            Found::Run(run) => &run.name,
            Found::Study(study) => &study.name,
            Found::Tune(tune) => &tune.name,
        }
    }

    pub fn notes(&self) -> &[String] {
        match self {
            Found::Run(run) => &run.notes,
            Found::Study(study) => &study.notes,
            Found::Tune(tune) => &tune.notes,
        }
    }

    pub fn run(&self) -> Option<&RunReport> {
        match self {
            Found::Run(run) => Some(run),
            Found::Study(_) | Found::Tune(_) => None,
        }
    }

    /// Writes its plots, each name after `prefix`.
    pub fn write_plots(&self, folder: &Folder, prefix: &str) -> anyhow::Result<()> {
        match self {
            Found::Run(run) => folder.write_run(prefix, run),
            Found::Study(study) => folder.write_pictures(prefix, &study.pictures),
            Found::Tune(tune) => folder.write_pictures(prefix, &tune.pictures),
        }
    }

    pub fn part(&self) -> Part<'_> {
        match self {
            Found::Run(run) => Part::Run(run),
            Found::Study(study) => Part::Study(study),
            Found::Tune(tune) => Part::Tune(tune),
        }
    }
}

/// Refuses a folder that is given twice.
pub fn check_distinct(folders: &[PathBuf]) -> anyhow::Result<()> {
    let real = |folder: &PathBuf| fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
    let mut seen = HashSet::new();
    for folder in folders {
        if !seen.insert(real(folder)) {
            bail!("{} is given twice", folder.display());
        }
    }
    Ok(())
}

/// Reads what the folders hold, data and answers left out: of a folder of runs each of them, and of
/// a tune its final run as well.
pub fn open(folders: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for (path, kind) in expand(folders)? {
        match kind {
            FolderKind::Run => found.push(Found::Run(Box::new(run(&path)?))),
            FolderKind::Members => {
                for member in RunDir::open(&path)?.members()? {
                    found.push(Found::Run(Box::new(run(&member)?)));
                }
            }
            FolderKind::Study => found.push(Found::Study(study(&path)?)),
            FolderKind::Tune => {
                found.push(Found::Tune(Box::new(tune(&path)?)));
                let last = path.join(TuneDir::FINAL);
                if FolderKind::of(&last) == Some(FolderKind::Run) {
                    found.push(Found::Run(Box::new(run(&last)?)));
                }
            }
        }
    }
    Ok(found)
}

fn tune(folder: &Path) -> anyhow::Result<TunePage> {
    let TuneContents { text, report, trials, .. } = TuneDir::contents(folder)?;
    let name = name(folder);
    let mut notes = Vec::new();
    if report.is_none() {
        let has = format!("it has begun {} trials", trials.finished + trials.begun + trials.failed);
        notes.push(match is_being_written(folder) {
            true => format!("This tune is running: {has}."),
            false => {
                let (program, folder) = (program(), shell_word(folder));
                format!("This tune is not finished: {has}. Go on with it: {program} tune --resume {folder}")
            }
        });
    }
    let mut pictures = Vec::new();
    let svg = folder.join(TuneDir::PLOT_SVG);
    if svg.exists() {
        let image = folder.join(TuneDir::PLOT_PNG);
        let png = image.exists().then(|| read_file(&image)).transpose()?;
        pictures.push(StudyPicture { name: "error-by-p".into(), svg: read_text(&svg)?, png });
    }
    Ok(TunePage { name, report, pictures, options: text, notes })
}

fn run(folder: &Path) -> anyhow::Result<RunReport> {
    let dir = RunDir::open(folder)?;
    let contents = dir.contents()?;
    let good = contents.last_good_epoch();
    let provenance = Provenance::read(&dir)?;
    let from = provenance.as_ref().is_some_and(|provenance| provenance.from.is_some());
    let warning = provenance.as_ref().and_then(|provenance| provenance.from.as_ref()?.warning());
    let writing = contents.manifest.is_none() && is_being_written(folder);
    let commands = match writing {
        true => format!("# it is being trained now; to see it train\nfurlough watch {}", shell_word(folder)),
        false => again::commands(&name(folder), &name(&to_resume(folder)), &contents, from),
    };
    let RunContents { recipe, records, manifest, failure } = contents;
    let name = name(folder);
    let mut notes: Vec<String> = warning.map(|warning| format!("Warning: {warning}.")).into_iter().collect();
    let model = match (&failure, &manifest) {
        (Some(failure), _) => {
            let advice = advice(failure, &recipe, good).join(" ");
            notes.push(format!("This run failed, and what needs its network is left out: {failure}. {advice}"));
            None
        }
        (None, None) => {
            let own = if recipe.data() == catalog::OWN_FILES { " --data-dir DIR" } else { "" };
            let of = counted(recipe.options().epochs as usize, "epoch");
            let has = format!("it has {} of {of}", records.len());
            notes.push(match writing {
                true => format!("This run is being trained now: {has}."),
                false => {
                    let (program, folder) = (program(), shell_word(to_resume(folder)));
                    format!("This run is not finished: {has}. Go on with it: {program} train --resume {folder}{own}")
                }
            });
            match dir.learned() {
                Ok(Trained { mlp, best_epoch, info, .. }) => {
                    let of =
                        best_epoch.map_or(String::new(), |best| format!(": that of the best epoch so far, {best}"));
                    notes.push(format!("What is said of its network is said of that in its checkpoint{of}."));
                    Some(RunModel { mlp, info })
                }
                Err(error) => {
                    notes.push(format!("What needs its network is left out. {error}"));
                    None
                }
            }
        }
        (None, Some(manifest)) => match dir.trained() {
            Ok(Trained { mlp, best_epoch, info, .. }) => {
                if manifest.is_cut_short() {
                    let done = epochs_done(checkpoint_progress(&dir.checkpoint())?, recipe.options().epochs);
                    let model = best_epoch.map_or("what it had learned by then".into(), |best| {
                        format!("the network of its best epoch until then, {best}")
                    });
                    notes.push(format!("This run was cut short after {done}, and its model is {model}."));
                }
                Some(RunModel { mlp, info })
            }
            Err(error) => {
                notes.push(format!("What needs the trained network is left out. {error}"));
                None
            }
        },
    };
    let (first_batch, answers) = (Vec::new(), None);
    Ok(RunReport { name, recipe, records, manifest, provenance, failure, model, first_batch, answers, commands, notes })
}

/// What a comparison needs of a run.
pub fn line(folder: &Path) -> anyhow::Result<ComparedRun> {
    let dir = RunDir::open(folder)?;
    let contents = dir.contents()?;
    let status = contents.status();
    let from = Provenance::read(&dir)?.and_then(|began| began.from);
    Ok(ComparedRun { name: name(folder), recipe: contents.recipe, from, records: contents.records, status })
}

/// The same of a run that was read already.
pub fn line_of(run: &RunReport) -> ComparedRun {
    ComparedRun {
        name: run.name.clone(),
        recipe: run.recipe.clone(),
        from: run.provenance.as_ref().and_then(|began| began.from.clone()),
        records: run.records.clone(),
        status: run.status(),
    }
}

/// A folder as the user gave it, without the slash that a shell's completion adds.
fn name(folder: &Path) -> String {
    let text = folder.display().to_string();
    let trimmed = text.trim_end_matches(std::path::MAIN_SEPARATOR);
    if trimmed.is_empty() { text } else { trimmed.into() }
}

/// What a study left in its folder.
fn study(folder: &Path) -> anyhow::Result<StudyReport> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        files.push(entry.with_context(|| format!("cannot read {}", folder.display()))?.path());
    }
    files.sort();
    let ending = |path: &Path, ending: &str| path.is_file() && path.extension().is_some_and(|found| found == ending);
    let mut report = StudyReport { name: name(folder), repeat: again::STUDY.into(), ..StudyReport::default() };
    let table = folder.join("table.md");
    if table.exists() {
        report.text = Some(read_text(&table)?);
    }
    for path in files.iter().filter(|path| ending(path, "svg")) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let image = path.with_extension("png");
        let png = image.exists().then(|| read_file(&image)).transpose()?;
        report.pictures.push(StudyPicture { name, svg: read_text(path)?, png });
    }
    if let Some(path) = files.iter().find(|path| ending(path, "toml")) {
        report.experiment = Some(read_text(path)?);
    }
    if report.text.is_none() {
        report.notes.push("This study has no table.md yet: collect it first, so that its results are here.".into());
    }
    Ok(report)
}

/// The data of the runs, each read once, and what their networks say of them.
pub struct Data<'a> {
    dir: Option<&'a Path>,
    threads: usize,
    read: Vec<(Key, Result<DataSource, String>)>,
}

impl<'a> Data<'a> {
    pub fn new(dir: Option<&'a Path>, threads: usize) -> Self {
        Data { dir, threads, read: Vec::new() }
    }

    /// Adds to a report what its network says of the data it was judged by, or a note why not.
    ///
    /// # Errors
    /// When the folder that the user named for the data has not what it should have.
    pub fn complete(&mut self, report: &mut RunReport) -> anyhow::Result<()> {
        let Some(model) = &report.model else { return Ok(()) };
        let split = match self.source(&report.recipe)? {
            Ok(source) => source.run_data(&report.recipe.partition()).map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        let before = report.provenance.as_ref().and_then(|provenance| provenance.eval.clone());
        let answered = split.and_then(|RunData { training: data, test, table, .. }| {
            if fingerprint(&data.train) != model.info.data.fingerprint {
                return Err(format!("This {} is not the data that the run was trained on.", report.recipe.data()));
            }
            let eval = EvalInfo::of(data.eval_data());
            let difference = before.as_ref().and_then(|before| before.difference(&eval));
            let mut predictor = Predictor::with_precision(model.mlp.clone(), self.threads, report.recipe.precision());
            // Of a table those rows that neither taught nor chose the network.
            let judge = test.as_ref().map_or(data.eval_data(), EvalData::test);
            let target = table.as_ref().and_then(|table| table.preprocessing.target.as_ref());
            let answers = Answers::of(&mut predictor, judge, target).map_err(|error| error.to_string())?;
            Ok((answers, first_batch(&report.recipe, data.train.len()), difference))
        });
        match answered {
            Ok((answers, batch, difference)) => {
                (report.answers, report.first_batch) = (Some(answers), batch);
                report.notes.extend(
                    difference.map(|difference| {
                        format!("The curves and the answers are of different examples: {difference}.")
                    }),
                );
            }
            Err(why) => report.notes.push(format!("What needs the data is left out. {why}")),
        }
        Ok(())
    }

    /// What a recipe learns from, or why it is not to be had.
    fn source(&mut self, recipe: &Recipe) -> anyhow::Result<Result<&DataSource, String>> {
        let own = Key::of(recipe);
        if !self.read.iter().any(|(read, _)| *read == own) {
            let style = Style::of(&io::stderr());
            // A folder was named for those data sets that come from files; what is built in needs
            // none, and a table has a name of its own.
            let name = recipe.data();
            let files = || name == catalog::OWN_FILES || acquire::whereabouts(name) != "built in";
            let dir = self.dir.filter(|_| recipe.table().is_none() && files());
            let found = acquire::of_recipe(recipe, dir, self.threads, &mut |line| note(&style.dim(line)));
            let found = match found {
                Err(error) if dir.is_some() => return Err(error),
                other => other.map(|found| found.source).map_err(|error| format!("{error:#}")),
            };
            self.read.push((own.clone(), found));
        }
        let (_, found) = self.read.iter().find(|(read, _)| *read == own).expect("it was just read");
        Ok(found.as_ref().map_err(Clone::clone))
    }
}

/// What of a recipe says which data they are.
#[derive(Clone, PartialEq)]
struct Key {
    data: String,
    labels_from: u32,
    table: Option<TableInput>,
}

impl Key {
    fn of(recipe: &Recipe) -> Self {
        Key { data: recipe.data().into(), labels_from: recipe.labels_from(), table: recipe.table().cloned() }
    }
}
