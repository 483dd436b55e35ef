//! Exact quotients of integers, with directed rounding to floats.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

use dashu_int::IBig;
use dashu_int::ops::{BitTest, DivRem, DivRemEuclid, Gcd, UnsignedAbs};

/// An exact rational number `numerator / denominator`, denominator positive.
///
/// Common powers of two are removed after every operation, other common factors only from the
/// denominators of a sum, so that long sums of decimals stay as short as their longest term.
#[derive(Clone, Debug)]
pub struct Rational {
    numerator: IBig,
    denominator: IBig,
}

impl Rational {
    /// Zero.
    pub const ZERO: Self = Self { numerator: IBig::ZERO, denominator: IBig::ONE };
    /// One.
    pub const ONE: Self = Self { numerator: IBig::ONE, denominator: IBig::ONE };

    /// ½.
    pub fn half() -> Self {
        Self { numerator: IBig::ONE, denominator: IBig::from(2) }
    }

    /// `numerator / denominator`; `None` if the denominator is zero.
    pub fn new(numerator: IBig, denominator: IBig) -> Option<Self> {
        match denominator.cmp(&IBig::ZERO) {
            Ordering::Equal => None,
            Ordering::Less => Some(Self::reduced(-numerator, -denominator)),
            Ordering::Greater => Some(Self::reduced(numerator, denominator)),
        }
    }

    /// Removes common powers of two.
    fn reduced(numerator: IBig, denominator: IBig) -> Self {
        let zeros = denominator.trailing_zeros().unwrap_or(0);
        let common = numerator.trailing_zeros().map_or(zeros, |n| n.min(zeros));
        if common == 0 {
            return Self { numerator, denominator };
        }
        Self { numerator: numerator >> common, denominator: denominator >> common }
    }

    /// The integer `n`.
    pub fn integer(n: impl Into<IBig>) -> Self {
        Self { numerator: n.into(), denominator: IBig::ONE }
    }

    /// The value of a finite float, exactly; `None` for NaN and infinities.
    pub fn from_f64(value: f64) -> Option<Self> {
        let (mantissa, exponent) = decode(value)?;
        Some(Self::scaled(IBig::from(mantissa), exponent))
    }

    /// `mantissa · 2^exponent`.
    pub(super) fn scaled(mantissa: IBig, exponent: i64) -> Self {
        let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        if exponent >= 0 {
            Self { numerator: mantissa << shift, denominator: IBig::ONE }
        } else {
            Self { numerator: mantissa, denominator: IBig::ONE << shift }
        }
    }

    /// Numerator and denominator, the latter positive.
    pub fn parts(&self) -> (&IBig, &IBig) {
        (&self.numerator, &self.denominator)
    }

    /// The decimal that is exactly this number; `None` if there is none, or none of at most 400
    /// places.
    pub fn decimal_text(&self) -> Option<String> {
        let ten = IBig::from(10);
        let mut scaled = self.numerator.clone();
        let places = (0..=400).find(|_| {
            let is_whole = (&scaled).div_rem(&self.denominator).1 == IBig::ZERO;
            if !is_whole {
                scaled *= &ten;
            }
            is_whole
        })?;
        let digits = (&scaled).div_rem(&self.denominator).0;
        Some(if places == 0 { digits.to_string() } else { format!("{digits}e-{places}") })
    }

    /// The largest integer that is at most this number.
    pub fn floor(&self) -> IBig {
        (&self.numerator).div_rem_euclid(&self.denominator).0
    }

    /// The smallest integer that is at least this number.
    pub fn ceil(&self) -> IBig {
        -(-self.clone()).floor()
    }

    /// True if this number is an integer.
    pub fn is_whole(&self) -> bool {
        (&self.numerator).div_rem(&self.denominator).1 == IBig::ZERO
    }

    /// Absolute value.
    pub fn abs(self) -> Self {
        if self.numerator < IBig::ZERO { -self } else { self }
    }

    /// The largest finite or infinite `f64` that is at most this number.
    pub fn down(&self) -> f64 {
        let mut candidate = self.nearby();
        while Self::from_f64(candidate).map_or(candidate > 0.0, |c| c > *self) {
            candidate = candidate.next_down();
        }
        loop {
            let next = candidate.next_up();
            match Self::from_f64(next) {
                Some(value) if value <= *self => candidate = next,
                _ => return candidate,
            }
        }
    }

    /// The smallest finite or infinite `f64` that is at least this number.
    pub fn up(&self) -> f64 {
        -(-self.clone()).down()
    }

    /// The `f32` nearest to this number, ties to even; infinite on overflow.
    pub fn nearest_f32(&self) -> f32 {
        let below = f32_at_most(self);
        let above = if Self::from_f64(f64::from(below)).as_ref() == Some(self) {
            return below;
        } else {
            below.next_up()
        };
        // 2^128 takes the place of infinity in the choice of the nearer neighbour.
        let end = |x: f32| match x {
            f32::INFINITY => 2f64.powi(128),
            f32::NEG_INFINITY => -(2f64.powi(128)),
            x => f64::from(x),
        };
        let middle = Self::from_f64(end(below) / 2.0 + end(above) / 2.0).unwrap_or(Self::ZERO);
        match self.cmp(&middle) {
            Ordering::Less => below,
            Ordering::Greater => above,
            Ordering::Equal if below.to_bits() & 1 == 0 => below,
            Ordering::Equal => above,
        }
    }

    /// Some float within a few units in the last place: a start for directed rounding.
    fn nearby(&self) -> f64 {
        if self.numerator == IBig::ZERO {
            return 0.0;
        }
        let magnitude = (&self.numerator).unsigned_abs();
        let bits = |x: usize| i64::try_from(x).unwrap_or(i64::MAX);
        // 64 or 65 leading bits of the quotient
        let shift = 64
            - (bits(magnitude.bit_len()) - bits(self.denominator.clone().unsigned_abs().bit_len()));
        let size = usize::try_from(shift.unsigned_abs()).unwrap_or(0);
        let quotient = if shift >= 0 {
            (IBig::from(magnitude) << size) / &self.denominator
        } else {
            IBig::from(magnitude) / (&self.denominator << size)
        };
        let leading = u128::try_from(quotient).unwrap_or(u128::MAX) as f64;
        let value = scale_by_power_of_two(leading, -shift);
        if self.numerator < IBig::ZERO { -value } else { value }
    }
}

/// The largest `f32` (possibly −∞) that is at most `value`.
fn f32_at_most(value: &Rational) -> f32 {
    let mut candidate = value.down() as f32;
    while candidate == f32::INFINITY
        || Rational::from_f64(f64::from(candidate)).is_some_and(|c| c > *value)
    {
        candidate = candidate.next_down();
    }
    candidate
}

/// `value · 2^exponent` in floating point, saturating; only ever a starting guess.
fn scale_by_power_of_two(value: f64, exponent: i64) -> f64 {
    let mut result = value;
    let mut left = exponent.clamp(-4000, 4000);
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        result *= 2f64.powi(step as i32);
        left -= step;
    }
    result
}

/// `value = mantissa · 2^exponent` exactly, the mantissa odd or 0; `None` for NaN and infinities.
pub fn decode(value: f64) -> Option<(i64, i64)> {
    if !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let field = ((bits >> 52) & 0x7ff) as i64;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) =
        if field == 0 { (fraction, -1074) } else { (fraction | (1 << 52), field - 1075) };
    if mantissa == 0 {
        return Some((0, 0));
    }
    let zeros = mantissa.trailing_zeros();
    let signed = if value < 0.0 { -(mantissa >> zeros) } else { mantissa >> zeros };
    Some((signed, exponent + i64::from(zeros)))
}

impl PartialEq for Rational {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Rational {}
impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Rational {
    // a/b < c/d ⇔ a·d < c·b, since both denominators are positive
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }
}
impl Add for &Rational {
    type Output = Rational;
    fn add(self, rhs: Self) -> Rational {
        // a/(g·p) + b/(g·q) = (a·q + b·p)/(g·p·q)
        let common = IBig::from((&self.denominator).gcd(&rhs.denominator));
        let (p, q) = (&self.denominator / &common, &rhs.denominator / &common);
        Rational::reduced(&self.numerator * &q + &rhs.numerator * &p, &self.denominator * &q)
    }
}
impl Sub for &Rational {
    type Output = Rational;
    fn sub(self, rhs: Self) -> Rational {
        self + &(-rhs.clone())
    }
}
impl Mul for &Rational {
    type Output = Rational;
    fn mul(self, rhs: Self) -> Rational {
        Rational::reduced(&self.numerator * &rhs.numerator, &self.denominator * &rhs.denominator)
    }
}
impl Div for &Rational {
    type Output = Option<Rational>;
    /// `None` when the divisor is zero.
    fn div(self, rhs: Self) -> Option<Rational> {
        Rational::new(&self.numerator * &rhs.denominator, &self.denominator * &rhs.numerator)
    }
}
impl Neg for Rational {
    type Output = Self;
    fn neg(self) -> Self {
        Self { numerator: -self.numerator, denominator: self.denominator }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quotient(n: i64, d: i64) -> Rational {
        Rational::new(IBig::from(n), IBig::from(d)).expect("test denominators are not zero")
    }

    #[test]
    fn one_third_lies_between_its_neighbours() {
        let third = quotient(1, 3);
        assert_eq!(third.down().next_up(), third.up());
        assert!(Rational::from_f64(third.down()).unwrap() < third);
        assert!(Rational::from_f64(third.up()).unwrap() > third);
    }

    #[test]
    fn floats_round_to_themselves() {
        for x in [0.0, 1.0, -0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, -5e-324] {
            let exact = Rational::from_f64(x).unwrap();
            assert_eq!((exact.down(), exact.up()), (x, x));
        }
    }

    #[test]
    fn overflow_and_underflow_round_outward() {
        let huge = &Rational::from_f64(f64::MAX).unwrap() + &Rational::ONE;
        assert_eq!((huge.down(), huge.up()), (f64::MAX, f64::INFINITY));
        let tiny = (&Rational::from_f64(5e-324).unwrap() / &Rational::integer(2)).unwrap();
        assert_eq!((tiny.down(), tiny.up()), (0.0, 5e-324));
    }

    #[test]
    fn floor_and_ceil_of_negative_halves() {
        assert_eq!(quotient(-3, 2).floor(), IBig::from(-2));
        assert_eq!(quotient(-3, 2).ceil(), IBig::from(-1));
        assert!(quotient(6, -3).is_whole());
    }

    proptest! {
        #[test]
        fn nearest_f32_agrees_with_the_hardware(x in any::<f64>().prop_filter("finite", |x| x.is_finite())) {
            prop_assert_eq!(Rational::from_f64(x).unwrap().nearest_f32(), x as f32);
        }

        #[test]
        fn directed_rounding_brackets(n in any::<i64>(), d in 1i64..) {
            let x = quotient(n, d);
            let (lo, hi) = (x.down(), x.up());
            prop_assert!(Rational::from_f64(lo).unwrap() <= x && x <= Rational::from_f64(hi).unwrap());
            prop_assert!(lo == hi || lo.next_up() == hi);
        }
    }
}
