//! What is seen of a study while it runs: a line for each trial, a bar while there is a terminal,
//! or JSON.

use crate::progress::{Display, Drawing, Output, Renderer, StandardStream, Subject, bar};
use crate::terminal::{Style, duration, name};
use furlough::train::EpochSummary;
use furlough_lab::study::Measure;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A study that runs is what is shown.
pub(super) enum Running {}

impl Subject for Running {
    type Summary<'a> = Told<'a>;
    type Event<'a> = Event<'a>;
    type Ending<'a> = Told<'a>;
}

/// What is said as text or as JSON.
pub(super) struct Told<'a> {
    pub(super) text: &'a str,
    pub(super) event: Value,
}

/// What happens.
pub(super) enum Event<'a> {
    /// An epoch, so much of all work, is done.
    Epoch { title: &'a str, id: &'a str, summary: &'a EpochSummary, work: f64 },
    /// A trial has ended.
    Trial { title: &'a str, id: &'a str, end: End<'a> },
    /// A trial that was not to be run turns out to be damaged.
    Late { title: &'a str, id: &'a str, why: &'a str },
}

/// How a trial ended.
pub(super) enum End<'a> {
    Finished { values: &'a BTreeMap<Measure, f64>, seconds: f64 },
    Elsewhere,
    Failed { why: &'a str },
}

/// The way to show a study. `trials` are to be run, so much work in all, of which some was done
/// before.
pub(super) fn display(json: bool, trials: usize, work: f64, before: f64) -> Display<Running> {
    let style = Style::of(&io::stdout());
    if json {
        return Display::new(Box::new(StudyJson { trials: [0, trials] }), Output::new(None));
    }
    let reached = Reached { begun: Instant::now(), work: [work, before, before], trials: [0, trials] };
    let lines = StudyLines { style, reached: Arc::new(Mutex::new(reached)) };
    let picture = (trials > 0 && io::stderr().is_terminal()).then(|| (StandardStream::Stderr, lines.picture()));
    Display::new(Box::new(lines), Output::new(picture))
}

/// A line for each trial.
struct StudyLines {
    style: Style,
    /// Shared with the thread that draws.
    reached: Arc<Mutex<Reached>>,
}

/// How far a study is.
struct Reached {
    begun: Instant,
    /// The work of all trials that are to be run, what was done of it before, and now.
    work: [f64; 3],
    trials: [usize; 2],
}

impl Reached {
    fn bar(&self, style: Style) -> String {
        let [all, before, now] = self.work;
        let share = if all > 0.0 { now / all } else { 1.0 };
        let done = now - before;
        let left = self.begun.elapsed().as_secs_f64() * (all - now).max(0.0) / done;
        let note = if done > 0.0 { format!("about {} left", duration(left.round())) } else { String::new() };
        bar(&format!("{}/{}", self.trials[0], self.trials[1]), share, &note, style)
    }
}

impl StudyLines {
    fn picture(&self) -> Drawing {
        let (reached, style) = (Arc::clone(&self.reached), self.style);
        Box::new(move |_| Some(vec![reached.try_lock().ok()?.bar(style)]))
    }

    fn trial(&self, title: &str, end: &End<'_>, late: bool, out: &mut Output) {
        let [done, of] = {
            let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
            reached.trials[0] += 1;
            reached.trials[1] += usize::from(late);
            reached.trials
        };
        let (style, title) = (self.style, name(title));
        let width = of.to_string().len();
        let what = match end {
            End::Finished { values, seconds } => {
                format!("{}   {}", measured(values), style.dim(&duration(*seconds)))
            }
            End::Elsewhere => "is being run by another process".to_string(),
            End::Failed { why } => return out.note(&format!("  {done:>width$}/{of}  {title}: {}", name(why))),
        };
        out.print(&style.text(&format!("  {done:>width$}/{of}  {title}   {what}")));
    }
}

/// `test error 3.20 % · train loss 0.1234`.
fn measured(values: &BTreeMap<Measure, f64>) -> String {
    let shown = values.iter().filter(|(measure, _)| **measure != Measure::Seconds && **measure != Measure::Parameters);
    let said: Vec<String> = shown
        .map(|(measure, value)| {
            let unit = if measure.unit().is_empty() { "" } else { " " };
            format!("{} {}{unit}{}", measure.title(), measure.format(*value), measure.unit())
        })
        .collect();
    said.join(" · ")
}

impl Renderer<Running> for StudyLines {
    fn begin(&mut self, told: &Told<'_>, out: &mut Output) {
        out.print(&self.style.text(told.text));
    }

    fn event(&mut self, event: &Event<'_>, out: &mut Output) {
        match event {
            Event::Epoch { work, .. } => {
                self.reached.lock().unwrap_or_else(PoisonError::into_inner).work[2] += work;
            }
            Event::Trial { title, end, .. } => self.trial(title, end, false, out),
            Event::Late { title, why, .. } => self.trial(title, &End::Failed { why }, true, out),
        }
    }

    fn end(&mut self, told: &Told<'_>, out: &mut Output) {
        if !told.text.is_empty() {
            out.print(&self.style.text(told.text));
        }
    }
}

/// One JSON object a line, one line an event.
struct StudyJson {
    /// Ended, and to be run.
    trials: [usize; 2],
}

impl StudyJson {
    fn trial(&mut self, title: &str, id: &str, end: &End<'_>) -> Value {
        self.trials[0] += 1;
        let [done, of] = self.trials;
        let state = match end {
            End::Finished { values, seconds } => json!({ "state": "finished", "values": values, "seconds": seconds }),
            End::Elsewhere => json!({ "state": "elsewhere" }),
            End::Failed { why } => json!({ "state": "failed", "reason": why }),
        };
        let mut object = json!({ "event": "trial", "trial": id, "title": title, "done": done, "of": of });
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), state) {
            object.extend(more);
        }
        object
    }
}

impl Renderer<Running> for StudyJson {
    fn begin(&mut self, told: &Told<'_>, out: &mut Output) {
        out.print(&told.event.to_string());
    }

    fn event(&mut self, event: &Event<'_>, out: &mut Output) {
        let object = match event {
            Event::Epoch { title, id, summary, .. } => {
                json!({ "event": "epoch", "trial": id, "title": title, "figures": summary })
            }
            Event::Trial { title, id, end } => self.trial(title, id, end),
            Event::Late { title, id, why } => {
                self.trials[1] += 1;
                self.trial(title, id, &End::Failed { why })
            }
        };
        out.print(&object.to_string());
    }

    fn end(&mut self, told: &Told<'_>, out: &mut Output) {
        out.print(&told.event.to_string());
    }
}
