//! Numbers with more about them than digits: `$1,234.50`, `12.5 %`, `1 234,5 kg`.

use super::number_span::NumberSpan;
use serde::{Deserialize, Serialize};

/// How the numbers of a column are written, where they are not plain. The number is what is
/// written: `5%` is 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberSpelling {
    /// What stands before each, such as `$`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// What stands after each, such as `%`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// What separates thousands, where some have that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// What stands before the fraction.
    #[serde(default = "point")]
    pub decimal: char,
}

fn point() -> char {
    '.'
}

/// What may stand before numbers. Single letters do not: `A1` and `Q3` are codes.
const BEFORE: [&str; 13] = ["US$", "USD", "EUR", "GBP", "CHF", "$", "€", "£", "¥", "₹", "₩", "~", "#"];

/// What may stand after numbers.
const AFTER: [&str; 41] = [
    "USD", "EUR", "GBP", "CHF", "mph", "km/h", "m/s", "kWh", "kW", "Hz", "hPa", "min", "hours", "days", "years", "kg",
    "mg", "lbs", "lb", "oz", "km", "cm", "mm", "mi", "ft", "ml", "ms", "GB", "MB", "kB", "°C", "°F", "m²", "%", "‰",
    "°", "$", "€", "£", "¥", "px",
];

/// Blanks that separate thousands are all the same.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

impl NumberSpelling {
    /// Returns the spellings that a text may have, the likeliest first.
    fn candidates(text: &str, decimal_comma: bool) -> Vec<NumberSpelling> {
        let bare = text.trim().trim_start_matches(['-', '+']);
        let find = |known: &[&str], holds: &dyn Fn(&str) -> bool| {
            known.iter().find(|affix| holds(affix)).map_or(String::new(), |affix| affix.to_string())
        };
        let before = find(&BEFORE, &|affix| bare.starts_with(affix));
        let after = find(&AFTER, &|affix| bare.ends_with(affix));
        let points = [(None, '.'), (Some(','), '.'), (Some(' '), '.'), (Some('\''), '.')];
        let commas = [(None, ','), (Some('.'), ','), (Some(' '), ','), (Some('\''), ',')];
        let marks: Vec<_> = if decimal_comma { commas.to_vec() } else { [points, commas].concat() };
        let spelling =
            |(thousands, decimal)| NumberSpelling { before: before.clone(), after: after.clone(), thousands, decimal };
        marks.into_iter().map(spelling).filter(|spelling| spelling.number_of(text).is_some()).collect()
    }

    /// Returns the number that a text is in this spelling.
    pub(crate) fn number_of(&self, text: &str) -> Option<f64> {
        let (sign, text) = signed(text.trim());
        let text = text.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?.trim();
        let (inner, text) = if sign.is_empty() { signed(text) } else { ("", text) };
        let (whole, part) = match text.split_once(self.decimal) {
            Some((whole, part)) => (whole, Some(part)),
            None => (text, None),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let mut plain = format!("{sign}{inner}");
        match self.thousands {
            Some(mark) => {
                let is_mark = |letter: char| letter == mark || (mark == ' ' && is_blank(letter));
                let mut groups = whole.split(is_mark);
                let first = groups.next()?;
                let rest: Vec<&str> = groups.collect();
                let several = !rest.is_empty();
                // A number never begins with a group of zeros.
                if several && (first.len() > 3 || first.starts_with('0')) || rest.iter().any(|group| group.len() != 3) {
                    return None;
                }
                if first.is_empty() || !digits(first) || !rest.iter().all(|group| digits(group)) {
                    return None;
                }
                plain.push_str(first);
                plain.extend(rest);
            }
            None if !whole.is_empty() && digits(whole) => plain.push_str(whole),
            None => return None,
        }
        if let Some(part) = part {
            if !digits(part) {
                return None;
            }
            plain.push('.');
            plain.push_str(part);
        }
        fast_float2::parse(&plain).ok()
    }

    /// Says what the numbers have about them.
    pub(super) fn describe(&self) -> String {
        let mut said = Vec::new();
        said.extend((!self.before.is_empty()).then(|| format!("{:?} before", self.before)));
        said.extend((!self.after.is_empty()).then(|| format!("{:?} after", self.after)));
        said.extend(self.thousands.map(|mark| format!("{:?} between thousands", mark.to_string())));
        said.extend((self.decimal == ',').then(|| "a decimal comma".into()));
        said.join(" and ")
    }

    /// Says what of it makes no sense.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.thousands {
            _ if self.decimal.is_ascii_digit() => Err(format!("{:?} cannot stand before a fraction", self.decimal)),
            Some(mark) if mark == self.decimal || mark.is_ascii_digit() => {
                Err(format!("{mark:?} cannot separate thousands and stand for something else"))
            }
            _ => Ok(()),
        }
    }
}

/// Takes off a sign.
fn signed(text: &str) -> (&str, &str) {
    match text.as_bytes().first() {
        Some(b'-' | b'+') => text.split_at(1),
        _ => ("", text),
    }
}

/// The spellings that fit all texts so far; none before the first that is no plain number.
#[derive(Debug, Default)]
pub(super) struct SpellingProbe(Option<Vec<(NumberSpelling, NumberSpan)>>);

impl SpellingProbe {
    /// Begins with the first text that is no plain number, and all others so far.
    pub(super) fn begin<'a>(&mut self, text: &'a str, decimal_comma: bool, before: impl Iterator<Item = &'a str>) {
        let candidates = NumberSpelling::candidates(text, decimal_comma);
        self.0 = Some(candidates.into_iter().map(|spelling| (spelling, NumberSpan::default())).collect());
        before.chain([text]).for_each(|text| self.look_at(text));
    }

    /// Lets no spelling fit: not all texts before are known any more.
    pub(super) fn refuse(&mut self) {
        self.0 = Some(Vec::new());
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    /// Drops the spellings that do not fit a text.
    pub(super) fn look_at(&mut self, text: &str) {
        let Some(candidates) = &mut self.0 else { return };
        candidates.retain_mut(|(spelling, span)| {
            let number = spelling.number_of(text);
            number.iter().for_each(|&number| span.add(number, ""));
            number.is_some()
        });
    }

    /// Returns the spelling that fits all texts.
    pub(super) fn found(&self) -> Option<&(NumberSpelling, NumberSpan)> {
        self.0.as_ref()?.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<f64> {
        NumberSpelling::candidates(text, false).first()?.number_of(text)
    }

    #[test]
    fn a_number_is_what_is_written_without_signs_and_separators() {
        for (text, expected) in [
            ("$1,234.50", 1234.5),
            ("-$5", -5.0),
            ("$-5", -5.0),
            ("12.5 %", 12.5),
            ("1 234 567", 1_234_567.0),
            ("1\u{202f}234,5 kg", 1234.5),
            ("1.234.567,25 €", 1_234_567.25),
            ("1'000", 1000.0),
            ("EUR 7", 7.0),
            ("21°C", 21.0),
            ("0.5%", 0.5),
        ] {
            assert_eq!(number(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn codes_dates_and_halves_of_numbers_are_none() {
        for text in [
            "A1",
            "Q3",
            "5A",
            "1,23,4",
            "12,34.5",
            "0,123,456",
            "1-2",
            "2020-01-02",
            "1.2.3",
            "$",
            "%",
            "",
            "-",
            "5 % 7",
            "1:30",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
