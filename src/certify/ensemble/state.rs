//! The trees in the current box: the leaves that each still reaches, and the sums.
//!
//! There is one set of leaves and a few numbers per tree. A child of a box changes the trees that cut its
//! axis; the old values are kept and put back.

use super::local::{LEAF, Local};

/// The width of a set of leaves; known to the compiler if one word is enough.
pub(super) trait Width: Copy {
    /// Words of a set.
    fn words(self) -> usize;
}

/// Sets of one word.
#[derive(Clone, Copy)]
pub(super) struct One;

/// Sets of several words.
#[derive(Clone, Copy)]
pub(super) struct Several(pub(super) usize);

impl Width for One {
    fn words(self) -> usize {
        1
    }
}

impl Width for Several {
    fn words(self) -> usize {
        self.0
    }
}

/// Facts about a tree in the current box.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeStanding {
    /// Its smallest reachable leaf.
    pub(super) least: i64,
    /// Gain of the smallest leaf if the low part of `top` is gone.
    pub(super) low_gone: i64,
    /// The same gain for the high part.
    pub(super) high_gone: i64,
    /// The deepest node above all reachable leaves.
    pub(super) top: u32,
    /// The number of the leaf at the nearest point.
    here: u32,
}

/// The trees in a box.
pub(super) struct State<'a> {
    local: &'a Local,
    /// Per axis, the cell of the box that is nearest to the centre.
    pub(super) nearest: Vec<u32>,
    pub(super) standings: Vec<TreeStanding>,
    /// The leaves that every tree reaches.
    sets: Vec<u64>,
    /// The sum of the smallest leaves.
    pub(super) bound: i64,
    /// The sum at the nearest point.
    pub(super) here: i64,
    undo: Vec<(u32, TreeStanding)>,
    undo_sets: Vec<u64>,
}

/// A point in the undo lists to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    undo: usize,
    undo_sets: usize,
    bound: i64,
    here: i64,
}

impl<'a> State<'a> {
    /// The trees in the whole box of `local`.
    pub(super) fn new(local: &'a Local, nearest: Vec<u32>) -> Self {
        let mut state = Self {
            local,
            nearest,
            standings: Vec::with_capacity(local.trees()),
            sets: local.leaves.clone(),
            bound: local.constant,
            here: local.constant,
            undo: Vec::new(),
            undo_sets: Vec::new(),
        };
        state.stand();
        state
    }

    /// A mark of the current state, to go back to.
    pub(super) fn mark(&self) -> Mark {
        let (undo, undo_sets) = (self.undo.len(), self.undo_sets.len());
        Mark { undo, undo_sets, bound: self.bound, here: self.here }
    }

    /// Computes the standing of every tree in the whole box.
    fn stand(&mut self) {
        let words = self.local.words;
        for tree in 0..self.local.trees() {
            let mut standing = self.standing(Several(words), tree, self.local.roots[tree]);
            standing.here = self.leaf_at(standing.top);
            self.bound += standing.least;
            self.here += self.local.values[tree * 64 * words + standing.here as usize];
            self.standings.push(standing);
        }
    }

    /// The standing of a tree by its set; the search for its top begins at `top`.
    fn standing<W: Width>(&self, width: W, tree: usize, mut top: u32) -> TreeStanding {
        let words = width.words();
        let set = &self.sets[tree * words..(tree + 1) * words];
        let values = &self.local.values[tree * 64 * words..(tree + 1) * 64 * words];
        let least = values[first_of_both(set, set)];
        let (low_gone, high_gone) = loop {
            let knot = self.local.knots[top as usize];
            if knot.cut == LEAF {
                break (0, 0);
            }
            let range = top as usize * words..(top as usize + 1) * words;
            let low = first_of_both(set, &self.local.below_low[range.clone()]);
            let high = first_of_both(set, &self.local.below_high[range]);
            match (values.get(low), values.get(high)) {
                (Some(low), Some(high)) => break (high - least, low - least),
                (None, _) => top = knot.high,
                (_, None) => top = knot.low,
            }
        };
        TreeStanding { least, low_gone, high_gone, top, here: 0 }
    }

    /// The leaf of the nearest point, below a node.
    fn leaf_at(&self, mut at: u32) -> u32 {
        loop {
            let knot = self.local.knots[at as usize];
            let Some(place) = self.local.cuts.get(knot.cut as usize) else { return knot.low };
            let is_low = self.nearest[place.axis as usize] <= place.position;
            at = if is_low { knot.low } else { knot.high };
        }
    }

    /// The bound of a child, without changing anything.
    pub(super) fn bound_of_child<W: Width>(
        &self,
        width: W,
        axis: usize,
        position: u32,
        is_high: bool,
    ) -> i64 {
        let words = width.words();
        let (users, sets) = self.sets_of(width, axis, position, is_high);
        let mut bound = self.bound;
        for (&tree, kept) in users.iter().zip(sets.chunks_exact(words)) {
            let tree = tree as usize;
            let set = &self.sets[tree * words..(tree + 1) * words];
            let least = self.local.values[tree * 64 * words + first_of_both(set, kept)];
            bound += least - self.standings[tree].least;
        }
        bound
    }

    /// The trees that cut an axis, and the set that a side of a cut keeps of each.
    fn sets_of<W: Width>(
        &self,
        width: W,
        axis: usize,
        position: u32,
        is_high: bool,
    ) -> (&'a [u32], &'a [u64]) {
        let users = &self.local.users_of_axes[axis];
        let length = users.trees.len() * width.words();
        let start = users.sets + position as usize * length;
        let sets = if is_high { &self.local.high } else { &self.local.low };
        (&self.local.users[users.trees.clone()], &sets[start..start + length])
    }

    /// Makes the child the current box; its side and nearest point are already set.
    pub(super) fn enter<W: Width>(&mut self, width: W, axis: usize, position: u32, is_high: bool) {
        let words = width.words();
        let (users, sets) = self.sets_of(width, axis, position, is_high);
        for (&tree, kept) in users.iter().zip(sets.chunks_exact(words)) {
            let index = tree as usize;
            let set = index * words..(index + 1) * words;
            if self.sets[set.clone()].iter().zip(kept).all(|(set, kept)| set & !kept == 0) {
                continue;
            }
            let before = self.standings[index];
            self.undo.push((tree, before));
            self.undo_sets.extend_from_slice(&self.sets[set.clone()]);
            for (set, kept) in self.sets[set.clone()].iter_mut().zip(kept) {
                *set &= kept;
            }
            let mut after = self.standing(width, index, before.top);
            // a leaf that the child still reaches also holds its nearest point
            let is_kept = self.sets[set][before.here as usize / 64] >> (before.here % 64) & 1 == 1;
            after.here = if is_kept { before.here } else { self.leaf_at(after.top) };
            let values = &self.local.values[index * 64 * words..];
            self.here += values[after.here as usize] - values[before.here as usize];
            self.bound += after.least - before.least;
            self.standings[index] = after;
        }
    }

    /// Undoes the changes since a mark.
    pub(super) fn put_back<W: Width>(&mut self, width: W, mark: Mark) {
        let words = width.words();
        let sets = self.undo_sets[mark.undo_sets..].chunks_exact(words);
        for ((tree, standing), set) in self.undo[mark.undo..].iter().zip(sets) {
            let tree = *tree as usize;
            self.standings[tree] = *standing;
            self.sets[tree * words..(tree + 1) * words].copy_from_slice(set);
        }
        self.undo.truncate(mark.undo);
        self.undo_sets.truncate(mark.undo_sets);
        (self.bound, self.here) = (mark.bound, mark.here);
    }
}

/// The first bit that two sets share; `usize::MAX` if there is none.
#[inline]
fn first_of_both(a: &[u64], b: &[u64]) -> usize {
    for (word, (a, b)) in a.iter().zip(b).enumerate() {
        let both = a & b;
        if both != 0 {
            return word * 64 + both.trailing_zeros() as usize;
        }
    }
    usize::MAX
}
