//! Declarations inferred from training rows.

use super::InferredFeature;
use crate::interval::{Decimal, Rational};
use crate::model::{Kind, Meta, Row};

/// Kind and range of one column.
pub(super) fn infer(rows: &[Row], feature: usize) -> (Kind, (Decimal, Decimal)) {
    let column = || rows.iter().filter_map(|row| row.values.get(feature).copied());
    if column().all(|x| x == 0.0 || x == 1.0) {
        return (Kind::Binary, (decimal(0.0), decimal(1.0)));
    }
    let kind = if column().all(|x| x.fract() == 0.0) { Kind::Integer } else { Kind::Real };
    let low = column().fold(f64::INFINITY, f64::min);
    let high = column().fold(f64::NEG_INFINITY, f64::max);
    (kind, (at_most(low), at_least(high)))
}

/// A decimal that is at most the float: its own text. If that text states more than the float is (0.3
/// does), the text of the float below it.
fn at_most(value: f64) -> Decimal {
    let own = decimal(value);
    let exact = Rational::from_f64(value);
    if exact.is_some_and(|exact| *own.value() <= exact) { own } else { decimal(value.next_down()) }
}

/// A decimal that is at least the float.
fn at_least(value: f64) -> Decimal {
    let own = decimal(value);
    let exact = Rational::from_f64(value);
    if exact.is_some_and(|exact| *own.value() >= exact) { own } else { decimal(value.next_up()) }
}

pub(super) fn decimal(value: f64) -> Decimal {
    Decimal::from_f64(value).expect("the reader keeps values within the range of an f32")
}

pub(super) fn inferred(meta: &Meta) -> Vec<InferredFeature> {
    let declared = meta.features.iter().zip(&meta.kinds).zip(&meta.ranges);
    declared
        .map(|((name, &kind), (low, high))| InferredFeature {
            name: name.clone(),
            kind,
            range: (low.to_string(), high.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_the_floats_they_are_inferred_from() {
        for value in [0.3, -0.3, 0.1, 7.25, 1e-40, -3.0, 110.44891917534059] {
            let exact = Rational::from_f64(value).unwrap();
            assert!(*at_most(value).value() <= exact && exact <= *at_least(value).value());
        }
        assert_eq!(at_least(0.3).to_string(), "0.3");
        assert_eq!(at_most(7.25).to_string(), "7.25");
        assert_ne!(at_most(0.3).to_string(), "0.3", "three tenths exceed the float 0.3");
    }
}
