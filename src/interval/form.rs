//! Affine forms, and what may be done to one without losing its meaning.
//!
//! A form stands for `constant + Σ coefficient_j · v_j` over named variables `v`, and promises:
//! *at every point where the steps taken so far are valid, the quantity it started from is at
//! least the value of the form.* Every step keeps the promise:
//!
//! ```text
//! through_layer   v = W·h + b          A·v   =  (A·W)·h + A·b
//! through_relu    v = relu(z)          a·v  >=  a·(α·z + f)      if a >= 0
//!                                      a·v  >=  a·(s·z + t)      if a < 0
//! minimum         v in a box           A·v  >=  Σ min(A_j·lo_j, A_j·hi_j)
//! ```
//!
//! `f` is 0, but for `v` the change of `relu` over a change `z` ([`Lines::of_change`]).
//!
//! The rules of the kernel are written once over this trait. [`super::Rounded`] computes in
//! round-to-nearest `f64` and pays for every rounding; [`super::Exact`] computes in integers.

use super::Interval;

/// Two lines around a function on an interval: `lower·z + floor <= f(z) <= upper·z + intercept`, `f`
/// being `relu` (then `floor` is 0) or the change of `relu` where `z` is a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lines {
    lower: f64,
    floor: f64,
    upper: f64,
    intercept: f64,
}

impl Lines {
    /// `z` itself.
    const ON: Self = Self { lower: 1.0, floor: 0.0, upper: 1.0, intercept: 0.0 };
    /// 0, whatever `z` is.
    const OFF: Self = Self { lower: 0.0, floor: 0.0, upper: 0.0, intercept: 0.0 };

    /// The lines of a neuron whose input lies in `bounds`, with the lower slope `hint`
    /// (clipped to `[0, 1]`; the default, `None` or NaN, is 1 if `hi > −lo`, else 0).
    ///
    /// Unstable: the upper slope `s` is any number of `[0, 1]` near `hi/(hi − lo)`, and the
    /// intercept is at least `max(−s·lo, (1−s)·hi)`, so that the line is above relu at both ends
    /// and, relu being convex, between them.
    pub fn new(bounds: Interval, hint: Option<f64>) -> Self {
        let (lo, hi) = (bounds.lo(), bounds.hi());
        if lo >= 0.0 {
            return Self::ON;
        }
        if hi <= 0.0 {
            return Self::OFF;
        }
        let steeper = hi > -lo;
        let default = if steeper { 1.0 } else { 0.0 };
        let lower = hint.filter(|slope| !slope.is_nan()).map_or(default, |s| s.clamp(0.0, 1.0));
        let slope = (hi / (hi - lo).next_down()).next_up();
        // NaN and infinite quotients fall to the horizontal line
        let upper = if (0.0..=1.0).contains(&slope) { slope } else { 1.0 };
        let at_low = (-upper * lo).next_up();
        let at_high = ((1.0 - upper).next_up() * hi).next_up();
        let intercept = if at_low > at_high { at_low } else { at_high };
        Self { lower, floor: 0.0, upper, intercept }
    }

    /// The lines of `relu(z′) − relu(z)` over `z′ − z` in `change`, both `z` and `z′` lying in
    /// `bounds` (Paulsen, Wang and Wang, "ReluDiff", 2020).
    ///
    /// A neuron that is on passes the change on, one that is off nothing. Else the change of `relu` lies
    /// between `min(0, d)`, which is concave, and `max(0, d)`, which is convex, so that lines are right
    /// between the ends of `[p, q]` if they are at the ends: with one slope `s` of `[0, 1]` for
    /// both, `intercept >= max(−s·p, (1−s)·q)` and `−floor >= max(s·q, (1−s)·(−p))`.
    pub fn of_change(bounds: Interval, change: Interval) -> Self {
        let (p, q) = (change.lo(), change.hi());
        if bounds.lo() >= 0.0 {
            Self::ON
        } else if bounds.hi() <= 0.0 {
            Self::OFF
        } else if p >= 0.0 {
            Self { upper: 1.0, ..Self::OFF }
        } else if q <= 0.0 {
            Self { lower: 1.0, ..Self::OFF }
        } else {
            let share = q / (q - p);
            let slope = if (0.0..=1.0).contains(&share) { share } else { 1.0 };
            let rest = (1.0 - slope).next_up();
            let larger = |a: f64, b: f64| if a > b { a.next_up() } else { b.next_up() };
            let intercept = larger(-slope * p, rest * q);
            let floor = -larger(slope * q, rest * -p);
            Self { lower: slope, floor, upper: slope, intercept }
        }
    }

    /// Slope of the line below.
    pub fn lower(self) -> f64 {
        self.lower
    }

    /// Intercept of the line below; never positive.
    pub fn floor(self) -> f64 {
        self.floor
    }

    /// Slope of the line above.
    pub fn upper(self) -> f64 {
        self.upper
    }

    /// Intercept of the line above; never negative.
    pub fn intercept(self) -> f64 {
        self.intercept
    }
}

/// What a rounded arithmetic needs to know of the inputs `h` of a layer `z = W·h + b`, once per box.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// `Σ_i |W_ji|·|h_i|` per output, at most (before [`super::rounded`]'s allowance for its own sum).
    pub(super) through: Vec<f64>,
    /// `Σ_i |h_i|`
    pub(super) total: f64,
}

/// An affine form in some arithmetic. Shapes are the caller's duty: `coefficients`, `magnitudes`,
/// `lines` and `sides` have one entry per current variable.
pub trait Form: Clone {
    /// A layer in this arithmetic.
    type Layer;

    /// Prepares `v = W·h + b`; `weights` row-major `[outputs][inputs]`, all finite.
    fn layer(weights: &[f64], bias: &[f64], inputs: usize) -> Self::Layer;

    /// What [`Form::through_layer`] has to pay where `magnitudes[i] >= |h_i|`.
    fn sizes(layer: &Self::Layer, magnitudes: &[f64]) -> Sizes;

    /// `Σ coefficients_j · v_j`, the coefficients taken exactly as given.
    fn new(coefficients: &[f64]) -> Self;

    /// `sign · z_output` as a form over the inputs of the layer, `sign` being 1 or −1; exact.
    fn output(layer: &Self::Layer, output: usize, sign: f64) -> Self;

    /// Bounds of `z_output` over a box of the layer's inputs; everything where none are known.
    fn range(layer: &Self::Layer, output: usize, sides: &[Interval], sizes: &Sizes) -> Interval;

    /// Number of variables.
    fn len(&self) -> usize;

    /// Whether there are no variables.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Substitutes `v = W·h + b`; `sizes` are those of the layer.
    fn through_layer(self, layer: &Self::Layer, sizes: &Sizes) -> Self;

    /// Substitutes `v = relu(z)` by the line that is safe for the sign of each coefficient;
    /// `bounds` are the bounds of `z` for which the lines were made.
    fn through_relu(self, lines: &[Lines], bounds: &[Interval]) -> Self;

    /// `self` at `z + v` plus `other` at `z`: a form over `z`, then over those `v_i` that `movers`
    /// names; the others are 0. `magnitudes[i] >= |z_i|`.
    fn shared(self, other: Self, movers: &[usize], magnitudes: &[f64]) -> Self;

    /// Adds `a·b · v_index`; `magnitude >= |v_index|`.
    fn add_product(&mut self, index: usize, a: f64, b: f64, magnitude: f64);

    /// Adds the number `a·b`.
    fn add_constant(&mut self, a: f64, b: f64);

    /// A lower bound of the form over a box, rounded down; −∞ where none is known.
    fn minimum(&self, sides: &[Interval]) -> f64;

    /// The coefficients, rounded to nearest: for choosing where to split, never for a bound.
    fn coefficients(&self) -> Vec<f64>;
}
