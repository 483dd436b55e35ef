//! Exact numbers `mantissa · 2^exponent`.

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use dashu_int::IBig;
use dashu_int::ops::BitTest;

use super::Rational;
use super::rational::decode;

/// An exact dyadic rational: every stored float is one, and so are sums and products of such numbers.
#[derive(Clone, Debug)]
pub struct Dyadic {
    mantissa: IBig,
    exponent: i64,
}

impl Dyadic {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: IBig::ZERO, exponent: 0 };

    /// The value of a finite float; `None` for NaN and infinities.
    pub fn from_f64(value: f64) -> Option<Self> {
        decode(value).map(|(m, exponent)| Self { mantissa: IBig::from(m), exponent })
    }

    /// `mantissa · 2^exponent`.
    pub fn new(mantissa: IBig, exponent: i64) -> Self {
        Self { mantissa, exponent }
    }

    /// The same number as a quotient.
    pub fn to_rational(&self) -> Rational {
        Rational::scaled(self.mantissa.clone(), self.exponent)
    }

    /// The mantissa at the (smaller) exponent `exponent`.
    fn aligned(&self, exponent: i64) -> IBig {
        // Exponents of stored numbers lie within a few thousand of zero.
        &self.mantissa << usize::try_from(self.exponent - exponent).unwrap_or(0)
    }

    /// The exponents `(low, high)` of the last bit and of the bit above the first: `2^low` divides the number,
    /// and its absolute value is below `2^high`.
    pub fn position(&self) -> (i64, i64) {
        let bits = i64::try_from(self.mantissa.bit_len()).unwrap_or(i64::MAX);
        (self.exponent, self.exponent.saturating_add(bits))
    }

    /// True if the number is below zero.
    pub fn is_negative(&self) -> bool {
        self.mantissa < IBig::ZERO
    }

    /// True if the number is zero.
    pub fn is_zero(&self) -> bool {
        self.mantissa == IBig::ZERO
    }
}

impl Add for &Dyadic {
    type Output = Dyadic;
    fn add(self, rhs: Self) -> Dyadic {
        let exponent = self.exponent.min(rhs.exponent);
        Dyadic { mantissa: self.aligned(exponent) + rhs.aligned(exponent), exponent }
    }
}
impl Sub for &Dyadic {
    type Output = Dyadic;
    fn sub(self, rhs: Self) -> Dyadic {
        self + &(-rhs.clone())
    }
}
impl Mul for &Dyadic {
    type Output = Dyadic;
    fn mul(self, rhs: Self) -> Dyadic {
        Dyadic { mantissa: &self.mantissa * &rhs.mantissa, exponent: self.exponent + rhs.exponent }
    }
}
impl Neg for Dyadic {
    type Output = Self;
    fn neg(self) -> Self {
        Self { mantissa: -self.mantissa, exponent: self.exponent }
    }
}
impl PartialEq for Dyadic {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Dyadic {}
impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Dyadic {
    fn cmp(&self, other: &Self) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        self.aligned(exponent).cmp(&other.aligned(exponent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_rationals(a in -1e9f64..1e9, b in -1e-9f64..1e9) {
            let (x, y) = (Dyadic::from_f64(a).unwrap(), Dyadic::from_f64(b).unwrap());
            let (p, q) = (Rational::from_f64(a).unwrap(), Rational::from_f64(b).unwrap());
            prop_assert_eq!((&x + &y).to_rational(), &p + &q);
            prop_assert_eq!((&x * &y).to_rational(), &p * &q);
            prop_assert_eq!(x.cmp(&y), p.cmp(&q));
        }
    }
}
