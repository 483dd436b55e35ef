//! Numbers in few digits. Bounds are rounded outward: a text read back as `f64` is on the safe side.

use std::cmp::Ordering;

/// The number nearest to `x` in so many significant digits, at least one.
pub fn nearest(x: f64, digits: usize) -> f64 {
    in_digits(x, digits, Ordering::Equal)
}

/// The same, but not below `x`: for upper ends.
pub fn above(x: f64, digits: usize) -> f64 {
    in_digits(x, digits, Ordering::Greater)
}

/// The same, but not above `x`: for lower ends.
pub fn below(x: f64, digits: usize) -> f64 {
    in_digits(x, digits, Ordering::Less)
}

/// The number in so many digits that is nearest to `x`, or next to it on the side asked for.
fn in_digits(x: f64, digits: usize, side: Ordering) -> f64 {
    let text = format!("{x:.*e}", digits.saturating_sub(1));
    let near = text.parse().unwrap_or(x);
    let is_wrong = match side {
        Ordering::Less => near > x,
        Ordering::Equal => false,
        Ordering::Greater => near < x,
    };
    match is_wrong {
        true => moved(&text, side as i64).unwrap_or(x),
        false => near,
    }
}

/// A decimal `m.mme±k` with so much more in its last digit.
fn moved(text: &str, by: i64) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('e')?;
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i64);
    let whole: i64 = mantissa.replace('.', "").parse().ok()?;
    let exponent = exponent.parse::<i64>().ok()? - decimals;
    // below a power of ten the last digit is worth a tenth
    let is_shrinking = whole.signum() == -by;
    match is_shrinking
        && mantissa.trim_start_matches('-').replace('.', "").trim_end_matches('0') == "1"
    {
        true => format!("{}e{}", whole * 10 + by, exponent - 1),
        false => format!("{}e{exponent}", whole + by),
    }
    .parse()
    .ok()
}

/// The shortest text that is read back as `x`, without a point where it is whole.
pub fn shortest(x: f64) -> String {
    let text = format!("{x:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_are_rounded_outward() {
        for (x, digits, low, near, high) in [
            (27.93, 3, "27.9", "27.9", "28"),
            (-27.93, 3, "-28", "-27.9", "-27.9"),
            (9.999, 3, "9.99", "10", "10"),
            (0.2, 3, "0.2", "0.2", "0.2"),
            (0.0, 3, "0", "0", "0"),
            (1234.5, 2, "1200", "1200", "1300"),
            (1.000_01e-7, 3, "1e-7", "1e-7", "1.01e-7"),
            (f64::INFINITY, 3, "inf", "inf", "inf"),
        ] {
            let found = [below(x, digits), nearest(x, digits), above(x, digits)].map(shortest);
            assert_eq!(found, [low, near, high], "{x}");
        }
    }

    proptest! {
        #[test]
        fn a_bound_stays_a_bound(x in proptest::num::f64::ANY, digits in 1_usize..17) {
            prop_assume!(!x.is_nan());
            let (low, high) = (below(x, digits), above(x, digits));
            prop_assert!(low <= x && x <= high, "{low} {x} {high}");
            // one of both is the nearest
            let near = nearest(x, digits);
            prop_assert!(near == low || near == high || near.is_infinite(), "{low} {near} {high}");
        }
    }
}
