use super::screen::{Size, StandardStream};
use super::{curves, lines, training::TrainingProgress};
use crate::terminal::Style;
use std::io::{self, IsTerminal};

/// Rows beside the curves: the bar, and one free above and below it.
const REST: usize = 3;
/// Curves in fewer rows say nothing.
const LEAST: usize = 6;

/// Why standard output cannot show curves that grow; nothing when it can.
pub fn obstacle() -> Option<&'static str> {
    if !io::stdout().is_terminal() {
        Some("standard output is not a terminal")
    } else if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        Some("the terminal is a dumb one")
    } else if StandardStream::Stdout.size().is_none() {
        Some("the terminal has no size")
    } else {
        None
    }
}

/// The bar and the curves, as large as the terminal has room for.
pub fn rows(progress: &TrainingProgress, size: Size, style: Style) -> Vec<String> {
    let mut rows = vec![String::new(), lines::bar(progress, style)];
    let height = usize::from(curves::HEIGHT).min(size.rows.saturating_sub(REST + 1));
    if height >= LEAST {
        let style = Style { width: size.columns - 1, ..style };
        rows.push(String::new());
        rows.extend(curves::text(progress, 0, height as u16, style).lines().map(String::from));
    }
    rows
}
