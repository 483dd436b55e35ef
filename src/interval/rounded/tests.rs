//! Bounds of rounded forms against the exact ones, with friendly and with unfriendly numbers.

use super::*;
use crate::interval::{Exact, Rational, magnitudes};
use proptest::prelude::*;

#[test]
fn overflow_is_no_bound() {
    let form = Rounded::new(&[1e300]);
    assert_eq!(form.minimum(&[Interval::point(1e300)]), f64::NEG_INFINITY);
    let clash = Rounded::new(&[1.0, -1.0]);
    assert_eq!(clash.minimum(&[Interval::WHOLE, Interval::WHOLE]), f64::NEG_INFINITY);
}

#[test]
fn zero_times_unknown_is_zero() {
    assert_eq!(Rounded::new(&[0.0]).minimum(&[Interval::WHOLE]), 0.0);
}

#[test]
fn an_underflowed_coefficient_is_paid_times_its_variable() {
    // −2⁻⁶⁰⁰ · 2⁻⁶⁰⁰ underflows to 0, yet the variable reaches 2¹⁰⁰⁰
    let tiny = 2f64.powi(-600);
    let layer = Rounded::layer(Stored::new(&[tiny], &[0.0], 1));
    let sizes = Rounded::sizes(&layer, &[2f64.powi(1000)]);
    let form = Rounded::new(&[-tiny]).through_layer(&layer, &sizes);
    let bound = form.minimum(&[Interval::new(0.0, 2f64.powi(1000)).unwrap()]);
    assert!(bound <= -(2f64.powi(-200)), "{bound:e}");
}

#[test]
fn a_sum_of_non_negative_terms_stays_non_negative() {
    let form = Rounded::new(&[0.1, 0.3]);
    let sides = [Interval::new(0.0, 1.0).unwrap(), Interval::new(1e-320, 1.0).unwrap()];
    assert!(form.minimum(&sides) >= 0.0);
}

#[test]
fn a_sum_that_is_not_rounded_may_be_zero() {
    let side = |x: f64| Interval::point(x);
    let minimum = |a: [f64; 2], x: [f64; 2], c: f64| {
        let mut form = Rounded::new(&a);
        form.add_constant(1.0, c);
        form.minimum(&x.map(side))
    };
    assert_eq!(minimum([-1.0, -1.0], [1.0, 1.0], 2.0), 0.0);
    assert_eq!(minimum([-1.5, 0.25], [2.0, 4.0], 2.0), 0.0);
    // −2⁵³ − 1 is no float: the sum is −1 and computed as 0
    let large = 2f64.powi(53);
    assert!(minimum([-1.0, 1.0], [1.0, large], -large) < 0.0);
    // 0.1·0.1 is rounded, and so is 10·0.1
    assert!(minimum([0.1, 0.0], [0.1, 0.0], -(0.1 * 0.1)) < 0.0);
    assert!(minimum([10.0, 0.0], [0.1, 0.0], -1.0) < 0.0);
    let tiny = 2f64.powi(-600);
    assert!(minimum([tiny, -tiny], [tiny, tiny], 0.0) < 0.0, "products underflow");
}

#[test]
fn the_unit_is_the_lowest_bit() {
    for (x, expected) in
        [(1.0, 1.0), (-6.0, 2.0), (0.75, 0.25), (5e-324, 5e-324), (1.5e-323, 5e-324)]
    {
        assert_eq!(unit(x), expected, "{x}");
    }
    assert_eq!(unit(0.1), 2f64.powi(-55));
}

#[test]
fn a_negative_product_that_underflows_stays_negative() {
    // 2⁻⁶⁰⁰ · −2⁻⁶⁰⁰ is −0 in floating point
    let tiny = 2f64.powi(-600);
    let bound = Rounded::new(&[tiny]).minimum(&[Interval::new(-tiny, 0.0).unwrap()]);
    assert!(bound < 0.0, "{bound:e}");
}

#[test]
fn the_upper_line_is_above_relu_at_both_ends() {
    for (lo, hi) in
        [(-1.0, 1e-13), (-1e-300, 1e300), (-5e-324, 5e-324), (-3.0, 0.7), (-f64::MAX, f64::MAX)]
    {
        let line = Lines::new(Interval::new(lo, hi).unwrap(), None);
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        if line.intercept().is_finite() {
            let at = |z: f64| &(&exact(line.upper()) * &exact(z)) + &exact(line.intercept());
            assert!(at(lo) >= Rational::ZERO && at(hi) >= exact(hi), "{lo} {hi}");
        }
    }
}

proptest! {
    /// Rounded and exact forms are both below the truth; the truth at points is the exact form.
    #[test]
    fn bounds_are_below_every_point(
        weights in proptest::collection::vec(-1e3f64..1e3, 6),
        bias in proptest::collection::vec(-1f64..1.0, 2),
        row in proptest::collection::vec(-10f64..10.0, 2),
        centre in proptest::collection::vec(-5f64..5.0, 3),
        radius in prop_oneof![Just(0.0), 0f64..2.0],
    ) {
        let sides: Vec<_> =
            centre.iter().map(|c| Interval::new(c - radius, c + radius).unwrap()).collect();
        let magnitudes: Vec<_> = sides.iter().map(|s| s.magnitude()).collect();
        let layer = Rounded::layer(Stored::new(&weights, &bias, 3));
        let sizes = Rounded::sizes(&layer, &magnitudes);
        let rounded = Rounded::new(&row).through_layer(&layer, &sizes);
        let exact = Exact::new(&row).through_layer(&Exact::layer(Stored::new(&weights, &bias, 3)), &sizes);
        let corner: Vec<_> = exact.coefficients().iter().zip(&sides)
            .map(|(a, s)| Interval::point(if *a >= 0.0 { s.lo() } else { s.hi() })).collect();
        let truth_above = -exact_negated(&weights, &bias, &row).minimum(&corner);
        prop_assert!(rounded.minimum(&sides) <= truth_above);
        prop_assert!(exact.minimum(&sides) <= truth_above);
        prop_assert!(rounded.minimum(&sides) >= exact.minimum(&sides) - 1e-8);
    }
}

/// `±(1 + f)·2^e`, 0 and the ends of the range of floats among them.
fn any_size() -> impl Strategy<Value = f64> {
    let sized = (any::<bool>(), -1070i32..1020, 1.0f64..2.0).prop_map(|(sign, e, f)| {
        let size = f * 2f64.powi(e / 2) * 2f64.powi(e - e / 2);
        if sign { size } else { -size }
    });
    prop_oneof![
        2 => Just(0.0),
        1 => prop_oneof![Just(1.0), Just(-1.0), Just(5e-324), Just(-5e-324), Just(f64::MAX)],
        6 => sized,
    ]
}

/// A side that often ends at 0.
fn side() -> impl Strategy<Value = Interval> {
    let both = (any_size(), any_size(), 0..4).prop_map(|(a, b, kind)| match kind {
        0 => (0.0, a.abs()),
        1 => (-a.abs(), 0.0),
        2 => (a, a),
        _ => (a.min(b), a.max(b)),
    });
    both.prop_map(|(lo, hi)| Interval::new(lo, hi).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// From the same bounds of a hidden layer, and by the same lines, the rounded form is never above the
    /// exact one, whatever overflows or underflows. Each step pays for variables that lie in their bounds.
    #[test]
    fn the_rounded_form_is_below_the_exact_one(
        weights in proptest::collection::vec(any_size(), 6),
        bias in proptest::collection::vec(any_size(), 3),
        row in proptest::collection::vec(any_size(), 3),
        input in proptest::collection::vec(side(), 2),
    ) {
        let (layer, twin) = (Rounded::layer(Stored::new(&weights, &bias, 2)), Exact::layer(Stored::new(&weights, &bias, 2)));
        let sizes = Rounded::sizes(&layer, &magnitudes(&input));
        let hidden: Vec<Interval> =
            (0..3).map(|neuron| Rounded::range(&layer, neuron, &input, &sizes)).collect();
        for (neuron, rounded) in hidden.iter().enumerate() {
            let exact = Exact::range(&twin, neuron, &input, &sizes);
            prop_assert!(rounded.lo() <= exact.lo() && exact.hi() <= rounded.hi());
        }
        // after overflow there are no bounds to go on with
        if !hidden.iter().all(|bounds| bounds.is_finite()) {
            return Ok(());
        }
        let lines: Vec<Lines> = hidden.iter().map(|&bounds| Lines::new(bounds, None)).collect();
        // the row is given exactly, so both take the same lines
        let rounded = Rounded::new(&row).through_relu(&lines, &hidden).through_layer(&layer, &sizes);
        let exact = Exact::new(&row).through_relu(&lines, &hidden).through_layer(&twin, &sizes);
        prop_assert!(rounded.minimum(&input) <= exact.minimum(&input));
        // and of a row of the layer itself, where both may be 0
        let (plain, other) = (Rounded::new(&row), Exact::new(&row));
        prop_assert!(plain.minimum(&hidden) <= other.minimum(&hidden));
    }

    /// Through two layers, at points: no coefficient that overflowed is lost, also where an end is 0.
    #[test]
    fn runs_of_layers_are_below_every_corner(
        first in proptest::collection::vec(any_size(), 4),
        second in proptest::collection::vec(any_size(), 4),
        row in proptest::collection::vec(any_size(), 2),
        input in proptest::collection::vec(side(), 2),
    ) {
        let nothing = [0.0; 2];
        let layers = [(&first, &input), (&second, &input)].map(|(w, _)| {
            (Rounded::layer(Stored::new(w, &nothing, 2)), Exact::layer(Stored::new(w, &nothing, 2)))
        });
        let below = Rounded::sizes(&layers[0].0, &magnitudes(&input));
        let between: Vec<Interval> =
            (0..2).map(|k| Rounded::range(&layers[0].0, k, &input, &below)).collect();
        if !between.iter().all(|bounds| bounds.is_finite()) {
            return Ok(());
        }
        let sizes = Rounded::sizes(&layers[1].0, &magnitudes(&between));
        let rounded = Rounded::new(&row).through_layer(&layers[1].0, &sizes);
        let bound = rounded.through_layer(&layers[0].0, &below).minimum(&input);
        let exact = Exact::new(&row).through_layer(&layers[1].1, &sizes);
        prop_assert!(bound <= exact.through_layer(&layers[0].1, &below).minimum(&input));
    }
}

proptest! {
    /// Numbers of few and of many bits: never above the exact minimum, and at 0 where that is 0 or more
    /// and nothing is rounded.
    #[test]
    fn an_unrounded_minimum_is_the_minimum(
        terms in proptest::collection::vec((-9i32..9, -9i32..9, 0i32..60), 1..6),
        constant in -200i32..200,
        scale in prop_oneof![Just(1.0), Just(0.1), Just(2f64.powi(-400))],
    ) {
        let number = |n: i32, e: i32| f64::from(n) * 2f64.powi(e % 3 * (e / 3)) * scale;
        let a: Vec<f64> = terms.iter().map(|&(n, _, e)| number(n, e)).collect();
        let sides: Vec<_> =
            terms.iter().map(|&(_, n, e)| Interval::point(f64::from(n) * 2f64.powi(-e / 9))).collect();
        let minimum = |rounded: bool| {
            if rounded { least_with::<Rounded>(&a, f64::from(constant) * scale, &sides) }
            else { least_with::<Exact>(&a, f64::from(constant) * scale, &sides) }
        };
        prop_assert!(minimum(true) <= minimum(false));
        if scale == 1.0 && terms.iter().all(|term| term.2 < 3) {
            prop_assert_eq!(minimum(true) >= 0.0, minimum(false) >= 0.0);
        }
    }
}

fn least_with<F: Form>(a: &[f64], constant: f64, sides: &[Interval]) -> f64 {
    let mut form = F::new(a);
    form.add_constant(1.0, constant);
    form.minimum(sides)
}

proptest! {
    /// Two forms over a shared point, at points, and what is missing.
    #[test]
    fn a_shared_form_is_below_every_point(
        a in proptest::collection::vec(prop_oneof![Just(0.0), -1e3f64..1e3], 3),
        b in proptest::collection::vec(prop_oneof![Just(0.0), -1e-3f64..1e3], 3),
        lambda in prop_oneof![Just(-1.0), Just(-0.5)],
        cancels in any::<bool>(),
        z in proptest::collection::vec(-5f64..5.0, 3),
        v in proptest::collection::vec(-5f64..5.0, 2),
        radius in prop_oneof![Just(0.0), 0f64..2.0],
    ) {
        let b = if cancels { a.iter().map(|a| lambda * a).collect() } else { b };
        let movers = [2, 0];
        let sides: Vec<_> =
            z.iter().chain(&v).map(|c| Interval::new(c - radius, c + radius).unwrap()).collect();
        let magnitudes: Vec<_> = sides[..3].iter().map(|side| side.magnitude()).collect();
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        // a·(z + v) + b·z, and 3 from each of the two
        let mut truth = exact(6.0);
        for (index, (a, b)) in a.iter().zip(&b).enumerate() {
            let here = exact(z[index]);
            let moved = movers.iter().position(|&mover| mover == index);
            let there = moved.map_or(here.clone(), |at| &here + &exact(v[at]));
            truth = &truth + &(&(&exact(*a) * &there) + &(&exact(*b) * &here));
        }
        let minimum = |rounded: bool| {
            if rounded { least::<Rounded>(&a, &b, &movers, &magnitudes, &sides) }
            else { least::<Exact>(&a, &b, &movers, &magnitudes, &sides) }
        };
        for rounded in [true, false] {
            prop_assert!(exact(minimum(rounded)) <= truth);
        }
        prop_assert!(minimum(true) >= minimum(false) - 1e-8);
        let lost = Rounded::new(&a).shared(Rounded::new(&b[1..]), &movers, &magnitudes);
        prop_assert_eq!(lost.minimum(&sides), f64::NEG_INFINITY);
        let lost = Exact::new(&a).shared(Exact::new(&b), &[3, 0], &magnitudes);
        prop_assert_eq!(lost.minimum(&sides[..4]), f64::NEG_INFINITY);
    }
}

fn least<F: Form>(
    a: &[f64],
    b: &[f64],
    movers: &[usize],
    magnitudes: &[f64],
    sides: &[Interval],
) -> f64 {
    let [mut after, mut before] = [F::new(a), F::new(b)];
    after.add_constant(1.0, 3.0);
    before.add_constant(1.0, 3.0);
    after.shared(before, movers, magnitudes).minimum(sides)
}

#[test]
fn as_many_moves_as_features_are_no_square_of_them() {
    let size = 1 << 16;
    let movers: Vec<usize> = (0..size).collect();
    let ones = || Exact::new(&vec![1.0; size]);
    let form = ones().shared(ones(), &movers, &vec![1.0; size]);
    let sides = vec![Interval::point(1.0); 2 * size];
    assert_eq!(form.minimum(&sides), 3.0 * size as f64);
}

fn exact_negated(weights: &[f64], bias: &[f64], row: &[f64]) -> Exact {
    let negated: Vec<f64> = row.iter().map(|a| -a).collect();
    Exact::new(&negated)
        .through_layer(&Exact::layer(Stored::new(weights, bias, 3)), &Sizes::default())
}
