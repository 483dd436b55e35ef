//! Exact extraction of a monotone function by bisection (Tramèr et al. 2016 find thresholds so; Angluin 1988 learns
//! monotone functions from queries).
//!
//! ```text
//! a box with lower end l and upper end u in the proved order:
//!     y(l) = 1 or y(u) = 0         one label on all of it
//!     y(l with x_j = u_j) = 1      bisect that edge: from t on, the label is 1; go on below t
//!     y(u with x_j = l_j) = 0      bisect that edge: below t, the label is 0; go on from t on
//!     else                         halve the longest side; go on with both halves
//! ```
//!
//! Every split is at a threshold of the label or at a middle, and a settled box has the label of all its points: the
//! tree that is read off is exact wherever the queries sufficed. Thresholds are floats of 32 bits, as trained models
//! store them; an edge is bisected down to two neighbouring ones. What is open when the budget ends is class 0.

use crate::model::{
    Ensemble, Family, Feature, FeatureSpec, Link, Model, Node, Precision, Schema, Tie, Tree,
};
use crate::oracle::Oracle;
use crate::steal::rounds::check_same_target;
use crate::steal::{Attack, CertifiedLabels, Classifier, Knowledge, StealError, Substitute};

/// The attack; it has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThresholdSearch;

impl Attack for ThresholdSearch {
    fn expect(&self, oracle: &Oracle, known: &Knowledge) -> Result<(), StealError> {
        check_same_target(oracle, known)?;
        let labels = CertifiedLabels::new(known.proved, known.classes);
        let (found, features) = (labels.monotone_features().len(), known.schema.len());
        match known.classes == 2 && found == features {
            true => Ok(()),
            false => Err(StealError::NotMonotone { found, features }),
        }
    }

    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        _seed: u64,
    ) -> Result<Substitute, StealError> {
        self.expect(oracle, known)?;
        let trends = CertifiedLabels::new(known.proved, known.classes).monotone_features();
        let signs = trends.iter().map(|(_, sign)| *sign).collect();
        let mut search = TreeReading { oracle, schema: known.schema, signs, nodes: Vec::new() };
        let sides = known.valid.sides();
        search.grow(sides.to_vec())?;
        let steps = search.nodes.len() as u64 / 2;
        let model = model(known.schema, &search.nodes);
        let classifier = Classifier::Model(Box::new(model));
        Ok(Substitute { classifier, sample: super::paid(oracle), steps })
    }
}

/// A tree that is being read off.
struct TreeReading<'s, 'o, 'm> {
    oracle: &'o mut Oracle<'m>,
    schema: &'s Schema,
    /// 1 where raising a feature speaks for class 1, −1 where lowering it does.
    signs: Vec<f64>,
    nodes: Vec<Node>,
}

type BoxSides = Vec<(f64, f64)>;

impl TreeReading<'_, '_, '_> {
    /// Grows the tree of a box, and gives its root.
    fn grow(&mut self, mut sides: BoxSides) -> Result<usize, StealError> {
        let root = self.nodes.len();
        self.nodes.push(Node::Leaf(-1.0));
        // the node that waits for the rest of the box
        let mut at = root;
        loop {
            let (low, high) = (self.end(&sides, false), self.end(&sides, true));
            let (Some(lowest), Some(highest)) = (self.label(&low)?, self.label(&high)?) else {
                return Ok(root);
            };
            if lowest == 1 || highest == 0 {
                self.set(at, Node::Leaf(if lowest == 1 { 1.0 } else { -1.0 }));
                return Ok(root);
            }
            match self.edge(&sides, &low, &high)? {
                EdgeFinding::Open => return Ok(root),
                EdgeFinding::Cut { feature, threshold, label } => {
                    // beyond the cut in the order there is one label; the rest of the box waits
                    let is_upper = (label == 1) == self.is_rising(feature);
                    let settled = Node::Leaf(if label == 1 { 1.0 } else { -1.0 });
                    let next = self.split(at, feature, threshold);
                    let (done, rest) = if is_upper { (next + 1, next) } else { (next, next + 1) };
                    self.set(done, settled);
                    let before = sides[feature];
                    if is_upper {
                        sides[feature].1 = self.below(feature, threshold);
                    } else {
                        sides[feature].0 = threshold;
                    }
                    // beyond the whole numbers of a float a side may not shrink: what is left stays open
                    if sides[feature] == before {
                        return Ok(root);
                    }
                    at = rest;
                }
                EdgeFinding::None => {
                    let Some((feature, middle)) = self.longest(&sides) else { return Ok(root) };
                    let next = self.split(at, feature, middle);
                    let (mut lower, mut upper) = (sides.clone(), sides);
                    lower[feature].1 = self.below(feature, middle);
                    upper[feature].0 = middle;
                    for (slot, half) in [(next, lower), (next + 1, upper)] {
                        let grown = self.grow(half)?;
                        // the half's own root takes the waiting place
                        let root = self.nodes[grown].clone();
                        self.set(slot, root);
                    }
                    return Ok(root);
                }
            }
        }
    }

    /// Looks along the edges from both ends for a change of the label.
    fn edge(
        &mut self,
        sides: &BoxSides,
        low: &[f64],
        high: &[f64],
    ) -> Result<EdgeFinding, StealError> {
        for feature in 0..sides.len() {
            for (from, to, label) in [(low, high, 1), (high, low, 0)] {
                if from[feature] == to[feature] {
                    continue;
                }
                let mut end = from.to_vec();
                end[feature] = to[feature];
                match self.label(&end)? {
                    None => return Ok(EdgeFinding::Open),
                    Some(found) if found == label => {
                        return self.bisect(from, feature, to[feature]);
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(EdgeFinding::None)
    }

    /// The threshold on an edge whose ends have different labels; the label is that of the far end.
    fn bisect(&mut self, from: &[f64], feature: usize, to: f64) -> Result<EdgeFinding, StealError> {
        let Some(label) = self.label(from)? else { return Ok(EdgeFinding::Open) };
        let is_up = from[feature] < to;
        let (mut low, mut high) = if is_up { (from[feature], to) } else { (to, from[feature]) };
        while let Some(middle) = between(self.feature(feature), low, high) {
            let mut point = from.to_vec();
            point[feature] = middle;
            let Some(found) = self.label(&point)? else { return Ok(EdgeFinding::Open) };
            // the near end keeps the label of `from`
            if (found == label) == is_up {
                low = middle;
            } else {
                high = middle;
            }
        }
        // x < threshold goes left: the upper of two neighbours
        Ok(EdgeFinding::Cut { feature, threshold: high, label: 1 - label })
    }

    /// The answer at a point; `None` once the budget is used.
    fn label(&mut self, point: &[f64]) -> Result<Option<usize>, StealError> {
        match self.oracle.label(point) {
            Ok(label) => Ok(Some(label)),
            Err(crate::oracle::OracleError::BudgetExhausted { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The end of a box in the proved order.
    fn end(&self, sides: &BoxSides, is_upper: bool) -> Vec<f64> {
        let pick = |((low, high), sign): (&(f64, f64), &f64)| {
            if (*sign > 0.0) == is_upper { *high } else { *low }
        };
        sides.iter().zip(&self.signs).map(pick).collect()
    }

    fn is_rising(&self, feature: usize) -> bool {
        self.signs[feature] > 0.0
    }

    fn feature(&self, feature: usize) -> &FeatureSpec {
        &self.schema.features()[feature]
    }

    /// The largest value of a feature below a threshold.
    fn below(&self, feature: usize, threshold: f64) -> f64 {
        if self.feature(feature).kind.is_whole() {
            threshold - 1.0
        } else {
            f64::from((threshold as f32).next_down())
        }
    }

    /// The longest side in standardised units that can be halved, with its middle.
    fn longest(&self, sides: &BoxSides) -> Option<(usize, f64)> {
        let middle = |(feature, (low, high)): (usize, &(f64, f64))| {
            let spec = self.feature(feature);
            let length = f64::from(spec.scale) * (high - low);
            halved(spec, *low, *high).map(|middle| (length, feature, middle))
        };
        let middles = sides.iter().enumerate().filter_map(middle);
        // the first of the longest
        let longest = middles.rev().max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some((longest.1, longest.2))
    }

    /// Makes a node a split, with two leaves; gives the left one, the right one is next.
    fn split(&mut self, at: usize, feature: usize, threshold: f64) -> usize {
        let left = self.nodes.len();
        self.nodes.extend([Node::Leaf(-1.0), Node::Leaf(-1.0)]);
        let (feature, right) = (Feature(feature), left + 1);
        self.set(at, Node::Split { feature, threshold, left, right, default_left: false });
        left
    }

    fn set(&mut self, at: usize, node: Node) {
        self.nodes[at] = node;
    }
}

/// The finding along the edges of a box.
enum EdgeFinding {
    /// A threshold; from it on, away from the end, the label is `label`.
    Cut { feature: usize, threshold: f64, label: usize },
    /// No edge changes its label.
    None,
    /// The budget is used.
    Open,
}

/// The middle of two values: of the whole numbers, or of the floats of 32 bits between them. `None` if they are
/// neighbours.
pub(super) fn between(spec: &FeatureSpec, low: f64, high: f64) -> Option<f64> {
    if spec.kind.is_whole() {
        let middle = ((low + high) / 2.0).floor();
        return (low < middle && middle < high).then_some(middle);
    }
    let (from, to) = (key(low as f32), key(high as f32));
    let middle = f64::from(float(from + (to - from) / 2));
    (low < middle && middle < high).then_some(middle)
}

/// The middle of a side, a value that leaves something on both of its sides.
fn halved(spec: &FeatureSpec, low: f64, high: f64) -> Option<f64> {
    let middle = low + (high - low) / 2.0;
    let middle = if spec.kind.is_whole() { middle.ceil() } else { f64::from(middle as f32) };
    (low < middle && middle <= high).then_some(middle)
}

/// The place of a float among all of 32 bits.
fn key(x: f32) -> i64 {
    let bits = i64::from(x.to_bits() & 0x7FFF_FFFF);
    if x.is_sign_negative() { -bits } else { bits }
}

fn float(key: i64) -> f32 {
    let size = f32::from_bits(u32::try_from(key.unsigned_abs()).unwrap_or(u32::MAX));
    if key < 0 { -size } else { size }
}

/// The tree as a model. Nodes that no longer belong to it are left out.
pub(super) fn model(schema: &Schema, nodes: &[Node]) -> Model {
    Model {
        schema: schema.clone(),
        precision: Precision::F32,
        tie: Tie::Lower,
        classes: 2,
        link: Link::Softmax,
        family: Family::Ensemble(Ensemble {
            base: vec![0.0],
            trees: vec![Tree { output: 0, nodes: kept(nodes) }],
        }),
    }
}

/// The nodes below the first one. A chain of cuts may be as long as there are queries, so nothing recurses.
fn kept(nodes: &[Node]) -> Vec<Node> {
    let mut kept = vec![nodes[0].clone()];
    let mut waiting = vec![0];
    while let Some(place) = waiting.pop() {
        let next = kept.len();
        let Node::Split { left, right, .. } = &mut kept[place] else { continue };
        let below = [*left, *right].map(|at| nodes[at].clone());
        (*left, *right) = (next, next + 1);
        kept.extend(below);
        waiting.extend([next, next + 1]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts one after the other, as along an edge with many steps; nodes that were replaced stay out.
    #[test]
    fn a_long_chain_of_cuts_is_kept_without_recursion() {
        let mut nodes = vec![Node::Leaf(0.0)];
        let mut at = 0;
        for cut in 0..200_000 {
            let left = nodes.len();
            let (threshold, feature) = (f64::from(cut), Feature(0));
            nodes.extend([Node::Leaf(-1.0), Node::Leaf(1.0), Node::Leaf(9.0)]);
            let right = left + 1;
            nodes[at] = Node::Split { feature, threshold, left, right, default_left: false };
            at = right;
        }
        let kept = kept(&nodes);
        assert_eq!(kept.len(), 400_001);
        assert!(!kept.contains(&Node::Leaf(9.0)));
    }
}
