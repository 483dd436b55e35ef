//! One tree under moves, depth first.
//!
//! A row on both sides of a cut goes down both, but its worst case counts only on the side that is worse for it, and
//! the row itself only where it is. So every row counts once per level, and of two children the one with fewer rows gets
//! its histograms from its rows, the other from the parent's by subtraction.

use crate::model::{Feature, Node, Row, Tree};
use crate::spec::Direction;
use crate::train::trees::TreeOptions;
use crate::train::trees::histogram::{Derivatives, RowSums, of_children};
use crate::train::trees::split::{Candidate, Penalty, Split, WeightBounds, best_cut};

use super::grown::{GrownLeaf, GrownTree, LeafStanding, Member};
use super::reach::BoxCodes;
use super::{RowCases, signs};

/// Grows trees over the same rows and boxes.
pub(super) struct RobustGrower<'a> {
    reach: &'a BoxCodes,
    signs: Vec<f64>,
    penalty: Penalty,
    trends: Vec<Option<Direction>>,
    depth: usize,
    eta: f64,
}

/// The sums of a node's rows per feature and code, if the left value is the lower one, and if it is the higher one.
struct Oriented {
    features: Vec<[[RowSums; 2]; 256]>,
}

/// A node before the decision about its split.
struct RobustNode {
    candidate: Candidate,
    members: Vec<Member>,
    /// Number of further splits allowed on the way to a leaf.
    depth: usize,
}

/// A cut with the order of its two values.
#[derive(Clone, Copy)]
struct OrientedSplit {
    split: Split,
    is_rising: bool,
}

/// A tree in the making.
struct RobustGrowth {
    derivatives: RowCases<Vec<Derivatives>>,
    nodes: Vec<Node>,
    values: Vec<f64>,
    leaves: Vec<GrownLeaf>,
}

impl<'a> RobustGrower<'a> {
    pub(super) fn new(reach: &'a BoxCodes, rows: &[Row], options: &TreeOptions) -> Self {
        let trend = |feature| options.monotone.get(&Feature(feature)).copied();
        Self {
            reach,
            signs: signs(rows),
            penalty: Penalty::of(options),
            trends: (0..reach.features()).map(trend).collect(),
            depth: options.depth,
            eta: options.eta,
        }
    }

    /// Grows the next tree and adds its values, in the worst case and at the rows themselves, to the signed `margins`.
    pub(super) fn grow(
        &mut self,
        derivatives: RowCases<Vec<Derivatives>>,
        margins: &mut RowCases<Vec<f64>>,
    ) -> GrownTree {
        let rows = 0..self.signs.len() as u32;
        let members = rows.map(|row| Member { row, is_worst: true, is_here: true }).collect();
        let all = derivatives.worst.iter().chain(&derivatives.own);
        let sums: RowSums = all.copied().sum();
        let root = RobustNode {
            candidate: Candidate { sums, bounds: WeightBounds::NONE },
            members,
            depth: self.depth,
        };
        let histogram = self.oriented(&root.members, &derivatives);
        let (nodes, values, leaves) = (Vec::new(), Vec::new(), Vec::new());
        let mut growth = RobustGrowth { derivatives, nodes, values, leaves };
        self.place(root, Some(histogram), &mut growth);
        let RobustGrowth { nodes, values, leaves, .. } = growth;
        let standing = LeafStanding::new(&leaves, values, &self.signs);
        margins.add(&standing, &self.signs);
        GrownTree { tree: Tree { output: 0, nodes }, leaves, standing }
    }

    /// Adds the node and all below it; returns its index.
    fn place(
        &self,
        node: RobustNode,
        histogram: Option<Oriented>,
        growth: &mut RobustGrowth,
    ) -> usize {
        let index = growth.nodes.len();
        let best = histogram.as_ref().and_then(|histogram| self.best(histogram, node.candidate));
        let (Some(best), Some(histogram)) = (best, histogram) else {
            self.settle(node, growth);
            return index;
        };
        let Split { feature, cut, .. } = best.split;
        let threshold = self.reach.cuts()[feature][cut];
        growth.nodes.push(Node::Leaf(0.0));
        let (left, right) = self.children(node, best);
        let (of_left, of_right) = self.histograms(histogram, &left, &right, growth);
        let left = self.place(left, of_left, growth);
        let right = self.place(right, of_right, growth);
        let feature = Feature(feature);
        growth.nodes[index] = Node::Split { feature, threshold, left, right, default_left: true };
        index
    }

    /// The cut with the largest gain whose values are in the order that it was counted for.
    fn best(&self, histogram: &Oriented, node: Candidate) -> Option<OrientedSplit> {
        let mut best: Option<OrientedSplit> = None;
        for (feature, cuts) in self.reach.cuts().iter().enumerate() {
            for is_rising in [true, false] {
                let order = if is_rising { Direction::Increasing } else { Direction::Decreasing };
                if self.trends[feature].is_some_and(|trend| trend != order) {
                    continue;
                }
                let floor = best.map_or(self.penalty.floor(), |best| best.split.gain);
                let bins = histogram.features[feature][..cuts.len()].iter();
                let bins = bins.map(|bin| bin[usize::from(!is_rising)]);
                let found = best_cut((feature, Some(order)), bins, node, &self.penalty, floor);
                best = found.map(|split| OrientedSplit { split, is_rising }).or(best);
            }
        }
        best
    }

    /// Parts the rows of the node; both sides keep the order.
    fn children(&self, node: RobustNode, best: OrientedSplit) -> (RobustNode, RobustNode) {
        let OrientedSplit { split, is_rising } = best;
        let [mut left, mut right] = [(); 2].map(|()| Vec::with_capacity(node.members.len()));
        for member in node.members {
            let side = self.reach.row(member.row)[split.feature];
            let [low, own, high] =
                [side.low, side.own, side.high].map(|code| usize::from(code) <= split.cut);
            let is_here = member.is_here;
            // the worst case of class 1 is the lower value
            let is_worse_left = (self.signs[member.row as usize] > 0.0) == is_rising;
            if low {
                let is_worst = member.is_worst && (high || is_worse_left);
                left.push(Member { is_worst, is_here: is_here && own, ..member });
            }
            if !high {
                let is_worst = member.is_worst && (!low || !is_worse_left);
                right.push(Member { is_worst, is_here: is_here && !own, ..member });
            }
        }
        let Candidate { sums, bounds } = node.candidate;
        let (low, high) =
            bounds.split(self.trends[split.feature], split.weights.0, split.weights.1);
        let child = |sums, bounds, members| RobustNode {
            candidate: Candidate { sums, bounds },
            members,
            depth: node.depth - 1,
        };
        (child(split.left, low, left), child(sums - split.left, high, right))
    }

    /// The histograms of two children, unless no split may follow.
    fn histograms(
        &self,
        parent: Oriented,
        left: &RobustNode,
        right: &RobustNode,
        growth: &RobustGrowth,
    ) -> (Option<Oriented>, Option<Oriented>) {
        if left.depth == 0 {
            return (None, None);
        }
        let of = |side: usize| self.oriented(&[left, right][side].members, &growth.derivatives);
        let rows = [left.members.len(), right.members.len()];
        let [left, right] = of_children(parent, rows, of, Oriented::without);
        (Some(left), Some(right))
    }

    /// The histograms of the rows that count.
    fn oriented(&self, members: &[Member], derivatives: &RowCases<Vec<Derivatives>>) -> Oriented {
        let mut sums =
            Oriented { features: vec![[[RowSums::default(); 2]; 256]; self.reach.features()] };
        for &Member { row, is_worst, is_here } in members {
            let sides = self.reach.row(row);
            let at = row as usize;
            if is_worst {
                // if the left value is the lower one, the worst case of class 1 is its low end
                let of_low = usize::from(self.signs[at] < 0.0);
                let worst = derivatives.worst[at];
                for (bins, side) in sums.features.iter_mut().zip(sides) {
                    bins[usize::from(side.low)][of_low] += worst;
                    bins[usize::from(side.high)][1 - of_low] += worst;
                }
            }
            if is_here {
                let own = derivatives.own[at];
                for (bins, side) in sums.features.iter_mut().zip(sides) {
                    bins[usize::from(side.own)].iter_mut().for_each(|sums| *sums += own);
                }
            }
        }
        sums
    }

    /// Makes the node a leaf.
    fn settle(&self, node: RobustNode, growth: &mut RobustGrowth) {
        let Candidate { sums, bounds } = node.candidate;
        let value = f64::from((self.eta * self.penalty.weight(sums, bounds)) as f32);
        let [lower, upper] = [bounds.lower, bounds.upper].map(|bound| self.eta * bound);
        let (node, members) = (growth.nodes.len(), node.members);
        growth.leaves.push(GrownLeaf { node, members, lower, upper });
        growth.nodes.push(Node::Leaf(value));
        growth.values.push(value);
    }
}

impl Oriented {
    fn without(mut self, child: &Self) -> Self {
        for (bins, others) in self.features.iter_mut().zip(&child.features) {
            for (bin, other) in bins.as_flattened_mut().iter_mut().zip(others.as_flattened()) {
                *bin -= *other;
            }
        }
        self
    }
}
