//! Ctrl-C and SIGTERM: where there is something to save, the first asks for a stop after the present step, and the second ends the process at
//! once; where there is nothing, the first does.

use crate::failure::INTERRUPTED;
use anyhow::Context;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Catches the signals from now on. Before there is something to save they are left to end the process.
pub fn catch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            let mut stderr = std::io::stderr();
            if stderr.is_terminal() {
                let _ = stderr.write_all(b"\x1b[?25h\n"); // a live view may have hidden the cursor
            }
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Ends the process at the first signal from now on, and says so and how things are: for what may take minutes and has nothing to save.
pub fn end(how: &'static str) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        let mut stderr = std::io::stderr();
        let line = if stderr.is_terminal() { "\n" } else { "" }; // the terminal has written ^C
        let _ = writeln!(stderr, "{line}stopped; {how}");
        std::process::exit(INTERRUPTED.into());
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether the user asked for a stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
