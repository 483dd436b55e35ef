//! The remains of an interrupted run: `OUT.partial`, a header and a line for every measured row.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::model::Digest;
use crate::spec::Norm;

use super::super::{Refusal, files};
use super::table::Measured;

/// The settings that the rows depend on: a run goes on only if all of them are the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RunHeader<'a> {
    pub(super) tool: &'static str,
    pub(super) model: Digest,
    pub(super) points: Digest,
    pub(super) norm: Norm,
    pub(super) budget_nodes: u64,
    pub(super) certificates: Option<&'a Path>,
}

/// The file, open for more rows; threads write one at a time.
pub(super) struct Partial {
    path: PathBuf,
    file: Mutex<File>,
}

impl Partial {
    /// Begins the file beside `out`, or continues it after its whole lines, whose rows are returned.
    ///
    /// # Errors
    /// A file that was begun by another run.
    pub(super) fn open(
        out: &Path,
        header: &RunHeader,
        is_resumed: bool,
    ) -> Result<(Self, Vec<Measured>), Refusal> {
        let path = files::partial_name(out);
        let header = serde_json::to_string(header)? + "\n";
        let (bytes, rows) = if is_resumed && path.exists() {
            whole_lines(&path, &header)?
        } else {
            (0, Vec::new())
        };
        let open = || -> std::io::Result<File> {
            let mut file =
                OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.set_len(bytes)?;
            if bytes == 0 {
                file.write_all(header.as_bytes())?;
                return Ok(file);
            }
            OpenOptions::new().append(true).open(&path)
        };
        let file = open().map_err(Refusal::from).map_err(Refusal::about(&path))?;
        Ok((Self { path, file: Mutex::new(file) }, rows))
    }

    /// Adds a row.
    pub(super) fn add(&self, row: &Measured) -> Result<(), Refusal> {
        let line = serde_json::to_string(row)? + "\n";
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(line.as_bytes());
        written.map_err(Refusal::from).map_err(Refusal::about(&self.path))
    }

    /// Removes the file once the table is there.
    pub(super) fn remove(self) -> Result<(), Refusal> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Refusal::about(&self.path)(error.into()))
            }
            _ => Ok(()),
        }
    }
}

/// The number of bytes up to the end of the last whole line, and the rows up to there;
/// nothing if the header is torn.
fn whole_lines(path: &Path, header: &str) -> Result<(u64, Vec<Measured>), Refusal> {
    let bytes = files::read(path)?;
    if bytes.len() < header.len() && header.as_bytes().starts_with(&bytes) {
        return Ok((0, Vec::new()));
    }
    let Some(lines) = bytes.strip_prefix(header.as_bytes()) else {
        return Err(Refusal::new(format!(
            "{}: made with another model, points, norm, budget or folder of certificates; remove \
             it, or name another --out",
            path.display()
        )));
    };
    let (mut end, mut rows) = (header.len() as u64, Vec::new());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else { break };
        let Ok(row) = serde_json::from_slice(text) else { break };
        rows.push(row);
        end += line.len() as u64;
    }
    Ok((end, rows))
}
