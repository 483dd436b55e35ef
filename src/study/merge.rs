//! The shards of a study, put together: the folder is that of a run in one piece, byte for byte.

use std::path::{Path, PathBuf};

use crate::model::MAX_BYTES;
use crate::source::read_regular;
use crate::store::{Growing, Store};

use super::StudyError;
use super::cell::Cell;
use super::ledger::{CELLS, StudyHeader, StudyLines};
use super::line::ResultLine;

/// Reasons why results cannot be read or put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A line that is none, or out of order.
    #[error("{path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
        /// The fault.
        reason: String,
    },
    /// Folders of different studies.
    #[error(
        "{folder}: another study than {first}: `{key}` is {found:.80}, there {expected:.80}; merge shards of one grid, \
         data and version"
    )]
    OtherStudy {
        /// The folder.
        folder: String,
        /// The first folder.
        first: String,
        /// The key of `study.json` that differs.
        key: String,
        /// Its value.
        found: String,
        /// Its value in the first folder.
        expected: String,
    },
    /// A cell that no folder has.
    #[error(
        "cell {index} `{key}`, of {all} cells, is in none of the folders; give all shards, each run to its end"
    )]
    Missing {
        /// The place of the cell.
        index: u64,
        /// Its key.
        key: String,
        /// Cells of the grid.
        all: u64,
    },
    /// A cell that two folders have.
    #[error("cell {index} `{key}` is in {one} and in {other}; give each shard once")]
    Twice {
        /// The place of the cell.
        index: u64,
        /// Its key.
        key: String,
        /// A folder.
        one: String,
        /// Another.
        other: String,
    },
    /// A file that differs between two folders.
    #[error("{path}: differs from the same file of another shard; run one of them anew")]
    Differs {
        /// The file.
        path: String,
    },
}

/// A shard's folder with its next line.
struct OpenShard<'a> {
    folder: &'a Path,
    lines: StudyLines,
    next: Option<(Cell, ResultLine, Vec<u8>)>,
}

/// Puts the shards of `folders` together in `store`, and tells of every line.
///
/// # Errors
/// Folders of different studies, cells that are missing or there twice, files that differ.
pub fn merge(
    folders: &[PathBuf],
    store: &Store,
    tell: &mut dyn FnMut(&ResultLine),
) -> Result<StudyHeader, StudyError> {
    let header = common_header(folders)?;
    let mut shards = Vec::with_capacity(folders.len());
    for folder in folders {
        let mut lines = StudyLines::open(folder)?;
        let next = lines.next(&header.layout)?;
        shards.push(OpenShard { folder, lines, next });
    }
    let mut whole = Growing::new(&store.path(CELLS))?;
    for index in 0..header.cells {
        let (line, bytes) = take(&mut shards, index, &header)?;
        tell(&line);
        whole.add(&bytes)?;
    }
    whole.publish()?;
    for name in header.layout.files() {
        copy(&name, folders, store)?;
    }
    if let Some(first) = folders.first() {
        header.write(store, &header.grid_of(first)?)?;
    }
    Ok(header)
}

/// The line of a cell; exactly one folder has it.
fn take(
    shards: &mut [OpenShard],
    index: u64,
    header: &StudyHeader,
) -> Result<(ResultLine, Vec<u8>), StudyError> {
    let has = |shard: &OpenShard| shard.next.as_ref().is_some_and(|(cell, ..)| cell.index == index);
    let key = || header.layout.at(index).map(|cell| header.layout.key(&cell)).unwrap_or_default();
    let mut holders = shards.iter_mut().filter(|shard| has(shard));
    let (holder, other) = (holders.next(), holders.next());
    let Some(holder) = holder else {
        let all = header.cells;
        return Err(MergeError::Missing { index, key: key(), all }.into());
    };
    if let Some(other) = other {
        let [one, other] = [&*holder, &*other].map(|shard| shard.folder.display().to_string());
        return Err(MergeError::Twice { index, key: key(), one, other }.into());
    }
    let next = holder.lines.next(&header.layout)?;
    let taken = std::mem::replace(&mut holder.next, next);
    let missing = || MergeError::Missing { index, key: key(), all: header.cells };
    let (_, line, bytes) = taken.ok_or_else(missing)?;
    Ok((line, bytes))
}

/// The header of all folders, but for their shards.
fn common_header(folders: &[PathBuf]) -> Result<StudyHeader, StudyError> {
    let mut common: Option<(&PathBuf, StudyHeader)> = None;
    for folder in folders {
        let header = StudyHeader { shard: None, ..StudyHeader::read(folder)? };
        match &common {
            Some((first, expected)) if header != *expected => {
                return Err(other_study((folder, &header), (first, expected)).into());
            }
            Some(_) => {}
            None => common = Some((folder, header)),
        }
    }
    let nothing = || StudyError::LeftOut("no folder was given".to_owned());
    common.map(|(_, header)| header).ok_or_else(nothing)
}

/// The refusal that names the first key in which two headers differ.
fn other_study(
    (folder, header): (&Path, &StudyHeader),
    (first, expected): (&Path, &StudyHeader),
) -> MergeError {
    let [found, expected] = [header, expected]
        .map(|header| serde_json::to_value(header).expect("plain data has a JSON text"));
    let keys = found.as_object().into_iter().flat_map(|object| object.keys());
    let key = keys.clone().find(|key| found.get(key) != expected.get(key));
    let key = key.cloned().unwrap_or_else(|| "format".to_owned());
    let value = |header: &serde_json::Value| header.get(&key).map(ToString::to_string);
    MergeError::OtherStudy {
        folder: folder.display().to_string(),
        first: first.display().to_string(),
        found: value(&found).unwrap_or_default(),
        expected: value(&expected).unwrap_or_default(),
        key,
    }
}

/// Copies a file that some shards have; those that have it have the same.
fn copy(name: &str, folders: &[PathBuf], store: &Store) -> Result<(), StudyError> {
    let mut copied: Option<Vec<u8>> = None;
    for path in folders.iter().map(|folder| folder.join(name)).filter(|path| path.exists()) {
        let bytes = read_regular(&path, MAX_BYTES)?;
        match &copied {
            Some(first) if *first != bytes => {
                return Err(MergeError::Differs { path: path.display().to_string() }.into());
            }
            Some(_) => {}
            None => {
                store.write(name, &bytes)?;
                copied = Some(bytes);
            }
        }
    }
    Ok(())
}
