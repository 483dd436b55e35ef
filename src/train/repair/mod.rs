//! Leaf values of an ensemble, moved as little as possible until specs are proved.
//!
//! With the trees' structure fixed, the score at a point is linear in the leaf values, so every counterexample is
//! a linear row on them. Rounds of three steps:
//!
//! ```text
//! 1. the verifier decides every obligation and gives counterexamples to those that fail
//! 2. each becomes a row: the violation, linear in the leaf values, must be at most −margin
//! 3. the leaf values move to the closest ones that meet all rows so far, rounded to f32
//! ```
//!
//! The rounds end when nothing is refuted: then all is proved, or undecided for want of budget.
//!
//! | file | what it holds |
//! |---|---|
//! | `rows` | counterexamples as rows |
//! | `closest` | the closest values under rows (Hildreth 1957) |
//! | `shrink` | all values times one factor |

mod closest;
mod rows;
mod shrink;
#[cfg(test)]
mod tests;

use crate::certificate::{Subject, Totals, Verdict};
use crate::certify::{CertifyError, Options, Selection, Task};
use crate::dataset::at_step_for;
use crate::model::{DataSet, Ensemble, Family, Model, Node, Part};
use crate::spec::Spec;

use closest::Closest;
use rows::{LeafNumbers, LeafRow};
pub(super) use shrink::shrink;

/// The settings of [`repair`].
#[derive(Clone, Debug, PartialEq)]
pub struct RepairOptions {
    /// Most rounds.
    pub rounds: usize,
    /// Nodes of a case distinction per obligation and round.
    pub budget_nodes: u64,
    /// First training rows that claims about rows are made of.
    pub train_rows: usize,
    /// The amount by which rows are met, in units of the violation: above what rounding to f32 can undo.
    pub margin: f64,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self { rounds: 2000, budget_nodes: 20_000, train_rows: 1000, margin: 1e-4 }
    }
}

/// The progress of [`repair`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairRound {
    /// Rounds done.
    pub round: usize,
    /// Obligations that were refuted in it.
    pub refuted: u64,
    /// Rows so far.
    pub rows: usize,
}

/// A repaired ensemble.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// The model with other leaf values.
    pub model: Model,
    /// The obligations of each spec by the last round's verdicts.
    pub totals: Vec<Totals>,
    /// Rounds done.
    pub rounds: usize,
    /// Rows that were needed.
    pub rows: usize,
}

/// Moves the leaf values of an ensemble until no obligation of `specs` is refuted, or the rounds end. Claims about
/// rows are made of training rows at equal steps. Leaves that many training rows reach move least. A network is returned as it
/// is.
///
/// # Errors
/// Specs that say nothing about the model, or data that does not fit it.
pub fn repair(
    model: Model,
    specs: &[Spec],
    data: &DataSet,
    options: &RepairOptions,
    tell: &mut dyn FnMut(RepairRound),
) -> Result<Repaired, CertifyError> {
    let mut model = model;
    let (leaves, mut closest) = match &model.family {
        Family::Ensemble(ensemble) => {
            let leaves = LeafNumbers::new(ensemble);
            let closest = Closest::new(
                &leaves.values(ensemble),
                &leaves.weights(ensemble, data.part(Part::Train)),
            );
            (leaves, closest)
        }
        Family::Mlp(_) => (LeafNumbers::default(), Closest::new(&[], &[])),
    };
    let mut round = 0;
    loop {
        let found = decide(&model, specs, data, (&leaves, options))?;
        let refuted = found.totals.iter().map(|totals| totals.refuted).sum();
        round += 1;
        tell(RepairRound { round, refuted, rows: closest.len() });
        if refuted == 0 || found.rows.is_empty() || round >= options.rounds {
            let rows = closest.len();
            return Ok(Repaired { model, totals: found.totals, rounds: round, rows });
        }
        found.rows.into_iter().for_each(|row| closest.add(row));
        let values = closest.solve();
        if let Family::Ensemble(ensemble) = &mut model.family {
            leaves.set(ensemble, values);
        }
    }
}

/// The verdicts of one round, and the rows that its counterexamples give.
struct RoundVerdicts {
    totals: Vec<Totals>,
    rows: Vec<LeafRow>,
}

fn decide(
    model: &Model,
    specs: &[Spec],
    data: &DataSet,
    (leaves, options): (&LeafNumbers, &RepairOptions),
) -> Result<RoundVerdicts, CertifyError> {
    let mut decided = RoundVerdicts { totals: Vec::new(), rows: Vec::new() };
    for spec in specs {
        // rows of other parts are for those who judge the model
        let data = at_step_for(data, Part::Train, options.train_rows);
        let task = Task {
            subject: Subject::new(model, spec, &data),
            selection: Selection {
                part: Part::Train,
                rows: Some(options.train_rows.min(spec.property.count_of(data.part(Part::Train)))),
            },
            options: Options { budget_nodes: options.budget_nodes, ..Options::default() },
        };
        let rows = &mut decided.rows;
        let totals = task.prepare(|searcher| {
            let mut refuted = Vec::new();
            let summary = searcher.run(0, |line, answer| {
                if let (Verdict::Refuted(_), false) = (&answer.verdict, leaves.is_empty()) {
                    refuted.push(line.at);
                    rows.extend(leaves.row(model, searcher, line, options.margin));
                }
                Ok(())
            })?;
            for at in refuted {
                rows.extend(leaves.further_rows(model, searcher, at, options.margin));
            }
            Ok::<_, CertifyError>(summary.totals)
        })??;
        decided.totals.push(totals);
    }
    Ok(decided)
}

/// The leaf that a raw point reaches.
fn reached(ensemble: &Ensemble, tree: usize, raw: &[f64]) -> usize {
    let nodes = &ensemble.trees[tree].nodes;
    let mut at = 0;
    while let Node::Split { feature, threshold, left, right, .. } = &nodes[at] {
        at = if raw[feature.0] < *threshold { *left } else { *right };
    }
    at
}
