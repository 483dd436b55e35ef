//! The rate at which a network changes: claims about pairs of points of a convex region.
//!
//! Along almost every segment between two points `x`, `x′` of the region, `m` has slopes that lie in the
//! gradient's interval. With `g_i = max|∂m/∂z_i|`, a unit `u_i` of the distance in z, and the dual norm of
//! `(u_i·g_i)`,
//!
//! ```text
//! |m(x) − m(x′)|    <=  N·‖x − x′‖           N = ‖(u_i·g_i)‖ dual
//! ‖F(x) − F(x′)‖₂   <=  √2·s·N·‖x − x′‖      s >= max σ′ over the region's margins
//! ```
//!
//! A claim holds if `2·s²·N² <= L²` (strictly, where the claim is strict), or `N <= L` on the
//! score. Rates glue: a segment that passes through several cases of a split, input cuts and signs of
//! neurons alike, is cut into finitely many pieces, and each moves `F` by at most its case's rate times
//! its length. So every leaf must close with the same bound, and whole features are not tightened: the
//! segment between two whole points is not whole.
//!
//! Rule `range` ([`apart`]) looks at two boxes and at no segment.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::interval::{Form, Rational, Region, sigmoid};
use crate::model::Schema;
use crate::spec::{Aim, Bonds, Claim, Norm, On, Pair, RawRegion, norm_squared};

use super::jacobian::{gradient, largest_change};
use crate::certificate::claims::Outcome;
use crate::certificate::{Bounds, Hidden, Network, Sign};

/// The most that answers may change per unit of the distance between two points.
#[derive(Clone, Debug)]
pub struct Rate {
    /// Unit of the distance per feature, in z.
    units: Vec<f64>,
    norm: Norm,
    on: On,
    /// The limit that the change over one unit must not exceed; squared for posteriors.
    limit: Rational,
    /// True if the change must stay below the limit.
    is_strict: bool,
}

impl Rate {
    /// The rate that a claim about two points allows; `None` for other claims.
    pub fn of(claim: &Claim, schema: &Schema) -> Option<Self> {
        let Pair { bonds, aim, .. } = claim.pair()?;
        let (units, norm, on, limit, is_strict) = match (bonds, aim) {
            // the unit is ε
            (Bonds::Within { reach, .. }, Aim::Close { bound, on, is_strict }) => {
                (reach, Norm::Linf, *on, bound, *is_strict)
            }
            (Bonds::Free, Aim::Lipschitz { units, norm, constant }) => {
                (units, *norm, On::Posterior, constant, false)
            }
            _ => return None,
        };
        let features = schema.features().iter().zip(units.iter());
        let units = features.map(|(feature, unit)| (&feature.exact_scale() * unit).up()).collect();
        let limit = match on {
            On::Posterior => limit * limit,
            On::Score => limit.clone(),
        };
        Some(Self { units, norm, on, limit, is_strict })
    }

    /// Decides whether the rate holds on a case, and gives the approximate slack, which is below 0 if it is
    /// missed.
    pub fn decide<F: Form>(
        &self,
        network: &Network<F>,
        hidden: &Hidden,
        signs: &[Sign],
    ) -> (bool, f64) {
        let lost = (false, f64::NEG_INFINITY);
        let Some(slopes) = gradient(network, &[-1.0, 1.0], hidden) else { return lost };
        let change = largest_change(&slopes, &self.units, self.norm);
        let Some(change) = Rational::from_f64(change) else { return lost };
        let reached = match self.on {
            On::Score => change,
            On::Posterior => twice_square(&(&steepest(network, hidden, signs) * &change)),
        };
        self.judge(&reached)
    }

    /// Decides whether two points whose margins differ by at most `change` satisfy the claim, and gives the
    /// approximate slack. `steepest` is at least the slope of σ between the margins.
    pub(super) fn allows(&self, change: &Rational, steepest: &Rational) -> (bool, f64) {
        let reached = match self.on {
            On::Score => change.clone(),
            On::Posterior => {
                // σ(m + d) − σ(m) is largest at m = −d/2
                let half = change * &Rational::from_f64(0.5).unwrap_or(Rational::ONE);
                let widest = &(&sigmoid(&half).1 * &Rational::integer(2)) - &Rational::ONE;
                let (by_slope, by_width) =
                    (twice_square(&(steepest * change)), twice_square(&widest));
                if by_slope < by_width { by_slope } else { by_width }
            }
        };
        self.judge(&reached)
    }

    /// The units of the distance per feature, in z, and its norm.
    #[cfg(any(test, feature = "advice"))]
    pub fn units(&self) -> (&[f64], Norm) {
        (&self.units, self.norm)
    }

    fn judge(&self, reached: &Rational) -> (bool, f64) {
        let holds = if self.is_strict { *reached < self.limit } else { *reached <= self.limit };
        (holds, (&self.limit - reached).down())
    }
}

/// `2·x²`: the square of `‖F − F′‖₂` where the posterior of class 1 changes by `x`.
fn twice_square(x: &Rational) -> Rational {
    &(x * x) * &Rational::integer(2)
}

/// Decides a claim about two points on one case.
pub(super) fn decide<F: Form>(
    network: &Network<F>,
    schema: &Schema,
    claim: &Claim,
    hidden: &Hidden,
    signs: &[Sign],
) -> Outcome {
    let (holds, slack) = match Rate::of(claim, schema) {
        Some(rate) => rate.decide(network, hidden, signs),
        None => (false, f64::NEG_INFINITY),
    };
    if holds { Outcome::Holds } else { Outcome::Open(Bounds { reached: slack, required: 0.0 }) }
}

/// `[least, most]` of the margin of class 1 over a case; `None` if an end is unknown.
pub(super) fn margin_range<F: Form>(
    network: &Network<F>,
    hidden: &Hidden,
    signs: &[Sign],
) -> Option<(Rational, Rational)> {
    let lower = |row: &[f64]| {
        let linear = network.linear_margin(F::new(row), hidden, None, signs);
        let interval = network.interval_margin(F::new(row), hidden);
        Rational::from_f64(if interval > linear { interval } else { linear })
    };
    Some((lower(&[-1.0, 1.0])?, -lower(&[1.0, -1.0])?))
}

/// An upper bound of `σ′(m)` over the margins of a case: σ′ falls with |m|, and is ¼ at 0.
pub(super) fn steepest<F: Form>(network: &Network<F>, hidden: &Hidden, signs: &[Sign]) -> Rational {
    let quarter = Rational::from_f64(0.25).unwrap_or(Rational::ONE);
    let Some((least, most)) = margin_range(network, hidden, signs) else { return quarter };
    let nearest = if least > Rational::ZERO {
        least
    } else if most < Rational::ZERO {
        -most
    } else {
        return quarter;
    };
    let (below, above) = sigmoid(&nearest);
    // σ′ = σ·(1 − σ)
    let slope = &above * &(&Rational::ONE - &below);
    if slope < quarter { slope } else { quarter }
}

/// `[least, most]` of the posterior of class 1.
type PosteriorRange = (Rational, Rational);

/// Ranges of the posterior over boxes, each derived once: a row's box is part of many pairs.
#[derive(Debug, Default)]
pub(in crate::certificate) struct Ranges {
    /// The ranges, by the ends of the standardised sides, bit for bit; `None` if there is no bound.
    known: Mutex<BTreeMap<Vec<[u64; 2]>, Option<PosteriorRange>>>,
}

impl Ranges {
    /// The range over `region`; `None` where the network has no bound there.
    fn over<F: Form>(&self, network: &Network<F>, region: &Region) -> Option<PosteriorRange> {
        let key: Vec<_> =
            region.sides().iter().map(|x| [x.lo(), x.hi()].map(f64::to_bits)).collect();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(range) = known().get(&key) {
            return range.clone();
        }
        // outside the lock: a caller that needs another box does not wait
        let range = posterior_range(network, region);
        known().insert(key, range.clone());
        range
    }
}

/// The posterior's range over a region, by the margin's.
fn posterior_range<F: Form>(network: &Network<F>, region: &Region) -> Option<PosteriorRange> {
    let hidden = network.linear_bounds(region.sides())?;
    let (least, most) = margin_range(network, &hidden, &[])?;
    Some((sigmoid(&least).0, sigmoid(&most).1))
}

/// Rule `range`: with posteriors `F₁ ∈ [p, q]` over the first box and `[p′, q′]` over the second,
/// `‖F(a) − F(b)‖₂² <= 2·max(q − p′, q′ − p)²`, which `L²·dist²` of the boxes must reach. Both ranges
/// hold at every pair of points, so nothing about segments is needed.
pub(in crate::certificate) fn apart<F: Form>(
    network: &Network<F>,
    known: &Ranges,
    schema: &Schema,
    boxes: &[RawRegion; 2],
    units: &[Rational],
    norm: Norm,
    constant: &Rational,
) -> Outcome {
    let ranges = boxes.each_ref().map(|part| known.over(network, &part.standardised(schema)?));
    let square = gaps(boxes, units).and_then(|gaps| norm_squared(&gaps, norm));
    let ([Some((p, q)), Some((from, to))], Some(square)) = (ranges, square) else {
        return Outcome::Open(Bounds::NONE);
    };
    let (up, down) = (&q - &from, &to - &p);
    let widest = if up > down { up } else { down };
    let (reached, limit) = (twice_square(&widest), &(constant * constant) * &square);
    // a pair of ranges cannot be closer than 0
    if widest >= Rational::ZERO && reached <= limit {
        Outcome::Holds
    } else {
        Outcome::Open(Bounds { reached: (&limit - &reached).down(), required: 0.0 })
    }
}

/// The least `|a_i − b_i|` in units of the distance, per feature.
pub(super) fn gaps(boxes: &[RawRegion; 2], units: &[Rational]) -> Option<Vec<Rational>> {
    let [first, second] = boxes;
    let sides = first.sides().iter().zip(second.sides()).zip(units);
    type Side<'a> = &'a (Rational, Rational);
    let gap = |(((low, high), (from, to)), unit): ((Side, Side), &Rational)| {
        let (below, above) = (from - high, low - to);
        let gap = if below > above { below } else { above };
        if gap > Rational::ZERO { &gap / unit } else { Some(Rational::ZERO) }
    };
    sides.map(gap).collect()
}
