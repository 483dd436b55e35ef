//! Case distinctions. Two children cover their parent by construction (for a region under conditions: its
//! points that meet them). The tree is walked with an explicit stack, low child first.
//!
//! *Networks.* A cut `i F:T` keeps both closed halves `z_F <= T` and `z_F >= T`; the ends of features that take
//! whole numbers move inward, except along the feature that a monotone claim moves: there the segments of the
//! two halves must meet. A child inherits its parent's hidden bounds, intersected with the interval rule on its
//! own box, unless it refreshes them. A cut `r L.J` keeps `z <= 0` and `z >= 0` of a hidden neuron. The bounds
//! of later layers follow; in the first layer those of the other neurons follow as well. The linear rule may
//! use the sign with a multiplier.
//!
//! *Boxes.* If leaves bound further copies of a point, which lie around its box, only inputs are cut and
//! nothing is inherited ([`walk_boxes`]).
//!
//! *Ensembles.* A cut `c F.K` separates the cells up to `K` from the others. Over pairs of points a sum
//! separates trees from the others (`twins`).

use crate::certificate::claims::Outcome;
use crate::certificate::{Bounds, Rejection, SplitTree, Step};

/// Deepest path of a split tree, in cuts and sums.
pub const MAX_DEPTH: usize = 512;

/// Refuses a step that lies deeper than [`MAX_DEPTH`].
fn check_depth(depth: usize, token: usize) -> Result<(), Rejection> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    Err(Rejection::Tree { token, problem: "deeper than 512" })
}

/// The result of a step of a tree at its region.
pub(super) enum Visited<R> {
    /// The low and the high part of the region, which cover it, or two claims that add up to its own.
    Cut((R, R)),
    /// The outcome of the leaf.
    Leaf(Outcome),
}

/// Walks a tree from `root` with an explicit stack, low parts first; every leaf must hold.
pub(super) fn preorder<R>(
    root: R,
    tree: &SplitTree,
    take: impl Fn(usize, &Step, R) -> Result<Visited<R>, Rejection>,
) -> Result<Outcome, Rejection> {
    let mut stack = vec![(root, 0usize)];
    let mut all = Outcome::Holds;
    for (token, step) in tree.steps().iter().enumerate() {
        let Some((here, depth)) = stack.pop() else {
            return Err(Rejection::Tree { token, problem: "no box left" });
        };
        check_depth(depth, token)?;
        match take(token, step, here)? {
            Visited::Cut((low, high)) => stack.extend([(high, depth + 1), (low, depth + 1)]),
            Visited::Leaf(outcome) => all = all.and(outcome),
        }
    }
    Ok(all)
}

impl Outcome {
    /// Holds if both hold; otherwise keeps the bound that misses by more.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Holds, other) => other,
            (open, Self::Holds) => open,
            (Self::Open(a), Self::Open(b)) => {
                // parts of a sum have limits of their own
                let slack = |bounds: &Bounds| bounds.reached - bounds.required;
                Self::Open(if slack(&a) <= slack(&b) { a } else { b })
            }
        }
    }
}
