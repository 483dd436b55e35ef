//! Claims that a confident answer stays: at `x` and a changed copy `x′`,
//!
//! ```text
//! min(m(x) − k, c − m(x′))
//! ```
//!
//! The first answer is confident, and the second is below the cutoff.

use crate::spec::{Aim, Claim};

use super::slopes::{Sloped, margin, margin_row};

/// A claim that confidence survives a change. Its violation is in units of scores; that the points are bound as
/// the claim says is the caller's affair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StaysClaim {
    /// k: the score of a confident answer.
    floor: f64,
    /// c: the score that it must keep.
    cutoff: f64,
}

impl StaysClaim {
    /// Returns `None` for other claims.
    pub fn of(claim: &Claim) -> Option<Self> {
        let Aim::Stays(confidence) = &claim.pair()?.aim else { return None };
        let (floor, cutoff) = (confidence.floor.below.down(), confidence.cutoff.above.up());
        Some(Self { floor, cutoff })
    }

    /// `m − k` and `c − m′`: both positive where the claim fails.
    pub(super) fn parts(&self, [point, changed]: [f64; 2]) -> [f64; 2] {
        [point - self.floor, self.cutoff - changed]
    }

    /// The violation, and its slopes by the scores at both points.
    pub fn by_scores(&self, [point, changed]: [&[f64]; 2]) -> Sloped<2> {
        let [confident, lost] = self.parts([margin(point), margin(changed)]);
        if lost < confident {
            Sloped { value: lost, slopes: [margin_row(0.0), margin_row(-1.0)] }
        } else {
            Sloped { value: confident, slopes: [margin_row(1.0), margin_row(0.0)] }
        }
    }
}
