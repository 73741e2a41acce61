//! The data sets that are known by name.

use super::{Entry, digits, fashion_mnist};
use crate::{Error, Result};

/// All of them, the main one first.
pub const ENTRIES: [Entry; 2] = [fashion_mnist::ENTRY, digits::ENTRY];

/// The name that stands for a folder of anyone's own files, see [`super::idx_folder`]. It has no
/// entry.
pub const OWN_FILES: &str = "idx";

/// The entry of this name.
///
/// # Errors
/// [`Error::Setting`] when there is none, with the nearest name that there is; and for
/// [`OWN_FILES`], which has no entry.
pub fn get(name: &str) -> Result<&'static Entry> {
    const KNOWN: &[Entry] = &ENTRIES;
    if name == OWN_FILES {
        let reason = "stands for a folder of your own files, so there is nothing known of it; name the folder";
        return Err(Error::setting("data", name, reason));
    }
    KNOWN.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let near = nearest(name).map_or(String::new(), |near| format!(" Did you mean {near}?"));
        let known: Vec<_> = names().collect();
        Error::setting(
            "data",
            name,
            format!("there is no such data set.{near} The known ones are {}", known.join(", ")),
        )
    })
}

/// The known name that `name` is likely to be a misspelling of, if there is one.
///
/// ```
/// use furlough::data::catalog::nearest;
/// assert_eq!(nearest("fashon_mnist"), Some("fashion-mnist"));
/// assert_eq!(nearest("digit"), Some("digits"));
/// assert_eq!(nearest("imagenet"), None);
/// ```
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace(['_', ' ', '.'], "-");
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(&name, known);
    let (best, known) = names()
        .map(|known| (likeness(known), known))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(l, _)| *l > 0.0)?;
    // "mnist" and "fashion" are nearer to their whole name than the letters say.
    let part = name.len() >= 4 && known.contains(&name);
    (best >= 0.6 || part).then_some(known)
}

fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name).chain([OWN_FILES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_the_nearest() {
        let told = |name: &str| get(name).unwrap_err().to_string();
        assert!(told("fashion-minst").contains("Did you mean fashion-mnist?"));
        assert!(told("FashionMNIST").contains("Did you mean fashion-mnist?"));
        assert!(told("fashion").contains("Did you mean fashion-mnist?"));
        assert!(told("digit").contains("Did you mean digits?"));
        assert!(!told("cifar10").contains("Did you mean"));
        assert!(told("").contains("The known ones are fashion-mnist, digits, idx"));
        assert_eq!(get("digits").unwrap().train, 1437);
    }

    #[test]
    fn no_name_is_suggested_in_place_of_itself() {
        for name in names() {
            let told = get(name).map_or_else(|error| error.to_string(), |entry| entry.name.into());
            assert!(!told.contains("Did you mean"), "{told}");
        }
        assert!(get(OWN_FILES).unwrap_err().to_string().contains("idx: stands for a folder of your own files"));
    }
}
