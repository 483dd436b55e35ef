//! The split with the largest gain.
//!
//! ```text
//! weight  w = clip(−G / (H + λ)) to the node's bounds
//! loss    L = G·w + ½ (H + λ) w²                     the second-order change of the node
//! gain    2 (L − L_left − L_right), with the children's clipped weights
//! ```
//!
//! Monotone constraints: a split on an increasing feature needs `w_left ≤ w_right`, and from then on both
//! sides keep to their side of the middle of the two weights. Bounds are passed down through *every* split
//! and clip every leaf. If only the splits on constrained features were clipped, a split on another feature
//! further down could break the order.

use super::TreeOptions;
use super::histogram::RowSums;
use crate::spec::Direction;

/// Gains up to this value are rounding errors.
const LEAST_GAIN: f64 = 1e-6;

/// Bounds on the weights of all leaves below a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WeightBounds {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl WeightBounds {
    /// No bounds, as at the root.
    pub(super) const NONE: Self = Self { lower: f64::NEG_INFINITY, upper: f64::INFINITY };

    /// The bounds of the left and the right child, given the weights of the split.
    pub(super) fn split(self, trend: Option<Direction>, left: f64, right: f64) -> (Self, Self) {
        let middle = left / 2.0 + right / 2.0;
        let (below, above) = (Self { upper: middle, ..self }, Self { lower: middle, ..self });
        match trend {
            Some(Direction::Increasing) => (below, above),
            Some(Direction::Decreasing) => (above, below),
            None => (self, self),
        }
    }
}

/// The cost of a weight, and the limits of a split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Penalty {
    /// The λ of the formulas.
    pub(super) lambda: f64,
    /// Smallest `H` of a child.
    pub(super) min_child_weight: f64,
    /// Least gain of a split.
    pub(super) gamma: f64,
}

impl Penalty {
    pub(super) fn of(options: &TreeOptions) -> Self {
        let TreeOptions { lambda, min_child_weight, gamma, .. } = *options;
        Self { lambda, min_child_weight, gamma }
    }

    /// The gain that a split must exceed.
    pub(super) fn floor(&self) -> f64 {
        self.gamma.max(LEAST_GAIN)
    }

    /// The best weight within `bounds`; the sums must not be empty.
    pub(super) fn weight(&self, sums: RowSums, bounds: WeightBounds) -> f64 {
        (-sums.gradient() / (sums.hessian() + self.lambda)).max(bounds.lower).min(bounds.upper)
    }

    /// `−2L` of a node with weight `w`.
    fn score(&self, sums: RowSums, w: f64) -> f64 {
        -(2.0 * sums.gradient() + (sums.hessian() + self.lambda) * w) * w
    }
}

/// The node to be split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Sums over all its rows.
    pub(super) sums: RowSums,
    /// Bounds on the weights below it.
    pub(super) bounds: WeightBounds,
}

/// Rows of code at most `cut` go left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) cut: usize,
    pub(super) gain: f64,
    pub(super) left: RowSums,
    /// Weights of the two sides.
    pub(super) weights: (f64, f64),
}

/// The cut of one feature with the largest gain above `floor`; of equal gains the lowest cut.
///
/// `bins` are the node's sums by code, one for each cut.
pub(super) fn best_cut(
    (feature, trend): (usize, Option<Direction>),
    bins: impl Iterator<Item = RowSums>,
    node: Candidate,
    penalty: &Penalty,
    floor: f64,
) -> Option<Split> {
    let parent = penalty.score(node.sums, penalty.weight(node.sums, node.bounds));
    let (mut best, mut to_beat) = (None, floor);
    let mut left = RowSums::default();
    for (cut, bin) in bins.enumerate() {
        left += bin;
        // The same rows as at the previous cut.
        if bin.is_empty() {
            continue;
        }
        let right = node.sums - left;
        if right.is_empty() || right.hessian() < penalty.min_child_weight {
            break;
        }
        if left.hessian() < penalty.min_child_weight {
            continue;
        }
        let weights = (penalty.weight(left, node.bounds), penalty.weight(right, node.bounds));
        let gain = penalty.score(left, weights.0) + penalty.score(right, weights.1) - parent;
        if gain > to_beat && is_allowed(trend, weights) {
            to_beat = gain;
            best = Some(Split { feature, cut, gain, left, weights });
        }
    }
    best
}

fn is_allowed(trend: Option<Direction>, (left, right): (f64, f64)) -> bool {
    match trend {
        Some(Direction::Increasing) => left <= right,
        Some(Direction::Decreasing) => left >= right,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::train::trees::histogram::Derivatives;

    const PENALTY: Penalty = Penalty { lambda: 1.0, min_child_weight: 0.5, gamma: 0.0 };

    /// Sums over rows with the given margins, all of class 1 or all of class 0.
    fn sums(margins: &[f64], label: usize) -> RowSums {
        margins.iter().map(|&margin| Derivatives::logistic(margin, label)).sum()
    }

    fn node(bins: &[RowSums; 256], bounds: WeightBounds) -> Candidate {
        let mut sums = RowSums::default();
        bins.iter().for_each(|&bin| sums += bin);
        Candidate { sums, bounds }
    }

    /// The gain of a cut from scratch, if the split is allowed.
    fn gain(
        bins: &[RowSums; 256],
        cut: usize,
        node: Candidate,
        trend: Option<Direction>,
    ) -> Option<f64> {
        let side = |codes: std::ops::Range<usize>| {
            let [mut g, mut h] = [0.0, 0.0];
            for bin in &bins[codes] {
                g += bin.gradient();
                h += bin.hessian();
            }
            let w = (-g / (h + PENALTY.lambda)).clamp(node.bounds.lower, node.bounds.upper);
            (h, w, g * w + 0.5 * (h + PENALTY.lambda) * w * w)
        };
        let (left, right, whole) = (side(0..cut + 1), side(cut + 1..256), side(0..256));
        let in_order = match trend {
            Some(Direction::Increasing) => left.1 <= right.1,
            Some(Direction::Decreasing) => left.1 >= right.1,
            None => true,
        };
        let is_heavy = left.0.min(right.0) >= PENALTY.min_child_weight;
        (in_order && is_heavy).then_some(2.0 * (whole.2 - left.2 - right.2))
    }

    #[test]
    fn a_wrong_way_split_is_rejected() {
        let mut bins = [RowSums::default(); 256];
        (bins[0], bins[1]) = (sums(&[0.0; 8], 1), sums(&[0.0; 8], 0));
        let node = node(&bins, WeightBounds::NONE);
        let best = |trend| best_cut((0, trend), bins[..1].iter().copied(), node, &PENALTY, 0.0);
        assert!(best(None).is_some());
        assert_eq!(best(Some(Direction::Decreasing)), best(None));
        assert_eq!(best(Some(Direction::Increasing)), None);
    }

    #[test]
    fn bounds_clip_the_weights_that_gains_are_computed_with() {
        let mut bins = [RowSums::default(); 256];
        (bins[0], bins[1]) = (sums(&[0.0; 8], 0), sums(&[0.0; 8], 1));
        let free = node(&bins, WeightBounds::NONE);
        let tight = node(&bins, WeightBounds { lower: -0.1, upper: 0.2 });
        let best =
            |node| best_cut((0, None), bins[..1].iter().copied(), node, &PENALTY, 0.0).unwrap();
        assert_eq!(best(tight).weights, (-0.1, 0.2));
        assert!(best(tight).gain < best(free).gain);
    }

    #[test]
    fn the_middle_bounds_both_sides() {
        let bounds = WeightBounds { lower: -3.0, upper: 3.0 };
        let (left, right) = bounds.split(Some(Direction::Increasing), -1.0, 2.0);
        assert_eq!((left.lower, left.upper), (-3.0, 0.5));
        assert_eq!((right.lower, right.upper), (0.5, 3.0));
        let (left, right) = bounds.split(Some(Direction::Decreasing), 2.0, -1.0);
        assert_eq!((left.lower, left.upper), (0.5, 3.0));
        assert_eq!((right.lower, right.upper), (-3.0, 0.5));
        assert_eq!(bounds.split(None, 2.0, -1.0), (bounds, bounds));
    }

    fn trend() -> impl Strategy<Value = Option<Direction>> {
        prop_oneof![
            Just(None),
            Just(Some(Direction::Increasing)),
            Just(Some(Direction::Decreasing))
        ]
    }

    proptest! {
        #[test]
        fn no_cut_gains_more_than_the_best(
            rows in prop::collection::vec((0usize..6, -4.0..4.0f64, 0usize..2), 1..40),
            bounds in (-1.0..0.0f64, 0.0..1.0f64),
            is_bounded in any::<bool>(),
            trend in trend(),
        ) {
            let mut bins = [RowSums::default(); 256];
            rows.iter().for_each(|&(bin, f, y)| bins[bin] += Derivatives::logistic(f, y));
            let tight = WeightBounds { lower: bounds.0, upper: bounds.1 };
            let node = node(&bins, if is_bounded { tight } else { WeightBounds::NONE });
            let found = best_cut((0, trend), bins[..5].iter().copied(), node, &PENALTY, 1e-6);
            let naive = (0..5).filter_map(|cut| gain(&bins, cut, node, trend));
            let most = naive.fold(f64::NEG_INFINITY, f64::max);
            match found {
                Some(split) => {
                    prop_assert!((split.gain - most).abs() < 1e-9);
                    let again = gain(&bins, split.cut, node, trend).expect("it is allowed");
                    prop_assert!((split.gain - again).abs() < 1e-9);
                }
                None => prop_assert!(most < 1e-6 + 1e-9, "missed a gain of {most}"),
            }
        }
    }
}
