//! Claims about two points as functions of their margins `m`, `m′` and of their distance, two classes: how far
//! they fail, and the losses by which networks are trained for them, with `r(v) = max(0, v)` and ξ = 10⁻⁵:
//!
//! ```text
//! close, order, Lipschitz    r(v), the violation
//! stays                      r(m − k + ξ)·r(c − m′)
//! boundary, product          r(−m·m′)·r(|m| − μ)
//! boundary, relax            1[m·m′ < 0]·r(|m| − 0.9 μ)
//! ```
//!
//! A loss is 0 iff the claim holds of the pair; a strict one asks for ξ more. `relax` falls as the point loses
//! confidence alone, and asks for a tenth more than the claim.

use crate::spec::{Aim, Claim};

use super::boundary::BoundaryClaim;
use super::slopes::Sloped;
use super::{LipschitzClaim, MonotoneClaim, NearClaim, StaysClaim};

/// ξ: the margin by which strict comparisons are trained.
const STRICT: f64 = 1e-5;
/// The share of μ from which `relax` takes a point for confident.
const RELAXED: f64 = 0.9;

/// A number with its slopes by the margins at two points and by their distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairSlopes {
    /// The number.
    pub value: f64,
    /// Its slopes by `m` and `m′`; where it has a kink, those of one side.
    pub margins: [f64; 2],
    /// Its slope by the distance.
    pub distance: f64,
}

/// The loss of the boundary property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlipLoss {
    /// `r(−m·m′)·r(|m| − μ)`: labels may be made to agree, or the point unsure.
    #[default]
    Product,
    /// `1[m·m′ < 0]·r(|m| − 0.9 μ)`: where labels differ, the point is made unsure.
    Relax,
}

/// A claim about two points that are bound to each other, which is the caller's affair. Two classes.
#[derive(Clone, Debug)]
pub struct PairClaim {
    kind: PairKind,
    /// True if the change must stay below the bound.
    is_strict: bool,
}

#[derive(Clone, Debug)]
enum PairKind {
    Near(NearClaim),
    Lipschitz(LipschitzClaim),
    Order(MonotoneClaim),
    Stays(StaysClaim),
    /// Without its shifts: they are bonds.
    Flip(BoundaryClaim<'static>),
}

impl PairSlopes {
    const ZERO: Self = Self { value: 0.0, margins: [0.0; 2], distance: 0.0 };

    /// `r` of the number.
    fn positive(self) -> Self {
        // NaN is kept, so that it is seen
        if self.value <= 0.0 { Self::ZERO } else { self }
    }

    fn plus(self, by: f64) -> Self {
        Self { value: self.value + by, ..self }
    }

    /// The product of two numbers.
    fn times(self, other: Self) -> Self {
        let both = |a: f64, b: f64| a * other.value + b * self.value;
        Self {
            value: self.value * other.value,
            margins: [0, 1].map(|i| both(self.margins[i], other.margins[i])),
            distance: both(self.distance, other.distance),
        }
    }

    fn of(sloped: &Sloped<2>) -> Self {
        // the slope by the score of class 1 is the one by the margin
        let last = |slopes: &Vec<f64>| slopes.last().copied().unwrap_or(0.0);
        Self { value: sloped.value, margins: sloped.slopes.each_ref().map(last), distance: 0.0 }
    }
}

impl PairClaim {
    /// Returns `None` for claims that are not about two points.
    pub fn of(claim: &Claim) -> Option<Self> {
        let pair = claim.pair()?;
        let is_strict = matches!(pair.aim, Aim::Close { is_strict: true, .. });
        let kind = match &pair.aim {
            Aim::Close { .. } => PairKind::Near(NearClaim::of(claim)?),
            Aim::Lipschitz { .. } => PairKind::Lipschitz(LipschitzClaim::of(claim)?),
            Aim::Order { .. } => PairKind::Order(MonotoneClaim::of(claim)?),
            Aim::Stays(_) => PairKind::Stays(StaysClaim::of(claim)?),
            Aim::Flip { .. } => PairKind::Flip(BoundaryClaim::of(claim)?.unbound()),
        };
        Some(Self { kind, is_strict })
    }

    /// True for the boundary property, whose second point has another label.
    pub fn is_flip(&self) -> bool {
        matches!(self.kind, PairKind::Flip(_))
    }

    /// The violation of two points with these margins at that distance: positive only if the claim fails. Where
    /// it is not known to hold, its slopes lead towards failing.
    pub fn violation(&self, [a, b]: [f64; 2], distance: f64) -> PairSlopes {
        let scores = [&[0.0, a][..], &[0.0, b]];
        match &self.kind {
            PairKind::Near(claim) => {
                let slopes = PairSlopes::of(&claim.by_scores(scores));
                if a == b { PairSlopes { margins: PULL_APART, ..slopes } } else { slopes }
            }
            PairKind::Lipschitz(claim) => {
                let slopes = PairSlopes::of(&claim.by_scores(scores, distance));
                let distance = -claim.constant();
                if a == b {
                    return PairSlopes { value: f64::NEG_INFINITY, margins: PULL_APART, distance };
                }
                PairSlopes { distance, ..slopes }
            }
            PairKind::Order(claim) => PairSlopes::of(&claim.by_scores(scores)),
            PairKind::Stays(claim) => PairSlopes::of(&claim.by_scores(scores)),
            PairKind::Flip(claim) => PairSlopes::of(&claim.by_scores(scores)),
        }
    }

    /// The loss of the pair, at least 0; `flip` says which one the boundary property has.
    pub fn loss(&self, margins: [f64; 2], distance: f64, flip: FlipLoss) -> PairSlopes {
        match &self.kind {
            PairKind::Near(_) | PairKind::Lipschitz(_) | PairKind::Order(_) => {
                let rest = if self.is_strict { STRICT } else { 0.0 };
                self.violation(margins, distance).plus(rest).positive()
            }
            PairKind::Stays(claim) => {
                let [confident, lost] = claim.parts(margins);
                let number = |value, margins| PairSlopes { value, margins, distance: 0.0 };
                let confident = number(confident, [1.0, 0.0]).plus(STRICT).positive();
                confident.times(number(lost, [0.0, -1.0]).positive())
            }
            PairKind::Flip(claim) => flip.of(margins, claim.mu()),
        }
    }
}

/// The slopes of a change at points with equal answers, where `|m − m′|` has none: one of the two ways.
const PULL_APART: [f64; 2] = [1e-12, -1e-12];

impl FlipLoss {
    fn of(self, [m, other]: [f64; 2], mu: f64) -> PairSlopes {
        let product = m * other;
        if product >= 0.0 {
            return PairSlopes::ZERO;
        }
        let sign = m.signum();
        let sure = |from: f64| {
            PairSlopes { value: m.abs() - from, margins: [sign, 0.0], distance: 0.0 }.positive()
        };
        match self {
            Self::Product => {
                let flips = PairSlopes { value: -product, margins: [-other, -m], distance: 0.0 };
                flips.times(sure(mu))
            }
            Self::Relax => sure(RELAXED * mu),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::violation::tests::two_point_claims;

    fn is_near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * (1.0 + a.abs())
    }

    /// Central differences, away from kinks: there the two sides differ.
    fn expect_slopes(f: impl Fn([f64; 2], f64) -> PairSlopes, m: [f64; 2], d: f64) {
        const H: f64 = 1e-6;
        let at = f(m, d);
        let moved = [
            |m: [f64; 2], d: f64, h: f64| ([m[0] + h, m[1]], d),
            |m: [f64; 2], d: f64, h: f64| ([m[0], m[1] + h], d),
            |m: [f64; 2], d: f64, h: f64| (m, d + h),
        ];
        let found = [at.margins[0], at.margins[1], at.distance];
        for (moved, slope) in moved.into_iter().zip(found) {
            let value = |h: f64| {
                let (m, d) = moved(m, d, h);
                f(m, d).value
            };
            let [up, down] =
                [(value(H) - at.value) / H, (at.value - value(-H)) / H].map(|s| (s * 1e3).round());
            if up == down {
                let central = (value(H) - value(-H)) / (2.0 * H);
                assert!(is_near(slope, central), "{slope} is not {central} at {m:?}, {d}");
            }
        }
    }

    #[test]
    fn slopes_are_central_differences() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (name, claim) in two_point_claims() {
            let claim = PairClaim::of(&claim).unwrap_or_else(|| panic!("{name}"));
            for _ in 0..200 {
                let m = [rng.random_range(-3.0..3.0), rng.random_range(-3.0..3.0)];
                let d = rng.random_range(0.1..2.0);
                expect_slopes(|m, d| claim.violation(m, d), m, d);
                for flip in [FlipLoss::Product, FlipLoss::Relax] {
                    expect_slopes(|m, d| claim.loss(m, d, flip), m, d);
                }
            }
        }
    }

    #[test]
    fn a_loss_is_positive_iff_the_claim_fails() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for (name, claim) in two_point_claims() {
            let claim = PairClaim::of(&claim).unwrap();
            let mut seen = [0; 2];
            for _ in 0..500 {
                let m = [rng.random_range(-3.0..3.0), rng.random_range(-3.0..3.0)];
                let d = rng.random_range(0.1..2.0);
                let is_violated = claim.violation(m, d).value > 0.0;
                let loss = claim.loss(m, d, FlipLoss::Product).value;
                assert!(loss >= 0.0);
                if loss.abs() > 2.0 * STRICT || is_violated {
                    assert_eq!(loss > 0.0, is_violated, "{name} {m:?} {d}");
                }
                let relaxed = claim.loss(m, d, FlipLoss::Relax).value;
                assert!(!is_violated || relaxed > 0.0, "{name} {m:?} {d}");
                seen[usize::from(is_violated)] += 1;
            }
            assert!(seen.iter().all(|count| *count > 0), "{name}: {seen:?}");
        }
    }

    /// The loss of a formula is flat where the claim holds; the violation is not, so that an ascent gets there.
    #[test]
    fn equal_answers_are_pulled_apart() {
        for (name, claim) in two_point_claims() {
            let claim = PairClaim::of(&claim).unwrap();
            if matches!(claim.kind, PairKind::Near(_) | PairKind::Lipschitz(_)) {
                let slopes = claim.violation([0.5, 0.5], 1.0).margins;
                assert!(slopes[0] > 0.0 && slopes[1] < 0.0, "{name}");
                assert_eq!(claim.loss([0.5, 0.5], 1.0, FlipLoss::Product).value, 0.0, "{name}");
            }
        }
    }

    /// Flat for a confident point on the right side; steep only where the partner's label differs.
    #[test]
    fn the_boundary_losses_say_what_the_reference_says() {
        let (m, other, mu) = (2.0, -1.5, 0.5);
        let product = FlipLoss::Product.of([m, other], mu);
        assert_eq!(product.value, (m * 1.5) * (m - mu));
        let relax = FlipLoss::Relax.of([m, other], mu);
        assert_eq!(relax.value, m - 0.9 * mu);
        assert_eq!(relax.margins, [1.0, 0.0]);
        for flip in [FlipLoss::Product, FlipLoss::Relax] {
            assert_eq!(flip.of([m, 1.0], mu), PairSlopes::ZERO);
            assert_eq!(flip.of([0.3, -1.0], mu), PairSlopes::ZERO);
        }
    }
}
