use crate::recipe::KEYS;

/// The keys that a recipe can have.
pub(super) fn recipe_keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name())
}

/// The key that was probably meant, as an end of a message: ` (do you mean dropout?)`.
pub(super) fn suggestion<'a>(key: &str, keys: impl IntoIterator<Item = &'a str>) -> String {
    let near = keys.into_iter().map(|known| (strsim::damerau_levenshtein(key, known), known)).min();
    near.filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .map_or(String::new(), |(_, known)| format!(" (do you mean {known}?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_key_is_suggested() {
        assert_eq!(suggestion("dropuot", recipe_keys()), " (do you mean dropout?)");
        assert_eq!(suggestion("learning", recipe_keys()), "");
    }
}
