//! Boosting under the worst case of each row's box (Andriushchenko and Hein 2019; the assignment at a split of
//! Chen et al. 2019).
//!
//! Row `i` with sign `s = ±1` carries a lower bound of its signed margin on its box, and derivatives of the loss
//! are taken there:
//!
//! ```text
//! L_i = s·base + Σ over the trees of  min { s·v : v a leaf that the box reaches }
//! loss of a row  ln(1 + e^{−L_i})
//! ```
//!
//! A node holds the rows whose box reaches it. At a cut a row is on the left for certain, on the right for
//! certain, or on both sides. If the left value is to be the lower one, rows of class 1 on both sides count
//! left and those of class 0 right, else the other way round: their worst case. Boxes that are points give
//! ordinary boosting.
//!
//! | file | what it holds |
//! |---|---|
//! | `cuts` | thresholds with room on both sides |
//! | `reach` | the ends of each box in terms of the thresholds |
//! | `grow` | one tree |
//! | `grown` | a tree with the rows of its leaves |
//! | `refit` | the values of all leaves once more |

mod cuts;
mod grow;
mod grown;
mod reach;
mod refit;
#[cfg(test)]
mod tests;

use crate::model::{Ensemble, Node, Row, Tree};
use crate::train::{MovableRows, Progress};

use super::histogram::Derivatives;
use super::{BestTrees, TreeOptions, accuracy, base_score, logistic_loss};
use grow::RobustGrower;
use grown::{GrownTree, LeafStanding};
use reach::BoxCodes;
use refit::refit;

/// Boosts on worst-case margins, then refits the leaves of all trees. With `options.patience` the validation rows
/// decide when to stop, by their worst-case loss.
pub(super) fn boost(
    train: MovableRows,
    validation: MovableRows,
    options: &TreeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Ensemble {
    let (base, mut trees) = grown(train, validation, options, progress);
    let margins = margins(train.rows, base, &trees);
    refit(&mut trees, train.rows, margins, options.worst_case);
    let trees = trees.into_iter().map(GrownTree::into_tree).collect();
    Ensemble { base: vec![base], trees }
}

/// The loop of boosting: the base score and the trees.
fn grown(
    train: MovableRows,
    validation: MovableRows,
    options: &TreeOptions,
    progress: &mut dyn FnMut(Progress),
) -> (f64, Vec<GrownTree>) {
    let base = base_score(train.rows);
    let codes = BoxCodes::new(train, options.bins);
    let mut grower = RobustGrower::new(&codes, train.rows, options);
    let mut margins = margins(train.rows, base, &[]);
    let mut held_out = HeldOut::new(validation, base);
    let mut best = BestTrees::new(options.patience.filter(|_| !validation.rows.is_empty()));
    let mut trees = Vec::new();
    while trees.len() < options.trees && !best.is_out_of_patience(trees.len()) {
        let derivatives = margins.derivatives(train.rows, options.worst_case);
        let tree = grower.grow(derivatives, &mut margins);
        let loss = held_out.add(&tree.tree);
        trees.push(tree);
        best.judge(loss, trees.len());
        progress(Progress {
            done: trees.len() as u64,
            total: options.trees as u64,
            validation_accuracy: accuracy(&held_out.plain, validation.rows),
            validation_holding: held_out.holding(),
            validation_claims: None,
        });
    }
    trees.truncate(best.kept().unwrap_or(trees.len()));
    (base, trees)
}

/// The signed margins of all trees together.
fn margins(rows: &[Row], base: f64, trees: &[GrownTree]) -> RowCases<Vec<f64>> {
    let signs = signs(rows);
    let start: Vec<f64> = signs.iter().map(|sign| sign * base).collect();
    let mut margins = RowCases { worst: start.clone(), own: start };
    trees.iter().for_each(|tree| margins.add(&tree.standing, &signs));
    margins
}

/// Something about a row, or rows, in the worst case and where they are.
#[derive(Clone, Copy)]
struct RowCases<T> {
    worst: T,
    own: T,
}

impl RowCases<Vec<f64>> {
    /// Adds a tree to the signed margins.
    fn add(&mut self, standing: &LeafStanding, signs: &[f64]) {
        let margins = self.worst.iter_mut().zip(&mut self.own);
        for ((worst, own), (place, sign)) in margins.zip(standing.places.iter().zip(signs)) {
            *worst += sign * standing.value(place.worst);
            *own += sign * standing.value(place.own);
        }
    }

    /// The derivatives of the loss at these signed margins: the worst case has that weight, the row itself the rest.
    fn derivatives(&self, rows: &[Row], worst_case: f64) -> RowCases<Vec<Derivatives>> {
        let of = |margins: &[f64], weight: f64| {
            let rows = rows.iter().zip(margins);
            let of_row = |(row, margin): (&Row, &f64)| {
                Derivatives::weighted(sign(row) * margin, row.label, weight)
            };
            rows.map(of_row).collect()
        };
        RowCases { worst: of(&self.worst, worst_case), own: of(&self.own, 1.0 - worst_case) }
    }
}

/// The sign of every row.
fn signs(rows: &[Row]) -> Vec<f64> {
    rows.iter().map(sign).collect()
}

/// `+1` for class 1, `−1` for class 0.
fn sign(row: &Row) -> f64 {
    if row.label == 1 { 1.0 } else { -1.0 }
}

/// The least value of `sign·v` over the leaves that a box reaches.
fn least(tree: &Tree, (lo, hi): (&[f64], &[f64]), sign: f64) -> f64 {
    let mut stack = vec![0];
    let mut least = f64::INFINITY;
    while let Some(node) = stack.pop() {
        match &tree.nodes[node] {
            Node::Leaf(value) => least = least.min(sign * value),
            Node::Split { feature, threshold, left, right, .. } => {
                if lo[feature.0] < *threshold {
                    stack.push(*left);
                }
                if hi[feature.0] >= *threshold {
                    stack.push(*right);
                }
            }
        }
    }
    least
}

/// Margins of the validation rows.
struct HeldOut<'a> {
    sample: MovableRows<'a>,
    /// Those of class 1 at the rows themselves.
    plain: Vec<f64>,
    /// Signed margins in the worst case.
    worst: Vec<f64>,
}

impl<'a> HeldOut<'a> {
    fn new(sample: MovableRows<'a>, base: f64) -> Self {
        let plain = vec![base; sample.rows.len()];
        let worst = sample.rows.iter().map(|row| sign(row) * base).collect();
        Self { sample, plain, worst }
    }

    /// Adds a tree; returns the worst-case loss with it.
    fn add(&mut self, tree: &Tree) -> f64 {
        let mut loss = 0.0;
        let margins = self.plain.iter_mut().zip(&mut self.worst).zip(self.sample.rows);
        for (at, ((plain, worst), row)) in margins.enumerate() {
            *plain += tree.value(&row.values);
            *worst += least(tree, self.sample.moves.row(at), sign(row));
            loss += logistic_loss(*worst, 1);
        }
        loss
    }

    /// The share of rows that keep their label in their box tree by tree, which is all that is known of it.
    fn holding(&self) -> Option<[f64; 2]> {
        let holding = self.worst.iter().filter(|worst| **worst > 0.0).count();
        let share = holding as f64 / self.worst.len() as f64;
        (!self.worst.is_empty()).then_some([share, share])
    }
}
