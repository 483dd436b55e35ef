//! Decimals near floats, floats as text, and hulls: for the rooms above. No verdict rests on them, and the checker is
//! built without them.

use super::{Decimal, Interval, Rational, Region};

impl Decimal {
    /// The decimal that equals a float; `None` if it is not finite or needs over 700 digits.
    pub fn exactly(value: f64) -> Option<Self> {
        let (_, exponent) = super::decode(value)?;
        let digits = usize::try_from(-exponent).unwrap_or(0);
        (digits <= 700).then(|| format!("{value:.digits$}").parse().ok()).flatten()
    }

    /// The decimal that a finite float's shortest text states.
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| format!("{}", value + 0.0).parse().ok()).flatten()
    }

    /// A decimal that is at most a finite float: its shortest text, or that of the float below where that text states
    /// more than the float is, as 0.3 does.
    pub fn at_most(value: f64) -> Option<Self> {
        let (own, exact) = (Self::from_f64(value)?, Rational::from_f64(value)?);
        if *own.value() <= exact { Some(own) } else { Self::from_f64(value.next_down()) }
    }

    /// A decimal that is at least a finite float, in the same way.
    pub fn at_least(value: f64) -> Option<Self> {
        let (own, exact) = (Self::from_f64(value)?, Rational::from_f64(value)?);
        if *own.value() >= exact { Some(own) } else { Self::from_f64(value.next_up()) }
    }
}

impl Interval {
    /// True if `value` lies inside.
    pub fn contains(self, value: f64) -> bool {
        self.lo() <= value && value <= self.hi()
    }

    /// True if the exact number `value` lies inside.
    pub fn contains_exactly(self, value: &Rational) -> bool {
        Rational::from_f64(self.lo()).is_none_or(|lo| lo <= *value)
            && Rational::from_f64(self.hi()).is_none_or(|hi| *value <= hi)
    }
}

impl Region {
    /// The smallest box that holds both; the dimensions must agree.
    pub fn hull(&self, other: &Self) -> Self {
        let sides = self.sides().iter().zip(other.sides());
        Self::new(sides.map(|(a, b)| a.hull(*b)).collect())
    }
}

/// The text of a finite float: `0x0p0`, or one leading hexadecimal digit, the fraction without
/// trailing zeros, and a decimal exponent of two.
pub fn format_hexadecimal(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    if value == 0.0 {
        return "0x0p0".to_owned();
    }
    let bits = value.to_bits();
    let field = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (leading, exponent) = if field == 0 { (0, -1022) } else { (1, field - 1023) };
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    format!("{sign}0x{leading}{point}{digits}p{exponent}")
}
