//! The change of the score, bounded part by part. The largest changes of the parts of an ensemble add up. A
//! part of few trees is cut into cases without the others, so their cases do not multiply.
//!
//! Trees are merged as Chen et al. ("Robustness Verification of Tree-based Models", NeurIPS 2019) merge cliques
//! of leaves, here by branch and bound, starting with the trees that lose most by it.

use crate::certificate::{Cut, MAX_DEPTH, SplitTree, Step, TwinBox};

use super::grown::Grown;
use super::product::{FALL, Twin};
use super::search::{PairSearch, WaitingBox};

/// Trees of a part, from one attempt to the next.
const SIZES: [usize; 10] = [2, 3, 4, 6, 8, 11, 14, 18, 24, 32];
/// Most parts. They are listed one below the other, each as a step of the path.
const MOST_PARTS: usize = MAX_DEPTH / 2;
/// Most cuts below the parts.
const MOST_CUTS: usize = MAX_DEPTH - MOST_PARTS;
/// Boxes spent on two trees together, to learn the gain of merging them.
const PAIR_BOXES: u64 = 100;
/// Margin of a written bound above the sums in floats, relative to the sizes of the summands.
const SLACK: f64 = 1e-12;

/// A bound on the change, and the tree that shows it.
pub(super) struct Shown {
    pub(super) most: f64,
    pub(super) tree: SplitTree,
}

/// The lowest bound on the change over the pairs of a box by parts of at most `most_trees` trees; a bound of
/// at most `limit` is low enough. `work` is the number of trees that may be bounded, counting each box of each
/// part; unused work stays. `None` if too few trees move for parts, or `work` is 0.
pub(super) fn lowest(
    search: &PairSearch,
    root: &TwinBox,
    (limit, most_trees): (f64, usize),
    work: &mut u64,
) -> Option<Shown> {
    let moves =
        |&tree: &usize| matches!(search.products[tree].nodes.last(), Some(Twin::Split { .. }));
    let (moving, still): (Vec<usize>, Vec<usize>) =
        (0..search.products.len()).partition(|tree| moves(tree));
    let is_meant = |&size: &usize| {
        size <= most_trees && 2 * size <= moving.len() && moving.len() <= size * MOST_PARTS
    };
    let sizes: Vec<usize> = SIZES.into_iter().filter(is_meant).collect();
    if sizes.is_empty() || *work == 0 {
        return None;
    }
    let still = search.of_some(&still).start(root.clone()).top[FALL];
    let affinity = Affinity::new(search, &moving, root, work);
    let mut best: Option<(f64, Vec<TreeGroup>)> = None;
    for size in sizes {
        let mut share = *work / 2;
        *work -= share;
        let groups = affinity.groups(moving.len().div_ceil(size));
        let mut parts: Vec<TreeGroup> =
            groups.into_iter().map(|trees| TreeGroup::new(search, trees, root)).collect();
        lower(&mut parts, root, limit - still, &mut share);
        *work += share;
        let most = sum(&parts) + still;
        if best.as_ref().is_none_or(|(least, _)| most < *least) {
            best = Some((most, parts));
        }
        if most <= limit {
            break;
        }
    }
    let (most, parts) = best?;
    Some(Shown { most, tree: tree(parts)? })
}

/// The bound of all trees together on a box that is not cut; `None` if nothing can be shown.
pub(super) fn uncut(search: &PairSearch, root: &TwinBox) -> Option<Shown> {
    let all: Vec<usize> = (0..search.products.len()).collect();
    let whole = TreeGroup::new(search, all, root);
    Some(Shown { most: whole.written(), tree: tree(vec![whole])? })
}

/// The sum of the bounds of parts, with room for rounding.
fn sum(parts: &[TreeGroup]) -> f64 {
    parts.iter().map(|part| part.written() + SLACK * part.size).sum()
}

/// Lowers the bounds of parts until their sum is at most `limit`, as far as the work lasts, the cheapest parts
/// first.
fn lower(parts: &mut [TreeGroup], root: &TwinBox, limit: f64, work: &mut u64) {
    loop {
        let total = sum(parts);
        let excess = total - limit;
        if excess <= 0.0 {
            return;
        }
        // each small step costs a walk over the open leaves
        let step = (excess / parts.len() as f64).max(total / 500.0).min(excess);
        let open = parts.iter_mut().filter(|part| part.bound > part.floor);
        let Some(part) = open.min_by(|a, b| a.price.total_cmp(&b.price)) else { return };
        let (bound, left) = (part.bound, *work);
        // a step may vanish in the rounding of the bound
        part.lower((bound - step).min(bound.next_down()), root, work);
        let fall = bound - part.bound;
        part.price = if fall > 0.0 { (left - *work) as f64 / fall } else { f64::INFINITY };
        if *work == left || *work < part.trees.len() as u64 {
            return;
        }
    }
}

/// All parts one after another; the last part has the trees that the others leave.
fn tree(mut parts: Vec<TreeGroup>) -> Option<SplitTree> {
    let last = parts.pop()?;
    let mut steps = Vec::new();
    for part in parts {
        let most = part.written();
        let mut trees = part.trees;
        trees.sort_unstable();
        steps.push(Step::Sum { most, trees });
        steps.extend(part.grown.steps());
    }
    steps.extend(last.grown.steps());
    SplitTree::new(steps)
}

/// Trees that are cut together.
struct TreeGroup<'a> {
    trees: Vec<usize>,
    search: PairSearch<'a>,
    grown: Grown,
    /// Leaves that may be cut, each with the largest change on it.
    open: Vec<(usize, f64)>,
    /// The largest change on leaves that are not cut any more.
    floor: f64,
    /// An upper bound of every change.
    bound: f64,
    /// The sum of the largest absolute changes of its trees.
    size: f64,
    /// Work per amount of lowering of the bound, the last time.
    price: f64,
}

impl<'a> TreeGroup<'a> {
    fn new(all: &PairSearch<'a>, trees: Vec<usize>, root: &TwinBox) -> Self {
        let search = all.of_some(&trees);
        let bound = search.start(root.clone()).top[FALL];
        let size = search.products.iter().map(|product| product.size()).sum();
        let (open, floor) = (vec![(0, bound)], f64::NEG_INFINITY);
        Self { trees, search, grown: Grown::default(), open, floor, bound, size, price: 0.0 }
    }

    /// The bound, as it is written.
    fn written(&self) -> f64 {
        self.bound + SLACK * self.size
    }

    /// Cuts all leaves with a change larger than `to`, as far as the work lasts. The bound cannot
    /// fall below the change of a leaf that cannot be cut.
    fn lower(&mut self, to: f64, root: &TwinBox, work: &mut u64) {
        let mut high: Vec<(usize, f64)> = self.open.extract_if(.., |(_, top)| *top > to).collect();
        // the largest change is met early
        high.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (place, top) in high {
            let is_high = *work > 0 && top > to.max(self.floor);
            match is_high.then(|| self.case(place, root)).flatten() {
                Some(case) => self.cut(case, to, work),
                None => self.open.push((place, top)),
            }
        }
        self.bound = self.open.iter().map(|(_, top)| *top).fold(self.floor, f64::max);
    }

    fn cut(&mut self, case: WaitingBox, to: f64, work: &mut u64) {
        let mut stack = vec![case];
        while let Some(case) = stack.pop() {
            let (top, place) = (case.top[FALL], case.place);
            let left = work.checked_sub(self.trees.len() as u64);
            *work = left.unwrap_or(0);
            if left.is_none() || top <= to.max(self.floor) {
                self.open.push((place, top));
                continue;
            }
            let cut = self.search.choose(&case).filter(|_| case.depth < MOST_CUTS);
            let children = cut.and_then(|cut| self.search.children(&case, cut));
            let (Some(cut), Some(children)) = (cut, children) else {
                self.floor = self.floor.max(top);
                continue;
            };
            let low = self.grown.cut(place, self.search.cut(cut));
            stack.extend(children.into_iter().map(|child| child.below(low)));
        }
    }

    /// A leaf, by its place.
    fn case(&self, place: usize, root: &TwinBox) -> Option<WaitingBox> {
        let mut here = root.clone();
        let path = self.grown.path(place);
        for (cut, is_high) in &path {
            let Cut::Cell { copy, feature, number } = *cut else { return None };
            let side = if *is_high { (number + 1, usize::MAX) } else { (0, number) };
            here = self.search.pairing.narrowed(here, copy, feature, side)?;
        }
        let mut case = self.search.start(here);
        (case.place, case.depth) = (place, path.len());
        Some(case)
    }
}

/// The gain of bounding two trees together: the fall of their largest change below the sum of both alone.
struct Affinity {
    trees: Vec<usize>,
    /// By both places among the trees, the later one first, as far as they are known.
    gains: Vec<Vec<f64>>,
}

impl Affinity {
    /// Pairs that an eighth of the work does not reach have gain 0.
    fn new(search: &PairSearch, trees: &[usize], root: &TwinBox, work: &mut u64) -> Self {
        let mut share = *work / 8;
        *work -= share;
        let alone = |tree: usize| TreeGroup::new(search, vec![tree], root).bound;
        let (mut tops, mut gains) = (Vec::new(), Vec::new());
        for &tree in trees {
            if share == 0 {
                break;
            }
            share -= 1;
            let top = alone(tree);
            let mut row = Vec::new();
            for (&other, other_top) in trees.iter().zip(&tops) {
                // both are bounded before anything is cut
                let mut few = (2 * PAIR_BOXES).min(share);
                share -= few;
                few = few.saturating_sub(2);
                if few == 0 {
                    break;
                }
                let mut both = TreeGroup::new(search, vec![other, tree], root);
                both.lower(f64::NEG_INFINITY, root, &mut few);
                share += few;
                row.push(top + other_top - both.bound);
            }
            tops.push(top);
            gains.push(row);
        }
        *work += share;
        Self { trees: trees.to_vec(), gains }
    }

    /// The trees in `count` groups of about equal size. Each group grows by the tree that gains most with it.
    fn groups(&self, count: usize) -> Vec<Vec<usize>> {
        let mut left: Vec<usize> = (0..self.trees.len()).collect();
        let groups = (0..count).map(|number| {
            let size = left.len().div_ceil(count - number);
            let mut with_group = vec![0.0_f64; self.trees.len()];
            let mut group: Vec<usize> = Vec::new();
            while group.len() < size {
                let gain = |at: &usize| with_group[left[*at]];
                let best =
                    (0..left.len()).max_by(|a, b| gain(a).total_cmp(&gain(b)).then(b.cmp(a)));
                let Some(best) = best else { break };
                let tree = left.remove(best);
                left.iter().for_each(|&other| with_group[other] += self.gain(tree, other));
                group.push(tree);
            }
            group.into_iter().map(|member| self.trees[member]).collect()
        });
        groups.collect()
    }

    /// The gain of two trees together.
    fn gain(&self, a: usize, b: usize) -> f64 {
        let row = self.gains.get(a.max(b));
        row.and_then(|row| row.get(a.min(b))).copied().unwrap_or(0.0)
    }
}
