//! Conversions between decimals and exact numbers: sums and products of decimals are decimals.

use dashu_int::IBig;
use dashu_int::ops::{BitTest, UnsignedAbs};

use crate::interval::{Decimal, Rational};

/// Most bits of a numerator or denominator: more than a decimal of 800 characters has.
const MAX_BITS: usize = 4096;
/// More zeros than this at an end are written as an exponent.
const MAX_ZEROS: usize = 24;

/// The value of a literal such as `-0.25`, `1e-05` or `1.5E+3`; `None` if the text is not a literal.
pub(super) fn literal(text: &str) -> Option<Rational> {
    let decimal = match text.split_once("e+").or_else(|| text.split_once("E+")) {
        Some((mantissa, exponent)) if !exponent.starts_with('-') && text.len() <= 800 => {
            format!("{mantissa}e{exponent}").parse::<Decimal>()
        }
        _ => text.parse(),
    };
    Some(decimal.ok()?.value().clone())
}

/// The cost of a number in a budget: 1, and more if it is long.
pub(super) fn weight(value: &Rational) -> usize {
    let (numerator, denominator) = value.parts();
    1 + (bits(numerator) + bits(denominator)) / 256
}

/// True if further arithmetic on the number stays cheap.
pub(super) fn is_short(value: &Rational) -> bool {
    let (numerator, denominator) = value.parts();
    bits(numerator).max(bits(denominator)) <= MAX_BITS
}

fn bits(n: &IBig) -> usize {
    n.unsigned_abs().bit_len()
}

/// The shortest decimal equal to `value`; `None` if there is none within the limits of
/// [`Decimal`].
pub(super) fn decimal(value: &Rational) -> Option<Decimal> {
    if !is_short(value) {
        return None;
    }
    let (numerator, denominator) = value.parts();
    let places = places(denominator)?;
    let scaled = numerator * IBig::from(10).pow(places) / denominator;
    write(&scaled, places).parse().ok()
}

/// Zero.
pub(super) fn zero() -> Decimal {
    "0".parse().expect("0 is a decimal number")
}

/// The least `k` with `10^k` a multiple of `denominator`; for a denominator `2^a·5^b` it is `k = max(a, b)`.
fn places(denominator: &IBig) -> Option<usize> {
    let twos = denominator.trailing_zeros()?;
    let odd = denominator >> twos;
    // 5^b has ⌊b·log₂ 5⌋ + 1 bits and 2.32 < log₂ 5 < 2.33
    let low = (bits(&odd) - 1) * 100 / 233;
    let high = bits(&odd) * 100 / 232 + 1;
    let fives = (low..=high).find(|b| IBig::from(5).pow(*b) == odd)?;
    Some(twos.max(fives))
}

/// The text of `digits·10^-places`.
fn write(digits: &IBig, places: usize) -> String {
    let text = digits.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return "0".to_owned();
    }
    // digits·10^-places = short·10^(zeros - places)
    let zeros = digits.len() - short.len();
    if zeros >= places {
        return match zeros - places {
            n if n <= MAX_ZEROS => format!("{sign}{short}{}", "0".repeat(n)),
            n => format!("{sign}{short}e{n}"),
        };
    }
    let fraction = places - zeros;
    match short.len().checked_sub(fraction) {
        Some(whole) if whole > 0 => {
            let (whole, fraction) = short.split_at(whole);
            format!("{sign}{whole}.{fraction}")
        }
        _ if fraction - short.len() <= MAX_ZEROS => {
            format!("{sign}0.{}{short}", "0".repeat(fraction - short.len()))
        }
        _ => format!("{sign}{short}e-{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_written_back_as_the_shortest_equal_decimal() {
        let table = [
            ("0.0", "0"),
            ("-0", "0"),
            ("-0.250", "-0.25"),
            ("1e-05", "0.00001"),
            ("1.5E+3", "1500"),
            ("12e+1", "120"),
            ("0.029999999329447746", "0.029999999329447746"),
            ("1e-400", "1e-400"),
            ("-12.5e300", "-125e299"),
            ("100", "100"),
            ("10.10", "10.1"),
        ];
        for (text, expected) in table {
            let value = literal(text).unwrap();
            let written = decimal(&value).unwrap();
            assert_eq!(written.to_string(), expected, "{text}");
            assert_eq!(written.value(), &value, "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_literal_and_a_third_no_decimal() {
        for text in ["", "-", "1e+-5", "+1", ".5", "5.", "1e+", "e+1", "1e401", "inf", "0x1", "1/3"]
        {
            assert!(literal(text).is_none(), "{text}");
        }
        let third = Rational::new(IBig::ONE, IBig::from(3)).unwrap();
        assert!(decimal(&third).is_none());
        let long = literal("1e-300").unwrap();
        assert!(decimal(&(&long * &long)).is_none(), "an exponent of -600");
    }
}
