use indicatif::TermLike;
use ratatui::crossterm::{cursor, queue, terminal};
use std::io::{self, Stderr, Write};

/// Standard error for a progress bar. Some columns are left free at the right: the terminal writes `^C` there when the
/// user stops a run, and in the last column that would begin a new line, with the bar left above it for good.
#[derive(Debug)]
pub struct Target(pub Stderr);

const FREE: u16 = 6;

impl TermLike for Target {
    fn width(&self) -> u16 {
        terminal::size().map_or(80, |(columns, _)| columns).saturating_sub(FREE).max(1)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { queue!(&self.0, cursor::MoveUp(n as u16)) }
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { queue!(&self.0, cursor::MoveDown(n as u16)) }
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { queue!(&self.0, cursor::MoveRight(n as u16)) }
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { queue!(&self.0, cursor::MoveLeft(n as u16)) }
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        writeln!(&self.0, "{text}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        write!(&self.0, "{text}")
    }

    fn clear_line(&self) -> io::Result<()> {
        queue!(&self.0, cursor::MoveToColumn(0), terminal::Clear(terminal::ClearType::CurrentLine))
    }

    fn flush(&self) -> io::Result<()> {
        (&self.0).flush()
    }
}
