//! The figures of a model on the rows of a part.

use crate::certificate::{Subject, Totals};
use crate::certify::{CertifyError, Options, Selection, Task};
use crate::dataset::{f1, majority_and_minority};
use crate::model::{DataSet, Family, Model, Part, Row, softmax};
use crate::spec::Spec;

use super::HoldOptions;

/// Boxes per obligation of an ensemble at least: they cost little.
const LEAST_BOXES: u64 = 20_000;

/// Accuracy and loss on all rows of a part, and what the kernel decided about each spec on its first rows.
#[derive(Clone, Debug, PartialEq)]
pub struct HoldFigures {
    /// Rows classified correctly.
    pub correct: u64,
    /// Rows of the part.
    pub rows: u64,
    /// F1 of the class that is least frequent among the training rows.
    pub f1: f64,
    /// Mean of `−ln F_y`, in nats.
    pub log_loss: f64,
    /// Obligations by verdict, in the order of the specs.
    pub specs: Vec<Totals>,
}

impl HoldFigures {
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
        let specs = specs.iter().map(|spec| certified(model, spec, data, part, options));
        Ok(Self {
            correct: labels.clone().filter(|(label, truth)| label == truth).count() as u64,
            rows: rows.len() as u64,
            f1: f1(labels, minority),
            log_loss: rows.iter().map(|row| loss(model, row)).sum::<f64>() / rows.len() as f64,
            specs: specs.collect::<Result<_, _>>()?,
        })
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

fn certified(
    model: &Model,
    spec: &Spec,
    data: &DataSet,
    part: Part,
    options: &HoldOptions,
) -> Result<Totals, CertifyError> {
    let rows = options.rows.min(spec.property.count_of(data.part(part)));
    let task = Task {
        subject: Subject::new(model, spec, data),
        selection: Selection { part, rows: Some(rows) },
        options: Options {
            budget_nodes: match model.family {
                Family::Mlp(_) => options.budget_nodes,
                Family::Ensemble(_) => options.budget_nodes.max(LEAST_BOXES),
            },
            seed: options.seed,
            ..Options::default()
        },
    };
    Ok(task.certify(&mut |_, _| {})?.written.tally.all)
}

/// `−ln F_y`, bounded by the least positive float.
fn loss(model: &Model, row: &Row) -> f64 {
    let posterior = softmax(&model.scores(&row.values));
    -posterior.get(row.label).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE).ln()
}
