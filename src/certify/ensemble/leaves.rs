//! The leaves of one tree, and the cells that each of them reaches.

use super::axes::{CutAxis, CutIndex};
use super::grid::GridNode;

/// A leaf of a tree: its value, and the place of its ranges.
#[derive(Clone, Copy)]
pub(super) struct LeafRange {
    pub(super) value: i64,
    pub(super) at: usize,
}

/// Facts about a tree while its sets are filled; the memory is kept from tree to tree.
#[derive(Default)]
pub(super) struct Scratch {
    /// The axes that the tree cuts, ascending.
    pub(super) axes: Vec<usize>,
    /// The leaves by ascending value.
    pub(super) leaves: Vec<LeafRange>,
    /// Per leaf as found and per axis of the tree, its first and last cell.
    pub(super) ranges: Vec<(u32, u32)>,
    /// Per part that is a leaf, its number.
    pub(super) rank: Vec<u32>,
    /// Leaves by their first cell along an axis.
    pub(super) first: Vec<u64>,
    /// Leaves by their last cell along an axis.
    pub(super) last: Vec<u64>,
}

impl Scratch {
    /// Collects the leaves of a tree whose parts are numbered from `start`.
    pub(super) fn collect(
        &mut self,
        parts: &[GridNode<i64>],
        start: usize,
        axes: &[CutAxis],
        index: &CutIndex,
    ) {
        self.axes.clear();
        for part in parts {
            if let GridNode::Split { feature, .. } = *part {
                self.axes.push(index.axis(feature));
            }
        }
        self.axes.sort_unstable();
        self.axes.dedup();
        self.leaves.clear();
        self.ranges.clear();
        self.rank.clear();
        self.rank.resize(parts.len(), 0);
        let mut here: Vec<(u32, u32)> =
            self.axes.iter().map(|&a| (0, axes[a].cuts.len() as u32)).collect();
        let mut at_part = Vec::new();
        let tree = ReducedTree { parts, start, axes, index };
        self.descend(&tree, parts.len() - 1, &mut here, &mut at_part);
        // equal values keep the order of the tree
        let mut order: Vec<usize> = (0..self.leaves.len()).collect();
        order.sort_by_key(|&leaf| self.leaves[leaf].value);
        for (rank, &leaf) in order.iter().enumerate() {
            self.rank[at_part[leaf]] = rank as u32;
        }
        self.leaves = order.iter().map(|&leaf| self.leaves[leaf]).collect();
    }

    fn descend(
        &mut self,
        tree: &ReducedTree,
        at: usize,
        here: &mut [(u32, u32)],
        at_part: &mut Vec<usize>,
    ) {
        match tree.parts[at] {
            GridNode::Leaf(value) => {
                self.leaves.push(LeafRange { value, at: self.leaves.len() });
                self.ranges.extend_from_slice(here);
                at_part.push(at);
            }
            GridNode::Split { feature, number, left, right } => {
                let axis = tree.index.axis(feature);
                let slot = self.axes.partition_point(|&a| a < axis);
                let position =
                    (tree.index.cut(feature, number) - tree.axes[axis].cuts.start) as u32;
                let (lo, hi) = here[slot];
                here[slot] = (lo, position);
                self.descend(tree, left - tree.start, here, at_part);
                here[slot] = (position + 1, hi);
                self.descend(tree, right - tree.start, here, at_part);
                here[slot] = (lo, hi);
            }
        }
    }
}

/// A reduced tree; its parts are numbered from `start`.
struct ReducedTree<'a> {
    parts: &'a [GridNode<i64>],
    start: usize,
    axes: &'a [CutAxis],
    index: &'a CutIndex,
}
