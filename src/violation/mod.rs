//! A statement in floats with its gradient: used by attacks on claims, by training losses, by sampled
//! accuracy. Nothing here is evidence; the kernel evaluates exactly.
//!
//! A *violation* is the amount by which a claim fails at a point, or at a pair of points: negative where
//! the claim holds, positive where it fails, in the unit of the claim. At 0 only exact arithmetic tells.
//! One file per kind of claim; `m` is the margin of class 1, `F` the posterior:
//!
//! ```text
//! label       κ − m_y(x)   or   (1 − δ) − F_y(x)
//! monotone    ±(score(low) − score(high))
//! boundary    min(|m(x)| − μ, −sign m(x)·m(x′))
//! stays       min(m(x) − k, c − m(x′))
//! change      |m(a) − m(b)| − b   or   ‖F(a) − F(b)‖₂ − b   or   ‖F(a) − F(b)‖₂ − L·‖a − b‖
//! outputs     min over the rows of an unsafe block of  rhs − y·f
//! ```
//!
//! Every claim is a function of scores (logits), and `by_scores` gives its value with its slopes, one vector
//! per point: what a trainer carries back through its own network. [`Sloped::at_points`] carries them on to
//! the points, through a model. Points are raw, and so are slopes by points, unless a name says
//! `standardised`. Of a defended model, only claims about one label are about its answers here; a defense loses
//! the others, and their values are those of the model itself.

mod boundary;
mod change;
mod label;
mod loss;
mod monotone;
pub mod outputs;
mod rows;
mod slopes;
mod space;
mod stays;
mod two;
mod zone;

#[cfg(test)]
mod tests;

use crate::defense::Defense;
use crate::model::Model;
use crate::spec::Claim;

pub use boundary::BoundaryClaim;
pub use change::{LipschitzClaim, NearClaim};
pub use label::LabelClaim;
pub use loss::mean_hinge;
pub use monotone::MonotoneClaim;
pub use rows::{RowAnswer, RowsClaim};
pub use slopes::{Sloped, contrast, margin_slopes, slopes};
pub use space::FloatBox;
pub use stays::StaysClaim;
pub use two::{FlipLoss, PairClaim, PairSlopes};

/// A claim about every single point of a region.
#[derive(Clone, Debug)]
pub enum PointClaim<'a> {
    /// About one label.
    Label(LabelClaim),
    /// The boundary property; the partner of a point is sought in its zone.
    Boundary(BoundaryClaim<'a>),
}

impl<'a> PointClaim<'a> {
    /// Returns `None` for claims about pairs of points, rows or outputs.
    pub fn of(claim: &'a Claim, classes: usize) -> Option<Self> {
        let label = || LabelClaim::of(claim, classes).map(Self::Label);
        label().or_else(|| BoundaryClaim::of(claim).map(Self::Boundary))
    }

    /// The violation at a raw point, of the defended answers if there is a defense; −∞ for the boundary
    /// property behind one, where no point is sought.
    pub fn at(&self, model: &Model, defense: Option<&Defense>, raw: &[f64]) -> f64 {
        match (self, defense) {
            (Self::Label(claim), _) => claim.at(model, defense, raw),
            (Self::Boundary(claim), None) => claim.at(model, raw),
            (Self::Boundary(_), Some(_)) => f64::NEG_INFINITY,
        }
    }
}
