use serde::de::DeserializeOwned;

/// What the parser calls the numbers that it expects, and what people call them.
const NUMBERS: [(&str, &str); 4] = [
    ("expected usize", "expected a whole number of at least 0"),
    ("expected u32", "expected a whole number from 0 to 4294967295"),
    ("expected u64", "expected a whole number from 0 to 9223372036854775807"),
    ("expected f64", "expected a number"),
];

/// So many characters of a line are quoted: the key is at its beginning, and a list may be long.
const QUOTED: usize = 50;

/// Reads a text as TOML. Why it cannot be read is said in one line, which the parser's own picture
/// of the place is not: `line 3, column 10 (hidden = -1): invalid value …`.
pub(crate) fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return toml_reason(&error) };
        let line = before.matches('\n').count();
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        let whole = text.lines().nth(line).unwrap_or_default().trim();
        let quoted = match whole.char_indices().nth(QUOTED) {
            _ if whole.is_empty() => String::new(),
            None => format!(" ({whole})"),
            Some((end, _)) => format!(" ({}…)", &whole[..end]),
        };
        format!("line {}, column {column}{quoted}: {}", line + 1, toml_reason(&error))
    })
}

/// What is wrong with a value, without its place.
pub(crate) fn toml_reason(error: &toml::de::Error) -> String {
    let reason = error.message();
    let number = NUMBERS.iter().find_map(|(parser, people)| Some(format!("{}{people}", reason.strip_suffix(parser)?)));
    number.unwrap_or_else(|| reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::Table;

    #[test]
    fn the_place_is_told_in_one_line() {
        let said = |text: &str| read_toml::<Table>(text).unwrap_err();
        assert_eq!(said("a = 1\r\n\tb = = 2\r\n"), "line 2, column 6 (b = = 2): extra `=`, expected nothing");
        assert_eq!(said("a = 'ö"), "line 1, column 7 (a = 'ö): invalid literal string, expected `'`");
        let long = said(&format!("a = [{} = ]", "1, ".repeat(40)));
        assert!(long.starts_with("line 1, column 127 (a = [1, 1,") && long.contains(" 1, …): unexpected"), "{long}");
        assert_eq!(
            said("\n["),
            "line 2, column 2 ([): unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"
        );
    }
}
