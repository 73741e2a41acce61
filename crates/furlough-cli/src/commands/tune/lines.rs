use super::page;
use super::show::{Renderer, TuneSummary};
use crate::terminal::{Style, duration};
use furlough_lab::tune::{Phase, TuneEvent, TuneOptions, TuneReport};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::Instant;

/// A line for each comparison on standard output, and a progress bar on standard error while there is a terminal.
pub struct Lines {
    style: Style,
    bar: ProgressBar,
    with_bar: bool,
    options: Option<TuneOptions>,
    began: Instant,
    /// Seconds that earlier processes took.
    used: f64,
    best: String,
}

impl Lines {
    pub fn new(style: Style, with_bar: bool) -> Self {
        Lines {
            style,
            bar: ProgressBar::hidden(),
            with_bar,
            options: None,
            began: Instant::now(),
            used: 0.0,
            best: String::new(),
        }
    }

    fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        self.bar.suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    /// The bar is as long as the time there is, or else the epochs that are left, from here to the end, if nothing diverges.
    fn begin_phase(&mut self, phase: Phase, epochs: Option<u64>, used: f64) {
        let Some(options) = &self.options else { return };
        self.used = used - self.began.elapsed().as_secs_f64();
        let planned = |phase| options.planned_epochs(phase).unwrap_or(0);
        let later = match phase {
            Phase::Search => planned(Phase::Replication) + planned(Phase::Refit),
            Phase::Replication => planned(Phase::Refit),
            Phase::Refit => 0,
        };
        self.bar.set_length(match options.budget {
            Some(budget) => (1e3 * budget) as u64,
            None => self.bar.position() + epochs.unwrap_or(0) + later,
        });
        let name = match phase {
            Phase::Search => "search",
            Phase::Replication => "seeds",
            Phase::Refit => "refit",
        };
        self.bar.set_prefix(name);
        self.tell_best();
    }

    fn tell_best(&self) {
        let time = match self.options.as_ref().and_then(|options| options.budget) {
            Some(budget) => {
                let used = self.used + self.began.elapsed().as_secs_f64();
                self.bar.set_position((1e3 * used.clamp(0.0, budget)) as u64);
                format!("{} of {}", duration(used), duration(budget))
            }
            None => format!("{} left", duration(self.bar.eta().as_secs_f64())),
        };
        self.bar.set_message(self.style.text(&format!("{}{time}", self.best)));
    }
}

impl Renderer for Lines {
    fn begin(&mut self, summary: &TuneSummary<'_>) -> io::Result<()> {
        self.options = Some(summary.options.clone());
        self.print(&page::header(summary, self.style))?;
        if self.with_bar {
            self.bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let (template, chars) = if self.style.unicode {
                ("  {prefix:>8}   {bar:28.cyan/238} {percent:>3} %   {msg:.dim}", "━╸━")
            } else {
                ("  {prefix:>8}   {bar:28} {percent:>3} %   {msg}", "=>-")
            };
            let style = ProgressStyle::with_template(template).expect("a fixed template");
            self.bar.set_style(style.progress_chars(chars));
        }
        self.print(&page::heading(summary, self.style))
    }

    fn event(&mut self, event: &TuneEvent<'_>) -> io::Result<()> {
        match *event {
            TuneEvent::Phase { phase, epochs, used } => self.begin_phase(phase, epochs, used),
            TuneEvent::Epochs { more } => {
                if self.options.as_ref().is_some_and(|options| options.budget.is_none()) {
                    self.bar.inc(more);
                }
                self.tell_best();
            }
            TuneEvent::Compared { trial, entry, epoch, epochs, score, metric, best } => {
                if best {
                    let rates = page::rates(&entry.recipe);
                    self.best = format!("best {} with {rates} · ", metric.show(score));
                }
                self.print(&page::row(trial, entry, (epoch, epochs), &metric.show(score), best, self.style))?;
            }
            TuneEvent::Searched { trials, out_of_time } if out_of_time => {
                self.print(&self.style.dim(&format!("  time for more than these {trials} trials is not left")))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, summary: &TuneSummary<'_>, report: Option<&TuneReport>) -> io::Result<()> {
        self.bar.finish_and_clear();
        let seconds = self.began.elapsed().as_secs_f64();
        self.print(&match report {
            Some(report) => page::ending(summary, report, seconds, self.style),
            None => page::stopped(summary, self.style),
        })
    }

    fn abandon(&mut self) {
        self.bar.finish_and_clear();
    }
}
