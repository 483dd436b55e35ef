//! The run of an audit: the grid of its plan, then the parts that are no cells, then the findings over both.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::certificate::Subject;
use crate::certify::{Options, Selection, Task};
use crate::model::{DataSet, Digest, MAX_BYTES, Model, Part};
use crate::report::{
    AuditFindings, CertificateReport, LocalFinding, ModelReport, OrderFinding, Report, Run, Share,
};
use crate::source::read_regular;
use crate::spec::Spec;
use crate::store::{Log, LogError, Retention, Store};
use crate::study::{
    Cell, CellLog, CellResult, Manifest, ManifestEntry, Pace, ResultLine, Shard, StudyError,
    StudyGrid, StudyHeader, StudyRun, Work, declared, manifest_entry, model_report, summarise,
};

use super::figures::figure;
use super::grid::{GridSubject, ORDERS, grid_text, local_name};
use super::plan::{AuditPart, AuditPlan};
use super::{changes, posterior, radii, reading};

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
struct MadeParts {
    radii: Option<radii::RadiiPart>,
    changes: Option<changes::ChangesPart>,
    left_out: Vec<String>,
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

/// Everything that was made, to be put together.
struct Findings<'a> {
    subject: &'a AuditSubject<'a>,
    plan: &'a AuditPlan,
    store: &'a Store,
    header: &'a StudyHeader,
    lines: &'a [(Cell, ResultLine)],
    made: &'a MadeParts,
}

impl Findings<'_> {
    fn report(&self) -> Result<Report, StudyError> {
        let Self { subject, plan, made, .. } = self;
        let mut model = self.model()?;
        model.radii = made.radii.as_ref().map(|part| part.report.clone());
        let changes = made.changes.as_ref();
        model.certificates.extend(changes.iter().flat_map(|part| part.certificates.clone()));
        let mut findings = AuditFindings {
            command: subject.command.clone(),
            imported: subject.imported.clone(),
            majority: self.majority(),
            main_epsilon: plan.main_epsilon().to_string(),
            budgets: match plan.makes(AuditPart::Stealing) {
                true => plan.budgets.clone(),
                false => Vec::new(),
            },
            defended_budget: plan.defended_budget(),
            local: self.locals()?,
            orders: self.orders()?,
            radii: made.radii.as_ref().map(|part| part.finding.clone()),
            changes: changes.map(|part| part.findings.clone()).unwrap_or_default(),
            posterior: (plan.makes(AuditPart::Posterior) && subject.model.has_posterior())
                .then(|| posterior::posterior(subject, changes.and_then(|part| part.score_span))),
            left_out: self.left_out(),
            gates: Vec::new(),
            against: None,
        };
        model.audited = Some(Box::new(findings.clone()));
        findings.gates =
            plan.gates.iter().map(|gate| gate.outcome(figure(&gate.name, &model))).collect();
        model.audited = Some(Box::new(findings));
        let title = format!("Audit of {} on {}", subject.name, subject.data.meta().name);
        let run = Run {
            data: summarise(subject.data),
            seed: subject.seed,
            tool: Some(concat!("propcert ", env!("CARGO_PKG_VERSION")).to_owned()),
            models: vec![model],
            notes: Vec::new(),
        };
        Ok(Report::new(title, vec![run]))
    }

    /// The entry of the model over the cells of the grid.
    fn model(&self) -> Result<ModelReport, StudyError> {
        let missing = || {
            let reason = self.lines.iter().find_map(|(cell, line)| match &line.result {
                CellResult::LeftOut { reason } | CellResult::Failed { reason }
                    if cell.work == Work::Measure && cell.defense.is_none() =>
                {
                    Some(reason.clone())
                }
                _ => None,
            });
            StudyError::LeftOut(reason.unwrap_or_else(|| "the model was not measured".to_owned()))
        };
        match model_report(&self.header.layout, self.lines) {
            // a model with one label has no boundary to steal
            Err(StudyError::NoBoundary) => {
                let is_stolen = |line: &ResultLine| matches!(line.result, CellResult::Stolen(_));
                let others = self.lines.iter().filter(|(_, line)| !is_stolen(line));
                model_report(&self.header.layout, &others.cloned().collect::<Vec<_>>())?
            }
            report => report?,
        }
        .ok_or_else(missing)
    }

    fn majority(&self) -> Share {
        let rows = self.subject.data.part(Part::Test);
        let count = |class: usize| rows.iter().filter(|row| row.label == class).count();
        let most = (0..self.subject.data.classes()).map(count).max().unwrap_or(0);
        Share::new(most as u64, rows.len() as u64)
    }

    /// The certificate of a property about the undefended model, and what its cell reports.
    fn certified(&self, property: &str) -> Option<(&Cell, &CertificateReport)> {
        let at = self.header.layout.properties.iter().position(|name| name == property)?;
        self.lines.iter().find_map(|(cell, line)| match &line.result {
            CellResult::Certified(certified)
                if cell.defense.is_none() && cell.work == (Work::Certify { property: at }) =>
            {
                Some((cell, &certified.report))
            }
            _ => None,
        })
    }

    /// Reads the certificate of a property anew, if it was made.
    fn read<T>(
        &self,
        property: &str,
        read: impl FnOnce(&Task, &str, String) -> Result<T, StudyError>,
    ) -> Result<Option<T>, StudyError> {
        let Some((cell, report)) = self.certified(property) else { return Ok(None) };
        let Some(file) = report.file.clone() else { return Ok(None) };
        let Work::Certify { property } = cell.work else { return Ok(None) };
        let subject = self.subject;
        let bytes = |name: &str| read_regular(&self.store.path(name), MAX_BYTES);
        let spec = Spec::read(&bytes(&self.header.layout.spec_file(cell.data, property))?)?;
        let part = report.part.as_deref();
        let part = Part::ALL.into_iter().find(|one| Some(one.name()) == part);
        let rows = part.map(|_| usize::try_from(report.counts.n() + report.counts.invalid));
        let task = Task {
            subject: Subject {
                model: (subject.model, subject.digest),
                spec: &spec,
                data: Some(subject.data),
                defense: None,
            },
            selection: Selection {
                part: part.unwrap_or(Part::Test),
                rows: rows.and_then(Result::ok),
            },
            options: Options::default(),
        };
        let text = bytes(&file)?;
        let text = String::from_utf8_lossy(&text);
        read(&task, &text, file).map(Some)
    }

    fn locals(&self) -> Result<Vec<LocalFinding>, StudyError> {
        let mut found = Vec::new();
        for epsilon in &self.plan.epsilons {
            let name = local_name(self.subject.model, epsilon);
            let finding = self.read(&name, |task, text, file| {
                reading::local(task, text, (epsilon.to_string(), file))
            })?;
            found.extend(finding);
        }
        Ok(found)
    }

    fn orders(&self) -> Result<Vec<OrderFinding>, StudyError> {
        let [increasing, decreasing] =
            ORDERS.map(|(name, _)| self.read(name, |task, text, _| reading::orders(task, text)));
        let (Some(increasing), Some(decreasing)) = (increasing?, decreasing?) else {
            return Ok(Vec::new());
        };
        let features = self.subject.model.schema.features().iter();
        let both = features.zip(increasing.into_iter().zip(decreasing));
        let finding = |(feature, (rising, falling)): (&crate::model::FeatureSpec, (_, _))| {
            let (increasing, against_increasing) = rising;
            let (decreasing, against_decreasing) = falling;
            OrderFinding {
                feature: feature.name.clone(),
                increasing,
                decreasing,
                declared: direction_of(&feature.name, self.subject.data, self.plan),
                against_increasing,
                against_decreasing,
            }
        };
        Ok(both.map(finding).collect())
    }

    /// What was asked for and is not there, with the reason; the same reason is told once.
    fn left_out(&self) -> Vec<String> {
        let layout = &self.header.layout;
        let mut told: Vec<String> = Vec::new();
        let mut tell = |text: String| {
            if !told.contains(&text) {
                told.push(text);
            }
        };
        for (cell, line) in self.lines {
            let (CellResult::LeftOut { reason } | CellResult::Failed { reason }) = &line.result
            else {
                continue;
            };
            let what = match (cell.work, cell.defense) {
                (Work::Certify { property }, None) => &layout.properties[property],
                // the same at every budget
                (Work::Steal { attack, .. }, None) => self.attack_of(&layout.attacks[attack]),
                (Work::Measure, Some(defense)) => &layout.defenses[defense],
                (Work::Measure, None) | (_, Some(_)) => continue,
            };
            tell(format!("{what}: {}.", reason.trim_end_matches('.')));
        }
        self.made.left_out.iter().cloned().for_each(&mut tell);
        let changes = self.made.changes.iter().flat_map(|part| part.left_out.clone());
        changes.for_each(&mut tell);
        if self.plan.makes(AuditPart::Monotonicity) && self.subject.model.classes > 2 {
            tell("monotonicity: asked of models with two classes.".to_owned());
        }
        for part in AuditPart::ALL.into_iter().filter(|part| !self.plan.makes(*part)) {
            tell(format!("{}: left out by the plan.", part.name()));
        }
        told
    }

    /// The attack of a name at a budget.
    fn attack_of<'n>(&self, name: &'n str) -> &'n str {
        let attacks = self.plan.attacks.iter().map(|attack| attack.name.as_str());
        let fits = |attack: &&str| {
            let rest = name.strip_prefix(*attack).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|rest| rest.parse::<u64>().is_ok())
        };
        let length = attacks.filter(fits).map(str::len).max();
        length.and_then(|length| name.get(..length)).unwrap_or(name)
    }

    fn manifest(&self) -> Manifest {
        let Self { subject, header, made, .. } = self;
        let cells = self.lines.iter().filter_map(|(cell, line)| {
            manifest_entry(&header.layout, cell, line, subject.data_name)
        });
        let radii = made.radii.iter().flat_map(|part| part.entries.clone());
        let changes = made.changes.iter().flat_map(|part| part.entries.clone());
        let certificates: Vec<ManifestEntry> = cells.chain(changes).chain(radii).collect();
        Manifest { certificates }
    }
}

/// The direction that the plan, or else the data, asks of a feature.
pub(super) fn direction_of(feature: &str, data: &DataSet, plan: &AuditPlan) -> Option<String> {
    if let Some((direction, _)) = plan.monotone.get(feature) {
        return Some(direction.clone());
    }
    let directions = ORDERS.map(|(_, direction)| direction).into_iter();
    let is_declared = |direction: &&str| declared(data, direction).iter().any(|f| f == feature);
    directions.into_iter().find(is_declared).map(str::to_owned)
}

/// Things that are not as stated.
fn not_as_stated(lines: &[(Cell, ResultLine)], report: &Report) -> Vec<String> {
    let cells = lines.iter().filter(|(_, line)| !line.is_as_stated());
    let mut found: Vec<String> = cells
        .map(|(_, line)| match &line.result {
            CellResult::Failed { reason } => format!("{}: {reason}", line.key),
            _ => format!("{}: not confirmed", line.key),
        })
        .collect();
    for model in report.runs.iter().flat_map(|run| &run.models) {
        let radii = model.audited.as_ref().and_then(|audited| audited.radii.as_ref());
        if let Some(radii) = radii.filter(|radii| radii.confirmed.count < radii.confirmed.of) {
            let Share { count, of } = radii.confirmed;
            found.push(format!("radii: the kernel confirms {count} of {of} rows"));
        }
        // those of cells are told above
        let own = model.certificates.iter().filter(|one| !one.checked);
        found.extend(own.map(|one| format!("{}: not confirmed", one.claim.property)));
    }
    found
}
