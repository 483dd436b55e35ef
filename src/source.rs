//! The places of data sets: one shipped inside the program, folders, and files.
//!
//! A data set is a `meta.json` and the CSV files it names, which lie beside it. The text that a user
//! writes after `--data` is, in this order,
//!
//! 1. the name of the built-in set, `spambase`;
//! 2. a name `N` in the data folder: `N/meta.json` or `N.meta.json` there;
//! 3. a folder with a `meta.json`;
//! 4. a CSV that `N.meta.json` or `meta.json` beside it lists under `files`.
//!
//! Only regular files of at most 1 GiB are read. This module uses only the trusted reader, so that
//! the checker alone has it too.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::model::{CsvFile, DataError, DataSet, MAX_BYTES, Meta};

/// Name of the data set inside the program.
pub const BUILT_IN: &str = "spambase";

const SPAMBASE_META: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/spambase/meta.json"));
const SPAMBASE_ROWS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/spambase/all.csv.gz"));

/// Reasons why a data set was not read. Paths are shown as the user gave them.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The text is neither a name nor a path.
    #[error(
        "there is no data set `{name}`: looked for {}; {}",
        looked_for.join(", "),
        advice(*has_folder)
    )]
    NotFound {
        /// The name requested.
        name: String,
        /// Every place tried.
        looked_for: Vec<String>,
        /// True if a data folder was given.
        has_folder: bool,
    },
    /// A folder or a CSV without meta data.
    #[error(
        "`{path}` has no meta data: looked for {}; `data import` writes one for any CSV",
        looked_for.join(", ")
    )]
    NoMeta {
        /// The folder or file.
        path: String,
        /// Every place tried.
        looked_for: Vec<String>,
    },
    /// A CSV that its meta data does not list.
    #[error("`{file}` is not listed under `files` of `{meta}`, which has {}", listed.join(", "))]
    NotListed {
        /// The CSV.
        file: String,
        /// The meta data beside it.
        meta: String,
        /// The files that are listed.
        listed: Vec<String>,
    },
    /// A file name in `meta.json` that leads elsewhere.
    #[error("`{meta}` lists the file `{file}`; expected a plain file name, the file beside it")]
    Elsewhere {
        /// The meta data.
        meta: String,
        /// The name found.
        file: String,
    },
    /// A folder, pipe or device.
    #[error("{path}: not a regular file")]
    NotRegular {
        /// The path.
        path: String,
    },
    /// A file over the limit.
    #[error("{path}: {found} bytes; the limit is {limit}")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size in bytes.
        found: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The operating system refused.
    #[error("{path}: {reason}")]
    Read {
        /// The path.
        path: String,
        /// The system's message.
        reason: std::io::Error,
    },
    /// The bytes are no data set.
    #[error("data set `{name}`: {reason}")]
    Data {
        /// The place of its meta data.
        name: String,
        /// The fault, with file, line and column.
        reason: Box<DataError>,
    },
}

fn advice(has_folder: bool) -> &'static str {
    if has_folder {
        "`data list` shows all names"
    } else {
        "name a folder of data sets in PROPCERT_DATA, or give a path"
    }
}

/// Reads the data set with that name or path. Names other than the built-in one are looked up in
/// `folder` (the value of `PROPCERT_DATA`).
pub fn read(name: &str, folder: Option<&Path>) -> Result<DataSet, SourceError> {
    if name == BUILT_IN { built_in() } else { read_meta(&locate(name, folder)?) }
}

/// The data set inside the program.
pub fn built_in() -> Result<DataSet, SourceError> {
    let files = [CsvFile { name: "spambase/all.csv.gz", bytes: SPAMBASE_ROWS }];
    DataSet::read(SPAMBASE_META, &files)
        .map_err(|reason| SourceError::Data { name: BUILT_IN.to_owned(), reason: Box::new(reason) })
}

/// Path of the meta data of a name in `folder`, of a folder or of a CSV.
pub fn locate(name: &str, folder: Option<&Path>) -> Result<PathBuf, SourceError> {
    let mut looked_for = vec![format!("the built-in `{BUILT_IN}`")];
    if let (Some(folder), true) = (folder, is_plain(name)) {
        let places =
            [folder.join(name).join("meta.json"), folder.join(format!("{name}.meta.json"))];
        if let Some(found) = places.iter().find(|place| place.exists()) {
            return Ok(found.clone());
        }
        looked_for.extend(places.iter().map(|place| format!("`{}`", place.display())));
    }
    let path = Path::new(name);
    if path.is_dir() {
        return meta_of_folder(path);
    }
    if path.exists() {
        return meta_of_file(path);
    }
    looked_for.push(format!("the path `{name}`"));
    Err(SourceError::NotFound { name: name.to_owned(), looked_for, has_folder: folder.is_some() })
}

/// The files of the data set with that name or path, its meta data first; the built-in one has none.
pub fn files_of(name: &str, folder: Option<&Path>) -> Result<Vec<PathBuf>, SourceError> {
    if name == BUILT_IN {
        return Ok(Vec::new());
    }
    let path = locate(name, folder)?;
    let meta = Meta::read(&read_regular(&path, MAX_BYTES)?).map_err(|reason| {
        SourceError::Data { name: path.display().to_string(), reason: Box::new(reason) }
    })?;
    let rows: Vec<PathBuf> = meta.files.names().map(|file| path.with_file_name(file)).collect();
    Ok(std::iter::once(path).chain(rows).collect())
}

/// Reads the data set of a folder that has a `meta.json`.
pub fn read_folder(path: &Path) -> Result<DataSet, SourceError> {
    read_meta(&meta_of_folder(path)?)
}

/// Reads the data set of a meta file.
pub fn read_meta(path: &Path) -> Result<DataSet, SourceError> {
    let name = || path.display().to_string();
    let refused = |reason| SourceError::Data { name: name(), reason: Box::new(reason) };
    let meta_bytes = read_regular(path, MAX_BYTES)?;
    let meta = Meta::read(&meta_bytes).map_err(refused)?;
    let mut files = Vec::new();
    for file in meta.files.names() {
        if !is_plain(file) {
            return Err(SourceError::Elsewhere { meta: name(), file: file.to_owned() });
        }
        let beside = path.with_file_name(file);
        files.push((beside.display().to_string(), read_regular(&beside, MAX_BYTES)?));
    }
    let files: Vec<CsvFile> = files.iter().map(|(name, bytes)| CsvFile { name, bytes }).collect();
    DataSet::read(&meta_bytes, &files).map_err(refused)
}

fn meta_of_folder(folder: &Path) -> Result<PathBuf, SourceError> {
    let meta = folder.join("meta.json");
    if meta.exists() {
        return Ok(meta);
    }
    let looked_for = vec![format!("`{}`", meta.display())];
    Err(SourceError::NoMeta { path: folder.display().to_string(), looked_for })
}

/// `N.meta.json`, else `meta.json`, beside the CSV; the meta data must list the CSV.
fn meta_of_file(csv: &Path) -> Result<PathBuf, SourceError> {
    let places = [csv.with_file_name(meta_name(csv)), csv.with_file_name("meta.json")];
    let Some(meta) = places.iter().find(|place| place.exists()) else {
        let looked_for = places.iter().map(|place| format!("`{}`", place.display())).collect();
        return Err(SourceError::NoMeta { path: csv.display().to_string(), looked_for });
    };
    let name = meta.display().to_string();
    let declared = Meta::read(&read_regular(meta, MAX_BYTES)?)
        .map_err(|reason| SourceError::Data { name: name.clone(), reason: Box::new(reason) })?;
    let is_listed =
        declared.files.names().any(|file| csv.file_name().is_some_and(|name| name == file));
    if is_listed {
        return Ok(meta.clone());
    }
    let listed = declared.files.names().map(|file| format!("`{file}`")).collect();
    Err(SourceError::NotListed { file: csv.display().to_string(), meta: name, listed })
}

/// `N.meta.json` for `N.csv` and `N.csv.gz`.
pub fn meta_name(csv: &Path) -> String {
    let name = csv.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    format!("{}.meta.json", stem.strip_suffix(".csv").unwrap_or(stem))
}

/// True if a name is one component of a path and leads neither up nor elsewhere.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(only)), None)
        if only == name)
}

/// Opens a regular file of at most `limit` bytes.
pub fn open_regular(path: &Path, limit: u64) -> Result<File, SourceError> {
    let shown = || path.display().to_string();
    let unreadable = |reason| SourceError::Read { path: shown(), reason };
    // Opening a pipe would wait for its writer, so the path is checked before it is opened.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SourceError::NotRegular { path: shown() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let held = file.metadata().map_err(unreadable)?;
    if !held.is_file() {
        return Err(SourceError::NotRegular { path: shown() });
    }
    if held.len() > limit {
        return Err(SourceError::TooLarge { path: shown(), found: held.len(), limit });
    }
    Ok(file)
}

/// Most bytes of memory reserved before anything is read.
const AT_ONCE: u64 = 64 << 20;

/// The bytes of a regular file of at most `limit` bytes; at most one byte more is read.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let shown = || path.display().to_string();
    let file = open_regular(path, limit)?;
    let held = file.metadata().map_err(|reason| SourceError::Read { path: shown(), reason })?.len();
    // the size of the file, so that growing the buffer does not hold the content twice
    let mut bytes = Vec::with_capacity(usize::try_from(held.min(AT_ONCE)).unwrap_or(0));
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|reason| SourceError::Read { path: shown(), reason })?;
    // The file may have grown since its size was read.
    let found = bytes.len() as u64;
    if found > limit {
        Err(SourceError::TooLarge { path: shown(), found, limit })
    } else {
        Ok(bytes)
    }
}
