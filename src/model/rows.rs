//! Data: rows of raw features with a label, and the parts they fall into.
//!
//! So that anybody can find row *k* of a part, parts are a function of the file's texts alone: rows
//! keep file order, and where the publisher has no split, rows are dealt by their key, the BLAKE3 of
//! their cell texts, identical rows together.
//!
//! Trusted: takes bytes, opens nothing.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::interval::Decimal;

use super::limits::{MAX_BYTES, MAX_WIDTH};
use super::{Digest, Kind, LimitError, Schema, check_json};

/// Rows an attacker is given, taken out of the test part.
const AUXILIARY_ROWS: usize = 50;

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
}

impl Part {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Train, Self::Validation, Self::Test, Self::Auxiliary];

    /// The name after the colon of `NAME:part`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Auxiliary => "auxiliary",
        }
    }
}

/// The files of a data set, by what they hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Everything; parts are dealt by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<String>,
    /// The publisher's training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<String>,
    /// The publisher's test rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
}

impl Files {
    /// The file names in the order in which they are read and digested.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.all, &self.train, &self.test].into_iter().flatten().map(String::as_str)
    }
}

/// What a `meta.json` declares. Keys that are not listed here are kept by nobody and ignored.
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
    /// Where the rows are.
    pub files: Files,
    /// Whether the rows were made, not collected.
    pub synthetic: bool,
    /// Where the rows come from and under which licence, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Directions in which a score should move, by feature index or name: `increasing`,
    /// `decreasing`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub monotone: BTreeMap<String, String>,
}

impl Meta {
    /// Reads `meta.json`.
    pub fn read(bytes: &[u8]) -> Result<Self, DataError> {
        check_json(bytes)?;
        let meta: Self = serde_json::from_slice(bytes).map_err(DataError::Meta)?;
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
        let Files { all, train, test } = &meta.files;
        if all.is_some() == (train.is_some() || test.is_some()) {
            return Err(DataError::Files);
        }
        Ok(meta)
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

/// Why bytes are no data set. Lines and columns count from 1, the header being line 1.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A size over its limit.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// `meta.json` is not what it should be.
    #[error("meta.json: {0}")]
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
    /// `files` names neither all rows nor parts, or both.
    #[error("meta.json: `files` has either `all`, or `train` and/or `test`")]
    Files,
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
        /// What the unpacker says.
        reason: String,
    },
    /// Broken CSV: a ragged row, a bad quote, text that is not UTF-8.
    #[error("{file}, line {line}: {reason}")]
    Csv {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong.
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
        /// What is expected.
        expected: &'static str,
    },
    /// A class without rows.
    #[error("class {class} has no row; labels run from 0 to {largest}: renumber the classes")]
    EmptyClass {
        /// The class.
        class: usize,
        /// The largest label found.
        largest: usize,
    },
    /// Nothing to tell apart.
    #[error("only one class occurs; a classifier needs at least two")]
    OneClass,
    /// No rows.
    #[error("{file}: there are no rows below the header")]
    NoRows {
        /// The file.
        file: String,
    },
    /// Features that differ from a model's.
    #[error("feature {index} of the data is `{found}`, of the model `{expected}`")]
    Features {
        /// Index of the first difference.
        index: usize,
        /// In the data.
        found: String,
        /// In the model.
        expected: String,
    },
}

/// Rows with their meta data, dealt into parts.
#[derive(Clone, Debug)]
pub struct DataSet {
    meta: Meta,
    digest: Digest,
    classes: usize,
    parts: BTreeMap<Part, Vec<Row>>,
}

impl DataSet {
    /// Reads a data set from the bytes of its `meta.json` and of the files that names, in the
    /// order of [`Files::names`].
    pub fn read(meta_bytes: &[u8], files: &[CsvFile]) -> Result<Self, DataError> {
        let meta = Meta::read(meta_bytes)?;
        let expected = meta.files.names().count();
        if files.len() != expected {
            return Err(DataError::FileCount { found: files.len(), expected });
        }
        let unpacked: Vec<Vec<u8>> =
            files.iter().map(|file| unpack(file, MAX_BYTES)).collect::<Result<_, _>>()?;
        let digest = Digest::of_all(unpacked.iter().map(Vec::as_slice).chain([meta_bytes]));
        let mut tables = Vec::with_capacity(files.len());
        for (file, bytes) in files.iter().zip(&unpacked) {
            tables.push(read_rows(file.name, bytes, &meta)?);
        }
        let classes = count_classes(tables.iter().flatten())?;
        let (train, test) = match (&meta.files.all, &meta.files.train) {
            (Some(_), _) => deal(tables.pop().unwrap_or_default(), 30),
            (None, Some(_)) => {
                let mut tables = tables.into_iter();
                (tables.next().unwrap_or_default(), tables.next().unwrap_or_default())
            }
            (None, None) => (Vec::new(), tables.pop().unwrap_or_default()),
        };
        let (auxiliary, test) = take_auxiliary(test);
        let (train, validation) = hold_out(train, 10);
        let parts = [
            (Part::Train, train),
            (Part::Validation, validation),
            (Part::Test, test),
            (Part::Auxiliary, auxiliary),
        ];
        Ok(Self { meta, digest, classes, parts: parts.into() })
    }

    /// What `meta.json` declares.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// BLAKE3 of the unpacked files and of `meta.json`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Number of classes; every one has a row.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The rows of a part, in file order.
    pub fn part(&self, part: Part) -> &[Row] {
        self.parts.get(&part).map_or(&[], Vec::as_slice)
    }

    /// Refuses a model whose features differ in name or order.
    pub fn check_features(&self, schema: &Schema) -> Result<(), DataError> {
        let (data, model) = (&self.meta.features, schema.features());
        for index in 0..data.len().max(model.len()) {
            let found = data.get(index).map_or("nothing", String::as_str);
            let expected = model.get(index).map_or("nothing", |f| f.name.as_str());
            if found != expected {
                let (found, expected) = (found.to_owned(), expected.to_owned());
                return Err(DataError::Features { index, found, expected });
            }
        }
        Ok(())
    }
}

/// The bytes of a CSV file; gzip is unpacked up to `limit` bytes.
fn unpack(file: &CsvFile, limit: u64) -> Result<Vec<u8>, DataError> {
    let too_large = |found| {
        DataError::Limit(LimitError { what: "bytes of an unpacked data file", found, limit })
    };
    if !file.bytes.starts_with(&[0x1f, 0x8b]) {
        let found = file.bytes.len() as u64;
        return if found <= limit { Ok(file.bytes.to_vec()) } else { Err(too_large(found)) };
    }
    let mut bytes = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(file.bytes);
    decoder.take(limit + 1).read_to_end(&mut bytes).map_err(|error| DataError::Gzip {
        file: file.name.to_owned(),
        reason: error.to_string(),
    })?;
    if bytes.len() as u64 > limit { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

fn read_rows(file: &str, bytes: &[u8], meta: &Meta) -> Result<Vec<Row>, DataError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(bytes);
    let csv_error = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let reason = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("the row has {len} cells, the header {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
            _ => error.to_string(),
        };
        DataError::Csv { file: file.to_owned(), line, reason }
    };
    let header = reader.headers().map_err(csv_error)?.clone();
    let label_column = check_header(file, &header, meta)?;
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(csv_error)? {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(read_row(file, line, &record, label_column, meta)?);
    }
    if rows.is_empty() {
        return Err(DataError::NoRows { file: file.to_owned() });
    }
    Ok(rows)
}

/// The header must be the features in order, with the label somewhere among them; returns where.
fn check_header(file: &str, header: &csv::StringRecord, meta: &Meta) -> Result<usize, DataError> {
    let problem = |column: usize, found: Option<&str>, expected: &str| DataError::Header {
        file: file.to_owned(),
        column: column + 1,
        found: found.unwrap_or("no column").to_owned(),
        expected: expected.to_owned(),
    };
    let label = header
        .iter()
        .position(|name| name == meta.label)
        .ok_or_else(|| problem(0, header.get(0), &meta.label))?;
    let columns = (0..header.len()).filter(|&column| column != label);
    for (column, expected) in columns.clone().zip(&meta.features) {
        if header.get(column) != Some(expected) {
            return Err(problem(column, header.get(column), expected));
        }
    }
    let (found, expected) = (header.len(), meta.features.len() + 1);
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => {
            let missing = meta.features.get(found - 1).map_or("", String::as_str);
            Err(problem(found, None, missing))
        }
        std::cmp::Ordering::Greater => {
            Err(problem(expected, header.get(expected), "no further column"))
        }
        std::cmp::Ordering::Equal => Ok(label),
    }
}

fn read_row(
    file: &str,
    line: u64,
    record: &csv::StringRecord,
    label_column: usize,
    meta: &Meta,
) -> Result<Row, DataError> {
    let cell = |column: usize, name: &str, expected| DataError::Cell {
        file: file.to_owned(),
        line,
        column: column + 1,
        name: name.to_owned(),
        found: record.get(column).unwrap_or("").chars().take(40).collect(),
        expected,
    };
    let mut hasher_input = Vec::new();
    let mut values = Vec::with_capacity(meta.features.len());
    let mut label = None;
    for (column, text) in record.iter().enumerate() {
        if column > 0 {
            hasher_input.push(b',');
        }
        hasher_input.extend_from_slice(text.as_bytes());
        if column == label_column {
            let class = text.parse::<u16>().ok().filter(|_| is_plain_number(text));
            let expected = "a class number 0, 1, 2, …";
            label = Some(class.ok_or_else(|| cell(column, &meta.label, expected))?);
            continue;
        }
        let name = meta.features.get(values.len()).map_or("", String::as_str);
        let value = parse_number(text).map_err(|expected| cell(column, name, expected))?;
        values.push(value);
    }
    let label = label.ok_or_else(|| cell(label_column, &meta.label, "a class number"))?;
    Ok(Row { values, label: usize::from(label), key: Digest::of(&hasher_input) })
}

fn is_plain_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The nearest `f64` of a decimal text, if it also fits an `f32`.
fn parse_number(text: &str) -> Result<f64, &'static str> {
    let is_decimal =
        text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let value = text.parse::<f64>().ok();
    match value {
        Some(value) if value.is_nan() => Err("a number, not NaN: remove the row or fill the cell"),
        Some(value) if is_decimal && (value as f32).is_finite() => Ok(value + 0.0),
        Some(_) if is_decimal => Err("a number that fits a 32-bit float"),
        Some(_) => Err("a finite number"),
        None if text.is_empty() => Err("a number: the cell is empty"),
        None => Err("a number: code texts as numbers first"),
    }
}

fn count_classes<'a>(rows: impl Iterator<Item = &'a Row>) -> Result<usize, DataError> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.label).or_default() += 1;
    }
    let largest = counts.last_key_value().map_or(0, |(&class, _)| class);
    if let Some(class) = (0..=largest).find(|class| !counts.contains_key(class)) {
        return Err(DataError::EmptyClass { class, largest });
    }
    if largest == 0 { Err(DataError::OneClass) } else { Ok(largest + 1) }
}

/// Moves the groups with the smallest keys into the second part until it has `percent` of the rows.
fn deal(rows: Vec<Row>, percent: usize) -> (Vec<Row>, Vec<Row>) {
    split_groups(rows, percent, |keys| keys.sort())
}

/// Moves the groups with the largest keys into the second part until it has `percent` of the rows.
fn hold_out(rows: Vec<Row>, percent: usize) -> (Vec<Row>, Vec<Row>) {
    split_groups(rows, percent, |keys| keys.sort_by(|a, b| b.cmp(a)))
}

/// Whole groups of equal rows, in the given order of keys, until `percent` is reached; both sides
/// keep file order.
fn split_groups(
    rows: Vec<Row>,
    percent: usize,
    order: impl Fn(&mut Vec<Digest>),
) -> (Vec<Row>, Vec<Row>) {
    let mut sizes: BTreeMap<Digest, usize> = BTreeMap::new();
    for row in &rows {
        *sizes.entry(row.key).or_default() += 1;
    }
    let mut keys: Vec<Digest> = sizes.keys().copied().collect();
    order(&mut keys);
    let mut taken = std::collections::BTreeSet::new();
    let mut count = 0;
    for key in keys {
        if count * 100 >= rows.len() * percent {
            break;
        }
        count += sizes.get(&key).copied().unwrap_or(0);
        taken.insert(key);
    }
    rows.into_iter().partition(|row| !taken.contains(&row.key))
}

/// The 50 rows with the largest keys (equal keys: the earlier first), and the rest.
fn take_auxiliary(test: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    let mut order: Vec<usize> = (0..test.len()).collect();
    let key = |index: &usize| test.get(*index).map(|row| row.key);
    order.sort_by(|a, b| key(b).cmp(&key(a)).then(a.cmp(b)));
    let chosen: std::collections::BTreeSet<usize> =
        order.into_iter().take(AUXILIARY_ROWS).collect();
    let (mut auxiliary, mut rest) = (Vec::new(), Vec::new());
    for (index, row) in test.into_iter().enumerate() {
        if chosen.contains(&index) { auxiliary.push(row) } else { rest.push(row) }
    }
    (auxiliary, rest)
}
