//! Pairs of points with a large change, by coordinate ascent. Along one feature after the other, the best pair
//! of cells is taken while all others stay. The best pair so far is disturbed along some features and climbs on.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::certificate::{Pairing, TwinBox};
use crate::model::{Cells, Ensemble, Node};

/// Fewest and most trees walked by all climbs together: some hundredths of a second, and some seconds.
const WALKS: [u64; 2] = [1 << 21, 1 << 26];
/// Walks that cost as much as bounding a tree on a box of pairs.
const WALKS_OF_A_BOX: u64 = 8;
/// Number of features along which a pair is disturbed.
const DISTURBED: usize = 4;
/// Least improvement of a pair, so that no climb goes in circles.
const BETTER: f64 = 1e-9;

/// A node on the grid: low iff the feature's cell is at most `number`.
enum CellNode {
    Split { feature: usize, number: usize, low: usize, high: usize },
    Leaf(f64),
}

/// The best pair so far, and the trees over cells; both points have the same grid.
pub(super) struct PairAscent<'a> {
    trees: Vec<Vec<CellNode>>,
    /// The trees that cut a feature.
    cutting: Vec<Vec<usize>>,
    pairing: &'a Pairing,
    root: &'a TwinBox,
    rng: ChaCha8Rng,
    best: Option<ClimbingPair>,
    /// Trees that have been walked.
    walked: u64,
}

/// The cells of both points, and the fall of the score from the first to the second.
#[derive(Clone)]
struct ClimbingPair {
    cells: [Vec<usize>; 2],
    fall: f64,
}

impl<'a> PairAscent<'a> {
    pub(super) fn new(
        ensemble: &Ensemble,
        grid: &Cells,
        (pairing, root): (&'a Pairing, &'a TwinBox),
        seed: u64,
    ) -> Self {
        let mut cutting = vec![Vec::new(); pairing.features()];
        let mut trees = Vec::new();
        for (at, tree) in ensemble.trees.iter().enumerate() {
            let node = |node: &Node| match *node {
                Node::Leaf(value) => CellNode::Leaf(value),
                Node::Split { feature, threshold, left, right, .. } => {
                    let number = grid.number(feature, threshold);
                    if let Some(trees) = cutting.get_mut(feature.0)
                        && trees.last() != Some(&at)
                    {
                        trees.push(at);
                    }
                    CellNode::Split { feature: feature.0, number, low: left, high: right }
                }
            };
            trees.push(tree.nodes.iter().map(node).collect());
        }
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { trees, cutting, pairing, root, rng, best: None, walked: 0 }
    }

    /// Climbs until all climbs so far are worth `boxes` boxes (at least a few hundredths of a second), or a pair
    /// falls by more than `enough`. Returns the box of the best pair. Does nothing for 0 boxes.
    pub(super) fn climb(&mut self, enough: f64, boxes: u64) -> Option<TwinBox> {
        let walks = boxes.saturating_mul(WALKS_OF_A_BOX * self.trees.len() as u64);
        let [least, most] = WALKS;
        let walks = if boxes == 0 { 0 } else { walks.clamp(least, most) };
        while self.walked < walks && self.fall() <= enough {
            let Some(pair) = self.start() else { break };
            let pair = self.climbed(pair, walks);
            if pair.fall > self.fall() {
                self.best = Some(pair);
            }
        }
        self.place(self.best.as_ref()?)
    }

    /// The fall of the score over the best pair.
    fn fall(&self) -> f64 {
        self.best.as_ref().map_or(f64::NEG_INFINITY, |best| best.fall)
    }

    /// The best pair or a random one, disturbed; `None` if some feature has no cells that go together.
    fn start(&mut self) -> Option<ClimbingPair> {
        let features = self.pairing.features();
        let mut rng = self.rng.clone();
        let mut pair = match &self.best {
            Some(best) if rng.random_bool(0.5) => best.clone(),
            _ => self.anywhere(&mut rng)?,
        };
        for _ in 0..DISTURBED {
            self.disturb(&mut pair, rng.random_range(0..features), &mut rng);
        }
        self.rng = rng;
        Some(pair)
    }

    fn value(&self, tree: usize, cells: &[usize]) -> f64 {
        let nodes = &self.trees[tree];
        let mut at = 0;
        loop {
            match nodes[at] {
                CellNode::Leaf(value) => return value,
                CellNode::Split { feature, number, low, high } => {
                    at = if cells[feature] <= number { low } else { high };
                }
            }
        }
    }

    /// Two random points that are bound to each other.
    fn anywhere(&self, rng: &mut ChaCha8Rng) -> Option<ClimbingPair> {
        let features = self.pairing.features();
        let mut pair = ClimbingPair { cells: [vec![0; features], vec![0; features]], fall: 0.0 };
        let is_placed = (0..features).all(|feature| self.disturb(&mut pair, feature, rng));
        (is_placed && features > 0).then_some(pair)
    }

    /// Draws both cells along a feature; `false` if no second cell goes with the first.
    fn disturb(&self, pair: &mut ClimbingPair, feature: usize, rng: &mut ChaCha8Rng) -> bool {
        let (lo, hi) = self.root.side(0, feature);
        let cell = rng.random_range(lo..=hi);
        let (first, last) = self.run(feature, cell);
        if first > last {
            return false;
        }
        pair.cells[0][feature] = cell;
        pair.cells[1][feature] = rng.random_range(first..=last);
        true
    }

    /// The cells of the second point that go with a cell of the first.
    fn run(&self, feature: usize, cell: usize) -> (usize, usize) {
        let (first, last) = self.pairing.partners(0, feature, (cell, cell));
        let (lo, hi) = self.root.side(1, feature);
        (first.max(lo), last.min(hi))
    }

    /// A pair that no single feature improves, unless the walks end first.
    fn climbed(&mut self, mut pair: ClimbingPair, walks: u64) -> ClimbingPair {
        let fall = |tree| self.value(tree, &pair.cells[0]) - self.value(tree, &pair.cells[1]);
        pair.fall = (0..self.trees.len()).map(fall).sum();
        self.walked += 2 * self.trees.len() as u64;
        let features = self.pairing.features();
        let (mut feature, mut idle) = (0, 0);
        while idle < features && self.walked < walks {
            idle = if self.step(&mut pair, feature) { 0 } else { idle + 1 };
            feature = (feature + 1) % features;
        }
        pair
    }

    /// Takes the best pair of cells along a feature; `false` if the pair is there already.
    fn step(&mut self, pair: &mut ClimbingPair, feature: usize) -> bool {
        let [first, second] = [0, 1].map(|copy| self.along(&mut pair.cells[copy], copy, feature));
        let offset = [0, 1].map(|copy| self.root.side(copy, feature).0);
        let now = [0, 1].map(|copy| pair.cells[copy][feature] - offset[copy]);
        let old = first[now[0]] - second[now[1]];
        let run = |at: usize| {
            let (from, to) = self.run(feature, at + offset[0]);
            (from <= to).then(|| (from - offset[1], to - offset[1]))
        };
        let Some((fall, places)) = steepest(&first, &second, run, old + BETTER) else {
            return false;
        };
        for copy in [0, 1] {
            pair.cells[copy][feature] = places[copy] + offset[copy];
        }
        pair.fall += fall - old;
        true
    }

    /// The sum of the trees that cut a feature, at each of its cells; the point is left as it was.
    fn along(&mut self, cells: &mut [usize], copy: usize, feature: usize) -> Vec<f64> {
        let (lo, hi) = self.root.side(copy, feature);
        let old = cells[feature];
        let trees = &self.cutting[feature];
        self.walked += (hi - lo + 1) as u64 * (trees.len() as u64 + 1);
        let mut at = |cell: usize| {
            cells[feature] = cell;
            trees.iter().map(|&tree| self.value(tree, cells)).sum()
        };
        let values = (lo..=hi).map(&mut at).collect();
        cells[feature] = old;
        values
    }

    fn place(&self, pair: &ClimbingPair) -> Option<TwinBox> {
        (0..self.pairing.features()).try_fold(self.root.clone(), |here, feature| {
            [0, 1].into_iter().try_fold(here, |here, copy| {
                let cell = pair.cells[copy][feature];
                self.pairing.narrowed(here, copy, feature, (cell, cell))
            })
        })
    }
}

/// The pair with the largest fall from one list to the other, above `enough`, as (fall, places). `run` gives
/// the first and the last place that goes with a place of the first list; neither ever decreases.
fn steepest(
    first: &[f64],
    second: &[f64],
    run: impl Fn(usize) -> Option<(usize, usize)>,
    enough: f64,
) -> Option<(f64, [usize; 2])> {
    let (mut best, mut places) = (enough, None);
    // a place waits until a later one is below it
    let (mut waiting, mut next) = (VecDeque::new(), 0);
    for (at, value) in first.iter().enumerate() {
        let Some((from, to)) = run(at) else { continue };
        for partner in next..=to {
            while waiting.back().is_some_and(|&last: &usize| second[last] > second[partner]) {
                waiting.pop_back();
            }
            waiting.push_back(partner);
        }
        next = next.max(to + 1);
        while waiting.front().is_some_and(|&first| first < from) {
            waiting.pop_front();
        }
        let Some(&partner) = waiting.front() else { continue };
        if value - second[partner] > best {
            (best, places) = (value - second[partner], Some([at, partner]));
        }
    }
    Some((best, places?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_steepest_pair_is_that_of_all_pairs(
            first in proptest::collection::vec(-9i8..9, 1..12),
            second in proptest::collection::vec(-9i8..9, 1..12),
            steps in proptest::collection::vec((0usize..4, 0usize..4, any::<bool>()), 12),
            enough in -9i8..9,
        ) {
            let floats = |list: &[i8]| list.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let (first, second) = (floats(&first), floats(&second));
            let last = second.len() - 1;
            let (mut from, mut to) = (0, 0);
            let runs: Vec<Option<(usize, usize)>> = steps.iter().map(|&(a, b, is_empty)| {
                (from, to) = ((from + a / 2).min(last), (to + b).min(last));
                (!is_empty && from <= to).then_some((from, to))
            }).collect();
            let found = steepest(&first, &second, |at| runs[at], f64::from(enough));
            let pairs = first.iter().zip(&runs).filter_map(|(value, run)| Some((value, (*run)?)));
            let falls = pairs.flat_map(|(value, (from, to))| {
                second[from..=to].iter().map(move |partner| value - partner)
            });
            let best = falls.fold(f64::from(enough), f64::max);
            match found {
                Some((fall, [at, partner])) => {
                    prop_assert_eq!(fall, best);
                    prop_assert!(fall > f64::from(enough));
                    prop_assert_eq!(first[at] - second[partner], fall);
                    prop_assert!(runs[at].is_some_and(|(a, b)| (a..=b).contains(&partner)));
                }
                None => prop_assert_eq!(best, f64::from(enough)),
            }
        }
    }
}
