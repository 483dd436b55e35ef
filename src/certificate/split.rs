//! Case distinctions. Two children cover their parent by construction; the tree is walked with an
//! explicit stack, low child first.
//!
//! *Networks.* A cut `i F:T` keeps both closed halves `z_F <= T` and `z_F >= T`; the ends of
//! features that take whole numbers move inward, except along the feature that a monotone claim
//! moves: there the segments of the two halves must meet. A child inherits its parent's hidden
//! bounds, intersected with the interval rule on its own box, unless it refreshes them.
//!
//! *Ensembles.* A cut `c F.K` separates the cells up to `K` from the others.

use crate::interval::{Form, Interval, Rational};
use crate::model::Model;
use crate::spec::{Claim, Obligation};

use super::claims::{Outcome, decide, label_of};
use super::forest::{CellBox, Forest, Score};
use super::linear::check_hints;
use super::{
    Cut, Hidden, Hint, Leaf, Network, Rejection, SplitTree, Step, boxes, jacobian, linear,
};

/// Deepest path of a split tree.
pub(super) const MAX_DEPTH: usize = 512;

/// A network, a claim and what a served copy may lose of each margin.
pub(super) struct NetworkCase<'a, F: Form> {
    pub(super) network: &'a Network<F>,
    pub(super) model: &'a Model,
    pub(super) claim: &'a Claim,
    pub(super) allowances: &'a [Rational],
}

impl<F: Form> NetworkCase<'_, F> {
    /// Decides the claim on one box by one rule.
    pub(super) fn close(
        &self,
        leaf: Leaf,
        hidden: &Hidden,
        input: &[Interval],
        hints: &[Hint],
    ) -> Result<Outcome, Rejection> {
        match (leaf, self.claim) {
            (Leaf::Jacobian, Claim::Monotone { feature, direction, class }) => {
                Ok(jacobian::monotone(self.network, hidden, feature.0, *class, *direction))
            }
            _ => {
                let label = label_of(self.claim)?;
                let margins = linear::margins(self.network, leaf, label, hidden, input, hints)?;
                decide(self.claim, self.model.tie, self.model.classes, &margins, self.allowances)
            }
        }
    }

    /// Walks the tree over the obligation's region.
    pub(super) fn walk(
        &self,
        obligation: &Obligation,
        tree: &SplitTree,
        hints: &[Hint],
    ) -> Result<Outcome, Rejection> {
        check_hints(hints, self.network.widths())?;
        let mut stack = vec![(obligation.region.clone(), None::<Hidden>, 0usize)];
        let mut worst = Outcome::Holds;
        for (token, step) in tree.steps().iter().enumerate() {
            let Some((region, parent, depth)) = stack.pop() else {
                return Err(Rejection::Tree { token, problem: "no box left" });
            };
            if depth > MAX_DEPTH {
                return Err(Rejection::Tree { token, problem: "deeper than 512" });
            }
            let (Step::Cut { refresh, .. } | Step::Leaf { refresh, .. }) = step;
            if refresh.is_some_and(|layer| layer + 1 >= self.network.depth()) {
                return Err(Rejection::Tree {
                    token,
                    problem: "a refresh of a layer that is not hidden",
                });
            }
            let input = region.standardised(&self.model.schema).map(|r| r.sides().to_vec());
            let hidden = match (&input, &parent) {
                (None, _) => None,
                (Some(input), None) => self.network.linear_bounds(input),
                (Some(input), Some(parent)) => {
                    self.network.inherited_bounds(parent, input, *refresh)
                }
            };
            match step {
                Step::Cut { cut: Cut::Input { feature, at }, .. } => {
                    let moved = self.moved_feature() == Some(*feature);
                    let halves = region.halved(&self.model.schema, *feature, *at, !moved);
                    let (low, high) = halves.ok_or(Rejection::CutOutside { token })?;
                    let held = hidden.or(parent);
                    stack.push((high, held.clone(), depth + 1));
                    stack.push((low, held, depth + 1));
                }
                Step::Cut { cut: Cut::Cell { .. }, .. } => {
                    return Err(Rejection::Tree { token, problem: "a cell cut on a network" });
                }
                Step::Leaf { leaf, hint, .. } => {
                    let hint = match hint {
                        Some(index) => std::slice::from_ref(
                            hints
                                .get(*index)
                                .ok_or(Rejection::Index { what: "hint", index: *index })?,
                        ),
                        None => &[],
                    };
                    let outcome = match (&input, &hidden) {
                        // an empty case holds
                        (None, _) => Outcome::Holds,
                        (Some(_), None) => Outcome::Open(super::Bounds::NONE),
                        (Some(input), Some(hidden)) => self.close(*leaf, hidden, input, hint)?,
                    };
                    worst = worst.and(outcome);
                }
            }
        }
        Ok(worst)
    }

    fn moved_feature(&self) -> Option<usize> {
        match self.claim {
            Claim::Monotone { feature, .. } => Some(feature.0),
            _ => None,
        }
    }
}

/// Walks the tree over a box of cells of an ensemble; every leaf must hold by the box rule.
pub(super) fn walk_cells<N: Score>(
    forest: &Forest<N>,
    model: &Model,
    claim: &Claim,
    allowances: &[Rational],
    cells: CellBox,
    tree: &SplitTree,
) -> Result<Outcome, Rejection> {
    let label = label_of(claim)?;
    let mut stack = vec![(cells, 0usize)];
    let mut worst = Outcome::Holds;
    for (token, step) in tree.steps().iter().enumerate() {
        let Some((here, depth)) = stack.pop() else {
            return Err(Rejection::Tree { token, problem: "no box left" });
        };
        if depth > MAX_DEPTH {
            return Err(Rejection::Tree { token, problem: "deeper than 512" });
        }
        match step {
            Step::Cut { cut: Cut::Cell { feature, number }, refresh: None } => {
                let (low, high) =
                    here.cut(*feature, *number).ok_or(Rejection::CutOutside { token })?;
                stack.push((high, depth + 1));
                stack.push((low, depth + 1));
            }
            Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None } => {
                let margins = boxes::margins(forest, label, model.classes, &here);
                worst = worst.and(decide(claim, model.tie, model.classes, &margins, allowances)?);
            }
            _ => return Err(Rejection::Tree { token, problem: "not a step of a tree box" }),
        }
    }
    Ok(worst)
}

impl Outcome {
    /// Both must hold; else the worse bound is kept.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Holds, other) => other,
            (open, Self::Holds) => open,
            (Self::Open(a), Self::Open(b)) => {
                Self::Open(if a.reached <= b.reached { a } else { b })
            }
        }
    }
}
