//! The figures of a model on the rows of a part.

use crate::certificate::{Subject, Totals};
use crate::certify::{CertifyError, LargestChange, Options, Selection, Task};
use crate::dataset::{at_step_for, auc_of, f1, log_loss, majority_and_minority};
use crate::model::{DataSet, Family, Model, Part};
use crate::spec::{Aim, CountedBy, Property, Spec};

use super::HoldOptions;

/// Boxes per obligation of an ensemble at least: they cost little.
const LEAST_BOXES: u64 = 20_000;
/// A box of the boundary property of a network costs as much as so many other cases, and with many inputs closes little.
const CASES_PER_ZONE: u64 = 10;

/// Accuracy and loss on all rows of a part, and what the kernel decided about each spec on some of them, at equal steps.
#[derive(Clone, Debug, PartialEq)]
pub struct HoldFigures {
    /// Rows classified correctly.
    pub correct: u64,
    /// Rows of the part.
    pub rows: u64,
    /// F1 of the class that is least frequent among the training rows.
    pub f1: f64,
    /// The share of pairs of rows of the two classes that the score orders rightly; `None` with more classes, or if
    /// one of them has no row.
    pub auc: Option<f64>,
    /// Mean of `−ln F_y`, in nats.
    pub log_loss: f64,
    /// Obligations by verdict, in the order of the specs.
    pub specs: Vec<Totals>,
    /// The scale of the score for each spec, in their order.
    pub scales: Vec<ScoreScale>,
}

/// The yardsticks of a claim about two points of an ensemble. A small score changes little and is confident nowhere, so
/// a claim about it may hold by its size alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScoreScale {
    /// The range of the score on the domain; `None` for claims that are not about its change.
    pub span: Option<LargestChange>,
    /// True if some point of the domain has the confidence that the claim is about, false if it holds emptily; `None`
    /// for other claims, or if the budget ended first.
    pub is_premise_met: Option<bool>,
}

impl HoldFigures {
    /// The figures of a model on test rows, which choose nothing.
    ///
    /// # Errors
    /// Specs that say nothing about the model or the data.
    pub fn on_test(
        model: &Model,
        specs: &[Spec],
        data: &DataSet,
        options: &HoldOptions,
    ) -> Result<Self, CertifyError> {
        Self::of(model, specs, data, Part::Test, options)
    }

    pub(super) fn of(
        model: &Model,
        specs: &[Spec],
        data: &DataSet,
        part: Part,
        options: &HoldOptions,
    ) -> Result<Self, CertifyError> {
        let rows = data.part(part);
        let minority = majority_and_minority(data.part(Part::Train), data.classes()).1;
        let labels = rows.iter().map(|row| (model.label(&row.values), row.label));
        let mut figures = Self {
            correct: labels.clone().filter(|(label, truth)| label == truth).count() as u64,
            rows: rows.len() as u64,
            f1: f1(labels, minority),
            auc: auc_of(model, rows),
            log_loss: log_loss(model, rows),
            specs: Vec::new(),
            scales: Vec::new(),
        };
        for spec in specs {
            let rows = asked(spec, options);
            let data = at_step_for(data, part, rows);
            let task = task(model, spec, (&data, part, rows), options);
            figures.specs.push(task.certify(&mut |_, _| {})?.written.tally.all);
            figures.scales.push(ScoreScale::of(&task)?);
        }
        Ok(figures)
    }

    /// The share of rows classified correctly.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }

    /// The least share of obligations proved, over the specs.
    pub fn proved(&self) -> f64 {
        let share = |totals: &Totals| totals.proved as f64 / totals.n().max(1) as f64;
        self.specs.iter().map(share).fold(1.0, f64::min)
    }
}

impl ScoreScale {
    fn of(task: &Task) -> Result<Self, CertifyError> {
        let lowered = task.lowered(task.rows()?)?;
        let is_change = lowered.aim().is_some_and(Aim::is_change);
        if !is_change || !matches!(task.subject.model.0.family, Family::Ensemble(_)) {
            return Ok(Self::default());
        }
        task.prepare(|searcher| Self {
            span: searcher.score_span(0),
            is_premise_met: searcher.is_premise_met(0),
        })
    }
}

/// The rows that a spec is certified on.
fn asked(spec: &Spec, options: &HoldOptions) -> usize {
    match spec.property.counted_by() {
        // about as many pairs as rows are asked for
        CountedBy::Pairs => (2 * options.rows).isqrt().max(2),
        CountedBy::Rows
        | CountedBy::RowFeatures
        | CountedBy::Features
        | CountedBy::Groups
        | CountedBy::InputBoxes
        | CountedBy::Domain => options.rows,
    }
}

fn task<'a>(
    model: &'a Model,
    spec: &'a Spec,
    (data, part, rows): (&'a DataSet, Part, usize),
    options: &HoldOptions,
) -> Task<'a> {
    let rows = rows.min(spec.property.count_of(data.part(part)));
    Task {
        subject: Subject::new(model, spec, data),
        selection: Selection { part, rows: Some(rows) },
        options: Options {
            budget_nodes: match model.family {
                Family::Mlp(_) if matches!(spec.property, Property::BoundaryFuzz(_)) => {
                    options.budget_nodes.div_ceil(CASES_PER_ZONE)
                }
                Family::Mlp(_) => options.budget_nodes,
                Family::Ensemble(_) => options.budget_nodes.max(LEAST_BOXES),
            },
            seed: options.seed,
            ..Options::default()
        },
    }
}
