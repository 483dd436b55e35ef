//! Claims about two rows, two classes, `p = σ(m)` and `d` their distance:
//!
//! ```text
//! Lipschitz      v = √2·|p − p′| − L·d                        loss r(v)
//! divergence     v = min(ε₁ − d, KL(F‖F′) − ε₂)               loss r(ε₁ − d)·r(KL − ε₂ + ξ)
//! KL(F‖F′) = A(m′) − A(m) − p·(m′ − m),   A(m) = ln(1 + e^m)
//! ```
//!
//! Rows do not move, so there is nothing to seek: the loss is that of the rows themselves.

use std::f64::consts::SQRT_2;

use crate::spec::{Claim, PairBound};

use super::two::PairSlopes;

/// ξ: the margin by which strict comparisons are trained.
const STRICT: f64 = 1e-5;

/// A claim about pairs of rows. Its violation is in units of posteriors, or of distances and nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowsClaim {
    /// The posteriors of unordered pairs; the answers of equal rows are equal.
    Lipschitz {
        /// L.
        constant: f64,
    },
    /// The divergence of ordered pairs closer than ε₁.
    Divergence {
        /// ε₁.
        reach: f64,
        /// ε₂.
        limit: f64,
    },
}

/// The answer at a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowAnswer {
    margin: f64,
    /// p.
    posterior: f64,
    /// A.
    partition: f64,
}

impl RowAnswer {
    /// The answer with that margin.
    pub fn of(margin: f64) -> Self {
        let small = (-margin.abs()).exp();
        let posterior = if margin >= 0.0 { 1.0 } else { small } / (1.0 + small);
        Self { margin, posterior, partition: margin.max(0.0) + small.ln_1p() }
    }
}

impl RowsClaim {
    /// Returns `None` for other claims.
    pub fn of(claim: &Claim) -> Option<Self> {
        let Claim::AllPairs { bound, .. } = claim else { return None };
        Some(match bound {
            PairBound::Lipschitz { constant } => Self::Lipschitz { constant: constant.up() },
            PairBound::Divergence { reach, limit } => {
                Self::Divergence { reach: reach.up(), limit: limit.down() }
            }
        })
    }

    /// The distance from which on nothing is claimed.
    pub fn reach(&self) -> f64 {
        match self {
            // two posteriors are at most √2 apart
            Self::Lipschitz { constant } => SQRT_2 / constant,
            Self::Divergence { reach, .. } => *reach,
        }
    }

    /// The violation of an ordered pair; its slopes are those of the answers' part.
    pub fn violation(&self, pair: [RowAnswer; 2], distance: f64) -> PairSlopes {
        let excess = self.excess(pair, distance);
        match self {
            Self::Lipschitz { .. } => excess,
            Self::Divergence { reach, .. } => {
                PairSlopes { value: excess.value.min(reach - distance), ..excess }
            }
        }
    }

    /// The loss of an ordered pair, with its slopes by the margins.
    pub fn loss(&self, pair: [RowAnswer; 2], distance: f64) -> PairSlopes {
        let (factor, rest) = match self {
            Self::Lipschitz { .. } => (1.0, 0.0),
            Self::Divergence { reach, .. } => (reach - distance, STRICT),
        };
        let excess = self.excess(pair, distance);
        let value = excess.value + rest;
        let factor = if factor > 0.0 && value > 0.0 { factor } else { 0.0 };
        PairSlopes {
            value: if factor > 0.0 { factor * value } else { 0.0 },
            margins: excess.margins.map(|slope| factor * slope),
            distance: 0.0,
        }
    }

    /// The answers' part of the violation.
    fn excess(&self, [a, b]: [RowAnswer; 2], distance: f64) -> PairSlopes {
        let steep = |answer: RowAnswer| answer.posterior * (1.0 - answer.posterior);
        match self {
            Self::Lipschitz { constant } => {
                let change = a.posterior - b.posterior;
                let sign = if change == 0.0 { 0.0 } else { change.signum() };
                PairSlopes {
                    value: SQRT_2 * change.abs() - constant * distance,
                    margins: [SQRT_2 * sign * steep(a), -SQRT_2 * sign * steep(b)],
                    distance: -constant,
                }
            }
            Self::Divergence { limit, .. } => {
                let step = b.margin - a.margin;
                PairSlopes {
                    value: b.partition - a.partition - a.posterior * step - limit,
                    margins: [-steep(a) * step, b.posterior - a.posterior],
                    distance: 0.0,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: [RowsClaim; 2] =
        [RowsClaim::Lipschitz { constant: 0.2 }, RowsClaim::Divergence { reach: 1.5, limit: 0.05 }];

    #[test]
    fn slopes_are_central_differences() {
        for claim in CLAIMS {
            for (a, b) in [(0.3, -1.0), (2.0, 0.1), (-4.0, 3.0), (0.5, 0.4)] {
                let loss = |a: f64, b: f64| claim.loss([a, b].map(RowAnswer::of), 0.7);
                let h = 1e-6;
                let by_first = (loss(a + h, b).value - loss(a - h, b).value) / (2.0 * h);
                let by_second = (loss(a, b + h).value - loss(a, b - h).value) / (2.0 * h);
                let found = loss(a, b).margins;
                assert!((found[0] - by_first).abs() < 1e-7, "{claim:?} {a} {b}");
                assert!((found[1] - by_second).abs() < 1e-7, "{claim:?} {a} {b}");
            }
        }
    }

    #[test]
    fn the_divergence_is_that_of_the_definition() {
        let claim = RowsClaim::Divergence { reach: 1.0, limit: 0.0 };
        for (a, b) in [(0.3f64, -1.0f64), (2.0, 0.1), (-4.0, 3.0)] {
            let sigma = |m: f64| 1.0 / (1.0 + (-m).exp());
            let (p, q) = (sigma(a), sigma(b));
            let kl = p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln();
            let found = claim.violation([a, b].map(RowAnswer::of), 0.0).value;
            assert!((found - kl.min(1.0)).abs() < 1e-12);
        }
    }

    /// Equal rows break nothing: their answers are equal, and with `<=` the distance of 0 allows that.
    #[test]
    fn equal_rows_break_nothing() {
        for claim in CLAIMS {
            let pair = [RowAnswer::of(0.4); 2];
            assert!(claim.violation(pair, 0.0).value <= 0.0);
            assert_eq!(claim.loss(pair, 0.0).value, 0.0);
        }
    }

    #[test]
    fn far_pairs_break_nothing() {
        for claim in CLAIMS {
            let pair = [RowAnswer::of(30.0), RowAnswer::of(-30.0)];
            assert_eq!(claim.loss(pair, 1.001 * claim.reach()).value, 0.0);
            assert!(claim.loss(pair, 0.5 * claim.reach()).value > 0.0);
        }
    }
}
