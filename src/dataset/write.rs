//! Writes a data set as a CSV and its meta file, completely or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::DatasetError;
use crate::model::{CsvFile, DataSet, Files, Meta};
use crate::source::meta_name;

/// The name of a data set written to `out` (`N` for `N.csv`), and the name of its file. Refuses
/// other endings.
pub(super) fn names(out: &Path) -> Result<(String, String), DatasetError> {
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

/// Reads the bytes as they would be read back, then writes both files. Returns the data set read and
/// the path of the meta file. Nothing is written if the bytes are refused.
pub(super) fn write(
    out: &Path,
    meta: &Meta,
    rows: &[u8],
) -> Result<(DataSet, PathBuf), DatasetError> {
    let meta_bytes = meta_text(meta);
    let name = out.display().to_string();
    let data = DataSet::read(&meta_bytes, &[CsvFile { name: &name, bytes: rows }])?;
    let meta_path = out.with_file_name(meta_name(out));
    let rows_file = staged(out, rows)?;
    let meta_file = staged(&meta_path, &meta_bytes)?;
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: tempfile::PersistError| DatasetError::Write { path, reason: error.error }
    };
    rows_file.persist(out).map_err(failed(out))?;
    // Without its meta file the CSV is no data set, so this rename creates the data set.
    meta_file.persist(&meta_path).map_err(failed(&meta_path))?;
    Ok((data, meta_path))
}

/// The system's message, without the name of the temporary file that it was about.
pub(crate) fn without_temporary_name(error: std::io::Error) -> std::io::Error {
    match error.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code),
        None if error.kind() == std::io::ErrorKind::NotFound => {
            std::io::Error::new(error.kind(), "its folder is not there; make it first")
        }
        None => error.kind().into(),
    }
}

/// A temporary file beside `path` with these bytes; removed unless it is persisted.
fn staged(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, DatasetError> {
    let failed = |reason| DatasetError::Write {
        path: path.display().to_string(),
        reason: without_temporary_name(reason),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}
