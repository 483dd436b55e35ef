//! Ensembles on the grid of their thresholds, with exact sums.
//!
//! Cell `c` of a feature is the half-open range `[t_{c−1}, t_c)`, where `c` counts the thresholds
//! that are at most `x`. A point in cell `c` goes left at threshold number `k` iff `c <= k`. On a
//! box of cells every tree reaches a set of leaves, and sums over trees are exact integers times one
//! power of two.

pub(super) mod distance;
pub(super) mod interval;
pub(super) mod jumps;
pub(super) mod split;
pub(super) mod tree_dual;
pub(super) mod tree_pairs;

#[cfg(any(test, feature = "advice"))]
pub use tree_pairs::Questions;
pub use tree_pairs::{Pairing, TwinBox};

use dashu_int::IBig;

use crate::interval::{Dyadic, Rational, decode};
use crate::model::{Cells, Ensemble, Feature, Node};
use crate::spec::RawRegion;

/// Exact sums of leaf values.
pub(super) trait Score:
    Clone + Ord + std::ops::Neg<Output = Self> + for<'a> std::ops::AddAssign<&'a Self>
{
    /// Zero.
    fn zero() -> Self;
    /// `mantissa · 2^shift`.
    fn scaled(mantissa: i64, shift: usize) -> Self;
    /// As a big integer.
    fn big(&self) -> IBig;
}

impl Score for i128 {
    fn zero() -> Self {
        0
    }
    fn scaled(mantissa: i64, shift: usize) -> Self {
        i128::from(mantissa) << shift
    }
    fn big(&self) -> IBig {
        IBig::from(*self)
    }
}

impl Score for IBig {
    fn zero() -> Self {
        IBig::ZERO
    }
    fn scaled(mantissa: i64, shift: usize) -> Self {
        IBig::from(mantissa) << shift
    }
    fn big(&self) -> IBig {
        self.clone()
    }
}

/// A box of cells: per feature the lowest and the highest cell, both included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellBox {
    sides: Vec<(usize, usize)>,
}

impl CellBox {
    /// Lowest and highest cell per feature.
    pub fn sides(&self) -> &[(usize, usize)] {
        &self.sides
    }

    /// The cells of a feature; `(0, 0)` for features that do not exist.
    pub(super) fn side(&self, feature: usize) -> (usize, usize) {
        self.sides.get(feature).copied().unwrap_or((0, 0))
    }

    pub(super) fn set(&mut self, feature: usize, side: (usize, usize)) {
        if let Some(slot) = self.sides.get_mut(feature) {
            *slot = side;
        }
    }

    /// The cells up to `number` and those from `number + 1` on; `None` unless both are non-empty.
    pub(super) fn cut(&self, feature: usize, number: usize) -> Option<(Self, Self)> {
        let &(lo, hi) = self.sides.get(feature)?;
        if !(lo <= number && number < hi) {
            return None;
        }
        let (mut low, mut high) = (self.clone(), self.clone());
        low.set(feature, (lo, number));
        high.set(feature, (number + 1, hi));
        Some((low, high))
    }
}

/// A node on the grid.
#[derive(Clone, Debug)]
pub(super) enum CutNode<N> {
    Split { feature: usize, number: usize, left: usize, right: usize },
    Leaf(N),
}

#[derive(Clone, Debug)]
pub(super) struct CutTree<N> {
    pub(super) output: usize,
    pub(super) nodes: Vec<CutNode<N>>,
}

/// An ensemble on its grid. Leaf values are integers in units of `2^exponent`.
#[derive(Debug)]
pub(super) struct Forest<N> {
    cells: Cells,
    pub(super) base: Vec<N>,
    pub(super) trees: Vec<CutTree<N>>,
    exponent: i64,
}

/// The size of an ensemble's leaf values: the common exponent, and the bits of the largest sum.
pub(super) struct Size {
    pub(super) exponent: i64,
    pub(super) bits: i64,
}

impl Size {
    pub(super) fn of(ensemble: &Ensemble) -> Self {
        let values = || {
            let leaves = ensemble.trees.iter().flat_map(crate::model::Tree::leaves);
            leaves.chain(ensemble.base.iter().copied()).filter_map(Dyadic::from_f64)
        };
        let parts = || values().filter(|v| !v.is_zero()).map(|v| v.position());
        let exponent = parts().map(|(low, _)| low).min().unwrap_or(0);
        let top = parts().map(|(_, high)| high).max().unwrap_or(0);
        let terms = ensemble.trees.len() + 1;
        Self { exponent, bits: top - exponent + i64::from(terms.ilog2()) + 2 }
    }
}

impl<N: Score> Forest<N> {
    /// `ensemble` on its grid; see [`Cells`] for features that take whole numbers only.
    pub(super) fn new(ensemble: &Ensemble, is_whole: &[bool], size: &Size) -> Self {
        let cells = Cells::new(ensemble, is_whole);
        let integer = |value: f64| {
            // stored numbers are finite; zero has no exponent of its own
            let (mantissa, exponent) = decode(value).unwrap_or((0, size.exponent));
            let shift = if mantissa == 0 { 0 } else { exponent - size.exponent };
            N::scaled(mantissa, usize::try_from(shift).unwrap_or(0))
        };
        let place = |node: &Node| match node {
            Node::Leaf(value) => CutNode::Leaf(integer(*value)),
            Node::Split { feature, threshold, left, right, .. } => {
                let number = cells.number(*feature, *threshold);
                CutNode::Split { feature: feature.0, number, left: *left, right: *right }
            }
        };
        let trees = ensemble.trees.iter().map(|tree| CutTree {
            output: tree.output,
            nodes: tree.nodes.iter().map(place).collect(),
        });
        let trees = trees.collect();
        let base = ensemble.base.iter().map(|&base| integer(base)).collect();
        Self { cells, base, trees, exponent: size.exponent }
    }

    /// The grid.
    pub(super) fn grid(&self) -> &Cells {
        &self.cells
    }

    /// The box of all cells.
    pub(super) fn all_cells(&self) -> CellBox {
        let count = |feature| self.cells.thresholds(Feature(feature)).len();
        CellBox { sides: (0..self.cells.features()).map(|feature| (0, count(feature))).collect() }
    }

    /// Number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Number of nodes of all trees.
    pub(super) fn nodes(&self) -> usize {
        self.trees.iter().map(|tree| tree.nodes.len()).sum()
    }

    /// Pairs of nodes of one tree, all trees together.
    pub(super) fn pairs_of_nodes(&self) -> u64 {
        let pairs = |tree: &CutTree<N>| (tree.nodes.len() as u64).saturating_pow(2);
        self.trees.iter().map(pairs).fold(1, u64::saturating_add)
    }

    /// An exact score as a number.
    pub(super) fn value(&self, score: &N) -> Rational {
        self.number(score.big())
    }

    /// A whole number of units of scores.
    pub(super) fn number(&self, units: IBig) -> Rational {
        Dyadic::new(units, self.exponent).to_rational()
    }

    /// Number of cuts of a feature; 0 for features that do not exist.
    pub(super) fn cuts(&self, feature: usize) -> usize {
        self.cells.thresholds(Feature(feature)).len()
    }

    /// The cells that meet a region; with `is_served` also those that the region's points rounded
    /// to f32 reach, flushed to zero or not.
    pub(super) fn cells(&self, region: &RawRegion, is_served: bool) -> CellBox {
        let side = |(feature, (low, high)): (usize, &(Rational, Rational))| {
            let (mut from, mut to) = (low.down(), high.down());
            if is_served {
                let eta = f64::from(f32::MIN_POSITIVE);
                let (rounded_from, rounded_to) =
                    (f64::from(low.nearest_f32()), f64::from(high.nearest_f32()));
                from = if rounded_from < from { rounded_from } else { from };
                to = if rounded_to > to { rounded_to } else { to };
                if from < eta && to > -eta {
                    from = if from > 0.0 { 0.0 } else { from };
                    to = if to < 0.0 { 0.0 } else { to };
                }
            }
            // t <= x ⇔ t <= the largest float that is at most x
            let cell = |x: f64| self.cells.cell(Feature(feature), x);
            (cell(from), cell(to))
        };
        CellBox { sides: region.sides().iter().enumerate().map(side).collect() }
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.cells.features()
    }

    /// The smallest and the largest leaf of a tree that the box reaches.
    pub(super) fn extremes(tree: &CutTree<N>, cells: &mut CellBox) -> (N, N) {
        let mut found: Option<(N, N)> = None;
        Self::each_leaf(tree, cells, |value, _| {
            found = Some(match found.take() {
                None => (value.clone(), value.clone()),
                Some((low, high)) => (low.min(value.clone()), high.max(value.clone())),
            });
        });
        found.unwrap_or((N::zero(), N::zero()))
    }

    /// Visits every leaf of a tree that the box reaches, with the part of the box that reaches it. The box is
    /// narrowed along each path, so that no leaf between contradicting cuts counts; it is left as it was.
    pub(super) fn each_leaf(
        tree: &CutTree<N>,
        cells: &mut CellBox,
        mut look: impl FnMut(&N, &CellBox),
    ) {
        let mut stack = vec![Visit::Node(0)];
        while let Some(visit) = stack.pop() {
            let at = match visit {
                Visit::Node(at) => at,
                Visit::Narrowed(at, feature, side) => {
                    stack.push(Visit::Widen(feature, cells.side(feature)));
                    cells.set(feature, side);
                    at
                }
                Visit::Widen(feature, side) => {
                    cells.set(feature, side);
                    continue;
                }
            };
            match tree.nodes.get(at) {
                Some(CutNode::Split { feature, number, left, right }) => {
                    let (lo, hi) = cells.side(*feature);
                    if hi <= *number {
                        stack.push(Visit::Node(*left));
                    } else if lo > *number {
                        stack.push(Visit::Node(*right));
                    } else {
                        stack.push(Visit::Narrowed(*left, *feature, (lo, *number)));
                        stack.push(Visit::Narrowed(*right, *feature, (number + 1, hi)));
                    }
                }
                Some(CutNode::Leaf(value)) => look(value, cells),
                None => {}
            }
        }
    }
}

/// A step of a walk through a tree.
enum Visit {
    /// Look at a node.
    Node(usize),
    /// Narrow a side, then look at a node.
    Narrowed(usize, usize, (usize, usize)),
    /// Put a side back.
    Widen(usize, (usize, usize)),
}
