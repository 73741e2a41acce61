//! Grammar for messages, and bytes as text.

use std::fmt::Write;

/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
        text
    })
}

/// Returns `noun` as it stands behind a number: `1 example`, `2 examples`, `0 classes`.
///
/// ```
/// assert_eq!(furlough::counted(1, "training example"), "1 training example");
/// assert_eq!(furlough::counted(0, "class"), "0 classes");
/// ```
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {}", noun_of(count, noun))
}

/// Returns the singular `noun` for one thing and its plural for any other number of them. For
/// numbers that are written in some other way than [`counted`] does.
///
/// ```
/// assert_eq!(furlough::noun_of(60_000, "epoch"), "epochs");
/// ```
pub fn noun_of(count: usize, noun: &str) -> String {
    if count == 1 {
        return noun.into();
    }
    let consonant = |stem: &str| !stem.ends_with(['a', 'e', 'i', 'o', 'u']);
    match noun.strip_suffix('y') {
        Some(stem) if consonant(stem) => format!("{stem}ies"),
        _ if noun.ends_with("epoch") => format!("{noun}s"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_every_other_number_plural() {
        for (noun, plural) in [
            ("training example", "training examples"),
            ("class", "classes"),
            ("masked pass", "masked passes"),
            ("batch", "batches"),
            ("epoch", "epochs"),
            ("study", "studies"),
            ("day", "days"),
            ("drop probability", "drop probabilities"),
        ] {
            assert_eq!(counted(1, noun), format!("1 {noun}"));
            for count in [0, 2, 11, 21] {
                assert_eq!(counted(count, noun), format!("{count} {plural}"));
            }
        }
    }
}
