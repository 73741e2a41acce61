//! What the terminal can show, and text made for it.

use furlough::counted;
use furlough::train::Progress;
use std::env::var;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use terminal_size::{Width, terminal_size};

/// What a stream can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Colors and other emphasis.
    pub color: bool,
    /// More than ASCII.
    pub unicode: bool,
    /// Columns to fill.
    pub width: usize,
}

impl Style {
    /// For plain files and pipes: 80 columns, no color, and Unicode where the locale says so.
    pub fn plain() -> Style {
        Style { color: false, unicode: utf8_locale(), width: 80 }
    }

    /// For `stream`, according to what it is and to `NO_COLOR`, `TERM`, the locale and the window.
    pub fn of(stream: &impl IsTerminal) -> Style {
        if !stream.is_terminal() {
            return Style::plain();
        }
        let dumb = var("TERM").is_ok_and(|term| term == "dumb");
        let no_color = var("NO_COLOR").is_ok_and(|value| !value.is_empty());
        let width = terminal_size().map_or(80, |(Width(columns), _)| usize::from(columns)).clamp(40, 120);
        Style { color: !dumb && !no_color, unicode: utf8_locale(), width }
    }

    /// `text` in the characters that can be shown, those that control a terminal escaped. Colors
    /// stay where there are any.
    pub fn text(self, text: &str) -> String {
        let mut shown = String::new();
        for c in text.chars() {
            match c {
                '\n' => shown.push(c),
                '\x1b' if self.color => shown.push(c),
                _ if c.is_control() => shown.extend(c.escape_default()),
                _ if self.unicode => shown.push(c),
                _ => push_ascii(&mut shown, c),
            }
        }
        shown
    }

    /// Less important text.
    pub fn dim(self, text: &str) -> String {
        self.styled(text, "2")
    }

    /// More important text.
    pub fn bold(self, text: &str) -> String {
        self.styled(text, "1")
    }

    /// Text in the color that stands for dropout and for training figures.
    pub fn accent(self, text: &str) -> String {
        self.styled(text, "36")
    }

    fn styled(self, text: &str, code: &str) -> String {
        let text = self.text(text);
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text }
    }
}

fn utf8_locale() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| var(name).ok().filter(|v| !v.is_empty()));
    match said {
        Some(locale) => ["utf-8", "utf8"].iter().any(|name| locale.to_lowercase().ends_with(name)),
        None => cfg!(windows),
    }
}

fn push_ascii(text: &mut String, c: char) {
    text.push_str(match c {
        '·' | '─' | '━' | '╸' | '╺' => "-",
        '→' => "->",
        '×' => "x",
        '±' => "+-",
        '…' => "...",
        '│' => "|",
        '└' | '┌' | '├' | '┤' | '┼' => "+",
        '•' => "*",
        '█' => "o",
        '▀' => "'",
        '▄' => ".",
        '–' => "-",
        '≤' => "<=",
        '≥' => ">=",
        c if c.is_ascii() => return text.push(c),
        c => return text.extend(c.escape_unicode()),
    });
}

/// 60000 as 60,000.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 thread`, `2 threads`.
pub fn threads(number: usize) -> String {
    counted(number, "thread")
}

/// `3 of 10 epochs and 4 steps of the next`: how far a run of so many epochs is.
pub fn epochs_done(at: Progress, of: u32) -> String {
    let steps = match at.step_in_epoch {
        0 => String::new(),
        steps => format!(" and {} of the next", counted(steps as usize, "step")),
    };
    format!("{} of {}{steps}", at.epoch, counted(of as usize, "epoch"))
}

/// A time as people say it: 0.41 s, 12.3 s, 3 min 20 s, 2 h 5 min.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    // The sum of no numbers at all is -0.0.
    match seconds.abs() {
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 99.95 => format!("{s:.1} s"),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Breaks `text` at blanks into lines of at most `width` characters, where the words allow it.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.into());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Prints a line on standard error. Where nobody can read it, it is dropped.
pub fn note(text: &str) {
    let text = Style::of(&io::stderr()).text(text);
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// How many columns `text` takes; escape sequences take none.
pub fn columns(text: &str) -> usize {
    clipped(text, usize::MAX).1
}

/// `text` without what is right of column `width`; escape sequences stay.
pub fn clip(text: &str, width: usize) -> String {
    clipped(text, width).0
}

fn clipped(text: &str, width: usize) -> (String, usize) {
    let (mut kept, mut columns, mut escape) = (String::new(), 0, false);
    for c in text.chars() {
        escape |= c == '\x1b';
        if escape || columns < width {
            kept.push(c);
        }
        columns += usize::from(!escape && columns < width);
        escape &= !c.is_ascii_alphabetic();
    }
    (kept, columns)
}

/// A size as people say it: 312 B, 4.1 kB, 1.1 MB, 2.5 GB.
pub fn bytes(count: u64) -> String {
    match count as f64 {
        n if n < 1e3 => format!("{count} B"),
        n if n < 1e6 => format!("{:.1} kB", n / 1e3),
        n if n < 1e9 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.1} GB", n / 1e9),
    }
}

/// A name of somebody else's, with what would control the terminal escaped.
pub fn name(name: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    name.chars().map(escaped).collect()
}

/// A path as it is shown, which need not be as it can be typed.
pub fn path(path: &Path) -> String {
    name(&path.to_string_lossy())
}

/// `name` as it can be typed in a shell.
pub fn shell_word(name: impl AsRef<OsStr>) -> String {
    quoted(name.as_ref(), utf8_locale())
}

/// Plain where that is enough, else between quotes, and where it has bytes that cannot be shown, in
/// the form that bash, zsh and ksh know.
fn quoted(name: &OsStr, unicode: bool) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%".contains(c);
    let showable = |c: char| !c.is_control() && (unicode || c.is_ascii());
    match name.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.into(),
        Some(text) if text.chars().all(showable) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let mut text = String::from("$'");
            for &byte in name.as_encoded_bytes() {
                match byte {
                    b'\'' | b'\\' => text.extend(['\\', byte as char]),
                    b' '..=b'~' => text.push(byte as char),
                    _ => text.push_str(&format!("\\{byte:03o}")),
                }
            }
            text + "'"
        }
    }
}

/// How the user called the command.
static PROGRAM: OnceLock<OsString> = OnceLock::new();

/// Says how the user called the command; the first word counts.
pub fn set_program(name: &OsStr) {
    PROGRAM.get_or_init(|| name.into());
}

/// The command as the user typed it, so that the commands shown can be typed just so.
pub fn program() -> String {
    PROGRAM.get().map_or_else(|| "furlough".into(), shell_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!([0, 999, 1000, 269_322, 60_000_000].map(thousands), ["0", "999", "1,000", "269,322", "60,000,000"]);
        let times = [-0.0, 0.409, 9.99, 12.34, 99.96, 200.0, 7500.0].map(duration);
        assert_eq!(times, ["0.00 s", "0.41 s", "9.99 s", "12.3 s", "1 min 40 s", "3 min 20 s", "2 h 5 min"]);
    }

    #[test]
    fn plain_terminals_get_ascii() {
        let style = Style { color: false, unicode: false, width: 80 };
        assert_eq!(style.text("28×28 → 10 · a…~"), "28x28 -> 10 - a...~");
        let style = Style { color: true, unicode: true, width: 80 };
        assert_eq!(style.dim("a → b"), "\x1b[2ma → b\x1b[0m");
    }

    #[test]
    fn colors_take_no_columns() {
        let text = "\x1b[36m━━\x1b[0m 7 %";
        assert_eq!((columns(text), columns("")), (6, 0));
        assert_eq!(clip(text, 4), "\x1b[36m━━\x1b[0m 7");
        assert_eq!(clip(text, 1), "\x1b[36m━\x1b[0m");
    }

    #[test]
    fn names_with_spaces_are_quoted() {
        assert_eq!(shell_word("runs/digits-1"), "runs/digits-1");
        assert_eq!(shell_word("my runs/it's"), r"'my runs/it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn names_that_cannot_be_shown_can_be_typed() {
        let name = OsStr::new("r\n\u{e4}'\\");
        assert_eq!(quoted(name, true), r"$'r\012\303\244\'\\'");
        let name = OsStr::new("r\u{e4}");
        assert_eq!((quoted(name, true), quoted(name, false)), ("'r\u{e4}'".into(), r"$'r\303\244'".into()));
    }

    #[test]
    fn names_do_not_control_the_terminal() {
        let style = Style { color: true, unicode: true, width: 80 };
        assert_eq!(style.dim(&name("a\x1b[31m\rb\n")), "\x1b[2ma\\u{1b}[31m\\rb\\n\x1b[0m");
        let plain = Style { color: false, ..style };
        assert_eq!(plain.text("a\x1b[31m\tb\nä"), "a\\u{1b}[31m\\tb\nä");
        assert_eq!(Style { unicode: false, ..plain }.text("ä ≤ 1"), "\\u{e4} <= 1");
    }
}
