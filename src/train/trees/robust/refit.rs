//! The values of all leaves once more, with every tree in its place.
//!
//! Boosting fits a tree to those before it alone. With the structure fixed the loss is convex in the values, the worst
//! case of a row being a sum of least values. So every tree takes a Newton step beside all others:
//!
//! ```text
//! f(v) = Σ loss of the rows + ½ λ Σ v²        v ← v + d,  d = −(G + λ v) / (H + λ)
//! ```
//!
//! A step, or a part of it, is taken if `f` still falls at its end; then, by convexity, it is lower there. Values stay
//! within the bounds of their leaves, so that directions hold.

use crate::model::Row;
use crate::train::trees::histogram::{Derivatives, RowSums};

use super::grown::{GrownTree, LeafStanding};
use super::{RowCases, signs};

/// The λ of the formulas: of 1 to 30, those from 5 to 20 did alike on validation rows.
const PULL: f64 = 10.0;
/// Shares of a step that are tried, in order; the last one always goes.
const SHARES: [f64; 3] = [1.0, 0.25, 0.0];

/// Refits the leaves of every tree once; `margins` are those of all trees together. More rounds took longer and were
/// no better on validation rows.
pub(super) fn refit(
    trees: &mut [GrownTree],
    rows: &[Row],
    margins: RowCases<Vec<f64>>,
    worst_case: f64,
) {
    let derivatives = margins.derivatives(rows, worst_case);
    let mut refit = Refit { rows, signs: signs(rows), worst_case, margins, derivatives };
    trees.iter_mut().for_each(|tree| refit.step(tree));
}

/// The rows beside all trees.
struct Refit<'a> {
    rows: &'a [Row],
    signs: Vec<f64>,
    worst_case: f64,
    margins: RowCases<Vec<f64>>,
    derivatives: RowCases<Vec<Derivatives>>,
}

impl Refit<'_> {
    /// A step in the values of one tree.
    fn step(&mut self, tree: &mut GrownTree) {
        let start = tree.standing.values.clone();
        let sums = self.sums(&tree.standing);
        for share in SHARES {
            let leaves = tree.leaves.iter().zip(&sums).zip(&start);
            let stepped = leaves.map(|((leaf, sums), old)| {
                let step = -(sums.gradient() + PULL * old) / (sums.hessian() + PULL);
                f64::from((old + share * step).max(leaf.lower).min(leaf.upper) as f32)
            });
            let next = LeafStanding::new(&tree.leaves, stepped.collect(), &self.signs);
            self.go(&tree.standing, &next);
            tree.standing = next;
            if self.slope(&start, &tree.standing) <= 0.0 {
                break;
            }
        }
    }

    /// Moves the margins from one standing of a tree to another.
    fn go(&mut self, from: &LeafStanding, to: &LeafStanding) {
        let margins = self.margins.worst.iter_mut().zip(&mut self.margins.own);
        let places = from.places.iter().zip(&to.places).zip(&self.signs);
        for ((worst, own), ((before, after), sign)) in margins.zip(places) {
            *worst += sign * (to.value(after.worst) - from.value(before.worst));
            *own += sign * (to.value(after.own) - from.value(before.own));
        }
        self.derivatives = self.margins.derivatives(self.rows, self.worst_case);
    }

    /// The sums of the rows by leaf.
    fn sums(&self, standing: &LeafStanding) -> Vec<RowSums> {
        let mut sums = vec![RowSums::default(); standing.values.len()];
        let derivatives = self.derivatives.worst.iter().zip(&self.derivatives.own);
        for (place, (worst, own)) in standing.places.iter().zip(derivatives) {
            sums[place.worst as usize] += *worst;
            sums[place.own as usize] += *own;
        }
        sums
    }

    /// The slope of `f` at the end of the way from the `old` values.
    fn slope(&self, old: &[f64], end: &LeafStanding) -> f64 {
        let sums = self.sums(end);
        let slopes = sums.iter().zip(old).zip(&end.values);
        slopes.map(|((sums, old), new)| (sums.gradient() + PULL * new) * (new - old)).sum()
    }
}
