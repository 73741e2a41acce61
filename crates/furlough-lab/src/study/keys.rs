use crate::recipe::Settings;
use serde::Deserialize;
use serde::de::value::Error as Stop;
use serde::de::{Deserializer, Error, Visitor};

/// The keys that a recipe can have, as [`Settings`] itself names them.
pub(super) fn recipe_keys() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    // It only asks what the fields are called, and gets no values.
    let _ = Settings::deserialize(Names(&mut names));
    names
}

/// The key that was probably meant, as an end of a message: ` (do you mean dropout?)`.
pub(super) fn suggestion<'a>(key: &str, keys: impl IntoIterator<Item = &'a str>) -> String {
    let near = keys.into_iter().map(|known| (strsim::damerau_levenshtein(key, known), known)).min();
    near.filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .map_or(String::new(), |(_, known)| format!(" (do you mean {known}?)"))
}

struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Stop;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        *self.0 = fields;
        Err(Stop::custom("only the names are wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        Err(Stop::custom("only the names are wanted"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_a_recipe() {
        let keys = recipe_keys();
        assert!(["data", "dropout", "max_norm", "seed"].iter().all(|key| keys.contains(key)), "{keys:?}");
        assert_eq!(suggestion("dropuot", keys.iter().copied()), " (do you mean dropout?)");
        assert_eq!(suggestion("learning", keys.iter().copied()), "");
    }
}
