//! Trees cut down to a box.

use super::grid::{FloorQuery, GridNode, Parts};

/// Trees cut down to a box; children come before their parents, the root is the last.
pub(super) struct Reduced {
    pub(super) parts: Parts<i64>,
    /// First part of every tree, then the end of the last tree.
    pub(super) starts: Vec<usize>,
    /// The constant, plus the trees that reach one leaf.
    pub(super) constant: i64,
}

impl Reduced {
    /// The trees of a query inside the box `sides`.
    pub(super) fn new(query: &FloorQuery, sides: &[(usize, usize)]) -> Self {
        let mut all = Self { parts: Vec::new(), starts: vec![0], constant: query.constant };
        let mut here = sides.to_vec();
        for (root, parts) in &query.trees {
            reduce(parts, *root, query.is_exact, &mut here, &mut all.parts);
            match all.parts.last() {
                Some(GridNode::Leaf(value)) => {
                    all.constant += value;
                    all.parts.pop();
                }
                _ => all.starts.push(all.parts.len()),
            }
        }
        all
    }

    /// Number of trees left.
    pub(super) fn trees(&self) -> usize {
        self.starts.len() - 1
    }

    /// The parts of a tree.
    pub(super) fn parts_of(&self, tree: usize) -> &[GridNode<i64>] {
        &self.parts[self.starts[tree]..self.starts[tree + 1]]
    }
}

/// Appends the part of a tree that the box reaches and returns its root. The box is left as it was.
fn reduce(
    parts: &[GridNode<i64>],
    mut at: usize,
    is_exact: bool,
    here: &mut [(usize, usize)],
    out: &mut Parts<i64>,
) -> usize {
    while let GridNode::Split { feature, number, left, right } = parts[at] {
        let (lo, hi) = here[feature];
        if hi <= number {
            at = left;
        } else if lo > number {
            at = right;
        } else {
            here[feature] = (lo, number);
            let low = reduce(parts, left, is_exact, here, out);
            here[feature] = (number + 1, hi);
            let high = reduce(parts, right, is_exact, here, out);
            here[feature] = (lo, hi);
            return join(feature, number, (low, high), is_exact, out);
        }
    }
    out.push(parts[at]);
    out.len() - 1
}

/// Appends the split of the two parts appended last, or keeps one of two equal leaves; returns the root.
/// Leaves that were rounded (not `is_exact`) may differ before rounding.
pub(super) fn join(
    feature: usize,
    number: usize,
    (left, right): (usize, usize),
    is_exact: bool,
    out: &mut Parts<i64>,
) -> usize {
    match (out[left], out[right]) {
        // equal leaves are siblings at the end of the list
        (GridNode::Leaf(a), GridNode::Leaf(b)) if a == b && is_exact => {
            out.pop();
        }
        _ => out.push(GridNode::Split { feature, number, left, right }),
    }
    out.len() - 1
}
