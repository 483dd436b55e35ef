//! A query inside a box of cells, laid out for the search.
//!
//! Only the parts that the box leaves open are kept: trees that reach one leaf go into the constant, and
//! cuts outside the box are dropped. The leaves of a tree are numbered by ascending value, and a set of
//! leaves is a set of bits. The smallest leaf that a box reaches is the lowest bit of its set, and a cut
//! keeps the leaves of one side by one `and` per tree. So a child of a box costs a few instructions for
//! each tree that uses the feature of the cut, however deep the trees are.

use std::ops::Range;

use super::axes::{CutAxis, CutIndex, CutPlace, axes};
use super::grid::{FloorQuery, GridNode};
use super::leaves::Scratch;
use super::reduce::Reduced;

/// Most words that the sets of one side may take, 128 MiB. A forest of large trees is left to other rules.
const MOST_WORDS: usize = 1 << 24;

/// A cut number that no cut has; it marks a leaf.
pub(super) const LEAF: u32 = u32::MAX;

/// The trees that cut an axis.
#[derive(Clone, Debug)]
pub(super) struct Users {
    /// A range of [`Local::users`].
    pub(super) trees: Range<usize>,
    /// Start of their sets in [`Local::low`] and [`Local::high`]: for each cut, one set per user.
    pub(super) sets: usize,
}

/// A node: a cut with two children, or a leaf whose number is in `low`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    pub(super) cut: u32,
    pub(super) low: u32,
    pub(super) high: u32,
}

/// A query inside a box.
pub(super) struct Local {
    /// Words of 64 bits in a set of leaves.
    pub(super) words: usize,
    /// The constant, plus the trees that reach one leaf.
    pub(super) constant: i64,
    pub(super) floor: i64,
    pub(super) is_exact: bool,
    pub(super) axes: Vec<CutAxis>,
    pub(super) cuts: Vec<CutPlace>,
    pub(super) users_of_axes: Vec<Users>,
    /// The trees that cut an axis, axis by axis.
    pub(super) users: Vec<u32>,
    /// Per cut and user of its axis, the leaves that the low side meets.
    pub(super) low: Vec<u64>,
    /// The same for the high side.
    pub(super) high: Vec<u64>,
    pub(super) knots: Vec<Knot>,
    /// Per knot, the leaves below its low child.
    pub(super) below_low: Vec<u64>,
    /// Per knot, the leaves below its high child.
    pub(super) below_high: Vec<u64>,
    /// The root of every tree.
    pub(super) roots: Vec<u32>,
    /// Per tree, `64·words` values, ascending, filled up with the largest number.
    pub(super) values: Vec<i64>,
    /// Per tree, all its leaves.
    pub(super) leaves: Vec<u64>,
}

impl Local {
    /// The query inside the box `sides`; `None` if its sets would take too much memory.
    pub(super) fn new(query: &FloorQuery, sides: &[(usize, usize)]) -> Option<Self> {
        let reduced = Reduced::new(query, sides);
        let (axes, cuts) = axes(&reduced.parts, sides);
        let mut local = Self {
            words: 1,
            constant: reduced.constant,
            floor: query.floor,
            is_exact: query.is_exact,
            axes,
            cuts,
            users_of_axes: Vec::new(),
            users: Vec::new(),
            low: Vec::new(),
            high: Vec::new(),
            knots: Vec::with_capacity(reduced.parts.len()),
            below_low: Vec::new(),
            below_high: Vec::new(),
            roots: Vec::new(),
            values: Vec::new(),
            leaves: Vec::new(),
        };
        local.lay_out(&reduced, sides).then_some(local)
    }

    /// Number of trees.
    pub(super) fn trees(&self) -> usize {
        self.roots.len()
    }

    /// Fills the sets. Returns `false`, without large allocations, if there are too many.
    fn lay_out(&mut self, reduced: &Reduced, sides: &[(usize, usize)]) -> bool {
        let is_leaf = |part: &&GridNode<i64>| matches!(part, GridNode::Leaf(_));
        let leaves = |tree| reduced.parts_of(tree).iter().filter(is_leaf).count();
        self.words = (0..reduced.trees()).map(leaves).max().unwrap_or(1).div_ceil(64).max(1);
        let index = CutIndex::new(&self.axes, &self.cuts, sides);
        let sets = self.count_users(reduced, &index);
        let knots = reduced.parts.len();
        if sets.max(knots.saturating_mul(self.words)) > MOST_WORDS {
            return false;
        }
        self.low = vec![0; sets];
        self.high = vec![0; sets];
        self.below_low = vec![0; knots * self.words];
        self.below_high = vec![0; knots * self.words];
        let mut at_user: Vec<usize> = vec![0; self.axes.len()];
        let mut scratch = Scratch::default();
        for (tree, &start) in reduced.starts.iter().enumerate().take(reduced.trees()) {
            self.add_tree(reduced.parts_of(tree), start, &index, &mut at_user, &mut scratch);
        }
        true
    }

    /// Lists the trees that cut each axis; returns the words that their sets take.
    fn count_users(&mut self, reduced: &Reduced, index: &CutIndex) -> usize {
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); self.axes.len()];
        for tree in 0..reduced.trees() {
            for part in reduced.parts_of(tree) {
                let GridNode::Split { feature, .. } = *part else { continue };
                let users = &mut users[index.axis(feature)];
                if users.last() != Some(&(tree as u32)) {
                    users.push(tree as u32);
                }
            }
        }
        let mut sets = 0usize;
        for (axis, of_axis) in self.axes.iter().zip(users) {
            let trees = self.users.len()..self.users.len() + of_axis.len();
            self.users_of_axes.push(Users { trees, sets });
            let words = axis.cuts.len().saturating_mul(of_axis.len()).saturating_mul(self.words);
            sets = sets.saturating_add(words);
            self.users.extend(of_axis);
        }
        sets
    }

    /// Appends the knots of a tree and fills its sets.
    fn add_tree(
        &mut self,
        parts: &[GridNode<i64>],
        start: usize,
        index: &CutIndex,
        at_user: &mut [usize],
        scratch: &mut Scratch,
    ) {
        let words = self.words;
        scratch.collect(parts, start, &self.axes, index);
        let room = self.values.len();
        self.values.resize(room + 64 * words, i64::MAX);
        self.leaves.resize(self.leaves.len() + words, 0);
        let all = self.leaves.len() - words;
        for (rank, leaf) in scratch.leaves.iter().enumerate() {
            self.values[room + rank] = leaf.value;
            self.leaves[all + rank / 64] |= 1 << (rank % 64);
        }
        for (at, part) in parts.iter().enumerate() {
            let knot = start + at;
            let knot_of_part = match *part {
                GridNode::Leaf(_) => Knot { cut: LEAF, low: scratch.rank[at], high: 0 },
                GridNode::Split { feature, number, left, right } => {
                    for (child, is_high) in [(left, false), (right, true)] {
                        self.note_below(knot, child, is_high);
                    }
                    let cut = index.cut(feature, number) as u32;
                    Knot { cut, low: left as u32, high: right as u32 }
                }
            };
            self.knots.push(knot_of_part);
        }
        self.roots.push((start + parts.len() - 1) as u32);
        for slot in 0..scratch.axes.len() {
            let axis = scratch.axes[slot];
            self.fill_sets(axis, at_user[axis], slot, scratch);
            at_user[axis] += 1;
        }
    }

    /// Adds the leaves of a child to those below its parent.
    fn note_below(&mut self, knot: usize, child: usize, is_high: bool) {
        let words = self.words;
        let Knot { cut, low, .. } = self.knots[child];
        for word in 0..words {
            let leaves = if cut != LEAF {
                self.below_low[child * words + word] | self.below_high[child * words + word]
            } else if low as usize / 64 == word {
                1 << (low % 64)
            } else {
                0
            };
            let below = if is_high { &mut self.below_high } else { &mut self.below_low };
            below[knot * words + word] = leaves;
        }
    }

    /// Fills the sets of one tree along one axis, from the cells that its leaves reach there.
    fn fill_sets(&mut self, axis: usize, user: usize, slot: usize, scratch: &mut Scratch) {
        let words = self.words;
        let cuts = self.axes[axis].cuts.len();
        let Users { trees, sets } = &self.users_of_axes[axis];
        let stride = trees.len() * words;
        // leaves by their first cell, and by their last cell
        scratch.first.clear();
        scratch.first.resize((cuts + 1) * words, 0);
        scratch.last.clear();
        scratch.last.resize((cuts + 1) * words, 0);
        for (rank, leaf) in scratch.leaves.iter().enumerate() {
            let (from, to) = scratch.ranges[leaf.at * scratch.axes.len() + slot];
            scratch.first[from as usize * words + rank / 64] |= 1 << (rank % 64);
            scratch.last[to as usize * words + rank / 64] |= 1 << (rank % 64);
        }
        for word in 0..words {
            let at = |cut: usize| sets + cut * stride + user * words + word;
            let mut met = 0;
            for cut in 0..cuts {
                met |= scratch.first[cut * words + word];
                self.low[at(cut)] = met;
            }
            met = 0;
            for cut in (0..cuts).rev() {
                met |= scratch.last[(cut + 1) * words + word];
                self.high[at(cut)] = met;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::ensemble::grid::Grid;
    use crate::model::{Ensemble, Feature, Node, Tree};

    /// A balanced tree over one feature with `2^depth` leaves, its cuts between those of its neighbours.
    fn tree(number: usize, depth: u32) -> Tree {
        let leaves = 1usize << depth;
        let inner = leaves - 1;
        // nodes in heap order: the cut of a node lies in the middle of its leaves
        let nodes = (0..inner + leaves).map(|at| {
            if at >= inner {
                return Node::Leaf((at - inner) as f64 * if at % 2 == 0 { 1.0 } else { -1.0 });
            }
            let level = (at + 1).ilog2();
            let width = leaves >> level;
            let first = (at + 1 - (1 << level)) * width;
            Node::Split {
                feature: Feature(0),
                threshold: (first + width / 2) as f64 + number as f64 / 64.0,
                left: 2 * at + 1,
                right: 2 * at + 2,
                default_left: false,
            }
        });
        Tree { output: 0, nodes: nodes.collect() }
    }

    #[test]
    fn forests_of_large_trees_are_left_alone() {
        let local = |trees: usize, depth| {
            let trees = (0..trees).map(|number| tree(number, depth)).collect();
            let grid = Grid::new(&Ensemble { base: vec![0.0], trees }, &[false]);
            let sides = vec![(0, grid.thresholds(0).len())];
            Local::new(&grid.margin(1, 0, 0.0, false), &sides)
        };
        assert!(local(4, 6).is_some());
        // 24 · 4,095 cuts, of 24 trees with 64 words each
        assert!(local(24, 12).is_none());
    }
}
