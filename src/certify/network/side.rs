//! The side of a box that is halved: the side with the largest slope times width.

use crate::certificate::{Cut, Hidden, Network, gradient};
use crate::interval::{Interval, Rounded};
use crate::model::Schema;
use crate::spec::RawRegion;

/// With more movable inputs than this, halving them seldom closes all boxes.
pub(super) const FEW_INPUTS: usize = 10;

/// Bytes that an end of a side takes up, about: two whole numbers of any size.
const END_BYTES: usize = 96;

/// The size of a region in bytes, approximately.
pub(super) fn region_bytes(region: &RawRegion) -> usize {
    2 * END_BYTES * region.sides().len()
}

/// A side of a box, a float strictly between its ends, and approximately how far it moves the bounded value.
pub(super) struct Side {
    pub(super) input: usize,
    pub(super) at: f64,
    pub(super) gain: f64,
}

impl Side {
    /// The side whose width times slope is largest (the first of several), and its middle; `None` if no
    /// float lies between its ends. One slope per side, none negative.
    pub(super) fn steepest(sides: &[Interval], slopes: &[f64]) -> Option<Self> {
        let gains = sides.iter().zip(slopes).map(|(side, slope)| (side.hi() - side.lo()) * slope);
        let first_of_largest =
            |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0));
        let (input, gain) = gains.enumerate().max_by(first_of_largest)?;
        Some(Self { input, at: middle(sides[input])?, gain })
    }

    /// Cuts `region`, the box of copy `copy`, at this side; the low and the high half end at whole numbers
    /// of whole features if `is_tight`.
    pub(super) fn halve(
        &self,
        region: &RawRegion,
        schema: &Schema,
        copy: usize,
        is_tight: bool,
    ) -> Option<(Cut, [RawRegion; 2])> {
        let (low, high) = region.halved(schema, self.input, self.at, is_tight)?;
        Some((Cut::Input { copy, feature: self.input, at: self.at }, [low, high]))
    }
}

/// Per input, the largest size of the slope of `row · logits` with these hidden bounds.
pub(super) fn slope_sizes(
    network: &Network<Rounded>,
    row: &[f64],
    hidden: &Hidden,
) -> Option<Vec<f64>> {
    let slopes = gradient(network, row, hidden)?;
    Some(slopes.iter().map(|slope| slope.magnitude()).collect())
}

/// A float in the middle of a side, strictly between its ends.
pub(super) fn middle(side: Interval) -> Option<f64> {
    let at = side.lo() + (side.hi() - side.lo()) / 2.0;
    (side.lo() < at && at < side.hi()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides<const N: usize>(ends: [(f64, f64); N]) -> [Interval; N] {
        ends.map(|(low, high)| Interval::new(low, high).unwrap())
    }

    #[test]
    fn width_times_slope_decides_and_the_first_of_equals() {
        let steepest = |slopes: [f64; 3]| {
            let sides = sides([(0.0, 1.0), (-2.0, 2.0), (3.0, 3.0)]);
            Side::steepest(&sides, &slopes).map(|side| (side.input, side.at, side.gain))
        };
        assert_eq!(steepest([3.0, 1.0, 9.0]), Some((1, 0.0, 4.0)));
        assert_eq!(steepest([5.0, 1.0, 9.0]), Some((0, 0.5, 5.0)));
        assert_eq!(steepest([4.0, 1.0, 9.0]), Some((0, 0.5, 4.0)));
    }

    #[test]
    fn a_side_without_a_float_inside_is_not_halved() {
        let neighbours = sides([(1.0, 1.0_f64.next_up()), (2.0, 2.0)]);
        assert_eq!(neighbours.map(middle), [None, None]);
        assert!(Side::steepest(&neighbours, &[1.0, 1.0]).is_none());
        assert!(Side::steepest(&[], &[]).is_none());
    }
}
