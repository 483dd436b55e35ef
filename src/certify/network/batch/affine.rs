//! The interval rule for many boxes (centre and radius: two matrix products a layer).

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Zip};

use crate::interval::Interval;
use crate::model::Layer;

/// The unit roundoff of `f64`.
pub(super) const U: f64 = f64::EPSILON / 2.0;
/// Covers the roundings in a computed error: no number passes through 2³⁰ of them on its way.
pub(super) const INFLATE: f64 = 1.0 + 1.0 / (1 << 20) as f64;

/// `γ_k = k·u/(1−k·u)`, rounded up. `k` is far below 2⁵⁰.
pub(super) fn gamma(k: usize) -> f64 {
    let ku = k as f64 * U;
    (ku / (1.0 - ku)) * (1.0 + 4.0 * f64::EPSILON)
}

/// More than the total underflow of `k + 16` products, each at most half of 2⁻¹⁰⁷⁴; a normal number.
pub(super) fn underflow(k: usize) -> f64 {
    (k + 16) as f64 * f64::MIN_POSITIVE
}

/// `a · b` in row-major order.
pub(super) fn product(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Array2<f64> {
    let mut sums = Array2::zeros((a.nrows(), b.ncols()));
    general_mat_mul(1.0, &a, &b, 0.0, &mut sums);
    sums
}

/// Intervals `[lo, hi]` of every variable, shape `[boxes][variables]`.
#[derive(Clone, Debug)]
pub(super) struct BoxBounds {
    pub(super) lo: Array2<f64>,
    pub(super) hi: Array2<f64>,
}

impl BoxBounds {
    /// The sides of boxes. A box with another number of sides than `inputs` gets NaN, which implies no bound.
    pub(super) fn of_boxes(boxes: &[Vec<Interval>], inputs: usize) -> Self {
        let mut lo = Array2::from_elem((boxes.len(), inputs), f64::NAN);
        let mut hi = lo.clone();
        for ((sides, mut lo), mut hi) in boxes.iter().zip(lo.rows_mut()).zip(hi.rows_mut()) {
            if sides.len() == inputs {
                lo.iter_mut().zip(sides).for_each(|(lo, side)| *lo = side.lo());
                hi.iter_mut().zip(sides).for_each(|(hi, side)| *hi = side.hi());
            }
        }
        Self { lo, hi }
    }

    /// Per box, the intervals.
    pub(super) fn into_intervals(self) -> Vec<Vec<Interval>> {
        let side = |(&lo, &hi): (&f64, &f64)| Interval::new(lo, hi).unwrap_or(Interval::WHOLE);
        let rows = self.lo.rows().into_iter().zip(self.hi.rows());
        rows.map(|(lo, hi)| lo.iter().zip(&hi).map(side).collect()).collect()
    }

    /// Bounds of `relu(z)`; NaN stays NaN.
    pub(super) fn relu(mut self) -> Self {
        let relu = |z: &mut f64| *z = if *z < 0.0 { 0.0 } else { *z };
        self.lo.iter_mut().for_each(relu);
        self.hi.iter_mut().for_each(relu);
        self
    }

    /// The largest absolute value of every variable; NaN if an end is NaN.
    pub(super) fn magnitudes(&self) -> Array2<f64> {
        let larger = |&lo: &f64, &hi: &f64| {
            let (a, b) = (lo.abs(), hi.abs());
            if a > b || a.is_nan() { a } else { b }
        };
        Zip::from(&self.lo).and(&self.hi).map_collect(larger)
    }
}

/// `z = (W + Δ)·h + b + δ`, with stored bounds of `|Δ|` and `|δ|`.
#[derive(Debug)]
pub(super) struct AffineBand {
    /// `W`, shape `[outputs][inputs]`.
    pub(super) weights: Array2<f64>,
    /// `|W|`
    pub(super) sizes: Array2<f64>,
    /// `b`
    pub(super) bias: Vec<f64>,
    /// Bounds of `|Δ|` and `|δ|`; `None` if the numbers are exact.
    error: Option<(Array2<f64>, Vec<f64>)>,
}

impl AffineBand {
    /// A layer as stored.
    pub(super) fn new(layer: &Layer) -> Self {
        let shape = (layer.outputs(), layer.inputs);
        let weights = Array2::from_shape_fn(shape, |(j, i)| layer.weights[j * layer.inputs + i]);
        let sizes = weights.mapv(f64::abs);
        Self { weights, sizes, bias: layer.bias.clone(), error: None }
    }

    /// `rows · (W·h + b)`; the products are rounded, so the numbers have an error.
    pub(super) fn folded(rows: &[Vec<f64>], layer: &Layer) -> Self {
        let (plain, classes) = (Self::new(layer), layer.outputs());
        let shape = (rows.len(), classes);
        // a row of another length has no meaning
        let entry =
            |row: &Vec<f64>, class| if row.len() == classes { row[class] } else { f64::NAN };
        let rows = Array2::from_shape_fn(shape, |(row, class)| entry(&rows[row], class));
        let sizes = rows.mapv(f64::abs);
        let of_bias = |rows: &Array2<f64>, bias: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let sum = |row: ndarray::ArrayView1<f64>| {
                row.iter().zip(&plain.bias).map(|(c, &b)| c * bias(b)).sum()
            };
            rows.rows().into_iter().map(sum).collect()
        };
        let (share, least) = (gamma(classes + 8), underflow(classes));
        let weights = product(rows.view(), plain.weights.view());
        let of_weights = product(sizes.view(), plain.sizes.view()).mapv(|e| share * e + least);
        let of_biases = of_bias(&sizes, &f64::abs).iter().map(|e| share * e + least).collect();
        Self {
            sizes: weights.mapv(f64::abs),
            weights,
            bias: of_bias(&rows, &|b| b),
            error: Some((of_weights, of_biases)),
        }
    }

    /// Outputs about which nothing is known.
    pub(super) fn unknown(outputs: usize) -> Self {
        let nothing = Array2::zeros((outputs, 0));
        let bias = vec![f64::NAN; outputs];
        Self { weights: nothing.clone(), sizes: nothing, bias, error: None }
    }

    /// Length of `z`.
    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of one output.
    pub(super) fn row(&self, output: usize) -> &[f64] {
        let row = self.weights.row(output).to_slice();
        row.expect("weights are stored row by row")
    }

    /// An upper bound of `|Δ|·H + |δ|` for `|h| <= H`, of shape `[boxes][outputs]`; `magnitudes` is `H`.
    pub(super) fn drift(&self, magnitudes: &Array2<f64>) -> Option<Array2<f64>> {
        let (weights, bias) = self.error.as_ref()?;
        let mut drift = product(magnitudes.view(), weights.t());
        for mut row in drift.rows_mut() {
            let least = underflow(weights.ncols());
            row.iter_mut().zip(bias).for_each(|(d, b)| *d = (*d + b) * INFLATE + least);
        }
        Some(drift)
    }

    /// Bounds of `z` by the interval rule. With `n` inputs `h = c + d`, `|d| <= r`, `g = γ_{n+16}`,
    ///
    /// ```text
    /// C = fl(W·c) + b      |W·c + b − C| <= γ_n·|W|·|c| + u·|C| + underflow
    /// E >= |W|·(r + g·|c|) + 16u·|C|     z in [C − E, C + E], the ends' own rounding included
    /// ```
    ///
    /// since `|fl(C ± E) − (C ± E)| <= u·(|C| + E)`.
    pub(super) fn bounds(&self, below: &BoxBounds) -> BoxBounds {
        let inputs = self.weights.ncols();
        let (g, least) = (gamma(inputs + 16), underflow(inputs));
        let centre = Zip::from(&below.lo).and(&below.hi).map_collect(|l, h| l / 2.0 + h / 2.0);
        let mut reach = centre.clone();
        Zip::from(&mut reach).and(&below.lo).and(&below.hi).for_each(|c, l, h| {
            let (down, up) = (*c - l, h - *c);
            // NaN passes through: `f64::max` would hide it
            let radius = if down > up || down.is_nan() { down } else { up };
            *c = radius * (1.0 + 4.0 * U) + least + g * c.abs();
        });
        let (mut lo, mut hi) =
            (product(centre.view(), self.weights.t()), product(reach.view(), self.sizes.t()));
        if let Some(drift) = self.drift(&below.magnitudes()) {
            hi += &drift;
        }
        let grow = 1.0 + 2.0 * g + 8.0 * U;
        for (mut lo, mut hi) in lo.rows_mut().into_iter().zip(hi.rows_mut()) {
            let ends = lo.iter_mut().zip(hi.iter_mut()).zip(&self.bias);
            ends.for_each(|((lo, hi), bias)| (*lo, *hi) = around(*lo + bias, *hi * grow, least));
        }
        BoxBounds { lo, hi }
    }
}

/// `[centre − e, centre + e]`, with `e` the `radius` plus an allowance for the sums around it;
/// everything if that is not finite.
fn around(centre: f64, radius: f64, least: f64) -> (f64, f64) {
    let reach = radius + 16.0 * U * centre.abs() + least;
    let (lo, hi) = (centre - reach, centre + reach);
    let is_known = lo.is_finite() && hi.is_finite();
    if is_known { (lo, hi) } else { (f64::NEG_INFINITY, f64::INFINITY) }
}
