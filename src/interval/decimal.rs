//! Decimal numbers from text, exactly.

use std::fmt;
use std::str::FromStr;

use dashu_int::IBig;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Rational;

/// The number a decimal string states: `"0.1"` is one tenth, not the nearest float.
///
/// Grammar: `-?\d+(\.\d+)?([eE]-?\d+)?`, at most 800 characters, exponent within ±400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    text: String,
    value: Rational,
}

/// The error for a text that is no decimal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a decimal number such as \"0.1\" or \"-2.5e-3\"")]
pub struct DecimalError {
    text: String,
}

impl Decimal {
    /// The exact value.
    pub fn value(&self) -> &Rational {
        &self.value
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let refused = || DecimalError { text: text.chars().take(40).collect() };
        let value = (text.len() <= 800).then(|| parse(text)).flatten().ok_or_else(refused)?;
        Ok(Self { text: text.to_owned(), value })
    }
}

fn parse(text: &str) -> Option<Rational> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (mantissa, ""),
    };
    if !is_digits(whole) {
        return None;
    }
    let digits: IBig = format!("{whole}{fraction}").parse().ok()?;
    let power = exponent - i64::try_from(fraction.len()).ok()?;
    let ten = IBig::from(10).pow(usize::try_from(power.unsigned_abs()).ok()?);
    let signed = if negative { -digits } else { digits };
    if power >= 0 { Rational::new(signed * ten, IBig::ONE) } else { Rational::new(signed, ten) }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let value: i64 = if is_digits(digits) { text.parse().ok()? } else { return None };
    (-400..=400).contains(&value).then_some(value)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// Accepts a text only; a bare number would be read as a float first.
struct Text;

impl serde::de::Visitor<'_> for Text {
    type Value = Decimal;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a string: numbers are exact, so they stand in quotes, as \"0.1\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_on_a_side_of_a_float_are_there() {
        for value in [0.3, -0.3, 0.1, 7.25, 1e-40, -3.0, 110.44891917534059, f64::MAX, 5e-324] {
            let exact = Rational::from_f64(value).unwrap();
            let (low, high) = (Decimal::at_most(value), Decimal::at_least(value));
            assert!(low.is_none_or(|low| *low.value() <= exact), "{value}");
            assert!(high.is_none_or(|high| exact <= *high.value()), "{value}");
        }
        let text = |decimal: Option<Decimal>| decimal.unwrap().to_string();
        assert_eq!(text(Decimal::at_least(0.3)), "0.3");
        assert_eq!(text(Decimal::at_most(7.25)), "7.25");
        assert_ne!(text(Decimal::at_most(0.3)), "0.3", "three tenths exceed the float 0.3");
        assert_eq!(Decimal::at_most(f64::NAN), None);
        assert_eq!(Decimal::at_least(f64::INFINITY), None);
    }

    #[test]
    fn a_tenth_is_a_tenth() {
        let tenth: Decimal = "0.1".parse().unwrap();
        assert_eq!(tenth.value(), &Rational::new(IBig::from(1), IBig::from(10)).unwrap());
        assert_ne!(tenth.value(), &Rational::from_f64(0.1).unwrap());
    }

    #[test]
    fn a_float_has_a_decimal_that_equals_it() {
        for x in [0.1, 4.54, -1e-10, 1e300, 0.0, 3.0] {
            let decimal = Decimal::exactly(x).unwrap();
            assert_eq!(decimal.value(), &Rational::from_f64(x).unwrap());
        }
        assert!(Decimal::exactly(f64::NAN).is_none());
    }

    #[test]
    fn exponents_shift_the_point() {
        let value = |s: &str| s.parse::<Decimal>().unwrap().value().clone();
        assert_eq!(value("-2.5e-3"), value("-0.0025"));
        assert_eq!(value("12E2"), Rational::integer(1200));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e",
            "1e+5",
            "+1",
            "0x10",
            "nan",
            "inf",
            "1e500",
            " 1",
            "1_0",
            "--1",
            "1.-5",
            "1e-9223372036854775808",
            "1e9223372036854775807",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }
}
