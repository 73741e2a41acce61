//! How a run is shown: as lines with a progress bar, as live curves, as JSON, or not at all.

mod bar;
mod curves;
mod display;
mod ending;
mod epoch;
mod header;
mod json;
mod lines;
mod live;
mod output;
mod plan;
mod screen;
mod table;

#[cfg(test)]
mod tests;
mod training;

pub use bar::bar;
pub use display::{Display, Quiet, Renderer, Subject};
pub use ending::Ending;
pub use epoch::{EpochClock, EpochRow};
pub use header::{header, network, training};
pub use output::Output;
pub use plan::TrainPlan;
pub use screen::{Drawing, Size, StandardStream};

use crate::args::TrainArgs;
use crate::interrupt;
use crate::terminal::{Style, note};
use furlough::train::{Control, Event, Observer};
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use training::TrainingProgress;

/// A run is what is shown. Its training progress already contains what the event says.
enum Run {}

impl Subject for Run {
    type Summary<'a> = TrainPlan;
    type Event<'a> = (&'a Event<'a>, &'a TrainingProgress);
    type Ending<'a> = (&'a TrainingProgress, &'a Ending);
}

/// Shows a run to whoever started it, and passes on their wish to stop it.
pub struct TrainingDisplay<'a> {
    display: Display<Run>,
    /// Shared with the thread that draws.
    progress: Arc<Mutex<TrainingProgress>>,
    clock: &'a EpochClock,
    /// Requests to save that were seen.
    saves: usize,
}

impl<'a> TrainingDisplay<'a> {
    /// The way to show a run that the flags ask for. `plan` is shown at once.
    pub fn new(args: &TrainArgs, plan: &TrainPlan, clock: &'a EpochClock) -> Self {
        let style = Style::of(&io::stdout());
        let progress = Arc::new(Mutex::new(TrainingProgress::new(plan)));
        let live = args.live.then(live::obstacle);
        if let Some(Some(why)) = live {
            note(&format!("note: no live curves, {why}; plain lines instead"));
        }
        let theirs = Arc::clone(&progress);
        let picture: Option<(StandardStream, Drawing)> = if args.quiet || args.json {
            None
        } else if live == Some(None) {
            Some((StandardStream::Stdout, drawing(theirs, move |progress, size| live::rows(progress, size, style))))
        } else {
            let bar = drawing(theirs, move |progress, _| vec![lines::bar(progress, style)]);
            io::stderr().is_terminal().then_some((StandardStream::Stderr, bar))
        };
        let renderer: Box<dyn Renderer<Run>> = match args {
            TrainArgs { quiet: true, .. } => Box::new(Quiet),
            TrainArgs { json: true, .. } => Box::new(json::JsonLines),
            _ => Box::new(lines::Lines::new(style)),
        };
        let mut display = Display::new(renderer, Output::new(picture));
        display.begin(plan);
        TrainingDisplay { display, progress, clock, saves: 0 }
    }

    /// Says how it ended, when all is saved.
    pub fn end(&mut self, ending: &Ending) -> furlough::Result<()> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        self.display.end(&(&progress, ending))
    }

    /// Clears away what is on the screen only while training runs.
    pub fn abandon(&mut self) {
        self.display.abandon();
    }
}

/// What `rows` makes of the progress, once training has begun. The drawing thread waits for nobody:
/// while the progress is being told, what was drawn before stays.
fn drawing(
    progress: Arc<Mutex<TrainingProgress>>,
    rows: impl Fn(&TrainingProgress, Size) -> Vec<String> + Send + 'static,
) -> Drawing {
    Box::new(move |size| {
        let progress = progress.try_lock().ok()?;
        progress.began().then(|| rows(&progress, size))
    })
}

impl Observer for TrainingDisplay<'_> {
    fn observe(&mut self, event: &Event<'_>) -> furlough::Result<Control> {
        if let Event::Start { .. } = event {
            self.clock.lap();
        }
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.take(event, self.clock.last());
        self.display.event(&(event, &progress));
        let save = matches!(event, Event::Step { .. }) && interrupt::save_asked(&mut self.saves);
        Ok(match self.display.closed().is_set() || interrupt::asked() {
            true => Control::Stop,
            false if save => Control::Save,
            false => Control::Continue,
        })
    }
}
