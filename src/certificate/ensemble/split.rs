//! Boxes of cells of an ensemble.

use crate::interval::Rational;
use crate::model::Model;
use crate::spec::Claim;

use super::distance::Distances;
use super::interval;
use super::{CellBox, Forest, Score};
use crate::certificate::cases::{Visited, preorder};
use crate::certificate::claims::{Outcome, decide, label_of};
use crate::certificate::{Cut, Leaf, Rejection, SplitTree, Step};

/// Walks the tree over a box of cells of an ensemble; every leaf must hold by the box rule, or lie beyond
/// the ball that the claim is about.
#[cfg_attr(not(test), expect(clippy::wildcard_enum_match_arm, reason = "refused"))]
pub(in crate::certificate) fn walk_cells<N: Score>(
    forest: &Forest<N>,
    model: &Model,
    claim: &Claim,
    allowances: &[Rational],
    (cells, distances): (CellBox, Option<Distances>),
    tree: &SplitTree,
) -> Result<Outcome, Rejection> {
    let label = label_of(claim)?;
    preorder(cells, tree, |token, step, here| match step {
        Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None } => {
            here.cut(*feature, *number).map(Visited::Cut).ok_or(Rejection::CutOutside { token })
        }
        Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None } => {
            if distances.as_ref().is_some_and(|distances| distances.is_beyond(&here)) {
                return Ok(Visited::Leaf(Outcome::Holds));
            }
            let margins = interval::margins(forest, label, model.classes, &here);
            decide(claim, model.tie, model.classes, &margins, allowances).map(Visited::Leaf)
        }
        _ => Err(Rejection::Tree { token, problem: "not a step of a tree box" }),
    })
}
