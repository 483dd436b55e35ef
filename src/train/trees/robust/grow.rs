//! One tree under moves, depth first.
//!
//! A row on both sides of a cut goes down both, but counts only on the side that is worse for it. So every row
//! counts once per level, and of two children the one with fewer rows gets its histograms from its rows, the
//! other from the parent's by subtraction.

use crate::model::{Feature, Node, Row, Tree};
use crate::spec::Direction;
use crate::train::trees::TreeOptions;
use crate::train::trees::histogram::{Derivatives, Histogram, RowSums, of_children};
use crate::train::trees::split::{Candidate, Penalty, Split, WeightBounds, best_cut};

use super::reach::BoxCodes;

/// Grows trees over the same rows and boxes.
pub(super) struct RobustGrower<'a> {
    reach: &'a BoxCodes,
    is_one: Vec<bool>,
    penalty: Penalty,
    trends: Vec<Option<Direction>>,
    depth: usize,
    eta: f64,
}

/// A row whose box reaches a node.
#[derive(Clone, Copy)]
struct Member {
    row: u32,
    /// False if its worst case lies elsewhere.
    counts: bool,
}

/// The sums of a node's rows if the left value is the lower one, and if it is the higher one.
struct Oriented {
    rising: Histogram,
    falling: Histogram,
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
    derivatives: Vec<Derivatives>,
    nodes: Vec<Node>,
    leaves: Vec<GrownLeaf>,
}

/// A leaf with the rows that reach it.
struct GrownLeaf {
    node: usize,
    members: Vec<Member>,
}

impl<'a> RobustGrower<'a> {
    pub(super) fn new(reach: &'a BoxCodes, rows: &[Row], options: &TreeOptions) -> Self {
        let trend = |feature| options.monotone.get(&Feature(feature)).copied();
        Self {
            reach,
            is_one: rows.iter().map(|row| row.label == 1).collect(),
            penalty: Penalty::of(options),
            trends: (0..reach.features()).map(trend).collect(),
            depth: options.depth,
            eta: options.eta,
        }
    }

    /// Grows the next tree and adds the worst case of its values to the rows' signed `margins`.
    pub(super) fn grow(&mut self, derivatives: Vec<Derivatives>, margins: &mut [f64]) -> Tree {
        let rows = 0..self.is_one.len() as u32;
        let members: Vec<Member> = rows.map(|row| Member { row, counts: true }).collect();
        let sums: RowSums = derivatives.iter().copied().sum();
        let root = RobustNode {
            candidate: Candidate { sums, bounds: WeightBounds::NONE },
            members,
            depth: self.depth,
        };
        let mut growth = RobustGrowth { derivatives, nodes: Vec::new(), leaves: Vec::new() };
        let histogram = self.oriented(&root.members, &growth.derivatives);
        self.place(root, Some(histogram), &mut growth);
        self.settle(&growth, margins);
        Tree { output: 0, nodes: growth.nodes }
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
            let weight = self.penalty.weight(node.candidate.sums, node.candidate.bounds);
            growth.nodes.push(Node::Leaf(f64::from((self.eta * weight) as f32)));
            growth.leaves.push(GrownLeaf { node: index, members: node.members });
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
                let side = if is_rising { &histogram.rising } else { &histogram.falling };
                let floor = best.map_or(self.penalty.floor(), |best| best.split.gain);
                let bins = (side.feature(feature), cuts.len());
                let found = best_cut((feature, Some(order)), bins, node, &self.penalty, floor);
                best = found.map(|split| OrientedSplit { split, is_rising }).or(best);
            }
        }
        best
    }

    /// Parts the rows of the node; both sides keep the order.
    fn children(&self, node: RobustNode, best: OrientedSplit) -> (RobustNode, RobustNode) {
        let OrientedSplit { split, is_rising } = best;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for member in node.members {
            let [low, high] = self.reach.row(member.row)[split.feature];
            let is_left = usize::from(low) <= split.cut;
            let is_right = usize::from(high) > split.cut;
            // the worst case of class 1 is the lower value
            let is_worse_left = self.is_one[member.row as usize] == is_rising;
            if is_left {
                let counts = member.counts && (!is_right || is_worse_left);
                left.push(Member { counts, ..member });
            }
            if is_right {
                let counts = member.counts && (!is_left || !is_worse_left);
                right.push(Member { counts, ..member });
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
    fn oriented(&self, members: &[Member], derivatives: &[Derivatives]) -> Oriented {
        let features = self.reach.features();
        let (mut rising, mut falling) = (Histogram::empty(features), Histogram::empty(features));
        for &Member { row, .. } in members.iter().filter(|member| member.counts) {
            let codes = self.reach.row(row);
            let derivatives = derivatives[row as usize];
            let (low, high) = if self.is_one[row as usize] {
                (&mut rising, &mut falling)
            } else {
                (&mut falling, &mut rising)
            };
            low.add(codes.iter().map(|codes| codes[0]), derivatives);
            high.add(codes.iter().map(|codes| codes[1]), derivatives);
        }
        Oriented { rising, falling }
    }

    /// Adds the worst case of every row to its margin.
    fn settle(&self, growth: &RobustGrowth, margins: &mut [f64]) {
        let mut worst = vec![f64::INFINITY; margins.len()];
        for leaf in &growth.leaves {
            let Node::Leaf(value) = growth.nodes[leaf.node] else { continue };
            for member in &leaf.members {
                let row = member.row as usize;
                let signed = if self.is_one[row] { value } else { -value };
                worst[row] = worst[row].min(signed);
            }
        }
        margins.iter_mut().zip(worst).for_each(|(margin, worst)| *margin += worst);
    }
}

impl Oriented {
    fn without(self, child: &Self) -> Self {
        Self {
            rising: self.rising.without(&child.rising),
            falling: self.falling.without(&child.falling),
        }
    }
}
