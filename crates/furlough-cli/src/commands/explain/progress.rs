//! How much is done, on a terminal.

use crate::terminal::{Style, thousands};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line is written again.
const EVERY: Duration = Duration::from_millis(250);

/// A line on standard error that is written again and again, where that is a terminal.
pub struct Passes {
    noun: &'static str,
    shown: Option<Instant>,
    drawn: bool,
}

impl Passes {
    /// Begins to count; nothing is shown when that is not wanted.
    pub fn new(noun: &'static str, quiet: bool) -> Self {
        let shown = (!quiet && io::stderr().is_terminal()).then(Instant::now);
        Passes { noun, shown, drawn: false }
    }

    /// Shows how many are done.
    pub fn show(&mut self, done: u64, of: u64) {
        if self.shown.is_none_or(|last| last.elapsed() < EVERY) {
            return;
        }
        (self.shown, self.drawn) = (Some(Instant::now()), true);
        let text = format!("{} of {} {}", thousands(done), thousands(of), self.noun);
        let text = Style::of(&io::stderr()).text(&text);
        // Where nobody can read it, it is dropped.
        let _ = write!(io::stderr(), "\r{text}\x1b[K");
    }

    /// Takes the line away.
    pub fn end(&self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
