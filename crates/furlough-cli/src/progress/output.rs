//! Where everything goes that is shown: lines that stay, and below them a picture that is drawn
//! again and again.
//!
//! A thread of its own writes, so that work never waits for a terminal. It draws what there is when
//! it comes to it: a slow terminal sees fewer pictures. It asks the terminal nothing, and finds its
//! way by relative movements.

use super::screen::{Drawing, Screen, StandardStream};
use crate::failure::is_gone;
use crate::interrupt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often pictures are drawn, and how long lines wait that need not be seen at once.
const REDRAW: Duration = Duration::from_millis(100);
/// How often somebody who waits for a reader looks whether to wait any longer.
const LOOK: Duration = Duration::from_millis(20);
/// How long a reader who takes nothing is waited for after the wish to stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many bytes wait for the reader of a file or pipe at most.
const HELD: usize = 1 << 16;

/// Lines that stay, and a picture below them.
pub struct Output {
    shared: Arc<Shared>,
    /// Without a thread, everything is written at once here.
    direct: Option<Box<dyn Write + Send>>,
    /// Whether what is printed is waited for: all but a terminal has readers that want every line.
    waits: bool,
}

/// Whether anybody still reads the output.
#[derive(Clone)]
pub struct Closed(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Text that waits to be written.
    lines: Vec<(StandardStream, String)>,
    held: usize,
    /// Whether what waits is to be written without delay.
    urgent: bool,
    /// Whether the writer has something in hand.
    busy: bool,
    /// Whether there is a picture to draw.
    drawing: bool,
    /// Whether nothing more can be written.
    closed: bool,
    /// Whether nothing more can be written, and nobody minds.
    muted: bool,
    failed: Option<io::Error>,
}

impl Output {
    /// Standard output, with a picture on `stream` below the lines.
    pub fn new(picture: Option<(StandardStream, Drawing)>) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let terminal = io::stdout().is_terminal();
        shared.state().drawing = picture.is_some();
        let mut writer = Writer { shared: Arc::clone(&shared), screen: Screen::new(picture), terminal };
        let spawned = thread::Builder::new().name("furlough-output".into()).spawn(move || writer.work());
        // A system that has no room for a thread gets its lines all the same.
        let direct: Option<Box<dyn Write + Send>> = if spawned.is_ok() { None } else { Some(Box::new(io::stdout())) };
        Output { shared, direct, waits: !terminal }
    }

    /// Lines that go to `out` at once, and no picture.
    #[cfg(test)]
    pub fn to(out: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        Output { shared, direct: Some(Box::new(out)), waits: true }
    }

    /// Prints lines that are to be seen at once. Where nobody reads any more, nothing happens.
    pub fn print(&mut self, text: &str) {
        self.add(StandardStream::Stdout, text, true);
    }

    /// Prints lines that may wait a moment for others, as they are many.
    pub fn print_soon(&mut self, text: &str) {
        self.add(StandardStream::Stdout, text, false);
    }

    /// Prints lines on standard error.
    pub fn note(&mut self, text: &str) {
        self.add(StandardStream::Stderr, text, true);
    }

    fn add(&mut self, stream: StandardStream, text: &str, now: bool) {
        if let Some(out) = &mut self.direct {
            let done = match stream {
                StandardStream::Stdout => out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush()),
                StandardStream::Stderr => io::stderr().write_all(format!("{text}\n").as_bytes()).or(Ok(())),
            };
            return self.shared.settle(done, io::stdout().is_terminal());
        }
        let mut state = self.shared.state();
        if state.closed || state.muted {
            return;
        }
        let wake = state.lines.is_empty() && !state.drawing;
        state.held += text.len();
        state.lines.push((stream, format!("{text}\n")));
        let wait = self.waits && (now || state.held > HELD);
        state.urgent |= wait;
        if wait || wake {
            self.shared.changed.notify_all();
        }
        if wait {
            drop(self.shared.wait(state));
        }
    }

    /// Takes the picture away for good.
    pub fn end_picture(&mut self) {
        let mut state = self.shared.state();
        state.drawing = false;
        state.urgent = true;
        self.shared.changed.notify_all();
    }

    /// Waits until everything is written, and returns what went wrong. A reader that has gone away
    /// is no error, and one who takes nothing is not waited for when the user wants to stop.
    pub fn finish(&mut self) -> io::Result<()> {
        self.end_picture();
        let mut state = self.shared.state();
        if self.direct.is_none() {
            state = self.shared.wait(state);
        }
        state.failed.take().map_or(Ok(()), Err)
    }

    /// For others to ask whether anybody still reads.
    pub fn closed(&self) -> Closed {
        Closed(Arc::clone(&self.shared))
    }
}

/// The thread that draws ends with what it draws for.
impl Drop for Output {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Closed {
    /// Whether nothing more can be written, which is a wish to stop.
    pub fn is_set(&self) -> bool {
        self.0.state().closed
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing waits to be written, or nobody takes it.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let mut asked = None;
        while (state.busy || state.urgent) && !state.closed && !state.muted {
            if interrupt::asked() && asked.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                state.closed = true;
                break;
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Takes in how writing went.
    fn settle(&self, done: io::Result<()>, terminal: bool) {
        let Err(error) = done else { return };
        let mut state = self.state();
        let gone = is_gone(&error);
        // Whoever asked for a run that outlives its terminal has seen enough of it.
        if gone && terminal && interrupt::hangup_is_ignored() {
            state.muted = true;
            return;
        }
        state.closed = true;
        if !gone {
            state.failed = Some(error);
        }
    }
}

struct Writer {
    shared: Arc<Shared>,
    screen: Screen,
    /// Whether lines go to a terminal.
    terminal: bool,
}

impl Writer {
    fn work(&mut self) {
        let mut last = Instant::now();
        loop {
            let Some((lines, drawing)) = self.next(last) else { return };
            let done = self.screen.show(&lines, drawing);
            last = Instant::now();
            self.shared.settle(done, self.terminal);
            let mut state = self.shared.state();
            state.busy = false;
            self.shared.changed.notify_all();
            if state.closed || state.muted {
                return;
            }
        }
    }

    /// Waits for what is to be written next: lines, and whether there is a picture below them.
    /// Nothing once nobody needs it.
    fn next(&self, last: Instant) -> Option<(Vec<(StandardStream, String)>, bool)> {
        let mut state = self.shared.state();
        while !state.urgent && !state.closed {
            let (changed, rest) = (&self.shared.changed, REDRAW.saturating_sub(last.elapsed()));
            if state.lines.is_empty() && !state.drawing {
                state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if rest.is_zero() {
                break;
            } else {
                state = changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        if state.closed {
            return None;
        }
        (state.urgent, state.busy, state.held) = (false, true, 0);
        Some((std::mem::take(&mut state.lines), state.drawing))
    }
}
