/// Names stand in tables, in CSV, over pictures and in messages, so each has something to read, in
/// one line.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    check_line(what, name)
}

/// What is shown in one line has no line breaks and no control characters, which a picture's XML
/// cannot have either.
pub(super) fn check_line(what: &str, text: &str) -> Result<(), String> {
    let breaks = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
    match text.chars().find(|&c| breaks(c)) {
        Some(c) => Err(format!("{what} {text:?} has a line break or another control character, {c:?}")),
        None => Ok(()),
    }
}

/// The longest name of a file, in bytes, which leaves every file system room for its ending.
const LONGEST: usize = 128;

/// Whether a name can be one of files, on every system.
pub(super) fn check_file_name(what: &str, name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(format!("{what} {name:?} is to be a file's name: letters, digits, -, _ and, not in front, dots"));
    }
    if name.len() > LONGEST {
        let start: String = name.chars().take(16).collect();
        return Err(format!("{what} {start:?}… has {} bytes; as a file's name it may have {LONGEST}", name.len()));
    }
    Ok(())
}
