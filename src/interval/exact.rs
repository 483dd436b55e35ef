//! Affine forms in exact integers with one shared power of two ("block dyadic").

use dashu_int::IBig;
use dashu_int::ops::BitTest;

use super::products::products;
use super::rational::decode;
use super::{Dyadic, Form, Interval, Lines, Sizes, Stored};

/// Integers of more bits than this are refused: the form then bounds nothing.
const MAX_BITS: usize = 16_384;

/// An affine form whose coefficients are `integer · 2^exponent`.
#[derive(Clone, Debug)]
pub struct Exact {
    coefficients: Vec<IBig>,
    exponent: i64,
    constant: Dyadic,
    /// Set once an integer would have grown over the limit, or a number was not finite.
    is_lost: bool,
}

/// A layer whose weights are integers times one shared power of two. The integers are made when they are needed:
/// some may be long.
#[derive(Clone, Debug)]
pub struct ExactLayer {
    stored: Stored,
    exponent: i64,
    /// Every weight's own exponent is below `exponent + spread`.
    spread: i64,
    is_lost: bool,
}

/// The integer `n` with `value = n · 2^exponent`, where `exponent` is at most that of the value, or anything if the
/// value is 0. A value that is not finite counts as 0: whoever asks has seen it in [`exponents`].
fn integer(value: f64, exponent: i64) -> IBig {
    let (mantissa, e) = decode(value).unwrap_or((0, exponent));
    match e - exponent {
        _ if mantissa == 0 => IBig::ZERO,
        // without a detour through memory
        bits @ 0..=64 => IBig::from(i128::from(mantissa) << bits),
        bits => IBig::from(mantissa) << shift(bits),
    }
}

/// The least exponent of the numbers that are not 0, and the count of exponents from it to the largest; `None`
/// if a number is not finite.
fn exponents(values: &[f64]) -> Option<(i64, i64)> {
    let mut range: Option<(i64, i64)> = None;
    for &value in values {
        let (mantissa, e) = decode(value)?;
        if mantissa != 0 {
            let (least, most) = range.unwrap_or((e, e));
            range = Some((least.min(e), most.max(e)));
        }
    }
    let (least, most) = range.unwrap_or((0, 0));
    Some((least, most - least + 1))
}

/// `numbers[i] · 2^exponent`.
#[derive(Clone, Debug)]
struct SharedExponent {
    numbers: Vec<IBig>,
    exponent: i64,
    is_lost: bool,
}

impl SharedExponent {
    fn new(values: &[f64]) -> Self {
        let Some((exponent, _)) = exponents(values) else {
            return Self { numbers: vec![IBig::ZERO; values.len()], exponent: 0, is_lost: true };
        };
        let numbers = values.iter().map(|&value| integer(value, exponent)).collect();
        Self { numbers, exponent, is_lost: false }
    }
}

/// A shift that is known not to be negative.
fn shift(bits: i64) -> usize {
    usize::try_from(bits).unwrap_or(0)
}

impl Exact {
    /// Marks the form as lost if its integers have become too large.
    fn checked(mut self) -> Self {
        self.is_lost |= self.coefficients.iter().any(|a| a.bit_len() > MAX_BITS);
        if self.is_lost {
            self.coefficients.iter_mut().for_each(|a| *a = IBig::ZERO);
        }
        self
    }

    fn coefficient(&self, integer: &IBig) -> Dyadic {
        Dyadic::new(integer.clone(), self.exponent)
    }

    /// Adds `a · b` to the constant.
    fn add_to_constant(&mut self, a: &Dyadic, b: f64) {
        match Dyadic::from_f64(b) {
            Some(b) => self.constant = &self.constant + &(a * &b),
            None => self.is_lost = true,
        }
    }

    /// Rewrites the coefficients with the smaller exponent `exponent`.
    fn lower_exponent(&mut self, exponent: i64) {
        if exponent < self.exponent {
            let bits = shift(self.exponent - exponent);
            if bits > MAX_BITS {
                self.is_lost = true;
                return;
            }
            self.coefficients.iter_mut().for_each(|a| *a <<= bits);
            self.exponent = exponent;
        }
    }
}

impl Form for Exact {
    type Layer = ExactLayer;

    fn layer(stored: Stored) -> ExactLayer {
        let exponents = exponents(stored.weights());
        let (exponent, spread) = exponents.unwrap_or((0, 0));
        ExactLayer { stored, exponent, spread, is_lost: exponents.is_none() }
    }

    fn stored(layer: &ExactLayer) -> &Stored {
        &layer.stored
    }

    fn new(coefficients: &[f64]) -> Self {
        let block = SharedExponent::new(coefficients);
        Self {
            coefficients: block.numbers,
            exponent: block.exponent,
            constant: Dyadic::ZERO,
            is_lost: block.is_lost,
        }
    }

    fn sizes(_: &ExactLayer, _: &[f64]) -> Sizes {
        Sizes::default()
    }

    fn output(layer: &ExactLayer, output: usize, sign: f64) -> Self {
        let ExactLayer { stored, exponent, is_lost, .. } = layer;
        let mut form = Self {
            coefficients: vec![IBig::ZERO; stored.inputs() * stored.copies()],
            exponent: *exponent,
            constant: Dyadic::ZERO,
            is_lost: *is_lost,
        };
        match stored.row(output) {
            Some((inputs, row, bias)) => {
                let own = form.coefficients.iter_mut().skip(inputs.start);
                own.zip(row).for_each(|(a, w)| *a = integer(sign * w, *exponent));
                form.add_constant(sign, bias);
            }
            None => form.is_lost = true,
        }
        form
    }

    fn range(layer: &ExactLayer, output: usize, sides: &[Interval], _: &Sizes) -> Interval {
        let lower = |sign| Self::output(layer, output, sign).minimum(sides);
        Interval::new(lower(1.0), -lower(-1.0)).unwrap_or(Interval::WHOLE)
    }

    fn len(&self) -> usize {
        self.coefficients.len()
    }

    fn through_layer(mut self, layer: &ExactLayer, _: &Sizes) -> Self {
        let stored = &layer.stored;
        let coefficients = std::mem::take(&mut self.coefficients);
        for copy in stored.by_copy(&coefficients) {
            let exponents = (layer.exponent, layer.spread);
            self.coefficients.extend(products(copy, stored.weights(), stored.inputs(), exponents));
            for (a, &b) in copy.iter().zip(stored.bias()).filter(|(a, _)| **a != IBig::ZERO) {
                self.add_to_constant(&Dyadic::new(a.clone(), self.exponent), b);
            }
        }
        self.exponent += layer.exponent;
        self.is_lost |= layer.is_lost;
        self.checked()
    }

    fn through_relu(mut self, lines: &[Lines], _bounds: &[Interval]) -> Self {
        let coefficients = std::mem::take(&mut self.coefficients);
        let mut slopes = Vec::with_capacity(coefficients.len());
        for (a, line) in coefficients.iter().zip(lines) {
            if *a >= IBig::ZERO {
                slopes.push(line.lower());
                if line.floor() != 0.0 {
                    self.add_to_constant(&Dyadic::new(a.clone(), self.exponent), line.floor());
                }
            } else {
                slopes.push(line.upper());
                self.add_to_constant(&Dyadic::new(a.clone(), self.exponent), line.intercept());
            }
        }
        let slopes = SharedExponent::new(&slopes);
        self.coefficients = coefficients.iter().zip(&slopes.numbers).map(|(a, s)| a * s).collect();
        self.exponent += slopes.exponent;
        self.is_lost |= slopes.is_lost;
        self.checked()
    }

    fn shared(mut self, mut other: Self, movers: &[usize], _magnitudes: &[f64]) -> Self {
        let size = self.len();
        let is_whole = other.len() == size && movers.iter().all(|&mover| mover < size);
        let exponent = self.exponent.min(other.exponent);
        self.lower_exponent(exponent);
        other.lower_exponent(exponent);
        let moved: Vec<IBig> =
            movers.iter().filter_map(|&mover| self.coefficients.get(mover).cloned()).collect();
        self.coefficients.iter_mut().zip(&other.coefficients).for_each(|(a, b)| *a += b);
        self.coefficients.extend(moved);
        self.constant = &self.constant + &other.constant;
        self.is_lost |= other.is_lost || !is_whole;
        self.checked()
    }

    fn add_product(&mut self, index: usize, a: f64, b: f64, _magnitude: f64) {
        if a == 0.0 || b == 0.0 {
            return;
        }
        let (Some((m, e)), Some((n, f))) = (decode(a), decode(b)) else {
            self.is_lost = true;
            return;
        };
        self.lower_exponent(e + f);
        let term = (IBig::from(m) * IBig::from(n)) << shift(e + f - self.exponent);
        match self.coefficients.get_mut(index) {
            Some(coefficient) => *coefficient += term,
            None => self.is_lost = true,
        }
    }

    fn add_constant(&mut self, a: f64, b: f64) {
        match Dyadic::from_f64(a) {
            Some(a) => self.add_to_constant(&a, b),
            None => self.is_lost = true,
        }
    }

    fn minimum(&self, sides: &[Interval]) -> f64 {
        if self.is_lost || sides.len() != self.coefficients.len() {
            return f64::NEG_INFINITY;
        }
        let mut sum = self.constant.clone();
        for (a, side) in self.coefficients.iter().zip(sides) {
            if *a == IBig::ZERO {
                continue;
            }
            let end = if *a > IBig::ZERO { side.lo() } else { side.hi() };
            match Dyadic::from_f64(end) {
                Some(end) => sum = &sum + &(&self.coefficient(a) * &end),
                None => return f64::NEG_INFINITY,
            }
        }
        sum.to_rational().down()
    }

    fn coefficients(&self) -> Vec<f64> {
        self.coefficients.iter().map(|a| self.coefficient(a).to_rational().down()).collect()
    }
}
