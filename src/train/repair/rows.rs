//! Counterexamples as linear rows on leaf values.

use crate::certificate::{Line, Proof};
use crate::certify::Searcher;
use crate::model::{Ensemble, Model, Node, Point, Row};
use crate::spec::Claim;
use crate::violation::{BoundaryClaim, LabelClaim, MonotoneClaim, NearClaim, StaysClaim};

use super::reached;

/// `Σ coefficient·v_leaf <= bound`, leaves ascending.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeafRow {
    pub(super) terms: Vec<(usize, f64)>,
    pub(super) bound: f64,
}

/// The leaves of an ensemble, numbered tree by tree.
#[derive(Clone, Debug, Default)]
pub(super) struct LeafNumbers {
    /// Per tree and node, the number of the leaf.
    numbers: Vec<Vec<usize>>,
    count: usize,
}

impl LeafNumbers {
    pub(super) fn new(ensemble: &Ensemble) -> Self {
        let mut leaves = Self::default();
        for tree in &ensemble.trees {
            let number = |node: &Node| {
                let own = leaves.count;
                leaves.count += usize::from(matches!(node, Node::Leaf(_)));
                own
            };
            let numbers = tree.nodes.iter().map(number).collect();
            leaves.numbers.push(numbers);
        }
        leaves
    }

    /// True if there is no leaf to number, or none was numbered.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The leaf values by number.
    pub(super) fn values(&self, ensemble: &Ensemble) -> Vec<f64> {
        ensemble.trees.iter().flat_map(|tree| tree.leaves()).collect()
    }

    /// The curvature of the logistic loss at each leaf, Σ p(1 − p) over the rows that reach it, plus 1.
    pub(super) fn weights(&self, ensemble: &Ensemble, rows: &[Row]) -> Vec<f64> {
        let mut weights = vec![1.0; self.count];
        for row in rows {
            let score: f64 = ensemble.scores(&row.values).iter().sum();
            let p = 1.0 / (1.0 + (-score).exp());
            for (tree, numbers) in self.numbers.iter().enumerate() {
                weights[numbers[reached(ensemble, tree, &row.values)]] += p * (1.0 - p);
            }
        }
        weights
    }

    /// Sets the leaf values, rounded to f32.
    pub(super) fn set(&self, ensemble: &mut Ensemble, values: &[f64]) {
        for (tree, numbers) in ensemble.trees.iter_mut().zip(&self.numbers) {
            for (node, number) in tree.nodes.iter_mut().zip(numbers) {
                if let Node::Leaf(value) = node {
                    *value = f64::from(values[*number] as f32);
                }
            }
        }
    }

    /// The row of the counterexample on a line; `None` if it is none, or of a claim that gives no row.
    pub(super) fn row(
        &self,
        model: &Model,
        searcher: &Searcher,
        line: &Line,
        margin: f64,
    ) -> Option<LeafRow> {
        let Proof::Counterexample { points } = &line.proof else { return None };
        let claim = searcher.lowered().obligation(line.at)?.claim;
        self.row_of(model, &claim, points, margin)
    }

    /// The rows of further counterexamples to an obligation.
    pub(super) fn further_rows(
        &self,
        model: &Model,
        searcher: &Searcher,
        at: usize,
        margin: f64,
    ) -> Vec<LeafRow> {
        let Some(obligation) = searcher.lowered().obligation(at) else { return Vec::new() };
        let found = searcher.steps_against(at);
        found.iter().filter_map(|p| self.row_of(model, &obligation.claim, p, margin)).collect()
    }

    fn row_of(
        &self,
        model: &Model,
        claim: &Claim,
        points: &[Vec<String>],
        margin: f64,
    ) -> Option<LeafRow> {
        let crate::model::Family::Ensemble(ensemble) = &model.family else { return None };
        let mut points: Vec<Vec<f64>> = points
            .iter()
            .map(|texts| {
                let point = Point::parse(texts, model.schema.len()).ok()?;
                // between the ends of a cell any float serves as well as the exact value
                Some(point.values().iter().map(crate::interval::Rational::down).collect())
            })
            .collect::<Option<_>>()?;
        if let (Some(claim), 1) = (BoundaryClaim::of(claim), points.len()) {
            points.push(claim.partner(model, &points[0])?);
        }
        let scores: Vec<Vec<f64>> = points.iter().map(|point| model.scores(point)).collect();
        let (value, factors) = violation(claim, model.classes, &scores)?;
        let mut terms = std::collections::BTreeMap::new();
        let mut now = 0.0;
        for (point, factor) in points.iter().zip(factors) {
            for (tree, numbers) in self.numbers.iter().enumerate() {
                let node = reached(ensemble, tree, point);
                if let Node::Leaf(leaf) = &ensemble.trees[tree].nodes[node] {
                    now += factor * leaf;
                }
                *terms.entry(numbers[node]).or_insert(0.0) += factor;
            }
        }
        let terms: Vec<(usize, f64)> = terms.into_iter().filter(|(_, f)| *f != 0.0).collect();
        (!terms.is_empty()).then_some(LeafRow { terms, bound: now - value - margin })
    }
}

/// The violation at points with these scores, and its slopes by the margin at each.
fn violation(claim: &Claim, classes: usize, scores: &[Vec<f64>]) -> Option<(f64, Vec<f64>)> {
    // two classes: the first score of an ensemble is fixed, so the second carries the slope
    let by_margin = |slopes: &Vec<f64>| slopes.last().copied().unwrap_or(0.0);
    let pair = || match scores {
        [a, b] => Some([a.as_slice(), b.as_slice()]),
        _ => None,
    };
    let two = |sloped: crate::violation::Sloped<2>| {
        (sloped.value, sloped.slopes.iter().map(by_margin).collect())
    };
    if let Some(claim) = LabelClaim::of(claim, classes) {
        let sloped = claim.by_scores(scores.first()?);
        return Some((sloped.value, sloped.slopes.iter().map(by_margin).collect()));
    }
    if let Some(claim) = MonotoneClaim::of(claim) {
        return Some(two(claim.by_scores(pair()?)));
    }
    if let Some(claim) = NearClaim::of(claim) {
        return Some(two(claim.by_scores(pair()?)));
    }
    if let Some(claim) = StaysClaim::of(claim) {
        return Some(two(claim.by_scores(pair()?)));
    }
    Some(two(BoundaryClaim::of(claim)?.by_scores(pair()?)))
}
