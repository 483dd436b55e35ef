//! The first point cut down to its leaves, then for each such case the least score of the second point near it,
//! remembered by the cells it may lie in.

use std::collections::HashMap;

use propcert::certificate::{Pairing, TwinBox};
use propcert::model::{Cells, Ensemble, Node, Tree};

/// What a search has looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Boxes of the first point.
    pub outer: u64,
    /// Boxes of the second point.
    pub inner: u64,
    /// Cases of the first point, and how many of them found their answer remembered.
    pub asked: u64,
    pub remembered: u64,
}

/// The largest change of an ensemble's score, if `most` boxes are enough.
pub fn largest(
    ensemble: &Ensemble,
    cells: &Cells,
    (pairing, root): (&Pairing, &TwinBox),
    most: u64,
) -> (Option<f64>, Counts) {
    let mut search = Search {
        trees: &ensemble.trees,
        cells,
        pairing,
        memo: HashMap::new(),
        counts: Counts::default(),
    };
    let mut best = 0.0;
    let mut stack = vec![root.clone()];
    while let Some(here) = stack.pop() {
        search.counts.outer += 1;
        if search.counts.outer + search.counts.inner > most {
            return (None, search.counts);
        }
        let (_, high) = search.ends(&here, 0);
        if high - search.ends(&here, 1).0 <= best {
            continue;
        }
        match search.cut(&here, 0) {
            Some(parts) => stack.extend(parts.into_iter().flatten()),
            None => best = f64::max(best, high - search.least(&here)),
        }
    }
    (Some(best), search.counts)
}

struct Search<'a> {
    trees: &'a [Tree],
    cells: &'a Cells,
    pairing: &'a Pairing,
    memo: HashMap<Vec<(usize, usize)>, f64>,
    counts: Counts,
}

impl Search<'_> {
    /// The sums of the trees' least and greatest leaves that one point of a box reaches.
    fn ends(&self, here: &TwinBox, copy: usize) -> (f64, f64) {
        self.trees.iter().fold((0.0, 0.0), |(low, high), tree| {
            let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
            let mut stack = vec![0];
            while let Some(at) = stack.pop() {
                match tree.nodes[at] {
                    Node::Leaf(value) => {
                        (least, greatest) = (f64::min(least, value), f64::max(greatest, value));
                    }
                    Node::Split { feature, threshold, left, right, .. } => {
                        let (lo, hi) = here.side(copy, feature.0);
                        let number = self.cells.number(feature, threshold);
                        stack.extend((lo <= number).then_some(left));
                        stack.extend((hi > number).then_some(right));
                    }
                }
            }
            (low + least, high + greatest)
        })
    }

    /// Both parts of the first cut at which a tree goes both ways; `None` if each has one leaf.
    fn cut(&self, here: &TwinBox, copy: usize) -> Option<[Option<TwinBox>; 2]> {
        self.trees.iter().find_map(|tree| {
            let mut at = 0;
            loop {
                let Node::Split { feature, threshold, left, right, .. } = tree.nodes[at] else {
                    return None;
                };
                let (lo, hi) = here.side(copy, feature.0);
                let number = self.cells.number(feature, threshold);
                if lo <= number && hi > number {
                    let part = |side| self.pairing.narrowed(here.clone(), copy, feature.0, side);
                    return Some([part((lo, number)), part((number + 1, hi))]);
                }
                at = if hi <= number { left } else { right };
            }
        })
    }

    /// The least score of the second point.
    fn least(&mut self, here: &TwinBox) -> f64 {
        self.counts.asked += 1;
        let key: Vec<(usize, usize)> =
            (0..self.pairing.features()).map(|feature| here.side(1, feature)).collect();
        if let Some(&least) = self.memo.get(&key) {
            self.counts.remembered += 1;
            return least;
        }
        let mut best = f64::INFINITY;
        let mut stack = vec![here.clone()];
        while let Some(here) = stack.pop() {
            self.counts.inner += 1;
            let (low, _) = self.ends(&here, 1);
            if low >= best {
                continue;
            }
            match self.cut(&here, 1) {
                Some(parts) => stack.extend(parts.into_iter().flatten()),
                None => best = low,
            }
        }
        self.memo.insert(key, best);
        best
    }
}
