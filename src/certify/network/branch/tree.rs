//! The tree of a search, written in preorder once it is complete.

use std::collections::BTreeMap;

use crate::certificate::{Cut, Leaf, SplitTree, Step};

/// The place of a case in the tree.
pub(super) type Slot = usize;

#[derive(Clone, Debug)]
enum BranchNode {
    Open,
    Closed { leaf: Leaf, refresh: Option<usize>, hint: Option<usize> },
    Cut { cut: Cut, refresh: Option<usize>, low: Slot, high: Slot },
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
        hint: Option<usize>,
    ) {
        self.nodes[slot] = BranchNode::Closed { leaf, refresh, hint };
    }

    /// Cuts an open leaf in two; returns the slots of the low and the high part.
    pub(super) fn cut(&mut self, slot: Slot, cut: Cut, refresh: Option<usize>) -> [Slot; 2] {
        let (low, high) = (self.nodes.len(), self.nodes.len() + 1);
        self.nodes.extend([BranchNode::Open, BranchNode::Open]);
        self.nodes[slot] = BranchNode::Cut { cut, refresh, low, high };
        [low, high]
    }

    /// The tree in preorder with its hints renumbered, and the old number of each hint; `None` while a
    /// leaf is open.
    pub(super) fn finish(&self) -> Option<(SplitTree, Vec<usize>)> {
        let mut steps = Vec::with_capacity(self.nodes.len());
        let mut order = Vec::new();
        let mut renumbered = BTreeMap::new();
        let mut stack = vec![self.root()];
        while let Some(slot) = stack.pop() {
            match self.nodes.get(slot)?.clone() {
                BranchNode::Open => return None,
                BranchNode::Closed { leaf, refresh, hint } => {
                    let hint = hint.map(|number| {
                        *renumbered.entry(number).or_insert_with(|| {
                            order.push(number);
                            order.len() - 1
                        })
                    });
                    steps.push(Step::Leaf { leaf, refresh, hint });
                }
                BranchNode::Cut { cut, refresh, low, high } => {
                    steps.push(Step::Cut { cut, refresh });
                    stack.extend([high, low]);
                }
            }
        }
        Some((SplitTree::new(steps)?, order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Closed high parts first, with hints 7, 3 and 7 again: in preorder the first leaf has number 0.
    #[test]
    fn leaves_with_one_hint_have_one_number_in_the_order_of_leaves() {
        let mut tree = CaseTree::new();
        let [low, high] = tree.cut(tree.root(), cut(0), None);
        tree.close(high, Leaf::Linear, Some(1), Some(7));
        let [low, high] = tree.cut(low, cut(1), None);
        tree.close(high, Leaf::Linear, None, Some(3));
        tree.close(low, Leaf::Linear, None, Some(7));
        let (found, order) = tree.finish().unwrap();
        let leaf = |refresh, hint| Step::Leaf { leaf: Leaf::Linear, refresh, hint };
        let cut = |feature| Step::Cut { cut: cut(feature), refresh: None };
        let steps =
            [cut(0), cut(1), leaf(None, Some(0)), leaf(None, Some(1)), leaf(Some(1), Some(0))];
        assert_eq!(found.steps(), steps);
        assert_eq!(order, [7, 3]);
    }
}
