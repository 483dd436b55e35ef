//! The run of an audit: the grid of its plan, then the parts that are no cells, then the findings over both.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{DataSet, Digest, MAX_BYTES, Model};
use crate::report::Report;
use crate::source::read_regular;
use crate::store::{Log, LogError, Retention, Store};
use crate::study::{
    Cell, CellLog, Manifest, Pace, ResultLine, Shard, StudyError, StudyGrid, StudyHeader, StudyRun,
};

use super::findings::{Findings, not_as_stated};
use super::grid::{GridSubject, grid_text};
use super::plan::{AuditPart, AuditPlan};
use super::{changes, radii};

/// The name of the log of parts that are no cells.
const PARTS: &str = "parts.jsonl";
/// The name of the grid.
pub(super) const GRID: &str = "grid.toml";

/// The subject of an audit.
#[derive(Clone, Debug)]
pub struct AuditSubject<'a> {
    /// The model, a classifier.
    pub model: &'a Model,
    /// The bytes of its native file.
    pub bytes: &'a [u8],
    /// The digest of these.
    pub digest: Digest,
    /// Its name in keys and files.
    pub name: &'a str,
    /// The format that it was imported from, and what the import says of it; `None` if it is native.
    pub imported: Option<String>,
    /// The data, with its features in the order of the model.
    pub data: &'a DataSet,
    /// The data as a manifest in the folder of the results names it.
    pub data_name: &'a str,
    /// The call that makes the audit again.
    pub command: String,
    /// Seed of everything random.
    pub seed: u64,
}

/// The outcome of an audit.
#[derive(Clone, Debug)]
pub struct Audited {
    /// The report, with one run of one model.
    pub report: Report,
    /// The certificates.
    pub manifest: Manifest,
    /// Things that are not as stated: cells that failed, certificates that were not confirmed, wrong labels.
    pub findings: Vec<String>,
}

/// Makes an audit into a store. With `is_resumed` one that was interrupted goes on: every cell and part that was
/// finished is taken over. `tell` hears of every step.
///
/// # Errors
/// Results that cannot be written; remains of a run of other inputs.
pub fn audit(
    subject: &AuditSubject,
    plan: &AuditPlan,
    (store, is_resumed): (&Store, bool),
    tell: &mut dyn FnMut(Pace),
) -> Result<Audited, StudyError> {
    let model = store.path(&format!("models/{}.json", subject.name));
    let was_there = model.exists();
    keep_model(subject, store, is_resumed)?;
    let text = text_of_grid(subject, plan);
    let grid = read_grid(&text, store)?;
    let header = StudyHeader::new(&grid, Shard::ALL, &|_| Ok(subject.data.clone()))?;
    // what belongs to another run stays as it was
    let mut parts = KeptParts::open(store, &header, is_resumed).inspect_err(|_| {
        if !was_there {
            let _ = std::fs::remove_file(&model);
        }
    })?;
    let (lines, log) = run_cells(&grid, &header, subject, (store, is_resumed), tell)?;
    let cells = header.cells;
    let mut told = |text: &str| tell(Pace { text, done: cells, all: cells });
    let made = make_parts(subject, plan, store, &mut parts, &mut told)?;
    told("put the findings together");
    let findings = Findings { subject, plan, store, header: &header, lines: &lines, made: &made };
    let report = findings.report()?;
    let manifest = findings.manifest();
    store.write(GRID, text.as_bytes())?;
    // the logs last: until here an interruption loses the step in flight
    parts.log.remove()?;
    log.publish()?;
    let findings = not_as_stated(&lines, &report);
    Ok(Audited { report, manifest, findings })
}

/// Writes the model into the store. An interrupted audit of another model under its name is not gone on with.
fn keep_model(subject: &AuditSubject, store: &Store, is_resumed: bool) -> Result<(), StudyError> {
    let name = format!("models/{}.json", subject.name);
    let path = store.path(&name);
    if is_resumed
        && let Ok(kept) = read_regular(&path, MAX_BYTES)
        && kept != subject.bytes
    {
        let (found, now) = (Digest::of(&kept).to_string(), subject.digest.to_string());
        let (path, key) = (path.display().to_string(), "model".to_owned());
        return Err(LogError::OtherRun { path, key, found, now }.into());
    }
    Ok(store.write(&name, subject.bytes)?)
}

/// The text of the grid of an audit.
pub(super) fn text_of_grid(subject: &AuditSubject, plan: &AuditPlan) -> String {
    let AuditSubject { model, name, data_name, seed, .. } = *subject;
    // a data set stands in keys under the end of its path
    let end = data_name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = end.len() <= 64 && end.chars().all(is_plain);
    let is_name = is_name && end.starts_with(|c: char| c.is_ascii_alphanumeric()) && end != "none";
    let data = if is_name { data_name } else { "data" };
    grid_text(GridSubject { model, name, data, seed }, plan)
}

fn read_grid(text: &str, store: &Store) -> Result<StudyGrid, StudyError> {
    let grid = StudyGrid::read(text.as_bytes(), &store.path(""));
    grid.map_err(|error| StudyError::Grid { path: GRID.to_owned(), error })
}

/// Runs the cells that are missing; gives the lines of all of them, and their log.
fn run_cells<'a>(
    grid: &StudyGrid,
    header: &'a StudyHeader,
    subject: &AuditSubject,
    (store, is_resumed): (&'a Store, bool),
    tell: &mut dyn FnMut(Pace),
) -> Result<(Vec<(Cell, ResultLine)>, CellLog<'a>), StudyError> {
    let layout = &header.layout;
    let mut lines: Vec<(Cell, ResultLine)> = Vec::new();
    let mut before = |line: &ResultLine| {
        lines.extend(layout.at(line.index).map(|cell| (cell, line.clone())));
    };
    let mut log = CellLog::open(store, header, is_resumed, &mut before)?;
    let run = StudyRun { grid, layout, store, shard: Shard::ALL, done: log.done };
    let mut keep = |cell: &Cell, line: ResultLine| {
        log.add(&line)?;
        lines.push((*cell, line));
        Ok(())
    };
    run.run(&|_| Ok(Cow::Borrowed(subject.data)), &mut keep, tell)?;
    Ok((lines, log))
}

/// The parts of an audit that are no cells.
#[derive(Default)]
pub(super) struct MadeParts {
    pub(super) radii: Option<radii::RadiiPart>,
    pub(super) changes: Option<changes::ChangesPart>,
    pub(super) left_out: Vec<String>,
}

fn make_parts(
    subject: &AuditSubject,
    plan: &AuditPlan,
    store: &Store,
    parts: &mut KeptParts,
    told: &mut dyn FnMut(&str),
) -> Result<MadeParts, StudyError> {
    let mut made = MadeParts::default();
    let is_ensemble = matches!(subject.model.family, crate::model::Family::Ensemble(_));
    if plan.makes(AuditPart::Radii) {
        if is_ensemble {
            told("radii");
            made.radii = Some(parts.part("radii", || radii::radii(subject, plan, store))?);
        } else {
            let reason = "Exact radii are searched for ensembles; of a network local invariance says how far \
                          answers are kept.";
            made.left_out.push(reason.to_owned());
        }
    }
    if plan.makes(AuditPart::Changes) {
        told("largest changes");
        made.changes = Some(parts.part("changes", || changes::changes(subject, plan, store))?);
    }
    Ok(made)
}

/// The log of parts that are finished.
struct KeptParts {
    log: Log,
    done: BTreeMap<String, serde_json::Value>,
}

/// A line of it.
#[derive(serde::Serialize, serde::Deserialize)]
struct PartLine {
    part: String,
    result: serde_json::Value,
}

impl KeptParts {
    /// Opens the log. Its header is that of the grid, which everything depends on.
    fn open(store: &Store, header: &StudyHeader, is_resumed: bool) -> Result<Self, StudyError> {
        let text = serde_json::to_string(header).expect("plain data has a JSON text");
        let mut done = BTreeMap::new();
        let log = Log::open(&store.path(PARTS), &text, is_resumed, &mut |line| {
            match serde_json::from_slice::<PartLine>(line) {
                Ok(PartLine { part, result }) => {
                    done.insert(part, result);
                    Retention::Kept
                }
                Err(_) => Retention::Dropped,
            }
        })?;
        Ok(Self { log, done })
    }

    /// The result of a part: that of the interrupted run, or made now.
    fn part<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> Result<T, StudyError>,
    ) -> Result<T, StudyError> {
        let kept = self.done.remove(name).and_then(|kept| serde_json::from_value(kept).ok());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let made = make()?;
        let unreadable = |error: serde_json::Error| StudyError::Unreadable {
            path: PARTS.to_owned(),
            reason: error.to_string(),
        };
        let result = serde_json::to_value(&made).map_err(unreadable)?;
        let line = PartLine { part: name.to_owned(), result };
        let line = serde_json::to_string(&line).map_err(unreadable)?;
        self.log.add(&(line + "\n"))?;
        Ok(made)
    }
}
