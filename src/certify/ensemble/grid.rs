//! An ensemble on the grid of its thresholds, and sums of its trees in whole units.
//!
//! A query asks if a sum of trees stays at or above a floor. Leaves are integers in units of a power of
//! two. The unit is small enough for every leaf to be whole, provided the sum fits 60 bits. Otherwise
//! leaves are rounded down, so that a lower bound stays a lower bound.

use crate::interval::decode;
use crate::model::{Cells, Ensemble, Feature, Node, Tree};

/// A node on the grid: a cell goes left iff it is at most `number`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum GridNode<V> {
    /// An inner node.
    Split { feature: usize, number: usize, left: usize, right: usize },
    /// A leaf.
    Leaf(V),
}

impl<V: Copy> GridNode<V> {
    /// The same node with another value, if it is a leaf.
    fn with_value<W>(self, value: impl FnOnce(V) -> W) -> GridNode<W> {
        match self {
            Self::Leaf(own) => GridNode::Leaf(value(own)),
            Self::Split { feature, number, left, right } => {
                GridNode::Split { feature, number, left, right }
            }
        }
    }
}

/// The nodes of a tree; the root is the first.
pub(super) type Parts<V> = Vec<GridNode<V>>;

/// Lowest and highest cell per feature.
pub(super) type Sides = Vec<(usize, usize)>;

/// An ensemble on its grid.
pub(in crate::certify) struct Grid {
    cells: Cells,
    /// Output and nodes of every tree, in the order of the ensemble.
    pub(super) trees: Vec<(usize, Parts<f64>)>,
    pub(super) base: Vec<f64>,
}

impl Grid {
    /// The grid of `ensemble`; one entry of `is_whole` per feature.
    pub(in crate::certify) fn new(ensemble: &Ensemble, is_whole: &[bool]) -> Self {
        let cells = Cells::new(ensemble, is_whole);
        let place = |node: &Node| match *node {
            Node::Split { feature, threshold, left, right, .. } => {
                let number = cells.number(feature, threshold);
                GridNode::Split { feature: feature.0, number, left, right }
            }
            Node::Leaf(value) => GridNode::Leaf(value),
        };
        let tree = |tree: &Tree| (tree.output, tree.nodes.iter().map(place).collect());
        let trees = ensemble.trees.iter().map(tree).collect();
        Self { trees, base: ensemble.base.clone(), cells }
    }

    /// The thresholds of a feature, ascending and distinct.
    pub(in crate::certify) fn thresholds(&self, feature: usize) -> &[f64] {
        self.cells.thresholds(Feature(feature))
    }

    /// The cell of a raw value.
    pub(super) fn cell(&self, feature: usize, x: f64) -> usize {
        self.cells.cell(Feature(feature), x)
    }

    /// True if the feature takes whole numbers only.
    pub(super) fn is_whole(&self, feature: usize) -> bool {
        self.cells.is_whole(Feature(feature))
    }

    /// The value of a run of cells that is nearest to `x`. Left of a threshold it is a float that
    /// stays below after rounding to f32, if the cell is wide enough; for whole features one less.
    pub(super) fn nearest(&self, feature: usize, cells: (usize, usize), x: f64) -> f64 {
        self.nearest_by(feature, cells, x, |thresholds, number| {
            let below = f64::from((thresholds[number] as f32).next_down());
            let is_wide = number == 0 || below >= thresholds[number - 1];
            if is_wide { below } else { thresholds[number].next_down() }
        })
    }

    /// The float of a run of cells that is nearest to `x`.
    pub(super) fn nearest_float(&self, feature: usize, cells: (usize, usize), x: f64) -> f64 {
        self.nearest_by(feature, cells, x, |thresholds, number| thresholds[number].next_down())
    }

    /// The value of a run of cells that is nearest to `x`; `left_of` gives the value left of a threshold.
    fn nearest_by(
        &self,
        feature: usize,
        (lo, hi): (usize, usize),
        x: f64,
        left_of: impl FnOnce(&[f64], usize) -> f64,
    ) -> f64 {
        let thresholds = self.thresholds(feature);
        let cell = self.cell(feature, x);
        let value = if cell < lo {
            thresholds[lo - 1]
        } else if cell > hi {
            left_of(thresholds, hi)
        } else {
            x
        };
        if self.is_whole(feature) { value.floor() } else { value }
    }

    /// An upper bound of the sum of absolute values in any score, as floats add them up.
    pub(in crate::certify) fn total(&self) -> f64 {
        let base = self.base.iter().map(|base| base.abs()).sum::<f64>();
        base + self.trees.iter().map(|(_, parts)| largest(parts)).sum::<f64>()
    }

    /// The sign of an output in the margin of `label` over `other`; `None` if it does not count. With one
    /// output, the margin is that of class 1 over class 0.
    pub(super) fn sign(&self, output: usize, label: usize, other: usize) -> Option<f64> {
        match (self.base.len(), output) {
            (1, _) => Some(if label == 1 { 1.0 } else { -1.0 }),
            (_, output) if output == label => Some(1.0),
            (_, output) if output == other => Some(-1.0),
            _ => None,
        }
    }

    /// The margin of `label` over `other`. It must exceed `required`, or reach it if `is_inclusive`.
    pub(super) fn margin(
        &self,
        label: usize,
        other: usize,
        required: f64,
        is_inclusive: bool,
    ) -> FloorQuery {
        let sign = |output: usize| self.sign(output, label, other);
        let of_tree = |(output, parts): &(usize, Parts<f64>)| {
            let sign = sign(*output)?;
            Some(parts.iter().map(|part| part.with_value(|value| sign * value)).collect())
        };
        let trees = self.trees.iter().filter_map(of_tree).collect();
        let base = self.base.iter().enumerate();
        let base = base.filter_map(|(output, base)| Some(sign(output)? * base)).collect();
        FloorQuery::new(trees, base, required, is_inclusive)
    }
}

/// A sum of trees that must stay at or above a floor, in whole units.
pub(super) struct FloorQuery {
    /// Root and nodes of every tree, leaves in units.
    pub(super) trees: Vec<(usize, Parts<i64>)>,
    /// Constant added to the trees.
    pub(super) constant: i64,
    /// Least value that the sum must reach.
    pub(super) floor: i64,
    /// True if the sum is exact; else it is a lower bound.
    pub(super) is_exact: bool,
}

/// Bits of the largest sum of absolute values, in units; four times that sum must also fit.
const BITS: i64 = 58;

impl FloorQuery {
    /// The sum of `trees` and `terms`. It must exceed `required`, or reach it if `is_inclusive`.
    pub(super) fn new(
        trees: Vec<Parts<f64>>,
        terms: Vec<f64>,
        required: f64,
        is_inclusive: bool,
    ) -> Self {
        let units = WholeUnits::new(trees.iter().map(Vec::as_slice), &terms, required);
        let whole = |parts: &Parts<f64>| {
            parts.iter().map(|part| part.with_value(|value| units.whole(value))).collect()
        };
        let (down, up) = (units.whole(required), -units.whole(-required));
        let is_reached = is_inclusive || down < up;
        Self {
            trees: trees.iter().map(|parts| (0, whole(parts))).collect(),
            constant: terms.iter().map(|&term| units.whole(term)).sum(),
            floor: up + i64::from(!is_reached),
            is_exact: units.is_exact,
        }
    }
}

/// A conversion of numbers to whole units.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeUnits {
    /// Units per 1: a power of two, or its negative.
    scale: f64,
    /// True if every number is a whole number of units.
    pub(super) is_exact: bool,
}

/// Most bits before the point of a sum of floats, for any possible number of trees.
const MOST_BITS: f64 = 1024.0 + 16.0;

impl WholeUnits {
    /// Units in which every number of some trees and terms is whole, if a sum of one leaf of each tree fits
    /// [`BITS`] bits; else the smallest units for which it fits.
    pub(super) fn new<'a>(
        trees: impl Iterator<Item = &'a [GridNode<f64>]>,
        terms: &[f64],
        required: f64,
    ) -> Self {
        let (mut lowest, mut total) = (i64::MAX, required.abs());
        let mut note = |value: f64| {
            if let Some((mantissa, exponent)) = decode(value)
                && mantissa != 0
            {
                lowest = lowest.min(exponent);
            }
        };
        for parts in trees {
            for part in parts {
                if let GridNode::Leaf(value) = *part {
                    note(value);
                }
            }
            total += largest(parts);
        }
        for &term in terms {
            note(term);
            total += term.abs();
        }
        // 2^top is above the sum, also after rounding; if the sum overflows, the limit of trees keeps it below
        // the cap
        let top = if total > 0.0 { total.log2().ceil().min(MOST_BITS) as i64 + 1 } else { 0 };
        let coarsest = top - BITS;
        let exponent = lowest.clamp(coarsest, top.max(coarsest));
        // a scale beyond the floats leaves only zeros
        let scale = 2f64.powi((-exponent).clamp(-1022, 1023) as i32);
        Self { scale, is_exact: exponent <= lowest && -exponent <= 1023 }
    }

    /// The same units with the other sign.
    pub(super) fn negated(self) -> Self {
        Self { scale: -self.scale, ..self }
    }

    /// The value in units, rounded down to a whole number.
    pub(super) fn whole(&self, value: f64) -> i64 {
        let scaled = value * self.scale;
        // the product is exact unless it is tiny, and then its floor is 0 or −1
        let is_below = if self.scale > 0.0 { value < 0.0 } else { value > 0.0 };
        scaled.floor() as i64 - i64::from(scaled == 0.0 && is_below)
    }

    /// A lower bound of the change from one value to another, in units. If the value does not fall, the result is not
    /// negative: a plateau is no step, however the units round.
    pub(super) fn change(&self, from: f64, to: f64) -> i64 {
        let change = self.whole(to) - self.whole(from);
        let falls = if self.scale > 0.0 { to < from } else { to > from };
        match (self.is_exact, falls) {
            (true, _) => change,
            (false, true) => change - 1,
            (false, false) => (change - 1).max(0),
        }
    }
}

/// The largest absolute value of a tree.
pub(super) fn largest(parts: &[GridNode<f64>]) -> f64 {
    parts.iter().fold(0.0, |top: f64, part| match part {
        GridNode::Leaf(value) => top.max(value.abs()),
        GridNode::Split { .. } => top,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interval::Rational;

    /// Floats of every size, most of them far apart.
    fn unfriendly() -> impl Strategy<Value = f64> {
        let edges = [0.0, 5e-324, 1e-300, 2.0 * f64::MIN_POSITIVE, 1.0, 1e300, f64::MAX];
        let bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite());
        let edge = (0..edges.len(), any::<bool>())
            .prop_map(move |(at, is_below)| if is_below { -edges[at] } else { edges[at] });
        prop_oneof![bits, edge, (-8i32..8).prop_map(|x| f64::from(x) / 4.0)]
    }

    fn stump(leaves: [f64; 2]) -> Parts<f64> {
        let root = GridNode::Split { feature: 0, number: 0, left: 1, right: 2 };
        vec![root, GridNode::Leaf(leaves[0]), GridNode::Leaf(leaves[1])]
    }

    fn exact(x: f64) -> Rational {
        Rational::from_f64(x).unwrap()
    }

    #[test]
    fn a_negative_number_far_below_a_unit_is_not_zero() {
        let trees = [stump([-1e-300, 1e300])];
        let units = WholeUnits::new(trees.iter().map(Vec::as_slice), &[], 0.0);
        assert!(!units.is_exact);
        assert_eq!((units.whole(-1e-300), units.whole(1e-300), units.whole(0.0)), (-1, 0, 0));
        assert_eq!((units.negated().whole(-1e-300), units.negated().whole(1e-300)), (0, -1));
        assert_eq!((units.change(0.0, -1e-300), units.change(-1e-300, 0.0)), (-2, 0));
        let query = FloorQuery::new(trees.to_vec(), vec![], 1e-300, true);
        assert_eq!(query.floor, 1, "what is required is rounded up");
    }

    proptest! {
        #[test]
        fn units_round_downward(
            leaves in prop::collection::vec([unfriendly(), unfriendly()], 1..5),
            required in unfriendly(),
            is_negated in any::<bool>(),
        ) {
            let trees: Vec<_> = leaves.iter().map(|leaves| stump(*leaves)).collect();
            let units = WholeUnits::new(trees.iter().map(Vec::as_slice), &[], required);
            let units = if is_negated { units.negated() } else { units };
            let scaled = |x: f64| &exact(x) * &exact(units.scale);
            let numbers: Vec<f64> = leaves.concat();
            for (&from, &to) in numbers.iter().zip(numbers.iter().rev()) {
                let (down, change) = (Rational::integer(units.whole(to)), units.change(from, to));
                prop_assert!(down <= scaled(to) && scaled(to) < &down + &Rational::ONE, "{to:e}");
                if units.is_exact {
                    prop_assert_eq!(&down, &scaled(to));
                }
                let exactly = &scaled(to) - &scaled(from);
                prop_assert!(Rational::integer(change) <= exactly, "{from:e} to {to:e}");
                prop_assert!(change >= 0 || exactly < Rational::ZERO, "{from:e} to {to:e}");
            }
        }
    }
}
