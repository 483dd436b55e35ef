//! The folder of a study, and the log of one that may be interrupted.
//!
//! ```text
//! study.json    what the lines depend on: the grid, its files and data, the names along its sides, the shard
//! grid.toml     the grid
//! cells.jsonl   a line of results per cell, in order; while it grows, cells.jsonl.partial
//! models/ specs/ certificates/ defenses/
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{DataSet, Digest, MAX_BYTES};
use crate::report::DataSummary;
use crate::source::{open_regular, read_regular};
use crate::store::{Growing, Log, Retention, Store, StoreError, partial_name};

use super::StudyError;
use super::assemble::summarise;
use super::cell::{Cell, Layout, Shard};
use super::grid::StudyGrid;
use super::line::{CellResult, ResultLine};
use super::merge::MergeError;
use super::tables::TABLES;

/// The name of the lines.
pub const CELLS: &str = "cells.jsonl";
/// The name of the header.
const HEADER: &str = "study.json";
/// The name of the grid.
const GRID: &str = "grid.toml";
/// The name of the page.
pub(super) const PAGE: &str = "report.html";

/// Longest line, in bytes.
const LONGEST_LINE: u64 = 1 << 26;

/// The version of `study.json`; other versions are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StudyVersion {
    /// The only version so far.
    #[default]
    #[serde(rename = "study/1")]
    Version1,
}

/// Everything that the lines of a study depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyHeader {
    /// Always `study/1`.
    pub format: StudyVersion,
    /// The program with its version.
    pub tool: String,
    /// Digest of the grid.
    pub grid: Digest,
    /// Digests of the files that it names.
    pub files: BTreeMap<String, Digest>,
    /// The data sets with their digests.
    pub data: Vec<DataSummary>,
    /// Seed of everything random.
    pub seed: u64,
    /// The names along the sides of the grid.
    pub layout: Layout,
    /// Number of cells of the whole grid.
    pub cells: u64,
    /// The shard, if it is not the whole grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

impl StudyHeader {
    /// The header of a shard. Every data set is opened once.
    ///
    /// # Errors
    /// Data that cannot be opened.
    pub fn new(
        grid: &StudyGrid,
        shard: Shard,
        open: &dyn Fn(usize) -> Result<DataSet, StudyError>,
    ) -> Result<Self, StudyError> {
        let layout = grid.layout();
        let data = (0..layout.data.len()).map(|number| Ok(summarise(&open(number)?)));
        Ok(Self {
            format: StudyVersion::Version1,
            tool: concat!("propcert ", env!("CARGO_PKG_VERSION")).to_owned(),
            grid: grid.digest,
            files: grid.files.clone(),
            data: data.collect::<Result<_, StudyError>>()?,
            seed: grid.seed,
            cells: layout.count().unwrap_or(0),
            layout,
            shard: (!shard.is_all()).then_some(shard),
        })
    }

    /// The cells of the folder.
    pub fn shard(&self) -> Shard {
        self.shard.unwrap_or(Shard::ALL)
    }

    /// Number of cells of the folder.
    pub fn own_cells(&self) -> u64 {
        self.shard().count(self.cells)
    }

    /// Reads the header of a study's folder.
    ///
    /// # Errors
    /// There is none, or it is none.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join(HEADER);
        let unreadable = |reason: String| StudyError::Unreadable {
            path: path.display().to_string(),
            reason: format!("{reason}; expected the folder of a study"),
        };
        let bytes = read_regular(&path, MAX_BYTES)
            .map_err(|_| unreadable("could not be read".to_owned()))?;
        let header: Self =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        // names become paths
        if let Some(name) = header.layout.unfit() {
            return Err(unreadable(format!("`{name:.80}` names no file")));
        }
        if header.layout.count() != Some(header.cells) {
            return Err(unreadable(format!("{} cells do not fit its names", header.cells)));
        }
        Ok(header)
    }

    /// Writes the header and the grid.
    pub(super) fn write(&self, store: &Store, grid: &[u8]) -> Result<(), StudyError> {
        let text = serde_json::to_string_pretty(self).expect("plain data has a JSON text");
        store.write(HEADER, format!("{text}\n").as_bytes())?;
        Ok(store.write(GRID, grid)?)
    }

    /// The grid of the folder, if it is the one of the header.
    pub(super) fn grid_of(&self, folder: &Path) -> Result<Vec<u8>, StudyError> {
        let path = folder.join(GRID);
        let bytes = read_regular(&path, MAX_BYTES)?;
        if Digest::of(&bytes) != self.grid {
            let path = path.display().to_string();
            let reason = format!("is not the grid that {HEADER} beside it names");
            return Err(StudyError::Unreadable { path, reason });
        }
        Ok(bytes)
    }
}

/// The files of an earlier study in `folder`, from its header; empty if there is no header.
pub fn files_of_study(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(header) = StudyHeader::read(folder) else { return BTreeSet::new() };
    let tables = TABLES.iter().flat_map(|table| {
        ["csv", "md"].map(|ending| PathBuf::from(format!("{}.{ending}", table.name)))
    });
    let own = [HEADER, GRID, CELLS, PAGE].map(PathBuf::from);
    header.layout.files().into_iter().map(PathBuf::from).chain(tables).chain(own).collect()
}

/// The lines of a study that is under way.
pub struct CellLog<'a> {
    log: Log,
    store: &'a Store,
    header: &'a StudyHeader,
    /// Number of cells that are done.
    pub done: u64,
}

impl<'a> CellLog<'a> {
    /// True if an interrupted study has kept something in a folder.
    pub fn is_in(folder: &Path) -> bool {
        std::fs::metadata(partial_name(&folder.join(CELLS))).is_ok_and(|found| found.len() > 0)
    }

    /// Begins the log. With `is_resumed` it goes on after the lines of an interrupted run, as far as they are whole, in
    /// order, and have their certificates beside them; `watch` sees these.
    ///
    /// # Errors
    /// A log with another header.
    pub fn open(
        store: &'a Store,
        header: &'a StudyHeader,
        is_resumed: bool,
        watch: &mut dyn FnMut(&ResultLine),
    ) -> Result<Self, StudyError> {
        let (shard, own) = (header.shard(), header.own_cells());
        let mut done = 0;
        let text = serde_json::to_string(header).expect("plain data has a JSON text");
        let log = Log::open(&store.path(CELLS), &text, is_resumed, &mut |line| {
            let read = ResultLine::read(line, &header.layout);
            let is_next = |line: &ResultLine| done < own && line.index == shard.place(done);
            match read {
                Ok((_, line)) if is_next(&line) && has_certificate(&line, store) => {
                    done += 1;
                    watch(&line);
                    Retention::Kept
                }
                _ => Retention::Dropped,
            }
        })?;
        Ok(Self { log, store, header, done })
    }

    /// Adds the line of the next cell.
    pub fn add(&mut self, line: &ResultLine) -> Result<(), StudyError> {
        self.log.add(&line.text()?)?;
        self.done += 1;
        Ok(())
    }

    /// Makes the lines a file of their own, beside the header and the grid.
    pub fn finish(self, grid: &[u8]) -> Result<(), StudyError> {
        let (store, header) = (self.store, self.header);
        self.publish()?;
        header.write(store, grid)
    }

    /// Makes the lines a file of their own.
    pub fn publish(self) -> Result<(), StudyError> {
        let place = self.store.path(CELLS);
        let about = StoreError::about(&place);
        let mut lines = BufReader::new(File::open(partial_name(&place)).map_err(&about)?);
        let mut whole = Growing::new(&place)?;
        let mut line = Vec::new();
        // the first line is the header
        lines.read_until(b'\n', &mut line).map_err(&about)?;
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(&about)? == 0 {
                break;
            }
            whole.add(&line)?;
        }
        whole.publish()?;
        Ok(self.log.remove()?)
    }
}

/// True if the certificate of a line is in the store as it was; a line without one needs none.
fn has_certificate(line: &ResultLine, store: &Store) -> bool {
    let CellResult::Certified(certified) = &line.result else { return true };
    let Some(file) = &certified.report.file else { return true };
    read_regular(&store.path(file), MAX_BYTES)
        .is_ok_and(|bytes| Digest::of(&bytes) == certified.certificate)
}

/// The lines of a study's folder, read one at a time.
pub struct StudyLines {
    reader: BufReader<File>,
    path: PathBuf,
    number: u64,
    last: Option<u64>,
}

impl StudyLines {
    /// Opens the lines of a folder.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join(CELLS);
        let reader = BufReader::new(open_regular(&path, u64::MAX)?);
        Ok(Self { reader, path, number: 0, last: None })
    }

    /// The next line with its cell and its bytes.
    ///
    /// # Errors
    /// A torn line, one that is none, or one out of order.
    pub fn next(
        &mut self,
        layout: &Layout,
    ) -> Result<Option<(Cell, ResultLine, Vec<u8>)>, StudyError> {
        let mut bytes = Vec::new();
        let about = StoreError::about(&self.path);
        let mut limited = self.reader.by_ref().take(LONGEST_LINE);
        limited.read_until(b'\n', &mut bytes).map_err(about)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let refused = |reason: String| MergeError::Line {
            path: self.path.display().to_string(),
            line: self.number,
            reason,
        };
        if bytes.last() != Some(&b'\n') {
            let reason = "is torn; run the study again with --resume".to_owned();
            return Err(refused(reason).into());
        }
        let (cell, line) = ResultLine::read(&bytes, layout).map_err(refused)?;
        if let Some(last) = self.last.filter(|last| *last >= line.index) {
            let reason = format!("cell {} follows cell {last}; cells ascend", line.index);
            return Err(refused(reason).into());
        }
        self.last = Some(line.index);
        Ok(Some((cell, line, bytes)))
    }
}
