//! Affine forms in exact integers with one shared power of two ("block dyadic").

use dashu_int::IBig;
use dashu_int::ops::BitTest;

use super::rational::decode;
use super::{Dyadic, Form, Interval, Lines, Sizes};

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

/// A layer as integers with one shared power of two.
#[derive(Clone, Debug)]
pub struct ExactLayer {
    weights: Block,
    bias: Vec<f64>,
    inputs: usize,
}

/// `numbers[i] · 2^exponent`.
#[derive(Clone, Debug)]
struct Block {
    numbers: Vec<IBig>,
    exponent: i64,
    is_lost: bool,
}

impl Block {
    fn new(values: &[f64]) -> Self {
        let decoded: Option<Vec<_>> = values.iter().map(|&v| decode(v)).collect();
        let Some(decoded) = decoded else {
            return Self { numbers: vec![IBig::ZERO; values.len()], exponent: 0, is_lost: true };
        };
        let exponent = decoded.iter().filter(|(m, _)| *m != 0).map(|&(_, e)| e).min().unwrap_or(0);
        let lift = |&(mantissa, e): &(i64, i64)| {
            if mantissa == 0 { IBig::ZERO } else { IBig::from(mantissa) << shift(e - exponent) }
        };
        Self { numbers: decoded.iter().map(lift).collect(), exponent, is_lost: false }
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

    fn layer(weights: &[f64], bias: &[f64], inputs: usize) -> ExactLayer {
        ExactLayer { weights: Block::new(weights), bias: bias.to_vec(), inputs }
    }

    fn new(coefficients: &[f64]) -> Self {
        let block = Block::new(coefficients);
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
        let inputs = layer.inputs;
        let row = layer.weights.numbers.get(output * inputs..(output + 1) * inputs);
        let mut form = Self {
            coefficients: row.unwrap_or_default().to_vec(),
            exponent: layer.weights.exponent,
            constant: Dyadic::ZERO,
            is_lost: layer.weights.is_lost || row.is_none(),
        };
        if sign < 0.0 {
            form.coefficients.iter_mut().for_each(|a| *a = -std::mem::take(a));
        }
        form.add_constant(sign, layer.bias.get(output).copied().unwrap_or(f64::NAN));
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
        let mut products = vec![IBig::ZERO; layer.inputs];
        let rows = layer.weights.numbers.chunks_exact(layer.inputs.max(1));
        let coefficients = std::mem::take(&mut self.coefficients);
        for ((a, &b), row) in coefficients.iter().zip(&layer.bias).zip(rows) {
            if *a == IBig::ZERO {
                continue;
            }
            self.add_to_constant(&Dyadic::new(a.clone(), self.exponent), b);
            for (product, w) in products.iter_mut().zip(row) {
                *product += a * w;
            }
        }
        self.coefficients = products;
        self.exponent += layer.weights.exponent;
        self.is_lost |= layer.weights.is_lost;
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
        let slopes = Block::new(&slopes);
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
