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

mod cuts;
mod grow;
mod reach;
#[cfg(test)]
mod tests;

use crate::model::{Ensemble, Node, Row, Tree};
use crate::train::{MovableRows, Progress, RowBoxes};

use super::histogram::Derivatives;
use super::{TreeOptions, base_score, logistic_loss};
use grow::RobustGrower;
use reach::BoxCodes;

/// The loop of boosting, on worst-case margins. With `options.patience` the validation rows decide when to stop,
/// by their worst-case loss.
pub(super) fn boost(
    train: MovableRows,
    validation: MovableRows,
    options: &TreeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Ensemble {
    let base = base_score(train.rows);
    let twice = [train.rows, train.rows].concat();
    let mut both = train.moves.clone();
    both.extend(&RowBoxes::none(train.rows, train.rows[0].values.len()));
    let train = MovableRows { rows: &twice, moves: &both };
    let reach = BoxCodes::new(train, options.bins);
    let mut grower = RobustGrower::new(&reach, train.rows, options);
    let mut margins: Vec<f64> = train.rows.iter().map(|row| sign(row) * base).collect();
    let mut referee = RobustReferee::new(validation, base);
    let mut trees = Vec::new();
    while trees.len() < options.trees && !referee.is_out_of_patience(options.patience, trees.len())
    {
        let half = train.rows.len() / 2;
        let derivatives = margins.iter().zip(train.rows).enumerate().map(|(at, (&l, row))| {
            let weight = if at < half { options.worst_case } else { 1.0 - options.worst_case };
            Derivatives::weighted(sign(row) * l, row.label, weight)
        });
        let tree = grower.grow(derivatives.collect(), &mut margins);
        referee.judge(&tree, trees.len() + 1);
        trees.push(tree);
        let (done, total) = (trees.len() as u64, options.trees as u64);
        let validation_accuracy = referee.accuracy();
        progress(Progress {
            done,
            total,
            validation_accuracy,
            validation_holding: referee.holding(),
        });
    }
    trees.truncate(referee.kept(options.patience).unwrap_or(trees.len()));
    Ensemble { base: vec![base], trees }
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

/// Follows the worst case of the validation rows and remembers the tree with the smallest loss.
struct RobustReferee<'a> {
    sample: MovableRows<'a>,
    /// Margins of class 1 at the rows themselves.
    plain: Vec<f64>,
    /// Signed margins in the worst case.
    worst: Vec<f64>,
    best_loss: f64,
    best_trees: usize,
}

impl<'a> RobustReferee<'a> {
    fn new(sample: MovableRows<'a>, base: f64) -> Self {
        let plain = vec![base; sample.rows.len()];
        let worst = sample.rows.iter().map(|row| sign(row) * base).collect();
        Self { sample, plain, worst, best_loss: f64::INFINITY, best_trees: 0 }
    }

    fn judge(&mut self, tree: &Tree, trees: usize) {
        let mut loss = 0.0;
        let margins = self.plain.iter_mut().zip(&mut self.worst).zip(self.sample.rows);
        for (at, ((plain, worst), row)) in margins.enumerate() {
            *plain += tree.value(&row.values);
            *worst += least(tree, self.sample.moves.row(at), sign(row));
            loss += logistic_loss(*worst, 1);
        }
        if loss < self.best_loss {
            (self.best_loss, self.best_trees) = (loss, trees);
        }
    }

    fn accuracy(&self) -> Option<f64> {
        let rows = self.sample.rows;
        let is_hit = |(margin, row): &(&f64, &Row)| usize::from(**margin > 0.0) == row.label;
        let hits = self.plain.iter().zip(rows).filter(is_hit).count();
        (!rows.is_empty()).then(|| hits as f64 / rows.len() as f64)
    }

    /// The share of rows that keep their label in their box tree by tree.
    fn holding(&self) -> Option<[f64; 2]> {
        let holding = self.worst.iter().filter(|worst| **worst > 0.0).count();
        let share = holding as f64 / self.worst.len() as f64;
        (!self.worst.is_empty()).then_some([share, share])
    }

    fn is_out_of_patience(&self, patience: Option<usize>, trees: usize) -> bool {
        !self.plain.is_empty() && patience.is_some_and(|wait| trees - self.best_trees > wait)
    }

    fn kept(&self, patience: Option<usize>) -> Option<usize> {
        patience.filter(|_| !self.plain.is_empty()).map(|_| self.best_trees)
    }
}
