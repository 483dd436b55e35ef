//! The change of the score bounded part by part. Largest changes of parts of an ensemble add up, and a part of
//! few trees is cut into cases without the others, so their cases do not multiply.
//!
//! Trees are merged as Chen et al. ("Robustness Verification of Tree-based Models", NeurIPS 2019) merge cliques
//! of leaves, here by branch and bound, and those first that lose most by it.

use crate::certificate::{Cut, MAX_DEPTH, SplitTree, Step, TwinBox};

use super::grown::Grown;
use super::product::{FALL, Twin};
use super::search::{Case, Search};

/// Trees of a part, from one attempt to the next.
const SIZES: [usize; 10] = [2, 3, 4, 6, 8, 11, 14, 18, 24, 32];
/// Most parts: they are named one below the other.
const MOST_PARTS: usize = MAX_DEPTH / 2;
/// Boxes that two trees together are worth, to know what merging them brings.
const PAIR_BOXES: u64 = 100;
/// How much above the sums in floats a bound is written, relative to them.
const SLACK: f64 = 1e-12;

/// A bound on the change, and what shows it.
pub(super) struct Shown {
    pub(super) most: f64,
    pub(super) tree: SplitTree,
}

/// The lowest bound on the change over the pairs of a box that parts come to; one that is at most `limit` is low
/// enough. Parts have at most `most_trees` trees. The work is counted in trees that a box is bounded for; what is left of `work` is left. `None` where
/// too few trees move for parts.
pub(super) fn lowest(
    search: &Search,
    root: &TwinBox,
    (limit, most_trees): (f64, usize),
    work: &mut u64,
) -> Option<Shown> {
    let count = search.products.len();
    let moves =
        |&tree: &usize| matches!(search.products[tree].nodes.last(), Some(Twin::Split { .. }));
    let moving: Vec<usize> = (0..count).filter(moves).collect();
    let still = search.of_some(&(0..count).filter(|tree| !moves(tree)).collect::<Vec<_>>());
    let still = still.start(root.clone()).top[FALL];
    if most_trees == 0 {
        return None;
    }
    let affinity = Affinity::new(search, &moving, root, work);
    let sizes = SIZES
        .into_iter()
        .take_while(|size| *size <= most_trees && 2 * size <= moving.len())
        .skip_while(|size| moving.len() > size * MOST_PARTS);
    let mut best: Option<(f64, Vec<Part>)> = None;
    for size in sizes {
        let mut share = *work / 2;
        *work -= share;
        let groups = affinity.groups(moving.len().div_ceil(size));
        let mut parts: Vec<Part> =
            groups.into_iter().map(|trees| Part::new(search, trees, root)).collect();
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

/// What the bounds of parts add up to, with room for rounding.
fn sum(parts: &[Part]) -> f64 {
    parts.iter().map(|part| part.bound + 2.0 * SLACK * (1.0 + part.bound.abs())).sum()
}

/// Lowers the bounds of parts until their sum is at most `limit`, as far as the work lasts, those first that
/// cost least.
fn lower(parts: &mut [Part], root: &TwinBox, limit: f64, work: &mut u64) {
    loop {
        let total = sum(parts);
        let excess = total - limit;
        if excess <= 0.0 {
            return;
        }
        // small steps cost a walk over what is open each
        let step = (excess / parts.len() as f64).max(total / 500.0).min(excess);
        let open = parts.iter_mut().filter(|part| part.bound > part.floor);
        let Some(part) = open.min_by(|a, b| a.price.total_cmp(&b.price)) else { return };
        let (bound, left) = (part.bound, *work);
        // a step may be lost in the bound
        part.lower((bound - step).min(bound.next_down()), root, work);
        let fall = bound - part.bound;
        part.price = if fall > 0.0 { (left - *work) as f64 / fall } else { f64::INFINITY };
        if *work < part.trees.len() as u64 {
            return;
        }
    }
}

/// All parts after one another; the last one has what the others leave.
fn tree(mut parts: Vec<Part>) -> Option<SplitTree> {
    let last = parts.pop()?;
    let mut steps = Vec::new();
    for part in parts {
        let most = part.bound + SLACK * (1.0 + part.bound.abs());
        let mut trees = part.trees;
        trees.sort_unstable();
        steps.push(Step::Sum { most, trees });
        steps.extend(part.grown.steps());
    }
    steps.extend(last.grown.steps());
    SplitTree::new(steps)
}

/// Trees that are cut together.
struct Part<'a> {
    trees: Vec<usize>,
    search: Search<'a>,
    grown: Grown,
    /// Leaves that may be cut, each with the largest change on it.
    open: Vec<(usize, f64)>,
    /// The largest change on leaves that are not cut any more.
    floor: f64,
    /// At least every change.
    bound: f64,
    /// Work by how far it lowered the bound, the last time.
    price: f64,
}

impl<'a> Part<'a> {
    fn new(all: &Search<'a>, trees: Vec<usize>, root: &TwinBox) -> Self {
        let search = all.of_some(&trees);
        let bound = search.start(root.clone()).top[FALL];
        let open = vec![(0, bound)];
        let floor = f64::NEG_INFINITY;
        Self { trees, search, grown: Grown::default(), open, floor, bound, price: 0.0 }
    }

    /// Cuts all leaves with a larger change than `to`, as far as the work lasts. Where one of them cannot be
    /// cut, its change is as low as the bound gets.
    fn lower(&mut self, to: f64, root: &TwinBox, work: &mut u64) {
        let mut high: Vec<(usize, f64)> = self.open.extract_if(.., |(_, top)| *top > to).collect();
        // the largest change is met early
        high.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (place, top) in high {
            // to come back to a leaf costs as much as to bound it
            let left = work.checked_sub(self.trees.len() as u64);
            let case = left.filter(|_| top > to.max(self.floor)).and_then(|left| {
                *work = left;
                self.case(place, root)
            });
            match case {
                Some(case) => self.cut(case, to, work),
                None => self.open.push((place, top)),
            }
        }
        self.bound = self.open.iter().map(|(_, top)| *top).fold(self.floor, f64::max);
    }

    fn cut(&mut self, case: Case, to: f64, work: &mut u64) {
        let mut stack = vec![case];
        while let Some(case) = stack.pop() {
            let (top, place) = (case.top[FALL], case.place);
            let Some(left) = work.checked_sub(self.trees.len() as u64) else {
                self.open.push((place, top));
                continue;
            };
            if top <= to.max(self.floor) {
                self.open.push((place, top));
                continue;
            }
            *work = left;
            // sums stand above
            let cut = self.search.choose(&case).filter(|_| case.depth + MOST_PARTS < MAX_DEPTH);
            let children = cut.and_then(|cut| self.search.children(&case, cut));
            let (Some(cut), Some(children)) = (cut, children) else {
                self.floor = self.floor.max(top);
                continue;
            };
            let low = self.grown.cut(place, self.search.cut(cut));
            stack.extend(children.into_iter().map(|child| child.below(low)));
        }
    }

    /// A leaf by its place.
    fn case(&self, place: usize, root: &TwinBox) -> Option<Case> {
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

/// How much lower the largest change of two trees together is than both alone.
struct Affinity {
    trees: Vec<usize>,
    /// By both places among the trees.
    gains: Vec<Vec<f64>>,
}

impl Affinity {
    /// Pairs that an eighth of the work does not last for gain nothing.
    fn new(search: &Search, trees: &[usize], root: &TwinBox, work: &mut u64) -> Self {
        let alone = |tree: usize| Part::new(search, vec![tree], root).bound;
        let tops: Vec<f64> = trees.iter().map(|&tree| alone(tree)).collect();
        let mut gains = vec![vec![0.0; trees.len()]; trees.len()];
        let mut share = *work / 8;
        *work -= share;
        for (a, b) in (0..trees.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let mut few = (2 * PAIR_BOXES).min(share);
            share -= few;
            let mut both = Part::new(search, vec![trees[b], trees[a]], root);
            both.lower(f64::NEG_INFINITY, root, &mut few);
            share += few;
            let gain = tops[a] + tops[b] - both.bound;
            (gains[a][b], gains[b][a]) = (gain, gain);
        }
        *work += share;
        Self { trees: trees.to_vec(), gains }
    }

    /// The trees in so many groups of about the same size, each grown by the tree that gains most with it.
    fn groups(&self, count: usize) -> Vec<Vec<usize>> {
        let mut left: Vec<usize> = (0..self.trees.len()).collect();
        let groups = (0..count).map(|number| {
            let size = left.len().div_ceil(count - number);
            let mut group: Vec<usize> = Vec::new();
            while group.len() < size {
                let gain = |at: &usize| self.gain(left[*at], &group);
                let best =
                    (0..left.len()).max_by(|a, b| gain(a).total_cmp(&gain(b)).then(b.cmp(a)));
                let Some(best) = best else { break };
                group.push(left.remove(best));
            }
            group.into_iter().map(|member| self.trees[member]).collect()
        });
        groups.collect()
    }

    /// What a tree gains with the others of a group.
    fn gain(&self, tree: usize, group: &[usize]) -> f64 {
        group.iter().map(|&member| self.gains[tree][member]).sum()
    }
}
