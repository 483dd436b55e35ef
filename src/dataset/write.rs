//! Writes a data set as a CSV and its meta file, completely or not at all.

use std::path::{Path, PathBuf};

use super::DatasetError;
use crate::model::{CsvFile, DataSet, Files, Meta};
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

/// Reads the bytes as they would be read back, then writes both files, if there is a place for them. Returns the data set
/// read and the path of the meta file. Nothing is written if the bytes are refused.
pub(super) fn write(
    out: Option<&Path>,
    meta: &Meta,
    rows: &[u8],
) -> Result<(DataSet, Option<PathBuf>), DatasetError> {
    let meta_bytes = meta_text(meta);
    let name = out.map_or_else(|| "the rows".to_owned(), |out| out.display().to_string());
    let data = DataSet::read(&meta_bytes, &[CsvFile { name: &name, bytes: rows }])?;
    let Some(out) = out else { return Ok((data, None)) };
    let meta_path = out.with_file_name(meta_name(out));
    let rows_file = Staged::new(out, rows)?;
    let meta_file = Staged::new(&meta_path, &meta_bytes)?;
    rows_file.publish()?;
    // Without its meta file the CSV is no data set, so this rename creates the data set.
    meta_file.publish()?;
    Ok((data, Some(meta_path)))
}
