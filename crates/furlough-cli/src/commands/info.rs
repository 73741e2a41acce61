//! `furlough info`.

use crate::args::InfoArgs;
use crate::failure;
use crate::terminal::{Style, bytes, duration, name, program, shell_word, threads};
use furlough::noun_of;
use furlough::train::LearnedDropout;
use furlough_lab::recipe::Recipe;
use furlough_lab::run::{EpochRecord, Manifest, RunContents, RunDir};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Describes a run, finished or not.
pub fn run(args: &InfoArgs) -> anyhow::Result<ExitCode> {
    let dir = RunDir::open(&args.run)?;
    let summary = RunSummary::read(&dir)?;
    let text = if args.json {
        serde_json::to_string(&summary)? + "\n"
    } else {
        summary.page(&args.run, Style::of(&io::stdout()))
    };
    io::stdout().write_all(text.as_bytes()).map_err(failure::output)?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct RunSummary {
    run: String,
    status: &'static str,
    recipe: Recipe,
    /// The drop probabilities that concrete dropout has come to.
    #[serde(rename = "learnt_dropout", skip_serializing_if = "Vec::is_empty")]
    learned_dropout: Vec<LearnedDropout>,
    /// The epoch with the lowest test loss.
    best: Option<EpochRecord>,
    last: Option<EpochRecord>,
    epochs: Vec<EpochRecord>,
    files: Vec<File>,
    manifest: Option<Manifest>,
}

#[derive(Serialize)]
struct File {
    name: String,
    bytes: u64,
}

impl RunSummary {
    fn read(dir: &RunDir) -> anyhow::Result<RunSummary> {
        let RunContents { recipe, records: epochs, manifest } = dir.contents()?;
        let last = epochs.last();
        let mut learned_dropout = last.map_or(Vec::new(), |last| last.summary.learned_dropout.clone());
        // The log of an older furlough does not have them.
        if learned_dropout.is_empty() && manifest.is_some() && recipe.dropout_kind().is_learned() {
            learned_dropout = LearnedDropout::of(&dir.trained()?.mlp);
        }
        let loss = |record: &EpochRecord| record.summary.test_loss.unwrap_or(record.summary.train_loss);
        let best = epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
        let names = Manifest::FILES.into_iter().chain([RunDir::MANIFEST]);
        let file = |name: &str| {
            let bytes = std::fs::metadata(dir.file(name)).ok()?.len();
            Some(File { name: name.into(), bytes })
        };
        Ok(RunSummary {
            run: dir.path().display().to_string(),
            status: if manifest.is_some() { "finished" } else { "unfinished" },
            recipe,
            learned_dropout,
            best: best.cloned(),
            last: last.cloned(),
            epochs,
            files: names.filter_map(file).collect(),
            manifest,
        })
    }

    fn page(&self, dir: &Path, style: Style) -> String {
        let mut lines = Vec::new();
        let mut field = |head: &str, text: &str| lines.push(format!("  {} {text}", style.dim(&format!("{head:<9}"))));
        field("run", &name(&self.run));
        let (done, of) = (self.epochs.len(), self.recipe.options().epochs);
        let epochs = noun_of(of as usize, "epoch");
        let seconds = duration(self.epochs.iter().map(|record| record.seconds).sum());
        match &self.manifest {
            Some(manifest) => {
                field("status", &style.text(&format!("finished · {of} {epochs} in {seconds}")));
                field("data", &style.text(&format!("{} · {}", self.recipe.data(), name(&manifest.data_origin))));
                let (on, set) = (threads(manifest.threads), &manifest.instruction_set);
                field("machine", &style.text(&format!("{on} · {set} · furlough {}", manifest.library)));
            }
            None => {
                field("status", &style.text(&format!("not finished · {done} of {of} {epochs} in {seconds}")));
                // Where files of the user's own are is not part of the recipe.
                let data_dir = if self.recipe.data() == "idx" { " --data-dir DIR" } else { "" };
                let command = format!("{} train --resume {}{data_dir}", program(), shell_word(dir));
                field("resume", &style.accent(&command));
            }
        }
        for (head, record) in [("best", &self.best), ("last", &self.last)] {
            if let Some(record) = record {
                field(head, &style.text(&figures(record, self.recipe.partition().eval_split())));
            }
        }
        if !self.learned_dropout.is_empty() {
            let one = |LearnedDropout { layer, p }: &LearnedDropout| format!("{p:.4} after hidden layer {layer}");
            let all: Vec<_> = self.learned_dropout.iter().map(one).collect();
            field("learned", &style.text(&format!("dropout {}", all.join(", "))));
        }
        lines.push(String::new());
        for (index, line) in self.recipe.to_toml().lines().enumerate() {
            let head = if index == 0 { "recipe" } else { "" };
            lines.push(format!("  {} {}", style.dim(&format!("{head:<9}")), name(line)));
        }
        lines.push(String::new());
        for (index, file) in self.files.iter().enumerate() {
            let head = if index == 0 { "files" } else { "" };
            let size = style.dim(&format!("{:>9}", bytes(file.bytes)));
            lines.push(format!("  {} {:<24} {size}", style.dim(&format!("{head:<9}")), file.name));
        }
        style.text(&lines.join("\n")) + "\n"
    }
}

/// `epoch 27 · test accuracy 97.50 %, loss 0.0923 · train loss 0.0412`.
fn figures(record: &EpochRecord, judge: &str) -> String {
    let summary = &record.summary;
    let mut text = format!("epoch {}", summary.epoch);
    if let Some(loss) = summary.test_loss {
        text.push_str(&format!(" · {judge} loss {loss:.4}"));
    }
    if let Some(accuracy) = summary.test_accuracy {
        text.push_str(&format!(", accuracy {:.2} %", 100.0 * accuracy));
    }
    text.push_str(&format!(" · train loss {:.4}", summary.train_loss));
    if let Some(accuracy) = summary.train_accuracy {
        text.push_str(&format!(", accuracy {:.2} %", 100.0 * accuracy));
    }
    text
}
