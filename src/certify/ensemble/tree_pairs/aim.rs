//! The claim that a box of pairs must satisfy, in floats: a prediction of the kernel's answer.

use crate::spec::{Aim, Claim, On};

use super::product::{FALL, PairSums, RISE};

/// The claim on the margins of two points; see rule `tree-pairs`.
#[derive(Clone, Copy, Debug)]
pub(super) enum FloatAim {
    /// `m − m′ <= limit`.
    Change { limit: f64 },
    /// `√2·|σ(m) − σ(m′)| <= limit` where `m >= m′`.
    Posterior { limit: f64 },
    /// The same bound against a constant times the distance, which only the kernel measures.
    Distance,
    /// `m >= floor ⇒ m′ >= cutoff`.
    Confident { floor: f64, cutoff: f64 },
    /// `|m| >= margin ⇒` the labels agree.
    Flip { margin: f64 },
}

impl FloatAim {
    /// The aim of a claim about two points of an ensemble; `None` for other claims.
    pub(super) fn of(claim: &Claim) -> Option<Self> {
        Some(match &claim.pair()?.aim {
            Aim::Close { bound, on: On::Score, .. } => Self::Change { limit: bound.down() },
            Aim::Close { bound, on: On::Posterior, .. } => Self::Posterior { limit: bound.down() },
            Aim::Lipschitz { .. } => Self::Distance,
            Aim::Stays(scores) => Self::Confident {
                floor: scores.floor.below.down(),
                cutoff: scores.cutoff.above.up(),
            },
            Aim::Flip { margin, .. } => Self::Flip { margin: margin.below.down() },
            Aim::Order { .. } => return None,
        })
    }

    /// True if only differences count.
    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Change { .. })
    }

    /// The approximate amount by which the claim is missed; 0 or less if it holds.
    pub(super) fn missed(self, top: &PairSums) -> f64 {
        let [first, minus_first, second, minus_second, fall, rise] = *top;
        let sigma = |m: f64| 1.0 / (1.0 + (-m).exp());
        let gap = |change: f64, high: f64, low: f64| {
            let by_change = 2.0 * sigma(change / 2.0) - 1.0;
            std::f64::consts::SQRT_2 * by_change.min(sigma(high) - sigma(low)).max(0.0)
        };
        match self {
            Self::Change { limit } => fall - limit,
            Self::Posterior { limit } => gap(fall, first, -minus_second) - limit,
            Self::Distance => gap(fall, first, -minus_second).max(gap(rise, second, -minus_first)),
            Self::Confident { floor, cutoff } => {
                (first - floor).min(cutoff + minus_second).min(fall - (floor - cutoff))
            }
            Self::Flip { margin } => {
                let positive = (first - margin).min(minus_second).min(fall - margin);
                let negative = (minus_first - margin).min(second).min(rise - margin);
                positive.max(negative)
            }
        }
    }

    /// The place of the sum whose bound should fall.
    pub(super) fn pressing(self, top: &PairSums) -> usize {
        let [first, minus_first, second, minus_second, fall, rise] = *top;
        let is_rise = match self {
            Self::Flip { .. } => {
                first.min(minus_second).min(fall) <= minus_first.min(second).min(rise)
            }
            Self::Distance => rise > fall,
            Self::Change { .. } | Self::Posterior { .. } | Self::Confident { .. } => false,
        };
        if is_rise { RISE } else { FALL }
    }
}
