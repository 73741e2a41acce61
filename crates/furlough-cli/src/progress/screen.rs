use crate::terminal::{clip, columns};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use terminal_size::{Height, Width, terminal_size_of};

/// Draws the picture for a terminal of this size, a text a row. `None` leaves what was drawn
/// before.
pub type Drawing = Box<dyn FnMut(Size) -> Option<Vec<String>> + Send>;

/// A stream of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandardStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Columns and rows of a terminal, none of them 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters of a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl StandardStream {
    /// Returns the size of the terminal, if there is one and it has any. The system is asked, never
    /// the terminal.
    pub fn size(self) -> Option<Size> {
        let (Width(columns), Height(rows)) = match self {
            StandardStream::Stdout => terminal_size_of(io::stdout()),
            StandardStream::Stderr => terminal_size_of(io::stderr()),
        }?;
        Some(Size { columns: columns.into(), rows: rows.into() })
    }

    fn write(self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        match self {
            StandardStream::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            // What nobody can read is dropped.
            StandardStream::Stderr => io::stderr().write_all(text.as_bytes()).or(Ok(())),
        }
    }
}

/// The lower end of a terminal, where the picture is.
pub struct Screen {
    picture: Option<(StandardStream, Drawing)>,
    /// Whether lines go to the terminal on which the picture is drawn.
    same: bool,
    drawn: Vec<String>,
}

impl Screen {
    /// Nothing is drawn yet.
    pub fn new(picture: Option<(StandardStream, Drawing)>) -> Self {
        Screen { picture, same: io::stdout().is_terminal(), drawn: Vec::new() }
    }

    /// Writes `lines` above the picture and draws it anew, or takes it away.
    pub fn show(&mut self, lines: &[(StandardStream, String)], drawing: bool) -> io::Result<()> {
        let Some((stream, picture)) = &mut self.picture else { return write(lines) };
        let stream = *stream;
        let size = stream.size();
        let drawn = self.drawn.clone();
        let frame = match size {
            Some(size) if drawing => picture(size).unwrap_or(drawn),
            _ => Vec::new(),
        };
        // A row of the terminal is left free, so that nothing scrolls, and a column, so that no row
        // is broken in two.
        let size = size.unwrap_or(Size { columns: 80, rows: 24 });
        let frame: Vec<String> =
            frame.iter().take(size.rows.saturating_sub(1)).map(|line| clip(line, size.columns - 1)).collect();
        let texts: String = lines.iter().map(|(_, text)| text.as_str()).collect();
        if texts.is_empty() && frame == self.drawn {
            return Ok(());
        }
        let up = self.back(size.columns);
        self.drawn = frame;
        let picture = drawing_of(&self.drawn);
        if texts.is_empty() && !picture.is_empty() {
            return stream.write(&format!("{up}{picture}"));
        }
        if lines.iter().all(|(to, _)| self.same && *to == stream) {
            return stream.write(&format!("{up}\x1b[J{texts}{picture}"));
        }
        stream.write(&if up.is_empty() { up } else { format!("{up}\x1b[J") })?;
        write(lines)?;
        stream.write(&picture)
    }

    /// Moves from the picture's last row, where the cursor is, to its first. Rows that were drawn
    /// on a wider terminal may take two by now.
    fn back(&self, width: usize) -> String {
        let rows: usize = self.drawn.iter().map(|line| columns(line).div_ceil(width).max(1)).sum();
        match rows {
            0 => String::new(),
            1 => "\r".into(),
            rows => format!("\r\x1b[{}A", rows - 1),
        }
    }
}

fn write(lines: &[(StandardStream, String)]) -> io::Result<()> {
    for group in lines.chunk_by(|a, b| a.0 == b.0) {
        let text: String = group.iter().map(|(_, text)| text.as_str()).collect();
        group[0].0.write(&text)?;
    }
    Ok(())
}

/// Draws over what there was. The cursor comes to rest at the beginning of the last row: there a
/// `^C` that the terminal writes does no harm.
fn drawing_of(rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let _ = write!(text, "{}{row}\x1b[K", if index == 0 { "" } else { "\n" });
    }
    text + "\x1b[J\r"
}
