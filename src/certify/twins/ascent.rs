//! Pairs of points that change much, by coordinate ascent: along one feature after the other the best pair of
//! cells is taken, while all others stay. The best pair so far is disturbed along some features and climbs on.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::certificate::{Pairing, TwinBox};
use crate::model::{Cells, Ensemble, Node};

/// Trees that are walked, all climbs together: some hundredths of a second, and a few seconds.
const WORK: [u64; 2] = [1 << 21, 1 << 26];
/// Walks that bounding a tree on a box of pairs is worth.
const WALKS: u64 = 8;
/// Features that a pair is disturbed along.
const DISTURBED: usize = 4;
/// How much better a pair must be, so that no climb goes in circles.
const BETTER: f64 = 1e-9;

/// A node on the grid: low iff the feature's cell is at most `number`.
enum CellNode {
    Split { feature: usize, number: usize, low: usize, high: usize },
    Leaf(f64),
}

/// The trees over cells, for both points the same grid.
pub(super) struct Ascent<'a> {
    trees: Vec<Vec<CellNode>>,
    /// The trees that cut a feature.
    cutting: Vec<Vec<usize>>,
    pairing: &'a Pairing,
    root: &'a TwinBox,
}

/// The cells of both points, and how far the score falls from the first to the second.
#[derive(Clone)]
struct Pair {
    cells: [Vec<usize>; 2],
    fall: f64,
}

impl<'a> Ascent<'a> {
    pub(super) fn new(
        ensemble: &Ensemble,
        grid: &Cells,
        pairing: &'a Pairing,
        root: &'a TwinBox,
    ) -> Self {
        let node = |node: &Node| match *node {
            Node::Leaf(value) => CellNode::Leaf(value),
            Node::Split { feature, threshold, left, right, .. } => {
                let number = grid.number(feature, threshold);
                CellNode::Split { feature: feature.0, number, low: left, high: right }
            }
        };
        let trees: Vec<Vec<CellNode>> =
            ensemble.trees.iter().map(|tree| tree.nodes.iter().map(node).collect()).collect();
        let cuts = |tree: &[CellNode], along: usize| {
            let is_cut =
                |node: &_| matches!(node, CellNode::Split { feature, .. } if *feature == along);
            tree.iter().any(is_cut)
        };
        let cutting = |feature| (0..trees.len()).filter(|&at| cuts(&trees[at], feature)).collect();
        let cutting = (0..pairing.features()).map(cutting).collect();
        Self { trees, cutting, pairing, root }
    }

    /// The box of the best pair that was found in about the time that so many boxes take to bound; the first
    /// one that falls by more than `enough`.
    pub(super) fn best(&self, enough: f64, boxes: u64, seed: u64) -> Option<TwinBox> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let walks = boxes.saturating_mul(WALKS * self.trees.len() as u64);
        let [least, most] = WORK;
        let mut work = walks.clamp(least, most);
        let mut best: Option<Pair> = None;
        while work > 0 && best.as_ref().is_none_or(|best| best.fall <= enough) {
            let mut pair = match &best {
                Some(best) if rng.random_bool(0.5) => best.clone(),
                _ => self.anywhere(&mut rng)?,
            };
            for _ in 0..DISTURBED {
                self.disturb(&mut pair, rng.random_range(0..self.pairing.features()), &mut rng);
            }
            self.climb(&mut pair, &mut work);
            if best.as_ref().is_none_or(|best| pair.fall > best.fall) {
                best = Some(pair);
            }
        }
        self.place(&best?)
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

    /// Two equal points, or as near as their cells let them be; `None` if nothing is bound to nothing.
    fn anywhere(&self, rng: &mut ChaCha8Rng) -> Option<Pair> {
        let features = self.pairing.features();
        if features == 0 {
            return None;
        }
        let mut pair = Pair { cells: [vec![0; features], vec![0; features]], fall: 0.0 };
        for feature in 0..features {
            self.disturb(&mut pair, feature, rng);
        }
        Some(pair)
    }

    /// Draws both cells along a feature.
    fn disturb(&self, pair: &mut Pair, feature: usize, rng: &mut ChaCha8Rng) {
        let (lo, hi) = self.root.side(0, feature);
        let cell = rng.random_range(lo..=hi);
        let (first, last) = self.run(feature, cell);
        if first <= last {
            pair.cells[0][feature] = cell;
            pair.cells[1][feature] = rng.random_range(first..=last);
        }
    }

    /// The cells of the second point that go with a cell of the first.
    fn run(&self, feature: usize, cell: usize) -> (usize, usize) {
        let (first, last) = self.pairing.partners(0, feature, (cell, cell));
        let (lo, hi) = self.root.side(1, feature);
        (first.max(lo), last.min(hi))
    }

    /// Climbs until no feature alone helps.
    fn climb(&self, pair: &mut Pair, work: &mut u64) {
        let fall = |tree| self.value(tree, &pair.cells[0]) - self.value(tree, &pair.cells[1]);
        pair.fall = (0..self.trees.len()).map(fall).sum();
        let features = self.pairing.features();
        let (mut feature, mut idle) = (0, 0);
        while idle < features && *work > 0 {
            idle = if self.step(pair, feature, work) { 0 } else { idle + 1 };
            feature = (feature + 1) % features;
        }
    }

    /// Takes the best pair of cells along a feature; `false` if that is where it stands.
    fn step(&self, pair: &mut Pair, feature: usize, work: &mut u64) -> bool {
        let [first, second] =
            [0, 1].map(|copy| self.along(&mut pair.cells[copy], copy, feature, work));
        let offset = [0, 1].map(|copy| self.root.side(copy, feature).0);
        let now = [0, 1].map(|copy| pair.cells[copy][feature]);
        let old = first[now[0] - offset[0]] - second[now[1] - offset[1]];
        let (mut best, mut cells) = (old + BETTER, None);
        for (cell, value) in (offset[0]..).zip(&first) {
            let (from, to) = self.run(feature, cell);
            for partner in from..=to {
                let fall = value - second[partner - offset[1]];
                if fall > best {
                    (best, cells) = (fall, Some([cell, partner]));
                }
            }
        }
        let Some([cell, partner]) = cells else { return false };
        (pair.cells[0][feature], pair.cells[1][feature]) = (cell, partner);
        pair.fall += best - old;
        true
    }

    /// The sum of the trees that cut a feature, at each of its cells; the point is left as it was.
    fn along(&self, cells: &mut [usize], copy: usize, feature: usize, work: &mut u64) -> Vec<f64> {
        let (lo, hi) = self.root.side(copy, feature);
        let old = cells[feature];
        let trees = &self.cutting[feature];
        *work = work.saturating_sub((hi - lo + 1) as u64 * (trees.len() as u64 + 1));
        let mut at = |cell: usize| {
            cells[feature] = cell;
            trees.iter().map(|&tree| self.value(tree, cells)).sum()
        };
        let values = (lo..=hi).map(&mut at).collect();
        cells[feature] = old;
        values
    }

    fn place(&self, pair: &Pair) -> Option<TwinBox> {
        (0..self.pairing.features()).try_fold(self.root.clone(), |here, feature| {
            [0, 1].into_iter().try_fold(here, |here, copy| {
                let cell = pair.cells[copy][feature];
                self.pairing.narrowed(here, copy, feature, (cell, cell))
            })
        })
    }
}
