//! Affine forms in round-to-nearest `f64`, every rounding paid for.
//!
//! A form carries, beside its float coefficients and constant, the total `loss` that rounding may have cost so
//! far. With `u = 2⁻⁵³` and `γ_k = k·u/(1−k·u)`, a sum of `k` rounded products is off by at most
//! `γ_k·Σ|terms| + k·2⁻¹⁰⁷⁴`, in any order (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.1). An
//! error in the coefficient of `v` costs its size times a bound on `|v|`. Errors by underflow are included,
//! since a coefficient that underflowed may meet a huge variable. For a layer that costs
//! `γ·Σ_i Σ_j |a_j·W_ji|·|h_i| = γ·Σ_j |a_j|·(Σ_i |W_ji|·|h_i|)`, whose inner sum is the same for every form
//! over one box ([`Sizes`]).
//!
//! The loss is itself a float sum of non-negative terms. No path from an input to it passes
//! through more than 2³⁰ roundings (sizes are limited when a model is read), so the true value is
//! at most `(1 + 2⁻²⁰)` times the computed one; see [`INFLATE`].

use super::{Form, Interval, Lines, Sizes, Stored};

/// The unit roundoff of `f64`.
const U: f64 = f64::EPSILON / 2.0;
/// The smallest positive `f64`: one product underflows by at most half of it.
const TINY: f64 = 5e-324;
/// Covers 2³⁰ roundings of non-negative terms: `γ` of that many is below 2⁻²².
const INFLATE: f64 = 1.0 + 1.0 / (1 << 20) as f64;

/// `γ_k` for `f64`, rounded up. `k` is far below 2⁵⁰.
fn gamma(k: usize) -> f64 {
    let ku = k as f64 * U;
    ((ku / (1.0 - ku)) * (1.0 + 4.0 * f64::EPSILON)).next_up()
}

/// `γ_k = k·u/(1−k·u)` with `u = 2⁻²⁴`, rounded up; +∞ from `k = 2²⁴` on.
pub fn gamma_f32(k: usize) -> f64 {
    let ku = k as f64 / (1 << 24) as f64;
    if ku < 1.0 {
        ((ku / (1.0 - ku)) * (1.0 + 4.0 * f64::EPSILON)).next_up()
    } else {
        f64::INFINITY
    }
}

/// An upper bound of the sum of non-negative numbers; +∞ if any of them is NaN.
pub fn sum_up(terms: impl IntoIterator<Item = f64>) -> f64 {
    terms.into_iter().fold(0.0, |sum, term| {
        let next = (sum + term).next_up();
        if next.is_nan() { f64::INFINITY } else { next }
    })
}

/// An upper bound of the product of two non-negative numbers; +∞ on NaN, else 0 if one is 0.
pub fn product_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 {
        return if a.is_nan() || b.is_nan() { f64::INFINITY } else { 0.0 };
    }
    let product = (a * b).next_up();
    if product.is_nan() { f64::INFINITY } else { product }
}

/// An affine form in `f64` with its accumulated rounding loss.
#[derive(Clone, Debug)]
pub struct Rounded {
    coefficients: Vec<f64>,
    constant: Sum,
    /// The most that rounded coefficients may have cost (before [`INFLATE`]).
    loss: f64,
}

/// A float sum of terms, with the data that bounds its error.
#[derive(Clone, Copy, Debug)]
struct Sum {
    value: f64,
    /// Σ|terms|, computed.
    absolute: f64,
    terms: usize,
    /// True if no term so far was negative.
    is_non_negative: bool,
    /// A power of two of which every term is a whole multiple; 0 if it underflows.
    unit: f64,
}

impl Sum {
    const ZERO: Self =
        Self { value: 0.0, absolute: 0.0, terms: 0, is_non_negative: true, unit: f64::INFINITY };

    /// Adds the product of a coefficient and a number.
    fn add_product(&mut self, a: f64, b: f64) {
        if adds_nothing(a, b) {
            return;
        }
        *self = self.with_term((a, b));
        self.add_unit(a, b);
    }

    /// Lowers the unit to that of the product `a·b`; the product itself is added separately.
    fn add_unit(&mut self, a: f64, b: f64) {
        if self.unit > 0.0 && a != 0.0 && b != 0.0 {
            self.unit = self.unit.min(unit(a) * unit(b));
        }
    }

    /// Stops tracking units: the form has lost something else, so its sum is not exact.
    fn forget_unit(&mut self) {
        self.unit = 0.0;
    }

    /// True if no product and no sum was rounded. Below 2⁵³ units every multiple of the unit is a float.
    /// `absolute` grows term by term, so it would not be below that limit if a product or a sum had passed it.
    fn is_exact(&self) -> bool {
        self.absolute < self.unit * (1u64 << 53) as f64
    }

    /// The sum with the product `a·b` added; the unit stays as it is. It takes and returns a value, so that a loop
    /// keeps the sum in registers: bounds of whole networks took a tenth longer when it was changed in place.
    fn with_term(self, (a, b): (f64, f64)) -> Self {
        if adds_nothing(a, b) {
            return self;
        }
        let term = a * b;
        Self {
            value: self.value + term,
            absolute: self.absolute + term.abs(),
            terms: self.terms + 1,
            // by the signs of the operands: a small negative product underflows to −0
            is_non_negative: self.is_non_negative & ((a > 0.0) == (b > 0.0)),
            unit: self.unit,
        }
    }

    /// Adds the terms of another sum; `γ` of their number covers every order.
    fn add_sum(&mut self, other: Self) {
        self.value += other.value;
        self.absolute += other.absolute;
        self.terms += other.terms;
        self.is_non_negative &= other.is_non_negative;
        self.unit = self.unit.min(other.unit);
    }

    /// An upper bound of the error of `value` (before [`INFLATE`]).
    fn error(&self) -> f64 {
        gamma(self.terms + 1) * self.absolute + self.terms as f64 * TINY
    }
}

/// True if the product of a coefficient and a number adds nothing. A coefficient of 0 adds nothing, whatever
/// the number. A number of 0 does not hide a coefficient that overflowed, whose sign is not known.
fn adds_nothing(a: f64, b: f64) -> bool {
    a == 0.0 || (b == 0.0 && a.is_finite())
}

/// The value of the lowest bit of a finite number other than 0.
fn unit(x: f64) -> f64 {
    let (size, bits) = (x.abs(), x.abs().to_bits());
    // a power of two has no bit but the hidden one
    let is_power = bits << 12 == 0;
    if is_power { size } else { size - f64::from_bits(bits & (bits - 1)) }
}

/// Terms that are summed side by side, so that the processor may add them together.
const LANES: usize = 4;

/// `Σ_i |weights_i|·sizes_i`, each product raised by what underflow may have taken from it.
fn sum_of_sizes(weights: &[f64], sizes: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (w, h) = (weights.chunks_exact(LANES), sizes.chunks_exact(LANES));
    let rest = w.remainder().iter().zip(h.remainder());
    let rest = rest.fold(TINY, |sum, (w, h)| sum + (w.abs() * h + TINY));
    for (w, h) in w.zip(h) {
        for lane in 0..LANES {
            sums[lane] += w[lane].abs() * h[lane] + TINY;
        }
    }
    sums.iter().fold(rest, |sum, part| sum + part)
}

/// The least and the largest value of `bias + weights·h` over a box, computed in round-to-nearest.
fn extremes(weights: &[f64], bias: f64, sides: &[Interval]) -> (f64, f64) {
    // the end that a weight of the given sign takes; no product with NaN is lost in a comparison
    let ends = |w: f64, side: &Interval| {
        let (a, b) = (w * side.lo(), w * side.hi());
        if w >= 0.0 { (a, b) } else { (b, a) }
    };
    let (mut least, mut most) = ([0.0; LANES], [0.0; LANES]);
    let (w, h) = (weights.chunks_exact(LANES), sides.chunks_exact(LANES));
    let rest = w.remainder().iter().zip(h.remainder());
    let (mut below, mut above) = (bias, bias);
    for (&w, side) in rest {
        let (a, b) = ends(w, side);
        (below, above) = (below + a, above + b);
    }
    for (w, h) in w.zip(h) {
        for lane in 0..LANES {
            let (a, b) = ends(w[lane], &h[lane]);
            least[lane] += a;
            most[lane] += b;
        }
    }
    let sum = |start: f64, parts: [f64; LANES]| parts.iter().fold(start, |sum, part| sum + part);
    (sum(below, least), sum(above, most))
}

/// `Σ_j a_j·row_j`, four rows at a time: the sums are then read and written a quarter as often.
struct Products<'a> {
    sums: Vec<f64>,
    waiting: [(f64, &'a [f64]); LANES],
    count: usize,
}

impl<'a> Products<'a> {
    fn new(length: usize) -> Self {
        Self { sums: vec![0.0; length], waiting: [(0.0, &[]); LANES], count: 0 }
    }

    fn add(&mut self, a: f64, row: &'a [f64]) {
        self.waiting[self.count] = (a, row);
        self.count += 1;
        if self.count == LANES {
            let [(a, p), (b, q), (c, r), (d, s)] = self.waiting;
            let length = self.sums.len();
            // all of one length: the loop needs no checks and adds several sums at a time
            let (p, q, r, s) = (&p[..length], &q[..length], &r[..length], &s[..length]);
            for index in 0..length {
                self.sums[index] += (a * p[index] + b * q[index]) + (c * r[index] + d * s[index]);
            }
            self.count = 0;
        }
    }

    fn finish(mut self) -> Vec<f64> {
        for (a, row) in self.waiting.into_iter().take(self.count) {
            self.sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += a * w);
        }
        self.sums
    }
}

impl Form for Rounded {
    type Layer = Stored;

    fn layer(stored: Stored) -> Stored {
        stored
    }

    fn stored(layer: &Stored) -> &Stored {
        layer
    }

    fn sizes(layer: &Stored, magnitudes: &[f64]) -> Sizes {
        let mut through = Vec::with_capacity(layer.outputs() * layer.copies());
        for part in magnitudes.chunks_exact(layer.inputs().max(1)) {
            through.extend(layer.rows().map(|row| sum_of_sizes(row, part)));
        }
        Sizes { through, total: magnitudes.iter().sum() }
    }

    fn new(coefficients: &[f64]) -> Self {
        Self { coefficients: coefficients.to_vec(), constant: Sum::ZERO, loss: 0.0 }
    }

    fn output(layer: &Stored, output: usize, sign: f64) -> Self {
        let size = layer.inputs() * layer.copies();
        let mut coefficients = Vec::with_capacity(size);
        let mut constant = Sum::ZERO;
        match layer.row(output) {
            Some((inputs, row, bias)) => {
                coefficients.resize(inputs.start, 0.0);
                coefficients.extend(row.iter().map(|w| sign * w));
                constant.add_product(sign, bias);
            }
            None => constant.add_product(sign, f64::NAN),
        }
        coefficients.resize(size, 0.0);
        Self { coefficients, constant, loss: 0.0 }
    }

    fn range(layer: &Stored, output: usize, all: &[Interval], sizes: &Sizes) -> Interval {
        let found = layer.row(output).zip(sizes.through.get(output));
        let Some(((inputs, row, bias), &through)) = found else { return Interval::WHOLE };
        let Some(sides) = all.get(inputs) else { return Interval::WHOLE };
        let (below, above) = extremes(row, bias, sides);
        let slack = gamma(row.len() + 1) * (through + bias.abs()) + (row.len() + 2) as f64 * TINY;
        let loss = INFLATE * slack;
        let (mut lo, mut hi) = ((below - loss).next_down(), (above + loss).next_up());
        // an end that only the allowance took across 0 may be exactly 0
        if lo < 0.0 && below >= 0.0 {
            lo = Self::output(layer, output, 1.0).minimum(all);
        }
        if hi > 0.0 && above <= 0.0 {
            hi = -Self::output(layer, output, -1.0).minimum(all);
        }
        // NaN and infinite sums say nothing
        let is_known = below.is_finite() && above.is_finite() && loss.is_finite();
        if is_known { Interval::new(lo, hi).unwrap_or(Interval::WHOLE) } else { Interval::WHOLE }
    }

    fn len(&self) -> usize {
        self.coefficients.len()
    }

    fn through_layer(mut self, layer: &Stored, sizes: &Sizes) -> Self {
        let terms = self.coefficients.iter().filter(|a| **a != 0.0).count();
        // one term is a plain product: exact if it is a product with ±1
        let is_copy = terms == 1 && self.coefficients.iter().all(|a| matches!(a.abs(), 0.0 | 1.0));
        let is_rounded = terms > 0 && !is_copy;
        if is_rounded {
            self.constant.forget_unit();
        }
        let mut size = 0.0;
        // a missing size counts as infinite
        let mut through = sizes.through.iter().copied().chain(std::iter::repeat(f64::INFINITY));
        let mut substituted = Vec::new();
        for copy in layer.by_copy(&self.coefficients) {
            let outputs = copy.iter().zip(layer.bias()).zip(&mut through);
            let mut products = Products::new(layer.inputs());
            for (((&a, &b), through), row) in outputs.zip(layer.rows()) {
                if a == 0.0 {
                    continue;
                }
                size += a.abs() * through + TINY;
                self.constant.add_product(a, b);
                products.add(a, row);
            }
            match substituted.is_empty() {
                true => substituted = products.finish(),
                false => substituted.extend(products.finish()),
            }
        }
        if is_rounded {
            // Σ_i [γ·Σ_j |a_j·W_ji| + underflow]·|h_i|, with the order of summation exchanged
            let underflow = (terms + 2) as f64 * TINY;
            self.loss += gamma(terms) * size + underflow * sizes.total + TINY;
        }
        self.coefficients = substituted;
        self
    }

    fn through_relu(mut self, lines: &[Lines], bounds: &[Interval]) -> Self {
        for ((a, line), bound) in self.coefficients.iter_mut().zip(lines).zip(bounds) {
            let (slope, height) = match *a >= 0.0 {
                true => (line.lower(), line.floor()),
                false => (line.upper(), line.intercept()),
            };
            // a coefficient that overflowed stays in its place, where the minimum sees it
            if height != 0.0 {
                self.constant.add_product(*a, height);
            }
            let product = *a * slope;
            // a product with 0 or 1 is exact
            if slope != 0.0 && slope != 1.0 && *a != 0.0 {
                self.loss += (U * product.abs() + TINY) * bound.magnitude() + TINY;
            }
            *a = product;
        }
        self
    }

    fn shared(mut self, other: Self, movers: &[usize], magnitudes: &[f64]) -> Self {
        let size = self.len();
        // if a part is missing, nothing is bounded
        let is_whole = other.len() == size
            && magnitudes.len() == size
            && movers.iter().all(|&mover| mover < size);
        self.loss += if is_whole { other.loss } else { f64::INFINITY };
        let moved: Vec<f64> =
            movers.iter().filter_map(|&mover| self.coefficients.get(mover).copied()).collect();
        for ((a, b), size) in self.coefficients.iter_mut().zip(other.coefficients).zip(magnitudes) {
            let is_exact = *a == 0.0 || b == 0.0;
            *a += b;
            if !is_exact {
                self.loss += U * a.abs() * size + TINY;
            }
        }
        self.coefficients.extend(moved);
        self.constant.add_sum(other.constant);
        self
    }

    fn add_product(&mut self, index: usize, a: f64, b: f64, magnitude: f64) {
        // 0 times a number that overflowed is not known to be 0
        if (a == 0.0 || b == 0.0) && a.is_finite() && b.is_finite() {
            return;
        }
        match self.coefficients.get_mut(index) {
            Some(coefficient) => {
                let product = a * b;
                let before = *coefficient;
                *coefficient += product;
                let is_exact = before == 0.0 && (a.abs() == 1.0 || b.abs() == 1.0);
                if !is_exact {
                    let rounding = U * (product.abs() + coefficient.abs()) + TINY;
                    self.loss += rounding * magnitude + TINY;
                }
            }
            None => self.loss = f64::INFINITY,
        }
    }

    fn add_constant(&mut self, a: f64, b: f64) {
        self.constant.add_product(a, b);
    }

    fn minimum(&self, sides: &[Interval]) -> f64 {
        if sides.len() != self.coefficients.len() {
            return f64::NEG_INFINITY;
        }
        let corner = |a: f64, side: &Interval| if a >= 0.0 { side.lo() } else { side.hi() };
        let corners = self.coefficients.iter().zip(sides).map(|(&a, side)| (a, corner(a, side)));
        // not even the sign of a coefficient that overflowed is known, so neither end is the right one
        let mut sum = corners.clone().fold(self.constant, Sum::with_term);
        let loss = INFLATE * (sum.error() + self.loss);
        let bound = (sum.value - loss).next_down();
        if !bound.is_finite() {
            return f64::NEG_INFINITY;
        }
        if self.loss != 0.0 || bound >= 0.0 || sum.value < 0.0 {
            return bound;
        }
        // Rounding keeps signs: exact coefficients and no negative term make a non-negative sum.
        if sum.is_non_negative {
            return 0.0;
        }
        corners.for_each(|(a, end)| sum.add_unit(a, end));
        if sum.is_exact() { sum.value } else { bound }
    }

    fn coefficients(&self) -> Vec<f64> {
        self.coefficients.clone()
    }
}

#[cfg(test)]
mod tests;
