//! How well a model's doubts tell rows of another kind from those that it is judged by.

use crate::args::EvaluateArgs;
use crate::commands::model;
use crate::terminal::{Style, note, path as shown};
use anyhow::bail;
use furlough::predict::Detection;
use furlough_tables::model::{DoubtKind, Doubts, MaskedPasses};
use serde::Serialize;
use std::path::Path;

/// What the doubts are worth.
#[derive(Serialize)]
pub struct Unlike {
    table: String,
    rows: usize,
    doubts: Vec<Doubt>,
}

#[derive(Serialize)]
struct Doubt {
    doubt: String,
    #[serde(flatten)]
    detection: Detection,
}

impl Unlike {
    /// Compares the rows of the table that networks are judged by with those of `--unlike`; none
    /// where that was not asked for.
    ///
    /// # Errors
    /// When there is no such table, it cannot be read, or the model has no doubts.
    pub fn of(args: &EvaluateArgs, file: Option<&Path>, threads: usize) -> anyhow::Result<Option<Self>> {
        let Some(other) = &args.unlike else { return Ok(None) };
        let Some(file) = file else {
            bail!("--unlike {}: name the table to compare its rows with, too", other.display())
        };
        let mut model = model::open(&args.run, threads)?;
        let (known, unlike) = (model.read(file, threads)?, model.read(other, threads)?);
        if unlike.rows() == 0 {
            bail!("--unlike {}: it has no rows", other.display());
        }
        let mut all = vec![(MaskedPasses::Full, "")];
        if let Some(samples) = args.samples {
            let seed = args.seed.unwrap_or_default();
            all.push((MaskedPasses::Drawn { samples: samples.get(), seed }, " of the passes"));
        }
        let mut doubts = Vec::new();
        for (passes, whose) in all {
            let Doubts { kinds, .. } = model.doubts(&known, passes)?;
            let Doubts { kinds: others, told } = model.doubts(&unlike, passes)?;
            if passes == MaskedPasses::Full {
                let sentences = told.sentences();
                sentences.iter().for_each(|sentence| note(&format!("warning: {}: {sentence}", shown(other))));
            }
            for ((kind, known), (_, unlike)) in kinds.iter().zip(&others) {
                let name = match kind {
                    DoubtKind::LeastConfidence => "1 - confidence".to_string(),
                    DoubtKind::PredictiveEntropy => format!("predictive entropy{whose}"),
                    DoubtKind::MutualInformation => format!("mutual information{whose}"),
                    DoubtKind::Deviation { target } => format!("deviation of {target}{whose}"),
                };
                doubts.extend(Detection::of(known, unlike).map(|detection| Doubt { doubt: name, detection }));
            }
        }
        if doubts.is_empty() {
            bail!(
                "--unlike {}: a single network that predicts numbers has no doubts of its own; add --samples 100, or \
                 train with --members",
                other.display()
            );
        }
        Ok(Some(Unlike { table: other.display().to_string(), rows: unlike.rows(), doubts }))
    }

    /// Returns the lines of a table.
    pub fn lines(&self, style: Style) -> Vec<String> {
        let longest = self.doubts.iter().map(|doubt| doubt.doubt.chars().count()).max().unwrap_or(0);
        let title = format!("rows of {} told from these by doubt", self.table);
        let mut lines = vec![format!("  {}", style.bold(&title))];
        let head = format!("  {:longest$}   AUROC   AUPRC   FPR95", "");
        lines.push(style.dim(&head));
        for Doubt { doubt, detection: Detection { auroc, auprc, fpr95 } } in &self.doubts {
            lines.push(format!("  {doubt:longest$}   {auroc:5.3}   {auprc:5.3}   {fpr95:5.3}"));
        }
        lines.push(String::new());
        lines
    }
}
