//! Affine forms in round-to-nearest `f64`, every rounding paid for.
//!
//! A form carries, beside its float coefficients and constant, the total `loss` that rounding may
//! have cost so far. With `u = 2⁻⁵³` and `γ_k = k·u/(1−k·u)`, a sum of `k` rounded products is off by
//! at most `γ_k·Σ|terms| + k·2⁻¹⁰⁷⁴`, in any order (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, §3.1). An error in the coefficient of `v` is paid times a bound on `|v|`, underflow
//! included: a coefficient that underflowed may meet a huge variable. For a layer that costs
//! `γ·Σ_i Σ_j |a_j·W_ji|·|h_i| = γ·Σ_j |a_j|·(Σ_i |W_ji|·|h_i|)`, whose inner sum is the same for
//! every form over one box ([`Sizes`]).
//!
//! The loss is itself a float sum of non-negative terms. No path from an input to it passes
//! through more than 2³⁰ roundings (sizes are limited when a model is read), so the true value is
//! at most `(1 + 2⁻²⁰)` times the computed one; see [`INFLATE`].

use std::ops::Range;
use std::sync::Arc;

use super::{Form, Interval, Lines, Sizes};

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
    if (a == 0.0 && !b.is_nan()) || (b == 0.0 && !a.is_nan()) {
        return 0.0;
    }
    let product = (a * b).next_up();
    if product.is_nan() { f64::INFINITY } else { product }
}

/// An affine form in `f64` with its accumulated rounding loss.
#[derive(Clone, Debug)]
pub struct Rounded {
    coefficients: Vec<f64>,
    constant: Sum,
    /// What rounded coefficients may have cost, at most (before [`INFLATE`]).
    loss: f64,
}

/// A float sum of terms with what is needed to bound its error.
#[derive(Clone, Copy, Debug)]
struct Sum {
    value: f64,
    /// Σ|terms|, computed.
    absolute: f64,
    terms: usize,
    /// Whether no term so far was negative.
    is_non_negative: bool,
    /// A power of two of which every term is a whole multiple; 0 if it underflows.
    unit: f64,
}

impl Sum {
    const ZERO: Self =
        Self { value: 0.0, absolute: 0.0, terms: 0, is_non_negative: true, unit: f64::INFINITY };

    /// Adds the product of a coefficient and a number. A coefficient of 0 adds nothing, whatever the
    /// number; a number that is 0 hides no coefficient that overflowed, whose sign is not known.
    fn add_product(&mut self, a: f64, b: f64) {
        self.add_term(a, b);
        self.add_unit(a, b);
    }

    /// The unit of the product `a·b`, which is added apart.
    fn add_unit(&mut self, a: f64, b: f64) {
        if a != 0.0 && b != 0.0 {
            self.unit = self.unit.min(unit(a) * unit(b));
        }
    }

    /// Whether no product and no sum was rounded: below 2⁵³ units every multiple of the unit is a float,
    /// and `absolute`, which grows term by term, would not be below if one of them had passed that.
    fn is_exact(&self) -> bool {
        self.absolute < self.unit * (1u64 << 53) as f64
    }

    /// Adds the product `a·b`, but for its unit.
    fn add_term(&mut self, a: f64, b: f64) {
        if a == 0.0 || (b == 0.0 && a.is_finite()) {
            return;
        }
        let term = a * b;
        self.value += term;
        self.absolute += term.abs();
        self.terms += 1;
        // by the signs of the operands: a small negative product underflows to −0
        self.is_non_negative &= (a > 0.0) == (b > 0.0);
    }

    /// Adds the terms of another sum; `γ` of their number covers every order.
    fn add_sum(&mut self, other: Self) {
        self.value += other.value;
        self.absolute += other.absolute;
        self.terms += other.terms;
        self.is_non_negative &= other.is_non_negative;
        self.unit = self.unit.min(other.unit);
    }

    /// The error of `value`, at most (before [`INFLATE`]).
    fn error(&self) -> f64 {
        gamma(self.terms + 1) * self.absolute + self.terms as f64 * TINY
    }
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

/// `Σ_i |weights_i|·sizes_i`, each product raised by what it may have underflowed.
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

/// `Σ_j a_j·row_j`, four rows at a time: the sums are then fetched and stored a fourth as often.
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

/// A layer as stored, or several copies of it side by side with nothing between them.
#[derive(Clone, Debug)]
pub struct RoundedLayer {
    /// Of one copy.
    weights: Arc<[f64]>,
    /// Of one copy.
    bias: Arc<[f64]>,
    /// Of one copy.
    inputs: usize,
    copies: usize,
}

impl RoundedLayer {
    /// The inputs of the copy that an output belongs to, the weights it gives them, and its bias.
    fn row(&self, output: usize) -> Option<(Range<usize>, &[f64], f64)> {
        let (copy, own) = (output.checked_div(self.bias.len())?, output % self.bias.len());
        let row = self.weights.get(own * self.inputs..(own + 1) * self.inputs)?;
        let inputs = copy * self.inputs..(copy + 1) * self.inputs;
        (copy < self.copies).then_some((inputs, row, *self.bias.get(own)?))
    }

    /// The rows of one copy.
    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.weights.chunks_exact(self.inputs.max(1))
    }
}

impl Form for Rounded {
    type Layer = RoundedLayer;

    fn layer(weights: &[f64], bias: &[f64], inputs: usize) -> RoundedLayer {
        RoundedLayer { weights: weights.into(), bias: bias.into(), inputs, copies: 1 }
    }

    fn stored(layer: &RoundedLayer) -> (&[f64], &[f64]) {
        (&layer.weights, &layer.bias)
    }

    fn side_by_side(layer: &RoundedLayer, copies: usize) -> RoundedLayer {
        RoundedLayer { copies, ..layer.clone() }
    }

    fn without_bias(layer: &RoundedLayer) -> RoundedLayer {
        RoundedLayer { bias: vec![0.0; layer.bias.len()].into(), ..layer.clone() }
    }

    fn sizes(layer: &RoundedLayer, magnitudes: &[f64]) -> Sizes {
        let through = |part| layer.rows().map(move |row| sum_of_sizes(row, part));
        let through = magnitudes.chunks_exact(layer.inputs.max(1)).flat_map(through).collect();
        Sizes { through, total: magnitudes.iter().sum() }
    }

    fn new(coefficients: &[f64]) -> Self {
        Self { coefficients: coefficients.to_vec(), constant: Sum::ZERO, loss: 0.0 }
    }

    fn output(layer: &RoundedLayer, output: usize, sign: f64) -> Self {
        let mut coefficients = vec![0.0; layer.inputs * layer.copies];
        let mut constant = Sum::ZERO;
        match layer.row(output) {
            Some((inputs, row, bias)) => {
                let own = coefficients.iter_mut().skip(inputs.start);
                own.zip(row).for_each(|(a, w)| *a = sign * w);
                constant.add_product(sign, bias);
            }
            None => constant.add_product(sign, f64::NAN),
        }
        Self { coefficients, constant, loss: 0.0 }
    }

    fn range(layer: &RoundedLayer, output: usize, all: &[Interval], sizes: &Sizes) -> Interval {
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
        // NaN and infinite sums know nothing
        let is_known = below.is_finite() && above.is_finite() && loss.is_finite();
        if is_known { Interval::new(lo, hi).unwrap_or(Interval::WHOLE) } else { Interval::WHOLE }
    }

    fn len(&self) -> usize {
        self.coefficients.len()
    }

    fn through_layer(mut self, layer: &RoundedLayer, sizes: &Sizes) -> Self {
        let (mut terms, mut size) = (0, 0.0);
        // a size that is not there costs everything
        let mut through = sizes.through.iter().copied().chain(std::iter::repeat(f64::INFINITY));
        let mut substituted = Vec::with_capacity(layer.inputs * layer.copies);
        for copy in self.coefficients.chunks_exact(layer.bias.len().max(1)) {
            let outputs = copy.iter().zip(layer.bias.iter()).zip(&mut through);
            let mut products = Products::new(layer.inputs);
            for (((&a, &b), through), row) in outputs.zip(layer.rows()) {
                if a == 0.0 {
                    continue;
                }
                terms += 1;
                size += a.abs() * through + TINY;
                self.constant.add_product(a, b);
                products.add(a, row);
            }
            substituted.extend(products.finish());
        }
        // one term is a plain product: exact if it is a product with ±1
        let is_copy = terms == 1 && self.coefficients.iter().all(|a| matches!(a.abs(), 0.0 | 1.0));
        if terms > 0 && !is_copy {
            // Σ_i [γ·Σ_j |a_j·W_ji| + underflow]·|h_i|, the inner sums taken the other way round
            let underflow = (terms + 2) as f64 * TINY;
            self.loss += gamma(terms) * size + underflow * sizes.total + TINY;
        }
        self.coefficients = substituted;
        self
    }

    fn through_relu(mut self, lines: &[Lines], bounds: &[Interval]) -> Self {
        for ((a, line), bound) in self.coefficients.iter_mut().zip(lines).zip(bounds) {
            let slope = if *a >= 0.0 {
                self.constant.add_product(*a, line.floor());
                line.lower()
            } else {
                self.constant.add_product(*a, line.intercept());
                line.upper()
            };
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
        // what is missing bounds nothing
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
        // 0 times what overflowed is not known to be 0
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
        let mut sum = self.constant;
        let corner = |a: f64, side: &Interval| if a >= 0.0 { side.lo() } else { side.hi() };
        // of a coefficient that overflowed not even the sign is known, so that neither end is the right one
        for (&a, side) in self.coefficients.iter().zip(sides) {
            sum.add_term(a, corner(a, side));
        }
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
        for (&a, side) in self.coefficients.iter().zip(sides) {
            sum.add_unit(a, corner(a, side));
        }
        if sum.is_exact() { sum.value } else { bound }
    }

    fn coefficients(&self) -> Vec<f64> {
        self.coefficients.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::{Exact, Rational, magnitudes};
    use proptest::prelude::*;

    #[test]
    fn overflow_is_no_bound() {
        let form = Rounded::new(&[1e300]);
        assert_eq!(form.minimum(&[Interval::point(1e300)]), f64::NEG_INFINITY);
        let clash = Rounded::new(&[1.0, -1.0]);
        assert_eq!(clash.minimum(&[Interval::WHOLE, Interval::WHOLE]), f64::NEG_INFINITY);
    }

    #[test]
    fn zero_times_unknown_is_zero() {
        assert_eq!(Rounded::new(&[0.0]).minimum(&[Interval::WHOLE]), 0.0);
    }

    #[test]
    fn an_underflowed_coefficient_is_paid_times_its_variable() {
        // −2⁻⁶⁰⁰ · 2⁻⁶⁰⁰ underflows to 0, yet the variable reaches 2¹⁰⁰⁰
        let tiny = 2f64.powi(-600);
        let layer = Rounded::layer(&[tiny], &[0.0], 1);
        let sizes = Rounded::sizes(&layer, &[2f64.powi(1000)]);
        let form = Rounded::new(&[-tiny]).through_layer(&layer, &sizes);
        let bound = form.minimum(&[Interval::new(0.0, 2f64.powi(1000)).unwrap()]);
        assert!(bound <= -(2f64.powi(-200)), "{bound:e}");
    }

    #[test]
    fn a_sum_of_non_negative_terms_stays_non_negative() {
        let form = Rounded::new(&[0.1, 0.3]);
        let sides = [Interval::new(0.0, 1.0).unwrap(), Interval::new(1e-320, 1.0).unwrap()];
        assert!(form.minimum(&sides) >= 0.0);
    }

    #[test]
    fn a_sum_that_is_not_rounded_may_be_zero() {
        let side = |x: f64| Interval::point(x);
        let minimum = |a: [f64; 2], x: [f64; 2], c: f64| {
            let mut form = Rounded::new(&a);
            form.add_constant(1.0, c);
            form.minimum(&x.map(side))
        };
        assert_eq!(minimum([-1.0, -1.0], [1.0, 1.0], 2.0), 0.0);
        assert_eq!(minimum([-1.5, 0.25], [2.0, 4.0], 2.0), 0.0);
        // −2⁵³ − 1 is no float: the sum is −1 and computed as 0
        let large = 2f64.powi(53);
        assert!(minimum([-1.0, 1.0], [1.0, large], -large) < 0.0);
        // 0.1·0.1 is rounded, and so is 10·0.1
        assert!(minimum([0.1, 0.0], [0.1, 0.0], -(0.1 * 0.1)) < 0.0);
        assert!(minimum([10.0, 0.0], [0.1, 0.0], -1.0) < 0.0);
        let tiny = 2f64.powi(-600);
        assert!(minimum([tiny, -tiny], [tiny, tiny], 0.0) < 0.0, "products underflow");
    }

    #[test]
    fn the_unit_is_the_lowest_bit() {
        for (x, expected) in
            [(1.0, 1.0), (-6.0, 2.0), (0.75, 0.25), (5e-324, 5e-324), (1.5e-323, 5e-324)]
        {
            assert_eq!(unit(x), expected, "{x}");
        }
        assert_eq!(unit(0.1), 2f64.powi(-55));
    }

    #[test]
    fn a_negative_product_that_underflows_stays_negative() {
        // 2⁻⁶⁰⁰ · −2⁻⁶⁰⁰ is −0 in floating point
        let tiny = 2f64.powi(-600);
        let bound = Rounded::new(&[tiny]).minimum(&[Interval::new(-tiny, 0.0).unwrap()]);
        assert!(bound < 0.0, "{bound:e}");
    }

    #[test]
    fn the_upper_line_is_above_relu_at_both_ends() {
        for (lo, hi) in
            [(-1.0, 1e-13), (-1e-300, 1e300), (-5e-324, 5e-324), (-3.0, 0.7), (-f64::MAX, f64::MAX)]
        {
            let line = Lines::new(Interval::new(lo, hi).unwrap(), None);
            let exact = |x: f64| Rational::from_f64(x).unwrap();
            if line.intercept().is_finite() {
                let at = |z: f64| &(&exact(line.upper()) * &exact(z)) + &exact(line.intercept());
                assert!(at(lo) >= Rational::ZERO && at(hi) >= exact(hi), "{lo} {hi}");
            }
        }
    }

    proptest! {
        /// Rounded and exact forms are both below the truth; the truth at points is the exact form.
        #[test]
        fn bounds_are_below_every_point(
            weights in proptest::collection::vec(-1e3f64..1e3, 6),
            bias in proptest::collection::vec(-1f64..1.0, 2),
            row in proptest::collection::vec(-10f64..10.0, 2),
            centre in proptest::collection::vec(-5f64..5.0, 3),
            radius in prop_oneof![Just(0.0), 0f64..2.0],
        ) {
            let sides: Vec<_> =
                centre.iter().map(|c| Interval::new(c - radius, c + radius).unwrap()).collect();
            let magnitudes: Vec<_> = sides.iter().map(|s| s.magnitude()).collect();
            let layer = Rounded::layer(&weights, &bias, 3);
            let sizes = Rounded::sizes(&layer, &magnitudes);
            let rounded = Rounded::new(&row).through_layer(&layer, &sizes);
            let exact = Exact::new(&row).through_layer(&Exact::layer(&weights, &bias, 3), &sizes);
            let corner: Vec<_> = exact.coefficients().iter().zip(&sides)
                .map(|(a, s)| Interval::point(if *a >= 0.0 { s.lo() } else { s.hi() })).collect();
            let truth_above = -exact_negated(&weights, &bias, &row).minimum(&corner);
            prop_assert!(rounded.minimum(&sides) <= truth_above);
            prop_assert!(exact.minimum(&sides) <= truth_above);
            prop_assert!(rounded.minimum(&sides) >= exact.minimum(&sides) - 1e-8);
        }
    }

    /// `±(1 + f)·2^e`, 0 and the ends of the range of floats among them.
    fn any_size() -> impl Strategy<Value = f64> {
        let sized = (any::<bool>(), -1070i32..1020, 1.0f64..2.0).prop_map(|(sign, e, f)| {
            let size = f * 2f64.powi(e / 2) * 2f64.powi(e - e / 2);
            if sign { size } else { -size }
        });
        prop_oneof![
            2 => Just(0.0),
            1 => prop_oneof![Just(1.0), Just(-1.0), Just(5e-324), Just(-5e-324), Just(f64::MAX)],
            6 => sized,
        ]
    }

    /// A side that often ends at 0.
    fn side() -> impl Strategy<Value = Interval> {
        let both = (any_size(), any_size(), 0..4).prop_map(|(a, b, kind)| match kind {
            0 => (0.0, a.abs()),
            1 => (-a.abs(), 0.0),
            2 => (a, a),
            _ => (a.min(b), a.max(b)),
        });
        both.prop_map(|(lo, hi)| Interval::new(lo, hi).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// From the same bounds of a hidden layer, and by the same lines, the rounded form is never above the
        /// exact one, whatever overflows or underflows. Each step pays for variables that lie in their bounds.
        #[test]
        fn the_rounded_form_is_below_the_exact_one(
            weights in proptest::collection::vec(any_size(), 6),
            bias in proptest::collection::vec(any_size(), 3),
            row in proptest::collection::vec(any_size(), 3),
            input in proptest::collection::vec(side(), 2),
        ) {
            let (layer, twin) = (Rounded::layer(&weights, &bias, 2), Exact::layer(&weights, &bias, 2));
            let sizes = Rounded::sizes(&layer, &magnitudes(&input));
            let hidden: Vec<Interval> =
                (0..3).map(|neuron| Rounded::range(&layer, neuron, &input, &sizes)).collect();
            for (neuron, rounded) in hidden.iter().enumerate() {
                let exact = Exact::range(&twin, neuron, &input, &sizes);
                prop_assert!(rounded.lo() <= exact.lo() && exact.hi() <= rounded.hi());
            }
            // after overflow there are no bounds to go on with
            if !hidden.iter().all(|bounds| bounds.is_finite()) {
                return Ok(());
            }
            let lines: Vec<Lines> = hidden.iter().map(|&bounds| Lines::new(bounds, None)).collect();
            // the row is given exactly, so both take the same lines
            let rounded = Rounded::new(&row).through_relu(&lines, &hidden).through_layer(&layer, &sizes);
            let exact = Exact::new(&row).through_relu(&lines, &hidden).through_layer(&twin, &sizes);
            prop_assert!(rounded.minimum(&input) <= exact.minimum(&input));
            // and of a row of the layer itself, where both may be 0
            let (plain, other) = (Rounded::new(&row), Exact::new(&row));
            prop_assert!(plain.minimum(&hidden) <= other.minimum(&hidden));
        }

        /// Through two layers, at points: no coefficient that overflowed is lost, also where an end is 0.
        #[test]
        fn runs_of_layers_are_below_every_corner(
            first in proptest::collection::vec(any_size(), 4),
            second in proptest::collection::vec(any_size(), 4),
            row in proptest::collection::vec(any_size(), 2),
            input in proptest::collection::vec(side(), 2),
        ) {
            let nothing = [0.0; 2];
            let layers = [(&first, &input), (&second, &input)].map(|(w, _)| {
                (Rounded::layer(w, &nothing, 2), Exact::layer(w, &nothing, 2))
            });
            let below = Rounded::sizes(&layers[0].0, &magnitudes(&input));
            let between: Vec<Interval> =
                (0..2).map(|k| Rounded::range(&layers[0].0, k, &input, &below)).collect();
            if !between.iter().all(|bounds| bounds.is_finite()) {
                return Ok(());
            }
            let sizes = Rounded::sizes(&layers[1].0, &magnitudes(&between));
            let rounded = Rounded::new(&row).through_layer(&layers[1].0, &sizes);
            let bound = rounded.through_layer(&layers[0].0, &below).minimum(&input);
            let exact = Exact::new(&row).through_layer(&layers[1].1, &sizes);
            prop_assert!(bound <= exact.through_layer(&layers[0].1, &below).minimum(&input));
        }
    }

    proptest! {
        /// Numbers of few and of many bits: never above the exact minimum, and at 0 where that is 0 or more
        /// and nothing is rounded.
        #[test]
        fn an_unrounded_minimum_is_the_minimum(
            terms in proptest::collection::vec((-9i32..9, -9i32..9, 0i32..60), 1..6),
            constant in -200i32..200,
            scale in prop_oneof![Just(1.0), Just(0.1), Just(2f64.powi(-400))],
        ) {
            let number = |n: i32, e: i32| f64::from(n) * 2f64.powi(e % 3 * (e / 3)) * scale;
            let a: Vec<f64> = terms.iter().map(|&(n, _, e)| number(n, e)).collect();
            let sides: Vec<_> =
                terms.iter().map(|&(_, n, e)| Interval::point(f64::from(n) * 2f64.powi(-e / 9))).collect();
            let minimum = |rounded: bool| {
                if rounded { least_with::<Rounded>(&a, f64::from(constant) * scale, &sides) }
                else { least_with::<Exact>(&a, f64::from(constant) * scale, &sides) }
            };
            prop_assert!(minimum(true) <= minimum(false));
            if scale == 1.0 && terms.iter().all(|term| term.2 < 3) {
                prop_assert_eq!(minimum(true) >= 0.0, minimum(false) >= 0.0);
            }
        }
    }

    fn least_with<F: Form>(a: &[f64], constant: f64, sides: &[Interval]) -> f64 {
        let mut form = F::new(a);
        form.add_constant(1.0, constant);
        form.minimum(sides)
    }

    proptest! {
        /// Two forms over a shared point, at points, and what is missing.
        #[test]
        fn a_shared_form_is_below_every_point(
            a in proptest::collection::vec(prop_oneof![Just(0.0), -1e3f64..1e3], 3),
            b in proptest::collection::vec(prop_oneof![Just(0.0), -1e-3f64..1e3], 3),
            lambda in prop_oneof![Just(-1.0), Just(-0.5)],
            cancels in any::<bool>(),
            z in proptest::collection::vec(-5f64..5.0, 3),
            v in proptest::collection::vec(-5f64..5.0, 2),
            radius in prop_oneof![Just(0.0), 0f64..2.0],
        ) {
            let b = if cancels { a.iter().map(|a| lambda * a).collect() } else { b };
            let movers = [2, 0];
            let sides: Vec<_> =
                z.iter().chain(&v).map(|c| Interval::new(c - radius, c + radius).unwrap()).collect();
            let magnitudes: Vec<_> = sides[..3].iter().map(|side| side.magnitude()).collect();
            let exact = |x: f64| Rational::from_f64(x).unwrap();
            // a·(z + v) + b·z, and 3 from each of the two
            let mut truth = exact(6.0);
            for (index, (a, b)) in a.iter().zip(&b).enumerate() {
                let here = exact(z[index]);
                let moved = movers.iter().position(|&mover| mover == index);
                let there = moved.map_or(here.clone(), |at| &here + &exact(v[at]));
                truth = &truth + &(&(&exact(*a) * &there) + &(&exact(*b) * &here));
            }
            let minimum = |rounded: bool| {
                if rounded { least::<Rounded>(&a, &b, &movers, &magnitudes, &sides) }
                else { least::<Exact>(&a, &b, &movers, &magnitudes, &sides) }
            };
            for rounded in [true, false] {
                prop_assert!(exact(minimum(rounded)) <= truth);
            }
            prop_assert!(minimum(true) >= minimum(false) - 1e-8);
            let lost = Rounded::new(&a).shared(Rounded::new(&b[1..]), &movers, &magnitudes);
            prop_assert_eq!(lost.minimum(&sides), f64::NEG_INFINITY);
            let lost = Exact::new(&a).shared(Exact::new(&b), &[3, 0], &magnitudes);
            prop_assert_eq!(lost.minimum(&sides[..4]), f64::NEG_INFINITY);
        }
    }

    fn least<F: Form>(
        a: &[f64],
        b: &[f64],
        movers: &[usize],
        magnitudes: &[f64],
        sides: &[Interval],
    ) -> f64 {
        let [mut after, mut before] = [F::new(a), F::new(b)];
        after.add_constant(1.0, 3.0);
        before.add_constant(1.0, 3.0);
        after.shared(before, movers, magnitudes).minimum(sides)
    }

    #[test]
    fn as_many_moves_as_features_are_no_square_of_them() {
        let size = 1 << 16;
        let movers: Vec<usize> = (0..size).collect();
        let ones = || Exact::new(&vec![1.0; size]);
        let form = ones().shared(ones(), &movers, &vec![1.0; size]);
        let sides = vec![Interval::point(1.0); 2 * size];
        assert_eq!(form.minimum(&sides), 3.0 * size as f64);
    }

    fn exact_negated(weights: &[f64], bias: &[f64], row: &[f64]) -> Exact {
        let negated: Vec<f64> = row.iter().map(|a| -a).collect();
        Exact::new(&negated).through_layer(&Exact::layer(weights, bias, 3), &Sizes::default())
    }
}
