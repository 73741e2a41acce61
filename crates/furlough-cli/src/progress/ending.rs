use super::training::TrainingProgress;
use crate::figures;
use crate::terminal::{Style, duration, program, shell_word, wrap};
use furlough::train::StopReason;
use furlough_tables::figures::{TableFigures, in_digits};
use std::path::PathBuf;

/// How a run ended.
pub struct Ending {
    /// Why it is over.
    pub reason: StopReason,
    /// Its folder.
    pub out: PathBuf,
    /// What is in it, by name.
    pub files: Vec<String>,
    /// How good the network is on the test rows of a table; none where they judge each epoch.
    pub scores: Option<TableFigures>,
    /// What to type next, but for where the data is.
    pub next: String,
    /// Where the user said that the data is: the next command needs to be told so, too.
    pub data_dir: Option<PathBuf>,
}

/// What is said at the end: how it went, what was saved where, and what to type next.
pub fn text(progress: &TrainingProgress, ending: &Ending, style: Style) -> String {
    let run = shell_word(&ending.out);
    let program = program();
    let data_dir = ending.data_dir.as_ref();
    let data_dir = data_dir.map_or(String::new(), |dir| format!(" --data-dir {}", shell_word(dir)));
    let mut lines = vec![String::new()];
    let mut field = |name: &str, text: &str| lines.push(format!("  {} {text}", style.dim(&format!("{name:<9}"))));
    match ending.reason {
        StopReason::Finished | StopReason::EarlyStopped => {
            field("finished", &style.text(&finished(progress)));
            if let Some(best) = progress.best_epoch() {
                let (done, of) = (progress.epochs.len(), progress.of);
                let early = ending.reason == StopReason::EarlyStopped;
                let after = if early { format!("stopped early after epoch {done} of {of}; ") } else { String::new() };
                field("", &style.text(&format!("{after}the network is that of the best epoch, {best}")));
            }
            for (place, line) in ending.scores.iter().flat_map(figures::lines).enumerate() {
                field(if place == 0 { "test" } else { "" }, &style.text(&format!("{line} that it never saw")));
            }
            field("saved", &style.text(&run));
            for line in wrap(&ending.files.join(" · "), style.width.saturating_sub(12)) {
                field("", &style.dim(&line));
            }
            field("next", &style.accent(&format!("{}{data_dir}", ending.next)));
        }
        StopReason::Asked => {
            field(
                "stopped",
                &style.text(&format!(
                    "in epoch {} of {}; everything up to here is saved",
                    progress.now.epoch.min(progress.of),
                    progress.of
                )),
            );
            field("saved", &style.text(&run));
            field("resume", &style.accent(&format!("{program} train --resume {run}{data_dir}")));
        }
    }
    lines.join("\n")
}

/// `in 4.31 s, 0.43 s an epoch · test accuracy 86.52 %`.
fn finished(progress: &TrainingProgress) -> String {
    let seconds: Vec<f64> = progress.epochs.iter().filter_map(|row| row.seconds).collect();
    let mut text = format!("in {}", duration(progress.seconds()));
    if seconds.len() > 1 {
        text.push_str(&format!(", {} an epoch", duration(seconds.iter().sum::<f64>() / seconds.len() as f64)));
    }
    let last = progress.final_epoch();
    if let Some(accuracy) = last.and_then(|summary| summary.eval_accuracy()) {
        text.push_str(&format!(" · {} accuracy {:.2} %", progress.split, 100.0 * accuracy));
    } else if let Some(loss) = last.and_then(|summary| summary.eval_loss()) {
        match progress.deviation {
            Some(deviation) => {
                text.push_str(&format!(" · {} RMSE {}", progress.split, in_digits(deviation * loss.sqrt())));
            }
            None => text.push_str(&format!(" · {} loss {loss:.4}", progress.split)),
        }
    }
    text
}
