//! The data sets that can be named.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::paper::PAPER_SETS;
use super::table::table;
use crate::model::Meta;
use crate::source::{self, SourceError};

/// Largest meta file that is opened for a list, in bytes.
const MAX_META_BYTES: u64 = 1 << 24;

/// Names that `--data` and `data make` accept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// Data sets that can be opened, by name: the built-in one, then those of the folder in order.
    pub sets: Vec<ListedSet>,
    /// Meta files in the folder that are refused, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedSet>,
    /// Shapes of synthetic sets that can be made.
    pub shapes: Vec<ListedShape>,
    /// True if a data folder was given.
    pub has_folder: bool,
}

/// A data set that can be opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedSet {
    /// The text to write after `--data`.
    pub name: String,
    /// Number of features.
    pub features: usize,
    /// True if the rows were made, not collected.
    pub synthetic: bool,
    /// `built in`, or `PROPCERT_DATA`.
    pub from: &'static str,
}

/// A data set whose meta file is refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefusedSet {
    /// The name of its folder or file.
    pub name: String,
    /// The fault.
    pub reason: String,
}

/// A shape of the paper.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedShape {
    /// The text to write after `data make`.
    pub shape: String,
    /// Default number of rows.
    pub rows: usize,
    /// Number of features.
    pub features: usize,
}

/// The built-in set, the sets in `folder`, and the synthetic shapes.
pub fn list(folder: Option<&Path>) -> Result<Listing, SourceError> {
    let built_in = source::built_in()?;
    let mut sets = vec![ListedSet {
        name: source::BUILT_IN.to_owned(),
        features: built_in.meta().features.len(),
        synthetic: built_in.meta().synthetic,
        from: "built in",
    }];
    let mut refused = Vec::new();
    for found in folder.map(sets_in).transpose()?.unwrap_or_default() {
        match found {
            Ok(set) if set.name != source::BUILT_IN => sets.push(set),
            Ok(_) => {}
            Err(set) => refused.push(set),
        }
    }
    let shapes = PAPER_SETS
        .iter()
        .map(|set| ListedShape {
            shape: set.name.to_owned(),
            rows: set.rows,
            features: set.features,
        })
        .collect();
    Ok(Listing { sets, refused, shapes, has_folder: folder.is_some() })
}

fn sets_in(folder: &Path) -> Result<Vec<Result<ListedSet, RefusedSet>>, SourceError> {
    let unreadable =
        |reason| SourceError::Read { path: format!("PROPCERT_DATA: {}", folder.display()), reason };
    let mut places: Vec<(String, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            places.push((name.to_owned(), path.join("meta.json")));
        } else if let Some(name) = name.strip_suffix(".meta.json") {
            places.push((name.to_owned(), path));
        }
    }
    // Folders are read in no particular order. A folder hides a file of the same name.
    places.sort_by_key(|(name, meta)| (name.clone(), !meta.ends_with("meta.json")));
    places.dedup_by(|later, earlier| later.0 == earlier.0);
    // A folder without a meta file is no data set.
    places.retain(|(_, meta)| meta.is_file());
    Ok(places.into_iter().map(|(name, meta)| listed(name, &meta)).collect())
}

fn listed(name: String, meta: &Path) -> Result<ListedSet, RefusedSet> {
    let refused = |reason: String| RefusedSet { name: name.clone(), reason };
    let bytes =
        source::read_regular(meta, MAX_META_BYTES).map_err(|error| refused(error.to_string()))?;
    let meta = Meta::read(&bytes).map_err(|error| refused(error.to_string()))?;
    let features = meta.features.len();
    Ok(ListedSet { name, features, synthetic: meta.synthetic, from: "PROPCERT_DATA" })
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sets = table(&["data set", "from", "origin", "features"], 3);
        for set in &self.sets {
            let origin = if set.synthetic { "synthetic" } else { "collected" };
            sets.add_row([&set.name, set.from, origin, &set.features.to_string()]);
        }
        writeln!(f, "{sets}")?;
        if !self.refused.is_empty() {
            writeln!(f, "\nRefused:")?;
        }
        for RefusedSet { name, reason } in &self.refused {
            writeln!(f, "  {name}: {reason}")?;
        }
        if !self.has_folder {
            writeln!(f, "\nMore, if PROPCERT_DATA names a folder of data sets.")?;
        }
        writeln!(f, "\nSynthetic sets can be made (`data make SHAPE`) in these shapes:")?;
        let mut shapes = table(&["shape", "rows", "features"], 1);
        for shape in &self.shapes {
            let (rows, features) = (shape.rows.to_string(), shape.features.to_string());
            shapes.add_row([&shape.shape, &rows, &features]);
        }
        write!(f, "{shapes}")
    }
}
