//! Enclosures of `exp`, `ln` and σ by rationals: a verdict uses no mathematics library of the platform.
//!
//! `exp` halves its argument ten times, sums a Taylor polynomial of the non-negative remainder in
//! fixed point at 2⁻¹⁹² with directed rounding, and squares back. Arguments beyond ±64 are answered
//! by constants, so that a huge margin costs nothing. `ln` bisects on enclosures of `exp`.

use dashu_int::IBig;

use super::Rational;

/// Fixed-point position.
const BITS: usize = 192;
/// Number of times the argument is halved: 64 becomes 1/16.
const HALVINGS: usize = 10;
/// Number of Taylor terms; after the last, the remainder of `e^y` for `y <= 1/16` is below one unit.
const TERMS: u32 = 32;
/// Number of terms of the series of artanh; at 1/3 the next power is below 2⁻²⁰⁰.
const ODD_TERMS: u32 = 64;
/// Width of the answers of [`ln`] and [`soft_boundary_margin`], as a number of bisections of 128.
const BISECTIONS: usize = 100;

/// `[below, above]` around `e^x`, both positive except that `below` may be 0 for `x < −64`;
/// `None` as upper end for `x > 64`.
pub fn exp(x: &Rational) -> (Rational, Option<Rational>) {
    let limit = Rational::integer(64);
    if *x > limit {
        return (exp_non_negative(&limit).0, None);
    }
    if *x < -limit.clone() {
        return (Rational::ZERO, exp(&-limit).1);
    }
    if *x < Rational::ZERO {
        // e^x = 1 / e^−x
        let (below, above) = exp_non_negative(&-x.clone());
        let inverse = |v: &Rational| &Rational::ONE / v;
        return (inverse(&above).unwrap_or(Rational::ZERO), inverse(&below));
    }
    let (below, above) = exp_non_negative(x);
    (below, Some(above))
}

/// `[below, above]` around `e^x` for `0 <= x <= 64`.
fn exp_non_negative(x: &Rational) -> (Rational, Rational) {
    let unit = IBig::ONE << BITS;
    let scaled =
        &(x * &Rational::integer(unit.clone())) * &Rational::scaled(IBig::ONE, -(HALVINGS as i64));
    let (mut below, mut above) = (taylor_below(&scaled.floor()), taylor_above(&scaled.ceil()));
    for _ in 0..HALVINGS {
        below = (&below * &below) >> BITS;
        above = ((&above * &above) >> BITS) + IBig::ONE;
    }
    let value = |n: IBig| Rational::scaled(n, -(BITS as i64));
    (value(below), value(above))
}

/// Σ yⁿ/n!, every term rounded down; `y` in units of 2⁻¹⁹².
fn taylor_below(y: &IBig) -> IBig {
    let mut term = IBig::ONE << BITS;
    let mut sum = term.clone();
    for n in 1..TERMS {
        term = ((&term * y) >> BITS) / IBig::from(n);
        sum += &term;
    }
    sum
}

/// Σ yⁿ/n!, every term rounded up, and two units for the remainder.
fn taylor_above(y: &IBig) -> IBig {
    let mut term = IBig::ONE << BITS;
    let mut sum = term.clone();
    for n in 1..TERMS {
        term = (((&term * y) >> BITS) + IBig::ONE) / IBig::from(n) + IBig::ONE;
        sum += &term;
    }
    sum + &term + IBig::from(2)
}

/// `[below, above]` around the natural logarithm of `t > 0`, of width at most 2⁻⁹⁰;
/// `None` unless `e^−64 < t < e^64`. Exactly 0 at `t = 1`.
pub fn ln(t: &Rational) -> Option<(Rational, Rational)> {
    if *t == Rational::ONE {
        return Some((Rational::ZERO, Rational::ZERO));
    }
    let is_below = |x: &Rational| exp(x).1.is_some_and(|above| above <= *t);
    let is_above = |x: &Rational| exp(x).0 >= *t;
    bisect(Rational::integer(-64), Rational::integer(64), is_below, is_above)
}

/// Narrows `[a, b]` as long as the side of the midpoint can be decided; `None` if the sides of the ends cannot.
fn bisect(
    mut a: Rational,
    mut b: Rational,
    is_below: impl Fn(&Rational) -> bool,
    is_above: impl Fn(&Rational) -> bool,
) -> Option<(Rational, Rational)> {
    if !is_below(&a) || !is_above(&b) {
        return None;
    }
    let half = Rational::scaled(IBig::ONE, -1);
    for _ in 0..BISECTIONS {
        let middle = &(&a + &b) * &half;
        if is_below(&middle) {
            a = middle;
        } else if is_above(&middle) {
            b = middle;
        } else {
            break;
        }
    }
    Some((a, b))
}

/// `[below, above]` around `σ(m) = 1/(1 + e^−m)`, inside `[0, 1]`.
pub fn sigmoid(m: &Rational) -> (Rational, Rational) {
    let (below, above) = exp(&-m.clone());
    let inverse = |e: &Rational| (&Rational::ONE / &(&Rational::ONE + e)).unwrap_or(Rational::ONE);
    (above.map_or(Rational::ZERO, |e| inverse(&e)), inverse(&below))
}

/// `[below, above]` around `ln(1 + e^m)`, of width at most 2⁻¹⁷⁰ for `|m| <= 64` and e⁻⁶⁴ beyond.
///
/// It is `max(m, 0) + ln(1 + t)` with `t = e^−|m|` in `[0, 1]`, and `ln(1 + t) = 2·artanh(t/(2 + t))`.
pub fn softplus(m: &Rational) -> (Rational, Rational) {
    let (below, above) = exp(&-m.clone().abs());
    let base = if *m > Rational::ZERO { m.clone() } else { Rational::ZERO };
    let unit = Rational::integer(IBig::ONE << BITS);
    let scaled = |t: &Rational| {
        let ratio = t / &(&Rational::integer(2) + t);
        &ratio.unwrap_or(Rational::ONE) * &unit
    };
    // e^−|m| is at most 1
    let above = above.filter(|t| *t < Rational::ONE).unwrap_or(Rational::ONE);
    let value = |n: IBig| &base + &Rational::scaled(n, 1 - BITS as i64);
    (value(artanh_below(&scaled(&below).floor())), value(artanh_above(&scaled(&above).ceil())))
}

/// Σ y²ᵏ⁺¹/(2k+1), every term rounded down; `0 <= y` in units of 2⁻¹⁹².
fn artanh_below(y: &IBig) -> IBig {
    let square = (y * y) >> BITS;
    let (mut power, mut sum) = (y.clone(), IBig::ZERO);
    for k in 0..ODD_TERMS {
        sum += &power / IBig::from(2 * k + 1);
        power = (&power * &square) >> BITS;
    }
    sum
}

/// Σ y²ᵏ⁺¹/(2k+1), every term rounded up; `y <= 1/2`, so the remainder is less than twice its
/// first power.
fn artanh_above(y: &IBig) -> IBig {
    let square = ((y * y) >> BITS) + IBig::ONE;
    let (mut power, mut sum) = (y.clone(), IBig::ZERO);
    for k in 0..ODD_TERMS {
        sum += &power / IBig::from(2 * k + 1) + IBig::ONE;
        power = ((&power * &square) >> BITS) + IBig::ONE;
    }
    sum + power * IBig::from(2)
}

/// `[below, above]` around `μ = 2·artanh(√tanh(ε/2))`, the margin under which a two-class posterior
/// satisfies `‖F‖² < e^ε/(e^ε + 1)`; `None` unless `0 < ε < 60`.
///
/// `|m| < μ ⇔ tanh²(m/2) < tanh(ε/2)`, which needs neither artanh nor a root.
pub fn soft_boundary_margin(epsilon: &Rational) -> Option<(Rational, Rational)> {
    if *epsilon <= Rational::ZERO || *epsilon >= Rational::integer(60) {
        return None;
    }
    let (low, high) = tanh_of_half(epsilon)?;
    let square = |x: &Rational| x * x;
    let is_below = |m: &Rational| tanh_of_half(m).is_some_and(|(_, t)| square(&t) <= low);
    let is_above = |m: &Rational| tanh_of_half(m).is_none_or(|(t, _)| square(&t) >= high);
    bisect(Rational::ZERO, Rational::integer(64), is_below, is_above)
}

/// `[below, above]` around `tanh(y/2) = (e^y − 1)/(e^y + 1)` for `y >= 0`; increasing in `e^y`.
fn tanh_of_half(y: &Rational) -> Option<(Rational, Rational)> {
    let (below, above) = exp(y);
    let ratio = |e: &Rational| &(e - &Rational::ONE) / &(e + &Rational::ONE);
    Some((ratio(&below)?, above.and_then(|e| ratio(&e)).unwrap_or(Rational::ONE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rational(x: f64) -> Rational {
        Rational::from_f64(x).unwrap()
    }

    #[test]
    fn one_maps_to_zero_exactly() {
        assert_eq!(ln(&Rational::ONE), Some((Rational::ZERO, Rational::ZERO)));
        assert_eq!(exp(&Rational::ZERO).0.clone(), Rational::ONE);
    }

    #[test]
    fn logarithms_outside_the_range_are_refused() {
        assert!(ln(&Rational::ZERO).is_none());
        assert!(ln(&rational(-1.0)).is_none());
        assert!(ln(&rational(1e300)).is_none());
    }

    #[test]
    fn known_margins_of_the_soft_boundary() {
        for (epsilon, margin) in [
            (0.001, 0.044729),
            (0.01, 0.141657),
            (0.1, 0.454703),
            (0.5, 1.085039),
            (1.0, 1.657454),
            (2.0, 2.688536),
            (5.0, 5.693136),
        ] {
            let (below, above) = soft_boundary_margin(&rational(epsilon)).unwrap();
            assert!((below.down() - margin).abs() < 1e-6, "{epsilon}: {}", below.down());
            assert!(below <= above && above.up() - below.down() < 1e-15);
        }
    }

    #[test]
    fn softplus_at_zero_and_beyond_64() {
        let (below, above) = softplus(&Rational::ZERO);
        let two = ln(&Rational::integer(2)).unwrap();
        assert!(below <= two.1 && two.0 <= above);
        let (below, above) = softplus(&rational(-100.0));
        assert!(below == Rational::ZERO && above > Rational::ZERO && above.up() < 1e-27);
        let (below, above) = softplus(&rational(100.0));
        assert!(below == rational(100.0) && above.up() < 100.1);
    }

    #[test]
    fn huge_arguments_are_answered_at_once() {
        let huge = rational(f64::MAX);
        assert!(exp(&huge).1.is_none());
        assert_eq!(exp(&-huge.clone()).0, Rational::ZERO);
        assert!(sigmoid(&huge).0 > rational(0.999999));
    }

    proptest! {
        #[test]
        fn enclosures_hold_the_float_value(x in -63f64..63.0) {
            let (below, above) = exp(&rational(x));
            let above = above.unwrap();
            prop_assert!(below < above || x == 0.0);
            let float = x.exp();
            prop_assert!(below.down() <= float * (1.0 + 1e-15) && float * (1.0 - 1e-15) <= above.up());
            prop_assert!(above.up() - below.down() <= 4.0 * f64::EPSILON * float);
        }

        #[test]
        fn softplus_is_the_logarithm_of_one_plus_exp(m in -40f64..40.0) {
            let (below, above) = softplus(&rational(m));
            let (low, high) = exp(&rational(m));
            let (low, high) = (&Rational::ONE + &low, &Rational::ONE + &high.unwrap());
            let (slow_below, slow_above) = (ln(&low).unwrap().0, ln(&high).unwrap().1);
            prop_assert!(below <= slow_above && slow_below <= above && below <= above);
            prop_assert!((&above - &below).up() < 1e-50);
        }

        #[test]
        fn ln_inverts_exp(x in -60f64..60.0) {
            let (below, above) = ln(&rational(x.exp())).unwrap();
            prop_assert!((below.down() - x).abs() < 1e-12 && (above.up() - x).abs() < 1e-12);
            prop_assert!(exp(&below).1.unwrap() <= exp(&above).0 || below == above || exp(&below).0 <= exp(&above).1.unwrap());
        }
    }
}
