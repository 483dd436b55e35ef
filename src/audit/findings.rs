//! The findings of an audit, over its cells and the parts that are no cells.

use std::num::NonZeroUsize;

use crate::certificate::Subject;
use crate::certify::{Options, Selection, Task};
use crate::model::{DataSet, MAX_BYTES, Part};
use crate::report::{
    AuditFindings, CertificateReport, IntervalFinding, LocalFinding, ModelReport, OrderFinding,
    Report, Run, Share, class_name,
};
use crate::source::read_regular;
use crate::spec::Spec;
use crate::store::Store;
use crate::study::{
    Cell, CellResult, Manifest, ManifestEntry, ResultLine, StudyError, StudyHeader, Work, declared,
    manifest_entry, model_report, summarise,
};

use super::figures::{figure, is_agreement};
use super::gate::Gate;
use super::grid::{ORDERS, interval_name, local_name};
use super::plan::{AuditPart, AuditPlan};
use super::run::{AuditSubject, MadeParts};
use super::{posterior, reading};

/// Everything that was made, to be put together.
pub(super) struct Findings<'a> {
    pub(super) subject: &'a AuditSubject<'a>,
    pub(super) plan: &'a AuditPlan,
    pub(super) store: &'a Store,
    pub(super) header: &'a StudyHeader,
    pub(super) lines: &'a [(Cell, ResultLine)],
    pub(super) made: &'a MadeParts,
}

impl Findings<'_> {
    /// The report.
    pub(super) fn report(&self) -> Result<Report, StudyError> {
        let Self { subject, plan, made, .. } = self;
        let mut model = self.model()?;
        let intervals = self.take_intervals(&mut model);
        model.radii = made.radii.as_ref().map(|part| part.report.clone());
        let changes = made.changes.as_ref();
        model.certificates.extend(changes.iter().flat_map(|part| part.certificates.clone()));
        let mut findings = AuditFindings {
            command: subject.command.clone(),
            imported: subject.imported.clone(),
            majority: self.majority(),
            main_epsilon: plan.main_epsilon().to_string(),
            data: Some(subject.data_name.to_owned()),
            classes: subject.data.meta().classes.clone(),
            only_label: self.only_label(),
            budgets: match plan.makes(AuditPart::Stealing) {
                true => plan.budgets.clone(),
                false => Vec::new(),
            },
            defended_budget: plan.defended_budget(),
            local: self.locals()?,
            orders: self.orders()?,
            radii: made.radii.as_ref().map(|part| part.finding.clone()),
            changes: changes.map(|part| part.findings.clone()).unwrap_or_default(),
            intervals,
            posterior: (plan.makes(AuditPart::Posterior) && subject.model.has_posterior())
                .then(|| posterior::posterior(subject, changes.and_then(|part| part.score_span))),
            left_out: self.left_out(),
            gates: Vec::new(),
            against: None,
        };
        model.audited = Some(Box::new(findings.clone()));
        let missing = self.no_boundary();
        let outcome = |gate: &Gate| {
            let missing = missing.as_ref().filter(|_| is_agreement(&gate.name));
            gate.outcome(figure(&gate.name, &model), missing.map(String::as_str))
        };
        findings.gates = plan.gates.iter().map(outcome).collect();
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

    /// The label of all test rows, where attacks found no point with another one.
    fn only_label(&self) -> Option<usize> {
        let mut rows = self.subject.data.part(Part::Test).iter();
        let label = |row: &crate::model::Row| self.subject.model.label(&row.values);
        let first = label(rows.next()?);
        (!self.has_boundary() && rows.all(|row| label(row) == first)).then_some(first)
    }

    /// False if attacks were run and found no two points with different labels.
    fn has_boundary(&self) -> bool {
        !self.lines.iter().any(|(_, line)| match &line.result {
            CellResult::Stolen(stolen) => stolen.figures.attack.scores.agreement.boundary.is_none(),
            _ => false,
        })
    }

    /// The reason why agreement is not measured, if it is not for want of a boundary.
    fn no_boundary(&self) -> Option<String> {
        if self.has_boundary() {
            return None;
        }
        Some(match self.only_label() {
            Some(label) => format!(
                "the model answers {} wherever it was asked, so one query tells all",
                class_name(&self.subject.data.meta().classes, label)
            ),
            None => {
                "no two points with different labels were found, so there is no boundary to steal"
                    .to_owned()
            }
        })
    }

    /// The thieves that infer labels by intervals, taken from the attacks: nobody reads their agreement.
    fn take_intervals(&self, model: &mut ModelReport) -> Vec<IntervalFinding> {
        let mut found = Vec::new();
        for threshold in &self.plan.interval_thresholds {
            let name = interval_name(threshold);
            let Some(at) = model.attacks.iter().position(|attack| attack.name == name) else {
                continue;
            };
            let attack = model.attacks.remove(at);
            let free = attack.inferred_free;
            let paid = attack.asked.saturating_sub(attack.seeds * attack.repetitions);
            found.push(IntervalFinding {
                threshold: threshold.to_string(),
                inferred: Share::new(free, free + paid),
                right: Share::new(free.saturating_sub(attack.inferred_wrong), free),
            });
        }
        found
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
        let text = bytes(&file)?;
        let text = String::from_utf8_lossy(&text);
        let thinned = part.zip(report.every.and_then(NonZeroUsize::new));
        let thinned = thinned.map(|(part, step)| subject.data.every(part, step));
        let task = Task {
            subject: Subject {
                model: (subject.model, subject.digest),
                spec: &spec,
                data: Some(thinned.as_ref().unwrap_or(subject.data)),
                defense: None,
            },
            selection: Selection {
                part: part.unwrap_or(Part::Test),
                rows: rows.and_then(Result::ok),
            },
            options: Options::default(),
        };
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

    /// Parts that were asked for and are not there, with the reason; the same reason is told once.
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
        let no_boundary = self.no_boundary();
        no_boundary.into_iter().for_each(|reason| tell(format!("stealing: {reason}.")));
        if self.plan.makes(AuditPart::Leakage) && !self.plan.makes(AuditPart::LocalInvariance) {
            let reason = "leakage: counted from the certificates of local-invariance, which the plan leaves out.";
            tell(reason.to_owned());
        }
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

    /// Every certificate with what it is about.
    pub(super) fn manifest(&self) -> Manifest {
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
pub(super) fn not_as_stated(lines: &[(Cell, ResultLine)], report: &Report) -> Vec<String> {
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
