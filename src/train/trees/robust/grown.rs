//! A grown tree with the rows of its leaves.

use crate::model::{Node, Tree};

use super::RowCases;

/// A row whose box reaches a node.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) row: u32,
    /// True if its worst case counts here.
    pub(super) is_worst: bool,
    /// True if the row itself lies here.
    pub(super) is_here: bool,
}

/// A leaf with the rows whose boxes reach it, and the bounds of its value.
pub(super) struct GrownLeaf {
    pub(super) node: usize,
    pub(super) members: Vec<Member>,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

/// The values of a tree's leaves, and for every row the leaf of its worst case and its own one, by their places.
pub(super) struct LeafStanding {
    pub(super) values: Vec<f64>,
    pub(super) places: Vec<RowCases<u32>>,
}

/// A tree with its leaves, and where rows stand in it.
pub(super) struct GrownTree {
    pub(super) tree: Tree,
    pub(super) leaves: Vec<GrownLeaf>,
    pub(super) standing: LeafStanding,
}

impl LeafStanding {
    /// The standing of rows with these signs at such values of the leaves.
    pub(super) fn new(leaves: &[GrownLeaf], values: Vec<f64>, signs: &[f64]) -> Self {
        let mut least = vec![f64::INFINITY; signs.len()];
        let mut places = vec![RowCases { worst: 0, own: 0 }; signs.len()];
        for (place, (leaf, value)) in (0..).zip(leaves.iter().zip(&values)) {
            for member in &leaf.members {
                let row = member.row as usize;
                let signed = signs[row] * value;
                if signed < least[row] {
                    (least[row], places[row].worst) = (signed, place);
                }
                if member.is_here {
                    places[row].own = place;
                }
            }
        }
        Self { values, places }
    }

    /// The value of a leaf.
    pub(super) fn value(&self, place: u32) -> f64 {
        self.values[place as usize]
    }
}

impl GrownTree {
    /// The tree without its rows, with the values of its standing.
    pub(super) fn into_tree(mut self) -> Tree {
        for (leaf, value) in self.leaves.iter().zip(self.standing.values) {
            self.tree.nodes[leaf.node] = Node::Leaf(value);
        }
        self.tree
    }
}
