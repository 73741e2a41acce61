//! What is seen of a study while it runs: a line for each trial, a bar while there is a terminal, or JSON.

use crate::failure;
use crate::progress::Target;
use crate::terminal::{Style, duration};
use furlough::train::EpochSummary;
use furlough_lab::study::Measure;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// What whoever started a study sees of it.
pub(super) struct Show {
    json: bool,
    style: Style,
    bar: ProgressBar,
    begun: Instant,
    /// The work of all trials that are to be run, what was done of it before, and now.
    work: [f64; 3],
    trials: [usize; 2],
}

impl Show {
    /// `trials` are to be run, so much work in all, of which some was done before.
    pub(super) fn new(json: bool, trials: usize, work: f64, before: f64) -> Self {
        let style = Style::of(&io::stdout());
        let mut bar = ProgressBar::hidden();
        if !json && trials > 0 && io::stderr().is_terminal() {
            bar = ProgressBar::with_draw_target(
                Some(1000),
                ProgressDrawTarget::term_like_with_hz(Box::new(Target(io::stderr())), 10),
            );
            let (template, chars) = if style.unicode {
                ("  {prefix:>8}   {bar:28.cyan/238} {percent:>3} %   {msg:.dim}", "━╸━")
            } else {
                ("  {prefix:>8}   {bar:28} {percent:>3} %   {msg}", "=>-")
            };
            let style = ProgressStyle::with_template(template).expect("a fixed template");
            bar.set_style(style.progress_chars(chars));
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        let show = Show { json, style, bar, begun: Instant::now(), work: [work, before, before], trials: [0, trials] };
        show.draw();
        show
    }

    /// What is said once at the start.
    pub(super) fn start(&self, text: &str, event: Value) -> io::Result<()> {
        self.print(text, event)
    }

    /// An epoch, so much of all work, is done.
    pub(super) fn epoch(&mut self, title: &str, id: &str, summary: &EpochSummary, work: f64) -> io::Result<()> {
        self.work[2] += work;
        self.draw();
        if self.json {
            self.print("", json!({ "event": "epoch", "trial": id, "title": title, "figures": summary }))?;
        }
        Ok(())
    }

    /// A trial has ended.
    pub(super) fn trial(&mut self, title: &str, id: &str, end: &End<'_>) -> io::Result<()> {
        self.trials[0] += 1;
        let [done, of] = self.trials;
        let width = of.to_string().len();
        let (what, event) = match end {
            End::Finished { values, seconds } => {
                let said: Vec<String> = values
                    .iter()
                    .filter(|(measure, _)| **measure != Measure::Seconds && **measure != Measure::Parameters)
                    .map(|(measure, value)| {
                        let unit = if measure.unit().is_empty() { "" } else { " " };
                        format!("{} {}{unit}{}", measure.title(), measure.format(*value), measure.unit())
                    })
                    .collect();
                let text = format!("{}   {}", said.join(" · "), self.style.dim(&duration(*seconds)));
                (text, json!({ "state": "finished", "values": values, "seconds": seconds }))
            }
            End::Elsewhere => ("is being run by another process".to_string(), json!({ "state": "elsewhere" })),
            End::Failed { why } => (why.to_string(), json!({ "state": "failed", "reason": why })),
        };
        let mut object = json!({ "event": "trial", "trial": id, "title": title, "done": done, "of": of });
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), event) {
            object.extend(more);
        }
        let failed = matches!(end, End::Failed { .. });
        if failed && !self.json {
            self.bar.suspend(|| eprintln!("  {done:>width$}/{of}  {title}: {what}"));
        } else {
            self.print(&self.style.text(&format!("  {done:>width$}/{of}  {title}   {what}")), object)?;
        }
        self.draw();
        Ok(())
    }

    /// A trial that was not to be run turns out to be damaged.
    pub(super) fn late(&mut self, title: &str, id: &str, why: &str) -> io::Result<()> {
        self.trials[1] += 1;
        self.trial(title, id, &End::Failed { why })
    }

    /// The end of it all.
    pub(super) fn stop(&self, text: &str, event: Value) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.print(text, event)
    }

    /// Clears away what is on the screen only for a while, before an error is told.
    pub(super) fn abandon(&self) {
        self.bar.finish_and_clear();
    }

    fn print(&self, text: &str, event: Value) -> io::Result<()> {
        if !self.json && text.is_empty() {
            return Ok(());
        }
        let line = if self.json { event.to_string() } else { text.to_string() };
        self.bar.suspend(|| {
            let mut out = io::stdout().lock();
            writeln!(out, "{line}").and_then(|()| out.flush())
        })
    }

    fn draw(&self) {
        let [all, before, now] = self.work;
        let share = if all > 0.0 { now / all } else { 1.0 };
        self.bar.set_position((1000.0 * share) as u64);
        self.bar.set_prefix(format!("{}/{}", self.trials[0], self.trials[1]));
        let done = now - before;
        if done > 0.0 {
            let left = self.begun.elapsed().as_secs_f64() * (all - now).max(0.0) / done;
            self.bar.set_message(self.style.text(&format!("about {} left", duration(left.round()))));
        }
    }
}

/// How a trial ended, as it is shown.
pub(super) enum End<'a> {
    Finished { values: &'a BTreeMap<Measure, f64>, seconds: f64 },
    Elsewhere,
    Failed { why: &'a str },
}

/// An error of showing, told as one of standard output.
pub(super) fn shown(done: io::Result<()>) -> furlough_lab::Result<()> {
    Ok(done.map_err(failure::output)?)
}
