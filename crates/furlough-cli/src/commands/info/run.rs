//! What is told of a run.

use super::Fields;
use crate::commands::folder::to_resume;
use crate::commands::note;
use crate::commands::watch::state::is_being_written;
use crate::terminal::{Style, bytes, duration, name, program, shell_word, threads};
use furlough::data::EvalSplit;
use furlough::files::{DataInfo, checkpoint_progress};
use furlough::nn::ParamSpec;
use furlough::optim::Optimizer;
use furlough::train::{LearnedDropout, Progress};
use furlough::{counted, noun_of};
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{
    EpochRecord, Failure, Machine, Manifest, Provenance, RunContents, RunDir, RunStatus, WarmStart, final_record,
};
use serde::Serialize;
use std::path::Path;

/// What is told of a run.
#[derive(Serialize)]
pub struct RunSummary {
    run: String,
    status: &'static str,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// Of a run that failed: the last epoch after which its network answered in numbers, from 1; 0
    /// for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_good_epoch: Option<u32>,
    recipe: Recipe,
    /// The drop probabilities that concrete dropout has come to.
    #[serde(rename = "learnt_dropout", skip_serializing_if = "Vec::is_empty")]
    learned_dropout: Vec<LearnedDropout>,
    /// With early stopping the best epoch, whose network the run has. Otherwise the epoch with the
    /// lowest loss on the examples that judge the run, or in training where none do.
    best: Option<EpochRecord>,
    last: Option<EpochRecord>,
    epochs: Vec<EpochRecord>,
    /// The network's parameters; none where no file beside the model says what the data are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<Parameter>,
    files: Vec<File>,
    manifest: Option<Manifest>,
    /// What another run had learned, where this one began from that.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<WarmStart>,
    /// Of a run that is not finished: how far its checkpoint is.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    shape: Vec<usize>,
}

#[derive(Serialize)]
struct File {
    name: String,
    bytes: u64,
}

/// Returns the parameters of a recipe's network for such data, by the network's own list.
fn parameters(recipe: &Recipe, data: &DataInfo) -> anyhow::Result<Vec<Parameter>> {
    if data.classes.is_empty() {
        return Ok(Vec::new()); // how many numbers are predicted is in the model alone
    }
    let network = recipe.network(data.shape.iter().product(), &data.levels, data.classes.len()).validate()?;
    let parameter = |spec: &ParamSpec| Parameter { name: spec.name.clone(), shape: spec.shape.clone() };
    Ok(network.param_specs().iter().map(parameter).collect())
}

impl RunSummary {
    /// Reads it from the run's folder.
    pub fn read(folder: &Path) -> anyhow::Result<RunSummary> {
        let dir = RunDir::open(folder)?;
        let contents = dir.contents()?;
        let status = match contents.status() {
            RunStatus::Unfinished if is_being_written(folder) => RUNNING,
            status => status.as_str(),
        };
        let last_good_epoch = contents.failure.is_some().then(|| contents.last_good_epoch());
        let RunContents { recipe, records: epochs, manifest, failure } = contents;
        let last = epochs.iter().rev().find(|record| record.is_good());
        let mut learned_dropout = last.map_or(Vec::new(), |last| last.summary.learned_dropout.clone());
        // The log of an older furlough does not have them.
        if learned_dropout.is_empty() && manifest.is_some() && recipe.dropout_kind().is_learned() {
            learned_dropout = LearnedDropout::of(&dir.trained()?.mlp);
        }
        let loss = |record: &EpochRecord| record.summary.eval_loss().unwrap_or(record.summary.train_loss);
        let lowest = || epochs.iter().filter(|record| record.is_good()).min_by(|a, b| loss(a).total_cmp(&loss(b)));
        let best = if recipe.early_stopping().is_some() { final_record(&recipe, &epochs) } else { lowest() };
        let checkpoint = Some(dir.checkpoint()).filter(|path| manifest.is_none() && path.exists());
        let checkpoint = checkpoint.map(|path| checkpoint_progress(&path)).transpose()?;
        let names = Manifest::files_in(&dir).chain([RunDir::MANIFEST]);
        let file = |name: &str| {
            let bytes = std::fs::metadata(dir.file(name)).ok()?.len();
            Some(File { name: name.into(), bytes })
        };
        let provenance = Provenance::read(&dir)?;
        Ok(RunSummary {
            parameters: provenance.as_ref().map_or(Ok(Vec::new()), |began| parameters(&recipe, &began.train))?,
            run: dir.path().display().to_string(),
            status,
            failure,
            last_good_epoch,
            recipe,
            learned_dropout,
            best: best.cloned(),
            last: last.cloned(),
            epochs,
            files: names.filter_map(file).collect(),
            checkpoint,
            from: provenance.and_then(|provenance| provenance.from),
            note: note::read(folder)?,
            manifest,
        })
    }

    /// Tells it as text.
    pub fn page(&self, style: Style) -> String {
        let mut fields = Fields::new(style);
        fields.add("run", &name(&self.run));
        if let Some(text) = &self.note {
            text.lines()
                .enumerate()
                .for_each(|(line, text)| fields.add(if line == 0 { "note" } else { "" }, &name(text)));
        }
        self.add_status(&mut fields);
        if let Some(from) = &self.from {
            fields.add("from", &format!("{}{}", name(&from.run), from.after()));
        }
        for (head, record) in [("best", &self.best), ("last", &self.last)] {
            if let Some(record) = record {
                fields.add(head, &figures(record, self.recipe.partition().eval_split()));
            }
        }
        if !self.learned_dropout.is_empty() {
            let one = |LearnedDropout { layer, p }: &LearnedDropout| format!("{p:.4} after hidden layer {layer}");
            let all: Vec<_> = self.learned_dropout.iter().map(one).collect();
            fields.add("learned", &format!("dropout {}", all.join(", ")));
        }
        fields.lines.push(String::new());
        let recipe = self.recipe.to_toml();
        // What its columns are takes a page of its own.
        let shown = recipe.split("\n[table.schema").next().unwrap_or(&recipe).trim_end();
        for (index, line) in shown.lines().enumerate() {
            let head = if index == 0 { "recipe" } else { "" };
            fields.lines.push(format!("  {} {}", style.dim(&format!("{head:<9}")), name(line)));
        }
        if let Some(table) = self.recipe.table() {
            let columns = counted(table.schema.columns.len(), "column");
            let line = format!("# [table.schema]: {columns}; {} has all of it", RunDir::RECIPE);
            fields.lines.push(format!("  {} {}", style.dim(&format!("{:<9}", "")), style.dim(&line)));
        }
        fields.lines.push(String::new());
        for (index, Parameter { name, shape }) in self.parameters.iter().enumerate() {
            let head = if index == 0 { "tensors" } else { "" };
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            let shape = style.dim(&format!("{:>12}", shape.join(" × ")));
            fields.lines.push(format!("  {} {name:<21} {shape}", style.dim(&format!("{head:<9}"))));
        }
        if !self.parameters.is_empty() {
            fields.lines.push(String::new());
        }
        for (index, file) in self.files.iter().enumerate() {
            let head = if index == 0 { "files" } else { "" };
            let size = style.dim(&format!("{:>9}", bytes(file.bytes)));
            fields.lines.push(format!("  {} {:<24} {size}", style.dim(&format!("{head:<9}")), file.name));
        }
        fields.text()
    }

    fn add_status(&self, fields: &mut Fields) {
        let (done, of) = (self.epochs.len(), self.recipe.options().epochs);
        let epochs = noun_of(of as usize, "epoch");
        let seconds = duration(self.epochs.iter().map(|record| record.seconds).sum());
        if let Some(failure) = &self.failure {
            fields.add("status", &format!("{} · {done} of {of} {epochs} in {seconds}", in_words(failure)));
            for (index, line) in advice(failure, &self.recipe, self.last_good_epoch.unwrap_or(0)).iter().enumerate() {
                fields.add(if index == 0 { "advice" } else { "" }, line);
            }
            return;
        }
        match &self.manifest {
            Some(manifest) => {
                let early = match manifest.best_epoch {
                    _ if manifest.is_cut_short() => format!("cut short · {done} of "),
                    Some(_) if done < of as usize => format!("finished · stopped early after {done} of "),
                    _ => "finished · ".into(),
                };
                fields.add("status", &format!("{early}{of} {epochs} in {seconds}"));
                if let Some(best) = manifest.best_epoch {
                    fields.add("network", &format!("of the best epoch, {best}"));
                }
                fields.add("data", &format!("{} · {}", self.recipe.data(), name(&manifest.data_origin)));
                if let Some(Machine { instruction_set, threads: on }) = &manifest.machine {
                    let text = format!("{} · {instruction_set} · furlough {}", threads(*on), manifest.library);
                    fields.add("machine", &text);
                }
            }
            None if self.status == RUNNING => {
                fields.add("status", &format!("running · {done} of {of} {epochs} in {seconds}"));
            }
            None => {
                fields.add("status", &format!("not finished · {done} of {of} {epochs} in {seconds}"));
                if let Some(Progress { epoch, step_in_epoch: step, .. }) = self.checkpoint {
                    let place =
                        if step == 0 { String::new() } else { format!(" and {}", counted(step as usize, "step")) };
                    fields.add("saved", &format!("after {}{place}", counted(epoch as usize, "epoch")));
                }
                // Where files of the user's own are is not part of the recipe.
                let data_dir = if self.recipe.data() == "idx" { " --data-dir DIR" } else { "" };
                let command =
                    format!("{} train --resume {}{data_dir}", program(), shell_word(to_resume(Path::new(&self.run))));
                fields.command("resume", &command);
            }
        }
    }
}

/// The status of a run that another process is writing.
pub(super) const RUNNING: &str = "running";

/// Returns what a run has come to that failed.
pub(super) fn in_words(failure: &Failure) -> String {
    match failure {
        Failure::Diverged { .. } => failure.to_string(),
        Failure::Error { reason } => format!("failed: {reason}"),
    }
}

/// What can be done about a run that failed, in sentences. `good` is its last good epoch, from 1; 0
/// for none.
pub fn advice(failure: &Failure, recipe: &Recipe, good: u32) -> Vec<String> {
    if let Failure::Error { .. } = failure {
        return vec!["It would fail again. Begin another run once the reason is gone.".into()];
    }
    let lr = recipe.options().learning_rate;
    if let Some(advice) = too_much_decay(recipe) {
        let always = "Runs are exact, so going on with it diverges at the same step, always.".into();
        return vec![always, format!("Begin another with {advice}."), last_good(good)];
    }
    let bound = match recipe.options().regularizers.max_norm {
        Some(bound) => format!("a lower --max-norm than {bound}"),
        None => "--max-norm 3".into(),
    };
    vec![
        "Runs are exact, so going on with it diverges at the same step, always.".into(),
        format!("Begin another with a lower --lr than {lr}, or with {bound}."),
        last_good(good),
    ]
}

fn last_good(good: u32) -> String {
    match good {
        0 => "No epoch came to a good end.".into(),
        epoch => format!("The last good epoch is {epoch}."),
    }
}

/// Returns what to do about a weight decay that takes more than a whole weight in a step, so that
/// the weights overshoot 0; none where the decay is not that large. Adam divides its penalty by the
/// gradient's size, which bounds the step.
pub fn too_much_decay(recipe: &Recipe) -> Option<String> {
    let (options, decay) = (recipe.options(), recipe.weight_decay());
    let lr = options.learning_rate;
    let bounded = matches!(options.optimizer, Optimizer::Adam { .. });
    (!bounded && lr * decay > 1.0).then(|| {
        let times = (100.0 * lr * decay).round() / 100.0;
        format!("a lower --weight-decay than {decay}: with --lr {lr} a step takes {times} times each weight")
    })
}

/// `epoch 27 · test loss 0.0923, accuracy 97.50 % · train loss 0.0412, accuracy 98.72 %`.
fn figures(record: &EpochRecord, split: EvalSplit) -> String {
    let summary = &record.summary;
    let mut text = format!("epoch {}", summary.epoch);
    if let Some(loss) = summary.eval_loss() {
        text.push_str(&format!(" · {split} loss {loss:.4}"));
    }
    if let Some(accuracy) = summary.eval_accuracy() {
        text.push_str(&format!(", accuracy {:.2} %", 100.0 * accuracy));
    }
    text.push_str(&format!(" · train loss {:.4}", summary.train_loss));
    if let Some(accuracy) = summary.train_accuracy {
        text.push_str(&format!(", accuracy {:.2} %", 100.0 * accuracy));
    }
    text
}
