use super::{Tune, TuneSummary, page};
use crate::progress::{Drawing, Output, Renderer, bar};
use crate::terminal::{Style, duration};
use furlough_lab::run::Failure;
use furlough_lab::tune::{DropoutArm, Phase, TuneEvent, TuneOptions, TuneReport};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A line for each comparison, and how far the tune is for a bar.
pub struct TuneLines {
    style: Style,
    options: Option<TuneOptions>,
    began: Instant,
    /// Shared with the thread that draws.
    reached: Arc<Mutex<Reached>>,
}

/// How far a tune is.
#[derive(Default)]
struct Reached {
    phase: &'static str,
    /// Seconds there are, if that is what ends the search.
    budget: Option<f64>,
    /// When a process that had done everything would have begun.
    begun: Option<Instant>,
    /// Seconds that earlier processes took.
    used: f64,
    /// Epochs that this process has trained, and those it will have when it ends, if nothing
    /// diverges.
    epochs: [u64; 2],
    best: String,
}

impl Reached {
    /// The bar is as long as the time there is, or else the epochs.
    fn bar(&self, style: Style) -> Option<String> {
        let seconds = self.begun?.elapsed().as_secs_f64();
        let (share, time) = match self.budget {
            Some(budget) => {
                let used = self.used + seconds;
                (used / budget, format!("{} of {}", duration(used), duration(budget)))
            }
            None => {
                let [done, all] = self.epochs.map(|epochs| epochs as f64);
                let left = if done > 0.0 { seconds * (all - done).max(0.0) / done } else { 0.0 };
                (done / all.max(1.0), format!("{} left", duration(left)))
            }
        };
        Some(bar(self.phase, share, &format!("{}{time}", self.best), style))
    }
}

impl TuneLines {
    pub fn new(style: Style) -> Self {
        TuneLines { style, options: None, began: Instant::now(), reached: Arc::default() }
    }

    /// The bar.
    pub fn picture(&self) -> Drawing {
        let (reached, style) = (Arc::clone(&self.reached), self.style);
        Box::new(move |_| Some(reached.try_lock().ok()?.bar(style).into_iter().collect()))
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_phase(&self, phase: Phase, epochs: Option<u64>, used: f64) {
        let Some(options) = &self.options else { return };
        let planned = |phase| options.planned_epochs(phase).unwrap_or(0);
        let (name, later) = match phase {
            Phase::Search => ("search", planned(Phase::Replication) + planned(Phase::Refit)),
            Phase::Replication => ("seeds", planned(Phase::Refit)),
            Phase::Refit => ("refit", 0),
        };
        let mut reached = self.reached();
        reached.phase = name;
        reached.budget = options.budget;
        reached.begun = Some(self.began);
        reached.used = used - self.began.elapsed().as_secs_f64();
        reached.epochs[1] = reached.epochs[0] + epochs.unwrap_or(0) + later;
    }
}

impl Renderer<Tune> for TuneLines {
    fn begin(&mut self, summary: &TuneSummary<'_>, out: &mut Output) {
        self.options = Some(summary.options.clone());
        out.print(&page::header(summary, self.style));
        out.print(&page::heading(summary, self.style));
    }

    fn event(&mut self, event: &TuneEvent<'_>, out: &mut Output) {
        match *event {
            TuneEvent::Phase { phase, epochs, used } => self.begin_phase(phase, epochs, used),
            TuneEvent::Epochs { more } => self.reached().epochs[0] += more,
            TuneEvent::Compared { trial, entry, epoch, epochs, score, metric, best } => {
                let value = metric.show(score);
                if best {
                    self.reached().best = format!("best {value} with {} · ", page::rates(&entry.recipe));
                }
                let value = page::score(entry, metric, score);
                out.print(&page::row(trial, entry, (epoch, epochs), &value, best, self.style));
                if let Some(Failure::Error { reason }) = &entry.failure {
                    out.print(&self.style.dim(&format!("           {reason}")));
                }
            }
            TuneEvent::PassedOver { arm, failure } => {
                let which = if arm == DropoutArm::With { "with dropout" } else { "without dropout" };
                let text =
                    format!("  the best {which} failed on all training examples ({failure}); the other one is taken");
                out.print(&self.style.text(&text));
            }
            TuneEvent::Searched { trials, out_of_time } if out_of_time => {
                out.print(&self.style.dim(&format!("  time for more than these {trials} trials is not left")));
            }
            _ => {}
        }
    }

    fn end(&mut self, (summary, report): &(&TuneSummary<'_>, Option<&TuneReport>), out: &mut Output) {
        let seconds = self.began.elapsed().as_secs_f64();
        out.print(&match report {
            Some(report) => page::ending(summary, report, seconds, self.style),
            None => page::stopped(summary, self.style),
        });
    }
}
