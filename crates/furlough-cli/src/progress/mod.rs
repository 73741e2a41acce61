//! How a run is shown: as lines with a progress bar, as live curves, as JSON, or not at all.

mod curves;
mod ending;
mod header;
mod json;
mod lines;
mod live;
mod plan;
mod story;
mod table;
mod target;
#[cfg(test)]
mod tests;

pub use ending::Ending;
pub use plan::Plan;
pub use story::{EpochClock, Told};
pub use target::Target;

use story::Story;

use crate::args::TrainArgs;
use crate::terminal::Look;
use crate::{failure, interrupt};
use furlough::train::{Control, Event, Observer};
use std::io::{self, IsTerminal};

/// One way to show a run. The story already contains what the event says.
trait Show {
    /// Before anything is computed.
    fn begin(&mut self, plan: &Plan) -> io::Result<()>;
    /// When something has happened.
    fn event(&mut self, event: &Event<'_>, story: &Story<'_>) -> io::Result<()>;
    /// When all is saved.
    fn end(&mut self, story: &Story<'_>, ending: &Ending) -> io::Result<()>;
    /// When training failed and the screen must be left in order for the error message.
    fn abandon(&mut self) {}
}

/// Shows a run to whoever started it, and passes on their wish to stop it.
pub struct Progress<'a> {
    show: Box<dyn Show>,
    story: Story<'a>,
    closed: bool,
}

impl<'a> Progress<'a> {
    /// The way to show a run that the flags ask for. `plan` is shown at once.
    pub fn new(args: &TrainArgs, plan: &Plan, clock: &'a EpochClock) -> furlough::Result<Self> {
        let look = Look::of(&io::stdout());
        let mut show: Box<dyn Show> = match args {
            TrainArgs { quiet: true, .. } => Box::new(Quiet),
            TrainArgs { json: true, .. } => Box::new(json::Json::new(io::stdout())),
            TrainArgs { live: true, .. } => match live::Live::new(look, plan) {
                Ok(live) => Box::new(live),
                Err(why) => {
                    eprintln!("note: no live curves, {why}; plain lines instead");
                    Box::new(lines::Lines::new(io::stdout(), look, io::stderr().is_terminal()))
                }
            },
            _ => Box::new(lines::Lines::new(io::stdout(), look, io::stderr().is_terminal())),
        };
        let shown = show.begin(plan);
        let mut progress = Progress { show, story: Story::new(plan, clock), closed: false };
        progress.settle(shown)?;
        Ok(progress)
    }

    /// Says how it ended, when all is saved. False when nobody listens any more.
    pub fn end(&mut self, ending: &Ending) -> furlough::Result<bool> {
        if !self.closed {
            let shown = self.show.end(&self.story, ending);
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
        self.story.take(event);
        if !self.closed {
            let shown = self.show.event(event, &self.story);
            self.settle(shown)?;
        }
        Ok(if self.closed || interrupt::asked() { Control::Stop } else { Control::Continue })
    }
}

/// Shows nothing.
struct Quiet;

impl Show for Quiet {
    fn begin(&mut self, _: &Plan) -> io::Result<()> {
        Ok(())
    }
    fn event(&mut self, _: &Event<'_>, _: &Story<'_>) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self, _: &Story<'_>, _: &Ending) -> io::Result<()> {
        Ok(())
    }
}
