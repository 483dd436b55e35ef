//! Affine forms, and the steps that keep the meaning of one.
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
//! `f` is 0, except where `v` is the change of `relu` over a change `z` ([`Lines::of_change`]).
//!
//! The rules of the kernel are written once over this trait. [`super::Rounded`] computes in
//! round-to-nearest `f64` and pays for every rounding; [`super::Exact`] computes in integers.

use super::{Interval, Stored};

/// Two lines around a function on an interval: `lower·z + floor <= f(z) <= upper·z + intercept`. Here `f` is
/// `relu` (then `floor` is 0), or the change of `relu` if `z` is a change.
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
    /// Unstable: the upper slope `s` is any number of `[0, 1]` near `hi/(hi − lo)`, and the intercept is at
    /// least `max(−s·lo, (1−s)·hi)`, so that the line is above relu at both ends and, since relu is convex,
    /// also between them.
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

    /// The lines of `relu(z′) − relu(z)` over `z′ − z` in `change`; `z` lies in the first of `places` and `z′`
    /// in the second (Paulsen, Wang and Wang, "ReluDiff", 2020).
    ///
    /// A neuron that is on at both points passes the change on; one that is off at both passes nothing.
    /// Otherwise the change of `relu` lies between `min(0, d)`, which is concave, and `max(0, d)`, which is
    /// convex. Lines that are right at the ends of `[p, q]` are therefore right between them: one slope `s` of
    /// `[0, 1]` serves both, with `intercept >= max(−s·p, (1−s)·q)` and `−floor >= max(s·q, (1−s)·(−p))`. With
    /// `z` in `[l, u]`, `z′` in `[l′, u′]` and `a⁺ = max(a, 0)`, the places also give lines of slope 0 and 1,
    /// for every `d`:
    ///
    /// ```text
    /// relu(z′) − relu(z)                          l′⁺ − u⁺              to  u′⁺ − l⁺
    ///   =  d + relu(−z′) − relu(−z)               d + (−u′)⁺ − (−l)⁺    to  d + (−l′)⁺ − (−u)⁺
    /// ```
    ///
    /// On each side, the line that is best in the middle of `[p, q]` is taken.
    pub fn of_change(places: [Interval; 2], change: Interval) -> Self {
        let [from, to] = places;
        let (p, q) = (change.lo(), change.hi());
        if from.lo() >= 0.0 && to.lo() >= 0.0 {
            return Self::ON;
        }
        if from.hi() <= 0.0 && to.hi() <= 0.0 {
            return Self::OFF;
        }
        let (mut below, mut above) = Self::around_share(p, q);
        // NaN stays NaN
        let positive = |x: f64| if x <= 0.0 { 0.0 } else { x };
        // a − b, rounded up
        let up = |a: f64, b: f64| if b == 0.0 { a } else { (a - b).next_up() };
        let flat = up(positive(to.hi()), positive(from.lo()));
        let steep = up(positive(-to.lo()), positive(-from.hi()));
        let flat_floor = -up(positive(from.hi()), positive(to.lo()));
        let steep_floor = -up(positive(-from.lo()), positive(-to.hi()));
        let middle = p + (q - p) / 2.0;
        for line in [SlopedLine::new(0.0, flat), SlopedLine::new(1.0, steep)] {
            above = if line.at(middle) < above.at(middle) { line } else { above };
        }
        for line in [SlopedLine::new(0.0, flat_floor), SlopedLine::new(1.0, steep_floor)] {
            below = if line.at(middle) > below.at(middle) { line } else { below };
        }
        // `floor <= 0 <= intercept`, as promised; a line that is moved outward still encloses
        let (floor, intercept) = (-positive(-below.intercept), positive(above.intercept));
        Self { lower: below.slope, floor, upper: above.slope, intercept }
    }

    /// Lines below `min(0, d)` and above `max(0, d)` for `d` in `[p, q]`; if the sign of `d` is known, they are
    /// `0` and `d`.
    fn around_share(p: f64, q: f64) -> (SlopedLine, SlopedLine) {
        let (nothing, all) = (SlopedLine::new(0.0, 0.0), SlopedLine::new(1.0, 0.0));
        if p >= 0.0 {
            return (nothing, all);
        }
        if q <= 0.0 {
            return (all, nothing);
        }
        let share = q / (q - p);
        let slope = if (0.0..=1.0).contains(&share) { share } else { 1.0 };
        let rest = (1.0 - slope).next_up();
        let larger = |a: f64, b: f64| if a > b { a.next_up() } else { b.next_up() };
        let intercept = larger(-slope * p, rest * q);
        let floor = -larger(slope * q, rest * -p);
        (SlopedLine::new(slope, floor), SlopedLine::new(slope, intercept))
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

/// `slope·d + intercept`
#[derive(Clone, Copy)]
struct SlopedLine {
    slope: f64,
    intercept: f64,
}

impl SlopedLine {
    fn new(slope: f64, intercept: f64) -> Self {
        Self { slope, intercept }
    }

    /// The approximate value at `d`: for choosing a line, never for a bound.
    fn at(self, d: f64) -> f64 {
        self.slope * d + self.intercept
    }
}

/// The sums over the inputs `h` of a layer `z = W·h + b` that a rounded arithmetic needs, made once per box.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// `Σ_i |W_ji|·|h_i|` per output, at most (before [`super::rounded`]'s allowance for its own sum).
    pub(super) through: Vec<f64>,
    /// `Σ_i |h_i|`
    pub(super) total: f64,
}

/// An affine form in some arithmetic. Shapes are the caller's duty: `coefficients`, `magnitudes`,
/// `lines` and `sides` have one entry per current variable.
#[expect(
    clippy::len_without_is_empty,
    reason = "a form of no variables is a number, and no case of its own"
)]
pub trait Form: Clone {
    /// A layer in this arithmetic.
    type Layer;

    /// Prepares a layer, or copies of it; all numbers are finite.
    fn layer(stored: Stored) -> Self::Layer;

    /// The stored numbers that the layer was made of.
    fn stored(layer: &Self::Layer) -> &Stored;

    /// The sizes by which [`Form::through_layer`] pays, where `magnitudes[i] >= |h_i|`.
    fn sizes(layer: &Self::Layer, magnitudes: &[f64]) -> Sizes;

    /// `Σ coefficients_j · v_j`, the coefficients taken exactly as given.
    fn new(coefficients: &[f64]) -> Self;

    /// `sign · z_output` as a form over the inputs of the layer; `sign` is 1 or −1. Exact.
    fn output(layer: &Self::Layer, output: usize, sign: f64) -> Self;

    /// Bounds of `z_output` over a box of the layer's inputs; [`Interval::WHOLE`] if none are known.
    fn range(layer: &Self::Layer, output: usize, sides: &[Interval], sizes: &Sizes) -> Interval;

    /// Number of variables.
    fn len(&self) -> usize;

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

    /// A lower bound of the form over a box, rounded down; −∞ if none is known.
    fn minimum(&self, sides: &[Interval]) -> f64;

    /// The coefficients, rounded to nearest: for choosing where to split, never for a bound.
    fn coefficients(&self) -> Vec<f64>;
}

#[cfg(test)]
mod tests {
    use super::super::Rational;
    use super::*;

    const ENDS: [f64; 6] = [-2.0, -1.0 / 3.0, -1e-9, 0.0, 0.7, 1.0];

    fn intervals() -> Vec<Interval> {
        let pairs = ENDS.iter().flat_map(|lo| ENDS.iter().map(move |hi| (*lo, *hi)));
        pairs.filter_map(|(lo, hi)| Interval::new(lo, hi)).collect()
    }

    /// True if the lines enclose the change of `relu` from `z` to `to`.
    fn encloses(lines: Lines, z: f64, to: f64) -> bool {
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        let relu = |x: f64| exact(x.max(0.0));
        let (d, change) = (&exact(to) - &exact(z), &relu(to) - &relu(z));
        let at = |slope: f64, intercept: f64| &(&exact(slope) * &d) + &exact(intercept);
        at(lines.lower, lines.floor) <= change && change <= at(lines.upper, lines.intercept)
    }

    #[test]
    fn lines_of_a_change_enclose_it() {
        let gaps = [(-4.0, 4.0), (-1.5, 0.25), (-0.25, 1.5), (-1e-9, 0.7), (0.0, 2.0), (-2.0, 0.0)];
        let mut seen = 0;
        for (from, to) in
            intervals().iter().flat_map(|a| intervals().into_iter().map(move |b| (*a, b)))
        {
            for change in gaps.map(|(p, q)| Interval::new(p, q).unwrap()) {
                let lines = Lines::of_change([from, to], change);
                assert!(lines.floor <= 0.0 && lines.intercept >= 0.0, "{from:?} {to:?} {change:?}");
                let points = [from.lo(), from.hi()].map(|z| [to.lo(), to.hi()].map(|y| (z, y)));
                let inner = [
                    (0.0, 0.0),
                    (-1e-9, 0.7),
                    (-1.0 / 3.0, 0.0),
                    (0.7, -1.0 / 3.0),
                    (-1e-9, -1e-9),
                ];
                for (z, y) in points.into_iter().flatten().chain(inner) {
                    if from.contains(z) && to.contains(y) && change.contains(y - z) {
                        assert!(
                            encloses(lines, z, y),
                            "{from:?} {to:?} {change:?}: {z} {y} {lines:?}"
                        );
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 2000, "{seen}");
    }
}
