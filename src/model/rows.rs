//! Data: rows of raw features with a label, and the parts they fall into.
//!
//! Parts are a function of the file's texts alone, so that anybody can find row *k* of a part. Rows keep file
//! order. Where the publisher has no split, rows are dealt by their key, the BLAKE3 of their cell texts,
//! identical rows together.
//!
//! Trusted: takes bytes, opens nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::MAX_BYTES;
use super::parts::{AUXILIARY_ROWS, deal, hold_out, take_auxiliary};
use super::table::{first_with_label, read_rows, unpack};
use super::{Digest, LimitError, Meta, Schema};

/// One labelled row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Raw feature values, the `f64` nearest to their decimals, in feature order.
    pub values: Vec<f64>,
    /// Class index.
    pub label: usize,
    /// BLAKE3 of the comma-joined cell texts; equal rows share it.
    pub key: Digest,
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Models are fitted to these.
    Train,
    /// Early stopping and strengths of defenses are chosen on these.
    Validation,
    /// Figures are reported on these.
    Test,
    /// An attacker's own rows.
    Auxiliary,
    /// Points that were answered, each with its answer as label. Such a set has no other part.
    Served,
}

impl Part {
    /// The four of a set of rows.
    pub const ALL: [Self; 4] = [Self::Train, Self::Validation, Self::Test, Self::Auxiliary];

    /// The name after the colon of `NAME:part`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Auxiliary => "auxiliary",
            Self::Served => "served",
        }
    }
}

/// The bytes of one data file, packed or not, with the name used in messages.
#[derive(Clone, Copy, Debug)]
pub struct CsvFile<'a> {
    /// Shown in messages.
    pub name: &'a str,
    /// CSV, or gzip of CSV.
    pub bytes: &'a [u8],
}

/// The error for bytes that are no data set. Lines and columns count from 1; the header is line 1.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// `meta.json` is not what it should be.
    #[error("meta.json{}", placed(_0))]
    Meta(serde_json::Error),
    /// A list of `meta.json` of the wrong length.
    #[error("meta.json: `{list}` has {found} entries, expected {expected}")]
    MetaLength {
        /// The list.
        list: &'static str,
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
    /// `files` names rows in no way, or in several.
    #[error("meta.json: `files` has either `all`, or `train` and/or `test`, or `served`")]
    Files,
    /// `auxiliary` takes every test row.
    #[error(
        "meta.json: `auxiliary` is {found}, and only {rows} rows are dealt to the test part that they are taken from: \
         none is left to test on; expected fewer"
    )]
    Auxiliary {
        /// Auxiliary rows wanted.
        found: usize,
        /// Rows there are.
        rows: usize,
    },
    /// The number of files differs from what `meta.json` names.
    #[error("{found} files were given, meta.json names {expected}")]
    FileCount {
        /// Files given.
        found: usize,
        /// Files named.
        expected: usize,
    },
    /// Broken gzip.
    #[error("{file}: cannot be unpacked: {reason}")]
    Gzip {
        /// The file.
        file: String,
        /// Message of the unpacker.
        reason: String,
    },
    /// Broken CSV: a ragged row, a bad quote, text that is not UTF-8.
    #[error("{file}, line {line}: {reason}")]
    Csv {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The problem found.
        reason: String,
    },
    /// A header that is not the label and the features of `meta.json`.
    #[error("{file}, line 1, column {column}: found `{found}`, expected `{expected}`")]
    Header {
        /// The file.
        file: String,
        /// The column.
        column: usize,
        /// Name found.
        found: String,
        /// Name expected.
        expected: String,
    },
    /// A cell that is no number of the kind expected.
    #[error(
        "{file}, line {line}, column {column} (`{name}`): found `{found}`, expected {expected}"
    )]
    Cell {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: usize,
        /// The column's name.
        name: String,
        /// The text found.
        found: String,
        /// The content expected.
        expected: &'static str,
    },
    /// A class without rows.
    #[error(
        "{file}, line {line}, column {column} (`{label}`): found class {largest}, but class {class} \
         has no row: renumber the classes"
    )]
    EmptyClass {
        /// The file with the largest label.
        file: String,
        /// The first line with it.
        line: u64,
        /// The label column.
        column: usize,
        /// Name of the label column.
        label: String,
        /// The class without rows.
        class: usize,
        /// The largest label found.
        largest: usize,
    },
    /// Only one class occurs.
    #[error("only one class occurs; a classifier needs at least two")]
    OneClass,
    /// No rows.
    #[error("{file}: there are no rows below the header")]
    NoRows {
        /// The file.
        file: String,
    },
    /// Features in another order than a model's.
    #[error("feature {index} of the data is `{found}`, of the model `{expected}`")]
    Order {
        /// Index of the first difference.
        index: usize,
        /// Name in the data.
        found: String,
        /// Name in the model.
        expected: String,
    },
    /// Columns that are not a model's features.
    #[error(
        "the model's features and the columns of the data differ: {}",
        differences(missing, extra)
    )]
    Features {
        /// Features without a column.
        missing: Vec<String>,
        /// Columns of no feature.
        extra: Vec<String>,
    },
}

/// A fault in a JSON text, after its line and column.
fn placed(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    match text.strip_suffix(&place) {
        Some(text) => format!(", line {line}, column {column}: {text}"),
        None => format!(": {text}"),
    }
}

/// Lists the names that are missing and the names that are extra, some of each.
fn differences(missing: &[String], extra: &[String]) -> String {
    let named = |what: &str, names: &[String]| {
        let shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name:.40}`")).collect();
        let more = names.len() - shown.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (!names.is_empty()).then(|| format!("{what} {}{more}", shown.join(", ")))
    };
    let found = [named("missing", missing), named("not in the model", extra)];
    found.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Rows with their meta data, dealt into parts.
#[derive(Clone, Debug)]
pub struct DataSet {
    meta: Meta,
    digest: Digest,
    classes: usize,
    parts: BTreeMap<Part, Arc<Vec<Row>>>,
    /// The part of which only rows at a step are left.
    thinned: Option<(Part, NonZeroUsize)>,
}

impl DataSet {
    /// Reads a data set from the bytes of its `meta.json` and of the files that names, in the
    /// order of [`Files::names`](crate::model::Files::names).
    pub fn read(meta_bytes: &[u8], files: &[CsvFile]) -> Result<Self, DataError> {
        let meta = Meta::read(meta_bytes)?;
        let expected = meta.files.names().count();
        if files.len() != expected {
            return Err(DataError::FileCount { found: files.len(), expected });
        }
        let unpacked: Vec<Vec<u8>> =
            files.iter().map(|file| unpack(file, MAX_BYTES)).collect::<Result<_, _>>()?;
        let digest = digest_of(&unpacked, meta_bytes);
        let mut tables = Vec::with_capacity(files.len());
        for (file, bytes) in files.iter().zip(&unpacked) {
            tables.push(read_rows(file.name, bytes, &meta)?);
        }
        if meta.files.served.is_some() {
            let rows: Vec<Row> = tables.into_iter().flatten().collect();
            let classes = rows.iter().map(|row| row.label + 1).max().unwrap_or(0);
            return Ok(Self {
                meta,
                digest,
                classes,
                parts: [(Part::Served, Arc::new(rows))].into(),
                thinned: None,
            });
        }
        let texts: Vec<(&str, &[u8])> =
            files.iter().map(|file| file.name).zip(unpacked.iter().map(Vec::as_slice)).collect();
        let classes = count_classes(tables.iter().flatten(), &meta.label, &texts)?;
        if !meta.classes.is_empty() && meta.classes.len() != classes {
            let found = meta.classes.len();
            return Err(DataError::MetaLength { list: "classes", found, expected: classes });
        }
        let (train, test) = match (&meta.files.all, &meta.files.train) {
            (Some(_), _) => deal(tables.pop().unwrap_or_default(), 30),
            (None, Some(_)) => {
                let mut tables = tables.into_iter();
                (tables.next().unwrap_or_default(), tables.next().unwrap_or_default())
            }
            (None, None) => (Vec::new(), tables.pop().unwrap_or_default()),
        };
        let rows = test.len();
        let (auxiliary, test) = take_auxiliary(test, meta.auxiliary.unwrap_or(AUXILIARY_ROWS));
        if let Some(found) = meta.auxiliary.filter(|_| test.is_empty() && rows > 0) {
            return Err(DataError::Auxiliary { found, rows });
        }
        let (train, validation) = hold_out(train, 10);
        let parts = [
            (Part::Train, train),
            (Part::Validation, validation),
            (Part::Test, test),
            (Part::Auxiliary, auxiliary),
        ];
        Ok(Self {
            meta,
            digest,
            classes,
            parts: parts.map(|(part, rows)| (part, Arc::new(rows))).into(),
            thinned: None,
        })
    }

    /// The declarations of `meta.json`.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// With one file: BLAKE3 of the unpacked file followed by `meta.json`. With two: BLAKE3 of the 32-byte
    /// digests of both unpacked files, in the order of [`Files::names`](crate::model::Files::names), followed by the digest of `meta.json`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Number of classes; every one has a row, but for answers that were served.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Of one part every `step`-th row, from its first, and the other parts as they are: for parts whose file order says
    /// something, so that their first rows are unlike the others. The digest stays: it is about the files. Steps of one
    /// part multiply; a step of another part is no longer known.
    #[must_use]
    pub fn every(&self, part: Part, step: NonZeroUsize) -> Self {
        let mut data = self.clone();
        let rows = self.part(part).iter().step_by(step.get()).cloned().collect();
        data.parts.insert(part, Arc::new(rows));
        data.thinned = Some((part, step.saturating_mul(self.step(part))));
        data
    }

    /// The step between the rows of a part that are left; 1 if all are.
    pub fn step(&self, part: Part) -> NonZeroUsize {
        let here = self.thinned.filter(|(thinned, _)| *thinned == part);
        here.map_or(NonZeroUsize::MIN, |(_, step)| step)
    }

    /// The rows of a part, in file order.
    pub fn part(&self, part: Part) -> &[Row] {
        self.parts.get(&part).map_or(&[], |rows| rows.as_slice())
    }

    /// Refuses data whose features are not those of a model, in the model's order ([`DataSet::ordered_as`]).
    pub fn check_features(&self, schema: &Schema) -> Result<(), DataError> {
        let (data, model) = (&self.meta.features, schema.features());
        for index in 0..data.len().max(model.len()) {
            let found = data.get(index).map_or("nothing", String::as_str);
            let expected = model.get(index).map_or("nothing", |f| f.name.as_str());
            if found != expected {
                let (found, expected) = (found.to_owned(), expected.to_owned());
                return Err(DataError::Order { index, found, expected });
            }
        }
        Ok(())
    }

    /// The same rows with the features in the order of a model, each found by its name. Digest, parts and
    /// keys stay as they are: they are about the files.
    ///
    /// # Errors
    /// The names are not the same on both sides.
    pub fn ordered_as(mut self, schema: &Schema) -> Result<Self, DataError> {
        let data: BTreeMap<&str, usize> =
            self.meta.features.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let model: BTreeSet<&str> = schema.features().iter().map(|f| f.name.as_str()).collect();
        let names = |found: Vec<&&str>| found.into_iter().map(|name| (*name).to_owned()).collect();
        let missing: Vec<_> = model.iter().filter(|name| !data.contains_key(**name)).collect();
        let extra: Vec<_> = data.keys().filter(|name| !model.contains(**name)).collect();
        if !missing.is_empty() || !extra.is_empty() {
            return Err(DataError::Features { missing: names(missing), extra: names(extra) });
        }
        let names = schema.features().iter().map(|f| f.name.as_str());
        let places: Vec<usize> = names.filter_map(|name| data.get(name).copied()).collect();
        if !places.is_sorted() {
            for row in self.parts.values_mut().flat_map(Arc::make_mut) {
                row.values = ordered(&row.values, &places);
            }
            self.meta = self.meta.ordered(&places);
        }
        Ok(self)
    }
}

/// The values at these places.
pub(super) fn ordered<T: Clone>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().filter_map(|&place| values.get(place).cloned()).collect()
}

/// The digest that names the contents of all files. Two files joined end to end would not show where the second
/// begins, so rows could change parts. After a single file the seam is known: `meta.json` begins with `{`, and
/// no row of numbers holds that.
fn digest_of(unpacked: &[Vec<u8>], meta: &[u8]) -> Digest {
    match unpacked {
        [all] => Digest::of_all([all.as_slice(), meta]),
        several => {
            let digests: Vec<Digest> =
                several.iter().map(Vec::as_slice).chain([meta]).map(Digest::of).collect();
            Digest::of_all(digests.iter().map(|digest| digest.bytes().as_slice()))
        }
    }
}

/// The number of classes; `texts` are the files, in which an error finds the place of a label.
fn count_classes<'a>(
    rows: impl Iterator<Item = &'a Row>,
    label: &str,
    texts: &[(&str, &[u8])],
) -> Result<usize, DataError> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.label).or_default() += 1;
    }
    let largest = counts.last_key_value().map_or(0, |(&class, _)| class);
    if let Some(class) = (0..=largest).find(|class| !counts.contains_key(class)) {
        let place = texts.iter().find_map(|(file, bytes)| {
            let (line, column) = first_with_label(bytes, label, largest)?;
            Some(((*file).to_owned(), line, column))
        });
        let (file, line, column) = place.unwrap_or_default();
        let label = label.to_owned();
        return Err(DataError::EmptyClass { file, line, column, label, class, largest });
    }
    if largest == 0 { Err(DataError::OneClass) } else { Ok(largest + 1) }
}
