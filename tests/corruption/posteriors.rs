//! Posteriors of two classes, enclosed by series of their own: `σ(m) = e^m/(1 + e^m)`.

use propcert::interval::Rational;

/// A number `x` enclosed: `(low, high)` with `low <= x <= high`.
pub type Enclosure = (Rational, Rational);

/// 2²⁰⁰: terms of a series are rounded to multiples of its inverse.
fn fine() -> Rational {
    let word = Rational::integer(1u64 << 50);
    let half = &word * &word;
    &half * &half
}

/// `e^x` for `|x| <= 64`: `Σ x^k/k!`, the rest being less than twice its first term from `k > 2x` on; for
/// `x < 0` its inverse.
pub fn exp(x: &Rational) -> Enclosure {
    assert!(*x <= Rational::integer(64), "exp of more than 64");
    if *x < Rational::ZERO {
        let (low, high) = exp(&-x.clone());
        return (quotient(&Rational::ONE, &high), quotient(&Rational::ONE, &low));
    }
    let fine = fine();
    let down = |x: &Rational| quotient(&Rational::integer((x * &fine).floor()), &fine);
    let up = |x: &Rational| quotient(&Rational::integer((x * &fine).ceil()), &fine);
    let (mut low, mut high) = (Rational::ONE, Rational::ONE);
    let mut terms = (Rational::ONE, Rational::ONE);
    let unit = quotient(&Rational::ONE, &fine);
    for k in 1u32.. {
        let share = quotient(x, &Rational::integer(k));
        terms = (down(&(&terms.0 * &share)), up(&(&terms.1 * &share)));
        low = &low + &terms.0;
        high = &high + &terms.1;
        if terms.1 <= unit && &share + &share < Rational::ONE {
            break;
        }
    }
    (low, &high + &unit)
}

/// `1/(1 + e^−m)`.
pub fn sigmoid(m: &Rational) -> Enclosure {
    let (low, high) = exp(m);
    let share = |e: &Rational| quotient(e, &(&Rational::ONE + e));
    (share(&low), share(&high))
}

/// `a/b`, `b` not being 0.
pub fn quotient(a: &Rational, b: &Rational) -> Rational {
    (a / b).expect("no division by 0")
}

#[test]
fn series_enclose_what_floats_compute() {
    for m in [-9.5, -2.0, -1e-9, 0.0, 1e-12, 0.25, 1.0, 7.0] {
        let (low, high) = exp(&Rational::from_f64(m).unwrap());
        assert!(low <= high && (low.down() - m.exp()).abs() <= 1e-14 * m.exp(), "{m}");
        assert!((&high - &low).up() <= 1e-40);
    }
    let (low, high) = sigmoid(&Rational::ZERO);
    let half = Rational::from_f64(0.5).unwrap();
    assert!(low <= half && half <= high);
}
