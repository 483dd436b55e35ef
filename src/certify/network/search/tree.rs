//! The tree of a search, written in preorder once it is complete. It is kept within a memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::certificate::{Cut, Hint, Leaf, LeafHint, Proof, SplitTree, Step};

/// The place of a case in the tree.
pub(super) type Slot = usize;

#[derive(Debug)]
enum BranchNode {
    Open,
    Closed { leaf: Leaf, refresh: Option<usize>, hint: Option<Arc<LeafHint>> },
    Cut { cut: Cut, refresh: Option<usize>, parts: [Slot; 2] },
}

/// A tree that grows at its open leaves, as long as there is room for it.
#[derive(Debug)]
pub(super) struct CaseTree {
    /// Empty once there was no room.
    nodes: Vec<BranchNode>,
    /// Number of places given out.
    slots: usize,
    /// The hints of closed leaves, by address: the tree keeps every one of them alive.
    hints: BTreeSet<*const LeafHint>,
    bytes: usize,
    most: usize,
}

impl CaseTree {
    /// A tree of at most `most` bytes, approximately.
    pub(super) fn new(most: usize) -> Self {
        let nodes = vec![BranchNode::Open];
        Self { nodes, slots: 1, hints: BTreeSet::new(), bytes: 0, most }
    }

    pub(super) fn root(&self) -> Slot {
        0
    }

    /// True if there was no room for the whole tree: it was dropped, and there will be no proof.
    pub(super) fn is_dropped(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Closes an open leaf.
    pub(super) fn close(
        &mut self,
        slot: Slot,
        leaf: Leaf,
        refresh: Option<usize>,
        hint: Option<Arc<LeafHint>>,
    ) {
        let added = hint.as_ref().filter(|hint| !self.hints.contains(&Arc::as_ptr(hint)));
        let added = added.map_or(0, |hint| bytes(hint));
        if self.is_dropped() || !self.has_room(added) {
            return;
        }
        self.hints.extend(hint.as_ref().map(Arc::as_ptr));
        self.nodes[slot] = BranchNode::Closed { leaf, refresh, hint };
    }

    /// Cuts an open leaf in two; returns the slots of the low and the high part.
    pub(super) fn cut(&mut self, slot: Slot, cut: Cut, refresh: Option<usize>) -> [Slot; 2] {
        let parts = [self.slots, self.slots + 1];
        self.slots += 2;
        if !self.is_dropped() && self.has_room(2 * size_of::<BranchNode>()) {
            self.nodes.extend([BranchNode::Open, BranchNode::Open]);
            self.nodes[slot] = BranchNode::Cut { cut, refresh, parts };
        }
        parts
    }

    /// Takes room for so many bytes more; drops the tree if there is none.
    fn has_room(&mut self, added: usize) -> bool {
        self.bytes += added;
        let has_room = self.bytes <= self.most;
        if !has_room {
            self.drop_all();
        }
        has_room
    }

    /// Drops the tree: there will be no proof.
    pub(super) fn drop_all(&mut self) {
        (self.nodes, self.hints) = (Vec::new(), BTreeSet::new());
    }

    /// The tree in preorder, and the hints in the order of its leaves, so that neither depends on the order
    /// of the search; a hint that closes several leaves is written once. `None` while a leaf is open.
    pub(super) fn finish(self) -> Option<Proof> {
        let mut steps = Vec::with_capacity(self.nodes.len());
        let mut nodes: Vec<_> = self.nodes.into_iter().map(Some).collect();
        let mut hints: Vec<Arc<LeafHint>> = Vec::new();
        let mut numbers = BTreeMap::new();
        let mut stack = vec![0];
        while let Some(slot) = stack.pop() {
            match nodes.get_mut(slot)?.take()? {
                BranchNode::Open => return None,
                BranchNode::Closed { leaf, refresh, hint } => {
                    let hint = hint.map(|hint| {
                        *numbers.entry(Arc::as_ptr(&hint)).or_insert_with(|| {
                            hints.push(hint);
                            hints.len() - 1
                        })
                    });
                    steps.push(Step::Leaf { leaf, refresh, hint });
                }
                BranchNode::Cut { cut, refresh, parts: [low, high] } => {
                    steps.push(Step::Cut { cut, refresh });
                    stack.extend([high, low]);
                }
            }
        }
        // no leaf has them any more, so they need not be copied
        let hints = hints.into_iter().map(Arc::unwrap_or_clone).collect();
        Some(Proof::split(SplitTree::new(steps)?, hints))
    }
}

/// The size of a hint, approximately.
pub(in crate::certify::network) fn bytes(hint: &LeafHint) -> usize {
    let lengths = |hint: &Hint| {
        let named = size_of_val(&hint.slopes[..]) + size_of_val(&hint.split[..]);
        named + size_of_val(&hint.weights[..]) + size_of_val(&hint.conditions[..])
    };
    size_of::<LeafHint>()
        + hint.hints().iter().map(|one| size_of::<Hint>() + lengths(one)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(feature: usize) -> Cut {
        Cut::Input { copy: 0, feature, at: 0.5 }
    }

    #[test]
    fn a_tree_with_an_open_leaf_is_not_written() {
        let half_closed = || {
            let mut tree = CaseTree::new(usize::MAX);
            let [low, high] = tree.cut(tree.root(), cut(0), None);
            tree.close(low, Leaf::Linear, None, None);
            (tree, high)
        };
        assert!(half_closed().0.finish().is_none());
        let (mut tree, high) = half_closed();
        tree.close(high, Leaf::Linear, None, None);
        assert!(tree.finish().is_some());
    }

    /// A hint that closes two leaves takes room once; places are given out as before.
    #[test]
    fn a_tree_without_room_is_dropped_and_never_written() {
        let hint = Arc::new(LeafHint::PerRow(vec![Hint::default(); 9]));
        let room = 2 * size_of::<BranchNode>() + bytes(&hint);
        for (most, is_dropped) in [(room, false), (room - 1, true), (0, true)] {
            let mut tree = CaseTree::new(most);
            let [low, high] = tree.cut(tree.root(), cut(0), None);
            assert_eq!([low, high], [1, 2]);
            for slot in [low, high] {
                tree.close(slot, Leaf::Linear, None, Some(Arc::clone(&hint)));
            }
            assert_eq!(tree.is_dropped(), is_dropped);
            assert_eq!(tree.finish().is_none(), is_dropped);
        }
    }

    /// Closed high parts first: in preorder the first leaf has number 0.
    #[test]
    fn leaves_with_one_hint_have_one_number_in_the_order_of_leaves() {
        let hint = |rows| Arc::new(LeafHint::PerRow(vec![Hint::default(); rows]));
        let (twice, once) = (hint(2), hint(1));
        let mut tree = CaseTree::new(usize::MAX);
        let [low, high] = tree.cut(tree.root(), cut(0), None);
        tree.close(high, Leaf::Linear, Some(1), Some(Arc::clone(&twice)));
        let [low, high] = tree.cut(low, cut(1), None);
        tree.close(high, Leaf::Linear, None, Some(Arc::clone(&once)));
        tree.close(low, Leaf::Linear, None, Some(Arc::clone(&twice)));
        let proof = tree.finish().expect("every leaf is closed");
        let (tree, hints) = proof.as_split().unwrap();
        let leaf = |refresh, hint| Step::Leaf { leaf: Leaf::Linear, refresh, hint };
        let cut = |feature| Step::Cut { cut: cut(feature), refresh: None };
        let steps =
            [cut(0), cut(1), leaf(None, Some(0)), leaf(None, Some(1)), leaf(Some(1), Some(0))];
        assert_eq!(tree.steps(), steps);
        assert_eq!(hints, [LeafHint::clone(&twice), LeafHint::clone(&once)]);
    }
}
