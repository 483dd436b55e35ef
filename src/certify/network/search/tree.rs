//! The tree of a search, written in preorder once it is complete.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::certificate::{Cut, Leaf, LeafHint, Proof, SplitTree, Step};

/// The place of a case in the tree.
pub(super) type Slot = usize;

#[derive(Debug)]
enum BranchNode {
    Open,
    Closed { leaf: Leaf, refresh: Option<usize>, hint: Option<Arc<LeafHint>> },
    Cut { cut: Cut, refresh: Option<usize>, parts: [Slot; 2] },
}

/// A tree that grows at its open leaves.
#[derive(Debug)]
pub(super) struct CaseTree {
    nodes: Vec<BranchNode>,
}

impl CaseTree {
    pub(super) fn new() -> Self {
        Self { nodes: vec![BranchNode::Open] }
    }

    pub(super) fn root(&self) -> Slot {
        0
    }

    /// Closes an open leaf.
    pub(super) fn close(
        &mut self,
        slot: Slot,
        leaf: Leaf,
        refresh: Option<usize>,
        hint: Option<Arc<LeafHint>>,
    ) {
        self.nodes[slot] = BranchNode::Closed { leaf, refresh, hint };
    }

    /// Cuts an open leaf in two; returns the slots of the low and the high part.
    pub(super) fn cut(&mut self, slot: Slot, cut: Cut, refresh: Option<usize>) -> [Slot; 2] {
        let parts = [self.nodes.len(), self.nodes.len() + 1];
        self.nodes.extend([BranchNode::Open, BranchNode::Open]);
        self.nodes[slot] = BranchNode::Cut { cut, refresh, parts };
        parts
    }

    /// The tree in preorder, and the hints in the order of its leaves, so that neither depends on the order
    /// of the search; a hint that closes several leaves is written once. `None` while a leaf is open.
    pub(super) fn finish(&self) -> Option<Proof> {
        let mut steps = Vec::with_capacity(self.nodes.len());
        let mut hints = Vec::new();
        // by address: the tree keeps every hint alive
        let mut numbers = BTreeMap::new();
        let mut number = |hint: &Arc<LeafHint>| {
            *numbers.entry(Arc::as_ptr(hint)).or_insert_with(|| {
                hints.push(LeafHint::clone(hint));
                hints.len() - 1
            })
        };
        let mut stack = vec![self.root()];
        while let Some(slot) = stack.pop() {
            match self.nodes.get(slot)? {
                BranchNode::Open => return None,
                BranchNode::Closed { leaf, refresh, hint } => {
                    let hint = hint.as_ref().map(&mut number);
                    steps.push(Step::Leaf { leaf: *leaf, refresh: *refresh, hint });
                }
                BranchNode::Cut { cut, refresh, parts: [low, high] } => {
                    steps.push(Step::Cut { cut: *cut, refresh: *refresh });
                    stack.extend([*high, *low]);
                }
            }
        }
        Some(Proof::Split { tree: SplitTree::new(steps)?, hints })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Hint;

    fn cut(feature: usize) -> Cut {
        Cut::Input { copy: 0, feature, at: 0.5 }
    }

    #[test]
    fn a_tree_with_an_open_leaf_is_not_written() {
        let mut tree = CaseTree::new();
        let [low, high] = tree.cut(tree.root(), cut(0), None);
        tree.close(low, Leaf::Linear, None, None);
        assert!(tree.finish().is_none());
        tree.close(high, Leaf::Linear, None, None);
        assert!(tree.finish().is_some());
    }

    /// Closed high parts first: in preorder the first leaf has number 0.
    #[test]
    fn leaves_with_one_hint_have_one_number_in_the_order_of_leaves() {
        let hint = |rows| Arc::new(LeafHint::PerRow(vec![Hint::default(); rows]));
        let (twice, once) = (hint(2), hint(1));
        let mut tree = CaseTree::new();
        let [low, high] = tree.cut(tree.root(), cut(0), None);
        tree.close(high, Leaf::Linear, Some(1), Some(Arc::clone(&twice)));
        let [low, high] = tree.cut(low, cut(1), None);
        tree.close(high, Leaf::Linear, None, Some(Arc::clone(&once)));
        tree.close(low, Leaf::Linear, None, Some(Arc::clone(&twice)));
        let Some(Proof::Split { tree, hints }) = tree.finish() else { panic!("a leaf is open") };
        let leaf = |refresh, hint| Step::Leaf { leaf: Leaf::Linear, refresh, hint };
        let cut = |feature| Step::Cut { cut: cut(feature), refresh: None };
        let steps =
            [cut(0), cut(1), leaf(None, Some(0)), leaf(None, Some(1)), leaf(Some(1), Some(0))];
        assert_eq!(tree.steps(), steps);
        assert_eq!(hints, [LeafHint::clone(&twice), LeafHint::clone(&once)]);
    }
}
