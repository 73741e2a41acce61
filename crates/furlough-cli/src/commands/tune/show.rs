use super::{json, lines};
use crate::args::TuneArgs;
use crate::failure;
use crate::terminal::Style;
use furlough::data::Split;
use furlough_lab::tune::{Metric, TuneEvent, TuneOptions, TuneReport};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What will happen.
pub struct TuneSummary<'a> {
    pub options: TuneOptions,
    pub metric: Metric,
    /// Where the data came from.
    pub origin: String,
    pub split: &'a Split,
    /// Trials at a time.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
    pub out: PathBuf,
    pub resuming: bool,
    pub data_dir: Option<PathBuf>,
}

/// One way to show a tune.
pub trait Renderer {
    /// Before anything is computed.
    fn begin(&mut self, summary: &TuneSummary<'_>) -> io::Result<()>;
    /// When something has happened.
    fn event(&mut self, event: &TuneEvent<'_>) -> io::Result<()>;
    /// When all is saved: the report, or none when it was stopped.
    fn end(&mut self, summary: &TuneSummary<'_>, report: Option<&TuneReport>) -> io::Result<()>;
    /// When it failed and the screen must be left in order for the error message.
    fn abandon(&mut self) {}
}

/// Whether nobody reads the output any more, which is a wish to stop.
#[derive(Clone, Default)]
pub struct Closed(Arc<AtomicBool>);

impl Closed {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Shows a tune to whoever started it.
pub struct Display<'a> {
    show: Box<dyn Renderer>,
    summary: TuneSummary<'a>,
    closed: Closed,
    /// An error of writing, kept until the tune has stopped.
    failed: Option<io::Error>,
}

impl<'a> Display<'a> {
    /// The way to show it that the flags ask for. `summary` is shown at once.
    pub fn new(args: &TuneArgs, summary: TuneSummary<'a>) -> furlough::Result<Self> {
        let mut show: Box<dyn Renderer> = match args {
            TuneArgs { quiet: true, .. } => Box::new(Quiet),
            TuneArgs { json: true, .. } => Box::new(json::Json),
            _ => Box::new(lines::Lines::new(Style::of(&io::stdout()), io::stderr().is_terminal())),
        };
        let begun = show.begin(&summary);
        let mut shown = Display { show, summary, closed: Closed::default(), failed: None };
        shown.settle(begun);
        shown.failed.take().map_or(Ok(shown), |error| Err(failure::output(error)))
    }

    /// For others to ask whether anybody reads.
    pub fn closed(&self) -> Closed {
        self.closed.clone()
    }

    /// When something has happened.
    pub fn event(&mut self, event: &TuneEvent<'_>) {
        if !self.closed.is_set() {
            let shown = self.show.event(event);
            self.settle(shown);
        }
    }

    /// Says how it ended, when all is saved.
    pub fn end(&mut self, report: Option<&TuneReport>) -> furlough::Result<()> {
        if !self.closed.is_set() {
            let shown = self.show.end(&self.summary, report);
            self.settle(shown);
        }
        self.failed.take().map_or(Ok(()), |error| Err(failure::output(error)))
    }

    /// Clears away what is on the screen only for a while.
    pub fn abandon(&mut self) {
        self.show.abandon();
    }

    /// A reader that has gone away, as `head` does, is a wish to stop and no error. Neither can be written after.
    fn settle(&mut self, shown: io::Result<()>) {
        let Err(error) = shown else { return };
        self.closed.0.store(true, Ordering::Relaxed);
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.failed = Some(error);
        }
    }
}

/// Shows nothing.
struct Quiet;

impl Renderer for Quiet {
    fn begin(&mut self, _: &TuneSummary<'_>) -> io::Result<()> {
        Ok(())
    }
    fn event(&mut self, _: &TuneEvent<'_>) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self, _: &TuneSummary<'_>, _: Option<&TuneReport>) -> io::Result<()> {
        Ok(())
    }
}
