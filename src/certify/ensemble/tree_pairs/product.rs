//! A tree over two points: the values of both copies of a tree, as a tree of cuts of either point.

use crate::certificate::{Pairing, TwinBox};
use crate::model::{Cells, Node, Tree};

/// Most pairs of nodes that the products of a forest may visit: two copies of a large tree have very many
/// pairs of leaves.
pub(super) const MOST_PAIRS: usize = 1 << 21;

/// Number of sums.
pub(super) const FORMS: usize = 6;
/// Upper bounds of `v`, `−v`, `v′`, `−v′`, `v − v′` and `v′ − v`.
pub(super) type PairSums = [f64; FORMS];
/// The place of `v − v′`.
pub(super) const FALL: usize = 4;
/// The place of `v′ − v`.
pub(super) const RISE: usize = 5;

/// The sums of a leaf.
pub(super) fn sums(first: f64, second: f64) -> PairSums {
    [first, -first, second, -second, first - second, second - first]
}

/// The larger of each sum.
pub(super) fn larger(a: &PairSums, b: &PairSums) -> PairSums {
    std::array::from_fn(|k| a[k].max(b[k]))
}

/// An axis: point 0's features, then point 1's.
pub(super) type AxisIndex = usize;

/// A node; the low side holds the cells of the axis up to `number`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Twin {
    Split { axis: AxisIndex, number: usize, low: usize, high: usize },
    Leaf { first: f64, second: f64 },
}

/// A tree over pairs of points.
pub(super) struct Product {
    /// Children stand before their parent, and the root last.
    pub(super) nodes: Vec<Twin>,
    /// The largest sums below each node.
    pub(super) tops: Vec<PairSums>,
    /// The axes that are cut, as bits; all bits if there are too many.
    axes: u128,
}

impl Product {
    /// The product of a tree with itself over the pairs of a box. With `is_change`, only `v − v′` counts, so
    /// leaves with the same difference are one. Takes its visits from `pairs`; `None` if they are not enough.
    pub(super) fn new(
        tree: &Tree,
        grids: [&Cells; 2],
        pairing: &Pairing,
        root: &TwinBox,
        is_change: bool,
        pairs: &mut usize,
    ) -> Option<Self> {
        let (features, nodes) = (pairing.features(), Vec::new());
        let mut builder =
            ProductBuilder { tree, grids, pairing, features, is_change, nodes, pairs };
        builder.build([0, 0], [0, 0], &mut root.clone())?;
        Some(Self::from_nodes(builder.nodes))
    }

    fn from_nodes(nodes: Vec<Twin>) -> Self {
        let (mut axes, mut tops) = (0, Vec::<PairSums>::with_capacity(nodes.len()));
        for node in &nodes {
            tops.push(match *node {
                Twin::Leaf { first, second } => sums(first, second),
                Twin::Split { axis, low, high, .. } => {
                    axes |= bit(axis);
                    larger(&tops[low], &tops[high])
                }
            });
        }
        Self { nodes, tops, axes }
    }

    /// The largest absolute change.
    pub(super) fn size(&self) -> f64 {
        let top = &self.tops[self.root()];
        top[FALL].abs().max(top[RISE].abs())
    }

    /// The place of the root.
    pub(super) fn root(&self) -> usize {
        self.nodes.len() - 1
    }

    /// True if an axis is cut, or if there are too many axes to tell.
    pub(super) fn has_cut(&self, axis: AxisIndex) -> bool {
        self.axes & bit(axis) != 0
    }
}

/// The bit of an axis; all bits if it has none.
fn bit(axis: AxisIndex) -> u128 {
    1u128.checked_shl(axis as u32).unwrap_or(u128::MAX)
}

struct ProductBuilder<'a> {
    tree: &'a Tree,
    grids: [&'a Cells; 2],
    pairing: &'a Pairing,
    features: usize,
    is_change: bool,
    nodes: Vec<Twin>,
    /// Pairs of nodes that may still be visited.
    pairs: &'a mut usize,
}

impl ProductBuilder<'_> {
    /// Appends the product below a pair of nodes; returns its place. The copy that lies less deep goes
    /// first, so that both pass a node one after the other. The depth is that of both copies, at most 128. The
    /// box is left as it was.
    fn build(&mut self, pair: [usize; 2], depths: [usize; 2], here: &mut TwinBox) -> Option<usize> {
        *self.pairs = self.pairs.checked_sub(1)?;
        let [a, b] = [&self.tree.nodes[pair[0]], &self.tree.nodes[pair[1]]];
        let (copy, node) = match (a, b) {
            (Node::Leaf(v), Node::Leaf(w)) => {
                let (first, second) = if self.is_change { (v - w, 0.0) } else { (*v, *w) };
                return Some(self.push(Twin::Leaf { first, second }));
            }
            (Node::Split { .. }, Node::Split { .. }) if depths[0] > depths[1] => (1, b),
            (Node::Split { .. }, _) => (0, a),
            _ => (1, b),
        };
        let mut below = depths;
        below[copy] += 1;
        let Node::Split { feature, threshold, left, right, .. } = *node else { return None };
        let number = self.grids[copy].number(feature, threshold);
        let to = |child: usize| if copy == 0 { [child, pair[1]] } else { [pair[0], child] };
        let (lo, hi) = here.side(copy, feature.0);
        if hi <= number {
            return self.build(to(left), below, here);
        }
        if lo > number {
            return self.build(to(right), below, here);
        }
        let sides = here.sides(feature.0);
        let mut part = |side, child| {
            let is_left = self.pairing.narrow(here, copy, feature.0, side);
            let built = if is_left { Some(self.build(to(child), below, here)?) } else { None };
            here.restore(feature.0, sides);
            Some(built)
        };
        match (part((lo, number), left)?, part((number + 1, hi), right)?) {
            (Some(low), Some(high)) => {
                let axis = copy * self.features + feature.0;
                Some(self.join(Twin::Split { axis, number, low, high }, low, high))
            }
            // the box has a pair, which lies on one side
            (low, high) => low.or(high),
        }
    }

    fn push(&mut self, node: Twin) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Appends a split, unless both its children are the same leaf. The high child is the last node.
    fn join(&mut self, split: Twin, low: usize, high: usize) -> usize {
        match (self.nodes[low], self.nodes[high]) {
            (Twin::Leaf { first: a, second: b }, Twin::Leaf { first: c, second: d })
                if (a, b) == (c, d) =>
            {
                self.nodes.truncate(high);
                low
            }
            _ => self.push(split),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Arithmetic, Kernel};
    use crate::model::{Family, Model};
    use crate::spec::{Lowered, Spec};

    /// A stump: both points may lie on either side, or on the same.
    #[test]
    fn a_product_has_one_leaf_per_difference_and_ends_with_its_pairs() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
            "classes":2,"features":[{"name":"x","kind":"real","low":"0","high":"2"}],"base":[0],
            "trees":[{"output":0,"feature":[0,0,0],"threshold":[1,0,0],"left":[1,-1,-1],
            "right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,-1,1]}]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        let Family::Ensemble(ensemble) = &model.family else { panic!("an ensemble") };
        let spec = Spec::read(b"property = 'stability'\nfeatures = [0]\nbound = '1'").unwrap();
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
        let obligation = lowered.obligation(0).unwrap();
        let questions = kernel.questions(&obligation).unwrap();
        let pairing = questions.pairings()[0];
        let root = pairing.root().unwrap();
        let cells = Cells::new(ensemble, &[false]);
        let product = |is_change, pairs: &mut usize| {
            Product::new(&ensemble.trees[0], [&cells; 2], pairing, root, is_change, pairs)
        };
        let mut pairs = 7;
        let both = product(false, &mut pairs).unwrap();
        assert_eq!((both.nodes.len(), pairs), (7, 0), "three cuts and four pairs of leaves");
        assert_eq!(both.tops[both.root()], [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]);
        assert!(product(true, &mut 6).is_none());
    }
}
