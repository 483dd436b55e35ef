//! Comparisons in floats, for the many pairs that are not close to a limit.

use crate::interval::Rational;

use super::exact::Relation;

/// The relative distance that two sides must have to be compared in floats.
const SLACK: f64 = 1.0 / (1 << 19) as f64;
/// Squares outside `[LEAST, 1/LEAST]` are decided exactly: inside nothing underflows or overflows.
const LEAST: f64 = 1e-140;

/// A float within `radius` of an exact value; an infinite or NaN radius says nothing.
#[derive(Clone, Copy)]
pub(super) struct Approximate {
    pub(super) centre: f64,
    pub(super) radius: f64,
}

impl Approximate {
    pub(super) fn around(low: &Rational, high: &Rational) -> Self {
        let (low, high) = (low.down(), high.up());
        let centre = low / 2.0 + high / 2.0;
        let (below, above) = (centre - low, high - centre);
        Self { centre, radius: if below > above { below } else { above }.next_up() }
    }
}

/// `L²` for comparisons in floats.
pub(super) struct RateLimits {
    /// Less than L².
    low: f64,
    /// More than L².
    high: f64,
    /// Squares of distances that are compared in floats.
    least: f64,
    most: f64,
}

impl RateLimits {
    pub(super) fn new(constant: &Rational, error: f64) -> Self {
        let rate = (constant * constant).down();
        let is_small = rate < LEAST && *constant != Rational::ZERO;
        Self {
            low: rate * (1.0 - SLACK),
            high: rate * (1.0 + SLACK),
            least: if is_small || rate > 1.0 / LEAST { f64::INFINITY } else { trusted_from(error) },
            most: 1.0 / LEAST,
        }
    }

    /// Two flags: that `2·gap² <= L²·square` holds for certain, and that it fails for certain, for every `gap`
    /// within `radius` of the given.
    pub(super) fn compare(&self, gap: f64, radius: f64, square: f64) -> (bool, bool) {
        let (top, bottom) = (gap + radius, gap - radius);
        let is_trusted = (square >= self.least) & (square <= self.most);
        let holds = is_trusted & (2.0 * top * top <= self.low * square);
        let fails = is_trusted & (bottom > 0.0) & (2.0 * bottom * bottom >= self.high * square);
        (holds, fails)
    }
}

/// The least square that is off by at most 2⁻²¹ of itself.
fn trusted_from(error: f64) -> f64 {
    let length = error * (1 << 24) as f64;
    let square = length * length;
    // NaN and infinity stay
    if square < LEAST { LEAST } else { square }
}

/// `ε₁²` for comparisons in floats.
pub(super) struct SquareZone {
    /// From here on a pair is vacuous for certain.
    far: f64,
    /// Up to here a pair is not vacuous, for certain.
    near: f64,
}

impl SquareZone {
    pub(super) fn new(reach: &Rational, error: f64) -> Self {
        let square = reach * reach;
        let (low, high) = (square.down() * (1.0 - SLACK), square.up() * (1.0 + SLACK));
        let trusted = trusted_from(error);
        Self {
            far: if high > trusted { high } else { trusted },
            // a square that is not trusted is at most 2·trusted
            near: if low > 4.0 * trusted { low } else { f64::NEG_INFINITY },
        }
    }

    pub(super) fn is_far(&self, square: f64) -> bool {
        square >= self.far && square <= 1.0 / LEAST
    }

    pub(super) fn is_near(&self, square: f64) -> bool {
        square <= self.near
    }
}

/// The numbers of a site that the divergence needs.
pub(super) enum Divergent {
    /// Of the model: m, F and A.
    Scores { margin: Approximate, posterior: Approximate, softplus: Approximate },
    /// Behind a defense, by class: the answer and its logarithm.
    Answers([(Approximate, Approximate); 2]),
}

impl Divergent {
    /// The divergence against `[below, above]` around the limit; `None` if too close.
    pub(super) fn compare(&self, other: &Self, limit: (f64, f64)) -> Option<Relation> {
        match (self, other) {
            (
                Self::Scores { margin, posterior, softplus },
                Self::Scores { margin: next, softplus: beyond, .. },
            ) => by_scores((margin, posterior, softplus), (next, beyond), limit),
            (Self::Answers(own), Self::Answers(other)) => by_answers(own, other, limit),
            (Self::Scores { .. }, Self::Answers(_)) | (Self::Answers(_), Self::Scores { .. }) => {
                None
            }
        }
    }
}

/// `A(m′) − A(m) − F·(m′ − m)`.
fn by_scores(
    (margin, posterior, softplus): (&Approximate, &Approximate, &Approximate),
    (next, beyond): (&Approximate, &Approximate),
    limit: (f64, f64),
) -> Option<Relation> {
    let step = next.centre - margin.centre;
    let value = (beyond.centre - softplus.centre) - posterior.centre * step;
    let radii = beyond.radius
        + softplus.radius
        + next.radius
        + margin.radius
        + posterior.radius * step.abs();
    let sizes = [softplus, beyond, margin, next];
    let sizes = sizes.iter().fold(0.0, |sum, ball| sum + ball.centre.abs());
    told(value, radii, sizes, limit)
}

/// `Σ_c P_c·(ln P_c − ln Q_c)`.
fn by_answers(
    own: &[(Approximate, Approximate); 2],
    other: &[(Approximate, Approximate); 2],
    limit: (f64, f64),
) -> Option<Relation> {
    let (mut value, mut radii, mut sizes) = (0.0, 0.0, 0.0);
    for ((answer, ln), (_, other_ln)) in own.iter().zip(other) {
        let (step, spread) = (ln.centre - other_ln.centre, ln.radius + other_ln.radius);
        value += answer.centre * step;
        radii += answer.radius * (step.abs() + spread) + answer.centre.abs() * spread;
        sizes += answer.centre.abs() * (ln.centre.abs() + other_ln.centre.abs());
    }
    told(value, radii, sizes, limit)
}

/// A sum that is off by `radii`, and by the rounding of at most four steps of terms of these sizes, against the limit.
fn told(value: f64, radii: f64, sizes: f64, (below, above): (f64, f64)) -> Option<Relation> {
    // doubled, which pays for the roundings of the error itself
    let error = 2.0 * (radii + 4.0 * f64::EPSILON * sizes) + LEAST;
    if value + error < below {
        Some(Relation::Holds)
    } else if value - error > above {
        Some(Relation::Fails)
    } else {
        None
    }
}
