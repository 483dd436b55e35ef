//! Names that a meta file may hold: its keys, its own features, two directions. All others are refused with their
//! line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::interval::Decimal;
use crate::near::advice;

/// All keys of a meta file.
const KEYS: &[&str] = &[
    "name",
    "label",
    "features",
    "kinds",
    "ranges",
    "files",
    "synthetic",
    "source",
    "classes",
    "auxiliary",
    "monotone",
    "category_codes",
    "notes",
    "feature_std",
    "integer_indices",
    "ranges_note",
];

/// Directions of a score.
const DIRECTIONS: [&str; 2] = ["increasing", "decreasing"];

/// Longest part of a name that a message shows, in letters.
const SHOWN: usize = 40;

/// An object with no other keys than those of a meta file.
#[derive(Clone, Copy, Debug)]
pub(super) struct MetaKeys;

impl<'de> Deserialize<'de> for MetaKeys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = MetaKeys;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MetaKeys, A::Error> {
                while let Some(key) = map.next_key::<String>()? {
                    if !KEYS.contains(&key.as_str()) {
                        return Err(A::Error::unknown_field(&key, KEYS));
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                Ok(MetaKeys)
            }
        }
        from.deserialize_map(Keys)
    }
}

/// Refuses directions and codes of features that the meta file does not have.
pub(super) fn check_features(bytes: &[u8], features: &[String]) -> Result<(), serde_json::Error> {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    text.deserialize_map(NamedFeatures(features))
}

/// The values of a meta file that name its features.
struct NamedFeatures<'a>(&'a [String]);

impl<'de> Visitor<'de> for NamedFeatures<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "ranges" => map.next_value_seed(OrderedRanges(self.0))?,
                "monotone" => {
                    map.next_value_seed(ByFeature { key: "monotone", features: self.0 })?
                }
                "category_codes" => {
                    map.next_value_seed(ByFeature { key: "category_codes", features: self.0 })?
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A list of pairs, the low end first.
struct OrderedRanges<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for OrderedRanges<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for OrderedRanges<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut names = self.0.iter();
        while let Some((low, high)) = list.next_element::<(Decimal, Decimal)>()? {
            let name = names.next().map_or("", String::as_str);
            if low.value() > high.value() {
                let fault =
                    format!("`ranges` of `{name:.SHOWN$}`: low {low} is larger than high {high}");
                return Err(A::Error::custom(fault));
            }
        }
        Ok(())
    }
}

/// A number of rows, or `null` for none told.
pub(super) fn row_count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    struct Rows;
    impl<'de> Visitor<'de> for Rows {
        type Value = Option<usize>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a whole number of rows, 0 or more")
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            from.deserialize_u64(self)
        }

        fn visit_u64<E: Error>(self, rows: u64) -> Result<Self::Value, E> {
            // more than any file has, where a machine counts in fewer bits
            Ok(Some(usize::try_from(rows).unwrap_or(usize::MAX)))
        }
    }
    from.deserialize_option(Rows)
}

/// An object with a value per feature.
struct ByFeature<'a> {
    key: &'static str,
    features: &'a [String],
}

impl<'de> DeserializeSeed<'de> for ByFeature<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ByFeature<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "an object: `{{\"feature\": value, …}}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { key, features } = self;
        let places: BTreeMap<&str, usize> =
            features.iter().enumerate().map(|(at, feature)| (feature.as_str(), at)).collect();
        let mut taken = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let place = place(&name, &places)
                .ok_or_else(|| A::Error::custom(unknown_feature(key, &name, features)))?;
            if !taken.insert(place) {
                let fault = format!("`{key}` has the feature `{name:.SHOWN$}` twice");
                return Err(A::Error::custom(fault));
            }
            if key == "monotone" {
                check_direction(&name, &map.next_value::<String>()?)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The place of a feature that is given by its name, else by its index.
fn place(name: &str, places: &BTreeMap<&str, usize>) -> Option<usize> {
    let index = || name.parse().ok().filter(|index: &usize| index.to_string() == name);
    places.get(name).copied().or_else(|| index().filter(|&index| index < places.len()))
}

fn unknown_feature(key: &str, name: &str, features: &[String]) -> String {
    if name.parse::<i128>().is_ok() {
        let last = features.len().saturating_sub(1);
        return format!(
            "`{key}` has the feature {name:.SHOWN$}, expected a name or an index from 0 to {last}"
        );
    }
    let near = advice(name, features.iter().map(String::as_str));
    let expected = "expected a name from the list `features`, or an index";
    let sign = if near.is_empty() { "," } else { "" };
    format!("`{key}` has the feature `{name:.SHOWN$}`{near}{sign} {expected}")
}

fn check_direction<E: de::Error>(name: &str, found: &str) -> Result<(), E> {
    if DIRECTIONS.contains(&found) {
        return Ok(());
    }
    let expected = DIRECTIONS.join("` or `");
    Err(E::custom(format!(
        "`monotone` of `{name:.SHOWN$}` is `{found:.SHOWN$}`, expected `{expected}`"
    )))
}

#[cfg(test)]
mod tests {
    use crate::model::Meta;

    /// A meta file with three lines more.
    fn read(more: &str) -> Result<Meta, String> {
        let text = format!(
            "{{\"name\":\"n\",\"label\":\"y\",\"features\":[\"calls\",\"7\"],\n\"kinds\":[\"real\",\"real\"],\n\
             \"ranges\":[[\"0\",\"9\"],[\"0\",\"9\"]],\"files\":{{\"all\":\"n.csv\"}},\n{more}\"synthetic\":false}}"
        );
        Meta::read(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_meta_file_names_must_be_there() {
        for (more, facts) in [
            (
                "\"monotones\":{},",
                &["unknown field `monotones`, expected one of `name`", "line 4"][..],
            ),
            ("\n\"colour\":1,", &["unknown field `colour`", "`notes`", "line 5"]),
            (
                "\"monotone\":\n{\"calls\":\n\"up\"},",
                &["`monotone` of `calls` is `up`, expected `increasing` or `decreasing`", "line 6"],
            ),
            (
                "\"monotone\":{\"call\":\"increasing\"},",
                &["`call`; did you mean `calls`?", "line 4"],
            ),
            ("\"monotone\":{\"sms\":\"increasing\"},", &["`sms`, expected a name"]),
            ("\"monotone\":{\"2\":\"increasing\"},", &["feature 2", "from 0 to 1"]),
            ("\"monotone\":{\"-1\":\"increasing\"},", &["feature -1", "from 0 to 1"]),
            ("\"monotone\":{\"00\":\"increasing\"},", &["feature 00", "from 0 to 1"]),
            ("\"monotone\":{\"0\":\"increasing\",\"calls\":\"decreasing\"},", &["twice"]),
            ("\"monotone\":{\"calls\":1},", &["line 4", "string"]),
            ("\"monotone\":[],", &["line 4"]),
            ("\"category_codes\":{\"c\":{\"a\":0}},", &["`category_codes` has the feature `c`"]),
            ("\"auxiliary\":-5,", &["line 4", "-5", "expected a whole number of rows, 0 or more"]),
            ("\"auxiliary\":\"5\",", &["line 4", "expected a whole number of rows"]),
            ("\"auxiliary\":2.5,", &["line 4", "expected a whole number of rows"]),
            ("\"notes\":1,\"notes\":2,\"kind\":3,", &["unknown field `kind`"]),
        ] {
            let refused = read(more).unwrap_err();
            assert!(facts.iter().all(|fact| refused.contains(fact)), "{more}: {refused}");
        }
    }

    #[test]
    fn a_low_end_above_the_high_one_is_refused_with_its_line() {
        let text = "{\"name\":\"n\",\"label\":\"y\",\"features\":[\"a\",\"b\"],\"kinds\":[\"real\",\"real\"],\n\
                    \"ranges\":[[\"0\",\"9\"],\n[\"9\",\"0\"]],\"files\":{\"all\":\"n.csv\"},\"synthetic\":false}";
        let refused = Meta::read(text.as_bytes()).unwrap_err().to_string();
        let facts = ["meta.json, line 3", "`ranges` of `b`: low 9 is larger than high 0"];
        assert!(facts.iter().all(|fact| refused.contains(fact)), "{refused}");
    }

    #[test]
    fn names_come_before_indexes() {
        let meta = read("\"monotone\":{\"7\":\"increasing\",\"0\":\"decreasing\"},").unwrap();
        assert_eq!(meta.monotone.len(), 2);
        let more = "\"notes\":{\"any\":[1]},\"feature_std\":[1],\"auxiliary\":7,\"classes\":[\"no\",\"yes\"],";
        let meta = read(more).unwrap();
        assert_eq!((meta.auxiliary, meta.classes.len()), (Some(7), 2));
    }
}
