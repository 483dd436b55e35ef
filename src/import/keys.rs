//! The keys of foreign files. A key that no reader knows may change a prediction, as `weight_drop` did when
//! XGBoost moved it, so it is refused by name. Every format lists the keys that are read and those known to be
//! harmless.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::ImportError;

/// The keys that an object may have.
pub(super) type KnownKeys = [(&'static str, Inside)];

/// The content below a known key.
#[derive(Clone, Copy)]
pub(super) enum Inside {
    /// Content that is read, or that changes no prediction whatever it is.
    Any,
    /// An object whose keys are known. If the value has another type, the reader makes of it what it can.
    Object(&'static KnownKeys),
    /// A list of such objects.
    Objects(&'static KnownKeys),
}

/// Refuses unknown keys, and known keys that come twice. The text is JSON that was read before.
pub(super) fn refuse_unknown(text: &[u8], keys: &'static KnownKeys) -> Result<(), ImportError> {
    let mut found = None;
    let walk = KeyWalk { inside: Inside::Object(keys), name: "", found: &mut found };
    let walked = walk.deserialize(&mut serde_json::Deserializer::from_slice(text));
    match (found, walked) {
        (Some(finding), _) => Err(finding),
        (None, Ok(())) => Ok(()),
        (None, Err(reason)) => {
            Err(ImportError::Document { reason, expected: "JSON whose keys can be told" })
        }
    }
}

struct KeyWalk<'a> {
    inside: Inside,
    /// The key above; empty for the whole file.
    name: &'a str,
    found: &'a mut Option<ImportError>,
}

impl<'de> DeserializeSeed<'de> for KeyWalk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.inside {
            Inside::Any => IgnoredAny::deserialize(deserializer).map(drop),
            Inside::Object(_) | Inside::Objects(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for KeyWalk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was read before")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Inside::Object(keys) = self.inside else {
            return IgnoredAny.visit_map(map).map(drop);
        };
        let mut is_seen = vec![false; keys.len()];
        while let Some(key) = map.next_key::<String>()? {
            let known = keys.iter().zip(&mut is_seen).find(|((name, _), _)| *name == key);
            let place = if self.name.is_empty() { "the file" } else { self.name };
            let refusal = match known {
                None => ImportError::Key { place: place.to_owned(), key },
                Some((_, true)) => ImportError::Stated {
                    place: place.to_owned(),
                    found: format!("{key} twice"),
                    expected: "every key once",
                },
                Some(((name, inside), is_seen)) => {
                    *is_seen = true;
                    let walk = KeyWalk { inside: *inside, name, found: &mut *self.found };
                    map.next_value_seed(walk)?;
                    continue;
                }
            };
            *self.found = Some(refusal);
            return Err(A::Error::custom("a key that is not known"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Inside::Objects(keys) = self.inside else {
            return IgnoredAny.visit_seq(list).map(drop);
        };
        let inside = Inside::Object(keys);
        while list
            .next_element_seed(KeyWalk { inside, name: self.name, found: &mut *self.found })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAF: &KnownKeys = &[("value", Inside::Any)];
    const KEYS: &KnownKeys =
        &[("any", Inside::Any), ("one", Inside::Object(LEAF)), ("all", Inside::Objects(LEAF))];

    fn refusal(text: &str) -> Option<String> {
        refuse_unknown(text.as_bytes(), KEYS).err().map(|error| error.to_string())
    }

    #[test]
    fn known_keys_hold_what_they_like() {
        for text in [
            "{}",
            r#"{"any":{"x":[1e999]},"one":{"value":{"y":2}},"all":[{"value":1},{}]}"#,
            r#"{"one":[1,{"z":1}],"all":{"z":1}}"#,
            r#"{"one":null,"all":"text"}"#,
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn other_keys_are_refused_by_name_and_place() {
        for (text, facts) in [
            (r#"{"other":1}"#, ["`other`", "the file"]),
            (r#"{"one":{"valuf":1}}"#, ["`valuf`", "one"]),
            (r#"{"all":[{"value":1},{"w":1}]}"#, ["`w`", "all"]),
            (r#"{"any":1,"any":2}"#, ["any twice", "once"]),
        ] {
            let refused = refusal(text).unwrap();
            assert!(facts.iter().all(|fact| refused.contains(fact)), "{text}: {refused}");
        }
    }
}
