//! How many rows are done, on a terminal.

use crate::terminal::{Style, thousands};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line is written again.
const EVERY: Duration = Duration::from_millis(250);

/// A line on standard error that is written again and again, where that is a terminal.
pub struct Meter {
    shown: Option<Instant>,
    start: Instant,
    rows: u64,
    drawn: bool,
}

impl Meter {
    /// Begins to count; nothing is shown when that is not wanted.
    pub fn new(quiet: bool) -> Self {
        let start = Instant::now();
        let shown = (!quiet && io::stderr().is_terminal()).then_some(start);
        Meter { shown, start, rows: 0, drawn: false }
    }

    /// Counts rows.
    pub fn add(&mut self, rows: usize) {
        self.rows += rows as u64;
        let Some(last) = self.shown.filter(|last| last.elapsed() >= EVERY) else { return };
        self.shown = Some(last + last.elapsed());
        self.drawn = true;
        let rate = self.rows as f64 / self.start.elapsed().as_secs_f64();
        let text = format!("{} rows · {} rows/s", thousands(self.rows), thousands(rate as u64));
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
