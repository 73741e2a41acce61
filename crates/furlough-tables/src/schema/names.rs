//! Names of columns: what they are made of, and which one was probably meant.

/// Returns the words of a name in lower case: `customerID`, `customer_id` and `Customer Id` all
/// have two.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (lower && letter.is_uppercase()) {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        lower = letter.is_lowercase();
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Whether a column of this name is likely to number or name the rows. Programs that write tables
/// give their row numbers no name.
pub(super) fn is_like_an_id(name: &str) -> bool {
    const LAST: [&str; 8] = ["id", "uuid", "guid", "index", "idx", "rownames", "rownum", "rowid"];
    let words = words(name);
    match words.last() {
        None => true,
        Some(last) => LAST.contains(&last.as_str()) || words == ["unnamed", "0"] || words == ["row"],
    }
}

/// Returns the name that was probably meant, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    let near = |other: &str| strsim::jaro_winkler(&name, &other.to_lowercase());
    let scored = known.into_iter().map(|other| (near(other), other)).filter(|&(score, _)| score > 0.75);
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_by_their_last_word() {
        for name in ["id", "ID", "customerID", "PassengerId", "row_id", "Order Id", "index", "Unnamed: 0", "", "uuid"] {
            assert!(is_like_an_id(name), "{name}");
        }
        for name in ["paid", "idle", "id_type", "grid", "rows", "width"] {
            assert!(!is_like_an_id(name), "{name}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_whatever_its_case() {
        assert_eq!(nearest("Pirce", ["rooms", "price", "area"]).as_deref(), Some("price"));
        assert_eq!(nearest("zzz", ["rooms", "price"]), None);
    }
}
