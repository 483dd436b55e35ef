//! Floats as hexadecimal text, `-0x1.8p-2`: exact, short and the same everywhere.

/// The finite float that a text states exactly; `None` for anything else, also for values that would need
/// rounding.
pub fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = unsigned.strip_prefix("0x")?.split_once('p')?;
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (mantissa, ""),
    };
    let is_hex = |s: &str| s.bytes().all(|b| b.is_ascii_hexdigit());
    if whole.len() != 1 || fraction.len() > 13 || !is_hex(whole) || !is_hex(fraction) {
        return None;
    }
    let exponent_digits = exponent.strip_prefix('-').unwrap_or(exponent);
    if exponent_digits.is_empty()
        || exponent_digits.len() > 4
        || !exponent_digits.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let integer = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let power = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    exactly(integer, power).map(|value| if negative { 0.0 - value } else { value })
}

/// `integer · 2^power` if that is a float.
fn exactly(integer: u64, power: i32) -> Option<f64> {
    if integer == 0 {
        return Some(0.0);
    }
    let zeros = integer.trailing_zeros();
    let (integer, power) = (integer >> zeros, power + i32::try_from(zeros).ok()?);
    let bits = 64 - integer.leading_zeros();
    let top = power + i32::try_from(bits).ok()?;
    // the last bit may not lie below 2^−1074, the first not above 2^1023, 53 bits in all
    if bits > 53 || power < -1074 || top > 1024 {
        return None;
    }
    // two steps, both exact: the product of the halves has no subnormal in between
    let half = power / 2;
    Some(integer as f64 * 2f64.powi(half) * 2f64.powi(power - half))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::format_hexadecimal;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        assert_eq!(format_hexadecimal(0.375), "0x1.8p-2");
        assert_eq!(format_hexadecimal(-1.0), "-0x1p0");
        assert_eq!(format_hexadecimal(0.0), "0x0p0");
        assert_eq!(parse_hexadecimal("0x1.8p-2"), Some(0.375));
        assert_eq!(parse_hexadecimal("0x3p-1"), Some(1.5));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "0x",
            "1.5",
            "0x1",
            "0x1.p0",
            "0x1p",
            "0x1p99999",
            "0x1p1024",
            "0xgp0",
            "0x1.8p+2",
            "0x1p-1075",
            "0x1.00000000000008p0",
            "inf",
            "nan",
            "0x11p0",
        ] {
            assert_eq!(parse_hexadecimal(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(parse_hexadecimal(&format_hexadecimal(value)), Some(value));
        }
    }
}
