//! The declarations of a data set, read strictly.
//!
//! Trusted: takes bytes, opens nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::interval::Decimal;

use super::limits::MAX_WIDTH;
use super::meta_keys::{MetaKeys, check_features, row_count};
use super::rows::ordered;
use super::{DataError, Kind, Object, check_json, object};

/// The files of a data set, by content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// All rows; parts are dealt by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<String>,
    /// The publisher's training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<String>,
    /// The publisher's test rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// Points that were answered, their answers as labels; no class needs to occur.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<String>,
}

impl Files {
    /// The file names in the order in which they are read and digested.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.all, &self.train, &self.test, &self.served].into_iter().flatten().map(String::as_str)
    }
}

/// The declarations of a `meta.json`. The page of keys says what each may be, and which are not kept; any other key is
/// refused, with its line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Name of the data set.
    pub name: String,
    /// Name of the label column.
    pub label: String,
    /// Names of the feature columns, in order.
    pub features: Vec<String>,
    /// One kind per feature.
    pub kinds: Vec<Kind>,
    /// Lowest and highest raw value per feature.
    pub ranges: Vec<(Decimal, Decimal)>,
    /// Names of the files that hold the rows.
    #[serde(deserialize_with = "object")]
    pub files: Files,
    /// True if the rows were made, not collected.
    pub synthetic: bool,
    /// Origin and licence of the rows, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The text of each class's label, in class order; empty: not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Rows taken out of the test part for the auxiliary part; `None`: 50.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "row_count")]
    pub auxiliary: Option<usize>,
    /// Directions in which a score should move, by feature index or name: `increasing`,
    /// `decreasing`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub monotone: BTreeMap<String, String>,
    /// Numbers that stand for texts, by feature.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub category_codes: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Meta {
    /// Reads `meta.json`.
    ///
    /// # Errors
    /// Bytes that are not the JSON of the page of keys; keys, features and directions that do not exist, and ranges whose
    /// low end is above the high one, with their line; lists that are not as long as `features`.
    pub fn read(bytes: &[u8]) -> Result<Self, DataError> {
        check_json(bytes)?;
        let Object(MetaKeys) = serde_json::from_slice(bytes).map_err(DataError::Meta)?;
        let Object(meta): Object<Self> = serde_json::from_slice(bytes).map_err(DataError::Meta)?;
        let width = meta.features.len();
        let lists = [("kinds", meta.kinds.len()), ("ranges", meta.ranges.len())];
        for (list, found) in lists {
            if found != width {
                return Err(DataError::MetaLength { list, found, expected: width });
            }
        }
        if width == 0 || width > MAX_WIDTH {
            return Err(DataError::MetaLength { list: "features", found: width, expected: 1 });
        }
        let Files { all, train, test, served } = &meta.files;
        let ways = [all.is_some(), train.is_some() || test.is_some(), served.is_some()];
        if ways.iter().filter(|is_used| **is_used).count() != 1 {
            return Err(DataError::Files);
        }
        check_features(bytes, &meta.features).map_err(DataError::Meta)?;
        Ok(meta)
    }

    /// The same declarations with reordered features; `places` gives their old places.
    pub(super) fn ordered(self, places: &[usize]) -> Self {
        let Self { features, kinds, ranges, monotone, .. } = &self;
        let is_name = |key: &String| features.contains(key);
        let name = |key: &String| key.parse().ok().and_then(|index: usize| features.get(index));
        let named = |key: &String| name(key).filter(|_| !is_name(key)).unwrap_or(key).clone();
        Self {
            monotone: monotone.iter().map(|(key, to)| (named(key), to.clone())).collect(),
            features: ordered(features, places),
            kinds: ordered(kinds, places),
            ranges: ordered(ranges, places),
            ..self
        }
    }
}
