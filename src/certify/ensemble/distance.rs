//! Distances of cells from a point, rounded down, in an order that keeps exact ties apart.
//!
//! A cell to the right of the point is nearest at its lower threshold, which belongs to it. A cell to the
//! left is nearest at its upper threshold, which does not belong to it: its distance is an infimum that no
//! point attains. For a feature that takes whole numbers, it is nearest at the whole number below that threshold, which
//! belongs to it. With `w` the weight of a feature, the distance along it is `w·|t − x|`. The distance of
//! a box is the largest, the sum, or the sum of squares over the features.

use std::cmp::Ordering;

use crate::interval::Rational;
use crate::spec::Norm;

/// A lower bound of a distance (squared for L2), and what is known of the remainder.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Key {
    /// The distance, rounded down.
    pub(super) down: f64,
    /// The order among distances with the same `down`.
    pub(super) rest: Rest,
}

/// The relation between a distance and its float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rest {
    /// The float is the distance, and a point attains it.
    Attained,
    /// The float is the distance, an infimum that no point attains.
    Open,
    /// The distance lies between the float and the next float.
    Above,
}

impl Key {
    /// Distance zero.
    pub(super) const ZERO: Self = Self { down: 0.0, rest: Rest::Attained };
    /// Larger than every distance.
    pub(super) const INFINITE: Self = Self { down: f64::INFINITY, rest: Rest::Attained };

    /// The larger of two keys.
    pub(super) fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The smaller of two keys.
    pub(super) fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// The key of an exact distance.
    pub(super) fn of(exact: &Rational, is_open: bool) -> Self {
        let down = exact.down();
        let is_float = Rational::from_f64(down).is_some_and(|float| float == *exact);
        let rest = match (is_float, is_open) {
            (false, _) => Rest::Above,
            (true, true) => Rest::Open,
            (true, false) => Rest::Attained,
        };
        Self { down, rest }
    }
}

/// The point and the norm that distances are measured with.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    pub(super) norm: Norm,
    /// The point, raw.
    pub(super) centre: Vec<f64>,
    /// Length of one raw unit, per feature; positive.
    pub(super) weights: Vec<f64>,
    /// Per feature, true if it takes whole numbers only; its thresholds are then whole.
    pub(super) whole: Vec<bool>,
}

/// Whole numbers up to this size, and their neighbours, are floats.
const MOST_WHOLE: f64 = (1u64 << 53) as f64;

impl Ruler {
    /// A ruler for boxes around a point, whose distances do not matter.
    pub(super) fn of_box(centre: &[f64]) -> Self {
        let (weights, whole) = (vec![1.0; centre.len()], vec![false; centre.len()]);
        Self { norm: Norm::Linf, centre: centre.to_vec(), weights, whole }
    }

    /// The distance along a feature to the cells right of the threshold `at`, or left of it.
    pub(super) fn to(&self, feature: usize, at: f64, is_left: bool) -> Key {
        let (x, weight) = (self.centre[feature], self.weights[feature]);
        let (is_open, is_stepped) =
            (self.is_open(feature, is_left), is_left && self.whole[feature]);
        let fast = match is_left {
            true if is_stepped && at.abs() >= MOST_WHOLE => None,
            true if is_stepped => product(x, at - 1.0, weight, is_open),
            true => product(x, at, weight, is_open),
            false => product(at, x, weight, is_open),
        };
        fast.unwrap_or_else(|| Key::of(&self.exactly_to(feature, at, is_left), is_open))
    }

    /// True if no point of the cells on that side of a threshold attains their distance.
    pub(super) fn is_open(&self, feature: usize, is_left: bool) -> bool {
        is_left && !self.whole[feature]
    }

    /// The exact term of the cells on one side of a threshold in the sum of the norm: the distance, or its square
    /// for L2.
    pub(super) fn exact_term(&self, feature: usize, at: f64, is_left: bool) -> Rational {
        let length = self.exactly_to(feature, at, is_left);
        if self.norm == Norm::L2 { &length * &length } else { length }
    }

    /// `w·|t − x|`, exactly; left of `t`, for whole numbers, `w·|t − 1 − x|`.
    pub(super) fn exactly_to(&self, feature: usize, at: f64, is_left: bool) -> Rational {
        let exact = |x: f64| Rational::from_f64(x).expect("points and thresholds are finite");
        let is_stepped = is_left && self.whole[feature];
        let nearest = if is_stepped { &exact(at) - &Rational::ONE } else { exact(at) };
        let length = &nearest - &exact(self.centre[feature]);
        &exact(self.weights[feature]) * &length.abs()
    }

    /// The distance along a feature as the norm adds it: its square for L2.
    pub(super) fn term(&self, key: Key) -> Key {
        match self.norm {
            Norm::Linf | Norm::L1 => key,
            Norm::L2 => {
                let square = key.down * key.down;
                let error = f64::mul_add(key.down, key.down, -square);
                let down = if error < 0.0 { square.next_down() } else { square };
                Key { down: if is_tiny(square) { 0.0 } else { down }, ..key }
            }
        }
    }

    /// The distance of a box from its terms.
    pub(super) fn sum(&self, terms: impl Iterator<Item = Key>) -> Key {
        if self.norm == Norm::Linf {
            return terms.fold(Key::ZERO, Key::max);
        }
        let (mut sum, mut count, mut rest) = (0.0, 0.0, Rest::Attained);
        for term in terms {
            if term.down > 0.0 {
                sum += term.down;
                count += 1.0;
            }
            // an open side leaves no point at the distance; the part above a float is not known here
            if term.rest == Rest::Open {
                rest = Rest::Open;
            }
        }
        // n additions have an error of less than n units in the last place
        let down = if count <= 1.0 { sum } else { sum * (1.0 - (count + 1.0) * f64::EPSILON) };
        Key { down, rest }
    }
}

/// True if a product is so small that floats lose more than its last bit.
fn is_tiny(product: f64) -> bool {
    product < 1e-280
}

/// `weight·(far − near)` rounded down, if floats can decide it; `far >= near`.
fn product(far: f64, near: f64, weight: f64, is_open: bool) -> Option<Key> {
    let length = far - near;
    // the error of a difference is a float (Knuth's two-sum)
    let back = far - length;
    let lost = (far - (length + back)) + (back - near);
    let product = length * weight;
    if lost != 0.0 || !product.is_finite() || (is_tiny(product) && product != 0.0) {
        return None;
    }
    let error = f64::mul_add(length, weight, -product);
    let rest = if is_open { Rest::Open } else { Rest::Attained };
    Some(match error.partial_cmp(&0.0)? {
        Ordering::Less => Key { down: product.next_down(), rest: Rest::Above },
        Ordering::Equal if length != 0.0 && product == 0.0 => return None,
        Ordering::Equal => Key { down: product, rest },
        Ordering::Greater => Key { down: product, rest: Rest::Above },
    })
}
