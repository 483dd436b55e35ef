//! Writes a data set as a CSV and its meta file, completely or not at all.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::DatasetError;
use crate::model::{CsvFile, DataSet, Digest, Files, Meta};
use crate::source::meta_name;
use crate::store::Staged;

/// The name of a data set written to `out` (`N` for `N.csv`), and the name of its file. Refuses
/// other endings. Without a place it is called `other`.
pub(super) fn names(out: Option<&Path>, other: &str) -> Result<(String, String), DatasetError> {
    let Some(out) = out else { return Ok((other.to_owned(), format!("{other}.csv"))) };
    let file = out.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match file.strip_suffix(".csv") {
        Some(name) if !name.is_empty() => Ok((name.to_owned(), file.to_owned())),
        _ => Err(DatasetError::OutName { out: out.display().to_string() }),
    }
}

/// The `files` entry of a data set that is one CSV.
pub(super) fn one_file(name: &str) -> Files {
    Files { all: Some(name.to_owned()), ..Files::default() }
}

/// The text of a meta file.
pub(super) fn meta_text(meta: &Meta) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(meta).expect("meta data has only text keys");
    text.push(b'\n');
    text
}

/// A data set as it was made: a CSV, and where it and its meta file are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrittenSet {
    /// Digest of the data set.
    pub digest: Digest,
    /// The CSV; `None`: it was not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv: Option<PathBuf>,
    /// Its meta file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<PathBuf>,
    /// The bytes of the CSV.
    #[serde(skip)]
    pub text: Vec<u8>,
}

/// Its digest, and its files if it has any.
impl fmt::Display for WrittenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "digest {}", self.digest)?;
        match (&self.csv, &self.meta) {
            (Some(csv), Some(meta)) => {
                write!(f, "\nwritten: {}, {}", csv.display(), meta.display())
            }
            _ => Ok(()),
        }
    }
}

/// Reads the bytes as they would be read back, then writes both files, if there is a place for them. Nothing is written if
/// the bytes are refused.
pub(super) fn write(
    out: Option<&Path>,
    meta: &Meta,
    rows: Vec<u8>,
) -> Result<(DataSet, WrittenSet), DatasetError> {
    let meta_bytes = meta_text(meta);
    let name = out.map_or_else(|| "the rows".to_owned(), |out| out.display().to_string());
    let data = DataSet::read(&meta_bytes, &[CsvFile { name: &name, bytes: &rows }])?;
    let mut written = WrittenSet { digest: data.digest(), csv: None, meta: None, text: rows };
    let Some(out) = out else { return Ok((data, written)) };
    let meta_path = out.with_file_name(meta_name(out));
    let rows_file = Staged::new(out, &written.text)?;
    let meta_file = Staged::new(&meta_path, &meta_bytes)?;
    rows_file.publish()?;
    // Without its meta file the CSV is no data set, so this rename creates the data set.
    meta_file.publish()?;
    (written.csv, written.meta) = (Some(out.to_owned()), Some(meta_path));
    Ok((data, written))
}
