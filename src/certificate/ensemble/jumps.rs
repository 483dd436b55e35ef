//! Monotone ensembles, threshold by threshold.
//!
//! A score is constant on cells, so it is increasing in feature `j` on the domain iff at every
//! threshold θ of `j` with `lo_j < θ <= hi_j`, for all values of the other features,
//!
//! ```text
//! Σ over trees of [ T(just right of θ) − T(just left of θ) ]  >=  0
//! ```
//!
//! Each tree's minimum is taken over the pairs of leaves that the two sides reach together: two points that
//! differ in one feature, in cells next to each other. Cuts on
//! other features refine the box; with several outputs the rule is applied to every score
//! difference, which suffices but is not necessary.

use crate::spec::Direction;

use super::tree_pairs::{Absent, Pairing, Reached, TwinBox, reached};
use super::{CellBox, CutNode, CutTree, Forest, Score};
use crate::certificate::cases::{Visited, preorder};
use crate::certificate::claims::{Outcome, competitors};
use crate::certificate::{Bounds, Cases, Cut, Leaf, Rejection, SplitTree, Step};

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
    cases: &Cases,
) -> Result<Outcome, Rejection> {
    let (lo, hi) = cells.side(feature);
    let outputs: Vec<(usize, Option<usize>)> = match forest.outputs() {
        1 => vec![(0, None)],
        several => competitors(class, several).map(|other| (class, Some(other))).collect(),
    };
    let crossed = hi.saturating_sub(lo);
    cases.expect_questions(outputs.len().saturating_mul(crossed), "threshold")?;
    let sides = (0..forest.features()).map(|feature| cells.side(feature));
    let pairing = Pairing::moving(sides, feature, TwinBox::new([cells.clone(), cells.clone()]));
    let mut all = Outcome::Holds;
    let ask = |(plus, minus)| {
        (lo..hi).map(move |number| JumpQuestion { feature, number, plus, minus, direction })
    };
    for (index, question) in outputs.into_iter().flat_map(ask).enumerate() {
        all = all.and(decide(forest, &pairing, &question, &cases.tree(index))?);
    }
    Ok(all)
}

/// Walks the tree of one question; every leaf must have a non-negative step.
fn decide<N: Score>(
    forest: &Forest<N>,
    pairing: &Pairing,
    question: &JumpQuestion,
    tree: &SplitTree,
) -> Result<Outcome, Rejection> {
    let close = |here: TwinBox| {
        let Ok(step) = smallest_step(forest, pairing, here, question) else {
            return Outcome::Open(Bounds::NONE);
        };
        if step >= N::zero() {
            return Outcome::Holds;
        }
        Outcome::Open(Bounds { reached: forest.value(&step).down(), required: 0.0 })
    };
    let Some(mut root) = pairing.root().cloned() else { return Ok(Outcome::Open(Bounds::NONE)) };
    // the points on either side of the threshold
    let [left, right] = [question.number, question.number + 1];
    root.restore(question.feature, [(left, left), (right, right)]);
    preorder(Some(root), tree, |token, step, here| match (step, here) {
        (Step::Cut { cut: Cut::Cell { copy: 0, feature, .. }, refresh: None }, _)
            if *feature == question.feature =>
        {
            Err(Rejection::Tree { token, problem: "a cut of the moved feature" })
        }
        (Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None }, Some(here)) => {
            let parts = pairing.cut(&here, 0, *feature, *number);
            parts.map(Visited::Cut).ok_or(Rejection::CutOutside { token })
        }
        (Step::Leaf { leaf: Leaf::Interval, refresh: None, hint: None }, here) => {
            Ok(Visited::Leaf(here.map_or(Outcome::Holds, close)))
        }
        _ => Err(Rejection::Tree { token, problem: "not a step of a jump" }),
    })
}

/// `min Σ_t [T(right of the threshold) − T(left of it)]` in the asked direction, exactly per tree.
fn smallest_step<N: Score>(
    forest: &Forest<N>,
    pairing: &Pairing,
    mut here: TwinBox,
    question: &JumpQuestion,
) -> Result<N, Absent> {
    let mut sum = N::zero();
    for tree in &forest.trees {
        let is_plus = tree.output == question.plus;
        // a tree without the threshold does not change across it
        let counts = is_plus || Some(tree.output) == question.minus;
        if !counts || !has_threshold(tree, question) {
            continue;
        }
        let rises = is_plus == (question.direction == Direction::Increasing);
        // the change is that from right to left
        if let Some(Reached { change: (least, most), .. }) =
            reached(pairing, [tree, tree], &mut here)?
        {
            sum += &if rises { -most } else { least };
        }
    }
    Ok(sum)
}

fn has_threshold<N>(tree: &CutTree<N>, question: &JumpQuestion) -> bool {
    tree.nodes.iter().any(|node| {
        matches!(node, CutNode::Split { feature, number, .. }
            if *feature == question.feature && *number == question.number)
    })
}
