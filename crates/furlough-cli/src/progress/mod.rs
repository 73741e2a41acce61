//! How a run is shown: as lines with a progress bar, as live curves, as JSON, or not at all.

mod curves;
mod ending;
mod header;
mod json;
mod lines;
mod live;
mod plan;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod training;

pub use ending::Ending;
pub use plan::Plan;
pub use target::Target;
pub use training::{EpochClock, EpochRow};

use training::TrainingProgress;

use crate::args::TrainArgs;
use crate::terminal::Style;
use crate::{failure, interrupt};
use furlough::train::{Control, Event, Observer};
use std::io::{self, IsTerminal};

/// One way to show a run. The training progress already contains what the event says.
trait Renderer {
    /// Before anything is computed.
    fn begin(&mut self, plan: &Plan) -> io::Result<()>;
    /// When something has happened.
    fn event(&mut self, event: &Event<'_>, progress: &TrainingProgress<'_>) -> io::Result<()>;
    /// When all is saved.
    fn end(&mut self, progress: &TrainingProgress<'_>, ending: &Ending) -> io::Result<()>;
    /// When training failed and the screen must be left in order for the error message.
    fn abandon(&mut self) {}
}

/// Shows a run to whoever started it, and passes on their wish to stop it.
pub struct Progress<'a> {
    show: Box<dyn Renderer>,
    progress: TrainingProgress<'a>,
    closed: bool,
}

impl<'a> Progress<'a> {
    /// The way to show a run that the flags ask for. `plan` is shown at once.
    pub fn new(args: &TrainArgs, plan: &Plan, clock: &'a EpochClock) -> furlough::Result<Self> {
        let style = Style::of(&io::stdout());
        let mut show: Box<dyn Renderer> = match args {
            TrainArgs { quiet: true, .. } => Box::new(Quiet),
            TrainArgs { json: true, .. } => Box::new(json::Json::new(io::stdout())),
            TrainArgs { live: true, .. } => match live::Live::new(style, plan) {
                Ok(live) => Box::new(live),
                Err(why) => {
                    eprintln!("note: no live curves, {why}; plain lines instead");
                    Box::new(lines::Lines::new(io::stdout(), style, io::stderr().is_terminal()))
                }
            },
            _ => Box::new(lines::Lines::new(io::stdout(), style, io::stderr().is_terminal())),
        };
        let shown = show.begin(plan);
        let mut progress = Progress { show, progress: TrainingProgress::new(plan, clock), closed: false };
        progress.settle(shown)?;
        Ok(progress)
    }

    /// Says how it ended, when all is saved. False when nobody listens any more.
    pub fn end(&mut self, ending: &Ending) -> furlough::Result<bool> {
        if !self.closed {
            let shown = self.show.end(&self.progress, ending);
            self.settle(shown)?;
        }
        Ok(!self.closed)
    }

    /// Clears away what is on the screen only while training runs.
    pub fn abandon(&mut self) {
        self.show.abandon();
    }

    /// A reader that has gone away, as `head` does, is a wish to stop and no error.
    fn settle(&mut self, shown: io::Result<()>) -> furlough::Result<()> {
        match shown {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            shown => shown.map_err(failure::output),
        }
    }
}

impl Observer for Progress<'_> {
    fn observe(&mut self, event: &Event<'_>) -> furlough::Result<Control> {
        self.progress.take(event);
        if !self.closed {
            let shown = self.show.event(event, &self.progress);
            self.settle(shown)?;
        }
        Ok(if self.closed || interrupt::asked() { Control::Stop } else { Control::Continue })
    }
}

/// Shows nothing.
struct Quiet;

impl Renderer for Quiet {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        Ok(())
    }
    fn event(&mut self, _: &Event<'_>, _: &TrainingProgress<'_>) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self, _: &TrainingProgress<'_>, _: &Ending) -> io::Result<()> {
        Ok(())
    }
}
