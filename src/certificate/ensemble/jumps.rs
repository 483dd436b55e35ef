//! Monotone ensembles, threshold by threshold.
//!
//! A score is constant on cells, so it is increasing in feature `j` on the domain iff at every
//! threshold θ of `j` with `lo_j < θ <= hi_j`, for all values of the other features,
//!
//! ```text
//! Σ over trees of [ T(just right of θ) − T(just left of θ) ]  >=  0
//! ```
//!
//! Each tree's minimum is taken over the pairs of leaves that the two sides reach together. Cuts on
//! other features refine the box; with several outputs the rule is applied to every score
//! difference, which suffices but is not necessary.

use std::collections::BTreeMap;

use crate::spec::Direction;

use super::{CellBox, CutNode, CutTree, Forest, Score};
use crate::certificate::cases::{Visited, preorder};
use crate::certificate::claims::{Outcome, competitors};
use crate::certificate::{Bounds, Cut, Leaf, Rejection, SplitTree, Step};

/// The question at one threshold: the sign of a step of a score difference.
pub(super) struct JumpQuestion {
    pub(super) feature: usize,
    /// The threshold's number on the feature.
    pub(super) number: usize,
    /// Output whose score counts `+`; the only one of a two-class ensemble.
    pub(super) plus: usize,
    /// Output whose score counts `−`, with several outputs.
    pub(super) minus: Option<usize>,
    pub(super) direction: Direction,
}

/// Decides whether raising `feature` alone never moves `F_class` against `direction` over `cells`.
pub(in crate::certificate) fn monotone<N: Score>(
    forest: &Forest<N>,
    cells: &CellBox,
    feature: usize,
    class: usize,
    direction: Direction,
    trees: &BTreeMap<usize, SplitTree>,
) -> Result<Outcome, Rejection> {
    let questions = questions(forest, cells, feature, class, direction);
    if let Some((&index, _)) = trees.range(questions.len()..).next() {
        return Err(Rejection::Index { what: "threshold", index });
    }
    let mut all = Outcome::Holds;
    for (index, question) in questions.iter().enumerate() {
        all = all.and(decide(forest, cells, question, trees.get(&index))?);
    }
    Ok(all)
}

/// The thresholds that the box crosses, for every competing class.
pub(super) fn questions<N: Score>(
    forest: &Forest<N>,
    cells: &CellBox,
    feature: usize,
    class: usize,
    direction: Direction,
) -> Vec<JumpQuestion> {
    let (lo, hi) = cells.side(feature);
    let outputs: Vec<(usize, Option<usize>)> = if forest.outputs() == 1 {
        vec![(0, None)]
    } else {
        competitors(class, forest.outputs()).map(|other| (class, Some(other))).collect()
    };
    let ask = |(plus, minus)| {
        (lo..hi).map(move |number| JumpQuestion { feature, number, plus, minus, direction })
    };
    outputs.into_iter().flat_map(ask).collect()
}

/// Walks one split tree, or looks at the whole box; every leaf must have a non-negative step.
#[cfg_attr(not(test), expect(clippy::wildcard_enum_match_arm, reason = "refused"))]
fn decide<N: Score>(
    forest: &Forest<N>,
    cells: &CellBox,
    question: &JumpQuestion,
    tree: Option<&SplitTree>,
) -> Result<Outcome, Rejection> {
    let close = |here: &CellBox| {
        let step = smallest_step(forest, here, question);
        if step >= N::zero() {
            return Outcome::Holds;
        }
        Outcome::Open(Bounds { reached: forest.value(&step).down(), required: 0.0 })
    };
    let Some(tree) = tree else { return Ok(close(cells)) };
    preorder(cells.clone(), tree, |token, step, here| match step {
        Step::Cut { cut: Cut::Cell { copy: 0, feature, .. }, refresh: None }
            if *feature == question.feature =>
        {
            Err(Rejection::Tree { token, problem: "a cut of the moved feature" })
        }
        Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None } => {
            let parts = here.cut(*feature, *number);
            parts.map(Visited::Cut).ok_or(Rejection::CutOutside { token })
        }
        Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None } => {
            Ok(Visited::Leaf(close(&here)))
        }
        _ => Err(Rejection::Tree { token, problem: "not a step of a jump" }),
    })
}

/// `min Σ_t [T(right of the threshold) − T(left of it)]` in the asked direction, exactly per tree.
pub(super) fn smallest_step<N: Score>(
    forest: &Forest<N>,
    cells: &CellBox,
    question: &JumpQuestion,
) -> N {
    let mut sum = N::zero();
    for tree in &forest.trees {
        let sign = if tree.output == question.plus {
            1
        } else if Some(tree.output) == question.minus {
            -1
        } else {
            continue;
        };
        // a tree without the threshold does not change across it
        if !has_threshold(tree, question) {
            continue;
        }
        let rises = (sign == 1) == (question.direction == Direction::Increasing);
        sum += &tree_step(tree, cells, question, rises);
    }
    sum
}

fn has_threshold<N>(tree: &CutTree<N>, question: &JumpQuestion) -> bool {
    tree.nodes.iter().any(|node| {
        matches!(node, CutNode::Split { feature, number, .. }
            if *feature == question.feature && *number == question.number)
    })
}

/// The smallest change of one tree (negated unless `rises`) over pairs of leaves that the left and
/// the right side of the threshold reach at the same values of the other features.
fn tree_step<N: Score>(
    tree: &CutTree<N>,
    cells: &CellBox,
    question: &JumpQuestion,
    rises: bool,
) -> N {
    let mut smallest: Option<N> = None;
    // (node of the left side, node of the right side, box of the other features)
    let mut stack = vec![(0usize, 0usize, cells.clone())];
    while let Some((left_node, right_node, here)) = stack.pop() {
        match descend(tree, question, left_node, right_node) {
            Descent::Moved(pair) => stack.push((pair.0, pair.1, here)),
            Descent::Both(feature, number, below, above) => {
                if let Some((low, high)) = here.cut(feature, number) {
                    stack.push((below.0, below.1, low));
                    stack.push((above.0, above.1, high));
                } else if here.side(feature).1 <= number {
                    stack.push((below.0, below.1, here));
                } else {
                    stack.push((above.0, above.1, here));
                }
            }
            Descent::Leaves(change) => {
                let change = if rises { change } else { -change };
                smallest = Some(match smallest {
                    Some(least) => least.min(change),
                    None => change,
                });
            }
        }
    }
    smallest.unwrap_or_else(N::zero)
}

enum Descent<N> {
    /// Both leaves are reached: right value minus left value.
    Leaves(N),
    /// One side moved along the threshold's own feature.
    Moved((usize, usize)),
    /// A node on another feature: the pairs below and above its cut.
    Both(usize, usize, (usize, usize), (usize, usize)),
}

fn descend<N: Score>(
    tree: &CutTree<N>,
    question: &JumpQuestion,
    left_node: usize,
    right_node: usize,
) -> Descent<N> {
    if let Some(CutNode::Split { feature, number, left, right }) = tree.nodes.get(left_node) {
        let (below, above) =
            if left_node == right_node { (*left, *right) } else { (right_node, right_node) };
        if *feature == question.feature {
            // the left side lies in cell `number of the threshold`
            let next = if question.number <= *number { *left } else { *right };
            let same = left_node == right_node;
            let other = if same {
                if question.number < *number { *left } else { *right }
            } else {
                right_node
            };
            return Descent::Moved((next, other));
        }
        return Descent::Both(*feature, *number, (*left, below), (*right, above));
    }
    if let Some(CutNode::Split { feature, number, left, right }) = tree.nodes.get(right_node) {
        if *feature == question.feature {
            // the right side lies in the next cell
            let next = if question.number < *number { *left } else { *right };
            return Descent::Moved((left_node, next));
        }
        return Descent::Both(*feature, *number, (left_node, *left), (left_node, *right));
    }
    let leaf = |node: usize| match tree.nodes.get(node) {
        Some(CutNode::Leaf(value)) => value.clone(),
        _ => N::zero(),
    };
    let mut change = leaf(right_node);
    change += &-leaf(left_node);
    Descent::Leaves(change)
}
