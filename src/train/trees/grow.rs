//! One tree, depth first.
//!
//! A node owns a stretch of the list of rows. Of two children, the one with fewer rows gets its
//! histogram from its rows, the other from the parent's histogram by subtraction. So one histogram per
//! level is alive.

use crate::model::{Feature, Node, Tree};

use super::TreeOptions;
use super::bins::Binned;
use super::histogram::{Derivatives, Histogram, RowSums, of_children};
use super::split::{Candidate, Penalty, Split, WeightBounds, best_cut};
use crate::spec::Direction;

/// Grows trees over the same rows.
pub(super) struct Grower<'a> {
    binned: &'a Binned,
    penalty: Penalty,
    trends: Vec<Option<Direction>>,
    depth: usize,
    eta: f64,
    /// Row indexes, by node.
    rows: Vec<u32>,
    /// Room for a partition.
    spare: Vec<u32>,
}

/// A tree in the making.
struct Growth<'a> {
    derivatives: Vec<Derivatives>,
    /// Margins of the training rows; leaf values are added to them.
    margins: &'a mut [f64],
    nodes: Vec<Node>,
}

/// A node before the decision about its split.
struct Open {
    candidate: Candidate,
    /// Its stretch of rows: start and length.
    start: usize,
    len: usize,
    /// Number of further splits allowed on the way to a leaf.
    depth: usize,
}

impl<'a> Grower<'a> {
    pub(super) fn new(binned: &'a Binned, options: &TreeOptions) -> Self {
        let trend = |feature| options.monotone.get(&Feature(feature)).copied();
        Self {
            binned,
            penalty: Penalty::of(options),
            trends: (0..binned.features()).map(trend).collect(),
            depth: options.depth,
            eta: options.eta,
            rows: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Grows the next tree and adds its values to the rows' `margins`.
    pub(super) fn grow(&mut self, derivatives: Vec<Derivatives>, margins: &mut [f64]) -> Tree {
        self.rows.clear();
        self.rows.extend(0..self.binned.rows() as u32);
        let sums: RowSums = derivatives.iter().copied().sum();
        let root = Open {
            candidate: Candidate { sums, bounds: WeightBounds::NONE },
            start: 0,
            len: self.rows.len(),
            depth: self.depth,
        };
        let histogram = Histogram::new(self.binned, &self.rows, &derivatives);
        let mut growth = Growth { derivatives, margins, nodes: Vec::new() };
        self.place(root, Some(histogram), &mut growth);
        Tree { output: 0, nodes: growth.nodes }
    }

    /// Adds the node and all below it; returns its index.
    fn place(&mut self, node: Open, histogram: Option<Histogram>, growth: &mut Growth) -> usize {
        let index = growth.nodes.len();
        let split = histogram.as_ref().and_then(|histogram| self.best(histogram, node.candidate));
        let (Some(split), Some(histogram)) = (split, histogram) else {
            growth.nodes.push(Node::Leaf(self.settle(&node, growth.margins)));
            return index;
        };
        let threshold = self.binned.cuts()[split.feature][split.cut];
        growth.nodes.push(Node::Leaf(0.0));
        let (left, right) = self.children(&node, &split);
        let (of_left, of_right) = self.histograms(histogram, &left, &right, growth);
        let left = self.place(left, of_left, growth);
        let right = self.place(right, of_right, growth);
        let feature = Feature(split.feature);
        growth.nodes[index] = Node::Split { feature, threshold, left, right, default_left: true };
        index
    }

    fn best(&self, histogram: &Histogram, node: Candidate) -> Option<Split> {
        let floor = self.penalty.floor();
        let features = self.trends.iter().zip(self.binned.cuts()).enumerate();
        features.fold(None, |best: Option<Split>, (feature, (&trend, cuts))| {
            let bins = histogram.feature(feature)[..cuts.len()].iter().copied();
            let floor = best.map_or(floor, |split| split.gain);
            best_cut((feature, trend), bins, node, &self.penalty, floor).or(best)
        })
    }

    /// Returns the value of a leaf and adds it to its rows. Rounding is monotone, so values keep the order
    /// of their weights.
    fn settle(&self, node: &Open, margins: &mut [f64]) -> f64 {
        let weight = self.penalty.weight(node.candidate.sums, node.candidate.bounds);
        let value = f64::from((self.eta * weight) as f32);
        for &row in &self.rows[node.start..][..node.len] {
            margins[row as usize] += value;
        }
        value
    }

    /// Parts the rows of the node; both sides keep the order.
    fn children(&mut self, node: &Open, split: &Split) -> (Open, Open) {
        let rows = &mut self.rows[node.start..][..node.len];
        self.spare.clear();
        let mut kept = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            if usize::from(self.binned.row(row as usize)[split.feature]) <= split.cut {
                rows[kept] = row;
                kept += 1;
            } else {
                self.spare.push(row);
            }
        }
        rows[kept..].copy_from_slice(&self.spare);
        let Candidate { sums, bounds } = node.candidate;
        let (low, high) =
            bounds.split(self.trends[split.feature], split.weights.0, split.weights.1);
        let child = |sums, bounds, start, len| Open {
            candidate: Candidate { sums, bounds },
            start,
            len,
            depth: node.depth - 1,
        };
        let left = child(split.left, low, node.start, kept);
        let right = child(sums - split.left, high, node.start + kept, node.len - kept);
        (left, right)
    }

    /// The histograms of two children, unless no split may follow.
    fn histograms(
        &self,
        parent: Histogram,
        left: &Open,
        right: &Open,
        growth: &Growth,
    ) -> (Option<Histogram>, Option<Histogram>) {
        if left.depth == 0 {
            return (None, None);
        }
        let of = |side: usize| {
            let node = [left, right][side];
            let rows = &self.rows[node.start..][..node.len];
            Histogram::new(self.binned, rows, &growth.derivatives)
        };
        let [left, right] = of_children(parent, [left.len, right.len], of, Histogram::without);
        (Some(left), Some(right))
    }
}
