//! Distances as lengths in floats, rounded down and up.

use crate::interval::Rational;
use crate::spec::Norm;

use super::distance::{Key, Rest};

/// True if a point may lie at the distance `lower` itself; for a flip, if a point does. At distance 0 there is
/// only the centre, so the answer is false.
pub(super) fn is_attained(
    norm: Norm,
    key: Key,
    exact: Option<&(Rational, bool)>,
    lower: f64,
) -> bool {
    if lower == 0.0 || !lower.is_finite() {
        return false;
    }
    match exact {
        Some((exact, is_open)) => !is_open && power(norm, lower).as_ref() == Some(exact),
        None => key.rest == Rest::Attained && power(norm, lower) == Rational::from_f64(key.down),
    }
}

/// The distance of a key, rounded down and up. For L2 without its `exact` square, the upper end is not known.
pub(super) fn ends(norm: Norm, key: Key, exact: Option<&Rational>) -> (f64, f64) {
    if key.down == f64::INFINITY {
        return (f64::INFINITY, f64::INFINITY);
    }
    if norm == Norm::L2 {
        return match exact {
            Some(square) => (root_down(square), root_up(square)),
            None => {
                let square = Rational::from_f64(key.down).unwrap_or(Rational::ZERO);
                (root_down(&square), f64::INFINITY)
            }
        };
    }
    let up = if key.rest == Rest::Above { key.down.next_up() } else { key.down };
    (key.down, up)
}

/// `x`, or its square for L2.
fn power(norm: Norm, x: f64) -> Option<Rational> {
    let x = Rational::from_f64(x)?;
    Some(if norm == Norm::L2 { &x * &x } else { x })
}

/// The largest float whose square is at most `square`.
fn root_down(square: &Rational) -> f64 {
    let is_above = |x: f64| power(Norm::L2, x).is_none_or(|other| other > *square);
    // the square may be no float, however it is rounded, so the root is searched among the bits, which ascend
    // with the floats from 0 to infinity
    let (mut root, mut above) = (0.0f64, f64::INFINITY);
    let guess = square.down().sqrt();
    for bound in [guess * (1.0 - 2.0 * f64::EPSILON), guess * (1.0 + 2.0 * f64::EPSILON)] {
        match is_above(bound) {
            true => above = above.min(bound),
            false => root = root.max(bound),
        }
    }
    while root.to_bits() + 1 < above.to_bits() {
        let middle = f64::from_bits(root.to_bits().midpoint(above.to_bits()));
        match is_above(middle) {
            true => above = middle,
            false => root = middle,
        }
    }
    root
}

/// The smallest float whose square is at least `square`.
pub(super) fn root_up(square: &Rational) -> f64 {
    let below = root_down(square);
    if power(Norm::L2, below).as_ref() == Some(square) { below } else { below.next_up() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_the_floats_on_either_side() {
        assert_eq!((root_down(&Rational::ZERO), root_up(&Rational::ZERO)), (0.0, 0.0));
        let least = Rational::from_f64(f64::from_bits(1)).unwrap();
        for x in [5e-324, 1e-160, 0.1, 1.0, 3.0, 1e150] {
            let square = power(Norm::L2, x).unwrap();
            assert_eq!((root_down(&square), root_up(&square)), (x, x), "the root of a square");
            let above = &square + &least;
            let (down, up) = (root_down(&above), root_up(&above));
            assert_eq!(down.next_up(), up, "{x}");
            assert!(power(Norm::L2, down).unwrap() < above && above < power(Norm::L2, up).unwrap());
        }
    }

    #[test]
    fn roots_of_squares_that_are_no_floats() {
        for root in [0.0, 5e-324, 1e-200, 1e-160, 0.3, 7.0, 1e160, 1e300, f64::MAX] {
            let square = power(Norm::L2, root).unwrap();
            assert_eq!((root_down(&square), root_up(&square)), (root, root));
            let above = &square + &power(Norm::L2, 5e-324).unwrap();
            let up = root_up(&above);
            assert!(root_down(&above) <= up && (root == 0.0 || up == root.next_up()), "{root:e}");
        }
    }

    #[test]
    fn a_point_at_the_very_distance_is_known_by_its_key() {
        let key = |rest| Key { down: 0.5, rest };
        for norm in [Norm::Linf, Norm::L1] {
            let lower = |rest| ends(norm, key(rest), None);
            assert_eq!(lower(Rest::Attained), (0.5, 0.5));
            assert_eq!(lower(Rest::Above), (0.5, 0.5f64.next_up()));
            assert!(is_attained(norm, key(Rest::Attained), None, 0.5));
            assert!(!is_attained(norm, key(Rest::Open), None, 0.5));
            assert!(!is_attained(norm, key(Rest::Above), None, 0.5));
        }
    }
}
