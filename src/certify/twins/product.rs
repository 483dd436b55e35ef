//! A tree over two points: what both copies of a tree give, as a tree of cuts of either point.

use crate::certificate::{Pairing, TwinBox};
use crate::model::{Cells, Node, Tree};

/// The two numbers of a leaf, and what is summed of them.
pub(super) const FORMS: usize = 6;
/// Upper bounds of `v`, `−v`, `v′`, `−v′`, `v − v′` and `v′ − v`.
pub(super) type Sums = [f64; FORMS];

pub(super) fn sums(first: f64, second: f64) -> Sums {
    [first, -first, second, -second, first - second, second - first]
}

pub(super) fn larger(a: &Sums, b: &Sums) -> Sums {
    std::array::from_fn(|k| a[k].max(b[k]))
}

/// An axis: point 0's features, then point 1's.
pub(super) type Axis = usize;

/// A node: low iff the axis's cell is at most `number`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Twin {
    Split { axis: Axis, number: usize, low: usize, high: usize },
    Leaf { first: f64, second: f64 },
}

/// A tree over pairs of points.
pub(super) struct Product {
    pub(super) nodes: Vec<Twin>,
    /// The largest sums below each node.
    pub(super) tops: Vec<Sums>,
    /// Axes that are cut, as bits; all where there are too many.
    pub(super) axes: u128,
}

impl Product {
    /// The product of a tree with itself over the pairs of a box. With `is_change`, only `v − v′` counts,
    /// so leaves of the same difference are one.
    pub(super) fn new(
        tree: &Tree,
        grids: [&Cells; 2],
        pairing: &Pairing,
        root: &TwinBox,
        is_change: bool,
    ) -> Self {
        let mut nodes = Vec::new();
        let features = pairing.features();
        let builder = Builder { tree, grids, pairing, features, is_change };
        builder.build([0, 0], [0, 0], root.clone(), &mut nodes);
        Self::from_nodes(nodes)
    }

    /// Children stand before their parent in `nodes`, and the root last; the root is moved to 0.
    fn from_nodes(mut nodes: Vec<Twin>) -> Self {
        let last = nodes.len() - 1;
        nodes.swap(0, last);
        let moved = |at: usize| {
            if at == last {
                0
            } else if at == 0 {
                last
            } else {
                at
            }
        };
        let mut axes = 0u128;
        for node in &mut nodes {
            if let Twin::Split { axis, low, high, .. } = node {
                (*low, *high) = (moved(*low), moved(*high));
                axes |= 1u128.checked_shl(*axis as u32).unwrap_or(u128::MAX);
            }
        }
        let mut tops = vec![[f64::NEG_INFINITY; FORMS]; nodes.len()];
        for at in (1..nodes.len()).chain([0]) {
            // the former node 0 is a leaf, wherever it stands
            tops[at] = match nodes[at] {
                Twin::Leaf { first, second } => sums(first, second),
                Twin::Split { .. } => continue,
            };
        }
        for at in (1..nodes.len()).chain([0]) {
            if let Twin::Split { low, high, .. } = nodes[at] {
                tops[at] = larger(&tops[low], &tops[high]);
            }
        }
        Self { nodes, tops, axes }
    }
}

struct Builder<'a> {
    tree: &'a Tree,
    grids: [&'a Cells; 2],
    pairing: &'a Pairing,
    features: usize,
    is_change: bool,
}

impl Builder<'_> {
    /// Appends the product below a pair of nodes; returns its place. The copy that lies less deep goes
    /// first, so that both pass a node one after the other. The depth is that of both copies, at most 128.
    fn build(
        &self,
        pair: [usize; 2],
        depths: [usize; 2],
        here: TwinBox,
        nodes: &mut Vec<Twin>,
    ) -> usize {
        let [a, b] = [&self.tree.nodes[pair[0]], &self.tree.nodes[pair[1]]];
        let (copy, node) = match (a, b) {
            (Node::Leaf(v), Node::Leaf(w)) => {
                let (first, second) = if self.is_change { (v - w, 0.0) } else { (*v, *w) };
                nodes.push(Twin::Leaf { first, second });
                return nodes.len() - 1;
            }
            (Node::Split { .. }, Node::Split { .. }) if depths[0] > depths[1] => (1, b),
            (Node::Split { .. }, _) => (0, a),
            _ => (1, b),
        };
        let mut below = depths;
        below[copy] += 1;
        let Node::Split { feature, threshold, left, right, .. } = *node else { return 0 };
        let number = self.grids[copy].number(feature, threshold);
        let to = |child: usize| if copy == 0 { [child, pair[1]] } else { [pair[0], child] };
        let (lo, hi) = here.side(copy, feature.0);
        if hi <= number {
            return self.build(to(left), below, here, nodes);
        }
        if lo > number {
            return self.build(to(right), below, here, nodes);
        }
        let part = |side| self.pairing.narrowed(here.clone(), copy, feature.0, side);
        match (part((lo, number)), part((number + 1, hi))) {
            (Some(low), Some(high)) => {
                let low = self.build(to(left), below, low, nodes);
                let high = self.build(to(right), below, high, nodes);
                if let (Twin::Leaf { first: a, second: b }, Twin::Leaf { first: c, second: d }) =
                    (nodes[low], nodes[high])
                    && (a, b) == (c, d)
                    && high + 1 == nodes.len()
                {
                    nodes.pop();
                    return low;
                }
                let axis = copy * self.features + feature.0;
                nodes.push(Twin::Split { axis, number, low, high });
                nodes.len() - 1
            }
            (Some(low), None) => self.build(to(left), below, low, nodes),
            (None, Some(high)) => self.build(to(right), below, high, nodes),
            // the box has a pair, which lies on one side
            (None, None) => 0,
        }
    }
}
