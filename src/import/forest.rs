//! Turns trees as files state them, with nodes that name their children, into native trees.

use crate::model::{Feature, Node};

use super::{ImportError, NodeProblem};

/// Most features, as in native models.
pub(super) const MAX_FEATURES: usize = 65_536;
/// Most classes, as in native models.
pub(super) const MAX_CLASSES: usize = 1_000;
/// Most trees, as in native models.
pub(super) const MAX_TREES: usize = 10_000;
/// Most nodes of a tree, as in native models; deleted ones count.
pub(super) const MAX_NODES: usize = 65_535;
/// Longest path of a tree, as in native models.
pub(super) const MAX_TREE_DEPTH: usize = 64;

/// Sums of a model: one for a plain score or for two classes, else one per class.
pub(super) fn sums(classes: usize) -> usize {
    if classes <= 2 { 1 } else { classes }
}

/// A tree of a model, for messages and limits.
#[derive(Clone, Copy)]
pub(super) struct TreePlace {
    /// Index of the tree.
    pub(super) tree: usize,
    /// Features of the model.
    pub(super) features: usize,
}

/// A node of a file; nothing about it is checked yet. Node 0 is the root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stated {
    /// A leaf with its value.
    Leaf(f64),
    /// `x[feature] < threshold` goes left.
    Split {
        /// Index of the feature.
        feature: i64,
        /// The number that the feature is compared with.
        threshold: f64,
        /// Index of the left child.
        left: i64,
        /// Index of the right child.
        right: i64,
        /// True if a missing value goes left.
        default_left: bool,
    },
}

/// The nodes breadth first. Every node is reached from the root exactly once, on a path
/// of limited length; every feature exists and every number is finite.
pub(super) fn grow(stated: &[Stated], place: TreePlace) -> Result<Vec<Node>, ImportError> {
    let mut is_reached = vec![false; stated.len()];
    // index in the file and depth of each node, in the order of the new numbers
    let mut reached = vec![(0, 0)];
    let mut nodes = Vec::with_capacity(stated.len());
    while let Some(&(index, depth)) = reached.get(nodes.len()) {
        let problem = |problem| ImportError::Node { tree: place.tree, node: index, problem };
        let (Some(node), Some(seen)) = (stated.get(index), is_reached.get_mut(index)) else {
            return Err(problem(NodeProblem::None));
        };
        if std::mem::replace(seen, true) {
            return Err(problem(NodeProblem::ReachedTwice));
        }
        if depth > MAX_TREE_DEPTH {
            return Err(problem(NodeProblem::Depth { limit: MAX_TREE_DEPTH }));
        }
        let next = reached.len();
        let (node, children) = native(node, stated.len(), place.features, next).map_err(problem)?;
        nodes.push(node);
        reached.extend(children.into_iter().flatten().map(|child| (child, depth + 1)));
    }
    let found = stated.len() - nodes.len();
    if found > 0 {
        return Err(ImportError::Unreachable { tree: place.tree, found, deleted: 0 });
    }
    Ok(nodes)
}

/// The nodes without the splits that part missing values from all others; such a split
/// has an infinite threshold. Its left part takes its place, and its right part is
/// dropped. Input that is not a tree does not become one.
pub(super) fn without_missing(stated: Vec<Stated>) -> Vec<Stated> {
    let is_gone = right_of_missing(&stated);
    if !is_gone.contains(&true) {
        return stated;
    }
    let mut kept = 0;
    let mut number = |is_gone: &bool| {
        kept += i64::from(!is_gone);
        if *is_gone { -1 } else { kept - 1 }
    };
    let numbers: Vec<i64> = is_gone.iter().map(&mut number).collect();
    // an index that leads nowhere, or in a circle, becomes -1, which is refused later
    let moved = |mut child: i64| {
        for _ in 0..stated.len() {
            let index = usize::try_from(child).ok();
            match index.and_then(|index| Some((stated.get(index)?, *numbers.get(index)?))) {
                Some((&Stated::Split { left, threshold: f64::INFINITY, .. }, _)) => child = left,
                Some((_, number)) => return number,
                None => return -1,
            }
        }
        -1
    };
    // the root is node 0 before and after: trees of this kind have no part that stands before its parent
    if moved(0) != 0 {
        return Vec::new();
    }
    let rest = |(node, is_gone): (&Stated, &bool)| match *node {
        _ if *is_gone => None,
        Stated::Split { feature, threshold, left, right, default_left } => {
            let (left, right) = (moved(left), moved(right));
            Some(Stated::Split { feature, threshold, left, right, default_left })
        }
        leaf => Some(leaf),
    };
    stated.iter().zip(&is_gone).filter_map(rest).collect()
}

/// Marks the splits that part missing values from all others, and everything on their right.
fn right_of_missing(stated: &[Stated]) -> Vec<bool> {
    let mut is_gone = vec![false; stated.len()];
    let mut below: Vec<i64> = Vec::new();
    for (node, is_gone) in stated.iter().zip(&mut is_gone) {
        if let &Stated::Split { threshold: f64::INFINITY, right, .. } = node {
            *is_gone = true;
            below.push(right);
        }
    }
    let mut is_seen = vec![false; stated.len()];
    while let Some(child) = below.pop() {
        let index = usize::try_from(child).unwrap_or(usize::MAX);
        let (Some(node), Some(seen)) = (stated.get(index), is_seen.get_mut(index)) else {
            continue;
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        is_gone.iter_mut().skip(index).take(1).for_each(|is_gone| *is_gone = true);
        if let &Stated::Split { left, right, .. } = node {
            below.extend([left, right]);
        }
    }
    is_gone
}

/// The native form of a node whose children get the numbers `next` and `next + 1`, and
/// the places of these children in the file.
fn native(
    stated: &Stated,
    nodes: usize,
    features: usize,
    next: usize,
) -> Result<(Node, Option<[usize; 2]>), NodeProblem> {
    // −0 becomes 0, as in every native model; no comparison tells them apart
    let finite = |number: f64| {
        if number.is_finite() { Ok(number + 0.0) } else { Err(NodeProblem::NotFinite) }
    };
    let below = |index: i64, end: usize| usize::try_from(index).ok().filter(|&index| index < end);
    match *stated {
        Stated::Leaf(value) => Ok((Node::Leaf(finite(value)?), None)),
        Stated::Split { feature: found, threshold, left, right, default_left } => {
            let problem = NodeProblem::Children { left, right, nodes };
            let children =
                [below(left, nodes).ok_or(problem)?, below(right, nodes).ok_or(problem)?];
            let feature = below(found, features).map(Feature);
            let feature = feature.ok_or(NodeProblem::Feature { found, features })?;
            let (threshold, left, right) = (finite(threshold)?, next, next + 1);
            let split = Node::Split { feature, threshold, left, right, default_left };
            Ok((split, Some(children)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(left: i64, right: i64) -> Stated {
        Stated::Split { feature: 0, threshold: 0.5, left, right, default_left: false }
    }

    fn problem(stated: &[Stated]) -> NodeProblem {
        match grow(stated, TreePlace { tree: 3, features: 1 }) {
            Err(ImportError::Node { tree: 3, problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let leaf = Stated::Leaf(1.0);
        assert_eq!(problem(&[]), NodeProblem::None);
        assert_eq!(problem(&[split(0, 1), leaf]), NodeProblem::ReachedTwice);
        assert_eq!(problem(&[split(1, 1), leaf]), NodeProblem::ReachedTwice);
        for (left, right) in [(1, 3), (-1, 1), (1, i64::MAX), (i64::MIN, 1)] {
            let children = NodeProblem::Children { left, right, nodes: 3 };
            assert_eq!(problem(&[split(left, right), leaf, leaf]), children);
        }
        let odd = |feature, threshold| {
            problem(&[
                Stated::Split { feature, threshold, left: 1, right: 2, default_left: false },
                leaf,
                leaf,
            ])
        };
        assert_eq!(odd(1, 0.5), NodeProblem::Feature { found: 1, features: 1 });
        assert_eq!(odd(0, f64::INFINITY), NodeProblem::NotFinite);
        assert_eq!(problem(&[Stated::Leaf(f64::NAN)]), NodeProblem::NotFinite);
        let orphan = grow(&[leaf, leaf], TreePlace { tree: 0, features: 1 });
        assert!(matches!(orphan, Err(ImportError::Unreachable { found: 1, .. })));
    }

    #[test]
    fn long_paths_are_refused() {
        let chain = |depth: i64| {
            let mut stated = Vec::new();
            for k in 0..depth {
                stated.extend([split(2 * k + 1, 2 * k + 2), Stated::Leaf(0.0)]);
            }
            stated.push(Stated::Leaf(1.0));
            stated
        };
        let place = TreePlace { tree: 3, features: 1 };
        assert_eq!(grow(&chain(64), place).unwrap().len(), 129);
        assert_eq!(problem(&chain(65)), NodeProblem::Depth { limit: 64 });
    }
}
