//! The boundary property at a point `x` and a partner `x′` in its zone:
//!
//! ```text
//! min(|m(x)| − μ, −sign m(x)·m(x′))
//! ```
//!
//! The point is confident and the partner is not on its side. Two classes.

use crate::interval::Rational;
use crate::model::Model;
use crate::spec::{Aim, Bonds, Claim, Norm, Pair};

use super::slopes::{Sloped, margin, margin_row};

/// The boundary property; its violation is in units of scores. The zone's search is in `zone`.
#[derive(Clone, Copy, Debug)]
pub struct BoundaryClaim<'a> {
    /// μ: below `least` no point is confident, from `mu` on every point is.
    pub(super) least: f64,
    pub(super) mu: f64,
    /// Raw length of Δ, per feature.
    pub(super) shifts: &'a [Rational],
    /// The norm of zone `ball`; `None`: zone `axis`.
    pub(super) ball: Option<Norm>,
}

impl<'a> BoundaryClaim<'a> {
    /// Returns `None` for other claims.
    pub fn of(claim: &'a Claim) -> Option<Self> {
        let Pair { bonds, aim: Aim::Flip { margin, ball }, .. } = claim.pair()? else {
            return None;
        };
        let (Bonds::Shifted(shifts) | Bonds::Within { reach: shifts, .. }) = bonds else {
            return None;
        };
        let (least, mu) = (margin.below.down(), margin.above.up());
        Some(Self { least, mu, shifts, ball: ball.as_ref().map(|(_, norm)| *norm) })
    }

    /// The same claim about pairs that are bound elsewhere.
    pub(super) fn unbound(&self) -> BoundaryClaim<'static> {
        BoundaryClaim { least: self.least, mu: self.mu, shifts: &[], ball: self.ball }
    }

    /// μ: from this margin on, a point is confident.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// True if an answered posterior is as sure as one of margin μ.
    pub fn is_sure(&self, posterior: &[f64]) -> bool {
        let sure = 1.0 / (1.0 + (-self.mu).exp());
        let square = |p: f64| p * p;
        posterior.iter().map(|p| square(*p)).sum::<f64>() >= square(sure) + square(1.0 - sure)
    }

    /// True for zone `ball`.
    pub fn is_ball(&self) -> bool {
        self.ball.is_some()
    }

    /// The violation at a raw point beside the partner that [`BoundaryClaim::partner`] finds; −∞ if it finds
    /// none. If the point is not confident no partner is sought: `|m| − μ`, which is negative.
    pub fn at(&self, model: &Model, raw: &[f64]) -> f64 {
        let scores = model.scores(raw);
        let confidence = margin(&scores).abs() - self.mu;
        if confidence < 0.0 {
            return confidence;
        }
        let partner = self.partner(model, raw).map(|partner| model.scores(&partner));
        partner.map_or(f64::NEG_INFINITY, |other| self.by_scores([&scores, &other]).value)
    }

    /// The violation, and its slopes by the scores at the point and at its partner.
    pub fn by_scores(&self, [point, partner]: [&[f64]; 2]) -> Sloped<2> {
        let side = margin(point).signum();
        let (confidence, flip) = (margin(point).abs() - self.mu, -side * margin(partner));
        if flip < confidence {
            Sloped { value: flip, slopes: [margin_row(0.0), margin_row(-side)] }
        } else {
            Sloped { value: confidence, slopes: [margin_row(side), margin_row(0.0)] }
        }
    }
}
