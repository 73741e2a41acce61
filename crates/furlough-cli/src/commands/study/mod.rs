//! `furlough study`.

mod collect;
mod plan;
mod run;
mod show;

use crate::args::study::{PlaceArgs, ShardArgs, StudyArgs, StudyCommand};
use anyhow::{Context, bail};
use furlough_lab::study::{Study, StudyFolder, Trial, TrialData};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs, lists or collects a study.
pub fn run(args: &StudyArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        StudyCommand::Run(args) => run::run(args),
        StudyCommand::Plan(args) => plan::run(args),
        StudyCommand::Collect(args) => collect::run(args),
    }
}

/// The study that `what` names, a file or the folder of one that was begun, and where its folder is
/// or will be.
fn find(what: &Path, place: &PlaceArgs) -> anyhow::Result<(Study, PathBuf)> {
    let (study, folder) = if what.is_dir() {
        (StudyFolder::open(what)?.study()?, what.to_path_buf())
    } else {
        let text = std::fs::read_to_string(what).with_context(|| format!("cannot read study {}", what.display()))?;
        let name = what.file_stem().unwrap_or(what.as_os_str());
        (Study::parse(&text, Some(what))?, Path::new("runs").join("studies").join(name))
    };
    let study = match &place.data {
        Some(name) if name != study.data() => study.with_data(name)?,
        _ => study,
    };
    Ok((study, place.out.clone().unwrap_or(folder)))
}

/// A trial of a study, and what it is called there. Arms of different parts may share it.
struct Planned {
    trial: Trial,
    seed: u64,
    titles: Vec<String>,
    /// How long it takes, as a number that means something only beside others.
    weight: f64,
}

impl Planned {
    fn title(&self) -> String {
        format!("{}, seed {}", self.titles.join(" = "), self.seed)
    }
}

/// A shard's trials.
fn shard(trials: Vec<Planned>, args: &ShardArgs) -> anyhow::Result<Vec<Planned>> {
    let Some((part, of)) = args.shard else { return Ok(trials) };
    if of > trials.len() {
        bail!("--shard: {of} shards are more than there are trials, {}", trials.len());
    }
    let own = trials.into_iter().enumerate().filter(|(place, _)| place % of == part - 1);
    Ok(own.map(|(_, planned)| planned).collect())
}

/// What is said of a shard behind the number of its trials.
fn shard_words(args: &ShardArgs) -> String {
    args.shard.map_or(String::new(), |(part, of)| format!(" (shard {part} of {of})"))
}

/// Checks what the arms' losses ask of the data, such as a weight for each class.
fn check_losses(study: &Study, data: &TrialData<'_>) -> anyhow::Result<()> {
    study.arms().iter().try_for_each(|arm| {
        let of_arm = || format!("arm {:?}", arm.title());
        arm.recipe().options().loss.of(data.train).map(|_| ()).with_context(of_arm)
    })
}

/// The study's trials, each once.
fn trials(study: &Study, data: &TrialData<'_>) -> Vec<Planned> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut planned: Vec<Planned> = Vec::new();
    for (arm, seed, recipe) in study.trials() {
        let title = study.arms()[arm].title();
        let network = recipe.network(data.train.features(), data.train.levels(), data.train.outputs());
        let parameters = network.validate().map_or(0, |architecture| architecture.parameters());
        let examples = recipe.partition().train_examples.unwrap_or(data.train.len());
        // A step's overhead counts too, and an evaluation.
        let work = (examples + data.eval.data.len() / 3) as f64 * (parameters as f64 + 2e4);
        let weight = work * f64::from(recipe.options().epochs);
        let trial = Trial::new(recipe, &data.info.fingerprint);
        match places.get(trial.id()) {
            Some(&place) => planned[place].titles.push(title),
            None => {
                places.insert(trial.id().into(), planned.len());
                planned.push(Planned { trial, seed, titles: vec![title], weight });
            }
        }
    }
    planned
}
