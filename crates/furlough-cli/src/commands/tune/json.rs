use super::{Tune, TuneSummary};
use crate::progress::{Output, Renderer};
use furlough_lab::recipe::Recipe;
use furlough_lab::tune::{Candidate, DropoutArm, Metric, Phase, Space, TuneEvent, TuneReport, Verdict};
use serde::Serialize;

/// One JSON object a line, one line an event, on standard output.
pub struct TuneJson;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Start {
        version: &'static str,
        data: &'a str,
        origin: &'a str,
        metric: Metric,
        recipe: &'a Recipe,
        space: &'a Space,
        trials: Option<usize>,
        budget: Option<f64>,
        seeds: u32,
        folds: Vec<u32>,
        jobs: usize,
        threads: usize,
        tune: String,
        resumed: bool,
    },
    Phase {
        phase: &'static str,
        epochs: Option<u64>,
    },
    Trial {
        trial: usize,
        generation: usize,
        arm: DropoutArm,
        changes: &'a Candidate,
        epoch: u32,
        epochs: u32,
        value: Option<f64>,
        best: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
    Searched {
        trials: usize,
        out_of_time: bool,
    },
    Replicate {
        arm: DropoutArm,
        seed: u64,
        value: Option<f64>,
    },
    Verdict(&'a Verdict),
    #[serde(rename = "passed_over")]
    PassedOver {
        arm: DropoutArm,
        reason: String,
    },
    Stop {
        reason: &'static str,
        tune: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        recommended: Option<&'a Recipe>,
        #[serde(skip_serializing_if = "Option::is_none")]
        test: Option<furlough_lab::tune::TestScores>,
    },
}

fn line(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("plain data with text keys is always JSON")
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Search => "search",
        Phase::Replication => "replication",
        Phase::Refit => "refit",
    }
}

impl Renderer<Tune> for TuneJson {
    fn begin(&mut self, summary: &TuneSummary<'_>, out: &mut Output) {
        let options = &summary.options;
        out.print(&line(&Line::Start {
            version: env!("CARGO_PKG_VERSION"),
            data: options.recipe.data(),
            origin: &summary.origin,
            metric: summary.metric,
            recipe: &options.recipe,
            space: &options.space,
            trials: options.trials,
            budget: options.budget,
            seeds: options.seeds,
            folds: options.folds(),
            jobs: summary.jobs,
            threads: summary.threads,
            tune: summary.out.display().to_string(),
            resumed: summary.resuming,
        }));
    }

    fn event(&mut self, event: &TuneEvent<'_>, out: &mut Output) {
        let told = match *event {
            TuneEvent::Phase { phase, epochs, .. } => Line::Phase { phase: name(phase), epochs },
            TuneEvent::Compared { trial, entry, epoch, epochs, score, metric, best } => Line::Trial {
                trial,
                generation: entry.generation,
                arm: DropoutArm::of(&entry.recipe),
                changes: &entry.candidate,
                epoch,
                epochs,
                value: metric.value(score),
                best,
                failed: entry.failure.as_ref().map(ToString::to_string),
            },
            TuneEvent::Searched { trials, out_of_time } => Line::Searched { trials, out_of_time },
            TuneEvent::Replicated { arm, seed, score, metric } => {
                Line::Replicate { arm, seed, value: metric.value(score) }
            }
            TuneEvent::Judged(verdict) => Line::Verdict(verdict),
            TuneEvent::PassedOver { arm, failure } => Line::PassedOver { arm, reason: failure.to_string() },
            _ => return,
        };
        out.print(&line(&told));
    }

    fn end(&mut self, (summary, report): &(&TuneSummary<'_>, Option<&TuneReport>), out: &mut Output) {
        out.print(&line(&Line::Stop {
            reason: if report.is_some() { "finished" } else { "asked" },
            tune: summary.out.display().to_string(),
            recommended: report.map(|report| &report.recommended),
            test: report.map(|report| report.test),
        }));
    }
}
