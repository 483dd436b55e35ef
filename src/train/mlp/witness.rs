//! Counterexamples that the verifier finds on training rows, kept between rounds: training meets them again and
//! again, also where an ascent does not get to.
//!
//! ```text
//! every so many epochs, once boxes are whole:
//!     certify the specs on training rows, at equal steps
//!     keep the points of every refuted obligation
//! ```

use serde::{Deserialize, Serialize};

use crate::certificate::{Proof, Subject, Verdict};
use crate::certify::{CertifyError, Options, Selection, Task};
use crate::dataset::at_step_for;
use crate::model::{DataSet, Model, Part, Point};
use crate::spec::Spec;
use crate::train::TrainError;
use crate::violation::BoundaryClaim;

/// The rounds of looking for counterexamples.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterexampleOptions {
    /// Epochs between two rounds, at least 1.
    pub every: usize,
    /// At most so many training rows, at equal steps, are certified; at least 2.
    pub rows: usize,
    /// Nodes of a case distinction per obligation.
    pub nodes: u64,
}

/// The points that refute an obligation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Witness {
    /// The spec's place in the list of all specs.
    pub(super) spec: usize,
    /// The row, or the place of the claim at a row or on the domain.
    pub(super) row: usize,
    pub(super) variant: usize,
    /// Raw points, one or two.
    pub(super) points: Vec<Vec<f64>>,
}

/// The specs of a training with the data to certify them on.
#[derive(Clone, Copy)]
pub struct CounterexampleSource<'a> {
    /// The data; its training part is what is trained on.
    pub data: &'a DataSet,
    /// The specs about labels, then those of the claims, in order.
    pub specs: &'a [Spec],
}

impl CounterexampleOptions {
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let least = |option, found: usize, least: usize, expected| {
            TrainError::unless(found >= least, option, found as f64, expected)
        };
        least("counterexamples.every", self.every, 1, "at least 1")?;
        least("counterexamples.rows", self.rows, 2, "at least 2")
    }

    /// The counterexamples to the specs that the verifier finds on a model.
    pub(super) fn found(
        &self,
        model: &Model,
        source: CounterexampleSource,
    ) -> Result<Vec<Witness>, TrainError> {
        let mut found = Vec::new();
        for (at, spec) in source.specs.iter().enumerate() {
            self.of_spec(model, (at, spec), source.data, &mut found).map_err(|error| {
                let (property, reason) = (spec.property.name(), error.to_string());
                TrainError::Property { property, reason }
            })?;
        }
        Ok(found)
    }

    fn of_spec(
        &self,
        model: &Model,
        (at, spec): (usize, &Spec),
        data: &DataSet,
        found: &mut Vec<Witness>,
    ) -> Result<(), CertifyError> {
        let data = at_step_for(data, Part::Train, self.rows);
        let rows = self.rows.min(spec.property.count_of(data.part(Part::Train)));
        let task = Task {
            subject: Subject::new(model, spec, &data),
            selection: Selection { part: Part::Train, rows: Some(rows) },
            options: Options { budget_nodes: self.nodes, ..Options::default() },
        };
        task.prepare(|searcher| {
            let lowered = searcher.lowered();
            let is_about_rows = spec.property.is_about_rows();
            let places = if is_about_rows { lowered.rows().len() } else { 1 };
            let per_place = (lowered.len() / places.max(1)).max(1);
            searcher.run(0, |line, answer| {
                let (Verdict::Refuted(_), Proof::Counterexample { points }) =
                    (&answer.verdict, &line.proof)
                else {
                    return Ok(());
                };
                let claim = lowered.obligation(line.at).map(|obligation| obligation.claim);
                let raw = points.iter().map(|texts| floats(texts, model.schema.len()));
                let raw: Option<Vec<Vec<f64>>> = raw.collect();
                if let (Some(claim), Some(mut points)) = (claim, raw) {
                    if let (Some(claim), [point]) = (BoundaryClaim::of(&claim), points.as_slice()) {
                        points.extend(claim.partner(model, point));
                    }
                    let (row, variant) = (line.at / per_place, line.at % per_place);
                    found.push(Witness { spec: at, row, variant, points });
                }
                Ok(())
            })
        })??;
        Ok(())
    }
}

/// The floats next to a point.
fn floats(texts: &[String], features: usize) -> Option<Vec<f64>> {
    let point = Point::parse(texts, features).ok()?;
    Some(point.values().iter().map(crate::interval::Rational::down).collect())
}
