//! Closed intervals of floats, and boxes of them.

use std::ops::{Add, Sub};

use super::Rational;

/// A closed interval `[lo, hi]` with `lo <= hi`, neither NaN; every operation rounds outward.
///
/// An infinite end is an unknown end. `[−∞, +∞]` is the honest answer after overflow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

impl Interval {
    /// Nothing is known.
    pub const WHOLE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    /// `[lo, hi]`; `None` if empty or if an end is NaN.
    pub fn new(lo: f64, hi: f64) -> Option<Self> {
        (lo <= hi).then_some(Self { lo, hi })
    }

    /// The interval of one number; everything if it is NaN.
    pub fn point(value: f64) -> Self {
        Self::new(value, value).unwrap_or(Self::WHOLE)
    }

    /// The tightest interval around `[lo, hi]`; `None` if that is empty.
    pub fn enclosing(lo: &Rational, hi: &Rational) -> Option<Self> {
        if lo <= hi { Self::new(lo.down(), hi.up()) } else { None }
    }

    /// Lower end.
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// Upper end.
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// True if both ends are finite.
    pub fn is_finite(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }

    /// The largest absolute value.
    pub fn magnitude(self) -> f64 {
        if self.lo.abs() > self.hi { self.lo.abs() } else { self.hi.abs() }
    }

    /// Common points; `None` if there are none.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let lo = if self.lo > other.lo { self.lo } else { other.lo };
        let hi = if self.hi < other.hi { self.hi } else { other.hi };
        Self::new(lo, hi)
    }

    /// The smallest interval that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self {
            lo: if self.lo < other.lo { self.lo } else { other.lo },
            hi: if self.hi > other.hi { self.hi } else { other.hi },
        }
    }

    /// `factor · self`, outward.
    pub fn scale(self, factor: f64) -> Self {
        // 0 times anything is 0, also where an end is unknown
        if factor == 0.0 {
            return Self::point(0.0);
        }
        let (a, b) = (factor * self.lo, factor * self.hi);
        let (lo, hi) = if factor > 0.0 { (a, b) } else { (b, a) };
        Self::new(lo.next_down(), hi.next_up()).unwrap_or(Self::WHOLE)
    }

    /// `max(self, 0)`, exactly.
    pub fn relu(self) -> Self {
        let clip = |x: f64| if x > 0.0 { x } else { 0.0 };
        Self { lo: clip(self.lo), hi: clip(self.hi) }
    }
}

impl Add for Interval {
    type Output = Self;
    // [a, b] + [c, d] = [a + c, b + d]
    fn add(self, rhs: Self) -> Self {
        Self::new((self.lo + rhs.lo).next_down(), (self.hi + rhs.hi).next_up())
            .unwrap_or(Self::WHOLE)
    }
}

impl Sub for Interval {
    type Output = Self;
    // [a, b] − [c, d] = [a − d, b − c]
    fn sub(self, rhs: Self) -> Self {
        Self::new((self.lo - rhs.hi).next_down(), (self.hi - rhs.lo).next_up())
            .unwrap_or(Self::WHOLE)
    }
}

/// A box: one finite interval per coordinate. For a network the coordinates are standardised features.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    sides: Vec<Interval>,
}

impl Region {
    /// The product of the given sides.
    pub fn new(sides: Vec<Interval>) -> Self {
        Self { sides }
    }

    /// One interval per coordinate, in feature order.
    pub fn sides(&self) -> &[Interval] {
        &self.sides
    }
}

/// The largest absolute value on each side.
pub fn magnitudes(sides: &[Interval]) -> Vec<f64> {
    sides.iter().map(|side| side.magnitude()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_empty_are_no_intervals() {
        assert!(Interval::new(f64::NAN, 1.0).is_none());
        assert!(Interval::new(0.0, f64::NAN).is_none());
        assert!(Interval::new(1.0, 0.0).is_none());
        assert_eq!(Interval::point(f64::NAN), Interval::WHOLE);
    }

    #[test]
    fn overflow_forgets_but_never_lies() {
        let huge = Interval::point(f64::MAX);
        let sum = huge + huge;
        assert_eq!(sum.hi(), f64::INFINITY);
        assert!(sum.lo() <= f64::MAX);
        assert_eq!((sum + Interval::WHOLE.scale(-1.0)), Interval::WHOLE);
    }

    #[test]
    fn sums_round_outward() {
        let sum = Interval::point(0.1) + Interval::point(0.2);
        let exact = &Rational::from_f64(0.1).unwrap() + &Rational::from_f64(0.2).unwrap();
        assert!(sum.contains_exactly(&exact));
        assert!(sum.lo() < sum.hi());
    }
}
