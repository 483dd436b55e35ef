//! The answers of cells, kept in a file: a header, then a line for each cell.
//!
//! New answers are written and synchronised before any of them is given ([`ResponseMemory::keep`]). What a torn last line
//! has lost was thus never given, and it is dropped.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Digest;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryHeader {
    format: String,
    defense: Digest,
}

/// A line about one cell.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CellLine {
    cell: Digest,
    label: usize,
}

/// Reasons why a memory was not read or kept.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The system refused.
    #[error("{path}: {error}")]
    System {
        /// The file.
        path: String,
        /// The system's message.
        error: std::io::Error,
    },
    /// Another run answers from the same memory.
    #[error("{path}: another run is using this memory; wait until it is done")]
    Busy {
        /// The file.
        path: String,
    },
    /// The answers of another defense.
    #[error(
        "{path}: is the memory of the defense {found}, the defense given is {expected}: give that defense, or name a \
         new file"
    )]
    Other {
        /// The file.
        path: String,
        /// Digest of the defense that it names.
        found: Digest,
        /// Digest of the defense given.
        expected: Digest,
    },
    /// A line that is none of a memory, and is not the torn end.
    #[error("{path}, line {line}: found `{found}`, expected {expected}")]
    Line {
        /// The file.
        path: String,
        /// Number of the line, from 1.
        line: usize,
        /// The start of it.
        found: String,
        /// The allowed lines.
        expected: &'static str,
    },
}

/// The answers of cells.
#[derive(Debug, Default)]
pub struct ResponseMemory {
    answers: BTreeMap<Digest, usize>,
    /// Lines that are not in the file yet.
    fresh: String,
    file: Option<(File, PathBuf)>,
}

impl ResponseMemory {
    /// Opens the memory of a defense, with the digest of its file. The file is made if it is not there, and locked while it
    /// is open; a torn end is cut off.
    ///
    /// # Errors
    /// A file of another defense, or none of this kind; one that another run is using.
    pub fn open(path: &Path, defense: Digest) -> Result<Self, MemoryError> {
        let shown = || path.display().to_string();
        let about = |error| MemoryError::System { path: shown(), error };
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(about)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => MemoryError::Busy { path: shown() },
            TryLockError::Error(error) => about(error),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(about)?;
        let (answers, kept) = read_lines(&shown(), &bytes, defense)?;
        file.set_len(kept as u64).map_err(about)?;
        file.seek(SeekFrom::End(0)).map_err(about)?;
        let fresh = if kept == 0 { header(defense) } else { String::new() };
        Ok(Self { answers, fresh, file: Some((file, path.to_owned())) })
    }

    /// Number of cells that have an answer.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// True if no cell has an answer.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The answer of a cell.
    pub(super) fn answer(&self, cell: &Digest) -> Option<usize> {
        self.answers.get(cell).copied()
    }

    pub(super) fn add(&mut self, cell: Digest, label: usize) {
        self.answers.insert(cell, label);
        if self.file.is_some() {
            self.fresh += &line(&CellLine { cell, label });
        }
    }

    /// Writes new answers to the file, if there is one, down to the disk. No answer is given before this is done.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&mut self) -> Result<(), MemoryError> {
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        let kept = file.write_all(self.fresh.as_bytes()).and_then(|()| file.sync_all());
        self.fresh.clear();
        kept.map_err(|error| MemoryError::System { path: path.display().to_string(), error })
    }
}

fn line(entry: &impl Serialize) -> String {
    serde_json::to_string(entry).expect("plain data has a JSON text") + "\n"
}

fn header(defense: Digest) -> String {
    line(&MemoryHeader { format: FORMAT.to_owned(), defense })
}

const FORMAT: &str = "answers/1";

/// The answers of a file, and the number of its bytes that are whole lines.
fn read_lines(
    path: &str,
    bytes: &[u8],
    defense: Digest,
) -> Result<(BTreeMap<Digest, usize>, usize), MemoryError> {
    let mut answers = BTreeMap::new();
    let mut kept = 0;
    for (number, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let refused = |expected| MemoryError::Line {
            path: path.to_owned(),
            line: number + 1,
            found: String::from_utf8_lossy(text).trim_end().chars().take(60).collect(),
            expected,
        };
        if !text.ends_with(b"\n") {
            // a torn header is none, but nothing else may be overwritten
            let is_header = number > 0 || header(defense).as_bytes().starts_with(text);
            return if is_header { Ok((answers, kept)) } else { Err(refused(HEADER)) };
        }
        kept += text.len();
        if number == 0 {
            let read: MemoryHeader = serde_json::from_slice(text).map_err(|_| refused(HEADER))?;
            if read.format != FORMAT {
                return Err(refused(HEADER));
            }
            let (path, found, expected) = (path.to_owned(), read.defense, defense);
            if found != expected {
                return Err(MemoryError::Other { path, found, expected });
            }
            continue;
        }
        let expected = "a cell and its label, 0 or 1, and each cell once";
        let CellLine { cell, label } =
            serde_json::from_slice(text).map_err(|_| refused(expected))?;
        if label > 1 || answers.insert(cell, label).is_some() {
            return Err(refused(expected));
        }
    }
    Ok((answers, kept))
}

const HEADER: &str = "the first line of a memory of answers (`answers/1`)";
