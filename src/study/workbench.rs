//! A model on a data set, with everything that its cells share: points to compare on, defenses, and certificates
//! that attackers are given. What is shared is made once, when the first cell asks for it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::certificate::{Decision, Proved, Settings, Subject};
use crate::certify::{Options, Selection, Task};
use crate::dataset::ValidBox;
use crate::defense::Defense;
use crate::model::{DataSet, Digest, MAX_BYTES, Model, Part, Row};
use crate::report::{Counts, PropertyName};
use crate::source::read_regular;
use crate::spec::Spec;
use crate::steal::Evaluation;
use crate::store::Store;

use super::StudyError;
use super::cell::{Cell, Layout, Work};
use super::certificates::certify;
use super::defending::Chosen;
use super::grid::{Need, StudyGrid};
use super::line::{CellResult, CertifiedCell};

/// Most held-out rows on which agreement is measured.
pub(super) const HELD_OUT: usize = 2000;
/// Uniform points and bisected pairs of an evaluation.
const EVALUATION: usize = 1000;

/// Reason why a cell behind a defense is left out.
const UNDEFENDED: &str = "asked of the undefended model only";

/// A model with the digest of its file.
pub(super) struct MadeModel {
    pub(super) model: Model,
    pub(super) digest: Digest,
}

/// A certificate, as consumers need it.
pub(super) struct KeptCertificate {
    pub(super) claim: PropertyName,
    pub(super) counts: Counts,
    pub(super) proved: Vec<Proved>,
}

/// Conditions on the data; the first that is not met leaves a cell out.
pub(super) fn expect_met(needs: &[Need], data: &DataSet) -> Result<(), StudyError> {
    match needs.iter().find_map(|need| need.unmet(data)) {
        Some(reason) => Err(StudyError::LeftOut(reason)),
        None => Ok(()),
    }
}

/// Leaves out behind a defense what the grid asks of the undefended model only.
pub(super) fn expect_asked(
    defense: Option<usize>,
    is_behind_defenses: bool,
) -> Result<(), StudyError> {
    match defense {
        Some(_) if !is_behind_defenses => Err(StudyError::LeftOut(UNDEFENDED.to_owned())),
        Some(_) | None => Ok(()),
    }
}

/// The place where the cells of one model on one data set are worked on.
pub(super) struct Workbench<'a> {
    /// The name of the model.
    name: &'a str,
    pub(super) grid: &'a StudyGrid,
    pub(super) layout: &'a Layout,
    pub(super) store: &'a Store,
    pub(super) data: &'a DataSet,
    /// Test rows on which agreement is measured.
    held_out: &'a [Row],
    pub(super) made: &'a MadeModel,
    pub(super) valid: ValidBox,
    /// The data at the step of each property.
    at_step: Vec<Cow<'a, DataSet>>,
    evaluation: Option<Evaluation<'a>>,
    /// Defenses by number, each chosen, or left out with a reason.
    defenses: BTreeMap<usize, Result<Chosen, String>>,
    /// Certificates by defense and property; `None` for those that were left out.
    kept: BTreeMap<(Option<usize>, usize), Option<KeptCertificate>>,
    /// The proofs given to attackers, by defense.
    given: BTreeMap<Option<usize>, Vec<Proved>>,
}

impl<'a> Workbench<'a> {
    pub(super) fn new(
        (grid, layout): (&'a StudyGrid, &'a Layout),
        store: &'a Store,
        (data, held_out): (&'a DataSet, &'a [Row]),
        (name, made): (&'a str, &'a MadeModel),
    ) -> Self {
        let at_step = grid.properties.iter().map(|property| property.data(data)).collect();
        Self {
            name,
            at_step,
            grid,
            layout,
            store,
            data,
            held_out,
            made,
            valid: ValidBox::new(&made.model.schema),
            evaluation: None,
            defenses: BTreeMap::new(),
            kept: BTreeMap::new(),
            given: BTreeMap::new(),
        }
    }

    /// The results of cells of one kind behind one defense, in order; they do not depend on the number of threads.
    pub(super) fn run(&mut self, cells: &[Cell]) -> Result<Vec<CellResult>, StudyError> {
        if let Err(error) = cells.first().map_or(Ok(()), |first| self.prepare(first)) {
            return Ok(vec![CellResult::of_error(error)?; cells.len()]);
        }
        let outcomes: Vec<_> = cells.par_iter().map(|cell| self.work(cell)).collect();
        let mut results = Vec::with_capacity(cells.len());
        for (cell, outcome) in cells.iter().zip(outcomes) {
            let (result, kept) = match outcome {
                Ok(done) => done,
                Err(error) => (CellResult::of_error(error)?, None),
            };
            if let Work::Certify { property } = cell.work
                && self.is_consumed(property)
            {
                self.kept.insert((cell.defense, property), kept);
            }
            results.push(result);
        }
        Ok(results)
    }

    /// The result of one cell, with the certificate that it made.
    fn work(&self, cell: &Cell) -> Result<(CellResult, Option<KeptCertificate>), StudyError> {
        match cell.work {
            Work::Certify { property } => self.certify(cell, property),
            Work::Steal { attack, repetition } => {
                let stolen = self.steal(cell.defense, attack, repetition)?;
                Ok((CellResult::Stolen(Box::new(stolen)), None))
            }
            Work::Measure => match cell.defense {
                Some(defense) => {
                    let defended = self.measure_defense(self.chosen(defense)?)?;
                    Ok((CellResult::Defended(Box::new(defended)), None))
                }
                None => Ok((CellResult::Measured(Box::new(self.measure()?)), None)),
            },
        }
    }

    /// Makes what the cells of a kind share.
    fn prepare(&mut self, cell: &Cell) -> Result<(), StudyError> {
        let is_about_labels = cell.defense.is_some() || !matches!(cell.work, Work::Certify { .. });
        if is_about_labels && self.made.model.is_plain_score() {
            let reason = "the model is a plain score: it answers no label";
            return Err(StudyError::LeftOut(reason.to_owned()));
        }
        if let Some(defense) = cell.defense {
            self.choose_once(cell, defense)?;
        }
        match cell.work {
            Work::Certify { .. } => Ok(()),
            Work::Steal { .. } => {
                self.evaluate()?;
                self.give(cell)
            }
            Work::Measure => {
                self.evaluate()?;
                let is_leaking = cell.defense.is_none() && self.grid.leak.is_some();
                let properties = 0..self.grid.properties.len();
                properties.filter(|_| is_leaking).try_for_each(|one| self.keep(cell, one))
            }
        }
    }

    /// Chooses a defense and writes its file, once.
    fn choose_once(&mut self, cell: &Cell, defense: usize) -> Result<(), StudyError> {
        if !self.defenses.contains_key(&defense) {
            let chosen = match self.choose(&self.grid.defenses[defense]) {
                Ok(chosen) => Ok(chosen),
                Err(error) if error.leaves_out() => Err(error.to_string()),
                Err(error) => return Err(error),
            };
            if let (Ok(chosen), Some(file)) = (&chosen, self.layout.defense_file(cell)) {
                if let (Some(decoy), Some(file)) = (&chosen.decoy, self.layout.decoy_file(cell)) {
                    self.store.write(&file, &decoy.text)?;
                }
                self.store.write(&file, chosen.defense.to_json().as_bytes())?;
            }
            self.defenses.insert(defense, chosen);
        }
        self.chosen(defense).map(|_| ())
    }

    /// A defense that was chosen before.
    pub(super) fn chosen(&self, defense: usize) -> Result<&Chosen, StudyError> {
        match self.defenses.get(&defense) {
            Some(Ok(chosen)) => Ok(chosen),
            Some(Err(reason)) => Err(StudyError::LeftOut(reason.clone())),
            None => Err(StudyError::LeftOut("the defense was not chosen".to_owned())),
        }
    }

    /// Leaves out what the grid asks of other models only.
    pub(super) fn expect_named(&self, only: &[String]) -> Result<(), StudyError> {
        match only.is_empty() || only.iter().any(|name| name == self.name) {
            true => Ok(()),
            false => Err(StudyError::LeftOut("asked of other models only".to_owned())),
        }
    }

    fn evaluate(&mut self) -> Result<(), StudyError> {
        if self.evaluation.is_none() {
            let (training, held_out) = (self.data.part(Part::Train), self.held_out);
            let (model, seed) = (&self.made.model, self.grid.seed);
            let points = Evaluation::new(model, training, held_out, &self.valid, EVALUATION, seed);
            self.evaluation = Some(points?);
        }
        Ok(())
    }

    /// The points to compare on.
    pub(super) fn evaluation(&self) -> Result<&Evaluation<'a>, StudyError> {
        let missing = || StudyError::LeftOut("there are no points to compare on".to_owned());
        self.evaluation.as_ref().ok_or_else(missing)
    }

    /// Collects the proofs that attackers are given behind the defense of a cell, once.
    fn give(&mut self, cell: &Cell) -> Result<(), StudyError> {
        if self.given.contains_key(&cell.defense) {
            return Ok(());
        }
        let properties = self.grid.properties.iter().enumerate();
        let given: Vec<usize> =
            properties.filter(|(_, one)| one.is_for_thief).map(|(at, _)| at).collect();
        given.iter().try_for_each(|property| self.keep(cell, *property))?;
        let proved = given.iter().filter_map(|property| self.certificate(cell.defense, *property));
        let proved = proved.flat_map(|kept| kept.proved.iter().cloned()).collect();
        self.given.insert(cell.defense, proved);
        Ok(())
    }

    /// The proofs that attackers are given behind a defense.
    pub(super) fn given(&self, defense: Option<usize>) -> &[Proved] {
        self.given.get(&defense).map_or(&[], Vec::as_slice)
    }

    /// A certificate that is kept; `None` if it was left out.
    pub(super) fn certificate(
        &self,
        defense: Option<usize>,
        property: usize,
    ) -> Option<&KeptCertificate> {
        self.kept.get(&(defense, property))?.as_ref()
    }

    /// True if some cell uses the proofs of a property.
    fn is_consumed(&self, property: usize) -> bool {
        self.grid.leak.is_some() || self.grid.properties[property].is_for_thief
    }

    /// Keeps a certificate that other cells need. It is that of its own cell, wherever that is run.
    fn keep(&mut self, cell: &Cell, property: usize) -> Result<(), StudyError> {
        if self.kept.contains_key(&(cell.defense, property)) {
            return Ok(());
        }
        let kept = self.on_task(cell, property, |task, file| {
            if let Some(kept) = self.stored(task, file) {
                return Ok(kept);
            }
            let certified = certify(task, 0, self.store, file)?;
            let (report, proved) = (certified.report, certified.proved);
            Ok(KeptCertificate { claim: report.claim, counts: report.counts, proved })
        });
        let kept = match kept {
            Ok(kept) => Some(kept),
            Err(error) => CellResult::of_error(error).map(|_| None)?,
        };
        self.kept.insert((cell.defense, property), kept);
        Ok(())
    }

    /// The certificate that is in the store already, if it holds as stated.
    fn stored(&self, task: &Task, file: &str) -> Option<KeptCertificate> {
        let text = String::from_utf8(read_regular(&self.store.path(file), MAX_BYTES).ok()?).ok()?;
        let Decision { checked, proved } = task
            .subject
            .decide(&text, Settings::default())
            .ok()
            .filter(|decision| decision.checked.is_as_stated())?;
        let spec = task.subject.spec;
        let claim = PropertyName::new(spec.property.name(), spec.parameters(&self.made.model));
        Some(KeptCertificate { claim, counts: checked.tally.all, proved })
    }

    /// Certifies a property for its own cell.
    fn certify(
        &self,
        cell: &Cell,
        property: usize,
    ) -> Result<(CellResult, Option<KeptCertificate>), StudyError> {
        self.on_task(cell, property, |task, file| {
            let certified = certify(task, self.grid.exact, self.store, file)?;
            let (report, proved) = (certified.report, certified.proved);
            let (claim, counts) = (report.claim.clone(), report.counts);
            let kept =
                self.is_consumed(property).then_some(KeptCertificate { claim, counts, proved });
            let spec = task.subject.spec;
            let (certificate, is_about_rows) = (certified.digest, spec.property.is_about_rows());
            let done = CertifiedCell { report, certificate, spec: spec.digest, is_about_rows };
            Ok((CellResult::Certified(Box::new(done)), kept))
        })
    }

    /// Does something with the claim of a property about the model behind the defense of a cell, and with the name of
    /// its certificate.
    fn on_task<T>(
        &self,
        cell: &Cell,
        property: usize,
        run: impl FnOnce(&Task, &str) -> Result<T, StudyError>,
    ) -> Result<T, StudyError> {
        let named = &self.grid.properties[property];
        self.expect_named(&named.only)?;
        expect_asked(cell.defense, named.is_behind_defenses)?;
        let text = self.text_of(property)?;
        let spec = Spec::read(text.as_bytes())?;
        self.store.write(&self.layout.spec_file(cell.data, property), text.as_bytes())?;
        let chosen = cell.defense.map(|defense| self.chosen(defense)).transpose()?;
        let defense = chosen.map(|chosen| (&chosen.defense, chosen.digest));
        let task = self.task((&self.made.model, self.made.digest), (&spec, property), defense);
        run(&task, &self.layout.certificate_file(cell, property))
    }

    /// The text of a property's spec on this data.
    pub(super) fn text_of(&self, property: usize) -> Result<String, StudyError> {
        let named = &self.grid.properties[property];
        expect_met(&named.needs, self.data)?;
        named.text_on(self.data).ok_or_else(|| {
            let direction = named.declared.as_deref().unwrap_or_default();
            StudyError::LeftOut(format!("the data declares no {direction} features"))
        })
    }

    /// The claim of a property about a model, as it is or behind a defense, with the rows and the budget of the grid.
    pub(super) fn task<'t>(
        &'t self,
        model: (&'t Model, Digest),
        (spec, property): (&'t Spec, usize),
        defense: Option<(&'t Defense, Digest)>,
    ) -> Task<'t> {
        let named = &self.grid.properties[property];
        let part = named.part.unwrap_or(spec.property.default_part());
        let data: &DataSet = &self.at_step[property];
        let found = spec.property.count_of(data.part(part));
        Task {
            subject: Subject { model, spec, data: Some(data), defense },
            selection: Selection { part, rows: Some(named.rows.unwrap_or(found).min(found)) },
            options: Options {
                seed: self.grid.seed,
                budget_nodes: named.budget_nodes.unwrap_or(self.grid.budget_nodes),
                ..Options::default()
            },
        }
    }
}
